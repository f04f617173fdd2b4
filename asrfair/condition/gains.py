"""Level: gain, a level set, clipping, automatic gain control, distance.

Conventions
-----------
Levels are in dB relative to full scale, as in `asrfair.condition.level`. Gains in dB are of the amplitude. Results
may exceed full scale: nothing but `clip` clips.
"""

import math
from typing import Annotated, Literal

import numpy as np

from asrfair.condition.effect import Circumstances, Linear, Range, Signal
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.condition.linear import SPREAD_S, gain_filter

LevelDb = Annotated[float, Range(-90, 20)]
Seconds = Annotated[float, Range(0.001, 60)]
Metres = Annotated[float, Range(0.01, 200)]

# Automatic gain control measures and acts once in a frame.
FRAME_S = 0.01


def gain(circumstances: Circumstances, *, gain_db: Annotated[float, Range(-120, 120)]) -> Linear:
    """Amplify by ``gain_db``, or attenuate where it is negative."""
    factor = 10.0 ** (gain_db / 20.0)
    rate = circumstances.sample_rate
    return gain_filter(lambda frequency_hz: np.full(len(frequency_hz), factor), sample_rate=rate, spread_s=0.0)


def set_level(
    signal: Signal,
    circumstances: Circumstances,
    *,
    level_db: LevelDb,
    measure: Literal["active", "rms"] = "active",
) -> Signal:
    """Amplify to a level: the active speech level (ITU-T P.56), or that of the mean power over all samples.

    Digital silence stays silent: no gain would change that.
    """
    if not signal.any():
        return signal
    active = measure == "active"
    found_db = active_level_db(signal, sample_rate=circumstances.sample_rate) if active else rms_level_db(signal)
    factor = 10.0 ** ((level_db - found_db) / 20.0)
    return signal * float(factor)


def silence(signal: Signal, circumstances: Circumstances) -> Signal:
    """Take the speech away: digital silence, every sample zero, of the same length; no dither and no noise floor.

    Noise after it has the level that it would have had against the speech.
    """
    return np.zeros_like(signal)


def clip(signal: Signal, circumstances: Circumstances, *, peak_percent: Annotated[float, Range(0.1, 100)]) -> Signal:
    """Clip what exceeds ``peak_percent`` of the utterance's own peak, hard; 100 changes nothing."""
    limit = float(np.abs(signal).max()) * peak_percent / 100.0
    return np.clip(signal, -limit, limit)


def automatic_gain_control(
    signal: Signal,
    circumstances: Circumstances,
    *,
    target_db: LevelDb = -22.0,
    attack_s: Seconds = 0.02,
    release_s: Seconds = 0.5,
    max_gain_db: Annotated[float, Range(0, 60)] = 30.0,
    floor_db: Annotated[float, Range(-120, 0)] = -60.0,
) -> Signal:
    """Bring the level of every frame of 10 ms towards a target, as recorders and conferencing do.

    The gain that a frame wants is ``target_db`` minus its plain level, ``max_gain_db`` at most. In dB, the gain
    approaches it exponentially, by 1 − 1/e in ``attack_s`` where it has to fall, in ``release_s`` where it has to rise.
    A frame below ``floor_db`` is a pause and leaves it as it is. It is 0 dB at the start, and linear in
    amplitude from the start of a frame to its end, so that a frame is turned down while it is heard, not after.
    Digital silence stays so.

    The design is the feed-forward one of Giannoulis, Massberg and Reiss 2012 (J. Audio Eng. Soc. 60(6), 399–408):
    a gain computer in dB, then a smooth branching detector; by frames instead of samples. The default target is the
    level of speech that RFC 7874, section 4, asks for: 2600 of 32768, −22 dB; the default times are choices of
    this project.
    """
    frame = max(1, round(FRAME_S * circumstances.sample_rate))
    frames = math.ceil(len(signal) / frame)
    padded = np.zeros(frames * frame)
    padded[: len(signal)] = signal
    blocks = padded.reshape(frames, frame)
    power = np.einsum("ij,ij->i", blocks, blocks)
    # The last frame may be a part of one.
    power /= np.minimum(frame, len(signal) - np.arange(frames) * frame)
    heard = power > 10.0 ** (floor_db / 10.0)
    wanted_db = np.minimum(target_db - 10.0 * np.log10(np.where(heard, power, 1.0)), max_gain_db)
    seconds = frame / circumstances.sample_rate
    kept = [math.exp(-seconds / attack_s), math.exp(-seconds / release_s)]
    gains = 10.0 ** (np.array(_smoothed(wanted_db.tolist(), heard.tolist(), *kept)) / 20.0)
    ramp = np.arange(1, frame + 1) / frame
    blocks *= gains[:-1, None] + np.diff(gains)[:, None] * ramp
    return padded[: len(signal)]


