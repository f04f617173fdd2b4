"""How sound decays in an impulse response: where its direct path is, its reverberation time, what is direct.

Conventions
-----------
Responses are float64, shape=(n,), broad band. The decay is Schroeder's backward integral of the squared response
from the direct sound on, the part in the noise left out and put back as the exponential it would have been
(ISO 3382-1:2009, 5.3.3; Lundeby et al. 1995). What cannot be told is None.
"""

import math

import numpy as np

from asrfair.condition.effect import Signal

# ISO 3382-1:2009, A.3.4: the response starts where it first comes to within 20 dB of its maximum.
ONSET_DB = 20.0
# The direct path is the largest sample this soon after the start: a reflection comes later.
DIRECT_RISE_S = 0.001
# Zahorik 2002: what is within 2.5 ms of the direct path is direct.
DIRECT_S = 0.0025
# Evaluation ranges of T30 and T20, and the distance from the maximum to the noise that each asks for: the lower end
# and 10 dB more (ISO 3382-1:2009, 5.3.3).
RANGES_DB = ((-5.0, -35.0, 45.0), (-5.0, -25.0, 35.0))
# Lundeby et al. 1995: averaging intervals, the part that is noise at first, and the rounds of the search.
INTERVAL_S = 0.01
INTERVALS = 40
NOISE_PART = 0.1
ROUNDS = 5
# Above the noise, dB: where the fit of the late decay ends; and how much of the decay it covers.
CLEAR_OF_NOISE_DB = 7.0
FITTED_DB = 20.0


def direct_path(response: Signal, *, sample_rate: int) -> int:
    """Return the sample of the direct path: the largest within 1 ms of the start; 0 for silence.

    The start is the first sample within 20 dB of the maximum, which may be a later reflection.
    """
    size = np.abs(response)
    start = int(np.argmax(size >= size.max() * 10 ** (-ONSET_DB / 20)))
    return start + int(np.argmax(size[start : start + max(1, round(DIRECT_RISE_S * sample_rate)) + 1]))


def direct_to_reverberant_db(response: Signal, *, direct: int, sample_rate: int) -> float | None:
    """Return the energy within 2.5 ms of the direct path, sample ``direct``, over that of all that follows, in dB.

    None where nothing follows (Zahorik 2002).
    """
    reach = round(DIRECT_S * sample_rate)
    power = np.square(response)
    rest = float(power[direct + reach + 1 :].sum())
    if rest <= 0:
        return None
    return 10 * math.log10(float(power[max(0, direct - reach) : direct + reach + 1].sum()) / rest)


def reverberation_time_s(response: Signal, *, direct: int, sample_rate: int) -> float | None:
    """Return the time in which the response decays by 60 dB: T30, or T20 where the noise is too near (ISO 3382-1).

    The decay starts at sample ``direct``. None where the noise is less than 35 dB below the maximum, and for a
    response too short to tell.
    """
    power = np.square(response[direct:])
    if not power.any():
        return None
    power = power[: len(power) - int(np.argmax(power[::-1] > 0))]
    found = _late_decay(power, sample_rate)
    if found is None:
        return None
    end, beyond, range_db = found
    energy = np.cumsum(power[:end][::-1])[::-1] + beyond
    level_db = 10 * np.log10(energy / energy[0])
    for high_db, low_db, needed_db in RANGES_DB:
        first, last = (int(np.argmax(level_db <= limit)) for limit in (high_db, low_db))
        if range_db >= needed_db and level_db[-1] <= low_db and last > first + 1:
            time_s = np.arange(first, last) / sample_rate
            return float(-60.0 / np.polyfit(time_s, level_db[first:last], 1)[0])
    return None


def _late_decay(power: Signal, sample_rate: int) -> tuple[int, float, float] | None:
    """Return where the decay sinks into the noise, the energy it has beyond, and the noise's distance in dB."""
    step = max(1, min(round(INTERVAL_S * sample_rate), len(power) // INTERVALS))
    count = len(power) // step
    if count < INTERVALS // 2:
        return None
    means = power[: count * step].reshape(count, step).mean(axis=1)
    level_db = 10 * np.log10(np.maximum(means, means.max() * 1e-20))
    last_tenth = count - max(1, int(NOISE_PART * count))
    noise_db = _noise_db(means, last_tenth)
    fit = _fit(level_db, noise_db)
    if fit is None:
        return None
    for _ in range(ROUNDS):
        slope_db, offset_db = fit
        # From where the decay would be well below the noise; the last tenth at the least.
        clear = math.ceil((noise_db - CLEAR_OF_NOISE_DB - offset_db) / slope_db)
        noise_db = _noise_db(means, min(max(0, clear), last_tenth))
        fit = _fit(level_db, noise_db, within_db=FITTED_DB) or fit
    slope_db, offset_db = fit
    end = min(count, max(1, math.floor((noise_db - offset_db) / slope_db)))
    beyond = step * 10 ** ((offset_db + slope_db * end) / 10) / (1 - 10 ** (slope_db / 10))
    return end * step, beyond, float(level_db.max() - noise_db)


def _noise_db(means: Signal, start: int) -> float:
    return 10 * math.log10(max(float(means[start:].mean()), float(means.max()) * 1e-20))


def _fit(level_db: Signal, noise_db: float, *, within_db: float = math.inf) -> tuple[float, float] | None:
    """Return slope and offset, per interval, of the decay to near the noise, of its last ``within_db`` alone."""
    low_db = noise_db + CLEAR_OF_NOISE_DB
    first = int(np.argmax(level_db))
    below = np.flatnonzero(level_db[first:] <= low_db)
    last = first + int(below[0]) if len(below) else len(level_db)
    first += int(np.argmax(level_db[first:] <= low_db + within_db))
    if last < first + 3:
        return None
    slope_db, offset_db = np.polyfit(np.arange(first, last), level_db[first:last], 1)
    return (float(slope_db), float(offset_db)) if slope_db < 0 else None
