"""What a run finds in the cache of its utterances, and what it leaves there. Failures are not kept: they may pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.run.cache import Cache
from asrfair.run.cache_keys import KeyMaker, Keys, System
from asrfair.run.work import OUTCOMES, Decoded, Known, Work
from asrfair.tables import MEASUREMENTS

OF_OUTCOMES = ("utterance_id", "condition", "backend")
OF_MEASUREMENTS = ("utterance_id", "speaker_id", "condition")


@dataclass(frozen=True)
class Found:
    """What is known of some utterances: its keys, its rows; and whether nothing is left to do."""

    utterances: pl.DataFrame
    keys: Keys
    known: Known
    decoded: Decoded
    is_all: bool


class Transcripts:
    """The cache as a run sees it; ``systems`` are those of its recognisers that hear audio.

    The others' answers are in a table that they read: keeping them would save nothing.
    """

    def __init__(self, cache: Cache, work: Work, systems: Mapping[str, System]) -> None:
        self._cache = cache
        self._maker = KeyMaker(work, systems, cache)
        self._has_others = len(systems) < len(work.backends)
        self._cells = len(work.conditions) * len(systems)
        self._measured = 1 + sum(bool(condition.steps) for condition in work.conditions)

    @property
    def trouble(self) -> str:
        """Why the cache is of no use any more, "" while it is."""
        return self._cache.trouble

    def look_up(self, utterances: pl.DataFrame) -> Found:
        """Return what is known of the utterances."""
        if self._cache.trouble:
            return Found(utterances, Keys({}, {}), Known(), _decoded([], []), is_all=False)
        keys = self._keys(utterances)
        values = self._cache.get([*keys.outcomes.values(), *keys.measurements.values()])
        speakers = dict(utterances.select("utterance_id", "speaker_id").iter_rows())
        outcomes = {cell: values[key] for cell, key in keys.outcomes.items() if key in values}
        measured = {cell: values[key] for cell, key in keys.measurements.items() if key in values}
        decoded = _decoded(
            ({**dict(zip(OF_OUTCOMES, cell, strict=True)), **value} for cell, value in outcomes.items()),
            (
                {**dict(zip(OF_MEASUREMENTS, (name, speakers[name], condition), strict=True)), **value}
                for (name, condition), value in measured.items()
            ),
        )
        wanted = (self._cells * len(utterances), self._measured * len(utterances))
        is_all = (len(outcomes), len(measured)) == wanted and not self._has_others
        return Found(utterances, keys, Known(frozenset(outcomes), frozenset(measured)), decoded, is_all)

    def keep(self, found: Found, decoded: Decoded) -> None:
        """Keep what came of utterances that were looked up."""
        if self._cache.trouble:
            return
        keys = found.keys
        if decoded.inaudible:
            # They were drawn, and others taken instead.
            self._maker.learn(decoded.inaudible)
            keys = self._keys(found.utterances)
        values = {}
        for row in decoded.outcomes.filter(pl.col("reason").is_null()).iter_rows(named=True):
            key = keys.outcomes.get((row["utterance_id"], row["condition"], row["backend"]))
            if key is not None:
                values[key] = _told(row, OF_OUTCOMES)
        for row in decoded.measurements.filter(pl.col("duration_s").is_not_null()).iter_rows(named=True):
            key = keys.measurements.get((row["utterance_id"], row["condition"]))
            if key is not None:
                values[key] = _told(row, OF_MEASUREMENTS)
        self._cache.put(values)

    def _keys(self, utterances: pl.DataFrame) -> Keys:
        whole = Keys({}, {})
        for row in utterances.iter_rows(named=True):
            keys = self._maker.keys(row)
            whole.outcomes.update(keys.outcomes)
            whole.measurements.update(keys.measurements)
        return whole


def _told(row: Mapping[str, Any], without: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and name not in without}


def _decoded(outcomes: Iterable[Mapping[str, Any]], measured: Iterable[Mapping[str, Any]]) -> Decoded:
    return Decoded(pl.DataFrame(list(outcomes), schema=OUTCOMES), pl.DataFrame(list(measured), schema=MEASUREMENTS))
