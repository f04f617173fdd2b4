"""Tables of two runs compared: each group's change in WER, and of its gap to the reference group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from rich.text import Text

from asrfair.report.disparities import Cells, Told, compared, explain, name_column
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.footnotes import footnotes
from asrfair.report.page import QUIET, Column, Page, Subhead
from asrfair.report.text import counted, label, number, percent, points, under
from asrfair.report.view import View, speakers
from asrfair.results import Results
from asrfair.tables import CONDITIONS, OVERALL

FINDING = 3
"""The place of the finding among the cells of a comparison (`asrfair.report.disparities.compared`)."""
ROOMY = 72
TO_ITS_COST = ("to its cost", "in its favour")
Sizes = Mapping[tuple[Any, ...], tuple[float | None, float | None]]
"""The old and the new gap of a recogniser, axis, group and condition."""


@dataclass(frozen=True)
class Pairing:
    """One recogniser in both runs: its name, and its names in the joint tables."""

    name: str
    old: str
    new: str


def view_of(results: Results) -> View:
    """Return the view of a joint analysis; the rungs of ladders are conditions like all others here."""
    return View.of(replace(results, conditions=pl.DataFrame(schema=CONDITIONS)))


def pairings(view: View) -> list[Pairing]:
    """Return the recognisers compared."""
    return [Pairing(**pair) for pair in view.signature["comparison"]["pairs"]]


def gap_sizes(view: View) -> dict[tuple[Any, ...], tuple[float | None, float | None]]:
    """Return the old and the new gap by recogniser, axis, group and condition."""
    rows = view.signature["comparison"]["gaps"]
    return {(r["pair"], r["axis"], r["group"], r["condition"]): (r["old"], r["new"]) for r in rows}


def gap_finding(contrast: Contrast, alpha: float, gap: tuple[float | None, float | None]) -> str:
    """Return what is shown of a gap: wider or narrower, on both scales or on the one named.

    A change to the group's cost widens the gap of a group that is served worse than the reference group, and narrows
    that of one served better. Where the sign of the gap turns, or is unknown, the finding names the direction alone.
    """
    old, new = gap
    worse, better = TO_ITS_COST
    if old is not None and new is not None and old * new > 0:
        worse, better = ("wider", "narrower") if old > 0 else ("narrower", "wider")
    words = {"worse": worse, "better": better}
    on_points, on_ratio = words.get(contrast.on_points(alpha), ""), words.get(contrast.on_ratio(alpha), "")
    if on_points == on_ratio:
        return on_points or ("not shown" if contrast.judged else "not judged")
    parts = ((on_points, "in points"), (on_ratio, "as a factor"))
    return ", ".join(f"{word} {scale}" for word, scale in parts if word)


def changes(page: Page, view: View, pair: Pairing, *, axis: str, top: int) -> None:
    """Write an axis's table of changes, condition by condition, the largest in either direction first."""
    found = _by_condition(view, "backend", axis=axis, backend=pair.new)
    rates = _wers(view, pair, axis=axis)
    if not found:
        return
    page.gap()
    name = "condition" if axis == OVERALL else "group"
    page.line(view.who("All speakers together") if axis == OVERALL else f"By {view.provenance(axis)}", indent=2, hang=2)
    told = Told("", signs=True)
    shown = {condition: kept(rows, top=_share(top, found), alpha=view.alpha) for condition, rows in found.items()}
    flat = [contrast for rows in shown.values() for contrast in rows]
    columns, cells = compared(page, view, flat, told)
    head = _first_columns(page, view, name, "WER")
    each = iter(cells)
    body: list[Cells | Subhead] = []
    for condition, rows in shown.items():
        if axis != OVERALL and len(found) > 1:
            body.append(Subhead(f"{under(condition)}"))
        for contrast in rows:
            called = label(condition) if axis == OVERALL else label(contrast.group)
            wers = [percent(wer) for wer in rates.get((contrast.group, condition), (None, None))]
            body.append([f"{called} ({speakers(contrast.row['speakers'])})", *wers, *next(each)])
        body += _rest(found[condition], rows, alpha=view.alpha)
    page.table([*head, *map(_narrow, columns)], body)
    explain(page, cells)
    footnotes(
        page, view, [(label(c.row["condition"] if axis == OVERALL else c.group), r) for c in flat for r in c.rows]
    )


