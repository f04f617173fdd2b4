"""One job of Amazon Transcribe from upload to clean-up, under a name that says nothing.

A job's name is random, and so are the names of its objects: neither an utterance's id nor a digest of it reaches the
service. All that belongs to a job lies below ``PREFIX NAME/`` in the bucket: the audio, the transcript, and a file by
which Transcribe tries whether it may write there. Only a job that has ended can be deleted
(https://docs.aws.amazon.com/transcribe/latest/APIReference/API_DeleteTranscriptionJob.html).
"""

import random
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from asrfair.backend import retrying
from asrfair.backend.aws import AGAIN, Account, LimitedError, ServiceRefusedError
from asrfair.backend.exchange import LARGEST_REPLY
from asrfair.backend.remote import RefusedError
from asrfair.backend.retrying import GivenUpError, Pace, Patience, TransientError, with_retries
from asrfair.backend.wire import MEDIA_TYPES, UnusableError
from asrfair.errors import BackendError

WRITE_TEST = ".write_access_check_file.temp"
TRANSCRIPT = "transcript.json"
# Each wait for a job's end is so much longer than the one before, up to a half of a minute.
POLL_GROWTH, LONGEST_POLL_S = 1.5, 30.0
CLEANING = Patience(tries=3, total_s=30.0)
# Of a refusal to start: it is the bucket, the vocabulary or the model that is wrong, and will be for every utterance.
HOPELESS = ("vocabulary", "language model", "s3 bucket", "s3 uri", "read permission", "write permission")
MOST_TOLD = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where objects go: a bucket, and what their names begin with, a slash at its end or nothing."""

    bucket: str
    prefix: str


@dataclass(frozen=True)
class Answer:
    """A transcript as Transcribe wrote it, and the seconds that the job took by the service's clock, queueing too."""

    body: bytes
    seconds: float | None


@dataclass
class Traces:
    """What a job leaves in the account for as long as it is not cleaned up; a key's version is None if not told."""

    name: str
    keys: dict[str, str | None] = field(default_factory=dict)
    started: bool = False
    reason: str = ""
    told: bool = False


