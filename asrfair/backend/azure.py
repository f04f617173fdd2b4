"""Azure's fast transcription: a recording in, its transcript in the answer.

Wire format: POST ``{endpoint}/speechtotext/transcriptions:transcribe?api-version=2025-10-15``, a form of ``audio`` and
``definition`` (https://learn.microsoft.com/rest/api/speechtotext/transcriptions/transcribe; field by field in
azure-rest-api-specs, ``data-plane/Speech/SpeechToText/stable/2024-11-15/speechtotext.json``). It is chosen over the
service for short audio, whose page advises against it where another will do and which ends at 60 s. It gives the
display form of words only, no n-best and no word confidences. No id and no digest of the audio comes back; the length
heard does and is compared, so some answers for a wrong file are seen, and others are not.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from asrfair.backend.base import Outcome, Request, Word
from asrfair.backend.credentials import read_key, refuse_keys_in
from asrfair.backend.exchange import Part, Post, check_url
from asrfair.backend.service import Manner, Service
from asrfair.backend.wire import MEDIA_TYPES, UnusableError, check_duration, list_at, number, text_at, word_at

API_VERSION = "2025-10-15"
HOPELESS = ("InvalidLocale", "InvalidModel")


class AzureBackend(Service):
    """Ask Azure's fast transcription for transcripts, with word timings.

    ``endpoint`` is the resource's, such as ``https://westeurope.api.cognitive.microsoft.com``; ``language`` a locale
    with its region, such as ``en-GB`` (None: the utterance's own; "": Azure detects it); ``model`` the address of a
    custom model for that locale. Nothing is masked (profanityFilterMode None). The key is in the environment
    variable ``key_variable``. How a service is asked: see `Manner`. Raises CardError and BackendError.
    """

    name = "azure"
    argument = "endpoint"

    def __init__(
        self,
        *,
        endpoint: str,
        language: str | None = None,
        model: str = "",
        key_variable: str = "AZURE_SPEECH_KEY",
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
        key = read_key(key_variable, where="azure", header="Ocp-Apim-Subscription-Key")
        refuse_keys_in({"endpoint": endpoint, "model": model}, key, where="azure")
        self._language, self._model = language, model
        super().__init__(
            url=check_url(endpoint, carries_key=bool(key.value), where="azure", option="endpoint"),
            credential=key,
            manner=Manner(
                where="azure",
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
        """Return the API's version, the model and the language."""
        return {
            "api": f"fast transcription {API_VERSION}",
            "model": self._model or "the locale's own",
            "language": "each utterance's own" if self._language is None else self._language or "detected",
        }

    def _post(self, request: Request, audio: bytes) -> Post:
        locale = self._asked_language(request)
        definition: dict[str, Any] = {"profanityFilterMode": "None"}
        if locale:
            definition["locales"] = [locale]
        if locale and self._model:
            definition["models"] = {locale: self._model}
        kind = self._manner.audio
        return Post(
            "/speechtotext/transcriptions:transcribe",
            query=(("api-version", API_VERSION),),
            parts=(
                Part("audio", audio, f"audio.{kind}", MEDIA_TYPES[kind]),
                Part("definition", json.dumps(definition)),
            ),
        )

    def _asked_language(self, request: Request) -> str:
        return request.language if self._language is None else self._language

    def _read(self, answer: Mapping[str, Any], request: Request, audio: bytes) -> Outcome:
        heard = number(answer.get("durationMilliseconds"))
        check_duration(None if heard is None else heard / 1000, request)
        combined = list_at(answer.get("combinedPhrases"), where="'combinedPhrases'")
        if len(combined) > 1:
            raise UnusableError(f"found {len(combined)} channels; expected one")
        phrases = list_at(answer.get("phrases") or [], where="'phrases'")
        # Nothing was said: no text of any channel, and the list of phrases, which must be there, is empty.
        texts = [text_at(one.get("text"), where="'text' in 'combinedPhrases'") for one in combined]
        if not texts and (phrases or "phrases" not in answer):
            raise UnusableError("found no text in 'combinedPhrases'; expected one for the channel")
        locales = {phrase.get("locale") for phrase in phrases}
        detected = next(iter(locales)) if len(locales) == 1 and not self._asked_language(request) else None
        return Outcome(
            hypothesis=texts[0] if texts else "",
            words=tuple(word for phrase in phrases for word in _words(phrase)),
            language=detected if isinstance(detected, str) else None,
        )

    def _is_hopeless(self, status: int, answer: Mapping[str, Any], text: str) -> bool:
        return status == 400 and any(f'"{code}"' in text for code in HOPELESS)


def _words(phrase: Mapping[str, Any]) -> list[Word]:
    words = []
    for word in list_at(phrase.get("words") or [], where="'words'"):
        start, length = number(word.get("offsetMilliseconds")), number(word.get("durationMilliseconds"))
        end = None if start is None or length is None else (start + length) / 1000
        words.append(word_at(word.get("text"), None if start is None else start / 1000, end, None))
    return words
