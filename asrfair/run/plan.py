"""The plan of a run: every key, its meaning and its default, read strictly from TOML or made from options."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from asrfair.cards import build, read_toml
from asrfair.errors import CardError
from asrfair.run.cache import NONE
from asrfair.run.measuring import Measuring, check_measuring, with_files

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class CorpusPlan:
    """Which corpus, where: a card's name or path, its root folder (or table), and a split if it has any."""

    card: str
    root: str
    split: str = ""


@dataclass(frozen=True)
class Plan(Measuring):
    """What a run does, besides how it measures (`Measuring`). Relative paths are relative to the plan file.

    corpus                  card, root and split of the corpus
    backends                one table per recogniser: its type, and its options
    conditions              names or paths of condition cards; NAME=FOLDER where recordings are needed
    sample_rate             working rate in Hz, before conditions
    language                language code handed to backends (default: the corpus's own)
    limit                   only the first N utterances by id, marked everywhere
    sample                  only N utterances of each group of the axes, spread over speakers, marked everywhere
    workers                 processes (default: one per processor core)
    engine                  where they run: local, or ray (a cluster)
    address                 of the Ray cluster (default: one on this machine, for this run)
    gpus_per_worker         of the cluster, a whole number or a share
    include_synthetic       count utterances that the card marks as synthetic, with a notice over everything
    device                  where torch applies conditions, such as cuda (default: numpy, on the processor)
    cache                   folder of the cache of transcripts (default: the user's own), or none
    repeat_check            of each recogniser, cells that are transcribed again to see whether they differ; 0: none
    """

    corpus: CorpusPlan
    backends: dict[str, dict[str, Any]]
    conditions: tuple[str, ...] = ("clean",)
    sample_rate: int = 16_000
    language: str = ""
    limit: int | None = None
    sample: int | None = None
    workers: int = 0
    engine: Literal["local", "ray"] = "local"
    address: str = ""
    gpus_per_worker: float = 0.0
    include_synthetic: bool = False
    device: str = ""
    cache: str = ""
    repeat_check: int = 0

    def __post_init__(self) -> None:
        # Of our own, whatever a caller from Python goes on to do with theirs.
        backends = {name: {"type": name, **options} for name, options in self.backends.items()}
        object.__setattr__(self, "backends", backends)
        object.__setattr__(self, "out", str(self.out))
        check_measuring(self)
        _check(4_000 <= self.sample_rate <= 192_000, "sample_rate", self.sample_rate, "4000 to 192000 Hz")
        _check(self.limit is None or self.limit > 0, "limit", self.limit, "a whole number above 0")
        _check(self.sample is None or self.sample > 0, "sample", self.sample, "a whole number above 0")
        both = self.sample is not None and self.limit is not None
        _check(not both, "sample", f"{self.sample} besides limit {self.limit}", "one of the two")
        _check(self.repeat_check >= 0, "repeat_check", self.repeat_check, "a number of cells from 0")
        _check(self.workers >= 0, "workers", self.workers, "a number of processes, or 0 for one per core")
        _check(self.engine in ENGINES, "engine", repr(self.engine), " or ".join(ENGINES))
        _check(self.gpus_per_worker >= 0, "gpus_per_worker", self.gpus_per_worker, "a number of GPUs from 0")
        for key in ("address", "gpus_per_worker"):
            given = getattr(self, key)
            _check(not given or self.engine == "ray", key, given, "none with the engine local (--engine ray)")
        _check(bool(self.backends), "backends", "none", "at least one, for example [backends.pocketsphinx]")
        _check(bool(self.conditions), "conditions", "none", "at least one, for example clean")
        for name in self.backends:
            _check(bool(name.strip()), "backends", repr(name), "a name")

    @property
    def device_kind(self) -> str:
        """The device without its number, which changes no result."""
        return self.device.partition(":")[0]

    def record(self) -> dict[str, Any]:
        """Return the plan as TOML holds it: nothing that is None."""
        return {key: _plain(value) for key, value in asdict(self).items() if value is not None}


def _check(good: bool, key: str, found: object, wanted: str) -> None:
    if not good:
        raise CardError(f"plan: '{key}': found {found}; expected {wanted}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def load_plan(path: Path) -> Plan:
    """Read a plan file; raises CardError naming file, key and valid keys."""
    values = with_files(read_toml(path), path.resolve().parent, where=str(path))
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
        card=card_path(plan.corpus.card, folder),
        root=str(folder / plan.corpus.root),
    )
    conditions = tuple(condition_path(spec, folder) for spec in plan.conditions)
    backends = {
        name: {key: _option_path(key, value, folder) for key, value in options.items()}
        for name, options in plan.backends.items()
    }
    cache = str(folder / plan.cache) if plan.cache not in ("", NONE) else plan.cache
    return replace(
        plan, corpus=corpus, conditions=conditions, backends=backends, out=str(folder / plan.out), cache=cache
    )


def card_path(name: str, folder: Path) -> str:
    """Return a card's name as it is, and its path as one from ``folder``."""
    return str(folder / name) if name.endswith(".toml") else name


def condition_path(spec: str, folder: Path) -> str:
    """Return a condition, ``NAME``, ``path/card.toml`` or either with ``=RECORDINGS``, with its paths from a folder."""
    name, sign, recordings = spec.partition("=")
    return card_path(name, folder) + (f"={folder / recordings}" if sign else "")


def _option_path(key: str, value: Any, folder: Path) -> Any:
    """An option, or a word of a command, that names a file beside the plan is that file; any other stays."""
    if key == "type" or not isinstance(value, str):
        return value
    if key == "command":
        try:
            return shlex.join(_beside(word, folder) for word in shlex.split(value))
        except ValueError:
            # Quotation marks that do not close: the backend says so.
            return value
    return _beside(value, folder)


def _beside(word: str, folder: Path) -> str:
    try:
        # A folder has to be written as a path, such as ./model: a language may have the name of one.
        there = (folder / word).is_file() or ("/" in word and (folder / word).is_dir())
        return str(folder / word) if word and there else word
    except (OSError, ValueError):
        # Too long for a name, or with a character no name has: not a file.
        return word


def override(values: Mapping[str, Any], plan: Plan) -> Plan:
    """Return the plan with the options that were given (not None) in place of its own."""
    names = {item.name for item in fields(Plan)}
    return replace(plan, **{key: value for key, value in values.items() if key in names and value is not None})
