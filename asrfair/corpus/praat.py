"""Reading Praat's TextGrid files, in the long («full») and the short text format.

Praat reads only free-standing numbers, quoted strings (a quotation mark inside is doubled) and flags in ``<>``, and
passes over everything else, comments from ``!`` included; both formats are therefore one sequence of values.
Source: fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html. Texts are UTF-8, or UTF-16 with a byte-order mark.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from asrfair.errors import InputError
from asrfair.reading import read_lines

TOKEN = re.compile(
    r'(?P<text>"(?:[^"]|"")*")(?=\s|$)'
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)"
    r"|(?<!\S)(?P<flag><\w+>)(?!\S)"
    r"|(?<!\S)(?P<comment>![^\n]*)"
    r'|(?P<open>")'
)


class Interval(NamedTuple):
    """A stretch of a tier, in seconds; its line in the file."""

    start_s: float
    end_s: float
    text: str
    line: int


class Tier(NamedTuple):
    """An interval tier, or a point tier (``intervals`` is None)."""

    name: str
    intervals: list[Interval] | None


class _Values:
    """The values of a file in order, each with its line."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._line = 1
        self._found = _tokens("\n".join(read_lines(path, encoding=encoding)), path)

    def text(self, what: str) -> tuple[str, int]:
        return self._next("text", f"{what} in quotation marks")

    def number(self, what: str) -> float:
        return float(self._next("number", what)[0])

    def count(self, what: str) -> int:
        value = self.number(what)
        if value < 0 or not value.is_integer():
            raise InputError(f"{self._path}: line {self._line}: found {value:g} {what}; expected a whole number from 0")
        return int(value)

    def flag(self, what: str) -> str:
        return self._next("flag", what)[0]

    def _next(self, kind: str, what: str) -> tuple[str, int]:
        found, value, self._line = next(self._found, ("end", "the end of the file", self._line))
        if found != kind:
            raise InputError(f"{self._path}: line {self._line}: found {value[:40]!r}; expected {what}")
        return value, self._line


def read_textgrid(path: Path, *, encoding: str = "utf-8") -> list[Tier]:
    """Return the tiers of a TextGrid; raises InputError naming file and line."""
    values = _Values(path, encoding)
    kind = values.text("the file type ooTextFile")[0]
    object_class = values.text("the object class TextGrid")[0]
    if not kind.startswith("ooTextFile") or object_class.split(" ")[0] != "TextGrid":
        raise InputError(f"{path}: found {kind!r} {object_class!r}; expected a text file with one TextGrid")
    values.number("the start of the TextGrid")
    values.number("the end of the TextGrid")
    if values.flag("<exists>") != "<exists>":
        return []
    return [_tier(path, values) for _ in range(values.count("tiers"))]


def _tier(path: Path, values: _Values) -> Tier:
    kind, line = values.text("a tier's class")
    name, _ = values.text("a tier's name")
    values.number("the tier's start")
    values.number("the tier's end")
    size = values.count("intervals or points")
    if kind == "TextTier":
        for _ in range(size):
            values.number("a point's time")
            values.text("a point's mark")
        return Tier(name, None)
    if kind != "IntervalTier":
        raise InputError(f"{path}: line {line}: found a tier of class {kind!r}; expected IntervalTier or TextTier")
    return Tier(name, [_interval(path, values) for _ in range(size)])


def _interval(path: Path, values: _Values) -> Interval:
    start, end = values.number("an interval's start"), values.number("an interval's end")
    text, line = values.text("an interval's text")
    if not 0 <= start < end < float("inf"):
        raise InputError(f"{path}: line {line}: found the interval {start:g} to {end:g}; expected 0 ≤ start < end")
    return Interval(start, end, text, line)


def _tokens(text: str, path: Path) -> Iterator[tuple[str, str, int]]:
    line, counted = 1, 0
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or ""
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if kind == "open":
            raise InputError(f"{path}: line {line}: found a quotation mark that is not closed; expected it doubled")
        if kind == "text":
            yield kind, match["text"][1:-1].replace('""', '"'), line
        elif kind != "comment":
            yield kind, match[0], line
