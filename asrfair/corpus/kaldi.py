"""Kaldi data directories: ``wav.scp``, ``segments``, ``text``, ``utt2spk`` and the maps beside them.

Fields are separated by blanks; the first is the key. A recording without segments is one utterance of its own id. A
segment that ends at -1 goes on to the recording's end. An entry of ``wav.scp`` that is a command (it ends in ``|``) or
a place inside an archive is refused: nothing that a corpus says is ever run.
Source: kaldi-asr.org/doc/data_prep.html, and extract-segments for the fifth field, a channel from 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, frame, no_split, placed, seconds, there
from asrfair.errors import CardError, InputError, WrongRootError
from asrfair.reading import read_lines

BLANKS = re.compile(r"[ \t]+")
MAPS = re.compile(r"(spk|utt)2\w+")
# Derived from utt2spk, or about features.
DERIVED = ("spk2utt", "utt2spk", "utt2num_frames")


@dataclass(frozen=True)
class KaldiOptions(CommonOptions):
    """A Kaldi data directory: ``folder`` inside the root, which may hold ``{split}`` (by default ``split``).

    Paths of ``wav.scp`` are relative to the root. Where there is no ``wav.scp``, ``audio`` says where a recording
    lies, such as ``data/{recording}.wav``. Every other map is a column by its file's name, such as ``spk2gender`` or
    ``utt2lang``; ``language`` names the one that holds languages.
    """

    folder: str = ""
    split: str = ""
    audio: str = ""
    language: str = ""


def read_kaldi(root: Path, options: KaldiOptions, split: str) -> Raw:
    """Read a data directory; raises InputError naming file and line."""
    if "{split}" not in options.folder:
        no_split(split, where=root)
    folder = root / options.folder.replace("{split}", split or options.split)
    if not (folder / "text").is_file():
        raise WrongRootError(f"{folder}: looked for text (a Kaldi data directory); found {there(folder)}")
    texts = _read_map(folder / "text", blank=True)
    parts = _parts(folder, options)
    speakers = _read_map(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
    for name, keys in (("text", texts), ("utt2spk", speakers)):
        unknown = next((key for key in keys if key not in parts), None)
        if unknown is not None:
            where = "segments" if (folder / "segments").is_file() else "wav.scp"
            raise InputError(
                f"{folder / name}: line {keys[unknown][0]}: found '{unknown}', which {where} does not have"
            )
    rows = [
        {"utterance_id": key, "speaker_id": speakers.get(key, _NONE)[1], "reference": texts.get(key, _NONE)[1], **part}
        for key, part in parts.items()
    ]
    for path in sorted(folder.iterdir()):
        if MAPS.fullmatch(path.name) and path.name not in DERIVED and path.is_file():
            values = _read_map(path)
            for row in rows:
                owner = row["speaker_id" if path.name.startswith("spk") else "utterance_id"]
                row[path.name] = values.get(owner or "", _NONE)[1]
    if options.language:
        for row in rows:
            row["language"] = row.get(options.language)
    return finish(frame(rows, where=folder), root, options, split=split or options.split, where=folder / "wav.scp")


_NONE = (0, None)


def _parts(folder: Path, options: KaldiOptions) -> dict[str, Row]:
    """Return audio, times and channel by utterance id."""
    recordings = _recordings(folder, options)
    if not (folder / "segments").is_file():
        if recordings is None:
            raise InputError(f"{folder}: looked for wav.scp or segments; found {there(folder)}")
        return {key: {"recording": key, "audio": audio} for key, audio in recordings.items()}
    parts = {}
    for key, (number, value) in _read_map(folder / "segments").items():
        where = f"{folder / 'segments'}: line {number}"
        fields = BLANKS.split(value or "")
        if len(fields) not in (3, 4):
            raise InputError(f"{where}: found {1 + len(fields)} fields; expected utterance, recording, start, end")
        recording, start, end, *channel = fields
        if recordings is not None and recording not in recordings:
            raise InputError(f"{where}: found the recording '{recording}', which wav.scp does not have")
        audio = (
            recordings[recording]
            if recordings is not None
            else placed(options.audio, where="layout.audio", recording=recording, utterance=key)
        )
        parts[key] = {"recording": recording, "audio": audio, **_times(start, end, where), **_channel(channel, where)}
    return parts


def _times(start: str, end: str, where: str) -> Row:
    first = seconds(start, where=where, what="the start")
    if re.fullmatch(r"-1(\.0*)?", end):
        return {"start_s": start if first else None, "end_s": None}
    if seconds(end, where=where, what="the end") <= first:
        raise InputError(f"{where}: found the segment {start} to {end}; expected its end after its start")
    return {"start_s": start, "end_s": end}


def _channel(fields: list[str], where: str) -> Row:
    if fields and not fields[0].isdecimal():
        raise InputError(f"{where}: found the channel '{fields[0]}'; expected a whole number from 0")
    return {"channel": fields[0]} if fields else {}


def _recordings(folder: Path, options: KaldiOptions) -> Mapping[str, str] | None:
    path = folder / "wav.scp"
    if not path.is_file():
        if not options.audio and not (folder / "segments").is_file():
            return None
        if not options.audio:
            raise CardError(
                f"{folder}: found no wav.scp; expected it, or layout.audio such as 'data/{{recording}}.wav'"
            )
        return None
    recordings = {}
    for key, (number, value) in _read_map(path).items():
        where, address = f"{path}: line {number}", (value or "").strip()
        if address.endswith("|") or address.startswith("|") or address == "-":
            raise InputError(f"{where}: found a command ('{address[:60]}'); expected an audio file: no command is run")
        if re.search(r":\d+$|\[[\d:,]*\]$", address):
            raise InputError(f"{where}: found a place in an archive ('{address[:60]}'); expected an audio file")
        recordings[key] = address
    return recordings


def _read_map(path: Path, *, blank: bool = False) -> dict[str, tuple[int, str | None]]:
    """Return line number and value by key; a ``blank`` value is allowed in ``text`` only."""
    values: dict[str, tuple[int, str | None]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        key, *rest = BLANKS.split(line.strip(" \t"), maxsplit=1)
        if key in values:
            raise InputError(
                f"{path}: line {number}: found '{key}' again (first in line {values[key][0]}); expected it once"
            )
        if not rest and not blank:
            raise InputError(f"{path}: line {number}: found '{key}' alone; expected a key and a value")
        values[key] = (number, rest[0] if rest else "")
    return values
