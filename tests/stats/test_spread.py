"""Measures of inequality against the slow definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.seeds import generator
from asrfair.stats.arrays import at
from asrfair.stats.intervals import log_rates
from asrfair.stats.spread import INDICES, generalised_entropy, gini, index_interval, natural_variance, theil

RATES = np.array([0.1, 0.25, 0.18, 0.4])


def make(samples):
    """Judged groups from one list of errors and one of words per group."""
    cell = np.repeat(np.arange(len(samples)), [len(errors) for errors, _ in samples])
    errors, words = (np.concatenate([np.asarray(sample[part], float) for sample in samples]) for part in (0, 1))
    return log_rates(cell, errors, words, cells=len(samples))


CLEAR = make([([1, 2, 1, 2] * 5, [40] * 20), ([3, 5, 4, 4] * 5, [40] * 20), ([20, 22, 19, 21] * 5, [40] * 20)])
SAMPLE = make([([3, 9, 1, 14], [40, 60, 55, 70]), ([6, 30, 14], [30, 80, 33]), ([5, 2, 9, 4, 4], [50, 31, 60, 44, 38])])


def slow(name, rates):
    """Every index written out."""
    groups, mean = len(rates), sum(rates) / len(rates)
    return {
        "between_group_sd": sum((rate - mean) ** 2 for rate in rates) / (groups - 1),
        "generalised_entropy": sum((rate / mean) ** 2 - 1 for rate in rates) / (2 * groups),
        "theil": sum(rate / mean * math.log(rate / mean) for rate in rates if rate > 0) / groups,
        "gini": sum(abs(a - b) for a in rates for b in rates) / (2 * groups**2 * mean),
    }[name]


def slow_bias(name, rates, variance):
    groups, mean = len(rates), sum(rates) / len(rates)
    if name == "between_group_sd":
        return sum(variance) / groups
    if name == "gini":
        return (groups - 1) / groups * math.sqrt(sum(variance) / groups / math.pi) / mean
    return (groups - 1) / groups * sum(variance) / groups / (2 * mean**2)


@pytest.mark.parametrize("name", INDICES)
def test_indices_are_their_definitions(name):
    assert INDICES[name].of(RATES) == pytest.approx(slow(name, RATES))
    with_zero = np.array([0.0, 0.2, 0.1])
    assert INDICES[name].of(with_zero) == pytest.approx(slow(name, with_zero))
    assert INDICES[name].of(np.full(5, 0.2)) == pytest.approx(0, abs=1e-15)


def test_known_values():
    one_has_all = np.array([0.0, 0.0, 0.0, 0.8])
    assert gini(one_has_all) == pytest.approx(3 / 4)
    assert theil(one_has_all) == pytest.approx(math.log(4))
    assert generalised_entropy(one_has_all) == pytest.approx(3 / 2)


def test_a_group_without_errors_has_the_variance_of_one_error():
    groups = make([([0, 0, 0], [30, 40, 50]), ([3, 9], [30, 40])])
    np.testing.assert_allclose(natural_variance(groups), [1 / 120**2, groups.estimate[1] ** 2 * groups.variance[1]])


@pytest.mark.parametrize("sample", [SAMPLE, CLEAR], ids=["noisy", "clear"])
@pytest.mark.parametrize("name", INDICES)
def test_interval_is_mover_over_groups(name, sample):
    index, rates, variance = INDICES[name], sample.estimate, natural_variance(sample)
    np.testing.assert_allclose(variance, rates**2 * sample.variance)
    assert index.bias(rates, variance) == pytest.approx(slow_bias(name, rates, variance))
    plain, bias = slow(name, rates), slow_bias(name, rates, variance)
    _, high = sample.ends(0.05)
    half = rates * sample.half_width(0.05)
    falls, rises = 0.0, 0.0
    for k in range(len(rates)):
        others = np.delete(rates, k).mean()
        down, up = max(rates[k] - half[k], 0.0), rates[k] + half[k]

        def change(value, k=k):
            return slow(name, np.where(np.arange(len(rates)) == k, value, rates)) - plain

        near = min(max(others, down), high[k])
        falls += min(0.0, *(change(value) for value in (down, high[k], near))) ** 2
        rises += max(0.0, *(change(value) for value in (down, up, min(max(others, down), up)))) ** 2
    expected = [
        max(plain - bias, 0.0) if index.corrected else plain,
        max(plain - bias - math.sqrt(falls), 0.0),
        plain + math.sqrt(rises),
    ]
    expected = [math.sqrt(value) for value in expected] if index.root else expected
    assert (expected[1] > 0) == (sample is CLEAR)
    assert index_interval(index, sample, alpha=0.05) == pytest.approx(expected)


@pytest.mark.parametrize("name", INDICES)
def test_bias_is_what_noise_adds_to_equal_rates(name):
    """20,000 draws of 6 equal rates with normal noise of sd 0.01; Theil's is to second order."""
    noisy = 0.2 + 0.01 * generator(2, "noise").standard_normal((20_000, 6))
    bias = INDICES[name].bias(np.full(6, 0.2), np.full(6, 0.01**2))
    assert bias == pytest.approx(INDICES[name].of(noisy).mean(), rel=0.02)


