"""From counts to results: the part that `run` and `score` share."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.errors import EXIT_DONE, EXIT_INCOMPLETE, InputError, expected
from asrfair.results import Results
from asrfair.run.covariates import with_covariates, with_prompts
from asrfair.run.segments import error_segments
from asrfair.run.signature import short_signature
from asrfair.run.told import find_told, judged_words, probe_table, spoken, with_repeats
from asrfair.scoring import Normalizer
from asrfair.stats import Analysis, Question, analyse, handicap_rows, sensitivity_rows
from asrfair.tables import (
    FAILURES,
    INTERSECTION,
    MEASUREMENTS,
    RECOGNISED,
    REPEATS,
    RESERVED,
    SENSITIVITY,
    TIMINGS,
    conform,
    with_intersections,
)

LIBRARIES = ("jiwer", "librosa", "numpy", "polars", "rapidfuzz", "scipy", "soundfile", "soxr")


def check_axes(axes: Sequence[str], available: Sequence[str], *, where: object) -> None:
    """Raise InputError unless every axis, and every part of a product like ``accent*gender``, exists."""
    for axis in axes:
        parts = axis.split(INTERSECTION)
        if len(set(parts)) < len(parts):
            raise InputError(f"{where}: found the product '{axis}'; expected each axis once in it")
        for part in parts:
            if part not in available:
                raise InputError(expected(where, f"no axis '{part}'", available))
            if part in RESERVED:
                raise InputError(f"{where}: found the axis '{part}'; expected another name, the tables use this one")
    if len({frozenset(axis.split(INTERSECTION)) for axis in axes}) < len(axes):
        raise InputError(f"{where}: found an axis twice in {', '.join(axes)}; expected each once")


def check_reference_groups(groups: Mapping[str, str], labels: pl.DataFrame, axes: Sequence[str]) -> None:
    """Raise InputError unless every reference group's axis is asked for and the group is there."""
    for axis, group in groups.items():
        if axis not in axes:
            raise InputError(expected("reference group", f"the axis '{axis}'", axes))
        there = labels[axis].drop_nulls().unique().sort()
        if group not in there:
            raise InputError(expected(f"reference group of {axis}", f"'{group}'", there))


def summarise(
    question: Question,
    *,
    utterances: pl.DataFrame,
    hypotheses: pl.DataFrame,
    failures: pl.DataFrame,
    counts: pl.DataFrame,
    conditions: pl.DataFrame,
    timings: pl.DataFrame | None,
    measurements: pl.DataFrame | None = None,
    signature: Mapping[str, Any],
    normalizer: Normalizer,
    others: Sequence[pl.DataFrame] = (),
    probes: Sequence[str] = (),
    recognised: pl.DataFrame | None = None,
    repeats: pl.DataFrame | None = None,
) -> Results:
    """Return complete results: tables sorted, rates and disparities computed, the signature finished.

    ``normalizer`` is the one of the counts; ``others`` are counts of the same hypotheses under other normalisers,
    for the table ``sensitivity``. ``probes`` are the conditions under which nothing is said: their hypotheses and
    failures are counted apart, in the table ``probes``, and enter nothing else. ``recognised`` are words as recognisers
    told them, ``repeats`` the table of what was transcribed again (`asrfair.run.repeat`).
    """
    made_up = probe_table(
        hypotheses, failures, utterances=utterances, timings=timings, probes=probes, normalizer=normalizer
    )
    told = judged_words(
        pl.DataFrame(schema=RECOGNISED) if recognised is None else recognised,
        hypotheses,
        utterances,
        probes=probes,
        normalizer=normalizer,
    )
    counts, failures, *others = (spoken(rows, probes) for rows in (counts, failures, *others))
    single = [axis for axis in question.axes if INTERSECTION not in axis]
    base = [name for axis in question.axes for name in axis.split(INTERSECTION) if name not in single]
    labels = utterances.select("utterance_id", *dict.fromkeys([*single, *base]))
    failed = conform(failures, FAILURES).join(labels, on="utterance_id", how="left", maintain_order="left")
    order = ["backend", "condition", "utterance_id"]
    counts = counts.sort(order)

    def answered(rows: pl.DataFrame, asked: Question, segments: pl.DataFrame | None = None) -> Analysis:
        return answer(
            asked,
            utterances=utterances,
            failures=failed,
            counts=rows,
            timings=timings,
            measurements=measurements,
            segments=segments,
        )

    analysis = answered(counts, question, _segments(question, spoken(hypotheses, probes), utterances, normalizer))
    without_models = replace(question, covariates=())
    again = [answered(rows, without_models).disparities for rows in others]
    repeated = pl.DataFrame(schema=REPEATS) if repeats is None else repeats
    found = find_told(
        question,
        utterances=utterances,
        counts=counts,
        timings=timings,
        probes=made_up,
        recognised=told,
        repeats=repeated,
        measurements=measurements,
    )
    return Results(
        utterances=utterances,
        hypotheses=hypotheses.sort(order),
        failures=failed.sort(order),
        counts=counts,
        rates=with_repeats(analysis.rates, found.metrics),
        disparities=analysis.disparities,
        metrics=pl.concat([analysis.metrics, found.metrics]),
        tests=analysis.tests,
        models=analysis.models,
        sensitivity=(
            sensitivity_rows([analysis.disparities, *again], alpha=question.alpha)
            if again
            else pl.DataFrame(schema=SENSITIVITY)
        ),
        conditions=conditions,
        measurements=pl.DataFrame(schema=MEASUREMENTS) if measurements is None else measurements,
        handicaps=handicap_rows(counts, conditions, question),
        timings=pl.DataFrame(schema=TIMINGS) if timings is None else timings,
        signature=_sign(signature, question, analysis.rates),
        recognised=told,
        probes=made_up,
        calibration=found.calibration,
        repeats=repeated,
    )


