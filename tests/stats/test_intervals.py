"""The interval of one rate against slow definitions, statsmodels, and a simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from asrfair.seeds import generator
from asrfair.stats.arrays import ratio, t_probability, t_quantile
from asrfair.stats.intervals import (
    LogRates,
    cr1_variance,
    jackknife_variance,
    left_out,
    log_rates,
    moment_df,
    moment_variance,
)


def one(errors, words) -> LogRates:
    cell = np.zeros(len(errors), np.int64)
    return log_rates(cell, np.array(errors, float), np.array(words, float), cells=1)


def slow_variance(errors, words) -> float:
    """Mancl and DeRouen written out for one cell."""
    e, w = sum(errors), sum(words)
    theta = e / w
    parts = [((x - theta * y) / w) ** 2 / (1 - y / w) ** 2 for x, y in zip(errors, words, strict=True)]
    return sum(parts) / theta**2


def slow_df(words) -> float:
    """Satterthwaite from the quadratic form: Σu² = ε'A'Aε with A = diag(h)(I − 1h'), independent speakers' rates."""
    h = np.array(words, float) / sum(words)
    a = np.diag(h) @ (np.eye(len(h)) - np.outer(np.ones(len(h)), h))
    form = a @ a.T
    return np.trace(form) ** 2 / np.trace(form @ form)


SAMPLES = [
    ([3, 9, 1, 14], [40, 60, 55, 70]),
    ([0, 0, 7], [10, 200, 31]),
    ([5, 50], [20, 33]),
    ([12, 3, 8, 9, 30, 1, 2], [100, 20, 90, 60, 300, 20, 5]),
    ([4, 31, 9, 12, 5, 20], [40, 60, 55, 70, 30, 52]),
]


@pytest.mark.parametrize(("errors", "words"), SAMPLES)
def test_spread_equals_the_slow_definition(errors, words):
    rates = one(errors, words)
    assert rates.cluster_variance[0] == pytest.approx(slow_variance(errors, words), rel=1e-12)
    assert rates.df[0] == pytest.approx(slow_df(words), rel=1e-9)


@pytest.mark.parametrize(("errors", "words"), SAMPLES)
def test_interval_ends_are_theta_times_exp_of_t_s(errors, words):
    theta = sum(errors) / sum(words)
    spread = math.sqrt(max(slow_variance(errors, words), 1 / sum(errors)))
    width = stats.t.ppf(0.95, slow_df(words)) * spread
    between = max(slow_variance(errors, words) - 1 / sum(errors), 0)
    stretch = 2 * between * max(1 - 2 / slow_df(words), 0) * stats.norm.ppf(0.95) ** 2
    low, high = one(errors, words).ends(0.10)
    assert low[0] == pytest.approx(theta * math.exp(-width), rel=1e-9)
    assert high[0] == pytest.approx(theta * math.exp(width + stretch), rel=1e-9)


def test_other_degrees_of_freedom_leave_the_stretch():
    rates = one(*SAMPLES[4])
    assert rates.stretch[0] > 0
    low, high = rates.ends(0.05, df=np.array([40.0]))
    width = stats.t.ppf(0.975, 40) * math.sqrt(rates.variance[0])
    assert math.log(rates.estimate[0] / low[0]) == pytest.approx(width)
    assert math.log(high[0] / rates.estimate[0]) == pytest.approx(width + 1.959964**2 * rates.stretch[0])


def test_df_is_speakers_minus_one_when_all_talk_equally():
    assert moment_df(np.zeros(9, np.int64), np.full(9, 17.0), cells=1)[0] == pytest.approx(8)


@pytest.mark.parametrize("others", [[1], [1, 1], [1] * 50, [5, 1, 1]])
@pytest.mark.parametrize("loud", [1e2, 1e4, 1e6, 1e9, 1e12])
def test_df_stays_between_one_and_speakers_minus_one_when_one_speaker_talks(others, loud):
    words = np.array([loud, *others])
    df = moment_df(np.zeros(len(words), np.int64), words, cells=1)[0]
    assert 1 <= df <= (len(words) - 1) * 1.001


def test_spread_equals_the_bias_reduced_gee_of_statsmodels():
    api = pytest.importorskip("statsmodels.api", reason="skipped: no statsmodels")
    rng = generator(3, "gee")
    speaker = np.repeat(np.arange(7), rng.integers(2, 9, 7))
    words = rng.integers(3, 15, len(speaker)).astype(float)
    errors = rng.poisson(words * np.exp(rng.normal(-2, 0.6, 7))[speaker]).astype(float)
    model = api.GEE(errors, np.ones(len(errors)), groups=speaker, family=api.families.Poisson(), offset=np.log(words))
    expected = model.fit(cov_type="bias_reduced").bse[0]
    sums = [np.bincount(speaker, values) for values in (errors, words)]
    assert np.sqrt(one(*sums).cluster_variance[0]) == pytest.approx(expected, rel=1e-6)


def test_equal_rates_give_the_floor_not_a_zero_width():
    rates = one([4, 8, 2], [40, 80, 20])
    assert rates.floored[0]
    assert rates.variance[0] == pytest.approx(1 / 14)
    low, high = rates.ends(0.05)
    assert low[0] < 0.1 < high[0]


def test_no_errors_gives_zero_to_the_bound_times_the_design_effect():
    rates = one([0, 0, 0], [50, 30, 20])
    low, high = rates.interval(0.05)
    assert (low[0], high[0]) == (0.0, pytest.approx(-math.log(0.025) / 100))
    wider = LogRates(**(vars(rates) | {"design_effect": np.array([3.0])}))
    assert wider.interval(0.05)[1][0] == pytest.approx(3 * high[0])


def test_one_speaker_or_no_words_gives_no_interval():
    cell = np.array([0, 1, 1, 2])
    rates = log_rates(cell, np.array([3.0, 1, 2, 2]), np.array([9.0, 0, 0, 0]), cells=4)
    low, high = rates.interval(0.05)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert rates.estimate[0] == pytest.approx(1 / 3)
    assert np.isnan(rates.estimate[1:]).all()
    assert rates.clusters.tolist() == [1, 0, 0, 0]


def test_a_speaker_without_words_adds_errors_but_is_not_counted():
    rates = one([2, 3, 4], [10, 20, 0])
    assert rates.clusters[0] == 2
    assert rates.estimate[0] == pytest.approx(9 / 30)


def test_an_interval_beyond_a_factor_of_1000_is_not_shown():
    rates = one([1, 30], [40, 40])
    assert rates.too_wide(0.05)[0]
    assert np.isnan(rates.interval(0.05)[0][0])
    low, high = rates.interval(0.5)
    assert 0 < low[0] < high[0] < 10
    edge = t_probability(math.log(1000) / np.sqrt(rates.variance), rates.df)[0]
    assert rates.too_wide(edge * 0.999)[0]
    assert not rates.too_wide(edge * 1.001)[0]


def test_cells_do_not_touch_each_other():
    cell = np.repeat(np.arange(len(SAMPLES)), [len(errors) for errors, _ in SAMPLES])
    errors = np.concatenate([errors for errors, _ in SAMPLES]).astype(float)
    words = np.concatenate([words for _, words in SAMPLES]).astype(float)
    together = log_rates(cell, errors, words, cells=len(SAMPLES))
    for number, sample in enumerate(SAMPLES):
        alone = one(*sample)
        assert together.variance[number] == pytest.approx(alone.variance[0], rel=1e-12)
        assert together.df[number] == pytest.approx(alone.df[0], rel=1e-12)


def test_t_functions_are_two_sided():
    assert t_quantile(0.05, np.array([7.0]))[0] == pytest.approx(stats.t.ppf(0.975, 7))
    assert t_probability(np.array([-2.0]), np.array([7.0]))[0] == pytest.approx(2 * stats.t.sf(2, 7))


def test_ratio_is_nan_without_a_denominator():
    assert np.isnan(ratio([1.0, 0.0], [0.0, 0.0])).all()


@pytest.mark.parametrize(("speakers", "least", "most"), [(4, 0.95, 0.995), (8, 0.945, 0.985), (30, 0.945, 0.985)])
def test_coverage_of_the_default_interval(speakers, least, most):
    """3,000 replicates: two standard errors are 0.8 points."""
    rng = generator(11, "coverage", str(speakers))
    size = 3000 * speakers
    words = rng.integers(60, 400, size).astype(float)
    speaker_rate = 0.12 * np.exp(rng.normal(-(0.6**2) / 2, 0.6, size))
    errors = rng.poisson(speaker_rate * words * rng.gamma(20, 1 / 20, size)).astype(float)
    low, high = log_rates(np.repeat(np.arange(3000), speakers), errors, words, cells=3000).interval(0.05)
    assert least <= np.mean((low <= 0.12) & (high >= 0.12)) <= most


@pytest.mark.parametrize(("errors", "words"), SAMPLES)
def test_other_variances_equal_their_slow_definitions(errors, words):
    cell = np.zeros(len(errors), np.int64)
    arrays = cell, np.array(errors, float), np.array(words, float)
    theta, n = sum(errors) / sum(words), len(errors)
    squares = sum((e - theta * w) ** 2 for e, w in zip(errors, words, strict=True)) / sum(errors) ** 2
    assert cr1_variance(*arrays, cells=1)[0] == pytest.approx(n / (n - 1) * squares)
    q, s3 = (sum((w / sum(words)) ** power for w in words) for power in (2, 3))
    assert moment_variance(*arrays, cells=1)[0] == pytest.approx(squares * q / (q - 2 * s3 + q * q))
    others = [(sum(errors) - e) / (sum(words) - w) for e, w in zip(errors, words, strict=True)]
    assert left_out(*arrays, cells=1) == pytest.approx(others)
    found = jackknife_variance(*arrays, cells=1)[0]
    if min(others) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx((n - 1) * np.var(np.log(others)))


def test_the_floor_rests_on_the_events_that_are_counted():
    cell = np.zeros(3, np.int64)
    numerator, denominator = np.array([0.4, 0.8, 0.2]), np.array([4.0, 8, 2])
    plain, counted = (
        log_rates(cell, numerator, denominator, cells=1, events=events) for events in (None, np.array([25.0]))
    )
    assert plain.variance[0] == pytest.approx(1 / 1.4)
    assert counted.variance[0] == pytest.approx(1 / 25)
    assert counted.floored[0]
    assert counted.ends(0.05)[0][0] > plain.ends(0.05)[0][0]
    assert not one(*SAMPLES[0]).floored[0]
    errors, words = (np.array(values, float) for values in SAMPLES[0])
    assert log_rates(np.zeros(4, np.int64), errors, words, cells=1, events=np.ones(1)).floored[0]
