"""A finished run's numbers computed again from its own counts, at another level of confidence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.analysis import answer
from asrfair.run.signature import short_signature
from asrfair.run.told import find_told, with_repeats
from asrfair.stats import Question, handicap_rows
from asrfair.tables import SENSITIVITY

_MATCHED_PAIRS = "mapsswe"
_NOT_AGAIN = "the sensitivity to normalisation is not computed again at another level: its table is empty"


def question_of(results: Results, *, level: float | None = None) -> Question:
    """Return the question that a run put to its counts, at another level if one is given.

    Raises InputError where the signature does not say.
    """
    signature = results.signature
    axes = _stated(signature, "axes", dict)
    return Question(
        axes=tuple(axes),
        reference_groups={
            axis: facts["reference_group"] for axis, facts in axes.items() if facts.get("reference_group")
        },
        baseline_condition=signature.get("baseline_condition"),
        baseline_backend=signature.get("baseline_backend"),
        level=_stated(signature, "level", float) if level is None else level,
        independent_utterances=_stated(signature, "independent_utterances", bool),
        family=tuple(_stated(signature, "family", list)),
        confirm=tuple(_stated(signature, "confirm", list)),
        interval=_stated(signature, "interval", str),
        replicates=_stated(signature, "replicates", int),
        seed=_stated(signature, "seed", int),
        above=tuple(_stated(signature, "above", list)),
        covariates=tuple(_stated(signature, "covariates", list)),
        units=_stated(signature, "units", dict),
        faas=_stated(signature, "faas", bool),
    )


def again(results: Results, *, level: float) -> Results:
    """Return a run's results with rates, disparities, metrics, tests, models and handicaps at ``level``.

    At the run's own level nothing changes. At another one the table ``sensitivity`` is empty, which the signature's
    notes say: its other normalisers are not run again. The matched-pairs tests have no level and are kept. Raises
    InputError where the signature does not say how the numbers were made, or for a level outside (0, 1).
    """
    question = question_of(results, level=level)
    if level == results.signature["level"]:
        return results
    analysis = answer(
        question,
        utterances=results.utterances,
        failures=results.failures,
        counts=results.counts,
        timings=results.timings,
        measurements=results.measurements,
    )
    told = find_told(
        question,
        utterances=results.utterances,
        counts=results.counts,
        timings=results.timings,
        probes=results.probes,
        recognised=results.recognised,
        repeats=results.repeats,
        measurements=results.measurements,
    )
    return replace(
        results,
        rates=with_repeats(analysis.rates, told.metrics),
        disparities=analysis.disparities,
        metrics=pl.concat([analysis.metrics, told.metrics]),
        tests=pl.concat([analysis.tests, results.tests.filter(pl.col("test") == _MATCHED_PAIRS)]),
        models=analysis.models,
        sensitivity=pl.DataFrame(schema=SENSITIVITY),
        handicaps=handicap_rows(results.counts, results.conditions, question),
        signature=_signed(results, level),
        calibration=told.calibration,
    )


def _signed(results: Results, level: float) -> dict[str, Any]:
    signature = results.signature
    notes = list(signature.get("notes") or ())
    if len(results.sensitivity):
        notes.append(_NOT_AGAIN)
    if signature["asrfair"] != __version__:
        notes.append(f"counted by asrfair {signature['asrfair']}, computed again by {__version__}")
    signed = {**signature, "asrfair": __version__, "level": level, "notes": notes}
    return {**signed, "signature": short_signature(signed)}


def _stated(signature: Mapping[str, Any], key: str, kind: type) -> Any:
    found = signature.get(key)
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        told = "nothing" if found is None else f"'{found}'"
        raise InputError(f"signature: '{key}': found {told}; expected how the numbers were made, as asrfair writes it")
    return found
