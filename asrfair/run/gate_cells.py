"""Which cells a rule is about, by the names that the run knows, and the rows of bounds that belong to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.report.text import label
from asrfair.results import Results
from asrfair.run.again import question_of
from asrfair.run.compare import joined
from asrfair.run.covariates import CLEAN
from asrfair.run.differences import common, differences
from asrfair.run.gate_measures import Measure
from asrfair.run.gate_missing import Missing, find_missing
from asrfair.run.pairing import recognisers
from asrfair.run.policy import EVERY, Checked, Names
from asrfair.stats import Question
from asrfair.stats.gate import BOUNDS, Bounds
from asrfair.tables import OVERALL

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Key:
    """A cell; None where the measure has no such thing."""

    group: str | None = None
    condition: str | None = None
    backend: str | None = None
    ladder: str | None = None


@dataclass(frozen=True)
class Source:
    """A run, or two runs joined, as its rules need it: names in order, and bounds.

    ``parts`` are the bounds with what their backends are called in reports; a joint run has a part per recogniser.
    ``missing`` is what a run lacks of its baseline run; where that is ``allowed`` what is left is judged.
    """

    results: Results
    question: Question
    conditions: tuple[str, ...]
    backends: tuple[str, ...]
    parts: tuple[tuple[dict[str, str], Bounds], ...]
    missing: Missing = field(default_factory=Missing)
    allowed: bool = False
    _kept: dict[tuple[str, str, float], pl.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Results) -> "Source":
        """Return a run's source; raises InputError where the folder cannot say how its numbers were made."""
        if results.counts.is_empty() and results.failures.is_empty():
            raise InputError(
                "check: found a run in which nothing was transcribed; expected one with counts or failures"
            )
        question = question_of(results)
        bounds = Bounds(results.counts, results.failures, results.conditions, question)
        return cls(
            results=results,
            question=question,
            conditions=_names(results, "condition", question.baseline_condition),
            backends=_names(results, "backend", question.baseline_backend),
            parts=(({}, bounds),),
        )

    @classmethod
    def against(cls, baseline: Results, results: Results, *, allow_missing: bool = False) -> "Source":
        """Return a run against the baseline run; raises InputError where the two cannot be compared."""
        shared = common(baseline, results)
        matters = [str(each) for each in differences(baseline, results, shared) if each.matters]
        if matters:
            raise InputError(
                f"regression: the runs differ in ways that matter: {'; '.join(matters)}; expected runs made alike"
            )
        both = joined(baseline, results)
        question = question_of(both)
        parts = []
        for pair in both.signature["comparison"]["pairs"]:
            sides = [pair["old"], pair["new"]]
            counts, failures = (rows.filter(pl.col("backend").is_in(sides)) for rows in (both.counts, both.failures))
            own = Bounds(counts, failures, both.conditions, replace(question, baseline_backend=pair["old"]))
            parts.append(({pair["new"]: pair["name"]}, own))
        missing = find_missing(baseline, results, shared, recognisers(baseline, results))
        gone = Missing() if allow_missing else missing
        return cls(
            results=both,
            question=question,
            conditions=(*_names(both, "condition", question.baseline_condition), *gone.conditions),
            backends=(*(name for names, _ in parts for name in names.values()), *gone.backends),
            parts=tuple(parts),
            missing=missing,
            allowed=allow_missing,
        )

    def rows(self, table: str, axis: str, error: float) -> pl.DataFrame:
        """Return the rows of a table of bounds; every error probability is computed once."""
        key = (table, axis, error)
        if key not in self._kept:
            found = [
                bounds.rows(table, axis, error=error).with_columns(pl.col("backend").replace(names))
                for names, bounds in self.parts
            ]
            self._kept[key] = pl.concat(found)
        return self._kept[key]

    def groups(self, axis: str) -> tuple[str, ...]:
        """Return the labelled groups of an axis, one of which nothing is left in this run among them."""
        gone = () if self.allowed else self.missing.groups.get(axis, ())
        return tuple(dict.fromkeys([*(group for _, bounds in self.parts for group in bounds.groups(axis)), *gone]))

    def lacks(self, axis: str, key: Key, reference: str | None) -> str | None:
        """Say what a cell lacks of the baseline run, in its group or its reference group; None where nothing is."""
        groups = dict.fromkeys([key.group, *([] if reference is None else [reference])])
        return None if self.allowed else self.missing.reason(axis, tuple(groups), key.condition, key.backend)

    def left_out(self, axis: str, key: Key) -> list[str]:
        """Return the labelled groups of an axis that cannot be judged under a cell's condition and backend.

        Asked of measures over all groups, which only a run by itself has: it has one part.
        """
        ((_, bounds),) = self.parts
        return bounds.left_out(axis, condition=str(key.condition), backend=str(key.backend))


def _names(results: Results, kind: str, baseline: str | None) -> tuple[str, ...]:
    """Return what the run knows of conditions or backends, the baseline first."""
    counted = pl.concat([results.counts[kind], results.failures[kind]]).drop_nulls().unique().sort()
    names = dict.fromkeys([baseline, *(results.signature.get(f"{kind}s") or {}), *counted])
    return tuple(name for name in names if name is not None)


