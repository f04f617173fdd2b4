"""The tables through which the stages meet: a public contract.

Conventions
-----------
One row per thing, long form, Polars. Unknown is null, never zero. Rates are fractions (0.25 is 25 %).
Axis columns (``accent``, ``gender`` …) are strings and follow the fixed columns; an unlabelled speaker's
value is null. In ``rates``, ``disparities`` and ``metrics`` the overall row has axis and group ``overall``,
an unlabelled speaker's group is null, and intersections are named ``accent*gender`` with groups such as
``Scottish*female``.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import polars as pl

from asrfair.errors import InputError, expected

Schema = dict[str, type[pl.DataType]]

UTTERANCES: Schema = {
    "utterance_id": pl.String,
    "speaker_id": pl.String,
    "corpus": pl.String,
    "audio": pl.String,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "channel": pl.Int64,
    "language": pl.String,
    "reference": pl.String,
}
HYPOTHESES: Schema = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "hypothesis": pl.String,
}
FAILURES: Schema = {
    "utterance_id": pl.String,
    "speaker_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "stage": pl.String,
    "reason": pl.String,
}
COUNTS: Schema = {
    "utterance_id": pl.String,
    "speaker_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "reference_words": pl.Int64,
    "hits": pl.Int64,
    "substitutions": pl.Int64,
    "deletions": pl.Int64,
    "insertions": pl.Int64,
    "reference_characters": pl.Int64,
    "character_hits": pl.Int64,
    "character_substitutions": pl.Int64,
    "character_deletions": pl.Int64,
    "character_insertions": pl.Int64,
}
RATES: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "method": pl.String,
    "level": pl.Float64,
    "speakers": pl.Int64,
    "utterances": pl.Int64,
    "failures": pl.Int64,
    "reference_words": pl.Int64,
    "wer": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "substitution_rate": pl.Float64,
    "deletion_rate": pl.Float64,
    "insertion_rate": pl.Float64,
    "note": pl.String,
}
DISPARITIES: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "reference_condition": pl.String,
    "backend": pl.String,
    "reference_backend": pl.String,
    "normalizer": pl.String,
    "method": pl.String,
    "level": pl.Float64,
    "measure": pl.String,
    "speakers": pl.Int64,
    "reference_speakers": pl.Int64,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "note": pl.String,
}
METRICS: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "level": pl.Float64,
    "speakers": pl.Int64,
    "metric": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
CONDITIONS: Schema = {
    "condition": pl.String,
    "ladder": pl.String,
    "parameter": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "digest": pl.String,
}
TIMINGS: Schema = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "audio_s": pl.Float64,
    "seconds": pl.Float64,
}

TABLES: dict[str, Schema] = {
    "utterances": UTTERANCES,
    "hypotheses": HYPOTHESES,
    "failures": FAILURES,
    "counts": COUNTS,
    "rates": RATES,
    "disparities": DISPARITIES,
    "metrics": METRICS,
    "conditions": CONDITIONS,
    "timings": TIMINGS,
}
OVERALL = "overall"
INTERSECTION = "*"
RESERVED = frozenset([OVERALL, *(column for schema in TABLES.values() for column in schema)])
"""Names that an axis cannot have, because the tables use them for something else."""


def conform(rows: pl.DataFrame, schema: Schema, *, axes: Sequence[str] = ()) -> pl.DataFrame:
    """Return ``rows`` with the schema's columns in order, then the axis columns; a missing column is null."""
    columns = [
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in schema.items()
    ]
    return rows.select(*columns, *(pl.col(axis).cast(pl.String) for axis in axes))


def with_intersections(rows: pl.DataFrame, axes: Iterable[str]) -> pl.DataFrame:
    """Return ``rows`` with a column for each axis named like ``accent*gender``; null where a part is null."""
    products = [axis for axis in axes if INTERSECTION in axis and axis not in rows.columns]
    for part in dict.fromkeys(part for axis in products for part in axis.split(INTERSECTION)):
        starred = rows[part].filter(rows[part].str.contains(INTERSECTION, literal=True))
        if len(starred):
            raise InputError(
                f"axis '{part}': found the label '{starred[0]}'; expected none with '*' in a product of axes"
            )
    return rows.with_columns(
        pl.concat_str([pl.col(part) for part in axis.split(INTERSECTION)], separator=INTERSECTION).alias(axis)
        for axis in products
    )


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
    plain = [name for name, kind in rows.schema.items() if _is_plain(kind)]
    missing = list(null_texts)
    return rows.with_columns(
        pl.when(~pl.col(name).cast(pl.String).is_in(missing)).then(pl.col(name)).alias(name) for name in plain
    )


UNQUOTED = "if quotation marks are part of the text: --unquoted, or quoted = false in a card"


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


def _is_plain(kind: pl.DataType) -> bool:
    return not (kind.is_nested() or kind in (pl.Binary, pl.Object))


def require_columns(rows: pl.DataFrame, names: Iterable[str], *, where: object) -> None:
    """Raise InputError if a column is missing, naming those there, or holds lists or bytes instead of values."""
    for name in names:
        if name not in rows.columns:
            raise InputError(expected(where, f"no column '{name}'", rows.columns))
        if not _is_plain(rows.schema[name]):
            raise InputError(f"{where}: column '{name}': found {rows.schema[name]}; expected texts or numbers")
