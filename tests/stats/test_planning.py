"""Planning: the printed figures, power by simulation and by another formula, recovery of the spread of speakers."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from asrfair.seeds import generator
from asrfair.stats.arrays import Floats
from asrfair.stats.contrasts import rate_difference, rate_ratio
from asrfair.stats.intervals import LogRates, log_rates
from asrfair.stats.planning import (
    ASSUMED,
    Spread,
    design_effect,
    detectable_difference,
    detectable_paired,
    detectable_ratio,
    estimated,
    half_width,
    intraclass_correlation,
    log_variance,
    speakers_needed,
)

WORDS = 300


def variance(speakers: float, *, rate: float = ASSUMED.rate) -> float:
    found = log_variance(
        rate, cv2=ASSUMED.cv2, dispersion=ASSUMED.dispersion, speakers=speakers, words_per_speaker=WORDS
    )
    return float(found)


def between(speakers: float) -> float:
    return ASSUMED.cv2 / speakers


@pytest.mark.parametrize(("speakers", "ratio"), [(8, 2.62), (15, 1.97), (30, 1.60), (100, 1.29)])
def test_printed_ratios(speakers: int, ratio: float) -> None:
    """statistics.md, section 6."""
    v, df = variance(speakers), speakers - 1
    assert round(float(detectable_ratio(v, df, v, df, alpha=0.05)), 2) == ratio
    t = scipy_stats.t(2 * df)
    assert np.exp((t.ppf(0.975) + t.ppf(0.8)) * np.sqrt(2 * v)) == pytest.approx(
        float(detectable_ratio(v, df, v, df, alpha=0.05))
    )


@pytest.mark.parametrize(("wanted", "speakers"), [(0.25, 34), (0.10, 175)])
def test_printed_speakers(wanted: float, speakers: int) -> None:
    """statistics.md, section 6."""
    assert speakers_needed(variance(1), wanted=wanted, alpha=0.05) == speakers
    assert half_width(variance(speakers), speakers - 1, alpha=0.05) <= wanted + 0.00005
    assert half_width(variance(speakers - 1), speakers - 2, alpha=0.05) > wanted


def test_speakers_needed_by_trying_each() -> None:
    variances, shares = np.array([0.02, 0.4, 1.5, 0.4]), np.array([1.0, 1.0, 0.7, 0.4])
    found = speakers_needed(variances, wanted=0.3, alpha=0.05, df_share=shares)
    for v, share, needed in zip(variances, shares, found, strict=True):
        tried = (
            g for g in range(2, 10_000) if half_width(v / g, max(share * (g - 1), 1.0), alpha=0.05) <= 0.3 + 0.00005
        )
        assert next(tried) == needed
    assert np.isnan(speakers_needed(np.nan, wanted=0.3, alpha=0.05))


def test_more_power_needs_a_larger_ratio() -> None:
    v = variance(10)
    ratios = [float(detectable_ratio(v, 9, v, 9, alpha=0.05, power=power)) for power in (0.5, 0.8, 0.9)]
    assert ratios == sorted(ratios)
    assert np.log(ratios[0]) == pytest.approx(scipy_stats.t(18).ppf(0.975) * np.sqrt(2 * v))


def test_unknown_stays_unknown() -> None:
    assert np.isnan(detectable_ratio([0.1, np.nan, 9.0], 2, 0.1, 2, alpha=0.05)).tolist() == [False, True, True]
    differences = detectable_difference(0.2, [0.1, np.nan, 9.0], 2, 0.1, 2, alpha=0.05)
    assert np.isnan(differences).tolist() == [False, True, True]


def test_design_effect_is_a_ratio_of_variances() -> None:
    rate, cv2, phi, words, talk, speakers = 0.2, 0.3, 1.4, 150.0, 0.25, 12
    icc = intraclass_correlation(rate, cv2=cv2, dispersion=phi)
    clustered = (cv2 * (1 + talk) + phi / (rate * words)) / speakers
    # As many words, each by a speaker of its own: m = 1, no variance of talk.
    alone = (cv2 + phi / rate) / (speakers * words)
    assert design_effect(icc, words_per_speaker=words, talk_cv2=talk) == pytest.approx(clustered / alone)


def simulated(
    reps: int, speakers: int, rate: float, *, name: str, dispersion: float = 1.0, talk: float = 0.0
) -> LogRates:
    """Cells of speakers with log-normal rates (cv² as assumed) and talk, errors with the dispersion."""
    rng = generator(3, name)
    sd = np.sqrt(np.log1p(ASSUMED.cv2))
    talent = np.exp(rng.normal(-(sd**2) / 2, sd, (reps, speakers)))
    words = np.maximum(np.rint(WORDS * np.exp(rng.normal(-(talk**2) / 2, talk, (reps, speakers)))), 5.0)
    mean = rate * talent * words
    errors = rng.poisson(mean) if dispersion == 1 else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
    cell = np.repeat(np.arange(reps), speakers)
    return log_rates(cell, errors.ravel().astype(float), words.ravel(), cells=reps)


def test_variance_is_that_of_simulated_rates() -> None:
    """The delta method is a little low where few heavy-tailed speakers vary much: within 10 % at 40 speakers."""
    rates = simulated(4000, 40, 0.15, name="variance", dispersion=2.0, talk=0.5)
    planned = log_variance(
        0.15, cv2=0.386, dispersion=2.0, speakers=40, words_per_speaker=WORDS, talk_cv2=np.expm1(0.25)
    )
    assert np.var(np.log(rates.estimate)) == pytest.approx(float(planned), rel=0.1)


@pytest.mark.parametrize(("group", "reference"), [(8, 8), (15, 15), (8, 30), (4, 100)])
def test_planned_power(group: int, reference: int) -> None:
    """A true ratio (or difference) equal to the detectable one is found with 80 %, give or take five."""
    sides = (variance(group), group - 1, variance(reference), reference - 1)
    parts = {"between_a": between(group), "between_b": between(reference)}
    ratio = float(detectable_ratio(*sides, alpha=0.05, **parts))
    difference = float(detectable_difference(0.15, *sides, alpha=0.05, between_b=parts["between_b"]))
    judged = np.ones(2000, bool)
    b = simulated(2000, reference, 0.15, name="reference")
    a = simulated(2000, group, 0.15 * ratio, name="ratio")
    assert np.mean(rate_ratio(a, b, alpha=0.05, judged=judged).p < 0.05) == pytest.approx(0.8, abs=0.05)
    a = simulated(2000, group, 0.15 + difference, name="difference")
    assert np.mean(rate_difference(a, b, alpha=0.05, judged=judged).p < 0.05) == pytest.approx(0.8, abs=0.05)


def test_observed_variances_give_what_was_planned() -> None:
    """The median over samples of what a comparison says that it could have found, at 15 against 15 speakers."""
    a, b = simulated(2000, 15, 0.15, name="a"), simulated(2000, 15, 0.15, name="b")
    observed = detectable_ratio(a.variance, a.df, b.variance, b.df, alpha=0.05)
    assert np.median(observed) == pytest.approx(1.97, abs=0.1)


@pytest.mark.parametrize("df", [3, 7, 14, 60])
def test_paired_power_by_the_noncentral_t(df: int) -> None:
    """Source of the oracle: scipy.stats.nct; Student's t with a normal estimate and a χ² variance."""
    shift = float(detectable_paired(1.0, df, alpha=0.05))
    critical = scipy_stats.t(df).ppf(0.975)
    assert scipy_stats.nct(df, shift).sf(critical) == pytest.approx(0.8, abs=0.025)


