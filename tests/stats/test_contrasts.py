"""Two independent groups against slow definitions."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from asrfair.stats.contrasts import (
    difference_to_overall,
    mover,
    rate_difference,
    rate_ratio,
    ratio_to_overall,
    welch_df,
)
from asrfair.stats.intervals import log_rates

YES = np.array([True])
A = ([3, 9, 1, 14], [40, 60, 55, 70])
B = ([6, 30, 14], [30, 80, 33])
NONE = ([0, 0, 0], [30, 40, 50])


def one(sample):
    errors, words = sample
    return log_rates(np.zeros(len(errors), np.int64), np.array(errors, float), np.array(words, float), cells=1)


def slow(sample, alpha):
    """θ, lower end, upper end, log variance and df of one group."""
    rates = one(sample)
    theta = sum(sample[0]) / sum(sample[1])
    width = stats.t.ppf(1 - alpha / 2, rates.df[0]) * math.sqrt(rates.variance[0])
    return theta, theta * math.exp(-width), theta * math.exp(width), rates.variance[0], rates.df[0]


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_difference_is_mover(alpha):
    a, low_a, high_a, *_ = slow(A, alpha)
    b, low_b, high_b, *_ = slow(B, alpha)
    found = rate_difference(one(A), one(B), alpha=alpha, judged=YES)
    assert found.estimate[0] == pytest.approx(a - b)
    assert found.low[0] == pytest.approx(a - b - math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2))
    assert found.high[0] == pytest.approx(a - b + math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2))


@pytest.mark.parametrize(("a", "b"), [(A, B), (B, A), (NONE, B), (B, NONE)])
def test_difference_p_inverts_the_interval(a, b):
    found = rate_difference(one(a), one(b), alpha=0.05, judged=YES)

    def nearest_end(alpha):
        low, high = mover(one(a), one(b), alpha)
        return (low if found.estimate[0] > 0 else high)[0]

    assert found.p[0] == pytest.approx(optimize.brentq(nearest_end, 1e-9, 1 - 1e-9, xtol=1e-13), abs=1e-8)


def test_no_difference_at_all_has_p_one():
    assert rate_difference(one(A), one(A), alpha=0.05, judged=YES).p[0] == pytest.approx(1)
    assert rate_difference(one(NONE), one(NONE), alpha=0.05, judged=YES).p[0] == pytest.approx(1)


def test_a_clear_difference_has_the_smallest_p_and_nothing_overflows():
    far = ([1000, 1001, 1003, 999] * 20, [1001] * 80)
    near = ([1, 2, 1, 2] * 20, [1001] * 80)
    found = rate_difference(one(far), one(near), alpha=0.05, judged=YES)
    assert 0 < found.p[0] < 1e-12


def test_ratio_is_log_scale_with_welch_df():
    a, _, _, var_a, df_a = slow(A, 0.05)
    b, _, _, var_b, df_b = slow(B, 0.05)
    df = (var_a + var_b) ** 2 / (var_a**2 / df_a + var_b**2 / df_b)
    error = math.sqrt(var_a + var_b)
    found = rate_ratio(one(A), one(B), alpha=0.05, judged=YES)
    assert found.estimate[0] == pytest.approx(a / b)
    assert found.low[0] == pytest.approx(a / b * math.exp(-stats.t.ppf(0.975, df) * error))
    assert found.high[0] == pytest.approx(a / b * math.exp(stats.t.ppf(0.975, df) * error))
    assert found.p[0] == pytest.approx(2 * stats.t.sf(abs(math.log(a / b)) / error, df))


def test_welch_df_written_out():
    assert welch_df(*(np.array([x]) for x in (2.0, 3.0, 1.0, 5.0)))[0] == pytest.approx(9 / (4 / 3 + 1 / 5))


def test_ratio_without_errors_is_unknown_but_the_difference_is_not():
    ratio = rate_ratio(one(NONE), one(B), alpha=0.05, judged=YES)
    assert all(np.isnan(values[0]) for values in (ratio.estimate, ratio.low, ratio.high, ratio.p))
    difference = rate_difference(one(NONE), one(B), alpha=0.05, judged=YES)
    assert difference.low[0] < difference.estimate[0] < difference.high[0]


@pytest.mark.parametrize("compare", [rate_ratio, rate_difference])
def test_not_judged_keeps_the_estimate_alone(compare):
    found = compare(one(A), one(B), alpha=0.05, judged=~YES)
    assert np.isfinite(found.estimate[0])
    assert all(np.isnan(values[0]) for values in (found.low, found.high, found.p))


@pytest.mark.parametrize("compare", [rate_ratio, rate_difference])
def test_too_wide_is_said_and_not_shown(compare):
    wild = ([1, 30], [40, 40])
    found = compare(one(wild), one(B), alpha=0.05, judged=YES)
    assert found.too_wide[0]
    assert all(np.isnan(values[0]) for values in (found.low, found.high, found.p))


def test_to_overall_equals_the_group_against_the_pooled_rate():
    share = np.array([sum(A[1]) / (sum(A[1]) + sum(B[1]))])
    a, b = sum(A[0]) / sum(A[1]), sum(B[0]) / sum(B[1])
    overall = (sum(A[0]) + sum(B[0])) / (sum(A[1]) + sum(B[1]))
    plain = rate_difference(one(A), one(B), alpha=0.05, judged=YES)
    difference = difference_to_overall(plain, share)
    assert difference.estimate[0] == pytest.approx(a - overall)
    assert difference.low[0] == pytest.approx((1 - share[0]) * plain.low[0])
    quotient = rate_ratio(one(A), one(B), alpha=0.05, judged=YES)
    ratio = ratio_to_overall(quotient, share)
    assert ratio.estimate[0] == pytest.approx(a / overall)
    assert ratio.high[0] == pytest.approx(quotient.high[0] * b / (share[0] * quotient.high[0] * b + (1 - share[0]) * b))
    assert ratio.low[0] < ratio.estimate[0] < ratio.high[0]
