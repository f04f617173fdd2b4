"""Speech and noise levels in dB relative to full scale (a constant 1.0 is 0 dB, a full-scale sine −3.01 dB).

The level of speech is its active speech level: power over the time somebody speaks, not over the pauses, after
ITU-T Recommendation P.56 (2011), method B.
"""

import math

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError

# P.56, method B: smoothing time constant, hangover and margin between the level and the threshold.
TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
# Thresholds fall from the envelope's maximum by 120 dB in steps of 1.505 dB; P.56 asks for 6.02 dB at most.
THRESHOLD_STEP = 2.0**-0.25
THRESHOLDS = 81


def rms_level_db(samples: NDArray[np.float64]) -> float:
    """Return the level of the mean power over all samples, shape=(n,), in dB; −inf for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10.0 * math.log10(power) if power > 0 else -math.inf


def active_level_db(samples: NDArray[np.float64], *, sample_rate: int) -> float:
    """Return the active speech level of shape=(n,), in dB: power over the active time alone (ITU-T P.56, method B).

    A sample is active if the envelope, or its maximum over the last 0.2 s, reaches a threshold 15.9 dB below
    the level itself; thresholds are relative to the envelope's maximum, so that the level follows any gain
    exactly. A signal shorter than the hangover of 0.2 s, or one with no such threshold (a click), has its plain
    level over all samples. Raises InputError for digital silence.
    """
    samples = np.asarray(samples, dtype=np.float64)
    if not samples.any():
        raise InputError("silent utterance: SNR undefined")
    hangover = math.ceil(HANGOVER_S * sample_rate)
    if len(samples) <= hangover:
        return rms_level_db(samples)
    held = _held_envelope(samples, sample_rate, hangover)
    thresholds = held.max() * THRESHOLD_STEP ** np.arange(THRESHOLDS)
    active = len(held) - np.searchsorted(np.sort(held), thresholds, side="left")
    levels_db = 10.0 * np.log10(np.sum(np.square(samples)) / active)
    margins_db = levels_db - 20.0 * np.log10(thresholds)
    return _at_margin(levels_db, margins_db, otherwise_db=rms_level_db(samples))


def _held_envelope(samples: NDArray[np.float64], sample_rate: int, hangover: int) -> NDArray[np.float64]:
    """Smooth the rectified signal twice, then hold each value for the hangover: its maximum over the last 0.2 s."""
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import lfilter

    decay = math.exp(-1.0 / (TIME_CONSTANT_S * sample_rate))
    envelope = np.abs(samples)
    for _ in range(2):
        envelope = lfilter([1.0 - decay], [1.0, -decay], envelope)
    size = hangover + 1
    # The origin moves the window to the present and the past.
    held: NDArray[np.float64] = maximum_filter1d(envelope, size, mode="constant", cval=0.0, origin=(size - 1) // 2)
    return held


def _at_margin(levels_db: NDArray[np.float64], margins_db: NDArray[np.float64], *, otherwise_db: float) -> float:
    """Interpolate, in dB, the level where it lies the margin above the threshold: the lowest such threshold."""
    above = np.flatnonzero(margins_db <= MARGIN_DB)
    if len(above) == 0 or above[-1] + 1 == len(margins_db):
        return otherwise_db
    upper = above[-1]
    part = (MARGIN_DB - margins_db[upper]) / (margins_db[upper + 1] - margins_db[upper])
    return float(levels_db[upper] + part * (levels_db[upper + 1] - levels_db[upper]))
