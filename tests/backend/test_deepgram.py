"""Deepgram's format: what is sent, what is told, an answer for the wrong file."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend.base import Alternative, Outcome, Word
from asrfair.backend.deepgram import DeepgramBackend
from asrfair.errors import BackendError
from tests.backend.servers import KEY, VARIABLE, Asked, Provider, Say, deepgram_answer, request, serve


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    with serve(deepgram_answer) as running:
        yield running


def ask(provider: Provider, **options: Any) -> Outcome:
    backend = DeepgramBackend(model="nova-3", base_url=f"{provider.url}/v1", key_variable=VARIABLE, **options)
    (outcome,) = backend.transcribe([request(1)])
    backend.close()
    return outcome


def saying(provider: Provider, **changes: Any) -> None:
    """Answer with the channel changed."""

    def changed(asked: Asked) -> Say:
        answer = deepgram_answer(asked)
        answer["results"]["channels"][0] |= changes
        return Say(200, answer)

    provider.always = changed


def test_what_is_sent_and_told(provider: Provider) -> None:
    outcome = ask(provider, punctuate=True)
    (asked,) = provider.asked
    assert asked.path == "/v1/listen"
    assert asked.headers["authorization"] == f"Token {KEY}"
    assert asked.headers["content-type"] == "audio/wav"
    assert asked.query == {
        "model": "nova-3",
        "version": "latest",
        "language": "en-US",
        "punctuate": "true",
        "smart_format": "false",
    }
    assert outcome.hypothesis == "w1"
    assert outcome.words == (Word("w1", 0.0, 0.01, 0.75),)
    assert (outcome.alternatives, outcome.language) == ((), None)


def test_detection(provider: Provider) -> None:
    assert ask(provider, language="").language == "en"
    assert provider.asked[0].query["detect_language"] == "true"
    assert "language" not in provider.asked[0].query


def test_flac(provider: Provider) -> None:
    assert ask(provider, audio="flac").hypothesis == "w1"
    assert provider.asked[0].headers["content-type"] == "audio/flac"


def test_an_answer_for_another_file(provider: Provider) -> None:
    def other(asked: Asked) -> Say:
        answer = deepgram_answer(asked)
        answer["metadata"]["sha256"] = hashlib.sha256(b"other").hexdigest()
        return Say(200, answer)

    provider.always = other
    outcome = ask(provider)
    assert outcome.hypothesis is None
    assert outcome.failure == (
        "deepgram: found an answer for another file (metadata.sha256); expected one for the file sent"
    )


def test_a_digest_in_capitals_is_the_digest(provider: Provider) -> None:
    def capitals(asked: Asked) -> Say:
        answer = deepgram_answer(asked)
        answer["metadata"]["sha256"] = answer["metadata"]["sha256"].upper()
        return Say(200, answer)

    provider.always = capitals
    assert ask(provider).hypothesis == "w1"


def test_silence_is_an_empty_hypothesis(provider: Provider) -> None:
    saying(provider, alternatives=[{"transcript": "", "confidence": 0.0, "words": []}])
    assert ask(provider).hypothesis == ""


def test_several_alternatives(provider: Provider) -> None:
    saying(provider, alternatives=[{"transcript": "a", "confidence": 0.9}, {"transcript": "b"}])
    assert ask(provider).alternatives == (Alternative("a", 0.9), Alternative("b", None))


def test_punctuated_words_are_those_of_the_text(provider: Provider) -> None:
    word = {"word": "hello", "punctuated_word": "Hello.", "start": 0.5, "end": 0.7, "confidence": 0.5}
    saying(provider, alternatives=[{"transcript": "Hello.", "confidence": 1, "words": [word]}])
    assert ask(provider).words == (Word("Hello.", 0.5, 0.7, 0.5),)


@pytest.mark.parametrize("alternatives", [None, [], [{}], [{"transcript": None}], [{"confidence": 0.5}], ["a"], "a"])
def test_no_transcript_is_a_failure(provider: Provider, alternatives: object) -> None:
    saying(provider, alternatives=alternatives)
    outcome = ask(provider)
    assert outcome.hypothesis is None
    assert "expected" in str(outcome.failure)


@pytest.mark.parametrize(
    "answer", [{"results": {"channels": []}, "metadata": {}}, {"metadata": {}}, {"results": {"channels": [{}, {}]}}]
)
def test_no_channel_is_a_failure(provider: Provider, answer: object) -> None:
    provider.always = Say(200, answer)
    assert ask(provider).hypothesis is None


def test_an_unknown_model_ends_the_run_at_once(provider: Provider) -> None:
    said = "Bad Request: No such model/language/tier combination found."
    provider.always = Say(400, {"err_code": "Bad Request", "err_msg": said, "request_id": "r"})
    with pytest.raises(BackendError, match="deepgram: 400: Bad Request: No such model"):
        ask(provider)
    assert len(provider.asked) == 1
