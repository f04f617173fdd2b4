"""Small numpy helpers: sums by cell, division that yields nan, and indexing a dataclass of arrays.

Inside this stage nan means unknown; it becomes null where a table is made.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")


class Estimate(Protocol):
    """An estimate that knows its interval at any error probability ``alpha`` (two-sided)."""

    @property
    def estimate(self) -> Floats:
        """The point estimate, shape=(n,)."""
        ...

    def ends(self, alpha: Any) -> tuple[Floats, Floats]:
        """Return the lower and upper ends, each shape=(n,); ``alpha`` is a scalar or shape=(n,)."""
        ...


def ratio(numerator: Any, denominator: Any) -> Floats:
    """Return the quotient, nan where the denominator is zero or unknown."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    known = (bottom != 0) & np.isfinite(bottom)
    quotient: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=known)
    return quotient


def log(values: Any) -> Floats:
    """Return the natural logarithm, nan where a value is not positive."""
    array = np.asarray(values, float)
    logarithm: Floats = np.log(array, out=np.full(array.shape, np.nan), where=array > 0)
    return logarithm


def total(cell: Ints, values: Any, cells: int) -> Floats:
    """Return the sum of ``values`` by cell number, shape=(cells,)."""
    return np.bincount(cell, np.asarray(values, float), cells).astype(np.float64)


def at(item: T, index: Any) -> T:
    """Return a dataclass of arrays with every array indexed alike; nested dataclasses are followed."""
    values = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}  # type: ignore[arg-type]
    picked = {
        name: at(value, index) if dataclasses.is_dataclass(value) else value[index] for name, value in values.items()
    }
    return type(item)(**picked)


def normal_quantile(alpha: Any) -> Floats:
    """Return the two-sided normal quantile, positive, for error probability ``alpha``."""
    from scipy import special

    values: Floats = -special.ndtri(np.asarray(alpha) / 2)
    return values


def t_quantile(alpha: Any, df: Floats) -> Floats:
    """Return the two-sided Student t quantile, positive, for error probability ``alpha``."""
    from scipy import special

    values: Floats = -special.stdtrit(df, np.asarray(alpha) / 2)
    return values


def t_probability(statistic: Floats, df: Floats) -> Floats:
    """Return the two-sided probability of a Student t at least as far from zero."""
    from scipy import special

    values: Floats = 2 * special.stdtr(df, -np.abs(statistic))
    return values


def stack(items: Sequence[T]) -> T:
    """Return dataclasses of arrays laid end to end, field by field; at least one."""
    fields = [field.name for field in dataclasses.fields(items[0])]  # type: ignore[arg-type]
    columns = {name: [getattr(item, name) for item in items] for name in fields}
    joined = {
        name: stack(parts) if dataclasses.is_dataclass(parts[0]) else np.concatenate(parts)
        for name, parts in columns.items()
    }
    return type(items[0])(**joined)
