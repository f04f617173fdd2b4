"""Exports: each format's own files, and the round trip through the layout that reads it."""

import gzip
import io
import json
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from asrfair.audio import read_audio, write_wav
from asrfair.cli import main
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import AsrfairError
from asrfair.run.export import FORMATS, export_corpus

CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "CC0 \\u007f"
caveats = ["one \\"caveat\\""]
[layout]
type = "table"
file = "utterances.csv"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
note = "asked \\"where from?\\""
levels = { us = "US English", sco = "Scottish" }
reference_group = "US English"
[axes.gender]
column = "sex"
assigned_by = "annotated"
levels = { f = "female", m = "male" }
[axes.mood]
column = "mood"
assigned_by = "by design"
[covariates.snr]
column = "snr"
unit = "dB"
"""
TABLE = """utterance_id,speaker_id,audio,reference,start_s,end_s,channel,language,accent,sex,mood,snr
s1-u1,s1,one.wav,Hello there,,,,en,us,f,calm,12.5
s1-u2,s1,long.wav,"Good, day",0.25,0.75,1,en,us,f,"rather, angry",
s2-u3,s2,long.wav,,0.5,1.0,0,cy,sco,,calm,3
s2-U3,s2,clips/tŵo.wav,,,,,cy,sco,,,1e-3
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "clips").mkdir(parents=True)
    (folder / "ours.toml").write_text(CARD, encoding="utf-8")
    (folder / "utterances.csv").write_text(TABLE, encoding="utf-8")
    tone = 0.4 * np.sin(np.arange(8000) / 10)
    write_wav(folder / "one.wav", tone, 8000)
    write_wav(folder / "clips" / "tŵo.wav", tone[:4000], 16000)
    with wave.open(str(folder / "long.wav"), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", "not compressed"))
        pair = np.stack([np.arange(8000), -np.arange(8000)], axis=1)
        file.writeframes(pair.astype("<i2").tobytes())
    return folder


def export(root: Path, out: Path, target: str, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    given = {"split": "", "audio": False, "relative": False, **options}
    export_corpus(str(root / "ours.toml"), root, target=target, out=out, console=console, **given)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def table(corpus: Corpus) -> list[tuple[Any, ...]]:
    return corpus.utterances.drop("corpus", "audio", "start_s", "end_s", "channel").rows()


def same(after: pl.DataFrame, before: pl.DataFrame, target: str) -> bool:
    """In Kaldi's segments a whole file is the part from 0 to its duration."""
    if target == "kaldi":
        whole = {"s1-u1": 1.0, "s2-U3": 0.25}
        ends = pl.col("utterance_id").replace_strict(whole, default=None, return_dtype=pl.Float64)
        before = before.with_columns(pl.col("start_s").fill_null(0.0), pl.col("end_s").fill_null(ends))
    return after.drop("corpus").equals(before.drop("corpus"))


@pytest.mark.parametrize("target", FORMATS)
def test_round_trip_with_the_sounds(root: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "out"
    export(root, out, target, audio=True)
    before, after = load_corpus(str(root / "ours.toml"), root), load_corpus(str(out / "card.toml"), out)
    assert table(after) == table(before)
    assert after.card.licence == before.card.licence
    assert after.card.axes["accent"].assigned_by == "self-reported"
    assert after.card.axes["accent"].note == before.card.axes["accent"].note
    assert not any(after.unmapped.values())
    parts = ["audio", "start_s", "end_s", "channel"]
    for ours, theirs in zip(
        before.utterances.select(parts).iter_rows(), after.utterances.select(parts).iter_rows(), strict=True
    ):
        wanted = read_audio(root / ours[0], sample_rate=8000, start_s=ours[1], end_s=ours[2], channel=ours[3])
        found = read_audio(out / theirs[0], sample_rate=8000, start_s=theirs[1], end_s=theirs[2], channel=theirs[3])
        assert np.array_equal(found.samples, wanted.samples)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("target", FORMATS)
def test_round_trip_by_paths(root: Path, target: str, relative: bool) -> None:
    out = root / "export"
    export(root, out, target, relative=relative)
    before, after = load_corpus(str(root / "ours.toml"), root), load_corpus(str(out / "card.toml"), root)
    assert same(after.utterances, before.utterances, target)


@pytest.mark.parametrize("target", FORMATS)
def test_round_trip_from_a_folder_elsewhere(root: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "elsewhere" / "out"
    export(root, out, target)
    assert f"where FOLDER is {tmp_path}\n" in (out / "README.txt").read_text("utf-8")
    after = load_corpus(str(out / "card.toml"), tmp_path).utterances
    before = load_corpus(str(root / "ours.toml"), root).utterances
    assert same(after.drop("audio"), before.drop("audio"), target)
    assert after["audio"].to_list() == [f"corpus/{audio}" for audio in before["audio"]]


def test_kaldis_files(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = export(root, out, "kaldi")
    assert {path.name for path in out.iterdir()} == {
        *("wav.scp", "segments", "text", "utt2spk", "spk2utt", "spk2accent", "spk2gender_label", "utt2mood", "utt2snr"),
        *("utt2lang", "card.toml", "provenance.json", "README.txt", "identity.json"),
    }
    # Sorted as the C locale sorts: capital letters first.
    assert (out / "wav.scp").read_text("utf-8") == (
        f"long {root}/long.wav\ns1-u1 {root}/one.wav\ns2-U3 {root}/clips/tŵo.wav\n"
    )
    assert (out / "segments").read_text("utf-8") == (
        "s1-u1 s1-u1 0.0 1.0\ns1-u2 long 0.25 0.75 1\ns2-U3 s2-U3 0.0 0.25\ns2-u3 long 0.5 1.0 0\n"
    )
    assert (out / "text").read_text("utf-8") == "s1-u1 Hello there\ns1-u2 Good, day\ns2-U3\ns2-u3\n"
    assert (out / "spk2utt").read_text("utf-8") == "s1 s1-u1 s1-u2\ns2 s2-U3 s2-u3\n"
    assert (out / "spk2accent").read_text("utf-8") == "s1 US English\ns2 Scottish\n"
    assert (out / "spk2gender_label").read_text("utf-8") == "s1 female\n"
    assert (out / "utt2mood").read_text("utf-8") == "s1-u1 calm\ns1-u2 rather, angry\ns2-u3 calm\n"
    assert "segments have a fifth field" in said


def test_kaldis_genders_are_f_and_m_of_every_speaker(root: Path, tmp_path: Path) -> None:
    (root / "utterances.csv").write_text(TABLE.replace("sco,,", "sco,m,"), encoding="utf-8")
    export(root, tmp_path / "out", "kaldi", audio=True)
    assert (tmp_path / "out" / "spk2gender").read_text("utf-8") == "s1 f\ns2 m\n"
    after = load_corpus(str(tmp_path / "out" / "card.toml"), tmp_path / "out").utterances
    assert after["gender"].to_list() == ["female", "female", "male", "male"]


def test_kaldi_needs_no_segments_for_whole_files(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "kaldi", audio=True)
    assert not (tmp_path / "out" / "segments").exists()
    assert (tmp_path / "out" / "wav.scp").read_text("utf-8").splitlines()[0] == "s1-u1 audio/s1-u1.wav"
    # Ids that differ in case only are two files on every file system.
    assert {path.name for path in (tmp_path / "out" / "audio").iterdir()} == {
        *("s1-u1.wav", "s1-u2.wav", "s2-U3.wav", "s2-u3-2.wav"),
    }


def test_nemos_manifest(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "nemo")
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.json").read_text("utf-8").splitlines()]
    assert lines[0] == {
        "audio_filepath": f"{root}/one.wav",
        "duration": 1.0,
        "text": "Hello there",
        "utterance_id": "s1-u1",
        "speaker": "s1",
        "lang": "en",
        "accent": "US English",
        "gender": "female",
        "mood": "calm",
        "snr": 12.5,
    }
    assert (lines[1]["offset"], lines[1]["duration"], lines[1]["channel"]) == (0.25, 0.5, 1)


def test_lhotses_manifests(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "lhotse")
    recordings, supervisions = (
        [json.loads(line) for line in gzip.decompress((tmp_path / "out" / name).read_bytes()).splitlines()]
        for name in ("recordings.jsonl.gz", "supervisions.jsonl.gz")
    )
    assert recordings[1] == {
        "id": "recording-000001",
        "sources": [{"type": "file", "channels": [0, 1], "source": f"{root}/long.wav"}],
        "sampling_rate": 8000,
        "num_samples": 8000,
        "duration": 1.0,
        "channel_ids": [0, 1],
    }
    assert supervisions[1] == {
        "id": "s1-u2",
        "recording_id": "recording-000001",
        "start": 0.25,
        "duration": 0.5,
        "channel": 1,
        "text": "Good, day",
        "language": "en",
        "speaker": "s1",
        "gender": "female",
        "custom": {"accent": "US English", "gender": "female", "mood": "rather, angry"},
    }


def test_parquet_embeds_audio_as_hugging_face_does(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "parquet", audio=True, split="")
    path = tmp_path / "out" / "data" / "test-00000.parquet"
    rows = pl.read_parquet(path)
    assert rows.schema["audio"] == pl.Struct({"bytes": pl.Binary, "path": pl.String})
    assert rows["audio"][0]["bytes"] == (root / "one.wav").read_bytes()
    features = json.loads(pl.read_parquet_metadata(path)["huggingface"])["info"]["features"]
    assert features["audio"] == {"_type": "Audio"}
    assert features["snr"] == {"dtype": "float64", "_type": "Value"}
    assert list(features) == rows.columns


def test_provenance(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "parquet")
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text("utf-8"))
    assert facts["labels"]["accent"]["assigned_by"] == "self-reported"
    assert facts["corpus"]["licence"] == "CC0 \x7f"
    assert str(root) not in json.dumps(facts)
    readme = (tmp_path / "out" / "README.txt").read_text("utf-8")
    assert 'accent: self-reported (asked "where from?")' in readme
    assert "Licence: CC0 \\x7f" in readme


def test_what_is_there_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(AsrfairError, match="holds other files"):
        export(root, out, "nemo")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    export(root, tmp_path / "second", "nemo")
    export(root, tmp_path / "second", "nemo")
    with pytest.raises(AsrfairError, match=r"holds another run .*export: nemo there, kaldi here"):
        export(root, tmp_path / "second", "kaldi")
    with pytest.raises(AsrfairError, match="found the corpus's own folder"):
        export(root, root, "nemo")


@pytest.mark.parametrize(
    ("target", "old", "new", "message"),
    [
        ("kaldi", "s1-u1,s1", "s1 u1,s1", "utterance_id: found 's1 u1'; expected no blanks"),
        ("kaldi", "s1-u1,s1", "s1-u1,s 1", "speaker_id: found 's 1'"),
        ("kaldi", "one.wav", "rm -r . |", "which Kaldi takes for no file"),
        ("kaldi", "one.wav", "one.ark:12", "which Kaldi takes for no file"),
        ("nemo", "one.wav", "one.tar::a.wav", "found audio inside an archive .*expected --audio"),
        ("nemo", "one.wav", "none.wav", r"none\.wav: no such file"),
    ],
)
def test_what_a_format_cannot_say(root: Path, tmp_path: Path, target: str, old: str, new: str, message: str) -> None:
    (root / "utterances.csv").write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(AsrfairError, match=message):
        export(root, tmp_path / "out", target)


def test_utterances_without_audio_speaker_or_reference_are_counted(root: Path, tmp_path: Path) -> None:
    text = TABLE.replace("s1,one.wav,Hello there", ',one.wav,"Hello\n  there"').replace("s2,clips/tŵo.wav", "s2,")
    (root / "utterances.csv").write_text(text, encoding="utf-8")
    said = export(root, tmp_path / "out", "kaldi")
    assert "1 utterances without audio are left out." in said
    assert "1 utterances have no known speaker" in said
    assert "1 references had blanks or line ends joined" in said
    assert (tmp_path / "out" / "text").read_text("utf-8").splitlines()[0] == "s1-u1 Hello there"
    assert (tmp_path / "out" / "utt2accent").is_file()
    (root / "utterances.csv").write_text(TABLE.splitlines()[0] + "\nu,s,,x,,,,,us,f,calm,1\n", encoding="utf-8")
    with pytest.raises(AsrfairError, match="found no utterance with audio"):
        export(root, tmp_path / "second", "nemo")
    export(root, tmp_path / "third", "parquet", audio=True)


def test_labels_called_as_kaldis_own_files(root: Path, tmp_path: Path) -> None:
    (root / "ours.toml").write_text(CARD.replace("[axes.mood]", "[axes.spk]"), encoding="utf-8")
    export(root, tmp_path / "out", "kaldi")
    assert (tmp_path / "out" / "utt2spk").read_text("utf-8").startswith("s1-u1 s1\n")
    assert (tmp_path / "out" / "utt2spk_label").is_file()


def test_the_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    corpus = f"{root / 'ours.toml'}={root}"
    assert main(["export", corpus, "--to", "nemo", "--out", out, "--audio"]) == 0
    assert "4 utterances, 2 speakers, for nemo" in " ".join(capsys.readouterr().out.split())
    assert main(["validate", f"{out}/card.toml={out}"]) in (0, 3)
    assert main(["export", corpus, "--to", "kaldi", "--out", out]) == 2
    assert "holds another run" in capsys.readouterr().err


def test_sounds_are_taken_out_of_an_archive(root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(root / "sounds.zip", "w") as archive:
        archive.write(root / "one.wav", "deep/one.wav")
    (root / "utterances.csv").write_text(TABLE.replace("one.wav", "sounds.zip::deep/one.wav"), encoding="utf-8")
    export(root, tmp_path / "out", "kaldi", audio=True)
    assert (tmp_path / "out" / "audio" / "s1-u1.wav").read_bytes() == (root / "one.wav").read_bytes()


def test_a_segment_beyond_the_audios_end_is_found(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(root, root / "export", "kaldi", relative=True)
    segments = root / "export" / "segments"
    segments.write_text(segments.read_text("utf-8").replace("0.25 0.75", "0.25 7.5"), encoding="utf-8")
    assert main(["validate", f"{root / 'export' / 'card.toml'}={root}"]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "s1-u2" in said
    assert "0.25 s to 7.5 s" in said
