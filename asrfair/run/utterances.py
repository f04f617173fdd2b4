"""The utterances of a run that were misheard worst, aligned word by word, and the page's section made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import InputError
from asrfair.report.html.spoken import AlignedWord, Spoken, WorstUtterance, spoken_section
from asrfair.report.text import safe
from asrfair.results import Results
from asrfair.run.clips import clips
from asrfair.run.differences import is_synthetic
from asrfair.run.normalizing import own_normalizer
from asrfair.scoring import align_words, normalize_pairs
from asrfair.tables import UTTERANCES, with_intersections

MOST_IN_ALL = 60
"""How many are shown over all recognisers and conditions, whatever their number."""
CELL = ("condition", "backend")
KEY = ("utterance_id", *CELL)


def worst_utterances(results: Results, *, most: int, axis: str | None = None) -> list[WorstUtterance]:
    """Return the worst utterances, ``most`` of each recogniser under each condition and `MOST_IN_ALL` at the most.

    The rule: by word errors over reference words, then by the number of errors, then by id. A speaker is there once
    per recogniser and condition (utterances of unknown speakers count each for itself). The groups of ``axis`` (the
    first axis of the run by default) take turns: the worst utterance of every group comes before the second worst of
    any. Each recogniser and condition takes turns likewise. Only utterances with a transcript, a reference word and
    an error are chosen: a failure is not an utterance in which nothing was heard. Where counts were given without
    transcripts there are none. Raises InputError where the normaliser of the run is not the one installed now.
    """
    if most < 1:
        raise InputError(f"worst utterances: found {most}; expected 1 or more of each recogniser and condition")
    if results.hypotheses.is_empty():
        return []
    axes = list(results.signature.get("axes") or {})
    chosen = _chosen(results, most=most, axis=axis or next(iter(axes), None))
    words = _aligned(results, chosen)
    labels = [name for name in results.counts.columns if name in results.utterances.columns and name not in UTTERANCES]
    return [_worst(row, words, labels) for row in chosen.iter_rows(named=True)]


def spoken(folder: Path, results: Results, *, most: int, audio: int = 0) -> Spoken:
    """Return the page's section: the worst utterances, with clips of the first ``audio`` of them.

    Where there is nothing to align, notes say why. Raises InputError where clips are asked for and there can be none.
    """
    try:
        worst = worst_utterances(results, most=most)
    except InputError as error:
        if audio:
            raise
        return Spoken(notes=(f"Not shown: {error}.",))
    found = clips(folder, results, worst, most=audio) if audio else {}
    who = "voice" if is_synthetic(results) else "speaker"
    notes = _notes(results, worst, most=most)
    return spoken_section(worst, found, rule=_rule(results, most, who), notes=notes, speaker=who)


def _rule(results: Results, most: int, who: str) -> str:
    axes = list(results.signature.get("axes") or {})
    turns = f" Groups of {safe(axes[0])} take turns." if axes else ""
    return (
        f"Up to {most} of each recogniser under each condition: those with the most word errors for their reference "
        f"words, each {who} once.{turns} Utterances without a transcript or without reference words are not among "
        "them. The words are normalised, as they were compared."
    )


def _notes(results: Results, worst: Sequence[WorstUtterance], *, most: int) -> list[str]:
    if results.hypotheses.is_empty():
        counts = " Counts were given." if len(results.counts) else ""
        return [f"This run has no transcripts to align.{counts}"]
    if not worst:
        return ["No transcript with reference words has a word error."]
    if len(worst) == MOST_IN_ALL:
        return [f"The list ends after {MOST_IN_ALL}, whatever the number of recognisers and conditions."]
    return []


def _chosen(results: Results, *, most: int, axis: str | None) -> pl.DataFrame:
    """Return the counts of the utterances chosen, in order, with both texts, ``wer`` and the axes."""
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions")
    rows = (
        results.counts.filter(pl.col("reference_words") > 0, errors > 0)
        .with_columns(
            wer=errors / pl.col("reference_words"),
            _errors=errors,
            _who=pl.coalesce(
                pl.concat_str(pl.lit("s"), "speaker_id"), pl.concat_str(pl.lit("u"), "utterance_id"), pl.lit("")
            ),
        )
        .sort(*CELL, "wer", "_errors", "utterance_id", descending=[False, False, True, True, False])
        .unique([*CELL, "_who"], keep="first", maintain_order=True)
    )
    rows = _with_turns(rows, axis)
    places = [_order(results, name) for name in CELL]
    order = [pl.col(name).replace_strict(place, default=len(place)) for name, place in zip(CELL, places, strict=True)]
    ranked = rows.sort(*CELL, "_turn", "wer", "_errors", "utterance_id", descending=[False] * 3 + [True, True, False])
    ranked = ranked.with_columns(_place=pl.int_range(pl.len()).over(CELL)).filter(pl.col("_place") < most)
    texts = results.utterances.select("utterance_id", "reference", "language")
    heard = results.hypotheses.select(*KEY, "hypothesis")
    return (
        ranked.with_columns(_condition=order[0], _backend=order[1])
        .sort("_place", "_condition", "_backend")
        .head(MOST_IN_ALL)
        .join(texts, on="utterance_id", maintain_order="left")
        .join(heard, on=list(KEY), maintain_order="left")
    )


def _with_turns(rows: pl.DataFrame, axis: str | None) -> pl.DataFrame:
    """Add ``_turn``: which of its group's a row is, from 0, among those of its recogniser under its condition."""
    if axis is None:
        return rows.with_columns(_turn=pl.int_range(pl.len()).over(CELL))
    labelled = with_intersections(rows, [axis]).with_columns(_group=pl.col(axis))
    return labelled.with_columns(_turn=pl.int_range(pl.len()).over([*CELL, "_group"]))


def _order(results: Results, name: str) -> dict[str, int]:
    """Return the conditions' or the backends' places: the signature's order, then by name."""
    planned = results.signature.get(f"{name}s") or {}
    there = results.counts[name].drop_nulls().unique().sort().to_list()
    return {key: place for place, key in enumerate(dict.fromkeys([*planned, *there]))}


def _aligned(results: Results, chosen: pl.DataFrame) -> dict[tuple[Any, ...], tuple[AlignedWord, ...]]:
    pairs = chosen.select(*KEY, "reference", "hypothesis")
    words = align_words(normalize_pairs(pairs, normalizer=own_normalizer(results, where="worst utterances")))
    steps = words.select(*KEY, "operation", "reference_word", "hypothesis_word")
    return {
        key: tuple(AlignedWord(*row) for row in part.iter_rows())
        for key, part in steps.partition_by(*KEY, as_dict=True, include_key=False).items()
    }


def _worst(
    row: dict[str, Any], words: dict[tuple[Any, ...], tuple[AlignedWord, ...]], axes: list[str]
) -> WorstUtterance:
    taken = ("utterance_id", "speaker_id", "condition", "backend", "wer", "reference_words", "substitutions")
    return WorstUtterance(
        **{name: row[name] for name in (*taken, "deletions", "insertions", "reference", "hypothesis", "language")},
        labels={axis: row[axis] for axis in axes},
        words=words.get(tuple(row[name] for name in KEY), ()),
    )
