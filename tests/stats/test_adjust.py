"""Holm's and Benjamini and Hochberg's adjustments against their definitions and other tools; families of rows."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asrfair.errors import InputError
from asrfair.stats.adjust import benjamini_hochberg, holm, parse_confirm, with_adjusted, with_holm

FAMILY = ["axis", "measure"]


def slow_holm(values):
    """Step down: the k-th smallest times (n − k + 1), never below an earlier one, at most 1."""
    ranked = sorted(range(len(values)), key=lambda i: values[i])
    result, running = [0.0] * len(values), 0.0
    for rank, i in enumerate(ranked):
        running = max(running, (len(values) - rank) * values[i])
        result[i] = min(running, 1.0)
    return result


def rows_of(*rows):
    """Rows of (measure, condition, group, p) on one axis and backend."""
    schema = {"measure": pl.String, "condition": pl.String, "group": pl.String, "p": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(axis=pl.lit("accent"), backend=pl.lit("A"))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_equals_its_definition(values):
    assert holm(np.array(values)).tolist() == pytest.approx(slow_holm(values))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_hochberg_equals_scipy(values):
    assert benjamini_hochberg(np.array(values)).tolist() == pytest.approx(stats.false_discovery_control(values))


def test_holm_equals_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="skipped: no statsmodels")
    p = np.array([0.01, 0.04, 0.03, 0.2, 0.011])
    assert holm(p).tolist() == pytest.approx(multitest.multipletests(p, method="holm")[1].tolist())
    assert benjamini_hochberg(p).tolist() == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1].tolist())


def test_families_are_apart_and_null_p_stays_out():
    rows = rows_of(
        ("ratio", "clean", "b", 0.01),
        ("difference", "clean", "b", 0.02),
        ("ratio", "clean", "c", None),
        ("ratio", "noise", "b", 0.03),
    )
    found = with_adjusted(rows, FAMILY)
    assert found["p_adjusted"].to_list() == pytest.approx([0.02, 0.02, None, 0.03])
    assert found["p_fdr"].to_list() == pytest.approx([0.02, 0.02, None, 0.03])
    assert found["exploratory"].to_list() == [True] * 4


def test_no_p_and_no_rows_give_null():
    rows = rows_of(("ratio", "clean", "b", None))
    assert with_adjusted(rows, FAMILY).select("p_adjusted", "p_fdr").row(0) == (None, None)
    assert with_adjusted(rows.clear(), FAMILY).schema["exploratory"] == pl.Boolean
    assert with_holm(rows, FAMILY)["p_adjusted"].to_list() == [None]


def test_rows_named_beforehand_are_one_family_across_measures_and_leave_the_others():
    rows = rows_of(
        ("ratio", "clean", "b", 0.01),
        ("ratio", "clean", "c", 0.04),
        ("ratio", "noise", "b", 0.02),
        ("ratio", "noise", "c", 0.03),
        ("gap", "clean", None, 0.011),
        ("gap", "noise", None, None),
    )
    found = with_adjusted(rows, FAMILY, ["measure=ratio, condition=clean", "measure = gap"])
    assert found["exploratory"].to_list() == [False, False, True, True, False, False]
    assert found["p_adjusted"].to_list() == pytest.approx([0.03, 0.04, 0.04, 0.04, 0.03, None])
    family = [0.01, 0.04, 0.011]
    assert found["p_fdr"][[0, 1, 4]].to_list() == pytest.approx(stats.false_discovery_control(family))
    assert found["p_fdr"][[2, 3]].to_list() == pytest.approx([0.03, 0.03])


def test_a_row_picked_by_two_filters_counts_once():
    rows = rows_of(("ratio", "clean", "b", 0.01), ("ratio", "clean", "c", 0.04))
    found = with_adjusted(rows, FAMILY, ["measure=ratio", "group=b"])
    assert found["p_adjusted"].to_list() == pytest.approx([0.02, 0.04])


def test_pairs_adjusted_already_count_as_one_test_per_condition():
    pairs = [("pairwise_difference", c, g, p) for c, g, p in (("clean", "b", 0.01), ("clean", "c", 0.2))]
    assert with_adjusted(rows_of(*pairs), FAMILY)["p_adjusted"].to_list() == pytest.approx([0.01, 0.2])
    more = [*pairs, ("pairwise_difference", "noise", "b", 0.6)]
    assert with_adjusted(rows_of(*more), FAMILY)["p_adjusted"].to_list() == pytest.approx([0.02, 0.4, 1.0])


def test_ordinary_rows_beside_pairs_keep_a_place_for_them():
    rows = rows_of(
        ("pairwise_difference", "clean", "b", 0.01),
        ("pairwise_difference", "clean", "c", 0.05),
        ("ratio", "clean", "b", 0.01),
        ("ratio", "clean", "c", 0.02),
    )
    assert with_adjusted(rows, ["axis"])["p_adjusted"].to_list() == pytest.approx([0.03, 0.15, 0.03, 0.04])


def test_the_family_of_tests_is_of_any_columns():
    rows = pl.DataFrame({"test": ["sign_flip", "mapsswe", "sign_flip"], "p": [0.01, 0.02, 0.03]})
    assert with_holm(rows, ["test"])["p_adjusted"].to_list() == pytest.approx([0.02, 0.02, 0.03])


def test_a_filter_is_read_with_commas_and_equals_signs_in_labels():
    assert parse_confirm(["axis=accent, group=US, South,measure = ratio"]) == (
        {"axis": "accent", "group": "US, South", "measure": "ratio"},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axis=accent, speaker=b", "confirm .*: found unknown column 'speaker'; expected one of: axis, group"),
        ("accent", "found 'accent'; expected a text like 'axis=accent, measure=ratio' of: axis, group"),
        ("axis=", "found 'axis='; expected a text like"),
        ("", "found ''; expected a text like"),
        ("axis=a, axis=b", "found column 'axis' twice; expected each column once"),
    ],
)
def test_a_filter_that_cannot_be_read_says_what_is_valid(text, message):
    with pytest.raises(InputError, match=message):
        parse_confirm([text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "measure=rato",
            "confirm 'measure=rato': found no row with measure 'rato'; expected one of: difference, ratio",
        ),
        ("measure=ratio, condition=noise", "found no row with condition 'noise'; expected one of: clean$"),
    ],
)
def test_a_filter_that_picks_no_row_says_what_there_is(text, message):
    rows = rows_of(("ratio", "clean", "b", 0.01), ("difference", "noise", "b", 0.01))
    with pytest.raises(InputError, match=message):
        with_adjusted(rows, FAMILY, [text])
