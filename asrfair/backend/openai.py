"""Any service that answers as OpenAI's transcription endpoint does: OpenAI itself, or a server of one's own.

Wire format: POST ``{base_url}/audio/transcriptions``, a form with ``file``, ``model``, ``response_format`` and more
(https://platform.openai.com/docs/api-reference/audio/createTranscription; the same in openai-python,
``types/audio/transcription_create_params.py``, ``transcription.py`` and ``transcription_verbose.py``), errors as in
https://platform.openai.com/docs/guides/error-codes. No id and no digest of the audio comes back. With word timings
the length heard does, and is compared; without them an answer for the wrong file cannot be told.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from asrfair.backend.base import Outcome, Request, Word
from asrfair.backend.credentials import read_key, refuse_keys_in
from asrfair.backend.exchange import Part, Post, check_url
from asrfair.backend.service import Manner, Service
from asrfair.backend.wire import MEDIA_TYPES, check_duration, list_at, number, text_at, word_at
from asrfair.errors import CardError

HOPELESS = ("model_not_found", "insufficient_quota", "billing_not_active", "unsupported_country_region_territory")


class OpenAIBackend(Service):
    """Ask an OpenAI-compatible service for transcripts.

    ``model`` is the service's name for it, ``base_url`` its address up to ``/v1``; the key is in the environment
    variable ``key_variable`` ("" for a server that wants none). ``language`` is a code such as ``en`` (None: the
    utterance's own; "": the service detects it). ``details`` asks for more than the text: ``words`` for word timings,
    the length heard and the language (response_format verbose_json: whisper-1 and many compatible servers),
    ``logprobs`` for word confidences (gpt-4o-transcribe and gpt-4o-mini-transcribe): a word's is the product of its
    tokens' probabilities. How a service is asked: see `Manner`. Raises CardError and BackendError.
    """

    name = "openai"

    def __init__(
        self,
        *,
        model: str,
        base_url: str = "https://api.openai.com/v1",
        key_variable: str = "OPENAI_API_KEY",
        language: str | None = None,
        prompt: str = "",
        temperature: float = 0.0,
        details: Literal["text", "words", "logprobs"] = "text",
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
        if not 0 <= temperature <= 1:
            raise CardError(f"openai: found temperature {temperature:g}; expected 0 to 1")
        key = read_key(key_variable, where="openai", header="Authorization", prefix="Bearer ")
        refuse_keys_in({"model": model, "prompt": prompt, "base_url": base_url}, key, where="openai")
        self._model, self._language, self._prompt = model, language, prompt
        self._temperature, self._details = temperature, details
        super().__init__(
            url=check_url(base_url, carries_key=bool(key.value), where="openai", option="base_url"),
            credential=key,
            manner=Manner(
                where="openai",
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
        """Return model, language, prompt, temperature and details."""
        return {
            "model": self._model,
            "language": "each utterance's own" if self._language is None else self._language or "detected",
            "prompt": self._prompt,
            "temperature": f"{self._temperature:g}",
            "details": self._details,
        }

    def _post(self, request: Request, audio: bytes) -> Post:
        kind = self._manner.audio
        more = {"words": Part("timestamp_granularities[]", "word"), "logprobs": Part("include[]", "logprobs")}
        language = self._asked_language(request)
        parts = [
            Part("file", audio, f"audio.{kind}", MEDIA_TYPES[kind]),
            Part("model", self._model),
            Part("response_format", "verbose_json" if self._details == "words" else "json"),
            Part("temperature", f"{self._temperature:g}"),
            *([Part("language", language)] if language else []),
            *([Part("prompt", self._prompt)] if self._prompt else []),
            *([more[self._details]] if self._details in more else []),
        ]
        return Post("/audio/transcriptions", parts=tuple(parts))

    def _asked_language(self, request: Request) -> str:
        # Two letters (ISO 639-1), where a corpus may say «en-US».
        return request.language.split("-")[0] if self._language is None else self._language

    def _read(self, answer: Mapping[str, Any], request: Request, audio: bytes) -> Outcome:
        text = text_at(answer.get("text"), where="'text'")
        words: tuple[Word, ...] = ()
        if self._details == "words":
            # vLLM writes the length as text.
            check_duration(_as_number(answer.get("duration")), request)
            words = tuple(
                word_at(word.get("word"), word.get("start"), word.get("end"), None)
                for word in list_at(answer.get("words") or [], where="'words'")
            )
        elif self._details == "logprobs":
            words = words_of_tokens(list_at(answer.get("logprobs") or [], where="'logprobs'"), text)
        language = answer.get("language")
        detected = isinstance(language, str) and bool(language) and not self._asked_language(request)
        return Outcome(hypothesis=text, words=words, language=language if detected else None)

    def _is_hopeless(self, status: int, answer: Mapping[str, Any], text: str) -> bool:
        error = answer.get("error")
        told = (error.get("code"), error.get("type")) if isinstance(error, dict) else ()
        return any(code in HOPELESS for code in told)


def words_of_tokens(tokens: list[dict[str, Any]], text: str) -> tuple[Word, ...]:
    """Return the words of a text with their confidence: the product of the probabilities of a word's tokens.

    A token counts for every word that it has a part in. No words if the tokens do not spell the text.
    """
    spelt = bytearray()
    spans = []
    for token in tokens:
        raw, log = _bytes_of(token), number(token.get("logprob"))
        if raw is None:
            return ()
        spans.append((len(spelt), len(spelt) + len(raw), log))
        spelt += raw
    found = [(match.start(), match.end()) for match in re.finditer(rb"\S+", bytes(spelt))]
    said = [spelt[start:end].decode("utf-8", errors="replace") for start, end in found]
    if said != text.split():
        return ()
    return tuple(word_at(word, None, None, _sure(spans, *span)) for word, span in zip(said, found, strict=True))


def _sure(spans: list[tuple[int, int, float | None]], start: int, end: int) -> float | None:
    logs = [log for first, last, log in spans if first < end and last > start]
    if any(log is None for log in logs):
        return None
    return min(1.0, math.exp(sum(log for log in logs if log is not None)))


def _bytes_of(token: Mapping[str, Any]) -> bytes | None:
    raw, text = token.get("bytes"), token.get("token")
    if isinstance(raw, list) and all(isinstance(one, int) and 0 <= one < 256 for one in raw):
        return bytes(raw)
    return text.encode("utf-8", errors="replace") if isinstance(text, str) else None


def _as_number(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None
