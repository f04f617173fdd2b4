"""Asking again: how long to wait, how often, and not faster than agreed.

Waits grow exponentially, with full jitter: uniformly between nothing and the step (Brooker 2015, «Exponential Backoff
And Jitter», AWS Architecture Blog). A Retry-After (RFC 9110, section 10.2.3) is a least wait.
"""

import email.utils
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

FIRST_STEP_S = 1.0
LONGEST_STEP_S = 60.0
T = TypeVar("T")
# Named here, so that a test can put in a clock that does not take its time.
clock = time.monotonic
wall_clock = time.time


class TransientError(Exception):
    """What may go well when asked again; ``least_wait_s`` is what the service asks for."""

    def __init__(self, reason: str, *, least_wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.least_wait_s = least_wait_s


class GivenUpError(Exception):
    """What did not go well within the tries or the time there were."""


class StoppedError(Exception):
    """Waiting was ended, since the run ends."""


@dataclass(frozen=True)
class Patience:
    """How often to ask, and for how many seconds, waits included, from the first time on."""

    tries: int
    total_s: float


class Pace:
    """No more than so many requests per minute by all threads together, evenly spaced; None: as fast as it goes."""

    def __init__(self, requests_per_minute: float | None) -> None:
        self._space_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def take(self, stop: threading.Event) -> None:
        """Wait for one's turn; raises StoppedError."""
        with self._lock:
            now = clock()
            turn = max(now, self._next)
            self._next = turn + self._space_s
        pause(turn - now, stop)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the service asked one thread to wait, and means all."""
        with self._lock:
            self._next = max(self._next, clock() + seconds)


def with_retries(attempt: Callable[[], T], *, patience: Patience, pace: Pace, stop: threading.Event) -> T:
    """Return what the attempt returns; raises GivenUpError, StoppedError, and whatever else the attempt raises."""
    tried = 0
    started: float | None = None
    while True:
        pace.take(stop)
        started = clock() if started is None else started
        tried += 1
        try:
            return attempt()
        except TransientError as trouble:
            wait_s = next_wait_s(tried, trouble.least_wait_s)
            too_long = clock() - started + wait_s > patience.total_s
            if trouble.least_wait_s and not too_long:
                pace.hold(trouble.least_wait_s)
            if too_long or tried >= patience.tries:
                asked = f", asked to wait {trouble.least_wait_s:g} s" if trouble.least_wait_s else ""
                raise GivenUpError(
                    f"{trouble} (given up after {tried} {'try' if tried == 1 else 'tries'}{asked})"
                ) from trouble
        pause(wait_s, stop)


def next_wait_s(tried: int, least_wait_s: float | None) -> float:
    """Return the wait after so many tries: full jitter, on top of what the service asks for."""
    step = min(LONGEST_STEP_S, FIRST_STEP_S * 2.0 ** min(tried - 1, 30))
    # What was asked for is waited out, and all the threads that were asked do not come back at once.
    return random.uniform(0, FIRST_STEP_S) + least_wait_s if least_wait_s else random.uniform(0, step)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After, given as such or as a date; None where there is none that can be read."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - wall_clock())
    except (ValueError, TypeError):
        return None


def pause(seconds: float, stop: threading.Event) -> None:
    """Wait, or raise StoppedError as soon as ``stop`` is set."""
    if stop.wait(max(0.0, seconds)):
        raise StoppedError
