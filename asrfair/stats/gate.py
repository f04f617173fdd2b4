"""One-sided bounds for gates: any measure of a run at any error probability.

Conventions
-----------
``error`` ∈ (0, 0.5) is the probability that one end of an interval misses the truth: the ends of the two-sided interval
at the level 1 − 2·``error``. At 0.05 they are the ends of the 90 % interval, each a one-sided 95 % bound.

Three lower ends need more. `gap` and the spread between groups are at least zero whatever the groups: with all groups
alike their lower end may miss through any pair on either side, so that both tails of the interval miss to one side.
Their lower end is that of the interval at 1 − ``error``; the upper end that at 1 − 2·``error``. `worst_group` holds
already: its lower end is the highest of the groups' at 2·``error``/K, K judged groups; its upper end the highest of
theirs at 2·``error`` (`asrfair.stats.many`, without the pairs of groups, which ten thousand groups have too many of).
A share of failures is a rate like any other: failed utterances over those tried, clustered by speaker.

The estimate of `worst_group` is a plug-in value: the highest of several rates is biased upward, as the group was picked
for being highest. Its bounds allow for that.

References
----------
`asrfair.stats.many` for the measures over groups. `benchmarks/gate.py` simulates all bounds at their limits.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from asrfair.errors import InputError
from asrfair.stats import notes
from asrfair.stats.cells import Coded, code, find_axis, pair_rows
from asrfair.stats.changes import interaction_rows, own_rows, pair_view
from asrfair.stats.disparities import overall_rows, reference_rows
from asrfair.stats.groups import column_cells, columns
from asrfair.stats.handicap import handicap_rows
from asrfair.stats.intervals import LogRates
from asrfair.stats.many import many_rows
from asrfair.stats.metrics import metric_rows
from asrfair.stats.question import Question
from asrfair.stats.rates import AxisSums, axis_sums, method, rate_rows
from asrfair.tables import COUNTS, OVERALL, Schema, conform, with_intersections

BOUNDS: Schema = {
    "measure": pl.String,
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "reference_condition": pl.String,
    "backend": pl.String,
    "reference_backend": pl.String,
    "ladder": pl.String,
    "speakers": pl.Int64,
    "reference_speakers": pl.Int64,
    "utterances": pl.Int64,
    "failures": pl.Int64,
    "reference_words": pl.Int64,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
    "method": pl.String,
    "note": pl.String,
}
"""The columns of bounds; null where a measure has none such."""
WIDER_BELOW = ("gap", "between_group_sd")
"""Measures whose lower end takes the whole of its interval's error probability."""
HIGHEST = "{} skewed log t, highest of the groups"
FEW_GROUPS = "fewer than two groups could be judged"
TOO_FAR_OUT = "so many alarms ask for a percentile further out than draws reach: no bound"
_TAIL_DRAWS = 20
_MOST_DRAWS = 100_000
_CELL = ("condition", "backend")


