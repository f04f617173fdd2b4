"""Google's Speech-to-Text v2: what is sent, what is told, and credentials by the real google-auth."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend import retrying
from asrfair.backend.base import Alternative, Outcome, Word
from asrfair.backend.google import GoogleBackend
from asrfair.errors import BackendError, CardError
from tests.backend.servers import KEY, VARIABLE, Asked, Provider, Say, google_answer, request, serve

TOKEN = "ya29.abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    with serve(google_answer) as running:
        yield running


def ask(provider: Provider, **options: Any) -> Outcome:
    given = {"model": "chirp_2", "project": "p-1", "base_url": f"{provider.url}/v2", "key_variable": VARIABLE}
    backend = GoogleBackend(**{**given, **options})
    (outcome,) = backend.transcribe([request(1)])
    backend.close()
    return outcome


def test_what_is_sent_and_told(provider: Provider) -> None:
    outcome = ask(provider, location="europe-west4", alternatives=3)
    (asked,) = provider.asked
    assert asked.path == "/v2/projects/p-1/locations/europe-west4/recognizers/_:recognize"
    assert asked.headers["x-goog-api-key"] == KEY
    assert KEY not in asked.path + str(asked.query)
    assert json.loads(asked.body)["config"] == {
        "autoDecodingConfig": {},
        "model": "chirp_2",
        "languageCodes": ["en-US"],
        "features": {"enableWordTimeOffsets": True, "enableWordConfidence": True, "maxAlternatives": 3},
    }
    assert outcome.hypothesis == "w1"
    assert outcome.words == (Word("w1", 0.1, 0.3, 0.75),)
    assert outcome.language is None


def test_the_address_is_the_locations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    for location, host in [("global", "speech.googleapis.com"), ("eu", "eu-speech.googleapis.com")]:
        backend = GoogleBackend(model="m", project="p", location=location, key_variable=VARIABLE)
        assert backend.identity()["service"] == f"https://{host}/v2"


def test_parts_are_joined(provider: Provider) -> None:
    results = [
        {"alternatives": [{"transcript": "hello", "words": [{"word": "hello", "endOffset": "0.5s"}]}]},
        {"resultEndOffset": "3s", "languageCode": "en-us"},
        {"alternatives": [{"transcript": " world", "words": [{"word": "world", "startOffset": "4s"}]}]},
    ]
    provider.always = Say(200, {"results": results, "metadata": {}})
    outcome = ask(provider)
    assert outcome.hypothesis == "hello world"
    assert outcome.words == (Word("hello", 0.0, 0.5, None), Word("world", 4.0, None, None))
    assert outcome.alternatives == ()


def test_a_confidence_of_zero_is_none(provider: Provider) -> None:
    word = {"word": "a", "confidence": 0.0}
    provider.always = Say(200, {"results": [{"alternatives": [{"transcript": "a", "words": [word]}]}]})
    assert ask(provider).words == (Word("a", None, None, None),)


def test_alternatives(provider: Provider) -> None:
    others = [{"transcript": "a", "confidence": 0.9}, {"transcript": " b"}, {"confidence": 0.2}]
    provider.always = Say(200, {"results": [{"alternatives": others}], "metadata": {}})
    assert ask(provider).alternatives == (Alternative("a", 0.9), Alternative("b", None), Alternative("", 0.2))


@pytest.mark.parametrize("language", ["auto", ""])
def test_detection(provider: Provider, language: str) -> None:
    assert ask(provider, language=language).language == "en-us"
    assert json.loads(provider.asked[0].body)["config"]["languageCodes"] == ["auto"]


@pytest.mark.parametrize(
    "answer",
    [
        {"metadata": {"totalBilledDuration": "1s"}},
        {"results": [], "metadata": {}},
        {"results": [{"resultEndOffset": "1s"}], "metadata": {}},
        {"results": [{"alternatives": [{}]}], "metadata": {}},
    ],
)
def test_what_is_left_out_is_empty_in_an_answer_with_metadata(provider: Provider, answer: object) -> None:
    provider.always = Say(200, answer)
    assert ask(provider).hypothesis == ""


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"results": []},
        {"results": [{"alternatives": [{}]}]},
        {"results": [{"alternatives": [{"transcript": None}]}], "metadata": {}},
        {"results": "a", "metadata": {}},
        {"results": [{"alternatives": ["a"]}], "metadata": {}},
        {"results": [], "metadata": None},
        {"error": {"message": "in an answer that says 200"}},
    ],
)
def test_no_transcript_is_a_failure(provider: Provider, answer: object) -> None:
    provider.always = Say(200, answer)
    outcome = ask(provider)
    assert outcome.hypothesis is None
    assert "expected" in str(outcome.failure)


def test_an_unknown_model_ends_the_run_at_once(provider: Provider) -> None:
    said = 'The model "x" does not exist in the location named "global".'
    provider.always = Say(400, {"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}})
    with pytest.raises(BackendError, match="google: 400: The model"):
        ask(provider)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alternatives": 0}, "found alternatives 0"),
        ({"project": "a/b"}, "a project or a location that is no name"),
        ({"location": "../x"}, "a project or a location that is no name"),
        ({"project": None}, "found no project in the credentials"),
        ({"key_variable": ""}, "'key_variable': found nothing"),
    ],
)
def test_options_that_cannot_be(provider: Provider, options: dict[str, Any], said: str) -> None:
    with pytest.raises(CardError, match=said):
        ask(provider, **options)


# Google's own chain: a service account whose tokens come from the server of the test.


@pytest.fixture
def account(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    pytest.importorskip("google.auth", reason="needs the extra google")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = tmp_path / "account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "own-project",
                "private_key": pem,
                "private_key_id": "1",
                "client_email": "nobody@example.org",
                "client_id": "1",
                "token_uri": f"{provider.url}/token",
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    provider.key = ""

    def answer(asked: Asked) -> object:
        if asked.path == "/token":
            assert parse_qs(asked.body.decode())["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            return {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        return google_answer(asked)

    provider.answer = answer
    return provider


def test_the_chain_gets_a_token_once(account: Provider) -> None:
    backend = GoogleBackend(model="m", base_url=f"{account.url}/v2")
    assert TOKEN not in repr(vars(backend)) + repr(backend._credential)
    outcomes = backend.transcribe([request(number) for number in range(6)])
    assert [outcome.hypothesis for outcome in outcomes] == [f"w{number}" for number in range(6)]
    assert [asked.path for asked in account.asked].count("/token") == 1
    heard = [asked for asked in account.asked if asked.path != "/token"]
    assert {asked.headers["authorization"] for asked in heard} == {f"Bearer {TOKEN}"}
    assert all("/projects/own-project/" in asked.path for asked in heard)


def test_an_echoed_token_is_hidden(account: Provider) -> None:
    account.instead = [None, Say(400, {"error": {"message": f"bad {TOKEN}"}})]
    (outcome,) = GoogleBackend(model="m", base_url=f"{account.url}/v2").transcribe([request(1)])
    assert outcome.failure == "google: 400: bad [hidden]"


def test_no_token_ends_the_run(account: Provider) -> None:
    account.always = Say(400, {"error": "invalid_grant", "error_description": TOKEN})
    with pytest.raises(BackendError, match="google: RefreshError: no token from Google's application") as found:
        GoogleBackend(model="m", base_url=f"{account.url}/v2").transcribe([request(1)])
    assert TOKEN not in str(found.value)


def test_no_token_for_now_is_asked_again(account: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    monkeypatch.setattr(retrying, "pause", lambda seconds, stop: None)
    down = Say(503, {"error": "temporarily_unavailable"})
    account.instead = [down] * 3
    (outcome,) = GoogleBackend(model="m", base_url=f"{account.url}/v2").transcribe([request(1)])
    assert outcome.hypothesis == "w1"


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = pytest.importorskip("google.auth", reason="needs the extra google")

    def default(**options: object) -> None:
        raise auth.exceptions.DefaultCredentialsError("none")

    monkeypatch.setattr(auth, "default", default)
    with pytest.raises(BackendError, match="google: found no Google's application default credentials; expected"):
        GoogleBackend(model="m")


def test_without_google_auth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "google.auth", None)
    with pytest.raises(BackendError, match=r'install it with pip install "asrfair\[google\]"'):
        GoogleBackend(model="m")
