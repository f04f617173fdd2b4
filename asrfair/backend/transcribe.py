"""Amazon Transcribe, by batch jobs: audio into a bucket, a job, its transcript out of the bucket, nothing left behind.

Interface: https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html, and
API_GetTranscriptionJob, API_DeleteTranscriptionJob beside it, by boto3. Permissions needed: ``transcribe:Start…``,
``Get…`` and ``DeleteTranscriptionJob``; ``s3:PutObject``, ``GetObject`` and ``DeleteObject`` below the prefix (of a
bucket that keeps versions also ``DeleteObjectVersion``). The transcript goes into the user's bucket, not into Amazon's:
accounts that opted out of content use must name one.

Quotas (https://docs.aws.amazon.com/transcribe/latest/dg/limits-guidelines.html): at least 0.5 s of audio; 250 jobs at a
time and 25 starts, 30 looks and 5 deletions a second by default, beyond which Transcribe asks to wait, and is obeyed.

A run that is killed, or interrupted with several worker processes, cannot clean up: what was in flight stays below the
prefix, where a lifecycle rule of the bucket may end it, and jobs go after 90 days.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from asrfair.backend.aws import Account
from asrfair.backend.base import Outcome, Request
from asrfair.backend.credentials import refuse_keys_in
from asrfair.backend.remote import RefusedError, Remote
from asrfair.backend.retrying import Pace, Patience
from asrfair.backend.service import CHANGES_NOTHING, Manner
from asrfair.backend.transcribe_answer import read_answer
from asrfair.backend.transcribe_jobs import Answer, Jobs, Place
from asrfair.backend.wire import UnusableError
from asrfair.errors import CardError

# https://aws.amazon.com/transcribe/pricing: billed by the second, and no job for less than this.
LEAST_BILLED_S = 15.0
MOST_ALTERNATIVES = 10
# The patterns of OutputBucketName, OutputKey, VocabularyName and ModelName.
BUCKET = re.compile(r"[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[a-zA-Z0-9\-_.!*'()/]{0,900}")
NAME = re.compile(r"[0-9a-zA-Z._-]{0,200}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}-[A-Za-z]{2}")


class TranscribeBackend(Remote):
    """Ask Amazon Transcribe for transcripts, with word timings, confidences and alternatives.

    ``bucket`` is an S3 bucket in the same region, ``prefix`` what the names of objects in it begin with. ``region`` and
    credentials come from boto3's own chain, unless the region is given. ``language`` is a code with its region, such
    as ``en-GB`` (None: the utterance's own; "": Transcribe identifies it, among ``language_options`` if given).
    ``vocabulary`` and ``model`` name a custom vocabulary and a custom language model. ``alternatives`` is how many
    hypotheses to ask for. ``batch_size`` utterances are asked for at a time, ``concurrency`` jobs of them in flight.
    ``timeout_s`` is the longest wait for a job's end or for room to start it, ``call_timeout_s`` for one call's answer,
    ``poll_s`` the first wait before looking, which grows to 30 s. ``requests_per_minute`` are jobs started. The rest is
    as `Manner` says. An outcome's ``seconds`` are those between a job's creation and its completion by the service's
    clock, waiting for its turn there included. Raises CardError and BackendError.
    """

    name = "transcribe"
    argument: ClassVar[str | None] = "bucket"
    changes_nothing: ClassVar[frozenset[str]] = CHANGES_NOTHING - {"key_variable"} | {
        "bucket",
        "prefix",
        "batch_size",
        "call_timeout_s",
        "poll_s",
    }

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "asrfair/",
        region: str | None = None,
        language: str | None = None,
        language_options: tuple[str, ...] = (),
        vocabulary: str = "",
        model: str = "",
        alternatives: int = 1,
        sample_rate: int = 16_000,
        audio: Literal["wav", "flac"] = "wav",
        batch_size: int = 64,
        concurrency: int = 16,
        timeout_s: float = 3600.0,
        call_timeout_s: float = 60.0,
        poll_s: float = 5.0,
        tries: int = 6,
        total_s: float = 600.0,
        requests_per_minute: float | None = None,
        give_up_after: int = 10,
        price_per_minute: float | None = None,
    ) -> None:
        self._manner = Manner(
            where=self.name,
            sample_rate=sample_rate,
            audio=audio,
            timeout_s=timeout_s,
            tries=tries,
            total_s=total_s,
            requests_per_minute=requests_per_minute,
            concurrency=concurrency,
            give_up_after=give_up_after,
            price_per_minute=price_per_minute,
        )
        _check(8_000 <= sample_rate <= 48_000, "sample_rate", sample_rate, "8000 to 48000 Hz")
        _check(batch_size > 0, "batch_size", batch_size, "utterances at a time, above 0")
        _check(call_timeout_s > 0, "call_timeout_s", call_timeout_s, "seconds above 0")
        _check(poll_s > 0, "poll_s", poll_s, "seconds above 0")
        _check(1 <= alternatives <= MOST_ALTERNATIVES, "alternatives", alternatives, f"1 to {MOST_ALTERNATIVES}")
        _check(bool(BUCKET.fullmatch(bucket)), "bucket", repr(bucket), "a bucket's name, without s3://")
        _check(bool(PREFIX.fullmatch(prefix)), "prefix", repr(prefix), "letters, digits and -_.!*'()/ of ASCII")
        for option, text in (("vocabulary", vocabulary), ("model", model)):
            _check(bool(NAME.fullmatch(text)), option, repr(text), "letters, digits and ._- of ASCII")
        _check_language(language, language_options, is_one=bool(vocabulary or model))
        self._language, self._language_options = language, language_options
        self._vocabulary, self._model, self._alternatives = vocabulary, model, alternatives
        self.batch_size = batch_size
        super().__init__(sample_rate=sample_rate, audio=audio, concurrency=concurrency, give_up_after=give_up_after)
        self._account = Account(region=region, call_timeout_s=call_timeout_s, connections=concurrency, where=self.name)
        texts = {"bucket": bucket, "prefix": prefix, "region": region, "vocabulary": vocabulary, "model": model}
        refuse_keys_in(texts, self._account.credential, where=self.name)
        self._jobs = Jobs(
            self._account,
            Place(bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""),
            where=self.name,
            patience=Patience(tries, total_s),
            pace=Pace(requests_per_minute),
            timeout_s=timeout_s,
            poll_s=poll_s,
        )

    def identity(self) -> Mapping[str, str]:
        """Return the service's address and region and all that is asked of it; what runs there may change untold."""
        among = f" among {', '.join(self._language_options)}" if self._language_options else ""
        return {
            "service": self._account.url,
            "region": self._account.region,
            "api": "batch jobs 2017-10-26",
            "model": self._model or "the language's own",
            "vocabulary": self._vocabulary or "none",
            "language": "each utterance's own" if self._language is None else self._language or f"identified{among}",
            "alternatives": str(self._alternatives),
            "audio": f"{self._manner.audio}, 16 bits, {self._manner.sample_rate} Hz",
        }

    def estimate(self, seconds_of_audio: float, utterances: int) -> str:
        """Return what a run will cost and take at least, in words: one job per utterance, none asked again."""
        price, pace = self._manner.price_per_minute, self._manner.requests_per_minute
        billed = max(seconds_of_audio, LEAST_BILLED_S * utterances) / 60
        cost = (
            "cost unknown (give the option price_per_minute)"
            if price is None
            else f"at least {billed * price:,.2f} at {price:g} per minute, for no less than {LEAST_BILLED_S:g} s a job"
        )
        time = (
            "time unknown before the first answers"
            if pace is None
            else f"at least {utterances / pace:,.1f} min at {pace:g} jobs per minute"
        )
        return f"{self.name}: {utterances:,} jobs with {seconds_of_audio / 60:,.1f} min of audio: {cost}; {time}"

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; raises BackendError. Tells what could not be cleaned up."""
        try:
            return super().transcribe(requests)
        finally:
            self._jobs.tell_left()

    def close(self) -> None:
        """Try again to clean up what could not be, and close the connections."""
        self._jobs.clean_left()
        self._account.close()

    def _answered(self, request: Request, audio: bytes, stop: threading.Event) -> Outcome:
        settings = self._settings(request)
        name, answer = self._jobs.run(audio, self._audio, settings, stop)
        outcome = read_answer(
            self._object(answer), request, name=name, identified=bool(settings.get("IdentifyLanguage"))
        )
        return replace(outcome, seconds=answer.seconds)

    def _settings(self, request: Request) -> dict[str, Any]:
        """Return what is asked of a job beyond its files; raises RefusedError."""
        language = request.language if self._language is None else self._language
        if not language and (self._vocabulary or self._model):
            raise RefusedError("found an utterance without a language; expected one beside a vocabulary or a model")
        if language and not LANGUAGE.fullmatch(language):
            # Told before anything is uploaded: corpora often say no region.
            raise RefusedError(f"found the language {language!r}; expected one with its region, such as en-GB")
        asked: dict[str, Any] = {"LanguageCode": language} if language else {"IdentifyLanguage": True}
        if not language and self._language_options:
            asked["LanguageOptions"] = list(self._language_options)
        settings: dict[str, Any] = {"VocabularyName": self._vocabulary} if self._vocabulary else {}
        if self._alternatives > 1:
            settings |= {"ShowAlternatives": True, "MaxAlternatives": self._alternatives}
        asked |= {"Settings": settings} if settings else {}
        return asked | ({"ModelSettings": {"LanguageModelName": self._model}} if self._model else {})

    def _object(self, answer: Answer) -> Mapping[str, Any]:
        """Return a transcript's JSON; raises UnusableError, for credentials in it too."""
        if self._account.credential.is_in(answer.body.decode("utf-8", errors="replace")):
            raise UnusableError("found credentials in the transcript; expected text, and this is not kept")
        try:
            found = json.loads(answer.body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            shown = self._account.shown(answer.body[:200].decode("utf-8", errors="replace"))
            raise UnusableError(f"found the transcript {shown!r}; expected JSON") from None
        if not isinstance(found, dict):
            raise UnusableError(f"found {type(found).__name__} as the transcript; expected a JSON object")
        return found


def _check(good: bool, name: str, found: object, wanted: str) -> None:
    if not good:
        raise CardError(f"transcribe: found {name} {found}; expected {wanted}")


def _check_language(language: str | None, options: tuple[str, ...], *, is_one: bool) -> None:
    for code in (*([language] if language else []), *options):
        _check(bool(LANGUAGE.fullmatch(code)), "the language", repr(code), "a code with its region, such as en-GB")
    _check(not options or language == "", "language_options", list(options), 'none, or language = "" beside them')
    _check(len(options) != 1, "language_options", list(options), "two or more to choose from, or none")
    _check(not (language == "" and is_one), "language", repr(language), "a code beside a vocabulary or a model")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
