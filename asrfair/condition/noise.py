"""Noise made from random numbers: white, pink, brown, speech-shaped.

Conventions
-----------
An effect here returns the noise alone, to any scale, shape=(length,); how it is added to speech, and what an SNR
is: `asrfair.condition.snr`. The noise does not depend on the SNR.

Coloured noise is Gaussian, made in blocks of two seconds or more: random complex amplitudes, shaped, and one inverse
Fourier transform. A block crossfades into the next at equal power over a sixteenth of its length.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from asrfair.condition.effect import Circumstances, Signal
from asrfair.condition.gaussian import gaussian
from asrfair.condition.level import active_level_db
from asrfair.condition.snr import amplitude
from asrfair.errors import InputError

# Below it, pink and brown noise would put most of their power where nothing is heard.
LOW_HZ = 20.0
# The shortest block of coloured noise: it resolves half a hertz.
BLOCK_S = 2.0
# Of a block, what crossfades with the next.
FADE_PART = 16
# Windows of the corpus's own spectrum, half overlapping: they resolve 16 Hz.
WINDOW_S = 0.064
# Byrne et al. 1994, table II: long-term average speech spectrum, male and female combined, as levels in third-octave
# bands from 63 Hz to 16 kHz, normalised to 70 dB overall.
# fmt: off
BYRNE_1994_DB = (
    38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7,
    53.0, 52.0, 48.7, 48.1, 46.8, 45.6, 44.5, 44.3, 43.7, 43.4, 41.3, 40.7,
)
# fmt: on
# The lower edge of the band of 63 Hz as a power of ten, in tenths: IEC 61260-1, base-ten bands.
BYRNE_1994_FIRST_EDGE = 17.5


def white_noise(length: int, circumstances: Circumstances) -> Signal:
    """Return Gaussian noise with equal power at all frequencies."""
    return gaussian(circumstances.rng, length)


def pink_noise(length: int, circumstances: Circumstances) -> Signal:
    """Return Gaussian noise with equal power in every octave above 20 Hz (power falls by 3.01 dB per octave)."""
    return _coloured(length, circumstances, "pink")


def brown_noise(length: int, circumstances: Circumstances) -> Signal:
    """Return Gaussian noise whose power falls by 6.02 dB per octave above 20 Hz, as that of a random walk does."""
    return _coloured(length, circumstances, "brown")


def speech_shaped_noise(
    length: int, circumstances: Circumstances, *, spectrum: Literal["byrne1994", "corpus"] = "byrne1994"
) -> Signal:
    """Return Gaussian noise with a long-term average speech spectrum.

    ``byrne1994``: the international one of Byrne et al. 1994 (J. Acoust. Soc. Am. 96(4), 2108–2120, table II, male
    and female combined), flat within each third-octave band, nothing below 56 Hz and above 17.8 kHz. ``corpus``: the
    mean power spectrum of the corpus's voices, which are the materials, each at the same active level, above 20 Hz.
    Raises InputError for ``corpus`` without voices, or with a silent one.
    """
    colour = _Voices(circumstances.materials) if spectrum == "corpus" else spectrum
    return _coloured(length, circumstances, colour)


class _Voices:
    """The voices of a corpus as a key: equal to another with the same arrays, not just arrays of equal values."""

    def __init__(self, samples: Sequence[Signal]) -> None:
        self.samples = tuple(samples)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Voices) and [*map(id, self.samples)] == [*map(id, other.samples)]

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.samples)))


def _coloured(length: int, circumstances: Circumstances, colour: str | _Voices) -> Signal:
    """Return Gaussian noise, shape=(length,), with the spectrum of a colour of `COLOURS` or of voices."""
    rate = circumstances.sample_rate
    size = 1 << math.ceil(math.log2(BLOCK_S * rate))
    shape = _named_shape(colour, rate, size) if isinstance(colour, str) else _voices_shape(colour, rate, size)
    if length <= size:
        return _block(circumstances.rng, shape)[:length]
    fade = size // FADE_PART
    hop = size - fade
    rise = np.sin((np.arange(fade) + 0.5) / fade * (np.pi / 2))
    blocks = math.ceil((length - fade) / hop)
    noise = np.empty(blocks * hop + fade)
    for start in range(0, blocks * hop, hop):
        block = _block(circumstances.rng, shape)
        if start:
            block[:fade] *= rise
            block[:fade] += noise[start : start + fade] * rise[::-1]
        noise[start : start + size] = block
    return noise[:length]


@lru_cache(maxsize=32)
def _named_shape(colour: str, rate: int, size: int) -> Signal:
    return _shape(COLOURS[colour], rate, size)


# Few: each keeps its voices.
@lru_cache(maxsize=4)
def _voices_shape(voices: _Voices, rate: int, size: int) -> Signal:
    return _shape(lambda frequency_hz: _voiced(frequency_hz, voices, rate), rate, size)


def _shape(gain: Callable[[Signal], Signal], rate: int, size: int) -> Signal:
    """Return the amplitudes of a block of ``size`` samples at the frequencies of its Fourier transform."""
    frequency_hz = np.fft.rfftfreq(size, 1.0 / rate).astype(np.float64)
    heard = frequency_hz >= LOW_HZ
    shape = np.zeros(len(frequency_hz))
    shape[heard] = gain(frequency_hz[heard])
    return shape


def _block(rng: np.random.Generator, shape: Signal) -> Signal:
    amplitudes = gaussian(rng, 2 * len(shape)).view(np.complex128)
    amplitudes *= shape
    block: Signal = np.fft.irfft(amplitudes, 2 * (len(shape) - 1))
    return block


def _byrne_1994(frequency_hz: Signal) -> Signal:
    levels_db = np.array([-np.inf, *BYRNE_1994_DB, -np.inf])
    edges_hz = 10.0 ** ((BYRNE_1994_FIRST_EDGE + np.arange(len(BYRNE_1994_DB) + 1)) / 10.0)
    band = np.searchsorted(edges_hz, frequency_hz, side="right")
    width_hz = np.diff(edges_hz, prepend=0.0, append=np.inf)
    gain: Signal = np.sqrt(10.0 ** (levels_db / 10.0) / width_hz)[band]
    return gain


COLOURS: dict[str, Callable[[Signal], Signal]] = {
    "pink": lambda frequency_hz: frequency_hz**-0.5,
    "brown": lambda frequency_hz: 1.0 / frequency_hz,
    "byrne1994": _byrne_1994,
}
"""Amplitude by frequency in Hz, to any scale."""


def _voiced(frequency_hz: Signal, voices: _Voices, sample_rate: int) -> Signal:
    if not voices.samples:
        raise InputError("speech_shaped_noise: found no voices; expected some, for the corpus's own spectrum")
    size = 1 << math.ceil(math.log2(WINDOW_S * sample_rate))
    power = np.mean([_voice_power(voice, sample_rate, size) for voice in voices.samples], axis=0)
    gain: Signal = np.sqrt(np.interp(frequency_hz, np.fft.rfftfreq(size, 1.0 / sample_rate), power))
    return gain


def _voice_power(voice: Signal, sample_rate: int, size: int) -> Signal:
    """Return the mean power spectrum (Welch 1967) of a voice at an active level of 0 dB, its mean removed."""
    if not voice.any():
        raise InputError("speech_shaped_noise: found a silent voice; expected speech")
    speech = voice - np.mean(voice)
    level_db = active_level_db(speech, sample_rate=sample_rate)
    padded = np.pad(speech, (0, max(0, size - len(voice))))
    windows = sliding_window_view(padded, size)[:: size // 2] * np.hanning(size)
    power: Signal = np.mean(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=0)
    return power * amplitude(-level_db) ** 2
