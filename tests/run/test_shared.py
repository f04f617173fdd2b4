"""The whole pipeline on real recordings: every file is read, every condition is played, every label is there."""

import sys
from pathlib import Path

import polars as pl
import pytest

import asrfair
from asrfair.run.plan import CorpusPlan, Plan

# Answers «zero» to everything, having read the file: what is tested is all that lies around a recogniser.
PROGRAM = """
import json, sys, wave
for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["audio"]) as file:
        assert file.getframerate() == 16000 and file.getnchannels() == 1 and file.getnframes() > 0
    print(json.dumps({"utterance_id": request["utterance_id"], "hypothesis": "zero"}), flush=True)
"""
COMMON_VOICE = """
title = "Common Voice, 100 clips"
kind = "read"
language = "en"
licence = "CC0"
[layout]
type = "table"
file = "manifest.csv"
columns = { utterance_id = "path", speaker_id = "speaker", audio = "path", reference = "text" }
[axes.accent]
column = "accent"
assigned_by = "self-reported"
"""


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "cv100.toml").write_text(COMMON_VOICE, encoding="utf-8")
    return {"timit": "timit", "fsdd": "fsdd", "commonvoice100": str(tmp_path / "cv100.toml")}


@pytest.mark.parametrize(
    ("folder", "card", "axes", "utterances", "speakers"),
    [
        ("timit_nltk_sample", "timit", ("dialect", "gender"), 160, 16),
        ("fsdd", "fsdd", ("accent",), 300, 6),
        ("commonvoice100", "commonvoice100", ("accent",), 100, 99),
    ],
)
def test_real_corpora(
    shared_data: Path,
    cards: dict[str, str],
    tmp_path: Path,
    folder: str,
    card: str,
    axes: tuple[str, ...],
    utterances: int,
    speakers: int,
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    results = asrfair.evaluate(
        Plan(
            corpus=CorpusPlan(card=cards[card], root=str(shared_data / folder)),
            backends={"zero": {"type": "command", "command": f"{sys.executable} {tmp_path / 'program.py'}"}},
            conditions=("clean", "pink-noise-10db", f"recorded-noise-10db={shared_data / 'esc10'}", "telephone"),
            by=axes,
            workers=1,
            out=str(tmp_path / "run"),
        )
    )
    assert results.failures.is_empty(), results.failures
    assert len(results.hypotheses) == utterances * 4
    overall = results.rates.filter(pl.col("axis") == "overall")
    assert overall["speakers"].to_list() == [speakers] * 4
    if card == "fsdd":
        # One digit in ten is a zero.
        assert overall["wer"].to_list() == [0.9] * 4
    if card == "timit":
        assert "audio: NIST SPHERE file named .wav: 1 utterance (first fvmh0-si836)" in results.signature["notes"]
