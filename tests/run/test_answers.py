"""Asking backends: batches of like duration, a culprit found alone, memory that runs out, plug-ins that break rules."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from asrfair.backend.base import Alternative, Backend, Outcome, Request, Word
from asrfair.errors import BackendError, InputError
from asrfair.run.answers import HALVED, Asking, transcribe_checked

RATE = 16_000
Answers = Callable[[Sequence[Request]], object]


class Told:
    """A backend that answers as told and keeps the ids of each batch it was asked for."""

    argument = None
    needs_audio = True
    sample_rate = RATE

    def __init__(self, answer: Answers, *, batch_size: int = 4, batch_seconds: float | None = None) -> None:
        self.answer = answer
        self.batch_size, self.batch_seconds = batch_size, batch_seconds
        self.batches: list[list[str]] = []

    def transcribe(self, requests: Sequence[Request]) -> object:
        self.batches.append([request.utterance_id for request in requests])
        return self.answer(requests)


def said(requests: Sequence[Request]) -> list[Outcome]:
    return [Outcome(hypothesis=request.utterance_id) for request in requests]


def utterances(*seconds: float) -> list[Request]:
    return [
        Request(f"u{number}", "clean", "en", RATE, np.zeros(int(length * RATE), dtype=np.float32))
        for number, length in enumerate(seconds)
    ]


def asked(backend: Told, requests: Sequence[Request]) -> list[Outcome]:
    return [answer.outcome for answer in Asking(backend).ask(requests)]  # type: ignore[arg-type]


def test_batches_are_of_like_duration_and_answers_in_order() -> None:
    backend = Told(said, batch_size=3)
    outcomes = asked(backend, utterances(1, 5, 2, 4, 3))
    assert [outcome.hypothesis for outcome in outcomes] == ["u0", "u1", "u2", "u3", "u4"]
    assert backend.batches == [["u1", "u3", "u4"], ["u2", "u0"]]


def test_a_batch_is_no_longer_than_wanted_padding_included() -> None:
    backend = Told(said, batch_size=8, batch_seconds=6)
    asked(backend, utterances(1, 5, 2, 3, 1))
    # Five seconds, padded to two utterances, would be ten; an utterance alone may be longer than the limit.
    assert backend.batches == [["u1"], ["u3", "u2"], ["u4", "u0"]]
    alone = Told(said, batch_seconds=0.5)
    asked(alone, utterances(1, 1))
    assert alone.batches == [["u1"], ["u0"]]


def test_nothing_asked_nothing_answered() -> None:
    backend = Told(said)
    assert asked(backend, []) == []
    assert backend.batches == []


@pytest.mark.parametrize("fault", ["raises", "is silent"])
def test_a_culprit_fails_alone(fault: str) -> None:
    def answer(requests: Sequence[Request]) -> object:
        if any(request.utterance_id == "u2" for request in requests):
            if fault == "raises":
                raise KeyError("u2")
            return said(requests)[:-1]
        return said(requests)

    outcomes = asked(Told(answer, batch_size=8), utterances(*range(1, 8)))
    wanted = "raised KeyError: 'u2'" if fault == "raises" else "gave 0 outcomes; expected 1"
    assert wanted in str(outcomes[2].failure)
    assert [outcome.hypothesis for outcome in outcomes] == ["u0", "u1", None, "u3", "u4", "u5", "u6"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_a_batch_that_does_not_fit_is_halved_and_so_are_those_after_it(error: Exception) -> None:
    def answer(requests: Sequence[Request]) -> object:
        if len(requests) > 2:
            raise error
        return said(requests)

    backend = Told(answer, batch_size=4)
    asking = Asking(backend)  # type: ignore[arg-type]
    answers = asking.ask(utterances(1, 1, 1, 1))
    assert [len(batch) for batch in backend.batches] == [4, 2, 2]
    assert {answer.note for answer in answers} == {HALVED}
    assert [answer.outcome.hypothesis for answer in answers] == ["u0", "u1", "u2", "u3"]
    backend.batches.clear()
    assert {answer.note for answer in asking.ask(utterances(1, 1, 1, 1))} == {None}
    assert [len(batch) for batch in backend.batches] == [2, 2]


def test_one_utterance_that_does_not_fit_is_a_failure() -> None:
    def answer(requests: Sequence[Request]) -> object:
        raise MemoryError("no room")

    outcomes = asked(Told(answer, batch_size=2), utterances(1, 1))
    assert [outcome.failure for outcome in outcomes] == ["the backend raised MemoryError: no room"] * 2


def test_what_ends_a_run_is_passed_on() -> None:
    for error in (InputError("gone"), BackendError("wrong key")):

        def answer(requests: Sequence[Request], error: Exception = error) -> object:
            raise error

        with pytest.raises(type(error), match=str(error)):
            asked(Told(answer), utterances(1, 1))


def test_seconds_are_the_backends_own_or_a_share_of_the_batch() -> None:
    def answer(requests: Sequence[Request]) -> object:
        return [Outcome(hypothesis="x", seconds=7.5), Outcome(hypothesis="x")]

    own, shared = Asking(Told(answer)).ask(utterances(2, 1))  # type: ignore[arg-type]
    assert own.seconds == 7.5
    assert 0 <= shared.seconds < 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["text"], "gave str; expected an Outcome"),
        ([Outcome(hypothesis="caf\udce9")], "no valid Unicode"),
        ([Outcome(hypothesis=3)], "gave int in its outcome"),  # type: ignore[arg-type]
        ([Outcome(hypothesis="x", words=(Word("x", confidence=1.2),))], "confidence 1.2"),
        ([Outcome(hypothesis="x", words=(Word("x", 0.5, 0.4),))], "an end that is not before its start"),
        ([Outcome(hypothesis="x", alternatives=(Alternative("x", float("nan")),))], "the number nan"),
        ([Outcome(hypothesis="x", language=7)], "gave int in its outcome"),  # type: ignore[arg-type]
        ([], "gave 0 outcomes; expected 1"),
        (5, "raised TypeError"),
    ],
)
def test_a_plug_in_that_breaks_the_rules_costs_the_utterance(answers: object, reason: str) -> None:
    backend: Backend = Told(lambda requests: answers)  # type: ignore[assignment]
    (outcome,) = transcribe_checked(backend, utterances(1)) or []
    assert outcome.hypothesis is None
    assert reason in str(outcome.failure)