def answer(
    question: Question,
    *,
    utterances: pl.DataFrame,
    failures: pl.DataFrame,
    counts: pl.DataFrame,
    timings: pl.DataFrame | None,
    measurements: pl.DataFrame | None,
    segments: pl.DataFrame | None = None,
) -> Analysis:
    """Return what the counts say to a question; ``failures`` have the columns of the axes (or their parts)."""
    covariates = with_covariates(counts, utterances, timings, question.covariates, measurements=measurements)
    rows = with_intersections(with_prompts(covariates, utterances), question.axes)
    return analyse(rows, with_intersections(failures, question.axes), question, segments=segments)


def _segments(
    question: Question, hypotheses: pl.DataFrame, utterances: pl.DataFrame, normalizer: Normalizer
) -> pl.DataFrame | None:
    if question.baseline_backend is None:
        return None
    return error_segments(
        hypotheses,
        with_intersections(utterances, question.axes),
        axes=list(question.axes),
        baseline=question.baseline_backend,
        normalizer=normalizer,
    )


def _sign(signature: Mapping[str, Any], question: Question, rates: pl.DataFrame) -> dict[str, Any]:
    method = rates["method"][0] if len(rates) else None
    signed = {
        "asrfair": __version__,
        **signature,
        "created": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := installed(name))},
        "level": question.level,
        "method": method,
        "baseline_condition": question.baseline_condition,
        "baseline_backend": question.baseline_backend,
        "independent_utterances": question.independent_utterances,
        "family": list(question.family),
        "confirm": list(question.confirm),
        "interval": question.interval,
        "replicates": question.replicates,
        "covariates": list(question.covariates),
        "units": dict(question.units),
        "above": list(question.above),
        "faas": question.faas,
    }
    return {**signed, "signature": short_signature(signed)}


def installed(name: str) -> str | None:
    """Return a package's version, or None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def exit_code(results: Results) -> tuple[int, str | None]:
    """Return 0, or 3 with the reason: too many failures, or no interval anywhere."""
    tried = len(results.counts) + len(results.failures)
    limit = results.signature["failure_limit"]
    share = len(results.failures) / tried if tried else 1.0
    if share > limit:
        return EXIT_INCOMPLETE, (
            f"{len(results.failures)} of {tried} transcriptions failed ({share:.1%}); the limit is {limit:.1%}"
        )
    if results.rates["low"].null_count() == len(results.rates):
        return EXIT_INCOMPLETE, "nothing could be judged: no group has an interval (see the notes above)"
    return EXIT_DONE, None
