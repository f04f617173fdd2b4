"""Curves along a ladder; oracles are scipy's isotonic regression and numpy's interpolation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize

from asrfair.stats.curves import (
    Scale,
    crossings,
    halfway,
    is_logarithmic,
    isotonic,
    monotone_share,
    reached,
)

RATES = arrays(np.float64, st.integers(2, 12), elements=st.floats(0, 2, width=32))
PLACES = np.array([-30.0, -20.0, -10.0, -5.0])


@given(RATES)
def test_isotonic_is_scipys(rates: np.ndarray) -> None:
    np.testing.assert_allclose(isotonic(rates), optimize.isotonic_regression(rates).x, atol=1e-12)


@given(RATES)
def test_isotonic_laws(rates: np.ndarray) -> None:
    curve = isotonic(rates)
    assert (np.diff(curve) >= -1e-12).all()
    assert curve.sum() == pytest.approx(rates.sum(), abs=1e-9)
    np.testing.assert_allclose(isotonic(curve), curve, atol=1e-12)


def test_isotonic_takes_many_at_once() -> None:
    rates = np.random.default_rng(0).uniform(size=(3, 4, 7))
    np.testing.assert_array_equal(isotonic(rates)[2, 1], isotonic(rates[2, 1]))


def test_unknown_rates_stay_unknown() -> None:
    assert np.isnan(isotonic(np.array([[0.1, np.nan, 0.3]]))).all()


@given(st.floats(-30, -5))
def test_reached_inverts_interpolation(place: float) -> None:
    curve = np.array([[0.05, 0.2, 0.6, 0.9]])
    level = np.interp([place], PLACES, curve[0])
    for end in reached(curve, level, PLACES):
        assert end[0] == pytest.approx(place, abs=1e-6)


def test_level_stretches_have_two_ends() -> None:
    curve = np.array([[0.1, 0.4, 0.4, 0.8]])
    first, last = reached(curve, np.array([0.4]), PLACES)
    assert (first[0], last[0]) == (-20.0, -10.0)


def test_level_at_the_ends_of_the_ladder() -> None:
    curve = np.array([[0.1, 0.1, 0.8, 0.8]])
    assert [end[0] for end in reached(curve, np.array([0.1]), PLACES)] == [-30.0, -20.0]
    assert [end[0] for end in reached(curve, np.array([0.8]), PLACES)] == [-10.0, -5.0]


@pytest.mark.parametrize(("level", "expected"), [(0.05, -np.inf), (0.95, np.inf), (np.nan, np.nan)])
def test_beyond_the_ladder(level: float, expected: float) -> None:
    for end in reached(np.array([[0.1, 0.2, 0.5, 0.9]]), np.array([level]), PLACES):
        np.testing.assert_equal(end[0], expected)


@given(arrays(np.float64, 5, elements=st.floats(0, 1, width=16)))
def test_equal_curves_meet(rates: np.ndarray) -> None:
    curve = isotonic(rates)[None]
    own, group = crossings(curve, curve, np.arange(5.0))
    np.testing.assert_allclose(own, group, atol=1e-9)


def test_a_shifted_curve_crosses_at_its_shift() -> None:
    places = np.arange(0.0, 40.0, 2.0)
    curve = (1 / (1 + np.exp(-0.4 * (places - 20))))[None]
    earlier = (1 / (1 + np.exp(-0.4 * (places - 14))))[None]
    own, group = crossings(earlier, curve, places)
    assert own[0, 0] - group[0, 0] == pytest.approx(6.0, abs=1e-6)
    np.testing.assert_allclose((own - group)[0, 4:], 6.0, atol=1e-6)
    assert np.isneginf(group[0, 1:4]).all()


def test_swapping_turns_the_sign_at_the_same_wer() -> None:
    places = np.arange(6.0)
    one, other = np.array([[0.0, 0.1, 0.3, 0.6, 0.9, 1.0]]), np.array([[0.0, 0.2, 0.5, 0.8, 0.95, 1.0]])
    own, group = crossings(other, one, places)
    back_own, back_group = crossings(one, other, places)
    assert halfway(one)[0] == halfway(other)[0]
    assert own[0, 0] - group[0, 0] == pytest.approx(back_group[0, 0] - back_own[0, 0])
    assert own[0, 0] - group[0, 0] > 0.5


def test_scales() -> None:
    more_is_better, less_is_better = Scale(logarithmic=True, turned=True), Scale(logarithmic=False, turned=False)
    values = np.array([24.0, 12.0, 6.0])
    places = more_is_better.places(values)
    assert (np.diff(places) > 0).all()
    assert places[1] == pytest.approx(places.mean())
    np.testing.assert_allclose(more_is_better.values(places), values)
    assert more_is_better.harder(np.array(6.0), np.array(24.0)) == 18
    assert less_is_better.harder(np.array(6.0), np.array(24.0)) == -18
    np.testing.assert_array_equal(less_is_better.places(values), values)


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([6, 12], "kbit/s", True),
        ([0, 12], "kbit/s", False),
        ([0.2, 0.8], "s", True),
        ([5, 10], "dB", False),
        ([1, 5], "%", False),
        ([1, 5], None, False),
    ],
)
def test_which_scale(values: list[float], unit: str | None, expected: bool) -> None:
    assert is_logarithmic(values, unit) is expected


def test_monotone_share() -> None:
    assert monotone_share(np.array([0.1, 0.2, 0.5])) == 1
    assert monotone_share(np.array([0.5, 0.2, 0.1])) == pytest.approx(0)
    assert monotone_share(np.array([0.0, 1.0, 0.0, 1.0])) == pytest.approx(0.5)
    assert np.isnan(monotone_share(np.array([0.2, 0.2])))
