"""Robust z-scores against their definition, and what they must not call an outlier."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats.outliers import FEWEST, robust_z


def test_against_the_definition() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=101)
    middle = statistics.median(values)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in values)
    assert robust_z(values) == pytest.approx([(value - middle) / spread for value in values])


def test_of_normal_values_it_is_the_ordinary_z() -> None:
    z = robust_z(np.random.default_rng(2).normal(-5, 0.3, size=200_000))
    assert np.std(z) == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(z) > 3.5) == pytest.approx(0.00047, abs=0.0002)


@given(st.lists(st.floats(-1e3, 1e3), min_size=FEWEST, max_size=40), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_it_follows_shift_and_scale(values: list[float], shift: float, scale: float) -> None:
    there = np.array(values)
    before, after = robust_z(there, least=1.0), robust_z(shift + scale * there, least=scale)
    assert after == pytest.approx(before, rel=1e-6, abs=1e-6)


def test_two_in_five_wrong_values_hide_nothing() -> None:
    values = np.concatenate([np.random.default_rng(3).normal(size=60), np.full(40, 1e6)])
    assert (robust_z(values)[60:] > 1e4).all()
    assert (np.abs(robust_z(values)[:60]) < 5).all()


def test_unknown_stays_unknown() -> None:
    values = np.append(np.arange(FEWEST, dtype=float), np.nan)
    z = robust_z(values)
    assert np.isnan(z[-1])
    assert np.isfinite(z[:-1]).all()
    assert np.isnan(robust_z(values[1:])).all()
    assert robust_z(np.array([])).tolist() == []


def test_no_spread() -> None:
    values = np.array([1.0] * 30 + [2.0])
    assert np.isnan(robust_z(values)).all()
    assert robust_z(values, least=0.5).tolist() == [0.0] * 30 + [2.0]
