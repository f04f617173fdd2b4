"""What a receiver puts in the place of lost packets of a waveform codec: ITU-T G.711 Appendix I (1999).

Repetition of the last pitch period (two from 10 ms on, three from 20 ms on), after 10 ms fading by 20 % in 10 ms,
silent from 60 ms on; crossfaded at both ends. Two liberties: the algorithm's 3.75 ms of delay are taken off, so that
what is heard stays in place, and it works in floating point. Rates above 8 kHz, which the appendix does not treat,
keep its times: numbers of samples grow with the rate.
"""

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Signal

# Appendix I, at 8 kHz: a step of 10 ms, pitch of 5 to 15 ms, correlation over 20 ms, each second sample at first.
BASE_HZ = 8000
STEP = 80
PITCH_MIN, PITCH_MAX = 40, 120
CORRELATION = 160
DECIMATION = 2
HISTORY = 3 * PITCH_MAX + PITCH_MAX // 4
OVERLAP_GROWTH = 32
# A floor under the energy, 250 on the scale of 16-bit samples.
POWER_FLOOR = 250.0 / 32768**2
FADE_PER_STEP = 0.2
HEARD_STEPS = 6
MOST_PERIODS = 3


def conceal(signal: Signal, lost: NDArray[np.bool_], *, packet: int, sample_rate: int) -> Signal:
    """Return the signal, shape=(n,), with its lost packets replaced.

    Packet i is the samples i · ``packet`` up to (i + 1) · ``packet``, whole steps of 10 ms at ``sample_rate``, a
    multiple of 8 kHz; what is in a lost one is ignored. Up to 7.5 ms before a gap and 10 ms after it change.
    """
    scale = sample_rate // BASE_HZ
    history, step = HISTORY * scale, STEP * scale
    # Room before for a gap at the start, and after for the blend that follows the last packet.
    sound = np.concatenate([np.zeros(history), signal, np.zeros(packet + step)])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    for first, end in zip(edges[0::2] * packet, edges[1::2] * packet, strict=True):
        _fill(sound, history + int(first), (int(end) - int(first)) // step, scale)
    return sound[history : history + len(signal)]


def _fill(sound: Signal, start: int, steps: int, scale: int) -> None:
    """Replace ``steps`` of 10 ms from ``start`` on, in place, and blend into what is on either side."""
    step = STEP * scale
    past = sound[start - HISTORY * scale : start].copy()
    if not past.any():
        sound[start : start + steps * step] = 0.0
        return
    voice = _Repetition(past, _pitch(past, scale))
    sound[start - voice.overlap : start] = voice.past[-voice.overlap :]
    for index in range(min(steps, HEARD_STEPS)):
        gain = 1.0 if index == 0 else _gain(index - 1) - FADE_PER_STEP * np.arange(step) / step
        sound[start + index * step : start + (index + 1) * step] = voice.take(step, longer=index in (1, 2)) * gain
    end = start + steps * step
    sound[start + HEARD_STEPS * step : end] = 0.0
    blend = min(voice.overlap + (steps - 1) * OVERLAP_GROWTH * scale, step)
    sound[end : end + blend] = _crossfaded(voice.take(blend) * _gain(steps - 1), sound[end : end + blend])


def _gain(faded_steps: int) -> float:
    return max(0.0, 1.0 - FADE_PER_STEP * faded_steps)


class _Repetition:
    """The last one, two or three pitch periods of the past, over and over."""

    def __init__(self, past: Signal, pitch: int) -> None:
        self.past = past
        self.pitch = pitch
        self.overlap = pitch // 4
        self._last = past[-self.overlap :].copy()
        self._periods = 1
        self._offset = 0
        self._join()

    def take(self, count: int, *, longer: bool = False) -> Signal:
        """Return the next samples; ``longer`` goes over to one more period, crossfaded."""
        if not longer or self._periods == MOST_PERIODS:
            return self._next(count)
        offset = self._offset
        before = self._next(self.overlap)
        self._periods += 1
        self._offset = (offset - 1) % self.pitch + 1 if offset else 0
        self._join()
        sound = self._next(count)
        sound[: self.overlap] = _crossfaded(before, sound[: self.overlap])
        return sound

    def _join(self) -> None:
        """Blend the end of the past into its repetition."""
        start = len(self.past) - self._periods * self.pitch
        self.past[-self.overlap :] = _crossfaded(self._last, self.past[start - self.overlap : start])

    def _next(self, count: int) -> Signal:
        length = self._periods * self.pitch
        place = (self._offset + np.arange(count)) % length
        self._offset = (self._offset + count) % length
        return self.past[len(self.past) - length + place]


def _crossfaded(old: Signal, new: Signal) -> Signal:
    weight = np.arange(1, len(new) + 1) / len(new)
    return (1.0 - weight) * old + weight * new


def _pitch(past: Signal, scale: int) -> int:
    """Return the lag in samples at which the last 20 ms are most like what was before, coarse then fine."""
    span, longest, coarse = CORRELATION * scale, PITCH_MAX * scale, DECIMATION * scale
    recent = past[-span:]
    # Row i is the past ``longest`` − i samples earlier.
    earlier = np.lib.stride_tricks.sliding_window_view(past[-span - longest : len(past) - PITCH_MIN * scale], span)
    likeness = _likeness(earlier[::coarse, ::coarse], recent[::coarse])
    best = (len(likeness) - 1 - int(np.argmax(likeness[::-1]))) * coarse
    first = max(0, best - coarse + 1)
    return longest - first - int(np.argmax(_likeness(earlier[first : best + coarse], recent)))


def _likeness(earlier: Signal, recent: Signal) -> Signal:
    energy = np.einsum("ij,ij->i", earlier, earlier)
    likeness: Signal = earlier @ recent / np.sqrt(np.maximum(energy, POWER_FLOOR))
    return likeness
