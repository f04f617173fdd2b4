"""Whether a recogniser's word confidences are what they say: of words at 0.9, nine in ten should be right.

Conventions
-----------
One row per recognised word with a confidence in [0, 1] that is known to be right or wrong; words are pooled over a cell
(a group under a condition and a backend), and speakers are the sample. Bins are the same for all groups and conditions
of a backend, so that curves can be laid over each other: ten with as many words each, of all of the backend's words
together; fewer where many words have the same confidence. A bin holds confidences from its lower end to below its
upper one, the last its upper end too.

With n_b words in bin b of a cell, N in all, p_b = n_b/N, and d_b the mean confidence minus the share of right words:

overconfidence: Σ p_b d_b, the mean confidence minus the share of right words. Negative: too modest.
calibration_error: √max(Σ p_b d_b² − Σ p_b v_b, 0), root mean square, the bias of the first sum taken off (Kumar, Liang
and Ma 2019, who take the words of a bin to be independent: here v_b is the variance of d_b over speakers, or theirs
where all of it together is less than theirs).
expected_calibration_error: 2·Σ p_b |d_b| − Σ p_b E|X_b| with X_b normal of mean d_b and variance v_b, at least 0: the
usual mean absolute gap, its bias taken off as Kumar, Liang and Ma do; no more than the calibration error (Jensen).

Intervals
---------
overconfidence: ∓ t·s, s² = Σ u_s²/(1 − h_s)² with u_s a speaker's residual and h_s its share of the words, degrees of
freedom as in `asrfair.stats.intervals`, s² at least that of independent words.
calibration_error: Q = Σ p_b d_b² is taken as a·ν·F, F a noncentral F variable; the ends are where Q is as extreme as
alpha/2 (test inversion, so that the lower end is 0 where good calibration may be all there is to it). a·ν = Σ p_b v_b.
a is the larger of Σ_bc p_b p_c V_bc²/Σ p_b v_b, V the covariance over speakers (its sampling taken off), and Var(Q)/4Q
from speakers' influence on Q.
expected_calibration_error: never less than |overconfidence| and never more than the calibration error (Jensen), so from
the nearer end of the one's interval, or 0, to the upper end of the other's. It covers more than it says.
In simulations (4 to 30 speakers of 100 words, whose shares of right words differ by sd 0, .05 or .1; confidences that
are right, .03 or .1 too high, or too high where they are high; 400 corpora each) 95 % intervals hold the truth in .935
to 1.00 for overconfidence, .962 to 1.00 for the calibration error and .942 to 1.00 for the expected one.
A bin's share of right words: one minus the interval of `asrfair.stats.intervals` for the share of wrong ones.

References
----------
Guo, Pleiss, Sun and Weinberger 2017 (expected calibration error); Nguyen and O'Connor 2015 (bins of equal mass); Kumar,
Liang and Ma 2019 (NeurIPS, Verified uncertainty calibration).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Ints, ratio, t_quantile, total
from asrfair.stats.calibration_error import Gaps, error_ends, gaps
from asrfair.stats.intervals import log_rates, moment_df
from asrfair.stats.question import Question
from asrfair.stats.rates import unknown_if_nan
from asrfair.tables import CALIBRATION, METRICS, OVERALL, conform

BINS = 10
CALIBRATION_METRICS = ("overconfidence", "calibration_error", "expected_calibration_error")
_PARTS = 2**32
"""Confidences are summed in whole parts of one: no order of rows, nor number of threads, changes a digit."""
_CELL = ("group", "condition", "backend")


@dataclass(frozen=True)
class Calibrated:
    """Rows of the tables ``metrics`` and ``calibration``."""

    metrics: pl.DataFrame
    curves: pl.DataFrame


def calibration_rows(words: pl.DataFrame, question: Question, *, normalizer: str | None) -> Calibrated:
    """Return how well calibrated the confidences are, per group of each axis, condition and backend.

    ``words`` has ``speaker_id, condition, backend, confidence, right`` and a text column per axis, one row per
    recognised word; those without confidence, and those neither right nor wrong, are left out, and the note counts
    the latter. Without any words that have both there are no rows.
    """
    told = words.filter(pl.col("confidence").is_not_null())
    usable = told.filter(pl.col("right").is_not_null())
    parts = [
        _of_axis(axis, own, told.filter(pl.col("backend") == backend), question)
        for (backend,), own in sorted(_binned(usable), key=lambda part: str(part[0]))
        for axis in (OVERALL, *question.axes)
    ]
    named = {"normalizer": pl.lit(normalizer, pl.String), "level": pl.lit(question.level)}
    metrics, curves = (
        pl.concat(
            [pl.DataFrame(schema=schema), *(conform(part[place].with_columns(**named), schema) for part in parts)]
        )
        for place, schema in enumerate((METRICS, CALIBRATION))
    )
    return Calibrated(metrics, curves)


def _binned(words: pl.DataFrame) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Yield each backend's words with the ends of their bins."""
    for backend, own in words.group_by("backend"):
        ordered = own["confidence"].sort().to_numpy()
        cuts = np.unique(ordered[np.arange(1, BINS) * len(ordered) // BINS])
        cuts = cuts[cuts > ordered[0]]
        place = np.searchsorted(cuts, own["confidence"].to_numpy(), side="right")
        ends = np.concatenate([[0.0], cuts, [1.0]])
        yield (
            backend,
            own.with_columns(
                bin=pl.Series(place, dtype=pl.Int64),
                from_confidence=pl.Series(ends[place]),
                to_confidence=pl.Series(ends[place + 1]),
            ),
        )


def _of_axis(axis: str, words: pl.DataFrame, told: pl.DataFrame, question: Question) -> list[pl.DataFrame]:
    """Return one backend's rows of the two tables for one axis."""
    group = pl.lit(OVERALL) if axis == OVERALL else pl.col(axis).cast(pl.String)
    parts = (pl.col("confidence") * _PARTS).round().cast(pl.Int64)
    sums = (
        words.with_columns(group=group)
        .group_by(*_CELL, "speaker_id", "bin", "from_confidence", "to_confidence")
        .agg(words=pl.len().cast(pl.Int64), right=pl.col("right").sum().cast(pl.Int64), confidence=parts.sum())
        .with_columns(confidence=pl.col("confidence") / _PARTS)
        .sort("condition", "group", "bin", "speaker_id", nulls_last=True)
    )
    unknown = told.filter(pl.col("right").is_null()).with_columns(group=group).group_by(_CELL).agg(left_out=pl.len())
    cells = sums.select(_CELL).unique(maintain_order=True).with_row_index("cell")
    cells = cells.join(unknown, on=_CELL, how="left", maintain_order="left", nulls_equal=True)
    sums = sums.join(cells, on=_CELL, nulls_equal=True, maintain_order="left")
    found = [_of_cell(own, question) for own in sums.partition_by("cell", maintain_order=True)]
    left_out = cells["left_out"].fill_null(0).to_numpy()
    metrics = _metric_rows(found, left_out, question)
    place = pl.Series(np.repeat(np.arange(len(cells)), len(CALIBRATION_METRICS)))
    named = cells.select(_CELL)[place]
    curves = _curve_rows(sums, question)
    return [
        pl.concat([named, metrics], how="horizontal").with_columns(axis=pl.lit(axis)),
        curves.with_columns(axis=pl.lit(axis)),
    ]


@dataclass(frozen=True)
class _Cell:
    """The measures of one cell: estimate, low and high of each, nan where there is no interval."""

    speakers: int | None
    known: bool
    ends: tuple[tuple[float, float, float], ...]


def _of_cell(sums: pl.DataFrame, question: Question) -> _Cell:
    anonymous = sums["speaker_id"].null_count() > 0
    names, clusters = np.unique(sums["speaker_id"].fill_null("").to_numpy(), return_inverse=True)
    _, bins = np.unique(sums["bin"].to_numpy(), return_inverse=True)
    shape = (len(names), int(bins.max()) + 1)
    tables = [np.zeros(shape) for _ in range(3)]
    for table, name in zip(tables, ("words", "right", "confidence"), strict=True):
        table[clusters, bins] = sums[name].to_numpy()
    found = gaps(*tables)
    judged = len(names) > 1 and not anonymous
    bias = _bias(found, question.alpha) if judged else (found.overall, np.nan, np.nan)
    squared = found.squared
    absolute = min(found.absolute, squared)
    low, high = error_ends(found, question.alpha) if judged else (np.nan, np.nan)
    if not judged:
        # The bias of one speaker's gaps cannot be known.
        squared = absolute = np.nan
    least = 0.0 if bias[1] <= 0 <= bias[2] else min(abs(bias[1]), abs(bias[2]))
    ends = (
        bias,
        (squared, low, high),
        (absolute, min(least, absolute) if judged else np.nan, max(high, absolute) if judged else np.nan),
    )
    return _Cell(None if anonymous else len(names), not anonymous, ends)


def _bias(found: Gaps, alpha: float) -> tuple[float, float, float]:
    """Return the mean confidence minus the share of right words, and the ends of its interval."""
    own = found.words.sum(axis=1)
    residual = (found.excess.sum(axis=1) - found.overall * own) / (own.sum() - own)
    variance = max(float((residual**2).sum()), found.independent)
    df = moment_df(np.zeros(len(own), np.int64), own, cells=1)
    width = float(t_quantile(alpha, df)[0]) * np.sqrt(variance)
    return found.overall, max(found.overall - width, -1.0), min(found.overall + width, 1.0)


def _metric_rows(found: list[_Cell], left_out: Ints, question: Question) -> pl.DataFrame:
    methods = (
        "speaker-clustered t",
        "speaker-clustered, bias taken off, noncentral F",
        "speaker-clustered, bias taken off, from overconfidence to calibration error",
    )
    rows = [
        {
            "metric": name,
            "speakers": cell.speakers,
            "estimate": _known(ends[0]),
            "low": _known(ends[1]),
            "high": _known(ends[2]),
            "method": how,
            "note": "; ".join(_told(cell, int(number))) or None,
        }
        for cell, number in zip(found, left_out, strict=True)
        for name, ends, how in zip(CALIBRATION_METRICS, cell.ends, methods, strict=True)
    ]
    schema = {name: kind for name, kind in METRICS.items() if name in rows[0]} if rows else METRICS
    return pl.DataFrame(rows, schema_overrides=schema)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _told(cell: _Cell, left_out: int) -> Iterator[str]:
    if not cell.known:
        yield "words of unknown speakers"
    elif cell.speakers == 1:
        yield "1 speaker: not judged"
    elif cell.speakers is not None and cell.speakers < notes.FEW_SPEAKERS:
        yield f"under {notes.FEW_SPEAKERS} speakers"
    if left_out:
        yield notes.counted(left_out, "word", " neither right nor wrong left out")


def _curve_rows(sums: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return a row per cell and bin, with the interval of the share of right words."""
    keys = [*_CELL, "from_confidence", "to_confidence"]
    rows = sums.select(*keys, "cell", "bin").unique(["cell", "bin"], maintain_order=True).with_row_index("place")
    place = sums.join(rows.select("cell", "bin", "place"), on=["cell", "bin"], how="left", maintain_order="left")
    at, size = place["place"].to_numpy().astype(np.int64), len(rows)
    words, right, confidence = (sums[name].to_numpy().astype(np.float64) for name in ("words", "right", "confidence"))
    number, good = total(at, words, size), total(at, right, size)
    wrong = number - good
    spread = log_rates(at, words - right, words, cells=size, events=ratio(wrong * number, good))
    known: Bools = total(at, sums["speaker_id"].is_null().to_numpy(), size) == 0
    low, high = (np.where(known, end, np.nan) for end in spread.interval(question.alpha))
    speakers = np.where(known, spread.clusters, np.nan)
    few = known & spread.judged & (spread.clusters < notes.FEW_SPEAKERS)
    parts: list[notes.Part] = [
        (~known, "words of unknown speakers"),
        (known & (spread.clusters == 1), "1 speaker: not judged"),
        (few, f"under {notes.FEW_SPEAKERS} speakers"),
        (known & spread.none, "none wrong: lower end from the number of words"),
        (known & spread.judged & spread.too_wide(question.alpha), notes.TOO_WIDE),
    ]
    return rows.drop("place").with_columns(
        speakers=pl.Series(speakers).fill_nan(None).cast(pl.Int64),
        words=pl.Series(number).cast(pl.Int64),
        mean_confidence=unknown_if_nan(ratio(total(at, confidence, size), number)),
        right_share=unknown_if_nan(ratio(good, number)),
        low=unknown_if_nan(np.clip(1 - high, 0, 1)),
        high=unknown_if_nan(np.clip(1 - low, 0, 1)),
        method=pl.lit("speaker-clustered skewed log t of one minus it"),
        note=pl.Series(notes.join(parts, size), dtype=pl.String),
    )
