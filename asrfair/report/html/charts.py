"""The page's charts, drawn by Altair: forests of intervals, heat maps, ladders with bands.

Nothing is computed here but places on a scale; each chart shows rows that stand in a table beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.report.forest import scale_top
from asrfair.report.html.blocks import Chart, slug
from asrfair.report.html.drawing import COLOURS, FONT_SIZE, STEPS, Drawing, draw
from asrfair.report.rungs import Ladder
from asrfair.report.text import Row, counted, label, listed, percent, percent_interval
from asrfair.report.view import is_few

PLOT_WIDTH, ROW_HEIGHT = 290, 22
CELL_WIDTH, CELL_HEIGHT = 58, 26
LADDER_WIDTH, LADDER_HEIGHT = 300, 180
FOREST_LEGEND = (
    "Point: WER; line: its interval, cut off at the chart's end; hollow: fewer than 10 speakers; small ring without a "
    "line: not judged; dashed line: the reference group."
)
HEAT_LEGEND = "WER in per cent, darker (or, on a dark page, lighter) where it is higher; in brackets: not judged."
LADDER_LEGEND = (
    "Line and band: WER and its interval, cut off at the chart's end, harder to the right; dashed and grey: {other}."
)
TOLD = 8


@dataclass(frozen=True)
class Named:
    """A chart's id, title and the id of the table behind it."""

    id: str
    title: str
    table: str

    def chart(self, drawing: Drawing, told: str) -> Chart:
        """Return the chart."""
        return Chart(self.id, self.title, told, drawing.inside, drawing.box, table=self.table, width=drawing.width)


