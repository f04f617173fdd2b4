"""The corpus stage: card and root folder in, ``utterances`` table out (`asrfair.tables.UTTERANCES`).

Text columns of axes follow, then numbers of covariates. A card (`corpora/*.toml`) says what a corpus is, where its
files lie and who assigned its labels; a layout (`asrfair.corpus.layouts.LAYOUTS`) reads the files. Labels are mapped to
the levels that the card lists; a label that it does not list stays visible under its own name and is counted.
"""

from asrfair.corpus.bands import ascending, cut_bands, unmapped
from asrfair.corpus.card import ASSIGNED_BY, Axis, CorpusCard, Covariate, load_card
from asrfair.corpus.load import Corpus, load_corpus

__all__ = [
    "ASSIGNED_BY",
    "Axis",
    "Corpus",
    "CorpusCard",
    "Covariate",
    "ascending",
    "cut_bands",
    "load_card",
    "load_corpus",
    "unmapped",
]
