"""Curves of WER along a ladder: monotone, linear between the rungs, and where they reach a WER.

Conventions
-----------
Rungs are in order of difficulty, the most favourable first; a rung's *place* is its value on the scale that is linear
between rungs, turned so that it rises with difficulty. A curve is WER by rung, shape=(…, rungs), and never falls. All
rungs have the same utterances, so the same reference words, and so the same weight.

References
----------
Ayer, Brunk, Ewing, Reid and Silverman 1955 (pooling adjacent violators); Barlow, Bartholomew, Bremner and Brunk 1972,
chapter 1 (the same fit as greatest of least averages, which needs no loop).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asrfair.stats.arrays import Floats, Ints, ratio

LOG_UNITS = ("kbit/s", "Hz", "s", "m")
"""Units whose scale is logarithmic where all rungs are above zero: what is heard of them goes by factors. Decibels are
logarithms already; a share lost, a number of bits and a parameter without a unit are taken as they are."""
_SAME = 1e-12


@dataclass(frozen=True)
class Scale:
    """How a parameter's values become places: their logarithm or not, and turned or not; ``turned`` if more is better.

    A place is in the parameter's unit, or its logarithm.
    """

    logarithmic: bool
    turned: bool

    def places(self, values: Floats) -> Floats:
        """Return the places of values."""
        scaled = np.log(values) if self.logarithmic else np.asarray(values, float)
        return -scaled if self.turned else scaled

    def values(self, places: Floats) -> Floats:
        """Return the values at places; an infinite place has an infinite value or, on a logarithmic scale, zero."""
        scaled = -places if self.turned else places
        return np.exp(scaled) if self.logarithmic else np.asarray(scaled, float)

    def harder(self, value: Floats, than: Floats) -> Floats:
        """Return by how much, in the parameter's unit, ``value`` is harder than the value ``than``."""
        return than - value if self.turned else value - than


def is_logarithmic(values: Sequence[float], unit: str | None) -> bool:
    """Return whether the values of a parameter with this unit are taken by their logarithm."""
    return unit in LOG_UNITS and all(value > 0 for value in values)


def isotonic(rates: Floats) -> Floats:
    """Return the never falling curves nearest to ``rates`` by least squares, shape=(…, rungs).

    At rung j the greatest, over first rungs i ≤ j, of the least, over last rungs k ≥ j, of the means from i to k.
    """
    rungs = rates.shape[-1]
    sums = np.concatenate([np.zeros((*rates.shape[:-1], 1)), np.cumsum(rates, axis=-1)], axis=-1)
    curve = np.full(rates.shape, -np.inf)
    for first in range(rungs):
        lengths = np.arange(1, rungs - first + 1)
        means = (sums[..., first + 1 :] - sums[..., first : first + 1]) / lengths
        least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        np.maximum(curve[..., first:], least, out=curve[..., first:])
    return curve


def reached(curves: Floats, level: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Return the first and the last place at which curves have the WER ``level``, shape=(…,).

    ``curves`` has shape=(…, rungs) and may be broadcast. Both places are −∞ where a curve is above the level from the
    first rung on, ∞ where it stays below it, nan where something is unknown.
    """
    rungs = len(places)
    curves = np.broadcast_to(curves, (*level.shape, rungs))
    below = np.count_nonzero(curves < level[..., None] - _SAME, axis=-1)
    upto = np.count_nonzero(curves <= level[..., None] + _SAME, axis=-1)
    first = np.where(below == 0, places[0], _between(curves, level, places, below - 1))
    last = np.where(upto == rungs, places[-1], _between(curves, level, places, upto - 1))
    outside = np.where(upto == 0, -np.inf, np.where(below == rungs, np.inf, 0.0))
    outside = np.where(np.isnan(curves).any(axis=-1) | np.isnan(level), np.nan, outside)
    return first + outside, last + outside


def _between(curves: Floats, level: Floats, places: Floats, left: Ints) -> Floats:
    """Return where the stretch that begins at rung ``left`` has the level."""
    left = np.clip(left, 0, len(places) - 2)
    low, high = (np.take_along_axis(curves, (left + k)[..., None], axis=-1)[..., 0] for k in (0, 1))
    part = np.clip(np.nan_to_num(ratio(level - low, high - low)), 0.0, 1.0)
    return places[left] + part * (places[left + 1] - places[left])


def crossings(curves: Floats, reference: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Return where the reference's curves have a WER, and where the group's have it, each shape=(n, 1 + rungs).

    The WER is first that halfway between the lowest and the highest of the reference's curve, then its WER at each
    rung. Both arguments have shape=(n, rungs). Where a curve is level at the WER, the two places nearest to each other
    are taken, so that equal curves meet. The group's place is −∞, ∞ or nan as of `reached`.
    """
    levels = np.concatenate([halfway(reference)[:, None], reference], axis=1)
    rungs = np.broadcast_to(places, reference.shape)
    middle = reached(reference, levels[:, 0], places)
    own_first, own_last = (np.concatenate([end[:, None], rungs], axis=1) for end in middle)
    first, last = reached(curves[:, None, :], levels, places)
    group = np.clip((own_first + own_last) / 2, first, last)
    return np.clip(group, own_first, own_last), group


def halfway(curves: Floats) -> Floats:
    """Return the WER halfway between the lowest and the highest of curves, shape=(…,)."""
    return (curves[..., 0] + curves[..., -1]) / 2


def monotone_share(rates: Floats) -> float:
    """Return the share of the spread of ``rates``, shape=(rungs,), that a never falling curve explains, nan if none."""
    spread = ((rates - rates.mean()) ** 2).sum()
    left = ((rates - isotonic(rates)) ** 2).sum()
    return float(ratio(spread - left, spread if spread > _SAME**2 else 0.0))
