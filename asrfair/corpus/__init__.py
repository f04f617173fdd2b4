"""The corpus stage: card and root folder in, ``utterances`` table out (`asrfair.tables.UTTERANCES`).

Text columns of axes follow, then numbers of covariates. A card (`corpora/*.toml`) says what a corpus is, where its
files lie and who assigned its labels; a layout (`asrfair.corpus.layouts.LAYOUTS`) reads the files. Labels are mapped to
the levels that the card lists, then by a taxonomy (`asrfair.corpus.taxonomy`); a label that neither knows stays visible
under its own name and is counted. `asrfair.corpus.consistency` finds speakers with two labels, and duplicates.
"""

from asrfair.corpus.bands import ascending, cut_bands, unmapped
from asrfair.corpus.card import ASSIGNED_BY, Axis, CorpusCard, Covariate, load_card
from asrfair.corpus.consistency import (
    duplicate_audio,
    duplicate_speakers,
    speakers_in_several_splits,
    speakers_with_several,
    twins_by_case,
)
from asrfair.corpus.labels import label
from asrfair.corpus.load import Corpus, load_corpus
from asrfair.corpus.taxonomy import Taxonomy, load_taxonomy

__all__ = [
    "ASSIGNED_BY",
    "Axis",
    "Corpus",
    "CorpusCard",
    "Covariate",
    "Taxonomy",
    "ascending",
    "cut_bands",
    "duplicate_audio",
    "duplicate_speakers",
    "label",
    "load_card",
    "load_corpus",
    "load_taxonomy",
    "speakers_in_several_splits",
    "speakers_with_several",
    "twins_by_case",
    "unmapped",
]