class Bounds:
    """A run's counts, summed once, and the bounds of its measures at any error probability.

    ``counts`` and ``failures`` have their columns of `asrfair.tables` and a text column per axis (or the parts of a
    product); ``conditions`` names the rungs of ladders. Raises InputError for counts of several normalisers.
    """

    def __init__(
        self, counts: pl.DataFrame, failures: pl.DataFrame, conditions: pl.DataFrame, question: Question
    ) -> None:
        question.check()
        if counts["normalizer"].n_unique() > 1:
            raise InputError("counts: found several normalisers; expected one, whose numbers the gate judges")
        self.question = question
        self._conditions = conditions
        self._counts, self._failures = (with_intersections(rows, question.axes) for rows in (counts, failures))
        self._sums = _Sums(self._counts, self._failures, question)
        self._failed: _Sums | None = None

    def rows(self, table: str, axis: str, *, error: float) -> pl.DataFrame:
        """Return the bounds of a table's measures (`TABLES`) by one axis; ``error`` is that of each end."""
        question = replace(self.question, level=1 - 2 * error, replicates=self._replicates(error))
        found = TABLES[table](self, axis, question)
        if table == "many":
            below = TABLES[table](self, axis, replace(question, level=1 - error))
            wider = pl.col("measure").is_in(WIDER_BELOW)
            found = found.with_columns(low=pl.when(wider).then(below["low"]).otherwise(pl.col("low")))
        drawn = table == "handicaps" or (table == "rates" and question.interval.startswith("bootstrap"))
        if drawn and error < _TAIL_DRAWS / _MOST_DRAWS:
            found = found.with_columns(low=None, high=None, note=pl.lit(TOO_FAR_OUT))
        return conform(found, BOUNDS)

    def groups(self, axis: str) -> tuple[str, ...]:
        """Return the labelled groups of an axis in natural order; `overall` is the one of the axis `overall`."""
        return tuple(group for group in self._sums.view(axis).axis.groups if group is not None)

    def left_out(self, axis: str, *, condition: str, backend: str) -> list[str]:
        """Return the labelled groups of an axis that cannot be judged under one condition with one backend."""
        view, coded = self._sums.view(axis), self._sums.coded
        column = coded.conditions.index(condition) * len(coded.backends) + coded.backends.index(backend)
        judged = view.cells.judged.reshape(len(view.axis.groups), -1)[:, column]
        return [group for group, fit in zip(view.axis.groups, judged, strict=True) if group is not None and not fit]

    def _replicates(self, error: float) -> int:
        """Return as many draws as leave some beyond a percentile that far out."""
        return max(self.question.replicates, min(math.ceil(_TAIL_DRAWS / error), _MOST_DRAWS))

    def _rates(self, axis: str, question: Question) -> pl.DataFrame:
        return _rates(self._sums, axis, question).with_columns(measure=pl.lit("wer"))

    def _failure_share(self, axis: str, question: Question) -> pl.DataFrame:
        if self._failed is None:
            nothing = self._failures.head(0)
            self._failed = _Sums(tried(self._counts, self._failures), nothing, question)
        # Of resampled shares a corpus without a failure has none: they are always in closed form.
        rows = _rates(self._failed, axis, replace(question, interval="skewed-log-t"))
        return rows.with_columns(
            pl.col("note").str.replace_all("errors", "failures"),
            measure=pl.lit("failure_share"),
            failures=(pl.col("estimate") * pl.col("utterances")).round().cast(pl.Int64),
            reference_words=pl.lit(None, pl.Int64),
        )

    def _reference(self, axis: str, question: Question) -> pl.DataFrame:
        view, coded = self._sums.view(axis), self._sums.coded
        return _joined(reference_rows(view, coded, reference=self._reference_group(axis), alpha=question.alpha))

    def _overall(self, axis: str, question: Question) -> pl.DataFrame:
        view, coded = self._sums.view(axis), self._sums.coded
        return _joined(overall_rows(view, self._sums.view(OVERALL), coded, alpha=question.alpha))

    def _worst_group(self, axis: str, question: Question) -> pl.DataFrame:
        view, coded = self._sums.view(axis), self._sums.coded
        rows = []
        for column in columns(view, coded):
            cells = column_cells(view, coded, column, column.judged)
            condition, backend = divmod(column.number, len(coded.backends))
            cell = {"condition": coded.conditions[condition], "backend": coded.backends[backend], "note": FEW_GROUPS}
            rows.append(cell if len(column.judged) < 2 else cell | _highest(cells.spread, alpha=question.alpha))
            if len(column.judged) >= 2:
                worst = int(np.argmax(cells.spread.estimate))
                clustered = method(np.array([bool(cells.independent.any())]), HIGHEST)
                rows[-1] |= {
                    "group": view.axis.groups[int(column.judged[worst])],
                    "speakers": int(cells.speakers[worst]),
                    "method": clustered[0],
                }
        return pl.DataFrame(rows, schema_overrides=BOUNDS, infer_schema_length=None).with_columns(
            axis=pl.lit(axis), measure=pl.lit("worst_group")
        )

    def _many(self, axis: str, question: Question) -> pl.DataFrame:
        view, coded = self._sums.view(axis), self._sums.coded
        found = []
        for rows in many_rows(view, coded, alpha=question.alpha, replicates=100, seed=question.seed):
            if rows["measure"][0] in WIDER_BELOW:
                found.append(rows)
            if rows["measure"][0] == WIDER_BELOW[-1]:
                break
        return _joined(found)

    def _conditions_compared(self, axis: str, question: Question) -> pl.DataFrame:
        return self._paired("condition", axis, question)

    def _backends_compared(self, axis: str, question: Question) -> pl.DataFrame:
        return self._paired("backend", axis, question)

    def _paired(self, kind: str, axis: str, question: Question) -> pl.DataFrame:
        coded = self._sums.coded
        pairs = pair_view(pair_rows(coded, kind), self._sums.view(axis), coded, kind=kind)
        found = [*own_rows(pairs, coded, alpha=question.alpha)]
        if axis in question.reference_groups:
            found += interaction_rows(pairs, coded, reference=question.reference_groups[axis], alpha=question.alpha)
        return _joined(found)

    def _metrics(self, axis: str, question: Question) -> pl.DataFrame:
        rows = metric_rows(self._sums.view(axis), self._sums.coded, level=question.level, above=question.above)
        return rows.rename({"metric": "measure"})

    def _handicaps(self, axis: str, question: Question) -> pl.DataFrame:
        own = replace(question, axes=(axis,), reference_groups={axis: self._reference_group(axis)})
        rows = handicap_rows(self._counts, self._conditions, own)
        return rows.filter(pl.col("at").is_null()).with_columns(measure=pl.lit("handicap"))

    def _reference_group(self, axis: str) -> str:
        return self.question.reference_groups[axis]


