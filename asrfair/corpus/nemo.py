"""NeMo manifests: JSON lines with ``audio_filepath``, ``duration``, ``offset`` and ``text``, plain or ``.gz``.

Source: docs.nvidia.com/nemo, «Manifest Format». A row with an ``offset`` is the part from there for ``duration``
seconds; one without it is the whole file. Other keys are columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, as_text, check_columns, find, frame, no_split, placed, seconds
from asrfair.errors import InputError
from asrfair.reading import read_json_objects

OURS = ("audio", "start_s", "end_s")


@dataclass(frozen=True)
class NemoOptions(CommonOptions):
    """One manifest, or all that ``file`` matches; where the root is itself a manifest, that one.

    ``columns`` maps our names to the manifest's keys: by default ``reference = "text"``, the speaker from
    ``speaker_id`` or else ``speaker``, and the language from ``lang``. Without ``utterance_id`` or ``id`` an
    utterance is named by its audio path without the ending, and its offset. Audio paths are relative to the
    manifest's folder. ``archive`` names the tar file of tarred audio, such as ``audio_{shard_id}.tar``.
    """

    file: str = "{split}_manifest.json"
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    archive: str = ""


def read_nemo(root: Path, options: NemoOptions, split: str) -> Raw:
    """Read manifests; raises InputError naming file and line."""
    check_columns(options.columns, without=OURS)
    if root.is_file() or "{split}" not in options.file:
        no_split(split, where=root)
    split = split or options.split
    base = root.parent if root.is_file() else root
    rows = []
    for path in [root] if root.is_file() else find(root, options.file, split=split):
        folder = path.parent.relative_to(base).as_posix()
        for where, entry in read_json_objects(path):
            rows.append(_row(entry, options, folder=folder, where=where))
    table = frame(rows, where=root)
    return finish(table, root, options, split=split, where=root)


def _row(entry: Mapping[str, Any], options: NemoOptions, *, folder: str, where: str) -> Row:
    audio = entry.get("audio_filepath")
    if not isinstance(audio, str) or not PurePosixPath(audio.strip()).name:
        raise InputError(f"{where}: found audio_filepath = {audio!r}; expected the path of one audio file")
    extra = {name: as_text(value) for name, value in entry.items() if name not in ("utterance_id", "start_s", "end_s")}
    row: Row = {**extra, "reference": as_text(entry.get(options.columns.get("reference", "text")))}
    row["speaker_id"] = _first(entry, options.columns.get("speaker_id"), "speaker_id", "speaker")
    language = _first(entry, options.columns.get("language"), "language", "lang")
    if language is not None:
        row["language"] = language
    if options.archive:
        audio = f"{placed(options.archive, where='layout.archive', **extra)}::{audio}"
    row["audio"] = audio if folder == "." or audio.startswith("/") or options.audio_folder else f"{folder}/{audio}"
    named = _first(entry, options.columns.get("utterance_id"), "utterance_id", "id")
    row["utterance_id"] = named or str(PurePosixPath(audio).with_suffix(""))
    if entry.get("offset") is not None:
        start = seconds(entry["offset"], where=where, what="the offset")
        row["start_s"] = repr(start)
        row["end_s"] = None
        if entry.get("duration") is not None:
            row["end_s"] = repr(round(start + seconds(entry["duration"], where=where, what="the duration"), 6))
        row["utterance_id"] = named or f"{row['utterance_id']}@{round(start, 6):.15g}"
    return row


def _first(entry: Mapping[str, Any], chosen: str | None, *names: str) -> str | None:
    return next(
        (as_text(entry[name]) for name in ((chosen,) if chosen else names) if entry.get(name) is not None), None
    )
