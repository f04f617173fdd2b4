"""The plan of a run: every key, its meaning and its default, read strictly from TOML or made from options."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from asrfair.cards import build, read_toml
from asrfair.errors import CardError, expected
from asrfair.scoring import NORMALIZERS
from asrfair.stats import FAMILIES, FAMILY


@dataclass(frozen=True)
class CorpusPlan:
    """Which corpus, where: a card's name or path, its root folder (or table), and a split if it has any."""

    card: str
    root: str
    split: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run does. Relative paths are relative to the plan file.

    corpus                  card, root and split of the corpus
    backends                one table per recogniser: its type, and its options
    conditions              names or paths of condition cards; NAME=FOLDER where recordings are needed
    by                      axes to report, and products such as "accent*gender" (default: all of the card)
    reference_groups        per axis, the group to compare with (default: the card's)
    baseline_condition      what conditions are compared with (default: clean if planned, else the first)
    baseline_backend        what backends are compared with (default: the first)
    normalizer              none, basic or whisper-english
    level                   confidence level of intervals
    seed                    for everything random
    sample_rate             working rate in Hz, before conditions
    language                language code handed to backends (default: the corpus's own)
    limit                   only the first N utterances by id, marked everywhere
    failure_limit           share of failed utterances above which the exit code is 3
    allow_imputed           axes with imputed labels that may be used all the same
    independent_utterances  treat utterances of unknown speakers as independent, marked everywhere
    family                  columns of disparities within which p-values are adjusted together
    workers                 processes (default: one per processor core)
    out                     run folder
    """

    corpus: CorpusPlan
    backends: dict[str, dict[str, Any]]
    conditions: tuple[str, ...] = ("clean",)
    by: tuple[str, ...] = ()
    reference_groups: dict[str, str] = field(default_factory=dict)
    baseline_condition: str = ""
    baseline_backend: str = ""
    normalizer: str = "basic"
    level: float = 0.95
    seed: int = 0
    sample_rate: int = 16_000
    language: str = ""
    limit: int | None = None
    failure_limit: float = 0.05
    allow_imputed: tuple[str, ...] = ()
    independent_utterances: bool = False
    family: tuple[str, ...] = FAMILY
    workers: int = 0
    out: str = "asrfair-run"

    def __post_init__(self) -> None:
        check_level(self.level)
        check_family(self.family)
        _check(0 <= self.failure_limit <= 1, "failure_limit", self.failure_limit, "a share from 0 to 1")
        _check(self.sample_rate >= 4_000, "sample_rate", self.sample_rate, "a rate in Hz, at least 4000")
        _check(self.limit is None or self.limit > 0, "limit", self.limit, "a whole number above 0")
        _check(self.workers >= 0, "workers", self.workers, "a number of processes, or 0 for one per core")
        _check(bool(self.backends), "backends", "none", "at least one, for example [backends.pocketsphinx]")
        _check(bool(self.conditions), "conditions", "none", "at least one, for example clean")
        if self.normalizer not in NORMALIZERS:
            raise CardError(expected("normalizer", repr(self.normalizer), NORMALIZERS))
        for name, options in self.backends.items():
            _check(bool(name.strip()), "backends", repr(name), "a name")
            options.setdefault("type", name)

    def __hash__(self) -> int:  # pragma: no cover - plans are compared, not hashed
        return id(self)

    def record(self) -> dict[str, Any]:
        """Return the plan as TOML holds it: nothing that is None."""
        return {key: _plain(value) for key, value in asdict(self).items() if value is not None}


def check_level(level: float) -> None:
    """Raise CardError unless the confidence level lies between 0.5 and 1."""
    _check(0.5 <= level < 1, "level", level, "a confidence level from 0.5 to below 1, for example 0.95")


def check_family(family: Sequence[str]) -> None:
    """Raise CardError unless every column may make a family of p-values."""
    for name in family or ("",):
        if name not in FAMILIES:
            raise CardError(expected("family", repr(name), FAMILIES))


def _check(good: bool, key: str, found: object, wanted: str) -> None:
    if not good:
        raise CardError(f"plan: '{key}': found {found}; expected {wanted}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def load_plan(path: Path) -> Plan:
    """Read a plan file; raises CardError naming file, key and valid keys."""
    values = read_toml(path)
    try:
        plan = build(Plan, values, where=str(path))
    except CardError as error:
        message = str(error)
        raise CardError(message if message.startswith(str(path)) else f"{path}: {message}") from None
    return _resolved(plan, path.resolve().parent)


def _resolved(plan: Plan, folder: Path) -> Plan:
    """Return the plan with its paths taken from the plan file's folder."""
    corpus = replace(
        plan.corpus,
        card=_card_path(plan.corpus.card, folder),
        root=str(folder / plan.corpus.root),
    )
    conditions = tuple(_condition_path(spec, folder) for spec in plan.conditions)
    backends = {
        name: {key: _option_path(value, folder) for key, value in options.items()}
        for name, options in plan.backends.items()
    }
    return replace(plan, corpus=corpus, conditions=conditions, backends=backends, out=str(folder / plan.out))


def _card_path(name: str, folder: Path) -> str:
    return str(folder / name) if name.endswith(".toml") else name


def _condition_path(spec: str, folder: Path) -> str:
    name, sign, recordings = spec.partition("=")
    return _card_path(name, folder) + (f"={folder / recordings}" if sign else "")


def _option_path(value: Any, folder: Path) -> Any:
    """A text option that names a file beside the plan is that file; any other value stays."""
    if isinstance(value, str) and value and not value.isspace() and "\n" not in value:
        path = folder / value
        if len(value) < 255 and path.is_file():
            return str(path)
    return value


def override(values: Mapping[str, Any], plan: Plan) -> Plan:
    """Return the plan with the options that were given (not None) in place of its own."""
    names = {item.name for item in fields(Plan)}
    return replace(plan, **{key: value for key, value in values.items() if key in names and value is not None})
