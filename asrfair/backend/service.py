"""Recognisers behind an address: what all of them share, from a request's waveform to an outcome.

A request is encoded in memory and sent under a name that says nothing. What may pass (status 408, 425, 429 and from
500 on, no connection, no answer in time) is asked again; what will not (401, 402, 403, 404, an unknown model) ends the
run, which goes on where it was when started again; any other refusal, and an answer without its text, is the failure
of its utterance. After ``give_up_after`` failures in a row the run ends too, instead of filling with failures.
"""

import threading
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from asrfair.backend.base import Outcome, Request
from asrfair.backend.credentials import Credential
from asrfair.backend.exchange import Exchange, Post, Reply
from asrfair.backend.remote import RefusedError, Remote
from asrfair.backend.retrying import (
    Pace,
    Patience,
    TransientError,
    retry_after_s,
    with_retries,
)
from asrfair.backend.wire import UnusableError, printable
from asrfair.errors import BackendError, CardError

QUOTED_CHARACTERS = 200
READ_CHARACTERS = 20_000
AGAIN = (408, 425, 429)
# Options that change how long a run takes and how much of it fails, but no answer.
CHANGES_NOTHING = frozenset(
    {
        "timeout_s",
        "tries",
        "total_s",
        "requests_per_minute",
        "concurrency",
        "give_up_after",
        "price_per_minute",
        "key_variable",
    }
)


@dataclass(frozen=True)
class Manner:
    """How a service is asked; nothing of it changes what it answers, but for ``sample_rate`` in Hz and ``audio``.

    ``timeout_s`` is the longest wait for an answer; ``tries`` and ``total_s`` bound asking again for one utterance.
    ``requests_per_minute`` (None: no limit) and ``concurrency`` hold for each worker process. ``price_per_minute`` of
    audio is the user's, in any currency: prices change, so none comes with asrfair. Raises CardError.
    """

    where: str
    sample_rate: int
    audio: str
    timeout_s: float
    tries: int
    total_s: float
    requests_per_minute: float | None
    concurrency: int
    give_up_after: int
    price_per_minute: float | None

    def __post_init__(self) -> None:
        pace, price = self.requests_per_minute, self.price_per_minute
        self._check(self.sample_rate > 0, "sample_rate", "a rate in Hz above 0")
        self._check(self.timeout_s > 0, "timeout_s", "seconds above 0")
        self._check(self.tries > 0, "tries", "a whole number above 0")
        self._check(self.total_s > 0, "total_s", "seconds above 0")
        self._check(pace is None or pace > 0, "requests_per_minute", "a number above 0")
        self._check(0 < self.concurrency <= 64, "concurrency", "1 to 64 requests at a time")
        self._check(self.give_up_after > 0, "give_up_after", "a number of failures in a row, above 0")
        self._check(price is None or price >= 0, "price_per_minute", "a price from 0 on")

    def _check(self, good: bool, name: str, wanted: str) -> None:
        if not good:
            raise CardError(f"{self.where}: found {name} {getattr(self, name)}; expected {wanted}")


