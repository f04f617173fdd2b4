"""Simulated rooms: reverberation time, direct path, and pyroomacoustics' own responses."""

import numpy as np
import pytest

from asrfair.condition.decay import direct_path, direct_to_reverberant_db, reverberation_time_s
from asrfair.condition.shoebox import (
    Shoebox,
    _absorption,
    _band_limited,
    _energy_by_order,
    _image_sources,
    _Images,
    simulate,
)
from asrfair.errors import CardError

pyroomacoustics = pytest.importorskip("pyroomacoustics")

# What a corridor gives below 0.8 s depends on where one looks.
ROOMS = [(3.0, 2.5, 2.4), (6.0, 4.0, 2.5), (8.0, 6.0, 3.0), (12.0, 9.0, 3.5), (20.0, 3.0, 2.6)]


TIMES_S = [0.2, 0.3, 0.5, 0.8, 1.2, 2.0]
GRID = [(sizes, rt60_s) for sizes in ROOMS for rt60_s in TIMES_S if sizes[0] < 20 or rt60_s >= 0.8]


@pytest.mark.parametrize(("sizes", "rt60_s"), GRID)
@pytest.mark.parametrize("distance_m", [1.0, 2.0])
def test_reverberation_time(sizes: tuple[float, float, float], rt60_s: float, distance_m: float) -> None:
    response, direct = simulate(Shoebox(*sizes, rt60_s, distance_m), sample_rate=16000)
    assert reverberation_time_s(response, direct=direct, sample_rate=16000) == pytest.approx(rt60_s, rel=0.1)
    # Another opinion, which takes the times at −5 and −35 dB alone.
    other_s = pyroomacoustics.measure_rt60(response[direct:], fs=16000, decay_db=30)
    assert other_s == pytest.approx(rt60_s, rel=0.1)


@pytest.mark.parametrize("sample_rate", [4000, 8000, 22050, 44100, 96000])
def test_reverberation_time_at_all_rates(sample_rate: int) -> None:
    response, direct = simulate(Shoebox(6.0, 4.0, 2.5, 0.5, 1.5), sample_rate=sample_rate)
    assert reverberation_time_s(response, direct=direct, sample_rate=sample_rate) == pytest.approx(0.5, rel=0.1)
    assert direct_path(response, sample_rate=sample_rate) == direct


def test_a_formula_alone_would_miss() -> None:
    """Why absorption is searched for: at the answer, Eyring's formula is off by more than the tolerance."""
    box = Shoebox(12.0, 9.0, 3.5, 0.5, 2.0)
    absorption, _ = _absorption(box, _energy_by_order(_image_sources(box)), 0.5)
    surface = 2 * (12 * 9 + 12 * 3.5 + 9 * 3.5)
    eyring_s = 0.161 * 12 * 9 * 3.5 / (-np.log(1 - absorption) * surface)
    assert abs(eyring_s / 0.5 - 1) > 0.15


def test_early_part_as_pyroomacoustics_makes_it() -> None:
    """The same walls, talker and microphone: up to 60 ms, within the errors of both ways to place an impulse."""
    box = Shoebox(6.0, 4.0, 2.5, 0.5, 2.0)
    absorption, _ = _absorption(box, _energy_by_order(_image_sources(box)), 0.5)
    talker, microphone = box.places()
    room = pyroomacoustics.ShoeBox(
        [6.0, 4.0, 2.5], fs=48000, materials=pyroomacoustics.Material(absorption), max_order=30, air_absorption=False
    )
    room.add_source(talker)
    room.add_microphone(microphone)
    room.compute_rir()
    other = np.asarray(room.rir[0][0], dtype=np.float64)
    response, direct = simulate(box, sample_rate=48000)
    start = int(np.argmax(np.abs(other)))
    energies = [
        np.add.reduceat(part[:2880] ** 2, np.arange(0, 2880, 48))
        for part in (response[direct:] / response[direct], other[start:] / other[start])
    ]
    assert np.corrcoef(*energies)[0, 1] > 0.99
    assert energies[0].sum() == pytest.approx(energies[1].sum(), rel=0.1)


@pytest.mark.parametrize("distance_m", [0.5, 1.0, 2.0, 4.0])
def test_direct_path_weakens_with_distance(distance_m: float) -> None:
    """Diffuse-field theory: the ratio is 16 π d² over the room constant S a / (1 − a)."""
    box = Shoebox(8.0, 7.0, 4.0, 0.8, distance_m)
    absorption, _ = _absorption(box, _energy_by_order(_image_sources(box)), 0.8)
    constant = 2 * (8 * 7 + 8 * 4 + 7 * 4) * absorption / (1 - absorption)
    theory_db = 10 * np.log10(constant / (16 * np.pi * distance_m**2))
    response, direct = simulate(box, sample_rate=16000)
    found_db = direct_to_reverberant_db(response, direct=direct, sample_rate=16000)
    assert found_db == pytest.approx(theory_db, abs=3)


