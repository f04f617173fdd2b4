"""The tables of rates and of other measures per cell."""

import dataclasses

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio
from asrfair.stats.cells import Axis, Cells, Coded, Columns, cluster_sums, failures_by_cell, rate_cells
from asrfair.stats.intervals import LogRates
from asrfair.stats.paired import Pairs

KINDS = {
    "substitution_rate": "substitutions",
    "deletion_rate": "deletions",
    "insertion_rate": "insertions",
}


@dataclasses.dataclass(frozen=True)
class AxisSums:
    """One axis of the counts: a row per cell and cluster, and the cells made of them."""

    axis: Axis
    cell: Ints
    cluster: Ints
    sums: Columns
    cells: Cells[LogRates]


def axis_sums(axis: Axis, coded: Coded) -> AxisSums:
    """Return the sums of one axis, the design effect for cells without errors filled in."""
    cell, cluster, sums = cluster_sums(coded.rows, axis, coded)
    cells = rate_cells(cell, cluster, sums, coded=coded, cells=len(axis.groups) * coded.per_group)
    return AxisSums(axis, cell, cluster, sums, with_design_effect(cells, per_group=coded.per_group))


def with_design_effect(cells: Cells[LogRates], *, per_group: int) -> Cells[LogRates]:
    """Fill in the design effect pooled over the axis's judged groups with errors: Σs²(ΣE)²/ΣΣE, at least 1."""
    effect = pooled_design_effect(cells, per_group=per_group)
    groups = len(cells.utterances) // per_group if per_group else 0
    spread = dataclasses.replace(cells.spread, design_effect=np.tile(effect, groups))
    return dataclasses.replace(cells, spread=spread)


def pooled_design_effect(cells: Cells[LogRates], *, per_group: int) -> Floats:
    """Return the variance of errors over that of independent errors, shape=(per_group,), at least 1."""
    spread = cells.spread
    usable = cells.judged & (spread.errors > 0)
    clustered = np.where(usable, spread.cluster_variance, 0.0) * spread.errors**2
    independent = np.where(usable, spread.errors, 0.0)
    by_group = (-1, max(per_group, 1))
    effect = ratio(clustered.reshape(by_group).sum(axis=0), independent.reshape(by_group).sum(axis=0))
    return np.fmax(effect, 1.0)


def names(values: tuple[str | None, ...], numbers: Ints) -> pl.Series:
    """Return the names of numbers as text."""
    return pl.Series(np.array(values, dtype=object)[numbers].tolist(), dtype=pl.String)


def unknown_if_nan(values: Floats) -> pl.Series:
    """Return the values with null for nan."""
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)


def speakers(cells: Cells[LogRates] | Cells[Pairs]) -> pl.Series:
    """Return the known speakers, null where there are only utterances without one."""
    unknown = (cells.speakers == 0) & (cells.unknown + cells.independent > 0)
    return pl.Series(np.where(unknown, np.nan, cells.speakers)).fill_nan(None).cast(pl.Int64)


def method(cells_independent: Bools, name: str) -> pl.Series:
    """Return the method's name, saying where utterances were treated as independent."""
    by_utterance = name.format("utterances treated as independent,")
    return pl.Series(
        np.where(cells_independent, by_utterance, name.format("speaker-clustered")).tolist(), dtype=pl.String
    )


def in_order(present: Bools, coded: Coded) -> Ints:
    """Return the numbers of the present cells by backend, condition, group."""
    index = np.flatnonzero(present)
    group, condition, backend = split(index, coded)
    return index[np.lexsort((group, condition, backend))]


def split(index: Ints, coded: Coded) -> tuple[Ints, Ints, Ints]:
    """Return the group, condition and backend numbers of cell numbers."""
    backends = len(coded.backends)
    return index // coded.per_group, index // backends % len(coded.conditions), index % backends


def cell_names(axis: Axis, coded: Coded, index: Ints) -> dict[str, pl.Series]:
    """Return the columns ``group``, ``condition`` and ``backend``."""
    group, condition, backend = split(index, coded)
    return {
        "group": names(axis.groups, group),
        "condition": names(coded.conditions, condition),
        "backend": names(coded.backends, backend),
    }


def rate_rows(view: AxisSums, coded: Coded, *, level: float) -> pl.DataFrame:
    """Return the rows of table ``rates`` of one axis, without its normalizer."""
    failures = failures_by_cell(view.axis, coded)
    index = in_order((view.cells.utterances > 0) | (failures > 0), coded)
    cells = at(view.cells, index)
    spread = cells.spread
    low, high = spread.interval(1 - level)
    judged = cells.judged
    parts: list[notes.Part] = [
        (cells.utterances == 0, "all utterances failed"),
        *notes.rate_parts(cells),
        (judged & spread.too_wide(1 - level), notes.TOO_WIDE),
    ]
    kinds = {
        name: unknown_if_nan(ratio(np.bincount(view.cell, view.sums[kind], len(failures))[index], spread.words))
        for name, kind in KINDS.items()
    }
    return pl.DataFrame(
        cell_names(view.axis, coded, index)
        | {
            "method": method(cells.independent > 0, "{} log t"),
            "speakers": speakers(cells),
            "utterances": cells.utterances,
            "failures": failures[index],
            "reference_words": spread.words.astype(np.int64),
            "wer": unknown_if_nan(spread.estimate),
            "low": unknown_if_nan(np.where(judged, low, np.nan)),
            "high": unknown_if_nan(np.where(judged, high, np.nan)),
            "note": pl.Series(notes.join(parts, len(index)), dtype=pl.String),
        }
        | kinds
    ).with_columns(axis=pl.lit(view.axis.name), level=pl.lit(level))


def metric_rows(view: AxisSums, coded: Coded, *, level: float) -> pl.DataFrame:
    """Return the rows of table ``metrics`` of one axis: the character error rate, by the method of the WER."""
    every = rate_cells(
        view.cell, view.cluster, view.sums, coded=coded, cells=len(view.cells.utterances), unit="characters"
    )
    every = with_design_effect(every, per_group=coded.per_group)
    uncounted = np.bincount(view.cell, view.sums["uncounted"], len(every.utterances))
    index = in_order(every.utterances > 0, coded)
    cells, spoke = at(every, index), view.cells.speakers[index]
    spread = cells.spread
    unknown = uncounted[index] > 0
    low, high = spread.interval(1 - level)
    judged = cells.judged & ~unknown
    parts: list[notes.Part] = [
        (uncounted[index] == cells.utterances, "no character counts"),
        (
            np.where(uncounted[index] < cells.utterances, uncounted[index], 0),
            lambda n: notes.counted(int(n), "utterance", " without character counts"),
        ),
        *((np.where(unknown, 0, values), words) for values, words in notes.rate_parts(cells, unit="characters")),
        (judged & spread.too_wide(1 - level), notes.TOO_WIDE),
    ]
    return pl.DataFrame(
        cell_names(view.axis, coded, index)
        | {
            "speakers": speakers(dataclasses.replace(cells, speakers=np.where(unknown, spoke, cells.speakers))),
            "estimate": unknown_if_nan(np.where(unknown, np.nan, spread.estimate)),
            "low": unknown_if_nan(np.where(judged, low, np.nan)),
            "high": unknown_if_nan(np.where(judged, high, np.nan)),
            "method": method(cells.independent > 0, "{} log t"),
            "note": pl.Series(notes.join(parts, len(index)), dtype=pl.String),
        }
    ).with_columns(axis=pl.lit(view.axis.name), level=pl.lit(level), metric=pl.lit("character_error_rate"))
