"""Bounds of gates: the ends of the analysis's own intervals at another level, each one-sided."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from asrfair.errors import InputError
from asrfair.seeds import generator
from asrfair.stats import Question, analyse
from asrfair.stats.alarms import step_down
from asrfair.stats.arrays import at
from asrfair.stats.contrasts import rate_ratio
from asrfair.stats.gate import Bounds
from asrfair.stats.intervals import log_rates
from asrfair.stats.pairwise import simultaneous_difference
from asrfair.tables import CONDITIONS, FAILURES

ASKED = Question(
    axes=("accent",),
    reference_groups={"accent": "us"},
    baseline_condition="clean",
    baseline_backend="A",
)
NO_FAILURES = pl.DataFrame(schema=FAILURES | {"accent": pl.String})
NO_LADDERS = pl.DataFrame(schema=CONDITIONS)
GROUPS = {"us": 12, "scotland": 9, "wales": 5, "lone": 1, None: 3}
KEY = ["measure", "group", "condition", "backend"]


@pytest.fixture
def counts(simulated) -> pl.DataFrame:
    return simulated(3, groups=GROUPS, conditions={"clean": 1.0, "noise": 2.0}, backends={"A": 1.0, "B": 0.8}, rate=0.2)


@pytest.fixture
def bounds(counts: pl.DataFrame) -> Bounds:
    return Bounds(counts, NO_FAILURES, NO_LADDERS, ASKED)


def at_level(counts: pl.DataFrame, level: float) -> pl.DataFrame:
    return analyse(counts, NO_FAILURES, replace(ASKED, level=level)).disparities


@pytest.mark.parametrize("table", ["reference", "overall", "condition", "backend"])
def test_disparities_are_those_of_the_analysis(table: str, counts: pl.DataFrame, bounds: Bounds) -> None:
    found = bounds.rows(table, "accent", error=0.05)
    expected = at_level(counts, 0.9).filter(axis="accent").filter(pl.col("measure").is_in(found["measure"].unique()))
    both = found.join(expected, on=KEY, nulls_equal=True, validate="1:1", suffix="_analysis")
    assert len(both) == len(found) == len(expected) > 0
    for end in ("estimate", "low", "high"):
        assert both[end].equals(both[f"{end}_analysis"], null_equal=True)


def test_rates_are_those_of_the_analysis(counts: pl.DataFrame, bounds: Bounds) -> None:
    found = bounds.rows("rates", "accent", error=0.005)
    expected = analyse(counts, NO_FAILURES, replace(ASKED, level=0.99)).rates.filter(axis="accent")
    assert found["high"].equals(expected["high"], null_equal=True)
    assert found["reference_words"].equals(expected["reference_words"])


def test_the_worst_group_is_that_of_the_analysis(counts: pl.DataFrame, bounds: Bounds) -> None:
    order = ["condition", "backend"]
    found = bounds.rows("worst", "accent", error=0.05).sort(order)
    expected = at_level(counts, 0.9).filter(measure="worst_group").sort(order)
    for name in ("group", "speakers", "estimate", "low", "high", "method"):
        assert found[name].equals(expected[name], null_equal=True), name


def test_a_gap_takes_its_lower_end_from_a_wider_interval(simulated) -> None:
    parts = [
        simulated(k, groups={group: 20}, rate=rate) for k, (group, rate) in enumerate([("us", 0.1), ("wales", 0.5)])
    ]
    counts = pl.concat(parts)
    question = replace(ASKED, baseline_condition=None, baseline_backend=None)
    found = Bounds(counts, NO_FAILURES, NO_LADDERS, question).rows("many", "accent", error=0.05)
    assert (found["low"] > 0).all()
    for measure in ("gap", "between_group_sd"):
        own = found.filter(measure=measure)
        assert own["low"].equals(at_level(counts, 0.95).filter(measure=measure)["low"])
        assert own["high"].equals(at_level(counts, 0.9).filter(measure=measure)["high"])


def test_one_group_is_no_worst_group(simulated) -> None:
    counts = simulated(1, groups={"us": 4, "lone": 1})
    found = Bounds(counts, NO_FAILURES, NO_LADDERS, Question(axes=("accent",))).rows("worst", "accent", error=0.05)
    assert found.select("estimate", "low", "high").row(0) == (None, None, None)
    assert found["note"][0] == "fewer than two groups could be judged"


def test_who_is_left_out_is_named(bounds: Bounds) -> None:
    assert bounds.groups("accent") == ("lone", "scotland", "us", "wales")
    assert bounds.left_out("accent", condition="noise", backend="B") == ["lone"]


def test_failures_are_a_rate_by_speaker(counts_of, failures_of) -> None:
    """Four speakers of five utterances each; one fails twice, another once: 3 of 20."""
    spoken = [
        {"speaker_id": f"s{speaker}", "accent": "us", "utterance_id": f"{speaker}-{k}", "errors": 0}
        for speaker, failed in enumerate([2, 1, 0, 0])
        for k in range(5 - failed)
    ]
    failed = [{"speaker_id": "s0", "accent": "us"}] * 2 + [{"speaker_id": "s1", "accent": "us", "condition": None}]
    question = Question(axes=("accent",))
    own = Bounds(counts_of(spoken), failures_of(failed), NO_LADDERS, question).rows("failures", "accent", error=0.05)
    row = own.row(0, named=True)
    assert (row["estimate"], row["failures"], row["utterances"], row["speakers"]) == (3 / 20, 3, 20, 4)
    one = log_rates(np.zeros(4, int), np.array([2.0, 1, 0, 0]), np.full(4, 5.0), cells=1)
    assert (row["low"], row["high"]) == pytest.approx([float(end[0]) for end in one.ends(0.1)])


def test_several_normalisers_are_refused(counts_of) -> None:
    two = counts_of([{"normalizer": "a", "accent": "us"}, {"normalizer": "b", "accent": "us"}])
    with pytest.raises(InputError, match="several normalisers"):
        Bounds(two, NO_FAILURES, NO_LADDERS, Question(axes=("accent",)))


CORPORA, RATE, LIMIT, ERROR = 2000, 0.15, 1.25, 0.05
# Two standard errors of 2,000 corpora at 5 %.
NOISE = 0.01


def drawn(name: str, groups: list[float], *, speakers: int, sd: float = 0.5) -> object:
    """Return the rates of groups with these true rates in many corpora, corpus by corpus."""
    rng = generator(11, "gate", name)
    cells = CORPORA * len(groups)
    cell = np.repeat(np.arange(cells), speakers)
    words = np.round(12.5 * np.exp(rng.uniform(np.log(10), np.log(40), len(cell))))
    truth = np.tile(groups, CORPORA)[cell]
    errors = rng.poisson(truth * words * np.exp(rng.normal(-(sd**2) / 2, sd, len(cell)))).astype(float)
    return log_rates(cell, errors, words, cells=cells)


def group(rates, number: int, groups: int):
    return at(rates, np.arange(number, CORPORA * groups, groups))


@pytest.mark.parametrize("speakers", [8, 30])
def test_a_group_at_its_limit_passes_in_one_of_twenty_corpora(speakers: int) -> None:
    rates = drawn("limit", [RATE * LIMIT, RATE], speakers=speakers)
    a, b = (group(rates, number, 2) for number in range(2))
    found = rate_ratio(a, b, alpha=2 * ERROR, judged=np.ones(CORPORA, bool))
    assert 0.025 < np.mean(found.high <= LIMIT) < ERROR + NOISE
    assert np.mean(found.low > LIMIT) < ERROR + NOISE
    # Taking «not significant» for «passed», which is what gates are wont to do, passes nearly all.
    assert np.mean(~(found.low > LIMIT)) > 0.9


def test_a_policy_of_many_alarms_fails_falsely_in_one_of_twenty_corpora() -> None:
    alarms = 6
    rates = drawn("policy", [RATE * LIMIT] * alarms + [RATE], speakers=15)
    reference, every = group(rates, alarms, alarms + 1), np.ones(CORPORA, bool)
    sides = [group(rates, number, alarms + 1) for number in range(alarms)]
    beyond = {
        k: np.array([rate_ratio(a, reference, alpha=2 * ERROR / k, judged=every).low > LIMIT for a in sides])
        for k in range(1, alarms + 1)
    }

    def failed(corpus: int) -> bool:
        steps = step_down(
            alarms, error=ERROR, beyond=lambda e: set(np.flatnonzero(beyond[round(ERROR / e)][:, corpus]).tolist())
        )
        return bool(steps.raised)

    assert np.mean([failed(corpus) for corpus in range(CORPORA)]) < ERROR + NOISE
    assert np.mean(beyond[1].any(axis=0)) > 2 * ERROR


def test_the_end_of_the_90_percent_interval_of_a_gap_would_raise_twice_as_many() -> None:
    rates = drawn("gap", [RATE, RATE], speakers=30)
    a, b = (group(rates, number, 2) for number in range(2))

    def raised(alpha: float) -> float:
        found = simultaneous_difference(a, b, groups=2, alpha=alpha, judged=np.ones(CORPORA, bool))
        return float(np.mean((found.low > 0) | (found.high < 0)))

    assert raised(ERROR) < ERROR + NOISE
    assert raised(2 * ERROR) > ERROR + NOISE
