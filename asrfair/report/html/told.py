"""The sections of the terminal report as blocks of a page, so that both say the same in the same words."""

import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.text import Text

from asrfair.report.html.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Item,
    Items,
    Line,
    Section,
    Subhead,
    Subtitle,
    Table,
    cell,
)
from asrfair.report.page import QUIET, WARNING, Drawn, Page, isolated
from asrfair.report.page import Cell as PageCell
from asrfair.report.page import Column as PageColumn
from asrfair.report.page import Subhead as PageSubhead
from asrfair.report.text import safe

WIDTH = 1_000
"""Cells of the page that sections are written to: no column is ever left out or folded."""
FACT = re.compile(r"(\w+) {2,}(.+)")
"""A line that names a fact and tells it."""
DRAWN = "curve"
"""The title of a column that is drawn in characters."""
UNTITLED = "what"
"""The title of a column that has none: every column of a page has a heading."""
LISTED = 4
"""The indentation from which lines are entries of a list; deeper ones are under them."""


class Recorder(Page):
    """A page that keeps what is written instead of printing it; ``prefix`` begins the ids of its tables."""

    def __init__(self, *, prefix: str, title: str = "") -> None:
        # Far from a terminal: no colour, and an encoding that holds every character.
        super().__init__(Console(file=StringIO(), width=WIDTH, color_system=None, legacy_windows=False))
        self.sections = [Section(prefix, title, [])]
        self._prefix = prefix
        self._tables = 0

    @property
    def _blocks(self) -> list[Block]:
        blocks = self.sections[-1].blocks
        return blocks if isinstance(blocks, list) else []

    def gap(self) -> None:
        """Leave room: a page's style does."""

    def heading(self, title: str) -> None:
        """Begin a section."""
        self.sections.append(Section(f"{self._prefix}-{len(self.sections)}", safe(title), []))

    def line(self, content: PageCell, *, style: str = "", indent: int = 0, hang: int = 0) -> None:
        """Keep a line: a title, a paragraph, or an entry of a list by its indentation."""
        text = isolated(Text(safe(content.plain if isinstance(content, Text) else content))).plain
        if not text:
            return
        last = self._blocks[-1] if self._blocks else None
        fact = FACT.fullmatch(text)
        if indent >= LISTED and style != "bold":
            items = list(last.items) if isinstance(last, Items) else []
            if indent > LISTED and items:
                items[-1] = Item(items[-1].text, (*items[-1].under, text))
            else:
                items.append(Item(text))
            self._blocks[len(self._blocks) - isinstance(last, Items) :] = [Items(tuple(items))]
        elif fact is not None:
            facts = last.facts if isinstance(last, Facts) else ()
            self._blocks[len(self._blocks) - isinstance(last, Facts) :] = [Facts((*facts, (fact[1], fact[2])))]
        elif style == "bold":
            self._blocks.append(Subtitle(text))
        else:
            self._blocks.append(Line(text, {QUIET: "note", WARNING: "warning"}.get(style, "")))

    def table(
        self,
        columns: Sequence[PageColumn],
        rows: Sequence[Sequence[PageCell] | PageSubhead],
        *,
        drawn: Drawn | None = None,
    ) -> bool:
        """Keep a table; the line before it is its caption. Drawings are left out: a page has charts."""
        text = self._caption(columns)
        self._tables += 1
        places = [k for k, column in enumerate(columns) if column.title != DRAWN]
        kept = [
            Subhead(safe(row.text)) if isinstance(row, PageSubhead) else [_cell(row[k]) for k in places] for row in rows
        ]
        self._blocks.append(
            Table(
                id=f"{self._prefix}-table-{self._tables}",
                caption=text,
                columns=[Column(_title(columns[k].title), numeric=columns[k].align == "right") for k in places],
                rows=kept,
                sortable=not any(isinstance(row, Subhead) for row in kept),
            )
        )
        return False

    def _caption(self, columns: Sequence[PageColumn]) -> str:
        """Return the line before the table, which leaves its place; or else the last title with what is told."""
        last = self._blocks[-1] if self._blocks else None
        if isinstance(last, Line) and not last.kind and not last.text.endswith("."):
            self._blocks.pop()
            return last.text
        titles = [block.text for block in self._blocks if isinstance(block, Subtitle)]
        title = titles[-1] if titles else self.sections[-1].title
        second = _title(columns[1].title) if len(columns) > 1 else ""
        return f"{title}: {second}" if second[:1].isalpha() else title


def told(write: Callable[..., None], *given: Any, prefix: str, title: str = "", **named: Any) -> Iterator[Section]:
    """Yield the sections that a writer of the terminal report writes; the first may have begun under ``title``."""
    page = Recorder(prefix=prefix, title=title)
    write(page, *given, **named)
    return (section for section in page.sections if section.blocks)


def _title(text: str) -> str:
    """Return a column's title on one line: «utter-» and «ances» are one word."""
    return safe(text.replace("-\n", "").replace("\n", " ")) or UNTITLED


def _cell(content: PageCell) -> Cell:
    if isinstance(content, Text):
        return cell(content.plain.strip(), strong="bold" in str(content.style))
    return cell(content.strip())
