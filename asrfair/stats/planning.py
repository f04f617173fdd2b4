"""What a corpus can show: design effects, smallest detectable disparities, speakers needed.

Conventions
-----------
θ is the rate, cv² the squared coefficient of variation of speakers' rates around it, φ how many times the variance
of a speaker's errors is their mean, m the reference words per speaker, cw² the squared coefficient of variation of
speakers' words (of the speakers at hand: Σ(w − m)²/(G·m²)), G the number of speakers. A detectable disparity is the
smallest that a two-sided test at ``alpha`` finds with probability ``power``. Everything is vectorised.

Formulas
--------
Var(log θ̂) = [cv²(1 + cw²) + φ/(θm)]/G; icc = θcv²/(φ + θcv²); design effect = 1 + (m(1 + cw²) − 1)·icc.
Detectable ratio = exp[(t_{1−α/2} + t_power)·√(V_a + V_b)]; of a difference see `detectable_difference`. Both are
found with 76 to 84 % where 80 % is asked for, at 4 to 100 speakers (tests/stats/test_planning.py).
Estimates from data: φ = ΣΣ(e − R_s·w)²/w over ΣR_s(n_s − 1), for a speaker's utterances with e errors in w words,
R_s = Σe/Σw; cv² of a group = [Σ(E_s − θW_s)²/(θΣW)² − φ(1 − q)/(θΣW)]/(q − 2s₃ + q²), whose expectation is cv² where
Var(E_s) = φθW_s + cv²θ²W_s²; s_k = Σh_s^k, q = s₂, h_s = W_s/ΣW. Groups are pooled by their speakers less one.
Where speakers' rates are log-normal the estimate is low by a tenth at 8 speakers in a group, a twentieth at 30.

References
----------
Kish 1965 (design effect); Cochran 1977 (ratio estimators); McCullagh and Nelder 1989 (dispersion).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.arrays import Floats, Ints, normal_quantile, ratio, t_quantile, total
from asrfair.stats.contrasts import capped_welch_df
from asrfair.stats.intervals import WIDEST, stretch

POWER = 0.8
_MOST_SPEAKERS = 10_000_000


@dataclass(frozen=True)
class Spread:
    """How errors vary: the rate θ, cv² of speakers' rates and the dispersion φ; nan is unknown."""

    rate: float
    cv2: float
    dispersion: float


ASSUMED = Spread(rate=0.15, cv2=0.386, dispersion=1.0)
"""What is assumed before anything is measured: WER 15 %, speakers' rates with a standard deviation of 62 % of it."""


def log_variance(
    rate: Any, *, cv2: Any, dispersion: Any, speakers: Any, words_per_speaker: Any, talk_cv2: Any = 0.0
) -> Floats:
    """Return Var(log θ̂) of a group, nan where there are no words."""
    counting = ratio(dispersion, np.asarray(rate, float) * words_per_speaker)
    return ratio(cv2 * (1 + np.asarray(talk_cv2, float)) + counting, speakers)


def intraclass_correlation(rate: Any, *, cv2: Any, dispersion: Any) -> Floats:
    """Return the share of a word's variance that is between speakers, ∈ [0, 1]."""
    between: Floats = np.asarray(rate, float) * cv2
    return ratio(between, dispersion + between)


def design_effect(icc: Any, *, words_per_speaker: Any, talk_cv2: Any = 0.0) -> Floats:
    """Return how many times the variance is that of as many words by speakers of their own."""
    effective = np.asarray(words_per_speaker, float) * (1 + np.asarray(talk_cv2, float))
    effect: Floats = 1 + (effective - 1) * np.asarray(icc, float)
    return effect


def detectable_paired(error: Any, df: Any, *, alpha: float, power: float = POWER) -> Floats:
    """Return the smallest detectable shift of an estimate with this standard error: (t_{1−α/2} + t_power)·error.

    On the scale of the error: the exponential of it is a ratio where the error is of a log.
    """
    freedom = np.asarray(df, float)
    shift: Floats = (t_quantile(alpha, freedom) + t_quantile(2 * (1 - power), freedom)) * np.asarray(error, float)
    return shift


def detectable_ratio(
    variance_a: Any,
    df_a: Any,
    variance_b: Any,
    df_b: Any,
    *,
    alpha: float,
    power: float = POWER,
    between_a: Any = 0.0,
    between_b: Any = 0.0,
) -> Floats:
    """Return the smallest detectable ratio of two independent rates from the variances of their logs.

    Capped Welch degrees of freedom; nan where a variance is unknown, or the ratio above the 1000 that is not shown.
    ``between_…``, the speakers' parts of the variances, add what the stretch for skew is expected to take.
    """
    variances = np.asarray(variance_a, float), np.asarray(variance_b, float)
    df = capped_welch_df(variances[0], np.asarray(df_a, float), variances[1], np.asarray(df_b, float))
    taken = _expected_excess(between_b, df_b, between_a, df_a) * normal_quantile(alpha) ** 2
    shift = detectable_paired(np.sqrt(sum(variances)), df, alpha=alpha, power=power) + taken
    return np.exp(np.where(shift > WIDEST, np.nan, shift))


