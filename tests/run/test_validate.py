"""Checking a corpus: planted faults are found exactly, each under its own kind, and sound files are left alone."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
from rich.console import Console

from asrfair.cli import main
from asrfair.errors import InputError
from asrfair.report.validation import render_validation
from asrfair.run import validate as module
from asrfair.run import validate_audio
from asrfair.run.validate import Checked, ValidatePlan, check_corpus
from asrfair.run.validate_checksums import promises
from asrfair.run.validate_findings import FINDINGS, KINDS, SEEN
from asrfair.run.validate_table import durations

RATE = 16_000
CARD = """
title = "Planted"
kind = "read"
language = "en"
licence = "made by the tests"
[layout]
type = "table"
file = "{split}.csv"
split = "train"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
levels = { north = "north", south = "south" }
[axes.gender]
column = "gender"
assigned_by = "self-reported"
"""
HEADER = "utterance_id,speaker_id,audio,reference,accent,gender,start_s,end_s,channel,duration_s"
SENTENCE = "seven words are said in this sentence"

FOUND = """\
What was found
──────────────
                       speak-
  kind          found     ers  by accent  by gender
  Unusable: a run would count a failure
  missing file      1       1  north 1    f 1

What it means, with examples
────────────────────────────
  missing file: the table names an audio file that is not there
    gone: audio/gone.wav: no such file
"""


def speech(seed: int, *, seconds: float = 2.0, level: float = 0.05) -> np.ndarray:
    """Noise with the rhythm of syllables, never twice the same."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    return level * rng.normal(size=len(time_s)) * (1.2 + np.sin(2 * np.pi * 4 * time_s))


