"""Comparison on common prompts: the same sentences read by both groups, each counting equally for both.

Conventions
-----------
Under one condition and backend, the prompts common to a group a and the reference b are those that an utterance of
each has, with at least one reference word. The rate of a is standardised to them, θ_a = Σ_p w_p·(mean rate of prompt p
in a)/Σ_p w_p with w_p the prompt's reference words, and likewise that of b: which sentences a group was given, and how
often each, makes no difference then. That is the pooled rate of utterances with weights 1/n_ap, n_ap being the
renditions of p in a; so its spread is that of `asrfair.stats.intervals`, clustered by speaker, the weights held fixed.

Weights are scaled by k = Σ(E/n)/Σ(E/n²), so that the sum of weighted errors is the number of independent errors that
have the same relative variance, which the floor of the spread rests on.

References
----------
Direct standardisation: Breslow and Day 1987, Statistical Methods in Cancer Research II, chapter 2.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio, total
from asrfair.stats.cells import PROMPT, Axis, Cells, Coded, Columns, rate_cells
from asrfair.stats.contrasts import rate_difference, rate_ratio
from asrfair.stats.disparities import contrast_rows, labelled_others, shared_part, shared_speakers
from asrfair.stats.intervals import LogRates
from asrfair.stats.rates import AxisSums, in_order, method, speakers

_COUNTS = ("errors", "words", "utterances", "unknown", "independent")


@dataclass(frozen=True)
class _Renditions:
    """Utterances with a prompt, in order of their group.

    ``within`` is the number of condition and backend, ``place`` that of the prompt there; ``weight`` is one over the
    renditions of the place by the group.
    """

    group: Ints
    within: Ints
    place: Ints
    cluster: Ints
    weight: Floats
    columns: Columns

    def of(self, group: int) -> slice:
        """Return the rows of a group."""
        return slice(*np.searchsorted(self.group, [group, group + 1]))


@dataclass(frozen=True)
class _Side:
    """One side of every comparison, in cells numbered like the compared group's; ``words`` are those matched."""

    cells: Cells[LogRates]
    words: Floats


def matched_rows(view: AxisSums, coded: Coded, *, reference: str, alpha: float) -> Iterator[pl.DataFrame]:
    """Yield ``matched_difference`` and ``matched_ratio``: each labelled group against the reference group.

    ``coded.rows`` has a text column ``prompt``, null where an utterance is not to be matched; without the column, or
    any prompt, there are no rows.
    """
    if PROMPT not in coded.rows.columns or not coded.rows[PROMPT].count():
        return
    axis = view.axis
    index = in_order((view.cells.utterances > 0) & labelled_others(axis, reference, coded), coded)
    own, others, prompts = _sides(_renditions(coded, axis), view, coded, reference=axis.groups.index(reference))
    shared = shared_speakers(view, coded, reference=reference)
    a, b = at(own.cells, index), at(others.cells, index)
    common = prompts[index]
    none = common == 0
    judged = a.judged & b.judged
    at_reference = axis.groups.index(reference) * coded.per_group + index % coded.per_group
    shares = list(
        zip(
            common,
            ratio(own.words[index], view.cells.spread.words[index]),
            ratio(others.words[index], view.cells.spread.words[at_reference]),
            strict=True,
        )
    )
    for measure, compare, how in (
        ("matched_difference", rate_difference, "{} skewed log t on common prompts, MOVER"),
        ("matched_ratio", rate_ratio, "{} skewed log t on common prompts, Welch"),
    ):
        is_ratio = measure == "matched_ratio"
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
                (none, "no common prompts"),
                (np.where(none, 0, np.arange(1, len(index) + 1)), lambda row: _matched(*shares[row - 1])),
                *notes.rate_parts(a, ratio=is_ratio),
                *notes.rate_parts(b, "reference: ", ratio=is_ratio),
                shared_part(shared[index], "the reference group"),
            ],
        ).with_columns(reference_group=pl.lit(reference))


def _matched(prompts: int, share: float, reference_share: float) -> str:
    counted = notes.counted(int(prompts), "common prompt")
    return f"{counted}: {share:.0%} of the words, {reference_share:.0%} of the reference group's"


