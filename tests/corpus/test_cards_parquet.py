"""Cards of datasets on the Hugging Face Hub: Parquet with the audio inside, in the publishers' columns."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from asrfair.audio import read_audio
from asrfair.corpus import load_corpus
from asrfair.errors import CardError, InputError

RATE = 16000


def recording(number: int) -> dict[str, Any]:
    """Return what the Hub stores of one recording: a WAV of ``number`` tenths of a second."""
    file = io.BytesIO()
    soundfile.write(file, np.full(number * RATE // 10, 0.25), RATE, format="WAV")
    return {"bytes": file.getvalue(), "path": f"{number}.wav"}


def write(path: Path, **columns: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(path)
    return path


def globe(path: Path, accents: list[str], *, first: int) -> None:
    write(
        path,
        audio=[recording(first + number) for number in range(len(accents))],
        speaker_id=[f"S_{first + number:06d}" for number in range(len(accents))],
        transcript=[f"Sentence {first + number}." for number in range(len(accents))],
        accent=accents,
        duration=[0.1 * (first + number) for number in range(len(accents))],
        age=["twenties"] * len(accents),
        gender=["male"] * len(accents),
    )


def test_globe(tmp_path: Path) -> None:
    globe(
        tmp_path / "data/test-00000-of-00002.parquet",
        ["United States English", "German English,Non native speaker"],
        first=1,
    )
    globe(tmp_path / "data/test-00001-of-00002.parquet", ["Northern Irish"], first=3)
    globe(tmp_path / "data/val-00000-of-00001.parquet", ["Filipino"], first=4)
    corpus = load_corpus("globe", tmp_path)
    assert corpus.utterances.select("utterance_id", "speaker_id", "audio", "reference", "accent").rows() == [
        ("test-00000-of-00002-0", "S_000001", "data/test-00000-of-00002.parquet::0", "Sentence 1.", "US"),
        (
            "test-00000-of-00002-1",
            "S_000002",
            "data/test-00000-of-00002.parquet::1",
            "Sentence 2.",
            "German",
        ),
        ("test-00001-of-00002-0", "S_000003", "data/test-00001-of-00002.parquet::0", "Sentence 3.", "Northern Ireland"),
    ]
    heard = [
        len(read_audio(corpus.audio_root / audio, sample_rate=RATE).samples) for audio in corpus.utterances["audio"]
    ]
    assert heard == [1600, 3200, 4800]
    assert load_corpus("globe", tmp_path, split="val").utterances["accent"].to_list() == ["Philippines"]
    with pytest.raises(InputError, match=r"looked for data/train-\*\.parquet; found"):
        load_corpus("globe", tmp_path, split="train")


@pytest.mark.parametrize("nothing", ["NA", "None", "nan", "", None])
def test_globe_has_no_group_of_the_unknown(tmp_path: Path, nothing: str | None) -> None:
    facts = {"accent": [nothing, "us"], "age": [nothing, "fourties"], "gender": [nothing, "male"]}
    write(
        tmp_path / "data/test-0.parquet",
        audio=[recording(1)] * 2,
        speaker_id=["a", "b"],
        transcript=["A", "B"],
        **facts,
    )
    corpus = load_corpus("globe", tmp_path)
    assert corpus.utterances.select("accent", "age", "gender").rows() == [(None, None, None), ("US", "forties", "male")]
    assert not any(corpus.unmapped.values())


def test_edacc_on_the_hub(tmp_path: Path) -> None:
    write(
        tmp_path / "data/test-00000-of-00010.parquet",
        speaker=["EDACC-C06-A", "EDACC-C06-A", "EDACC-C06-B"],
        text=["C ELEVEN DASH P ONE", "IGNORE_TIME_SEGMENT_IN_SCORING", "<laugh> I'M FINE"],
        accent=["Southern British English", "Southern British English", "Mainstream US English"],
        raw_accent=["Southern British", "Southern British", "NA"],
        gender=["male", "male", "female"],
        l1=["Southern British English", "Southern British English", "Spanish"],
        audio=[recording(1), recording(2), recording(3)],
    )
    corpus = load_corpus("edacc-hub", tmp_path)
    assert corpus.utterances.select("speaker_id", "reference", "accent", "first_variety", "gender").rows() == [
        ("EDACC-C06-A", "C ELEVEN DASH P ONE", "Southern British English", "Southern British English", "male"),
        ("EDACC-C06-B", "<laugh> I'M FINE", "US", "Spanish", "female"),
    ]
    assert corpus.utterances["accent_in_own_words"].to_list() == ["Southern British", None]
    assert any("left out" in note and "1" in note for note in corpus.notes)


def test_svarah_has_no_speakers(tmp_path: Path) -> None:
    path = write(
        tmp_path / "data/test-00000-of-00003.parquet",
        audio_filepath=[recording(1), recording(2)],
        duration=[0.1, 0.2],
        text=["pay my bill", "two litres of milk"],
        gender=["Male", "Female"],
        **{"age-group": ["18-30", "60+"]},
        primary_language=["Bodo", "Odia"],
        native_place_state=["Assam", "Odisha"],
        native_place_district=["Kokrajhar", "Puri"],
        highest_qualification=["Graduate", "Graduate"],
        job_category=["Full Time", "Other"],
        occupation_domain=["Healthcare", "Government"],
    )
    corpus = load_corpus("svarah", tmp_path)
    assert corpus.utterances.select("audio", "reference", "first_language", "gender", "age").rows() == [
        ("data/test-00000-of-00003.parquet::0::audio_filepath", "pay my bill", "Bodo", "male", "18-30"),
        ("data/test-00000-of-00003.parquet::1::audio_filepath", "two litres of milk", "Odia", "female", "60+"),
    ]
    assert corpus.utterances["speaker_id"].null_count() == 2
    address = corpus.audio_root / corpus.utterances["audio"][1]
    assert len(read_audio(address, sample_rate=RATE).samples) == 3200
    assert len(load_corpus("svarah", path).utterances) == 2


def test_voxpopuli_accented(tmp_path: Path) -> None:
    write(
        tmp_path / "partial-test/0000.parquet",
        audio_id=["20170913-0900-PLENARY-3-en_1", "20170913-0900-PLENARY-3-en_2"],
        language=[16, 16],
        audio=[recording(1), recording(2)],
        raw_text=["", "Madam President, thank you."],
        normalized_text=["thank you very much", "madam president thank you"],
        gender=["female", "None"],
        speaker_id=["124699", "None"],
        is_gold_transcript=[True, False],
        accent=["en_lt", "en_es"],
    )
    corpus = load_corpus("voxpopuli-accented", tmp_path)
    assert corpus.utterances.select("utterance_id", "reference", "accent", "gender").rows() == [
        ("20170913-0900-PLENARY-3-en_1", "thank you very much", "Lithuanian", "female"),
        ("20170913-0900-PLENARY-3-en_2", "madam president thank you", "Spanish", None),
    ]
    assert corpus.utterances["language"].unique().to_list() == ["en"]
    assert corpus.utterances["speaker_id"].to_list() == ["124699", None]


CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "none"
[layout]
type = "parquet"
file = "{split}.parquet"
columns = { reference = "text" }
[axes.accent]
column = "accent"
assigned_by = "self-reported"
"""


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"], "accent": ["us"]}, r"test\.parquet: found no column 'audio'; expected one of: text, accent"),
        ({"audio": [{"bytes": b"", "path": ""}], "accent": ["us"]}, "found no column 'text'; expected one of: accent"),
    ],
)
def test_other_columns(tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
    (tmp_path / "ours.toml").write_text(CARD, encoding="utf-8")
    write(tmp_path / "test.parquet", **columns)
    with pytest.raises(InputError, match=message):
        load_corpus(str(tmp_path / "ours.toml"), tmp_path)


def test_class_labels_have_names(tmp_path: Path) -> None:
    """As the library `datasets` writes them: numbers, and their names in the file's metadata."""
    (tmp_path / "ours.toml").write_text(CARD, encoding="utf-8")
    features = {"accent": {"names": ["us", "england"], "_type": "ClassLabel"}, "text": {"_type": "Value"}}
    rows = pl.DataFrame({"audio": [recording(1)] * 3, "text": ["a", "b", "c"], "accent": [1, 0, -1]})
    rows.write_parquet(
        tmp_path / "test.parquet", metadata={"huggingface": json.dumps({"info": {"features": features}})}
    )
    corpus = load_corpus(str(tmp_path / "ours.toml"), tmp_path)
    assert corpus.utterances["accent"].to_list() == ["england", "us", None]


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(CARD, encoding="utf-8")
    (tmp_path / "test.parquet").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match=r"test\.parquet: cannot be read as Parquet: "):
        load_corpus(str(tmp_path / "ours.toml"), tmp_path)
    (tmp_path / "ours.toml").write_text(CARD.replace("reference =", "audio ="), encoding="utf-8")
    with pytest.raises(CardError, match=r"layout\.columns: found unknown name 'audio'"):
        load_corpus(str(tmp_path / "ours.toml"), tmp_path)