class Service(Remote):
    """A service for speech recognition; a subclass knows its provider's wire format.

    An outcome's ``seconds`` are those from sending an utterance to the answer's last byte, the network included and
    waits for a turn or another try excluded: what a user of the service would wait.
    """

    argument: ClassVar[str | None] = "model"
    changes_nothing: ClassVar[frozenset[str]] = CHANGES_NOTHING

    def __init__(self, *, url: str, credential: Credential, manner: Manner) -> None:
        super().__init__(
            sample_rate=manner.sample_rate,
            audio=manner.audio,
            concurrency=manner.concurrency,
            give_up_after=manner.give_up_after,
        )
        self._url = url
        self._credential = credential
        self._manner = manner
        self._exchange = Exchange(url, timeout_s=manner.timeout_s, where=self.name)
        self._patience = Patience(manner.tries, manner.total_s)
        self._pace = Pace(manner.requests_per_minute)

    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """Return the decoding options that answers depend on, for the identity."""

    @abstractmethod
    def _post(self, request: Request, audio: bytes) -> Post:
        """Return what to send for an utterance."""

    @abstractmethod
    def _read(self, answer: Mapping[str, Any], request: Request, audio: bytes) -> Outcome:
        """Return the outcome that an answer tells; raises UnusableError for one that lacks its text."""

    def _is_hopeless(self, status: int, answer: Mapping[str, Any], text: str) -> bool:
        """Return whether a refusal will meet every other utterance too: the model is unknown, the quota is used up."""
        return False

    def identity(self) -> Mapping[str, str]:
        """Return the service's address and all that is asked of it; what runs behind it may change untold."""
        return {
            "service": self._url,
            **self.settings(),
            "audio": f"{self._manner.audio}, 16 bits, {self._manner.sample_rate} Hz",
        }

    def estimate(self, seconds_of_audio: float, utterances: int) -> str:
        """Return what a run will cost and take at least, in words: one request per utterance, none asked again."""
        minutes, price, pace = seconds_of_audio / 60, self._manner.price_per_minute, self._manner.requests_per_minute
        cost = (
            "cost unknown (give the option price_per_minute)"
            if price is None
            else f"about {minutes * price:,.2f} at {price:g} per minute, before what the service rounds up"
        )
        time = (
            "time unknown before the first answers"
            if pace is None
            else f"at least {_duration(utterances / pace)} at {pace:g} requests per minute"
        )
        return f"{self.name}: {utterances:,} requests with {_duration(minutes)} of audio: {cost}; {time}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def _answered(self, request: Request, audio: bytes, stop: threading.Event) -> Outcome:
        post = self._post(request, audio)
        reply = with_retries(lambda: self._send(post), patience=self._patience, pace=self._pace, stop=stop)
        return replace(self._outcome(reply, request, audio), seconds=reply.seconds)

    def _send(self, post: Post) -> Reply:
        """Send once and return an answer that says that it is one."""
        reply = self._exchange.send(post, self._credential.headers())
        status = reply.status
        if 200 <= status < 300:
            return reply
        said = self._said(reply)
        if 300 <= status < 400:
            raise BackendError(
                f"{self.name}: {status}: the service sends elsewhere, where no key is sent to; expected "
                "the address that answers itself"
            )
        if status == 401:
            raise BackendError(f"{self.name}: 401: the service refuses the key ({self._credential.source})")
        if status in (402, 403, 404) or self._is_hopeless(status, _object(reply), reply.text[:READ_CHARACTERS]):
            raise BackendError(f"{self.name}: {said}")
        if status in AGAIN or status >= 500:
            raise TransientError(said, least_wait_s=retry_after_s(reply.headers))
        raise RefusedError(said)

    def _said(self, reply: Reply) -> str:
        """Return a refusal's status and words, short, on one line and without the key."""
        text = _message(_object(reply)) or reply.text[:READ_CHARACTERS]
        # Hidden before it is cut: the beginning of a key would not be known for one.
        shown = printable(self._credential.hide(text))
        shown = shown if len(shown) <= QUOTED_CHARACTERS else f"{shown[:QUOTED_CHARACTERS]}…"
        return f"{reply.status}: {shown}" if shown else f"{reply.status}, saying nothing"

    def _outcome(self, reply: Reply, request: Request, audio: bytes) -> Outcome:
        if self._credential.is_in(reply.text):
            raise UnusableError("found the key in the answer; expected a transcript, which is not kept")
        try:
            answer = reply.json()
        except (ValueError, RecursionError):
            shown = printable(self._credential.hide(reply.text[:READ_CHARACTERS]))[:QUOTED_CHARACTERS]
            raise UnusableError(f"found the answer {shown!r}; expected JSON") from None
        if not isinstance(answer, dict):
            raise UnusableError(f"found {type(answer).__name__} as the answer; expected a JSON object")
        return self._read(answer, request, audio)


def _object(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = reply.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _message(answer: Mapping[str, Any]) -> str:
    """Return the words of an error as OpenAI, Deepgram, Google and Azure put them; "" for any other form."""
    error = answer.get("error", answer)
    if isinstance(error, str):
        return error
    if isinstance(error, dict):
        return next((error[name] for name in ("message", "err_msg", "detail") if isinstance(error.get(name), str)), "")
    return ""


def _duration(minutes: float) -> str:
    return f"{minutes / 60:,.1f} h" if minutes >= 60 else f"{minutes:.1f} min"
