"""Holm's steps on bounds are Holm on p; and the speakers that put a bound at its limit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from asrfair.stats.alarms import step_down, times_the_speakers


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0001, 0.2), min_size=1, max_size=12), st.sampled_from([0.05, 0.1]))
def test_steps_on_bounds_are_holm_on_p(p: list[float], error: float) -> None:
    """statsmodels rejects the same; a bound is beyond its limit at e where its p is at most e."""
    found = step_down(len(p), error=error, beyond=lambda e: {k for k, value in enumerate(p) if value <= e})
    rejected = multipletests(p, alpha=error, method="holm")[0]
    assert found.raised.keys() == set(np.flatnonzero(rejected))
    assert all(p[k] <= at for k, at in found.raised.items())


def test_the_level_of_each_step_is_told() -> None:
    p = [0.001, 0.02, 0.5]
    found = step_down(3, error=0.05, beyond=lambda e: {k for k, value in enumerate(p) if value <= e})
    assert found.raised == {0: 0.05 / 3, 1: 0.05 / 2}
    assert found.last == 0.05


def test_nothing_to_raise() -> None:
    assert step_down(0, error=0.05, beyond=lambda e: set()).raised == {}


def test_four_times_the_speakers_halve_the_way() -> None:
    assert times_the_speakers(0.1, 0.3, 0.2, log=False) == pytest.approx(4)
    assert times_the_speakers(1.0, math.exp(0.3), math.exp(0.1), log=True) == pytest.approx(9)


@pytest.mark.parametrize("estimate", [0.2, 0.25])
def test_no_speakers_help_an_estimate_beyond_its_limit(estimate: float) -> None:
    assert times_the_speakers(estimate, 0.3, 0.2, log=True) is None


def test_nothing_is_said_of_a_rate_of_zero() -> None:
    assert times_the_speakers(0.0, 0.3, 0.2, log=True) is None
