"""What counts as shown, and in which order findings are told."""

import math
from dataclasses import replace

import polars as pl
import pytest

from asrfair.report.findings import (
    Contrast,
    condition_costs,
    contrasts,
    extra_costs,
    extra_finding,
    open_factor,
    open_points,
    standing,
)
from asrfair.report.view import View, is_few


def row(estimate, low, high, p, **values):
    return {"group": "g", "estimate": estimate, "low": low, "high": high, "p_adjusted": p, **values}


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (row(2.0, 1.2, 3.0, 0.01), "worse"),
        (row(0.5, 0.3, 0.8, 0.01), "better"),
        (row(2.0, 0.9, 3.0, 0.05), "not shown"),
        (row(2.0, None, None, 0.01), "not judged"),
        (row(2.0, 1.2, 3.0, None), "not judged"),
        (row(None, None, None, None), "not judged"),
    ],
)
def test_a_ratio_decides_by_its_adjusted_p(ratio, verdict):
    assert Contrast(difference=None, ratio=ratio).verdict(0.05) == verdict


def test_the_ratio_decides_over_the_difference():
    contrast = Contrast(difference=row(0.1, 0.05, 0.2, 0.01), ratio=row(1.5, 0.9, 2.5, 0.2))
    assert contrast.verdict(0.05) == "not shown"


def test_the_difference_decides_where_there_is_no_ratio():
    contrast = Contrast(difference=row(0.1, 0.05, 0.2, 0.01), ratio=row(None, None, None, None))
    assert contrast.verdict(0.05) == "worse"
    assert contrast.row is contrast.difference


def test_the_open_factor_looks_to_the_worse_side():
    assert open_factor(Contrast(difference=None, ratio=row(1.0, 0.25, 2.0, 1.0))) == 2.0
    assert open_factor(Contrast(difference=None, ratio=row(1.0, 0.0, 2.0, 1.0))) == 2.0
    assert open_factor(Contrast(difference=None, ratio=row(1.0, None, None, None))) is None
    assert open_factor(Contrast(difference=row(1.0, 0.5, 2.0, 1.0), ratio=None)) is None


def test_the_difference_decides_where_the_ratio_was_not_judged():
    contrast = Contrast(difference=row(0.1, 0.05, 0.2, 0.01), ratio=row(2.0, None, None, None))
    assert contrast.row is contrast.difference
    assert contrast.verdict(0.05) == "worse"


UP, DOWN, OPEN = 0.01, 0.01, 0.2


@pytest.mark.parametrize(
    ("difference", "ratio", "finding"),
    [
        ((0.1, UP), (2.0, UP), "costs more"),
        ((-0.1, DOWN), (0.5, DOWN), "costs less"),
        ((0.1, UP), (0.5, DOWN), "more points, smaller factor"),
        ((-0.1, DOWN), (2.0, UP), "fewer points, larger factor"),
        ((0.1, UP), (2.0, OPEN), "more points"),
        ((0.1, OPEN), (0.5, DOWN), "smaller factor"),
        ((0.1, OPEN), (2.0, OPEN), "not shown"),
        ((0.1, OPEN), (2.0, None), "not shown"),
        ((0.1, UP), (2.0, None), "more points"),
        ((0.1, None), (2.0, None), "not judged"),
    ],
)
def test_an_extra_cost_is_judged_on_each_scale_by_its_own_p(difference, ratio, finding):
    rows = [row(size, size - 0.05, size + 0.05, p) for size, p in (difference, ratio)]
    contrast = Contrast(difference=rows[0], ratio=rows[1])
    assert extra_finding(contrast, 0.05) == finding
    assert contrast.shown(0.05) == (finding not in ("not shown", "not judged"))


def test_open_points_look_to_the_worse_side():
    assert open_points(Contrast(difference=row(0.0, -0.3, 0.1, 1.0), ratio=None)) == 0.1
    assert open_points(Contrast(difference=row(0.0, None, None, None), ratio=None)) is None


def test_without_errors_in_the_reference_the_widest_is_in_points(sample):
    found = sample.realistic()
    no_ratio = pl.col("measure") == "ratio"
    cleared = [pl.when(~no_ratio).then(pl.col(name)).alias(name) for name in ("estimate", "low", "high", "p_adjusted")]
    view = View.of(sample.results(rates=found.rates, disparities=found.disparities.with_columns(cleared)))
    standings = standing(view, axis="accent", backend="small", condition="clean")
    assert standings.widest() is None
    assert standings.widest_in_points().group == "scottish"


