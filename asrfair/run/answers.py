"""Asking a backend: what a plug-in does wrong is a failure with its reason, never a shift or an empty transcript."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asrfair.backend.base import Backend, Outcome, Request
from asrfair.errors import AsrfairError

USUAL_SIZE = 4
HALVED = "out of memory: asked again in smaller batches"


@dataclass(frozen=True)
class Answer:
    """An outcome with the seconds it took and a note on how it came about, if there is something to say."""

    outcome: Outcome
    seconds: float
    note: str | None = None


class Asking:
    """Asks one backend in batches of like duration, as large as it wants them and as its memory allows.

    A backend may say `batch_size`, the utterances that it wants at a time (4 where it does not), and `batch_seconds`,
    the longest batch: its longest utterance times their number. A batch that a backend cannot answer is split until
    the culprit is alone, and fails alone. One that does not fit into memory is halved, and so are all that follow.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.size = wanted_size(backend)
        self.seconds: float | None = getattr(backend, "batch_seconds", None)

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order; raises AsrfairError where the backend cannot go on at all."""
        answers: dict[int, Answer] = {}
        for batch in self._batches(requests):
            answers |= self._asked([(number, requests[number]) for number in batch])
        return [answers[number] for number in range(len(requests))]

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[int]]:
        waiting = sorted(range(len(requests)), key=lambda number: _seconds(requests[number]))
        while waiting:
            batch = [waiting.pop()]
            longest = _seconds(requests[batch[0]])
            while waiting and len(batch) < self.size and not self._is_over(longest * (len(batch) + 1)):
                batch.append(waiting.pop())
            yield batch

    def _is_over(self, seconds: float) -> bool:
        return self.seconds is not None and seconds > self.seconds

    def _asked(self, batch: Sequence[tuple[int, Request]], note: str | None = None) -> dict[int, Answer]:
        started = time.perf_counter()
        try:
            found = transcribe_checked(self.backend, [request for _, request in batch], alone=len(batch) == 1)
        except MemoryError:
            # Their least common size from here on: what did not fit once would not fit again.
            self.size = max(1, len(batch) // 2)
            return self._halves(batch, note=HALVED)
        if found is None:
            return self._halves(batch, note=note)
        share = (time.perf_counter() - started) / len(batch)
        return {
            number: Answer(outcome, share if outcome.seconds is None else outcome.seconds, note)
            for (number, _), outcome in zip(batch, found, strict=True)
        }

    def _halves(self, batch: Sequence[tuple[int, Request]], *, note: str | None) -> dict[int, Answer]:
        middle = len(batch) // 2
        return self._asked(batch[:middle], note) | self._asked(batch[middle:], note)


def wanted_size(backend: Backend) -> int:
    """Return how many utterances a backend wants at a time."""
    return max(1, int(getattr(backend, "batch_size", USUAL_SIZE)))


def transcribe_checked(backend: Backend, requests: Sequence[Request], *, alone: bool = True) -> list[Outcome] | None:
    """Transcribe; what a plug-in does wrong is a failure of the requests with its reason, never a shift.

    If the requests are not ``alone``, the answer is None where splitting them may save some, and MemoryError is raised
    where fewer of them may fit. An AsrfairError, which says that the backend cannot go on at all, is passed on.
    """
    try:
        answers = list(backend.transcribe(requests))
    except AsrfairError:
        raise
    except Exception as error:
        if not alone and _is_memory(error):
            raise MemoryError from error
        reason = f"the backend raised {type(error).__name__}: {error}"
    else:
        if len(answers) == len(requests):
            return [_checked(answer) for answer in answers]
        reason = f"the backend gave {len(answers)} outcomes; expected {len(requests)}"
    return [Outcome(failure=reason)] * len(requests) if alone else None


def _is_memory(error: Exception) -> bool:
    """Return whether memory ran out: torch's error for an accelerator is one of its own, by a name that it keeps."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error)


def _seconds(request: Request) -> float:
    return 0.0 if request.samples is None else len(request.samples) / request.sample_rate


def _checked(answer: object) -> Outcome:
    if not isinstance(answer, Outcome):
        return Outcome(failure=f"the backend gave {type(answer).__name__}; expected an Outcome")
    text = answer.failure if answer.hypothesis is None else answer.hypothesis
    told = [word.text for word in answer.words] + [other.hypothesis for other in answer.alternatives]
    for one in (text, *told, *([] if answer.language is None else [answer.language])):
        if not isinstance(one, str):
            return Outcome(failure=f"the backend gave {type(one).__name__} in its outcome; expected text")
        try:
            one.encode()
        except UnicodeEncodeError as error:
            return Outcome(failure=f"the backend's text is no valid Unicode: {error.reason}")
    wrong = _wrong_number(answer)
    return Outcome(failure=f"the backend gave {wrong}") if wrong else answer


def _wrong_number(answer: Outcome) -> str:
    """Return what is wrong with an outcome's numbers, "" if nothing is; what is not a number would pass for unknown."""
    for word in answer.words:
        for name in ("start_s", "end_s", "confidence"):
            found = getattr(word, name)
            highest = 1.0 if name == "confidence" else math.inf
            if found is not None and not (_is_finite(found) and 0 <= found <= highest):
                return f"a word with {name} {found!r}; expected seconds from 0 on, and a confidence from 0 to 1"
        if word.start_s is not None and word.end_s is not None and word.end_s < word.start_s:
            return f"a word from {word.start_s!r} to {word.end_s!r} s; expected an end that is not before its start"
    for found in (answer.seconds, *(other.score for other in answer.alternatives)):
        if found is not None and not _is_finite(found):
            return f"the number {found!r}; expected a finite one"
    return ""


def _is_finite(found: object) -> bool:
    return isinstance(found, int | float) and math.isfinite(found)