class Jobs:
    """Runs jobs, each in the thread that asks for it; ``timeout_s`` bounds the wait for room and for a job's end."""

    def __init__(
        self,
        account: Account,
        place: Place,
        *,
        where: str,
        patience: Patience,
        pace: Pace,
        timeout_s: float,
        poll_s: float,
    ) -> None:
        self._account, self._place, self._where = account, place, where
        self._patience, self._pace = patience, pace
        self._timeout_s, self._poll_s = timeout_s, poll_s
        self._left: list[Traces] = []
        self._lock = threading.Lock()

    def run(self, audio: bytes, kind: str, settings: Mapping[str, Any], stop: threading.Event) -> tuple[str, Answer]:
        """Return a job's name and its answer; raises what `Remote._answered` may raise. Cleaned up in any case."""
        traces = Traces(f"asrfair-{uuid.uuid4().hex}")
        try:
            key = self._upload(traces, audio, kind, stop)
            uri = f"s3://{self._place.bucket}/{key}"
            asked = {"Media": {"MediaFileUri": uri}, "MediaFormat": kind, **settings}
            self._start(traces, asked, stop)
            job = self._finished(traces.name, uri, stop)
            return traces.name, Answer(self._fetch(traces, stop), _seconds(job))
        finally:
            self._clean(traces)

    def tell_left(self) -> None:
        """Say on standard error, on one line, what could not be cleaned up since this was last called."""
        with self._lock:
            told = [traces for traces in self._left if not traces.told]
            for traces in told:
                traces.told = True
        if told:
            more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
            said = "; ".join(self._words(traces) for traces in told[:MOST_TOLD])
            self._say(f"could not be cleaned up: {said}{more}")

    def clean_left(self) -> None:
        """Try once more to clean up, since jobs that were in progress may have ended; says what is gone now."""
        with self._lock:
            left, self._left = self._left, []
        started = retrying.clock()
        for traces in left:
            if retrying.clock() - started > CLEANING.total_s:
                break
            if self._clean(traces):
                self._say(f"cleaned up after all: job {traces.name}")

    def _say(self, text: str) -> None:
        print(f"asrfair: {self._where}: {text}", file=sys.stderr)

    def _words(self, traces: Traces) -> str:
        left = [f"job {traces.name}"] if traces.started else []
        left += [f"s3://{self._place.bucket}/{self._place.prefix}{traces.name}/"] if traces.keys else []
        return f"{' and '.join(left)} ({traces.reason})"

    def _key(self, traces: Traces, name: str) -> str:
        return f"{self._place.prefix}{traces.name}/{name}"

    def _retried(self, call: Callable[[], T], stop: threading.Event) -> T:
        return with_retries(lambda: self._account.once(call), patience=self._patience, pace=Pace(None), stop=stop)

    def _upload(self, traces: Traces, audio: bytes, kind: str, stop: threading.Event) -> str:
        key = self._key(traces, f"audio.{kind}")

        def put() -> Any:
            return self._account.s3.put_object(
                Bucket=self._place.bucket, Key=key, Body=audio, ContentType=MEDIA_TYPES[kind]
            )

        # What was sent may have arrived even where no answer came; what was refused has not.
        traces.keys[key] = None
        try:
            stored = self._retried(put, stop)
        except (ServiceRefusedError, BackendError):
            traces.keys.clear()
            raise
        traces.keys[key] = stored.get("VersionId")
        return key

    def _start(self, traces: Traces, asked: Mapping[str, Any], stop: threading.Event) -> None:
        output = self._key(traces, TRANSCRIPT)
        traces.keys |= {output: None, self._key(traces, WRITE_TEST): None}

        def start() -> None:
            self._account.transcribe.start_transcription_job(
                TranscriptionJobName=traces.name, OutputBucketName=self._place.bucket, OutputKey=output, **asked
            )

        def when_there_is_room() -> None:
            try:
                with_retries(
                    lambda: self._try_start(traces, start), patience=self._patience, pace=self._pace, stop=stop
                )
            except _FullError as error:
                raise TransientError(str(error)) from None

        # As long as a job may take: then others have ended, and there is room for this one.
        room = Patience(sys.maxsize, self._timeout_s)
        with_retries(when_there_is_room, patience=room, pace=Pace(None), stop=stop)

    def _try_start(self, traces: Traces, start: Callable[[], None]) -> None:
        before, traces.started = traces.started, True
        try:
            self._account.once(start)
        except LimitedError as error:
            traces.started = before
            raise _FullError(str(error)) from None
        except BackendError:
            traces.started = before
            raise
        except ServiceRefusedError as error:
            if error.code == "ConflictException":
                # An earlier try did arrive: nobody else has a job of this name.
                return
            traces.started = before
            if error.code == "BadRequestException" and any(one in str(error).lower() for one in HOPELESS):
                raise BackendError(f"{self._where}: {error}") from None
            raise

    def _finished(self, name: str, uri: str, stop: threading.Event) -> Mapping[str, Any]:
        """Return the description of a job that is completed; waits grow, with jitter."""
        wait_s, deadline = self._poll_s, retrying.clock() + self._timeout_s
        while True:
            left_s = deadline - retrying.clock()
            retrying.pause(min(left_s, wait_s * random.uniform(0.5, 1.0)), stop)
            wait_s = max(wait_s, min(LONGEST_POLL_S, wait_s * POLL_GROWTH))
            job = self._retried(lambda: self._described(name), stop)
            _check_same(job, name, uri)
            status = job.get("TranscriptionJobStatus")
            if status == "COMPLETED":
                return job
            if status == "FAILED":
                raise RefusedError(f"FAILED: {self._account.shown(str(job.get('FailureReason') or 'no reason given'))}")
            if status not in ("QUEUED", "IN_PROGRESS"):
                raise UnusableError(f"found the status {self._account.shown(str(status))!r}; expected a known one")
            if retrying.clock() >= deadline:
                raise GivenUpError(f"{status} after {self._timeout_s:g} s (option timeout_s)")

    def _described(self, name: str) -> dict[str, Any]:
        answer = self._account.transcribe.get_transcription_job(TranscriptionJobName=name)
        job = answer.get("TranscriptionJob")
        return job if isinstance(job, dict) else {}

    def _fetch(self, traces: Traces, stop: threading.Event) -> bytes:
        key = self._key(traces, TRANSCRIPT)

        def get() -> bytes:
            found = self._account.s3.get_object(Bucket=self._place.bucket, Key=key)
            with found["Body"] as body:
                content: bytes = body.read(LARGEST_REPLY + 1)
            traces.keys[key] = found.get("VersionId")
            return content

        try:
            content = self._retried(get, stop)
        except ServiceRefusedError as error:
            raise UnusableError(f"found no transcript of a job that is COMPLETED ({error})") from None
        if len(content) > LARGEST_REPLY:
            raise UnusableError(f"found a transcript of more than {LARGEST_REPLY} bytes; expected a shorter one")
        return content

    def _clean(self, traces: Traces) -> bool:
        """Delete a job and its objects, and return whether they are gone; what is not is remembered."""
        # A stop that never comes: where the run ends it has come already.
        never = threading.Event()
        reasons = []
        for delete in (self._delete_job, self._delete_objects):
            try:
                with_retries(
                    partial(self._account.once, partial(delete, traces)), patience=CLEANING, pace=Pace(None), stop=never
                )
            except (GivenUpError, RefusedError, BackendError) as error:
                reasons.append(str(error).removeprefix(f"{self._where}: "))
        if reasons:
            traces.reason = "; ".join(dict.fromkeys(reasons))
            with self._lock:
                self._left.append(traces)
        return not reasons

    def _delete_job(self, traces: Traces) -> None:
        if not traces.started:
            return
        try:
            self._account.transcribe.delete_transcription_job(TranscriptionJobName=traces.name)
        except self._account.transcribe.exceptions.BadRequestException as error:
            if "couldn't be found" not in str(error):
                raise
        traces.started = False

    def _delete_objects(self, traces: Traces) -> None:
        if not traces.keys:
            return
        # With its version an object is gone; without, a bucket that keeps versions only hides it.
        objects = [{"Key": key, **({"VersionId": version} if version else {})} for key, version in traces.keys.items()]
        answer = self._account.s3.delete_objects(Bucket=self._place.bucket, Delete={"Objects": objects, "Quiet": True})
        kept = {str(one.get("Key")): one for one in answer.get("Errors", [])}
        # What a job in progress will still write is not there yet.
        ours = (self._key(traces, TRANSCRIPT), self._key(traces, WRITE_TEST)) if traces.started else ()
        traces.keys = {key: version for key, version in traces.keys.items() if key in kept or key in ours}
        for one in kept.values():
            code, message = (self._account.shown(str(one.get(name, ""))) for name in ("Code", "Message"))
            if code in AGAIN:
                raise TransientError(f"{code}: {message}")
            raise ServiceRefusedError(code, message)


class _FullError(Exception):
    """The account has as many jobs as it may have."""


def _check_same(job: Mapping[str, Any], name: str, uri: str) -> None:
    media = job.get("Media")
    found = media.get("MediaFileUri") if isinstance(media, dict) else None
    if job.get("TranscriptionJobName") != name or found != uri:
        raise UnusableError("found a description of another job or file; expected the one that was asked for")


def _seconds(job: Mapping[str, Any]) -> float | None:
    created, completed = job.get("CreationTime"), job.get("CompletionTime")
    if not (isinstance(created, datetime) and isinstance(completed, datetime)):
        return None
    return max(0.0, (completed - created).total_seconds())
