"""What is handed to those who decode, in one process or many, and what they hand back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.condition import Condition
from asrfair.run.answers import USUAL_SIZE

OUTCOMES: dict[str, Any] = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "hypothesis": pl.String,
    "stage": pl.String,
    "reason": pl.String,
    "audio_s": pl.Float64,
    "seconds": pl.Float64,
    "audio_notes": pl.String,
    "backend_note": pl.String,
    "language_detected": pl.String,
    "words": pl.List(
        pl.Struct({"text": pl.String, "start_s": pl.Float64, "end_s": pl.Float64, "confidence": pl.Float64})
    ),
    "alternatives": pl.List(pl.Struct({"hypothesis": pl.String, "score": pl.Float64})),
}


@dataclass(frozen=True)
class Work:
    """All that a worker process needs, sent to it once.

    ``utterances`` are all of the corpus, sorted by id; ``device`` is where torch applies conditions, "" for numpy.
    ``batch`` is how many utterances are read at a time. Where a backend ``waits``, for an accelerator or a service, the
    processor reads and conditions the next ones meanwhile.
    """

    utterances: pl.DataFrame
    audio_root: Path
    conditions: tuple[Condition, ...]
    backends: Mapping[str, Mapping[str, Any]]
    seed: int
    sample_rate: int
    language: str
    device: str = ""
    batch: int = USUAL_SIZE
    waits: bool = False


@dataclass(frozen=True)
class Known:
    """What need not be done again: outcomes by utterance id, condition and backend, measurements by the first two."""

    outcomes: frozenset[tuple[str, str, str]] = frozenset()
    measurements: frozenset[tuple[str, str | None]] = frozenset()


@dataclass(frozen=True)
class Batch:
    """Utterances to be decoded together, but for what is known of them."""

    utterances: pl.DataFrame
    known: Known = Known()


Task = tuple[int, Batch]
"""A batch with its number."""


@dataclass(frozen=True)
class Decoded:
    """What came of utterances: a row of OUTCOMES per condition and backend, and of MEASUREMENTS.

    There is a measurement per utterance, and one per condition that changes it, whatever the number of backends; none
    where no backend hears audio. What was known of a `Batch` is not among them. ``inaudible`` are utterances that
    others could not hear when they drew them as other talkers.
    """

    outcomes: pl.DataFrame
    measurements: pl.DataFrame
    inaudible: frozenset[str] = frozenset()


def in_pieces(tasks: Iterator[Task], size: int) -> Iterator[tuple[Task, ...]]:
    """Yield the tasks in tuples of so many, the last of fewer; they are asked for as they are needed."""
    while piece := tuple(islice(tasks, size)):
        yield piece
