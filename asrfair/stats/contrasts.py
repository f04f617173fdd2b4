"""Two independent groups, and a group against everybody.

Conventions
-----------
Inputs hold one comparison per element, shape=(n,). ``judged`` says where both sides may be judged; elsewhere
the estimate stands alone and interval and p are nan. p is found by inverting the interval.

Formulas
--------
Two rates share one t, with Welch's degrees of freedom from (s², df) on the log scale, but no more than if the
speakers of both groups varied alike, that is with variances as 1/(df + 1). A small group's chance small variance
would bring it the large group's degrees of freedom: at 4 against 100 speakers plain Welch covers down to 90 %.
Ratio: log θ_a − log θ_b ∓ t·√(s_a² + s_b²), the upper end plus z²·max(κ_a − κ_b, 0), the lower minus
z²·max(κ_b − κ_a, 0): with the stretches κ of `asrfair.stats.intervals`, as skew cancels where both sides have it.
Difference: MOVER on the ends θ·exp(−t·s) and θ·exp(t·s + z²·κ).

References
----------
Zou and Donner 2008 (MOVER); Welch 1947 and Satterthwaite 1946 (degrees of freedom).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.arrays import Bools, Estimate, Floats, at, log, normal_quantile, ratio, t_probability, t_quantile
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


def capped_welch_df(variance_a: Floats, df_a: Floats, variance_b: Floats, df_b: Floats) -> Floats:
    """Return Welch's degrees of freedom, no more than if the speakers of both groups varied alike."""
    alike = welch_df(1 / (df_a + 1), df_a, 1 / (df_b + 1), df_b)
    return np.minimum(welch_df(variance_a, df_a, variance_b, df_b), alike)


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
    """Return θ_a/θ_b; unknown where either rate is zero or unknown."""
    estimate = log(a.estimate) - log(b.estimate)
    known = judged & np.isfinite(estimate)
    error = np.sqrt(np.where(known, a.variance + b.variance, np.nan))
    df = capped_welch_df(a.variance, a.df, b.variance, b.df)
    above, below = _left(a.stretch, b.stretch), _left(b.stretch, a.stretch)
    width, squared = t_quantile(alpha, df) * error, normal_quantile(alpha) ** 2
    hidden = width + squared * (above + below) > WIDEST
    shown = np.where(hidden, np.nan, width)
    p = _ratio_p(np.abs(estimate), error, df, np.where(estimate > 0, below, above))
    return Contrast(
        estimate=np.exp(estimate),
        low=np.exp(estimate - shown - squared * below),
        high=np.exp(estimate + shown + squared * above),
        p=np.where(hidden, np.nan, p),
        too_wide=hidden,
    )


def _left(own: Floats, other: Floats) -> Floats:
    """Return what is left of a side's stretch."""
    return np.maximum(own - other, 0.0)


def _ratio_p(distance: Floats, error: Floats, df: Floats, stretch: Floats) -> Floats:
    """Return the error probability at which t·``error`` + z²·``stretch`` is the ``distance``."""
    p = t_probability(ratio(distance, error), df)
    moved = np.isfinite(p) & (stretch > 0)
    distance, error, df, stretch = (values[moved] for values in (distance, error, df, stretch))
    p[moved] = inverted_p(
        lambda alpha: t_quantile(alpha, df) * error + normal_quantile(alpha) ** 2 * stretch >= distance, len(df)
    )
    return p


@dataclass(frozen=True)
class _Side:
    """A rate as one side of a contrast, with its degrees of freedom."""

    rates: LogRates
    df: Floats

    @property
    def estimate(self) -> Floats:
        return self.rates.estimate

    def ends(self, alpha: Any) -> tuple[Floats, Floats]:
        return self.rates.ends(alpha, df=self.df)


def rate_difference(a: LogRates, b: LogRates, *, alpha: float, judged: Bools) -> Contrast:
    """Return θ_a − θ_b by MOVER; not shown where either rate's own interval is too wide."""
    hidden = judged & (a.too_wide(alpha) | b.too_wide(alpha))
    df = capped_welch_df(a.variance, a.df, b.variance, b.df)
    # Without errors a side has no variance, and the other keeps its own degrees of freedom.
    sides = (_Side(own, np.where(np.isnan(df), own.df, df)) for own in (a, b))
    return mover_contrast(*sides, alpha=alpha, judged=judged, hidden=hidden)


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

    def inside(alpha: Floats) -> Bools:
        low, high = mover(a, b, alpha)
        return np.where(positive, low <= 0, high >= 0)

    return inverted_p(inside, len(positive))


def inverted_p(holds_zero: Callable[[Floats], Bools], size: int) -> Floats:
    """Return the smallest error probability at which an interval leaves out zero, by bisection; at least 1e-16.

    ``holds_zero`` tells at which error probabilities, shape=(``size``,), the interval holds zero.
    """
    inside_below = np.full(size, np.log(_SMALLEST_P))
    outside_above = np.zeros(size)
    for _ in range(_HALVINGS):
        middle = (inside_below + outside_above) / 2
        inside = holds_zero(np.exp(middle))
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
