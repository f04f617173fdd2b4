"""Condition cards: ``summary``, ``source`` and one ``[[effect]]`` table per step, with ``type`` and parameters."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrfair.cards import build, digest, find_card, read_toml, shipped
from asrfair.condition.effect import Parameter
from asrfair.condition.effects import EFFECTS
from asrfair.condition.recordings import list_recordings
from asrfair.errors import CardError, expected

KIND = "conditions"
FOLDER = "folder"


@dataclass(frozen=True)
class Step:
    """One effect by its name in `EFFECTS`, and all of its parameters, defaults included."""

    effect: str
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True)
class Condition:
    """Effects in order. The digest covers the card's bytes and, of a folder, the files' names and sizes."""

    name: str
    summary: str
    source: str | None
    steps: tuple[Step, ...]
    digest: str


@dataclass(frozen=True)
class _Card:
    summary: str
    source: str | None = None
    effect: tuple[dict[str, Any], ...] = ()


def load_condition(spec: str, *, complete: bool = True) -> Condition:
    """Read a condition given as ``NAME``, as ``path/to/card.toml``, or either followed by ``=FOLDER``.

    The folder goes to the card's recorded noise. A folder in a card is relative to the card. Raises CardError
    for anything wrong in the card or a folder that is missing from it, InputError for one without recordings.
    With ``complete=False`` the folder may be missing, and is then left out of the parameters: for display.
    """
    name, folder = _split(spec)
    path = find_card(KIND, name)
    card = build(_Card, read_toml(path), where=str(path))
    tables, folders = _with_folders(card.effect, path=path, spec=spec, folder=folder, complete=complete)
    steps = tuple(_step(table, index, path=path, complete=complete) for index, table in enumerate(tables))
    return Condition(path.stem, card.summary, card.source, steps, _digest(path, folders))


def load_conditions(specs: Sequence[str]) -> tuple[Condition, ...]:
    """Read several conditions; raises CardError for a name that occurs twice."""
    conditions = tuple(load_condition(spec) for spec in specs)
    for name, count in Counter(condition.name for condition in conditions).items():
        if count > 1:
            raise CardError(f"conditions: found '{name}' {count} times; expected each name once")
    return conditions


def shipped_conditions() -> tuple[Condition, ...]:
    """Return the conditions that come with asrfair, sorted by name, without the folders that users add."""
    return tuple(load_condition(name, complete=False) for name in shipped(KIND))


def _split(spec: str) -> tuple[str, str | None]:
    if spec.endswith(".toml") and Path(spec).is_file():
        return spec, None
    head, mark, tail = spec.partition(".toml=")
    name, equals, folder = (head + ".toml", mark, tail) if mark else spec.partition("=")
    if equals and not folder:
        raise CardError(f"condition '{spec}': found no folder after '='; expected {name}=FOLDER")
    return name, folder or None


def _with_folders(
    tables: Sequence[Mapping[str, Any]], *, path: Path, spec: str, folder: str | None, complete: bool
) -> tuple[list[dict[str, Any]], list[Path]]:
    """Give each step that needs a recording its folder; return the steps, and the folders in use."""
    filled, folders, taken = [], [], False
    for table in map(dict, tables):
        if _needs_recording(table):
            own = table.get(FOLDER)
            if own is None and folder is not None:
                table[FOLDER], taken = folder, True
            elif isinstance(own, str):
                table[FOLDER] = str(path.parent / own)
            elif own is None and complete:
                raise CardError(f"condition '{spec}': needs a folder of recordings; expected {spec}=FOLDER")
            if isinstance(table.get(FOLDER), str):
                folders.append(Path(table[FOLDER]))
        filled.append(table)
    if folder is not None and not taken:
        raise CardError(f"condition '{spec}': found a folder; expected none: no effect of {path} is without one")
    return filled, folders


def _needs_recording(table: Mapping[str, Any]) -> bool:
    name = table.get("type")
    return isinstance(name, str) and name in EFFECTS and EFFECTS[name].needs == "recording"


def _step(table: Mapping[str, Any], index: int, *, path: Path, complete: bool) -> Step:
    where = f"{path}: effect {index + 1}"
    if "type" not in table:
        raise CardError(f"{where}: key 'type' is missing; expected one of: {', '.join(EFFECTS)}")
    name = table["type"]
    if not isinstance(name, str) or name not in EFFECTS:
        raise CardError(expected(where, f"unknown effect {name!r}", EFFECTS))
    values = {key: value for key, value in table.items() if key != "type"}
    optional = () if complete else (FOLDER,)
    return Step(name, EFFECTS[name].check(values, where=f"{where} ({name})", optional=optional))


def _digest(path: Path, folders: Sequence[Path]) -> str:
    if not folders:
        return digest(path)
    hasher = hashlib.sha256(path.read_bytes())
    for folder in folders:
        for file in list_recordings(folder):
            hasher.update(f"\n{file.relative_to(folder).as_posix()}\t{file.stat().st_size}".encode())
    return hasher.hexdigest()[:16]
