"""The rungs of ladders, and the speakers of a group at all of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats import notes
from asrfair.stats.arrays import Floats, Ints, ratio, total
from asrfair.stats.bootstrap import resample
from asrfair.stats.cells import Coded
from asrfair.stats.curves import isotonic
from asrfair.stats.intervals import moment_df

LEAST_SPEAKERS = 5
"""Speakers of a group from which there is an interval."""


@dataclass(frozen=True)
class Ladder:
    """A ladder and its rungs by rising value; ``conditions`` and ``values`` have one entry a rung."""

    name: str
    parameter: str
    unit: str | None
    conditions: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class Side:
    """One group's speakers with one recogniser: sums of shape=(speakers, rungs), rungs by rising difficulty.

    ``spoken`` counts speakers with reference words, ``unknown`` utterances without a speaker, ``independent``
    those that are clusters of their own, ``left_out`` those not counted at every rung. ``known`` are the speakers.
    """

    errors: Floats
    words: Floats
    known: frozenset[int]
    spoken: int
    unknown: int
    independent: int
    left_out: int

    @property
    def df(self) -> Floats:
        """The degrees of freedom of the speakers' spread, shape=(1,)."""
        return moment_df(np.zeros(len(self.words), np.int64), self.words[:, 0], cells=1)

    def curves(self, *, replicates: int, rng: np.random.Generator) -> Floats:
        """Return the monotone curve of all speakers, then those of draws of speakers, shape=(1 + replicates, rungs)."""
        both = np.concatenate([self.errors, self.words], axis=1)
        sums = np.concatenate([both.sum(axis=0)[None], resample(both, replicates=replicates, rng=rng)])
        rungs = self.words.shape[1]
        return isotonic(ratio(sums[:, :rungs], sums[:, rungs:]))

    def notes(self, who: str = "") -> list[str]:
        """Return what is to be said of the speakers; ``who`` is a prefix such as «reference: »."""
        if not self.words.any():
            told = [f"{who}no reference words at every rung"]
        elif self.unknown:
            told = [who + notes.counted(self.unknown, "utterance", " without speaker")]
        elif self.spoken == 1:
            told = [f"{who}1 {self.unit}: not judged"]
        elif self.spoken < LEAST_SPEAKERS:
            told = [f"{who}under {LEAST_SPEAKERS} {self.unit}s: no interval"]
        elif self.spoken < notes.FEW_SPEAKERS:
            told = [f"{who}under {notes.FEW_SPEAKERS} {self.unit}s"]
        else:
            told = []
        told += ["utterances treated as independent"] if self.independent else []
        left_out = notes.counted(self.left_out, "utterance", " not at every rung left out")
        return [*told, who + left_out] if self.left_out else told

    @property
    def unit(self) -> str:
        """What is drawn."""
        return "utterance" if self.independent else "speaker"

    @property
    def judged(self) -> bool:
        """Whether there may be an interval."""
        return self.spoken >= LEAST_SPEAKERS and not self.unknown


def ladders(conditions: pl.DataFrame) -> list[Ladder]:
    """Return the ladders of table ``conditions`` by name."""
    rungs = conditions.filter(pl.col("ladder").is_not_null(), pl.col("value").is_not_null())
    found = []
    for (name,), rows in sorted(rungs.group_by(["ladder"]), key=lambda item: str(item[0][0])):
        ordered = rows.unique("condition").sort("value", "condition")
        parameter, unit = ordered.select("parameter", "unit").row(0)
        found.append(Ladder(str(name), parameter, unit, tuple(ordered["condition"]), ordered["value"].to_numpy()))
    return found


def side(rows: pl.DataFrame, order: Ints, coded: Coded) -> Side:
    """Return one group's sums from rows of ``coded``; ``whole`` tells which utterances are counted at every rung.

    ``order`` has the rungs' condition numbers by rising difficulty.
    """
    whole = rows.filter(pl.col("whole"))
    people, person = np.unique(whole["cluster"].to_numpy(), return_inverse=True)
    rungs = len(order)
    rank = np.zeros(len(coded.conditions), np.int64)
    rank[order] = np.arange(rungs)
    place = person * rungs + rank[whole["condition"].to_numpy()]
    errors, words = (
        total(place, whole[name].to_numpy(), len(people) * rungs).reshape(-1, rungs) for name in ("errors", "words")
    )
    left_out = rows.filter(~pl.col("whole"))["utterance"].n_unique()
    unknown, independent = (whole.filter(pl.col(name))["utterance"].n_unique() for name in ("unknown", "independent"))
    spoke = people[words[:, 0] > 0] if len(people) else people
    return Side(
        errors=errors,
        words=words,
        known=frozenset(int(who) for who in spoke if who < coded.speakers),
        spoken=len(spoke) - bool(unknown),
        unknown=unknown,
        independent=independent,
        left_out=left_out,
    )
