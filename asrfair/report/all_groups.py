"""Over all groups of an axis: how far apart the extremes are, how much groups differ, and whether they do at all."""

from dataclasses import dataclass

from rich.text import Text

from asrfair.report.footnotes import footnotes
from asrfair.report.page import QUIET, Column, Page
from asrfair.report.text import Row, chance, label, listed, number, percent, percent_interval, under
from asrfair.report.view import View

DIFFER, ALIKE, UNKNOWN = "differ", "not shown", "not judged"


@dataclass(frozen=True)
class _Cell:
    """What is said over all groups with one recogniser under one condition."""

    backend: str
    condition: str
    gap: Row | None
    spread: Row | None
    equality: Row | None

    def finding(self, alpha: float) -> str:
        """Return whether it was shown that groups differ."""
        p = None if self.equality is None else self.equality["p_adjusted"]
        return UNKNOWN if p is None else DIFFER if p < alpha else ALIKE

    @property
    def rows(self) -> list[Row]:
        """The rows there are."""
        return [row for row in (self.gap, self.spread, self.equality) if row is not None]


def over_all_groups(page: Page, view: View, *, axis: str) -> None:
    """Write the gap, the spread and the test of equality of an axis under the main condition, by recogniser."""
    cells = [_cell(view, axis, backend, condition) for backend in view.backends for condition in view.conditions]
    cells = [cell for cell in cells if cell.rows]
    main = [cell for cell in cells if cell.condition == view.condition]
    if not main:
        return
    page.gap()
    page.line(f"Over all groups, {under(view.condition)}, in points", indent=2, hang=2)
    columns = [
        Column("recogniser", wraps=True, narrowest=10),
        Column("highest to\nlowest", wraps=True, narrowest=10),
        Column("between", spare=True),
        Column("sd between\ngroups", wraps=True, narrowest=10, drop=2),
        Column("equality,\nadj. p", align="right", drop=1),
        Column("finding"),
    ]
    page.table(columns, [_cells(view, cell) for cell in main])
    _elsewhere(page, view, [cell for cell in cells if cell.condition != view.condition])
    footnotes(page, view, [(label(cell.backend), row) for cell in main for row in cell.rows if row is not cell.spread])


def _cell(view: View, axis: str, backend: str, condition: str) -> _Cell:
    where = {"axis": axis, "backend": backend, "condition": condition}
    gap, spread, equality = (
        next(iter(view.rows(table, **where, **named)), None)
        for table, named in (
            ("disparities", {"measure": "gap"}),
            ("disparities", {"measure": "between_group_sd"}),
            ("tests", {"test": "equality"}),
        )
    )
    return _Cell(backend, condition, gap, spread, equality)


def _cells(view: View, cell: _Cell) -> list[str | Text]:
    finding, gap = cell.finding(view.alpha), cell.gap
    named = gap is not None and gap["reference_group"] is not None
    return [
        label(cell.backend),
        _sized(gap),
        f"{label(gap['group'])}, {label(gap['reference_group'])}" if gap is not None and named else "",
        _sized(cell.spread),
        "-" if cell.equality is None or cell.equality["p_adjusted"] is None else chance(cell.equality["p_adjusted"]),
        Text(finding, style="bold" if finding == DIFFER else QUIET),
    ]


def _sized(row: Row | None) -> str:
    if row is None or row["estimate"] is None:
        return "-"
    size = percent(row["estimate"])
    if row["high"] is None:
        return size if row["low"] is None else f"{size}, at least {percent(row['low'])}"
    return f"{size} {percent_interval(row)}"


def _elsewhere(page: Page, view: View, cells: list[_Cell]) -> None:
    if not cells:
        return
    differ = [cell for cell in cells if cell.finding(view.alpha) == DIFFER]
    several = len(view.backends) > 1
    names = [label(c.condition) + (f" with {label(c.backend)}" if several else "") for c in differ]
    told = f" ({listed(names, most=4)})" if 0 < len(differ) < len(cells) else ""
    page.line(
        f"under the other conditions: groups differ in {number(len(differ))} of {number(len(cells))}{told}",
        style=QUIET,
        indent=2,
        hang=2,
    )
