"""Google's Speech-to-Text, version 2, which is the one that new models come to.

Wire format: POST ``https://speech.googleapis.com/v2/projects/P/locations/L/recognizers/_:recognize``, JSON with the
file in base64, at most 60 s and 10 MB
(https://cloud.google.com/speech-to-text/docs/reference/rest/v2/projects.locations.recognizers/recognize; the same in
googleapis, ``google/cloud/speech/v2/cloud_speech.proto``). As in all JSON of protocol buffers, what is empty is left
out (https://protobuf.dev/programming-guides/json): a transcript is taken for empty only in an answer with its
``metadata``. Neither an id of ours nor a digest of the audio comes back, and the billed length is rounded up to whole
seconds: an answer for the wrong file cannot be told, unless for a longer or shorter one.
"""

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from asrfair.backend.base import Alternative, Outcome, Request, Word
from asrfair.backend.credentials import Credential, hidden, read_key, refuse_keys_in
from asrfair.backend.exchange import Post, check_url
from asrfair.backend.retrying import TransientError
from asrfair.backend.service import Manner, Service
from asrfair.backend.wire import list_at, number, object_at, text_at, word_at
from asrfair.errors import BackendError, CardError

INSTALL = 'pip install "asrfair[google]"'
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HOPELESS = ("does not exist in the location", "is not supported by the model")
MOST_ALTERNATIVES = 30
DETECT = "auto"


class GoogleBackend(Service):
    """Ask Google's Speech-to-Text for transcripts, with word timings, confidences and alternatives.

    ``model`` is Google's name, such as ``chirp_2`` or ``long``, which must be there in ``location``; ``project`` is
    the Google Cloud project (None: the credentials' own). ``language`` is a code with its region, such as ``en-US``
    (None: the utterance's own; "" or ``auto``: detected, by models that can). ``alternatives`` is how many hypotheses
    to ask for. Credentials come from Google's own chain (google-auth's application default credentials), or from an
    API key in the environment variable ``key_variable``. ``base_url`` is for a private endpoint. How a service is
    asked: see `Manner`. Raises CardError and BackendError.
    """

    name = "google"

    def __init__(
        self,
        *,
        model: str,
        project: str | None = None,
        location: str = "global",
        language: str | None = None,
        alternatives: int = 1,
        base_url: str | None = None,
        key_variable: str | None = None,
        sample_rate: int = 16_000,
        audio: Literal["wav", "flac"] = "wav",
        timeout_s: float = 120.0,
        tries: int = 6,
        total_s: float = 600.0,
        requests_per_minute: float | None = None,
        concurrency: int = 4,
        give_up_after: int = 10,
        price_per_minute: float | None = None,
    ) -> None:
        if not 1 <= alternatives <= MOST_ALTERNATIVES:
            raise CardError(f"google: found alternatives {alternatives}; expected 1 to {MOST_ALTERNATIVES}")
        host = "speech.googleapis.com" if location == "global" else f"{location}-speech.googleapis.com"
        url = check_url(base_url or f"https://{host}/v2", carries_key=True, where="google", option="base_url")
        credential, own_project = _credential(key_variable)
        refuse_keys_in({"model": model, "project": project, "base_url": url}, credential, where="google")
        self._project, self._location = project or own_project, location
        if not self._project:
            raise CardError("google: found no project in the credentials; expected the option project")
        if not all(_is_name(one) for one in (self._project, location)):
            raise CardError("google: found a project or a location that is no name; expected letters, digits and -.:_")
        self._model, self._language, self._alternatives = model, language, alternatives
        super().__init__(
            url=url,
            credential=credential,
            manner=Manner(
                where="google",
                sample_rate=sample_rate,
                audio=audio,
                timeout_s=timeout_s,
                tries=tries,
                total_s=total_s,
                requests_per_minute=requests_per_minute,
                concurrency=concurrency,
                give_up_after=give_up_after,
                price_per_minute=price_per_minute,
            ),
        )

    def settings(self) -> Mapping[str, str]:
        """Return the API's version, location, model, language and number of alternatives."""
        return {
            "api": "v2",
            "location": self._location,
            "model": self._model,
            "language": "each utterance's own" if self._language is None else self._language or DETECT,
            "alternatives": str(self._alternatives),
        }

    def _post(self, request: Request, audio: bytes) -> Post:
        config = {
            "autoDecodingConfig": {},
            "model": self._model,
            "languageCodes": [self._asked_language(request)],
            "features": {
                "enableWordTimeOffsets": True,
                "enableWordConfidence": True,
                "maxAlternatives": self._alternatives,
            },
        }
        body = json.dumps({"config": config, "content": base64.b64encode(audio).decode("ascii")})
        path = f"/projects/{self._project}/locations/{self._location}/recognizers/_:recognize"
        return Post(path, body=body.encode())

    def _asked_language(self, request: Request) -> str:
        return (request.language if self._language is None else self._language) or DETECT

    def _read(self, answer: Mapping[str, Any], request: Request, audio: bytes) -> Outcome:
        results = list_at(answer.get("results", []), where="'results'")
        # A result without alternatives marks a stretch in which nothing was recognised.
        heard = [others for one in results if (others := list_at(one.get("alternatives", []), where="'alternatives'"))]
        texts = [text_at(others[0].get("transcript", ""), where="'transcript'") for others in heard]
        if not any(texts):
            object_at(answer.get("metadata"), where="'metadata' of an answer without a transcript")
        return Outcome(
            # The parts of one recording: joined by one space, whether or not they begin with one.
            hypothesis=" ".join(text.strip() for text in texts if text.strip()),
            words=tuple(
                _word(word) for others in heard for word in list_at(others[0].get("words", []), where="'words'")
            ),
            alternatives=_alternatives(heard[0]) if len(heard) == 1 else (),
            language=_detected(results) if self._asked_language(request) == DETECT else None,
        )

    def _is_hopeless(self, status: int, answer: Mapping[str, Any], text: str) -> bool:
        return status == 400 and any(said in text for said in HOPELESS)


