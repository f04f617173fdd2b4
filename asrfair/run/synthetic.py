"""Synthetic utterances among recordings: left out of what is said of people, unless they are asked for."""

from dataclasses import replace

import polars as pl

from asrfair.corpus import Corpus
from asrfair.errors import InputError

OPTION = "--include-synthetic"


def without_synthetic(corpus: Corpus, *, include: bool) -> Corpus:
    """Return the corpus that is counted, with a note of how many synthetic utterances are not in it.

    Included, they make a synthetic corpus of the whole: every report then says so, and nothing about people. A corpus
    of the kind ``synthetic`` is that already, and stays whole. Raises InputError where no recording is left.
    """
    count, total = len(corpus.synthetic), len(corpus.utterances)
    if corpus.card.kind == "synthetic" or not count:
        return corpus
    if include:
        note = f"{count} of {total} utterances are synthetic, and counted as asked ({OPTION})"
        return replace(corpus, card=replace(corpus.card, kind="synthetic"), notes=(*corpus.notes, note))
    recorded = corpus.utterances.filter(~pl.col("utterance_id").is_in(corpus.synthetic.implode()))
    if recorded.is_empty():
        raise InputError(
            f"{corpus.card.name}: found {count} utterances, all of them synthetic; expected recordings "
            f'(kind = "synthetic" in the card, or {OPTION})'
        )
    note = f"{count} of {total} utterances are synthetic, and left out of everything ({OPTION})"
    return replace(corpus, utterances=recorded, notes=(*corpus.notes, note))
