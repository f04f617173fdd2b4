"""Time-aligned transcripts in tables, one per recording, as the Corpus of Regional African American Language has them.

Each row is a line of a transcript: who speaks, from when to when, and what. What is no utterance (pauses, the
interviewer, overlapping speech) is said by the card's options. Source: CORAAL's transcript files, whose columns are
Line, Spkr, StTime, Content and EnTime, separated by tabs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import polars as pl

from asrfair.corpus.common import CommonOptions, Row, finish, frame, placed, seconds
from asrfair.corpus.tree import Found, compiled, list_files, walk
from asrfair.errors import CardError, InputError, expected
from asrfair.reading import inside, read_lines

COLUMNS = {"line": "Line", "speaker": "Spkr", "start": "StTime", "text": "Content", "end": "EnTime"}
TIME_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class TranscriptOptions(CommonOptions):
    """Transcripts by ``pattern``, as audio files in the layout ``files``, and the recording of each.

    ``audio`` is a template of ``{stem}``, ``{folder}`` and the pattern's groups; with ``*`` the one file that it
    matches. A recording that is not there leaves its utterances without audio. ``columns`` names the table's columns
    for ``line``, ``speaker``, ``start``, ``text`` and ``end``.

    What becomes an utterance: ``replace`` is a list of [regular expression, replacement] for texts; a line whose
    text, before or after, is matched whole by one of ``skip`` is left out, and so is a speaker matched by
    ``drop_speakers``. A blank line, or one matched whole by ``pause``, is silence. ``overlaps = "drop"`` leaves out
    lines during which someone else speaks (what is left out counts). ``join_pause_s`` joins a speaker's next line if
    nothing but silence lies between and is no longer than this, up to ``longest_s`` in all.
    """

    pattern: str
    audio: str = "{folder}/{stem}.wav"
    columns: dict[str, str] = field(default_factory=dict)
    utterance_id: str = "{stem}-{line}"
    replace: tuple[tuple[str, ...], ...] = ()
    skip: tuple[str, ...] = ()
    pause: str = ""
    drop_speakers: str = ""
    overlaps: Literal["keep", "drop"] = "keep"
    join_pause_s: float | None = None
    longest_s: float = 30.0
    split: str = ""
    encoding: str = "utf-8"


class Line(NamedTuple):
    """A row of a transcript, in seconds."""

    line: str
    speaker: str
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class _Rules:
    """A card's regular expressions, compiled."""

    replace: tuple[tuple[re.Pattern[str], str], ...]
    skip: tuple[re.Pattern[str], ...]
    pause: re.Pattern[str] | None
    drop_speakers: re.Pattern[str] | None

    def silent(self, text: str) -> bool:
        return not text.strip() or (self.pause is not None and self.pause.fullmatch(text) is not None)

    def skipped(self, text: str) -> bool:
        return not text or any(pattern.fullmatch(text) for pattern in self.skip)

    def clean(self, text: str) -> str:
        for pattern, replacement in self.replace:
            text = pattern.sub(replacement, text)
        return re.sub(r"\s+", " ", text).strip()


def read_transcripts(root: Path, options: TranscriptOptions, split: str) -> pl.DataFrame:
    """Read every transcript; raises InputError naming file and line."""
    unknown = next((name for name in options.columns if name not in COLUMNS), None)
    if unknown is not None:
        raise CardError(expected("layout.columns", f"unknown name '{unknown}'", COLUMNS))
    rules = _rules(options)
    audio = _Audio(root, options.audio)
    rows: list[Row] = []
    for found in list_files(root, compiled(options.pattern), split=split or options.split):
        facts: Row = {**found.groups, "audio": audio.of(found)}
        lines = _spoken(_read(root / found.audio, options), rules, options)
        rows += [{**facts, **_utterance(line, found, options)} for line in lines]
    if rows and all(row["audio"] is None for row in rows):
        raise InputError(f"{root}: looked for recordings like {options.audio}; found none of any transcript")
    return finish(frame(rows, where=root), root, options, split=split, where=root)


def _rules(options: TranscriptOptions) -> _Rules:
    for pair in options.replace:
        if len(pair) != 2:
            raise CardError(f"layout.replace: found {list(pair)}; expected [regular expression, replacement]")
    pairs = tuple((_compiled("replace", pattern), text) for pattern, text in options.replace)
    for pattern, text in pairs:
        try:
            re.compile(pattern).sub(text, "")
        except (re.error, IndexError) as error:
            raise CardError(f"layout.replace: {text!r} is no replacement: {error}") from error
    return _Rules(
        pairs,
        tuple(_compiled("skip", pattern) for pattern in options.skip),
        _compiled("pause", options.pause) if options.pause else None,
        _compiled("drop_speakers", options.drop_speakers) if options.drop_speakers else None,
    )


