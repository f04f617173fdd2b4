"""Numbers as labels, such as ages, cut into bands: from an edge to below the next."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence

import polars as pl


def ascending(edges: Sequence[float]) -> bool:
    """Return whether edges can cut bands: finite, each above the one before."""
    return list(edges) == sorted(set(edges)) and all(map(math.isfinite, edges))


def cut_bands(labels: pl.Series, edges: Sequence[float]) -> dict[str, str]:
    """Return the band of every label that is a number; what is not stays out, and so keeps its own name.

    [30, 40] gives "under 30", "30-39" and "40 and over"; edges that are not whole give "22.5 to 30".
    """
    inner = [
        f"{low:g}-{high - 1:g}" if float(low).is_integer() and float(high).is_integer() else f"{low:g} to {high:g}"
        for low, high in itertools.pairwise(edges)
    ]
    names = [f"under {edges[0]:g}", *inner, f"{edges[-1]:g} and over"]
    found = labels.drop_nulls().unique()
    numbers = zip(found, found.cast(pl.Float64, strict=False), strict=True)
    return {
        label: names[bisect_right(edges, number)]
        for label, number in numbers
        if number is not None and math.isfinite(number)
    }


def unmapped(labels: pl.Series, levels: Sequence[str]) -> dict[str, int]:
    """Return the known labels that are none of the levels with their frequencies, the most frequent first."""
    others = labels.filter(~labels.is_in(list(levels)) & labels.is_not_null())
    counted = others.value_counts().sort("count", others.name, descending=[True, False])
    return dict(counted.iter_rows())