@dataclass(frozen=True)
class DefaultCredentials:
    """Google's own chain: environment, gcloud's files, or the machine's; it gets its short-lived tokens itself."""

    source: str
    credentials: Any = field(repr=False)
    request: Any = field(repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return the headers with a token that is still good; raises BackendError where none can be had."""
        from google.auth.exceptions import GoogleAuthError

        found: dict[str, str] = {}
        try:
            with self.lock:
                self.credentials.before_request(self.request, "POST", "", found)
        except GoogleAuthError as error:
            # Its text may quote what was sent.
            if error.retryable:
                raise TransientError(f"{type(error).__name__}: no token from {self.source}") from None
            raise BackendError(f"google: {type(error).__name__}: no token from {self.source}") from None
        return found

    def hide(self, text: str) -> str:
        """Return the text without the token."""
        return hidden(text, self.credentials.token or "")

    def is_in(self, text: str) -> bool:
        """Return whether the text holds all of the token."""
        return bool(self.credentials.token) and self.credentials.token in text


def _credential(key_variable: str | None) -> tuple[Credential, str | None]:
    """Return what to authenticate with, and the project that it belongs to if it says so."""
    if key_variable is not None:
        if not key_variable:
            raise CardError("google: 'key_variable': found nothing; expected the name of an environment variable")
        return read_key(key_variable, where="google", header="X-Goog-Api-Key"), None
    try:
        import google.auth
        import google.auth.transport.urllib3 as transport
        import urllib3
    except ImportError as error:
        raise BackendError(f"google: google-auth is not installed ({error}); install it with {INSTALL}") from error
    source = "Google's application default credentials"
    try:
        found, project = google.auth.default(scopes=[SCOPE])
    except google.auth.exceptions.GoogleAuthError:
        raise BackendError(
            f"google: found no {source}; expected them as `gcloud auth application-default login` leaves them, in "
            "GOOGLE_APPLICATION_CREDENTIALS, or an API key (option key_variable)"
        ) from None
    request: Any = transport.Request
    return DefaultCredentials(source, found, request(urllib3.PoolManager(retries=False))), project


def _word(word: Mapping[str, Any]) -> Word:
    # A confidence of 0 says that there is none; the start of a recording is left out of the JSON.
    start = _seconds(word.get("startOffset", "0s" if "endOffset" in word else None))
    return word_at(word.get("word"), start, _seconds(word.get("endOffset")), number(word.get("confidence")) or None)


def _alternatives(others: list[dict[str, Any]]) -> tuple[Alternative, ...]:
    if len(others) < 2:
        return ()
    texts = [text_at(other.get("transcript", ""), where="'transcript'") for other in others]
    return tuple(
        Alternative(text.strip(), number(other.get("confidence")) or None)
        for text, other in zip(texts, others, strict=True)
    )


def _detected(results: list[dict[str, Any]]) -> str | None:
    told = {one.get("languageCode") for one in results}
    language = next(iter(told)) if len(told) == 1 else None
    return language if isinstance(language, str) else None


def _seconds(text: object) -> float | None:
    """Return the seconds of a duration such as «1.200s»."""
    try:
        return float(text[:-1]) if isinstance(text, str) and text.endswith("s") else None
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    return bool(text) and all(one.isascii() and (one.isalnum() or one in "-.:_") for one in text)
