"""Azure's fast transcription: what is sent, what is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend.azure import AzureBackend
from asrfair.backend.base import Outcome, Word
from asrfair.errors import BackendError
from tests.backend.servers import KEY, VARIABLE, Provider, Say, azure_answer, request, serve


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    with serve(azure_answer) as running:
        yield running


def ask(provider: Provider, **options: Any) -> Outcome:
    backend = AzureBackend(endpoint=provider.url, key_variable=VARIABLE, **options)
    (outcome,) = backend.transcribe([request(1)])
    backend.close()
    return outcome


def test_what_is_sent_and_told(provider: Provider) -> None:
    outcome = ask(provider)
    (asked,) = provider.asked
    assert asked.path == "/speechtotext/transcriptions:transcribe"
    assert asked.query == {"api-version": "2025-10-15"}
    assert asked.headers["ocp-apim-subscription-key"] == KEY
    assert json.loads(asked.form()["definition"]) == {"profanityFilterMode": "None", "locales": ["en-US"]}
    assert outcome.hypothesis == "w1"
    assert outcome.words == (Word("w1", 0.04, 0.36, None),)
    assert outcome.language is None


def test_a_custom_model(provider: Provider) -> None:
    ask(provider, language="en-GB", model="https://example.org/models/1")
    definition = json.loads(provider.asked[0].form()["definition"])
    assert definition["locales"] == ["en-GB"]
    assert definition["models"] == {"en-GB": "https://example.org/models/1"}


def test_detection(provider: Provider) -> None:
    assert ask(provider, language="").language == "en-US"
    assert json.loads(provider.asked[0].form()["definition"]) == {"profanityFilterMode": "None"}


def test_two_languages_are_not_one(provider: Provider) -> None:
    phrases = [{"text": "a", "locale": "en-US"}, {"text": "b", "locale": "fr-FR"}]
    provider.always = Say(200, {"combinedPhrases": [{"text": "a b"}], "phrases": phrases})
    assert ask(provider, language="").language is None


@pytest.mark.parametrize("combined", [[], [{"text": ""}]])
def test_silence_is_an_empty_hypothesis(provider: Provider, combined: list[object]) -> None:
    provider.always = Say(200, {"durationMilliseconds": 100, "combinedPhrases": combined, "phrases": []})
    assert ask(provider).hypothesis == ""


@pytest.mark.parametrize(
    "answer",
    [
        {"durationMilliseconds": 100, "phrases": []},
        {"durationMilliseconds": 100, "combinedPhrases": []},
        {"combinedPhrases": [{}], "phrases": []},
        {"combinedPhrases": [], "phrases": [{"text": "lost"}]},
        {"combinedPhrases": [{"text": "a"}, {"text": "b"}], "phrases": []},
        {"combinedPhrases": "a", "phrases": []},
        {"combinedPhrases": [{"text": "a"}], "phrases": [{"words": [{"text": 5}]}]},
    ],
)
def test_no_transcript_is_a_failure(provider: Provider, answer: object) -> None:
    provider.always = Say(200, answer)
    outcome = ask(provider)
    assert outcome.hypothesis is None
    assert "expected" in str(outcome.failure)


def test_an_answer_for_audio_of_another_length(provider: Provider) -> None:
    provider.always = Say(200, {"durationMilliseconds": 5000, "combinedPhrases": [{"text": "a"}], "phrases": []})
    assert ask(provider).failure == "azure: found an answer for 5.0 s of audio; expected one for 0.1 s"


def test_an_unknown_locale_ends_the_run_at_once(provider: Provider) -> None:
    error = {"code": "InvalidArgument", "message": "wrong", "innerError": {"code": "InvalidLocale", "message": "en"}}
    provider.always = Say(400, {"error": error})
    with pytest.raises(BackendError, match="azure: 400: wrong"):
        ask(provider)
    assert len(provider.asked) == 1
