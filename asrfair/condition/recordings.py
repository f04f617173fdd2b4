"""The recordings that a user brings: a folder, a table of files, or one file.

Conventions
-----------
A recording's class is the path of its sub-folders within the folder, ``noise/free-sound``: it is chosen by the whole
or by any part of it. That covers a user's own folders, the layout of ESC-10, and MUSAN (Snyder et al. 2015). In a table
the class is a column. Two layouts are known beside these:

ESC-50 (Piczak 2015)        ``audio/`` and ``meta/esc50.csv``: the class is the column ``category``
DEMAND (Thiemann 2013)      ``DKITCHEN/ch01.wav`` … ``ch16.wav``: channels of one sound, the first is taken
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from asrfair.errors import InputError, expected
from asrfair.reading import READERS, read_table
from asrfair.tables import require_columns

AUDIO_ENDINGS = (".aif", ".aiff", ".au", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".sph", ".wav")
PATH_COLUMNS = ("path", "file", "filename")
CLASS_COLUMNS = ("class", "category", "label")
ESC50_TABLE = PurePath("meta/esc50.csv")
ESC50_AUDIO = "audio"
DEMAND_CHANNEL = re.compile(r"ch(\d\d)\.\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Recording:
    """A recording: its name (the path within the folder or table), where it lies, and its class, if it has one."""

    name: str
    path: Path
    kind: str | None = None


def list_recordings(recordings: Path, *, classes: tuple[str, ...] = ()) -> list[Recording]:
    """Return the recordings of a folder and below it, of a table, or the one audio file, sorted by name.

    A table (csv, tsv, jsonl, parquet) has a column ``path``, ``file`` or ``filename``, relative to the table, and may
    have ``class``, ``category`` or ``label``. ``classes`` are those to keep; none: all. Hidden files are left out.
    Raises InputError for none, for a file of a table that is not there, and for a class that no recording has.
    """
    if recordings.is_dir():
        found = _in_folder(recordings)
    elif recordings.suffix.lower() in AUDIO_ENDINGS and recordings.is_file():
        found = [Recording(recordings.name, recordings)]
    elif recordings.suffix.lower() in READERS and recordings.is_file():
        found = _in_table(recordings, folder=recordings.parent)
    else:
        endings = ", ".join((*AUDIO_ENDINGS, *READERS))
        raise InputError(f"{recordings}: no such folder; expected one with recordings, or a file ending in {endings}")
    return _of_classes(sorted(found, key=lambda recording: recording.name), classes, recordings)


def _in_folder(folder: Path) -> list[Recording]:
    if (folder / ESC50_TABLE).is_file() and (folder / ESC50_AUDIO).is_dir():
        return _in_table(folder / ESC50_TABLE, folder=folder / ESC50_AUDIO)
    inside = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in AUDIO_ENDINGS]
    files = [path for path in inside if not any(part.startswith(".") for part in path.parts)]
    files = [path for path in _first_channels(files) if (folder / path).is_file()]
    if not files:
        raise InputError(f"{folder}: found no recordings; expected files ending in {', '.join(AUDIO_ENDINGS)}")
    return [Recording(path.as_posix(), folder / path, _kind(path)) for path in files]


def _kind(path: PurePath) -> str | None:
    return path.parent.as_posix() if path.parent.parts else None


def _first_channels(files: Iterable[Path]) -> list[Path]:
    """Leave out the further channels of folders that hold nothing but ``ch01``, ``ch02`` and so on."""
    folders: dict[Path, list[Path]] = {}
    for path in files:
        folders.setdefault(path.parent, []).append(path)
    kept = []
    for inside in folders.values():
        channels = [DEMAND_CHANNEL.fullmatch(path.name) for path in inside]
        first = [path for path, channel in zip(inside, channels, strict=True) if channel and channel[1] == "01"]
        kept += first if first and all(channels) else inside
    return kept


def _in_table(table: Path, *, folder: Path) -> list[Recording]:
    rows = read_table(table)
    names = next((name for name in PATH_COLUMNS if name in rows.columns), None)
    if names is None:
        raise InputError(f"{table}: found columns {', '.join(rows.columns)}; expected {' or '.join(PATH_COLUMNS)}")
    kinds = next((name for name in CLASS_COLUMNS if name in rows.columns), None)
    require_columns(rows, [names, *([kinds] if kinds else [])], where=table)
    found = [
        Recording(str(name), folder / str(name), str(kind) if kind not in (None, "") else None)
        for name, kind in zip(rows[names], rows[kinds] if kinds else [None] * len(rows), strict=True)
    ]
    if not found:
        raise InputError(f"{table}: found no rows; expected recordings")
    for recording in found:
        if not recording.path.is_file():
            raise InputError(f"{table}: found '{recording.name}', which is no file in {folder}; expected recordings")
    return found


def _of_classes(found: Sequence[Recording], classes: tuple[str, ...], where: Path) -> list[Recording]:
    if not classes:
        return list(found)
    known = sorted({name for recording in found for name in _names(recording)})
    for name in classes:
        if name not in known:
            raise InputError(expected(where, f"no recordings of class '{name}'", known))
    return [recording for recording in found if not _names(recording).isdisjoint(classes)]


def _names(recording: Recording) -> set[str]:
    kind = recording.kind
    return {kind, *kind.split("/")} if kind else set()