def _compiled(key: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CardError(f"layout.{key}: {pattern!r} is no regular expression: {error}") from error


def _read(path: Path, options: TranscriptOptions) -> list[Line]:
    names = {**COLUMNS, **options.columns}
    lines = read_lines(path, encoding=options.encoding)
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    missing = next((name for name in names.values() if name not in header), None)
    if missing is not None:
        raise InputError(expected(f"{path}: line 1", f"no column '{missing}'", header))
    places = {ours: header.index(theirs) for ours, theirs in names.items()}
    found = []
    for number, line in enumerate(lines[1:], start=2):
        values = [value.strip() for value in line.split("\t")]
        if not any(values):
            continue
        where = f"{path}: line {number}"
        if len(values) != len(header):
            raise InputError(f"{where}: found {len(values)} fields; expected {len(header)}")
        start = seconds(values[places["start"]], where=where, what="the start")
        end = seconds(values[places["end"]], where=where, what="the end")
        if end < start:
            raise InputError(f"{where}: found the times {start:g} to {end:g}; expected the end after the start")
        found.append(Line(values[places["line"]], values[places["speaker"]], start, end, values[places["text"]]))
    return found


def _spoken(lines: Sequence[Line], rules: _Rules, options: TranscriptOptions) -> list[Line]:
    """Return the lines that are utterances, cleaned and joined."""
    heard = (line for line in lines if not rules.silent(line.text))
    speech = sorted(heard, key=lambda line: (line.start_s, line.end_s))
    overlapping = _overlapping(speech) if options.overlaps == "drop" else set()
    kept: list[Line] = []
    joinable = False
    for line in speech:
        text = rules.clean(line.text)
        dropped = rules.drop_speakers is not None and rules.drop_speakers.fullmatch(line.speaker)
        if dropped or line in overlapping or rules.skipped(line.text) or rules.skipped(text):
            # What was said here would be heard between the two.
            joinable = False
            continue
        clean = line._replace(text=text)
        if joinable and _joins(kept[-1], clean, options):
            kept[-1] = kept[-1]._replace(end_s=max(kept[-1].end_s, line.end_s), text=f"{kept[-1].text} {text}")
        else:
            kept.append(clean)
        joinable = True
    return kept


def _joins(first: Line, then: Line, options: TranscriptOptions) -> bool:
    return (
        options.join_pause_s is not None
        and first.speaker == then.speaker
        and round(then.start_s - first.end_s, TIME_DIGITS) <= options.join_pause_s
        and round(then.end_s - first.start_s, TIME_DIGITS) <= options.longest_s
    )


def _overlapping(lines: Sequence[Line]) -> set[Line]:
    """Return the lines, sorted by start, during which another speaker speaks."""
    found: set[Line] = set()
    for place, line in enumerate(lines):
        for other in lines[place + 1 :]:
            if other.start_s >= line.end_s:
                break
            if other.speaker != line.speaker:
                found |= {line, other}
    return found


def _utterance(line: Line, found: Found, options: TranscriptOptions) -> Row:
    facts: Mapping[str, str | None] = {**found.groups, "line": line.line, "speaker": line.speaker}
    return {
        "utterance_id": placed(options.utterance_id, where="layout.utterance_id", **facts),
        "speaker_id": line.speaker,
        "reference": line.text,
        "start_s": repr(line.start_s),
        "end_s": repr(line.end_s),
    }


class _Audio:
    """The recordings under the root, by template."""

    def __init__(self, root: Path, template: str) -> None:
        self._root = root
        self._template = template
        self._by_name: dict[str, list[str]] = {}
        for path in walk(root):
            self._by_name.setdefault(PurePosixPath(path).name, []).append(path)

    def of(self, found: Found) -> str | None:
        wanted = inside(self._root, found.fill(self._template, where="layout.audio"), where="layout.audio")
        files = [
            path for path in self._by_name.get(PurePosixPath(wanted).name, []) if PurePosixPath(path).match(wanted)
        ]
        exact = [path for path in files if "*" in wanted or path == wanted]
        if len(exact) > 1:
            raise InputError(
                f"{self._root}: found {len(exact)} recordings like {wanted} ({exact[0]}, {exact[1]}); expected one"
            )
        return exact[0] if exact else None
