"""The impulse response of a simulated box-shaped room with a given reverberation time.

Image sources (Allen and Berkley 1979) by pyroomacoustics, up to the time that all reflections of a limited order
cover, then noise that decays as the image sources did at last (after Lehmann and Johansson 2010). All walls absorb
alike, at all frequencies alike; air absorbs nothing. How much they absorb is found by bisection: the energies of the
image sources, integrated backwards, must fall from −5 to −35 dB in half of the reverberation time (ISO 3382-1, T30).
Sabine's and Eyring's formulas, made for diffuse fields, are off by a third in a flat room.

Talker and microphone are at one height, 1.5 m or 0.43 of a low room's height, on a line through 0.47 of the length
and 0.54 of the width, at 0.9 of the diagonal's angle to the length: off all symmetries; at least 0.3 m from a wall.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.decay import reverberation_time_s
from asrfair.condition.effect import Signal
from asrfair.errors import CardError
from asrfair.seeds import generator

SPEED_M_S = 343.0
CENTRE = (0.47, 0.54)
ANGLE_SHARE = 0.9
HEIGHT_M = 1.5
HEIGHT_SHARE = 0.43
WALL_M = 0.3
# Image sources are of use until the level has fallen this far; the noise after them ends where it has by the other.
IMAGES_DB = 45.0
END_DB = 70.0
# Some 300,000 image sources: 0.1 s to compute.
MAX_ORDER = 60
# Walls that absorb less or more are no room.
LEAST_ABSORPTION, MOST_ABSORPTION = 0.005, 0.95
ABSORPTIONS = 40
BISECTIONS = 16
# T30 of the response itself: when the search ends, and how far off it may be then, as shares of what is asked for.
ROUNDS = 5
CLOSE = 0.02
TOLERANCE = 0.1
BIN_S = 0.001
FEWEST_BINS = 10
CROSSFADE_S = 0.01
# Before the direct path and after the last image source: where their band limit rings.
MARGIN_S = 0.005
# Image sources are placed on this finer grid of time, then limited to the band, from this share of half the rate.
FINER = 16
PASSED = 0.9
# Allen and Berkley 1979: image sources, all positive, pile up at the lowest frequencies, where rooms have no sound.
# Theirs, too, is a causal high-pass: nothing may come before the direct path. It has died away, to −77 dB, after:
HIGH_PASS_HZ = 20.0
HIGH_PASS_S = 0.1


@dataclass(frozen=True)
class Shoebox:
    """Inner sizes of the room, its reverberation time, and the distance from talker to microphone."""

    length_m: float
    width_m: float
    height_m: float
    rt60_s: float
    distance_m: float

    @property
    def name(self) -> str:
        """The room in words, for messages."""
        return f"simulated_room of {self.length_m:g} × {self.width_m:g} × {self.height_m:g} m"

    def places(self) -> tuple[Signal, Signal]:
        """Return where talker and microphone are, in m; raises CardError where the room is too small for them."""
        angle = ANGLE_SHARE * math.atan2(self.width_m, self.length_m)
        middle = np.array([CENTRE[0] * self.length_m, CENTRE[1] * self.width_m])
        direction = np.array([math.cos(angle), math.sin(angle)])
        room = np.minimum(middle, np.array([self.length_m, self.width_m]) - middle) - WALL_M
        longest_m = 2 * float((room / direction).min())
        if self.distance_m > longest_m:
            raise CardError(f"{self.name}: found distance_m {self.distance_m:g}; expected at most {longest_m:.2f}")
        height_m = min(HEIGHT_M, HEIGHT_SHARE * self.height_m)
        talker, microphone = (middle + side * self.distance_m / 2 * direction for side in (-1, 1))
        return np.append(talker, height_m), np.append(microphone, height_m)


@dataclass(frozen=True)
class _Images:
    """Image sources, shape=(n,), that come before ``end_s``: delay after the direct path, order, distance."""

    delay_s: Signal
    order: NDArray[np.int64]
    distance_m: Signal
    end_s: float


def simulate(box: Shoebox, *, sample_rate: int) -> tuple[Signal, int]:
    """Return the response, shape=(n,), and the sample of the direct path, exactly on it.

    The same on every machine: its noise has a seed of its own. Raises CardError without pyroomacoustics, and for a
    distance or reverberation time that the room cannot have.
    """
    images = _image_sources(box)
    energy = _energy_by_order(images)
    wanted_s = box.rt60_s
    for _ in range(ROUNDS):
        response, direct = _response(box, images, *_absorption(box, energy, wanted_s), sample_rate)
        found_s = reverberation_time_s(response, direct=direct, sample_rate=sample_rate)
        if found_s is None or abs(found_s / box.rt60_s - 1) < CLOSE:
            break
        # What adds up in phase, low frequencies and flutter above all, is not in the energies.
        wanted_s *= box.rt60_s / found_s
    if found_s is None or abs(found_s / box.rt60_s - 1) > TOLERANCE:
        raise CardError(_uneven(box))
    return response, direct


def _uneven(box: Shoebox) -> str:
    return f"{box.name}: found rt60_s {box.rt60_s:g}, at which it decays too unevenly; expected a longer one"


def _response(box: Shoebox, images: _Images, absorption: float, fall_s: float, sample_rate: int) -> tuple[Signal, int]:
    direct = round(MARGIN_S * sample_rate)
    early = _band_limited(images, absorption, direct, sample_rate)
    end = direct + int(images.end_s * sample_rate)
    total = max(end, direct + round(box.rt60_s * END_DB / 60 * sample_rate))
    fade = round(CROSSFADE_S * sample_rate)
    fall = fall_s / sample_rate
    power = _density_at_end(np.square(early[direct:end]), fall)
    # Drawn from the start, so that the rungs of a ladder have the same noise at the same time.
    noise = generator(0, "simulated_room").standard_normal(total)[end - fade :]
    noise *= np.sqrt(power * np.exp(-fall * (np.arange(len(noise)) - fade)))
    turn = np.linspace(0, math.pi / 2, fade)
    noise[:fade] *= np.sin(turn)
    response = np.append(early[:end], np.zeros(total - end))
    response[end - fade : end] *= np.cos(turn)
    response[end - fade :] += noise
    return response, direct


def _image_sources(box: Shoebox) -> _Images:
    talker, microphone = box.places()
    # An image source of order n is at least n - 2 rooms away, counted along whichever axes make it nearest.
    room_s = 1 / (SPEED_M_S * math.sqrt(box.length_m**-2 + box.width_m**-2 + box.height_m**-2))
    direct_s = box.distance_m / SPEED_M_S
    wanted_s = direct_s + box.rt60_s * IMAGES_DB / 60
    order = min(MAX_ORDER, math.ceil(wanted_s / room_s) + 2)
    end_s = min(wanted_s, (order - 2) * room_s)
    room = _pyroomacoustics().ShoeBox(
        [box.length_m, box.width_m, box.height_m], fs=16_000, max_order=order, air_absorption=False
    )
    room.add_source(talker)
    room.add_microphone(microphone)
    room.image_source_model()
    source = room.sources[0]
    distance_m = np.sqrt(np.square(source.images.astype(np.float64) - microphone[:, None]).sum(axis=0))
    known = distance_m < end_s * SPEED_M_S
    delay_s = np.maximum(distance_m[known] / SPEED_M_S - direct_s, 0.0)
    return _Images(delay_s, source.orders[known].astype(np.int64), distance_m[known], end_s - direct_s)


def _pyroomacoustics() -> Any:
    try:
        import pyroomacoustics
    except ImportError:
        raise CardError(
            "simulated_room: needs pyroomacoustics; install it with: pip install 'asrfair[rooms]'"
        ) from None
    return pyroomacoustics


def _energy_by_order(images: _Images) -> NDArray[np.float64]:
    """Return what reaches the microphone from walls that absorb nothing, shape=(orders, bins)."""
    count = math.ceil(images.end_s / BIN_S)
    places = images.order * count + np.minimum((images.delay_s / BIN_S).astype(np.int64), count - 1)
    orders = int(images.order.max()) + 1
    energy: Signal = np.bincount(places, 1 / np.square(images.distance_m), orders * count).astype(np.float64)
    return energy.reshape(orders, count)


def _absorption(box: Shoebox, energy: NDArray[np.float64], wanted_s: float) -> tuple[float, float]:
    """Return the share of energy that the walls must absorb, and by how many nepers power then falls per second."""

    def power(absorption: float) -> Signal:
        left: Signal = (1 - absorption) ** np.arange(len(energy)) @ energy
        return left

    tried = np.geomspace(LEAST_ABSORPTION, MOST_ABSORPTION, ABSORPTIONS)
    found_s = [_t30_s(power(absorption), wanted_s) for absorption in tried]
    under = next((index for index, time_s in enumerate(found_s) if time_s <= wanted_s), None)
    if not under:
        limit = "less" if under == 0 else "more"
        raise CardError(
            f"{box.name}: found rt60_s {box.rt60_s:g}; expected {limit}: walls absorb {LEAST_ABSORPTION:g} to "
            f"{MOST_ABSORPTION:g} of what meets them"
        )
    low, high = float(tried[under - 1]), float(tried[under])
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _t30_s(power(middle), wanted_s) > wanted_s else (low, middle)
    fall = _fall(power(low))
    if fall <= 0:
        raise CardError(_uneven(box))
    return low, fall / BIN_S


def _t30_s(power: Signal, about_s: float) -> float:
    """Return T30 of the power per bin, going on as it fell at last; infinite where it is far longer
    than ``about_s`` or cannot be told.
    """
    fall = _fall(power)
    if fall <= 0:
        return math.inf
    later = np.arange(round(about_s / BIN_S))
    density = _density_at_end(power, fall)
    tail = density * np.exp(-fall * later)
    rest = density / fall * math.exp(-fall * len(later))
    energy = np.cumsum(np.concatenate([power, tail])[::-1])[::-1] + rest
    level_db = 10 * np.log10(np.maximum(energy / energy[0], 1e-20))
    if level_db[-1] > -35:
        return math.inf
    first, last = (int(np.argmax(level_db <= limit)) for limit in (-5, -35))
    if last < first + FEWEST_BINS:
        return math.inf
    return float(-60 * BIN_S / np.polyfit(np.arange(first, last), level_db[first:last], 1)[0])


def _fall(power: Signal) -> float:
    """Return the nepers per sample that power, shape=(n,), falls by from its third to its fourth quarter.

    0 where one of them is silent: a large room, whose few reflections within a short time come one by one.
    """
    quarter = len(power) // 4
    third, fourth = (float(power[len(power) - part * quarter :][:quarter].sum()) for part in (2, 1))
    return math.log(third / fourth) / quarter if third > 0 and fourth > 0 else 0.0


def _density_at_end(power: Signal, fall: float) -> float:
    """Return the power at the end of shape=(n,) whose fourth quarter falls so."""
    quarter = len(power) // 4
    return float(power[-quarter:].sum()) * fall / math.expm1(fall * quarter)


def _band_limited(images: _Images, absorption: float, direct: int, sample_rate: int) -> Signal:
    """Return the sum of the image sources, each an impulse without the lowest and the highest frequencies."""
    size = 1 << math.ceil(math.log2(2 * direct + (images.end_s + HIGH_PASS_S) * sample_rate + 1))
    places = np.rint((direct + images.delay_s * sample_rate) * FINER).astype(np.int64)
    strength = (1 - absorption) ** (images.order / 2) / images.distance_m
    spectrum = np.fft.rfft(np.bincount(places, strength, size * FINER))[: size // 2 + 1]
    frequency_hz = np.fft.rfftfreq(size, 1 / sample_rate).astype(np.float64)
    top = np.clip((2 * frequency_hz / sample_rate - PASSED) / (1 - PASSED), 0, 1)
    return np.fft.irfft(spectrum * _high_pass(frequency_hz) * (0.5 + 0.5 * np.cos(np.pi * top)), size)


def _high_pass(frequency_hz: Signal) -> NDArray[np.complex128]:
    """Return the transfer function of two Butterworth filters of second order in a row: −6.02 dB at the edge."""
    place = frequency_hz / HIGH_PASS_HZ
    twice: NDArray[np.complex128] = np.square(np.square(place) / (np.square(place) - 1 - 1j * math.sqrt(2) * place))
    return twice
