"""How long recognisers took: what of a run depends on the machine and not on the speech alone.

Times are those of table ``timings``, in seconds of wall clock. A recogniser that is handed several utterances at once
has their mean on each, so the percentiles lie nearer together than the utterances' own. There are no intervals: the
numbers describe one run on one machine.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from asrfair.tables import OVERALL, Schema, conform, with_intersections

TIMING: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "utterances": pl.Int64,
    "audio_s": pl.Float64,
    "seconds": pl.Float64,
    "real_time_factor": pl.Float64,
    "p50_s": pl.Float64,
    "p90_s": pl.Float64,
    "p95_s": pl.Float64,
    "p99_s": pl.Float64,
    "longest_s": pl.Float64,
    "tried": pl.Int64,
    "failures": pl.Int64,
    "failed_share": pl.Float64,
}
"""``real_time_factor`` is seconds of work per second of speech, pooled over the utterances that know both; ``audio_s``
and ``seconds`` are its two sums; the percentiles are of seconds per utterance, linear between neighbours.
``failures`` are those of the ``tried`` utterances that gave no transcript, timed or not. Unknown is null."""
_KEY = ("utterance_id", "condition", "backend")
_SCORING = "scoring"


def timing_rows(
    timings: pl.DataFrame, utterances: pl.DataFrame, axes: Sequence[str], *, failures: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return rows of `TIMING` by backend and condition: the overall row, then a row per group of each axis.

    ``utterances`` has the columns of the axes, or of the parts of a product. An utterance that was not timed counts in
    no time; a cell in which nothing was timed has no row. ``failures`` are those of table ``failures``; without them
    their number is unknown.
    """
    labels = with_intersections(utterances, axes)
    rows = timings.join(labels.select("utterance_id", *axes), on="utterance_id", how="left", maintain_order="left")
    if failures is None:
        rows = rows.with_columns(failed=pl.lit(None, pl.Boolean))
    else:
        unheard = failures.filter(pl.col("stage") != _SCORING).select(_KEY).unique().with_columns(failed=pl.lit(True))
        rows = rows.join(unheard, on=_KEY, how="left", maintain_order="left")
        rows = rows.with_columns(pl.col("failed").fill_null(value=False))
    return pl.concat([pl.DataFrame(schema=TIMING), *_parts(rows, axes)])


def _parts(rows: pl.DataFrame, axes: Sequence[str]) -> Iterator[pl.DataFrame]:
    for axis in (OVERALL, *axes):
        group = pl.lit(OVERALL) if axis == OVERALL else pl.col(axis)
        cell = [pl.lit(axis).alias("axis"), group.alias("group"), pl.col("condition"), pl.col("backend")]
        found = (
            rows.group_by(cell)
            .agg(*_measures())
            .filter(pl.col("utterances") > 0)
            .sort("backend", "condition", "group", nulls_last=True)
        )
        yield conform(found, TIMING)


def _measures() -> list[pl.Expr]:
    seconds = pl.col("seconds")
    both = (pl.col("audio_s") > 0) & seconds.is_not_null()
    failed = pl.when(pl.col("failed").is_not_null().all()).then(pl.col("failed").sum())
    known = both.sum() > 0
    spoken, worked = (pl.when(known).then(pl.col(name).filter(both).sum()) for name in ("audio_s", "seconds"))
    return [
        seconds.count().alias("utterances"),
        spoken.alias("audio_s"),
        worked.alias("seconds"),
        (worked / spoken).alias("real_time_factor"),
        seconds.median().alias("p50_s"),
        *(seconds.quantile(part / 100, interpolation="linear").alias(f"p{part}_s") for part in (90, 95, 99)),
        seconds.max().alias("longest_s"),
        pl.len().alias("tried"),
        failed.alias("failures"),
        (failed / pl.len()).alias("failed_share"),
    ]
