"""Counting errors as jiwer does: each distinct text normalised and encoded once, each distinct pair counted once.

A word becomes one character of a string, so that an utterance is a short text to the aligner. The cost L of the
cheapest alignment and the lengths N and M fix all counts but one, because S + D + I = L and D − I = N − M. Where
L − |N − M| is 0 or 1, so are the substitutions; elsewhere the alignment itself decides, and it is the one that
jiwer makes (`rapidfuzz.distance.Levenshtein`): at equal cost other aligners choose other substitutions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asrfair.scoring.normalizers import Normalizer
from asrfair.tables import COUNTS, FAILURES, conform

Integers = NDArray[np.int64]
Encoded = Sequence[Sequence[Any]]

WORD_COUNTS = ("reference_words", "hits", "substitutions", "deletions", "insertions")
CHARACTER_COUNTS = (
    "reference_characters",
    "character_hits",
    "character_substitutions",
    "character_deletions",
    "character_insertions",
)
PAIR = ("_reference", "_hypothesis")
# What Python's str.strip and \s take for white space; Rust's, which Polars uses, lacks four of them.
WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
ODD_SPACE = f"[{WHITE_SPACE.replace(' ', '')}]"
SURROGATES = range(0xD800, 0xE000)
LARGEST_ALPHABET = 0x110000 - len(SURROGATES)


def count_errors(pairs: pl.DataFrame, *, normalizer: Normalizer) -> pl.DataFrame:
    """Return the rows of ``pairs`` (columns ``reference`` and ``hypothesis``, no nulls) with counts added.

    Columns added: ``reference_words, hits, substitutions, deletions, insertions``, the same for characters, and
    ``looped_words`` (`asrfair.scoring.loops`). Source: the counts are equal to those of `jiwer.process_words` and
    `jiwer.process_characters` for every pair.
    """
    from asrfair.scoring.loops import looped_words

    normalized = normalize_pairs(pairs, normalizer=normalizer)
    texts, numbers = coded(*normalized.select(PAIR))
    *distinct, row = distinct_pairs(*numbers, texts=len(texts))
    one_each = [texts.gather(number) for number in distinct]
    words = number_words(*one_each)
    counts = pl.concat([count_numbered(words), count_characters(*one_each)], how="horizontal")
    counts = counts.with_columns(looped_words(words))
    return normalized.drop(PAIR).hstack(counts[row])


def normalize_pairs(pairs: pl.DataFrame, *, normalizer: Normalizer) -> pl.DataFrame:
    """Return ``pairs`` with the texts that are compared in ``_reference`` and ``_hypothesis``.

    Where the normaliser leaves alternations such as ``{ a / b }``, the ones nearest to each other are chosen.
    """
    texts, numbers = coded(pairs["reference"], pairs["hypothesis"])
    normal = normalizer.normalize_column(texts)
    normalized = pairs.with_columns(
        normal.gather(number).alias(name) for name, number in zip(PAIR, numbers, strict=True)
    )
    if normalizer.alternations:
        from asrfair.scoring.alternations import choose

        return choose(normalized)
    return normalized


@dataclass(frozen=True)
class Words:
    """Pairs of texts as numbers of words, equal where the words are.

    ``numbers`` are those of all ``texts`` one after the other, ``lengths`` says how many each has, and ``references``
    and ``hypotheses`` are each pair's places among the texts.
    """

    texts: pl.Series
    numbers: Integers
    lengths: Integers
    references: Integers
    hypotheses: Integers


def number_words(references: pl.Series, hypotheses: pl.Series) -> Words:
    """Return pairs of texts as numbers of words: words are what white space separates."""
    texts, places = coded(references, hypotheses)
    words, lengths = split_words(texts)
    numbers = words.cast(pl.Enum(words.unique(maintain_order=True))).to_physical().to_numpy()
    return Words(texts, numbers, lengths, *places)


def count_words(references: pl.Series, hypotheses: pl.Series) -> pl.DataFrame:
    """Return the words' counts of each pair of texts, one row each: words are what white space separates."""
    return count_numbered(number_words(references, hypotheses))


def count_numbered(words: Words) -> pl.DataFrame:
    """Return the words' counts of each pair of texts, one row each."""
    sequences = _sequences(words.numbers, words.lengths)
    sides = (words.references, words.hypotheses)
    encoded = (([sequences[at] for at in side.tolist()], words.lengths[side]) for side in sides)
    return _counts(*encoded, names=WORD_COUNTS)


def edit_places(words: Words) -> list[list[int]]:
    """Return the places of each pair's word errors: 2i + 1 for the i-th reference word, from 0, 2i for before it."""
    from rapidfuzz.distance import Levenshtein

    sequences = _sequences(words.numbers, words.lengths)
    found = []
    for said, heard in zip(words.references.tolist(), words.hypotheses.tolist(), strict=True):
        edits = Levenshtein.editops(sequences[said], sequences[heard]).as_list() if said != heard else []
        found.append([2 * int(at) + (kind != "insert") for kind, at, _ in edits])
    return found


