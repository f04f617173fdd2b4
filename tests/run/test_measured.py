"""Measurements of a run: what is stored, what counts as a miss, and that a killed run ends the same."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

import asrfair
from asrfair.condition import EFFECTS, AddedNoise, Condition, Heard, Step, hear, load_condition
from asrfair.condition.measure import measure
from asrfair.errors import InputError, RunFolderError
from asrfair.results import Results
from asrfair.run.decode import Decoder
from asrfair.run.measured import CLIPPING, failed_row, heard_row, is_measured, recording_row
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.work import Work
from asrfair.tables import MEASUREMENTS, UTTERANCES, conform

RATE = 16_000
ROW = {"utterance_id": "a", "speaker_id": "s"}


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={name: {"type": "command", "command": recogniser} for name in ("ours", "theirs")},
        conditions=("clean", "white-noise-10db", "telephone"),
        by=("accent",),
        workers=1,
        limit=9,
        out=str(tmp_path / "run"),
    )


def test_a_run_stores_a_row_per_recording_and_condition_whatever_the_backends(plan: Plan) -> None:
    found = asrfair.evaluate(plan).measurements
    assert found.schema == pl.Schema(MEASUREMENTS)
    ids = [f"u{number:02d}" for number in range(9)]
    wanted = [(name, condition) for condition in (None, "telephone", "white-noise-10db") for name in ids]
    assert found.select("utterance_id", "condition").rows() == wanted
    noisy = found.filter(pl.col("condition") == "white-noise-10db")
    assert noisy["noise"].unique().to_list() == ["white_noise"]
    assert noisy["requested_snr_db"].unique().to_list() == [10.0]
    assert noisy["snr_db"].to_list() == pytest.approx([10.0] * 9, abs=0.01)
    others = found.filter(pl.col("condition").ne_missing("white-noise-10db"))
    assert others["noise"].null_count() == others["snr_db"].null_count() == 18
    assert found["note"].null_count() == 27
    assert found.filter(pl.col("condition") == "telephone")["bandwidth_hz"].max() <= 4_000
    assert Results.load(Path(plan.out)).measurements.equals(found)


def test_what_is_stored_is_what_was_heard(plan: Plan, corpus: Path) -> None:
    found = asrfair.evaluate(plan).measurements
    samples, rate = soundfile.read(corpus / "audio" / "u03.wav", dtype="float32")
    own = found.filter(pl.col("utterance_id") == "u03")
    telephone = load_condition("telephone")
    heard = hear(telephone, samples, sample_rate=rate, seed=0, utterance_id="u03")
    for condition, sound in ((None, samples), ("telephone", heard.samples)):
        row = own.filter(pl.col("condition").eq_missing(pl.lit(condition, pl.String))).row(0, named=True)
        for name, value in vars(measure(sound, sample_rate=rate)).items():
            # Pauses are those of the recording alone.
            assert row[name] == (None if name == "pauses" and condition else value), (condition, name)


def test_a_batch_needs_both_its_files(plan: Plan) -> None:
    before = asrfair.evaluate(plan)
    work = Path(plan.out) / "work"
    files = {path.name: path.read_bytes() for path in work.glob("batch-*.parquet")}
    assert sorted(files)[:2] == ["batch-000000.measured.parquet", "batch-000000.parquet"]
    for name in ("batch-000001.measured.parquet", "batch-000001.parquet"):
        # As after a kill between the two, and as in a folder that lost one.
        (work / name).unlink()
        again = asrfair.evaluate(plan)
        assert again.measurements.equals(before.measurements)
        assert again.hypotheses.equals(before.hypotheses)
        assert (work / "batch-000001.measured.parquet").read_bytes() == files["batch-000001.measured.parquet"]
    shard = work / "batch-000002.measured.parquet"
    other = pl.read_parquet(work / "batch-000000.measured.parquet")
    for wrong in (other, other.head(3), other.drop("note")):
        wrong.write_parquet(shard)
        with pytest.raises(RunFolderError, match=r"batch-000002\.measured\.parquet: expected a finished batch"):
            asrfair.evaluate(plan)


def test_recordings_that_cannot_be_read_or_heard_are_rows_with_a_reason(plan: Plan, corpus: Path) -> None:
    soundfile.write(corpus / "audio" / "u01.wav", np.zeros(8_000), RATE)
    (corpus / "audio" / "u02.wav").write_bytes(b"no audio")
    results = asrfair.evaluate(plan)
    found = {(row["utterance_id"], row["condition"]): row for row in results.measurements.iter_rows(named=True)}
    for condition in (None, "white-noise-10db", "telephone"):
        row = found["u02", condition]
        assert row["duration_s"] is None
        assert "not readable as audio" in row["note"]
    silent = found["u01", None]
    assert (silent["duration_s"], silent["active_s"], silent["active_level_db"]) == (0.5, 0.0, None)
    noisy = found["u01", "white-noise-10db"]
    assert noisy["note"] == "silent utterance: SNR undefined"
    assert all(noisy[name] is None for name in ("duration_s", "snr_db", "requested_snr_db", "peak_db"))
    assert found["u01", "telephone"]["duration_s"] == 0.5
    failed = results.failures.filter(pl.col("backend") == "ours").select("utterance_id", "condition", "stage").rows()
    assert ("u01", "white-noise-10db", "condition") in failed
    assert ("u01", "telephone", "condition") not in failed
    assert [stage for name, _, stage in failed if name == "u02"] == ["audio"] * 3


def test_without_a_recogniser_that_hears_nothing_is_measured(plan: Plan, tmp_path: Path) -> None:
    table = tmp_path / "said.csv"
    table.write_text(
        "utterance_id,condition,hypothesis\n" + "".join(f"u{n:02d},clean,zero\n" for n in range(20)), encoding="utf-8"
    )
    plan = replace(plan, backends={"told": {"type": "replay", "argument": str(table)}}, conditions=("clean",))
    assert asrfair.evaluate(plan).measurements.is_empty()
    assert asrfair.evaluate(plan).measurements.is_empty()
    with pytest.raises(InputError, match="'recording_snr_db', which is measured on recordings"):
        asrfair.evaluate(replace(plan, covariates=("recording_snr_db",), out=str(tmp_path / "other")))


def test_clipping_is_found_before_the_rate_is_changed(tmp_path: Path) -> None:
    time = np.arange(48_000) / 48_000
    for name, limit in (("clipped", 0.3), ("whole", 1.0)):
        tone = np.clip(0.5 * np.sin(2 * np.pi * 440 * time), -limit, limit)
        soundfile.write(tmp_path / f"{name}.wav", tone, 48_000)
    rows = [{"utterance_id": name, "speaker_id": "s", "audio": f"{name}.wav"} for name in ("clipped", "whole")]
    utterances = conform(pl.DataFrame(rows), UTTERANCES)
    program = {"type": "command", "command": f"{sys.executable} -c pass"}
    work = Work(utterances, tmp_path, (load_condition("telephone"),), {"b": program}, 0, RATE, "en")
    decoder = Decoder(work)
    try:
        found = decoder.transcribe(utterances).measurements
    finally:
        decoder.close()
    shares = dict(found.filter(pl.col("condition").is_null()).select("utterance_id", "clipped_share").rows())
    assert shares["clipped"] == pytest.approx(1 - 2 / np.pi * np.arcsin(0.6), abs=0.02)
    assert shares["whole"] == 0.0
    assert found["note"].null_count() == 4


def condition(*effects: str) -> Condition:
    return Condition("c", "s", None, tuple(Step(effect, {}) for effect in effects), "d")


def told(heard: Heard, *effects: str, before: float = 0.0) -> str | None:
    row = heard_row(ROW, condition(*effects), heard, sample_rate=RATE, clipped_before=before)
    note: str | None = row["note"]
    return note


def test_what_is_a_miss() -> None:
    sound = np.sin(np.arange(RATE) / 3).astype(np.float32)
    flat = np.clip(sound, -0.5, 0.5)

    def noisy(found_db: float) -> Heard:
        return Heard(sound, (AddedNoise("babble", 20, 20), AddedNoise("pink_noise", 5, found_db)))

    assert told(noisy(5.19), "babble", "pink_noise") is None
    assert told(noisy(4.81), "babble", "pink_noise") is None
    for found_db in (5.21, 4.79, float("inf"), float("nan")):
        assert told(noisy(found_db), "babble", "pink_noise") == "SNR of pink_noise off by more than 0.2 dB"
    assert told(Heard(flat), "band_pass") == "clipped"
    assert told(Heard(flat), "band_pass", before=0.1) is None
    assert told(Heard(flat), "clip", "band_pass") is None
    assert told(Heard(sound), "band_pass") is None
    assert EFFECTS.keys() >= CLIPPING
    assert told(Heard(sound, facts={"clipped_share": 0.001}), "g711") == "clipped"
    assert told(Heard(flat, facts={"clipped_share": 0.0}), "g711") == "clipped"
    assert told(replace(noisy(4), samples=flat), "pink_noise") == "SNR of pink_noise off by more than 0.2 dB; clipped"


def test_rows_name_the_loudest_noise_and_what_effects_tell() -> None:
    sound = np.sin(np.arange(RATE) / 3).astype(np.float32)
    noises = (AddedNoise("white_noise", 30, 30.01), AddedNoise("babble", 5, 4.99), AddedNoise("pink_noise", 10, 10))
    heard = Heard(sound, noises, {"rt60_s": 0.4, "direct_to_reverberant_db": -2.5})
    row = heard_row(ROW, condition("babble"), heard, sample_rate=RATE, clipped_before=0.0)
    assert (row["noise"], row["requested_snr_db"], row["snr_db"]) == ("babble", 5, 4.99)
    assert (row["rt60_s"], row["direct_to_reverberant_db"]) == (0.4, -2.5)
    assert row.keys() == MEASUREMENTS.keys()
    assert recording_row(ROW, sound, sample_rate=RATE, clipped=0.25)["clipped_share"] == 0.25
    assert failed_row(ROW, None, "gone") == {**ROW, "condition": None, "note": "gone"}
    assert not is_measured(condition())
    assert is_measured(condition("babble"))
