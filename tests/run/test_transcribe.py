"""A whole run by Amazon Transcribe: no credentials in what is kept or printed, nothing left behind, and it goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

pytest.importorskip("boto3", reason="needs the extra transcribe")
pytest.importorskip("moto.server", reason="needs moto[server]")

from asrfair.backend import registry, retrying
from asrfair.cli import main
from asrfair.results import Results
from tests.backend.aws_front import BUCKET, KEY_ID, REGION, SECRET, Fault, Front, prepare, running_moto, serve

PIECES = [key[start : start + 6].encode() for key in (SECRET, KEY_ID) for start in range(len(key) - 5)]
POINT = {"name": "transcribe", "value": "asrfair.backend.transcribe:TranscribeBackend", "group": registry.GROUP}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with running_moto() as address:
        yield address


@pytest.fixture
def front(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(retrying, "FIRST_STEP_S", 0.001)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [EntryPoint(**POINT)])
    with serve(moto) as running:
        prepare(monkeypatch, running)
        yield running


@pytest.fixture
def plan(front: Front, corpus: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(f"""
out = "run"
workers = 1
by = ["accent"]
failure_limit = 1.0
[corpus]
card = "corpus/small.toml"
root = "corpus"
[backends.ours]
type = "transcribe"
bucket = "{BUCKET}"
language = "en-GB"
tries = 2
poll_s = 0.001
batch_size = 4
concurrency = 2
""")
    return path


def found_keys(folder: Path) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(piece in path.read_bytes() for piece in PIECES)
    ]


def test_credentials_are_nowhere_and_nothing_is_left(
    front: Front, plan: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The service echoes credentials in refusals, in outages, in what is no JSON and in a transcript."""
    echo = f"{KEY_ID} with {SECRET}"
    said = iter([echo.encode(), f'{{"text": "{echo}"}}'.encode()])
    front.transcript = lambda answer: next(said, answer)
    front.faults["StartTranscriptionJob"] = [Fault(400, "BadRequestException", echo)]
    front.faults["PutObject"] = [Fault(503, "SlowDown", echo)] * 4
    front.faults["DeleteObjects"] = [Fault(403, "AccessDenied", echo)]
    assert main(["run", str(plan)]) == 0
    out, err = capfd.readouterr()
    failures = Results.load(plan.parent / "run").failures
    assert 4 <= len(failures) <= 5
    assert all("[hidden]" in reason or "found credentials" in reason for reason in failures["reason"])
    assert "could not be cleaned up: s3://" in err
    assert "cleaned up after all" in err
    # The corpus is searched too: a search that finds nothing anywhere would say nothing.
    assert found_keys(plan.parent) == []
    (plan.parent / "seen").write_text(KEY_ID)
    assert found_keys(plan.parent) == [str(plan.parent / "seen")]
    assert not [piece for piece in PIECES if piece.decode() in out + err]
    assert front.objects() == []
    assert front.names() == []


def test_the_service_learns_no_id(front: Front, plan: Path) -> None:
    assert main(["run", str(plan)]) == 0
    results = Results.load(plan.parent / "run")
    assert len(results.hypotheses) == 20
    for utterance in results.hypotheses["utterance_id"]:
        assert not [one for one in front.asked if utterance in one[1] or utterance.encode() in one[2]]
    assert front.most_running == 2
    signature = results.signature["backends"]["ours"]
    assert (signature["region"], signature["service"]) == (REGION, front.url)


def test_wrong_credentials_stop_and_nothing_is_lost(
    front: Front, plan: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = Fault(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
    front.transcript = lambda answer: (
        (front.always.update(StartTranscriptionJob=refused) if len(front.jobs) > 9 else None) or answer
    )
    assert main(["run", str(plan)]) == 2
    err = capfd.readouterr().err
    assert "asrfair: transcribe: UnrecognizedClientException: The security token included in the request" in err
    assert "Traceback" not in err
    assert front.objects() == []
    done = len(front.jobs)
    front.always.clear()
    front.transcript = lambda answer: answer
    assert main(["run", str(plan)]) == 0
    # Of 20, two whole batches of 4 were kept.
    assert len(front.jobs) - done == 12
    assert len(Results.load(plan.parent / "run").hypotheses) == 20


def test_an_interrupted_run_leaves_nothing_and_goes_on(front: Front, plan: Path) -> None:
    """By a process of its own, interrupted as by Ctrl-C while jobs are in progress."""

    def unfinished(answer: dict[str, dict[str, str]]) -> None:
        if answer["TranscriptionJob"]["TranscriptionJobName"] not in [
            job["TranscriptionJobName"] for job in front.jobs[:4]
        ]:
            answer["TranscriptionJob"]["TranscriptionJobStatus"] = "IN_PROGRESS"

    front.alter["GetTranscriptionJob"] = unfinished
    script = (
        "import sys\nfrom importlib.metadata import EntryPoint\nfrom asrfair.backend import registry\n"
        f"registry.entry_points = lambda *, group: [EntryPoint(**{POINT!r})]\n"
        "from asrfair.cli import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    # Started by tests in the background, it would inherit that interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = subprocess.Popen(
        [sys.executable, "-c", script, "run", str(plan)],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while len(front.jobs) < 6 and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=90)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    assert front.objects() == []
    assert front.names() == []
    front.alter.clear()
    assert main(["run", str(plan)]) == 0
    assert len(front.jobs) == 6 + 16
    assert len(Results.load(plan.parent / "run").hypotheses) == 20


@pytest.mark.parametrize("line", [f'access_key = "{KEY_ID}"', f'prefix = "{KEY_ID}/"'])
def test_credentials_in_the_plan_are_refused(
    front: Front, plan: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    plan.write_text(f"{plan.read_text()}{line}\n")
    assert main(["run", str(plan)]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert KEY_ID not in err
    assert found_keys(plan.parent / "run") == []
    assert front.asked == []
