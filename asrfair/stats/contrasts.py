"""Two independent groups, and a group against everybody.

Conventions
-----------
Inputs hold one comparison per element, shape=(n,). ``judged`` says where both sides may be judged; elsewhere
the estimate stands alone and interval and p are nan. p is found by inverting the interval.

References
----------
Zou and Donner 2008 (MOVER); Welch 1947 and Satterthwaite 1946 (degrees of freedom).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.arrays import Bools, Estimate, Floats, at, log, ratio, t_probability, t_quantile
from asrfair.stats.intervals import WIDEST, LogRates

_SMALLEST_P = 1e-16
_HALVINGS = 50


@dataclass(frozen=True)
class Contrast:
    """Estimates with interval and p, each shape=(n,); nan is unknown. ``too_wide`` says why one is not shown."""

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    too_wide: Bools


def welch_df(variance_a: Floats, df_a: Floats, variance_b: Floats, df_b: Floats) -> Floats:
    """Return the Welch–Satterthwaite degrees of freedom of the sum of two variances."""
    return ratio((variance_a + variance_b) ** 2, ratio(variance_a**2, df_a) + ratio(variance_b**2, df_b))


def log_contrast(estimate: Floats, variance: Floats, df: Floats, *, alpha: float, judged: Bools) -> Contrast:
    """Return the ratio exp(``estimate`` ∓ t·√``variance``) with its p."""
    known = judged & np.isfinite(estimate)
    error = np.sqrt(np.where(known, variance, np.nan))
    width = t_quantile(alpha, df) * error
    hidden = width > WIDEST
    shown = np.where(hidden, np.nan, width)
    p = t_probability(ratio(estimate, error), df)
    return Contrast(
        estimate=np.exp(estimate),
        low=np.exp(estimate - shown),
        high=np.exp(estimate + shown),
        p=np.where(hidden, np.nan, p),
        too_wide=hidden,
    )


def rate_ratio(a: LogRates, b: LogRates, *, alpha: float, judged: Bools) -> Contrast:
    """Return θ_a/θ_b: log scale, Welch degrees of freedom; unknown where either rate is zero or unknown."""
    return log_contrast(
        log(a.estimate) - log(b.estimate),
        a.variance + b.variance,
        welch_df(a.variance, a.df, b.variance, b.df),
        alpha=alpha,
        judged=judged,
    )


def rate_difference(a: LogRates, b: LogRates, *, alpha: float, judged: Bools) -> Contrast:
    """Return θ_a − θ_b by MOVER on the two log intervals; not shown where either is too wide."""
    hidden = judged & (a.too_wide(alpha) | b.too_wide(alpha))
    return mover_contrast(a, b, alpha=alpha, judged=judged, hidden=hidden)


def mover_contrast(a: Estimate, b: Estimate, *, alpha: float, judged: Bools, hidden: Bools) -> Contrast:
    """Return the difference of two independent estimates with its MOVER interval and p."""
    shown = judged & ~hidden
    low, high = mover(a, b, alpha)
    p = np.full(shown.shape, np.nan)
    p[shown] = mover_p(at(a, shown), at(b, shown))
    return Contrast(
        estimate=a.estimate - b.estimate,
        low=np.where(shown, low, np.nan),
        high=np.where(shown, high, np.nan),
        p=p,
        too_wide=hidden,
    )


def mover(a: Estimate, b: Estimate, alpha: Any) -> tuple[Floats, Floats]:
    """Return d − √((a−l_a)² + (u_b−b)²) and d + √((u_a−a)² + (b−l_b)²) for d = a − b."""
    (low_a, high_a), (low_b, high_b) = a.ends(alpha), b.ends(alpha)
    difference = a.estimate - b.estimate
    return (
        difference - np.hypot(a.estimate - low_a, high_b - b.estimate),
        difference + np.hypot(high_a - a.estimate, b.estimate - low_b),
    )


def mover_p(a: Estimate, b: Estimate) -> Floats:
    """Return the smallest error probability at which the MOVER interval leaves out zero, by bisection.

    Never below 1e-16. Both sides must be judged.
    """
    positive = a.estimate >= b.estimate
    inside_below = np.full(positive.shape, np.log(_SMALLEST_P))
    outside_above = np.zeros(positive.shape)
    for _ in range(_HALVINGS):
        middle = (inside_below + outside_above) / 2
        low, high = mover(a, b, np.exp(middle))
        inside = np.where(positive, low <= 0, high >= 0)
        inside_below = np.where(inside, middle, inside_below)
        outside_above = np.where(inside, outside_above, middle)
    return np.exp(outside_above)


def difference_to_overall(group_and_rest: Contrast, share: Floats) -> Contrast:
    """Return θ_group − θ_overall from group − rest, ``share`` being the group's share of words: times 1 − share."""
    rest = 1 - share
    return Contrast(
        estimate=group_and_rest.estimate * rest,
        low=group_and_rest.low * rest,
        high=group_and_rest.high * rest,
        p=group_and_rest.p,
        too_wide=group_and_rest.too_wide,
    )


def ratio_to_overall(group_and_rest: Contrast, share: Floats) -> Contrast:
    """Return θ_group/θ_overall from r = group/rest: r/(share·r + 1 − share), which rises with r."""

    def transform(value: Floats) -> Floats:
        return ratio(value, share * value + 1 - share)

    return Contrast(
        estimate=transform(group_and_rest.estimate),
        low=transform(group_and_rest.low),
        high=transform(group_and_rest.high),
        p=group_and_rest.p,
        too_wide=group_and_rest.too_wide,
    )
