"""The sign-flip test against its definition and scipy's permutation test."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asrfair.seeds import generator
from asrfair.stats.cells import code, find_axis, pair_rows
from asrfair.stats.changes import pair_view
from asrfair.stats.rates import axis_sums
from asrfair.stats.signs import ASSUMPTION, flip_p, sign_flip_rows
from asrfair.tables import TESTS, conform


def rows_of(counts, failures, *, kind="condition", axis="accent", independent=False, **options):
    coded = code(
        counts,
        failures,
        axes=["accent"],
        baseline_condition="clean",
        baseline_backend="A",
        independent_utterances=independent,
    )
    view = axis_sums(find_axis(axis, counts, failures), coded)
    pairs = pair_view(pair_rows(coded, kind), view, coded, kind=kind)
    return sign_flip_rows(pairs, coded, **({"flips": 10000, "seed": 1} | options))


def slow_p(values):
    """Every sign pattern in turn."""
    patterns = itertools.product((-1, 1), repeat=len(values))
    sums = [abs(sum(sign * value for sign, value in zip(pattern, values, strict=True))) for pattern in patterns]
    return np.mean([value >= abs(sum(values)) - 1e-9 for value in sums])


def draw(seed=0):
    return generator(seed, "test")


@given(st.lists(st.integers(-4, 4), max_size=7))
def test_exact_p_is_the_share_of_all_sign_patterns(values):
    shares = np.array(values, float)[:, None] / 7
    assert flip_p(shares, flips=127, rng=draw())[0] == pytest.approx(slow_p(values))


def test_columns_are_apart():
    values = generator(1, "values").integers(-3, 4, (8, 5)).astype(float)
    found = flip_p(values, flips=1000, rng=draw())
    assert found.tolist() == pytest.approx([slow_p(column) for column in values.T])


def test_random_flips_come_near_the_exact_p_and_never_reach_zero():
    values = generator(2, "values").normal(0.3, 1, (10, 3))
    exact = flip_p(values, flips=2**10 - 1, rng=draw())
    assert exact.tolist() == pytest.approx([slow_p(column) for column in values.T])
    near = flip_p(values, flips=1000, rng=draw())
    assert np.abs(near - exact).max() < 0.05
    assert (near * 1001).tolist() == pytest.approx(np.round(near * 1001).tolist())
    assert flip_p(np.ones((40, 1)), flips=99, rng=draw())[0] == 0.01
    assert flip_p(np.array([[1.0, -1.0] * 20]).T, flips=99, rng=draw())[0] == 1.0


def test_thousands_of_speakers_have_a_p():
    shares = np.random.default_rng(0).standard_normal((5000, 1))
    (p,) = flip_p(shares, flips=99, rng=generator(1, "many"))
    assert 0.01 <= p <= 1


def test_random_flips_in_pieces_are_as_many_as_asked(monkeypatch):
    monkeypatch.setattr("asrfair.stats.signs._SIGNS_AT_ONCE", 100)
    assert flip_p(np.ones((40, 1)), flips=99, rng=draw())[0] == 0.01


def speakers(errors, base, words, group="a", **more):
    """One utterance per speaker under ``clean`` and ``noise``."""
    return [
        {
            "utterance_id": f"{group}{n}",
            "speaker_id": f"{group}{n}",
            "accent": group,
            "errors": count,
            "reference_words": w,
            "condition": condition,
        }
        | more
        for condition, counts in (("clean", base), ("noise", errors))
        for n, (count, w) in enumerate(zip(counts, words, strict=True))
    ]


WORDS = [10, 20, 30, 12, 15, 40, 22]
BASE = [1, 2, 3, 1, 0, 5, 2]
NOISE = [3, 2, 7, 2, 2, 9, 1]


def test_a_row_is_the_difference_and_scipys_p(counts_of, failures_of):
    found = rows_of(counts_of(speakers(NOISE, BASE, WORDS)), failures_of()).row(0, named=True)

    def difference(a, b, axis=-1):
        return np.sum(a - b, axis=axis)

    scipys = stats.permutation_test((NOISE, BASE), difference, permutation_type="samples", n_resamples=np.inf)
    assert found["p"] == pytest.approx(scipys.pvalue)
    assert found["statistic"] == pytest.approx((sum(NOISE) - sum(BASE)) / sum(WORDS))
    assert (found["speakers"], found["note"], found["assumption"]) == (7, "under 10 speakers", ASSUMPTION)
    assert (found["reference_condition"], found["condition"], found["test"]) == ("clean", "noise", "sign_flip")
    assert (found["reference_backend"], found["reference_group"]) == ("A", "a")


def test_too_few_speakers_to_reject_is_said(counts_of, failures_of):
    def note(errors, base, **options):
        counts = counts_of(speakers(errors, base, WORDS[: len(base)]))
        row = rows_of(counts, failures_of(), **options).row(0, named=True)
        return row["p"], row["note"]

    assert note([3, 4, 5, 6], [1, 1, 1, 1]) == (
        0.125,
        "under 10 speakers; only 4 speakers with a difference: p cannot fall under 0.125",
    )
    p, said = note([3, 4, 5, 6, 1, 1], [1] * 6)
    assert (p, said) == (0.125, "under 10 speakers; only 4 speakers with a difference: p cannot fall under 0.125")
    assert note([3, 4, 5, 6], [1, 1, 1, 1], alpha=0.2) == (0.125, "under 10 speakers")
    assert note([1, 1, 1], [1, 1, 1]) == (1.0, "under 10 speakers; no speaker's errors differ")
    assert note([3], [1]) == (None, "1 speaker: not judged")


def test_unknown_speakers_are_not_judged_unless_taken_as_independent(counts_of, failures_of):
    counts = counts_of(speakers(NOISE, BASE, WORDS, speaker_id=None))
    row = rows_of(counts, failures_of()).row(0, named=True)
    assert (row["p"], row["note"]) == (None, "7 utterances without speaker")
    row = rows_of(counts, failures_of(), independent=True).row(0, named=True)
    assert row["p"] == pytest.approx(slow_p(np.subtract(NOISE, BASE)))
    assert "utterances treated as independent" in row["note"]


def test_no_utterance_in_both_is_null_and_says_so(counts_of, failures_of):
    rows = speakers(NOISE, BASE, WORDS)
    apart = [row | {"utterance_id": row["utterance_id"] + row["condition"]} for row in rows]
    row = rows_of(counts_of(apart), failures_of()).row(0, named=True)
    assert (row["p"], row["statistic"]) == (None, None)
    assert row["note"] == "no utterance in both conditions; 14 utterances not in both conditions left out"


GROUPS = {"a": 9, "b": 20, "c": 1, None: 6}
CHANGES = {"clean": 1.0, "noise": 1.3, "wind": 1.1}


@pytest.fixture(scope="module")
def counts(simulated):
    return simulated(4, groups=GROUPS, conditions=CHANGES, backends={"A": 1.0, "B": 1.2})


@pytest.mark.parametrize("kind", ["condition", "backend"])
@pytest.mark.parametrize("axis", ["accent", "overall"])
def test_every_group_and_change_has_its_own_p(counts, failures_of, kind, axis):
    """Against each cell's shares put through the definition, or through its own random flips."""
    found = rows_of(counts, failures_of(), kind=kind, axis=axis, flips=2000)
    assert found.height == (4 if axis == "accent" else 1) * (4 if kind == "condition" else 3)
    base = {"condition": "clean", "backend": "A"}[kind]
    other = "backend" if kind == "condition" else "condition"
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions")
    for row in found.iter_rows(named=True):
        cell = counts.filter(pl.col(other) == row[other])
        if axis == "accent":
            cell = cell.filter(pl.col("accent").eq_missing(pl.lit(row["group"], pl.String)))
        sums = [
            cell.filter(pl.col(kind) == name).group_by("speaker_id").agg(errors.sum().alias("e")).sort("speaker_id")
            for name in (row[kind], base)
        ]
        difference = sums[0]["e"].to_numpy() - sums[1]["e"].to_numpy()
        words = cell.filter(pl.col(kind) == base)["reference_words"].sum()
        assert row["statistic"] == pytest.approx(difference.sum() / words)
        assert row[f"reference_{kind}"] == base
        if row["group"] == "c":
            assert row["p"] is None
        elif np.count_nonzero(difference) <= 10:
            assert row["p"] == pytest.approx(slow_p(difference[difference != 0]))
        else:
            again = flip_p(difference[:, None].astype(float), flips=4000, rng=draw(3))[0]
            assert row["p"] == pytest.approx(again, abs=0.05)


