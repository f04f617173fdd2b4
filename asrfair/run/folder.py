"""Claiming a run folder: a plan may go on only in its own folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asrfair.errors import RunFolderError
from asrfair.results import PLAN, json_text, write_text

IDENTITY = "identity.json"


def claim(folder: Path, identity: Mapping[str, Any], *, what: str = "run") -> None:
    """Mark a folder as this plan's; raises RunFolderError saying what differs if it is another plan's.

    ``what`` it is that lies there, for the message.
    ``identity`` is all that results depend on. A folder with other files in it is refused; one in which a plan
    failed before anything was made is free again.
    """
    path = folder / IDENTITY
    wanted = json.loads(json.dumps(identity))
    if path.is_file():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path}: cannot be read: {error}") from error
        differences = list(_differences(found, wanted))
        if differences and _used(folder):
            shown = "; ".join(differences[:4]) + (f"; and {len(differences) - 4} more" if len(differences) > 4 else "")
            raise RunFolderError(f"{folder}: holds another {what} ({shown}); expected the same plan, or another folder")
        if not differences:
            return
    elif folder.is_file() or (folder.is_dir() and any(not name.name.startswith(".") for name in folder.iterdir())):
        raise RunFolderError(f"{folder}: holds other files and no {IDENTITY}; expected an empty or new folder")
    write_text(path, json_text(wanted))


def _used(folder: Path) -> bool:
    return any(path.name not in (IDENTITY, PLAN) and not path.name.startswith(".") for path in folder.iterdir())


def _differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*found, *(key for key in wanted if key not in found)]:
            yield from _differences(found.get(key), wanted.get(key), f"{name}.{key}".lstrip("."))
    elif found != wanted:
        yield f"{name}: {_short(found)} there, {_short(wanted)} here"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
