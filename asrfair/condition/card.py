"""Condition cards: ``summary``, ``source`` and one ``[[effect]]`` table per step, with ``type`` and parameters.

A step of type ``condition`` stands for the steps of another card (``name``). A card with a ``[ladder]`` is one
condition per value of a parameter: its rungs, named ``card@value``. A card with ``reference = "empty"`` is a probe: an
effect takes the speech away (``silence``), so whatever is recognised was not said.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asrfair.cards import build, find_card, read_toml, shipped
from asrfair.condition.effect import Parameters
from asrfair.condition.effects import EFFECTS
from asrfair.condition.names import numbered, unit_of
from asrfair.condition.probes import Reference, is_probe
from asrfair.condition.recordings import list_recordings
from asrfair.errors import CardError, expected

KIND = "conditions"
RECORDINGS = "recordings"
FILE = "file"
NESTED = "condition"
RUNG = "@"


@dataclass(frozen=True)
class Step:
    """One effect by its name in `EFFECTS`, and all of its parameters, defaults included."""

    effect: str
    parameters: Parameters


@dataclass(frozen=True)
class Rung:
    """Where a condition stands on a ladder: the parameter that is swept, as ``effect.name``, and its value."""

    ladder: str
    parameter: str
    value: float


@dataclass(frozen=True)
class Condition:
    """Effects in order. The digest covers the bytes of the card, of cards named in it and of small files, and
    the names and sizes of recordings. ``obtain`` says where recordings are to be had that the user must bring.
    ``probe``: nothing is said under it, its reference is empty; it has no word error rate.
    """

    name: str
    summary: str
    source: str | None
    steps: tuple[Step, ...]
    digest: str
    rung: Rung | None = None
    obtain: str | None = None
    probe: bool = False

    @property
    def stream(self) -> str:
        """The name that randomness is spread by: the rungs of a ladder share theirs."""
        return self.rung.ladder if self.rung else self.name


@dataclass(frozen=True)
class _Ladder:
    parameter: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class _Card:
    summary: str
    source: str | None = None
    obtain: str | None = None
    reference: Reference = "corpus"
    ladder: _Ladder | None = None
    effect: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class _Table:
    """One ``[[effect]]``: its values, where it is written, and whether it comes from a card named in the card."""

    values: dict[str, Any]
    where: str
    nested: bool


def load_condition(spec: str, *, complete: bool = True) -> Condition:
    """Read a condition given as ``NAME``, as ``path/to/card.toml``, or either followed by ``=RECORDINGS``.

    The recordings go to the card's effects that need some. A path in a card is relative to the card. A rung of a
    ladder is ``NAME@VALUE``. Raises CardError for anything wrong in the card, a ladder without a value, or
    recordings that are missing from it, InputError for a folder without recordings. With ``complete=False``
    recordings may be missing, and are then left out of the parameters: for display.
    """
    conditions = load_rungs(spec, complete=complete)
    if len(conditions) > 1 or (conditions[0].rung and RUNG not in spec):
        names = [condition.name for condition in conditions]
        raise CardError(expected(f"condition '{spec}'", "a ladder", names))
    return conditions[0]


def load_rungs(spec: str, *, complete: bool = True) -> tuple[Condition, ...]:
    """Read a condition as `load_condition` does; a ladder without a value is all of its rungs, in order."""
    name, value, recordings = _split(spec)
    path = find_card(KIND, name)
    read = _Reader(spec, recordings, complete)
    card = build(_Card, read_toml(path), where=str(path))
    tables = read.tables(card, path, seen=(path.resolve(),))
    if recordings is not None and not read.taken:
        raise CardError(f"condition '{spec}': found recordings; expected none: every effect of {path} has its own")
    effects = [table.values["type"] for table in tables]
    probe = is_probe(card.reference, effects, swept=card.ladder is not None, where=path)
    digest = read.hasher.hexdigest()[:16]
    base = Condition(path.stem, card.summary, card.source, (), digest, obtain=card.obtain, probe=probe)
    if card.ladder is None:
        if value is not None:
            raise CardError(f"condition '{spec}': found the value {value}; expected none: {path} is no ladder")
        return (replace(base, steps=read.steps(tables)),)
    rungs = tuple(_rung(base, card.ladder, value, tables, read, path) for value in _values(card.ladder, path))
    chosen = [rung for rung in rungs if value is None or rung.name == f"{path.stem}{RUNG}{value}"]
    if not chosen:
        raise CardError(expected(f"condition '{spec}'", f"no rung '{value}'", [rung.name for rung in rungs]))
    return tuple(chosen)


def load_conditions(specs: Sequence[str]) -> tuple[Condition, ...]:
    """Read several conditions, a ladder as all of its rungs; raises CardError for a name that occurs twice."""
    conditions = tuple(condition for spec in specs for condition in load_rungs(spec))
    for name, count in Counter(condition.name for condition in conditions).items():
        if count > 1:
            raise CardError(f"conditions: found '{name}' {count} times; expected each name once")
    return conditions


def shipped_conditions() -> dict[str, tuple[Condition, ...]]:
    """Return the conditions that come with asrfair by name, a ladder's rungs together, without users' recordings."""
    return {name: load_rungs(name, complete=False) for name in shipped(KIND)}


def check_ready(conditions: Sequence[Condition], *, sample_rate: int) -> None:
    """Raise InputError, naming the condition, for one whose codec or library is not installed here."""
    for condition in conditions:
        for step in condition.steps:
            ready = EFFECTS[step.effect].ready
            if ready:
                try:
                    ready(step.parameters, sample_rate)
                except CardError as error:
                    raise CardError(f"condition '{condition.name}': {error}") from None


def _split(spec: str) -> tuple[str, str | None, str | None]:
    """Return the card's name or path, the rung's value and the recordings."""
    if spec.endswith(".toml") and Path(spec).is_file():
        return spec, None, None
    head, mark, tail = spec.partition(".toml")
    if mark and tail[:1] in ("", "=", RUNG):
        name, rest = head + mark, tail
    else:
        places = [place for place in (spec.find("="), spec.find(RUNG)) if place >= 0]
        name, rest = (spec[: min(places)], spec[min(places) :]) if places else (spec, "")
    rung, equals, recordings = rest.partition("=")
    if equals and not recordings:
        raise CardError(f"condition '{spec}': found no path after '='; expected {name}=RECORDINGS")
    return name, rung.removeprefix(RUNG) or None, recordings or None


class _Reader:
    """Reads a card, and the cards named in it, into steps; gathers the digest of all it read."""

    def __init__(self, spec: str, recordings: str | None, complete: bool) -> None:
        self.spec = spec
        self.recordings = recordings
        self.complete = complete
        self.taken = False
        self.hasher = hashlib.sha256()

    def tables(self, card: _Card, path: Path, *, seen: tuple[Path, ...]) -> list[_Table]:
        """Return the tables of a card's effects, those of named cards in their place."""
        self.hasher.update(path.read_bytes())
        tables = []
        for index, values in enumerate(card.effect):
            where = f"{path}: effect {index + 1}"
            if values.get("type") == NESTED:
                tables += self._named(values, path, where, seen)
            else:
                tables.append(_Table(self._placed(_known(values, where), path, card), where, nested=len(seen) > 1))
        return tables

    def steps(self, tables: Sequence[_Table]) -> tuple[Step, ...]:
        """Return the checked steps."""
        optional = () if self.complete else (RECORDINGS,)
        steps = []
        for table in tables:
            values = {key: value for key, value in table.values.items() if key != "type"}
            name = table.values["type"]
            checked = EFFECTS[name].check(values, where=f"{table.where} ({name})", optional=optional)
            steps.append(Step(name, checked))
        return tuple(steps)

    def _named(self, values: Mapping[str, Any], path: Path, where: str, seen: tuple[Path, ...]) -> list[_Table]:
        extra = sorted(set(values) - {"type", "name"})
        if extra or not isinstance(values.get("name"), str):
            raise CardError(f"{where} ({NESTED}): found {extra or 'no name'}; expected 'name', of another condition")
        name = values["name"]
        other = find_card(KIND, str(path.parent / name) if name.endswith(".toml") else name)
        if other.resolve() in seen:
            raise CardError(f"{where} ({NESTED}): found '{name}' within itself; expected another condition")
        card = build(_Card, read_toml(other), where=str(other))
        if card.ladder:
            raise CardError(f"{where} ({NESTED}): found the ladder '{name}'; expected a single condition")
        return self.tables(card, other, seen=(*seen, other.resolve()))

    def _placed(self, values: Mapping[str, Any], path: Path, card: _Card) -> dict[str, Any]:
        """Return the values with their paths from the card's folder, recordings of the user's filled in."""
        placed = dict(values)
        for key in (RECORDINGS, FILE):
            if isinstance(placed.get(key), str) and placed[key]:
                placed[key] = str(path.parent / placed[key])
        if EFFECTS[values["type"]].needs in ("recording", "response") and RECORDINGS not in placed:
            if self.recordings is not None:
                placed[RECORDINGS], self.taken = self.recordings, True
            elif self.complete:
                hint = f" ({card.obtain})" if card.obtain else ""
                raise CardError(f"condition '{self.spec}': needs recordings; expected {self.spec}=RECORDINGS{hint}")
        for key in (RECORDINGS, FILE):
            if isinstance(placed.get(key), str) and placed[key]:
                self._digest(Path(placed[key]), whole=key == FILE)
        return placed

    def _digest(self, path: Path, *, whole: bool) -> None:
        if whole:
            if not path.is_file():
                raise CardError(f"{path}: no such file; expected one named in condition '{self.spec}'")
            self.hasher.update(path.read_bytes())
            return
        for file in list_recordings(path):
            self.hasher.update(f"\n{file.name}\t{file.path.stat().st_size}".encode())


