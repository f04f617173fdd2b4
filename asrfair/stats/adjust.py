"""Adjusting p values for how many there are.

References: Holm 1979.
"""

import numpy as np
import polars as pl

from asrfair.stats.arrays import Floats


def holm(p: Floats) -> Floats:
    """Return Holm's adjusted p of one family, shape=(n,): running maximum of (n − rank + 1)·p, at most 1."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def with_adjusted(rows: pl.DataFrame, family: list[str]) -> pl.DataFrame:
    """Return ``rows`` with column ``p_adjusted``: Holm within the family of equal columns; null p stays out."""
    known = rows.with_row_index("row").filter(pl.col("p").is_not_null())
    adjusted = [
        part.select("row", pl.Series("p_adjusted", holm(part["p"].to_numpy()))) for part in known.partition_by(family)
    ]
    if not adjusted:
        return rows.with_columns(pl.lit(None, pl.Float64).alias("p_adjusted"))
    joined = rows.with_row_index("row").join(pl.concat(adjusted), on="row", how="left", maintain_order="left")
    return joined.drop("row")