class Planted:
    """A corpus folder that grows row by row."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "audio").mkdir(parents=True)
        (root / "card.toml").write_text(CARD, encoding="utf-8")
        self.rows: dict[str, list[str]] = {"train": []}
        for number in range(24):
            self.sound(f"good{number:02}", seconds=1.9 + number / 100)

    def sound(self, name: str, *, seconds: float = 2.0, **facts: Any) -> Path:
        path = self.root / "audio" / f"{name}.wav"
        soundfile.write(path, speech(len(self.rows["train"]), seconds=seconds), RATE)
        self.row(name, **facts)
        return path

    def row(self, name: str, *, split: str = "train", **facts: Any) -> None:
        values = {
            "utterance_id": name,
            "speaker_id": f"s-{name}",
            "audio": f"audio/{name}.wav",
            "reference": SENTENCE,
            "accent": "north",
            "gender": "f",
        } | facts
        fields = [str(values.get(column, "")) for column in HEADER.split(",")]
        self.rows.setdefault(split, []).append(",".join(f'"{field}"' if "," in field else field for field in fields))

    def check(self, *, plan: ValidatePlan | None = None) -> Checked:
        for split, rows in self.rows.items():
            (self.root / f"{split}.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        return check_corpus(str(self.root / "card.toml"), self.root, plan or ValidatePlan(workers=1))

    def found(self, *, plan: ValidatePlan | None = None) -> dict[str, dict[str | None, str]]:
        """Return, per kind, the utterances and what was found."""
        kinds: dict[str, dict[str | None, str]] = {}
        for row in self.check(plan=plan).findings.iter_rows(named=True):
            kinds.setdefault(row["kind"], {})[row["utterance_id"]] = row["what"]
        return kinds


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "corpus")


def test_a_sound_corpus_has_no_finding(planted: Planted) -> None:
    checked = planted.check()
    assert checked.findings.is_empty()
    assert (checked.summary.unusable, checked.summary.utterances, checked.summary.files) == (0, 24, 24)
    assert checked.summary.minutes == pytest.approx(sum(1.9 + n / 100 for n in range(24)) / 60, abs=1e-3)


def test_files_that_cannot_be_used(planted: Planted) -> None:
    planted.row("gone")
    planted.row("part", audio="audio/good00.wav", start_s="1", end_s="9")
    planted.row("side", audio="audio/good01.wav", channel="1")
    for name, data in {"text": b"not audio at all", "empty": b""}.items():
        (planted.root / "audio" / f"{name}.wav").write_bytes(data)
        planted.row(name)
    whole = planted.sound("cut").read_bytes()
    (planted.root / "audio" / "cut.wav").write_bytes(whole[:-20_000])
    flac = planted.root / "audio" / "torn.flac"
    soundfile.write(flac, speech(99), RATE)
    flac.write_bytes(flac.read_bytes()[:-20_000])
    planted.row("torn", audio="audio/torn.flac")
    # A part of it that is there does not make the file whole.
    planted.row("half", audio="audio/torn.flac", start_s="0", end_s="0.2")
    found = planted.found()
    assert {kind: set(each) for kind, each in found.items()} == {
        "missing file": {"gone"},
        "part not there": {"part", "side"},
        "unreadable audio": {"text", "empty"},
        "truncated audio": {"cut", "torn", "half"},
    }
    assert found["missing file"]["gone"] == "audio/gone.wav: no such file"
    assert planted.check().summary.unusable == 8


def test_members_of_an_archive(planted: Planted) -> None:
    with zipfile.ZipFile(planted.root / "audio.zip", "w") as archive:
        archive.write(planted.root / "audio" / "good00.wav", "in/first.wav")
        archive.writestr("in/second.wav", b"not audio")
    for name in ("first", "second", "third"):
        planted.row(name, audio=f"audio.zip::in/{name}.wav", speaker_id="s-good00")
    planted.row("fourth", audio="other.zip::in/fourth.wav")
    assert {kind: set(each) for kind, each in planted.found().items()} == {
        "same audio": {"good00", "first"},
        "unreadable audio": {"second"},
        "missing file": {"third", "fourth"},
    }


def test_sound_that_is_wrong(planted: Planted) -> None:
    planted.sound("quiet")
    soundfile.write(planted.root / "audio" / "quiet.wav", np.zeros(RATE), RATE)
    # As silent, and no duplicate.
    planted.sound("hush")
    soundfile.write(planted.root / "audio" / "hush.wav", np.zeros(RATE), RATE)
    planted.sound("faint")
    soundfile.write(planted.root / "audio" / "faint.wav", speech(5) / 2000, RATE, subtype="FLOAT")
    planted.sound("flat")
    soundfile.write(planted.root / "audio" / "flat.wav", np.clip(8 * speech(6), -0.5, 0.5), RATE)
    planted.sound("short", duration_s="3.0")
    planted.sound("exact", duration_s="2.05")
    assert {kind: set(each) for kind, each in planted.found().items()} == {
        "silent": {"quiet", "hush", "faint"},
        "clipped": {"flat"},
        "duration differs": {"short"},
    }


def test_the_wrong_transcript_is_spoken_too_fast_or_too_slow(planted: Planted) -> None:
    planted.sound("fast", reference=" ".join([SENTENCE] * 5))
    planted.sound("slow", reference="no")
    found = planted.found()
    assert {kind: set(each) for kind, each in found.items()} == {"speech rate": {"fast", "slow"}}
    assert found["speech rate"]["slow"].startswith("0.5 words a second, the median is 3.5: no")


def test_transcripts(planted: Planted) -> None:
    for name, text in {
        "blank": " ",
        "mark": "...",
        "wrong": "seven words are sÃ£id in this sentence",
        "lost": "seven words are s\ufffdid in this sentence",
        "bell": "seven words are s\u0007aid in this sentence",
        "right": "sieben Wörter – ‘naïve’ façade, “said” once",
        "hebrew": "שבע מילים נאמרות במשפט הזה כאן",
    }.items():
        planted.sound(name, reference=text)
    found = planted.found()
    assert {kind: set(each) for kind, each in found.items()} == {
        "empty reference": {"blank"},
        "no words": {"mark"},
        "garbled transcript": {"wrong", "lost", "bell"},
    }
    assert "may be 'seven words are sãid" in found["garbled transcript"]["wrong"]
    assert "U+0007" in found["garbled transcript"]["bell"]


def test_a_blank_transcript_is_scored_and_so_is_suspect(planted: Planted) -> None:
    planted.sound("blank", reference=" ")
    summary = planted.check().summary
    assert (summary.unusable, summary.kinds["gravity"].to_list()) == (0, ["suspect"])


def test_utterances_without_a_speaker(planted: Planted) -> None:
    planted.sound("nobody", speaker_id="")
    planted.sound("noone", speaker_id=" ")
    checked = planted.check()
    assert checked.findings.select("kind", "utterance_id").rows() == [("no speaker", "nobody"), ("no speaker", "noone")]
    assert not [note for note in checked.summary.notes if "speaker" in note]


def test_no_speaker_at_all_is_said_once(planted: Planted) -> None:
    planted.rows["train"] = [",".join([row.split(",")[0], "", *row.split(",")[2:]]) for row in planted.rows["train"]]
    checked = planted.check()
    assert checked.findings.is_empty()
    assert [note for note in checked.summary.notes if note.startswith("no utterance has a speaker: a run gives no")]


def test_labels_and_ids(planted: Planted) -> None:
    planted.sound("a", speaker_id="two", accent="north")
    planted.sound("b", speaker_id="two", accent="south")
    planted.sound("c", accent="islands")
    planted.sound("d", speaker_id="Two", gender="F")
    found = planted.found()
    assert {kind: set(each) for kind, each in found.items()} == {
        "speaker with two values": {"a", "b"},
        "label not mapped": {"c"},
        "ids differ in case only": {None},
    }
    rows = planted.check().findings.filter(pl.col("kind") == "ids differ in case only")
    assert sorted(rows["what"]) == ["gender: 'F', 'f'", "speaker_id: 'Two', 'two'"]


def test_the_same_audio_twice(planted: Planted) -> None:
    """By samples: another container, or another name, does not hide it."""
    data, _ = soundfile.read(planted.root / "audio" / "good03.wav")
    soundfile.write(planted.root / "audio" / "copy.flac", data, RATE)
    planted.row("copy", audio="audio/copy.flac", speaker_id="another")
    planted.row("again", audio="audio/good05.wav", speaker_id="s-good05", reference="other seven words are in this one")
    planted.row("part", audio="audio/good06.wav", start_s="0", end_s="1.5")
    found = planted.found()
    assert {kind: set(each) for kind, each in found.items()} == {
        "same audio, two speakers": {"good03", "copy"},
        "same audio": {"good05", "again"},
        "speakers share audio": {None},
    }
    assert found["same audio, two speakers"]["copy"] == "as 'good03' of 's-good03'"
    assert found["speakers share audio"] == {None: "'another' and 's-good03': 1 recording"}
    assert found["same audio"]["again"] == "as 'good05'; 2 transcripts differ"


def test_splits_share_speakers_and_audio(planted: Planted) -> None:
    planted.row("good02", split="test", speaker_id="s-good02")
    planted.row("other", split="test", audio="audio/good04.wav", speaker_id="s-other")
    found = planted.found(plan=ValidatePlan(splits=("train", "test"), workers=1))
    assert {kind: set(each) for kind, each in found.items()} == {
        "same audio, two speakers": {"good04", "other"},
        "same audio, two splits": {"good02", "good04", "other"},
        "speakers share audio": {None},
        "id in two splits": {"good02"},
        "speaker in two splits": {"good02"},
    }


def test_twins_in_two_splits_are_told_with_split_and_speaker(planted: Planted) -> None:
    """Another speaker in another split is two faults: both are told."""
    planted.row("c10", split="test", audio="audio/good04.wav", speaker_id="S1")
    checked = planted.check(plan=ValidatePlan(splits=("train", "test"), workers=1))
    twins = checked.findings.filter(pl.col("utterance_id") == "good04").select("kind", "what")
    assert twins.rows() == [
        ("same audio, two speakers", "as 'c10' of 'S1' (test)"),
        ("same audio, two splits", "as 'c10' of 'S1' (test)"),
    ]
    pairs = checked.findings.filter(pl.col("kind") == "speakers share audio")["what"].to_list()
    assert pairs == ["'S1' and 's-good04': 1 recording (test, train)"]


def test_many_twins_are_counted(planted: Planted) -> None:
    for number in range(6):
        planted.row(f"z{number}", audio="audio/good04.wav", speaker_id="s-good04")
    found = planted.found()["same audio"]
    assert found["good04"] == "as 'z0', 'z1', 'z2' and 3 more"
    assert found["z0"] == "as 'good04', 'z1', 'z2' and 3 more"


def test_examples_are_of_every_axis_and_speaker(planted: Planted) -> None:
    for number in range(5):
        planted.sound(f"a{number}", speaker_id="one", accent=("north", "south")[number % 2])
        planted.sound(f"b{number}", speaker_id="two", accent=("north", "south")[number % 2])
    planted.sound("f", speaker_id="six")
    planted.sound("m", speaker_id="six", gender="m")
    kinds = planted.check().summary.kinds.filter(pl.col("kind") == "speaker with two values")
    assert [example["what"] for example in kinds["examples"][0]] == [
        "accent: 'one' is 'north' (3), 'south' (2)",
        "gender: 'six' is 'f' (1), 'm' (1)",
        "accent: 'two' is 'north' (3), 'south' (2)",
    ]


def test_what_is_found_can_be_acted_on(planted: Planted) -> None:
    for number in range(5):
        planted.sound(f"a{number}", speaker_id="two", accent="north")
    planted.sound("b", speaker_id="two", accent="south")
    planted.row("a0", split="test", audio="audio/b.wav", speaker_id="two")
    checked = planted.check(plan=ValidatePlan(splits=("train", "test"), workers=1))
    told = checked.findings.select("kind", "what").unique().filter(pl.col("kind").str.contains("values|id in"))
    assert sorted(told.rows()) == [
        ("id in two splits", "in test, train"),
        ("speaker with two values", "accent: 'two' is 'north' (6), 'south' (1)"),
    ]
    kinds = {row["kind"]: row["examples"] for row in checked.summary.kinds.iter_rows(named=True)}
    assert kinds["id in two splits"] == [{"utterance_id": "a0", "what": "in test, train"}]
    assert len(kinds["speaker with two values"]) == 1


def test_formats_that_are_not_what_they_are_called(planted: Planted) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech(7), RATE, format="FLAC")
    (planted.root / "audio" / "misnamed.wav").write_bytes(buffer.getvalue())
    planted.row("misnamed")
    soundfile.write(planted.root / "audio" / "stereo.wav", np.stack([speech(8), speech(9)], axis=1), RATE)
    planted.row("stereo")
    found = planted.found()
    assert found == {
        "misnamed format": {"misnamed": "FLAC named .wav"},
        "read otherwise": {"stereo": "mixed down from 2 channels"},
    }
    assert planted.check().summary.unusable == 0


@pytest.mark.parametrize(
    "form", ["{hex}  audio/{name}.wav", "{hex} *audio/{name}.wav", "SHA256 (audio/{name}.wav) = {hex}"]
)
def test_checksums(planted: Planted, form: str) -> None:
    digests = {
        name: hashlib.sha256((planted.root / "audio" / f"{name}.wav").read_bytes()).hexdigest()
        for name in ("good00", "good01", "good02")
    }
    digests["good01"] = digests["good02"]
    digests["lost"] = digests["good02"]
    lines = [form.format(hex=value, name=name) for name, value in digests.items()]
    (planted.root / "SHA256SUMS").write_text("\n".join(["# publisher's", *lines]) + "\n", encoding="utf-8")
    found = planted.found()
    assert set(found) == {"checksum differs", "listed file missing"}
    assert set(found["checksum differs"]) == {"good01"}
    assert found["listed file missing"] == {None: "audio/lost.wav, listed in SHA256SUMS"}
    assert planted.found(plan=ValidatePlan(workers=1, quick=True)) == {}


def test_one_digest_beside_a_file_and_a_list_one_folder_down(planted: Planted) -> None:
    name = planted.root / "audio" / "good00.wav"
    (planted.root / "audio" / "good00.wav.md5").write_text(hashlib.md5(name.read_bytes()).hexdigest(), encoding="utf-8")
    assert planted.found() == {}
    (planted.root / "audio" / "good00.wav.md5").write_text("0" * 32, encoding="utf-8")
    assert set(planted.found()["checksum differs"]) == {"good00"}


@pytest.mark.parametrize(
    "line", [f"{'0' * 32}  ../../etc/passwd", f"{'0' * 32}  /etc/passwd", f"{'0' * 33}  a.wav", "hello"]
)
def test_a_list_of_checksums_that_is_none(planted: Planted, line: str) -> None:
    (planted.root / "md5sums.txt").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"md5sums\.txt: line 1: found"):
        planted.check()


def test_common_voices_own_list_of_durations(planted: Planted) -> None:
    (planted.root / "clip_durations.tsv").write_text(
        "clip\tduration[ms]\ngood00.wav\t1900\ngood01.wav\t2910\n", encoding="utf-8"
    )
    planted.rows["train"] = [row[: row.rindex(",")] for row in planted.rows["train"]]
    (planted.root / "train.csv").write_text(
        "\n".join([HEADER[: HEADER.rindex(",")], *planted.rows["train"]]) + "\n", encoding="utf-8"
    )
    checked = check_corpus(str(planted.root / "card.toml"), planted.root, ValidatePlan(workers=1))
    assert checked.findings.select("kind", "utterance_id", "what").rows() == [
        ("duration differs", "good01", "1.91 s of audio, 2.91 s stated")
    ]
    assert "lengths held to clip_durations.tsv" in checked.summary.notes


def test_quick_reads_headers_alone(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(validate_audio, "read_audio", refuse)
    planted.row("gone")
    planted.row("again", audio="audio/good05.wav", speaker_id="s-good05")
    planted.sound("short", duration_s="3.0")
    found = planted.found(plan=ValidatePlan(workers=1, quick=True))
    assert {kind: set(each) for kind, each in found.items()} == {
        "missing file": {"gone"},
        "same audio": {"good05", "again"},
        "duration differs": {"short"},
    }


def test_a_long_file_is_read_in_pieces(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is measured of it is what is measured of it whole."""
    planted.sound("long", seconds=7.3, reference=" ".join([SENTENCE] * 4))
    planted.row("part", audio="audio/long.wav", start_s="1", end_s="5.5", reference=" ".join([SENTENCE] * 2))
    whole = planted.check()
    asked: list[float] = []
    read = validate_audio.read_audio

    def noted(*given: Any, **options: Any) -> Any:
        audio = read(*given, **options)
        asked.append(len(audio.samples) / audio.sample_rate)
        return audio

    monkeypatch.setattr(validate_audio, "PIECE_S", 2.5)
    monkeypatch.setattr(validate_audio, "read_audio", noted)
    pieces = planted.check()
    assert max(asked) == 2.5
    assert pieces.summary.minutes == pytest.approx(whole.summary.minutes, abs=1e-6)
    assert pieces.findings.equals(whole.findings)


