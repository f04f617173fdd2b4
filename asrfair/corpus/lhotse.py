"""Lhotse manifests: recordings and supervisions, or cuts, as JSON lines, JSON or YAML, plain or ``.gz``; and Shar.

Source: lhotse's documentation («Representing a corpus», «Cuts») and the classes' own fields. An utterance is a
supervision. Its times are the recording's; in cuts they count from the cut's start. What would change the sound before
it is heard (mixed or padded cuts, transforms, commands, data in memory) is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.lhotse_files import Entry, Shards, read_entries
from asrfair.corpus.rows import Row, as_text, find, frame, no_split, seconds
from asrfair.errors import InputError, expected

# Lhotse rounds times to the sample; a supervision this close to its recording's end is the whole of it.
WHOLE_S = 0.001


@dataclass(frozen=True)
class LhotseOptions(CommonOptions):
    """Manifests by name, which may hold ``{split}`` and wildcards: ``cuts``, or ``recordings`` and ``supervisions``.

    For Lhotse Shar, ``cuts = "cuts.*.jsonl.gz"``; the archives ``recording.*.tar`` lie beside them, and fields of
    their own beside the cuts' are not read.
    Paths are relative to the root. ``custom`` fields of supervisions and cuts are columns by their own names, beside
    ``speaker``, ``gender`` and ``recording_id``.
    """

    cuts: str = ""
    recordings: str = "recordings.jsonl.gz"
    supervisions: str = "supervisions.jsonl.gz"
    split: str = ""


def read_lhotse(root: Path, options: LhotseOptions, split: str) -> Raw:
    """Read manifests; raises InputError naming file and line."""
    names = (options.cuts,) if options.cuts else (options.recordings, options.supervisions)
    if not any("{split}" in name for name in names):
        no_split(split, where=root)
    split = split or options.split
    if root.is_file():
        raise InputError(f"{root}: found a file; expected the folder with {' and '.join(names)}")
    if options.cuts:
        shards = Shards(root)
        cuts = _entries(root, options.cuts, split)
        rows = [row for entry in cuts for row in _cut(_with_audio(entry, shards), entry.where)]
    else:
        known: dict[str, Mapping[str, Any]] = {}
        lines: dict[str, str] = {}
        for _, where, recording in _entries(root, options.recordings, split):
            name = _text(recording, "id", where=where)
            if name in known:
                raise InputError(
                    f"{where}: found the recording '{name}' again, first at {lines[name]}; expected it once"
                )
            known[name], lines[name] = recording, where
        rows = []
        for _, where, supervision in _entries(root, options.supervisions, split):
            name = _text(supervision, "recording_id", where=where)
            if name not in known:
                raise InputError(f"{where}: found the recording '{name}', which {options.recordings} does not have")
            rows.append(_utterance(supervision, known[name], where=where, shift=0.0))
    return finish(frame(rows, where=f"{root}: {names[-1]}"), root, options, split=split, where=root)


def _entries(root: Path, pattern: str, split: str) -> Iterator[Entry]:
    for path in find(root, pattern, split=split):
        yield from read_entries(path)


def _with_audio(entry: Entry, shards: Shards) -> dict[str, Any]:
    """Return a cut with its audio's address in place of Shar's placeholder."""
    cut = entry.value
    recording = cut.get("recording")
    sources = recording.get("sources") if isinstance(recording, dict) else None
    if not isinstance(sources, list) or [isinstance(each, dict) and each.get("type") for each in sources] != ["shar"]:
        return cut
    source = {**sources[0], "type": "file", "source": shards.audio(entry)}
    return {**cut, "recording": {**cut["recording"], "sources": [source]}}


def _cut(cut: Mapping[str, Any], where: str) -> Iterator[Row]:
    kind = cut.get("type", "MonoCut")
    if kind not in ("MonoCut", "MultiCut", "Cut"):
        raise InputError(f"{where}: found a {kind}; expected a MonoCut or MultiCut: nothing is mixed or padded here")
    recording = cut.get("recording")
    if not isinstance(recording, dict):
        raise InputError(f"{where}: found a cut without its recording; expected one with audio")
    start = seconds(cut.get("start"), where=where, what="the cut's start")
    supervisions = cut.get("supervisions") or [
        {"id": cut.get("id"), "start": 0.0, "duration": cut.get("duration"), "channel": cut.get("channel")}
    ]
    if not isinstance(supervisions, list):
        raise InputError(f"{where}: found the supervisions {str(supervisions)[:40]!r}; expected a list")
    for supervision in supervisions:
        row = _utterance(supervision, recording, where=where, shift=start)
        yield {**_columns(cut.get("custom"), where=where), "cut_id": as_text(cut.get("id")), **row}


def _utterance(supervision: Any, recording: Mapping[str, Any], *, where: str, shift: float) -> Row:
    if not isinstance(supervision, dict):
        raise InputError(f"{where}: found {type(supervision).__name__}; expected a supervision, a JSON object")
    given = supervision.get("start")
    # A supervision may begin before its cut.
    if isinstance(given, int | float) and given < 0:
        start = shift - seconds(-given, where=where, what="the start")
    else:
        start = shift + seconds(given, where=where, what="the start")
    duration = seconds(supervision.get("duration"), where=where, what="the duration")
    whole = seconds(recording.get("duration"), where=where, what="the recording's duration")
    start = seconds(start, where=where, what="the start")
    part = start > WHOLE_S or abs(start + duration - whole) > WHOLE_S
    audio, channel = _source(recording, supervision.get("channel"), where=where)
    row: Row = {
        **_columns(supervision.get("custom"), where=where),
        "utterance_id": _text(supervision, "id", where=where),
        "speaker_id": as_text(supervision.get("speaker")),
        "gender": as_text(supervision.get("gender")),
        "reference": as_text(supervision.get("text")),
        "recording_id": as_text(recording.get("id")),
        "audio": audio,
        "start_s": repr(round(start, 6)) if part else None,
        "end_s": repr(round(start + duration, 6)) if part else None,
        "channel": channel,
    }
    if supervision.get("language") is not None:
        row["language"] = as_text(supervision["language"])
    return row


def _columns(custom: Any, *, where: str) -> Row:
    if custom is None:
        return {}
    if not isinstance(custom, dict):
        raise InputError(f"{where}: found custom = {custom!r}; expected a JSON object")
    return {name: as_text(value) for name, value in custom.items()}


def _source(recording: Mapping[str, Any], channel: Any, *, where: str) -> tuple[str, str | None]:
    """Return the file of a channel, and the channel's place in it (None for a mono file, or for all channels)."""
    if recording.get("transforms"):
        raise InputError(f"{where}: found transforms; expected recordings as they are (drop or apply them first)")
    sources = recording.get("sources")
    if not isinstance(sources, list) or not sources or not all(isinstance(source, dict) for source in sources):
        raise InputError(f"{where}: found the recording's sources {sources!r}; expected a list of files")
    given = channel if isinstance(channel, list) else [] if channel is None else [channel]
    wanted = set(_channels(given, where=where))
    for source in sources:
        channels = _channels(source.get("channels") or [0], where=where)
        if not wanted <= set(channels):
            continue
        if source.get("type") != "file":
            raise InputError(f"{where}: found a source of type '{source.get('type')}'; expected a file: nothing is run")
        audio = _text(source, "source", where=where)
        if len(channels) == 1 or not wanted or wanted == set(channels):
            return audio, None
        if len(wanted) == 1:
            return audio, str(channels.index(wanted.pop()))
    raise InputError(
        f"{where}: found channel {channel!r}; expected one channel, or all channels, of one of the sources"
    )


def _channels(value: Any, *, where: str) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(channel, int) for channel in value):
        raise InputError(f"{where}: found the channels {str(value)[:40]!r}; expected whole numbers")
    return value


def _text(entry: Mapping[str, Any], name: str, *, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(expected(where, f"{name} = {value!r}; a text is needed", entry))
    return value
