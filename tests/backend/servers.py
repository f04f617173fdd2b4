"""A server on this machine that speaks the wire formats of OpenAI, Deepgram, Google and Azure, and misbehaves.

Each format after the provider's documentation, which the backend's module cites. What is «recognised» is told from the
audio itself, so that a mixed-up order shows: its first sample, as a word.
"""

import base64
import email.parser
import email.policy
import hashlib
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import soundfile

from asrfair.backend.base import Request

KEY = "sk-Zq8vKx2LwJ7rTn5bYc9dHf3mGp6sWu4e"
VARIABLE = "ASRFAIR_TEST_KEY"


@dataclass(frozen=True)
class Asked:
    """A request as it came in; ``audio`` is the file in it, ``parts`` are those of a form."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    parts: list[tuple[str, str, bytes]]

    @property
    def audio(self) -> bytes:
        for name, _, content in self.parts:
            if name in ("file", "audio"):
                return content
        if self.headers["content-type"] == "application/json":
            return base64.b64decode(json.loads(self.body)["content"])
        return self.body

    @property
    def samples(self) -> tuple[np.ndarray, int]:
        return soundfile.read(io.BytesIO(self.audio), dtype="int16")

    @property
    def word(self) -> str:
        return f"w{self.samples[0][0]}"

    @property
    def seconds(self) -> float:
        samples, rate = self.samples
        return len(samples) / rate

    def form(self) -> dict[str, str]:
        return {name: content.decode() for name, file_name, content in self.parts if not file_name}


@dataclass(frozen=True)
class Say:
    """What to do instead of answering."""

    status: int = 200
    body: object = ""
    headers: tuple[tuple[str, str], ...] = ()
    wait_s: float = 0.0
    drop: bool = False
    drip_s: float = 0.0
    promise: int = 0
    """More bytes than come."""


@dataclass
class Provider:
    """A running server: what it answers, what it does instead (in the order of requests), what it was asked."""

    answer: Callable[[Asked], object]
    instead: list[Say | Callable[[Asked], Say] | None] = field(default_factory=list)
    always: Say | Callable[[Asked], Say] | None = None
    key: str = KEY
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, asked: Asked) -> Say:
        with self.lock:
            self.asked.append(asked)
            planned = self.instead.pop(0) if self.instead else self.always
        planned = planned(asked) if callable(planned) else planned
        if planned is not None and not (planned.wait_s and planned.status == 200 and planned.body == ""):
            return planned
        wait_s = planned.wait_s if planned else 0.0
        if self.key and not any(self.key in value for value in asked.headers.values()):
            return Say(401, {"error": {"message": f"wrong key in {asked.headers}"}})
        return Say(200, self.answer(asked), wait_s=wait_s)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.provider.lock:
            self.provider.at_once += 1
            self.provider.most_at_once = max(self.provider.most_at_once, self.provider.at_once)
        say = self.provider.next(_asked(self.path, dict(self.headers), body))
        time.sleep(say.wait_s)
        with self.provider.lock:
            self.provider.at_once -= 1
        try:
            self._say(say)
        except OSError:
            # The client has given up.
            self.close_connection = True

    def _say(self, say: Say) -> None:
        if say.drop:
            # Reset, so that the client cannot take it for the end of an answer.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        content = say.body if isinstance(say.body, bytes) else _text(say.body).encode()
        self.send_response(say.status)
        for name, value in say.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + say.promise))
        self.end_headers()
        for start in range(0, len(content), 1 if say.drip_s else max(len(content), 1)):
            self.wfile.write(content[start : start + (1 if say.drip_s else len(content))])
            self.wfile.flush()
            time.sleep(say.drip_s)
        self.close_connection = bool(say.promise)


def _text(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def _asked(path: str, headers: dict[str, str], body: bytes) -> Asked:
    headers = {name.lower(): value for name, value in headers.items()}
    parts = []
    if headers["content-type"].startswith("multipart/"):
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        for part in form.iter_parts():
            name = part.get_param("name", header="content-disposition")
            parts.append((str(name), part.get_filename() or "", part.get_payload(decode=True)))
    split = urlsplit(path)
    return Asked(split.path, dict(parse_qsl(split.query)), headers, body, parts)


@contextmanager
def serve(answer: Callable[[Asked], object]) -> Iterator[Provider]:
    provider = Provider(answer)
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def openai_answer(asked: Asked) -> dict[str, Any]:
    form = asked.form()
    if form["response_format"] == "verbose_json":
        words = [{"word": asked.word, "start": 0.0, "end": 0.01}]
        return {
            "task": "transcribe",
            "language": "english",
            "duration": asked.seconds,
            "text": asked.word,
            "words": words,
        }
    tokens = [{"token": asked.word, "logprob": -0.5, "bytes": list(asked.word.encode())}]
    return {"text": asked.word, **({"logprobs": tokens} if "include[]" in form else {})}


def deepgram_answer(asked: Asked) -> dict[str, Any]:
    word = {"word": asked.word, "start": 0.0, "end": 0.01, "confidence": 0.75}
    channel: dict[str, Any] = {"alternatives": [{"transcript": asked.word, "confidence": 0.9, "words": [word]}]}
    if "detect_language" in asked.query:
        channel |= {"detected_language": "en", "language_confidence": 0.8}
    return {
        "metadata": {
            "request_id": "r",
            "sha256": hashlib.sha256(asked.body).hexdigest(),
            "created": "2026-01-01T00:00:00.000Z",
            "duration": asked.seconds,
            "channels": 1,
        },
        "results": {"channels": [channel]},
    }


def google_answer(asked: Asked) -> dict[str, Any]:
    word = {"startOffset": "0.100s", "endOffset": "0.300s", "word": asked.word, "confidence": 0.75}
    return {
        "results": [
            {
                "alternatives": [{"transcript": asked.word, "confidence": 0.9, "words": [word]}],
                "resultEndOffset": "0.400s",
                "languageCode": "en-us",
            }
        ],
        "metadata": {"totalBilledDuration": "1s", "requestId": "r"},
    }


def azure_answer(asked: Asked) -> dict[str, Any]:
    word = {"text": asked.word, "offsetMilliseconds": 40, "durationMilliseconds": 320}
    phrase = {**word, "words": [word], "locale": "en-US", "confidence": 0.78}
    return {
        "durationMilliseconds": round(asked.seconds * 1000),
        "combinedPhrases": [{"text": asked.word}],
        "phrases": [phrase],
    }


ANSWERS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "openai": openai_answer,
    "deepgram": deepgram_answer,
    "google": google_answer,
    "azure": azure_answer,
}


def options(name: str, url: str) -> dict[str, Any]:
    """The options of a backend that asks the server at an address."""
    address = {"openai": f"{url}/v1", "deepgram": f"{url}/v1", "google": f"{url}/v2", "azure": url}[name]
    return {
        "key_variable": VARIABLE,
        **({"endpoint": address} if name == "azure" else {"base_url": address, "model": "m"}),
        **({"project": "p"} if name == "google" else {}),
    }


def request(number: int, *, language: str = "en-US", samples: int = 1600, rate: int = 16_000) -> Request:
    """A request whose first sample is a number, which the server recognises as a word."""
    waveform = np.zeros(samples, dtype=np.float32)
    waveform[:1] = number / 32768
    return Request(f"secret-speaker-{number}", "clean", language, rate, waveform)
