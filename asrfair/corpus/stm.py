"""NIST's segment time marks: references with file, channel, speaker, times and a label field.

``<file> <channel> <speaker> <begin> <end> [<label,label>] words``; lines that begin with ``;;`` are comments. A segment
whose words are ``ignore_time_segment_in_scoring`` is none. Source: SCTK's doc/infmts.htm. Text in ``{ a / b / @ }`` are
alternatives, ``(word)`` may be left out by the speaker; the latter stays as it is written.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from asrfair.corpus.common import CommonOptions, Row, find, finish, frame, no_split, placed, seconds
from asrfair.errors import InputError, expected
from asrfair.reading import read_lines

IGNORED = "ignore_time_segment_in_scoring"
LABELS = re.compile(r"<([^<>\s]*(?:,[^<>]*)*)>(?:\s+|$)")
# The innermost braces; alternatives may be nested.
ALTERNATIVES = re.compile(r"(?<!\S)\{([^{}]*)\}(?!\S)")


@dataclass(frozen=True)
class StmOptions(CommonOptions):
    """STM files by ``file``, which may hold ``{split}`` and wildcards; where the root is itself a file, that one.

    ``audio`` is a template of ``{file}``, ``{channel}`` and ``{speaker}``. ``channels`` gives a channel's number
    from 0; a recording that holds one channel needs ``mono = true``. The labels are columns ``label_1``,
    ``label_2`` … by their place, and all of them ``labels``. ``alternatives`` says what is done about
    ``{ a / b / @ }``: refuse, or take the first.
    """

    file: str = "*.stm"
    audio: str = "{file}.wav"
    channels: dict[str, int] = field(default_factory=lambda: {"1": 0, "2": 1, "A": 0, "B": 1, "a": 0, "b": 1})
    mono: bool = False
    alternatives: Literal["refuse", "first"] = "refuse"
    split: str = ""
    encoding: str = "utf-8"


def read_stm(root: Path, options: StmOptions, split: str) -> pl.DataFrame:
    """Read segments; raises InputError naming file and line."""
    if root.is_file() or "{split}" not in options.file:
        no_split(split, where=root)
    split = split or options.split
    rows = []
    for path in [root] if root.is_file() else find(root, options.file, split=split):
        for number, line in enumerate(read_lines(path, encoding=options.encoding), start=1):
            if line.strip() and not line.startswith(";;"):
                row = _row(line, options, where=f"{path}: line {number}")
                rows += [row] if row is not None else []
    return finish(frame(rows, where=root), root, options, split=split, where=root)


def _row(line: str, options: StmOptions, *, where: str) -> Row | None:
    fields = line.split(maxsplit=5)
    if len(fields) < 5:
        raise InputError(f"{where}: found {len(fields)} fields; expected file, channel, speaker, begin, end, words")
    file, channel, speaker, begin, end = fields[:5]
    text = fields[5] if len(fields) > 5 else ""
    match = LABELS.match(text)
    labels = [label.strip() for label in match[1].split(",")] if match else []
    text = text[match.end() :].strip() if match else text.strip()
    if text.lower() == IGNORED:
        return None
    start = seconds(begin, where=where, what="the begin time")
    if seconds(end, where=where, what="the end time") <= start:
        raise InputError(f"{where}: found the segment {begin} to {end}; expected its end after its begin")
    return {
        "utterance_id": f"{file}-{channel}-{speaker}-{begin}-{end}",
        "speaker_id": speaker,
        "reference": _chosen(text, options, where=where),
        "audio": placed(options.audio, where="layout.audio", file=file, channel=channel, speaker=speaker),
        "start_s": begin,
        "end_s": end,
        "channel": None if options.mono else _channel(channel, options, where=where),
        "file": file,
        "labels": ",".join(labels) if labels else None,
        **{f"label_{place}": label for place, label in enumerate(labels, start=1)},
    }


def _channel(channel: str, options: StmOptions, *, where: str) -> str:
    if channel not in options.channels:
        raise InputError(expected(where, f"the channel '{channel}' (layout.channels; mono = true)", options.channels))
    return str(options.channels[channel])


def _chosen(text: str, options: StmOptions, *, where: str) -> str:
    while match := ALTERNATIVES.search(text):
        if options.alternatives == "refuse":
            raise InputError(
                f"{where}: found the alternatives '{match[0][:60]}'; expected one text: "
                'alternatives = "first" in the layout takes the first'
            )
        first = re.split(r"\s/\s", match[1])[0].strip()
        text = f"{text[: match.start()]}{'' if first == '@' else first}{text[match.end() :]}"
    return re.sub(r"\s+", " ", text).strip()
