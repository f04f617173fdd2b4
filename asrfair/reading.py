"""Reading tables from elsewhere: csv, tsv, jsonl and parquet, strictly."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from asrfair.errors import InputError, expected
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
            f"{path}: found bytes that are not UTF-8 ({error.reason}); expected a table in UTF-8"
        ) from error
    except (OSError, csv.Error, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = f" ({UNQUOTED})" if quoted and suffix in (".csv", ".tsv", ".txt") else ""
        raise InputError(f"{path}: cannot be read as a {suffix[1:]} table: {reason}{hint}") from error
    rows = rows.rename({name: name.lstrip("\ufeff") for name in rows.columns})
    if not null_texts:
        return rows
    plain = [name for name, kind in rows.schema.items() if is_plain(kind)]
    missing = list(null_texts)
    return rows.with_columns(
        pl.when(~pl.col(name).cast(pl.String).is_in(missing)).then(pl.col(name)).alias(name) for name in plain
    )


UNQUOTED = "if quotation marks are part of the text: --unquoted, or quoted = false in a card"


def read_numbers(
    values: pl.Series,
    *,
    where: object,
    wanted: str = "a number",
    unknown: Sequence[str] = (),
    allowed: Callable[[pl.Series], pl.Series] | None = None,
) -> pl.Series:
    """Return a column of texts or numbers as finite numbers, null where it is blank or a text in ``unknown``.

    ``allowed`` tells of numbers which are good. Raises InputError with the first value that is none, naming ``where``,
    the column and what was ``wanted``.
    """
    text = values.cast(pl.String).str.strip_chars()
    text = pl.select(pl.when(~text.is_in(["", *unknown])).then(text)).to_series().alias(values.name)
    numbers = text.cast(pl.Float64, strict=False)
    good = numbers.is_finite().fill_null(False)
    if allowed is not None:
        good &= allowed(numbers).fill_null(False)
    wrong = text.filter(~good & text.is_not_null())
    if len(wrong):
        raise InputError(f"{where}: found {values.name} = '{wrong[0]}'; expected {wanted}, or a blank")
    return numbers


def _read_delimited(path: Path, quoted: bool) -> pl.DataFrame:
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    _check_fields(path, separator, quoted)
    rows = pl.read_csv(
        path,
        separator=separator,
        quote_char='"' if quoted else None,
        infer_schema=False,
        empty_string_is_null=False,
        glob=False,
    )
    return rows.filter(pl.any_horizontal(pl.all().fill_null("") != "")) if rows.columns else rows


def _check_fields(path: Path, separator: str, quoted: bool) -> None:
    """Raise InputError for a row with too few or too many fields: it would be read as blank ones."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
        header = next(reader, [])
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise InputError(f"{path}: found the column '{twice[0]}' twice; expected each once")
        for row in reader:
            if row and len(row) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: found {len(row)} fields; expected {len(header)} ({UNQUOTED})"
                )
            if separator == "\t" and quoted and any("\n" in field for field in row):
                raise InputError(f"{path}: line {reader.line_num}: found a line break in a field ({UNQUOTED})")


def _read_json_lines(path: Path, quoted: bool) -> pl.DataFrame:
    with path.open("rb") as file:
        return pl.read_ndjson(file, infer_schema_length=None)


def _read_parquet(path: Path, quoted: bool) -> pl.DataFrame:
    return pl.read_parquet(path, glob=False)


READERS: dict[str, Callable[[Path, bool], pl.DataFrame]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".txt": _read_delimited,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
