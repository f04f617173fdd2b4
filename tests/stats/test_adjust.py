"""Holm's adjustment against its definition."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats.adjust import holm, with_adjusted


def slow_holm(values):
    """Step down: the k-th smallest times (n − k + 1), never below an earlier one, at most 1."""
    ranked = sorted(range(len(values)), key=lambda i: values[i])
    result, running = [0.0] * len(values), 0.0
    for rank, i in enumerate(ranked):
        running = max(running, (len(values) - rank) * values[i])
        result[i] = min(running, 1.0)
    return result


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_equals_its_definition(values):
    assert holm(np.array(values)).tolist() == pytest.approx(slow_holm(values))


def test_holm_equals_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="skipped: no statsmodels")
    p = np.array([0.01, 0.04, 0.03, 0.2, 0.011])
    assert holm(p).tolist() == pytest.approx(multitest.multipletests(p, method="holm")[1].tolist())


def test_families_are_apart_and_null_p_stays_out():
    rows = pl.DataFrame({"family": ["x", "y", "x", "x"], "p": [0.01, 0.02, None, 0.03]})
    assert with_adjusted(rows, ["family"])["p_adjusted"].to_list() == pytest.approx([0.02, 0.02, None, 0.03])


def test_no_p_at_all_gives_null():
    rows = pl.DataFrame({"family": ["x"], "p": [None]}, schema={"family": pl.String, "p": pl.Float64})
    assert with_adjusted(rows, ["family"])["p_adjusted"].to_list() == [None]
