"""The page's ladders: what the terminal says of them, with a drawing for each group."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from asrfair.report.html.blocks import Block, Chart, Charts, Section, Subtitle, Table
from asrfair.report.html.charts import LADDER_LEGEND, Curve, Named, chart_id, ladder_chart, ladder_top
from asrfair.report.html.tables import Limits
from asrfair.report.html.told import told
from asrfair.report.ladders import ladders
from asrfair.report.rungs import Ladder, found_ladders
from asrfair.report.text import Row, counted, label
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST_DRAWN = 6
"""Groups drawn of each axis with each recogniser, those with the largest handicaps."""


@dataclass(frozen=True)
class _Panel:
    """An axis with a recogniser along a ladder: the groups' curves to draw, whom they are drawn over, how many not."""

    axis: str
    backend: str
    own: Sequence[Curve]
    other: Curve | None
    rest: int


def ladder_sections(view: View, full: View, limits: Limits) -> list[Section]:
    """Return a section for each ladder that was counted."""
    found = [_panels(full, ladder) for ladder in found_ladders(full)]
    sections = told(ladders, full, prefix="ladder", top=limits.groups)
    return [
        replace(section, blocks=list(_drawn(view, section, ladder, panels)))
        for section, ladder, panels in zip(sections, found_ladders(full), found, strict=True)
    ]


def _drawn(view: View, section: Section, ladder: Ladder, panels: Sequence[_Panel]) -> Iterator[Block]:
    """Yield the section's blocks, the charts of each axis with each recogniser after its title."""
    blocks = list(section.blocks)
    each = iter(panels)
    for k, block in enumerate(blocks):
        yield block
        if isinstance(block, Subtitle):
            behind = next((found.id for found in blocks[k:] if isinstance(found, Table)), "")
            panel = next(each)
            beyond = f"{counted(panel.rest, 'more group')} not drawn." if panel.rest else ""
            other = "" if panel.other is None else panel.other.name
            legend = LADDER_LEGEND.format(other=other or "nobody else")
            yield Charts(list(_charts(ladder, panel, behind)), " ".join(filter(None, [view.who(legend), beyond])))


def _charts(ladder: Ladder, panel: _Panel, table: str) -> Iterator[Chart]:
    top = ladder_top([*panel.own, *([panel.other] if panel.other else [])])
    for place, curve in enumerate(panel.own):
        name = chart_id("ladder", ladder.name, panel.axis, panel.backend, str(place))
        yield ladder_chart(Named(name, curve.name, table), ladder, curve, panel.other, top=top)


def _panels(view: View, ladder: Ladder) -> list[_Panel]:
    found = [
        _panel(view, ladder, axis=axis, backend=backend)
        for axis in view.axes or (OVERALL,)
        for backend in view.backends
    ]
    return [panel for panel in found if panel is not None]


def _panel(view: View, ladder: Ladder, *, axis: str, backend: str) -> _Panel | None:
    cells = _cells(view, ladder, axis=axis, backend=backend)
    if not cells:
        return None
    everybody = view.who("all speakers")
    if axis == OVERALL:
        own = [Curve(everybody, rows) for rows in cells.values()]
        return _Panel(axis, backend, own, None, 0)
    reference = view.axis(axis).get("reference_group")
    sizes = _handicaps(view, ladder, axis=axis, backend=backend)
    groups = sorted(cells, key=lambda group: (group is None, -sizes.get(group, -math.inf), group or ""))
    groups = [group for group in groups if group != reference or reference is None]
    other: Curve | None
    if reference in cells:
        other = Curve(label(reference), cells[reference])
    else:
        pooled = _cells(view, ladder, axis=OVERALL, backend=backend)
        other = Curve(everybody, next(iter(pooled.values()))) if pooled else None
    own = [Curve(label(group), cells[group]) for group in groups[:MOST_DRAWN]]
    return _Panel(axis, backend, own, other, max(len(groups) - MOST_DRAWN, 0))


def _cells(view: View, ladder: Ladder, *, axis: str, backend: str) -> dict[str | None, list[Row | None]]:
    """Return the ``rates`` rows of each group, rung by rung."""
    place = {condition: k for k, (_, condition) in enumerate(ladder.rungs)}
    found: dict[str | None, list[Row | None]] = {}
    own = (pl.col("axis") == axis, pl.col("backend") == backend, pl.col("condition").is_in(list(place)))
    for row in view.whole.rates.filter(*own).iter_rows(named=True):
        found.setdefault(row["group"], [None] * len(place))[place[row["condition"]]] = row
    return found


def _handicaps(view: View, ladder: Ladder, *, axis: str, backend: str) -> dict[str | None, float]:
    """Return how large each group's handicap is, or how large it is at least; the unknown are not there."""
    own = (pl.col("ladder") == ladder.name, pl.col("axis") == axis, pl.col("backend") == backend)
    rows = view.whole.handicaps.filter(*own, pl.col("at").is_null()).with_columns(
        size=pl.coalesce("estimate", "low", "high")
    )
    return dict(rows.select("group", "size").drop_nulls("size").iter_rows())
