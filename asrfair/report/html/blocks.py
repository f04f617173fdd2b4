"""What a page is made of: sections of lines, tables and charts, all of it text that the template escapes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from asrfair.report.text import safe

# A number at the start of a cell that holds more: what a reader would sort by.
_LEADING = re.compile(r"[<>(]?\s*([+−-]?[\d,]+(?:\.\d+)?)")


@dataclass(frozen=True)
class Cell:
    """A table's cell; ``order`` is what it sorts by where its text is no number, "" for the unknown."""

    text: str
    order: str | None = None
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """A table's column: ``numeric`` ones are aligned right, a ``choice`` can be filtered by its values.

    A ``rare`` one is hidden until all columns are asked for.
    """

    title: str
    numeric: bool = False
    choice: bool = False
    rare: bool = False


@dataclass(frozen=True)
class Subhead:
    """A row that heads those after it."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names it. ``left_out`` says what rows are not there, ``folded``: behind a line.

    A ``sortable`` table has no `Subhead` and gets a search field, sorting and pages where scripts run.
    """

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell] | Subhead]
    notes: Sequence[str] = ()
    left_out: str = ""
    sortable: bool = True
    folded: bool = False

    @property
    def rare(self) -> tuple[str, ...]:
        """The titles of the columns that are hidden at first."""
        return tuple(column.title for column in self.columns if column.rare)


@dataclass(frozen=True)
class Line:
    """A paragraph; ``kind`` is "", "note" or "warning"."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Subtitle:
    """A title within a section."""

    text: str


@dataclass(frozen=True)
class Item:
    """An entry of a list, with the entries under it."""

    text: str
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Facts:
    """Names, each with what is told of it."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chart:
    """A drawing: ``title`` names it, ``told`` says what it shows to those who do not see it, ``svg`` is safe as it is,
    with its view ``box``.

    ``table`` is the id of the table behind it; ``width`` its natural width in pixels.
    """

    id: str
    title: str
    told: str
    svg: str
    box: str
    table: str
    width: int


@dataclass(frozen=True)
class Charts:
    """Charts side by side where there is room, with what marks and colours mean."""

    charts: Sequence[Chart]
    legend: str = ""


Block = Line | Subtitle | Items | Facts | Table | Charts


@dataclass(frozen=True)
class Section:
    """A section of the page; ``folded``: behind its title until it is opened."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    folded: bool = False

    def tables(self) -> Iterator[Table]:
        """Yield the tables."""
        return (block for block in self.blocks if isinstance(block, Table))


def cell(text: str, *, strong: bool = False) -> Cell:
    """Return a cell that sorts by the number that its text starts with, if it has more than that."""
    shown = "\n".join(safe(line) for line in text.split("\n"))
    found = _LEADING.match(shown)
    if found is None or found.end() == len(shown):
        return Cell(shown, strong=strong)
    return Cell(shown, order=found[1].replace(",", "").replace("−", "-"), strong=strong)


def number_cell(text: str, value: float | None, *, strong: bool = False) -> Cell:
    """Return a cell that sorts by a number; the unknown sorts before all."""
    return Cell(text, order="" if value is None else f"{value:.6g}", strong=strong)


def slug(name: str) -> str:
    """Return a name as part of an id: letters and digits of ASCII, all else written out, so that ids stay unique."""
    kept = (c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}" for c in name)
    return "".join(kept)
