"""Metrics of pooled characters and words: ratios of sums, and what is made of them (`asrfair.stats.metrics`)."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from asrfair.stats import notes
from asrfair.stats.arrays import Floats, ratio, total
from asrfair.stats.cells import Cells, Coded, rate_cells
from asrfair.stats.intervals import LogRates
from asrfair.stats.rates import AxisSums, with_design_effect

LOG_T, LOG_T_OF_REST = "{} skewed log t", "{} skewed log t of one minus it"
"""The methods' names with a place for how utterances were clustered."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of every cell, arrays of shape=(cells,), the ends nan where there is no interval."""

    name: str
    cells: Cells[LogRates]
    estimate: Floats
    low: Floats
    high: Floats
    method: str
    parts: list[notes.Part]


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A ratio of sums by cluster, each shape=(rows,).

    ``events``, shape=(cells,), are the independent ``counted`` that its floor rests on. ``complement``: the metric is
    one minus the ratio. ``bounded``: it is a share. ``empty`` says what is missing where the denominator is zero.
    """

    name: str
    numerator: Floats
    denominator: Floats
    events: Floats
    counted: str = "errors"
    complement: bool = False
    bounded: bool = True
    empty: str = "no reference words"


def character_error_rate(view: AxisSums, coded: Coded, *, alpha: float) -> Metric:
    """Return the character error rate; null where any utterance of the cell has no character counts."""
    size = len(view.cells.utterances)
    cells = with_design_effect(
        rate_cells(view.cell, view.cluster, view.sums, coded=coded, cells=size, unit="characters"),
        per_group=coded.per_group,
    )
    uncounted = total(view.cell, view.sums["uncounted"], size)
    unknown = uncounted > 0
    spread, judged = cells.spread, cells.judged & ~unknown
    low, high = (np.where(judged, end, np.nan) for end in spread.interval(alpha))
    return Metric(
        name="character_error_rate",
        cells=dataclasses.replace(cells, speakers=np.where(unknown, view.cells.speakers, cells.speakers)),
        estimate=np.where(unknown, np.nan, spread.estimate),
        low=low,
        high=high,
        method="{} skewed log t",
        parts=[
            (unknown & (uncounted == cells.utterances), "no character counts"),
            (
                np.where(uncounted < cells.utterances, uncounted, 0),
                lambda n: notes.counted(int(n), "utterance", " without character counts"),
            ),
            *((np.where(unknown, 0, values), words) for values, words in notes.rate_parts(cells, unit="characters")),
            (judged & spread.too_wide(alpha), notes.TOO_WIDE),
        ],
    )


def word_ratios(view: AxisSums) -> list[Ratio]:
    """Return the metrics that are ratios of sums of words."""
    sums, size = view.sums, len(view.cells.utterances)
    s, d, i, n = (sums[name] for name in ("substitutions", "deletions", "insertions", "words"))
    errors, recognised = s + d + i, n - d + i

    def pooled(values: Floats) -> Floats:
        return total(view.cell, values, size)

    return [
        Ratio("match_error_rate", errors, n + i, pooled(errors), empty="no words"),
        Ratio("word_precision", s + i, recognised, pooled(s + i), complement=True, empty="no recognised words"),
        Ratio("word_recall", s + d, n, pooled(s + d), complement=True),
        # Halved on both sides, so that no error counts for more than one.
        Ratio("word_f1", s + (d + i) / 2, (n + recognised) / 2, double_events(view), complement=True, empty="no words"),
    ]


def double_events(view: AxisSums) -> Floats:
    """Return (2S + D + I)²/(4S + D + I) of every cell: a substitution counts twice, as one event."""
    size = len(view.cells.utterances)
    s, d, i = (total(view.cell, view.sums[name], size) for name in ("substitutions", "deletions", "insertions"))
    return ratio((2 * s + d + i) ** 2, 4 * s + d + i)


def from_ratio(each: Ratio, view: AxisSums, coded: Coded, *, alpha: float, parts: Sequence[notes.Part] = ()) -> Metric:
    """Return a metric that is a ratio of sums, with the skewed log t interval of it; ``parts`` end its notes."""
    size = len(view.cells.utterances)
    sums = view.sums | {"errors": each.numerator, "words": each.denominator}
    cells = rate_cells(view.cell, view.cluster, sums, coded=coded, cells=size)
    spread = dataclasses.replace(cells.spread, events=each.events)
    found = _shown(
        each,
        dataclasses.replace(cells, spread=spread),
        coded,
        alpha=alpha,
        how=LOG_T_OF_REST if each.complement else LOG_T,
    )
    return dataclasses.replace(found, parts=[*found.parts, *parts])


def _shown(each: Ratio, cells: Cells[LogRates], coded: Coded, *, alpha: float, how: str) -> Metric:
    cells = with_design_effect(cells, per_group=coded.per_group)
    spread = cells.spread
    low, high = (np.where(cells.judged, end, np.nan) for end in spread.interval(alpha))
    estimate = spread.estimate
    if each.complement:
        estimate, low, high = 1 - estimate, 1 - high, 1 - low
    if each.bounded:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    end = "lower" if each.complement else "upper"
    return Metric(
        name=each.name,
        cells=cells,
        estimate=estimate,
        low=low,
        high=high,
        method=how,
        parts=[
            ((cells.utterances > 0) & (spread.words == 0), each.empty),
            *notes.cluster_parts(cells),
            (
                np.where(cells.judged & spread.none, spread.design_effect, 0.0),
                lambda effect: f"no {each.counted}: {end} end with design effect {effect:.1f}",
            ),
            (cells.judged & spread.floored, f"spread from the number of {each.counted}"),
            (cells.judged & spread.too_wide(alpha), notes.TOO_WIDE),
        ],
    )


def word_information_lost(view: AxisSums, coded: Coded, *, alpha: float) -> Metric:
    """Return w = 1 − (H/N)·(H/P) with the skewed log t interval from influence values.

    With v = 1 − w a speaker's is −v·(2H_s/H − N_s/N − P_s/P)/w, divided by 1 − N_s/N. No recognised words: w = 1.
    Half of N is the denominator where there are no errors, as one error may lose a word on both sides.
    """
    cell, sums, size = view.cell, view.sums, len(view.cells.utterances)
    cells = view.cells
    parts = [sums["words"] - sums["substitutions"] - sums["deletions"], sums["words"]]
    parts.append(parts[0] + sums["substitutions"] + sums["insertions"])
    hits, words, recognised = (total(cell, values, size) for values in parts)
    kept = np.where((recognised == 0) & (words > 0), 0.0, ratio(hits**2, words * recognised))
    shares = [
        np.nan_to_num(ratio(values, whole[cell]))
        for values, whole in zip(parts, (hits, words, recognised), strict=True)
    ]
    influence = kept[cell] * (2 * shares[0] - shares[1] - shares[2])
    lost = 1 - kept
    spread = dataclasses.replace(
        cells.spread,
        errors=np.where(words > 0, lost * words / 2, 0.0),
        words=words / 2,
        events=double_events(view),
        cluster_variance=ratio(total(cell, ratio(influence, 1 - shares[1]) ** 2, size), lost**2),
    )
    each = Ratio("word_information_lost", parts[0], parts[1], spread.events)
    return _shown(
        each, dataclasses.replace(cells, spread=spread), coded, alpha=alpha, how="{} skewed log t, influence values"
    )
