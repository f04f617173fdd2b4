"""The interval of one rate, clustered by speaker: errors over words, or any sum over another.

Conventions
-----------
A cell is a group under one condition and backend. It has clusters (speakers) s with errors E_s and reference
words W_s; θ = ΣE/ΣW is the pooled rate, h_s = W_s/ΣW and u_s = (E_s − θW_s)/ΣW. Everything is vectorised over
cells: rows carry the number of their cell.

Formulas
--------
Interval: from θ·exp(−t·s) to θ·exp(t·s + z²·κ), t with ``moment_df`` degrees of freedom, z the normal quantile and
s² = Σ u_s²/(1 − h_s)²/θ². κ = 2·(s² − 1/ΣE)·(1 − 2/df), at least 0, is for what a sample does not show of speakers'
skew: where a few speakers err several times as much as the others, most samples have too few of them, and t·s alone
covers 88 to 91 % at 8 to 100 speakers. The form is the first term of Cornish and Fisher for a right-skewed mean; 2 is
the least round number that holds in all settings of `benchmarks/coverage.py`, and 1 − 2/df, the inverse of the
variance of t, leaves out what t has already where speakers are few.
Floor: s² is at least 1/ΣE, the variance of independent errors.
No errors: [0, −ln(α/2)/W·design effect].
Other variances, for intervals by name: CR1, G/(G−1)·Σu²/θ²; merged sums, Σu²·q/(q − 2s₃ + q²)/θ² with s_k = Σh^k
and q = s₂; jackknife, (n−1)/n·Σ(l_s − mean)² with l_s the log rate without s.

References
----------
Mancl and DeRouen 2001 (s²); Satterthwaite 1946 (degrees of freedom); Hall 1992 (skewness and coverage); Liang and
Zeger 1986 (CR1); Efron 1982 (jackknife).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.arrays import Bools, Floats, Ints, log, normal_quantile, ratio, t_quantile, total

WIDEST = math.log(1000.0)
"""A log half-width beyond which an interval says nothing and is not shown."""
SKEW = 2.0
"""How far the upper end is stretched, in squares of the speakers' part of the log standard error."""
_LARGEST_EXPONENT = 50.0
_ONE_TALKER = 1 - 2e-3


