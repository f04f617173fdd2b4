"""The worst utterances as the page shows them: their words aligned, whose they are, and clips of what was heard.

Texts and labels are hostile data: what is invisible or could turn the direction of writing is written out
(`asrfair.report.text.safe`), long words are cut, and the template escapes what is left.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from asrfair.report.text import counted, label, number, percent, safe

Operation = Literal["equal", "substitute", "delete", "insert"]

LETTERS: Mapping[str, str] = {"equal": "", "substitute": "S", "delete": "D", "insert": "I"}
"""What stands under a word, as in the alignments of NIST's sclite: errors can be told apart without colour."""
MOST_WORDS = 80
"""How many aligned words of an utterance are shown; the rest are counted."""
AT_ONCE = 10
"""How many utterances are shown before the line behind which the others are."""
LONGEST_WORD = 40
LONGEST_TEXT = 1_000
MARK_HOLDER = "\u25cc"
# The shape of a language tag: BCP 47, section 2.1.
_CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)


class AlignedWord(NamedTuple):
    """A step of an alignment; ``reference`` is None for an insertion and ``hypothesis`` for a deletion."""

    operation: Operation
    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True)
class WorstUtterance:
    """An utterance that a recogniser got badly wrong under a condition.

    ``labels`` has each axis's group, None where unknown. ``language`` is the code that the corpus gives, None where it
    gives none. ``wer`` is errors over reference words, a fraction.
    ``words`` are normalised as they were compared; ``reference`` and ``hypothesis`` are the texts as given.
    """

    utterance_id: str
    speaker_id: str | None
    labels: Mapping[str, str | None]
    language: str | None
    condition: str
    backend: str
    wer: float
    reference_words: int
    substitutions: int
    deletions: int
    insertions: int
    reference: str
    hypothesis: str
    words: tuple[AlignedWord, ...]


