"""Which word was said for which, and the segments in which two systems differ.

Conventions
-----------
One row per aligned word: ``position`` counts from 0 along the alignment, ``operation`` is equal, substitute, delete
or insert, ``reference_word`` is null for an insertion and ``hypothesis_word`` for a deletion. The alignment is
jiwer's own, so the operations add up to the counts of `asrfair.scoring.count_errors`.

Segments are those of the matched-pairs sentence-segment word error test (MAPSSWE, Gillick and Cox 1989) as NIST's
``sc_stats`` cuts them (SCTK 2.4.12, ``mtchprs.c``): errors of either system belong together until both systems have
at least two words right in a row with nothing inserted between these. An utterance's ends are bounds too, and
stretches without errors are no segments.
"""

from collections.abc import Iterator
from itertools import chain

import numpy as np
import polars as pl

from asrfair.scoring.counting import PAIR, coded, distinct_pairs, edit_places, number_words, split_words

GOOD_WORDS = 2
CHUNK = 5_000
COLUMNS = ("position", "operation", "reference_word", "hypothesis_word")
STRETCH = {
    "_pair": pl.Int64,
    "operation": pl.String,
    "_reference_at": pl.Int64,
    "_hypothesis_at": pl.Int64,
    "_length": pl.Int64,
}


