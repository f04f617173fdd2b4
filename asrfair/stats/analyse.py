"""Counts to rates, disparities and metrics, by the default methods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.stats.adjust import with_adjusted
from asrfair.stats.cells import Axis, Coded, code, find_axis, pair_rows
from asrfair.stats.changes import interaction_rows, own_rows, pair_view
from asrfair.stats.disparities import overall_rows, reference_rows
from asrfair.stats.rates import AxisSums, axis_sums, metric_rows, rate_rows
from asrfair.tables import (
    COUNTS,
    DISPARITIES,
    FAILURES,
    METRICS,
    OVERALL,
    RATES,
    Schema,
    conform,
    require_columns,
)

MEASURES = (
    "difference",
    "ratio",
    "difference_to_overall",
    "ratio_to_overall",
    "interaction_difference",
    "interaction_ratio",
    "condition_difference",
    "condition_ratio",
    "backend_difference",
    "backend_ratio",
)
"""The measures of table ``disparities``, in the order of its rows."""
FAMILY = ("axis", "measure", "backend")
"""The columns whose equal values make a family of p-values, unless the plan names others."""


FAMILIES = ("axis", "group", "condition", "backend", "measure")
"""The columns that a family may be made of."""


@dataclass(frozen=True)
class Analysis:
    """The tables ``rates``, ``disparities`` and ``metrics`` of `asrfair.tables`."""

    rates: pl.DataFrame
    disparities: pl.DataFrame
    metrics: pl.DataFrame


@dataclass(frozen=True)
class _Plan:
    axes: Sequence[str]
    reference_groups: Mapping[str, str]
    baseline_condition: str | None
    baseline_backend: str | None
    level: float
    independent_utterances: bool
    family: Sequence[str]


def analyse(
    counts: pl.DataFrame,
    failures: pl.DataFrame,
    *,
    axes: Sequence[str],
    reference_groups: Mapping[str, str],
    baseline_condition: str | None,
    baseline_backend: str | None,
    level: float = 0.95,
    independent_utterances: bool = False,
    family: Sequence[str] = FAMILY,
) -> Analysis:
    """Return rates, disparities and metrics with speaker-clustered intervals.

    ``counts`` and ``failures`` have their columns of `asrfair.tables` and one text column per axis. A cell is a
    group of an axis (or ``overall``) under one condition and backend; what only failed has a row without a rate.
    The unlabelled group has rates, ``…_to_overall``, ``condition_…`` and ``backend_…`` rows; it is not compared
    with a reference group, which would compare a group with people of any group. An axis without a reference
    group has no ``difference``, ``ratio`` and ``interaction_…`` rows; without a baseline there are no
    ``condition_…`` and ``interaction_…``, or no ``backend_…`` rows. ``speakers`` are those with reference words;
    ``reference_speakers`` of a row against ``overall`` are all speakers. With ``independent_utterances`` an
    utterance without a speaker is a cluster of its own, and the rows that it enters say so. A failure without a
    condition or backend counts in all of them.
    Rows are sorted by normalizer, axis (``overall`` first, then as given), measure (`MEASURES`), backend and
    condition (the baseline first, then by name) and group (by name, unlabelled last); any order of input rows
    gives the same tables. p is adjusted by Holm among rows equal in the
    ``family`` columns. Raises InputError on a missing
    column, a reference group or baseline that no row has, a level outside (0, 1), or an utterance counted twice.
    """
    plan = _Plan(axes, reference_groups, baseline_condition, baseline_backend, level, independent_utterances, family)
    _check(counts, failures, plan)
    normalizers = counts["normalizer"].unique().sort().to_list() or [None]
    parts = [_of_normalizer(counts, failures, plan, normalizer) for normalizer in normalizers]
    return Analysis(
        rates=_table([part.rates for part in parts], RATES),
        disparities=_table([part.disparities for part in parts], DISPARITIES),
        metrics=_table([part.metrics for part in parts], METRICS),
    )


def _of_normalizer(counts: pl.DataFrame, failures: pl.DataFrame, plan: _Plan, normalizer: str | None) -> Analysis:
    coded = code(
        counts.filter(pl.col("normalizer").eq_missing(pl.lit(normalizer, pl.String))),
        failures,
        axes=plan.axes,
        baseline_condition=plan.baseline_condition,
        baseline_backend=plan.baseline_backend,
        independent_utterances=plan.independent_utterances,
    )
    found = [find_axis(name, counts, failures) for name in (OVERALL, *plan.axes)]
    _check_references(found, plan)
    views = [axis_sums(axis, coded) for axis in found]
    named = pl.lit(normalizer, pl.String).alias("normalizer")
    disparities = _table(list(_disparities(views, coded, plan)), DISPARITIES)
    return Analysis(
        rates=pl.concat([rate_rows(view, coded, level=plan.level) for view in views]).with_columns(named),
        disparities=with_adjusted(disparities.drop("p_adjusted"), [*plan.family]).with_columns(
            named, level=pl.lit(plan.level)
        ),
        metrics=pl.concat([metric_rows(view, coded, level=plan.level) for view in views]).with_columns(named),
    )


def _disparities(views: list[AxisSums], coded: Coded, plan: _Plan) -> Iterator[pl.DataFrame]:
    alpha = 1 - plan.level
    overall = views[0]
    conditions = pair_rows(coded, "condition") if plan.baseline_condition is not None else None
    backends = pair_rows(coded, "backend") if plan.baseline_backend is not None else None
    for view in views:
        reference = plan.reference_groups.get(view.axis.name)
        if reference is not None:
            yield from reference_rows(view, coded, reference=reference, alpha=alpha)
        if view is not overall and view.axis.groups:
            yield from overall_rows(view, overall, coded, alpha=alpha)
        if conditions is not None:
            pairs = pair_view(conditions, view, coded, kind="condition")
            if reference is not None:
                yield from interaction_rows(pairs, coded, reference=reference, alpha=alpha)
            yield from own_rows(pairs, coded, alpha=alpha)
        if backends is not None:
            yield from own_rows(pair_view(backends, view, coded, kind="backend"), coded, alpha=alpha)


def _table(parts: list[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """Return the parts conformed and laid end to end; empty with the schema's columns if there are none."""
    return pl.concat([conform(part, schema) for part in (pl.DataFrame(schema=schema), *parts)])


def _check(counts: pl.DataFrame, failures: pl.DataFrame, plan: _Plan) -> None:
    if not 0 < plan.level < 1:
        raise InputError(f"level: found {plan.level}; expected a number between 0 and 1, such as 0.95")
    if OVERALL in plan.axes or len(set(plan.axes)) < len(plan.axes):
        raise InputError(f"axes: found {', '.join(plan.axes)}; expected different names, none of them '{OVERALL}'")
    require_columns(counts, [*COUNTS, *plan.axes], where="counts")
    require_columns(failures, [*FAILURES, *plan.axes], where="failures")
    for name in plan.family:
        if name not in FAMILIES:
            raise InputError(expected("family", f"unknown column '{name}'", FAMILIES))
    for axis in plan.reference_groups:
        if axis not in plan.axes:
            raise InputError(expected("reference groups", f"unknown axis '{axis}'", plan.axes))


def _check_references(found: list[Axis], plan: _Plan) -> None:
    for axis in found:
        reference = plan.reference_groups.get(axis.name)
        if reference is not None and reference not in axis.groups:
            groups = [group for group in axis.groups if group is not None]
            raise InputError(expected(f"axis '{axis.name}'", f"reference group '{reference}' in no row", groups))
