"""Metrics over utterances and over speakers: means, medians and shares (`asrfair.stats.metrics`).

Conventions
-----------
Only utterances and speakers with reference words have a WER; the note says how many are left out. Where a cell has
utterances without a speaker, nothing is known of its speakers' WERs.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, ratio, total
from asrfair.stats.cells import Coded, Columns, cluster_sums
from asrfair.stats.pooled import Metric, Ratio, from_ratio
from asrfair.stats.rates import AxisSums

_PARTS = 2.0**36
"""Utterances' WERs are summed in whole parts of one: no order of rows, nor number of threads, changes a digit."""


def of_utterances(view: AxisSums, coded: Coded, *, above: Sequence[float], alpha: float) -> Iterator[Metric]:
    """Yield ``mean_utterance_wer`` and, for each value, ``share_of_utterances_above_…``."""
    size = len(view.cells.utterances)
    sums = _utterance_sums(view, coded, above)
    spoken = total(view.cell, sums["spoken"], size)
    left_out = _left_out(view.cells.utterances - spoken, "utterance")
    mean = Ratio(
        "mean_utterance_wer",
        *_in_words(view, sums["wer"], sums["spoken"]),
        ratio(total(view.cell, sums["wer"], size) ** 2, total(view.cell, sums["weight"], size)),
        bounded=False,
    )
    yield from_ratio(mean, view, coded, alpha=alpha, parts=[left_out])
    for limit in above:
        over = sums[f"above_{limit}"]
        share = Ratio(
            f"share_of_utterances_above_{limit:g}",
            over,
            sums["spoken"],
            binomial_events(total(view.cell, over, size), spoken),
            counted=f"utterances above {limit:g}",
        )
        yield from_ratio(share, view, coded, alpha=alpha, parts=[left_out])


def _utterance_sums(view: AxisSums, coded: Coded, above: Sequence[float]) -> Columns:
    """Return by cell and cluster: utterances with words, their WERs, E/W², and how many are above each value."""
    rows = coded.rows
    axis = [view.axis.name] if view.axis.name in rows.columns else []
    spoken = pl.col("words") > 0
    wer = pl.when(spoken).then(pl.col("errors") / pl.col("words"))
    fractions = {"wer": wer, "weight": wer / pl.col("words")}
    values = {name: (value * _PARTS).round().cast(pl.Int64) for name, value in fractions.items()}
    values |= {"spoken": spoken} | {f"above_{limit}": wer > limit for limit in above}
    named = rows.select(
        "cluster", "condition", "backend", *axis, *(value.alias(name) for name, value in values.items())
    )
    sums = cluster_sums(named, view.axis, coded)[2]
    return sums | {name: sums[name] / _PARTS for name in fractions}


def binomial_events(count: Floats, of: Floats) -> Floats:
    """Return the events e at which 1/e is the relative variance (1 − p)/count; the count itself where p = 1."""
    return np.where(count < of, ratio(count * of, of - count), count)


def _in_words(view: AxisSums, values: Floats, units: Floats) -> tuple[Floats, Floats]:
    """Return a mean's sums of values and numbers of units, both times the cell's words per unit.

    The mean is the same; the denominator is now words, on which the end rests where there are no errors.
    """
    size = len(view.cells.utterances)
    words = ratio(total(view.cell, view.sums["words"], size), total(view.cell, units, size))
    scale = np.nan_to_num(words)[view.cell]
    return values * scale, units * scale


def _left_out(number: Floats, one: str) -> notes.Part:
    return number, lambda n: notes.counted(int(n), one, " without reference words left out")


def macro_average_wer(view: AxisSums, coded: Coded, *, alpha: float) -> Metric:
    """Return the mean of speakers' WERs, by the log t interval of a ratio with one unit per speaker."""
    size, wer = len(view.cells.utterances), _speaker_wer(view)
    spoke = np.isfinite(wer)
    values = np.nan_to_num(wer)
    weight = np.nan_to_num(ratio(wer, view.sums["words"]))
    mean = Ratio(
        "macro_average_wer",
        *_in_words(view, values, spoke.astype(np.float64)),
        ratio(total(view.cell, values, size) ** 2, total(view.cell, weight, size)),
        bounded=False,
    )
    found = from_ratio(mean, view, coded, alpha=alpha, parts=[_silent(view)])
    return _of_known_speakers(found)


