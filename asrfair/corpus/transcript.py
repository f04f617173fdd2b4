"""Time-aligned transcripts in tables, one per recording, as the Corpus of Regional African American Language has them.

Each row is a line of a transcript: who speaks, from when to when, and what. What is no utterance (pauses, the
interviewer, overlapping speech) is said by the card's options. Source: CORAAL's transcript files, whose columns are
Line, Spkr, StTime, Content and EnTime, separated by tabs.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, frame, left_out, placed, seconds, there
from asrfair.corpus.texts import TextRules, compiled
from asrfair.corpus.tree import Found, list_files, walk
from asrfair.errors import CardError, InputError, WrongRootError, expected
from asrfair.reading import inside, read_lines

COLUMNS = {"line": "Line", "speaker": "Spkr", "start": "StTime", "text": "Content", "end": "EnTime"}
TIME_DIGITS = 6
# A character that no text has, in place of a template's star.
STAR = "\ufdd0"


@dataclass(frozen=True, kw_only=True)
class TranscriptOptions(CommonOptions):
    """Transcripts by ``pattern``, as audio files in the layout ``files``, and the recording of each.

    ``audio`` is a template of ``{stem}``, ``{folder}`` and the pattern's groups; with ``*`` the one file that it
    matches. A recording that is not there leaves its utterances without audio. ``columns`` names the table's columns
    for ``line``, ``speaker``, ``start``, ``text`` and ``end``.

    What becomes an utterance: a line left out by ``skip``, or without a word after ``replace``, is none, and neither
    are those of a speaker matched by ``drop_speakers``. A blank line, or one matched whole by ``pause``, is silence.
    ``overlaps = "drop"`` leaves out lines during which someone else speaks (what is left out counts). ``join_pause_s``
    joins a speaker's next line if nothing but silence lies between and is no longer than this, up to ``longest_s`` in
    all.
    """

    pattern: str
    audio: str = "{folder}/{stem}.wav"
    columns: dict[str, str] = field(default_factory=dict)
    utterance_id: str = "{stem}-{line}"
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

    texts: TextRules
    pause: re.Pattern[str] | None
    drop_speakers: re.Pattern[str] | None

    def silent(self, text: str) -> bool:
        return not text.strip() or (self.pause is not None and self.pause.fullmatch(text) is not None)

    def skipped(self, text: str) -> bool:
        return not text or self.texts.skips(text)

    def reason(self, line: Line, text: str, overlapping: Set[Line]) -> str:
        """Return why a line is no utterance, "" if it is one."""
        if self.drop_speakers is not None and self.drop_speakers.fullmatch(line.speaker):
            return "speaker"
        if line in overlapping:
            return "overlap"
        return "text" if self.skipped(line.text) or self.skipped(text) else ""

    def clean(self, text: str) -> str:
        return re.sub(r"\s+", " ", self.texts.clean(text)).strip()


def read_transcripts(root: Path, options: TranscriptOptions, split: str) -> Raw:
    """Read every transcript; raises InputError naming file and line."""
    unknown = next((name for name in options.columns if name not in COLUMNS), None)
    if unknown is not None:
        raise CardError(expected("layout.columns", f"unknown name '{unknown}'", COLUMNS))
    rules = _rules(options)
    audio = _Audio(root, options.audio)
    rows: list[Row] = []
    gone: Counter[str] = Counter()
    for found in list_files(root, compiled("pattern", options.pattern), split=split or options.split):
        facts: Row = {**found.groups, "audio": audio.of(found)}
        lines = _spoken(_read(root / found.audio, options), rules, options, gone)
        rows += [{**facts, **_utterance(line, found, options)} for line in lines]
    if rows and all(row["audio"] is None for row in rows):
        raise WrongRootError(f"{root}: looked for recordings like {options.audio}; found {there(root)}")
    rest = dataclasses.replace(options, replace=(), skip=())
    return finish(frame(rows, where=root), root, rest, split=split, where=root, notes=_notes(gone))


HEARD = "heard"
REASONS = {
    "speaker": "of other speakers ('drop_speakers')",
    "overlap": "during which someone else speaks ('overlaps')",
    "text": "by their text ('skip', or no word)",
}


def _notes(gone: Counter[str]) -> list[str]:
    """Return the note on the lines left out, by reason, or none."""
    why = ", ".join(f"{gone[reason]} {text}" for reason, text in REASONS.items() if gone[reason])
    kept = gone[HEARD] - sum(gone[reason] for reason in REASONS)
    return left_out(gone[HEARD], kept, why, what="lines with speech")


def _rules(options: TranscriptOptions) -> _Rules:
    return _Rules(
        TextRules.of(options.replace, options.skip),
        compiled("pause", options.pause) if options.pause else None,
        compiled("drop_speakers", options.drop_speakers) if options.drop_speakers else None,
    )


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


def _spoken(lines: Sequence[Line], rules: _Rules, options: TranscriptOptions, gone: Counter[str]) -> list[Line]:
    """Return the lines that are utterances, cleaned and joined; ``gone`` counts the others by reason."""
    heard = (line for line in lines if not rules.silent(line.text))
    speech = sorted(heard, key=lambda line: (line.start_s, line.end_s))
    overlapping = _overlapping(speech) if options.overlaps == "drop" else set()
    kept: list[Line] = []
    joinable = False
    gone[HEARD] += len(speech)
    for line in speech:
        text = rules.clean(line.text)
        reason = rules.reason(line, text, overlapping)
        if reason:
            gone[reason] += 1
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
        # The template's own stars are wildcards, those of a transcript's name are not.
        self._template = template.replace("*", STAR)
        self._paths = dict.fromkeys(walk(root))

    def of(self, found: Found) -> str | None:
        wanted = inside(self._root, found.fill(self._template, where="layout.audio"), where="layout.audio")
        if STAR not in wanted:
            return wanted if wanted in self._paths else None
        # Folders before it may be any, as in `Path.match`.
        like = re.compile("(?:.*/)?" + "[^/]*".join(re.escape(part) for part in wanted.split(STAR)), re.DOTALL)
        files = [path for path in self._paths if like.fullmatch(path)]
        if len(files) > 1:
            raise InputError(
                f"{self._root}: found {len(files)} recordings like {wanted.replace(STAR, '*')} ({files[0]}, "
                f"{files[1]}); expected one"
            )
        return files[0] if files else None
