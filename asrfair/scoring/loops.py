"""Loops: a recogniser that gets stuck repeats the same words over and over.

Conventions
-----------
Texts are normalised; words are what white space separates. A loop is one word four times in a row or more, or two to
ten words three times in a row or more, which the reference does not have as often in a row. What counts are the words
that repeat: all of a loop but its first round. The numbers are this project's own: «no no no» and «bye bye» are
said; what they are to catch is the looping that Barański et al. 2025 (ICASSP, Whisper ASR hallucinations induced by
non-speech audio) take out of transcripts.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asrfair.scoring.counting import Words

Integers = NDArray[np.int64]
LONGEST = 10
"""The most words that a loop goes round."""


def rounds(words: int) -> int:
    """Return how often that many words have to be said in a row to be a loop."""
    return 4 if words == 1 else 3


def looped_words(words: Words) -> pl.Series:
    """Return how many words of each hypothesis repeat in a loop that its reference does not have."""
    owner = np.repeat(np.arange(len(words.texts)), words.lengths)
    suspect = np.zeros(len(words.texts), bool)
    for size in range(1, LONGEST + 1):
        starts, _ = _runs(_same(words.numbers, owner, size), size)
        suspect[owner[starts]] = True
    looped = np.zeros(len(words.hypotheses), np.int64)
    for row in np.flatnonzero(suspect[words.hypotheses]).tolist():
        looped[row] = unsaid(*(words.texts[int(side[row])] for side in (words.references, words.hypotheses)))
    return pl.Series("looped_words", looped, dtype=pl.Int64)


def unsaid(reference: str, hypothesis: str) -> int:
    """Return how many words of one hypothesis repeat in a loop that its reference does not have."""
    said, heard = reference.split(), hypothesis.split()
    numbers = {word: number for number, word in enumerate(dict.fromkeys(heard))}
    codes = np.array([numbers[word] for word in heard], np.int64)
    repeats = np.zeros(len(heard), bool)
    for size in range(1, LONGEST + 1):
        for start, length in zip(*_runs(_same(codes, np.zeros_like(codes), size), size), strict=True):
            if not _repeats(heard[start : start + size]) and not _has(said, heard[start : start + size]):
                repeats[start + size : start + size + length] = True
    return int(repeats.sum())


def _same(numbers: Integers, owner: Integers, size: int) -> NDArray[np.bool_]:
    """Return which words are the same as the one ``size`` words after them, in the same text."""
    same: NDArray[np.bool_] = (numbers[:-size] == numbers[size:]) & (owner[:-size] == owner[size:])
    return same


def _runs(same: NDArray[np.bool_], size: int) -> tuple[Integers, Integers]:
    """Return where runs start that are long enough for a loop of ``size`` words, and how long they are."""
    edges = np.flatnonzero(np.diff(same, prepend=False, append=False))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    enough = lengths >= size * (rounds(size) - 1)
    return starts[enough], lengths[enough]


def _repeats(loop: Sequence[str]) -> bool:
    """Return whether a loop goes round a shorter one: «no no» does."""
    parts = [size for size in range(1, len(loop)) if len(loop) % size == 0]
    return any([*loop] == [*loop[:size]] * (len(loop) // size) for size in parts)


def _has(said: Sequence[str], loop: Sequence[str]) -> bool:
    """Return whether the words go round as often in what was said, from whichever of them on."""
    turns = [[*loop[place:], *loop[:place]] * rounds(len(loop)) for place in range(len(loop))]
    return any([*said[at : at + len(turn)]] == turn for turn in turns for at in range(len(said) - len(turn) + 1))
