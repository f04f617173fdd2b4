"""A group against everybody else, from counts."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asrfair.stats.cells import code, find_axis
from asrfair.stats.disparities import overall_rows
from asrfair.stats.rates import axis_sums
from asrfair.tables import DISPARITIES, OVERALL, conform

NUMBERS = ["condition", "backend", "estimate", "low", "high", "p", "speakers", "reference_speakers", "method"]


@pytest.fixture(scope="session")
def table(failures_of):
    def run(counts, *, alpha=0.05):
        failures = failures_of()
        coded = code(
            counts,
            failures,
            axes=["accent"],
            baseline_condition=None,
            baseline_backend=None,
            independent_utterances=False,
        )
        view, overall = (axis_sums(find_axis(name, counts, failures), coded) for name in ("accent", OVERALL))
        return pl.concat([conform(part, DISPARITIES) for part in overall_rows(view, overall, coded, alpha=alpha)])

    return run


@pytest.fixture(scope="session")
def corpus(simulated):
    return simulated(6, groups={"a": 5, "b": 12, "c": 1, None: 4}, conditions={"clean": 1.0, "noise": 2.0})


def test_measures_come_in_order(table, corpus):
    measures = ["difference_to_overall", "ratio_to_overall", "difference_to_rest", "ratio_to_rest"]
    assert table(corpus)["measure"].unique(maintain_order=True).to_list() == measures


@pytest.mark.parametrize("measure", ["difference", "ratio"])
@pytest.mark.parametrize("group", ["a", "b", None])
def test_the_rest_is_one_group_of_everybody_else(table, corpus, run, measure, group):
    mine = pl.col("accent").eq_missing(pl.lit(group, pl.String))
    merged = corpus.with_columns(accent=pl.when(mine).then(pl.lit("mine")).otherwise(pl.lit("others")))
    expected = run(merged, reference_groups={"accent": "others"}).disparities
    expected = expected.filter(pl.col("measure") == measure, pl.col("axis") == "accent")
    found = table(corpus).filter(
        pl.col("measure") == f"{measure}_to_rest", pl.col("group").eq_missing(pl.lit(group, pl.String))
    )
    assert set(found["reference_group"]) == {"rest"}
    assert_frame_equal(found.select(NUMBERS), expected.select(NUMBERS))


def test_the_overall_holds_the_group_and_so_is_nearer(table, corpus):
    rows = table(corpus).filter(pl.col("group") == "a")
    rest, overall = (rows.filter(pl.col("measure") == f"difference_to_{to}") for to in ("rest", "overall"))
    assert set(overall["reference_group"]) == {OVERALL}
    assert (rest["estimate"].abs() > overall["estimate"].abs()).all()
    assert rest["p"].to_list() == overall["p"].to_list()
    assert rest["reference_speakers"].to_list() == [17, 17]
    assert overall["reference_speakers"].to_list() == [22, 22]


def test_what_cannot_be_judged_says_so(table, corpus, simulated):
    one = table(corpus).filter(pl.col("group") == "c", pl.col("measure").str.ends_with("_to_rest"))
    assert one.select("low", "high", "p").null_count().row(0) == (4, 4, 4)
    assert one["note"].str.contains("1 speaker: not judged").all()
    alone = table(simulated(1, groups={"a": 3})).filter(pl.col("measure").str.ends_with("_to_rest"))
    assert alone["estimate"].null_count() == alone.height == 2
    assert alone["note"].str.contains("no other group").all()
