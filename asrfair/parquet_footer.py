"""How many values of a Parquet column are missing, by row group, as the file's footer counts them.

Polars reads the footer but tells nothing of it, and to count a column of audio itself is to read all of it. The footer
is a Thrift struct in the compact protocol; of it only the fields named here are looked at.
Source: parquet-format's parquet.thrift (FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, Statistics) and Thrift's
doc/specs/thrift-compact-protocol.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

MAGIC = b"PAR1"
ROW_GROUPS = 4
COLUMNS, GROUP_ROWS = 1, 3
FACTS = 3
PATH, STATISTICS = 3, 12
NULLS = 3
# Kinds of the compact protocol.
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = 1, 2, 3, 7, 8, 9, 10, 11, 12, 13
INTEGERS = (4, 5, 6)
FIXED = {DOUBLE: 8, BYTE: 1, UUID: 16}
DEEPEST = 16


class Group(NamedTuple):
    """A row group: its number of rows, and how many lack a value, None where the writer has not counted."""

    rows: int
    nulls: int | None


def null_counts(path: Path, column: Sequence[str]) -> list[Group] | None:
    """Return the counts of a column, named by its path in the schema; None where the footer cannot be understood.

    Raises OSError as opening the file does.
    """
    footer = _footer(path)
    if footer is None:
        return None
    names = [name.encode() for name in column]
    try:
        groups = _Reader(footer).struct()[ROW_GROUPS]
        return [_group(group, names) for group in groups]
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _footer(path: Path) -> bytes | None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < 12:
            return None
        file.seek(size - 8)
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if end[4:] != MAGIC or length > size - 8:
            return None
        file.seek(size - 8 - length)
        return file.read(length)


def _group(group: Any, names: list[bytes]) -> Group:
    for chunk in group[COLUMNS]:
        facts = chunk[FACTS]
        if facts[PATH] == names:
            nulls = facts.get(STATISTICS, {}).get(NULLS)
            return Group(group[GROUP_ROWS], nulls if isinstance(nulls, int) else None)
    raise KeyError(names)


class _Reader:
    """Values of the compact protocol, one after the other; structs are dicts by field number."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > DEEPEST:
            raise ValueError("too deep")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in INTEGERS:
            return self._integer()
        if kind == BINARY:
            return self._take(self._unsigned())
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind == MAP:
            return self._map(depth)
        return self._take(FIXED[kind])

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 15
        kind = BYTE if kind in (TRUE, FALSE) else kind
        return [self._value(kind, depth + 1) for _ in range(self._unsigned() if count == 15 else count)]

    def _map(self, depth: int) -> None:
        count = self._unsigned()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._value(kinds >> 4, depth + 1)
            self._value(kinds & 15, depth + 1)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise IndexError(size)
        return self._data[self._at - size : self._at]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)
