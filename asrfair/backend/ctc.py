"""CTC decoding without a lexicon or a language model: the best path, the prefix beam search, and what a word is.

`Spelling` turns labels into text. Frames are log-probabilities, shape=(frames, labels); the blank has number 0.
Sources: Graves et al. 2006 (CTC, the best path); Hannun et al. 2014, arXiv:1408.2873, algorithm 1 (prefixes, here
without a language model and without pruning of labels).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.backend.base import Alternative, Word
from asrfair.backend.local import word_confidence

BLANK = 0
Frames = NDArray[np.floating[Any]]
Prefix = tuple[tuple[int, ...], float, float]
"""Labels, and the log-probabilities of the paths that end in a blank and in the last label."""


@dataclass(frozen=True)
class Spelling:
    """The labels of a model by number; ``separator`` is the one between words."""

    labels: Sequence[str]
    separator: str = "|"

    def text(self, sequence: Sequence[int]) -> str:
        """Return the words of a sequence without blanks, one space between them."""
        return " ".join("".join(self.labels[number] for number in word) for word in self._words(sequence))

    def spans(self, sequence: Sequence[int]) -> list[tuple[int, int]]:
        """Return (first, after the last) of each word's labels in a sequence."""
        spans, start = [], 0
        for place, number in enumerate([*sequence, None]):
            if number is None or self.labels[number] == self.separator:
                if place > start:
                    spans.append((start, place))
                start = place + 1
        return spans

    def _words(self, sequence: Sequence[int]) -> list[Sequence[int]]:
        return [sequence[first:last] for first, last in self.spans(sequence)]


@dataclass(frozen=True)
class Heard:
    """A label in the frames from ``start`` to before ``end``, and its log-probability in its best frame."""

    label: int
    start: int
    end: int
    log_probability: float


def along(path: Sequence[int], frames: Frames) -> list[Heard]:
    """Return the labels of a path, shape=(frames,): runs of one label, blanks left out."""
    heard, start = [], 0
    for place in range(1, len(path) + 1):
        if place == len(path) or path[place] != path[start]:
            if path[start] != BLANK:
                best = float(frames[start:place, path[start]].max())
                heard.append(Heard(path[start], start, place, best))
            start = place
    return heard


def words(heard: Sequence[Heard], spelling: Spelling, *, frame_s: float) -> tuple[Word, ...]:
    """Return words, each from its first letter's first frame to the end of its last letter's last one.

    CTC's letters are peaks, often one frame long, so that a word is heard for longer than it is marked. Its confidence
    is the product over its letters of a letter's probability in its best frame.
    """
    sequence = [one.label for one in heard]
    return tuple(
        Word(
            spelling.text(sequence[first:last]),
            start_s=round(heard[first].start * frame_s, 6),
            end_s=round(heard[last - 1].end * frame_s, 6),
            confidence=word_confidence(one.log_probability for one in heard[first:last]),
        )
        for first, last in spelling.spans(sequence)
    )


def prefix_beams(frames: Frames, *, beams: int) -> list[tuple[tuple[int, ...], float]]:
    """Return the likeliest label sequences, best first, with the log-probability summed over the paths kept.

    At most ``beams`` of them, which are kept after every frame; with as many as there are sequences it is exact, with
    fewer what it tells is a lower bound. Ties go to the sequence found first.
    """
    prefixes: list[Prefix] = [((), 0.0, -math.inf)]
    for frame in np.asarray(frames, dtype=np.float64):
        prefixes = _after(frame, prefixes, beams)
    found = [(prefix, float(np.logaddexp(blank, label))) for prefix, blank, label in prefixes]
    return sorted(found, key=lambda one: -one[1])


def alternatives(beams: Sequence[tuple[tuple[int, ...], float]], spelling: Spelling) -> tuple[Alternative, ...]:
    """Return the texts of sequences, best first; those that differ in separators alone are one, and add up."""
    scores: dict[str, float] = {}
    for sequence, score in beams:
        text = spelling.text(sequence)
        scores[text] = float(np.logaddexp(scores.get(text, -math.inf), score))
    return tuple(Alternative(text, score) for text, score in sorted(scores.items(), key=lambda one: -one[1]))


def _after(frame: Frames, prefixes: list[Prefix], beams: int) -> list[Prefix]:
    """Return the best prefixes after one more frame, shape=(labels,)."""
    blanks = np.array([blank for _, blank, _ in prefixes])
    letters = np.array([letter for _, _, letter in prefixes])
    totals = np.logaddexp(blanks, letters)
    longer = totals[:, None] + frame[None, :]
    longer[:, BLANK] = -np.inf
    kept = np.full(len(prefixes), -np.inf)
    places = {prefix: place for place, (prefix, _, _) in enumerate(prefixes)}
    for place, (prefix, blank, letter) in enumerate(prefixes):
        if prefix:
            # Twice the same label is one, unless a blank lies between.
            kept[place] = letter + frame[prefix[-1]]
            longer[place, prefix[-1]] = blank + frame[prefix[-1]]
    for place, (prefix, _, _) in enumerate(prefixes):
        parent = places.get(prefix[:-1]) if prefix else None
        if parent is not None:
            # What one of them becomes by a label is another of them: one prefix, whose paths add up.
            kept[place] = np.logaddexp(kept[place], longer[parent, prefix[-1]])
            longer[parent, prefix[-1]] = -np.inf
    stay = totals + frame[BLANK]
    scores = np.concatenate([np.logaddexp(stay, kept), longer.ravel()])
    best = np.argsort(-scores, kind="stable")[:beams]
    count, labels = len(prefixes), len(frame)
    return [
        (prefixes[one][0], float(stay[one]), float(kept[one]))
        if one < count
        else (
            (*prefixes[(one - count) // labels][0], (one - count) % labels),
            -math.inf,
            float(longer.ravel()[one - count]),
        )
        for one in best.tolist()
        if scores[one] > -np.inf
    ]
