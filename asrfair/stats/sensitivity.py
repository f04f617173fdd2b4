"""The same disparities under several text normalisers: differences of spelling are not differences in recognition."""

from collections.abc import Sequence

import polars as pl

from asrfair.tables import OVERALL, SENSITIVITY, conform

KEY = (
    "axis",
    "group",
    "reference_group",
    "condition",
    "reference_condition",
    "backend",
    "reference_backend",
    "measure",
)


UNDIRECTED = ("gap", "between_group_sd", "generalised_entropy", "theil", "gini", "between_group_sd_lum")
"""Measures that are zero when all groups are equal, and above it when any differ."""


def sensitivity_rows(disparities: Sequence[pl.DataFrame], *, alpha: float) -> pl.DataFrame:
    """Return table ``sensitivity``: the disparities under each normaliser, each with its verdict.

    ``disparities`` holds one table per normaliser, the run's own first; in each a comparison and measure stand once.
    ``changes`` says whether the verdict (`verdict`) differs between normalisers. A disparity that a normaliser leaves
    without a row is *not judged* under it. Measures over all groups have group ``overall``, also where their own rows
    name the groups that happen to be extreme; ``worst_group`` is left out, which is a rate and no disparity.
    """
    undirected = pl.col("measure").is_in(UNDIRECTED)
    named = [
        rows.filter(pl.col("measure") != "worst_group").with_columns(
            verdict(alpha),
            group=pl.when(undirected).then(pl.lit(OVERALL)).otherwise("group"),
            reference_group=pl.when(~undirected).then("reference_group"),
        )
        for rows in disparities
    ]
    every = pl.concat([rows.select(KEY) for rows in named]).unique(maintain_order=True)
    whole = [
        every.join(rows, on=KEY, how="left", nulls_equal=True, maintain_order="left").with_columns(
            pl.col("verdict").fill_null("not judged"), normalizer=pl.lit(rows["normalizer"].first(), pl.String)
        )
        for rows in named
    ]
    table = pl.concat(whole).with_columns(changes=pl.col("verdict").n_unique().over(KEY) > 1)
    return conform(table, SENSITIVITY)


def verdict(alpha: float) -> pl.Expr:
    """Return what a row of disparities shows at error probability ``alpha``.

    *worse* or *better* by its adjusted p, or *shown* where it is `UNDIRECTED`, else *not shown*. Undirected measures
    without p are judged by whether the interval leaves out zero. *not judged* without an estimate, an interval or,
    where there is a direction, a p.
    """
    estimate, low = pl.col("estimate"), pl.col("low")
    undirected = pl.col("measure").is_in(UNDIRECTED)
    even = pl.when(pl.col("measure").str.contains("ratio")).then(1.0).otherwise(0.0)
    shown = pl.when(undirected & pl.col("p_adjusted").is_null()).then(low > 0).otherwise(pl.col("p_adjusted") < alpha)
    return (
        pl.when(estimate.is_null() | low.is_null() | shown.is_null())
        .then(pl.lit("not judged"))
        .when(~shown)
        .then(pl.lit("not shown"))
        .when(undirected)
        .then(pl.lit("shown"))
        .when(estimate > even)
        .then(pl.lit("worse"))
        .otherwise(pl.lit("better"))
        .alias("verdict")
    )
