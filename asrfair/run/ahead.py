"""Working ahead: a thread makes the next items while the present one is in use."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
POLL_S = 0.1


def ahead(items: Iterable[Item], *, depth: int) -> Iterator[Item]:
    """Yield the items, up to ``depth`` of them made ahead by a thread; what making them raises is raised here.

    With a depth of 0 there is no thread. Once this generator is closed nothing more is made.
    """
    if depth < 1:
        yield from items
        return
    maker = _Maker(items, depth)
    maker.start()
    try:
        yield from maker.made()
    finally:
        maker.stop()


class _Maker(threading.Thread, Generic[Item]):
    def __init__(self, items: Iterable[Item], depth: int) -> None:
        super().__init__(daemon=True)
        self._items = items
        # One that is made and waits for a place counts as well.
        self._ready: queue.Queue[tuple[Item] | None] = queue.Queue(max(1, depth - 1))
        self._stopped = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    return
        except BaseException as error:
            self._error = error
        self._put(None)

    def made(self) -> Iterator[Item]:
        while (found := self._ready.get()) is not None:
            yield found[0]
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _put(self, item: tuple[Item] | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False
