"""Gaussian numbers against the normal distribution, and against drawing them one by one."""

import numpy as np
import pytest
from scipy.stats import kstest, kurtosis, norm

from asrfair.condition.gaussian import gaussian
from asrfair.seeds import generator


def test_the_values_are_normal() -> None:
    values = gaussian(generator(1, "gaussian"), 1_000_000)
    assert kstest(values, norm.cdf).pvalue > 0.01
    assert abs(values.mean()) < 0.004
    assert abs(values.std() - 1) < 0.003
    assert abs(kurtosis(values)) < 0.02


def test_the_values_are_independent() -> None:
    values = gaussian(generator(2, "gaussian"), 1_000_000)
    for lag in (1, 2, 3, 4, 8, 100):
        assert abs(np.mean(values[:-lag] * values[lag:])) < 0.004
        assert abs(np.mean(values[:-lag] ** 2 * values[lag:] ** 2) - 1) < 0.01


def test_equal_generators_give_equal_values_and_a_shorter_draw_is_the_beginning() -> None:
    first, second = (gaussian(generator(3, "gaussian"), count) for count in (1001, 500))
    np.testing.assert_array_equal(first[:500], second)
    assert len(first) == 1001
    assert len(gaussian(generator(3, "gaussian"), 1)) == 1


def test_the_values_lie_evenly_to_both_sides() -> None:
    # Each of the 65,536 is drawn some 46 times.
    values = np.unique(gaussian(generator(4, "gaussian"), 3_000_000))
    assert len(values) == 65_536
    np.testing.assert_allclose(values, -values[::-1], rtol=1e-12)
    assert values.max() == pytest.approx(4.32, abs=0.005)
