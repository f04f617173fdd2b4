"""Paired contrasts: the same utterances under two conditions, or by two backends.

Conventions
-----------
«new» is the condition (or backend) looked at, «base» the one it is compared with. Rows carry per cell and
cluster the errors and words of both. With u_s and h_s as in `asrfair.stats.intervals`, the contributions are
x_s = u_s(new) − u_s(base).

Formulas
--------
Cost (difference): d = Σx with se² = Σ(x_s/(1 − h_s))², t with the moment degrees of freedom; its interval is
d·exp(∓t·se/d) where |d| > ``SWITCH``·se and > t·se, else d ∓ t·se. ``cr1``, G/(G−1)·Σx_s², is kept for
comparison: with t of G − 1 it covers 79 to 96 % (`benchmarks/coverage.py`).
Ratio: log scale, variance Σ(x_s/(1 − h_s))² with u_s/θ for u_s, t with the moment degrees of freedom.
Ratio of two ratios: Welch, with degrees of freedom no more than if the speakers of both groups varied alike, that
is with variances as 1/(df + 1). Plain Welch raises false alarms in up to 7.6 % at 4 against 30 speakers, where a
small group's chance small variance brings it the large group's degrees of freedom; this in 2 to 6 %, with
intervals up to a tenth wider there and hardly any between groups of equal size (`benchmarks/tests.py`).
Floor: no variance is below that of one changed error, so that speakers with equal costs give no zero width.

References
----------
Mancl and DeRouen 2001 (1/(1 − h_s)); Liang and Zeger 1986 (the cluster variance that CR1 scales).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.arrays import Bools, Floats, Ints, log, ratio, t_probability, t_quantile, total
from asrfair.stats.contrasts import Contrast, log_contrast, mover_contrast, welch_df
from asrfair.stats.intervals import moment_df

SWITCH = 3.0
"""Standard errors from zero beyond which a cost's interval is made on the log scale (`benchmarks/coverage.py`)."""
_LARGEST_EXPONENT = 50.0


@dataclass(frozen=True)
class Pairs:
    """Paired sums of cells and the variances of their contrasts; each field shape=(cells,).

    ``cr1`` and ``adjusted`` are variances of the difference, ``log_adjusted`` of the log ratio, all before the
    floors ``floor`` and ``log_floor``.
    """

    errors: Floats
    words: Floats
    base_errors: Floats
    base_words: Floats
    clusters: Ints
    cr1: Floats
    adjusted: Floats
    log_adjusted: Floats
    df: Floats
    floor: Floats
    log_floor: Floats

    @property
    def judged(self) -> Bools:
        """Where at least two clusters spoke."""
        return self.clusters >= 2

    @property
    def estimate(self) -> Floats:
        """The cost: the new rate minus the base rate."""
        return ratio(self.errors, self.words) - ratio(self.base_errors, self.base_words)

    @property
    def log_ratio(self) -> Floats:
        """The log of new over base, nan where either is zero or unknown."""
        return log(ratio(self.errors, self.words)) - log(ratio(self.base_errors, self.base_words))

    @property
    def error(self) -> Floats:
        """The standard error of the cost, contributions divided by 1 − h_s."""
        return np.sqrt(np.maximum(self.adjusted, self.floor))

    def on_log_scale(self, alpha: Any) -> Bools:
        """Return where the cost is far enough from zero for an interval on the log scale.

        That is beyond ``SWITCH`` standard errors and where the natural-scale interval leaves out zero, so that
        both scales agree on whether there is a cost.
        """
        return np.abs(self.estimate) > np.maximum(SWITCH, t_quantile(alpha, self.df)) * self.error

    def ends(self, alpha: Any) -> tuple[Floats, Floats]:
        """Return the ends of the cost's interval at error probability ``alpha``."""
        cost, width = self.estimate, t_quantile(alpha, self.df) * self.error
        far = self.on_log_scale(alpha)
        exponent = np.minimum(ratio(width, np.abs(cost)), _LARGEST_EXPONENT)
        shrunk, grown = cost * np.exp(-exponent), cost * np.exp(exponent)
        low = np.where(far, np.minimum(shrunk, grown), cost - width)
        high = np.where(far, np.maximum(shrunk, grown), cost + width)
        return low, high


