"""An OpenAI-compatible endpoint: what is sent, what is told, what is refused."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend.base import Outcome, Word
from asrfair.backend.openai import OpenAIBackend, words_of_tokens
from asrfair.errors import BackendError, CardError
from tests.backend.servers import KEY, VARIABLE, Provider, Say, openai_answer, request, serve


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    with serve(openai_answer) as running:
        yield running


def ask(provider: Provider, *, language: str = "en-US", **options: Any) -> Outcome:
    backend = OpenAIBackend(model="whisper-1", base_url=f"{provider.url}/v1/", key_variable=VARIABLE, **options)
    (outcome,) = backend.transcribe([request(1, language=language)])
    backend.close()
    return outcome


def test_what_is_sent(provider: Provider) -> None:
    assert ask(provider, prompt="Hello é", temperature=0.2).hypothesis == "w1"
    (asked,) = provider.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.form() == {
        "model": "whisper-1",
        "response_format": "json",
        "temperature": "0.2",
        "language": "en",
        "prompt": "Hello é",
    }
    assert [(name, file_name) for name, file_name, _ in asked.parts if file_name] == [("file", "audio.wav")]


def test_no_key_where_none_is_wanted(provider: Provider) -> None:
    provider.key = ""
    OpenAIBackend(model="m", base_url=provider.url, key_variable="").transcribe([request(1)])
    assert "authorization" not in provider.asked[0].headers


def test_the_key_comes_from_the_usual_variable(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    OpenAIBackend(model="m", base_url=provider.url).transcribe([request(1)])
    assert provider.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_word_timings(provider: Provider) -> None:
    outcome = ask(provider, details="words")
    assert provider.asked[0].form()["response_format"] == "verbose_json"
    assert provider.asked[0].form()["timestamp_granularities[]"] == "word"
    assert outcome.words == (Word("w1", 0.0, 0.01, None),)
    assert outcome.language is None


def test_a_language_is_told_only_where_none_was_given(provider: Provider) -> None:
    assert ask(provider, details="words", language="").language == "english"
    assert "language" not in provider.asked[0].form()


@pytest.mark.parametrize("duration", [9.0, "9.0"])
def test_an_answer_for_audio_of_another_length(provider: Provider, duration: object) -> None:
    provider.always = Say(200, {"text": "other", "duration": duration})
    assert ask(provider, details="words").failure == (
        "openai: found an answer for 9.0 s of audio; expected one for 0.1 s"
    )


@pytest.mark.parametrize("duration", [0.6, "0.1", None, "soon"])
def test_about_the_length_or_no_length_is_taken(provider: Provider, duration: object) -> None:
    provider.always = Say(200, {"text": "fine", "duration": duration, "words": None})
    assert ask(provider, details="words").hypothesis == "fine"


def test_nothing_recognised_is_an_empty_hypothesis(provider: Provider) -> None:
    provider.always = Say(200, {"text": ""})
    assert ask(provider).hypothesis == ""


@pytest.mark.parametrize("words", [5, ["a"], [{"word": None}], [{}]])
def test_words_of_another_form_are_a_failure(provider: Provider, words: object) -> None:
    provider.always = Say(200, {"text": "a", "words": words})
    assert "expected" in str(ask(provider, details="words").failure)


def test_log_probabilities(provider: Provider) -> None:
    outcome = ask(provider, details="logprobs")
    assert provider.asked[0].form()["include[]"] == "logprobs"
    assert provider.asked[0].form()["response_format"] == "json"
    assert outcome.words == (Word("w1", None, None, math.exp(-0.5)),)


def token(text: str, logprob: float | None) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def test_a_words_confidence_is_the_product_of_its_tokens() -> None:
    tokens = [token("Hel", -0.1), token("lo", -0.2), token(",", -0.3), token(" wor", -0.5), token("ld. The", -0.25)]
    words = words_of_tokens(tokens, " Hello, world. The")
    assert [word.text for word in words] == ["Hello,", "world.", "The"]
    assert [word.confidence for word in words] == pytest.approx([math.exp(-0.6), math.exp(-0.75), math.exp(-0.25)])


def test_tokens_may_be_parts_of_a_character() -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    tokens = [
        {"token": "\ufffd", "bytes": list(first), "logprob": -1.0},
        {"token": "\ufffd", "bytes": list(second), "logprob": -1.0},
    ]
    assert words_of_tokens(tokens, "é") == (Word("é", None, None, math.exp(-2.0)),)


@pytest.mark.parametrize("tokens", [[token("a", -1)], [{"logprob": -1}], []])
def test_tokens_that_do_not_spell_the_text_tell_no_words(tokens: list[dict[str, Any]]) -> None:
    assert words_of_tokens(tokens, "a b") == ()


def test_a_token_without_a_probability_leaves_the_confidence_unknown() -> None:
    words = words_of_tokens([token("a", None), token(" b", -1.0)], "a b")
    assert [word.confidence for word in words] == [None, math.exp(-1.0)]


@pytest.mark.parametrize(
    ("status", "code"), [(400, "model_not_found"), (429, "insufficient_quota"), (429, "billing_not_active")]
)
def test_what_is_hopeless_ends_the_run_at_once(provider: Provider, status: int, code: str) -> None:
    provider.always = Say(status, {"error": {"message": "sorry", "type": "x", "code": code}})
    with pytest.raises(BackendError, match=f"openai: {status}: sorry"):
        ask(provider)
    assert len(provider.asked) == 1


def test_temperature_out_of_range() -> None:
    with pytest.raises(CardError, match="found temperature 2; expected 0 to 1"):
        OpenAIBackend(model="m", temperature=2.0)
