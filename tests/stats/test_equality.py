"""The permutation test of equality against statsmodels and full enumeration."""

import itertools

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.oneway import anova_generic

from asrfair.seeds import generator
from asrfair.stats.cells import code, find_axis
from asrfair.stats.equality import equality_rows, equality_test, welch_f
from asrfair.stats.rates import axis_sums
from asrfair.tables import TESTS, conform

GROUP = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])
ERRORS = np.array([3, 9, 1, 14, 6, 30, 14, 5, 2], float)
WORDS = np.array([40, 60, 55, 70, 30, 80, 33, 50, 31], float)


def sums(group, errors, words):
    columns = (errors, words, errors**2, errors * words, words**2)
    return np.stack([np.bincount(group, column) for column in columns])[:, None]


def run(counts, failures_of, *, permutations=199, seed=0):
    failures = failures_of()
    coded = code(
        counts, failures, axes=["accent"], baseline_condition=None, baseline_backend=None, independent_utterances=False
    )
    view = axis_sums(find_axis("accent", counts, failures), coded)
    return equality_rows(view, coded, permutations=permutations, seed=seed)


def people(group, rates, **more):
    return [
        {"speaker_id": f"{group}{n}", "accent": group, "errors": errors, "reference_words": 50} | more
        for n, errors in enumerate(rates)
    ]


@pytest.mark.parametrize("errors", [ERRORS, np.where(GROUP == 2, 0, ERRORS), np.where(GROUP < 2, 5.0, 0)])
def test_statistic_is_welchs(errors):
    """Statsmodels is given the means and variances of log rates; the floor and the half error are written out."""
    means, variances, sizes = [], [], np.bincount(GROUP)
    for number, size in enumerate(sizes):
        own = np.isin(GROUP, number)
        rate = (errors[own].sum() + 0.5) / WORDS[own].sum()
        squares = ((errors[own] - rate * WORDS[own]) ** 2).sum() / (rate * WORDS[own].sum()) ** 2
        means.append(np.log(rate))
        variances.append(size * max(size / (size - 1) * squares, 1 / (errors[own].sum() + 0.5)))
    expected = anova_generic(np.array(means), np.array(variances), sizes, use_var="unequal").statistic
    assert welch_f(sums(GROUP, errors, WORDS), sizes)[0] == pytest.approx(expected)


def test_p_is_the_share_of_all_ways_to_deal_speakers():
    group, errors, words = GROUP[[0, 1, 2, 3, 4, 5]], ERRORS[[0, 1, 2, 3, 5, 6]], WORDS[[0, 1, 2, 3, 5, 6]]
    sizes = np.bincount(group)
    observed = welch_f(sums(group, errors, words), sizes)[0]
    beyond = []
    for first in itertools.combinations(range(6), 3):
        dealt = np.where(np.isin(np.arange(6), first), 0, 1)
        beyond.append(welch_f(sums(dealt, errors, words), sizes)[0] >= observed - 1e-9)
    statistic, p = equality_test(group, errors, words, permutations=20_000, rng=generator(0, "deal"))
    assert statistic == pytest.approx(observed)
    assert p == pytest.approx(np.mean(beyond), abs=0.015)


def test_alarms_are_about_five_per_cent_with_equal_groups_and_many_with_unequal_ones():
    rng = generator(5, "equality")
    sizes = np.array([5, 12, 8])
    group = np.repeat(np.arange(3), sizes)

    def alarms(rates):
        found = []
        for _ in range(300):
            words = rng.integers(100, 400, len(group)).astype(float)
            errors = rng.poisson(np.array(rates)[group] * words * np.exp(rng.normal(0, 0.6, len(group)))).astype(float)
            found.append(equality_test(group, errors, words, permutations=199, rng=rng)[1] <= 0.05)
        return np.mean(found)

    assert 0.02 <= alarms([0.15, 0.15, 0.15]) <= 0.08
    assert alarms([0.1, 0.1, 0.4]) > 0.8


def test_p_is_never_zero_and_the_seed_and_the_cell_decide(counts_of, failures_of):
    rows = [
        row
        for condition in ("clean", "noise")
        for row in [
            *people("a", range(1, 9), condition=condition),
            *people("b", range(3, 11), condition=condition),
        ]
    ]
    counts = counts_of(rows)
    first, second, other = (run(counts, failures_of, seed=seed) for seed in (0, 0, 1))
    assert first.equals(second)
    assert first["p"].to_list() != other["p"].to_list()
    assert first["statistic"].to_list() == other["statistic"].to_list()
    assert first["p"][0] != first["p"][1]
    sure = run(counts_of([*people("a", [1] * 20), *people("b", [40] * 20)]), failures_of)
    assert sure["p"][0] == 1 / 200


def test_rows_have_the_columns_of_the_table(counts_of, failures_of):
    found = run(counts_of([*people("a", [1, 4, 2]), *people("b", [5, 9, 3]), *people(None, [5, 9])]), failures_of)
    (row,) = conform(found, TESTS).to_dicts()
    expected = {"axis": "accent", "group": "overall", "reference_group": None, "test": "equality", "speakers": 6}
    assert row | expected | {"condition": "clean", "reference_condition": "clean", "backend": "A"} == row
    assert 0 < row["p"] <= 1
    assert row["note"] == "2 groups under 10 speakers"
    assert "any group" in row["assumption"]


def test_a_group_without_errors_stays_in(counts_of, failures_of):
    found = run(counts_of([*people("a", [0] * 12), *people("b", [12, 15, 14] * 4)]), failures_of)
    assert found["p"][0] == 1 / 200


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([*people("a", [1, 2, 3]), *people("b", [4])], "1 group could be judged"),
        ([*people("a", [1]), *people("b", [4])], "no group could be judged"),
        ([*people("a", [0, 0]), *people("b", [0, 0])], "no errors: no test"),
        (
            [*people("a", [1, 2, 3]), *people("b", [4, 5, 6]), {"speaker_id": "a0", "accent": "b", "errors": 1}],
            "speakers in several groups cannot be dealt anew: no test",
        ),
    ],
)
def test_what_cannot_be_tested_has_no_p(counts_of, failures_of, rows, note):
    found = run(counts_of(rows), failures_of)
    assert found.select("statistic", "p").row(0) == (None, None)
    assert note in found["note"][0]


def test_small_groups_are_left_out_and_counted(counts_of, failures_of):
    rows = [*people("a", [1, 2, 3]), *people("b", [4, 5, 6])]
    with_one = run(counts_of([*rows, *people("c", [40])]), failures_of)
    assert with_one["speakers"][0] == 6
    assert "1 group could not be judged" in with_one["note"][0]
    columns = ["statistic", "p"]
    assert with_one.select(columns).equals(run(counts_of(rows), failures_of).select(columns))


def test_an_axis_without_labels_has_no_rows(counts_of, failures_of):
    found = run(counts_of(people(None, [1, 2, 3])), failures_of)
    assert conform(found, TESTS).schema == pl.Schema(TESTS)
    assert found.height == 0
