"""Rev's NLP files, one per recording: a token a line, with who says it, from when to when.

Fields are separated by ``|`` under a header: ``token``, ``speaker``, ``ts``, ``endTs``, ``punctuation`` and others.
Tokens of forced alignments have no times where the aligner found none; in plain transcripts none has. Source: README.md
of revdotcom/speech-datasets' earnings22 and its files, and fstalign's reader, which takes columns by name.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, frame, left_out, placed, seconds
from asrfair.corpus.texts import compiled
from asrfair.corpus.tree import Found, list_files
from asrfair.errors import InputError, expected
from asrfair.reading import inside, read_lines

COLUMNS = ("token", "speaker", "ts", "endTs", "punctuation")
BEFORE = "prepunctuation"


@dataclass(frozen=True, kw_only=True)
class NlpOptions(CommonOptions):
    """NLP files by ``pattern``, as audio files in the layout ``files``; ``audio`` is a template of its groups.

    An utterance is what one speaker says without a break: it ends where another speaker begins, after ``pause_s``
    without a token, and at the first token that ends a sentence once it is ``longest_s`` long. What begins or ends with
    a token that has no time is left out. ``whole = true`` makes one utterance of a recording and needs no times.
    ``utterance_id`` is a template of the pattern's groups, to which the utterance's number is added; ``speaker_id`` one
    of these, ``{speaker}``, and the columns of the table of ``speakers`` (whose ``key`` names a group).
    """

    pattern: str
    audio: str = "{folder}/{stem}.mp3"
    utterance_id: str = "{stem}"
    speaker_id: str = "{stem}-{speaker}"
    whole: bool = False
    pause_s: float = 1.0
    longest_s: float = 30.0
    split: str = ""
    encoding: str = "utf-8"


class Token(NamedTuple):
    """A line of a file; times in seconds, None where there are none."""

    speaker: str
    start_s: float | None
    end_s: float | None
    text: str
    last: bool


def read_nlp(root: Path, options: NlpOptions, split: str) -> Raw:
    """Read every file; raises InputError naming file and line."""
    rows: list[Row] = []
    gone: Counter[bool] = Counter()
    for found in list_files(root, compiled("pattern", options.pattern), split=split or options.split):
        path = root / found.audio
        audio = inside(root, found.fill(options.audio, where="layout.audio"), where="layout.audio")
        tokens = _tokens(path, options.encoding)
        if not options.whole and not any(token.start_s is not None for token in tokens):
            raise InputError(f"{path}: found no times; expected aligned tokens, or whole = true in the layout")
        parts = [tokens] if options.whole else list(_parts(tokens, options))
        for number, part in enumerate(parts, start=1):
            timed = options.whole or (part[0].start_s is not None and part[-1].end_s is not None)
            gone[timed] += 1
            if timed:
                rows.append({**found.groups, "audio": audio, **_utterance(part, found, number, options)})
    notes = left_out(gone.total(), gone[True], "their first or last word has no time")
    plain = dataclasses.replace(options, skip=(), replace=(), rows={})
    table = finish(frame(rows, where=root), root, plain, split=split, where=root).rows
    named = [placed(options.speaker_id, where="layout.speaker_id", **row) for row in table.iter_rows(named=True)]
    table = table.with_columns(speaker_id=pl.Series(named, dtype=pl.String))
    # Paths and speakers are done: what is left is which utterances are kept.
    rest = dataclasses.replace(options, speakers=None, audio_prefix="", audio_folder="", audio_ending="")
    return finish(table, root, rest, split=split, where=root, notes=notes)


def _tokens(path: Path, encoding: str) -> list[Token]:
    lines = read_lines(path, encoding=encoding)
    header = lines[0].split("|") if lines else []
    missing = next((name for name in COLUMNS if name not in header), None)
    if missing is not None:
        raise InputError(expected(f"{path}: line 1", f"no column '{missing}'", header))
    tokens = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        values = line.split("|")
        if len(values) != len(header):
            raise InputError(f"{where}: found {len(values)} fields; expected {len(header)}")
        tokens.append(_token(dict(zip(header, values, strict=True)), where))
    if not tokens:
        raise InputError(f"{path}: found no tokens; expected one a line")
    return tokens


def _token(fields: dict[str, str], where: str) -> Token:
    start, end = (
        seconds(fields[name], where=where, what=name) if fields[name].strip() else None for name in ("ts", "endTs")
    )
    if start is not None and end is not None and end < start:
        raise InputError(f"{where}: found the times {start:g} to {end:g}; expected the end after the start")
    after = fields["punctuation"].strip()
    text = f"{fields.get(BEFORE, '').strip()}{fields['token'].strip()}{after}"
    return Token(fields["speaker"].strip(), start, end, text, after.endswith((".", "?", "!")))


def _parts(tokens: Sequence[Token], options: NlpOptions) -> Iterator[list[Token]]:
    part: list[Token] = []
    start: float | None = None
    end: float | None = None
    for token in tokens:
        paused = token.start_s is not None and end is not None and token.start_s - end > options.pause_s
        long = start is not None and end is not None and end - start >= options.longest_s
        if part and (token.speaker != part[-1].speaker or paused or (long and part[-1].last)):
            yield part
            part, start, end = [], None, None
        part.append(token)
        start = token.start_s if start is None else start
        end = token.end_s if token.end_s is not None else end
    yield part


def _utterance(part: Sequence[Token], found: Found, number: int, options: NlpOptions) -> Row:
    named = found.fill(options.utterance_id, where="layout.utterance_id")
    row: Row = {
        "utterance_id": named if options.whole else f"{named}-{number:04d}",
        "reference": " ".join(token.text for token in part if token.text),
        "speaker": part[0].speaker,
    }
    if not options.whole:
        row |= {"start_s": repr(part[0].start_s), "end_s": repr(part[-1].end_s)}
    return row