def of_speakers(view: AxisSums, *, above: Sequence[float], alpha: float) -> Iterator[Metric]:
    """Yield ``median_speaker_wer`` and, for each value, ``share_of_speakers_above_…``."""
    yield _of_known_speakers(_median(view, alpha=alpha))
    for limit in above:
        yield _of_known_speakers(_share_above(view, limit, alpha=alpha))


def _median(view: AxisSums, *, alpha: float) -> Metric:
    wer, size = _speaker_wer(view), len(view.cells.utterances)
    spoke = np.isfinite(wer)
    order = np.lexsort((wer[spoke], view.cell[spoke]))
    ordered = np.append(wer[spoke][order], np.nan)
    number = np.bincount(view.cell[spoke], minlength=size)
    start = np.cumsum(number) - number

    def nth(place: Ints, known: Bools) -> Floats:
        return ordered[np.where(known, start + place, len(ordered) - 1)]

    rank = _median_rank(number, alpha)
    low, high = nth(rank - 1, rank > 0), nth(number - rank, rank > 0)
    alike = low == high
    return Metric(
        name="median_speaker_wer",
        cells=view.cells,
        estimate=(nth((number - 1) // 2, number > 0) + nth(number // 2, number > 0)) / 2,
        low=np.where(alike, np.nan, low),
        high=np.where(alike, np.nan, high),
        method="order statistics of speakers",
        parts=[
            *_speaker_parts(view),
            (view.cells.judged & (rank == 0), "too few speakers for the interval of a median"),
            (view.cells.judged & alike, "speakers' WERs too alike for an interval"),
        ],
    )


def _median_rank(number: Ints, alpha: float) -> Ints:
    """Return the largest r for which the r-th smallest and largest value hold the median at 1 − α; 0 for none."""
    from scipy import special

    sizes, place = np.unique(number, return_inverse=True)
    ranks = [np.count_nonzero(special.bdtr(np.arange(size // 2), size, 0.5) <= alpha / 2) for size in sizes]
    return np.array(ranks, np.int64)[place]


def _share_above(view: AxisSums, limit: float, *, alpha: float) -> Metric:
    from scipy import special

    wer, size = _speaker_wer(view), len(view.cells.utterances)
    number = total(view.cell, np.isfinite(wer), size)
    over = total(view.cell, np.nan_to_num(wer) > limit, size)
    low = special.betaincinv(np.maximum(over, 1), number - over + 1, alpha / 2)
    high = special.betaincinv(over + 1, np.maximum(number - over, 1), 1 - alpha / 2)
    judged = view.cells.judged
    return Metric(
        name=f"share_of_speakers_above_{limit:g}",
        cells=view.cells,
        estimate=ratio(over, number),
        low=np.where(judged, np.where(over > 0, low, 0.0), np.nan),
        high=np.where(judged, np.where(over < number, high, 1.0), np.nan),
        method="Clopper–Pearson over speakers",
        parts=_speaker_parts(view),
    )


def _speaker_parts(view: AxisSums) -> list[notes.Part]:
    cells = view.cells
    return [
        ((cells.utterances > 0) & (cells.spread.words == 0), "no reference words"),
        *notes.cluster_parts(cells),
        _silent(view),
    ]


def _speaker_wer(view: AxisSums) -> Floats:
    return ratio(view.sums["errors"], view.sums["words"])


def _silent(view: AxisSums) -> notes.Part:
    return _left_out(total(view.cell, view.sums["words"] == 0, len(view.cells.utterances)), "speaker")


def _of_known_speakers(metric: Metric) -> Metric:
    """Return the metric without values where utterances have no speaker."""
    known = metric.cells.unknown + metric.cells.independent == 0
    estimate, low, high = (np.where(known, values, np.nan) for values in (metric.estimate, metric.low, metric.high))
    parts: list[notes.Part] = [(np.where(known, values, 0), words) for values, words in metric.parts]
    parts += [*notes.cluster_parts(metric.cells), (~known, "speakers' WERs unknown")]
    return dataclasses.replace(metric, estimate=estimate, low=low, high=high, parts=parts)
