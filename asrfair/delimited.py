"""Delimited tables, every field a text: rows checked one by one, long tables read in pieces."""

import csv
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import polars as pl

from asrfair.errors import InputError

UNQUOTED = "if quotation marks are part of the text: --unquoted, or quoted = false in a card"
PIECE_BYTES = 2**25
START_BYTES = 2**16
CONTAINER = Path("/sys/fs/cgroup")
NEEDED = 3
"""How many times a table's size are needed to read it, at most, fields of a few letters aside."""


def read_delimited(path: Path, quoted: bool) -> pl.DataFrame:
    """Read a table of texts, comma-separated where the name ends in ``.csv``, else by tabs.

    Blank lines are left out. Raises InputError for ragged rows, a column that is there twice and a table larger than
    memory, and what `polars.read_csv` and `csv.reader` raise.
    """
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    _check_file(path)
    count = _check_fields(path, separator, quoted)
    if quoted:
        rows = _without_blank(_parse(path, separator, quoted))
        # Without such marks the two differ in rows of nothing but carriage returns.
        if len(rows) != count and b'"' in path.read_bytes():
            raise InputError(
                f"{path}: found quotation marks that make {count} rows or {len(rows)}, as one reads them; expected "
                f"fields quoted as a whole, and marks inside them doubled ({UNQUOTED})"
            )
        return rows
    # In pieces, which end with a line: Polars holds the whole file as well as its rows.
    with path.open("rb") as file:
        header = file.readline()
        pieces = iter(lambda: file.read(PIECE_BYTES) + file.readline(), b"")
        return _joined(_without_blank(_parse(header + piece, separator, quoted)) for piece in chain(pieces, [b""]))


def _check_file(path: Path) -> None:
    """Raise InputError for a pipe, an empty file, lines without ends, and a table that would not fit into memory.

    An operating system ends a process that takes too much without a word.
    """
    facts, free = path.stat(), free_bytes()
    size = facts.st_size
    if stat.S_ISFIFO(facts.st_mode):
        # Opening it would wait for a writer.
        raise InputError(f"{path}: found a named pipe; expected a plain file")
    if size == 0 and stat.S_ISREG(facts.st_mode):
        raise InputError(f"{path}: cannot be read as a {path.suffix[1:].lower()} table: empty file; expected a header")
    if free is not None and size * NEEDED > free:
        raise InputError(
            f"{path}: found a table of {size / 1e9:.1f} GB, which takes about {size * NEEDED / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB free; expected one that fits: cut it into splits, or leave out columns"
        )
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if b"\r" in start and b"\n" not in start:
        raise InputError(f"{path}: found lines that end in CR alone; expected LF or CRLF")


def free_bytes() -> int | None:
    """Return how much memory is free for this process, as Linux tells it; None where nothing does."""
    try:
        facts = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    known = re.search(r"^MemAvailable: +(\d+) kB$", facts, re.MULTILINE)
    amounts = [int(known[1]) * 1024] if known else []
    with suppress(OSError, ValueError):
        # In a container; the word «max» is no number.
        limit, used = (int((CONTAINER / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        amounts.append(max(0, limit - used))
    return min(amounts, default=None)


REPEATS = 2
"""A column whose first piece has each text this often, on average, is kept as a list of its texts and their numbers."""


def _joined(pieces: Iterator[pl.DataFrame]) -> pl.DataFrame:
    """Return tables one below the other; of texts that repeat each other, each takes memory once.

    What is no longer needed is let go at once: it is most of the memory that reading takes.
    """
    parts: list[pl.DataFrame] = []
    kinds: dict[str, pl.DataType] = {}
    for piece in pieces:
        if not parts:
            repeated = [column for column in piece if column.n_unique() * REPEATS <= len(column)]
            kinds = {column.name: pl.Categorical(pl.Categories.random()) for column in repeated}
        parts.append(piece.with_columns(pl.col(name).cast(kind) for name, kind in kinds.items()).rechunk())
        del piece
    columns = pl.concat(parts).get_columns()
    parts.clear()
    for place, column in enumerate(columns):
        columns[place] = _texts(column) if column.name in kinds else column.rechunk()
        del column
    return pl.DataFrame(columns)


def _texts(column: pl.Series) -> pl.Series:
    """Return categories as texts of which each is there once, however many rows have it: a cast would repeat them."""
    texts = column.unique()
    in_order = texts.gather(texts.to_physical().arg_sort()).cast(pl.String)
    return in_order.gather(column.to_physical().rechunk()).alias(column.name)


def _parse(source: Path | bytes, separator: str, quoted: bool) -> pl.DataFrame:
    return pl.read_csv(
        source,
        separator=separator,
        quote_char='"' if quoted else None,
        infer_schema=False,
        empty_string_is_null=False,
        glob=False,
    )


def _check_fields(path: Path, separator: str, quoted: bool) -> int:
    """Return the number of rows that are not blank; raises InputError for one with too few or too many fields.

    Polars would read it as blank ones, and takes a lone carriage return for text.
    """
    csv.field_size_limit(2**31 - 1)
    count = 0
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        lines = (line.rstrip("\r\n").replace("\r", "") + "\n" for line in file)
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
        header = next(reader, [])
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise InputError(f"{path}: found the column '{twice[0]}' twice; expected each once")
        if not quoted:
            # A tenth of the time: without quotation marks, a separator is a separator.
            for number, line in enumerate(file, start=2):
                count += 1
                if line.count(separator) + 1 != len(header) and line.strip("\r\n"):
                    found = line.count(separator) + 1
                    raise InputError(
                        f"{path}: line {number}: found {found} fields; expected {len(header)} ({UNQUOTED})"
                    )
            return count
        for row in reader:
            count += any(row)
            if row and len(row) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: found {len(row)} fields; expected {len(header)} ({UNQUOTED})"
                )
            if separator == "\t" and quoted and any("\n" in field for field in row):
                raise InputError(f"{path}: line {reader.line_num}: found a line break in a field ({UNQUOTED})")
    return count


def _without_blank(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows whose every field is blank; most tables have none, and then nothing is copied."""
    if not rows.columns or (rows[rows.columns[0]].fill_null("") != "").all():
        return rows
    return rows.filter(pl.any_horizontal(pl.all().fill_null("") != ""))
