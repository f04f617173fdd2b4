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
    "p_fdr": pl.Float64,
    "exploratory": pl.Boolean,
    "detectable": pl.Float64,
    "note": pl.String,
}
TESTS: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "reference_condition": pl.String,
    "backend": pl.String,
    "reference_backend": pl.String,
    "normalizer": pl.String,
    "test": pl.String,
    "speakers": pl.Int64,
    "statistic": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "assumption": pl.String,
    "note": pl.String,
}
MODELS: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "model": pl.String,
    "covariates": pl.String,
    "term": pl.String,
    "level": pl.Float64,
    "speakers": pl.Int64,
    "utterances": pl.Int64,
    "raw_ratio": pl.Float64,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "note": pl.String,
}
SENSITIVITY: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "reference_condition": pl.String,
    "backend": pl.String,
    "reference_backend": pl.String,
    "measure": pl.String,
    "normalizer": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "changes": pl.Boolean,
}
WORDS: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "kind": pl.String,
    "reference_word": pl.String,
    "heard": pl.String,
    "speakers": pl.Int64,
    "reference_speakers": pl.Int64,
    "count": pl.Int64,
    "errors": pl.Int64,
    "reference_count": pl.Int64,
    "reference_errors": pl.Int64,
    "rate": pl.Float64,
    "reference_rate": pl.Float64,
    "ratio": pl.Float64,
    "p": pl.Float64,
    "p_fdr": pl.Float64,
    "tested": pl.Int64,
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
    "tests": TESTS,
    "models": MODELS,
    "sensitivity": SENSITIVITY,
    "conditions": CONDITIONS,
    "timings": TIMINGS,
}
COMPUTED_COVARIATES = {
    "log_words": "factor e of words",
    "duration_s": "second",
    "words_per_s": "word per second",
}
"""Covariates that every run computes, with their units: they need no column."""
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


def is_plain(kind: pl.DataType) -> bool:
    """Return whether a column of this type holds texts or numbers, not lists or bytes."""
    return not (kind.is_nested() or kind in (pl.Binary, pl.Object))


def require_columns(rows: pl.DataFrame, names: Iterable[str], *, where: object) -> None:
    """Raise InputError if a column is missing, naming those there, or holds lists or bytes instead of values."""
    for name in names:
        if name not in rows.columns:
            raise InputError(expected(where, f"no column '{name}'", rows.columns))
        if not is_plain(rows.schema[name]):
            raise InputError(f"{where}: column '{name}': found {rows.schema[name]}; expected texts or numbers")