def align_words(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return one row per aligned word of ``pairs``, which `asrfair.scoring.normalize_pairs` has normalised.

    All columns but the texts are kept before ``position``, ``operation``, ``reference_word`` and
    ``hypothesis_word``. A pair without any words has no rows. Source: alignment by `jiwer.process_words`.
    """
    texts, numbers = coded(*pairs.select(PAIR))
    references, hypotheses, row = distinct_pairs(*numbers, texts=len(texts))
    words, lengths = split_words(texts)
    start = np.cumsum(lengths) - lengths
    found = _stretches(texts.gather(references), texts.gather(hypotheses))
    steps = (
        pl.DataFrame(found, schema=STRETCH, orient="row")
        .with_columns(
            _reference_at=pl.col("_reference_at") + pl.lit(pl.Series(start[references])).gather(pl.col("_pair")),
            _hypothesis_at=pl.col("_hypothesis_at") + pl.lit(pl.Series(start[hypotheses])).gather(pl.col("_pair")),
            _step=pl.int_ranges("_length"),
        )
        .explode("_step")
    )
    spoken, heard = pl.col("operation") != "insert", pl.col("operation") != "delete"
    aligned = steps.select(
        "_pair",
        "operation",
        position=pl.int_range(pl.len()).over("_pair"),
        reference_word=pl.lit(words).gather(pl.when(spoken).then(pl.col("_reference_at") + pl.col("_step"))),
        hypothesis_word=pl.lit(words).gather(pl.when(heard).then(pl.col("_hypothesis_at") + pl.col("_step"))),
    )
    keys = pairs.drop("reference", "hypothesis", *PAIR, *COLUMNS, strict=False).with_columns(_pair=pl.Series(row))
    return keys.join(aligned, on="_pair", maintain_order="left_right").select(*keys.drop("_pair").columns, *COLUMNS)


def _stretches(references: pl.Series, hypotheses: pl.Series) -> Iterator[tuple[int, str, int, int, int]]:
    """Runs of words under one operation: pair, operation, where it starts in both texts, and how many words."""
    from jiwer import process_words

    for first in range(0, len(references), CHUNK):
        part = slice(first, first + CHUNK)
        aligned = process_words(references[part].to_list(), hypotheses[part].to_list()).alignments
        for pair, chunks in enumerate(aligned, start=first):
            for chunk in chunks:
                said, heard = chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
                yield pair, chunk.type, chunk.ref_start_idx, chunk.hyp_start_idx, max(said, heard)


def segments(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return one row per segment: ``utterance_id``, ``segment``, ``first_errors`` and ``second_errors``.

    ``first`` and ``second`` are the aligned words (`align_words`) of two systems on the same utterances, one
    alignment per ``utterance_id``; neither may lack an utterance that the other has. Where the two were aligned to
    different reference words (alternatives chosen differently), the utterance is one segment.
    """
    differing = _reference_words(first).join(_reference_words(second), on="utterance_id", how="full", coalesce=True)
    differing = differing.filter(pl.col("words").fill_null([]) != pl.col("words_right").fill_null([]))
    return segments_at(_places_of(first), _places_of(second), differing=differing["utterance_id"])


def error_places(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return a row per word error of ``pairs``, which `asrfair.scoring.normalize_pairs` has normalised.

    All columns but the texts are kept, before ``place``: the i-th reference word, from 0, is place 2i + 1, and the gap
    before it is place 2i. The alignment is that of `align_words`, of which this is the errors alone, at a fraction of
    the cost.
    """
    texts, numbers = coded(*pairs.select(PAIR))
    references, hypotheses, row = distinct_pairs(*numbers, texts=len(texts))
    found = edit_places(number_words(texts.gather(references), texts.gather(hypotheses)))
    counts = pl.Series([len(places) for places in found], dtype=pl.Int64)
    places = pl.DataFrame(
        {
            "_pair": np.repeat(np.arange(len(found)), counts.to_numpy()),
            "place": pl.Series(list(chain.from_iterable(found)), dtype=pl.Int64),
        }
    )
    keys = pairs.drop("reference", "hypothesis", *PAIR, "place", strict=False).with_columns(_pair=pl.Series(row))
    return keys.join(places, on="_pair", maintain_order="left_right").drop("_pair")


def differing_references(first: pl.DataFrame, second: pl.DataFrame) -> pl.Series:
    """Return the ids of utterances whose reference words differ in two tables as from `normalize_pairs`."""
    said = pl.col(PAIR[0])
    both = first.select("utterance_id", said).join(
        second.select("utterance_id", said), on="utterance_id", suffix="_right"
    )
    both = both.filter(said != pl.col(f"{PAIR[0]}_right"))
    words = (_words(both[name]) for name in (PAIR[0], f"{PAIR[0]}_right"))
    same = [one == other for one, other in zip(*words, strict=True)]
    return both["utterance_id"].filter(~pl.Series(same, dtype=pl.Boolean))


def _words(texts: pl.Series) -> list[list[str]]:
    words, lengths = split_words(texts)
    ends = np.cumsum(lengths)
    return [words[start:end].to_list() for start, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True)]


def segments_at(first: pl.DataFrame, second: pl.DataFrame, *, differing: pl.Series) -> pl.DataFrame:
    """Return what `segments` does, from the places of two systems' errors (`error_places`).

    ``differing`` are the ids of utterances that were aligned to different reference words.
    """
    places = pl.concat(
        [
            rows.select("utterance_id", "place", pl.lit(1, dtype=pl.Int64).alias(name))
            for rows, name in ((first, "first_errors"), (second, "second_errors"))
        ],
        how="diagonal",
    )
    return (
        places.with_columns(
            place=pl.when(~pl.col("utterance_id").is_in(differing.implode())).then("place").otherwise(0)
        )
        .group_by("utterance_id", "place", maintain_order=True)
        .agg(pl.col("first_errors", "second_errors").sum())
        .sort("utterance_id", "place", maintain_order=True)
        .with_columns(segment=_between().ge(GOOD_WORDS).fill_null(False).cast(pl.Int64).cum_sum().over("utterance_id"))
        .group_by("utterance_id", "segment", maintain_order=True)
        .agg(pl.col("first_errors", "second_errors").sum())
    )


def _between() -> pl.Expr:
    """How many words both systems have right between a place with errors and the one before it."""
    return pl.col("place") // 2 - (pl.col("place").shift().over("utterance_id") + 1) // 2


def _places_of(aligned: pl.DataFrame) -> pl.DataFrame:
    """Errors of aligned words by place, as `error_places` numbers them."""
    word = pl.col("operation") != "insert"
    words = word.cast(pl.Int64).cum_sum().over("utterance_id", order_by="position")
    return (
        aligned.select("utterance_id", "operation", place=2 * words - word.cast(pl.Int64))
        .filter(pl.col("operation") != "equal")
        .drop("operation")
    )


def _reference_words(aligned: pl.DataFrame) -> pl.DataFrame:
    spoken = aligned.filter(pl.col("operation") != "insert").sort("utterance_id", "position")
    return spoken.group_by("utterance_id", maintain_order=True).agg(words="reference_word")
