"""Adjusting p values for how many there are.

Conventions
-----------
A family is what one adjustment runs over. The rows that the plan picked beforehand (``confirm``) are one family;
every other row is exploratory, and its family are the exploratory rows equal in the plan's ``family`` columns. A
row without p counts in none.

The p of a `FAMILY_WISE` measure already allows for all pairs of groups under one condition and backend. Such a
block counts as one test: a family of n ordinary rows and b blocks multiplies a block's p by n + b, and Holm's
step-down over the ordinary rows keeps the b blocks in every factor. By Bonferroni's inequality the chance of any
false finding stays at the level. (``gap`` has one p per condition and backend, so it is an ordinary row.)

References
----------
Holm 1979; Benjamini and Hochberg 1995 (``p_fdr``, under which the blocks' p are taken as they are).
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from asrfair.errors import InputError, expected
from asrfair.stats.arrays import Bools, Floats, Ints
from asrfair.stats.question import FAMILIES

FAMILY_WISE = ("pairwise_difference",)
"""The measures whose p is already adjusted over the pairs of one axis, condition and backend."""
_BLOCK = ("axis", "condition", "backend")
_ORDINARY = -1
_NEXT = re.compile(r",\s*(?=\w+\s*=)")


def holm(p: Floats, *, beside: int = 0) -> Floats:
    """Return Holm's adjusted p of one family, shape=(n,): running maximum of (n − rank + 1 + beside)·p, at most 1.

    ``beside`` are tests of the family that are adjusted elsewhere.
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1) + beside
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def benjamini_hochberg(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's adjusted p of one family, shape=(n,): running minimum of n·p/rank from above."""
    order = np.argsort(p, kind="stable")[::-1]
    ranks = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * len(p) / ranks), 1.0)
    return adjusted


def parse_confirm(texts: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """Return the filters: each text, such as «axis=accent, measure=ratio», as a mapping of column to value.

    Columns are those of `FAMILIES`. Raises InputError on another column, a column twice, or another form.
    """
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> dict[str, str]:
    where = f"confirm '{text}'"
    picked: dict[str, str] = {}
    for part in _NEXT.split(text):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not value:
            columns = ", ".join(FAMILIES)
            raise InputError(
                f"{where}: found '{part.strip()}'; expected a text like 'axis=accent, measure=ratio' of: {columns}"
            )
        if name not in FAMILIES:
            raise InputError(expected(where, f"unknown column '{name}'", FAMILIES))
        if name in picked:
            raise InputError(f"{where}: found column '{name}' twice; expected each column once")
        picked[name] = value
    return picked


def with_adjusted(rows: pl.DataFrame, family: Sequence[str], confirm: Sequence[str] = ()) -> pl.DataFrame:
    """Return rows of table ``disparities`` with ``p_adjusted``, ``p_fdr`` and ``exploratory``.

    ``confirm`` are filters (`parse_confirm`): the rows that any of them picks are one family named beforehand, and
    not exploratory; the others are adjusted within equal ``family`` columns. A null p stays null in both. Raises
    InputError on a filter that picks no row.
    """
    chosen = np.zeros(rows.height, bool)
    for text, picked in zip(confirm, parse_confirm(confirm), strict=True):
        chosen |= _matches(rows, picked, where=f"confirm '{text}'")
    known = rows["p"].is_not_null().to_numpy()
    p = rows["p"].to_numpy()
    block = np.full(rows.height, _ORDINARY)
    for number, index in enumerate(_families(rows, rows["measure"].is_in(FAMILY_WISE).to_numpy(), _BLOCK)):
        block[index] = number
    adjusted, discovered = np.full((2, rows.height), np.nan)
    for index in (np.flatnonzero(chosen & known), *_families(rows, known & ~chosen, family)):
        adjusted[index] = _beside_blocks(p[index], block[index])
        discovered[index] = benjamini_hochberg(p[index])
    return rows.with_columns(
        pl.Series("p_adjusted", adjusted, pl.Float64).fill_nan(None),
        pl.Series("p_fdr", discovered, pl.Float64).fill_nan(None),
        pl.Series("exploratory", ~chosen),
    )


def with_holm(rows: pl.DataFrame, family: Sequence[str]) -> pl.DataFrame:
    """Return ``rows`` with ``p_adjusted``: Holm within equal ``family`` columns; a null p stays null."""
    p, adjusted = rows["p"].to_numpy(), np.full(rows.height, np.nan)
    for index in _families(rows, rows["p"].is_not_null().to_numpy(), family):
        adjusted[index] = holm(p[index])
    return rows.with_columns(pl.Series("p_adjusted", adjusted, pl.Float64).fill_nan(None))


def _beside_blocks(p: Floats, block: Ints) -> Floats:
    """Return the adjusted p of one family, ``block`` being each row's block or `_ORDINARY`."""
    ordinary = block == _ORDINARY
    blocks = len(np.unique(block[~ordinary]))
    adjusted: Floats = np.minimum(p * (blocks + np.sum(ordinary)), 1.0)
    adjusted[ordinary] = holm(p[ordinary], beside=blocks)
    return adjusted


def _families(rows: pl.DataFrame, where: Bools, family: Sequence[str]) -> Iterator[Ints]:
    """Yield the row numbers of each family among the rows ``where``."""
    numbered = rows.select(*family).with_row_index("row").filter(where)
    for numbers in numbered.group_by(*family, maintain_order=True).agg("row")["row"]:
        yield numbers.to_numpy()


def _matches(rows: pl.DataFrame, picked: Mapping[str, str], *, where: str) -> Bools:
    """Return which rows have all the values, raising InputError at the first value that leaves none."""
    matches = np.ones(rows.height, bool)
    for name, value in picked.items():
        there = rows.filter(matches)[name].drop_nulls().unique().sort()
        matches &= rows[name].eq_missing(pl.Series([value])).to_numpy()
        if not matches.any():
            raise InputError(expected(where, f"no row with {name} '{value}'", there))
    return matches