def people(
    speakers: int, groups: int, *, dispersion: float, cv2: float, seed: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    rng = generator(seed, "people")
    shape = 1 / cv2
    rows = []
    for group in range(groups):
        for _ in range(speakers):
            words = rng.integers(4, 20, int(rng.integers(5, 20))).astype(float)
            mean = 0.1 * (1 + group) * rng.gamma(shape, 1 / shape) * words
            errors = rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
            rows.append((group, errors.sum(), words.sum(), (errors**2 / words).sum(), len(words)))
    group_numbers, *sums = np.array(rows, float).T
    return group_numbers, *sums


def fitted(rows: tuple[Floats, Floats, Floats, Floats, Floats]) -> Spread:
    group, errors, words, squares, utterances = rows
    return estimated(
        group.astype(np.int64),
        errors=errors,
        words=words,
        squares=squares,
        utterances=utterances,
        groups=int(group.max()) + 1,
    )


@pytest.mark.parametrize(("dispersion", "cv2"), [(1.5, 0.386), (3.0, 0.1)])
def test_spread_is_recovered(dispersion: float, cv2: float) -> None:
    """The mean of eight samples of three groups of 200 speakers: φ within 3 %, cv² within 8 %."""
    found = [fitted(people(200, 3, dispersion=dispersion, cv2=cv2, seed=seed)) for seed in range(8)]
    assert np.mean([one.dispersion for one in found]) == pytest.approx(dispersion, rel=0.03)
    assert np.mean([one.cv2 for one in found]) == pytest.approx(cv2, rel=0.08)


def test_spread_by_its_definition() -> None:
    """Two groups of unequal size and talk, the formulas of the module written out for each speaker."""
    spoken = {0: [(3, 20), (9, 40), (2, 30)], 1: [(5, 25), (1, 10), (30, 90), (8, 60), (0, 15)]}
    phi, estimates, corrections, weights = 1.0, [], [], []
    for people_of in spoken.values():
        errors, words = sum(e for e, _ in people_of), sum(w for _, w in people_of)
        rate = errors / words
        shares = [w / words for _, w in people_of]
        q, s3 = sum(h**2 for h in shares), sum(h**3 for h in shares)
        observed = sum((e - rate * w) ** 2 for e, w in people_of)
        # Var(E_s − θ̂W_s) = V_s(1 − 2h_s) + h_s²·ΣV for V_s = φθW_s + cv²θ²W_s²: the part of φ, and the factor of cv².
        counting = sum(
            phi * rate * w * (1 - 2 * h) + h**2 * phi * errors for (_, w), h in zip(people_of, shares, strict=True)
        )
        factor = sum(w**2 * (1 - 2 * h + q) for (_, w), h in zip(people_of, shares, strict=True)) * rate**2
        assert factor == pytest.approx((q - 2 * s3 + q**2) * errors**2)
        estimates.append((observed - counting) / factor)
        corrections.append((q, phi / errors))
        weights.append(len(people_of) - 1)
    first = np.average(estimates, weights=weights)
    corrected = [c * (1 + first * q + v) for c, (q, v) in zip(estimates, corrections, strict=True)]
    rows = [(g, e, w) for g, people_of in spoken.items() for e, w in people_of]
    group, errors_, words_ = np.array(rows, float).T
    found = fitted((group, errors_, words_, errors_**2 / words_, np.ones(len(rows))))
    assert found.cv2 == pytest.approx(np.average(corrected, weights=weights))


def test_spread_of_few_speakers_is_right_on_average() -> None:
    """Ten groups of 8: the mean over samples is within a tenth of the truth; without the correction it is lower."""
    found = [fitted(people(8, 10, dispersion=1.5, cv2=0.386, seed=seed)).cv2 for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.386, rel=0.1)


def test_equal_speakers_have_no_spread() -> None:
    rng = generator(4, "equal")
    words = np.full(60, 200.0)
    errors = rng.poisson(30.0, 60).astype(float)
    found = estimated(
        np.zeros(60, np.int64),
        errors=errors,
        words=words,
        squares=errors**2 / words,
        utterances=words * 0 + 1,
        groups=1,
    )
    # One utterance each: φ is taken as 1, and Poisson errors leave nothing for speakers.
    assert found.dispersion == 1.0
    assert found.cv2 < 0.01


def test_spread_without_two_speakers_is_unknown() -> None:
    one = np.ones(1)
    found = estimated(np.zeros(1, np.int64), errors=one, words=9 * one, squares=one, utterances=3 * one, groups=1)
    assert np.isnan(found.cv2)
    assert found.rate == pytest.approx(1 / 9)
