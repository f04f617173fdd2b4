"""FAAS: the published formula, and the defects that its docstring states."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from asrfair.errors import InputError
from asrfair.seeds import generator
from asrfair.stats.faas import DEFECTS, faas_rows
from asrfair.stats.gee import fit_poisson
from asrfair.stats.random_intercept import Fit, fit_random_intercept
from asrfair.tables import DISPARITIES


def draw(
    seed: int = 0, *, speakers: int = 40, each: int = 10, ratios: tuple[float, ...] = (1.0, 1.5), sd: float = 0.3
) -> pl.DataFrame:
    rng = generator(seed, "faas")
    rows = []
    for number in range(speakers):
        group = number % len(ratios)
        talent = np.exp(rng.normal(0, sd))
        for utterance in range(each):
            words = int(rng.integers(4, 16))
            rows.append(
                {
                    "utterance_id": f"{number}-{utterance}",
                    "speaker_id": f"s{number:03}",
                    "accent": "ABCDEF"[group],
                    "gender": "mf"[number // len(ratios) % 2],
                    "condition": "clean",
                    "backend": "A",
                    "reference_words": words,
                    "substitutions": int(rng.poisson(0.15 * words * talent * ratios[group])),
                    "deletions": 0,
                    "insertions": 0,
                }
            )
    return pl.DataFrame(rows)


def score(counts: pl.DataFrame, *axes: str) -> float:
    return faas_rows(counts, axes=axes or ["accent"])["estimate"][0]


def mean_rate(counts: pl.DataFrame) -> float:
    return float((counts["substitutions"] / counts["reference_words"]).to_numpy().mean())


def fairness(counts: pl.DataFrame, *axes: str) -> float:
    """Undo the formula's last step: mean_c A_c."""
    return 10 ** (score(counts, *axes) / 10) * mean_rate(counts)


def by_utterance(counts: pl.DataFrame, groups: list[str]) -> Fit:
    """The published regression on single utterances, without summing any."""
    counts = counts.sort("speaker_id")
    columns = np.column_stack(
        [
            np.ones(counts.height),
            np.log(counts["reference_words"].to_numpy() + 1.0),
            *((counts["accent"] == group).to_numpy() for group in groups),
        ]
    ).astype(float)
    errors = counts["substitutions"].to_numpy().astype(float)
    sizes = counts.group_by("speaker_id", maintain_order=True).len()["len"].to_numpy().astype(np.int64)
    start = fit_poisson(columns, errors, np.zeros(len(errors)))
    fit = fit_random_intercept(columns, errors, np.zeros(len(errors)), np.cumsum(sizes) - sizes, start=start)
    assert fit is not None
    return fit


def test_the_score_is_the_published_formula() -> None:
    counts = draw(7, ratios=(1.0, 1.15, 1.1), speakers=31, sd=0.25)
    full, reduced = by_utterance(counts, ["B", "C"]), by_utterance(counts, [])
    b0, b_log, *b = full.estimate
    x = float(np.log(counts["reference_words"].to_numpy() + 1.0).mean())
    predicted = {
        group: math.exp(b0 + b_log * x + effect) / (math.exp(x) - 1)
        for group, effect in zip("ABC", (0.0, *b), strict=True)
    }
    best, worst = min(predicted.values()), max(predicted.values())
    share = dict(counts["accent"].value_counts(normalize=True).iter_rows())
    raw = sum(share[group] * 100 * (1 - (rate - best) / (worst - best)) for group, rate in predicted.items())
    p = float(stats.chi2.sf(2 * (full.log_likelihood - reduced.log_likelihood), 2))
    assert 0.001 < p < 0.05, "so that the penalty is seen"
    assert score(counts) == pytest.approx(10 * math.log10(raw * min(1, p / 0.05) / mean_rate(counts)), abs=1e-4)


def test_row() -> None:
    table = faas_rows(draw(), axes=["accent", "gender", "accent*gender"])
    assert table.schema == pl.Schema(DISPARITIES)
    row = table.row(0, named=True)
    assert (row["axis"], row["group"], row["measure"], row["method"]) == ("overall", "overall", "faas", "ASR-FAIRBENCH")
    assert (row["low"], row["high"], row["p"], row["speakers"]) == (None, None, None, 40)
    assert row["note"] == f"over accent, gender; {DEFECTS}"


