"""The cache of transcripts: what is known is not done again, and what is not the same is not known."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

import asrfair
from asrfair.cli import main
from asrfair.results import Results
from asrfair.run import cache as cache_module
from asrfair.run.cache import FILE, Cache, cache_folder
from asrfair.run.engine import Done
from asrfair.run.evaluate import decode, prepare
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.work import Decoded
from asrfair.tables import TABLES

# Answers with how loud it is and what it was asked, tells words and alternatives, and writes down what it heard.
PROGRAM = """
import json, os, sys, time, wave
import numpy as np
seconds, listed = float(sys.argv[1]), {listed!r}
for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["audio"]) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    time.sleep(seconds)
    name = request["utterance_id"]
    with open(listed, "a") as file:
        file.write(f"{name} {request['condition']}\\n")
    heard = f"{request['language']} {np.sqrt((samples**2).mean()):.6f}"
    words = [{"text": heard, "start_s": 0.1, "end_s": 0.2, "confidence": 0.3}]
    told = dict(words=words, alternatives=[{"hypothesis": heard, "score": -1.5}], language="cy")
    print(json.dumps({"utterance_id": name, "hypothesis": heard, **told}), flush=True)
"""
CONDITIONS = ("clean", "white-noise-10db", "babble-10db")


class Listened:
    """What a recogniser was asked since the last look."""

    def __init__(self, path: Path) -> None:
        self.path, self.seen = path, 0

    def __call__(self) -> list[tuple[str, str]]:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        new, self.seen = lines[self.seen :], len(lines)
        return [(name, condition) for name, _, condition in (line.partition(" ") for line in new)]


@pytest.fixture
def listened(tmp_path: Path) -> Listened:
    return Listened(tmp_path / "heard.txt")


def command(tmp_path: Path, *, seconds: float = 0.0) -> dict[str, Any]:
    program = tmp_path / "counting.py"
    # Not as an argument: what an argument names is a part of the recogniser.
    listed = str(tmp_path / "heard.txt")
    program.write_text(PROGRAM.replace("{listed!r}", repr(listed)), encoding="utf-8")
    return {"type": "command", "command": f"{sys.executable} {program} {seconds:g}"}


@pytest.fixture
def plan(corpus: Path, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": command(tmp_path)},
        conditions=CONDITIONS,
        by=("accent", "gender"),
        seed=3,
        workers=1,
        out=str(tmp_path / "first"),
        cache=str(tmp_path / "cache"),
    )


def elsewhere(plan: Plan, name: str, **changes: Any) -> Plan:
    return replace(plan, out=str(Path(plan.out).parent / name), **changes)


def tables(folder: str | Path) -> dict[str, bytes]:
    return {name: (Path(folder) / f"{name}.parquet").read_bytes() for name in TABLES if name != "timings"}


def signature(results: Results) -> Mapping[str, Any]:
    return {key: value for key, value in results.signature.items() if key != "created"}


def last(plan: Plan) -> tuple[Results, Done]:
    told: list[Done] = []
    return asrfair.evaluate(plan, progress=told.append), told[-1]


def heard(plan: Plan) -> tuple[Decoded, Done]:
    """Do a plan as far as its transcripts."""
    told: list[Done] = []
    return decode(prepare(plan), progress=told.append), told[-1]


def same(one: Decoded, other: Decoded) -> bool:
    """Return whether two runs heard and measured the same, whatever time it took."""
    outcomes = one.outcomes.drop("seconds").equals(other.outcomes.drop("seconds"))
    return outcomes and one.measurements.equals(other.measurements)


def test_a_second_plan_decodes_nothing_and_its_tables_are_those_of_a_run_without_cache(
    plan: Plan, listened: Listened
) -> None:
    bare = asrfair.evaluate(elsewhere(plan, "bare", cache="none"))
    assert len(listened()) == 60
    first, told = last(plan)
    assert len(listened()) == 60
    assert (told.cached, told.transcripts) == (0, 60)
    second, told = last(elsewhere(plan, "second"))
    assert listened() == []
    assert (told.cached, told.transcripts, told.trouble) == (60, 60, "")
    assert tables(plan.out) == tables(elsewhere(plan, "bare").out) == tables(elsewhere(plan, "second").out)
    assert signature(bare) == signature(first) == signature(second)
    # What it took is told of the time when it was heard.
    assert second.timings.equals(first.timings)
    assert second.recognised["confidence"].unique().to_list() == [0.3]


@pytest.mark.parametrize("workers", [1, 2])
def test_only_what_is_missing_is_decoded(plan: Plan, listened: Listened, workers: int) -> None:
    heard(replace(plan, conditions=("clean", "babble-10db"), limit=7))
    listened()
    whole = elsewhere(plan, "whole", workers=workers)
    found, told = heard(whole)
    names = [f"u{number:02d}" for number in range(20)]
    known = {(name, condition) for name in names[:7] for condition in ("clean", "babble-10db")}
    assert sorted(listened()) == sorted({(name, condition) for name in names for condition in CONDITIONS} - known)
    assert told.cached == 14
    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    assert same(found, bare)


def test_other_numbers_of_the_same_transcripts_decode_nothing(plan: Plan, listened: Listened) -> None:
    heard(plan)
    listened()
    changes: list[dict[str, Any]] = [
        {"normalizer": "none"},
        {"by": ("gender",), "level": 0.9},
        {"interval": "jackknife", "replicates": 200},
        {"conditions": ("babble-10db", "clean")},
        {"sample": 2},
        {"workers": 2, "limit": 5},
        {"backends": {"another name": plan.backends["ours"], "twice": plan.backends["ours"]}},
    ]
    for number, change in enumerate(changes):
        _, told = heard(elsewhere(plan, f"other{number}", **change))
        assert listened() == [], change
        assert told.cached == told.transcripts, change


def test_another_recogniser_hears_everything_and_the_first_nothing(
    plan: Plan, listened: Listened, recogniser: str
) -> None:
    heard(plan)
    listened()
    both = {"theirs": {"type": "command", "command": recogniser}, "ours": plan.backends["ours"]}
    mixed, told = heard(elsewhere(plan, "both", backends=both))
    assert listened() == []
    assert (told.cached, told.transcripts) == (60, 120)
    bare, _ = heard(elsewhere(plan, "bare", backends=both, cache="none"))
    assert same(mixed, bare)


def test_stored_hypotheses_are_not_cached_and_go_with_what_is(plan: Plan, listened: Listened, tmp_path: Path) -> None:
    first, _ = heard(plan)
    table = tmp_path / "stored.csv"
    first.outcomes.select("utterance_id", "condition", "hypothesis").write_csv(table)
    backends = {**plan.backends, "stored": {"type": "replay", "argument": str(table)}}
    listened()
    _, told = heard(elsewhere(plan, "stored", backends=backends))
    assert listened() == []
    assert (told.cached, told.transcripts, told.failures) == (60, 120, 0)
    alone = {"stored": {"type": "replay", "argument": str(table)}}
    before = files_in(Path(plan.cache))
    _, told = heard(elsewhere(plan, "alone", backends=alone))
    assert told.cached == 0
    assert files_in(Path(plan.cache)) == before


def files_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def wav(path: Path, change: Callable[[np.ndarray[Any, Any]], None]) -> None:
    samples, rate = soundfile.read(path, dtype="int16")
    change(samples)
    soundfile.write(path, samples, rate, subtype="PCM_16")


def test_a_changed_byte_of_audio_decodes_that_utterance_alone(plan: Plan, corpus: Path, listened: Listened) -> None:
    plan = replace(plan, conditions=("clean", "white-noise-10db"))
    heard(plan)
    listened()
    path = corpus / "audio" / "u07.wav"
    size = path.stat().st_size
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert path.stat().st_size == size
    heard(elsewhere(plan, "changed"))
    assert sorted(listened()) == [("u07", "clean"), ("u07", "white-noise-10db")]


def test_a_changed_talker_decodes_those_who_drew_it(plan: Plan, corpus: Path, listened: Listened) -> None:
    plan = replace(plan, conditions=("babble-10db",))
    heard(plan)
    listened()
    wav(corpus / "audio" / "u07.wav", lambda samples: samples.__setitem__(100, samples[100] + 999))
    changed, _ = heard(elsewhere(plan, "changed"))
    again = {name for name, _ in listened()}
    assert "u07" in again
    assert 1 < len(again) < 20
    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    assert same(changed, bare)


def test_changed_noise_decodes_that_condition_alone(plan: Plan, tmp_path: Path, listened: Listened) -> None:
    noise = tmp_path / "noise"
    noise.mkdir()
    random = np.random.default_rng(1)
    soundfile.write(noise / "a.wav", 0.1 * random.normal(size=16_000), 16_000, subtype="PCM_16")
    plan = replace(plan, conditions=("clean", f"recorded-noise-10db={noise}"))
    heard(plan)
    assert len(listened()) == 40
    # As long as before: no list of names and sizes would tell.
    wav(noise / "a.wav", lambda samples: samples.__setitem__(5, samples[5] ^ 1))
    heard(elsewhere(plan, "changed"))
    asked = listened()
    assert len(asked) == 20
    assert {condition for _, condition in asked} == {"recorded-noise-10db"}


@pytest.mark.parametrize(
    ("change", "decoded"),
    [
        ({"seed": 4}, {"white-noise-10db", "babble-10db"}),
        ({"sample_rate": 8_000}, set(CONDITIONS)),
        ({"language": "de"}, set(CONDITIONS)),
        ({"options": {"sample_rate": 8_000}}, set(CONDITIONS)),
        ({"condition": True}, {"white-noise-10db"}),
    ],
)
def test_what_a_recogniser_would_hear_or_be_told_otherwise_is_decoded(
    plan: Plan, listened: Listened, tmp_path: Path, change: dict[str, Any], decoded: set[str]
) -> None:
    card = tmp_path / "white-noise-10db.toml"
    card.write_text('summary = "s"\n[[effect]]\ntype = "white_noise"\nsnr_db = 10\n', encoding="utf-8")
    plan = replace(plan, conditions=("clean", str(card), "babble-10db"))
    heard(plan)
    listened()
    if change.pop("condition", False):
        card.write_text(card.read_text(encoding="utf-8").replace("10", "11"), encoding="utf-8")
    options = change.pop("options", {})
    heard(elsewhere(plan, "other", backends={"ours": {**plan.backends["ours"], **options}}, **change))
    asked = listened()
    assert {condition for _, condition in asked} == decoded
    assert len(asked) == 20 * len(decoded)


def test_failures_are_tried_again(plan: Plan, corpus: Path, listened: Listened) -> None:
    plan = replace(plan, conditions=("clean", "babble-10db"))
    path = corpus / "audio" / "u03.wav"
    whole = path.read_bytes()
    path.write_bytes(b"no sound at all")
    first, told = heard(plan)
    assert told.failures == 2
    listened()
    again, told = heard(elsewhere(plan, "again"))
    assert (told.failures, told.cached) == (2, 38)
    assert listened() == []
    assert same(again, first)
    path.write_bytes(whole)
    healed, told = heard(elsewhere(plan, "healed"))
    assert ("u03", "clean") in listened()
    assert told.failures == 0
    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    assert same(healed, bare)


def test_talkers_who_cannot_be_heard_are_passed_over_with_and_without_cache(
    plan: Plan, corpus: Path, listened: Listened
) -> None:
    for number in (6, 16):
        soundfile.write(corpus / "audio" / f"u{number:02d}.wav", np.zeros(16_000), 16_000)
    (corpus / "audio" / "u07.wav").unlink()
    plan = replace(plan, conditions=("babble-10db",))
    heard(plan)
    assert len(listened()) == 17
    heard(elsewhere(plan, "again"))
    assert listened() == []
    # Heard once more, it is drawn where others stood in for it.
    random = np.random.default_rng(2)
    soundfile.write(corpus / "audio" / "u06.wav", 0.1 * random.normal(size=16_000), 16_000, subtype="PCM_16")
    audible, _ = heard(elsewhere(plan, "audible"))
    assert 1 < len(listened()) < 17
    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    assert same(audible, bare)


def test_who_stood_in_for_a_talker_counts_as_much_as_who_was_drawn(
    plan: Plan, corpus: Path, listened: Listened
) -> None:
    card = corpus / "other.toml"
    card.write_text('summary = "s"\n[[effect]]\ntype = "babble"\ntalkers = 1\nsnr_db = 5\n', encoding="utf-8")
    plan = replace(plan, conditions=(str(card),))
    for number in (5, 6, 7, 8, 9, 15, 16, 17, 18, 19):
        soundfile.write(corpus / "audio" / f"u{number:02d}.wav", np.zeros(16_000), 16_000)
    heard(plan)
    for name in ("u00", "u10", "u01", "u11", "u02", "u12"):
        wav(corpus / "audio" / f"{name}.wav", lambda samples: samples.__setitem__(slice(0, 4_000), 9_000))
    changed, told = heard(elsewhere(plan, "changed"))
    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    assert same(changed, bare)
    assert told.cached > 0


def test_voices_of_the_corpus_are_part_of_the_key(plan: Plan, corpus: Path, listened: Listened) -> None:
    soundfile.write(corpus / "audio" / "u06.wav", np.zeros(16_000), 16_000)
    card = corpus / "shaped.toml"
    card.write_text(
        'summary = "s"\n[[effect]]\ntype = "speech_shaped_noise"\nsnr_db = 5\nspectrum = "corpus"\n', encoding="utf-8"
    )
    plan = replace(plan, conditions=(str(card),))
    heard(plan)
    assert len(listened()) == 19
    heard(elsewhere(plan, "again"))
    assert listened() == []


def test_files_that_lie_still_are_not_read_again(
    plan: Plan, corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("asrfair.run.cache_keys.SETTLED_NS", 0)
    heard(plan)
    opened: list[str] = []
    from asrfair.sounds import find_sound

    def spy(path: str) -> Any:
        opened.append(path)
        return find_sound(path)

    monkeypatch.setattr("asrfair.run.cache_keys.find_sound", spy)
    heard(elsewhere(plan, "again"))
    assert opened == []
    os.utime(corpus / "audio" / "u05.wav", ns=(1, 1))
    _, told = heard(elsewhere(plan, "touched"))
    assert opened == [str(corpus / "audio" / "u05.wav")]
    assert told.cached == 60


def test_a_file_that_changed_just_now_is_read_again(plan: Plan, corpus: Path) -> None:
    """Its time of change may stay the same where it changes again at once, as its size may."""
    heard(plan)
    with sqlite3.connect(Path(plan.cache) / FILE) as found:
        (count,) = found.execute("SELECT count(*) FROM files").fetchone()
    found.close()
    assert count == 0


def test_members_of_archives_are_told_apart(plan: Plan, corpus: Path, listened: Listened) -> None:
    import zipfile

    with zipfile.ZipFile(corpus / "audio.zip", "w") as archive:
        for path in sorted((corpus / "audio").iterdir()):
            archive.write(path, path.name)
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("audio/", "audio.zip::"), encoding="utf-8")
    plan = replace(plan, conditions=("clean",))
    heard(plan)
    assert len(listened()) == 20
    with zipfile.ZipFile(corpus / "audio.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((corpus / "audio").iterdir()):
            archive.write(corpus / "audio" / "u08.wav" if path.name == "u09.wav" else path, path.name)
    heard(elsewhere(plan, "packed"))
    assert listened() == [("u09", "clean")]


def plan_file(plan: Plan, name: str, **changes: Any) -> Path:
    import tomli_w

    planned = elsewhere(plan, name, **changes)
    path = Path(planned.out).parent / f"{name}.toml"
    path.write_text(tomli_w.dumps(planned.record()), encoding="utf-8")
    return path


def start(path: Path) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "asrfair", "run", str(path)]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_two_runs_at_a_time_share_one_cache(plan: Plan) -> None:
    started = [start(plan_file(plan, f"at-once-{number}", workers=2)) for number in (1, 2)]
    told = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    assert "cannot be used" not in "".join(told)
    bare = elsewhere(plan, "bare", cache="none")
    asrfair.evaluate(bare)
    for number in (1, 2):
        assert tables(elsewhere(plan, f"at-once-{number}").out) == tables(bare.out)
    with closing(Cache(Path(plan.cache))) as found:
        # Transcripts, recordings and what two conditions made of them, each once.
        assert found.count() == 60 + 20 + 40


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_what_was_heard_before_a_kill_or_an_interrupt_is_known_to_another_run(
    plan: Plan, listened: Listened, tmp_path: Path, sent: signal.Signals
) -> None:
    slow = replace(plan, conditions=("clean",), backends={"ours": command(tmp_path, seconds=0.1)})
    process = start(plan_file(slow, "stopped"))
    ends = time.monotonic() + 60
    while len(list((tmp_path / "stopped" / "work").glob("batch-??????.parquet"))) < 2 and time.monotonic() < ends:
        time.sleep(0.01)
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == (-sent if sent == signal.SIGKILL else 130)
    listened()
    found, told = heard(elsewhere(slow, "other"))
    assert 8 <= told.cached < 20
    # A program that outlived its killed parent may have written one down twice.
    assert len(set(listened())) == 20 - told.cached
    bare, _ = heard(elsewhere(slow, "bare", cache="none", backends={"ours": command(tmp_path)}))
    assert same(found, bare)


def test_a_damaged_cache_is_told_in_a_line_and_the_run_goes_on(
    plan: Plan, capsys: pytest.CaptureFixture[str], listened: Listened
) -> None:
    folder = Path(plan.cache)
    folder.mkdir()
    (folder / FILE).write_bytes(b"no database at all" * 100)
    assert main(["run", str(plan_file(plan, "first"))]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "cannot be used" in line]
    assert len(told) == 1
    assert f"asrfair: {folder / FILE}: found a cache that cannot be used (file is not a database)" in told[0]
    assert len(listened()) == 60
    assert (folder / FILE).read_bytes().startswith(b"no database")


def test_a_damaged_value_is_no_transcript(plan: Plan, listened: Listened) -> None:
    plan = replace(plan, conditions=("clean",))
    first, _ = heard(plan)
    connection = sqlite3.connect(Path(plan.cache) / FILE)
    key, value = connection.execute("SELECT key, value FROM cells WHERE length(value) > 100 LIMIT 1").fetchone()
    bent = bytearray(value)
    bent[-1] ^= 1
    connection.execute("UPDATE cells SET value = ? WHERE key = ?", (bytes(bent), key))
    connection.commit()
    connection.close()
    listened()
    again, told = heard(elsewhere(plan, "again"))
    assert "cannot be used" in told.trouble
    assert listened()
    assert same(again, first)


def test_a_cache_of_a_newer_version_is_left_alone(plan: Plan) -> None:
    Cache(Path(plan.cache)).close()
    connection = sqlite3.connect(Path(plan.cache) / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    _, told = heard(plan)
    assert "of format 99, made by a newer asrfair" in told.trouble


def test_a_folder_that_cannot_be_written(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    _, told = heard(elsewhere(plan, "under-a-file", cache=str(tmp_path / "file")))
    assert "cannot be used" in told.trouble
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):
        return
    _, told = heard(elsewhere(plan, "locked-out", cache=str(locked)))
    assert "Permission denied" in told.trouble


def test_a_cache_that_fails_midway(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Cache, statement: str, values: Any = ()) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    bare, _ = heard(elsewhere(plan, "bare", cache="none"))
    monkeypatch.setattr(Cache, "_execute", full)
    found, told = heard(plan)
    assert "database or disk is full" in told.trouble
    assert same(found, bare)


def test_the_file_is_its_owners_alone(plan: Plan) -> None:
    heard(plan)
    cache = Cache(Path(plan.cache))
    cache.put({b"key": {"more": 1}})
    assert {path.stat().st_mode & 0o777 for path in Path(plan.cache).iterdir()} == {0o600}
    cache.close()
    assert Path(plan.cache).stat().st_mode & 0o777 == 0o700
    # No path of the corpus is in it.
    connection = sqlite3.connect(Path(plan.cache) / FILE)
    rows = connection.execute("SELECT value FROM cells").fetchall()
    connection.close()
    assert not [value for (value,) in rows if b"audio/" in zlib.decompress(value)]


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "deep" / "er")
    values = {bytes([number % 256, number // 256]): {"x": number / 7, "t": "\udc80é\0"} for number in range(1_200)}
    cache.put(values)
    cache.put({b"\0\0": {"x": "other"}})
    assert cache.get([*values, b"absent"]) == values
    assert cache.trouble == ""
    cache.close()
    assert cache.get([b"\0\0"]) == {}


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() is None
    assert cache_folder(str(tmp_path)) == tmp_path
    monkeypatch.setenv(cache_module.VARIABLE, str(tmp_path / "of-variable"))
    assert cache_folder() == tmp_path / "of-variable"
    assert cache_folder("none") is None
    monkeypatch.delenv(cache_module.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "asrfair"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / (".cache" if sys.platform != "darwin" else "Library/Caches") / "asrfair"


def test_the_command_line(plan: Plan, capsys: pytest.CaptureFixture[str], listened: Listened, tmp_path: Path) -> None:
    bare = {"cache": ""}
    assert main(["run", str(plan_file(plan, "one", **bare)), "--cache", plan.cache]) == 0
    assert "came from the cache" not in capsys.readouterr().err
    assert main(["run", str(plan_file(plan, "two"))]) == 0
    assert "asrfair: 60 of 60 transcriptions came from the cache (--no-cache makes them again)" in (
        capsys.readouterr().err
    )
    listened()
    assert main(["run", str(plan_file(plan, "three")), "--no-cache"]) == 0
    assert len(listened()) == 60
    # A relative folder lies beside the plan.
    assert main(["run", str(plan_file(plan, "four", cache="cache"))]) == 0
    assert listened() == []


def test_measurements_are_kept_and_belong_to_the_speaker_of_the_day(
    plan: Plan, corpus: Path, listened: Listened
) -> None:
    plan = replace(plan, conditions=("clean", "white-noise-10db"))
    first, _ = heard(plan)
    listened()
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("u03,s3", "u03,other"), encoding="utf-8")
    second, _ = heard(elsewhere(plan, "relabelled"))
    assert listened() == []
    rows = second.measurements.filter(pl.col("utterance_id") == "u03")
    assert rows["speaker_id"].unique().to_list() == ["other"]
    assert second.measurements.drop("speaker_id").equals(first.measurements.drop("speaker_id"))


def test_the_command_shows_and_clears(plan: Plan, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = Path(plan.cache)
    assert main(["cache", "--cache", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / FILE}: nothing is kept yet\n"
    assert not folder.exists()
    heard(replace(plan, conditions=("clean",), limit=4))
    assert main(["cache", "--cache", str(folder)]) == 0
    assert f"{folder / FILE}: 8 transcripts and measurements, 0." in capsys.readouterr().out
    assert main(["cache", "--cache", str(folder), "--clear"]) == 0
    assert f"{folder / FILE}: deleted" in capsys.readouterr().out
    assert list(folder.iterdir()) == []
    (folder / FILE).write_bytes(b"no database at all" * 100)
    assert main(["cache", "--cache", str(folder)]) == 2
    assert "asrfair cache --clear" in capsys.readouterr().err
    assert main(["cache", "--cache", str(folder), "--clear"]) == 0
    assert main(["cache"]) == 2
    assert "ASRFAIR_CACHE=none" in capsys.readouterr().err
