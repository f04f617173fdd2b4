"""Reading what comes from elsewhere, strictly: tables (csv, tsv, jsonl, parquet), lines, JSON lines and paths."""

import codecs
import csv
import gzip
import json
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from asrfair.delimited import UNQUOTED, read_delimited
from asrfair.errors import InputError, expected
from asrfair.parquet import class_names, rows_without_bytes, with_class_names
from asrfair.tables import is_plain


def read_table(path: Path, *, null_texts: Sequence[str] = (), quoted: bool = True) -> pl.DataFrame:
    """Read csv, tsv, jsonl or parquet with every csv/tsv column as text; a blank field stays a blank text.

    ``null_texts`` are the field contents that mean missing. ``quoted`` is whether quotation marks in csv and tsv
    enclose fields or are text. Blank lines are left out. Raises InputError naming the file, and the line where
    a row has another number of fields than the header.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InputError(expected(path, f"file ending '{suffix}'", READERS))
    try:
        rows = READERS[suffix](path, quoted)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a csv, tsv, jsonl or parquet table") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}{_odd_line(path)}: found bytes that are not UTF-8; expected a table in UTF-8"
        ) from error
    except (OSError, csv.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if isinstance(error, OSError):
            reason = error.strerror or reason
        parsed = not isinstance(error, OSError | pl.exceptions.NoDataError)
        hint = f" ({UNQUOTED})" if parsed and quoted and suffix in (".csv", ".tsv", ".txt") else ""
        raise InputError(f"{path}: cannot be read as a {suffix[1:]} table: {reason}{hint}") from error
    names = [name.lstrip("\ufeff") for name in rows.columns]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{path}: found the column '{twice[0]}' twice, besides byte-order marks; expected each once")
    rows.columns = names
    if not null_texts:
        return rows
    plain = [name for name, kind in rows.schema.items() if is_plain(kind)]
    missing = list(null_texts)
    return rows.with_columns(
        pl.when(~pl.col(name).cast(pl.String).is_in(missing)).then(pl.col(name)).alias(name) for name in plain
    )


def read_numbers(
    values: pl.Series,
    *,
    where: object,
    wanted: str = "a number",
    unknown: Sequence[str] = (),
    ids: pl.Series | None = None,
    allowed: Callable[[pl.Series], pl.Series] | None = None,
) -> pl.Series:
    """Return a column of texts or numbers as finite numbers, null where it is blank or a text in ``unknown``.

    ``allowed`` tells of numbers which are good. Raises InputError with the first value that is none, naming ``where``,
    the column and what was ``wanted``, and of the ``ids`` the one it belongs to.
    """
    text = values.cast(pl.String).str.strip_chars()
    text = pl.select(pl.when(~text.is_in(["", *unknown])).then(text)).to_series().alias(values.name)
    numbers = text.cast(pl.Float64, strict=False)
    good = numbers.is_finite().fill_null(False)
    if allowed is not None:
        good &= allowed(numbers).fill_null(False)
    bad = ~good & text.is_not_null()
    wrong = text.filter(bad)
    if len(wrong):
        who = "" if ids is None else f" utterance '{ids.filter(bad)[0]}':"
        raise InputError(f"{where}:{who} found {values.name} = '{wrong[0]}'; expected {wanted}, or a blank")
    return numbers


CUT = " (or cut its beginning: audio_prefix in the card's layout)"


def inside(root: Path, path: str, *, where: object, hint: str = "") -> str:
    """Return a path found in a corpus's files relative to the corpus's root, with forward slashes.

    An absolute path inside the root is made relative. Nothing is looked up: a symbolic link that its owner put into
    the root may lead elsewhere. Raises InputError, beginning with ``where``, for a path that is blank or an
    address, or that leads out of the root; ``hint`` says besides what to do about one from another machine.
    """
    text = path.strip()
    if not text or "\0" in text or posixpath.normpath(text.replace("\\", "/")) == ".":
        raise InputError(f"{where}: found the path {path!r}; expected the path of a file inside {root}")
    if ADDRESS.match(text):
        raise InputError(f"{where}: found the address '{text}'; expected the path of a file inside {root}")
    if text.startswith("/"):
        base = posixpath.normpath(Path(root).absolute().as_posix()).rstrip("/")
        text = posixpath.normpath(text)
        if not text.startswith(f"{base}/"):
            raise InputError(f"{where}: found the path '{path}'; expected one that stays inside the corpus{hint}")
        return text[len(base) + 1 :]
    if WINDOWS_ROOT.match(text) or ".." in text.replace("\\", "/").split("/"):
        normal = posixpath.normpath(text.replace("\\", "/"))
        if WINDOWS_ROOT.match(text) or normal == ".." or normal.startswith("../"):
            raise InputError(f"{where}: found the path '{path}'; expected one that stays inside the corpus{hint}")
        return normal
    return PurePosixPath(text).as_posix()


ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
ODD_PATH = r"(^|[\\/])\.{1,2}([\\/]|$)|^\s*[/\\]|^\s*[A-Za-z]:|//|\x00|^\s+\S|\S\s+$"
WINDOWS_ROOT = re.compile(r"[A-Za-z]:[\\/]|\\")


def inside_all(root: Path, paths: pl.Series, *, where: object) -> pl.Series:
    """Return a column of paths as `inside` returns each; nulls and blanks stay, plain paths cost next to nothing."""
    odd = paths.str.contains(ODD_PATH).fill_null(False)
    changed = {path: inside(root, path, where=where, hint=CUT) for path in paths.filter(odd).unique() if path.strip()}
    return paths.replace(changed) if changed else paths


def read_lines(path: Path, *, encoding: str = "utf-8") -> list[str]:
    """Return the lines of a text without their ends (LF or CRLF), unzipped where the name ends in ``.gz``.

    A byte-order mark decides between UTF-8 and UTF-16 whatever ``encoding`` says. Raises InputError naming the file,
    and the line with bytes that are none of the encoding.
    """
    data = _read_bytes(path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(codecs.BOM_UTF8):
        data, encoding = data[len(codecs.BOM_UTF8) :], "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {number}: found bytes that are not {encoding.upper()} "
            f"({error.reason}); expected a text in {encoding.upper()}"
        ) from error
    except LookupError:
        raise InputError(f"{path}: found the encoding '{encoding}'; expected one such as utf-8 or latin-1") from None
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_json_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's «file: line» and its JSON object; blank lines are left out, ``.gz`` is unzipped.

    Raises InputError naming file and line for a line that is no JSON object.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: found no JSON ({error}); expected one JSON object a line") from None
        if not isinstance(value, dict):
            raise InputError(f'{where}: found {type(value).__name__}; expected a JSON object, such as {{"id": …}}')
        check_text(line, value, where=where)
        yield where, value


HALF = re.compile(r"\\u[dD][89a-fA-F]")


def check_text(written: str, value: Any, *, where: object) -> None:
    """Raise InputError for a JSON value with half a character: UTF-16 has two codes for one, and they go together."""
    if not HALF.search(written):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise InputError(f"{where}: found the code {half} alone, half a character; expected text in UTF-8") from None


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unzipped: {error}; expected a whole gzip file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _odd_line(path: Path) -> str:
    """Return where the first line is whose bytes are not UTF-8, as a message says it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return " (UTF-16)"
            try:
                line.decode()
            except UnicodeDecodeError:
                return f": line {number}"
    return ""