def _known(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    names = (*EFFECTS, NESTED)
    if "type" not in values:
        raise CardError(f"{where}: key 'type' is missing; expected one of: {', '.join(names)}")
    name = values["type"]
    if not isinstance(name, str) or name not in EFFECTS:
        raise CardError(expected(where, f"unknown effect {name!r}", names))
    return values


def _values(ladder: _Ladder, path: Path) -> tuple[float, ...]:
    if len(ladder.values) < 2 or len(set(ladder.values)) < len(ladder.values):
        raise CardError(f"{path}: ladder: found values {list(ladder.values)}; expected two different ones at least")
    return ladder.values


def _rung(
    base: Condition, ladder: _Ladder, value: float, tables: Sequence[_Table], read: _Reader, path: Path
) -> Condition:
    index, key = _swept(ladder.parameter, tables, path)
    table = tables[index]
    if key in table.values and not table.nested:
        raise CardError(f"{table.where}: found '{key}', which the ladder sweeps; expected it in the ladder alone")
    whole = EFFECTS[table.values["type"]].parameters()[key]
    number = int(value) if _is_int(whole) and value == int(value) else value
    filled = [*tables[:index], replace(table, values={**table.values, key: number}), *tables[index + 1 :]]
    rung = Rung(base.name, ladder.parameter, value)
    unit = unit_of(key)
    summary = f"{base.summary}: {value:g}{' ' + unit if unit else ''}"
    return replace(base, name=f"{base.name}{RUNG}{value:g}", summary=summary, steps=read.steps(filled), rung=rung)


def _is_int(hint: Any) -> bool:
    return getattr(hint, "__origin__", hint) is int


def _swept(parameter: str, tables: Sequence[_Table], path: Path) -> tuple[int, str]:
    """Return the place of the effect named in ``effect.name`` or ``effect[2].name``, and the parameter's name."""
    named = numbered([table.values["type"] for table in tables])
    effect, _, key = parameter.partition(".")
    names = [f"{name}.{key}" for name, table in zip(named, tables, strict=True) for key in _sweepable(table)]
    if parameter not in names:
        raise CardError(expected(f"{path}: ladder", f"unknown parameter '{parameter}'", names))
    return named.index(effect), key


def _sweepable(table: _Table) -> list[str]:
    hints = EFFECTS[table.values["type"]].parameters()
    return [key for key, hint in hints.items() if getattr(hint, "__origin__", hint) in (float, int)]