def test_a_groups_draw_depends_on_the_seed_and_its_name_only(counts, failures_of):
    def p(table, **options):
        return rows_of(table, failures_of(), flips=200, **options).filter(pl.col("group") == "b")["p"].to_list()

    assert p(counts) == p(counts.sample(fraction=1.0, shuffle=True, seed=3))
    assert p(counts) == p(counts.filter(pl.col("accent").eq_missing("b") | pl.col("accent").eq_missing("a")))
    assert p(counts) != p(counts, seed=2)


def test_two_groups_have_draws_of_their_own(counts, failures_of):
    twin = counts.filter(pl.col("accent") == "b")
    names = (pl.col(name) + "-again" for name in ("utterance_id", "speaker_id"))
    both = pl.concat([twin, twin.with_columns(*names, accent=pl.lit("twin"))])
    first, second = rows_of(both, failures_of(), flips=200).partition_by("group")
    assert first["statistic"].to_list() == second["statistic"].to_list()
    assert first["p"].to_list() != second["p"].to_list()


def test_swapping_the_systems_flips_the_difference_and_keeps_p(counts, failures_of):
    names = {"A": "B", "B": "A"}
    forth = rows_of(counts, failures_of(), kind="backend", flips=200)
    back = rows_of(counts.with_columns(pl.col("backend").replace(names)), failures_of(), kind="backend", flips=200)
    assert back["statistic"].to_list() == pytest.approx((-forth["statistic"]).to_list())
    assert back["p"].to_list() == forth["p"].to_list()


def test_rows_fit_table_tests(counts, failures_of):
    rows = rows_of(counts, failures_of(), flips=200)
    assert set(rows.columns) <= set(TESTS)
    assert conform(rows, TESTS)["p"].is_between(0, 1).all()
