"""NIST's segment time marks: references with file, channel, speaker, times and a label field.

``<file> <channel> <speaker> <begin> <end> [<label,label>] words``; lines that begin with ``;;`` are comments. A segment
whose text has ``ignore_time_segment_in_scoring`` is none. Text in ``{ a / b / @ }`` are alternatives, ``(word)`` may be
left out by the speaker; the latter stays as it is written. Source: SCTK's doc/infmts.htm, and src/sclite/stm2ctm.c for
the other spelling of what is ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, find, frame, left_out, no_split, placed, seconds
from asrfair.errors import InputError, expected
from asrfair.reading import read_lines

CHANNELS = {"1": 0, "2": 1, "A": 0, "B": 1, "a": 0, "b": 1}
IGNORED = "ignore_time_segment_in_scoring", "ignoretimesegmentinscoring"
LABELS = re.compile(r"<([^<>\s,]*(?:,[^<>,]*)*)>(?:\s+|$)")
# The innermost braces; alternatives may be nested.
ALTERNATIVES = re.compile(r"(?<!\S)\{([^{}]*)\}(?!\S)")


@dataclass(frozen=True)
class StmOptions(CommonOptions):
    """STM files by ``file``, which may hold ``{split}`` and wildcards; where the root is itself a file, that one.

    ``audio`` is a template of ``{file}``, ``{channel}`` and ``{speaker}``. ``channels`` gives a channel's number
    from 0; a recording that holds one channel needs ``mono = true``. The labels are columns ``label_1``,
    ``label_2`` … by their place, and all of them ``labels``. ``alternatives`` says what is done about
    ``{ a / b / @ }``: refuse, take the first, or keep them for the normaliser ``alternations``.
    """

    file: str = "*.stm"
    audio: str = "{file}.wav"
    channels: dict[str, int] = field(default_factory=lambda: dict(CHANNELS))
    mono: bool = False
    alternatives: Literal["refuse", "first", "keep"] = "refuse"
    split: str = ""
    encoding: str = "utf-8"


class Segment(NamedTuple):
    """A line of an STM file: ``begin`` and ``end`` as written, in seconds."""

    file: str
    channel: str
    speaker: str
    begin: str
    end: str
    labels: tuple[str, ...]
    text: str
    where: str

    @property
    def ignored(self) -> bool:
        """Whether nothing that is said in it is scored."""
        return any(mark in self.text.lower() for mark in IGNORED)


def read_stm(root: Path, options: StmOptions, split: str) -> Raw:
    """Read segments; raises InputError naming file and line."""
    if root.is_file() or "{split}" not in options.file:
        no_split(split, where=root)
    split = split or options.split
    paths = [root] if root.is_file() else find(root, options.file, split=split)
    segments = [segment for path in paths for segment in read_segments(path, encoding=options.encoding)]
    rows = [_row(segment, options) for segment in segments if not segment.ignored]
    notes = left_out(len(segments), len(rows), IGNORED[0].upper(), what="segments")
    return finish(frame(rows, where=root), root, options, split=split, where=root, notes=notes)


def read_segments(path: Path, *, encoding: str = "utf-8") -> list[Segment]:
    """Return a file's segments, those to be ignored included; raises InputError naming file and line."""
    lines = enumerate(read_lines(path, encoding=encoding), start=1)
    return [
        _segment(line, f"{path}: line {number}") for number, line in lines if line.strip() and not line.startswith(";;")
    ]


def _segment(line: str, where: str) -> Segment:
    fields = line.split(maxsplit=5)
    if len(fields) < 5:
        raise InputError(f"{where}: found {len(fields)} fields; expected file, channel, speaker, begin, end, words")
    file, channel, speaker, begin, end = fields[:5]
    text = fields[5] if len(fields) > 5 else ""
    match = LABELS.match(text)
    labels = tuple(label.strip() for label in match[1].split(",")) if match else ()
    start = seconds(begin, where=where, what="the begin time")
    if seconds(end, where=where, what="the end time") <= start:
        raise InputError(f"{where}: found the segment {begin} to {end}; expected its end after its begin")
    return Segment(file, channel, speaker, begin, end, labels, (text[match.end() :] if match else text).strip(), where)


def facts(segment: Segment) -> Row:
    """Return a segment's columns, its text and audio left out."""
    return {
        "utterance_id": f"{segment.file}-{segment.channel}-{segment.speaker}-{segment.begin}-{segment.end}",
        "speaker_id": segment.speaker,
        "start_s": segment.begin,
        "end_s": segment.end,
        "file": segment.file,
        "labels": ",".join(segment.labels) if segment.labels else None,
        **{f"label_{place}": label for place, label in enumerate(segment.labels, start=1)},
    }


def _row(segment: Segment, options: StmOptions) -> Row:
    text, where = segment.text, segment.where
    if options.alternatives == "refuse" and (match := ALTERNATIVES.search(text)):
        raise InputError(
            f"{where}: found the alternatives '{match[0][:60]}'; expected one text: "
            'alternatives = "first" in the layout takes the first, "keep" leaves them to the normaliser'
        )
    named = {"file": segment.file, "channel": segment.channel, "speaker": segment.speaker}
    return {
        **facts(segment),
        "reference": spoken(text, keep=options.alternatives == "keep"),
        "audio": placed(options.audio, where="layout.audio", **named),
        "channel": None if options.mono else channel_number(segment.channel, options.channels, where=where),
    }


def channel_number(channel: str, channels: Mapping[str, int], *, where: str) -> str:
    """Return a channel's number from 0; raises InputError for one that the layout does not name."""
    if channel not in channels:
        raise InputError(expected(where, f"the channel '{channel}' (layout.channels; mono = true)", channels))
    return str(channels[channel])


def spoken(text: str, *, keep: bool) -> str:
    """Return a text with its alternatives, or with the first of each ``{ a / b / @ }``; ``@`` is no word."""
    while not keep and (match := ALTERNATIVES.search(text)):
        first = re.split(r"\s/\s", match[1])[0].strip()
        text = f"{text[: match.start()]}{'' if first == '@' else first}{text[match.end() :]}"
    return re.sub(r"\s+", " ", text).strip()
