"""The labelled groups of an axis under one condition and backend, for what compares many of them."""

from dataclasses import dataclass

import numpy as np

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Ints, at
from asrfair.stats.cells import Cells, Coded
from asrfair.stats.intervals import LogRates
from asrfair.stats.rates import AxisSums


@dataclass(frozen=True)
class Column:
    """One condition and backend: ``number`` is condition·backends + backend.

    ``present`` are the labelled groups with utterances, ``judged`` those of them that can be judged, as group
    numbers; ``rows`` are rows of the axis's sums, ``crossing`` the known speakers that speak in several groups.
    """

    number: int
    present: Ints
    judged: Ints
    rows: Ints
    crossing: Ints


def columns(view: AxisSums, coded: Coded) -> list[Column]:
    """Return the columns with utterances of a labelled group, by backend, then condition."""
    if not coded.per_group:
        return []
    labelled = len([group for group in view.axis.groups if group is not None])
    shape = (-1, coded.per_group)
    present = (view.cells.utterances > 0).reshape(shape)[:labelled]
    judged = view.cells.judged.reshape(shape)[:labelled]
    numbers = sorted(range(coded.per_group), key=lambda n: (n % len(coded.backends), n))
    within = np.flatnonzero(view.cell < labelled * coded.per_group)
    order = within[np.argsort(view.cell[within] % coded.per_group, kind="stable")]
    bounds = np.searchsorted(view.cell[order] % coded.per_group, np.arange(coded.per_group + 1))
    found = []
    for number in numbers:
        rows = order[bounds[number] : bounds[number + 1]]
        if present[:, number].any():
            there, fit = (np.flatnonzero(of[:, number]) for of in (present, judged))
            found.append(Column(number, there, fit, rows, _crossing(view, coded, rows)))
    return found


def _crossing(view: AxisSums, coded: Coded, rows: Ints) -> Ints:
    spoke = rows[known_talkers(view, coded, rows)]
    clusters, groups = np.unique(view.cluster[spoke], return_counts=True)
    return clusters[groups > 1]


def known_talkers(view: AxisSums, coded: Coded, rows: Ints) -> Bools:
    """Return which rows are of known speakers with reference words."""
    known: Bools = (view.cluster[rows] < coded.speakers) & (view.sums["words"][rows] > 0)
    return known


def talkers(view: AxisSums, coded: Coded, column: Column) -> Ints:
    """Return the known speakers of the judged groups."""
    rows = column.rows[known_talkers(view, coded, column.rows)]
    return np.unique(view.cluster[rows[np.isin(view.cell[rows] // coded.per_group, column.judged)]])


def shared_talkers(view: AxisSums, coded: Coded, column: Column) -> Ints:
    """Return how many speakers each two present groups share, shape=(present, present)."""
    size = len(column.present)
    if not len(column.crossing):
        return np.zeros((size, size), np.int64)
    rows = column.rows[np.isin(view.cluster[column.rows], column.crossing)]
    rows = rows[known_talkers(view, coded, rows)]
    speaks = np.zeros((size, len(column.crossing)), np.int64)
    group = np.searchsorted(column.present, view.cell[rows] // coded.per_group)
    speaks[group, np.searchsorted(column.crossing, view.cluster[rows])] = 1
    return speaks @ speaks.T


def column_cells(view: AxisSums, coded: Coded, column: Column, groups: Ints) -> Cells[LogRates]:
    """Return the cells of some groups of a column."""
    return at(view.cells, groups * coded.per_group + column.number)


def column_parts(view: AxisSums, coded: Coded, found: list[Column]) -> list[notes.Part]:
    """Return what is said of each column's groups together."""
    judged = np.array([len(column.judged) for column in found])
    cells = [column_cells(view, coded, column, column.judged) for column in found]
    few = np.array([np.count_nonzero(each.spread.clusters < notes.FEW_SPEAKERS) for each in cells])
    own = np.array([bool(each.independent.any()) for each in cells])
    unit = np.where(own, f" under {notes.FEW_SPEAKERS} utterances", f" under {notes.FEW_SPEAKERS} speakers")
    none = np.array([np.count_nonzero(each.spread.none) for each in cells])
    floored = np.array([np.count_nonzero(each.spread.floored) for each in cells])
    left_out = np.array([len(column.present) for column in found]) - judged
    crossing = np.array([len(column.crossing) for column in found])
    return [
        (judged == 0, "no group could be judged"),
        (judged == 1, "1 group could be judged"),
        (np.where(judged > 1, left_out, 0), lambda n: notes.counted(int(n), "group", " could not be judged")),
        *(
            (
                np.where((judged > 1) & (unit == after), few, 0),
                lambda n, after=after: notes.counted(int(n), "group", after),
            )
            for after in np.unique(unit)
        ),
        (np.where(judged > 1, none, 0), lambda n: notes.counted(int(n), "group", " with no errors")),
        (np.where(judged > 1, floored, 0), lambda n: notes.counted(int(n), "group", " with spread from its errors")),
        (crossing, lambda n: notes.counted(int(n), "speaker", " in several groups")),
        (own, "utterances treated as independent"),
    ]
