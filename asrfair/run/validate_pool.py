"""The same function over many batches, in spawned worker processes that end with their parent."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, TypeVar

from asrfair.errors import IncompleteError

WAKE_S = 0.5
Batch = TypeVar("Batch")
Result = TypeVar("Result")


def over(function: Callable[[Batch], Result], batches: Sequence[Batch], *, workers: int) -> Iterator[Result]:
    """Yield the function's results as they come, in no order; in this process where one worker is enough.

    The function and the batches are pickled. Raises IncompleteError when a worker dies; an interrupt ends the workers
    at once.
    """
    workers = min(workers, len(batches))
    if workers <= 1:
        yield from map(function, batches)
        return
    context = multiprocessing.get_context("spawn")
    ended, started = context.Event(), context.SimpleQueue()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(ended, started, os.getpid()))
    try:
        yield from _in_pool(pool, function, batches, ahead=2 * workers)
    except BrokenProcessPool:
        raise IncompleteError(
            'a worker process died (out of memory? or called from Python without `if __name__ == "__main__"`?); '
            "nothing was written"
        ) from None
    finally:
        ended.set()
        while not started.empty():
            with suppress(ProcessLookupError):
                os.kill(started.get(), signal.SIGTERM)
        pool.shutdown(wait=True, cancel_futures=True)


def _in_pool(
    pool: ProcessPoolExecutor, function: Callable[[Batch], Result], batches: Sequence[Batch], *, ahead: int
) -> Iterator[Result]:
    waiting = iter(batches)
    running: set[Future[Result]] = set()

    def submit() -> None:
        for batch in waiting:
            running.add(pool.submit(function, batch))
            return

    for _ in range(ahead):
        submit()
    while running:
        # With a timeout, since an interrupt does not always wake a thread that waits without one.
        finished, _ = wait(running, timeout=WAKE_S, return_when=FIRST_COMPLETED)
        for future in finished:
            running.discard(future)
            yield future.result()
            submit()


def _start(ended: Any, started: Any, parent: int) -> None:
    """Leave interrupts to the parent, and end with it or when it says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started.put(os.getpid())
    threading.Thread(target=_end_with, args=(ended, parent), daemon=True).start()


def _end_with(ended: Any, parent: int) -> None:
    while not ended.wait(WAKE_S) and os.getppid() == parent:
        pass
    os._exit(1)
