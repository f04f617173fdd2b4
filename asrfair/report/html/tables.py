"""The page's sortable tables: rates, and disparities, row by row as the run's tables have them.

What is too much for a page is counted: the worst groups are kept, and every comparison that shows something before
those that do not. All rows are in the run folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from asrfair.report.findings import Contrast, contrasts, extra_finding
from asrfair.report.forest import cell as rate_cell
from asrfair.report.heat import NO_WORDS
from asrfair.report.html.blocks import Cell, Column, Table, number_cell, slug
from asrfair.report.rates import FEW
from asrfair.report.shareable import withheld_here
from asrfair.report.text import (
    Row,
    chance,
    counted,
    factor,
    factor_interval,
    label,
    percent,
    percent_interval,
    points,
    points_interval,
    safe,
    sized,
)
from asrfair.report.view import View, is_few, speakers, worst_first
from asrfair.tables import OVERALL

# What is looked for stands first, so that a narrow screen shows it.
RATES = (
    *(Column("group"), Column("WER %", numeric=True), Column("interval", numeric=True)),
    *(Column("condition", choice=True), Column("recogniser", choice=True)),
    *(Column(name, numeric=True) for name in ("speakers", "words", "failed")),
    Column("note"),
    *(Column(name, numeric=True, rare=True) for name in ("utterances", "substituted %", "deleted %", "inserted %")),
)
DISPARITIES = (
    *(Column("group"), Column("comparison", choice=True), Column("finding", choice=True)),
    *(Column("condition", choice=True), Column("recogniser", choice=True)),
    *(Column(name, numeric=True) for name in ("points", "interval", "ratio", "interval", "adjusted p")),
    *(Column(name, numeric=True) for name in ("speakers", "against")),
    *(Column("could find", numeric=True, rare=True), Column("note", rare=True)),
)
FAMILIES = {
    "reference": "against the reference group",
    "overall": "against all speakers",
    "interaction": "extra cost of a condition",
    "condition": "cost of a condition",
    "backend": "against the baseline recogniser",
    "backend_interaction": "change of the gap by the recogniser",
}
NOT_JUDGED, UNKNOWN_CELL = "not judged", "–"


@dataclass(frozen=True)
class Limits:
    """How much a page shows: rows of each table, and groups of each chart."""

    rows: int
    groups: int


def kept_groups(view: View, axis: str, *, most: int) -> list[str | None]:
    """Return an axis's groups, the highest WER with any recogniser under the main condition first, ``most`` of them.

    The reference group and the unlabelled always stay.
    """
    rows = view.rows("rates", axis=axis, condition=view.condition) or view.rows("rates", axis=axis)
    names = list(dict.fromkeys(row["group"] for row in sorted(rows, key=worst_first)))
    rest = view.results.rates.filter(pl.col("axis") == axis)["group"].unique().sort(nulls_last=True)
    names = list(dict.fromkeys([*names, *rest]))
    reference = view.axis(axis).get("reference_group")
    return [name for k, name in enumerate(names) if k < most or name in (None, reference)]


def rates_table(view: View, axis: str, *, rows: int) -> Table:
    """Return the rates of an axis (or of all speakers), the worst groups first."""
    cells = max(len(view.conditions) * len(view.backends), 1)
    groups = kept_groups(view, axis, most=max(rows // cells, 3))
    place = {group: k for k, group in enumerate(groups)}
    found = [row for row in view.rows("rates", axis=axis) if row["group"] in place]
    found.sort(key=lambda row: (view.place(row["condition"]), view.backends.index(row["backend"]), place[row["group"]]))
    total = view.results.rates.filter(pl.col("axis") == axis)["group"].n_unique()
    notes = [view.who(FEW)] if any(is_few(row["speakers"]) for row in found) else []
    notes += [NO_WORDS] if any(row["wer"] is None and view.errors(row) is not None for row in found) else []
    if view.withheld(axis):
        notes += [f"Withheld here: {withheld_here(view.withheld(axis), view.withheld_named(axis))}."]
    whose = view.who("All speakers together") if axis == OVERALL else f"By {view.provenance(axis)}"
    return Table(
        id=f"rates-{slug(axis)}",
        caption=f"{whose}: WER in per cent with its {view.level} interval",
        **_told(RATES, [_rates_row(view, row) for row in found], view, axis),
        notes=notes,
        left_out=left_out(total - len(groups), "more group", "rates"),
    )


def _rates_row(view: View, row: Row) -> list[Cell]:
    errors = view.errors(row) if row["wer"] is None else None
    return [
        Cell(view.who("all speakers") if row["axis"] == OVERALL else label(row["group"])),
        number_cell(rate_cell(row, errors), row["wer"], strong=True),
        number_cell(percent_interval(row), row["high"]),
        Cell(label(row["condition"])),
        Cell(label(row["backend"])),
        number_cell(speakers(row["speakers"]), row["speakers"]),
        Cell(sized(row, "reference_words")),
        Cell(sized(row, "failures")),
        Cell(safe(view.who(row["note"] or ""))),
        Cell(sized(row, "utterances")),
        *(percent_cell(row[name]) for name in ("substitution_rate", "deletion_rate", "insertion_rate")),
    ]


def percent_cell(rate: float | None) -> Cell:
    """Return a rate in per cent, a dash where it is unknown."""
    return number_cell(UNKNOWN_CELL if rate is None else percent(rate), rate)


def _told(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], view: View, axis: str) -> dict[str, Any]:
    """Return columns in the words of the run, and rows, without what is the same for all: who, and with what."""
    same = {"group"} if axis == OVERALL else set()
    same |= {"recogniser"} if len(view.backends) == 1 else set()
    same |= {"condition"} if len(view.conditions) == 1 and len(same) < 2 else set()
    kept = [k for k, column in enumerate(columns) if column.title not in same]
    if axis == OVERALL:
        # Without a group the first of the other names heads the rows.
        first = next(k for k in kept if columns[k].choice)
        kept.sort(key=lambda k: k != first)
    return {
        "columns": [replace(columns[k], title=view.who(columns[k].title)) for k in kept],
        "rows": [[row[k] for k in kept] for row in rows],
    }


def left_out(count: int, noun: str, table: str, *, plural: str | None = None) -> str:
    """Say how many rows are not shown and where they are; nothing where all are."""
    return f"and {counted(count, noun, plural=plural)} in {table}.parquet" if count > 0 else ""


def disparities_table(view: View, axis: str, *, rows: int) -> Table | None:
    """Return the comparisons of an axis's groups, each on both scales; None where there is none."""
    told = [
        (family, contrast)
        for family in FAMILIES
        for backend in view.backends
        for contrast in contrasts(view, family, axis=axis, backend=backend)
        if not _with_itself(contrast.row)
    ]
    if not told:
        return None
    order = list(FAMILIES)
    told.sort(key=lambda pair: (order.index(pair[0]), view.place(pair[1].row["condition"])))
    first = sorted(told, key=lambda pair: (not pair[1].shown(view.alpha), not pair[1].judged))[:rows]
    reference = view.axis(axis).get("reference_group")
    against = f" (the reference group is {label(reference)})" if reference is not None else ""
    whose = view.who("All speakers together") if axis == OVERALL else f"By {view.provenance(axis)}"
    notes = ["points: difference of WERs in percentage points; above 0, and a ratio above 1, are worse"]
    notes += ["† not named beforehand: exploratory"] if view.confirmed else []
    return Table(
        id=f"disparities-{slug(axis)}",
        caption=f"{whose}: comparisons{against}, with {view.level} intervals",
        **_told(DISPARITIES, [_disparity(view, family, contrast) for family, contrast in first], view, axis),
        notes=notes,
        left_out=left_out(len(told) - len(first), "more comparison", "disparities"),
    )


