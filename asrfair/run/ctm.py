"""Hypotheses as time-marked words (CTM), cut by the segments of a reference (STM) into transcripts."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from asrfair.corpus.rows import frame
from asrfair.corpus.stm import ALTERNATIVES, Segment, facts, read_segments, spoken
from asrfair.corpus.timemarks import Cut, Word, cut, read_words
from asrfair.errors import InputError

ENDING = ".ctm"


def read_time_marks(path: Path, stm: str, notes: list[str], *, keep: bool) -> pl.DataFrame:
    """Return a row per segment with its reference and hypothesis; add to the notes what became of odd words.

    Columns are those of the corpus layout ``stm``, and ``hypothesis``. A segment without a word has a blank
    hypothesis. ``keep`` writes alternatives as ``{ a / b / @ }``; otherwise the first is taken, and a note says so.
    Raises InputError where no word is of a recording that the segments have.
    """
    if not stm:
        raise InputError(f"{path}: found time-marked words without segments; expected --segments and an STM file")
    segments = Path(stm)
    wanted = read_segments(segments)
    words = read_words(path)
    found = cut(words, wanted)
    if len(found.unknown) == len(words):
        said = f"words of '{words[0].file} {words[0].channel}' and others" if words else "no words"
        named = f"such as '{wanted[0].file} {wanted[0].channel}'" if wanted else "and there are none"
        raise InputError(f"{path}: found {said}; expected words of the recordings in {segments.name}, {named}")
    rows = [
        {
            **facts(segment),
            "channel": segment.channel,
            "reference": spoken(segment.text, keep=keep),
            "hypothesis": " ".join(filter(None, (word.choice if keep else word.text for word in found.words[place]))),
        }
        for place, segment in enumerate(wanted)
        if not segment.ignored
    ]
    notes += [*_of_words(path, segments, words, found), *_of_segments(path, segments, wanted, found)]
    notes += [] if keep else _of_alternatives(path, segments, words, wanted)
    return frame(rows, where=segments)


def _of_words(path: Path, segments: Path, words: Sequence[Word], found: Cut) -> list[str]:
    first = f"{found.unknown[0].file} {found.unknown[0].channel}" if found.unknown else ""
    notes = [
        (found.outside, f"lie in no segment of {segments.name}: they count in the next one, or the last, as in sclite"),
        (len(found.unknown), f"are of recordings that {segments.name} lacks (first: {first}) and are not counted"),
    ]
    return [f"{path.name}: {count} of {len(words)} words {what}" for count, what in notes if count]


def _of_segments(path: Path, segments: Path, wanted: Sequence[Segment], found: Cut) -> list[str]:
    heard = {_recording(wanted[place]) for place, words in found.words.items() if words}
    silent = sum(_recording(part) not in heard and not part.ignored for part in wanted)
    ignored = sum(len(found.words[place]) for place, part in enumerate(wanted) if part.ignored)
    notes = [
        (ignored, f"words lie in segments that {segments.name} leaves out of scoring, and are not counted"),
        (silent, "segments are of recordings without a word here: their hypotheses are blank"),
    ]
    return [f"{path.name}: {count} {what}" for count, what in notes if count]


def _of_alternatives(path: Path, segments: Path, words: Sequence[Word], wanted: Sequence[Segment]) -> list[str]:
    theirs = sum(bool(word.alternatives) for word in words)
    ours = sum(not part.ignored and ALTERNATIVES.search(part.text) is not None for part in wanted)
    what = "have alternatives: the first is taken; the normaliser alternations takes the nearest"
    notes = [(theirs, f"{path.name}: {theirs} words {what}"), (ours, f"{segments.name}: {ours} segments {what}")]
    return [note for count, note in notes if count]


def _recording(segment: Segment) -> tuple[str, str]:
    return segment.file.lower(), segment.channel.lower()
