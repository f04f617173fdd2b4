"""Lhotse's files: manifests in each of its formats, and the shards of Lhotse Shar, whose audio lies in tar archives.

Shar has beside ``cuts.000000.jsonl.gz`` a ``recording.000000.tar`` with a member ``ID.flac`` (or another ending) and an
``ID.json`` for each cut, or ``ID.nodata`` for one without audio; the audio is the cut's own part of the recording.
Source: lhotse 1.33, lhotse/shar/writers.
"""

import importlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from asrfair.archives import TAR, index_archive
from asrfair.corpus.rows import there
from asrfair.errors import InputError, expected
from asrfair.reading import check_text, read_json_objects, read_lines

LINES, JSON, YAML = (".jsonl", ".jsonl.gz"), (".json", ".json.gz"), (".yaml", ".yml", ".yaml.gz", ".yml.gz")
INSTALL = "pip install pyyaml"
NO_AUDIO = ("json", "nodata", "nometa")


class Entry(NamedTuple):
    """An object of a manifest, and where it stands."""

    path: Path
    where: str
    value: dict[str, Any]


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the objects of a manifest: JSON lines, or JSON or YAML with one list; raises InputError."""
    if path.name.endswith(LINES):
        yield from (Entry(path, where, value) for where, value in read_json_objects(path))
        return
    if not path.name.endswith((*JSON, *YAML)):
        raise InputError(expected(path, "another format", [*LINES, *JSON, *YAML]))
    values = _yaml(path) if path.name.endswith(YAML) else _json(path)
    if not isinstance(values, list):
        raise InputError(f"{path}: found {type(values).__name__}; expected a list of objects")
    for number, value in enumerate(values, start=1):
        where = f"{path}: entry {number}"
        if not isinstance(value, dict):
            raise InputError(f"{where}: found {type(value).__name__}; expected an object")
        yield Entry(path, where, value)


def _json(path: Path) -> Any:
    text = "\n".join(read_lines(path))
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: found no JSON ({error}); expected a list of objects") from None
    check_text(text, values, where=path)
    return values


def _yaml(path: Path) -> Any:
    if importlib.util.find_spec("yaml") is None:
        raise InputError(f"{path}: found no package pyyaml; expected it for manifests in YAML: {INSTALL}")
    yaml = importlib.import_module("yaml")
    try:
        return yaml.load("\n".join(read_lines(path)), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"{path}: found no YAML ({' '.join(str(error).split())}); expected a list of objects"
        ) from None


class Shards:
    """The archives of a Shar's recordings, each indexed once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._members: dict[Path, dict[str, str]] = {}

    def audio(self, entry: Entry) -> str:
        """Return the address of a cut's audio, relative to the root; raises InputError where there is none."""
        shard = entry.path.name.partition(".jsonl")[0].removeprefix("cuts")
        path = entry.path.with_name(f"recording{shard}.tar")
        if path not in self._members:
            if not path.is_file():
                raise InputError(f"{entry.where}: looked for {path.name} (Lhotse Shar); found {there(path.parent)}")
            names = index_archive(path, TAR).numbers
            parts = (name.rpartition(".") for name in names)
            self._members[path] = {stem: f"{stem}.{ending}" for stem, _, ending in parts if ending not in NO_AUDIO}
        name = str(entry.value.get("id"))
        if name not in self._members[path]:
            raise InputError(f"{entry.where}: looked for the audio of '{name}' in {path.name}; found none")
        return f"{path.relative_to(self._root).as_posix()}::{self._members[path][name]}"
