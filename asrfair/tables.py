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
from difflib import get_close_matches

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.schemas import (
    ADDED,
    COMPUTED_COVARIATES,
    CONDITIONS,
    COUNTS,
    DISPARITIES,
    FAILURES,
    HANDICAPS,
    HYPOTHESES,
    INTERSECTION,
    MEASURED_COVARIATES,
    MEASUREMENTS,
    METRICS,
    MODELS,
    OVERALL,
    RATES,
    RESERVED,
    SENSITIVITY,
    TABLES,
    TESTS,
    TIMINGS,
    UTTERANCES,
    WORDS,
)
from asrfair.schemas_told import ALTERNATIVES, CALIBRATION, PROBES, RECOGNISED, REPEATS, Schema

__all__ = [
    "ADDED",
    "ALTERNATIVES",
    "CALIBRATION",
    "COMPUTED_COVARIATES",
    "CONDITIONS",
    "COUNTS",
    "DISPARITIES",
    "FAILURES",
    "HANDICAPS",
    "HYPOTHESES",
    "INTERSECTION",
    "MEASURED_COVARIATES",
    "MEASUREMENTS",
    "METRICS",
    "MODELS",
    "OVERALL",
    "PROBES",
    "RATES",
    "RECOGNISED",
    "REPEATS",
    "RESERVED",
    "SENSITIVITY",
    "TABLES",
    "TESTS",
    "TIMINGS",
    "UTTERANCES",
    "WITHHELD",
    "WORDS",
    "Schema",
    "conform",
    "is_plain",
    "require_columns",
    "with_intersections",
]

WITHHELD = "(withheld groups together)"
"""The level of all speakers of an axis whose own level is withheld, in the tables of a shareable form."""


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
            close = get_close_matches(name, rows.columns, n=1, cutoff=0.75)
            found = f"no column '{name}'" + (f", but '{close[0]}'" if close else "")
            raise InputError(expected(where, found, rows.columns))
        if not is_plain(rows.schema[name]):
            raise InputError(f"{where}: column '{name}': found {rows.schema[name]}; expected texts or numbers")
