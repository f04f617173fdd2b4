"""Bootstraps that draw speakers: one matrix product per group, then the ends of an interval.

Conventions
-----------
A draw takes as many speakers as there are, with replacement; a replicate of a sum is the draw's integer counts
times the speakers' sums. So one draw serves every column: conditions, backends, and sums of any kind. Replicates
have shape=(replicates, columns); nan is a replicate that has no value, such as one without reference words. Ends
have shape=(columns,).

References
----------
Efron and Tibshirani 1993 (percentile, studentised); Efron 1987 (BCa); Bisani and Ney 2004 (error rates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asrfair.seeds import generator
from asrfair.stats.arrays import Bools, Floats, Ints, ratio, total
from asrfair.stats.cells import Coded

if TYPE_CHECKING:
    from asrfair.stats.rates import AxisSums

_DRAWN_AT_ONCE = 20_000
_PRODUCT = 400_000
"""Speakers drawn, and multiplications, before a product is taken: small enough for caches and for one thread, where
many small products on several threads wait for each other. It changes no draw."""
_HELD_AT_ONCE = 20_000_000
"""Replicates of sums held at once: cells beyond them repeat the draw, so memory stays bounded."""


def resample(values: Floats, *, replicates: int, rng: np.random.Generator) -> Floats:
    """Return sums over speakers drawn with replacement, shape=(replicates, columns).

    ``values`` has shape=(speakers, columns). The counts of a draw are multinomial.
    """
    speakers, columns = values.shape
    sums = np.zeros((replicates, columns))
    if not speakers:
        return sums
    step = max(1, min(_DRAWN_AT_ONCE, _PRODUCT // max(columns, 1)) // speakers)
    first, once = speakers * np.arange(step)[:, None], np.ones(step * speakers)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        places = first[:rows] + rng.integers(0, speakers, size=(rows, speakers), dtype=np.uint32)
        counts = np.bincount(places.ravel(), once[: places.size], minlength=places.size)
        np.matmul(counts.reshape(rows, speakers), values, out=sums[start : start + rows])
    return sums


@dataclass(frozen=True)
class Drawn:
    """Replicates of sums, each shape=(replicates, cells); the squares (Σe², Σew, Σw²) where they were asked for."""

    errors: Floats
    words: Floats
    squares: tuple[Floats, ...]

    @property
    def rates(self) -> Floats:
        """The replicates of the rate, nan without words."""
        rates = np.full(self.words.shape, np.nan)
        np.divide(self.errors, self.words, out=rates, where=self.words > 0)
        return rates


def draws(
    view: "AxisSums", coded: Coded, *, wanted: Bools, squares: bool, replicates: int, seed: int
) -> Iterator[tuple[Ints, Drawn]]:
    """Yield numbers of wanted cells and their replicates.

    All cells of a group have the same draws, keyed by seed, axis and group. Utterances without a speaker are left
    out, unless each counts as its own.
    """
    errors, words = view.sums["errors"], view.sums["words"]
    columns = np.stack([errors, words, *((errors**2, errors * words, words**2) if squares else ())])
    most = max(1, _HELD_AT_ONCE // (replicates * len(columns)))
    for group, label in enumerate(view.axis.groups):
        first = group * coded.per_group
        rows = slice(*np.searchsorted(view.cell, (first, first + coded.per_group)))
        inside = np.flatnonzero(wanted[first : first + coded.per_group])
        values = _by_speaker(view, coded, rows, columns, first=first)
        names = ("bootstrap", view.axis.name) if label is None else ("bootstrap", view.axis.name, label)
        for part in (inside[start : start + most] for start in range(0, len(inside), most)):
            sums = resample(
                values[:, :, part].reshape(len(values), -1),
                replicates=replicates,
                rng=generator(seed, *names),
            )
            errors_of, words_of, *others = (sums[:, n : n + len(part)] for n in range(0, sums.shape[1], len(part)))
            yield first + part, Drawn(errors_of, words_of, tuple(others))


def _by_speaker(view: "AxisSums", coded: Coded, rows: slice, columns: Floats, *, first: int) -> Floats:
    """Return the sums of one group's speakers, shape=(speakers, columns, cells), zero where one is absent."""
    known = view.sums["unknown"][rows] == 0
    people, person = np.unique(view.cluster[rows][known], return_inverse=True)
    values = np.zeros((len(people), len(columns), coded.per_group))
    values[person, :, view.cell[rows][known] - first] = columns[:, rows][:, known].T
    return values


