"""A run on torch's device: the same report as without it, and a refusal before the run where it cannot be."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import asrfair
from asrfair.errors import CardError, RunFolderError
from asrfair.run.plan import CorpusPlan, Plan


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": recogniser}},
        conditions=("clean", "babble-10db", "landline"),
        by=("accent",),
        seed=3,
        replicates=200,
        workers=1,
        out=str(tmp_path / "numpy"),
    )


@pytest.fixture
def on_device(plan: Plan, tmp_path: Path) -> Plan:
    return replace(plan, device="cpu", out=str(tmp_path / "torch"))


def torch() -> None:
    pytest.importorskip("torchaudio", reason="skipped: extra torch is not installed (it has a nox session of its own)")


def silent(corpus: Path) -> None:
    import soundfile

    soundfile.write(corpus / "audio" / "u02.wav", [0.0] * 8000, 16_000)


def test_a_run_says_the_same(plan: Plan, on_device: Plan, corpus: Path) -> None:
    torch()
    silent(corpus)
    ours, theirs = asrfair.evaluate(plan), asrfair.evaluate(on_device)
    assert_frame_equal(theirs.hypotheses, ours.hypotheses)
    assert_frame_equal(theirs.failures, ours.failures)
    assert ours.failures.filter(pl.col("reason").str.contains("silent"))["utterance_id"].to_list() == ["u02"]
    # Flat tops are found by equality: what is rounded may differ by a sample.
    assert_frame_equal(theirs.measurements, ours.measurements, abs_tol=1e-3, rel_tol=1e-4)
    assert ours.signature["device"] is None
    assert theirs.signature["device"] == "cpu"
    assert "|device:cpu|" in theirs.signature["signature"]
    assert "device" not in ours.signature["signature"]


def test_the_device_does_the_work(on_device: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    torch()
    from asrfair.run import decode

    heard: list[int] = []
    monkeypatch.setattr(decode, "hear", None)
    monkeypatch.setattr(decode, "hear_batch", counted(decode.hear_batch, heard))
    results = asrfair.evaluate(on_device)
    assert sum(heard) == 20 * 3
    assert max(heard) > 1
    assert results.failures.is_empty()


def counted(hear_batch: Callable[..., object], heard: list[int]) -> Callable[..., object]:
    def count(condition: object, batch: list[object], **given: object) -> object:
        heard.append(len(batch))
        return hear_batch(condition, batch, **given)

    return count


def test_a_folder_keeps_its_kind_of_device(on_device: Plan) -> None:
    torch()
    asrfair.evaluate(on_device)
    asrfair.evaluate(replace(on_device, device="cpu:0"))
    with pytest.raises(RunFolderError, match=r"plan\.device: cpu there, nothing here"):
        asrfair.evaluate(replace(on_device, device=""))


def test_without_torch_nothing_is_begun(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        CardError, match=r"device 'cuda': found .*torch.*; expected torch: pip install 'asrfair\[torch\]'"
    ):
        asrfair.evaluate(replace(plan, device="cuda"))
    assert not Path(plan.out).exists()


def test_a_device_that_is_not_there(plan: Plan) -> None:
    torch()
    with pytest.raises(CardError, match="device 'nonsense': found none"):
        asrfair.evaluate(replace(plan, device="nonsense"))
    assert not Path(plan.out).exists()


def test_the_option(
    plan: Plan, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from asrfair.cli import main

    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = [
        "run",
        "--corpus",
        f"{corpus / 'small.toml'}={corpus}",
        "--backend",
        "command=true",
        "--device",
        "cuda",
    ]
    assert main([*arguments, "--out", plan.out]) == 2
    assert "device 'cuda': found" in capsys.readouterr().err
