"""What counts as shown, and in which order findings are told."""

import math

import polars as pl
import pytest

from asrfair.report.findings import Contrast, contrasts, largest_cost, largest_extra_cost, open_factor, standing
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


def test_the_open_factor_looks_in_both_directions():
    assert open_factor(Contrast(difference=None, ratio=row(1.0, 0.25, 2.0, 1.0))) == 4.0
    assert open_factor(Contrast(difference=None, ratio=row(1.0, 0.8, 2.0, 1.0))) == 2.0
    assert open_factor(Contrast(difference=None, ratio=row(1.0, 0.0, 2.0, 1.0))) is None
    assert open_factor(Contrast(difference=row(1.0, 0.5, 2.0, 1.0), ratio=None)) is None


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
            "ratio", *ends, axis="accent", group=group, reference_group="r", condition="clean", backend="small"
        )
        for group, ends in groups.items()
    ]
    view = View.of(sample.results(disparities=pl.DataFrame(rows, infer_schema_length=None)))
    found = contrasts(view, "reference", axis="accent", backend="small")
    assert [contrast.group for contrast in found] == ["c", "a", "b", None]


def test_the_largest_costs(sample):
    view = View.of(sample.realistic())
    assert largest_cost(view, backend="small").row["condition"] == "pink-10db"
    extra = largest_extra_cost(view, backend="small").row
    assert (extra["group"], extra["condition"]) == ("scottish", "pink-10db")
    assert largest_cost(View.of(sample.results()), backend="small") is None


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
