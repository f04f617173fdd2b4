"""Disparities across conditions and backends, paired by speaker on the utterances counted in both."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at
from asrfair.stats.cells import Axis, Cells, Coded, Columns, cluster_sums, pair_cells
from asrfair.stats.disparities import (
    contrast_rows,
    labelled_others,
    reference_index,
    shared_part,
    shared_speakers,
)
from asrfair.stats.intervals import WIDEST
from asrfair.stats.paired import (
    Pairs,
    interaction_difference,
    interaction_ratio,
    paired_difference,
    paired_ratio,
)
from asrfair.stats.planning import detectable_paired, detectable_ratio
from asrfair.stats.rates import AxisSums, in_order, method, speakers, split


@dataclass(frozen=True)
class PairView:
    """One axis of the paired utterances; ``excluded`` are utterances of a cell pair counted on one side only."""

    axis: Axis
    kind: str
    cell: Ints
    cluster: Ints
    sums: Columns
    cells: Cells[Pairs]
    excluded: Ints
    present: Bools


def pair_view(pairs: pl.DataFrame, view: AxisSums, coded: Coded, *, kind: str) -> PairView:
    """Return one axis of paired utterances; ``kind`` is ``condition`` or ``backend``."""
    size = len(view.cells.utterances)
    cell, cluster, sums = cluster_sums(pairs, view.axis, coded)
    cells = pair_cells(cell, cluster, sums, coded=coded, cells=size)
    every = np.arange(size)
    _, condition, backend = split(every, coded)
    number, stride = (condition, len(coded.backends)) if kind == "condition" else (backend, 1)
    counted = view.cells.utterances
    return PairView(
        axis=view.axis,
        kind=kind,
        cell=cell,
        cluster=cluster,
        sums=sums,
        cells=cells,
        excluded=counted + counted[every - number * stride] - 2 * cells.utterances,
        present=(number > 0) & (counted > 0),
    )


def own_rows(view: PairView, coded: Coded, *, alpha: float) -> Iterator[pl.DataFrame]:
    """Yield ``difference`` and ``ratio`` of each group against itself at the baseline, named for the kind."""
    index = in_order(view.present, coded)
    cells = at(view.cells, index)
    spread = cells.spread
    for scale, compare, how, floored in (
        ("difference", paired_difference, "{} paired cost t", spread.floored),
        ("ratio", paired_ratio, "{} paired log t", spread.log_adjusted < spread.log_floor),
    ):
        yield contrast_rows(
            f"{view.kind}_{scale}",
            compare(spread, alpha=alpha, judged=cells.judged),
            axis=view.axis,
            coded=coded,
            index=index,
            speakers=speakers(cells),
            reference_speakers=speakers(cells),
            method=method(cells.independent > 0, how),
            parts=notes.pair_parts(
                cells,
                floored=floored,
                excluded=view.excluded[index],
                kind=view.kind,
                ratio=scale == "ratio",
            ),
            detectable=_detectable_change(spread, ratio=scale == "ratio", alpha=alpha),
        ).with_columns(at_baseline(view, coded))


def interaction_rows(view: PairView, coded: Coded, *, reference: str, alpha: float) -> Iterator[pl.DataFrame]:
    """Yield ``interaction_difference`` and ``interaction_ratio``: a group's cost against the reference group's.

    Across backends they are ``backend_interaction_…``: a group's change from the baseline backend against the
    reference group's. Where the group is the one served worse, a difference above 0 (a ratio above 1) says that
    the backend's gap is wider than the baseline's.
    """
    axis = view.axis
    prefix = "" if view.kind == "condition" else f"{view.kind}_"
    index = in_order(view.present & labelled_others(axis, reference, coded), coded)
    other = reference_index(axis, reference, index, coded)
    a, b = at(view.cells, index), at(view.cells, other)
    shared = shared_speakers(view, coded, reference=reference)
    for scale, compare, how in (
        ("difference", interaction_difference, "{} paired costs, MOVER"),
        ("ratio", interaction_ratio, "{} paired log t, Welch"),
    ):
        ratio = scale == "ratio"
        parts = [
            part
            for cells, who, picked in ((a, "", index), (b, "reference: ", other))
            for part in notes.pair_parts(
                cells,
                who,
                floored=_floored(cells.spread, ratio=ratio),
                excluded=view.excluded[picked],
                kind=view.kind,
                ratio=ratio,
            )
        ]
        yield contrast_rows(
            f"{prefix}interaction_{scale}",
            compare(a.spread, b.spread, alpha=alpha, judged=a.judged & b.judged),
            axis=axis,
            coded=coded,
            index=index,
            speakers=speakers(a),
            reference_speakers=speakers(b),
            method=method(a.independent + b.independent > 0, how),
            parts=[*parts, shared_part(shared[index], "the reference group")],
            detectable=_detectable_interaction(a.spread, b.spread, ratio=ratio, alpha=alpha),
        ).with_columns(at_baseline(view, coded), reference_group=pl.lit(reference))


def _detectable_change(spread: Pairs, *, ratio: bool, alpha: float) -> Floats:
    """Return the smallest change to be found: as a ratio, or that ratio in points at the mean rate of both sides."""
    shift = detectable_paired(np.sqrt(spread.log_variance), spread.df, alpha=alpha)
    if ratio:
        return np.exp(np.where(shift > WIDEST, np.nan, shift))
    points = spread.both.estimate * 2 * np.tanh(shift / 2)
    plain = detectable_paired(spread.error, spread.df, alpha=alpha)
    return np.where(np.isfinite(spread.log_ratio), points, plain)


def _detectable_interaction(a: Pairs, b: Pairs, *, ratio: bool, alpha: float) -> Floats:
    if ratio:
        return detectable_ratio(a.log_variance, a.df, b.log_variance, b.df, alpha=alpha)
    return np.hypot(*(_detectable_change(side, ratio=False, alpha=alpha) for side in (a, b)))


def _floored(spread: Pairs, *, ratio: bool) -> Bools:
    return spread.log_adjusted < spread.log_floor if ratio else spread.floored


def at_baseline(view: PairView, coded: Coded) -> pl.Expr:
    """Return the column ``reference_condition`` or ``reference_backend``: the baseline."""
    name = coded.conditions[0] if view.kind == "condition" else coded.backends[0]
    return pl.lit(name).alias(f"reference_{view.kind}")
