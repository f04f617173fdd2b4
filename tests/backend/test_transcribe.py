"""Amazon Transcribe by the real boto3, against moto's server behind one that writes transcripts and misbehaves."""

import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("boto3", reason="needs the extra transcribe")
pytest.importorskip("moto.server", reason="needs moto[server]")

from asrfair.backend import retrying
from asrfair.backend.base import Alternative, Outcome, Request, Word
from asrfair.backend.credentials import HIDDEN
from asrfair.backend.transcribe import TranscribeBackend
from asrfair.backend.transcribe_answer import read_answer
from asrfair.backend.wire import UnusableError
from asrfair.errors import AsrfairError, BackendError, CardError
from tests.backend.aws_front import (
    BUCKET,
    KEY_ID,
    REGION,
    SECRET,
    Fault,
    Front,
    prepare,
    running_moto,
    serve,
    transcript,
)
from tests.backend.servers import request

Opener = Callable[..., TranscribeBackend]
CALLS = ["PutObject", "StartTranscriptionJob", "GetTranscriptionJob", "GetObject"]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with running_moto() as address:
        yield address


@pytest.fixture
def front(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    with serve(moto) as running:
        prepare(monkeypatch, running)
        yield running


@pytest.fixture
def opened(front: Front) -> Iterator[Opener]:
    made: list[TranscribeBackend] = []

    def opener(**more: Any) -> TranscribeBackend:
        made.append(TranscribeBackend(**{"bucket": BUCKET, "poll_s": 0.001, "call_timeout_s": 5.0, **more}))
        return made[-1]

    yield opener
    for backend in made:
        backend.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits for real; the clock runs by what was waited."""
    waited: list[float] = []
    monkeypatch.setattr(retrying, "clock", lambda: sum(waited))

    def pause(seconds: float, stop: threading.Event) -> None:
        if stop.is_set():
            raise retrying.StoppedError
        if seconds > 0:
            waited.append(seconds)

    monkeypatch.setattr(retrying, "pause", pause)
    return waited


def reason(outcome: Outcome) -> str:
    assert outcome.hypothesis is None
    return str(outcome.failure)


def unfinished(answer: dict[str, Any]) -> None:
    answer["TranscriptionJob"]["TranscriptionJobStatus"] = "IN_PROGRESS"


# What goes well


def test_every_request_gets_its_own_answer_in_order_and_nothing_is_left(opened: Opener, front: Front) -> None:
    outcomes = opened(concurrency=3).transcribe([request(number) for number in range(10, 17)])
    assert [outcome.hypothesis for outcome in outcomes] == [f"w{number}." for number in range(10, 17)]
    assert outcomes[0].words == (Word("w10", 0.01, 0.1, 0.75),)
    assert (outcomes[0].alternatives, outcomes[0].language) == ((), None)
    assert front.objects() == []
    assert front.names() == []
    assert 1 < front.most_running <= 3


def test_seconds_are_the_jobs_own(opened: Opener, front: Front) -> None:
    def timed(answer: dict[str, Any]) -> None:
        job = answer["TranscriptionJob"]
        job["CompletionTime"] = job["CreationTime"] + 2.5

    front.alter["GetTranscriptionJob"] = timed
    (outcome,) = opened().transcribe([request(1)])
    assert outcome.seconds == pytest.approx(2.5)


def test_what_is_asked_for(opened: Opener, front: Front) -> None:
    more = {"vocabulary": "Names", "model": "Ours", "alternatives": 2, "prefix": "a/b", "language": "en-GB"}
    front.client("transcribe").create_vocabulary(VocabularyName="Names", LanguageCode="en-GB", Phrases=["one"])
    (outcome,) = opened(**more).transcribe([request(1)])
    (job,) = front.jobs
    name = job.pop("TranscriptionJobName")
    assert re.fullmatch(r"asrfair-[0-9a-f]{32}", name)
    assert job == {
        "Media": {"MediaFileUri": f"s3://{BUCKET}/a/b/{name}/audio.wav"},
        "MediaFormat": "wav",
        "LanguageCode": "en-GB",
        "OutputBucketName": BUCKET,
        "OutputKey": f"a/b/{name}/transcript.json",
        "Settings": {"VocabularyName": "Names", "ShowAlternatives": True, "MaxAlternatives": 2},
        "ModelSettings": {"LanguageModelName": "Ours"},
    }
    assert outcome.alternatives == (Alternative("w1."), Alternative("not w1."))
    assert front.objects() == []


def test_language_is_the_utterances_own_or_identified(opened: Opener, front: Front) -> None:
    backend = opened()
    own, none = backend.transcribe([request(1, language="de-DE")]), backend.transcribe([request(1, language="")])
    among = opened(language="", language_options=("en-GB", "cy-GB")).transcribe([request(1, language="de-DE")])
    asked = [{key: value for key, value in job.items() if "anguage" in key} for job in front.jobs]
    assert asked == [
        {"LanguageCode": "de-DE"},
        {"IdentifyLanguage": True},
        {"IdentifyLanguage": True, "LanguageOptions": ["en-GB", "cy-GB"]},
    ]
    assert [outcome.language for (outcome,) in (own, none, among)] == [None, "en-GB", "en-GB"]


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_what_is_sent_is_the_waveform_and_nothing_that_names_it(opened: Opener, front: Front, kind: str) -> None:
    samples = np.random.default_rng(3).integers(-32768, 32767, 800).astype(np.float32) / 32768
    opened(audio=kind, sample_rate=8_000).transcribe([Request("secret-speaker", "noise", "en-US", 8_000, samples)])
    (body,) = [body for operation, _, body in front.asked if operation == "PutObject"]
    found, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    assert rate == 8_000
    assert np.array_equal(found, (samples * 32768).astype(np.int16))
    assert not [one for one in front.asked if "secret-speaker" in one[1] or b"secret-speaker" in one[2]]


def test_no_requests_no_calls(opened: Opener, front: Front) -> None:
    assert opened().transcribe([]) == []
    assert front.asked == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Request("a", "clean", "en-US", 16_000, None), "found no audio"),
        (request(1, rate=8_000), "found audio at 8000 Hz; expected 16000 Hz"),
        (request(1, samples=0), "found no samples"),
    ],
)
def test_what_cannot_be_sent_fails_alone(opened: Opener, bad: Request, said: str) -> None:
    first, second = opened().transcribe([bad, request(2)])
    assert said in reason(first)
    assert second.hypothesis == "w2."


def test_one_without_language_beside_a_model_fails_alone(opened: Opener) -> None:
    first, second = opened(model="Ours").transcribe([request(1, language=""), request(2)])
    assert "without a language" in reason(first)
    assert second.hypothesis == "w2."


def test_a_language_without_its_region_is_not_sent(opened: Opener, front: Front) -> None:
    first, second = opened().transcribe([request(1, language="en"), request(2)])
    assert reason(first) == "transcribe: found the language 'en'; expected one with its region, such as en-GB"
    assert second.hypothesis == "w2."
    assert front.counts()["PutObject"] == 1


# What may pass


@pytest.mark.parametrize(
    "fault",
    [
        Fault(400, "ThrottlingException", "Rate exceeded"),
        Fault(503, "SlowDown", "Please reduce your request rate."),
        Fault(500, "InternalFailureException", "again"),
        Fault(502, body=b"<html>bad gateway</html>"),
        Fault(drop=True),
        Fault(drop=True, after=True),
    ],
    ids=["throttled", "slow-down", "500", "502", "dropped", "answer-lost"],
)
@pytest.mark.parametrize("operation", CALLS)
def test_a_passing_failure_is_asked_again(
    opened: Opener, front: Front, waits: list[float], operation: str, fault: Fault
) -> None:
    front.faults[operation] = [fault, fault]
    (outcome,) = opened().transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    # moto's jobs end at the third look, and it counts an answer that was lost.
    looks = 3 if fault.after else 5
    assert front.counts()[operation] == (looks if operation == "GetTranscriptionJob" else 3)
    assert front.objects() == []
    assert front.names() == []


def test_a_start_whose_answer_was_lost_is_no_second_job(opened: Opener, front: Front, waits: list[float]) -> None:
    front.faults["StartTranscriptionJob"] = [Fault(drop=True, after=True)]
    (outcome,) = opened().transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    assert len(front.jobs) == 1
    assert front.counts()["StartTranscriptionJob"] == 2


def test_a_slow_answer_is_not_waited_for(opened: Opener, front: Front, waits: list[float]) -> None:
    lock, held = front.lock, threading.Event()

    def slowly(answer: dict[str, Any]) -> None:
        with lock:
            first = not held.is_set()
            held.set()
        if first:
            threading.Event().wait(0.3)

    front.alter["GetTranscriptionJob"] = slowly
    (outcome,) = opened(call_timeout_s=0.15).transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    # moto counts the answer that came too late as a look.
    assert front.counts()["GetTranscriptionJob"] == 3


def test_a_full_account_is_waited_for_longer_than_an_outage(opened: Opener, front: Front, waits: list[float]) -> None:
    full = Fault(400, "LimitExceededException", "You have too many concurrent jobs.")
    front.faults["StartTranscriptionJob"] = [full] * 12
    (outcome,) = opened(tries=2).transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    assert max(waits) > 2
    assert front.counts()["StartTranscriptionJob"] == 13


def test_a_full_account_is_not_waited_for_for_ever(opened: Opener, front: Front, waits: list[float]) -> None:
    front.always["StartTranscriptionJob"] = Fault(400, "LimitExceededException", "You have too many concurrent jobs.")
    (outcome,) = opened(timeout_s=300.0).transcribe([request(1)])
    assert "LimitExceededException: You have too many concurrent jobs. (given up after" in reason(outcome)
    assert 100 < sum(waits) <= 300
    assert front.objects() == []
    assert front.counts()["DeleteTranscriptionJob"] == 0


def test_tries_end(opened: Opener, front: Front, waits: list[float]) -> None:
    front.always["PutObject"] = Fault(503, "SlowDown", "Please reduce your request rate.")
    (outcome,) = opened(tries=3).transcribe([request(1)])
    assert reason(outcome) == "transcribe: SlowDown: Please reduce your request rate. (given up after 3 tries)"
    assert front.counts()["PutObject"] == 3
    assert front.counts()["StartTranscriptionJob"] == 0


def test_waits_for_the_end_grow_with_jitter(opened: Opener, front: Front, waits: list[float]) -> None:
    front.alter["GetTranscriptionJob"] = unfinished
    (outcome,) = opened(poll_s=2.0, timeout_s=600.0).transcribe([request(1)])
    assert reason(outcome) == "transcribe: IN_PROGRESS after 600 s (option timeout_s)"
    assert sum(waits) == pytest.approx(600.0)
    steps = [min(30.0, 2.0 * 1.5**number) for number in range(len(waits))]
    ratios = [wait / step for wait, step in zip(waits[:-1], steps, strict=False)]
    assert all(0.5 <= ratio <= 1.0 for ratio in ratios)
    assert np.std(ratios) > 0.05
    assert 20 < len(waits) < 45


def test_an_outage_ends_the_run_and_nothing_is_left(opened: Opener, front: Front, waits: list[float]) -> None:
    front.always["GetTranscriptionJob"] = Fault(503, "ServiceUnavailable", "down")
    with pytest.raises(BackendError, match="given up after 3 failures in a row"):
        opened(give_up_after=3, concurrency=1, tries=2).transcribe([request(number) for number in range(9)])
    assert len(front.jobs) == 3
    assert front.objects() == []
    assert front.names() == []


def test_nobody_there(opened: Opener, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (outcome,) = opened(tries=2).transcribe([request(1)])
    assert reason(outcome) == "transcribe: the service cannot be reached (given up after 2 tries)"


# What will not pass


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("PutObject", Fault(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")),
        ("PutObject", Fault(403, "SignatureDoesNotMatch", f"The signature of {KEY_ID} does not match.")),
        ("PutObject", Fault(400, "ExpiredToken", "The provided token has expired.")),
        ("PutObject", Fault(403, "AccessDenied", "Access Denied")),
        ("StartTranscriptionJob", Fault(400, "UnrecognizedClientException", "The security token is invalid.")),
        ("StartTranscriptionJob", Fault(400, "AccessDeniedException", "not authorized to perform: transcribe")),
        ("StartTranscriptionJob", Fault(400, "BadRequestException", "The requested vocabulary couldn't be found.")),
        ("StartTranscriptionJob", Fault(400, "BadRequestException", "The specified S3 bucket isn't in the region.")),
        ("GetTranscriptionJob", Fault(400, "ExpiredTokenException", "The security token has expired")),
        ("GetObject", Fault(403, "AccessDenied", "Access Denied")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.code,
)
def test_wrong_credentials_and_permissions_end_the_run_at_once(
    opened: Opener, front: Front, operation: str, fault: Fault, capfd: pytest.CaptureFixture[str]
) -> None:
    front.always[operation] = fault
    with pytest.raises(BackendError) as told:
        opened(concurrency=1).transcribe([request(number) for number in range(5)])
    assert fault.code in str(told.value)
    assert "\n" not in str(told.value)
    assert front.counts()[operation] == 1
    assert front.counts()["DeleteTranscriptionJob"] == len(front.jobs)
    assert front.objects() == []
    assert front.names() == []
    # Nothing had to be cleaned up that could not be.
    assert capfd.readouterr().err == ""


def test_a_missing_bucket_ends_the_run_at_once(opened: Opener, front: Front) -> None:
    with pytest.raises(BackendError, match="NoSuchBucket: The specified bucket does not exist"):
        opened(bucket="nobody-has-this-one", concurrency=1).transcribe([request(1), request(2)])
    assert front.counts() == {"PutObject": 1}


def test_those_that_wait_stop_when_one_cannot_go_on(opened: Opener, front: Front) -> None:
    front.alter["GetTranscriptionJob"] = unfinished
    front.faults["StartTranscriptionJob"] = [Fault(400, "AccessDeniedException", "no")]
    with pytest.raises(BackendError):
        opened(poll_s=30.0, concurrency=4).transcribe([request(number) for number in range(4)])
    assert front.objects() == []
    assert front.names() == []


def test_a_job_that_failed_is_a_failure_with_its_reason(opened: Opener, front: Front) -> None:
    def fail(answer: dict[str, Any]) -> None:
        answer["TranscriptionJob"] |= {
            "TranscriptionJobStatus": "FAILED",
            "FailureReason": "Invalid file size:\nfile too \x1b[31mlarge.",
        }

    front.alter["GetTranscriptionJob"] = fail
    (outcome,) = opened().transcribe([request(1)])
    assert reason(outcome) == "transcribe: FAILED: Invalid file size: file too [31mlarge."
    assert front.objects() == []
    assert front.names() == []


def test_jobs_that_fail_after_one_that_did_not_do_not_end_the_run(opened: Opener, front: Front) -> None:
    backend = opened(give_up_after=2, concurrency=1)
    backend.transcribe([request(1)])
    front.always["StartTranscriptionJob"] = Fault(400, "BadRequestException", "Invalid language code.")
    outcomes = backend.transcribe([request(number) for number in range(4)])
    assert all("BadRequestException: Invalid language code." in reason(outcome) for outcome in outcomes)


def test_a_service_that_refuses_all_ends_the_run(opened: Opener, front: Front) -> None:
    front.always["StartTranscriptionJob"] = Fault(400, "BadRequestException", "Invalid language code.")
    with pytest.raises(BackendError, match="given up after 2 failures in a row"):
        opened(give_up_after=2, concurrency=1).transcribe([request(number) for number in range(4)])
    assert len(front.objects()) == 0


# Answers that are none


def other_job(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "jobName": "asrfair-another"}


def too_late(answer: dict[str, Any]) -> dict[str, Any]:
    answer["results"]["items"][0]["end_time"] = "17.2"
    return answer


def without(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "results": {**answer["results"], "transcripts": []}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_job, "found the transcript of job 'asrfair-another'; expected that of asrfair-"),
        (too_late, "found words up to 17.2 s; expected none after 0.1 s"),
        (without, "found no entry in 'transcripts'"),
        (lambda answer: {**answer, "results": None}, "found nothing as 'results'"),
        (lambda answer: {"results": answer["results"]}, "found nothing as 'jobName'"),
        (lambda answer: b'{"jobName": ', "expected JSON"),
        (lambda answer: b"\xff\xfe", "expected JSON"),
        (lambda answer: b"[" * 200_000, "expected JSON"),
        (lambda answer: [answer], "found list as the transcript"),
        (lambda answer: b"", "expected JSON"),
        (lambda answer: None, "found no transcript of a job that is COMPLETED (NoSuchKey"),
        (lambda answer: b" " * (2**24 + 1), "more than 16777216 bytes"),
        (lambda answer: json.dumps(answer).replace('"w1.', f'"{SECRET}').encode(), "found credentials"),
    ],
)
def test_an_answer_without_a_transcript_of_this_job_is_a_failure(
    opened: Opener, front: Front, change: Callable[[Any], object], said: str
) -> None:
    front.transcript = change
    (outcome,) = opened().transcribe([request(1)])
    assert said in reason(outcome)
    assert SECRET not in reason(outcome)
    assert front.objects() == []
    assert front.names() == []


@pytest.mark.parametrize(
    "change",
    [
        {"TranscriptionJobName": "asrfair-another"},
        {"Media": {"MediaFileUri": f"s3://{BUCKET}/another.wav"}},
        {"Media": None},
    ],
)
def test_a_description_of_another_job_is_a_failure(opened: Opener, front: Front, change: dict[str, Any]) -> None:
    front.alter["GetTranscriptionJob"] = lambda answer: answer["TranscriptionJob"].update(change)
    (outcome,) = opened().transcribe([request(1)])
    assert "another job or file" in reason(outcome)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"TranscriptionJob": {"TranscriptionJobStatus": "SLEEPING"}}'])
def test_a_description_that_is_none_is_a_failure(opened: Opener, front: Front, body: bytes) -> None:
    front.always["GetTranscriptionJob"] = Fault(200, body=body)
    (outcome,) = opened().transcribe([request(1)])
    assert "another job or file" in reason(outcome)


def test_silence_is_an_empty_hypothesis() -> None:
    answer = {"jobName": "n", "results": {"transcripts": [{"transcript": ""}], "items": []}}
    assert read_answer(answer, request(1), name="n", identified=False) == Outcome(hypothesis="")


def test_impossible_details_keep_their_text() -> None:
    answer = transcript({"TranscriptionJobName": "n"}, "one", 0.1)
    answer["results"]["items"][0] |= {
        "start_time": "0.09",
        "end_time": "0.05",
        "alternatives": [{"confidence": "nan", "content": "one"}],
    }
    assert read_answer(answer, request(1), name="n", identified=False).words == (Word("one"),)
    answer["results"]["items"][0]["alternatives"] = []
    with pytest.raises(UnusableError, match="a word's text"):
        read_answer(answer, request(1), name="n", identified=False)


def test_alternatives_of_several_segments_are_not_combined() -> None:
    answer = transcript({"TranscriptionJobName": "n", "Settings": {"ShowAlternatives": True}}, "one", 0.1)
    assert len(read_answer(answer, request(1), name="n", identified=False).alternatives) == 2
    answer["results"]["segments"] *= 2
    assert read_answer(answer, request(1), name="n", identified=False).alternatives == ()


# Nothing is left behind, and what is, is told


def test_what_cannot_be_cleaned_up_is_told_and_tried_again(
    opened: Opener, front: Front, waits: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    front.alter["GetTranscriptionJob"] = unfinished
    front.faults["DeleteTranscriptionJob"] = [Fault(400, "BadRequestException", "The job is not in a terminal state.")]
    backend = opened(timeout_s=10.0)
    (outcome,) = backend.transcribe([request(1)])
    assert "IN_PROGRESS" in reason(outcome)
    err = capfd.readouterr().err
    (name,) = front.names()
    assert err == (
        f"asrfair: transcribe: could not be cleaned up: job {name} and s3://{BUCKET}/asrfair/{name}/ "
        "(BadRequestException: The job is not in a terminal state.)\n"
    )
    # The audio is gone already; what the job in progress writes meanwhile goes when it has ended.
    assert front.objects() == []
    front.client("s3").put_object(Bucket=BUCKET, Key=f"asrfair/{name}/transcript.json", Body=b"late")
    backend.close()
    assert capfd.readouterr().err == f"asrfair: transcribe: cleaned up after all: job {name}\n"
    assert front.objects() == []
    assert front.names() == []


def test_objects_that_cannot_be_deleted_are_told_and_the_answer_is_kept(
    opened: Opener, front: Front, capfd: pytest.CaptureFixture[str]
) -> None:
    front.always["DeleteObjects"] = Fault(403, "AccessDenied", f"{KEY_ID} may not delete")
    backend = opened(concurrency=1)
    outcomes = backend.transcribe([request(number) for number in range(7)])
    assert [outcome.hypothesis for outcome in outcomes] == [f"w{number}." for number in range(7)]
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert err.count("s3://") == 5
    assert "; and 2 more" in err
    assert KEY_ID not in err
    assert HIDDEN in err
    backend.transcribe([request(7)])
    assert capfd.readouterr().err.count("s3://") == 1
    front.always.clear()
    backend.close()
    assert capfd.readouterr().err.count("cleaned up after all") == 8
    assert front.objects() == []


def test_one_object_that_cannot_be_deleted_is_told(
    opened: Opener, front: Front, capfd: pytest.CaptureFixture[str]
) -> None:
    body = b"<DeleteResult><Error><Key>%s</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"

    def refused(answer: dict[str, Any]) -> dict[str, Any]:
        key = f"asrfair/{answer['jobName']}/audio.wav"
        front.faults["DeleteObjects"] = [Fault(200, body=body % key.encode())]
        return answer

    front.transcript = refused
    backend = opened()
    (outcome,) = backend.transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    assert "(AccessDenied: no)" in capfd.readouterr().err
    backend.close()
    assert "cleaned up after all" in capfd.readouterr().err


def test_a_bucket_that_keeps_versions_keeps_no_audio_and_no_transcript(opened: Opener, front: Front) -> None:
    s3 = front.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    (outcome,) = opened().transcribe([request(1)])
    assert outcome.hypothesis == "w1."
    kept = [one["Key"].rpartition("/")[2] for one in s3.list_object_versions(Bucket=BUCKET).get("Versions", [])]
    assert kept == [".write_access_check_file.temp"]


def test_an_interrupt_cleans_up(opened: Opener, front: Front, capfd: pytest.CaptureFixture[str]) -> None:
    front.alter["GetTranscriptionJob"] = unfinished
    three = threading.Barrier(3, action=lambda: os.kill(os.getpid(), signal.SIGINT))

    def interrupt(answer: dict[str, Any]) -> dict[str, Any]:
        three.wait(60)
        return answer

    front.transcript = interrupt
    # A process that is started in the background ignores interrupts, and so would these tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            opened(poll_s=30.0, concurrency=3).transcribe([request(number) for number in range(9)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(front.jobs) == 3
    assert front.objects() == []
    assert front.names() == []
    assert capfd.readouterr().err == ""


# Credentials and options


def test_an_echoed_key_is_hidden(opened: Opener, front: Front) -> None:
    front.always["StartTranscriptionJob"] = Fault(400, "BadRequestException", f"{SECRET} and {KEY_ID[:12]}****")
    (outcome,) = opened().transcribe([request(1)])
    for piece in (SECRET, KEY_ID[:12]):
        assert not any(piece[at : at + 6] in reason(outcome) for at in range(len(piece) - 5))
    assert HIDDEN in reason(outcome)


def test_identity_and_representation_hold_no_key(opened: Opener) -> None:
    backend = opened()
    shown = f"{dict(backend.identity())}{backend!r}{vars(backend)!r}{vars(backend._account)!r}"
    for secret in (SECRET, KEY_ID):
        assert not any(secret[at : at + 6] in shown for at in range(len(secret) - 5))


def test_identity_tells_what_changes_answers(opened: Opener, front: Front) -> None:
    assert opened().identity() == {
        "service": front.url,
        "region": REGION,
        "api": "batch jobs 2017-10-26",
        "model": "the language's own",
        "vocabulary": "none",
        "language": "each utterance's own",
        "alternatives": "1",
        "audio": "wav, 16 bits, 16000 Hz",
    }
    other = opened(language="", language_options=("en-GB", "en-US"), region="us-east-1").identity()
    assert (other["language"], other["region"]) == ("identified among en-GB, en-US", "us-east-1")


def test_every_option_is_told_or_changes_nothing(opened: Opener) -> None:
    options = set(inspect.signature(TranscribeBackend).parameters)
    assert options >= TranscribeBackend.changes_nothing
    told = {
        "region": "us-west-1",
        "language": "en-GB",
        "vocabulary": "Names",
        "model": "Ours",
        "alternatives": 3,
        "sample_rate": 8_000,
        "audio": "flac",
    }
    assert options - TranscribeBackend.changes_nothing == {*told, "language_options"}
    usual = opened().identity()
    for option, value in told.items():
        assert opened(**{option: value}).identity() != usual, option
    assert opened(prefix="b/", timeout_s=2.0, concurrency=2, batch_size=3).identity() == usual


def test_no_credentials_no_start(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BackendError, match="found no credentials; expected them where boto3 looks"):
        opened()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, "PartialCredentialsError"),
        ("AWS_PROFILE", "nobody", "ProfileNotFound"),
        ("AWS_DEFAULT_REGION", None, "found no region"),
        ("AWS_ENDPOINT_URL", "http://", "transcribe:"),
        ("AWS_ENDPOINT_URL", "http://user:word@127.0.0.1:1", "found a user, a query"),
    ],
)
def test_a_chain_that_is_broken_is_told(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, said: str
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(AsrfairError, match=said) as told:
        opened()
    assert "\n" not in str(told.value)
    assert "word" not in str(told.value)


@pytest.mark.parametrize("option", ["prefix", "vocabulary", "model"])
def test_a_key_in_an_option_is_refused(opened: Opener, option: str) -> None:
    with pytest.raises(CardError, match="expected no key in a plan") as told:
        opened(**{option: KEY_ID})
    assert KEY_ID not in str(told.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("bucket", "s3://bucket"),
        ("bucket", "Bucket"),
        ("bucket", ""),
        ("prefix", "ä/"),
        ("language", "en"),
        ("language", "english"),
        ("language_options", ("en-GB", "en-US")),
        ("vocabulary", "a b"),
        ("model", "é"),
        ("alternatives", 0),
        ("alternatives", 11),
        ("sample_rate", 4_000),
        ("batch_size", 0),
        ("concurrency", 0),
        ("concurrency", 65),
        ("timeout_s", 0.0),
        ("call_timeout_s", 0.0),
        ("poll_s", 0.0),
        ("tries", 0),
        ("total_s", 0.0),
        ("requests_per_minute", 0.0),
        ("give_up_after", 0),
        ("price_per_minute", -1.0),
    ],
)
def test_options_out_of_range(opened: Opener, option: str, value: object) -> None:
    with pytest.raises(CardError, match=option.split("_")[0]) as told:
        opened(**{option: value})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "more",
    [
        {"language_options": ("en-GB",), "language": ""},
        {"language": "", "vocabulary": "v"},
        {"language": "", "model": "m"},
    ],
)
def test_options_that_do_not_go_together(opened: Opener, more: dict[str, Any]) -> None:
    with pytest.raises(CardError, match="language"):
        opened(**more)


def test_estimate(opened: Opener) -> None:
    said = opened(price_per_minute=0.024, requests_per_minute=60.0).estimate(3600.0, 1000)
    # 1,000 jobs of 3.6 s are billed as 250 min.
    assert said == (
        "transcribe: 1,000 jobs with 60.0 min of audio: at least 6.00 at 0.024 per minute, for no less than 15 s a "
        "job; at least 16.7 min at 60 jobs per minute"
    )
    assert "at least 1.44 at" in opened(price_per_minute=0.024).estimate(3600.0, 10)
    assert "cost unknown" in opened().estimate(3600.0, 1000)


def test_requests_per_minute(opened: Opener, front: Front, waits: list[float]) -> None:
    opened(requests_per_minute=1.0, concurrency=1).transcribe([request(1), request(2), request(3)])
    assert 100 < sum(waits) < 125


def test_without_boto3(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BackendError, match=re.escape('install it with pip install "asrfair[transcribe]"')):
        TranscribeBackend(bucket=BUCKET)


def test_importing_costs_no_heavy_package() -> None:
    script = "import asrfair.backend.transcribe, sys; assert not {'boto3', 'botocore'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_it_waits_for_a_service(opened: Opener) -> None:
    backend = opened()
    assert (backend.waits, backend.needs_audio, backend.batch_size, backend.sample_rate) == (True, True, 64, 16_000)


def test_outcomes_are_complete(opened: Opener) -> None:
    (outcome,) = opened().transcribe([request(1)])
    assert replace(outcome, seconds=None) == Outcome("w1.", words=(Word("w1", 0.01, 0.1, 0.75),))