def detectable_difference(
    reference_rate: Any,
    variance_a: Any,
    df_a: Any,
    variance_b: Any,
    df_b: Any,
    *,
    alpha: float,
    power: float = POWER,
    between_b: Any = 0.0,
) -> Floats:
    """Return the smallest detectable difference of a group from a reference with this rate, judged by MOVER.

    The rate r·θ at which the lower end of MOVER's interval, made with t_{1−α/2} + t_power for t, is zero:
    (r − 1)² = (A·r)² + B² with A = 1 − exp(−c_a), B = exp(c_b) − 1 and c the half-widths of the log rates;
    c_b with the stretch for skew that goes with ``between_b``, the speakers' part of ``variance_b``.
    """
    variances, dfs = (
        tuple(np.asarray(value, float) for value in pair) for pair in ((variance_a, variance_b), (df_a, df_b))
    )
    df = capped_welch_df(variances[0], dfs[0], variances[1], dfs[1])
    widths = (detectable_paired(np.sqrt(variance), df, alpha=alpha, power=power) for variance in variances)
    below, above = widths
    above = above + normal_quantile(alpha) ** 2 * stretch(np.asarray(between_b, float), np.asarray(df_b, float))
    below, above = (np.where(width > WIDEST, np.nan, width) for width in (below, above))
    left = 1 - np.expm1(-below) ** 2
    found = ratio(1 + np.sqrt(1 - left * (1 - np.expm1(above) ** 2)), left)
    shown = np.where(found > np.exp(WIDEST), np.nan, found)
    difference: Floats = np.asarray(reference_rate, float) * (shown - 1)
    return difference


def _expected_excess(between: Any, df: Any, other: Any, other_df: Any) -> Floats:
    """Return the mean of what one side's stretch exceeds the other's by, both varying by √(2/df)."""
    from scipy import special

    own, others = (stretch(np.asarray(b, float), np.asarray(d, float)) for b, d in ((between, df), (other, other_df)))
    mean = own - others
    sd = np.sqrt(ratio(2 * own**2, df) + ratio(2 * others**2, other_df))
    z = ratio(mean, sd)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    excess: Floats = np.nan_to_num(mean * special.ndtr(z) + sd * density)
    return excess


def half_width(variance: Any, df: Any, *, alpha: float, between: Any = 0.0) -> Floats:
    """Return by which share of the rate the interval's upper end lies above it: exp(t·√variance + z²·κ) − 1.

    κ is the stretch for skew that goes with ``between``, the speakers' part of the variance.
    """
    freedom = np.asarray(df, float)
    more = normal_quantile(alpha) ** 2 * stretch(np.asarray(between, float), freedom)
    log_width = t_quantile(alpha, freedom) * np.sqrt(np.asarray(variance, float)) + more
    return np.expm1(np.where(log_width > WIDEST, np.nan, log_width))


def speakers_needed(
    one_speaker: Any, *, wanted: float, alpha: float, df_share: Any = 1.0, between: Any = 0.0
) -> Floats:
    """Return the fewest speakers whose interval is within ``wanted`` of the rate, to a hundredth of a per cent.

    ``one_speaker`` is the variance of the log rate times the speakers, so G give ``one_speaker``/G. Degrees of
    freedom are ``df_share``·(G − 1), at least 1; the share is 1 where all talk equally. ``between`` is
    the speakers' part of ``one_speaker``. nan where unknown.
    """
    variance, share, part = np.broadcast_arrays(
        np.asarray(one_speaker, float), np.asarray(df_share, float), np.asarray(between, float)
    )

    def enough(speakers: Floats) -> Any:
        df = np.maximum(share * (speakers - 1), 1.0)
        return np.round(half_width(variance / speakers, df, alpha=alpha, between=part / speakers), 4) <= wanted

    few, many = np.ones(variance.shape), np.full(variance.shape, float(_MOST_SPEAKERS))
    possible = enough(many)
    while (many - few > 1).any():
        middle = np.floor((few + many) / 2)
        found = enough(middle)
        few, many = np.where(found, few, middle), np.where(found, middle, many)
    return np.where(possible, np.maximum(many, 2.0), np.nan)


def estimated(
    group: Ints, *, errors: Floats, words: Floats, squares: Floats, utterances: Floats, groups: int
) -> Spread:
    """Return the spread of speakers within groups from one row per group and speaker, arrays of shape=(rows,).

    ``squares`` is Σe²/w over the speaker's utterances with words, ``utterances`` their number. Without a speaker
    of two utterances φ is taken as 1, and what it hides counts as speakers' variance. cv² is at least 0, and nan
    where no group has two speakers and an error.
    """
    dispersion = _dispersion(errors, words, squares, utterances)
    all_errors, all_words = total(group, errors, groups), total(group, words, groups)
    speakers = np.bincount(group, words > 0, groups)
    share = ratio(words, all_words[group])
    q, s3 = total(group, share**2, groups), total(group, share**3, groups)
    residual = total(group, (ratio(errors, all_errors[group]) - share) ** 2, groups)
    cv2 = ratio(residual - ratio(dispersion * (1 - q), all_errors), q - 2 * s3 + q**2)
    usable = (speakers >= 2) & (all_errors > 0)
    weight = np.where(usable, speakers - 1.0, 0.0)
    first = _pooled(cv2, weight)
    # θ̂² is on average θ²(1 + Var(log θ̂)).
    cv2 = cv2 * (1 + np.maximum(first, 0.0) * q + ratio(dispersion, all_errors))
    return Spread(
        rate=float(ratio(errors.sum(), words.sum())),
        cv2=float(np.maximum(_pooled(cv2, weight), 0.0)),
        dispersion=dispersion,
    )


def _pooled(values: Floats, weight: Floats) -> Floats:
    return ratio((weight * np.where(weight > 0, values, 0.0)).sum(), weight.sum())


def _dispersion(errors: Floats, words: Floats, squares: Floats, utterances: Floats) -> float:
    rate = ratio(errors, words)
    several = (utterances >= 2) & (errors > 0)
    within = np.where(several, squares - errors * rate, 0.0).sum()
    expected = np.where(several, rate * (utterances - 1), 0.0).sum()
    return float(within / expected) if expected > 0 else 1.0
