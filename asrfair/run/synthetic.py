"""Synthetic utterances among recordings: left out of what is said of people, unless they are asked for."""

from dataclasses import replace

import polars as pl

from asrfair.corpus import Corpus
from asrfair.errors import InputError

OPTION = "--include-synthetic"
KIND = "synthetic"
FLAG = "synthetic"
"""The column of an export that is true of synthetic utterances, and that `score` reads where a table has it."""


def without_synthetic(corpus: Corpus, *, include: bool) -> Corpus:
    """Return the corpus that is counted, with a note of how many synthetic utterances are not in it.

    Included, they make a synthetic corpus of the whole: every report then says so, and nothing about people. A corpus
    of the kind ``synthetic`` is that already, and stays whole. Raises InputError where no recording is left.
    """
    if corpus.card.kind == KIND or corpus.synthetic.is_empty():
        return corpus
    recorded, note = recordings(corpus.utterances, corpus.synthetic, include=include, where=corpus.card.name)
    card = replace(corpus.card, kind="synthetic") if include else corpus.card
    return replace(corpus, card=card, utterances=recorded, notes=(*corpus.notes, note))


def recordings(rows: pl.DataFrame, ids: pl.Series, *, include: bool, where: str) -> tuple[pl.DataFrame, str]:
    """Return the rows that are counted, and a note; ``ids`` are those of the synthetic utterances, at least one.

    Included, all are. Raises InputError where no recording is left.
    """
    total = rows["utterance_id"].n_unique()
    if include:
        return rows, f"{len(ids)} of {total} utterances are synthetic, and counted as asked ({OPTION})"
    recorded = rows.filter(~pl.col("utterance_id").is_in(ids.implode()))
    if recorded.is_empty():
        raise InputError(
            f"{where}: found {len(ids)} utterances, all of them synthetic; expected recordings "
            f'(kind = "{KIND}" in the card, or {OPTION})'
        )
    return recorded, f"{len(ids)} of {total} utterances are synthetic, and left out of everything ({OPTION})"


def flagged(corpus: Corpus) -> tuple[Corpus, str]:
    """Return a corpus whose table says of each utterance whether it is synthetic, and the column that does.

    Of a corpus of the kind ``synthetic`` all are. Where neither the card nor a column says that any could be, there is
    no such column, and its name is "".
    """
    if corpus.card.kind != KIND and not corpus.card.synthetic:
        return corpus, ""
    name = FLAG
    while name in corpus.utterances.columns:
        name += "_speech"
    ids = corpus.utterances["utterance_id"]
    made = pl.lit(corpus.card.kind == KIND) | pl.col("utterance_id").is_in(corpus.synthetic.implode())
    utterances = corpus.utterances.with_columns(made.alias(name))
    return replace(corpus, utterances=utterances, synthetic=ids.filter(utterances[name])), name
