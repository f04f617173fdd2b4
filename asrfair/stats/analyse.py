"""Counts to rates, disparities, metrics, tests and models."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.stats.adjust import with_adjusted, with_holm
from asrfair.stats.cells import Axis, Coded, code, find_axis, pair_rows
from asrfair.stats.changes import interaction_rows, own_rows, pair_view
from asrfair.stats.disparities import overall_rows, reference_rows
from asrfair.stats.equality import equality_rows
from asrfair.stats.faas import faas_rows
from asrfair.stats.many import many_rows
from asrfair.stats.mapsswe import mapsswe_rows
from asrfair.stats.matching import matched_rows
from asrfair.stats.metrics import metric_rows
from asrfair.stats.models import model_rows
from asrfair.stats.question import Question
from asrfair.stats.rates import AxisSums, axis_sums, rate_rows
from asrfair.stats.signs import sign_flip_rows
from asrfair.tables import (
    ADDED,
    COUNTS,
    DISPARITIES,
    FAILURES,
    METRICS,
    MODELS,
    OVERALL,
    RATES,
    TESTS,
    Schema,
    conform,
    require_columns,
)

MEASURES = (
    "difference",
    "ratio",
    "difference_to_overall",
    "ratio_to_overall",
    "difference_to_rest",
    "ratio_to_rest",
    "pairwise_difference",
    "pairwise_ratio",
    "worst_group",
    "gap",
    "between_group_sd",
    "generalised_entropy",
    "theil",
    "gini",
    "between_group_sd_lum",
    "matched_difference",
    "matched_ratio",
    "interaction_difference",
    "interaction_ratio",
    "condition_difference",
    "condition_ratio",
    "backend_interaction_difference",
    "backend_interaction_ratio",
    "backend_difference",
    "backend_ratio",
    "faas",
)
"""The measures of table ``disparities``, in the order of its rows."""
TEST_FAMILY = ("axis", "test", "backend")
"""The columns whose equal values make a family of tests."""


@dataclass(frozen=True)
class Analysis:
    """The tables ``rates``, ``disparities``, ``metrics``, ``tests`` and ``models`` of `asrfair.tables`."""

    rates: pl.DataFrame
    disparities: pl.DataFrame
    metrics: pl.DataFrame
    tests: pl.DataFrame
    models: pl.DataFrame


def analyse(
    counts: pl.DataFrame, failures: pl.DataFrame, question: Question, *, segments: pl.DataFrame | None = None
) -> Analysis:
    """Return rates, disparities, metrics, tests and models with speaker-clustered intervals.

    ``counts`` and ``failures`` have their columns of `asrfair.tables` and one text column per axis; ``counts`` may
    have a text column ``prompt``, for matching, and has the question's covariates. ``segments`` are those of
    `asrfair.stats.mapsswe`, if texts were aligned. A cell is a group of an axis (or ``overall``) under one condition
    and backend; what only failed has a row without a rate.
    The unlabelled group has rates, ``…_to_overall``, ``…_to_rest``, ``condition_…`` and ``backend_…`` rows; it is
    not compared with a reference group, which would compare a group with people of any group. An axis without a
    reference group has no ``difference``, ``ratio``, ``matched_…`` and ``interaction_…`` rows; without a baseline
    there are no ``condition_…`` and ``interaction_…``, or no ``backend_…`` rows. ``speakers`` are those with reference
    words; ``reference_speakers`` of a row against ``overall`` are all speakers. With ``independent_utterances`` an
    utterance without a speaker is a cluster of its own, and the rows that it enters say so. A failure without a
    condition or backend counts in all of them.
    Rows are sorted by normalizer, axis (``overall`` first, then as given), measure (`MEASURES`), backend and
    condition (the baseline first, then by name) and group (by name, unlabelled last), then
    ``faas`` and the tests of ``segments``; any order of input rows
    gives the same tables. How p is adjusted: `asrfair.stats.adjust`. Raises InputError on a missing column, a
    reference group or baseline that no row has, a level outside (0, 1), or an utterance counted twice.
    """
    question.check()
    _check_tables(counts, failures, question)
    normalizers = counts["normalizer"].unique().sort().to_list() or [None]
    parts = [_of_normalizer(counts, failures, question, normalizer, segments) for normalizer in normalizers]
    return Analysis(
        rates=_table([part.rates for part in parts], RATES),
        disparities=_table([part.disparities for part in parts], DISPARITIES),
        metrics=_table([part.metrics for part in parts], METRICS),
        tests=_table([part.tests for part in parts], TESTS),
        models=_table([part.models for part in parts], MODELS),
    )


def _of_normalizer(
    counts: pl.DataFrame,
    failures: pl.DataFrame,
    question: Question,
    normalizer: str | None,
    segments: pl.DataFrame | None,
) -> Analysis:
    rows = counts.filter(pl.col("normalizer").eq_missing(pl.lit(normalizer, pl.String)))
    coded = code(
        rows,
        failures,
        axes=question.axes,
        baseline_condition=question.baseline_condition,
        baseline_backend=question.baseline_backend,
        independent_utterances=question.independent_utterances,
    )
    found = [find_axis(name, counts, failures) for name in (OVERALL, *question.axes)]
    _check_references(found, question)
    views = [axis_sums(axis, coded) for axis in found]
    named = pl.lit(normalizer, pl.String).alias("normalizer")
    compared = [_compared(view, views[0], coded, question) for view in views]
    if question.faas:
        compared.append((faas_rows(rows, axes=question.axes), pl.DataFrame(schema=TESTS)))
    disparities = _table([rows for rows, _ in compared], DISPARITIES)
    tests = _table([tests for _, tests in compared], TESTS)
    if segments is not None:
        tests = _table([tests, mapsswe_rows(segments, axes=question.axes)], TESTS)
    return Analysis(
        rates=pl.concat([_rates(view, coded, question) for view in views]).with_columns(named),
        disparities=with_adjusted(disparities, question.family, question.confirm).with_columns(
            named, level=pl.lit(question.level)
        ),
        metrics=pl.concat(
            [metric_rows(view, coded, level=question.level, above=question.above) for view in views]
        ).with_columns(named),
        tests=with_holm(tests, TEST_FAMILY).with_columns(named),
        models=_table(_models(rows, question), MODELS).with_columns(named),
    )


def _rates(view: AxisSums, coded: Coded, question: Question) -> pl.DataFrame:
    return rate_rows(
        view,
        coded,
        level=question.level,
        interval=question.interval,
        replicates=question.replicates,
        seed=question.seed,
    )


def _compared(view: AxisSums, overall: AxisSums, coded: Coded, question: Question) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return an axis's disparities and tests."""
    reference = question.reference_groups.get(view.axis.name)
    disparities = list(_between_groups(view, overall, coded, question, reference))
    tests = (
        [equality_rows(view, coded, permutations=question.replicates, seed=question.seed)]
        if view is not overall
        else []
    )
    for kind in ("condition", "backend"):
        if getattr(question, f"baseline_{kind}") is None:
            continue
        pairs = pair_view(pair_rows(coded, kind), view, coded, kind=kind)
        if reference is not None:
            disparities.extend(interaction_rows(pairs, coded, reference=reference, alpha=question.alpha))
        disparities.extend(own_rows(pairs, coded, alpha=question.alpha))
        tests.append(sign_flip_rows(pairs, coded, seed=question.seed, alpha=question.alpha))
    return _table(disparities, DISPARITIES), _table(tests, TESTS)