def _renditions(coded: Coded, axis: Axis) -> _Renditions:
    """Return the labelled utterances with a prompt and reference words."""
    groups = [group for group in axis.groups if group is not None]
    number = pl.col(axis.name).cast(pl.Enum(groups)).to_physical().cast(pl.Int64)
    within = pl.col("condition") * len(coded.backends) + pl.col("backend")
    rows = (
        coded.rows.filter(pl.col(PROMPT).is_not_null() & (pl.col("words") > 0) & pl.col(axis.name).is_not_null())
        .with_columns(group=number, within=within.cast(pl.Int64))
        .with_columns(place=pl.struct("within", PROMPT).rank("dense").cast(pl.Int64) - 1)
        .with_columns(weight=1.0 / pl.len().over("group", "place"))
        .sort("group", "place", "cluster")
    )
    return _Renditions(
        **{name: rows[name].to_numpy() for name in ("group", "within", "place", "cluster", "weight")},
        columns={name: rows[name].cast(pl.Float64).to_numpy() for name in _COUNTS},
    )


def _sides(found: _Renditions, view: AxisSums, coded: Coded, *, reference: int) -> tuple[_Side, _Side, Ints]:
    """Return every group's side, the reference's side against each group, and the number of common prompts."""
    cells = len(view.cells.utterances)
    places = int(found.place.max(initial=-1)) + 1
    base = found.of(reference)
    read = np.bincount(found.place[base], minlength=places) > 0
    common = np.zeros(cells, np.int64)
    own: list[_Sums] = []
    others: list[_Sums] = []
    for group in range(len(view.axis.groups)):
        rows = found.of(group)
        if group == reference or rows.start == rows.stop:
            continue
        both = read & (np.bincount(found.place[rows], minlength=places) > 0)
        own.append(_sums(found, rows, both, group=group, coded=coded))
        others.append(_sums(found, base, both, group=group, coded=coded))
        picked = np.flatnonzero(both[found.place[rows]]) + rows.start
        first = picked[np.unique(found.place[picked], return_index=True)[1]]
        common += np.bincount(group * coded.per_group + found.within[first], minlength=cells)
    effect = view.cells.spread.design_effect
    return (
        _side(own, coded, effect=effect),
        _side(others, coded, effect=effect),
        common,
    )


@dataclass(frozen=True)
class _Sums:
    """Sums per cell and cluster of standardised errors and words; ``matched`` words are counted once."""

    cell: Ints
    cluster: Ints
    columns: Columns


def _sums(found: _Renditions, rows: slice, both: Bools, *, group: int, coded: Coded) -> _Sums:
    """Return the sums of the rows of common places, in the cells of ``group``."""
    picked = np.flatnonzero(both[found.place[rows]]) + rows.start
    within, weight = found.within[picked], found.weight[picked]
    values = {name: column[picked] for name, column in found.columns.items()}
    values["matched"] = values["words"]

    def independent(counted: Floats) -> Floats:
        weighted = total(within, counted * weight, coded.per_group)
        return ratio(weighted, total(within, counted * weight**2, coded.per_group))

    by_errors = independent(values["errors"])
    scale = weight * np.where(np.isnan(by_errors), independent(values["words"]), by_errors)[within]
    values |= {name: values[name] * scale for name in ("errors", "words")}
    clusters = int(found.cluster.max(initial=-1)) + 1
    key = within * clusters + found.cluster[picked]
    there = np.flatnonzero(np.bincount(key, minlength=1))
    sums = {name: np.bincount(key, column, minlength=1)[there].astype(np.float64) for name, column in values.items()}
    return _Sums(group * coded.per_group + there // max(clusters, 1), there % max(clusters, 1), sums)


def _side(parts: list[_Sums], coded: Coded, *, effect: Floats) -> _Side:
    """Return the standardised rates of every cell."""
    cell = np.concatenate([np.empty(0, np.int64), *(part.cell for part in parts)])
    cluster = np.concatenate([np.empty(0, np.int64), *(part.cluster for part in parts)])
    names = (*_COUNTS, "matched")
    sums = {name: np.concatenate([np.empty(0), *(part.columns[name] for part in parts)]) for name in names}
    cells = rate_cells(cell, cluster, sums, coded=coded, cells=len(effect))
    spread = dataclasses.replace(cells.spread, design_effect=effect)
    return _Side(dataclasses.replace(cells, spread=spread), total(cell, sums["matched"], len(effect)))
