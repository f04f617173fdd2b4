"""Two independent groups against slow definitions."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from asrfair.stats.contrasts import (
    capped_welch_df,
    difference_to_overall,
    rate_difference,
    rate_ratio,
    ratio_to_overall,
    welch_df,
)
from asrfair.stats.intervals import log_rates

YES = np.array([True])
A = ([3, 9, 1, 14], [40, 60, 55, 70])
B = ([6, 30, 14], [30, 80, 33])
C = ([4, 31, 9, 12, 5, 20], [40, 60, 55, 70, 30, 52])
NONE = ([0, 0, 0], [30, 40, 50])


def one(sample):
    errors, words = sample
    return log_rates(np.zeros(len(errors), np.int64), np.array(errors, float), np.array(words, float), cells=1)


def slow(sample):
    """θ, log variance, df and stretch of one group."""
    rates = one(sample)
    theta, variance, df = sum(sample[0]) / sum(sample[1]), rates.variance[0], rates.df[0]
    return theta, variance, df, 2 * max(variance - 1 / sum(sample[0]), 0) * max(1 - 2 / df, 0)


def slow_df(a, b):
    """Welch's with the variances found, and with those of speakers who vary alike; the smaller."""
    (var_a, df_a), (var_b, df_b) = a[1:3], b[1:3]
    return min(
        (one + other) ** 2 / (one**2 / df_a + other**2 / df_b)
        for one, other in ((var_a, var_b), (1 / (df_a + 1), 1 / (df_b + 1)))
    )


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize(("first", "second"), [(A, B), (B, A), (A, C), (C, A), (B, C)])
def test_difference_is_mover(first, second, alpha):
    one_side, other_side = slow(first), slow(second)
    (a, var_a, _, k_a), (b, var_b, _, k_b) = one_side, other_side
    t, z = stats.t.ppf(1 - alpha / 2, slow_df(one_side, other_side)), stats.norm.ppf(1 - alpha / 2)
    low_a, low_b = (theta * math.exp(-t * math.sqrt(var)) for theta, var in ((a, var_a), (b, var_b)))
    high_a, high_b = (
        theta * math.exp(t * math.sqrt(var) + z**2 * k) for theta, var, k in ((a, var_a, k_a), (b, var_b, k_b))
    )
    found = rate_difference(one(first), one(second), alpha=alpha, judged=YES)
    assert found.estimate[0] == pytest.approx(a - b)
    assert found.low[0] == pytest.approx(a - b - math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2))
    assert found.high[0] == pytest.approx(a - b + math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2))


@pytest.mark.parametrize(("a", "b"), [(A, B), (B, A), (NONE, B), (B, NONE)])
def test_difference_p_inverts_the_interval(a, b):
    found = rate_difference(one(a), one(b), alpha=0.05, judged=YES)

    edge = rate_difference(one(a), one(b), alpha=float(found.p[0]), judged=YES)
    assert 0 < found.p[0] < 1
    assert min(abs(edge.low[0]), abs(edge.high[0])) == pytest.approx(0, abs=1e-9)


def test_no_difference_at_all_has_p_one():
    assert rate_difference(one(A), one(A), alpha=0.05, judged=YES).p[0] == pytest.approx(1)
    assert rate_difference(one(NONE), one(NONE), alpha=0.05, judged=YES).p[0] == pytest.approx(1)


def test_a_clear_difference_has_the_smallest_p_and_nothing_overflows():
    far = ([1000, 1001, 1003, 999] * 20, [1001] * 80)
    near = ([1, 2, 1, 2] * 20, [1001] * 80)
    found = rate_difference(one(far), one(near), alpha=0.05, judged=YES)
    assert 0 < found.p[0] < 1e-12


@pytest.mark.parametrize(("first", "second"), [(A, B), (B, A), (A, C), (C, A), (B, C)])
def test_ratio_is_log_scale_with_capped_welch_df_and_what_is_left_of_the_stretch(first, second):
    one_side, other_side = slow(first), slow(second)
    (a, var_a, _, k_a), (b, var_b, _, k_b) = one_side, other_side
    width = stats.t.ppf(0.975, slow_df(one_side, other_side)) * math.sqrt(var_a + var_b)
    stretch = stats.norm.ppf(0.975) ** 2 * (k_a - k_b)
    found = rate_ratio(one(first), one(second), alpha=0.05, judged=YES)
    assert found.estimate[0] == pytest.approx(a / b)
    assert found.low[0] == pytest.approx(a / b * math.exp(-width + min(stretch, 0)))
    assert found.high[0] == pytest.approx(a / b * math.exp(width + max(stretch, 0)))
    edge = rate_ratio(one(first), one(second), alpha=float(found.p[0]), judged=YES)
    assert min(abs(math.log(edge.low[0])), abs(math.log(edge.high[0]))) == pytest.approx(0, abs=1e-9)


def test_a_ratio_without_a_stretch_has_the_p_of_student():
    plain = [dataclasses.replace(one(sample), skew=np.zeros(1)) for sample in (A, C)]
    one_side, other_side = slow(A), slow(C)
    distance = abs(math.log(one_side[0] / other_side[0])) / math.sqrt(one_side[1] + other_side[1])
    found = rate_ratio(*plain, alpha=0.05, judged=YES)
    assert found.p[0] == pytest.approx(2 * stats.t.sf(distance, slow_df(one_side, other_side)))


def test_a_small_group_does_not_get_the_degrees_of_freedom_of_a_large_one():
    """Whatever its variance, next to nothing in comparison."""
    tight, loose = np.array([1e-4]), np.array([1.0])
    assert welch_df(tight, np.array([3.0]), loose, np.array([99.0]))[0] > 98
    assert capped_welch_df(tight, np.array([3.0]), loose, np.array([99.0]))[0] < 3.3


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
