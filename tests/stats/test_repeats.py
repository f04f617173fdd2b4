"""How much of a number is a recogniser's own chance."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from asrfair.stats import Question, repeat_rows
from asrfair.tables import METRICS, REPEATS, conform

QUESTION = Question(axes=("accent",))


def counts(sizes: dict[str, int], words: int = 10) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "utterance_id": f"{group}{k}",
                "condition": "clean",
                "backend": "b",
                "normalizer": "basic-1",
                "reference_words": words,
                "accent": group,
            }
            for group, size in sizes.items()
            for k in range(size)
        ]
    )


def repeats(errors: np.ndarray, words: int = 10) -> pl.DataFrame:
    """Errors of each cell over its runs, the first one included: shape=(cells, runs)."""
    rows = [
        {
            "utterance_id": f"A{cell}",
            "condition": "clean",
            "backend": "b",
            "repeat": run,
            "same": bool(errors[cell, run] == errors[cell, 0]),
            "reference_words": words,
            "errors": int(errors[cell, run]),
            "first_errors": int(errors[cell, 0]),
            "first_words": words,
            "changed_words": abs(int(errors[cell, run] - errors[cell, 0])),
        }
        for cell in range(errors.shape[0])
        for run in range(1, errors.shape[1])
    ]
    return conform(pl.DataFrame(rows), REPEATS)


def rows(table: pl.DataFrame, metric: str) -> list[dict[str, object]]:
    return table.filter(pl.col("metric") == metric).to_dicts()


def test_none_that_differ_are_a_bound_and_no_proof() -> None:
    table = repeat_rows(repeats(np.ones((20, 2))), counts({"A": 40}), QUESTION)
    assert list(table.columns) == list(METRICS)
    (only,) = table.to_dicts()
    exact = stats.binomtest(0, 20).proportion_ci(0.95, method="exact")
    assert (only["metric"], only["estimate"], only["low"]) == ("repeat_differing_share", 0.0, 0.0)
    assert only["high"] == pytest.approx(exact.high)
    assert only["condition"] is None


def test_the_share_that_differs_is_of_the_first_repetition() -> None:
    errors = np.ones((10, 4))
    errors[0, 1:], errors[1, 3] = 2, 5
    (share,) = rows(repeat_rows(repeats(errors), counts({"A": 20}), QUESTION), "repeat_differing_share")
    exact = stats.binomtest(1, 10).proportion_ci(0.95, method="exact")
    assert [share["estimate"], share["low"], share["high"]] == pytest.approx([0.1, exact.low, exact.high])
    (changed,) = rows(repeat_rows(repeats(errors), counts({"A": 20}), QUESTION), "repeat_changed_words_share")
    assert changed["estimate"] == pytest.approx((3 * 1 + 4) / (10 * 3 * 10))


def test_the_spread_of_a_group_is_what_running_it_again_shows() -> None:
    """Against runs of the whole group: errors of each utterance drawn anew for every run."""
    rng = np.random.default_rng(1)
    propensity = rng.beta(1, 6, 400)
    drawn = rng.binomial(10, propensity, (2_000, 400))
    truth = (drawn.sum(axis=1) / 4_000).std()
    sampled = rng.permutation(400)[:100]
    errors = drawn[:5, sampled].T
    table = repeat_rows(repeats(errors), counts({"A": 100, "B": 300}), QUESTION)
    told = {row["group"]: row["estimate"] for row in rows(table, "repeat_sd_wer")}
    assert told["overall"] == pytest.approx(truth, rel=0.15)
    assert told["A"] == pytest.approx(2 * told["overall"])
    assert told["B"] == pytest.approx(told["overall"] * np.sqrt(4 / 3))


def test_a_repetition_that_failed_differs_and_is_left_out_of_the_words() -> None:
    table = repeats(np.ones((4, 2)))
    failed = table.with_columns(
        same=pl.int_range(pl.len()) > 0,
        **{
            name: pl.when(pl.int_range(pl.len()) > 0).then(name)
            for name in ("errors", "changed_words", "reference_words")
        },
    )
    found = repeat_rows(failed, counts({"A": 4}), QUESTION)
    assert rows(found, "repeat_differing_share")[0]["estimate"] == 0.25
    (changed,) = rows(found, "repeat_changed_words_share")
    assert (changed["estimate"], changed["note"]) == (0.0, "1 repeated without a transcript")


def test_nothing_repeated_has_no_rows() -> None:
    assert repeat_rows(pl.DataFrame(schema=REPEATS), counts({"A": 4}), QUESTION).is_empty()
