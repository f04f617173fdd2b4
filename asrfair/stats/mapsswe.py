"""The matched-pairs sentence-segment word error test (MAPSSWE), for comparison with sclite.

Conventions
-----------
A segment is a stretch of an utterance in which either of two systems errs, bounded by two words that both got
right. Of a segment with e errors of the system and e₀ of the reference system, the difference is e − e₀, so that a
positive Z says that the system errs more. (sclite's sign is its first system minus its second.)

Formula
-------
Z = mean/(sd/√n) over n segments, with sd's divisor n − 1; p is that of a standard normal, two-sided.

References
----------
Gillick and Cox 1989; Pallett, Fisher and Fiscus 1990; program sc_stats of NIST's SCTK.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import ratio
from asrfair.stats.rates import unknown_if_nan
from asrfair.tables import OVERALL, require_columns

ASSUMPTION = (
    "these speakers only: segments independent; where systems differ by speaker it raises false alarms in a quarter "
    "to a half of comparisons"
)
_KEYS = ("condition", "backend", "reference_backend")


def mapsswe_rows(segments: pl.DataFrame, *, axes: Sequence[str]) -> pl.DataFrame:
    """Return rows of table ``tests``, without normalizer: ``overall`` and each group, by condition and backend.

    ``segments`` has a row per segment: ``utterance_id``, ``condition``, ``backend``, ``reference_backend`` (texts),
    ``errors`` of the backend and ``base_errors`` of the reference backend (numbers), a text column per axis, and
    ``speaker_id`` where speakers are to be counted. An utterance without a segment may have one row with null
    errors, which keeps its group in sight. Rows are sorted by axis (``overall`` first, then as given), backend,
    condition and group (unlabelled last). Z and p are null, and the note says why, under two segments or where all
    differ by the same. Raises InputError on a missing column.
    """
    require_columns(segments, ["utterance_id", *_KEYS, "errors", "base_errors", *axes], where="segments")
    return pl.concat([_of_axis(segments, axis) for axis in (OVERALL, *axes)])


def _of_axis(segments: pl.DataFrame, axis: str) -> pl.DataFrame:
    difference = pl.col("errors").cast(pl.Float64) - pl.col("base_errors")
    known = "speaker_id" in segments.columns
    speakers = pl.col("speaker_id").drop_nulls().n_unique() if known else pl.lit(None, pl.Int64)
    group = pl.lit(OVERALL) if axis == OVERALL else pl.col(axis).cast(pl.String)
    rows = (
        segments.with_columns(group.alias("group"))
        .group_by("group", *_KEYS)
        .agg(
            difference.count().alias("n"),
            difference.mean().alias("mean"),
            difference.std(ddof=1).alias("sd"),
            speakers.cast(pl.Int64).alias("speakers"),
        )
        .sort("backend", "reference_backend", "condition", "group", nulls_last=True)
    )
    return _tested(rows).with_columns(
        axis=pl.lit(axis),
        reference_group="group",
        reference_condition="condition",
        test=pl.lit("mapsswe"),
        assumption=pl.lit(ASSUMPTION),
    )


def _tested(rows: pl.DataFrame) -> pl.DataFrame:
    from scipy import special

    n = rows["n"].to_numpy()
    mean, sd = (rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("mean", "sd"))
    z = ratio(mean, sd / np.sqrt(np.maximum(n, 1)))
    note = notes.join(
        [
            (n == 0, "no segment with an error"),
            (n, lambda number: notes.counted(int(number), "segment")),
            (n == 1, "under 2 segments: not judged"),
            ((n >= 2) & (sd == 0), "all segments differ by the same: not judged"),
        ],
        rows.height,
    )
    return rows.drop("n", "mean", "sd").with_columns(
        statistic=unknown_if_nan(z),
        p=unknown_if_nan(special.erfc(np.abs(z) / np.sqrt(2))),
        note=pl.Series(note, dtype=pl.String),
    )
