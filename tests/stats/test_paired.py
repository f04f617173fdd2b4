"""Paired contrasts against slow definitions."""

import math

import numpy as np
import pytest
from scipy import stats

from asrfair.stats.intervals import log_rates, moment_df
from asrfair.stats.paired import (
    interaction_difference,
    interaction_ratio,
    pair_sums,
    paired_difference,
    paired_ratio,
)

YES = np.array([True])
WORDS = [40, 60, 55, 70, 20]
BASE = [3, 9, 1, 14, 2]
NEW = [9, 12, 8, 30, 5]
OTHER = ([30, 80, 33, 12], [6, 30, 14, 1], [9, 33, 25, 1])


def one(words, base, new):
    w, b, n = (np.array(values, float) for values in (words, base, new))
    cell = np.zeros(len(words), np.int64)
    return pair_sums(cell, errors=n, words=w, base_errors=b, base_words=w, cells=1)


def contributions(words, base, new):
    """x_s/(1 − e_s) on the log scale, one speaker at a time; with equal words it is of ΣE/ΣB."""
    result = []
    for b, n in zip(base, new, strict=True):
        own, before = n / sum(new), b / sum(base)
        result.append((own - before) / (1 - (own + before) / 2))
    return result


def cost_error(words, base, new):
    """√Σ(x_s/(1 − h_s))² on the natural scale."""
    total, result = sum(words), 0.0
    cost = (sum(new) - sum(base)) / total
    for w, b, n in zip(words, base, new, strict=True):
        result += ((n - b - cost * w) / (total - w)) ** 2
    return math.sqrt(result)


def test_ratio_divides_contributions_by_shares_of_errors_and_uses_the_moment_df():
    x = contributions(WORDS, BASE, NEW)
    df = moment_df(np.zeros(5, np.int64), np.array(WORDS, float), cells=1)[0]
    error, ratio = math.sqrt(sum(value**2 for value in x)), sum(NEW) / sum(BASE)
    found = paired_ratio(one(WORDS, BASE, NEW), alpha=0.05, judged=YES)
    assert found.estimate[0] == pytest.approx(ratio)
    assert found.low[0] == pytest.approx(ratio * math.exp(-stats.t.ppf(0.975, df) * error))
    assert found.p[0] == pytest.approx(2 * stats.t.sf(math.log(ratio) / error, df))


def cost_ends(words, base, new, alpha):
    """The cost's interval, written out: MOVER for the product of the mean rate and 2·tanh(λ/2)."""
    found, w = one(words, base, new), sum(words)
    t = stats.t.ppf(1 - alpha / 2, found.df[0])
    d, mean, ratio = (sum(new) - sum(base)) / w, (sum(new) + sum(base)) / w / 2, math.log(sum(new) / sum(base))
    spread = math.sqrt(sum(x**2 for x in contributions(words, base, new)))
    both = log_rates(
        np.zeros(len(words), np.int64), np.add(base, new).astype(float), 2 * np.array(words, float), cells=1
    )
    low, high = (float(end[0]) for end in both.ends(alpha))

    def cost(mean, ratio):
        return mean * 2 * math.tanh(ratio / 2)

    ends = []
    step = 1e-6
    by_rate = abs(d) * math.sqrt(both.variance[0])
    by_ratio = (cost(mean, ratio + step) - cost(mean, ratio - step)) / (2 * step) * spread
    r = min(max((cost_error(words, base, new) ** 2 - by_rate**2 - by_ratio**2) / (2 * by_rate * by_ratio), 0), 1)
    for sign in (-1, 1):
        a = cost(low if sign * d < 0 else high, ratio) - d
        b = cost(mean, ratio + sign * t * spread) - d
        ends.append(d + sign * math.sqrt(a**2 + b**2 + 2 * r * abs(a * b)))
    return d, *ends


SMALL = (WORDS, BASE, [4, 8, 3, 14, 2])
CLEAR = (WORDS, [3, 4, 4, 5, 2], [13, 21, 17, 26, 7])


@pytest.mark.parametrize("sample", [SMALL, CLEAR, (CLEAR[0], CLEAR[2], CLEAR[1])])
def test_cost_interval_is_that_of_a_product(sample):
    d, low, high = cost_ends(*sample, 0.05)
    found = one(*sample)
    assert (found.ends(0.05)[0][0], found.ends(0.05)[1][0]) == (pytest.approx(low), pytest.approx(high))
    assert low < d < high