def test_noise_goes_on_where_the_image_sources_end() -> None:
    """No step at the seam, and nothing left of the steady part that image sources pile up."""
    box = Shoebox(6.0, 4.0, 2.5, 1.5, 1.5)
    end = round(_image_sources(box).end_s * 16000)
    response, direct = simulate(box, sample_rate=16000)
    level_db = [
        10 * np.log10(np.mean(response[direct + end + place : direct + end + place + 800] ** 2))
        for place in (-1600, -800, 0, 800)
    ]
    steps = np.diff(level_db)
    # 50 ms of 1.5 s are 2 dB.
    assert steps == pytest.approx([-2, -2, -2], abs=1.2)
    assert abs(response.sum()) < 0.05 * np.abs(response).sum()


def test_rungs_share_their_noise() -> None:
    """The late noise of two reverberation times is the same, but for its envelope, wherever it begins."""
    ends_s = [_image_sources(Shoebox(6.0, 4.0, 2.5, rt60_s, 1.5)).end_s for rt60_s in (0.3, 0.4)]
    assert ends_s[0] < ends_s[1] < 0.31
    tails = [simulate(Shoebox(6.0, 4.0, 2.5, rt60_s, 1.5), sample_rate=16000)[0][5040:5600] for rt60_s in (0.3, 0.4)]
    assert np.corrcoef(np.sign(tails[0]), np.sign(tails[1]))[0, 1] > 0.99


def test_places_are_inside_and_as_far_apart_as_asked() -> None:
    for sizes in ROOMS:
        box = Shoebox(*sizes, 0.5, 1.2)
        talker, microphone = box.places()
        assert np.linalg.norm(talker - microphone) == pytest.approx(1.2)
        for place in (talker, microphone):
            assert (place[:2] >= 0.3 - 1e-9).all()
            assert (place <= np.array(sizes) - 0.3 + 1e-9).all()


def test_times_that_the_walls_cannot_give() -> None:
    with pytest.raises(CardError, match=r"found rt60_s 0.2; expected more: walls absorb 0.005 to 0.95 of what meets"):
        simulate(Shoebox(50.0, 30.0, 12.0, 0.2, 3.0), sample_rate=16000)
    with pytest.raises(CardError, match=r"found rt60_s 30; expected less"):
        simulate(Shoebox(2.0, 2.0, 2.0, 30.0, 0.5), sample_rate=16000)


EXTREME = [(1.5, 1.5, 2.0), (20.0, 15.0, 6.0), (60.0, 40.0, 15.0), (100.0, 100.0, 30.0), (100.0, 1.5, 2.0)]


@pytest.mark.parametrize("rt60_s", [0.1, 0.3, 5.0])
@pytest.mark.parametrize("sizes", EXTREME)
def test_extremes_are_a_room_or_a_clear_error(sizes: tuple[float, float, float], rt60_s: float) -> None:
    for distance_m in (0.1, 1.0, 10.0, 50.0):
        try:
            response, direct = simulate(Shoebox(*sizes, rt60_s, distance_m), sample_rate=8000)
        except CardError:
            continue
        assert np.isfinite(response).all()
        assert reverberation_time_s(response, direct=direct, sample_rate=8000) == pytest.approx(rt60_s, rel=0.1)


def test_reflections_that_come_too_late_to_tell() -> None:
    """Within a tenth of a second of the direct sound nothing comes back from walls this far away."""
    for box in (Shoebox(100.0, 100.0, 30.0, 0.1, 10.0), Shoebox(60.0, 40.0, 15.0, 0.1, 0.1)):
        with pytest.raises(CardError, match=r"found rt60_s 0.1; expected more"):
            simulate(box, sample_rate=16000)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
@pytest.mark.parametrize("box", [Shoebox(4.7, 3.7, 2.5, 0.5, 3.0), Shoebox(12.0, 9.0, 4.0, 0.84, 6.0)])
def test_nothing_comes_before_the_direct_sound(box: Shoebox, sample_rate: int) -> None:
    """Earlier than 2.5 ms before it: what is left is the ringing of the band limit."""
    response, direct = simulate(box, sample_rate=sample_rate)
    reach = round(0.0025 * sample_rate)
    early, own = np.sum(response[: direct - reach] ** 2), np.sum(response[direct - reach : direct + reach + 1] ** 2)
    assert direct - reach > 0.002 * sample_rate
    assert 10 * np.log10(early / own) < -40


@pytest.mark.parametrize(("hz", "gain_db"), [(10.0, -24.6), (20.0, -6.02), (40.0, -0.53), (100.0, -0.01)])
def test_lowest_frequencies_are_taken_from_every_image_source(hz: float, gain_db: float) -> None:
    """Two Butterworth filters of second order at 20 Hz: 1 + (20 / f)^4 in power, each."""
    only = _Images(np.zeros(1), np.zeros(1, dtype=np.int64), np.ones(1), 0.5)
    response = _band_limited(only, 0.5, 80, 16000)
    time_s = np.arange(len(response)) / 16000
    found = abs(np.sum(response * np.exp(-2j * np.pi * hz * time_s)))
    assert 20 * np.log10(found) == pytest.approx(gain_db, abs=0.05)


def test_what_the_last_image_source_leaves_does_not_come_round_to_the_beginning() -> None:
    """It comes 14 ms before the end of a transform of 16,384 samples, and its high-pass takes 0.1 s."""
    late = _Images(np.ones(1), np.zeros(1, dtype=np.int64), np.ones(1), (16_384 - 161) / 16_000)
    response = _band_limited(late, 0.5, 80, 16_000)
    assert np.abs(response[80:8000]).max() < 1e-5 * np.abs(response).max()