def test_an_unlabelled_group_with_an_interval_is_a_group_like_any_other(sample):
    cells = [("a", 0.2, 0.1), ("b", 0.1, 0.05), (None, 0.4, 0.3)]
    rows = [sample.rate("accent", g, "clean", "small", wer=w, low=low, high=0.5, speakers=5) for g, w, low in cells]
    found = standing(
        View.of(sample.results(rates=pl.DataFrame(rows))), axis="accent", backend="small", condition="clean"
    )
    assert [cell["group"] for cell in found.judged] == [None, "a", "b"]
    assert found.unlabelled is None


def test_a_group_of_which_nothing_was_counted_is_not_judged(sample):
    rows = [sample.rate("accent", "a", c, "small", wer=0.2, low=0.1, high=0.5, speakers=5) for c in ("clean", "loud")]
    rows.append(sample.rate("accent", "b", "loud", "small", wer=0.2, low=0.1, high=0.5, speakers=5))
    spoken = pl.DataFrame({"utterance_id": ["u1", "u2", "u3"], "accent": ["a", "c", None]})
    view = View.of(sample.results(rates=pl.DataFrame(rows), utterances=spoken))
    found = standing(view, axis="accent", backend="small", condition="clean")
    assert [(row["group"], row["utterances"], row["note"]) for row in found.not_judged] == [
        ("b", 0, "no utterance counted"),
        ("c", 0, "no utterance counted"),
    ]


def test_a_standing_keeps_the_lone_and_the_unlabelled_apart(sample):
    found = standing(View.of(sample.realistic()), axis="accent", backend="small", condition="clean")
    assert [cell["group"] for cell in found.judged] == ["scottish", "indian", "american"]
    assert [cell["group"] for cell in found.not_judged] == ["welsh", "irish"]
    assert found.unlabelled["speakers"] == 1
    assert [contrast.group for contrast in found.contrasts] == ["scottish", "indian", "welsh"]
    assert found.widest().group == "scottish"


def test_the_reference_is_not_a_contrast_to_itself(sample):
    found = sample.realistic()
    own = sample.disparity(
        "ratio",
        1.0,
        0.7,
        1.4,
        axis="accent",
        group="american",
        reference_group="american",
        condition="clean",
        backend="small",
    )
    own = sample.results(disparities=pl.DataFrame([own])).disparities
    both = sample.results(rates=found.rates, disparities=pl.concat([found.disparities, own]))
    standings = standing(View.of(both), axis="accent", backend="small", condition="clean")
    assert "american" not in [contrast.group for contrast in standings.contrasts]


def test_contrasts_come_judged_first_and_then_by_size(sample):
    groups = {"a": (1.2, 1.0, 1.4), "b": (3.0, None, None), "c": (1.5, 1.1, 2.0), None: (9.0, 8.0, 10.0)}
    rows = [
        sample.disparity(
            "ratio",
            *ends,
            p_adjusted=0.5,
            axis="accent",
            group=group,
            reference_group="r",
            condition="clean",
            backend="small",
        )
        for group, ends in groups.items()
    ]
    view = View.of(sample.results(disparities=pl.DataFrame(rows, infer_schema_length=None)))
    found = contrasts(view, "reference", axis="accent", backend="small")
    assert [contrast.group for contrast in found] == ["c", "a", "b", None]


def test_differences_order_even_where_a_ratio_is_missing(sample):
    groups = {"a": (0.05, 1.9), "b": (0.30, None), "c": (-0.2, None), "d": (0.01, 2.5)}
    rows = []
    for group, (gap, ratio) in groups.items():
        cell = {"axis": "accent", "group": group, "reference_group": "r", "condition": "clean", "backend": "small"}
        rows.append(sample.disparity("difference", gap, gap - 0.1, gap + 0.1, p_adjusted=0.5, **cell))
        ends = (None, None) if ratio is None else (1.0, 3.0)
        rows.append(sample.disparity("ratio", ratio, *ends, p_adjusted=None if ratio is None else 0.5, **cell))
    view = View.of(sample.results(disparities=pl.DataFrame(rows, infer_schema_length=None)))
    found = contrasts(view, "reference", axis="accent", backend="small")
    assert [contrast.group for contrast in found] == ["b", "a", "d", "c"]
    alone = {**rows[-1], "group": "e", "estimate": 9.0, "low": 5.0}
    view = View.of(sample.results(disparities=pl.DataFrame([alone, *rows], infer_schema_length=None)))
    found = contrasts(view, "reference", axis="accent", backend="small")
    assert [contrast.group for contrast in found] == ["b", "a", "d", "c", "e"]


