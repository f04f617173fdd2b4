"""Exports: each format's own files, and the round trip through the layout that reads it."""

import gzip
import io
import json
import shlex
import wave
import zipfile
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
from rich.console import Console

from asrfair.audio import read_audio, write_wav
from asrfair.cli import main
from asrfair.corpus import Corpus, load_card, load_corpus
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
    assert f"in this folder: asrfair validate card.toml={tmp_path}\n" in (out / "README.txt").read_text("utf-8")
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


def test_times_that_are_cut_off_or_rounded_give_the_same_samples(root: Path, tmp_path: Path) -> None:
    """NeMo and Kaldi take int(time × rate) of offset and duration, lhotse rounds both half up."""
    random = np.random.default_rng(4)
    soundfile.write(root / "odd.wav", random.normal(size=44_100 * 3 + 17) * 0.1, 44_100)
    soundfile.write(root / "odd8.wav", random.normal(size=8_001) * 0.1, 8_000)
    rows = [
        f"u{number:03},s1,odd.wav,x,{start:.3f},{start + length:.4f},,en,us,f,calm,1"
        for number, (start, length) in enumerate(
            zip(random.uniform(0, 2, 60), random.uniform(0.1, 0.9, 60), strict=True)
        )
    ]
    rows += [
        "v1,s1,odd.wav,x,,,,en,us,f,calm,1",
        "v2,s1,odd8.wav,x,,,,en,us,f,calm,1",
        "v3,s1,odd8.wav,x,0.57,,,en,,,,1",
    ]
    (root / "utterances.csv").write_text("\n".join([TABLE.splitlines()[0], *rows]) + "\n", encoding="utf-8")
    wanted = {}
    for row in load_corpus(str(root / "ours.toml"), root).utterances.iter_rows(named=True):
        sound = read_audio(root / row["audio"], sample_rate=None, start_s=row["start_s"], end_s=row["end_s"])
        wanted[row["utterance_id"]] = (
            sound.sample_rate,
            len(sound.samples),
            round((row["start_s"] or 0) * sound.sample_rate),
        )
    for target in ("nemo", "lhotse", "kaldi"):
        export(root, tmp_path / target, target)
    for line in (tmp_path / "nemo" / "manifest.json").read_text("utf-8").splitlines():
        entry = json.loads(line)
        rate, count, first = wanted[entry["utterance_id"]]
        assert (int(entry["duration"] * rate), int(entry.get("offset", 0) * rate)) == (count, first)
    for line in gzip.decompress((tmp_path / "lhotse" / "supervisions.jsonl.gz").read_bytes()).splitlines():
        entry = json.loads(line)
        rate, count, first = wanted[entry["id"]]
        assert [
            int(Decimal(round(entry[key] * rate, 8)).quantize(0, ROUND_HALF_UP)) for key in ("duration", "start")
        ] == [
            count,
            first,
        ]
    for line in (tmp_path / "kaldi" / "segments").read_text("utf-8").splitlines():
        name, _, start, end = line.split()
        rate, count, first = wanted[name]
        assert (int(float(end) * rate), int(float(start) * rate)) == (first + count, first)


def test_kaldi_gets_16_bit_wav_of_whatever_there_is(root: Path, tmp_path: Path) -> None:
    tone, rate = soundfile.read(root / "one.wav")
    soundfile.write(root / "one.flac", tone, rate, "PCM_16")
    (root / "utterances.csv").write_text(TABLE.replace("one.wav", "one.flac"), encoding="utf-8")
    assert "1 files are no 16-bit WAV" in export(root, tmp_path / "paths", "kaldi")
    assert "no 16-bit WAV" not in export(root, tmp_path / "sounds", "kaldi", audio=True)
    info = soundfile.info(tmp_path / "sounds" / "audio" / "s1-u1.wav")
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    assert np.array_equal(soundfile.read(tmp_path / "sounds" / "audio" / "s1-u1.wav")[0], tone)
    export(root, tmp_path / "nemo", "nemo", audio=True)
    assert (tmp_path / "nemo" / "audio" / "s1-u1.flac").read_bytes() == (root / "one.flac").read_bytes()


