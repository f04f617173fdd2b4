"""Disparities over many groups: all pairs, the worst group, the gap, and how unequal the groups are.

Only labelled groups are compared; those that cannot be judged are left out of every measure but the pairs, and a
note counts them. Each unordered pair has one row: the group later in order of name against the earlier one.

Formulas
--------
gap = highest − lowest rate of the judged groups. Its low end is the highest low end of the simultaneous intervals
of all pairs (`pairwise`), at least 0; p is the smallest of theirs. Its high end is the highest high end of the
pairs' own intervals: the pair that makes the true gap is one pair, so the others need no correction.
worst_group = the highest rate. Its high end is the highest high end of the groups' own intervals, each of which
is exceeded with probability alpha/2; its low end is the highest low end of their intervals at alpha/K.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Ints, at, stack
from asrfair.stats.cells import Cells, Coded
from asrfair.stats.contrasts import Contrast, mover, rate_ratio
from asrfair.stats.disparities import contrast_rows, shared_part
from asrfair.stats.groups import Column, column_cells, column_parts, columns, shared_talkers, talkers
from asrfair.stats.intervals import LogRates
from asrfair.stats.lum import lum_intervals
from asrfair.stats.pairwise import simultaneous_difference
from asrfair.stats.rates import AxisSums, method, names, speakers
from asrfair.stats.spread import INDICES, index_interval
from asrfair.tables import OVERALL

MOST_PAIRED = 60
"""Groups beyond which an axis has no rows of pairs; the gap still takes all pairs into account."""
PLUG_IN = "plug-in value, biased upward when groups are alike"
PUBLISHED = "as Lum, Zhang and Bower publish it: covers too little where a small group is the one served worse"
POSITIVE = "positive by construction: read beside between_group_sd"
_PAIRS_AT_ONCE = 50_000


@dataclass(frozen=True)
class _Found:
    """One measure of one column; ``group`` and ``reference`` are places among its judged groups, if it names any."""

    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    too_wide: bool = False
    group: int | None = None
    reference: int | None = None


@dataclass(frozen=True)
class _Paired:
    """All pairs of one column: rows of its pairs, none beyond ``MOST_PAIRED``, and the extremes that make the gap.

    ``later`` and ``earlier`` are group numbers; ``joint`` are their simultaneous intervals.
    """

    later: Ints
    earlier: Ints
    joint: Contrast
    low: float
    high: float
    p: float


def many_rows(
    view: AxisSums, coded: Coded, *, alpha: float, replicates: int = 2000, seed: int = 0
) -> Iterator[pl.DataFrame]:
    """Yield ``pairwise_difference``, ``pairwise_ratio``, ``worst_group``, ``gap`` and the indices of `spread`.

    One row per condition and backend with utterances of a labelled group, or one per pair. With fewer than two
    judged groups the measures over groups are null and the note says so. p of ``pairwise_difference`` and ``gap``
    is family-wise over the pairs of the row's condition and backend.
    """
    found = columns(view, coded)
    if not found:
        return
    pairs = [_paired(view, coded, column, alpha=alpha) for column in found]
    if any(len(each.later) for each in pairs):
        yield from _pair_rows(view, coded, found, pairs, alpha=alpha)
    cells = [column_cells(view, coded, column, column.judged) for column in found]
    unpaired = np.array([len(column.present) if len(column.present) > MOST_PAIRED else 0 for column in found])
    no_pairs: notes.Part = (unpaired, lambda n: f"no rows of pairs: {n} groups, at most {MOST_PAIRED}")
    everywhere = np.ones(len(found), bool)
    without = np.array([_several(each) and not each.spread.errors.any() for each in cells])
    results = _Results(view, coded, found, cells)
    yield results.rows(
        "worst_group",
        [_worst(each, alpha) for each in cells],
        how="{} skewed log t, highest of the groups",
        parts=[(everywhere, PLUG_IN)],
    )
    yield results.rows(
        "gap",
        [_gap(each, pair, alpha) for each, pair in zip(cells, pairs, strict=True)],
        how="{} skewed log t, highest of the pairs",
        parts=[(everywhere, PLUG_IN), no_pairs],
    )
    for name, index in INDICES.items():
        yield results.rows(
            name,
            [
                _Found(*index_interval(index, each.spread, alpha=alpha)) if _several(each) else _Found()
                for each in cells
            ],
            how="{} skewed log t, MOVER over groups",
            parts=[
                (everywhere & (not index.corrected), POSITIVE),
                (without & (not index.root), "no errors: not defined"),
            ],
        )
    published = lum_intervals(view, coded, found, alpha=alpha, replicates=replicates, seed=seed)
    yield results.rows(
        "between_group_sd_lum",
        [_Found(estimate=each[0], low=each[1], high=each[2]) for each in published],
        how=f"{{}} bootstrap, double correction, {replicates} replicates, seed {seed}",
        parts=[
            (everywhere, PUBLISHED),
            (without, "no errors: not defined"),
            (np.isfinite(published[:, 0]) & np.isnan(published[:, 1]), "no draw shows a spread: no interval"),
        ],
    )


@dataclass(frozen=True)
class _Results:
    """The columns of an axis and their judged groups, for rows of one number per column."""

    view: AxisSums
    coded: Coded
    found: list[Column]
    cells: list[Cells[LogRates]]

    def rows(self, measure: str, results: list[_Found], *, how: str, parts: list[notes.Part]) -> pl.DataFrame:
        """Return the rows of one measure; those that name no group are of ``overall``."""
        view, coded, found = self.view, self.coded, self.found
        group, reference = (
            np.array([_number(column, place) for column, place in zip(found, places, strict=True)])
            for places in ([result.group for result in results], [result.reference for result in results])
        )
        index = _cell(group, found, coded)
        everybody = pl.Series([len(talkers(view, coded, column)) or None for column in found], dtype=pl.Int64)
        nobody = pl.Series([None] * len(found), dtype=pl.Int64)
        against = speakers(at(view.cells, _cell(reference, found, coded)))
        nameless = len(view.axis.groups)
        return contrast_rows(
            measure,
            _contrast(results),
            axis=view.axis,
            coded=coded,
            index=index,
            speakers=speakers(at(view.cells, index)).zip_with(pl.Series(group >= 0), everybody),
            reference_speakers=against.zip_with(pl.Series(reference >= 0), nobody),
            method=method(np.array([bool(each.independent.any()) for each in self.cells]), how),
            parts=[*column_parts(view, coded, found), *parts],
        ).with_columns(
            group=names((*view.axis.groups, OVERALL), np.where(group < 0, nameless, group)),
            reference_group=names((*view.axis.groups, None), np.where(reference < 0, nameless, reference)),
        )


def _several(cells: Cells[LogRates]) -> bool:
    return len(cells.speakers) > 1


def _contrast(results: list[_Found]) -> Contrast:
    return Contrast(
        estimate=np.array([result.estimate for result in results]),
        low=np.array([result.low for result in results]),
        high=np.array([result.high for result in results]),
        p=np.array([result.p for result in results]),
        too_wide=np.array([result.too_wide for result in results]),
    )


def _number(column: Column, place: int | None) -> int:
    return -1 if place is None else int(column.judged[place])


def _cell(groups: Ints, found: list[Column], coded: Coded) -> Ints:
    cell: Ints = np.maximum(groups, 0) * coded.per_group + np.array([column.number for column in found])
    return cell


def _worst(cells: Cells[LogRates], alpha: float) -> _Found:
    if not _several(cells):
        return _Found()
    rates = cells.spread
    worst = int(np.argmax(rates.estimate))
    too_wide = bool(rates.too_wide(alpha).any())
    low, _ = rates.ends(alpha / len(rates.errors))
    _, high = rates.ends(alpha)
    return _Found(
        estimate=float(rates.estimate[worst]),
        low=float(low.max()),
        high=np.nan if too_wide else float(high.max()),
        too_wide=too_wide,
        group=worst,
    )


def _gap(cells: Cells[LogRates], pairs: _Paired, alpha: float) -> _Found:
    if not _several(cells):
        return _Found()
    rates = cells.spread.estimate
    # Of equal groups the last is named as the lowest, so that two are named.
    worst, best = int(np.argmax(rates)), len(rates) - 1 - int(np.argmin(rates[::-1]))
    too_wide = bool(cells.spread.too_wide(alpha).any())
    return _Found(
        estimate=float(rates[worst] - rates[best]),
        low=pairs.low,
        high=np.nan if too_wide else pairs.high,
        p=pairs.p,
        too_wide=too_wide,
        group=worst,
        reference=best,
    )


def _paired(view: AxisSums, coded: Coded, column: Column, *, alpha: float) -> _Paired:
    """Compare all pairs of present groups, or of judged ones alone where there are no rows of pairs."""
    shown = len(column.present) <= MOST_PAIRED
    compared = column.present if shown else column.judged
    later, earlier = (compared[side] for side in np.tril_indices(len(compared), -1))
    joint, low, high, p = [], 0.0, 0.0, np.nan
    for start in range(0, max(len(later), 1), _PAIRS_AT_ONCE):
        block = slice(start, start + _PAIRS_AT_ONCE)
        a, b = (column_cells(view, coded, column, side[block]) for side in (later, earlier))
        judged = a.judged & b.judged
        part = simultaneous_difference(
            a.spread, b.spread, groups=max(len(column.judged), 2), alpha=alpha, judged=judged
        )
        own = [end[judged] for end in mover(a.spread, b.spread, alpha)]
        low = float(np.fmax.reduce([*part.low, *-part.high], initial=low))
        high = float(np.fmax.reduce([*-own[0], *own[1]], initial=high))
        p = float(np.fmin.reduce(part.p, initial=p))
        joint.append(part)
    if not shown:
        later, earlier, joint = later[:0], earlier[:0], [at(joint[0], slice(0))]
    return _Paired(later, earlier, stack(joint), low, high, p)


def _pair_rows(
    view: AxisSums, coded: Coded, found: list[Column], pairs: list[_Paired], *, alpha: float
) -> Iterator[pl.DataFrame]:
    index, other = (
        np.concatenate([side * coded.per_group + column.number for side, column in zip(sides, found, strict=True)])
        for sides in ([each.later for each in pairs], [each.earlier for each in pairs])
    )
    a, b = at(view.cells, index), at(view.cells, other)
    shared = np.concatenate([_shared(view, coded, *each) for each in zip(found, pairs, strict=True)])
    for measure, contrast, how in (
        (
            "pairwise_difference",
            stack([each.joint for each in pairs]),
            "{} log t, simultaneous Games–Howell, MOVER",
        ),
        (
            "pairwise_ratio",
            rate_ratio(a.spread, b.spread, alpha=alpha, judged=a.judged & b.judged),
            "{} skewed log t, Welch",
        ),
    ):
        is_ratio = measure == "pairwise_ratio"
        yield contrast_rows(
            measure,
            contrast,
            axis=view.axis,
            coded=coded,
            index=index,
            speakers=speakers(a),
            reference_speakers=speakers(b),
            method=method(a.independent + b.independent > 0, how),
            parts=[
                *notes.rate_parts(a, ratio=is_ratio),
                *notes.rate_parts(b, "reference: ", ratio=is_ratio),
                shared_part(shared, "the reference group"),
            ],
        ).with_columns(reference_group=names(view.axis.groups, other // coded.per_group))


def _shared(view: AxisSums, coded: Coded, column: Column, pairs: _Paired) -> Ints:
    later, earlier = (np.searchsorted(column.present, side) for side in (pairs.later, pairs.earlier))
    return shared_talkers(view, coded, column)[later, earlier]
