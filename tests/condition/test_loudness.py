"""Loudness against the Recommendation's own calibration, published test signals and its filter sample by sample."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from asrfair.condition.loudness import HEAD, LOW_CUT, k_weighting, loudness_lufs

FULL_SCALE_LUFS = -3.01
"""BS.1770-4: a 997 Hz sine at full scale in one channel has −3.01 LKFS."""


def sine(frequency_hz: float, *, level_db: float, seconds: float, sample_rate: int) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * time)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_a_full_scale_sine_has_the_published_loudness_at_every_rate(sample_rate: int) -> None:
    found = loudness_lufs(sine(997, level_db=0, seconds=3, sample_rate=sample_rate), sample_rate=sample_rate)
    assert found == pytest.approx(FULL_SCALE_LUFS, abs=0.005)


def test_the_gates_work_as_in_ebu_tech_3341() -> None:
    """EBU Tech 3341 (2016), table 1, cases 3 and 4: 1 kHz in two channels, for which one has 3.01 LU less."""
    rate = 48_000
    one = -10 * math.log10(2)

    def steps(*parts: tuple[float, float]) -> np.ndarray:
        return np.concatenate([sine(1000, level_db=db, seconds=s, sample_rate=rate) for db, s in parts])

    case3 = steps((-36, 10), (-23, 60), (-36, 10))
    assert loudness_lufs(case3, sample_rate=rate) == pytest.approx(-23 + one, abs=0.1)
    case4 = steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    assert loudness_lufs(case4, sample_rate=rate) == pytest.approx(-23 + one, abs=0.1)


def test_it_agrees_with_the_recommendation_written_out_sample_by_sample() -> None:
    rng = np.random.default_rng(3)
    rate = 48_000
    loud = np.repeat(rng.uniform(0, 0.3, 30), rate // 5)
    signal = rng.normal(size=len(loud)) * loud + 0.1
    weighted = lfilter(*LOW_CUT, lfilter(*HEAD, signal))
    blocks = [np.mean(weighted[start : start + 19_200] ** 2) for start in range(0, len(weighted) - 19_200 + 1, 4_800)]
    levels = [-0.691 + 10 * math.log10(power) for power in blocks]
    first = [power for power, level in zip(blocks, levels, strict=True) if level > -70]
    gate = -0.691 + 10 * math.log10(np.mean(first)) - 10
    second = [power for power, level in zip(blocks, levels, strict=True) if level > max(gate, -70)]
    assert len(second) < len(first)
    wanted = -0.691 + 10 * math.log10(np.mean(second))
    assert loudness_lufs(signal, sample_rate=rate) == pytest.approx(wanted, abs=0.01)


def test_the_weighting_has_the_published_course() -> None:
    """BS.1770-4, figures 2 and 4: 4 dB more at high frequencies, a roll-off below 100 Hz, 0.69 dB at 997 Hz."""
    gain_db = 20 * np.log10(np.abs(k_weighting(np.array([20.0, 100.0, 997.0, 10_000.0, 24_000.0, 40_000.0]))))
    assert gain_db[2] == pytest.approx(0.691, abs=0.005)
    assert gain_db[0] < -12
    assert -2 < gain_db[1] < 0
    assert gain_db[3:] == pytest.approx([4, 4, 4], abs=0.1)


def test_what_is_too_short_or_too_quiet_has_none() -> None:
    rate = 16_000
    assert loudness_lufs(sine(997, level_db=0, seconds=0.39, sample_rate=rate), sample_rate=rate) is None
    assert loudness_lufs(sine(997, level_db=0, seconds=0.41, sample_rate=rate), sample_rate=rate) is not None
    assert loudness_lufs(sine(997, level_db=-68, seconds=2, sample_rate=rate), sample_rate=rate) is None
    assert loudness_lufs(np.zeros(rate), sample_rate=rate) is None