def far_field_attenuation(
    circumstances: Circumstances,
    *,
    distance_m: Metres,
    reference_m: Metres = 1.0,
    air: Literal["none", "iso9613"] = "none",
    temperature_celsius: Annotated[float, Range(-20, 50)] = 20.0,
    humidity_percent: Annotated[float, Range(10, 100)] = 50.0,
) -> Linear:
    """Attenuate as a microphone at ``distance_m`` hears what was recorded at ``reference_m``, in a free field.

    The amplitude of a spherical wave is inversely proportional to the distance: 6.02 dB per doubling (inverse square
    law). In a room this is the direct sound alone. With ``air`` ``iso9613``, the air absorbs on the way between the
    two distances after `air_absorption_db_per_m`, by ``temperature_celsius`` and relative ``humidity_percent``.
    The default reference is one metre, the distance that levels of speech are stated at; where a corpus was recorded
    closer, say so.
    """
    spread = reference_m / distance_m
    absorbed_m = max(0.0, distance_m - reference_m) if air == "iso9613" else 0.0

    def response(frequency_hz: Signal) -> Signal:
        absorption_db = air_absorption_db_per_m(
            frequency_hz, temperature_celsius=temperature_celsius, humidity_percent=humidity_percent
        )
        factors: Signal = spread * 10.0 ** (-absorbed_m * absorption_db / 20.0)
        return factors

    spread_s = SPREAD_S if absorbed_m else 0.0
    return gain_filter(response, sample_rate=circumstances.sample_rate, spread_s=spread_s)


def air_absorption_db_per_m(frequency_hz: Signal, *, temperature_celsius: float, humidity_percent: float) -> Signal:
    """Return the absorption of pure tones by air at 101.325 kPa: ISO 9613-1:1993, formulas (3) to (5), annex B."""
    kelvin = temperature_celsius + 273.15
    relative = kelvin / 293.15
    saturation = 10.0 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    water_percent = humidity_percent * saturation
    oxygen_hz = 24.0 + 4.04e4 * water_percent * (0.02 + water_percent) / (0.391 + water_percent)
    nitrogen_hz = relative**-0.5 * (9.0 + 280.0 * water_percent * math.exp(-4.170 * (relative ** (-1 / 3) - 1.0)))
    square = frequency_hz**2
    oxygen = 0.01275 * math.exp(-2239.1 / kelvin) / (oxygen_hz + square / oxygen_hz)
    nitrogen = 0.1068 * math.exp(-3352.0 / kelvin) / (nitrogen_hz + square / nitrogen_hz)
    absorption: Signal = 8.686 * square * (1.84e-11 * relative**0.5 + relative**-2.5 * (oxygen + nitrogen))
    return absorption


def _smoothed(wanted_db: list[float], heard: list[bool], falling: float, rising: float) -> list[float]:
    """Return the gain in dB at the start and at the end of every frame."""
    gain_db, gains_db = 0.0, [0.0]
    for wanted, is_heard in zip(wanted_db, heard, strict=True):
        if is_heard:
            kept = falling if wanted < gain_db else rising
            gain_db = kept * gain_db + (1.0 - kept) * wanted
        gains_db.append(gain_db)
    return gains_db
