"""The whole pipeline on real recordings: every file is read, every condition is played, every label is there."""

import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

import asrfair
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.validate import ValidatePlan, check_corpus

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


SOUNDS = r"""
title = "Sounds of every kind, named by their files"
kind = "read"
language = "en"
licence = "see its own README"
[layout]
type = "files"
pattern = '(?P<file>(?P<set>[^/]+)/(?:.*/)?(?P<word>[^/]+)\.(?:wav|WAV|ogg|opus|mp3|m4a|sph))'
speaker_id = "set"
utterance_id = "{file}"
reference = "word"
[axes.set]
column = "set"
assigned_by = "by design"
"""
OF_NAMES = ("speech rate",)
"""Findings about transcripts, which here are file names."""


@pytest.mark.parametrize(
    ("folder", "files", "minutes", "kinds"),
    [
        ("misc_fixtures", 45, 5.13, {"silent": 3, "read otherwise": 10, "same audio": 4}),
        ("impulse_responses", 23, 0.27, {"read otherwise": 22}),
        ("esc10", 80, 6.65, {}),
    ],
)
def test_validating_sounds_of_every_kind(
    shared_data: Path, tmp_path: Path, folder: str, files: int, minutes: float, kinds: dict[str, int]
) -> None:
    """Odd formats open, and what is odd about a sound is found: a ten-line card is enough."""
    (tmp_path / "sounds.toml").write_text(SOUNDS, encoding="utf-8")
    checked = check_corpus(str(tmp_path / "sounds.toml"), shared_data / folder, ValidatePlan(workers=1))
    found = checked.findings.filter(~pl.col("kind").is_in(OF_NAMES))
    if find_spec("av") is None and folder == "misc_fixtures":
        unread = found.filter(pl.col("kind") == "unreadable audio")
        assert unread["utterance_id"].to_list() == ["audiomentations_demo/testing.m4a"]
        return
    assert (checked.summary.files, checked.summary.unusable) == (files, 0)
    assert checked.summary.minutes == pytest.approx(minutes, abs=0.01)
    assert dict(found["kind"].value_counts().iter_rows()) == kinds
    silent = found.filter(pl.col("kind") == "silent").select("utterance_id", "what").rows()
    assert dict(silent) == (
        {
            "audiomentations_demo/almost_silent/almost_silent.wav": "peak at -119 dB",
            "audiomentations_demo/digital_silence/digital_silence.wav": "digital silence",
            "audiomentations_demo/silence/silence.wav": "peak at -71 dB",
        }
        if folder == "misc_fixtures"
        else {}
    )
    same = found.filter(pl.col("kind") == "same audio")["utterance_id"].to_list()
    twins = ["audiomentations_demo/mono_float64.wav", "audiomentations_demo/mono_int32.wav"]
    assert same == ([*twins, "lhotse/stereo.sph", "lhotse/stereo.wav"] if folder == "misc_fixtures" else [])