def count_characters(references: pl.Series, hypotheses: pl.Series) -> pl.DataFrame:
    """Return the characters' counts of each pair of texts, one row each: spaces count, but not around the text."""
    stripped = [texts.str.strip_chars(WHITE_SPACE) for texts in (references, hypotheses)]
    return _counts(
        *((texts.to_list(), texts.str.len_chars().to_numpy().astype(np.int64)) for texts in stripped),
        names=CHARACTER_COUNTS,
    )


def coded(*columns: pl.Series) -> tuple[pl.Series, list[Integers]]:
    """Return the distinct texts of the columns, and each column as positions among them."""
    every = pl.concat([column.cast(pl.String).rename("text") for column in columns]).to_frame()
    distinct = every.unique(maintain_order=True).with_row_index("at")
    at = every.join(distinct, on="text", how="left", maintain_order="left")["at"].cast(pl.Int64).to_numpy()
    return distinct["text"], np.split(at, np.cumsum([len(column) for column in columns[:-1]]))


def distinct_pairs(first: Integers, second: Integers, *, texts: int) -> tuple[Integers, Integers, Integers]:
    """Return the distinct pairs of positions among so many texts, and which of them each pair is."""
    pairs, row = np.unique(first * texts + second, return_inverse=True)
    return *np.divmod(pairs, max(texts, 1)), row


def split_words(texts: pl.Series) -> tuple[pl.Series, Integers]:
    """Return the words of all texts one after the other, and how many each text has: jiwer's words."""
    odd = texts.str.contains(ODD_SPACE)
    if odd.any():
        from jiwer import wer_default

        cleaned = [" ".join(wer_default(text)[0]) for text in texts.filter(odd)]
        texts = texts.scatter(odd.arg_true(), cleaned)
    parts = texts.str.split(" ")
    words = parts.explode()
    owner = np.repeat(np.arange(len(texts)), parts.list.len().to_numpy())
    kept = (words != "").to_numpy()
    return words.filter(kept), np.bincount(owner[kept], minlength=len(texts)).astype(np.int64)


def _sequences(words: NDArray[Any], lengths: Integers) -> Encoded:
    """Texts of one character a word, which align fastest; lists of numbers where Unicode has too few characters."""
    flat: Any
    if words.size and words.max() >= LARGEST_ALPHABET:
        flat = words.tolist()
    else:
        points = words.astype("<u4")
        flat = (points + len(SURROGATES) * (points >= SURROGATES.start).astype("<u4")).tobytes().decode("utf-32-le")
    ends = np.cumsum(lengths)
    return [flat[start:end] for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)]


def _counts(
    references: tuple[Encoded, Integers], hypotheses: tuple[Encoded, Integers], *, names: Sequence[str]
) -> pl.DataFrame:
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cpdist

    (first, said), (second, heard) = references, hypotheses
    cost = cpdist(first, second, scorer=Levenshtein.distance, dtype=np.int64) if first else np.zeros(0, np.int64)
    substitutions = cost - abs(said - heard)
    for at in np.flatnonzero(substitutions > 1).tolist():
        substitutions[at] = [tag for tag, _, _ in Levenshtein.editops(first[at], second[at]).as_list()].count("replace")
    deletions = (cost - substitutions + said - heard) // 2
    insertions = deletions - said + heard
    columns = (said, said - substitutions - deletions, substitutions, deletions, insertions)
    return pl.DataFrame(dict(zip(names, columns, strict=True)))


def score(
    utterances: pl.DataFrame, hypotheses: pl.DataFrame, *, axes: Sequence[str], normalizer: Normalizer
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``counts`` and the ``failures`` of utterances that have no reference (null; blank is empty).

    ``utterances`` has `asrfair.tables.UTTERANCES` and the axis columns, ``hypotheses`` one row per utterance,
    condition and backend without nulls. An empty corpus of hypotheses gives empty tables.
    """
    rows = hypotheses.join(
        utterances.select("utterance_id", "speaker_id", "reference", *axes),
        on="utterance_id",
        how="left",
        maintain_order="left",
    )
    without = rows.filter(pl.col("reference").is_null()).with_columns(
        stage=pl.lit("scoring"), reason=pl.lit("no reference transcript")
    )
    counted = count_errors(rows.filter(pl.col("reference").is_not_null()), normalizer=normalizer)
    counts = counted.with_columns(normalizer=pl.lit(normalizer.label))
    return conform(counts, COUNTS, axes=axes), conform(without, FAILURES)
