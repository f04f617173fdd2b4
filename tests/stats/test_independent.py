"""Changes between rates known by their intervals alone, against the analysis that knows the counts."""

import numpy as np
import polars as pl
import pytest

from asrfair.stats import Question, analyse
from asrfair.stats.independent import StatedRates, independent_changes
from asrfair.tables import COUNTS, FAILURES


def stated(
    wer: list[float], low: list[float], high: list[float], speakers: list[float], alpha: float = 0.05
) -> StatedRates:
    columns = (np.asarray(values, float) for values in (wer, low, high, speakers))
    return StatedRates(*columns, alpha=np.full(len(wer), alpha))


def analysed(level: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two groups of as many speakers, each with as many words: the degrees of freedom are the speakers less one."""
    random = np.random.default_rng(3)
    rows = [
        {
            **dict.fromkeys(COUNTS, 0),
            "utterance_id": f"{group}{speaker}",
            "speaker_id": f"{group}{speaker}",
            "condition": "clean",
            "backend": "b",
            "normalizer": "n",
            "reference_words": 100,
            "substitutions": (errors := int(random.poisson(mean * random.gamma(4, 0.25)))),
            "hits": 100 - errors,
            "accent": group,
        }
        for group, mean in (("old", 14), ("new", 40))
        for speaker in range(12)
    ]
    counts = pl.DataFrame(rows, schema={**COUNTS, "accent": pl.String})
    failures = pl.DataFrame(schema={**FAILURES, "accent": pl.String})
    question = Question(axes=("accent",), reference_groups={"accent": "old"}, level=level)
    found = analyse(counts, failures, question)
    return found.rates.filter(axis="accent"), found.disparities


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_the_interval_is_movers_of_the_two_intervals(level: float) -> None:
    old, new = stated([0.10], [0.06], [0.19], [12.0], 1 - level), stated([0.20], [0.15], [0.29], [9.0], 1 - level)
    found = independent_changes(old, new, alpha=1 - level)
    assert found.estimate[0] == pytest.approx(0.1)
    assert found.low[0] == pytest.approx(0.1 - np.hypot(0.20 - 0.15, 0.19 - 0.10))
    assert found.high[0] == pytest.approx(0.1 + np.hypot(0.29 - 0.20, 0.10 - 0.06))


def test_from_the_intervals_alone_comes_what_the_counts_say_at_another_level() -> None:
    at_95, _ = analysed(0.95)
    at_99, _ = analysed(0.99)
    for group in ("old", "new"):
        (known,), (wanted,) = (rows.filter(group=group).to_dicts() for rows in (at_95, at_99))
        rates = stated([known["wer"]], [known["low"]], [known["high"]], [known["speakers"]])
        low, high = rates.ends(0.01)
        assert low[0] == pytest.approx(wanted["low"], rel=1e-9)
        assert high[0] == pytest.approx(wanted["high"], rel=1e-9)


def test_the_p_is_that_of_the_difference_between_two_groups() -> None:
    rates, disparities = analysed(0.95)
    (row,) = disparities.filter(measure="difference", group="new").to_dicts()
    old, new = (
        stated(*([rates.filter(group=group)[key][0]] for key in ("wer", "low", "high", "speakers")))
        for group in ("old", "new")
    )
    found = independent_changes(old, new, alpha=0.05)
    # The analysis has Welch's degrees of freedom, at least the smaller group's: its p is smaller, and not by much.
    assert row["p"] < found.p[0] < 6 * row["p"]
    assert found.p[0] < 0.05


def test_p_falls_below_the_level_exactly_where_the_interval_leaves_out_zero() -> None:
    old = stated([0.2] * 60, [0.15] * 60, [0.28] * 60, [10.0] * 60)
    wer = np.linspace(0.05, 0.6, 60)
    new = stated(list(wer), list(wer * 0.8), list(wer * 1.3), [10.0] * 60)
    found = independent_changes(old, new, alpha=0.05)
    outside = (found.low > 0) | (found.high < 0)
    assert 5 < outside.sum() < 55
    assert ((found.p < 0.05) == outside).all()
    assert (found.p_adjusted >= found.p).all()


def test_no_errors_before_and_after_is_no_change() -> None:
    old, new = (stated([0.0], [0.0], [high], [12.0]) for high in (0.02, 0.03))
    found = independent_changes(old, new, alpha=0.05)
    assert (found.low[0], found.high[0]) == pytest.approx((-0.02, 0.03))
    assert found.p[0] > 0.9
    _, top = old.ends(0.01)
    assert top[0] == pytest.approx(0.02 * np.log(0.005) / np.log(0.025))


@pytest.mark.parametrize(
    ("wer", "low", "high", "speakers"),
    [
        (np.nan, 0.1, 0.2, 9.0),
        (0.2, np.nan, np.nan, 9.0),
        (0.2, 0.1, 0.3, 1.0),
        (0.2, 0.1, 0.3, np.nan),
        (0.2, 0.0, 0.3, 9.0),
    ],
)
def test_what_is_not_judged_has_no_p(wer: float, low: float, high: float, speakers: float) -> None:
    old, new = (
        stated([wer, 0.1], [low, 0.05], [high, 0.2], [speakers, 9.0]),
        stated([0.3, 0.6], [0.2, 0.5], [0.4, 0.8], [9.0] * 2),
    )
    found = independent_changes(old, new, alpha=0.05)
    assert np.isnan(found.p_adjusted[0])
    assert found.p_adjusted[1] == pytest.approx(found.p[1])  # one comparison left in the family


def test_few_speakers_ask_for_more_than_the_normal_law_does() -> None:
    wide, narrow = (stated([0.2], [0.14], [0.3], [speakers]) for speakers in (3.0, 1000.0))
    other = stated([0.5], [0.4], [0.6], [1000.0])
    few, lots = (independent_changes(side, other, alpha=0.05).p[0] for side in (wide, narrow))
    assert few > 10 * lots
