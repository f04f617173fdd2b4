"""Deepgram's service for recorded audio.

Wire format: POST ``https://api.deepgram.com/v1/listen``, the file as the body, options in the query
(https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded; an answer in
https://developers.deepgram.com/docs/pre-recorded-audio), errors as in https://developers.deepgram.com/docs/errors.
``metadata.sha256`` in the answer is the digest of the file: an answer for another file is not taken.
"""

from collections.abc import Mapping
from typing import Any, Literal

from asrfair.backend.base import Alternative, Outcome, Request
from asrfair.backend.credentials import read_key, refuse_keys_in
from asrfair.backend.exchange import Post, check_url
from asrfair.backend.service import Manner, Service
from asrfair.backend.wire import (
    MEDIA_TYPES,
    UnusableError,
    check_duration,
    list_at,
    number,
    object_at,
    sha256,
    text_at,
    word_at,
)

HOPELESS = "no such model"


class DeepgramBackend(Service):
    """Ask Deepgram for transcripts, with word timings and confidences.

    ``model`` is Deepgram's name, such as ``nova-3``, ``version`` one of its versions ("latest" moves on). ``language``
    is a BCP-47 code (None: the utterance's own; "": Deepgram detects it). ``punctuate`` and ``smart_format`` are
    Deepgram's. The key is in the environment variable ``key_variable``. How a service is asked: see `Manner`. Raises
    CardError and BackendError.
    """

    name = "deepgram"

    def __init__(
        self,
        *,
        model: str,
        version: str = "latest",
        language: str | None = None,
        punctuate: bool = False,
        smart_format: bool = False,
        base_url: str = "https://api.deepgram.com/v1",
        key_variable: str = "DEEPGRAM_API_KEY",
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
        key = read_key(key_variable, where="deepgram", header="Authorization", prefix="Token ")
        refuse_keys_in({"model": model, "version": version, "base_url": base_url}, key, where="deepgram")
        self._model, self._version, self._language = model, version, language
        self._formats = {"punctuate": punctuate, "smart_format": smart_format}
        super().__init__(
            url=check_url(base_url, carries_key=bool(key.value), where="deepgram", option="base_url"),
            credential=key,
            manner=Manner(
                where="deepgram",
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
        """Return model, version, language and what is done to the text."""
        return {
            "model": self._model,
            "version": self._version,
            "language": "each utterance's own" if self._language is None else self._language or "detected",
            "text": ", ".join(name for name, wanted in self._formats.items() if wanted) or "plain",
        }

    def _post(self, request: Request, audio: bytes) -> Post:
        language = self._asked_language(request)
        query = {
            "model": self._model,
            "version": self._version,
            **({"language": language} if language else {"detect_language": "true"}),
            **{name: str(wanted).lower() for name, wanted in self._formats.items()},
        }
        return Post("/listen", query=tuple(query.items()), body=audio, media_type=MEDIA_TYPES[self._manner.audio])

    def _asked_language(self, request: Request) -> str:
        return request.language if self._language is None else self._language

    def _read(self, answer: Mapping[str, Any], request: Request, audio: bytes) -> Outcome:
        metadata = object_at(answer.get("metadata"), where="'metadata'")
        digest = metadata.get("sha256")
        if isinstance(digest, str) and digest.lower() != sha256(audio):
            raise UnusableError("found an answer for another file (metadata.sha256); expected one for the file sent")
        check_duration(metadata.get("duration"), request)
        results = object_at(answer.get("results"), where="'results'")
        channels = list_at(results.get("channels"), where="'channels'")
        if len(channels) != 1:
            raise UnusableError(f"found {len(channels)} channels; expected one")
        others = list_at(channels[0].get("alternatives"), where="'alternatives'")
        if not others:
            raise UnusableError("found no alternative; expected at least one, with a transcript")
        texts = [text_at(other.get("transcript"), where="'transcript'") for other in others]
        scores = [number(other.get("confidence")) for other in others]
        language = channels[0].get("detected_language")
        return Outcome(
            hypothesis=texts[0],
            words=tuple(
                word_at(
                    word.get("punctuated_word", word.get("word")),
                    word.get("start"),
                    word.get("end"),
                    word.get("confidence"),
                )
                for word in list_at(others[0].get("words") or [], where="'words'")
            ),
            alternatives=tuple(map(Alternative, texts, scores)) if len(texts) > 1 else (),
            language=language if isinstance(language, str) and not self._asked_language(request) else None,
        )

    def _is_hopeless(self, status: int, answer: Mapping[str, Any], text: str) -> bool:
        return status == 400 and HOPELESS in text.lower()
