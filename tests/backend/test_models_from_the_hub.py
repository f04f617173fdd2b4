"""Models by the hub's id: the real client against a local stand-in for the hub, which hands out tiny models.

The wire format is what huggingface_hub 2.4 asks for: ``resolve`` with the headers X-Repo-Commit, ETag and X-Error-Code,
and ``api/models``. In a process of its own, since the client reads its settings when it is imported.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("transformers")
pytest.importorskip("torch")
pytest.importorskip("faster_whisper")

from tests.backend import tiny_models

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
TOKEN = "hf_nobody_may_see_this"

SCRIPT = """
import json, sys, time, urllib.request
time.sleep = lambda seconds: None
sys.path.insert(0, sys.argv[1])
import tiny_models
from asrfair.backend.faster_whisper import FasterWhisperBackend
from asrfair.backend.transformers import TransformersBackend
from asrfair.errors import BackendError

def ask(kind, model, revision):
    try:
        opened = kind(model=model, revision=revision)
        outcome = opened.transcribe([tiny_models.noise("a", 1.0, seed=0)])[0]
        print(json.dumps([opened.identity()["model"], outcome.hypothesis, opened.sample_rate]), flush=True)
    except BackendError as error:
        print(json.dumps(str(error)), flush=True)

COMMIT, OTHER = sys.argv[2:4]
ask(TransformersBackend, "tiny/ctc", COMMIT)
ask(FasterWhisperBackend, "tiny/fast", COMMIT)
for kind in (TransformersBackend, FasterWhisperBackend):
    ask(kind, "tiny/none", COMMIT)
    ask(kind, "tiny/gated", COMMIT)
    ask(kind, "tiny/ctc", OTHER)
ask(FasterWhisperBackend, "tiny/ctc", COMMIT)
urllib.request.urlopen(sys.argv[4] + "/down").read()
ask(TransformersBackend, "tiny/ctc", COMMIT)
ask(FasterWhisperBackend, "tiny/fast", COMMIT)
ask(TransformersBackend, "tiny/other", COMMIT)
ask(FasterWhisperBackend, "tiny", COMMIT)
"""


class Hub(ThreadingHTTPServer):
    """Hands out folders as repositories at one commit, until it goes down."""

    def __init__(self, repositories: dict[str, Path]) -> None:
        self.repositories = repositories
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/down":
            # Nobody listens from here on.
            self.server.server_close()
            return self.give(200, b"")
        parts = self.path.partition("?")[0].strip("/").removeprefix("api/models/").split("/")
        repository, (what, revision, *rest) = "/".join(parts[:2]), parts[2:] + [""] * (4 - len(parts))
        if repository == "tiny/gated":
            return self.give(403, b"", "GatedRepo")
        if repository not in self.server.repositories:
            return self.give(401, b"", "RepoNotFound")
        if revision and revision != COMMIT:
            return self.give(404, b"", "RevisionNotFound")
        folder = self.server.repositories[repository]
        if what == "resolve":
            file = folder / "/".join(rest)
            return self.give(200, file.read_bytes()) if file.is_file() else self.give(404, b"", "EntryNotFound")
        names = sorted(path.name for path in folder.iterdir())
        if what == "tree":
            listing = [{"type": "file", "path": n, "oid": n, "size": (folder / n).stat().st_size} for n in names]
            return self.give(200, json.dumps(listing).encode())
        told = {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
        return self.give(200, json.dumps(told).encode())

    def give(self, status: int, body: bytes, error: str = "") -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "ETag": f'"{hash(body) & (2**64 - 1):016x}"',
            "X-Repo-Commit": COMMIT,
            "X-Error-Code": error,
        }.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    from transformers.utils import logging

    logging.disable_progress_bar()
    whisper = tiny_models.write_whisper(tmp_path / "whisper", multilingual=False, window_s=30, seed=2)
    server = Hub(
        {
            "tiny/ctc": tiny_models.write_ctc(tmp_path / "ctc"),
            "tiny/other": tiny_models.write_ctc(tmp_path / "other"),
            "tiny/fast": tiny_models.write_faster_whisper(whisper, tmp_path / "fast"),
        }
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_models_by_id(hub: Hub, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{hub.server_port}"
    settings = {
        "HF_ENDPOINT": address,
        "HF_HOME": str(tmp_path / "home"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | settings
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), COMMIT, OTHER, address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    ctc, fast, *refused, no_model, ctc_again, fast_again, unreached, unreached_name = map(
        json.loads, done.stdout.splitlines()
    )
    assert (ctc[0], fast[0]) == (f"tiny/ctc at {COMMIT}", f"tiny/fast at {COMMIT}")
    assert ctc[1]
    assert fast[1]
    assert [ctc_again, fast_again] == [ctc, fast], "from the cache, with the hub out of reach"
    for number, message in enumerate(refused):
        reason = ("is unknown there, or private", "is gated; expected access", "has no such commit")[number % 3]
        assert message.startswith(("transformers: model 'tiny/", "faster-whisper: model 'tiny/")[number // 3])
        assert reason in message
    assert len(refused) == 6
    assert "cannot be loaded" in no_model
    for message in (unreached, unreached_name):
        assert "is not in the cache, and the hub cannot be reached" in message
    assert TOKEN not in done.stdout + done.stderr
    assert "\\n" not in done.stdout