def wanted(checked: Checked, source: Source) -> list[Key]:
    """Return the cells of a rule; raises InputError for a name that the run does not have, or if there is none."""
    rule, measure, where = checked.rule, checked.measure, checked.where
    if measure.table == "misses":
        # The clean condition says nothing that a sound could miss.
        degraded = [name for name in source.conditions if name != CLEAN]
        return [Key(condition=name) for name in _chosen(rule.condition, degraded, f"{where}: 'condition'")]
    _check_axis(checked, source)
    reference = source.question.reference_groups.get(rule.axis)
    groups: Sequence[str | None] = [None]
    if measure.groups != "all":
        there = [group for group in source.groups(rule.axis) if measure.groups == "each" or group != reference]
        groups = _chosen(rule.group, there, f"{where}: 'group'")
    backends = _others(checked, source, "backend", source.backends)
    if measure.table == "handicaps":
        found = source.results.conditions.drop_nulls(["ladder", "value"])["ladder"].unique().sort().to_list()
        ladders = _chosen(rule.ladder, found, f"{where}: 'ladder'")
        _check_unit(checked, source, ladders)
        return [Key(group, None, backend, name) for name in ladders for backend in backends for group in groups]
    conditions = _others(checked, source, "condition", source.conditions)
    return [Key(group, condition, backend) for backend in backends for condition in conditions for group in groups]


def _others(checked: Checked, source: Source, kind: str, names: Sequence[str]) -> list[str]:
    """Return the chosen conditions or backends, without the baseline where the measure compares with it."""
    measure, where = checked.measure, f"{checked.where}: '{kind}'"
    if measure.others == kind and not measure.regression:
        baseline = getattr(source.question, f"baseline_{kind}")
        if baseline is None:
            raise InputError(
                f"{where}: the run has no baseline {kind}; expected one, which {checked.rule.measure} needs"
            )
        names = [name for name in names if name != baseline]
    return _chosen(getattr(checked.rule, kind), names, where)


def _chosen(asked: Names, there: Iterable[str], where: str) -> list[str]:
    names = list(there)
    shown = [label(name) for name in names]
    if not names:
        raise InputError(f"{where}: found none that the rule can judge in this run; expected one at least")
    if asked == EVERY:
        return names
    chosen = list(dict.fromkeys([asked] if isinstance(asked, str) else asked))
    for name in chosen:
        if name not in names:
            raise InputError(expected(where, f"'{label(name)}'", (*shown, f"{EVERY} (of them)")))
    return chosen


def _check_axis(checked: Checked, source: Source) -> None:
    """Raise InputError unless the run has the axis, and the reference group that the measure compares with."""
    axis, measure, where = checked.rule.axis, checked.measure, f"{checked.where}: 'axis'"
    alone = measure.groups == "each" and measure.table != "overall"
    valid = (*source.question.axes, *([OVERALL] if alone else []))
    if axis not in valid:
        raise InputError(expected(where, f"'{label(axis)}'", map(label, valid)))
    if measure.groups == "others" and axis not in source.question.reference_groups:
        compared = map(label, source.question.reference_groups)
        raise InputError(expected(where, f"'{label(axis)}', which has no reference group", compared))


def _check_unit(checked: Checked, source: Source, ladders: Sequence[str]) -> None:
    """Raise InputError unless the limit is in the unit of every chosen ladder, or its parameter where it has none."""
    rows = source.results.conditions.filter(pl.col("ladder").is_in(ladders))
    for name, unit in rows.select("ladder", pl.coalesce("unit", "parameter")).unique().sort("ladder").iter_rows():
        if unit != checked.limit.name:
            raise InputError(
                f"{checked.where}: 'limit': found '{checked.limit.written}' for the ladder {label(name)}; "
                f"expected a limit such as '2 {unit}'"
            )


def rows_of(checked: Checked, source: Source, error: float) -> dict[Key, Row]:
    """Return a rule's rows of bounds, each end at error probability ``error``, by cell."""
    measure, axis = checked.measure, checked.rule.axis
    if measure.table == "misses":
        return _misses(source.results)
    if measure.table == "counts":
        rows = source.rows("rates", axis, error)
        column = measure.column or checked.rule.measure
        rows = rows.with_columns(estimate=pl.col(column).cast(pl.Float64))
    else:
        rows = source.rows(measure.table, axis, error)
        rows = rows.filter(pl.col("measure") == (measure.column or checked.rule.measure))
    return {_key(row, measure): row for row in rows.iter_rows(named=True)}


def counts_of(checked: Checked, source: Source, error: float) -> dict[Key, tuple[int | None, int | None]]:
    """Return the reference words and the failed transcriptions of every group, condition and backend.

    Without a group: the failures of all labelled groups together. Nothing where a measure is not of words.
    """
    if checked.measure.table in ("misses", "failures", "handicaps"):
        return {}
    found: dict[Key, tuple[int | None, int | None]] = {}
    for row in source.rows("rates", checked.rule.axis, error).iter_rows(named=True):
        found[Key(row["group"], row["condition"], row["backend"])] = (row["reference_words"], row["failures"])
        together = Key(None, row["condition"], row["backend"])
        if row["group"] is not None:
            _, failed = found.get(together, (None, 0))
            found[together] = (None, (failed or 0) + (row["failures"] or 0))
    return found


def _key(row: Row, measure: Measure) -> Key:
    group = None if measure.groups == "all" else row["group"]
    return Key(group, row["condition"], row["backend"], row["ladder"])


def _misses(results: Results) -> dict[Key, Row]:
    """Return the share of heard utterances whose measurements note a miss, by condition."""
    heard = results.measurements.filter(pl.col("condition").is_not_null(), pl.col("duration_s").is_not_null())
    shares = heard.group_by("condition").agg(
        estimate=pl.col("note").is_not_null().mean(),
        utterances=pl.len().cast(pl.Int64),
        failures=pl.col("note").is_not_null().sum().cast(pl.Int64),
    )
    blank = dict.fromkeys(BOUNDS)
    return {Key(condition=row["condition"]): {**blank, **row} for row in shares.iter_rows(named=True)}