@dataclass(frozen=True)
class LogRates:
    """Pooled rates of cells with their spread on the log scale; each field shape=(cells,).

    ``errors`` is the numerator and ``words`` the denominator, whatever is counted; ``events`` is the number of
    independent errors that the floor rests on, nan where no floor acts. ``cluster_variance`` is s² before the floor;
    ``design_effect`` widens the interval of a cell with no errors; ``skew`` is `SKEW`, or 0 for none.
    """

    errors: Floats
    words: Floats
    events: Floats
    clusters: Ints
    cluster_variance: Floats
    df: Floats
    design_effect: Floats
    skew: Floats

    @property
    def estimate(self) -> Floats:
        """The pooled rate, nan without reference words."""
        return ratio(self.errors, self.words)

    @property
    def variance(self) -> Floats:
        """The variance of the log rate with the floor 1/ΣE; nan without errors or under two clusters."""
        return np.maximum(self.cluster_variance, ratio(1.0, self.events))

    @property
    def floored(self) -> Bools:
        """Where the floor acts."""
        return self.cluster_variance < ratio(1.0, self.events)

    @property
    def judged(self) -> Bools:
        """Where at least two clusters spoke."""
        return self.clusters >= 2

    @property
    def none(self) -> Bools:
        """Where there are no errors, and so no spread."""
        none: Bools = self.judged & (self.errors == 0)
        return none

    @property
    def stretch(self) -> Floats:
        """κ, what the upper end is further away on the log scale by z²; 0 without errors or under two clusters."""
        return np.nan_to_num(stretch(self.between, self.df, skew=self.skew))

    @property
    def between(self) -> Floats:
        """The part of the cluster variance that independent errors do not explain."""
        return np.maximum(self.cluster_variance - np.nan_to_num(ratio(1.0, self.events)), 0.0)

    def half_width(self, alpha: Any) -> Floats:
        """Return t·s, the lower half-width of the log interval."""
        return t_quantile(alpha, self.df) * np.sqrt(self.variance)

    def ends(self, alpha: Any, *, df: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the interval's ends at error probability ``alpha``, nan where not judged.

        A contrast of two rates has degrees of freedom ``df`` in place of the rate's own.
        """
        width = t_quantile(alpha, self.df if df is None else df) * np.sqrt(self.variance)
        above = np.minimum(width + normal_quantile(alpha) ** 2 * self.stretch, _LARGEST_EXPONENT)
        width = np.minimum(width, _LARGEST_EXPONENT)
        low = np.where(self.none, 0.0, self.estimate * np.exp(-width))
        high = np.where(self.none, self.top(alpha), self.estimate * np.exp(above))
        return low, high

    def top(self, alpha: Any) -> Floats:
        """Return the upper end where there are no errors."""
        return ratio(-np.log(np.asarray(alpha) / 2) * self.design_effect, self.words)

    def too_wide(self, alpha: float) -> Bools:
        """Return where the interval spans more than a factor of 1000 either way."""
        return self.half_width(alpha) + normal_quantile(alpha) ** 2 * self.stretch > WIDEST

    def interval(self, alpha: float) -> tuple[Floats, Floats]:
        """Return the interval as shown: nan where not judged or too wide."""
        low, high = self.ends(alpha)
        hidden = self.too_wide(alpha)
        return np.where(hidden, np.nan, low), np.where(hidden, np.nan, high)


def stretch(between: Floats, df: Floats, *, skew: Any = SKEW) -> Floats:
    """Return κ = ``skew``·``between``·(1 − 2/df), at least 0, of the speakers' part of a variance of the log rate."""
    return np.asarray(skew, float) * between * np.maximum(1 - ratio(2.0, df), 0.0)


def log_rates(
    cell: Ints,
    numerator: Floats,
    denominator: Floats,
    *,
    cells: int,
    events: Floats | None = None,
    skew: float | None = None,
) -> LogRates:
    """Return the rates of ``cells`` cells from one row per cell and cluster.

    ``cell``, ``numerator`` (errors) and ``denominator`` (words) have shape=(rows,); ``events`` has shape=(cells,)
    and is the sum of the numerator unless it counts something else. A cluster without a denominator adds its
    numerator (insertions) but is not counted as a cluster. ``skew`` is `SKEW` unless given.
    """
    errors, words = total(cell, numerator, cells), total(cell, denominator, cells)
    # u_s/(1 − h_s) = (E_s − θW_s)/(W − W_s)
    residual = numerator - ratio(errors, words)[cell] * denominator
    adjusted = ratio(residual, words[cell] - denominator)
    clusters = np.bincount(cell, denominator > 0, cells).astype(np.int64)
    judged = clusters >= 2
    variance = ratio(total(cell, adjusted**2, cells), ratio(errors, words) ** 2)
    return LogRates(
        errors=errors,
        words=words,
        events=errors if events is None else events,
        clusters=clusters,
        cluster_variance=np.where(judged, variance, np.nan),
        df=np.where(judged, moment_df(cell, denominator, cells=cells), np.nan),
        design_effect=np.ones(cells),
        skew=np.full(cells, SKEW if skew is None else skew),
    )


def cr1_variance(cell: Ints, errors: Floats, words: Floats, *, cells: int) -> Floats:
    """Return G/(G−1)·Σu²/θ², shape=(cells,), G counting clusters with words; nan under two or without errors."""
    clusters = np.bincount(cell, words > 0, cells)
    return ratio(clusters, clusters - 1) * residual_variance(cell, errors, words, cells=cells)


def residual_variance(cell: Ints, errors: Floats, words: Floats, *, cells: int) -> Floats:
    """Return Σu²/θ², shape=(cells,): (ΣE² − 2θΣEW + θ²ΣW²)/(ΣE)², so merged sums would do."""
    all_errors = total(cell, errors, cells)
    residual = errors - ratio(all_errors, total(cell, words, cells))[cell] * words
    return ratio(total(cell, residual**2, cells), all_errors**2)


def moment_variance(cell: Ints, errors: Floats, words: Floats, *, cells: int) -> Floats:
    """Return Σu²·q/(q − 2s₃ + q²)/θ², shape=(cells,)."""
    q, s3 = share_sums(cell, words, cells=cells, powers=(2, 3))
    return ratio(q, q - 2 * s3 + q**2) * residual_variance(cell, errors, words, cells=cells)


def left_out(cell: Ints, errors: Floats, words: Floats, *, cells: int) -> Floats:
    """Return the cell's rate without each row's cluster, shape=(rows,)."""
    all_errors, all_words = total(cell, errors, cells), total(cell, words, cells)
    return ratio(all_errors[cell] - errors, all_words[cell] - words)


def jackknife_variance(cell: Ints, errors: Floats, words: Floats, *, cells: int) -> Floats:
    """Return the jackknife variance of the log rate, shape=(cells,); nan where one cluster has all the errors."""
    without = log(left_out(cell, errors, words, cells=cells))
    clusters = np.bincount(cell, minlength=cells)
    deviation = without - ratio(total(cell, without, cells), clusters)[cell]
    return ratio(clusters - 1, clusters) * total(cell, deviation**2, cells)


def share_sums(cell: Ints, words: Floats, *, cells: int, powers: tuple[int, ...]) -> list[Floats]:
    """Return s_k = Σh^k for each power k, each shape=(cells,); nan without words."""
    share = ratio(words, total(cell, words, cells)[cell])
    return [total(cell, share**power, cells) for power in powers]


def moment_df(cell: Ints, words: Floats, *, cells: int) -> Floats:
    """Return the Satterthwaite degrees of freedom of Σu² when speakers differ, shape=(cells,).

    (q − 2s₃ + q²)² / [s₄(1+2q) − 4s₅ + q⁴ + 2q·s₄ + 2s₃² − 4q²s₃] with s_k = Σh^k and q = s₂; between 1 and
    G − 1, and G − 1 when all talk equally. nan without words.
    """
    q, s3, s4, s5 = share_sums(cell, words, cells=cells, powers=(2, 3, 4, 5))
    below = s4 * (1 + 2 * q) - 4 * s5 + q**4 + 2 * q * s4 + 2 * s3**2 - 4 * q**2 * s3
    df = np.maximum(ratio((q - 2 * s3 + q**2) ** 2, below), 1.0)
    # Both parts vanish as one speaker takes all words, where the limit is close to 1 but rounding rules.
    return np.where(q > _ONE_TALKER, 1.0, df)
