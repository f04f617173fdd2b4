"""Rooms: speech convolved with a measured impulse response, or with that of a simulated room.

Conventions
-----------
The direct path is at 0 s, so that words stay where they were (`asrfair.condition.decay.direct_path`). ``level`` says
which part of the response speech goes through without a change of its level, its spectrum being the long-term average
of Byrne et al. 1994: ``energy``, the whole response; ``direct``, what lies within 2.5 ms of the direct path, with
reverberation on top.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np

from asrfair.condition.decay import DIRECT_S, direct_path, direct_to_reverberant_db, reverberation_time_s
from asrfair.condition.effect import Circumstances, Linear, Parameters, Range, Signal
from asrfair.condition.linear import impulse_response
from asrfair.condition.noise import BYRNE_1994_DB, BYRNE_1994_FIRST_EDGE
from asrfair.condition.shoebox import Shoebox, simulate
from asrfair.errors import InputError

Level = Literal["energy", "direct"]

# What comes this long before the direct path is not the room's: delay, and noise of the measurement.
BEFORE_S = 0.005


@dataclass(frozen=True)
class Room:
    """A response, shape=(n,), ready to be applied; the sample of its direct path; what is known of it."""

    response: Signal
    direct: int
    facts: Mapping[str, float]


def measured_room(
    circumstances: Circumstances,
    *,
    recordings: str,
    channel: Annotated[int, Range(0, 63)] = 0,
    level: Level = "energy",
) -> Linear:
    """Hear the speech in a room, or through a device, whose impulse response was measured.

    One response of ``recordings`` is drawn per utterance. Raises InputError for one that is silent.
    """
    return _linear(_measured(circumstances, recordings, level), circumstances.sample_rate)


def measured_facts(
    circumstances: Circumstances, *, recordings: str, channel: int = 0, level: Level = "energy"
) -> Mapping[str, float]:
    """Return direct_to_reverberant_db and rt60_s of the response, where they can be told."""
    return _measured(circumstances, recordings, level).facts


def simulated_room(
    circumstances: Circumstances,
    *,
    length_m: Annotated[float, Range(1.5, 100)],
    width_m: Annotated[float, Range(1.5, 100)],
    height_m: Annotated[float, Range(2, 30)],
    rt60_s: Annotated[float, Range(0.1, 5)],
    distance_m: Annotated[float, Range(0.1, 50)],
    level: Level = "energy",
) -> Linear:
    """Hear the speech across an empty box-shaped room, both talker and microphone without direction.

    `asrfair.condition.shoebox` says where they are, and how the walls are chosen to give ``rt60_s``.
    """
    room = _simulated(Shoebox(length_m, width_m, height_m, rt60_s, distance_m), circumstances.sample_rate, level)
    return _linear(room, circumstances.sample_rate)


def simulated_facts(
    circumstances: Circumstances,
    *,
    length_m: float,
    width_m: float,
    height_m: float,
    rt60_s: float,
    distance_m: float,
    level: Level = "energy",
) -> Mapping[str, float]:
    """Return direct_to_reverberant_db and rt60_s as measured on the simulated response."""
    box = Shoebox(length_m, width_m, height_m, rt60_s, distance_m)
    return _simulated(box, circumstances.sample_rate, level).facts


def simulated_ready(parameters: Parameters, working_hz: int) -> None:
    """Simulate the room; raises CardError without pyroomacoustics and for a room that cannot be."""
    sizes = {name: float(str(parameters[name])) for name in Shoebox.__dataclass_fields__}
    _simulated(Shoebox(**sizes), working_hz, str(parameters["level"]))


def prepare(response: Signal, *, direct: int, sample_rate: int, level: str) -> Room:
    """Align and level a response, shape=(n,), that is not silent, and measure it."""
    facts = {
        "direct_to_reverberant_db": direct_to_reverberant_db(response, direct=direct, sample_rate=sample_rate),
        "rt60_s": reverberation_time_s(response, direct=direct, sample_rate=sample_rate),
    }
    start = max(0, direct - round(BEFORE_S * sample_rate))
    end = len(response) - int(np.argmax(response[::-1] != 0))
    part = response[start:end]
    if level == "direct":
        reach = round(DIRECT_S * sample_rate)
        kept = response[max(0, direct - reach) : direct + reach + 1]
    else:
        kept = part
    leveled = part / speech_gain(kept, sample_rate=sample_rate)
    leveled.flags.writeable = False
    return Room(leveled, direct - start, {name: value for name, value in facts.items() if value is not None})


def speech_gain(response: Signal, *, sample_rate: int) -> float:
    """Return the gain of shape=(n,) for noise with the long-term average spectrum of speech (Byrne et al. 1994)."""
    # At least half a second: no third-octave band without a frequency in it.
    size = 1 << (max(len(response), sample_rate // 2) - 1).bit_length()
    frequency_hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    edges_hz = 10.0 ** ((BYRNE_1994_FIRST_EDGE + np.arange(len(BYRNE_1994_DB) + 1)) / 10)
    density = 10.0 ** (np.array(BYRNE_1994_DB) / 10) / np.diff(edges_hz)
    weights = np.append(density, 0.0)[np.searchsorted(edges_hz, frequency_hz, side="right") - 1]
    return math.sqrt(float(np.average(np.square(np.abs(np.fft.rfft(response, size))), weights=weights)))


def _measured(circumstances: Circumstances, recordings: str, level: str) -> Room:
    response = circumstances.materials[0]
    try:
        return _prepared(response.tobytes(), circumstances.sample_rate, level)
    except InputError as error:
        raise InputError(f"measured_room: {recordings}: {error}") from None


@lru_cache(maxsize=32)
def _prepared(response: bytes, sample_rate: int, level: str) -> Room:
    samples = np.frombuffer(response, dtype=np.float64)
    if not samples.any():
        raise InputError("found an impulse response of silence; expected one with a direct path")
    direct = direct_path(samples, sample_rate=sample_rate)
    return prepare(samples, direct=direct, sample_rate=sample_rate, level=level)


@lru_cache(maxsize=32)
def _simulated(box: Shoebox, sample_rate: int, level: str) -> Room:
    response, direct = simulate(box, sample_rate=sample_rate)
    return prepare(response, direct=direct, sample_rate=sample_rate, level=level)


def _linear(room: Room, sample_rate: int) -> Linear:
    return impulse_response(room.response, sample_rate=sample_rate, origin=room.direct)
