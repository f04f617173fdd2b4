"""How numbers are made: the keys that plans of `run` and of `score` share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asrfair.cards import convert
from asrfair.errors import CardError, InputError, expected
from asrfair.scoring import Normalizer, find_normalizer
from asrfair.stats import FAMILIES, FAMILY, MEASURES, Question, parse_confirm
from asrfair.tables import OVERALL

JOINED = "+"
SENSITIVITY = ("none", "basic", "basic+american-spelling", "whisper-english")
"""The normalisers of ``--sensitivity``, besides the plan's own."""


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """What is reported and how.

    by                      axes to report, and products such as "accent*gender" (default: all of the card)
    reference_groups        per axis, the group to compare with (default: the card's)
    baseline_condition      what conditions are compared with (default: clean if planned, else the first)
    baseline_backend        what backends are compared with (default: the first)
    normalizer              how text is normalised: none, basic, whisper-english, or components joined by «+»
    sensitivity             normalisers under which every disparity is computed again
    level                   confidence level of intervals
    interval                method of the intervals of rates
    replicates              bootstrap samples and permutations
    above                   WERs that utterances and speakers are counted above
    seed                    for everything random
    failure_limit           share of failed utterances above which the exit code is 3
    allow_imputed           axes with imputed labels that may be used all the same
    independent_utterances  treat utterances of unknown speakers as independent, marked everywhere
    confirm                 disparities chosen beforehand, one family of p-values: "axis=accent, measure=ratio"
    family                  columns of the other disparities within which p-values are adjusted together
    covariates              what models adjust disparities for: axes and covariates of the card, log_words,
                            duration_s, words_per_s, condition
    faas                    the score of ASR-FAIRBENCH too, for comparison with published ones
    out                     run folder
    """

    by: tuple[str, ...] = ()
    reference_groups: dict[str, str] = field(default_factory=dict)
    baseline_condition: str = ""
    baseline_backend: str = ""
    normalizer: str = "basic"
    sensitivity: tuple[str, ...] = ()
    level: float = 0.95
    interval: str = "skewed-log-t"
    replicates: int = 2000
    above: tuple[float, ...] = (0.5,)
    seed: int = 0
    failure_limit: float = 0.05
    allow_imputed: tuple[str, ...] = ()
    independent_utterances: bool = False
    confirm: tuple[str, ...] = ()
    family: tuple[str, ...] = FAMILY
    covariates: tuple[str, ...] = ()
    faas: bool = False
    out: str = "asrfair-run"


def check_measuring(plan: Measuring) -> None:
    """Raise CardError or InputError unless the keys are what an analysis can use."""
    _check(0.5 <= plan.level < 1, "level", plan.level, "a confidence level from 0.5 to below 1, for example 0.95")
    _check(0 <= plan.failure_limit <= 1, "failure_limit", plan.failure_limit, "a share from 0 to 1")
    for name in plan.family or ("",):
        if name not in FAMILIES:
            raise CardError(expected("family", repr(name), FAMILIES))
    ask(plan).check()
    for spec in (plan.normalizer, *plan.sensitivity):
        find_normalizer(spec)


def _check(good: bool, key: str, found: object, wanted: str) -> None:
    if not good:
        raise CardError(f"plan: '{key}': found {found}; expected {wanted}")


def with_files(values: dict[str, Any], folder: Path, *, where: str) -> dict[str, Any]:
    """Return a plan file's keys with its normalisers' files in the plan's folder, where they are looked for at once."""
    named: dict[str, Any] = {key: values[key] for key in ("normalizer", "sensitivity") if key in values}
    for key, kind in (("normalizer", str), ("sensitivity", tuple[str, ...])):
        if key in named:
            specs = convert(kind, named[key], where=f"{where}: '{key}'")
            named[key] = _placed(specs, folder) if kind is str else [_placed(spec, folder) for spec in specs]
    return {**values, **named}


def _placed(spec: str, folder: Path) -> str:
    parts = (component.partition("=") for component in spec.split(JOINED))
    return JOINED.join(f"{name}={folder / path}" if path else name for name, _, path in parts)


def ask(
    plan: Measuring,
    *,
    axes: Sequence[str] = (),
    reference_groups: Mapping[str, str] | None = None,
    baseline_condition: str | None = None,
    baseline_backend: str | None = None,
    units: Mapping[str, str] | None = None,
) -> Question:
    """Return the question that a plan puts to the counts."""
    return Question(
        axes=axes,
        reference_groups=reference_groups or {},
        baseline_condition=baseline_condition,
        baseline_backend=baseline_backend,
        level=plan.level,
        independent_utterances=plan.independent_utterances,
        family=plan.family,
        confirm=plan.confirm,
        interval=plan.interval,
        replicates=plan.replicates,
        seed=plan.seed,
        above=plan.above,
        covariates=plan.covariates,
        units=units or {},
        faas=plan.faas,
    )


def check_confirm(plan: Measuring, *, axes: Sequence[str], conditions: Sequence[str], backends: Sequence[str]) -> None:
    """Raise InputError for a disparity chosen beforehand that there cannot be, before any work is done for it."""
    there = {"axis": [OVERALL, *axes], "measure": MEASURES, "condition": conditions, "backend": backends}
    for text, wanted in zip(plan.confirm, parse_confirm(plan.confirm), strict=True):
        for column, value in wanted.items():
            if column in there and value not in there[column]:
                raise InputError(expected(f"confirm '{text}'", f"no {column} '{value}'", there[column]))


def other_normalizers(plan: Measuring, normalizer: Normalizer) -> list[Normalizer]:
    """Return the normalisers of the plan's sensitivity, without the plan's own."""
    found = {other.label: other for other in map(find_normalizer, plan.sensitivity)}
    return [other for label, other in found.items() if label != normalizer.label]


def normalizer_facts(plan: Measuring, normalizer: Normalizer) -> dict[str, str]:
    """Return what the signature says of the normaliser; ``spec`` finds it again."""
    return {
        "name": normalizer.name,
        "version": normalizer.version,
        "label": normalizer.label,
        "spec": normalizer.name if plan.normalizer.find("=") < 0 else plan.normalizer,
    }
