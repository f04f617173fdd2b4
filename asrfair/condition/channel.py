"""What a transmission channel or a way of speaking does to the signal: band limits, telephone coding, tempo."""

import io
import math
from typing import Annotated, Literal

import numpy as np

from asrfair.audio import resample
from asrfair.condition.effect import Circumstances, Range, Signal
from asrfair.errors import InputError

BAND_PASS_ORDER = 4
TELEPHONE_HZ = 8000
G711_CODINGS = {"mu": "ULAW", "a": "ALAW"}
STRETCH_WINDOW_S = 0.064


def band_pass(
    signal: Signal,
    circumstances: Circumstances,
    *,
    low_hz: Annotated[float, Range(1, 96000)],
    high_hz: Annotated[float, Range(1, 96000)],
) -> Signal:
    """Keep the band from ``low_hz`` to ``high_hz``, without delay.

    A Butterworth filter of fourth order per edge, run forwards and backwards: zero phase, −6 dB at both edges.
    Raises InputError unless low_hz < high_hz < half the working rate.
    """
    from scipy.signal import butter, sosfiltfilt

    nyquist_hz = circumstances.sample_rate / 2
    if not low_hz < high_hz < nyquist_hz:
        raise InputError(
            f"band_pass: found low_hz {low_hz:g}, high_hz {high_hz:g}; expected low_hz < high_hz < {nyquist_hz:g}, "
            f"half the working rate of {circumstances.sample_rate} Hz"
        )
    sections = butter(BAND_PASS_ORDER, (low_hz, high_hz), btype="bandpass", fs=circumstances.sample_rate, output="sos")
    # Scipy's own padding, as far as a short signal has that many samples.
    padding = min(3 * (2 * len(sections) + 1), len(signal) - 1)
    filtered: Signal = sosfiltfilt(sections, signal, padlen=padding)
    return filtered


def g711(signal: Signal, circumstances: Circumstances, *, law: Literal["mu", "a"] = "mu") -> Signal:
    """Code and decode as ITU-T G.711 does (64 kbit/s, µ-law or A-law), at 8 kHz and back.

    A signal above full scale is brought down as a whole for the coder and back up after it, never clipped.
    """
    narrow = resample(signal, from_hz=circumstances.sample_rate, to_hz=TELEPHONE_HZ)
    peak = max(1.0, float(np.abs(narrow).max()))
    decoded = _code(narrow / peak, G711_CODINGS[law]) * peak
    wide = resample(decoded, from_hz=TELEPHONE_HZ, to_hz=circumstances.sample_rate)
    return _fitted(wide, len(signal))


def time_stretch(signal: Signal, circumstances: Circumstances, *, rate: Annotated[float, Range(0.25, 4)]) -> Signal:
    """Speak ``rate`` times as fast at the same pitch: round(n / rate) samples, at least one.

    A phase vocoder (librosa's) with windows of about 64 ms.
    """
    import librosa

    window = 1 << round(math.log2(STRETCH_WINDOW_S * circumstances.sample_rate))
    # The vocoder needs a few windows to work on.
    padded = np.pad(signal, (0, max(0, 4 * window - len(signal))))
    # The steps of librosa.effects.time_stretch, which warns about itself in librosa 1.0.
    spectra = librosa.phase_vocoder(librosa.stft(padded, n_fft=window), rate=rate)
    stretched = librosa.istft(spectra, length=round(len(padded) / rate))
    return _fitted(stretched, max(1, round(len(signal) / rate)))


def _code(signal: Signal, coding: str) -> Signal:
    import soundfile

    memory = io.BytesIO()
    soundfile.write(memory, signal, TELEPHONE_HZ, format="RAW", subtype=coding)
    memory.seek(0)
    decoded: Signal = soundfile.read(
        memory, samplerate=TELEPHONE_HZ, channels=1, format="RAW", subtype=coding, dtype="float64"
    )[0]
    return decoded


def _fitted(signal: Signal, length: int) -> Signal:
    return np.pad(signal[:length], (0, max(0, length - len(signal))))
