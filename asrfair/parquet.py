"""Audio embedded in Parquet rows, as Hugging Face datasets have it: a struct column with ``bytes`` and ``path``.

Rows are read lazily by Polars, a block of neighbours at a time, and the last few blocks stay in memory (`BLOCK_BYTES`
each). Parquet is decoded by row group: the cost of one row, and the memory while it is read, are those of its group.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from asrfair.errors import InputError, expected

ENDING = ".parquet"
COLUMN = "audio"
BLOCK_BYTES = 16 << 20
BLOCK_ROWS = 1024


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
    except pl.exceptions.PolarsError as error:
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
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(f"{path}: found no Parquet file that can be read ({reason}): it may be truncated")
