"""Recognisers elsewhere: several utterances at a time, and an end instead of a table full of failures.

After ``give_up_after`` failures in a row a run ends: what is finished is kept, and the run goes on from there when it
is started again. What cannot go well for any utterance ends it at once.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import ClassVar

from asrfair.backend.base import Outcome, Request
from asrfair.backend.retrying import GivenUpError, StoppedError
from asrfair.backend.wire import UnusableError, encoded, unusable_audio
from asrfair.errors import BackendError

WAKE_S = 0.5


class RefusedError(Exception):
    """The service refuses this utterance: its code and its words."""


class Remote(ABC):
    """Asks for every request of a batch in a thread of its own, ``concurrency`` of them at a time.

    A subclass answers for one utterance, encoded as ``audio`` says at ``sample_rate`` Hz.
    """

    name: ClassVar[str]
    needs_audio: ClassVar[bool] = True
    waits: ClassVar[bool] = True

    def __init__(self, *, sample_rate: int, audio: str, concurrency: int, give_up_after: int) -> None:
        self.sample_rate: int | None = sample_rate
        self._audio = audio
        self._concurrency = concurrency
        self._give_up_after = give_up_after
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._has_answered = False

    @abstractmethod
    def _answered(self, request: Request, audio: bytes, stop: threading.Event) -> Outcome:
        """Return the outcome of one utterance.

        Raises GivenUpError, UnusableError and RefusedError where it fails, StoppedError once ``stop`` is set, and
        BackendError where all others would fail as well.
        """

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; raises BackendError."""
        if not requests:
            return []
        stop = threading.Event()
        with ThreadPoolExecutor(min(self._concurrency, len(requests))) as pool:
            asked = [pool.submit(self._ask, request, stop) for request in requests]
            try:
                # With a timeout, since an interrupt does not always wake a thread that waits without one.
                done, waiting = wait(asked, timeout=WAKE_S, return_when=FIRST_EXCEPTION)
                while waiting and not any(one.exception() for one in done):
                    done, waiting = wait(asked, timeout=WAKE_S, return_when=FIRST_EXCEPTION)
            finally:
                # All have answered, or one cannot go on, or the user interrupts: nobody waits for another try.
                stop.set()
        failed = [error for one in asked if (error := one.exception()) and not isinstance(error, StoppedError)]
        if failed:
            raise failed[0]
        return [one.result() for one in asked]

    def _ask(self, request: Request, stop: threading.Event) -> Outcome:
        if stop.is_set():
            raise StoppedError
        problem = unusable_audio(request, self.sample_rate)
        if problem is not None or request.samples is None:
            return Outcome(failure=f"{self.name}: {problem}")
        try:
            outcome = self._answered(request, encoded(request.samples, request.sample_rate, self._audio), stop)
        except (GivenUpError, UnusableError, RefusedError) as error:
            outcome = Outcome(failure=f"{self.name}: {error}")
            self._count_failure(outcome, stop, refused=isinstance(error, RefusedError))
            return outcome
        except BackendError:
            # Now, since the next request is about to be sent.
            stop.set()
            raise
        with self._lock:
            self._has_answered = True
            self._failed_in_a_row = 0
        return outcome

    def _count_failure(self, outcome: Outcome, stop: threading.Event, *, refused: bool) -> None:
        """Count a failure; raises BackendError for the last one that is put up with.

        A service that has answered may refuse as many utterances as it likes: then it is they that are at fault.
        """
        with self._lock:
            if refused and self._has_answered:
                return
            self._failed_in_a_row += 1
            if self._failed_in_a_row < self._give_up_after:
                return
        stop.set()
        raise BackendError(
            f"{outcome.failure}; given up after {self._give_up_after} failures in a row (option give_up_after): what "
            "is finished is kept, start the same run again to go on"
        )
