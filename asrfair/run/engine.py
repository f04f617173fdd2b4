"""The engine: batches over worker processes, each saved as it finishes; an interrupted run goes on where it was.

A batch is some utterances (by sorted id; four, or as many as a backend wants) under every condition and backend. Its
measurements and its outcomes are a Parquet file each in the run folder's ``work``, the outcomes written last; what has
both already is not done again. Of the others, what the cache knows is not done again: it is looked up by this process
as batches are handed out, and a batch of which all is known is not handed out.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import RunFolderError
from asrfair.results import write_table
from asrfair.run.answers import USUAL_SIZE
from asrfair.run.cached import Found, Transcripts
from asrfair.run.cluster import Cluster, on_ray
from asrfair.run.measured import is_measured
from asrfair.run.work import OUTCOMES, Batch, Decoded, Task, Work
from asrfair.run.workers import on_this_machine
from asrfair.tables import MEASUREMENTS

# Batches given to a worker at a time where a backend waits, so that the next can be made ready meanwhile.
TOGETHER_IN_A_WORKER = 4
# Batches that are read back and joined at a time.
TOGETHER = 200
WORK = "work"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Done:
    """How far a run is: utterances finished and in all; of this start, seconds of audio transcribed and failures.

    Of ``transcripts``, all of this start, ``cached`` were in the cache, and of ``trouble`` with it this is the reason.
    """

    utterances: int
    total: int
    audio_s: float = 0.0
    failures: int = 0
    transcripts: int = 0
    cached: int = 0
    trouble: str = ""


Progress = Callable[[Done], None]


def decode_all(
    work: Work,
    utterances: pl.DataFrame,
    folder: Path,
    *,
    workers: int,
    cluster: Cluster | None = None,
    cache: Transcripts | None = None,
    progress: Progress,
) -> Decoded:
    """Return what came of all utterances: outcomes sorted by backend, condition and utterance id, measurements by
    condition (null, the recordings, first) and utterance id.

    It is done by ``workers`` processes on this machine, or on the ``cluster``. ``progress`` is told after each batch,
    by one thread at a time. Raises IncompleteError when a worker process dies and RunFolderError for a saved batch
    that is not this run's.
    """
    batches = list(utterances.sort("utterance_id").iter_slices(work.batch))
    # Batches of another size, wanted before an option that changes no answer was changed, are not these.
    name = "batch" if work.batch == USUAL_SIZE else f"batch-of-{work.batch}"
    shards = [folder / WORK / f"{name}-{number:06d}.parquet" for number in range(len(batches))]
    missing = [number for number, shard in enumerate(shards) if not (shard.is_file() and _measured(shard).is_file())]
    done = sum(len(batches[number]) for number in set(range(len(batches))) - set(missing))
    desk = _Desk(batches, shards, cache, progress, Done(done, len(utterances)))
    tasks, size = desk.tasks(missing), TOGETHER_IN_A_WORKER if work.waits else 1
    workers = min(workers, len(missing))
    results = (
        on_ray(work, tasks, cluster, together=size)
        if cluster
        else on_this_machine(work, tasks, workers=workers, together=size, scratch=folder / WORK / SCRATCH)
    )
    for number, decoded in results:
        desk.take(number, decoded)
    together = Decoded(pl.DataFrame(schema=OUTCOMES), pl.DataFrame(schema=MEASUREMENTS))
    for first in range(0, len(batches), TOGETHER):
        some = slice(first, first + TOGETHER)
        parts = [
            _read(work, shard, rows["utterance_id"]) for shard, rows in zip(shards[some], batches[some], strict=True)
        ]
        together = _joined([together, *parts])
    return Decoded(
        together.outcomes.sort("backend", "condition", "utterance_id"),
        together.measurements.sort("condition", "utterance_id"),
    )


class _Desk:
    """Hands out what is missing, but for what the cache knows, and saves what comes back.

    Batches are asked for by one thread and come back to another where the next steps are made ready meanwhile.
    """

    def __init__(
        self,
        batches: Sequence[pl.DataFrame],
        shards: Sequence[Path],
        cache: Transcripts | None,
        progress: Progress,
        told: Done,
    ) -> None:
        self._batches, self._shards = batches, shards
        self._cache, self._progress, self._told = cache, progress, told
        self._lock = threading.Lock()
        self._found: dict[int, Found] = {}
        progress(told)

    def tasks(self, missing: Sequence[int]) -> Iterator[Task]:
        """Yield what is to be done, as it is asked for; what is all known is saved on the way."""
        for number in missing:
            rows = self._batches[number]
            if self._cache is None:
                yield number, Batch(rows)
                continue
            found = self._cache.look_up(rows)
            if found.is_all:
                self._save(number, found.decoded, known=found.decoded.outcomes)
            else:
                self._found[number] = found
                yield number, Batch(rows, found.known)

    def take(self, number: int, decoded: Decoded) -> None:
        """Save what came of a batch, with what was known of it, and keep it in the cache."""
        found = self._found.pop(number, None)
        if self._cache is None or found is None:
            self._save(number, decoded, known=decoded.outcomes.clear())
            return
        self._cache.keep(found, decoded)
        self._save(number, _joined([found.decoded, decoded]), known=found.decoded.outcomes)

    def _save(self, number: int, decoded: Decoded, *, known: pl.DataFrame) -> None:
        write_table(_measured(self._shards[number]), decoded.measurements)
        write_table(self._shards[number], decoded.outcomes)
        with self._lock:
            self._told = self._further(len(self._batches[number]), decoded.outcomes, known)
            self._progress(self._told)

    def _further(self, utterances: int, outcomes: pl.DataFrame, known: pl.DataFrame) -> Done:
        told, audio_s = self._told, float(outcomes["audio_s"].sum() or 0.0) - float(known["audio_s"].sum() or 0.0)
        return Done(
            told.utterances + utterances,
            told.total,
            told.audio_s + max(0.0, audio_s),
            told.failures + len(outcomes) - outcomes["reason"].null_count(),
            told.transcripts + len(outcomes),
            told.cached + len(known),
            "" if self._cache is None else self._cache.trouble,
        )


def _joined(parts: Sequence[Decoded]) -> Decoded:
    """Return one table of each kind, in one piece: thousands of small ones take ten times the memory of their rows."""
    return Decoded(
        pl.concat([part.outcomes for part in parts], rechunk=True),
        pl.concat([part.measurements for part in parts], rechunk=True),
    )


def _measured(shard: Path) -> Path:
    return shard.with_name(f"{shard.stem}.measured.parquet")


def _read(work: Work, shard: Path, utterances: pl.Series) -> Decoded:
    """Read a batch back; raises RunFolderError unless it holds every row of its utterances."""
    cells = len(work.conditions) * len(work.backends)
    outcomes = _read_table(shard, OUTCOMES, utterances, cells=cells)
    cells = 1 + sum(map(is_measured, work.conditions))
    return Decoded(outcomes, _read_table(_measured(shard), MEASUREMENTS, utterances, cells=cells, or_none=True))


def _read_table(
    shard: Path, schema: Mapping[str, Any], utterances: pl.Series, *, cells: int, or_none: bool = False
) -> pl.DataFrame:
    wanted = f"{shard}: expected a finished batch of this run (delete it to have it redone)"
    try:
        rows = pl.read_parquet(shard, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunFolderError(f"{wanted}; it cannot be read") from error
    # Nothing is measured where no backend hears audio.
    none = or_none and rows.is_empty()
    if rows.schema != pl.Schema(schema) or not (none or len(rows) == cells * len(utterances)):
        raise RunFolderError(f"{wanted}; found {len(rows)} rows of {len(rows.columns)} columns")
    if not none and set(rows["utterance_id"]) != set(utterances):
        raise RunFolderError(f"{wanted}; found other utterances")
    return rows
