"""A page of plain text on a rich console: wrapped lines and tables that fit the width and the encoding.

Labels are user data: nothing here reads markup, and what the encoding lacks is written as an escape. Lines have
no trailing blanks, so a report in a file or a log is tidy text.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from asrfair.report.text import safe

Cell = str | Text
Drawing = Callable[[int], Text]
GAP = 2
NARROWEST_DRAWING = 12
WIDEST_DRAWING = 44
WIDEST_LABEL_BESIDE_DRAWING = 22
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
# Hebrew, Arabic, Syriac, Thaana, N'Ko and their kin; between two of their letters, what is neither letter nor digit.
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RIGHT_TO_LEFT = re.compile(f"[{_LETTERS}](?:[^\\w\\n]*[{_LETTERS}])*")
WARNING = "bold yellow"
QUIET = "dim"


@dataclass(frozen=True)
class Glyphs:
    """The characters a chart is drawn with."""

    line: str
    left: str
    right: str
    point: str
    alone: str
    beyond: str
    guide: str
    shades: str
    rule: str
    unnamed: str


UNICODE = Glyphs("─", "├", "┤", point="●", alone="○", beyond="→", guide="┊", shades=" ░▒▓█", rule="─", unnamed="†")
ASCII = Glyphs("-", "|", "|", point="o", alone="?", beyond=">", guide=":", shades=" .:+#", rule="-", unnamed="+")


@dataclass(frozen=True)
class Column:
    """A column: its title (lines by ``\\n``), alignment, and how it gives way where space is short.

    ``wraps``: folded down to ``narrowest`` cells. ``drop``: left out when the page is too narrow, highest first.
    ``spare``: left out before any column is folded, the last first.
    """

    title: str
    align: Literal["left", "right"] = "left"
    wraps: bool = False
    narrowest: int = 10
    drop: int = 0
    spare: bool = False


@dataclass(frozen=True)
class Subhead:
    """A line between a table's rows."""

    text: str


@dataclass(frozen=True)
class Drawn:
    """A table's last column, drawn to whatever width is left: a heading and a drawing for each row."""

    head: Drawing
    rows: Sequence[Drawing]