def _read_json_lines(path: Path, quoted: bool) -> pl.DataFrame:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            # Polars would put another character in its place.
            if b"\\u" in line and HALF.search(text := line.decode()):
                with suppress(ValueError, RecursionError):
                    check_text(text, json.loads(text), where=f"{path}: line {number}")
        file.seek(0)
        return pl.read_ndjson(file, infer_schema_length=None)


def _read_parquet(path: Path, quoted: bool) -> pl.DataFrame:
    """Read a table; in place of embedded audio stands its address, ``FILE::ROW`` or ``FILE::ROW::COLUMN``, or null."""
    with path.open("rb") as file:
        schema = pl.read_parquet_schema(file)
        file.seek(0)
        classes = class_names(pl.read_parquet_metadata(file))
    embedded = [name for name, kind in schema.items() if _holds_bytes(kind)]
    if not embedded:
        return with_class_names(pl.read_parquet(path, glob=False), classes)
    rows = pl.scan_parquet(path, glob=False).select(pl.all().exclude(embedded), pl.int_range(pl.len()).alias("\0row"))
    addresses = {}
    for name in embedded:
        there = ~pl.col("\0row").is_in(rows_without_bytes(path, name, schema[name]))
        after = pl.lit("" if name == "audio" else f"::{name}")
        addresses[name] = pl.when(there).then(pl.format("{}::{}{}", pl.lit(path.name), pl.col("\0row"), after))
    return with_class_names(rows.with_columns(**addresses).collect().drop("\0row").select(list(schema)), classes)


def _holds_bytes(kind: pl.DataType) -> bool:
    return kind == pl.Binary or (isinstance(kind, pl.Struct) and any(part.dtype == pl.Binary for part in kind.fields))


READERS: dict[str, Callable[[Path, bool], pl.DataFrame]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
