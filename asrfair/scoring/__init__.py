"""The scoring stage: ``utterances`` and ``hypotheses`` in, ``counts`` out. Counts travel, rates do not.

Conventions
-----------
Words are what whitespace separates after normalisation; characters include the spaces between words (as in
jiwer). Hits, substitutions, deletions and insertions are jiwer's own, to the last digit. An empty hypothesis
deletes every reference word; an empty reference has no words, and every word said against it is an insertion.
Scripts without spaces give one long word: their character counts are the ones to read. Where a normaliser allows
alternatives, ``{ gonna / going to }``, those with the fewest word errors are counted, characters too.
"""

from asrfair.scoring.alignment import align_words, differing_references, error_places, segments, segments_at
from asrfair.scoring.counting import count_errors, normalize_pairs, score
from asrfair.scoring.normalizers import NORMALIZERS, Normalizer, find_normalizer
from asrfair.scoring.rightness import right_words

__all__ = [
    "NORMALIZERS",
    "Normalizer",
    "align_words",
    "count_errors",
    "differing_references",
    "error_places",
    "find_normalizer",
    "normalize_pairs",
    "right_words",
    "score",
    "segments",
    "segments_at",
]
