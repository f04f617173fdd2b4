"""What a recogniser says a run would cost, before the first call; and options that change no answer."""

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
import soundfile

from asrfair.backend import registry
from asrfair.backend.base import Outcome, Request
from asrfair.cli import main
from asrfair.run.estimates import audio_seconds

PLAN = """
out = "run"
conditions = ["clean", "telephone"]
by = ["accent"]
workers = 1
[corpus]
card = "corpus/small.toml"
root = "corpus"
[backends.ours]
type = "priced"
"""


class Priced:
    """A recogniser that can tell what it costs."""

    argument: ClassVar[str | None] = None
    needs_audio: ClassVar[bool] = True
    changes_nothing: ClassVar[frozenset[str]] = frozenset(["price"])
    sample_rate: int | None = None
    asked: ClassVar[list[str]] = []

    def __init__(self, *, price: float = 1.0, style: str = "plain") -> None:
        self.price = price
        self.is_closed = False

    def identity(self) -> Mapping[str, str]:
        return {"version": "1"}

    def estimate(self, seconds: float, transcriptions: int) -> str:
        assert not self.is_closed
        return f"{transcriptions} for {seconds:.3f} s cost {seconds * self.price:.2f}\x1b"

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        self.asked.extend(request.utterance_id for request in requests)
        return [Outcome("one")] * len(requests)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def plan(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Priced, "asked", [])
    point = EntryPoint(name="priced", value="tests.run.test_estimates:Priced", group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point])
    monkeypatch.setattr(EntryPoint, "load", lambda self: Priced)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path / "plan.toml"


def test_an_estimate_is_told_before_the_first_call(
    plan: Path, corpus: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seconds = sum(soundfile.info(path).duration for path in (corpus / "audio").iterdir())
    assert main(["run", str(plan)]) == 0
    told = capsys.readouterr().err.splitlines()[0]
    # Both conditions are heard; what a recogniser says of itself cannot write on the terminal.
    assert told == f"asrfair: ours: 40 for {2 * seconds:.3f} s cost {2 * seconds:.2f}\\x1b"
    again = ["run", str(plan), "--out", str(tmp_path / "two"), "--cache", str(tmp_path / "cache"), "--limit", "3"]
    assert main(again) == 0
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith("asrfair: ours: 6 for ")
    assert told.endswith("; what the cache holds is not asked for again")


def test_lengths_come_from_the_table_or_from_headers(corpus: Path) -> None:
    rows = {
        "audio": ["audio/u00.wav", "audio/u00.wav", "audio/gone.wav", None, "audio/gone.wav"],
        "start_s": [None, 0.25, None, None, 1.0],
        "end_s": [None, None, None, None, 3.0],
    }
    table = pl.DataFrame(rows, schema={"audio": pl.String, "start_s": pl.Float64, "end_s": pl.Float64})
    assert audio_seconds(table, audio_root=corpus) == pytest.approx(0.5 + 0.25 + 2.0)
    assert audio_seconds(table[2:4], audio_root=corpus) is None


def test_no_header_no_estimate(plan: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (corpus / "audio").iterdir():
        path.write_bytes(b"no sound")
    main(["run", str(plan)])
    told = capsys.readouterr().err.splitlines()[0]
    assert told == "asrfair: ours: 40 transcriptions, cost unknown: found no file whose header tells its length"


def test_options_that_change_no_answer_make_no_other_run(
    plan: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cache = ["--cache", str(tmp_path / "cache")]
    assert main(["run", str(plan), *cache]) == 0
    assert len(Priced.asked) == 40
    plan.write_text(PLAN + "price = 9.0\n", encoding="utf-8")
    assert main(["run", str(plan), *cache]) == 0
    assert main(["run", str(plan), *cache, "--out", str(tmp_path / "two")]) == 0
    assert len(Priced.asked) == 40
    plan.write_text(PLAN + 'style = "fancy"\n', encoding="utf-8")
    assert main(["run", str(plan), *cache]) == 2
    assert "backends.ours.style" in capsys.readouterr().err
    assert main(["run", str(plan), *cache, "--out", str(tmp_path / "three")]) == 0
    assert len(Priced.asked) == 80


def test_a_key_in_a_plan_is_refused_by_the_registry(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan.write_text(PLAN + 'api_key = "S3CRET-S3CRET"\n', encoding="utf-8")
    assert main(["run", str(plan)]) == 2
    told = capsys.readouterr().err
    assert "expected no key in a plan" in told
    assert "S3CRET" not in told