class _Sums:
    """Rows of counts as numbers, and the sums of each axis that was asked for."""

    def __init__(self, counts: pl.DataFrame, failures: pl.DataFrame, question: Question) -> None:
        self._rows = (counts, failures)
        self.coded: Coded = code(
            counts,
            failures,
            axes=question.axes,
            baseline_condition=question.baseline_condition,
            baseline_backend=question.baseline_backend,
            independent_utterances=question.independent_utterances,
        )
        self._views: dict[str, AxisSums] = {}

    def view(self, axis: str) -> AxisSums:
        if axis not in self._views:
            self._views[axis] = axis_sums(find_axis(axis, *self._rows), self.coded)
        return self._views[axis]


Table = Callable[[Bounds, str, Question], pl.DataFrame]
TABLES: dict[str, Table] = {
    "rates": Bounds._rates,
    "failures": Bounds._failure_share,
    "reference": Bounds._reference,
    "overall": Bounds._overall,
    "worst": Bounds._worst_group,
    "many": Bounds._many,
    "condition": Bounds._conditions_compared,
    "backend": Bounds._backends_compared,
    "metrics": Bounds._metrics,
    "handicaps": Bounds._handicaps,
}
"""The tables of bounds by name; `reference` and `handicaps` are of axes with a reference group."""


def _rates(sums: _Sums, axis: str, question: Question) -> pl.DataFrame:
    rows = rate_rows(
        sums.view(axis),
        sums.coded,
        level=question.level,
        interval=question.interval,
        replicates=question.replicates,
        seed=question.seed,
    )
    return rows.rename({"wer": "estimate"})


def _highest(groups: LogRates, *, alpha: float) -> dict[str, float | str | None]:
    """Return the highest rate of two groups or more, with its ends; none above where a group's is too wide to show.

    The estimate is a plug-in value, biased upward.
    """
    too_wide = bool(groups.too_wide(alpha).any())
    low, _ = groups.ends(alpha / len(groups.errors))
    _, high = groups.ends(alpha)
    return {
        "estimate": float(groups.estimate.max()),
        "low": float(low.max()),
        "high": None if too_wide else float(high.max()),
        "note": notes.TOO_WIDE if too_wide else None,
    }


def _joined(parts: Iterator[pl.DataFrame] | list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([conform(part, BOUNDS) for part in (pl.DataFrame(schema=BOUNDS), *parts)])


def tried(counts: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    """Return one row per utterance tried, shaped as counts: one word each, one error where it failed.

    A failure without a condition or backend, as of unreadable audio, is one in each of them.
    """
    for name in _CELL:
        names = pl.concat([counts[name], failures[name]]).drop_nulls().unique().sort()
        missing = pl.col(name).is_null()
        everywhere = failures.filter(missing).drop(name).join(names.to_frame(), how="cross")
        failures = pl.concat([failures.filter(~missing), everywhere.select(failures.columns)])
    axes = [name for name in failures.columns if name in counts.columns and name not in COUNTS]
    kept = [name for name, kind in COUNTS.items() if kind == pl.String and name != "normalizer"]
    zeros = {name: pl.lit(0, pl.Int64) for name, kind in COUNTS.items() if kind == pl.Int64}
    rows = [
        part.select(*kept, *axes, normalizer=pl.lit("")).with_columns(
            **{**zeros, "reference_words": pl.lit(1, pl.Int64), "substitutions": pl.lit(failed, pl.Int64)}
        )
        for part, failed in ((counts, 0), (failures.unique(["utterance_id", *_CELL], maintain_order=True), 1))
    ]
    return pl.concat(rows)
