"""The card's sentences on robustness: conditions in figures, their extra cost for a group, ladders, the worst case."""

from collections.abc import Sequence

import polars as pl

from asrfair.report import sentences
from asrfair.report.card.bounds import Bounds, find_bounds
from asrfair.report.card.statements_groups import among, claim, place, rate_told, who
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.ladders import largest_handicap
from asrfair.report.rungs import Ladder, found_ladders
from asrfair.report.text import (
    Row,
    counted,
    factor,
    factor_interval,
    label,
    listed,
    number,
    p_equals,
    points,
    points_interval,
    under,
)
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST = 12
"""How many conditions, and how many extra costs, are sentences; the rest are counted and in the tables."""


def about_conditions(view: View, bounds: Sequence[Bounds]) -> list[str]:
    """Return the sentences on robustness; none where one condition alone was measured."""
    told = [sentence for backend in view.backends for sentence in _of_backend(view, backend)]
    if len(view.conditions) > 1:
        told += [
            f"{place(view, axis=axis, backend=backend, condition=None)}, {sentence}."
            for axis in view.axes
            for backend in view.backends
            for sentence in _worst_case(view, bounds, axis=axis, backend=backend)
        ]
    return told + _about_ladders(view)


def _of_backend(view: View, backend: str) -> list[str]:
    found = contrasts(view, "condition", axis=OVERALL, backend=backend)
    costs = [cost for cost in found if cost.row["condition"] != cost.row["reference_condition"]]
    told = []
    for cost in costs[:MOST]:
        row = view.overall(backend=backend, condition=cost.row["condition"])
        if row is not None:
            lead = f"With {label(backend)} {under(row['condition'])}, all {who(view)} together"
            told.append(f"{lead}: {rate_told(view, row)}.")
        people = sentences.people(view, cost.row["speakers"])
        told.append(f"With {label(backend)}{among(view)}, {sentences.condition_cost(view, cost)} ({people}).")
    if len(costs) > MOST:
        rest = counted(len(costs) - MOST, "more condition")
        told.append(f"With {label(backend)}{among(view)}, the tables have {rest}, each costing less than these.")
    for axis in view.axes:
        told += _extra_costs(view, axis=axis, backend=backend)
    return told


def _extra_costs(view: View, *, axis: str, backend: str) -> list[str]:
    found = contrasts(view, "interaction", axis=axis, backend=backend)
    lead = place(view, axis=axis, backend=backend, condition=None)
    shown = [contrast for contrast in found if contrast.shown(view.alpha)]
    told = [f"{lead}, {sentences.extra_cost(view, contrast)}." for contrast in shown[:MOST]]
    if len(shown) > MOST:
        told.append(f"{lead}, an extra cost is shown in {counted(len(shown) - MOST, 'more comparison')}.")
    judged = [contrast for contrast in found if contrast.judged]
    if found and not judged:
        told.append(f"{lead}, whether a condition costs a group more than the reference group could not be judged.")
    elif judged and not told:
        some = "" if len(judged) == len(found) else f"; {_unjudged(len(found) - len(judged), len(found))}"
        bounds = " and ".join(filter(None, (_at_most(view, found, on_points=on) for on in (True, False))))
        told.append(f"{lead}, no extra cost of a condition for a group could be shown: {bounds}{some}.")
    return told


def _unjudged(count: int, of: int) -> str:
    return f"{number(count)} of {counted(of, 'comparison')} could not be judged"


def _at_most(view: View, found: list[Contrast], *, on_points: bool) -> str:
    """Say the largest extra cost that one scale's intervals leave open, with that scale's p."""
    rows = [(c.difference if on_points else c.ratio, c) for c in found]
    judged = [(row, c) for row, c in rows if row is not None and None not in (row["high"], row["p_adjusted"])]
    if not judged:
        return ""
    row, contrast = max(judged, key=lambda pair: float(pair[0]["high"]))
    most = f"{points(row['high'])} points" if on_points else f"{factor(row['high'])} times"
    interval = (points_interval if on_points else factor_interval)(row)
    return (
        f"at most {most} ({label(row['group'])} under {label(row['condition'])} {interval}, "
        f"adjusted {p_equals(row['p_adjusted'])}, {sentences.both_sides(view, contrast)})"
    )


def _worst_case(view: View, bounds: Sequence[Bounds], *, axis: str, backend: str) -> list[str]:
    """Say the largest upper bound over groups and conditions, and how many of them could not be judged."""
    found = find_bounds(bounds, axis=axis, backend=backend, condition=None)
    if found is None or not found.judged:
        return []
    highest = found.highest
    conditions = listed(map(label, view.conditions))
    where = f"over {counted(len(view.conditions), 'condition')} ({conditions}) and their groups"
    left = len(view.rungs)
    outside = f" outside ladders ({counted(left, 'rung')} left out)," if left else ""
    worst = f"{label(highest['group'])} {under(highest['condition'])}, {rate_told(view, highest)}"
    missing = len(found.not_judged)
    cells = counted(missing, "pair", plural="pairs")
    rest = f"; {cells} could not be judged" if missing else ""
    each = "pairs of a group and a condition"
    return [f"worst case{outside} {where}: {claim(view, found, each=each)}; the highest rate is {worst}{rest}"]


def _about_ladders(view: View) -> list[str]:
    told = []
    for ladder in found_ladders(view):
        for backend in view.backends:
            told += _rungs(view, ladder, backend)
        for axis in view.axes:
            for backend in view.backends:
                lead = place(view, axis=axis, backend=backend, condition=None)
                along = f"{label(ladder.name)} ({counted(len(ladder.rungs), 'rung')}, {label(ladder.what)})"
                told += [
                    f"{lead}, along the ladder {along}: {sentence.removesuffix('.')}{evidence}."
                    for sentence in largest_handicap(view, ladder, axis=axis, backend=backend)
                    for evidence in [_whose(view, ladder, sentence, axis=axis, backend=backend)]
                ]
    return told


def _whose(view: View, ladder: Ladder, sentence: str, *, axis: str, backend: str) -> str:
    """Say the speakers of the group that a sentence on handicaps names, and of the reference group."""
    rows = view.whole.handicaps.filter(
        pl.col("ladder") == ladder.name, pl.col("axis") == axis, pl.col("backend") == backend, pl.col("at").is_null()
    )
    for row in rows.iter_rows(named=True):
        if sentence.startswith(f"{label(row['group'])} needs ") and row["speakers"] is not None:
            return f" ({sentences.people(view, row['speakers'])} against {number(row['reference_speakers'])})"
    return ""


def _rungs(view: View, ladder: Ladder, backend: str) -> list[str]:
    """Say the rates of all speakers together at both ends of a ladder."""
    rates = view.whole.rates.filter(pl.col("axis") == OVERALL, pl.col("backend") == backend)
    ends: list[str] = []
    for value, condition in (ladder.rungs[0], ladder.rungs[-1]):
        row: Row | None = next(rates.filter(pl.col("condition") == condition).iter_rows(named=True), None)
        if row is not None:
            ends.append(f"{value:g}{' ' + ladder.unit if ladder.unit else ''}, {rate_told(view, row)}")
    if len(ends) < 2:
        return []
    parameter = label(ladder.title)
    return [f"With {label(backend)}, all {who(view)} together: at {parameter} {ends[0]}; at {ends[1]}."]
