"""Batches over worker processes of this machine: each loads the recognisers once, and ends with the run."""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from asrfair.errors import IncompleteError
from asrfair.run.decode import Decoder
from asrfair.run.work import Batch, Decoded, Task, Work, in_pieces

WAKE_S = 0.5
_decoder: Decoder | None = None


def on_this_machine(
    work: Work, tasks: Iterator[Task], *, workers: int, together: int, scratch: Path
) -> Iterator[tuple[int, Decoded]]:
    """Yield the tasks' numbers and what came of them, as they finish; ``together`` go to a worker at a time.

    One worker is this process. Raises IncompleteError when a worker process dies, and what a backend that cannot go
    on raises.
    """
    # In the run folder: recordings that a killed worker leaves behind stay private, and go with the next start.
    shutil.rmtree(scratch, ignore_errors=True)
    if workers <= 1:
        yield from _in_process(work, tasks)
        return
    scratch.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    ended, started = context.Event(), context.SimpleQueue()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(work, scratch, ended, started, os.getpid())
    )
    try:
        yield from _in_pool(pool, tasks, ahead=2 * workers, together=together)
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


def _in_process(work: Work, tasks: Iterator[Task]) -> Iterator[tuple[int, Decoded]]:
    first = next(tasks, None)
    if first is None:
        return
    numbers: deque[int] = deque()

    def batches() -> Iterator[Batch]:
        for number, batch in chain([first], tasks):
            numbers.append(number)
            yield batch

    decoder = Decoder(work)
    try:
        for decoded in decoder.transcribe_each(batches()):
            yield numbers.popleft(), decoded
    finally:
        decoder.close()


def _in_pool(
    pool: ProcessPoolExecutor, tasks: Iterator[Task], *, ahead: int, together: int
) -> Iterator[tuple[int, Decoded]]:
    waiting = in_pieces(tasks, together)
    running: dict[Future[list[Decoded]], list[int]] = {}

    def submit() -> None:
        for piece in waiting:
            running[pool.submit(_transcribe, [batch for _, batch in piece])] = [number for number, _ in piece]
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


def _transcribe(batches: list[Batch]) -> list[Decoded]:
    if _decoder is None:
        raise RuntimeError("the worker was not started")
    return list(_decoder.transcribe_each(batches))
