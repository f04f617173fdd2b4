"""Audio embedded in Parquet rows, as Hugging Face datasets have it: a struct column with ``bytes`` and ``path``.

Rows are read lazily by Polars, a block of neighbours at a time, and the last few blocks stay in memory (`BLOCK_BYTES`
each). Parquet is decoded by row group: the cost of one row, and the memory while it is read, are those of its group.

A damaged file is refused where Polars finds the damage, its panics included; a length in a damaged page may be so large
that the process ends for want of memory, which nothing in it can catch.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asrfair.errors import InputError, expected
from asrfair.parquet_footer import null_counts

if TYPE_CHECKING:
    import polars as pl

ENDING = ".parquet"
COLUMN = "audio"
BLOCK_BYTES = 16 << 20
BLOCK_ROWS = 1024
# What the library `datasets` writes for a class label that is missing.
NO_CLASS = "-1"


def read_row_audio(path: Path, place: str) -> tuple[bytes, str]:
    """Return the bytes at ``ROW`` or ``ROW::COLUMN`` and the file name beside them, "" where there is none.

    Rows count from 0. Raises OSError as opening the file does, and InputError naming file and place.
    """
    where = f"{path}::{place}"
    text, _, column = place.partition("::")
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"{where}: found the row '{text}'; expected a whole number from 0")
    facts = path.stat()
    stamp, row, column = (facts.st_mtime_ns, facts.st_size), int(text), column or COLUMN
    rows, columns, kinds = _shape(path, stamp)
    if column not in columns:
        raise InputError(expected(where, f"no column '{column}'", columns))
    if row >= rows:
        raise InputError(f"{where}: found no row {row}; expected 0 to {rows - 1}")
    kind = kinds[columns.index(column)]
    if kind is None:
        raise InputError(f"{where}: found a column without bytes; expected a struct with 'bytes', or binary")
    per_block = max(1, min(BLOCK_ROWS, BLOCK_BYTES * rows // max(facts.st_size, 1)))
    block = _block(path, stamp, column, kind, row // per_block, per_block)
    name, data = (block[part][row % per_block] for part in ("path", "bytes"))
    if data is None:
        besides = f" (only the path '{name}')" if name else ""
        raise InputError(f"{where}: found no bytes{besides}; expected embedded audio")
    return data, name or ""


def rows_without_bytes(path: Path, column: str, kind: "pl.DataType") -> list[int]:
    """Return the rows of a column (of type ``kind``) that hold no audio; only groups where some do are read.

    Raises OSError as opening the file does, and what `polars.scan_parquet` raises.
    """
    import polars as pl

    plain = kind == pl.Binary
    if not plain and not (isinstance(kind, pl.Struct) and pl.Field("bytes", pl.Binary()) in kind.fields):
        return []
    value = pl.col(column) if plain else pl.col(column).struct.field("bytes")
    groups = null_counts(path, [column] if plain else [column, "bytes"])
    scan, missing = pl.scan_parquet(path, glob=False), value.is_null().alias(column)
    total = scan.select(pl.len()).collect().item()
    if groups is None or sum(group.rows for group in groups) != total:
        return scan.select(missing).collect(engine="streaming")[column].arg_true().to_list()
    found: list[int] = []
    first = 0
    for rows, nulls in groups:
        if nulls == rows:
            found += range(first, first + rows)
        elif nulls != 0:
            part = scan.slice(first, rows).select(missing).collect(engine="streaming")[column]
            found += (first + row for row in part.arg_true())
        first += rows
    return found


@lru_cache(maxsize=64)
def _shape(path: Path, stamp: tuple[int, int]) -> tuple[int, list[str], list[str | None]]:
    """Return the number of rows, the columns, and of each in what form it holds bytes."""
    import polars as pl

    def form(kind: Any) -> str | None:
        if kind == pl.Binary:
            return "binary"
        fields = {field.name: field.dtype for field in kind.fields} if isinstance(kind, pl.Struct) else {}
        if fields.get("bytes") != pl.Binary:
            return None
        return "struct with path" if fields.get("path") == pl.String else "struct"

    try:
        frame = pl.scan_parquet(path, glob=False)
        schema = frame.collect_schema()
        rows = frame.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, error) from error
    return rows, list(schema), [form(kind) for kind in schema.values()]


@lru_cache(maxsize=4)
def _block(path: Path, stamp: tuple[int, int], column: str, kind: str, number: int, count: int) -> Any:
    import polars as pl

    value = pl.col(column)
    data = value if kind == "binary" else value.struct.field("bytes")
    name = value.struct.field("path") if kind == "struct with path" else pl.lit(None, pl.String)
    parts = [data.alias("bytes"), name.alias("path")]
    try:
        return pl.scan_parquet(path, glob=False).select(column).slice(number * count, count).select(parts).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, error) from error


def class_names(metadata: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names of class labels by column, from what the library `datasets` writes beside the schema."""
    try:
        features = json.loads(metadata.get("huggingface", "{}"))["info"]["features"]
        classes = {name: kind["names"] for name, kind in features.items() if kind.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return {}
    return {
        name: labels
        for name, labels in classes.items()
        if isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    }


def with_class_names(rows: "pl.DataFrame", classes: Mapping[str, Sequence[str]]) -> "pl.DataFrame":
    """Return a table with the names of class labels in place of their numbers; a number without a name stays."""
    import polars as pl

    def named(name: str, labels: Sequence[str]) -> pl.Expr:
        number = pl.col(name).cast(pl.String)
        names = {str(place): label for place, label in enumerate(labels)}
        return pl.when(number != NO_CLASS).then(number.replace_strict(names, default=number)).alias(name)

    return rows.with_columns(named(name, labels) for name, labels in classes.items() if name in rows.columns)


def _unreadable(path: Path, error: BaseException) -> InputError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(f"{path}: found no Parquet file that can be read ({reason}): it may be truncated")
