"""The table of metrics: what else is measured of each cell, with an interval clustered by speaker.

Conventions
-----------
H, S, D and I are hits, substitutions, deletions and insertions, N = H + S + D reference words and P = H + S + I
recognised words, all pooled over a cell, except where a name says otherwise. A WER is «above» x if it is greater.

Metrics
-------
character_error_rate: character errors over reference characters.
match_error_rate: (S + D + I)/(H + S + D + I). word_information_lost: 1 − (H/N)·(H/P).
word_precision: H/P. word_recall: H/N. word_f1: 2H/(N + P).
mean_utterance_wer: the mean of utterances' WERs, as published tables have it; short utterances weigh as much as long.
share_of_utterances_above_x: of the utterances with reference words.
macro_average_wer: the mean of speakers' WERs. median_speaker_wer: their median.
share_of_speakers_above_x: of the speakers with reference words.

Intervals: that of `asrfair.stats.intervals` for ratios of sums (for precision, recall and F1 of one minus them, for
word information lost with the influence values of its logarithm); order statistics for the median; Clopper–Pearson
for the share of speakers. An end beyond the range of a share is the end of that range.

One-sided 95 % bounds of ratios and means (log-normal speakers, sd .6; the truth at the limit, 600 corpora) miss in 4 to
5 % with 10 and with 30 speakers, as the WER's do; the median's in 1 and 5 %, those of the share of speakers in none.

References
----------
Morris, Maier and Green 2004 (match error rate, word information lost); Clopper and Pearson 1934.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Ints, at
from asrfair.stats.averaged import macro_average_wer, of_speakers, of_utterances
from asrfair.stats.cells import Coded
from asrfair.stats.pooled import Metric, character_error_rate, from_ratio, word_information_lost, word_ratios
from asrfair.stats.rates import AxisSums, cell_names, in_order, method, speakers, unknown_if_nan


def metric_rows(view: AxisSums, coded: Coded, *, level: float, above: Sequence[float] = (0.5,)) -> pl.DataFrame:
    """Return the rows of table ``metrics`` of one axis, metric by metric, without its normalizer.

    ``above`` lists the WERs that utterances and speakers are counted above.
    """
    alpha, limits = 1 - level, list(dict.fromkeys(above))
    index = in_order(view.cells.utterances > 0, coded)
    found = [
        character_error_rate(view, coded, alpha=alpha),
        *(from_ratio(each, view, coded, alpha=alpha) for each in word_ratios(view)),
        word_information_lost(view, coded, alpha=alpha),
        *of_utterances(view, coded, above=limits, alpha=alpha),
        macro_average_wer(view, coded, alpha=alpha),
        *of_speakers(view, above=limits, alpha=alpha),
    ]
    return pl.concat([rows_of(metric, view, coded, index) for metric in found]).with_columns(
        axis=pl.lit(view.axis.name), level=pl.lit(level)
    )


def rows_of(metric: Metric, view: AxisSums, coded: Coded, index: Ints) -> pl.DataFrame:
    """Return the rows of one metric for cells by number, without their axis, level and normalizer."""
    cells = at(metric.cells, index)
    parts = [(np.asarray(values)[index], words) for values, words in metric.parts]
    return pl.DataFrame(
        cell_names(view.axis, coded, index)
        | {
            "speakers": speakers(cells),
            "estimate": unknown_if_nan(metric.estimate[index]),
            "low": unknown_if_nan(metric.low[index]),
            "high": unknown_if_nan(metric.high[index]),
            "method": method(cells.independent > 0, metric.method),
            "note": pl.Series(notes.join(parts, len(index)), dtype=pl.String),
        }
    ).with_columns(metric=pl.lit(metric.name))
