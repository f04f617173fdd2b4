"""Two rates known by their intervals alone, as if no speaker were in both: what two cards say against each other.

Conventions
-----------
Inputs hold one comparison per element, shape=(n,). A rate has an estimate, the ends of its interval at error
probability ``alpha`` and a number of speakers; nan is unknown, and a rate without both ends is not judged.

Formulas
--------
From θ and its ends follow s = ln(θ/low)/t and κ = (ln(high/θ) − ln(θ/low))/z², at least 0, of the interval from
θ·exp(−t·s) to θ·exp(t·s + z²·κ) (`asrfair.stats.intervals`), t having the speakers less one as degrees of freedom;
without errors the upper end is as −ln(α/2). So the ends are known at every error probability, exactly at ``alpha``.
Difference: MOVER, its p by inversion. Speakers that both rates share would make the difference surer than this says.

References
----------
Zou and Donner 2008 (MOVER).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.stats.adjust import holm
from asrfair.stats.arrays import Bools, Floats, log, normal_quantile, ratio, t_quantile
from asrfair.stats.contrasts import mover_contrast


@dataclass(frozen=True)
class StatedRates:
    """Rates with the ends of their intervals at error probability ``alpha``, and their speakers; each shape=(n,)."""

    estimate: Floats
    low: Floats
    high: Floats
    speakers: Floats
    alpha: Floats

    @property
    def judged(self) -> Bools:
        """Where there is an interval whose ends can be known at another level, and at least two speakers."""
        known = np.isfinite(self.estimate) & np.isfinite(self.low) & np.isfinite(self.high)
        judged: Bools = known & (self.speakers >= 2) & ((self.low > 0) | (self.estimate == 0))
        return judged

    def ends(self, alpha: Any) -> tuple[Floats, Floats]:
        """Return the interval's ends at another error probability."""
        df = np.maximum(self.speakers - 1, 1)
        below, above = log(ratio(self.estimate, self.low)), log(ratio(self.high, self.estimate))
        spread = below / t_quantile(self.alpha, df)
        stretch = np.maximum(above - below, 0.0) / normal_quantile(self.alpha) ** 2
        width = t_quantile(alpha, df) * spread
        low = self.estimate * np.exp(-width)
        high = self.estimate * np.exp(np.minimum(width + normal_quantile(alpha) ** 2 * stretch, 50.0))
        none = self.estimate == 0
        top = self.high * np.log(np.asarray(alpha, float) / 2) / np.log(self.alpha / 2)
        return np.where(none, 0.0, low), np.where(none, top, high)


@dataclass(frozen=True)
class Changes:
    """Differences new − old with their intervals, p and Holm's p over all of them; nan is unknown."""

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    p_adjusted: Floats


def independent_changes(old: StatedRates, new: StatedRates, *, alpha: float) -> Changes:
    """Return how far the new rates are from the old ones; one family for Holm."""
    judged = old.judged & new.judged
    found = mover_contrast(new, old, alpha=alpha, judged=judged, hidden=np.zeros(judged.shape, dtype=bool))
    adjusted = np.full(judged.shape, np.nan)
    adjusted[judged] = holm(found.p[judged])
    return Changes(estimate=found.estimate, low=found.low, high=found.high, p=found.p, p_adjusted=adjusted)