def _between_groups(
    view: AxisSums, overall: AxisSums, coded: Coded, question: Question, reference: str | None
) -> Iterator[pl.DataFrame]:
    alpha = question.alpha
    if reference is not None:
        yield from reference_rows(view, coded, reference=reference, alpha=alpha)
    if view is not overall and view.axis.groups:
        yield from overall_rows(view, overall, coded, alpha=alpha)
        yield from many_rows(view, coded, alpha=alpha, replicates=question.replicates, seed=question.seed)
    if reference is not None:
        yield from matched_rows(view, coded, reference=reference, alpha=alpha)


def _models(rows: pl.DataFrame, question: Question) -> list[pl.DataFrame]:
    """Return the models of each axis with a reference group, if the question has covariates."""
    if not question.covariates:
        return []
    baselines = {"condition": question.baseline_condition, "backend": question.baseline_backend}
    bases = {name: base for name, base in baselines.items() if base is not None}
    return [
        model_rows(
            rows,
            axis=axis,
            reference=reference,
            covariates=question.covariates,
            level=question.level,
            bases={**bases, **question.reference_groups},
            units=question.units,
            independent_utterances=question.independent_utterances,
        )
        for axis, reference in question.reference_groups.items()
    ]


def _table(parts: list[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """Return the parts conformed and laid end to end; empty with the schema's columns if there are none."""
    return pl.concat([conform(part, schema) for part in (pl.DataFrame(schema=schema), *parts)])


def _check_tables(counts: pl.DataFrame, failures: pl.DataFrame, question: Question) -> None:
    counted = [name for name in COUNTS if name not in ADDED["counts"]]
    require_columns(counts, [*counted, *question.axes], where="counts")
    require_columns(failures, [*FAILURES, *question.axes], where="failures")


def _check_references(found: list[Axis], question: Question) -> None:
    for axis in found:
        reference = question.reference_groups.get(axis.name)
        if reference is not None and reference not in axis.groups:
            groups = [group for group in axis.groups if group is not None]
            raise InputError(expected(f"axis '{axis.name}'", f"reference group '{reference}' in no row", groups))
