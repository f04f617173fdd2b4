"""Amazon Web Services on this machine: moto behind a server that misbehaves and writes the transcripts.

moto (https://docs.getmoto.org) keeps buckets and jobs, speaks the wire formats of S3 and Transcribe, and recognises
nothing. So the server between it and boto3 writes the transcript of each job that starts, in the format that Amazon's
pages show (see `asrfair.backend.transcribe_answer`); what is «recognised» is the audio's first sample, as a word.
Errors have the forms of Amazon's: JSON of protocol 1.1 for Transcribe, XML for S3.
"""

import http.client
import io
import json
import logging
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
import pytest
import soundfile
from moto.server import ThreadedMotoServer

KEY_ID = "AKIAQ7ZVNX3WJH5TRM2K"
SECRET = "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"
REGION = "eu-west-2"
BUCKET = "recordings-of-tests"


@dataclass(frozen=True)
class Fault:
    """What to do instead of asking moto; ``after`` it, when it is the answer only that is lost."""

    status: int = 200
    code: str = ""
    message: str = ""
    body: bytes | None = None
    drop: bool = False
    after: bool = False


@dataclass
class Front:
    """A running server: what it does instead, by operation; what it was asked, in order."""

    moto: str
    url: str = ""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    alter: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)
    """Changes to Transcribe's answers, by operation."""
    transcript: Callable[[dict[str, Any]], object] = lambda answer: answer
    """What is written in place of the transcript: an object as JSON, bytes as they are, None not at all."""
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """A client that asks moto itself."""
        return _client(self.moto, service)

    def counts(self) -> Counter[str]:
        return Counter(operation for operation, _, _ in self.asked)

    def objects(self) -> list[str]:
        return [one["Key"] for one in self.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def names(self) -> list[str]:
        found = self.client("transcribe").list_transcription_jobs()["TranscriptionJobSummaries"]
        return [one["TranscriptionJobName"] for one in found]

    def fault(self, operation: str) -> Fault | None:
        with self.lock:
            waiting = self.faults.get(operation, [])
            return waiting.pop(0) if waiting else self.always.get(operation)

    def started(self, asked: dict[str, Any]) -> None:
        with self.lock:
            self.jobs.append(asked)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        s3 = self.client("s3")
        bucket, _, key = asked["Media"]["MediaFileUri"].removeprefix("s3://").partition("/")
        audio = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        samples, rate = soundfile.read(io.BytesIO(audio), dtype="int16")
        found = self.transcript(transcript(asked, f"w{samples[0]}", len(samples) / rate))
        folder = asked["OutputKey"].rpartition("/")[0]
        s3.put_object(Bucket=asked["OutputBucketName"], Key=f"{folder}/.write_access_check_file.temp", Body=b"")
        if found is not None:
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            s3.put_object(Bucket=asked["OutputBucketName"], Key=asked["OutputKey"], Body=body)


@cache
def _client(moto: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=moto,
        region_name=REGION,
        aws_access_key_id="x" * 16,
        aws_secret_access_key="y" * 16,
    )


def transcript(asked: dict[str, Any], word: str, seconds: float) -> dict[str, Any]:
    """The JSON of https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html, one word and a full stop."""
    spoken = {
        "start_time": "0.01",
        "end_time": f"{seconds:.3f}",
        "alternatives": [{"confidence": "0.75", "content": word}],
        "type": "pronunciation",
    }
    stop = {"alternatives": [{"confidence": "0.0", "content": "."}], "type": "punctuation"}
    results: dict[str, Any] = {
        "language_code": asked.get("LanguageCode", "en-GB"),
        "transcripts": [{"transcript": f"{word}."}],
        "items": [spoken, stop],
    }
    if asked.get("Settings", {}).get("ShowAlternatives"):
        others = [{"transcript": f"{text}.", "items": []} for text in (word, f"not {word}")]
        results["segments"] = [{"start_time": "0.0", "end_time": f"{seconds:.3f}", "alternatives": others}]
    return {
        "jobName": asked["TranscriptionJobName"],
        "accountId": "123456789012",
        "status": "COMPLETED",
        "results": results,
    }


class _Handler(BaseHTTPRequestHandler):
    front: Front
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self._operation()
        with self.front.lock:
            self.front.asked.append((operation, self.path, body))
        fault = self.front.fault(operation)
        try:
            if fault is not None and not fault.after:
                self._fail(fault, operation)
                return
            status, headers, content = self._forwarded(operation, body)
            if fault is not None:
                self._fail(fault, operation)
                return
            self._send(status, headers, content)
        except OSError:
            # The client has given up.
            self.close_connection = True

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def _operation(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        if target:
            return target.rpartition(".")[2]
        deletes = self.command == "POST" and "delete" in urlsplit(self.path).query
        return "DeleteObjects" if deletes else f"{self.command.title()}Object"

    def _forwarded(self, operation: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        moto = http.client.HTTPConnection(urlsplit(self.front.moto).netloc)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", "host")}
        moto.request(self.command, self.path, body, {**headers, "Host": urlsplit(self.front.moto).netloc})
        answer = moto.getresponse()
        content = answer.read()
        moto.close()
        if operation == "StartTranscriptionJob" and answer.status == 200:
            self.front.started(json.loads(body))
        if operation == "DeleteTranscriptionJob" and answer.status == 200:
            with self.front.lock:
                self.front.running -= 1
        if operation in self.front.alter and answer.status == 200:
            told = json.loads(content)
            self.front.alter[operation](told)
            content = json.dumps(told).encode()
        drop = ("content-length", "transfer-encoding", "connection", "server", "date")
        return answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in drop], content

    def _fail(self, fault: Fault, operation: str) -> None:
        if fault.drop:
            # Reset, so that the client cannot take it for the end of an answer.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if fault.body is not None:
            self._send(fault.status, [], fault.body)
        elif operation.endswith(("Object", "Objects")):
            text = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
            self._send(fault.status, [("Content-Type", "application/xml")], text.encode())
        else:
            told = json.dumps({"__type": fault.code, "Message": fault.message})
            self._send(fault.status, [("Content-Type", "application/x-amz-json-1.1")], told.encode())

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_moto() -> Iterator[str]:
    """Run moto and yield its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def prepare(monkeypatch: pytest.MonkeyPatch, front: Front) -> None:
    """Let boto3's chain find the server and its credentials, and nothing of the machine's."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(front).items():
        monkeypatch.setenv(name, value)
    # Descriptions of services are read once, not for each client: that takes most of a test's time.
    monkeypatch.setattr(botocore.session, "create_loader", lambda path=None: _loader())


@cache
def _loader() -> Any:
    return botocore.loaders.create_loader()


@contextmanager
def serve(moto: str) -> Iterator[Front]:
    """Run a server before the moto at an address, with an empty bucket."""
    front = Front(moto)
    connection = http.client.HTTPConnection(urlsplit(moto).netloc)
    connection.request("POST", "/moto-api/reset")
    connection.getresponse().read()
    connection.close()
    front.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    handler = type("Handler", (_Handler,), {"front": front})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    front.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment(front: Front) -> dict[str, str]:
    """The variables by which boto3's chain finds the server and its credentials, and no others of the machine's."""
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": front.url,
        "AWS_CONFIG_FILE": "/nonexistent/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }
