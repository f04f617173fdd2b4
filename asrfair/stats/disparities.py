"""The table of disparities: group against group, against everybody, and across conditions and backends.

A measure's rows are picked by cell number, both sides are laid beside each other, and one contrast is computed
for all rows at once.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio, stack
from asrfair.stats.cells import Axis, Cells, Coded, Columns, rate_cells
from asrfair.stats.contrasts import (
    Contrast,
    difference_to_overall,
    rate_difference,
    rate_ratio,
    ratio_to_overall,
)
from asrfair.stats.intervals import LogRates
from asrfair.stats.planning import detectable_difference, detectable_ratio
from asrfair.stats.rates import AxisSums, cell_names, in_order, method, pooled_design_effect, speakers, unknown_if_nan
from asrfair.tables import OVERALL

REST = "rest"
"""What rows against everybody else call their reference group."""


def labelled_others(axis: Axis, reference: str, coded: Coded) -> Bools:
    """Return which cells belong to a group that is compared with the reference: neither it nor unlabelled."""
    compared = [group is not None and group != reference for group in axis.groups]
    return np.repeat(compared, coded.per_group).astype(bool)


def reference_index(axis: Axis, reference: str, index: Ints, coded: Coded) -> Ints:
    """Return the cell numbers of the reference group under the same condition and backend."""
    return axis.groups.index(reference) * coded.per_group + index % coded.per_group


class Rows(Protocol):
    """The sums of an axis, a row per cell and speaker."""

    @property
    def axis(self) -> Axis:
        """The axis."""
        ...

    @property
    def cell(self) -> Ints:
        """The cell of each row."""
        ...

    @property
    def cluster(self) -> Ints:
        """The speaker of each row."""
        ...

    @property
    def sums(self) -> Columns:
        """The sums of each row."""
        ...


def shared_speakers(view: Rows, coded: Coded, *, reference: str) -> Ints:
    """Return how many known speakers of each cell also speak in the reference group's cell."""
    known = (view.sums["words"] > 0) & (view.cluster < coded.speakers)
    cell, cluster = view.cell[known], view.cluster[known]
    place = (cell % coded.per_group) * max(coded.speakers, 1) + cluster
    also = np.isin(place, place[cell // coded.per_group == view.axis.groups.index(reference)])
    return np.bincount(cell, also, len(view.axis.groups) * coded.per_group).astype(np.int64)


def shared_part(shared: Ints, where: str) -> notes.Part:
    """Return what is said of speakers on both sides."""
    return shared, lambda n: f"{notes.counted(int(n), 'speaker')} also in {where}"


def contrast_rows(
    measure: str,
    contrast: Contrast,
    *,
    axis: Axis,
    coded: Coded,
    index: Ints,
    speakers: pl.Series,
    reference_speakers: pl.Series,
    method: pl.Series,
    parts: list[notes.Part],
    detectable: Floats | None = None,
) -> pl.DataFrame:
    """Return rows of table ``disparities``; every reference is the row's own until the caller sets another."""
    own = cell_names(axis, coded, index)
    note = notes.join([*parts, (contrast.too_wide, notes.TOO_WIDE)], len(index))
    return pl.DataFrame(
        own
        | {f"reference_{name}": values for name, values in own.items()}
        | {
            "method": method,
            "speakers": speakers,
            "reference_speakers": reference_speakers,
            "estimate": unknown_if_nan(contrast.estimate),
            "low": unknown_if_nan(contrast.low),
            "high": unknown_if_nan(contrast.high),
            "p": unknown_if_nan(contrast.p),
            "detectable": unknown_if_nan(
                np.full(len(index), np.nan)
                if detectable is None
                else np.where(np.isnan(contrast.low), np.nan, detectable)
            ),
            "note": pl.Series(note, dtype=pl.String),
        }
    ).with_columns(axis=pl.lit(axis.name), measure=pl.lit(measure))


def detectable_between(a: LogRates, b: LogRates, *, alpha: float) -> Floats:
    """Return the smallest ratio of two groups that their spread lets one find (`asrfair.stats.planning`)."""
    spread = (a.variance, a.df, b.variance, b.df)
    return detectable_ratio(*spread, alpha=alpha, between_a=a.between, between_b=b.between)


def detectable_points(a: LogRates, b: LogRates, *, alpha: float) -> Floats:
    """Return the smallest difference of ``a`` from ``b`` that their spread lets one find."""
    spread = (a.variance, a.df, b.variance, b.df)
    return detectable_difference(b.estimate, *spread, alpha=alpha, between_b=b.between)


def reference_rows(view: AxisSums, coded: Coded, *, reference: str, alpha: float) -> Iterator[pl.DataFrame]:
    """Yield ``difference`` and ``ratio``: each labelled group against the reference group."""
    axis, cells = view.axis, view.cells
    index = in_order((cells.utterances > 0) & labelled_others(axis, reference, coded), coded)
    shared = shared_speakers(view, coded, reference=reference)
    a, b = at(cells, index), at(cells, reference_index(axis, reference, index, coded))
    judged = a.judged & b.judged
    for measure, compare, how in (
        ("difference", rate_difference, "{} skewed log t, MOVER"),
        ("ratio", rate_ratio, "{} skewed log t, Welch"),
    ):
        is_ratio = measure == "ratio"
        least = (detectable_between if is_ratio else detectable_points)(a.spread, b.spread, alpha=alpha)
        yield contrast_rows(
            measure,
            compare(a.spread, b.spread, alpha=alpha, judged=judged),
            axis=axis,
            coded=coded,
            index=index,
            speakers=speakers(a),
            reference_speakers=speakers(b),
            method=method(a.independent + b.independent > 0, how),
            parts=[
                *notes.rate_parts(a, ratio=is_ratio),
                (b.utterances == 0, "reference: no utterances"),
                *notes.rate_parts(b, "reference: ", ratio=is_ratio),
                shared_part(shared[index], "the reference group"),
            ],
            detectable=least,
        ).with_columns(reference_group=pl.lit(reference))


def overall_rows(view: AxisSums, overall: AxisSums, coded: Coded, *, alpha: float) -> Iterator[pl.DataFrame]:
    """Yield ``difference`` and ``ratio``, ``…_to_overall`` and ``…_to_rest``: both compare a group with the rest."""
    index = in_order(view.cells.utterances > 0, coded)
    group, everybody = at(view.cells, index), at(overall.cells, index % coded.per_group)
    rest = at(rest_cells(view, overall, coded), index)
    judged = group.judged & rest.judged
    share = ratio(group.spread.words, everybody.spread.words)
    difference = rate_difference(group.spread, rest.spread, alpha=alpha, judged=judged)
    quotient = rate_ratio(group.spread, rest.spread, alpha=alpha, judged=judged)
    points = detectable_points(group.spread, rest.spread, alpha=alpha)
    factor = detectable_between(group.spread, rest.spread, alpha=alpha)
    by_rest = "{} skewed log t against the rest"
    for measure, contrast, least, against, how in (
        (
            "difference_to_overall",
            difference_to_overall(difference, share),
            points * (1 - share),
            everybody,
            f"{by_rest}, MOVER",
        ),
        (
            "ratio_to_overall",
            ratio_to_overall(quotient, share),
            ratio(factor, share * factor + 1 - share),
            everybody,
            f"{by_rest}, Welch",
        ),
        ("difference_to_rest", difference, points, rest, "{} skewed log t, MOVER"),
        ("ratio_to_rest", quotient, factor, rest, "{} skewed log t, Welch"),
    ):
        is_ratio = measure.startswith("ratio")
        yield contrast_rows(
            measure,
            contrast,
            axis=view.axis,
            coded=coded,
            index=index,
            speakers=speakers(group),
            reference_speakers=speakers(against),
            method=method(everybody.independent > 0, how),
            parts=[
                *notes.rate_parts(group, ratio=is_ratio),
                (rest.utterances == 0, "no other group"),
                *notes.rate_parts(rest, "rest: ", ratio=is_ratio),
                shared_part(rest.shared, "the rest"),
            ],
            detectable=least,
        ).with_columns(reference_group=pl.lit(OVERALL if against is everybody else REST))


def rest_cells(view: AxisSums, overall: AxisSums, coded: Coded) -> Cells[LogRates]:
    """Return for each cell of the axis everybody else under the same condition and backend.

    A speaker of several other groups is one cluster of the rest.
    """
    effect = pooled_design_effect(view.cells, per_group=coded.per_group)
    columns = {name: overall.sums[name].copy() for name in ("errors", "words", "utterances", "unknown", "independent")}
    # Both are sorted by condition and backend, then cluster, within a group; so a place is found by bisection.
    clusters = int(overall.cluster.max(initial=0)) + 1
    place = overall.cell * clusters + overall.cluster
    row = np.searchsorted(place, (view.cell % max(coded.per_group, 1)) * clusters + view.cluster)
    bounds = np.searchsorted(view.cell, np.arange(len(view.axis.groups) + 1) * coded.per_group)
    rests = []
    for start, stop in itertools.pairwise(bounds):
        own, rows = slice(start, stop), row[start:stop]
        for name, values in columns.items():
            values[rows] -= view.sums[name][own]
        rest = rate_cells(overall.cell, overall.cluster, columns, coded=coded, cells=coded.per_group)
        both = (view.cluster[own] < coded.speakers) & (view.sums["words"][own] > 0) & (columns["words"][rows] > 0)
        for name, values in columns.items():
            values[rows] += view.sums[name][own]
        shared = np.bincount(overall.cell[rows[both]], minlength=coded.per_group)
        spread = dataclasses.replace(rest.spread, design_effect=effect)
        rests.append(dataclasses.replace(rest, shared=shared, spread=spread))
    return stack(rests)
