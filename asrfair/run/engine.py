"""The engine: batches over worker processes, each saved as it finishes; an interrupted run goes on where it was.

A batch is BATCH utterances (by sorted id) under every condition and backend. Its outcomes are one Parquet file
in the run folder's ``work``; what is there already is not done again.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import polars as pl

from asrfair.errors import IncompleteError, RunFolderError
from asrfair.results import write_table
from asrfair.run.decode import OUTCOMES, Decoder, Work

BATCH = 4
WORK = "work"
WAKE_S = 0.5

Progress = Callable[[int, int], None]
_decoder: Decoder | None = None


def decode_all(work: Work, utterances: pl.DataFrame, folder: Path, *, workers: int, progress: Progress) -> pl.DataFrame:
    """Return the outcomes of all utterances, sorted by backend, condition and utterance id.

    ``progress(done, total)`` is called in utterances. Raises IncompleteError when a worker process dies.
    """
    batches = list(utterances.sort("utterance_id").iter_slices(BATCH))
    shards = [folder / WORK / f"batch-{number:06d}.parquet" for number in range(len(batches))]
    missing = [number for number, shard in enumerate(shards) if not shard.is_file()]
    done = sum(len(batches[number]) for number in set(range(len(batches))) - set(missing))
    progress(done, len(utterances))
    for number, outcomes in _outcomes(work, batches, missing, workers=workers):
        write_table(shards[number], outcomes)
        done += len(batches[number])
        progress(done, len(utterances))
    outcomes = pl.concat([pl.DataFrame(schema=OUTCOMES), *(_read(shard) for shard in shards)])
    return outcomes.sort("backend", "condition", "utterance_id")


def _read(shard: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(shard)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunFolderError(
            f"{shard}: cannot be read; expected a finished batch (delete it to have it redone)"
        ) from error


def _outcomes(
    work: Work, batches: list[pl.DataFrame], missing: list[int], *, workers: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    workers = min(workers, len(missing))
    if workers <= 1:
        yield from _in_process(work, batches, missing)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(work, os.getpid()),
    )
    try:
        yield from _in_pool(pool, batches, missing, ahead=2 * workers)
    except BrokenProcessPool:
        raise IncompleteError(
            "a worker process died (out of memory?); finished batches are saved: start the same run again to go on"
        ) from None
    finally:
        # Without this, an interrupt would wait for the batches in flight.
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_process(work: Work, batches: list[pl.DataFrame], missing: list[int]) -> Iterator[tuple[int, pl.DataFrame]]:
    if not missing:
        return
    decoder = Decoder(work)
    try:
        for number in missing:
            yield number, decoder.transcribe(batches[number])
    finally:
        decoder.close()


def _in_pool(
    pool: ProcessPoolExecutor, batches: list[pl.DataFrame], missing: list[int], *, ahead: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    waiting = iter(missing)
    running: dict[Future[pl.DataFrame], int] = {}

    def submit() -> None:
        for number in waiting:
            running[pool.submit(_transcribe, batches[number])] = number
            return

    for _ in range(ahead):
        submit()
    while running:
        # With a timeout, since an interrupt does not always wake a thread that waits without one.
        finished, _ = wait(running, timeout=WAKE_S, return_when=FIRST_COMPLETED)
        for future in finished:
            yield running.pop(future), future.result()
            submit()


def _start(work: Work, parent: int) -> None:
    """Open the backends in a fresh worker; leave interrupts to the parent, and end when the parent is gone."""
    global _decoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _decoder = Decoder(work)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _transcribe(utterances: pl.DataFrame) -> pl.DataFrame:
    if _decoder is None:
        raise RuntimeError("the worker was not started")
    return _decoder.transcribe(utterances)
