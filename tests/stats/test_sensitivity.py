"""The same disparities under several normalisers: verdicts, and whether they change."""

from typing import Any

import polars as pl
import pytest

from asrfair.report.findings import Contrast
from asrfair.stats.sensitivity import sensitivity_rows, verdict
from asrfair.tables import DISPARITIES, SENSITIVITY, conform

ROW: dict[str, Any] = {
    "axis": "accent",
    "group": "gb",
    "reference_group": "us",
    "condition": "clean",
    "reference_condition": "clean",
    "backend": "A",
    "reference_backend": "A",
    "normalizer": "basic-1",
    "measure": "difference",
    "estimate": 0.1,
    "low": 0.05,
    "high": 0.15,
    "p_adjusted": 0.01,
}


def disparities(*rows: dict[str, Any], normalizer: str = "basic-1") -> pl.DataFrame:
    full = [ROW | {"normalizer": normalizer} | row for row in rows]
    return conform(pl.DataFrame(full, infer_schema_length=None, schema_overrides={"group": pl.String}), DISPARITIES)


def verdict_of(**changes: Any) -> str:
    return str(disparities(changes).select(verdict(0.05)).item())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "worse"),
        ({"estimate": -0.1, "low": -0.15, "high": -0.05}, "better"),
        ({"measure": "ratio", "estimate": 1.4}, "worse"),
        ({"measure": "ratio", "estimate": 0.7}, "better"),
        ({"measure": "ratio_to_rest", "estimate": 0.7}, "better"),
        ({"measure": "backend_interaction_ratio", "estimate": 0.7}, "better"),
        ({"p_adjusted": 0.05}, "not shown"),
        ({"p_adjusted": None}, "not judged"),
        ({"low": None, "high": None}, "not judged"),
        ({"estimate": None}, "not judged"),
        ({"measure": "faas", "low": None, "p_adjusted": None}, "not judged"),
        ({"measure": "gap"}, "shown"),
        ({"measure": "gap", "p_adjusted": 0.2}, "not shown"),
        ({"measure": "between_group_sd", "p_adjusted": None}, "shown"),
        ({"measure": "gini", "p_adjusted": None, "low": 0.0}, "not shown"),
        ({"measure": "theil", "p_adjusted": None, "low": None}, "not judged"),
    ],
)
def test_verdicts(changes: dict[str, Any], expected: str) -> None:
    assert verdict_of(**changes) == expected


@pytest.mark.parametrize("measure", ["difference", "ratio"])
@pytest.mark.parametrize("estimate", [None, 0.5, 1.5, -0.2])
@pytest.mark.parametrize("low", [None, 0.1])
@pytest.mark.parametrize("p_adjusted", [None, 0.0499, 0.05, 0.3])
def test_verdicts_are_those_of_the_report(
    measure: str, estimate: float | None, low: float | None, p_adjusted: float | None
) -> None:
    changes = {"measure": measure, "estimate": estimate, "low": low, "p_adjusted": p_adjusted}
    row = disparities(changes).row(0, named=True)
    contrast = Contrast(difference=None, ratio=row) if measure == "ratio" else Contrast(difference=row, ratio=None)
    assert verdict_of(**changes) == contrast.verdict(0.05)


def test_each_normaliser_has_a_row_of_each_disparity() -> None:
    basic = disparities({}, {"group": None}, {"group": "in", "p_adjusted": 0.4})
    folded = disparities({"p_adjusted": 0.7, "estimate": 0.01}, {"group": None}, normalizer="folded-1")
    found = sensitivity_rows([basic, folded], alpha=0.05)
    assert found.schema == pl.Schema(SENSITIVITY)
    assert found["normalizer"].to_list() == ["basic-1"] * 3 + ["folded-1"] * 3
    by_group = {
        group: rows.select("verdict", "changes").rows()
        for (group,), rows in found.group_by("group", maintain_order=True)
    }
    assert by_group == {
        "gb": [("worse", True), ("not shown", True)],
        # Of the unlabelled, group and all, there is one row under each and no change.
        None: [("worse", False), ("worse", False)],
        "in": [("not shown", True), ("not judged", True)],
    }
    assert found.filter(group="in")["estimate"].to_list() == [0.1, None]
    gb = found.filter(group="gb").select("estimate", "p_adjusted").rows()
    assert gb == [(0.1, 0.01), (0.01, 0.7)]


def test_rows_that_only_another_normaliser_has_are_there_too() -> None:
    found = sensitivity_rows([disparities({}), disparities({}, {"group": "in"}, normalizer="folded-1")], alpha=0.05)
    assert found.filter(group="in").select("normalizer", "verdict").rows() == [
        ("basic-1", "not judged"),
        ("folded-1", "worse"),
    ]


def test_a_gap_is_one_disparity_whatever_groups_make_it() -> None:
    basic = disparities({"measure": "gap"}, {"measure": "worst_group", "reference_group": None})
    folded = disparities({"measure": "gap", "group": "in", "reference_group": "gb"}, normalizer="folded-1")
    found = sensitivity_rows([basic, folded], alpha=0.05)
    assert (
        found.select("measure", "group", "reference_group", "verdict", "changes").rows()
        == [("gap", "overall", None, "shown", False)] * 2
    )


def test_conditions_and_backends_are_told_apart() -> None:
    cells = [{"condition": condition, "backend": backend} for condition in ("clean", "car") for backend in "AB"]
    other = [cell | {"p_adjusted": 0.5 if cell == cells[1] else 0.01} for cell in cells]
    found = sensitivity_rows([disparities(*cells), disparities(*other, normalizer="folded-1")], alpha=0.05)
    assert found.filter("changes").select("condition", "backend").rows() == [("clean", "B")] * 2


def test_the_level_is_the_questions() -> None:
    strict = sensitivity_rows([disparities({"p_adjusted": 0.03})] * 2, alpha=0.01)
    assert strict["verdict"].to_list() == ["not shown"] * 2
