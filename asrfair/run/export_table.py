"""What the writers of an export share."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.corpus import Corpus
from asrfair.tables import UTTERANCES


@dataclass(frozen=True, kw_only=True)
class Written:
    """The new card's layout, the column of every axis and covariate in it, and what is to be told."""

    layout: Mapping[str, Any]
    columns: Mapping[str, str]
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """A corpus and where it goes; ``advance`` is called once an utterance.

    ``flag`` is the column that is true of synthetic utterances, "" if there is none. ``shareable``: nothing leads back
    to the corpus's own files, and every sound is written anew. ``rewritten`` grows by the id of each utterance whose
    sound becomes 16-bit WAV.
    """

    corpus: Corpus
    out: Path
    audio: bool
    relative: bool
    split: str
    advance: Callable[[], None]
    target: str = ""
    flag: str = ""
    shareable: bool = False
    rewritten: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """The names of axes and covariates, and of the flag."""
        return [name for name in self.corpus.utterances.columns if name not in UTTERANCES]

    @property
    def root(self) -> Path:
        """The folder that the new card is loaded with: it holds the export and the audio."""
        out, root = self.out.resolve(), self.corpus.audio_root.resolve()
        if self.audio or self.shareable:
            return out
        return root if self.relative or out.is_relative_to(root) else Path(os.path.commonpath([out, root]))

    def within(self) -> str:
        """Return the export's folder relative to `root`, "" if it is that folder; one that lies elsewhere is moved."""
        out = self.out.resolve()
        if out == self.root:
            return ""
        return out.relative_to(self.root).as_posix() if out.is_relative_to(self.root) else out.name


Writer = Callable[[pl.DataFrame, Export], Written]
