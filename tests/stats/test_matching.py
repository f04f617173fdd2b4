"""Comparison on common prompts: what it removes, what it equals, and the definition written out."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from asrfair.seeds import generator
from asrfair.stats.cells import Coded, code, find_axis
from asrfair.stats.disparities import reference_rows
from asrfair.stats.matching import matched_rows
from asrfair.stats.rates import AxisSums, axis_sums
from asrfair.tables import COUNTS, FAILURES, conform

MEASURES = ("matched_difference", "matched_ratio")
WORDS = np.array([4, 7, 5, 12, 9, 6, 8, 10, 5, 7])
DIFFICULTY = np.array([0.05, 0.06, 0.08, 0.05, 0.07, 0.4, 0.5, 0.45, 0.6, 0.4])


def viewed(rows: Sequence[Mapping[str, Any]]) -> tuple[AxisSums, Coded]:
    table = pl.DataFrame(rows, infer_schema_length=None)
    default = {"condition": "clean", "backend": "A", "normalizer": "none", "deletions": 0, "insertions": 0}
    table = table.with_columns(
        pl.lit(value).alias(name) for name, value in default.items() if name not in table.columns
    )
    counts = conform(
        table.with_row_index("n").with_columns(utterance_id=pl.col("n").cast(pl.String)), COUNTS, axes=["accent"]
    )
    failures = pl.DataFrame(schema=FAILURES | {"accent": pl.String})
    coded = code(
        counts, failures, axes=["accent"], baseline_condition=None, baseline_backend=None, independent_utterances=False
    )
    coded = dataclasses.replace(coded, rows=coded.rows.with_columns(table["prompt"].cast(pl.String)))
    return axis_sums(find_axis("accent", counts, failures), coded), coded


def read(rng: np.random.Generator, accent: str, speaker: str, prompts: Sequence[int]) -> list[dict[str, Any]]:
    talent = np.exp(rng.normal(0, 0.3))
    return [
        {
            "accent": accent,
            "speaker_id": speaker,
            "prompt": f"sentence {prompt}",
            "reference_words": int(WORDS[prompt]),
            "substitutions": int(rng.poisson(WORDS[prompt] * DIFFICULTY[prompt] * talent)),
        }
        for prompt in prompts
    ]


def rows_of(rows: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, pl.DataFrame]:
    view, coded = viewed(rows)
    given = {"reference": "US", "alpha": 0.05} | options
    return {part["measure"][0]: part for part in matched_rows(view, coded, **given)}


def test_a_disparity_made_by_hard_prompts_goes_away() -> None:
    rng = generator(0, "hard")
    rows = []
    for number in range(30):
        easy, hard = rng.permutation(5), 5 + rng.permutation(5)
        rows += read(rng, "US", f"a{number}", [*easy, *hard[:2]])
        rows += read(rng, "Scotland", f"b{number}", [*easy[:2], *hard])
    view, coded = viewed(rows)
    plain = pl.concat(reference_rows(view, coded, reference="US", alpha=0.05))
    assert plain["estimate"][1] > 1.4
    assert plain["p"][1] < 0.001
    found = {part["measure"][0]: part for part in matched_rows(view, coded, reference="US", alpha=0.05)}
    assert found["matched_ratio"]["estimate"][0] == pytest.approx(1, abs=0.15)
    assert found["matched_ratio"]["p"][0] > 0.05
    assert found["matched_difference"]["low"][0] < 0 < found["matched_difference"]["high"][0]


def test_a_design_in_which_everybody_reads_everything_is_the_plain_comparison() -> None:
    rng = generator(1, "balanced")
    rows = [
        row
        for accent, speakers in (("US", 9), ("Scotland", 6), ("Wales", 4))
        for number in range(speakers)
        for row in read(rng, accent, f"{accent}{number}", range(10))
    ]
    view, coded = viewed(rows)
    plain = list(reference_rows(view, coded, reference="US", alpha=0.05))
    matched = list(matched_rows(view, coded, reference="US", alpha=0.05))
    for a, b in zip(plain, matched, strict=True):
        for name in ("estimate", "low", "high", "p"):
            assert b[name].to_numpy() == pytest.approx(a[name].to_numpy())
        assert b["speakers"].to_list() == [6, 4]
    text = "10 common prompts: 100% of the words, 100% of the reference group's"
    assert all(note.startswith(text) for note in matched[0]["note"])


def test_rates_are_means_of_common_prompts_weighted_by_their_words() -> None:
    rng = generator(2, "definition")
    rows = []
    for number in range(6):
        rows += read(rng, "US", f"a{number}", rng.permutation(8)[: 3 + number % 3])
        rows += read(rng, "Scotland", f"b{number}", 2 + rng.permutation(8)[: 2 + number % 4])
    table = pl.DataFrame(rows)
    common = set.intersection(*(set(table.filter(pl.col("accent") == g)["prompt"]) for g in ("US", "Scotland")))
    rate = {}
    for accent in ("US", "Scotland"):
        above = below = 0.0
        for prompt in common:
            mine = table.filter((pl.col("accent") == accent) & (pl.col("prompt") == prompt))
            words = float(mine["reference_words"][0])
            above += words * float((mine["substitutions"] / mine["reference_words"]).mean())
            below += words
        rate[accent] = above / below
    found = rows_of(rows)
    assert found["matched_difference"]["estimate"][0] == pytest.approx(rate["Scotland"] - rate["US"])
    assert found["matched_ratio"]["estimate"][0] == pytest.approx(rate["Scotland"] / rate["US"])
    matched = table.filter(pl.col("prompt").is_in(list(common))).group_by("accent").agg(pl.col("reference_words").sum())
    total = dict(table.group_by("accent").agg(pl.col("reference_words").sum()).iter_rows())
    share = {accent: f"{words / total[accent]:.0%}" for accent, words in matched.iter_rows()}
    note = f"{len(common)} common prompts: {share['Scotland']} of the words, {share['US']} of the reference group's"
    assert found["matched_ratio"]["note"][0].startswith(note)


def test_each_condition_and_group_has_its_own_common_prompts() -> None:
    rng = generator(3, "cells")

    def under(condition: str, accent: str, prompts: Sequence[int]) -> list[dict[str, Any]]:
        return [row | {"condition": condition} for n in range(3) for row in read(rng, accent, f"{accent}{n}", prompts)]

    rows = [
        *under("clean", "US", [0, 1, 5, 6]),
        *under("noisy", "US", [5, 6, 7]),
        *under("clean", "Scotland", [1, 5, 8]),
        *under("noisy", "Scotland", [6]),
        *under("clean", "Wales", [8, 9]),
    ]
    found = rows_of(rows)["matched_ratio"]
    notes = {(row["group"], row["condition"]): row["note"] for row in found.iter_rows(named=True)}
    assert set(notes) == {("Scotland", "clean"), ("Scotland", "noisy"), ("Wales", "clean")}
    assert notes["Scotland", "clean"].startswith("2 common prompts: 72% of the words, 52% of")
    assert notes["Scotland", "noisy"].startswith("1 common prompt: 100% of the words")
    assert notes["Wales", "clean"].startswith("no common prompts")
    none = found.filter(pl.col("group") == "Wales")
    assert none.select("estimate", "low", "high", "p").row(0) == (None,) * 4


@pytest.mark.parametrize("prompt", [None, "drop"])
def test_without_prompts_there_are_no_rows(prompt: str | None) -> None:
    rng = generator(4, "none")
    rows = [row | {"prompt": None} for g in ("US", "Scotland") for row in read(rng, g, g, range(5))]
    view, coded = viewed(rows)
    if prompt == "drop":
        coded = dataclasses.replace(coded, rows=coded.rows.drop("prompt"))
    assert list(matched_rows(view, coded, reference="US", alpha=0.05)) == []


def test_utterances_without_speaker_label_prompt_or_words() -> None:
    rng = generator(5, "missing")
    rows = [row for g in ("US", "Scotland") for n in range(4) for row in read(rng, g, f"{g}{n}", range(5))]
    base = rows_of(rows)["matched_ratio"]
    extra = [
        rows[0] | {"prompt": None, "substitutions": 9},
        rows[0] | {"accent": None, "substitutions": 9},
        rows[0] | {"reference_words": 0, "substitutions": 9},
    ]
    more = rows_of([*rows, *extra])["matched_ratio"]
    assert more["estimate"].to_list() == pytest.approx(base["estimate"].to_list())
    unknown = rows_of([*rows, rows[-1] | {"speaker_id": None}])["matched_ratio"]
    assert unknown["low"].to_list() == [None]
    assert "1 utterance without speaker" in unknown["note"][0]


def test_one_speaker_is_not_judged_and_no_errors_have_no_ratio() -> None:
    rng = generator(6, "one")
    rows = [row for n in range(4) for row in read(rng, "US", f"a{n}", range(10))]
    alone = rows_of([*rows, *read(rng, "Scotland", "b", range(10))])
    assert "1 speaker: not judged" in alone["matched_ratio"]["note"][0]
    assert alone["matched_difference"]["low"].to_list() == [None]
    silent = [row | {"substitutions": 0} for n in range(4) for row in read(rng, "Scotland", f"b{n}", range(10))]
    found = rows_of([*rows, *silent])
    assert found["matched_ratio"]["estimate"].to_list() == [None]
    assert "no errors: no ratio" in found["matched_ratio"]["note"][0]
    assert found["matched_difference"]["low"][0] < found["matched_difference"]["high"][0] < 0.1


def test_the_floor_counts_errors_as_often_as_they_were_made() -> None:
    """Speakers who are all alike: the spread is that of the errors, however many renditions a prompt has."""
    rows = [
        {"accent": g, "speaker_id": f"{g}{n}", "prompt": "p", "reference_words": 10, "substitutions": errors}
        for g, errors in (("US", 1), ("Scotland", 2))
        for n in range(8)
    ]
    view, coded = viewed(rows)
    plain = pl.concat(reference_rows(view, coded, reference="US", alpha=0.05))
    matched = pl.concat(matched_rows(view, coded, reference="US", alpha=0.05))
    for name in ("low", "high"):
        assert matched[name].to_numpy() == pytest.approx(plain[name].to_numpy())
    assert "spread from the number of errors" in matched["note"][1]