def test_those_served_better_are_told_largest_first(sample):
    rows = [
        sample.disparity(
            "difference",
            gap,
            gap - 0.01,
            gap + 0.01,
            p_adjusted=0.01,
            axis="accent",
            group=group,
            reference_group="american",
            condition="clean",
            backend="small",
        )
        for group, gap in (("a", -0.1), ("b", -0.3), ("c", 0.1))
    ]
    found = standing(
        View.of(sample.results(disparities=pl.DataFrame(rows))), axis="accent", backend="small", condition="clean"
    )
    assert [contrast.group for contrast in found.with_verdict("better", 0.05)] == ["b", "a"]


def test_the_largest_costs(sample):
    view = View.of(sample.realistic())
    assert condition_costs(view, backend="small").largest.row["condition"] == "pink-10db"
    extra = extra_costs(view, backend="small").largest.row
    assert (extra["group"], extra["condition"]) == ("scottish", "pink-10db")
    assert condition_costs(View.of(sample.results()), backend="small").largest is None


def test_what_lowers_the_wer_or_was_not_judged_is_no_cost(sample):
    found = sample.realistic()
    lower = found.disparities.with_columns(-pl.col("estimate").alias("estimate"))
    costs = condition_costs(View.of(sample.results(rates=found.rates, disparities=lower)), backend="small")
    assert (costs.compared, len(costs.judged), costs.largest) == (2, 2, None)
    unjudged = found.disparities.with_columns(pl.lit(None, dtype=pl.Float64).alias("low"))
    costs = extra_costs(View.of(sample.results(rates=found.rates, disparities=unjudged)), backend="small")
    assert (costs.compared, len(costs.judged), costs.largest) == (4, 0, None)


def test_the_largest_cost_shown_is_by_the_points(sample):
    found = sample.realistic()
    only = (pl.col("measure") == "interaction_difference") & (pl.col("group") == "indian")
    p = pl.when(only & (pl.col("condition") == "telephone")).then(0.01).otherwise(0.5).alias("p_adjusted")
    view = View.of(sample.results(rates=found.rates, disparities=found.disparities.with_columns(p)))
    costs = extra_costs(view, backend="small")
    assert costs.largest.group == "scottish"
    assert costs.largest_shown(0.05).group == "indian"


def test_errors_of_an_intersection_come_from_the_parts(sample):
    counts = sample.irish_counts().with_columns(pl.lit("female").alias("gender"))
    cell = sample.rate("accent*gender", "irish*female", "clean", "small", reference_words=0)
    view = View.of(sample.results(rates=pl.DataFrame([cell]), counts=counts))
    assert view.errors(cell) == 2
    assert view.errors({**cell, "group": "irish*male"}) is None
    assert view.errors({**cell, "axis": "age"}) is None
    unlabelled = counts.with_columns(pl.lit(None, dtype=pl.String).alias("accent"))
    view = View.of(sample.results(rates=pl.DataFrame([cell]), counts=unlabelled))
    assert view.errors({**cell, "axis": "accent", "group": None}) == 2


def test_few_is_two_to_nine_speakers():
    assert [is_few(count) for count in (None, 0, 1, 2, 9, 10)] == [False, False, False, True, True, False]


def test_the_error_rate_is_exact(sample):
    view = View.of(sample.results(signature=sample.signature(level=0.9)))
    assert view.alpha == 0.1
    assert view.level == "90 %"
    assert not math.isnan(view.alpha)


def test_the_unlabelled_are_no_group_that_something_is_left_open_of(sample):
    found = standing(View.of(sample.realistic()), axis="accent", backend="small", condition="clean")
    wide = {"estimate": 1.0, "low": 0.01, "high": 99.0, "p_adjusted": 1.0}
    unlabelled = Contrast(difference=None, ratio={"group": None, **wide})
    assert replace(found, contrasts=(*found.contrasts, unlabelled)).widest() == found.widest()
