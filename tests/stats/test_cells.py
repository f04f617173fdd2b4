"""The groups of an axis: natural order, and the empty cells of products."""

from collections.abc import Callable

import polars as pl
import pytest

from asrfair.stats import cells
from asrfair.stats.cells import find_axis
from asrfair.tables import with_intersections


def groups(labels: list[str | None]) -> tuple[str | None, ...]:
    rows = pl.DataFrame({"a": labels}, schema={"a": pl.String})
    return find_axis("a", rows, rows.head(0)).groups


@pytest.mark.parametrize(
    "ordered",
    [
        ["under 9", "9-17", "18-29", "100 and over"],
        ["under 22.5", "22.5 to 30", "30 and over"],
        ["dr1", "dr2", "dr10"],
        ["1", "2", "10", "north", "south"],
        ["north*under 30", "north*30-39", "south*under 30", "south*30-39"],
    ],
)
def test_natural_order(ordered: list[str]) -> None:
    assert groups([None, *reversed(ordered)]) == (*ordered, None)


def test_labels_that_read_the_same_number_stay_apart() -> None:
    assert groups(["1", "01", "1.0"]) == ("01", "1", "1.0")


@pytest.fixture
def product() -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = pl.DataFrame(
        {"accent": ["north", "south", None, "north"], "age": ["10-19", "9", "9", "10-19"]},
        schema={"accent": pl.String, "age": pl.String},
    )
    rows = with_intersections(rows, ["accent*age"])
    return rows.head(3), rows.tail(1)


def test_empty_cells_of_a_product(product: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    expected = ("north*9", "north*10-19", "south*9", "south*10-19", None)
    assert find_axis("accent*age", *product).groups == expected


def test_too_many_combinations(product: tuple[pl.DataFrame, pl.DataFrame], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_COMBINATIONS", 3)
    assert find_axis("accent*age", *product).groups == ("north*10-19", "south*9", None)


def test_product_without_its_parts(product: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    counts, failures = product
    found = find_axis("accent*age", counts.drop("age"), failures)
    assert found.groups == ("north*10-19", "south*9", None)


def test_empty_cells_have_rates(counts_of: Callable[..., pl.DataFrame], run: Callable[..., object]) -> None:
    axes = ["accent", "gender"]
    rows = [
        {"speaker_id": f"s{n}", "accent": "north" if n < 6 else "south", "gender": "fm"[n % 2 if n < 6 else 0]}
        for n in range(9)
    ]
    counts = with_intersections(counts_of([row | {"errors": 2} for row in rows], axes), ["accent*gender"])
    failures = counts.head(0).with_columns(stage=pl.lit(""), reason=pl.lit(""))
    rates = run(counts, failures, axes=["accent*gender"]).rates  # type: ignore[attr-defined]
    empty = rates.filter(pl.col("group") == "south*m").row(0, named=True)
    assert (empty["utterances"], empty["speakers"], empty["wer"], empty["note"]) == (0, 0, None, "no utterances")