def test_kaldiio_reads_the_directory(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kaldiio = pytest.importorskip("kaldiio", reason="skipped: kaldiio is not installed")
    (root / "utterances.csv").write_text(TABLE.replace(",1,en", ",,en").replace(",0,cy", ",,cy"), encoding="utf-8")
    corpus = load_corpus(str(root / "ours.toml"), root)
    wanted = {}
    for row in corpus.utterances.iter_rows(named=True):
        sound = read_audio(root / row["audio"], sample_rate=None, start_s=row["start_s"], end_s=row["end_s"])
        wanted[row["utterance_id"]] = (sound.sample_rate, np.rint(sound.samples * 32768).tolist())
    for name, options in (("sounds", {"audio": True}), ("paths", {})):
        export(root, tmp_path / name, "kaldi", **options)
        monkeypatch.chdir(tmp_path / name)
        parts = {} if options else {"segments": "segments"}
        read = kaldiio.load_scp("wav.scp", **parts)
        mono = {
            key: (rate, np.mean(samples.reshape(len(samples), -1), axis=1)) for key, (rate, samples) in read.items()
        }
        assert {key: (rate, np.rint(samples).tolist()) for key, (rate, samples) in mono.items()} == wanted


def test_datasets_takes_the_audio_for_audio(root: Path, tmp_path: Path) -> None:
    """Seen with datasets 5.2: it takes features only where pyarrow finds the types of plain texts and bytes."""
    for name, options in (("sounds", {"audio": True}), ("paths", {})):
        export(root, tmp_path / name, "parquet", **options)
    for path in (tmp_path / "sounds" / "data" / "test-00000.parquet", tmp_path / "paths" / "utterances.parquet"):
        assert "ARROW:schema" not in pl.read_parquet_metadata(path)


def test_datasets_reads_the_export(root: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="skipped: datasets is not installed")
    export(root, tmp_path / "out", "parquet", audio=True)
    files = [str(tmp_path / "out" / "data" / "test-00000.parquet")]
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert isinstance(rows.features["audio"], datasets.Audio)
    plain = rows.cast_column("audio", datasets.Audio(decode=False))
    assert plain[0]["audio"]["bytes"] == (root / "one.wav").read_bytes()
    assert plain["reference"][:2] == ["Hello there", "Good, day"]


def test_lhotse_reads_the_export(root: Path, tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse", reason="skipped: lhotse is not installed")
    export(root, tmp_path / "out", "lhotse")
    recordings = lhotse.RecordingSet.from_file(tmp_path / "out" / "recordings.jsonl.gz")
    supervisions = lhotse.SupervisionSet.from_file(tmp_path / "out" / "supervisions.jsonl.gz")
    cuts = lhotse.CutSet.from_manifests(recordings=recordings, supervisions=supervisions).trim_to_supervisions(
        keep_overlapping=False
    )
    rows = {row["utterance_id"]: row for row in load_corpus(str(root / "ours.toml"), root).utterances.to_dicts()}
    for cut in cuts:
        (told,) = cut.supervisions
        row = rows.pop(told.id)
        sound = read_audio(
            root / row["audio"], sample_rate=None, start_s=row["start_s"], end_s=row["end_s"], channel=row["channel"]
        )
        assert np.array_equal(cut.load_audio(), sound.samples[None].astype(np.float32))
        assert (told.text, told.speaker, told.language) == (row["reference"], row["speaker_id"], row["language"])
    assert not rows


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("audio", [True, False])
def test_what_is_synthetic_stays_so(root: Path, tmp_path: Path, target: str, audio: bool) -> None:
    card = (root / "ours.toml").read_text("utf-8")
    # An axis has the name already.
    card = card.replace('kind = "read"', 'kind = "read"\nsynthetic = "made"').replace("axes.mood", "axes.synthetic")
    (root / "ours.toml").write_text(card, encoding="utf-8")
    lines = [f"{line},{'made' if not at else 'yes' * (at == 2)}" for at, line in enumerate(TABLE.splitlines())]
    (root / "utterances.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = root / "export"
    said = export(root, out, target, audio=audio, relative=not audio)
    after = load_corpus(str(out / "card.toml"), out if audio else root)
    assert after.synthetic.to_list() == ["s1-u2"]
    assert after.utterances["synthetic"].to_list()[:2] == ["calm", "rather, angry"]
    sentence = "1 of 4 utterances are synthetic ("
    assert sentence in said
    assert sentence in (out / "README.txt").read_text("utf-8")
    assert any(sentence in note for note in json.loads((out / "provenance.json").read_text("utf-8"))["notes"])


def test_a_synthetic_corpus_is_marked_utterance_by_utterance(root: Path, tmp_path: Path) -> None:
    card = (root / "ours.toml").read_text("utf-8").replace('kind = "read"', 'kind = "synthetic"')
    (root / "ours.toml").write_text(card, encoding="utf-8")
    export(root, tmp_path / "out", "nemo")
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.json").read_text("utf-8").splitlines()]
    assert [line["synthetic"] for line in lines] == [True] * 4
    (root / "ours.toml").write_text(card.replace('"synthetic"', '"read"'), encoding="utf-8")
    export(root, tmp_path / "people", "nemo")
    assert '"synthetic"' not in (tmp_path / "people" / "manifest.json").read_text("utf-8")


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
    with pytest.raises(AsrfairError, match=r"holds another export .*export: nemo there, kaldi here"):
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
    assert "1 utterance without audio left out." in said
    assert "1 utterance without a known speaker" in said
    assert "1 reference with blanks or line ends joined" in said
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
    assert "4 utterances, 2 speakers, for NeMo" in " ".join(capsys.readouterr().out.split())
    assert main(["validate", f"{out}/card.toml={out}"]) in (0, 3)
    assert main(["export", corpus, "--to", "kaldi", "--out", out]) == 2
    assert "holds another export" in capsys.readouterr().err


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("options", [{}, {"audio": True}, {"relative": True}])
def test_it_says_how_to_load_it(
    root: Path, tmp_path: Path, target: str, options: dict[str, bool], capsys: pytest.CaptureFixture[str]
) -> None:
    said = export(root, root / "an export" if options.get("relative") else tmp_path / "an export", target, **options)
    (command,) = (line.removeprefix("Load it: ") for line in said.splitlines() if line.startswith("Load it: "))
    assert main(shlex.split(command)[1:]) in (0, 3)
    assert "4 utterances" in capsys.readouterr().out


def test_relative_paths_elsewhere_say_where_the_folder_belongs(root: Path, tmp_path: Path) -> None:
    said = export(root, tmp_path / "out", "lhotse", relative=True)
    wanted = f"Load it: put the folder into {root}, then asrfair validate {root}/out/card.toml={root}\n"
    assert wanted in said


def test_the_readme_says_how_to_load_it(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, options in {"with": {"audio": True}, "without": {}}.items():
        export(root, tmp_path / name, "nemo", **options)
        monkeypatch.chdir(tmp_path / name)
        last = Path("README.txt").read_text("utf-8").splitlines()[-1]
        assert last.startswith("To load it in asrfair, in this folder: asrfair validate card.toml=")
        assert main(shlex.split(last.partition(": ")[2])[1:]) in (0, 3)


@pytest.mark.parametrize("target", FORMATS)
def test_a_file_that_cannot_be_used_leaves_a_folder_to_start_again(root: Path, tmp_path: Path, target: str) -> None:
    sound = (root / "clips" / "tŵo.wav").read_bytes()
    (root / "clips" / "tŵo.wav").unlink()
    with pytest.raises(AsrfairError, match=r"no such file \(asrfair validate lists all such files\)$"):
        export(root, tmp_path / "out", target, audio=True)
    assert list((tmp_path / "out").iterdir()) == []
    (root / "clips" / "tŵo.wav").write_bytes(sound)
    other = next(name for name in FORMATS if name != target)
    export(root, tmp_path / "out", other, audio=True)


def test_the_corpus_keeps_its_name(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out", "kaldi")
    assert load_card(str(tmp_path / "out" / "card.toml")).name == "ours"


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
