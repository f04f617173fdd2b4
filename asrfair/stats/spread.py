"""How unequal the groups' error rates are: their standard deviation, and three indices of inequality.

Conventions
-----------
Every judged group counts once, whatever its size. Rates are measured with noise, which alone makes every measure
positive: an interval must reach zero when all groups are equal.

Formulas
--------
With θ_k the K groups' rates, v_k = θ_k²·s_k² their variances (`asrfair.stats.intervals`; (1/W·design effect)²
without errors) and m the mean of θ:
between_group_sd² = S² − mean(v), S² = Σ(θ_k − m)²/(K − 1), at least 0;
generalised_entropy = (Σ(θ_k − m)² − (K − 1)·mean(v))/(2Km²), at least 0: half the squared coefficient of variation;
theil = mean(r·ln r), r = θ/m; gini = Σ_ij|θ_i − θ_j|/(2K²m): as they are.
Interval of an index g by MOVER, one group moved at a time: from g − bias − √Σ_k(largest fall)², at least 0, to
g + √Σ_k(largest rise)². A group rises within θ_k ∓ t·s_k·θ_k; it falls within θ_k − t·s_k·θ_k and θ_k·exp(t·s_k).
The bias is what normal noise adds at most: mean(v) to S², (K − 1)/K·mean(v)/(2m²) to generalised entropy and
Theil, (K − 1)/K·√(mean(v)/π)/m to Gini.

Percentiles of a speaker bootstrap with the double correction of Lum, Zhang and Bower cover down to 73 % where a
group of 4 speakers is the one that is served worse; these intervals cover at least 92 % (`benchmarks/groups.py`).

References
----------
Lum, Zhang and Bower 2022 (the corrected spread); Zou and Donner 2008 (MOVER); Shorrocks 1980 (generalised entropy).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asrfair.stats.arrays import Floats, ratio
from asrfair.stats.intervals import LogRates

Reduce = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Index:
    """A measure of inequality: ``of`` reduces the last axis, ``bias`` is what noise adds to it at most.

    ``corrected`` says whether the estimate is without the bias; ``root`` takes the square root of all.
    """

    of: Reduce
    bias: Callable[[Floats, Floats], float]
    corrected: bool
    root: bool = False


def variance_between(rates: Floats) -> Floats:
    """Return S², the variance over the last axis with K − 1."""
    spread: Floats = rates.var(axis=-1, ddof=1)
    return spread


def generalised_entropy(rates: Floats) -> Floats:
    """Return half the squared coefficient of variation over the last axis."""
    return ratio(rates.var(axis=-1), 2 * rates.mean(axis=-1) ** 2)


def theil(rates: Floats) -> Floats:
    """Return the mean of r·ln r over the last axis, r being rates over their mean."""
    from scipy import special

    relative = ratio(rates, rates.mean(axis=-1, keepdims=True))
    index: Floats = special.xlogy(relative, relative).mean(axis=-1)
    return np.maximum(index, 0.0)


def gini(rates: Floats) -> Floats:
    """Return the mean absolute difference of two groups drawn at random over twice the mean."""
    groups = rates.shape[-1]
    rank = 2 * np.arange(1, groups + 1) - groups - 1
    return ratio(np.sort(rates, axis=-1) @ rank, groups * rates.sum(axis=-1))


def _variance_bias(rates: Floats, variance: Floats) -> float:
    return float(variance.mean())


def _entropy_bias(rates: Floats, variance: Floats) -> float:
    return float(ratio((1 - 1 / len(rates)) * variance.mean(), 2 * rates.mean() ** 2))


def _gini_bias(rates: Floats, variance: Floats) -> float:
    return float(ratio((1 - 1 / len(rates)) * np.sqrt(variance.mean() / np.pi), rates.mean()))


INDICES = {
    "between_group_sd": Index(variance_between, _variance_bias, corrected=True, root=True),
    "generalised_entropy": Index(generalised_entropy, _entropy_bias, corrected=True),
    "theil": Index(theil, _entropy_bias, corrected=False),
    "gini": Index(gini, _gini_bias, corrected=False),
}


def index_interval(index: Index, groups: LogRates, *, alpha: float) -> tuple[float, float, float]:
    """Return estimate, low and high of an index over judged groups, at least two; nan where no group has errors."""
    rates = groups.estimate
    _, high = groups.ends(alpha)
    half = np.where(groups.none, high, rates * groups.half_width(alpha))
    down, up = np.maximum(rates - half, 0.0), rates + half
    plain = index.of(rates)
    bias = index.bias(rates, natural_variance(groups))
    rise = _changes(index.of, rates, (down, up))
    fall = _changes(index.of, rates, (down, high))
    corrected = max(float(plain) - bias, 0.0) if np.isfinite(bias) else np.nan
    ends = (
        corrected if index.corrected else float(plain),
        max(float(plain) - bias - _norm(np.minimum(fall, 0.0)), 0.0) if np.isfinite(bias) else np.nan,
        float(plain) + _norm(np.maximum(rise, 0.0)),
    )
    return tuple(np.sqrt(ends)) if index.root else ends


def natural_variance(groups: LogRates) -> Floats:
    """Return the variance of each rate; of a group without errors that of one error and the design effect."""
    one = (groups.design_effect / groups.words) ** 2
    return np.where(groups.none, one, groups.estimate**2 * groups.variance)


def _changes(of: Reduce, rates: Floats, ends: tuple[Floats, Floats]) -> Floats:
    """Return the index's changes as each group alone goes to an end, or as near the others' mean as it may."""
    others = (rates.sum() - rates) / (len(rates) - 1)
    changes = []
    for moved in (*ends, np.clip(others, *ends)):
        each = np.tile(rates, (len(rates), 1))
        np.fill_diagonal(each, moved)
        # Only rates that are all zero have no index, and they are equal.
        changes.append(np.nan_to_num(of(each)) - of(rates))
    return np.stack(changes)


def _norm(changes: Floats) -> float:
    """Return the root of the sum over groups of the squared largest change, shape=(ends, groups)."""
    return float(np.sqrt((np.abs(changes).max(axis=0) ** 2).sum()))