def pair_sums(
    cell: Ints,
    *,
    errors: Floats,
    words: Floats,
    base_errors: Floats,
    base_words: Floats,
    cells: int,
) -> Pairs:
    """Return the paired sums of ``cells`` cells from one row per cell and cluster, arrays of shape=(rows,)."""
    e, w = total(cell, errors, cells), total(cell, words, cells)
    base_e, base_w = total(cell, base_errors, cells), total(cell, base_words, cells)
    rate, base_rate = ratio(e, w), ratio(base_e, base_w)
    residual = errors - rate[cell] * words
    base_residual = base_errors - base_rate[cell] * base_words
    clusters = np.bincount(cell, (words > 0) & (base_words > 0), cells).astype(np.int64)
    judged = clusters >= 2

    def variance(new: Floats, base: Floats) -> Floats:
        return np.where(judged, total(cell, (new - base) ** 2, cells), np.nan)

    adjusted = ratio(residual, w[cell] - words)
    base_adjusted = ratio(base_residual, base_w[cell] - base_words)
    return Pairs(
        errors=e,
        words=w,
        base_errors=base_e,
        base_words=base_w,
        clusters=clusters,
        cr1=ratio(clusters, clusters - 1) * variance(ratio(residual, w[cell]), ratio(base_residual, base_w[cell])),
        adjusted=variance(adjusted, base_adjusted),
        log_adjusted=variance(ratio(adjusted, rate[cell]), ratio(base_adjusted, base_rate[cell])),
        df=np.where(judged, moment_df(cell, words + base_words, cells=cells), np.nan),
        floor=np.maximum(ratio(1.0, w), ratio(1.0, base_w)) ** 2,
        log_floor=np.maximum(ratio(1.0, e), ratio(1.0, base_e)) ** 2,
    )


def paired_difference(pairs: Pairs, *, alpha: float, judged: Bools) -> Contrast:
    """Return the cost new − base, and its p: inverting the interval is inverting the natural-scale one."""
    low, high = pairs.ends(alpha)
    return Contrast(
        estimate=pairs.estimate,
        low=np.where(judged, low, np.nan),
        high=np.where(judged, high, np.nan),
        p=np.where(judged, t_probability(ratio(pairs.estimate, pairs.error), pairs.df), np.nan),
        too_wide=np.zeros(judged.shape, bool),
    )


def paired_ratio(pairs: Pairs, *, alpha: float, judged: Bools) -> Contrast:
    """Return new/base on the log scale, and its p."""
    variance = np.maximum(pairs.log_adjusted, pairs.log_floor)
    return log_contrast(pairs.log_ratio, variance, pairs.df, alpha=alpha, judged=judged)


def interaction_difference(a: Pairs, b: Pairs, *, alpha: float, judged: Bools) -> Contrast:
    """Return the cost of ``a`` minus the cost of ``b`` by MOVER on the two costs' intervals."""
    return mover_contrast(a, b, alpha=alpha, judged=judged, hidden=np.zeros(judged.shape, bool))


def interaction_ratio(a: Pairs, b: Pairs, *, alpha: float, judged: Bools) -> Contrast:
    """Return the relative cost of ``a`` over that of ``b``: log scale, capped Welch degrees of freedom."""
    variance_a = np.maximum(a.log_adjusted, a.log_floor)
    variance_b = np.maximum(b.log_adjusted, b.log_floor)
    return log_contrast(
        a.log_ratio - b.log_ratio,
        variance_a + variance_b,
        np.minimum(welch_df(variance_a, a.df, variance_b, b.df), _df_if_alike(a.df, b.df)),
        alpha=alpha,
        judged=judged,
    )


def _df_if_alike(a: Floats, b: Floats) -> Floats:
    """Return Welch's degrees of freedom of two groups with ``a`` and ``b``, were their speakers to vary alike."""
    return welch_df(1 / (a + 1), a, 1 / (b + 1), b)
