"""Words that nobody said: on probes, where nothing is said at all, and in speech.

Conventions
-----------
Rows of table ``metrics``, per group, condition and backend. Minutes are those of the audio that was transcribed;
utterances whose audio has no known length are left out of what is per minute, and the note counts them. Utterances of
a probe that failed are left out and counted too. Counts are pooled over a cell.

Metrics
-------
probe_words_per_minute: recognised words per minute of a probe, on which every word is made up (`PROBE_METRICS`).
probe_utterances_with_words_share: of the utterances under a probe, those with any word.
insertions_per_minute: inserted words per minute of speech. An insertion need not be a hallucination: a word heard as
two is one too.
words_without_speech_per_minute: recognised words, wrong ones, that by the recogniser's own times lie wholly in a pause
of the recording (`asrfair.condition.level`: activity after ITU-T P.56), per minute of speech. Only of utterances whose
words all have times and whose recording was measured, under conditions that keep its length. A recording whose noise is
as loud as speech has no pauses, so what is made up in it does not count: a lower bound.
utterances_with_loops_share: of the utterances, those with words that repeat in a loop (`asrfair.scoring.loops`).

Intervals: that of `asrfair.stats.intervals`, clustered by speaker, for ratios of sums, cut at the ends of a share. On
digital silence a recogniser that is deterministic differs between utterances by their length alone: that interval
says how much the lengths matter, not how much chance does.

References
----------
Koenecke et al. 2024 (FAccT, Careless Whisper): hallucinations by group of speakers. Barański et al. 2025 (ICASSP):
probing with sounds that are no speech; loops.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Floats, total
from asrfair.stats.averaged import binomial_events
from asrfair.stats.cells import Coded, code, find_axis
from asrfair.stats.metrics import rows_of
from asrfair.stats.pooled import Metric, Ratio, from_ratio
from asrfair.stats.question import Question
from asrfair.stats.rates import AxisSums, axis_sums, in_order
from asrfair.tables import FAILURES, METRICS, OVERALL, conform

PROBE_METRICS = ("probe_words_per_minute", "probe_utterances_with_words_share")
SPEECH_METRICS = ("insertions_per_minute", "utterances_with_loops_share", "words_without_speech_per_minute")
Measure = Callable[[AxisSums, Coded, float], Iterator[Metric]]
_MICROSECONDS = 1_000_000
_PER_MINUTE = 60.0 * _MICROSECONDS


def hallucination_rows(counts: pl.DataFrame, probes: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the rows of table ``metrics`` that tell of words nobody said, without `asrfair.stats.metrics`' own.

    ``counts`` and ``probes`` are those of `asrfair.tables` with a text column per axis; ``counts`` with ``audio_s``,
    and with ``unspoken_words`` where words have times: those in pauses, null where unknown. What is nowhere known has
    no rows: minutes without audio, loops in runs of earlier versions.
    """
    if "unspoken_words" not in counts.columns:
        counts = counts.with_columns(unspoken_words=pl.lit(None, pl.Int64))
    answered, unspoken = pl.lit(value=False), pl.col("unspoken_words")
    spoken = _measured(pl.col("insertions"), unspoken=unspoken, failed=answered)
    failed = pl.col("failure").is_not_null()
    made_up = _measured(pl.col("words").fill_null(0), unspoken=pl.lit(None, pl.Int64), failed=failed)
    parts = [
        *_of_normalizers(counts, spoken, question, _of_speech),
        *_of_normalizers(probes, made_up, question, _of_probes),
    ]
    return pl.concat([pl.DataFrame(schema=METRICS), *(conform(part, METRICS) for part in parts)])


def _measured(said: pl.Expr, *, unspoken: pl.Expr, failed: pl.Expr) -> list[pl.Expr]:
    timed = (pl.col("audio_s") > 0).fill_null(value=False) & ~failed
    placed = timed & unspoken.is_not_null()
    length = (pl.col("audio_s") * _MICROSECONDS).round().cast(pl.Int64)
    return [
        pl.when(timed).then(said).otherwise(0).alias("errors"),
        pl.when(timed).then(length).otherwise(0).alias("words"),
        (~failed & ~timed).alias("_untimed"),
        pl.when(placed).then(unspoken).otherwise(0).alias("_unspoken"),
        pl.when(placed).then(length).otherwise(0).alias("_placed"),
        (~placed).alias("_unplaced"),
        failed.alias("_failed"),
        (~failed).alias("_answered"),
        (said > 0).alias("_with_words"),
        (pl.col("looped_words") > 0).fill_null(value=False).alias("_with_loops"),
        pl.col("looped_words").is_not_null().alias("_searched"),
    ]