@pytest.mark.parametrize("name", ["generalised_entropy", "theil", "gini"])
def test_relative_indices_are_unknown_without_errors(name):
    none = make([([0, 0, 0], [30, 40, 50]), ([0, 0], [30, 40])])
    assert np.isnan(index_interval(INDICES[name], none, alpha=0.05)).all()


def test_the_sd_without_errors_is_not_known_to_be_zero():
    none = make([([0, 0, 0], [30, 40, 50]), ([0, 0], [30, 40])])
    estimate, low, high = index_interval(INDICES["between_group_sd"], none, alpha=0.05)
    assert (estimate, low) == (0, 0)
    assert high > 0.01


@pytest.mark.parametrize("name", INDICES)
def test_alike_speakers_and_groups_give_no_zero_width(name):
    alike = make([([2, 2, 2], [20, 20, 20])] * 3)
    estimate, low, high = index_interval(INDICES[name], alike, alpha=0.05)
    assert (estimate, low) == pytest.approx((0, 0), abs=1e-12)
    assert high > 0.01


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), min_size=2, max_size=5), min_size=2, max_size=5
    )
)
def test_estimates_lie_in_their_intervals(samples):
    groups = make([tuple(zip(*sample, strict=True)) for sample in samples])
    for name, index in INDICES.items():
        found = np.array(index_interval(index, groups, alpha=0.05))
        if groups.errors.sum():
            estimate, low, high = found
            assert 0 <= low <= estimate + 1e-12
            assert estimate <= high + 1e-12
            assert high > low, name
            scaled = make([([3 * errors for errors, _ in sample], [3 * w for _, w in sample]) for sample in samples])
            if not (groups.floored.any() or groups.none.any()):
                np.testing.assert_allclose(found, index_interval(index, scaled, alpha=0.05), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("last", [0.15, 0.4])
def test_intervals_hold_the_truth(last):
    """300 corpora of 4 groups of 4 to 20 speakers: at least 92 % hold the truth, also where it is zero."""
    rng = generator(3, "spread")
    sizes, truth = np.array([20, 10, 20, 4]), np.array([0.15, 0.15, 0.15, last])
    replicates, groups = 300, len(sizes)
    cell = np.repeat(np.arange(replicates * groups), np.tile(sizes, replicates))
    words = rng.integers(100, 400, len(cell)).astype(float)
    errors = rng.poisson(truth[cell % groups] * words * np.exp(rng.normal(-0.18, 0.6, len(cell)))).astype(float)
    rates = log_rates(cell, errors, words, cells=replicates * groups)
    for name, index in INDICES.items():
        true = slow(name, truth) ** (0.5 if index.root else 1)
        ends = [
            index_interval(index, at(rates, slice(n * groups, (n + 1) * groups)), alpha=0.05)[1:]
            for n in range(replicates)
        ]
        held = [low - 1e-9 <= true <= high for low, high in ends]
        assert np.mean(held) >= 0.92, name