@dataclass(frozen=True)
class Clip:
    """A sound compressed for the page: its first ``seconds`` of ``whole_s``.

    ``quieter_db`` is by how much all of it was turned down to end at full scale, None where it was not.
    """

    media_type: str
    data: bytes
    seconds: float
    whole_s: float
    quieter_db: float | None = None

    @property
    def url(self) -> str:
        """The clip as a ``data:`` URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode('ascii')}"

    @property
    def said(self) -> str:
        """What was done to the sound, for the line under its player."""
        parts = [f"{self.seconds:.1f} s"]
        if self.seconds < self.whole_s:
            parts = [f"the first {self.seconds:.1f} s of {self.whole_s:.1f} s"]
        if self.quieter_db is not None:
            parts.append(f"{self.quieter_db:.1f} dB quieter than it was heard")
        return ", ".join(parts)


Clips = Mapping[tuple[str, str | None], Clip]
"""Clips by utterance id and condition; the condition None is the sound as recorded."""


@dataclass(frozen=True)
class Part:
    """A stretch of an alignment for reading aloud: words of one operation; an error is a stretch of its own."""

    operation: Operation
    reference: str
    hypothesis: str


@dataclass(frozen=True)
class Hearing:
    """What one recogniser made of an utterance: ``words`` for the eye, ``parts`` for the ear, ``more`` not shown."""

    backend: str
    wer: str
    counts: str
    hypothesis: str
    words: tuple[AlignedWord, ...]
    parts: tuple[Part, ...]
    more: str
    direction: str
    language: str


@dataclass(frozen=True)
class Sound:
    """An utterance under a condition, with a clip of it where there is one, and who heard what."""

    condition: str
    clip: Clip | None
    hearings: tuple[Hearing, ...]


@dataclass(frozen=True)
class SpokenUtterance:
    """An utterance of the section: ``labels`` are (axis, group) as shown; ``recorded`` is the sound as recorded."""

    utterance_id: str
    speaker: str
    labels: tuple[tuple[str, str], ...]
    reference: str
    direction: str
    language: str
    recorded: Clip | None
    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class Spoken:
    """The section «worst utterances»: how they were chosen, and notes on what is not there and why.

    ``speaker`` is the word for who spoke: a voice where it is synthetic.
    """

    utterances: tuple[SpokenUtterance, ...] = ()
    rule: str = ""
    notes: tuple[str, ...] = ()
    speaker: str = "speaker"

    @property
    def plays(self) -> bool:
        """Whether there is any clip."""
        return any(item.recorded for item in self.utterances)

    @property
    def at_once(self) -> int:
        """How many utterances are not behind the line `rest`."""
        return AT_ONCE

    @property
    def rest(self) -> str:
        """How many utterances are behind the line; "" where none are."""
        left = len(self.utterances) - AT_ONCE
        return counted(left, "more utterance") if left > 0 else ""

    @property
    def letters(self) -> Mapping[str, str]:
        """The letter of each operation."""
        return LETTERS


def spoken_section(
    worst: Sequence[WorstUtterance], clips: Clips, *, rule: str, notes: Sequence[str] = (), speaker: str = "speaker"
) -> Spoken:
    """Return the section: each utterance once, in the order of ``worst``, so that each clip is there once."""
    return Spoken(tuple(_utterances(worst, clips)), rule, tuple(notes), speaker)


def _utterances(worst: Sequence[WorstUtterance], clips: Clips) -> Iterator[SpokenUtterance]:
    for utterance_id in dict.fromkeys(item.utterance_id for item in worst):
        of_it = [item for item in worst if item.utterance_id == utterance_id]
        conditions = dict.fromkeys(item.condition for item in of_it)
        yield SpokenUtterance(
            utterance_id=label(utterance_id),
            speaker=label(of_it[0].speaker_id) if of_it[0].speaker_id is not None else "unknown",
            labels=tuple((label(axis), label(group)) for axis, group in of_it[0].labels.items()),
            reference=_text(of_it[0].reference),
            direction=direction(of_it[0].reference),
            language=_language(of_it[0].language),
            recorded=clips.get((utterance_id, None)),
            sounds=tuple(
                Sound(
                    label(name),
                    clips.get((utterance_id, name)),
                    tuple(_hearing(item) for item in of_it if item.condition == name),
                )
                for name in conditions
            ),
        )


def _hearing(item: WorstUtterance) -> Hearing:
    shown = item.words[:MOST_WORDS]
    left = len(item.words) - len(shown)
    errors = item.substitutions + item.deletions + item.insertions
    return Hearing(
        backend=label(item.backend),
        wer=percent(item.wer),
        counts=(
            f"{counted(errors, 'word error')} against {counted(item.reference_words, 'reference word')}: "
            f"{number(item.substitutions)} substituted, {number(item.deletions)} deleted, "
            f"{number(item.insertions)} inserted"
        ),
        hypothesis=_text(item.hypothesis),
        words=tuple(AlignedWord(word.operation, _word(word.reference), _word(word.hypothesis)) for word in shown),
        parts=tuple(_parts(shown)),
        more=counted(left, "more aligned word") if left else "",
        direction=direction(item.reference),
        language=_language(item.language),
    )


def _parts(words: Sequence[AlignedWord]) -> Iterator[Part]:
    for operation, stretch in groupby(words, key=lambda word: word.operation):
        if operation == "equal":
            same = " ".join(_word(word.reference) or "" for word in stretch)
            yield Part(operation, same, same)
        else:
            yield from (Part(operation, _word(word.reference) or "", _word(word.hypothesis) or "") for word in stretch)


def _word(word: str | None) -> str | None:
    """Return a word as shown; a mark that would sit on its neighbour gets a circle to sit on."""
    if word is None:
        return None
    shown = safe(word)
    shown = shown if len(shown) <= LONGEST_WORD else f"{shown[: LONGEST_WORD - 1]}…"
    return f"{MARK_HOLDER}{shown}" if shown and unicodedata.category(shown[0])[0] == "M" else shown


def _language(code: str | None) -> str:
    """Return a code as a browser knows it, "" for one that is none: it chooses a voice to read with, and a font."""
    named = (code or "").replace("_", "-")
    return named if _CODE.fullmatch(named) else ""


def _text(text: str) -> str:
    shown = safe(text)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 1]}…"


def direction(text: str) -> str:
    """Return «rtl» where the first letter with a direction is written from right to left, else «ltr».

    Source: rules P2 and P3 of the Unicode Bidirectional Algorithm (UAX 9). A browser's ``dir="auto"`` cannot tell,
    since it passes over the isolated words.
    """
    strong = (unicodedata.bidirectional(character) for character in text)
    return "rtl" if next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L" else "ltr"
