"""The engine: batches over worker processes, each saved as it finishes; an interrupted run goes on where it was.

A batch is some utterances (by sorted id; four, or as many as a backend wants) under every condition and backend. Its
measurements and its outcomes are a Parquet file each in the run folder's ``work``, the outcomes written last; what has
both already is not done again.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import IncompleteError, RunFolderError
from asrfair.results import write_table
from asrfair.run.cluster import Cluster, on_ray
from asrfair.run.decode import OUTCOMES, Decoded, Decoder, Work
from asrfair.run.measured import is_measured
from asrfair.tables import MEASUREMENTS

# Batches given to a worker at a time where a backend waits, so that the next can be made ready meanwhile.
TOGETHER_IN_A_WORKER = 4
# Batches that are read back and joined at a time.
TOGETHER = 200
WORK = "work"
SCRATCH = "scratch"
WAKE_S = 0.5


@dataclass(frozen=True)
class Done:
    """How far a run is: utterances finished and in all; of this start, seconds of audio transcribed and failures."""

    utterances: int
    total: int
    audio_s: float = 0.0
    failures: int = 0


Progress = Callable[[Done], None]
_decoder: Decoder | None = None


def decode_all(
    work: Work,
    utterances: pl.DataFrame,
    folder: Path,
    *,
    workers: int,
    cluster: Cluster | None = None,
    progress: Progress,
) -> Decoded:
    """Return what came of all utterances: outcomes sorted by backend, condition and utterance id, measurements by
    condition (null, the recordings, first) and utterance id.

    It is done by ``workers`` processes on this machine, or on the ``cluster``. ``progress`` is told after each batch.
    Raises IncompleteError when a worker process dies and RunFolderError for a saved batch that is not this run's.
    """
    batches = list(utterances.sort("utterance_id").iter_slices(work.batch))
    shards = [folder / WORK / f"batch-{number:06d}.parquet" for number in range(len(batches))]
    missing = [number for number, shard in enumerate(shards) if not (shard.is_file() and _measured(shard).is_file())]
    done = sum(len(batches[number]) for number in set(range(len(batches))) - set(missing))
    told = Done(done, len(utterances))
    progress(told)
    size = TOGETHER_IN_A_WORKER if work.waits else 1
    results = (
        on_ray(work, batches, missing, cluster, together=size)
        if cluster
        else _decoded(work, batches, missing, workers=workers, together=size, scratch=folder / WORK / SCRATCH)
    )
    for number, decoded in results:
        write_table(_measured(shards[number]), decoded.measurements)
        write_table(shards[number], decoded.outcomes)
        told = _further(told, len(batches[number]), decoded.outcomes)
        progress(told)
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


def _further(told: Done, utterances: int, outcomes: pl.DataFrame) -> Done:
    return Done(
        told.utterances + utterances,
        told.total,
        told.audio_s + float(outcomes["audio_s"].sum() or 0.0),
        told.failures + len(outcomes) - outcomes["reason"].null_count(),
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


def _decoded(
    work: Work, batches: list[pl.DataFrame], missing: list[int], *, workers: int, together: int, scratch: Path
) -> Iterator[tuple[int, Decoded]]:
    # In the run folder: recordings that a killed worker leaves behind stay private, and go with the next start.
    shutil.rmtree(scratch, ignore_errors=True)
    workers = min(workers, len(missing))
    if workers <= 1:
        yield from _in_process(work, batches, missing)
        return
    scratch.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    ended, started = context.Event(), context.SimpleQueue()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(work, scratch, ended, started, os.getpid())
    )
    try:
        yield from _in_pool(pool, batches, missing, ahead=2 * workers, together=together)
    except BrokenProcessPool:
        raise IncompleteError(
            'a worker process died (out of memory? or called from Python without `if __name__ == "__main__"`?); '
            "finished batches are saved: start the same run again to go on"
        ) from None
    finally:
        # The workers end at once: an interrupt does not wait for the batches in flight.
        ended.set()
        while not started.empty():
            with suppress(ProcessLookupError):
                os.kill(started.get(), signal.SIGTERM)
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(scratch, ignore_errors=True)


def _in_process(work: Work, batches: list[pl.DataFrame], missing: list[int]) -> Iterator[tuple[int, Decoded]]:
    if not missing:
        return
    decoder = Decoder(work)
    try:
        yield from zip(missing, decoder.transcribe_each(batches[number] for number in missing), strict=True)
    finally:
        decoder.close()


def _in_pool(
    pool: ProcessPoolExecutor, batches: list[pl.DataFrame], missing: list[int], *, ahead: int, together: int
) -> Iterator[tuple[int, Decoded]]:
    waiting = (missing[first : first + together] for first in range(0, len(missing), together))
    running: dict[Future[list[Decoded]], list[int]] = {}

    def submit() -> None:
        for numbers in waiting:
            running[pool.submit(_transcribe, [batches[number] for number in numbers])] = numbers
            return

    for _ in range(ahead):
        submit()
    while running:
        # With a timeout, since an interrupt does not always wake a thread that waits without one.
        finished, _ = wait(running, timeout=WAKE_S, return_when=FIRST_COMPLETED)
        for future in finished:
            yield from zip(running.pop(future), future.result(), strict=True)
            submit()


def _start(work: Work, scratch: Path, ended: Any, started: Any, parent: int) -> None:
    """Open the backends in a fresh worker; leave interrupts to the parent, and end with it or when it says so."""
    global _decoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started.put(os.getpid())
    threading.Thread(target=_end_with, args=(ended, parent), daemon=True).start()
    tempfile.tempdir = str(scratch)
    _decoder = Decoder(work)


def _end_with(ended: Any, parent: int) -> None:
    # A recogniser that holds the interpreter's lock delays this; the parent's signal does not wait for it.
    while not ended.wait(WAKE_S) and os.getppid() == parent:
        pass
    os._exit(1)


def _transcribe(batches: list[pl.DataFrame]) -> list[Decoded]:
    if _decoder is None:
        raise RuntimeError("the worker was not started")
    return list(_decoder.transcribe_each(batches))