def ascending(replicates: Floats) -> Floats:
    """Return the replicates of each column in ascending order, shape=(columns, replicates), nan last."""
    ordered = np.array(replicates.T, order="C")
    ordered.sort(axis=1)
    return ordered


def quantile(ordered: Floats, share: Any) -> Floats:
    """Return the quantiles of ``ascending`` replicates, linear between two; ``share`` is a scalar or per column."""
    known = np.full(len(ordered), ordered.shape[1])
    partly = np.isnan(ordered[:, -1])
    known[partly] -= np.count_nonzero(np.isnan(ordered[partly]), axis=1)
    usable = (known > 0) & np.isfinite(share)
    place = np.where(usable, share, 0.0) * np.maximum(known - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.ceil(place).astype(np.int64)
    row = np.arange(len(ordered))
    low, high, part = ordered[row, below], ordered[row, above], place - below
    with np.errstate(invalid="ignore"):  # between two infinities there is no value
        between = (1 - part) * low + part * high
    return np.where(usable, np.where(low == high, low, between), np.nan)


def percentile_ends(replicates: Floats, *, alpha: float) -> tuple[Floats, Floats]:
    """Return the quantiles α/2 and 1 − α/2 of the replicates."""
    ordered = ascending(replicates)
    return quantile(ordered, alpha / 2), quantile(ordered, 1 - alpha / 2)


def bca_ends(replicates: Floats, *, estimate: Floats, acceleration: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return bias-corrected and accelerated ends; nan where every replicate lies on one side of the estimate.

    The bias is the normal quantile of the share of replicates below the estimate, of equal ones half.
    """
    from scipy import special

    ordered = ascending(replicates)
    middle = estimate[:, None]
    sides = np.count_nonzero(ordered < middle, axis=1) + np.count_nonzero(ordered <= middle, axis=1)
    share = ratio(sides, 2 * np.count_nonzero(~np.isnan(ordered), axis=1))
    bias = special.ndtri(np.where((share > 0) & (share < 1), share, np.nan))

    def end(tail: float) -> Floats:
        shifted = bias + special.ndtri(tail)
        return quantile(ordered, special.ndtr(bias + ratio(shifted, 1 - acceleration * shifted)))

    return end(alpha / 2), end(1 - alpha / 2)


def acceleration(cell: Ints, left_out: Floats, *, cells: int) -> Floats:
    """Return Σd³/6(Σd²)^1.5 with d = mean − rate without one speaker, shape=(cells,); nan where none differs."""
    deviation = ratio(total(cell, left_out, cells), np.bincount(cell, minlength=cells))[cell] - left_out
    return ratio(total(cell, deviation**3, cells), 6 * total(cell, deviation**2, cells) ** 1.5)


def studentised_ends(statistic: Floats, *, estimate: Floats, error: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return estimate − q·error, q the quantiles 1 − α/2 and α/2 of ``statistic``.

    ``statistic`` has shape=(replicates, columns): (replicate − estimate)/(standard error of the replicate), infinite
    where the replicate has no spread. nan where an end would be infinite.
    """
    ordered = ascending(statistic)
    low = estimate - quantile(ordered, 1 - alpha / 2) * error
    high = estimate - quantile(ordered, alpha / 2) * error
    known = np.isfinite(low) & np.isfinite(high)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