class Page:
    """Write to a console; ``width`` is its width in cells and ``glyphs`` what it can draw with."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        self.glyphs = ASCII if console.options.ascii_only else UNICODE
        self.isolates = not console.options.ascii_only

    def gap(self) -> None:
        """Write an empty line."""
        self.console.print()

    def heading(self, title: str) -> None:
        """Write a section's title between an empty line and a rule."""
        self.gap()
        self.line(title, style="bold")
        self.line(self.glyphs.rule * min(cell_len(safe(title)), self.width), style=QUIET)

    def line(self, content: Cell, *, style: str = "", indent: int = 0, hang: int = 0) -> None:
        """Write text wrapped to the width, at ``indent`` cells, following lines ``hang`` cells further in."""
        text = self._text(content, style=style)
        if not text.plain:
            return
        first, *more = self._wrap(text, self.width - indent)
        self._put(indent, first)
        if not more:
            return
        rest = text[len(first.plain) :]
        rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
        for part in self._wrap(rest, self.width - indent - hang):
            self._put(indent + hang, part)

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell] | Subhead], *, drawn: Drawn | None = None
    ) -> bool:
        """Write a table at two cells of indentation; return whether there was room for the drawing."""
        kept = self._fitting(columns, rows)
        natural = self._natural(columns, rows, kept)
        if drawn is not None:
            natural[0] = min(natural[0], WIDEST_LABEL_BESIDE_DRAWING)
        widths = self._widths([columns[k] for k in kept], natural)
        room = min(self.width - sum(widths) - GAP * (len(kept) + 1), WIDEST_DRAWING)
        drawing = drawn if drawn is not None and room >= NARROWEST_DRAWING else None
        draws = iter(() if drawing is None else drawing.rows)
        aligns = [columns[k].align for k in kept]
        titles = [self._text(columns[k].title, style=QUIET) for k in kept]
        self._row(titles, widths, aligns, [] if drawing is None else [drawing.head(room)], bottom=True)
        for row in rows:
            if isinstance(row, Subhead):
                self.line(row.text, style="italic", indent=GAP)
                continue
            cells = [self._text(row[k]) for k in kept]
            self._row(cells, widths, aligns, [draw(room) for draw in [next(draws, None)] if draw is not None])
        return drawing is not None

    def _fitting(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell] | Subhead]) -> list[int]:
        kept = list(range(len(columns)))
        spare = [k for k in kept if columns[k].spare]
        while spare and sum(self._natural(columns, rows, kept)) + GAP * len(kept) > self.width:
            kept.remove(spare.pop())
        while True:
            natural = self._natural(columns, rows, kept)
            least = sum(
                min(width, columns[k].narrowest) if columns[k].wraps else width
                for k, width in zip(kept, natural, strict=True)
            )
            droppable = [k for k in kept if columns[k].drop]
            if least + GAP * len(kept) <= self.width or not droppable:
                return kept
            kept.remove(max(droppable, key=lambda k: columns[k].drop))

    def _natural(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell] | Subhead], kept: Sequence[int]
    ) -> list[int]:
        cells = [row for row in rows if not isinstance(row, Subhead)]
        return [max(_width(self._text(cell)) for cell in [columns[k].title, *(row[k] for row in cells)]) for k in kept]

    def _widths(self, columns: Sequence[Column], natural: list[int]) -> list[int]:
        over = sum(natural) + GAP * len(natural) - self.width
        widths = list(natural)
        for k, column in enumerate(columns):
            if column.wraps and over > 0:
                widths[k] = max(natural[k] - over, min(natural[k], column.narrowest))
                over -= natural[k] - widths[k]
        return widths

    def _row(
        self, cells: list[Text], widths: list[int], aligns: Sequence[str], drawing: list[Text], *, bottom: bool = False
    ) -> None:
        folded = [self._wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
        height = max(map(len, folded))
        for number in range(height):
            line = Text()
            for lines, width, align in zip(folded, widths, aligns, strict=True):
                at = number - (height - len(lines) if bottom else 0)
                part = lines[at] if 0 <= at < len(lines) else Text()
                blank = " " * max(width - part.cell_len, 0)
                line.append(" " * GAP)
                line.append_text(Text.assemble(blank, part) if align == "right" else Text.assemble(part, blank))
            if drawing and number == (height - 1 if bottom else 0):
                line.append(" " * GAP).append_text(self._text(drawing[0]))
            self._put(0, line)

    def _put(self, indent: int, text: Text) -> None:
        line = Text.assemble(" " * indent, text)
        line.rstrip()
        self.console.print(isolated(line) if self.isolates else line, soft_wrap=True)

    def _wrap(self, text: Text, width: int) -> list[Text]:
        lines: list[Text] = []
        for part in text.split("\n", allow_blank=True):
            lines.extend(part.wrap(self.console, max(width, 1), overflow="fold") or [part])
        for line in lines:
            line.rstrip()
        return lines or [Text()]

    def _text(self, content: Cell, *, style: str = "") -> Text:
        """Return text that this console can show; only ``\\n`` survives of the control characters."""
        if isinstance(content, Text):
            plain = self._encodable(content.plain)
            return content if plain == content.plain else Text(plain, style=content.style)
        return Text(self._encodable(content), style=style)

    def _encodable(self, content: str) -> str:
        shown = "\n".join(safe(line) for line in content.split("\n"))
        try:
            encoding = codecs.lookup(self.console.encoding).name
        except LookupError:
            encoding = "ascii"
        return shown.encode(encoding, "backslashreplace").decode(encoding)


def isolated(line: Text) -> Text:
    """Return a line whose runs of right-to-left text are isolated, so that they do not move what follows them.

    Without, a terminal that orders text by direction puts the number beside a Hebrew label before it. The isolates take
    no room (Unicode Standard Annex 9, 2.4).
    """
    runs = [match.span() for match in _RIGHT_TO_LEFT.finditer(line.plain)]
    if not runs:
        return line
    parts, end = [], 0
    for start, stop in runs:
        parts += [line[end:start], Text(FIRST_STRONG_ISOLATE), line[start:stop], Text(POP_ISOLATE)]
        end = stop
    return Text("").join([*parts, line[end:]])


def _width(text: Text) -> int:
    return max(cell_len(line) for line in text.plain.split("\n"))
