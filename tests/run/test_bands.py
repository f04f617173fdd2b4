"""Bands for a table of one's own, cut as the bands of a corpus card are."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asrfair.corpus import cut_bands
from asrfair.errors import InputError
from asrfair.run.transcripts import ScorePlan, join_labels, read_tables, standardise, with_bands

AGES = ["17", "18", "29.5", "30", " 44 ", "45", "forties", "NA", "", "1e3", "inf"]


@pytest.fixture
def plan(tmp_path: Path) -> ScorePlan:
    path = tmp_path / "t.csv"
    rows = "".join(f"u{n},{age},{'xy'[n % 2]},a b,a b,{system}\n" for n, age in enumerate(AGES) for system in "AB")
    path.write_text("utterance_id,age,accent,reference,hypothesis,system\n" + rows, encoding="utf-8")
    return ScorePlan(
        tables=(str(path),), by=("age*accent",), null=("NA",), backend="system", bands={"age": (18.0, 30.0, 45.0)}
    )


def cut(plan: ScorePlan) -> tuple[pl.DataFrame, list[str]]:
    tables, _ = read_tables(plan)
    joined, _ = join_labels(tables, plan)
    return with_bands(standardise(joined, plan), plan)


def test_bands(plan: ScorePlan) -> None:
    rows, notes = cut(plan)
    assert rows.filter(pl.col("backend") == "A")["age"].to_list() == [
        "under 18",
        "18-29",
        "18-29",
        "30-44",
        "30-44",
        "45 and over",
        "forties",
        None,
        None,
        "45 and over",
        "inf",
    ]
    assert notes == ["age: 2 utterances have labels that are no number: 'forties' (1), 'inf' (1)"]
    assert rows["accent"].to_list() == ["x", "x", "y", "y"] * 5 + ["x", "x"]


def test_no_bands(plan: ScorePlan) -> None:
    rows, notes = cut(replace(plan, bands={}))
    assert rows["age"][0] == "17"
    assert notes == []


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ({"height": (1.0,)}, "--bands: found the axis 'height'; expected one of: age, accent"),
        ({"age": (30.0, 18.0)}, "--bands age: found 30,18; expected ascending numbers, such as 18,30,45"),
        ({"age": ()}, "--bands age: found nothing; expected ascending numbers, such as 18,30,45"),
        ({"age": (float("nan"),)}, "--bands age: found nan; expected ascending numbers, such as 18,30,45"),
    ],
)
def test_refused(plan: ScorePlan, bands: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(InputError) as raised:
        replace(plan, bands=bands)
    assert str(raised.value) == message


def test_edges_that_are_not_whole() -> None:
    labels = pl.Series(["1", "2.5", "-3", None, "x"])
    assert cut_bands(labels, (0.5, 2.5)) == {"1": "0.5 to 2.5", "2.5": "2.5 and over", "-3": "under 0.5"}
