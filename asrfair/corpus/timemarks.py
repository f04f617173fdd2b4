"""NIST's time-marked words (CTM), and which segment (STM) each belongs to.

``<file> <channel> <begin> <duration> <word> [<confidence> …]``; lines that begin with ``;;`` are comments.
``<ALT_BEGIN>``, ``<ALT>`` and ``<ALT_END>``, whose times are ``*``, enclose alternatives, of which one may be without a
word; ``@`` is no word. Source: SCTK's doc/infmts.htm.

Which segment: sclite's rule (SCTK's src/sclite/stm2ctm.c, ``segment_hyp_for_utt``). The words of a recording's channel
are taken in order; each belongs to the first segment that ends after the word's middle, and those after the last
segment to the last. So a word between two segments counts in the later one. Alternatives are placed by the latest of
their words' middles. Capitals in the names of files and channels do not matter, as in sclite.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from asrfair.corpus.rows import seconds
from asrfair.corpus.stm import Segment
from asrfair.errors import InputError
from asrfair.reading import read_lines

OPEN, NEXT, CLOSE = "<alt_begin>", "<alt>", "<alt_end>"
NO_WORD = "@"
Recording = tuple[str, str]


class Word(NamedTuple):
    """A word, or ``alternatives`` of which ``text`` is the first; ``middle_s`` is what it is placed by."""

    file: str
    channel: str
    start_s: float
    end_s: float
    middle_s: float
    text: str
    alternatives: tuple[str, ...] = ()

    @property
    def choice(self) -> str:
        """The word, or its alternatives as STM files write them: ``{ a / b / @ }``."""
        return f"{{ {' / '.join(text or NO_WORD for text in self.alternatives)} }}" if self.alternatives else self.text

    @property
    def recording(self) -> Recording:
        """The file and channel, without capitals."""
        return self.file.lower(), self.channel.lower()


class Cut(NamedTuple):
    """The words of each segment, by its place, and how many words lie outside of all segments of their recording."""

    words: dict[int, list[Word]]
    outside: int
    unknown: list[Word]


def read_words(path: Path, *, encoding: str = "utf-8") -> list[Word]:
    """Return a file's words in its order; raises InputError naming file and line."""
    words: list[Word] = []
    choice: list[list[Word]] | None = None
    where = str(path)
    for number, line in enumerate(read_lines(path, encoding=encoding), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        where = f"{path}: line {number}"
        fields = line.split()
        if len(fields) < 5:
            raise InputError(f"{where}: found {len(fields)} fields; expected file, channel, begin, duration, word")
        mark = fields[4].lower()
        if mark in (OPEN, NEXT, CLOSE):
            if (mark == OPEN) != (choice is None):
                raise InputError(f"{where}: found {fields[4]}; expected <ALT_BEGIN>, <ALT>, <ALT_END> in this order")
            if choice is None:
                choice = [[]]
            elif mark == NEXT:
                choice.append([])
            else:
                words.append(_chosen(choice, fields[0], fields[1], words))
                choice = None
        elif choice is None:
            words.append(_word(fields, where))
        else:
            choice[-1].append(_word(fields, where))
    if choice is not None:
        raise InputError(f"{where}: found no <ALT_END> after this; expected it after <ALT_BEGIN>")
    return words


def _word(fields: Sequence[str], where: str) -> Word:
    file, channel, begin, lasts, text = fields[:5]
    start = seconds(begin, where=where, what="the begin time")
    duration = seconds(lasts, where=where, what="the duration")
    return Word(file, channel, start, start + duration, start + duration / 2, "" if text == NO_WORD else text)


def _chosen(choice: Sequence[Sequence[Word]], file: str, channel: str, before: Sequence[Word]) -> Word:
    spoken = [word for words in choice for word in words]
    texts = tuple(" ".join(word.text for word in words if word.text) for words in choice)
    # Without a single word there is no time: then it stays where the words before are.
    last = before[-1].end_s if before and before[-1].recording == (file.lower(), channel.lower()) else 0.0
    return Word(
        file,
        channel,
        min((word.start_s for word in spoken), default=last),
        max((word.end_s for word in spoken), default=last),
        max((word.middle_s for word in spoken), default=0.0),
        texts[0],
        texts,
    )


def by_recording(words: Iterable[Word]) -> dict[Recording, list[Word]]:
    """Return the words of each channel of each file, by their begin times."""
    found = sorted(words, key=lambda word: (word.recording, word.start_s))
    return {recording: list(part) for recording, part in groupby(found, key=lambda word: word.recording)}


def cut(words: Iterable[Word], segments: Sequence[Segment]) -> Cut:
    """Return the words of each segment; those of recordings without a segment are ``unknown``."""
    places: dict[Recording, list[int]] = {}
    for place, segment in enumerate(segments):
        places.setdefault((segment.file.lower(), segment.channel.lower()), []).append(place)
    found = Cut({place: [] for place in range(len(segments))}, 0, [])
    outside = 0
    for recording, part in by_recording(words).items():
        own = sorted(places.get(recording, ()), key=lambda place: float(segments[place].begin))
        if not own:
            found.unknown.extend(part)
            continue
        at = 0
        for word in part:
            while at < len(own) - 1 and word.middle_s >= float(segments[own[at]].end):
                at += 1
            segment = segments[own[at]]
            outside += not float(segment.begin) <= word.middle_s < float(segment.end)
            found.words[own[at]].append(word)
    return found._replace(outside=outside)
