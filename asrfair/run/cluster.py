"""A run on a Ray cluster: an actor per worker holds the recognisers; a node or a worker that dies costs time only.

Every node needs asrfair with the same packages, and the corpus, the plan's folder and models under the same paths.
Results come back to the driver, which saves them: nothing is written on the nodes.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from asrfair.errors import AsrfairError, IncompleteError, InputError
from asrfair.run.decode import Decoder
from asrfair.run.work import Batch, Decoded, Task, Work, in_pieces

INSTALL = "pip install 'asrfair[ray]'"
# Pieces of work given to an actor at a time: the next is there when one is done.
AHEAD = 2
# A piece whose workers died as often is given up: it may be what kills them.
DEATHS = 3
PATIENCE_S = 600.0
WAKE_S = 1.0

Piece = tuple[int, ...]


@dataclass(frozen=True)
class Cluster:
    """Where a run is done: a Ray cluster's address ("" starts one on this machine), actors, and GPUs for each.

    Without a number of actors there is one per processor core of the cluster, or per share of a GPU.
    """

    address: str = ""
    workers: int = 0
    gpus: float = 0.0


def on_ray(work: Work, tasks: Iterator[Task], cluster: Cluster, *, together: int) -> Iterator[tuple[int, Decoded]]:
    """Yield the tasks' numbers and what came of them, as they finish; ``together`` go to a worker at a time.

    Raises InputError where there is no Ray or no cluster, IncompleteError where workers keep dying or none can be
    placed, and what a backend that cannot go on raises.
    """
    pieces = in_pieces(tasks, together)
    first = next(pieces, None)
    if first is None:
        return
    ray = _package()
    with _connected(ray, cluster):
        crew = _Crew(ray, work, chain([first], pieces), cluster)
        try:
            yield from crew.work()
        finally:
            crew.dismiss()


class _Worker:
    """What an actor runs; made ready by a call of its own, so that what fails is told as it is."""

    def __init__(self, work: Work, folder: str) -> None:
        self._work, self._folder = work, folder
        self._decoder: Decoder | None = None

    def ready(self) -> None:
        if not Path(self._folder).is_dir():
            raise InputError(f"{self._folder}: no such folder on a node of the cluster; expected the same on every one")
        os.chdir(self._folder)
        self._decoder = Decoder(self._work)

    def transcribe(self, batches: list[Batch]) -> list[Decoded]:
        if self._decoder is None:
            raise RuntimeError("the worker was not made ready")
        return list(self._decoder.transcribe_each(batches))


class _Crew:
    """The actors and what each is doing; a dead one's pieces go to the others, and a new one is asked for."""

    def __init__(self, ray: Any, work: Work, pieces: Iterator[tuple[Task, ...]], cluster: Cluster) -> None:
        self.ray, self.pieces = ray, pieces
        self.batches: dict[int, Batch] = {}
        self.waiting: deque[Piece] = deque()
        self.deaths: dict[Piece, int] = {}
        # By call: the actor, and the piece it was given (None while it is being made ready).
        self.calls: dict[Any, tuple[Any, Piece | None]] = {}
        self.actors: list[Any] = []
        self.ready: list[Any] = []
        self.kind = ray.remote(_Worker).options(num_cpus=1, num_gpus=cluster.gpus)
        self.arguments = (ray.put(work), os.getcwd())
        places = cluster.workers or _places(ray, cluster)
        self.enough = AHEAD * places
        self.prepare()
        for _ in range(min(places, len(self.waiting))):
            self.hire()

    def prepare(self) -> None:
        """Have as much work waiting as all actors could take, if there is as much."""
        for piece in islice(self.pieces, max(0, self.enough - len(self.waiting))):
            self.batches.update(piece)
            self.waiting.append(tuple(number for number, _ in piece))

    def hire(self) -> None:
        actor = self.kind.remote(*self.arguments)
        self.actors.append(actor)
        self.calls[actor.ready.remote()] = (actor, None)

    def work(self) -> Iterator[tuple[int, Decoded]]:
        """Yield results until nothing is left to do."""
        idle_since = time.monotonic()
        while self.waiting or any(piece for _, piece in self.calls.values()):
            finished, _ = self.ray.wait(list(self.calls), num_returns=1, timeout=WAKE_S)
            for call in finished:
                actor, piece = self.calls.pop(call)
                found = self.result(call, actor, piece)
                if found is not None:
                    for number in piece or ():
                        del self.batches[number]
                    yield from zip(piece or (), found, strict=True)
            for actor in self.ready:
                self.give(actor)
            self.prepare()
            if any(piece for _, piece in self.calls.values()):
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > PATIENCE_S:
                raise IncompleteError(
                    f"no node of the cluster had room for a worker in {PATIENCE_S:g} s; finished batches are saved: "
                    "start the same run again to go on"
                )

    def result(self, call: Any, actor: Any, piece: Piece | None) -> list[Decoded] | None:
        """Return what a call gave (nothing for one that made an actor ready), or None where its actor died."""
        exceptions = self.ray.exceptions
        try:
            found = self.ray.get(call)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, AsrfairError):
                raise error.cause from None
            raise
        except (exceptions.RayActorError, exceptions.NodeDiedError, exceptions.ObjectLostError) as error:
            self.bury(actor, piece, error)
            return None
        if found is None:
            self.ready.append(actor)
        return found or []

    def give(self, actor: Any) -> None:
        """Give an actor work up to what it should have."""
        held = sum(other is actor for other, _ in self.calls.values())
        for _ in range(min(AHEAD - held, len(self.waiting))):
            piece = self.waiting.popleft()
            call = actor.transcribe.remote([self.batches[number] for number in piece])
            self.calls[call] = (actor, piece)

    def bury(self, actor: Any, piece: Piece | None, error: Exception) -> None:
        """Put a dead actor's piece back, first in line, and ask for another actor in its place."""
        if piece is not None:
            self.waiting.appendleft(piece)
        if actor not in self.actors:
            return
        self.actors.remove(actor)
        self.ready = [other for other in self.ready if other is not actor]
        # Of the pieces that it held, the one it was at is the oldest; its calls end in their order.
        suspect = () if piece is None else piece
        self.deaths[suspect] = self.deaths.get(suspect, 0) + 1
        if self.deaths[suspect] >= DEATHS:
            raise IncompleteError(
                f"{DEATHS} workers died one after another at the same batch (out of memory?): {_first_line(error)}; "
                "finished batches are saved: start the same run again to go on"
            )
        self.hire()

    def dismiss(self) -> None:
        """End all actors at once: an interrupt does not wait for the batches in flight."""
        for actor in self.actors:
            self.ray.kill(actor)


def _places(ray: Any, cluster: Cluster) -> int:
    resources = ray.cluster_resources()
    places = int(resources.get("CPU", 0))
    if cluster.gpus:
        places = min(places, int(resources.get("GPU", 0) / cluster.gpus))
    if places < 1:
        wanted = f"a processor core and {cluster.gpus:g} GPU" if cluster.gpus else "a processor core"
        raise InputError(f"--engine ray: found no node with {wanted} in the cluster; expected one")
    return places


def _package() -> Any:
    # Before the import: Ray reads it there. It would tell its maker of each start.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError(f"--engine ray: Ray is not installed ({error}); expected it: {INSTALL}") from error
    return ray


@contextmanager
def _connected(ray: Any, cluster: Cluster) -> Iterator[None]:
    """Connect to the cluster, or start one on this machine that ends with the run; one that is connected stays."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if cluster.address:
            ray.init(address=cluster.address, **quiet)
        else:
            places = cluster.workers or None
            ray.init(num_cpus=places, include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        where = cluster.address or "this machine"
        raise InputError(f"--engine ray: {where}: {_first_line(error)}; expected a Ray cluster") from error
    try:
        yield
    finally:
        ray.shutdown()


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