def gaps(page: Page, view: View, pair: Pairing, *, axis: str, top: int) -> None:
    """Write whether each group's gap to the reference group changed, condition by condition."""
    found = _by_condition(view, "backend_interaction", axis=axis, backend=pair.new)
    if not found:
        return
    reference = next(iter(found.values()))[0].row["reference_group"]
    page.gap()
    page.line(
        f"Did the disparity against {label(reference)} widen, by {view.provenance(axis)}? Change of the gap, in points "
        "and as a factor; above 0 (above 1) is to the group's cost",
        indent=2,
        hang=2,
    )
    shown = {condition: kept(rows, top=_share(top, found), alpha=view.alpha) for condition, rows in found.items()}
    flat = [contrast for rows in shown.values() for contrast in rows]
    columns, cells = compared(page, view, flat, Told("", per_scale=True, words=TO_ITS_COST))
    sizes = gap_sizes(view)
    head = _first_columns(page, view, "group", "gap")
    each = iter(cells)
    body: list[Cells | Subhead] = []
    for condition, rows in shown.items():
        if len(found) > 1:
            body.append(Subhead(f"{under(condition)}"))
        for contrast in rows:
            gap = sizes.get((pair.name, axis, contrast.group, condition), (None, None))
            row = next(each)
            row[FINDING] = _told(contrast, gap_finding(contrast, view.alpha, gap), alpha=view.alpha)
            body.append([f"{label(contrast.group)} ({speakers(contrast.row['speakers'])})", *map(points, gap), *row])
        body += _rest(found[condition], rows, alpha=view.alpha)
    page.table([*head, *map(_narrow, columns)], body)
    explain(page, cells)
    footnotes(page, view, [(label(c.group), row) for c in flat for row in c.rows])


def _told(contrast: Contrast, finding: str, *, alpha: float) -> Text:
    return Text(finding.replace(", ", ",\n"), style="bold" if contrast.shown(alpha) else QUIET)


def _first_columns(page: Page, view: View, name: str, sides: str) -> list[Column]:
    narrowest = 16 if page.width >= ROOMY else 10
    columns = [Column(f"{side}\n{sides}", align="right", drop=drop) for side, drop in (("old", 4), ("new", 3))]
    return [replace(name_column(view, name), narrowest=narrowest), *columns]


def _narrow(column: Column) -> Column:
    """Return a column of comparisons that folds before it is left out: a change without points says too little."""
    way = {"points": (12, 0), "ratio": (11, 2), "finding": (10, 0)}.get(column.title)
    return column if way is None else replace(column, wraps=True, narrowest=way[0], drop=way[1])


def _by_condition(view: View, family: str, *, axis: str, backend: str) -> dict[str, list[Contrast]]:
    found: dict[str, list[Contrast]] = {condition: [] for condition in view.conditions}
    for contrast in contrasts(view, family, axis=axis, backend=backend):
        found[contrast.row["condition"]].append(contrast)
    return {condition: rows for condition, rows in found.items() if rows}


def _share(top: int, found: Mapping[str, Any]) -> int:
    return max(3, top // len(found))


def kept(found: Sequence[Contrast], *, top: int, alpha: float) -> list[Contrast]:
    """Return what is shown first, then the largest changes in either direction, ``top`` of them in all."""
    order = sorted(found, key=lambda c: (not c.shown(alpha), not c.judged, -abs(c.size or 0.0)))
    chosen = order[:top]
    return sorted(chosen, key=lambda c: (c.group is None, not c.judged, -(c.size or 0.0)))


def _rest(found: Sequence[Contrast], shown: Sequence[Contrast], *, alpha: float) -> Iterator[Subhead]:
    rest = [contrast for contrast in found if contrast not in shown]
    if rest:
        kinds = ("better", "worse", "not shown", "not judged")
        counts = [(kind, sum(c.verdict(alpha) == kind for c in rest)) for kind in kinds]
        told = ", ".join(f"{number(count)} {kind}" for kind, count in counts if count)
        yield Subhead(f"and {counted(len(rest), 'more group')}: {told}")


def _wers(view: View, pair: Pairing, *, axis: str) -> dict[tuple[str | None, str], tuple[float | None, float | None]]:
    sides = [
        {(row["group"], row["condition"]): row["wer"] for row in view.rates(axis=axis, backend=name)}
        for name in (pair.old, pair.new)
    ]
    return {cell: (sides[0].get(cell), sides[1].get(cell)) for cell in {*sides[0], *sides[1]}}