@pytest.mark.parametrize("sample", [SMALL, (WORDS, BASE, NEW), CLEAR])
def test_difference_is_the_cost_and_its_p_inverts_the_interval(sample):
    d, low, high = cost_ends(*sample, 0.05)
    found = paired_difference(one(*sample), alpha=0.05, judged=YES)
    assert (found.estimate[0], found.low[0], found.high[0]) == (
        pytest.approx(d),
        pytest.approx(low),
        pytest.approx(high),
    )
    for factor, inside in ((0.99, True), (1.01, False)):
        edge = paired_difference(one(*sample), alpha=factor * float(found.p[0]), judged=YES)
        assert (edge.low[0] < 0 < edge.high[0]) == inside


@pytest.mark.parametrize("sample", [SMALL, (WORDS, BASE, NEW), CLEAR])
def test_interaction_difference_is_mover_of_two_costs(sample):
    a, low_a, high_a = cost_ends(*sample, 0.05)
    b, low_b, high_b = cost_ends(*OTHER, 0.05)
    found = interaction_difference(one(*sample), one(*OTHER), alpha=0.05, judged=YES)
    assert found.estimate[0] == pytest.approx(a - b)
    assert found.low[0] == pytest.approx(a - b - math.hypot(a - low_a, high_b - b))
    assert found.high[0] == pytest.approx(a - b + math.hypot(high_a - a, b - low_b))
    edge = interaction_difference(one(*sample), one(*OTHER), alpha=float(found.p[0]), judged=YES)
    assert min(abs(edge.low[0]), abs(edge.high[0])) == pytest.approx(0, abs=1e-9)


def test_interaction_ratio_is_a_ratio_of_ratios():
    a, b = one(WORDS, BASE, NEW), one(*OTHER)
    var_a, var_b = (sum(x**2 for x in contributions(*sample)) for sample in ((WORDS, BASE, NEW), OTHER))
    df = min(
        (x + y) ** 2 / (x**2 / a.df[0] + y**2 / b.df[0])
        for x, y in ((var_a, var_b), (1 / (a.df[0] + 1), 1 / (b.df[0] + 1)))
    )
    ratio = (sum(NEW) / sum(BASE)) / (sum(OTHER[2]) / sum(OTHER[1]))
    found = interaction_ratio(a, b, alpha=0.05, judged=YES)
    assert found.estimate[0] == pytest.approx(ratio)
    assert found.high[0] == pytest.approx(ratio * math.exp(stats.t.ppf(0.975, df) * math.sqrt(var_a + var_b)))


def test_a_small_group_keeps_its_degrees_of_freedom_when_its_spread_is_small_by_chance():
    small = one([50, 50, 50], [14, 15, 14], [27, 29, 28])
    base = np.arange(1, 13)
    large = one([50] * 12, base, base[::-1])
    error = math.sqrt(np.maximum(small.log_adjusted, small.log_floor)[0] + large.log_adjusted[0])
    alike = (1 / 3 + 1 / 12) ** 2 / ((1 / 3) ** 2 / 2 + (1 / 12) ** 2 / 11)
    found = interaction_ratio(small, large, alpha=0.05, judged=YES)
    width = math.log(found.high[0] / found.estimate[0])
    assert width == pytest.approx(stats.t.ppf(0.975, alike) * error)
    assert width > 1.1 * stats.t.ppf(0.975, 11) * error


def test_swapping_the_conditions_flips_every_sign():
    forth, back = one(*CLEAR), one(CLEAR[0], CLEAR[2], CLEAR[1])
    low, high = forth.ends(0.05)
    back_low, back_high = back.ends(0.05)
    assert back_low[0] == pytest.approx(-high[0])
    assert back_high[0] == pytest.approx(-low[0])


def test_equal_costs_of_all_speakers_give_the_width_of_one_error():
    same = one([50, 50, 50], [4, 4, 4], [4, 4, 4])
    found = paired_difference(same, alpha=0.05, judged=YES)
    assert found.estimate[0] == 0
    assert found.high[0] == pytest.approx(0.08 * 2 * math.tanh(stats.t.ppf(0.975, 2) / 12 / 2))
    assert same.floored[0]
    assert found.p[0] == pytest.approx(1)
    low, high = same.ends(0.05)
    assert low[0] < 0 < high[0]


def test_no_errors_under_the_baseline_leaves_the_difference():
    found = one([50, 40, 50], [0, 0, 0], [4, 1, 4])
    assert np.isnan(paired_ratio(found, alpha=0.05, judged=YES).estimate[0])
    assert np.isfinite(paired_difference(found, alpha=0.05, judged=YES).low[0])
