"""Counting errors with jiwer: each distinct text normalised once, each distinct pair aligned once."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from asrfair.scoring.normalizers import Normalizer
from asrfair.tables import COUNTS, FAILURES, conform

WORD_COUNTS = ("reference_words", "hits", "substitutions", "deletions", "insertions")
CHARACTER_COUNTS = (
    "reference_characters",
    "character_hits",
    "character_substitutions",
    "character_deletions",
    "character_insertions",
)
CHUNK = 5_000


def count_errors(pairs: pl.DataFrame, *, normalizer: Normalizer) -> pl.DataFrame:
    """Return the rows of ``pairs`` (columns ``reference`` and ``hypothesis``, no nulls) with counts added.

    Columns added: ``reference_words, hits, substitutions, deletions, insertions`` and the same for
    characters. Source: Levenshtein alignment by `jiwer.process_words` and `jiwer.process_characters`.
    """
    import jiwer

    texts = normalizer.normalize_all([*pairs["reference"], *pairs["hypothesis"]])
    normalized = pairs.with_columns(
        pl.col("reference").replace_strict(texts, return_dtype=pl.String).alias("_reference"),
        pl.col("hypothesis").replace_strict(texts, return_dtype=pl.String).alias("_hypothesis"),
    )
    distinct = normalized.select("_reference", "_hypothesis").unique(maintain_order=True)
    counts = [
        distinct,
        _align(distinct, jiwer.process_words, WORD_COUNTS),
        _align(distinct, jiwer.process_characters, CHARACTER_COUNTS),
    ]
    return normalized.join(
        pl.concat(counts, how="horizontal"),
        on=["_reference", "_hypothesis"],
        how="left",
        maintain_order="left",
    ).drop("_reference", "_hypothesis")


def _align(distinct: pl.DataFrame, process: Callable[..., Any], names: Sequence[str]) -> pl.DataFrame:
    rows: list[tuple[int, ...]] = []
    for chunk in distinct.iter_slices(CHUNK):
        output = process(chunk["_reference"].to_list(), chunk["_hypothesis"].to_list())
        rows.extend(_tally(alignment) for alignment in output.alignments)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")


def _tally(alignment: Sequence[Any]) -> tuple[int, ...]:
    lengths = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
    for chunk in alignment:
        length = max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        lengths[chunk.type] += length
    hits, substitutions, deletions, insertions = lengths.values()
    return hits + substitutions + deletions, hits, substitutions, deletions, insertions


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
