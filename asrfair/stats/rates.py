"""The table of rates, and what the other tables of cells share."""

import dataclasses

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio
from asrfair.stats.cells import Axis, Cells, Coded, Columns, cluster_sums, failures_by_cell, rate_cells
from asrfair.stats.intervals import LogRates
from asrfair.stats.methods import DEFAULT, Settings, find_method
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
    clustered = np.where(usable, spread.cluster_variance * spread.events**2, 0.0)
    independent = np.where(usable, spread.events, 0.0)
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


def rate_rows(
    view: AxisSums, coded: Coded, *, level: float, interval: str = DEFAULT, replicates: int = 2000, seed: int = 0
) -> pl.DataFrame:
    """Return the rows of table ``rates`` of one axis, without its normalizer.

    ``interval`` names a method of `asrfair.stats.methods`; raises InputError if there is none of that name. A group
    that is nowhere counted, a product's empty combination, has a row in every condition that says so.
    """
    found = find_method(interval)(view, coded, Settings(alpha=1 - level, replicates=replicates, seed=seed))
    failures = failures_by_cell(view.axis, coded)
    tried = (view.cells.utterances > 0) | (failures > 0)
    nowhere = ~tried.reshape(-1, max(coded.per_group, 1)).any(axis=1)
    index = in_order(tried | np.repeat(nowhere, coded.per_group), coded)
    cells = at(found.cells, index)
    spread = cells.spread
    parts: list[notes.Part] = [
        ((cells.utterances == 0) & tried[index], "all utterances failed"),
        (~tried[index], "no utterances"),
        *notes.rate_parts(cells),
        *((np.asarray(values)[index], words) for values, words in found.parts),
    ]
    kinds = {
        name: unknown_if_nan(ratio(np.bincount(view.cell, view.sums[kind], len(failures))[index], spread.words))
        for name, kind in KINDS.items()
    }
    return pl.DataFrame(
        cell_names(view.axis, coded, index)
        | {
            "method": method(cells.independent > 0, found.method),
            "speakers": speakers(cells),
            "utterances": cells.utterances,
            "failures": failures[index],
            "reference_words": spread.words.astype(np.int64),
            "wer": unknown_if_nan(spread.estimate),
            "low": unknown_if_nan(found.low[index]),
            "high": unknown_if_nan(found.high[index]),
            "note": pl.Series(notes.join(parts, len(index)), dtype=pl.String),
        }
        | kinds
    ).with_columns(axis=pl.lit(view.axis.name), level=pl.lit(level))
