"""The speaking rate: faster or slower at the same pitch."""

import math
from typing import Annotated

import numpy as np

from asrfair.condition.effect import Circumstances, Range, Signal

WINDOW_S = 0.064
# The vocoder needs this many windows to work on.
WINDOWS = 4


def time_stretch(signal: Signal, circumstances: Circumstances, *, rate: Annotated[float, Range(0.25, 4)]) -> Signal:
    """Speak ``rate`` times as fast at the same pitch: round(n / rate) samples, at least one.

    A phase vocoder (Flanagan and Golden 1966; librosa's) with windows of about 64 ms. A rate of 1 changes nothing.
    """
    if rate == 1:
        return signal
    import librosa

    window = 1 << round(math.log2(WINDOW_S * circumstances.sample_rate))
    padded = np.pad(signal, (0, max(0, WINDOWS * window - len(signal))))
    # The steps of librosa.effects.time_stretch, which warns about itself in librosa 1.0.
    spectra = librosa.phase_vocoder(librosa.stft(padded, n_fft=window), rate=rate)
    stretched = librosa.istft(spectra, length=round(len(padded) / rate))
    return _fitted(stretched, max(1, round(len(signal) / rate)))


def _fitted(signal: Signal, length: int) -> Signal:
    return np.pad(signal[:length], (0, max(0, length - len(signal))))
