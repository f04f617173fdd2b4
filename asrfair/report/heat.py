"""Groups × conditions: the WER of each cell, darker where it is higher, with its interval.

Under each group stand the speakers and words that its cells rest on; a cell that rests on others says so itself. A
cell without an interval is not shaded: it was not judged. Shades are characters, and colours too where there are any.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from asrfair.report.footnotes import footnotes
from asrfair.report.forest import cell
from asrfair.report.page import GAP, QUIET, Column, Glyphs, Page
from asrfair.report.text import Row, label, number, percent_interval, under
from asrfair.report.view import View, speakers

NO_WORDS = "(n)  no reference words: the number of errors in place of a rate"
CONDITION_WIDTH = 14
NAMES_WIDTH = 16
# Each names its text and its ground, so that both are readable on a dark screen and on a light one.
COLOURS = ("", "black on yellow", "black on bright_red", "bright_white on red", "bright_white on magenta")


def highest(view: View, *, axis: str, groups: Mapping[str, Collection[str | None]]) -> float:
    """Return the highest WER that could be judged of each recogniser's ``groups`` under any condition; 0 of none."""
    rows = (row for name, own in groups.items() for row in view.rates(axis=axis, backend=name) if row["group"] in own)
    return max((row["wer"] for row in rows if row["wer"] is not None and row["low"] is not None), default=0.0)


def heat_table(page: Page, view: View, *, axis: str, backend: str, main: Sequence[Row], top: float) -> None:
    """Write the groups of ``main``, in its order, under every condition, in blocks that fit the page.

    A cell at ``top`` is the darkest: the highest WER of all recognisers' tables of the axis.
    """
    groups = {row["group"] for row in main}
    cells = {
        (row["group"], row["condition"]): row
        for row in view.rates(axis=axis, backend=backend)
        if row["group"] in groups
    }
    title = f"group\n{view.who('speakers')}\n/ words"
    names = [_named(row) for row in main]
    widest = max(cell_len(line) for name in (*names, title) for line in str(name).split("\n"))
    block = max((page.width - min(widest, NAMES_WIDTH) - GAP) // (CONDITION_WIDTH + GAP), 1)
    for start in range(0, len(view.conditions), block):
        conditions = view.conditions[start : start + block]
        columns = [Column(title, wraps=True, narrowest=12)]
        columns += [Column(folded(label(name)), align="right") for name in conditions]
        page.gap()
        page.table(
            columns,
            [
                [
                    name,
                    *(
                        _cell(view, page, cells.get((row["group"], condition)), row, top=top)
                        for condition in conditions
                    ),
                ]
                for name, row in zip(names, main, strict=True)
            ],
        )
    _legend(page, view, list(cells.values()), top=top)
    told = {row["group"]: row["note"] for row in main}
    others = [row for row in cells.values() if row["note"] != told[row["group"]]]
    footnotes(page, view, [(f"{label(row['group'])} {under(row['condition'])}", row) for row in others])


def shade(rate: float | None, *, top: float, glyphs: Glyphs) -> int:
    """Return which of the shades a rate has, 0 to 4: they darken as it nears the highest of its table."""
    if rate is None or top <= 0:
        return 0
    steps = len(glyphs.shades)
    return min(int(rate / top * steps), steps - 1)


def _named(row: Row) -> Text:
    return Text.assemble(label(row["group"]), "\n", (_base(row), QUIET))


def _base(row: Row) -> str:
    return f"{speakers(row['speakers'])} / {number(row['reference_words'])}"


def folded(name: str) -> str:
    """Return a condition's name in lines that fit its column."""
    return "\n".join(textwrap.wrap(name, CONDITION_WIDTH)) or name


def _cell(view: View, page: Page, row: Row | None, main: Row, *, top: float) -> Text:
    if row is None:
        return Text("-  ", style=QUIET)
    errors = view.errors(row) if row["wer"] is None else None
    rate = cell(row, errors)
    if row["low"] is None:
        shown = Text(f"{rate} {page.glyphs.alone}")
    else:
        step = shade(row["wer"], top=top, glyphs=page.glyphs)
        shown = Text.assemble((rate, f"bold {COLOURS[step]}".strip()), f" {page.glyphs.shades[step]}")
    others = "" if _base(row) == _base(main) else f"\n{_base(row)}"
    return Text.assemble(shown, "\n", (percent_interval(row), QUIET), (others, QUIET))


def _legend(page: Page, view: View, rows: Sequence[Row], *, top: float) -> None:
    glyphs = page.glyphs
    shades = glyphs.shades.strip()
    where = "with any recogniser here" if len(view.backends) > 1 else "here"
    parts = [f"{shades}  darker: nearer to the highest WER {where}"] if top > 0 else []
    if any(row["low"] is None for row in rows):
        parts.append(f"{glyphs.alone}  not judged")
    page.line("; ".join(parts), style=QUIET, indent=2, hang=len(shades) + 2)
    if any(row["wer"] is None and view.errors(row) is not None for row in rows):
        page.line(NO_WORDS, style=QUIET, indent=2, hang=5)
