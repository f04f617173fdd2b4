"""Claims over all groups: only at the end of the interval that supports them, only of the groups that were judged."""

import dataclasses
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.report import metrics_card
from asrfair.report.card.bounds import all_bounds, find_bounds
from asrfair.report.view import View

LEAD = "By accent (self-reported), with small in clean, "


def told(results: Any, start: str = LEAD) -> str:
    return next((s for s in metrics_card(results)["statements"] if s.startswith(start)), "")


def with_rates(found: Any, change: pl.Expr) -> Any:
    return dataclasses.replace(found, rates=found.rates.with_columns(change))


def of_group(name: str, column: str, value: float | None) -> pl.Expr:
    cell = (pl.col("group") == name) & (pl.col("condition") == "clean") & (pl.col("backend") == "small")
    return pl.when(cell).then(pl.lit(value, pl.Float64)).otherwise(pl.col(column)).alias(column)


@pytest.fixture
def found(sample: Any) -> Any:
    return sample.realistic()


def test_the_bound_is_the_largest_upper_end_and_names_who_is_not_judged(found: Any) -> None:
    sentence = told(found)
    assert "WER is at most 42.8 % in each of the 3 groups that could be judged (the largest upper bound, scottish" in (
        sentence
    )
    assert sentence.endswith("2 groups could not be judged (welsh, irish).")


def test_the_bound_moves_with_the_upper_end_of_any_group(found: Any) -> None:
    sentence = told(with_rates(found, of_group("american", "high", 0.771)))
    assert "WER is at most 77.1 % in each of the 3 groups that could be judged (the largest upper bound, american" in (
        sentence
    )


def test_a_bound_of_every_word_or_more_is_no_claim(found: Any) -> None:
    sentence = told(with_rates(found, of_group("american", "high", 1.2)))
    assert "WER is at most" not in sentence.split("; at most")[0]
    assert "that all 3 groups that could be judged are under a WER of 100 % could not be shown" in sentence
    assert "the largest upper bound is 120.0 %, american" in sentence


def test_without_an_interval_a_group_is_named_and_no_longer_claimed_for(found: Any) -> None:
    sentence = told(with_rates(found, of_group("scottish", "low", None)))
    assert "in each of the 2 groups that could be judged" in sentence
    assert "42.8" not in sentence
    assert "3 groups could not be judged (scottish, welsh, irish)" in sentence


def test_nothing_is_claimed_where_nothing_is_judged(found: Any) -> None:
    nothing = with_rates(found, pl.lit(None, pl.Float64).alias("low"))
    statements = metrics_card(nothing)["sections"]["groups"]
    assert not [s for s in statements if re.search(r"at most|at least|Median", s)]


def test_groups_of_ten_speakers_have_a_bound_of_their_own_where_it_is_lower(found: Any) -> None:
    sentence = told(found)
    assert (
        "; at most 21.0 % in each of the 2 groups with 10 speakers or more (indian, 12 speakers, 474 words)" in sentence
    )
    alike = told(with_rates(found, of_group("indian", "high", 0.5)))
    assert "10 speakers or more" not in alike  # it would not be lower


def test_the_unlabelled_are_no_group_of_a_claim(found: Any) -> None:
    labelled = with_rates(found, pl.when(pl.col("group").is_null()).then(0.99).otherwise(pl.col("high")).alias("high"))
    low = pl.when(pl.col("group").is_null()).then(0.1).otherwise(pl.col("low")).alias("low")
    assert "in each of the 3 groups" in told(with_rates(labelled, low))
    assert "99.0" not in told(with_rates(labelled, low))


def test_the_worst_case_is_over_groups_and_conditions(found: Any) -> None:
    view = View.of(found)
    worst = find_bounds(all_bounds(view), axis="accent", backend="small", condition=None)
    assert worst is not None
    rates = found.rates.filter(pl.col("axis") == "accent", pl.col("backend") == "small", pl.col("low").is_not_null())
    assert worst.bound["high"] == rates["high"].max()
    sentence = told(found, "By accent (self-reported), with small, worst case")
    assert f"(the largest upper bound, {worst.bound['group']} under {worst.bound['condition']};" in sentence or (
        f"the largest upper bound is {100 * worst.bound['high']:.1f} %" in sentence
    )
    assert sentence.endswith("6 pairs could not be judged.")  # two groups under three conditions


def test_the_median_has_the_medians_of_the_ends_and_asks_for_three_groups(found: Any) -> None:
    assert told(found, "Median over groups, by accent (self-reported), with small in clean: WER 16.4 % [12.8, 21.0],")
    two = found.rates.filter((pl.col("group") != "indian") | pl.col("group").is_null())
    assert not told(dataclasses.replace(found, rates=two), "Median over groups, by accent (self-reported), with small")


def test_intersections_are_named_and_their_absence_is_told(sample: Any) -> None:
    rows = [
        sample.rate(axis, group, "clean", "small", wer=0.2, low=0.1, high=high, speakers=12, reference_words=90)
        for axis, group, high in (("accent", "a", 0.3), ("gender", "f", 0.31), ("accent*gender", "a*f", 0.42))
    ]
    axes = {name: {"assigned_by": "self-reported"} for name in ("accent", "gender", "accent*gender")}
    signature = sample.signature(axes=axes, conditions={"clean": {}})
    crossed = metrics_card(sample.results(rates=pl.DataFrame(rows), signature=signature))["statements"]
    assert any(
        s.startswith("Over groups and intersections, with small in clean") and "at most 42.0 % in each of the 3" in s
        for s in crossed
    )
    assert "Together: 2 groups from 2 axes, and 1 group of 1 intersection of them." in crossed
    del axes["accent*gender"]
    plain = metrics_card(
        sample.results(rates=pl.DataFrame(rows[:2]), signature=sample.signature(axes=axes, conditions={"clean": {}}))
    )["statements"]
    assert "Intersections of the axes were not measured." in plain
    assert any(s.startswith("Over groups of all axes") for s in plain)


@settings(deadline=None, max_examples=40)
@given(
    groups=st.lists(
        st.tuples(st.floats(0.001, 0.9), st.floats(0.0, 0.9), st.floats(0.0, 2.0), st.integers(1, 30)),
        min_size=1,
        max_size=8,
    )
)
def test_no_claim_is_below_the_upper_end_of_a_judged_group(sample: Any, groups: list[tuple[float, ...]]) -> None:
    rows = [
        sample.rate(
            "accent",
            f"g{k}",
            "clean",
            "small",
            wer=wer,
            low=wer * (1 - below) if speakers > 1 else None,
            high=wer * (1 + above) if speakers > 1 else None,
            speakers=speakers,
            reference_words=100,
        )
        for k, (wer, below, above, speakers) in enumerate(groups)
    ]
    signature = sample.signature(conditions={"clean": {}})
    signature["axes"]["accent"]["reference_group"] = None
    statements = metrics_card(sample.results(rates=pl.DataFrame(rows), signature=signature))["statements"]
    highs = [row["high"] for row in rows if row["high"] is not None]
    of_many = [row["high"] for row in rows if row["high"] is not None and row["speakers"] >= 10]
    for sentence in statements:
        for percent, count, rest in re.findall(r"at most ([\d.]+) % in each of the (\d+) groups( with 10)?", sentence):
            ends = of_many if rest else highs
            assert int(count) == len(ends)
            assert float(percent) >= 100 * max(ends) - 0.0500001
