"""Replicates and the ends made of them, against scipy and slow definitions."""

import numpy as np
import pytest
from scipy import stats

from asrfair.seeds import generator
from asrfair.stats import bootstrap
from asrfair.stats.bootstrap import (
    acceleration,
    ascending,
    bca_ends,
    percentile_ends,
    quantile,
    resample,
    studentised_ends,
)
from asrfair.stats.intervals import left_out

ERRORS = np.array([3.0, 9, 1, 14, 0, 6, 22])
WORDS = np.array([40.0, 60, 55, 70, 12, 90, 81])


def wer(errors, words, axis=-1):
    return errors.sum(axis=axis) / words.sum(axis=axis)


def by_scipy(method: str):
    return stats.bootstrap(
        (ERRORS, WORDS), wer, paired=True, n_resamples=999, method=method, rng=np.random.default_rng(1)
    )


def test_a_draw_has_as_many_speakers_as_there_are_and_serves_every_column():
    values = generator(1, "values").normal(size=(6, 3))
    sums = resample(np.hstack([np.eye(6), values]), replicates=500, rng=generator(2, "draw"))
    counts = sums[:, :6]
    assert (counts >= 0).all()
    assert (counts.sum(axis=1) == 6).all()
    assert (counts == np.round(counts)).all()
    slow = [sum(int(times) * values[speaker] for speaker, times in enumerate(row)) for row in counts]
    np.testing.assert_allclose(sums[:, 6:], slow, atol=1e-12)


@pytest.mark.parametrize("speakers", [2, 5, 70_000])
def test_counts_are_multinomial(speakers):
    replicates = 40_000 if speakers < 100 else 60
    some = np.eye(speakers, 3) if speakers < 100 else np.repeat(np.eye(2, 3), speakers // 2, axis=0)
    counts = resample(some, replicates=replicates, rng=generator(3, "moments"))
    share = some.sum(axis=0)[:2] / speakers
    np.testing.assert_allclose(counts.mean(axis=0)[:2], speakers * share, rtol=0.03)
    if speakers < 100:
        covariance = np.cov(counts[:, :2].T)
        np.testing.assert_allclose(np.diag(covariance), speakers * share * (1 - share), rtol=0.04)
        assert covariance[0, 1] == pytest.approx(-speakers * share[0] * share[1], rel=0.06)


def test_how_many_are_drawn_at_once_changes_nothing(monkeypatch):
    values = np.arange(21.0).reshape(7, 3)
    whole = resample(values, replicates=101, rng=generator(4, "chunks"))
    for at_once in (7, 22, 300):
        monkeypatch.setattr(bootstrap, "_DRAWN_AT_ONCE", at_once)
        assert np.array_equal(resample(values, replicates=101, rng=generator(4, "chunks")), whole)


def test_more_columns_have_the_same_draws():
    values = np.arange(1400.0).reshape(7, 200)
    many, few = (resample(values[:, :n], replicates=5000, rng=generator(9, "columns")) for n in (200, 3))
    assert np.array_equal(many[:, :3], few)


def test_no_speakers_sum_to_zero():
    assert np.array_equal(resample(np.zeros((0, 2)), replicates=3, rng=generator(0)), np.zeros((3, 2)))


def test_replicates_are_left_as_they_are():
    values = generator(8, "order").normal(size=(50, 1))
    kept = values.copy()
    assert (np.diff(ascending(values)) >= 0).all()
    assert np.array_equal(values, kept)


def test_quantiles_leave_out_what_has_no_value():
    values = generator(5, "quantiles").normal(size=(200, 4))
    values[generator(6, "holes").random(values.shape) < 0.2] = np.nan
    values[:, 3] = np.nan
    for share in (0.0, 0.025, 0.37, 1.0):
        found = quantile(ascending(values), share)
        np.testing.assert_allclose(found[:3], np.nanquantile(values[:, :3], share, axis=0), rtol=1e-12)
        assert np.isnan(found[3])


def test_percentiles_equal_scipy_on_the_same_replicates():
    expected = by_scipy("percentile")
    low, high = percentile_ends(expected.bootstrap_distribution[:, None], alpha=0.05)
    assert (low[0], high[0]) == pytest.approx(tuple(expected.confidence_interval), rel=1e-12)


def test_bca_equals_scipy_on_the_same_replicates():
    expected = by_scipy("BCa")
    cell = np.zeros(len(ERRORS), np.int64)
    found = bca_ends(
        expected.bootstrap_distribution[:, None],
        estimate=np.array([ERRORS.sum() / WORDS.sum()]),
        acceleration=acceleration(cell, left_out(cell, ERRORS, WORDS, cells=1), cells=1),
        alpha=0.05,
    )
    plain = percentile_ends(expected.bootstrap_distribution[:, None], alpha=0.05)
    assert (found[0][0], found[1][0]) == pytest.approx(tuple(expected.confidence_interval), rel=1e-9)
    assert abs(found[0][0] - plain[0][0]) > 1e-4


def test_bca_is_unknown_where_all_replicates_lie_on_one_side():
    replicates = np.array([[0.2, 0.2, 0.1], [0.3, 0.2, np.nan], [0.4, 0.2, 0.3]])
    low, high = bca_ends(replicates, estimate=np.array([0.1, 0.2, 0.2]), acceleration=np.zeros(3), alpha=0.1)
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (0.2, 0.2)
    assert (low[2], high[2]) == pytest.approx((0.11, 0.29))


def test_studentised_is_the_estimate_minus_quantiles_of_t_times_the_error():
    """The definition of Efron and Tibshirani, 12.5, which arch calls «studentized», written out."""
    t = generator(7, "t").standard_t(4, size=400)
    low, high = studentised_ends(t[:, None], estimate=np.array([0.2]), error=np.array([0.03]), alpha=0.1)
    assert low[0] == pytest.approx(0.2 - 0.03 * np.quantile(t, 0.95))
    assert high[0] == pytest.approx(0.2 - 0.03 * np.quantile(t, 0.05))


def test_an_infinite_end_is_unknown():
    t = np.array([[-np.inf, -1.0, 0.0], [0.5, 0.5, 1.0], [1.0, np.inf, 2.0], [2.0, np.inf, np.nan]])
    low, high = studentised_ends(t, estimate=np.full(3, 0.2), error=np.full(3, 0.03), alpha=0.2)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]