def _with_itself(row: Row) -> bool:
    sides = (("group", "reference_group"), ("condition", "reference_condition"), ("backend", "reference_backend"))
    return all(row[one] == row[other] for one, other in sides)


def _disparity(view: View, family: str, contrast: Contrast) -> list[Cell]:
    row = contrast.row
    per_scale = family in ("interaction", "backend_interaction")
    verdict = extra_finding(contrast, view.alpha, words=_words(family)) if per_scale else contrast.verdict(view.alpha)
    if not per_scale and verdict in ("worse", "better"):
        verdict = _finding(family, verdict)
    shown = contrast.shown(view.alpha) if per_scale else contrast.verdict(view.alpha) in ("worse", "better")
    mark = " †" if shown and any(map(view.is_unnamed, contrast.shown_rows(view.alpha))) else ""
    return [
        Cell(view.who("all speakers") if row["axis"] == OVERALL else label(row["group"])),
        Cell(view.who(FAMILIES[family])),
        Cell(f"{verdict}{mark}", strong=shown),
        Cell(label(row["condition"])),
        Cell(label(row["backend"])),
        *_scale(contrast.difference, points, points_interval),
        *_scale(contrast.ratio, factor, factor_interval),
        number_cell(UNKNOWN_CELL if contrast.p is None else chance(contrast.p), contrast.p),
        number_cell(speakers(row["speakers"]), row["speakers"]),
        number_cell(speakers(row["reference_speakers"]), row["reference_speakers"]),
        _findable(contrast),
        Cell(safe(view.who("; ".join(dict.fromkeys(r["note"] for r in contrast.rows if r["note"]))))),
    ]


def _words(family: str) -> tuple[str, str]:
    return ("costs more", "costs less") if family == "interaction" else ("gap wider", "gap narrower")


def _finding(family: str, verdict: str) -> str:
    if family == "condition":
        return "WER raised" if verdict == "worse" else "WER lowered"
    return f"served {verdict}"


def _scale(row: Row | None, shown: Callable[[float | None], str], interval: Callable[[Row], str]) -> list[Cell]:
    if row is None or row["estimate"] is None:
        return [Cell(UNKNOWN_CELL, order=""), Cell(NOT_JUDGED, order="")]
    return [number_cell(shown(row["estimate"]), row["estimate"]), number_cell(interval(row), row["high"])]


def _findable(contrast: Contrast) -> Cell:
    row = contrast.row
    least = row.get("detectable")
    if least is None:
        return Cell(UNKNOWN_CELL, order="")
    return Cell(factor(least) if row is contrast.ratio else f"{100 * least:.1f} points", order=f"{least:.6g}")
