"""Ranks by the worst group: equal systems are tied, a worse one is told apart, by the definition written out."""

import numpy as np
import polars as pl
import pytest

from asrfair.stats import Question
from asrfair.stats.arrays import at
from asrfair.stats.cells import code, find_axis
from asrfair.stats.contrasts import rate_difference
from asrfair.stats.leaderboard import leaderboard, told_worse, worst_group_p
from asrfair.stats.paired import pair_sums, paired_difference
from asrfair.stats.rates import axis_sums
from asrfair.tables import COUNTS, FAILURES, conform

QUESTION = Question(axes=["accent"])


def corpus(
    random: np.random.Generator, effects: tuple[float, ...], *, groups: int = 3, speakers: int = 10, utterances: int = 4
) -> pl.DataFrame:
    """Draw counts: log rates are speaker + system·speaker + the system's effect, all groups alike."""
    shape = (groups, speakers, utterances)
    words = random.integers(5, 15, shape)
    voice = random.normal(0, 0.4, (groups, speakers))
    where = np.indices(shape).reshape(3, -1)
    parts = []
    for number, effect in enumerate(effects):
        rate = 0.12 * np.exp(voice + random.normal(0, 0.25, (groups, speakers)) + effect)
        wrong = random.binomial(words, np.minimum(rate, 1)[..., None])
        parts.append(
            pl.DataFrame(
                {
                    "utterance_id": [f"u{g}-{s}-{u}" for g, s, u in where.T],
                    "speaker_id": [f"s{g}-{s}" for g, s, _ in where.T],
                    "accent": [f"g{g}" for g in where[0]],
                    "backend": f"b{number}",
                    "condition": "clean",
                    "reference_words": words.ravel(),
                    "substitutions": wrong.ravel(),
                    "deletions": 0,
                    "insertions": 0,
                }
            )
        )
    return conform(pl.concat(parts), COUNTS, axes=["accent"])


def of(counts: pl.DataFrame, axis: str = "accent", **options: int) -> dict[str, tuple[int, int]]:
    return {row.backend: (row.first, row.last) for row in leaderboard(counts, QUESTION, **options) if row.axis == axis}


def test_equal_systems_are_tied_in_95_percent_of_corpora() -> None:
    draws = 60
    tied = {"accent": 0, "overall": 0}
    for seed in range(draws):
        found = leaderboard(corpus(np.random.default_rng(seed), (0.0,) * 3, utterances=3), QUESTION)
        for axis in tied:
            tied[axis] += all((row.first, row.last) == (1, 3) for row in found if row.axis == axis)
    # 95 % less two standard errors of as many draws.
    assert min(tied.values()) / draws >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / draws)


def test_a_system_that_serves_every_group_worse_is_told_apart() -> None:
    found = of(corpus(np.random.default_rng(1), (0.0, 0.0, 0.9), speakers=40))
    assert found["b2"] == (3, 3)
    assert found["b0"] == found["b1"] == (1, 2)


def test_one_worse_group_makes_the_worst_group_worse() -> None:
    rows = corpus(np.random.default_rng(2), (0.0, 0.0), speakers=40)
    bad = (pl.col("backend") == "b1") & (pl.col("accent") == "g1")
    rows = rows.with_columns(
        pl.when(bad).then(pl.min_horizontal("reference_words", 4)).otherwise("substitutions").alias("substitutions")
    )
    rows = rows.with_columns(pl.col("substitutions").cast(pl.Int64))
    row = next(row for row in leaderboard(rows, QUESTION) if row.axis == "accent" and row.backend == "b1")
    assert (row.group, row.worse_than, row.first) == ("g1", ("b0",), 2)


def test_order_is_by_the_highest_upper_end_and_small_groups_are_left_out() -> None:
    rows = corpus(np.random.default_rng(3), (0.0, 0.4, 0.8), speakers=12)
    small = rows.filter((pl.col("accent") != "g2") | pl.col("speaker_id").is_in(["s2-0", "s2-1"]))
    found = [row for row in leaderboard(small, QUESTION) if row.axis == "accent"]
    assert [row.high for row in found] == sorted(row.high for row in found)
    assert {(row.groups, row.too_small) for row in found} == {(2, 1)}
    assert all(row.group != "g2" and row.high >= row.wer for row in found)
    none = [row for row in leaderboard(small, QUESTION, least_speakers=50) if row.axis == "accent"]
    assert {(row.groups, row.group, row.high, row.first, row.last) for row in none} == {(0, None, None, 1, 3)}


def slow_p(errors, words, rates, i: int, j: int) -> float:
    """The definition, one comparison at a time; ``errors`` and ``words`` by system, group and speaker."""
    groups = len(errors[i])

    def paired(g: int) -> float:
        zero = np.zeros(len(errors[i][g]), np.int64)
        sums = pair_sums(
            zero, errors=errors[i][g], words=words[g], base_errors=errors[j][g], base_words=words[g], cells=1
        )
        found = paired_difference(sums, alpha=0.05, judged=sums.judged)
        return found.p[0] / 2 if found.estimate[0] > 0 else 1 - found.p[0] / 2

    def apart(g: int, h: int) -> float:
        a, b = (at(rates[k], np.array([n])) for k, n in ((i, g), (j, h)))
        found = rate_difference(a, b, alpha=0.05, judged=np.array([True]))
        return found.p[0] / 2 if found.estimate[0] > 0 else 1 - found.p[0] / 2

    return max(
        min(1, 2 * min(paired(h), (groups - 1) * min(apart(g, h) for g in range(groups) if g != h)))
        for h in range(groups)
    )


@pytest.mark.parametrize("seed", range(4))
def test_told_apart_is_the_definition_written_out(seed: int) -> None:
    rows = corpus(np.random.default_rng(seed), (0.0, 0.35, 0.9), speakers=14)
    empty = pl.DataFrame(schema=FAILURES | {"accent": pl.String})
    plain = {"baseline_condition": None, "baseline_backend": None, "independent_utterances": False}
    coded = code(rows, empty, axes=["accent"], **plain)
    view = axis_sums(find_axis("accent", rows, empty), coded)
    rates = [at(view.cells.spread, np.arange(3) * 3 + k) for k in range(3)]
    by_speaker = (
        rows.group_by("backend", "accent", "speaker_id")
        .agg(pl.col("substitutions", "reference_words").sum().cast(pl.Float64))
        .sort("backend", "accent", "speaker_id")
    )
    errors, words = (by_speaker[name].to_numpy().reshape(3, 3, 14) for name in ("substitutions", "reference_words"))
    own, other = (np.array(side) for side in np.nonzero(~np.eye(3, dtype=bool)))
    slow = [slow_p(errors, words[0], rates, i, j) for i, j in zip(own, other, strict=True)]
    assert worst_group_p(view, rates, np.arange(3), own, other, alpha=0.05) == pytest.approx(slow, rel=1e-6)
    told = told_worse(view, rates, np.arange(3), alpha=0.05)
    # Holm by hand: the smallest p times 6, the next times 5, until one fails.
    passed = np.cumprod(np.sort(slow) * np.arange(6, 0, -1) < 0.05)
    assert 0 < told.sum() == passed.sum()
    assert set(zip(*np.nonzero(told), strict=True)) == {(own[k], other[k]) for k in np.argsort(slow)[: told.sum()]}
