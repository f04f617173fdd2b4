"""Decays of known reverberation time, with and without noise; pyroomacoustics as another opinion."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition.decay import direct_path, direct_to_reverberant_db, reverberation_time_s


def decay(rt60_s: float, sample_rate: int, *, noise_db: float | None = None, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time_s = np.arange(max(200, round(1.2 * rt60_s * sample_rate))) / sample_rate
    response = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / rt60_s)
    return response if noise_db is None else response + rng.standard_normal(len(time_s)) * 10 ** (noise_db / 20)


@given(
    rt60_s=st.floats(0.15, 4.0),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    noise_db=st.sampled_from([None, -60.0, -50.0, -42.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_known_reverberation_time(rt60_s: float, sample_rate: int, noise_db: float | None, seed: int) -> None:
    response = decay(rt60_s, sample_rate, noise_db=noise_db, seed=seed)
    assert reverberation_time_s(response, direct=0, sample_rate=sample_rate) == pytest.approx(rt60_s, rel=0.1)


@pytest.mark.parametrize("fallen_db", [52, 60, 90])
def test_an_exact_exponential_is_told_exactly(fallen_db: float) -> None:
    """Wherever it is cut off: what is missing is put back."""
    response = 10 ** (-3 * np.arange(round(0.8 * 16000 * fallen_db / 60)) / 16000 / 0.8)
    assert reverberation_time_s(response, direct=0, sample_rate=16000) == pytest.approx(0.8, rel=1e-3)


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.5])
def test_without_noise_as_pyroomacoustics(rt60_s: float) -> None:
    pyroomacoustics = pytest.importorskip("pyroomacoustics")
    response = decay(rt60_s, 16000)
    other_s = pyroomacoustics.measure_rt60(response, fs=16000, decay_db=30)
    assert reverberation_time_s(response, direct=0, sample_rate=16000) == pytest.approx(other_s, rel=0.04)


def test_plain_integration_would_be_misled_by_noise() -> None:
    """The same decay: where nothing is done about the noise, T30 comes out far too long."""
    response = np.append(decay(0.5, 16000), np.zeros(32000))
    response += 10 ** (-50 / 20) * np.random.default_rng(1).standard_normal(len(response))
    level = np.cumsum(np.square(response)[::-1])[::-1]
    level_db = 10 * np.log10(level / level[0])
    first, last = (int(np.argmax(level_db <= limit)) for limit in (-5, -35))
    last = last or len(response)
    plain_s = -60 / np.polyfit(np.arange(first, last) / 16000, level_db[first:last], 1)[0]
    assert plain_s > 0.55
    assert reverberation_time_s(response, direct=0, sample_rate=16000) == pytest.approx(0.5, rel=0.06)


@pytest.mark.parametrize("response", [np.zeros(1000), np.ones(1), np.eye(1, 4000, 7)[0], np.ones(4000)])
def test_what_does_not_decay_has_no_reverberation_time(response: np.ndarray) -> None:
    assert reverberation_time_s(response, direct=0, sample_rate=16000) is None


def test_too_much_noise_for_a_reverberation_time() -> None:
    assert reverberation_time_s(decay(0.5, 16000, noise_db=-28.0), direct=0, sample_rate=16000) is None


def test_direct_path_comes_before_a_louder_reflection() -> None:
    response = 1e-3 * np.random.default_rng(0).standard_normal(16000)
    response[100], response[500], response[52] = 0.4, 1.0, 0.02
    assert direct_path(response, sample_rate=16000) == 100
    # It rises for less than a millisecond.
    response[95] = -0.2
    assert direct_path(response, sample_rate=16000) == 100
    assert direct_path(-response, sample_rate=16000) == 100


@pytest.mark.parametrize(("below_db", "found"), [(17.0, 100), (19.5, 100), (20.5, 400), (26.0, 400)])
def test_the_start_is_what_comes_to_within_20_db_of_the_maximum(below_db: float, found: int) -> None:
    response = np.zeros(4000)
    response[100], response[400] = 10 ** (-below_db / 20), -1.0
    assert direct_path(response, sample_rate=16000) == found


@pytest.mark.parametrize("response", [np.zeros(5), np.ones(1)])
def test_direct_path_of_next_to_nothing(response: np.ndarray) -> None:
    assert direct_path(response, sample_rate=16000) == 0


def test_direct_to_reverberant_by_hand() -> None:
    response = np.zeros(1000)
    response[100], response[139], response[61], response[141], response[500] = 1.0, 0.5, 0.5, 0.1, 0.3
    # 2.5 ms are 40 samples at 16 kHz.
    expected_db = 10 * np.log10((1 + 0.25 + 0.25) / (0.01 + 0.09))
    assert direct_to_reverberant_db(response, direct=100, sample_rate=16000) == pytest.approx(expected_db)
    assert direct_to_reverberant_db(response[:140], direct=100, sample_rate=16000) is None


def test_direct_paths_of_measured_responses(shared_data: Path) -> None:
    """Where the maximum is a later reflection, the direct path lies before it and at least 10 dB out of the noise."""
    folder = shared_data / "impulse_responses"
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (folder / row["path"]).is_file()]
    later = 0
    for row in rows:
        samples, sample_rate = soundfile.read(folder / row["path"], always_2d=True)
        response = samples[:, 0]
        direct, peak = direct_path(response, sample_rate=sample_rate), int(row["peak_index"])
        assert direct <= peak
        size = np.abs(response)
        assert size[direct] >= size[peak] / 10
        # Nothing that loud comes more than a millisecond before it.
        assert size[: max(0, direct - sample_rate // 1000 - 1)].max(initial=0.0) < size[peak] / 10
        later += direct < peak
    assert len(rows) > 20
    assert later > 5
