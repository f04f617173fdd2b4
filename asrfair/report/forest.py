"""Intervals drawn in characters, on one scale for all rows of a table."""

from collections.abc import Callable, Sequence

from rich.text import Text

from asrfair.report.page import Drawn, Glyphs
from asrfair.report.text import Row, percent

TICKS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


def forest(rows: Sequence[Row], *, glyphs: Glyphs, guide: float | None, top: float | None = None) -> Drawn:
    """Return the intervals of ``rates`` rows as drawings, with a ``guide`` line at a WER to compare with.

    ``top`` is the end of a scale that several tables share; without it the rows have their own.
    """
    top = scale_top(rows) if top is None else top
    return Drawn(head=_axis(top), rows=[_bar(row, top=top, glyphs=glyphs, guide=guide) for row in rows])


def scale_top(rows: Sequence[Row]) -> float:
    """Return the upper end of the scale: a round WER that holds every rate, and intervals up to 100 %."""
    rates = [row["wer"] for row in rows if row["wer"] is not None]
    highs = [row["high"] for row in rows if row["high"] is not None]
    needed = max([*rates, min(max(highs, default=0.0), 1.0)], default=0.0)
    return next((tick for tick in TICKS if tick >= needed), needed)


def _axis(top: float) -> Callable[[int], Text]:
    def draw(width: int) -> Text:
        end = f"{100 * top:g} %"
        return Text("0" + end.rjust(width - 1), style="dim")

    return draw


def _bar(row: Row, *, top: float, glyphs: Glyphs, guide: float | None) -> Callable[[int], Text]:
    def draw(width: int) -> Text:
        cells = [" "] * width

        def place(rate: float) -> int:
            return min(int(rate / top * (width - 1) + 0.5), width - 1)

        if guide is not None and guide <= top:
            cells[place(guide)] = glyphs.guide
        if row["low"] is not None and row["high"] is not None:
            low, high = place(row["low"]), place(row["high"])
            cells[low : high + 1] = glyphs.line * (high + 1 - low)
            cells[low], cells[high] = glyphs.left, glyphs.right
            if row["high"] > top:
                cells[high] = glyphs.beyond
        if row["wer"] is not None:
            cells[place(row["wer"])] = glyphs.point if row["low"] is not None else glyphs.alone
        return Text("".join(cells).rstrip())

    return draw


def cell(row: Row | None, errors: int | None) -> str:
    """Return a WER for a table, or the number of errors in brackets where there are no reference words."""
    if row is None:
        return "-"
    if row["wer"] is not None:
        return percent(row["wer"])
    return "-" if errors is None else f"({errors:,})"
