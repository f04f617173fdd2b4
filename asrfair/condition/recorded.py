"""Noise made from recordings: other talkers, the user's own files.

The conventions are those of `asrfair.condition.noise`.
"""

from typing import Annotated

import numpy as np

from asrfair.condition.effect import Circumstances, Range, Signal
from asrfair.condition.level import active_level_db
from asrfair.condition.snr import amplitude
from asrfair.errors import InputError

CROSSFADE_S = 0.01
# A frame of speech analysis: what is shorter would be heard as a tone, not as the recording.
SHORTEST_S = 0.01


def babble(length: int, circumstances: Circumstances, *, talkers: Annotated[int, Range(1, 100)]) -> Signal:
    """Return other talkers of the same corpus, all at the same active speech level.

    Each is looped to the utterance's length from a random place. Raises InputError for a silent talker and
    for another number of talkers than ``talkers``.
    """
    if len(circumstances.materials) != talkers:
        raise InputError(f"babble: found {len(circumstances.materials)} other talkers; expected {talkers}")
    noise = np.zeros(length)
    for talker in circumstances.materials:
        if not talker.any():
            raise InputError("babble: found a silent talker; expected speech")
        level_db = active_level_db(talker, sample_rate=circumstances.sample_rate)
        start = int(circumstances.rng.integers(len(talker)))
        heard = _looped(talker, start, length)
        heard *= amplitude(-level_db)
        noise += heard
    return noise


def recorded_noise(
    length: int, circumstances: Circumstances, *, recordings: str, classes: tuple[str, ...] = ()
) -> Signal:
    """Return a recording of the user's (`asrfair.condition.recordings`), from a random place on.

    ``classes`` are those of the recordings to draw from; none: all. A recording shorter than the utterance is
    looped, its ends crossfaded over 10 ms. Raises InputError for a recording that is silent throughout or shorter
    than 10 ms; a draw that lands on digital silence moves on to the next sound.
    """
    if len(circumstances.materials) != 1:
        raise InputError(f"recorded_noise: found {len(circumstances.materials)} recordings; expected 1")
    recording = circumstances.materials[0]
    if not recording.any():
        raise InputError(f"recorded_noise: found a silent recording in {recordings}; expected noise")
    rate = circumstances.sample_rate
    if len(recording) < SHORTEST_S * rate:
        raise InputError(
            f"recorded_noise: found a recording of {len(recording) / rate * 1000:.3g} ms in {recordings}; "
            f"expected {SHORTEST_S * 1000:g} ms at least"
        )
    if len(recording) < length:
        loop = _crossfaded(recording, round(CROSSFADE_S * rate))
        return _looped(loop, int(circumstances.rng.integers(len(loop))), length)
    return _excerpt(recording, length, circumstances.rng)


def _looped(material: Signal, start: int, length: int) -> Signal:
    """Return shape=(length,), a new array: the material from ``start`` on, over and over."""
    looped = np.empty(length)
    filled = min(length, len(material) - start)
    looped[:filled] = material[start : start + filled]
    while filled < length:
        piece = material[: length - filled]
        looped[filled : filled + len(piece)] = piece
        filled += len(piece)
    return looped


def _excerpt(recording: Signal, length: int, rng: np.random.Generator) -> Signal:
    last = len(recording) - length
    start = int(rng.integers(last + 1))
    if not recording[start : start + length].any():
        sounds = np.flatnonzero(recording)
        start = min(int(sounds[np.searchsorted(sounds, start) % len(sounds)]), last)
    return recording[start : start + length].copy()


def _crossfaded(recording: Signal, fade: int) -> Signal:
    """Return a loop whose end runs into its start: the last samples fade, at equal power, into the first."""
    fade = min(fade, len(recording) // 4)
    if fade == 0:
        return recording
    angle = (np.arange(fade) + 0.5) / fade * (np.pi / 2)
    blend = recording[-fade:] * np.cos(angle) + recording[:fade] * np.sin(angle)
    return np.concatenate([recording[fade:-fade], blend])
