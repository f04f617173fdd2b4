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
    "p95_s": pl.Float64,
    "longest_s": pl.Float64,
}
"""``real_time_factor`` is seconds of work per second of speech, pooled over the utterances that know both; ``audio_s``
and ``seconds`` are its two sums; the percentiles are of seconds per utterance. Unknown is null."""


def timing_rows(timings: pl.DataFrame, utterances: pl.DataFrame, axes: Sequence[str]) -> pl.DataFrame:
    """Return rows of `TIMING` by backend and condition: the overall row, then a row per group of each axis.

    ``utterances`` has the columns of the axes, or of the parts of a product. An utterance that was not timed counts in
    none; nothing timed gives no rows.
    """
    timed = timings.filter(pl.col("seconds").is_not_null())
    labels = with_intersections(utterances, axes)
    rows = timed.join(labels.select("utterance_id", *axes), on="utterance_id", how="left", maintain_order="left")
    return pl.concat([pl.DataFrame(schema=TIMING), *_parts(rows, axes)])


def _parts(rows: pl.DataFrame, axes: Sequence[str]) -> Iterator[pl.DataFrame]:
    for axis in (OVERALL, *axes):
        group = pl.lit(OVERALL) if axis == OVERALL else pl.col(axis)
        cell = [pl.lit(axis).alias("axis"), group.alias("group"), pl.col("condition"), pl.col("backend")]
        found = rows.group_by(cell).agg(*_measures()).sort("backend", "condition", "group", nulls_last=True)
        yield conform(found, TIMING)


def _measures() -> list[pl.Expr]:
    seconds = pl.col("seconds")
    both = pl.col("audio_s") > 0
    known = both.sum() > 0
    spoken, worked = (pl.when(known).then(pl.col(name).filter(both).sum()) for name in ("audio_s", "seconds"))
    return [
        pl.len().alias("utterances"),
        spoken.alias("audio_s"),
        worked.alias("seconds"),
        (worked / spoken).alias("real_time_factor"),
        seconds.median().alias("p50_s"),
        seconds.quantile(0.95, interpolation="linear").alias("p95_s"),
        seconds.max().alias("longest_s"),
    ]
