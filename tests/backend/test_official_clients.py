"""The providers' own clients against the same server: they send what we send, and read what the server answers.

This is the oracle for the stand-in: a form that a provider's client neither sends nor reads would show here.
"""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend.azure import AzureBackend
from asrfair.backend.deepgram import DeepgramBackend
from asrfair.backend.google import GoogleBackend
from asrfair.backend.openai import OpenAIBackend
from asrfair.backend.wire import encoded
from tests.backend.servers import ANSWERS, KEY, VARIABLE, Asked, Provider, request, serve

WAV = encoded(request(7).samples, 16_000, "wav")  # type: ignore[arg-type]
Start = Callable[[str], Provider]
# The clients' own affairs.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv(VARIABLE, KEY)
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(serve(ANSWERS[name]))


def both(provider: Provider) -> tuple[Asked, Asked]:
    theirs, ours = provider.asked
    assert theirs.path == ours.path
    assert theirs.audio == ours.audio
    return theirs, ours


@pytest.mark.parametrize("details", ["text", "words", "logprobs"])
def test_openai(start: Start, details: Any) -> None:
    openai = pytest.importorskip("openai", reason="needs the package openai")
    provider = start("openai")
    more = {"words": {"timestamp_granularities": ["word"]}, "logprobs": {"include": ["logprobs"]}}.get(details, {})
    client = openai.OpenAI(api_key=KEY, base_url=f"{provider.url}/v1", max_retries=0)
    read = client.audio.transcriptions.create(
        file=("audio.wav", WAV, "audio/wav"),
        model="m",
        response_format="verbose_json" if details == "words" else "json",
        temperature=0,
        language="en",
        prompt="so",
        **more,
    )
    client.close()
    backend = OpenAIBackend(
        model="m", prompt="so", details=details, base_url=f"{provider.url}/v1", key_variable=VARIABLE
    )
    (outcome,) = backend.transcribe([request(7)])
    backend.close()
    theirs, ours = both(provider)
    assert theirs.form() == ours.form()
    assert theirs.headers["authorization"] == ours.headers["authorization"]
    assert read.text == outcome.hypothesis
    if details == "words":
        assert [(word.word, word.start, word.end) for word in read.words] == [
            (word.text, word.start_s, word.end_s) for word in outcome.words
        ]


def test_deepgram(start: Start) -> None:
    deepgram = pytest.importorskip("deepgram", reason="needs the package deepgram-sdk")
    provider = start("deepgram")
    places = importlib.import_module("deepgram.environment").DeepgramClientEnvironment
    everywhere = dict.fromkeys(inspect.signature(places).parameters, provider.url)
    client = deepgram.DeepgramClient(api_key=KEY, environment=places(**everywhere))
    read = client.listen.v1.media.transcribe_file(
        request=WAV, model="m", version="latest", language="en-US", punctuate=True, smart_format=False
    )
    backend = DeepgramBackend(model="m", punctuate=True, base_url=f"{provider.url}/v1", key_variable=VARIABLE)
    (outcome,) = backend.transcribe([request(7)])
    backend.close()
    theirs, ours = both(provider)
    assert theirs.query == ours.query
    assert theirs.headers["authorization"] == ours.headers["authorization"]
    (best,) = read.results.channels[0].alternatives
    assert best.transcript == outcome.hypothesis
    assert [(word.word, word.start, word.end, word.confidence) for word in best.words] == [
        (word.text, word.start_s, word.end_s, word.confidence) for word in outcome.words
    ]


def test_google(start: Start) -> None:
    speech = pytest.importorskip("google.cloud.speech_v2", reason="needs the package google-cloud-speech")
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.speech_v2.services.speech.transports.rest import SpeechRestTransport
    from google.cloud.speech_v2.types import cloud_speech

    provider = start("google")
    provider.key = ""
    transport = SpeechRestTransport(
        host=provider.url.partition("//")[2], url_scheme="http", credentials=AnonymousCredentials()
    )
    features = cloud_speech.RecognitionFeatures(
        enable_word_time_offsets=True, enable_word_confidence=True, max_alternatives=2
    )
    config = cloud_speech.RecognitionConfig(
        auto_decoding_config=cloud_speech.AutoDetectDecodingConfig(),
        model="m",
        language_codes=["en-US"],
        features=features,
    )
    read = speech.SpeechClient(transport=transport).recognize(
        request=cloud_speech.RecognizeRequest(
            recognizer="projects/p/locations/global/recognizers/_", content=WAV, config=config
        )
    )
    transport.close()
    backend = GoogleBackend(
        model="m", project="p", alternatives=2, base_url=f"{provider.url}/v2", key_variable=VARIABLE
    )
    (outcome,) = backend.transcribe([request(7)])
    backend.close()
    theirs, ours = both(provider)
    assert json.loads(theirs.body) == json.loads(ours.body)
    (best,) = read.results[0].alternatives
    assert best.transcript == outcome.hypothesis
    (word,), (told,) = best.words, outcome.words
    assert (word.word, word.start_offset.total_seconds(), word.end_offset.total_seconds(), word.confidence) == (
        told.text,
        told.start_s,
        told.end_s,
        told.confidence,
    )


def test_azure(start: Start) -> None:
    transcription = pytest.importorskip("azure.ai.transcription", reason="needs the package azure-ai-transcription")
    from azure.ai.transcription.models import TranscriptionContent, TranscriptionOptions
    from azure.core.credentials import AzureKeyCredential

    provider = start("azure")
    client = transcription.TranscriptionClient(provider.url, AzureKeyCredential(KEY))
    options = TranscriptionOptions(locales=["en-US"], profanity_filter_mode="None")
    read = client.transcribe(TranscriptionContent(definition=options, audio=("audio.wav", WAV, "audio/wav")))
    client.close()
    backend = AzureBackend(endpoint=provider.url, key_variable=VARIABLE)
    (outcome,) = backend.transcribe([request(7)])
    backend.close()
    theirs, ours = both(provider)
    assert theirs.query == ours.query
    assert json.loads(theirs.form()["definition"]) == json.loads(ours.form()["definition"])
    assert theirs.headers["ocp-apim-subscription-key"] == ours.headers["ocp-apim-subscription-key"]
    assert read.combined_phrases[0].text == outcome.hypothesis
    (word,), (told,) = read.phrases[0].words, outcome.words
    assert told.start_s == word.offset_milliseconds / 1000
    assert told.end_s == (word.offset_milliseconds + word.duration_milliseconds) / 1000
