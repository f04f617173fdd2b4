"""The tables through which the stages meet: a public contract.

Conventions
-----------
One row per thing, long form, Polars. Unknown is null, never zero. Rates are fractions (0.25 is 25 %).
Axis columns (``accent``, ``gender`` …) are strings and follow the fixed columns; an unlabelled speaker's
value is null. In ``rates``, ``disparities`` and ``metrics`` the overall row has axis and group ``overall``,
an unlabelled speaker's group is null, and intersections are named ``accent*gender`` with groups such as
``Scottish*female``.
"""

from collections.abc import Iterable, Sequence
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


def conform(rows: pl.DataFrame, schema: Schema, *, axes: Sequence[str] = ()) -> pl.DataFrame:
    """Return ``rows`` with the schema's columns in order, then the axis columns; a missing column is null."""
    columns = [
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in schema.items()
    ]
    return rows.select(*columns, *(pl.col(axis).cast(pl.String) for axis in axes))


def with_intersections(rows: pl.DataFrame, axes: Iterable[str]) -> pl.DataFrame:
    """Return ``rows`` with a column for each axis named like ``accent*gender``; null where a part is null."""
    products = [axis for axis in axes if INTERSECTION in axis and axis not in rows.columns]
    return rows.with_columns(
        pl.concat_str([pl.col(part) for part in axis.split(INTERSECTION)], separator=INTERSECTION).alias(axis)
        for axis in products
    )


def read_table(path: Path, *, null_texts: Sequence[str] = (), quoted: bool = True) -> pl.DataFrame:
    """Read csv, tsv, jsonl or parquet with every csv/tsv column as text; a blank field stays a blank text.

    ``null_texts`` are the field contents that mean missing. Raises InputError naming the file.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv", ".txt"):
            rows = pl.read_csv(
                path,
                separator="," if suffix == ".csv" else "\t",
                quote_char='"' if quoted else None,
                infer_schema=False,
                empty_string_is_null=False,
                encoding="utf8",
            )
        elif suffix in (".jsonl", ".ndjson"):
            rows = pl.read_ndjson(path, infer_schema_length=None)
        elif suffix == ".parquet":
            rows = pl.read_parquet(path)
        else:
            raise InputError(expected(path, f"file ending '{suffix}'", [".csv", ".tsv", ".jsonl", ".parquet"]))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a csv, tsv, jsonl or parquet table") from None
    except (OSError, pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be read as a {suffix[1:]} table: {reason}") from error
    rows = rows.rename({name: name.lstrip("\ufeff") for name in rows.columns})
    if null_texts:
        text = [name for name, kind in rows.schema.items() if kind == pl.String]
        rows = rows.with_columns(
            pl.when(pl.col(name).is_in(list(null_texts))).then(None).otherwise(pl.col(name)).alias(name)
            for name in text
        )
    return rows


def require_columns(rows: pl.DataFrame, names: Iterable[str], *, where: object) -> None:
    """Raise InputError if a column is missing, naming the ones that are there."""
    for name in names:
        if name not in rows.columns:
            raise InputError(expected(where, f"no column '{name}'", rows.columns))