def test_several_axes_are_averaged() -> None:
    counts = draw(2, ratios=(1.0, 1.0), sd=0.6)
    both = fairness(counts, "accent", "gender")
    assert both == pytest.approx((fairness(counts, "accent") + fairness(counts, "gender")) / 2, rel=0.05)


@pytest.mark.parametrize("ratio", [1.02, 1.2])
def test_defect_two_equal_groups_always_have_50(ratio: float) -> None:
    assert fairness(draw(3, ratios=(1.0, ratio), speakers=12, sd=0.8)) == pytest.approx(50)


def test_defect_the_score_falls_as_data_grow() -> None:
    small, large = (score(draw(4, speakers=speakers)) for speakers in (20, 160))
    assert large < small - 10


def test_defect_per_cent_takes_20_off() -> None:
    counts = draw(3, ratios=(1.0, 1.02), speakers=12, sd=0.8)
    in_per_cent = 10 * math.log10(50 / (100 * mean_rate(counts)))
    assert score(counts) - in_per_cent == pytest.approx(20)


def twins(seed: int) -> pl.DataFrame:
    """Two groups with the same utterances."""
    one = draw(seed, speakers=8, ratios=(1.0,), sd=0.5)
    return pl.concat([one, one.with_columns(accent=pl.lit("B"), speaker_id="t" + pl.col("speaker_id"))])


def test_groups_that_are_exactly_equal_have_100() -> None:
    assert fairness(twins(5)) == pytest.approx(100)


def test_a_group_without_errors_is_the_best() -> None:
    third = draw(6, speakers=1, each=1).with_columns(
        accent=pl.lit("C"), speaker_id=pl.lit("u"), substitutions=pl.lit(0)
    )
    counts = pl.concat([twins(5), third], how="vertical_relaxed")
    assert fairness(counts) == pytest.approx(100 * third.height / counts.height, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda c: c.with_columns(substitutions=0), "no errors: no ratio"),
        (lambda c: c.with_columns(accent=pl.lit("A")), "no axis with two groups"),
        (lambda c: c.with_columns(accent=pl.lit(None, pl.String)), "no axis with two groups; left out: 400 utterances"),
        (lambda c: c.with_columns(speaker_id=pl.lit(None, pl.String)), "no axis with two groups; left out: 400"),
        (lambda c: c.with_columns(reference_words=0), "no axis with two groups; left out: 400 utterances"),
    ],
)
def test_without_a_finite_value_it_is_null_with_its_reason(change: Any, note: str) -> None:
    row = faas_rows(change(draw()), axes=["accent"]).row(0, named=True)
    assert row["estimate"] is None
    assert row["note"].startswith(note)


def test_axes_that_cannot_be_told_apart_have_no_score() -> None:
    counts = draw().with_columns(region=pl.col("accent").str.to_lowercase())
    row = faas_rows(counts, axes=["accent", "region"]).row(0, named=True)
    assert row["estimate"] is None
    assert row["note"].startswith("accent cannot be told apart from region here")


def test_unlabelled_utterances_are_left_out_and_counted() -> None:
    counts = draw().with_row_index("n")
    some = counts.with_columns(accent=pl.when(pl.col("n") < 7).then(None).otherwise("accent"))
    row = faas_rows(some, axes=["accent"]).row(0, named=True)
    assert "left out: 7 utterances" in row["note"]
    assert row["estimate"] == pytest.approx(score(counts.filter(pl.col("n") >= 7)))


def test_one_row_per_backend_and_condition() -> None:
    counts = draw()
    table = faas_rows(
        pl.concat([counts.with_columns(backend=pl.lit("B")), counts, counts.with_columns(condition=pl.lit("b"))]),
        axes=["accent"],
    )
    assert table.select("backend", "condition").rows() == [("A", "b"), ("A", "clean"), ("B", "clean")]
    assert faas_rows(counts, axes=["accent*gender"]).is_empty()
    with pytest.raises(InputError, match="found no column 'age'"):
        faas_rows(counts, axes=["age"])
