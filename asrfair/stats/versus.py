"""One recogniser against another on the same utterances: what of `analyse` a comparison needs, and no more.

A comparison of two runs asks who gained, who lost and whether a gap widened. It has no use for all pairs of groups,
indices of inequality and permutations, which take nearly all the time of an analysis of many groups.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from asrfair.stats.adjust import with_adjusted, with_holm
from asrfair.stats.analyse import TEST_FAMILY, Analysis
from asrfair.stats.cells import code, find_axis, pair_rows
from asrfair.stats.changes import interaction_rows, own_rows, pair_view
from asrfair.stats.question import Question
from asrfair.stats.rates import axis_sums, rate_rows
from asrfair.stats.signs import sign_flip_rows
from asrfair.tables import DISPARITIES, METRICS, MODELS, OVERALL, RATES, TESTS, Schema, conform

KIND = "backend"
Parts = dict[str, list[pl.DataFrame]]


def versus(
    counts: pl.DataFrame, failures: pl.DataFrame, question: Question, *, pairs: Sequence[tuple[str, str]]
) -> Analysis:
    """Return the rates, the ``backend_…`` disparities and the sign-flip tests that `analyse` would return.

    ``counts`` and ``failures`` are as there, of one normalizer. ``pairs`` are a baseline backend and another; each
    pair is analysed alone, and p are adjusted over all of them within the question's families. Metrics and models are
    empty. Raises InputError as `analyse` does.
    """
    question.check()
    parts: Parts = {"rates": [], "disparities": [], "tests": []}
    for base, other in pairs:
        own, failed = (rows.filter(pl.col(KIND).is_in([base, other])) for rows in (counts, failures))
        _add(parts, own, failed, replace(question, baseline_backend=base))
    normalizer = pl.lit(next(iter(counts["normalizer"]), None), pl.String).alias("normalizer")
    adjusted = with_adjusted(_table(parts["disparities"], DISPARITIES), question.family, question.confirm)
    return Analysis(
        rates=_table(parts["rates"], RATES).with_columns(normalizer),
        disparities=adjusted.with_columns(normalizer, level=pl.lit(question.level)),
        metrics=pl.DataFrame(schema=METRICS),
        tests=with_holm(_table(parts["tests"], TESTS), TEST_FAMILY).with_columns(normalizer),
        models=pl.DataFrame(schema=MODELS),
    )


def _add(parts: Parts, counts: pl.DataFrame, failures: pl.DataFrame, question: Question) -> None:
    """Add one pair's rows."""
    coded = code(
        counts,
        failures,
        axes=question.axes,
        baseline_condition=question.baseline_condition,
        baseline_backend=question.baseline_backend,
        independent_utterances=question.independent_utterances,
    )
    paired = pair_rows(coded, KIND)
    alpha, seed = question.alpha, question.seed
    for name in (OVERALL, *question.axes):
        view = axis_sums(find_axis(name, counts, failures), coded)
        rates = rate_rows(
            view,
            coded,
            level=question.level,
            interval=question.interval,
            replicates=question.replicates,
            seed=seed,
        )
        parts["rates"].append(rates)
        sides = pair_view(paired, view, coded, kind=KIND)
        reference = question.reference_groups.get(name)
        if reference is not None and reference in view.axis.groups:
            parts["disparities"] += interaction_rows(sides, coded, reference=reference, alpha=alpha)
        parts["disparities"] += own_rows(sides, coded, alpha=alpha)
        parts["tests"].append(sign_flip_rows(sides, coded, seed=seed, alpha=alpha))


def _table(parts: list[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    return pl.concat([conform(part, schema) for part in (pl.DataFrame(schema=schema), *parts)])