def _of_normalizers(
    rows: pl.DataFrame, measures: list[pl.Expr], question: Question, metrics: Measure
) -> Iterator[pl.DataFrame]:
    for (normalizer,), own in rows.group_by("normalizer", maintain_order=True):
        failures = pl.DataFrame(schema={**FAILURES, **dict.fromkeys(question.axes, pl.String)})
        there = set(own["condition"]), set(own["backend"])
        coded = code(
            own,
            failures,
            axes=question.axes,
            baseline_condition=question.baseline_condition if question.baseline_condition in there[0] else None,
            baseline_backend=question.baseline_backend if question.baseline_backend in there[1] else None,
            independent_utterances=question.independent_utterances,
            measures=measures,
        )
        for name in (OVERALL, *question.axes):
            view = axis_sums(find_axis(name, own, failures), coded)
            index = in_order(view.cells.utterances > 0, coded)
            for metric in metrics(view, coded, question.alpha):
                yield rows_of(metric, view, coded, index).with_columns(
                    axis=pl.lit(name), level=pl.lit(question.level), normalizer=pl.lit(normalizer)
                )


def _of_speech(view: AxisSums, coded: Coded, alpha: float) -> Iterator[Metric]:
    yield from _per_minute(view, coded, alpha, _Count(SPEECH_METRICS[0], "insertions"))
    if view.sums["_searched"].any():
        yield _share(view, coded, alpha, name=SPEECH_METRICS[1], of="_with_loops", unit="_searched", counted="loops")
    yield from _per_minute(view, coded, alpha, _Count(SPEECH_METRICS[2], "such words", *_PLACED))


def _of_probes(view: AxisSums, coded: Coded, alpha: float) -> Iterator[Metric]:
    yield from _per_minute(view, coded, alpha, _Count(PROBE_METRICS[0], "words"))
    yield _share(view, coded, alpha, name=PROBE_METRICS[1], of="_with_words", unit="_answered", counted="words")


_PLACED = ("_unspoken", "_placed", "_unplaced", " without word times or measured pauses left out")


@dataclass(frozen=True)
class _Count:
    """What is counted per minute: the sums of how many, of the time and of the utterances left out, and why."""

    name: str
    counted: str
    number: str = "errors"
    time: str = "words"
    left_out: str = "_untimed"
    why: str = " of unknown length left out"


def _per_minute(view: AxisSums, coded: Coded, alpha: float, what: _Count) -> Iterator[Metric]:
    """Yield counts per minute; nothing where nowhere a time is known."""
    minutes: Floats = view.sums[what.time] / _PER_MINUTE
    if minutes.any():
        size = len(view.cells.utterances)
        number = view.sums[what.number]
        events = total(view.cell, number, size)
        empty = f"all utterances{what.why}"
        rate = Ratio(what.name, number, minutes, events, counted=what.counted, bounded=False, empty=empty)
        without = total(view.cell, view.sums[what.left_out], size)
        left_out: notes.Part = (
            np.where(without < view.cells.utterances, without, 0),
            lambda n: notes.counted(int(n), "utterance", what.why),
        )
        yield from_ratio(rate, view, coded, alpha=alpha, parts=[left_out, _failed(view)])


def _share(view: AxisSums, coded: Coded, alpha: float, *, name: str, of: str, unit: str, counted: str) -> Metric:
    size = len(view.cells.utterances)
    number, everything = view.sums[of], view.sums[unit]
    events = binomial_events(total(view.cell, number, size), total(view.cell, everything, size))
    share = Ratio(name, number, everything, events, counted=f"utterances with {counted}", empty="not searched")
    return from_ratio(share, view, coded, alpha=alpha, parts=[_failed(view)])


def _failed(view: AxisSums) -> notes.Part:
    failed = total(view.cell, view.sums["_failed"], len(view.cells.utterances))
    return failed, lambda n: notes.counted(int(n), "utterance", " that failed left out")
