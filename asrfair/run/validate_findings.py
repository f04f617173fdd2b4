"""What a check can find: every kind by name, how grave it is, and what it means."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import polars as pl

from asrfair.tables import Schema

Gravity = Literal["unusable", "suspect", "noted"]
"""Unusable: a run would count a failure. Suspect: a run would use it, and its numbers may be wrong. Noted: a fact."""

FINDINGS: Schema = {"row": pl.UInt32, "kind": pl.String, "what": pl.String}
"""``row`` is the utterance's place in the table checked; null where the finding is about a file or an id."""
SEEN: Schema = {
    "row": pl.UInt32,
    "seconds": pl.Float64,
    "active_s": pl.Float64,
    "container": pl.String,
    "digest": pl.String,
}
"""What was measured of an utterance's audio; ``digest`` tells equal samples, ``active_s`` is null of silence."""


class Kind(NamedTuple):
    """How grave a kind of finding is, and what it means."""

    gravity: Gravity
    means: str


KINDS: dict[str, Kind] = {
    "missing file": Kind("unusable", "the table names an audio file that is not there"),
    "unreadable audio": Kind("unusable", "the file is there and cannot be opened as audio"),
    "truncated audio": Kind("unusable", "the file has fewer samples than it promises, or they cannot be decoded"),
    "part not there": Kind("unusable", "start, end or channel lie outside the audio"),
    "checksum differs": Kind("unusable", "the file is not the one that the publisher's list of checksums names"),
    "no reference": Kind("unusable", "the transcript is missing"),
    "listed file missing": Kind("suspect", "a list of checksums names a file that is not there"),
    "empty reference": Kind("suspect", "the transcript is blank: every word recognised counts as an insertion"),
    "no words": Kind("suspect", "nothing is left of the transcript when it is normalised: as if it were blank"),
    "no speaker": Kind("suspect", "the table names no speaker: no interval rests on the utterance"),
    "garbled transcript": Kind("suspect", "the text was decoded wrongly once, or holds control characters"),
    "duration differs": Kind("suspect", "the audio is shorter or longer than the corpus says"),
    "silent": Kind("suspect", "no sample is louder than 60 dB below full scale"),
    "clipped": Kind("suspect", "samples are cut off at the waveform's own extremes (flat tops)"),
    "speech rate": Kind("suspect", "words per second of active speech far from the median: the wrong transcript?"),
    "same audio": Kind("suspect", "two utterances of a speaker have the same samples"),
    "same audio, two speakers": Kind("suspect", "utterances of several speakers have the same samples"),
    "same audio, two splits": Kind("suspect", "utterances of several splits have the same samples"),
    "speakers share audio": Kind("suspect", "two speaker ids with the same recordings: one person, or a wrong id"),
    "id in two splits": Kind("suspect", "an utterance id is in several splits"),
    "speaker in two splits": Kind("suspect", "a speaker is in several splits"),
    "ids differ in case only": Kind("suspect", "ids, or labels, that are equal but for capital letters"),
    "label not mapped": Kind("suspect", "the card lists the axis's labels, and not this one; it stays its own group"),
    "speaker with two values": Kind("suspect", "a speaker belongs to several groups of one axis"),
    "misnamed format": Kind("noted", "the file's ending names another format than its bytes; it is read by its bytes"),
    "read otherwise": Kind("noted", "what the reader does to the file: channels averaged, a length filled in"),
}


def findings(rows: Iterable[tuple[int | None, str, str]]) -> pl.DataFrame:
    """Return the table of (row, kind, what)."""
    return pl.DataFrame(list(rows), schema=FINDINGS, orient="row")