def distinct(names: Sequence[str]) -> list[str]:
    """Return names, those that look alike told apart by a number: a chart has a row for each."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told


def forest_chart(named: Named, names: Sequence[str], rows: Sequence[Row], *, guide: float | None, top: float) -> Chart:
    """Draw the intervals of ``rates`` rows, each under its name; ``guide`` is a WER to compare with.

    ``top`` is the scale's end, a fraction (`forest_top`).
    """
    import altair as alt

    shown = distinct(names)
    table = pl.DataFrame(
        {
            "name": shown,
            "wer": [None if row["wer"] is None else 100 * min(row["wer"], top) for row in rows],
            "low": [None if row["low"] is None else 100 * min(row["low"], top) for row in rows],
            "high": [None if row["low"] is None else 100 * min(row["high"], top) for row in rows],
            "kind": [_kind(row) for row in rows],
        },
        schema={"name": pl.String, "wer": pl.Float64, "low": pl.Float64, "high": pl.Float64, "kind": pl.String},
    )
    # Few enough ticks for their numbers to stand apart.
    scale: dict[str, Any] = {
        "title": "WER in per cent",
        "scale": alt.Scale(domain=[0, 100 * top], nice=False),
        "axis": alt.Axis(tickCount=5),
    }
    y = alt.Y("name:N", title=None, sort=None, scale=alt.Scale(domain=shown), axis=alt.Axis(ticks=False))
    judged = alt.Chart(table.drop_nulls("low")).encode(y=y)
    layers = [judged.mark_rule(color=COLOURS["mark"], strokeWidth=2).encode(x=alt.X("low:Q", **scale), x2="high:Q")]
    if guide is not None:
        line = alt.Chart(pl.DataFrame({"at": [100 * min(guide, top)]}))
        layers.insert(0, line.mark_rule(color=COLOURS["quiet"], strokeDash=[4, 3]).encode(x=alt.X("at:Q", **scale)))
    for kind, fill, size in (("many", "mark", 70), ("few", "paper", 70), ("alone", "paper", 30)):
        points = alt.Chart(table.filter(pl.col("kind") == kind, pl.col("wer").is_not_null())).encode(
            y=y, x=alt.X("wer:Q", **scale)
        )
        layers.append(points.mark_point(fill=COLOURS[fill], stroke=COLOURS["mark"], opacity=1, size=size))
    height = ROW_HEIGHT * max(len(shown), 1)
    drawn = draw(alt.layer(*layers).properties(width=PLOT_WIDTH, height=height), name=named.id)
    return named.chart(drawn, _told(shown, rows))


def _kind(row: Row) -> str:
    if row["low"] is None:
        return "alone"
    return "few" if is_few(row["speakers"]) else "many"


def _told(names: Sequence[str], rows: Sequence[Row]) -> str:
    pairs = list(zip(names, rows, strict=True))
    told = [
        f"{name} {'unknown' if row['wer'] is None else percent(row['wer'])} {percent_interval(row)}"
        for name, row in pairs
    ]
    return f"WER in per cent: {listed(told, most=TOLD)}."


Cells = Sequence[Sequence[Row | None]]


def heat_top(figure: Iterable[Cells]) -> float:
    """Return the highest WER of the heat maps that stand beside each other, a fraction: their darkest."""
    rows = (row for cells in figure for line in cells for row in line)
    return max((row["wer"] for row in rows if row is not None and row["wer"] is not None), default=0.0)


def heat_chart(named: Named, names: Sequence[str], conditions: Sequence[str], cells: Cells, *, top: float) -> Chart:
    """Draw a cell for each name and condition, ``cells`` by name, with its WER in it, the darkest at ``top``."""
    import altair as alt

    shown, columns = distinct(names), distinct([label(name) for name in conditions])
    table = pl.DataFrame(
        [
            {"name": name, "condition": column, "step": _step(row, top), "text": _heat_text(row)}
            for name, line in zip(shown, cells, strict=True)
            for column, row in zip(columns, line, strict=True)
        ],
        schema={"name": pl.String, "condition": pl.String, "step": pl.String, "text": pl.String},
    )
    steps = [str(step) for step in range(STEPS)]
    base = alt.Chart(table).encode(
        x=alt.X(
            "condition:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=columns),
            axis=alt.Axis(orient="top", labelAngle=-40, ticks=False, domain=False, labelLimit=130),
        ),
        y=alt.Y(
            "name:N", title=None, sort=None, scale=alt.Scale(domain=shown), axis=alt.Axis(ticks=False, domain=False)
        ),
    )
    fill, ink = (
        alt.Scale(domain=[*steps, "none"], range=[*(COLOURS[f"{kind}-{k}"] for k in steps), COLOURS[rest]])
        for kind, rest in (("heat", "paper"), ("on-heat", "ink"))
    )
    rects = base.mark_rect(stroke=COLOURS["paper"], strokeWidth=2).encode(
        color=alt.Color("step:N", scale=fill, legend=None)
    )
    texts = base.mark_text(fontSize=FONT_SIZE).encode(text="text:N", fill=alt.Fill("step:N", scale=ink, legend=None))
    size = {"width": CELL_WIDTH * len(columns), "height": CELL_HEIGHT * max(len(shown), 1)}
    layered = alt.layer(rects, texts).resolve_scale(color="independent", fill="independent").properties(**size)
    highest = max(
        (
            (row["wer"], f"{name} in {column}")
            for name, line in zip(shown, cells, strict=True)
            for column, row in zip(columns, line, strict=True)
            if row is not None and row["wer"] is not None
        ),
        default=None,
    )
    told = "" if highest is None else f" The highest is {percent(highest[0])} %, {highest[1]}."
    size_told = f"{counted(len(shown), 'group')} under {counted(len(columns), 'condition')}"
    return named.chart(draw(layered, name=named.id), f"WER in per cent of {size_told}.{told}")


def _step(row: Row | None, top: float) -> str:
    if row is None or row["wer"] is None or row["low"] is None or top <= 0:
        return "none"
    return str(min(int(row["wer"] / top * STEPS), STEPS - 1))


def _heat_text(row: Row | None) -> str:
    if row is None:
        return "–"
    rate = "–" if row["wer"] is None else percent(row["wer"])
    return rate if row["low"] is not None else f"({rate})"


@dataclass(frozen=True)
class Curve:
    """A line along a ladder: its name and the ``rates`` row of each rung."""

    name: str
    rows: Sequence[Row | None]


def ladder_chart(named: Named, ladder: Ladder, own: Curve, other: Curve | None, *, top: float) -> Chart:
    """Draw WER with its band along a ladder, over that of another group; ``top`` is the scale's end, a fraction."""
    import altair as alt

    x = alt.X(
        "value:Q",
        title=f"{label(ladder.title)}{', ' + ladder.unit if ladder.unit else ''}",
        scale=alt.Scale(
            domain=sorted([ladder.rungs[0][0], ladder.rungs[-1][0]]), reverse=not ladder.more_is_harder, nice=False
        ),
        axis=alt.Axis(tickCount=6),
    )
    scale: dict[str, Any] = {"title": "WER in per cent", "scale": alt.Scale(domain=[0, 100 * top], nice=False)}
    y = alt.Y("wer:Q", **scale)
    layers: list[Any] = []
    for curve, line, band, dash in ((other, "other", "other-band", [5, 3]), (own, "mark", "band", [1, 0])):
        if curve is not None:
            base = alt.Chart(_points(ladder, curve, top=top)).encode(x=x)
            layers.append(
                base.mark_area(color=COLOURS[band], opacity=0.55).encode(y=alt.Y("low:Q", **scale), y2="high:Q")
            )
            layers.append(base.mark_line(color=COLOURS[line], strokeDash=dash, strokeWidth=2).encode(y=y))
            layers.append(base.mark_point(fill=COLOURS[line], stroke=COLOURS[line], opacity=1, size=24).encode(y=y))
    chart = alt.layer(*layers).properties(width=LADDER_WIDTH, height=LADDER_HEIGHT)
    return named.chart(draw(chart, name=named.id), _along(ladder, own))


def _points(ladder: Ladder, curve: Curve, *, top: float) -> pl.DataFrame:
    def at(row: Row | None, name: str) -> float | None:
        return None if row is None or row[name] is None else 100 * min(float(row[name]), top)

    rows = [
        {"value": value, **{name: at(row, name) for name in ("wer", "low", "high")}}
        for (value, _), row in zip(ladder.rungs, curve.rows, strict=True)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("value", "wer", "low", "high"), pl.Float64))


def _along(ladder: Ladder, curve: Curve) -> str:
    told = [
        f"{percent(row['wer'])} {percent_interval(row)} at {value:g}"
        for (value, _), row in zip(ladder.rungs, curve.rows, strict=True)
        if row is not None and row["wer"] is not None
    ]
    return f"WER in per cent along {label(ladder.name)}: {listed(told, most=TOLD)}."


def chart_id(kind: str, *names: str | None) -> str:
    """Return a chart's id."""
    return "-".join([kind, *(slug(name or "") for name in names)])


def forest_top(rows: Sequence[Row]) -> float:
    """Return the end of the scale that the forests of these rows share."""
    return scale_top(rows) or 1.0


def ladder_top(curves: Sequence[Curve]) -> float:
    """Return the end of the scale that the curves of a ladder share."""
    return scale_top([row for curve in curves for row in curve.rows if row is not None]) or 1.0