def test_a_long_file_of_parts_is_decoded_to_its_end(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts that the table names may be whole where the file is not."""
    path = planted.root / "audio" / "talk.flac"
    soundfile.write(path, speech(1, seconds=20), RATE)
    path.write_bytes(path.read_bytes()[:-20_000])
    planted.row("part", audio="audio/talk.flac", start_s="0", end_s="2")
    monkeypatch.setattr(validate_audio, "PIECE_S", 5.0)
    assert {kind: set(each) for kind, each in planted.found().items()} == {"truncated audio": {"part"}}


def test_a_file_is_decoded_once_for_all_its_parts(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        times = {"start_s": f"0.{number}", "end_s": f"1.{number}"}
        planted.row(f"part{number}", audio="audio/good23.wav", reference="four words are here", **times)
    decoded: list[str] = []
    read = validate_audio.read_audio

    def noted(path: Path, **options: Any) -> Any:
        decoded.append(path.name)
        return read(path, **options)

    monkeypatch.setattr(validate_audio, "read_audio", noted)
    monkeypatch.setattr(module, "BATCH", 4)
    assert planted.found() == {}
    assert sorted(decoded) == [f"good{number:02}.wav" for number in range(24)]


def test_workers_find_what_one_process_finds(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.row("gone")
    planted.row("again", audio="audio/good05.wav", speaker_id="s-good05")
    monkeypatch.setattr(module, "BATCH", 4)
    alone, together = planted.check(), planted.check(plan=ValidatePlan(workers=2))
    assert together.findings.equals(alone.findings)
    assert together.summary.groups.equals(alone.summary.groups)


def test_a_gzipped_tar_is_left_to_one_worker(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each, where headers are all that is read: others would decompress it once more."""
    planted.rows["train"] = [row.replace("audio/good0", "a.tar.gz::good0") for row in planted.rows["train"]]
    monkeypatch.setattr(module, "QUICK_BATCH", 4)
    batches: list[list[str]] = []
    over = module.over

    def noted(function: Any, given: Any, *, workers: int) -> Any:
        batches.extend(batch["audio"].to_list() for batch in given)
        return over(function, given, workers=workers)

    monkeypatch.setattr(module, "over", noted)
    planted.check(plan=ValidatePlan(workers=1, quick=True))
    assert sorted(map(len, batches)) == [2, 4, 4, 4, 10]
    assert {len({audio.split("::")[0] for audio in batch}) for batch in batches if "::" in batch[0]} == {1}


def test_counts_by_group(planted: Planted) -> None:
    planted.row("gone", accent="south", gender="m")
    planted.row("lost", accent="south")
    planted.row("none", accent="")
    summary = planted.check().summary
    groups = summary.groups.filter(pl.col("axis") == "accent").select("group", "utterances", "speakers", "unusable")
    assert groups.rows() == [("north", 24, 24, 0), ("south", 2, 2, 2), (None, 1, 1, 1)]
    by_group = summary.by_group.filter(pl.col("axis") == "accent").select("kind", "group", "utterances")
    assert by_group.rows() == [("missing file", "south", 2), ("missing file", None, 1)]


def test_hostile_names_stay_on_their_line_and_within_the_width(planted: Planted) -> None:
    for number in range(30):
        planted.row(f"x{number}\u202e[red]\u001b[31m", accent=f"label {number} \u001b[31m" + "long " * 30)
    stream = io.StringIO()
    render_validation(planted.check().summary, Console(file=stream, width=80, color_system=None))
    text = stream.getvalue()
    assert "\u001b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "and 11 more groups" in text


def test_command(planted: Planted, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    planted.row("gone")
    planted.check()
    corpus = f"{planted.root / 'card.toml'}={planted.root}"
    assert main(["validate", corpus, "--json", str(tmp_path / "found.json")]) == 3
    text = capsys.readouterr().out
    assert text.splitlines()[:3] == [
        "Planted",
        "25 utterances, 25 speakers, 25 files, 0.8 minutes",
        "Every file that opens was decoded up to its end.",
    ]
    assert text[text.index("What was found") :] == FOUND
    assert "gone: audio/gone.wav: no such file" in text
    data = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert (data["exit_code"], data["unusable"], data["utterances"]) == (3, 1, 25)
    assert [finding["utterance_id"] for finding in data["findings"]] == ["gone"]
    assert main(["validate", corpus, "--json", "-", "--quick"]) == 3
    assert json.loads(capsys.readouterr().out)["quick"] is True
    assert main(["validate", corpus, "--workers", "-1"]) == 2
    assert main(["validate", corpus, "--split", "train", "--split", "train"]) == 2


def test_an_interrupt_ends_the_workers(planted: Planted) -> None:
    long = planted.root / "audio" / "long.wav"
    soundfile.write(long, speech(1, seconds=60), RATE)
    for number in range(800):
        os.link(long, planted.root / "audio" / f"m{number:03}.wav")
        planted.row(f"more{number:03}", audio=f"audio/m{number:03}.wav")
    (planted.root / "train.csv").write_text("\n".join([HEADER, *planted.rows["train"]]) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "asrfair",
        "validate",
        f"{planted.root / 'card.toml'}={planted.root}",
        "--workers=2",
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert "interrupted; nothing was written" in error
    assert out == ""


def test_every_kind_is_told_of() -> None:
    assert {kind.gravity for kind in KINDS.values()} == {"unusable", "suspect", "noted"}


def test_real_faults(shared_data: Path, tmp_path: Path) -> None:
    timit = check_corpus("timit", shared_data / "timit_nltk_sample", ValidatePlan())
    assert timit.findings.select("kind", "utterance_id", "what").rows() == [
        ("misnamed format", "fvmh0-si836", "NIST named .wav")
    ]
    digits = check_corpus("fsdd", shared_data / "fsdd", ValidatePlan(workers=1))
    assert digits.findings.is_empty()
    (tmp_path / "cv.toml").write_text(
        CARD.replace(
            'split = "train"',
            'columns = { utterance_id = "path", speaker_id = "speaker", audio = "path", reference = "text" }',
        )
        .replace("{split}", "manifest")
        .replace("levels = {", "# "),
        encoding="utf-8",
    )
    voices = check_corpus(str(tmp_path / "cv.toml"), shared_data / "commonvoice100", ValidatePlan(workers=1))
    # «six», drawn out over more than a second.
    assert voices.findings.select("kind", "what").rows() == [
        ("speech rate", "0.8 words a second, the median is 2.5: six")
    ]
    assert voices.summary.minutes == pytest.approx(9.04, abs=0.01)
    assert "lengths held to column 'duration_s'" in voices.summary.notes


def test_odd_lists_are_refused_before_anything_is_decoded(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_look", lambda *_: pytest.fail("decoded"))
    numbered(planted, {})
    (planted.root / "clip_durations.tsv").write_text("file\tlength\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected clip and duration"):
        check_corpus(str(planted.root / "numbers.toml"), planted.root, ValidatePlan(workers=1))
    (planted.root / "checksums.txt").write_text("file: md5\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"checksums\.txt: line 1: found 'file: md5'"):
        planted.check()


def numbered(planted: Planted, more: dict[str, Any]) -> None:
    line = {"utterance_id": 7, "audio": "audio/good00.wav", "reference": "hi"} | more
    (planted.root / "t.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (planted.root / "numbers.toml").write_text(
        CARD.split("[layout]")[0] + '[layout]\ntype = "table"\nfile = "t.jsonl"\n[axes]\n', encoding="utf-8"
    )


def test_lengths_of_utterances_that_are_called_by_numbers(planted: Planted) -> None:
    numbered(planted, {"duration": 5.0})
    checked = check_corpus(str(planted.root / "numbers.toml"), planted.root, ValidatePlan(workers=1))
    assert checked.findings.filter(pl.col("kind") == "duration differs")["utterance_id"].to_list() == ["7"]


def test_broken_promises_are_in_order_whichever_worker_ends_first(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr(module, "over", lambda function, batches, *, workers: map(function, reversed(list(batches))))
    names = [f"good{number:02d}" for number in range(5)]
    (planted.root / "md5sums.txt").write_text("".join(f"{'0' * 32}  audio/{name}.wav\n" for name in names))
    monkeypatch.setattr(module, "_look", lambda *_: (pl.DataFrame(schema=SEEN), pl.DataFrame(schema=FINDINGS)))
    found = planted.check().findings
    assert found.filter(pl.col("kind") == "checksum differs")["utterance_id"].to_list() == names


@pytest.mark.parametrize(("stated_s", "differs"), [(60.5, False), (60.7, True), (2.05, False), (2.15, True)])
def test_lengths_may_differ_by_a_tenth_of_a_second_or_a_hundredth(stated_s: float, differs: bool) -> None:
    seen = pl.DataFrame({"row": [0], "seconds": [float(round(stated_s))]})
    seen = seen.with_columns(seconds=pl.when(pl.col("seconds") > 30).then(60.0).otherwise(2.0))
    stated = pl.DataFrame({"row": [0], "stated_s": [stated_s]})
    assert bool(len(durations(seen, stated))) is differs


def test_a_folder_that_may_not_be_looked_into_holds_no_list(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    (planted.root / "checksums.txt").write_text(f"{'0' * 32}  audio/good00.wav\n", encoding="utf-8")
    look = os.scandir

    def closed(folder: Path) -> Any:
        if Path(folder).name == "audio":
            raise PermissionError(13, "Permission denied", str(folder))
        return look(folder)

    monkeypatch.setattr(os, "scandir", closed)
    assert [promise.name for promise in promises(planted.root)] == ["audio/good00.wav"]
