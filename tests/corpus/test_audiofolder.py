"""Hugging Face's audiofolder, as its documentation «Create an audio dataset» describes it."""

from collections.abc import Callable

import polars as pl
import pytest

from asrfair.errors import AsrfairError

SPLIT = {
    "data/train/metadata.csv": "file_name,transcription,accent\n"
    'audio/0001.mp3,"one, two",us\n0002.mp3,three,scottish\n',
    "data/Test/metadata.jsonl": '{"file_name": "0001.mp3", "transcription": "four", "accent": ["us", "irish"]}\n',
}
LAYOUT = 'type = "audiofolder"'


def test_metadata_in_folders_of_splits(put: Callable, load: Callable) -> None:
    put(SPLIT)
    table = load(LAYOUT, accent="accent", split_name="split").utterances
    assert table.select("utterance_id", "audio", "reference", "accent", "split_name").rows() == [
        ("data/Test/0001", "data/Test/0001.mp3", "four", "us|irish", "test"),
        ("data/train/0002", "data/train/0002.mp3", "three", "scottish", "train"),
        ("data/train/audio/0001", "data/train/audio/0001.mp3", "one, two", "us", "train"),
    ]
    assert load(LAYOUT, split="evaluation").utterances["utterance_id"].to_list() == ["data/Test/0001"]
    with pytest.raises(AsrfairError, match="found no split 'dev'; expected one of: test, train"):
        load(LAYOUT, split="dev")


def test_metadata_outside_its_splits_and_other_columns(put: Callable, load: Callable) -> None:
    put({"metadata.csv": "file_name,who,said,id\ntrain/1.wav,s1,one,u1\nvalid/2.wav,s2,two,u2\n"})
    columns = 'columns = { utterance_id = "id", speaker_id = "who", reference = "said" }'
    table = load(f"{LAYOUT}\n{columns}", split="validation").utterances
    assert table.select("utterance_id", "speaker_id", "audio", "reference").row(0) == ("u2", "s2", "valid/2.wav", "two")


def test_metadata_as_parquet(put: Callable, load: Callable) -> None:
    root = put({"1.wav": b""})
    rows = {"file_name": ["1.wav"], "sentence": ["one"], "blob": [b"x"], "age": [30]}
    pl.DataFrame(rows).write_parquet(root / "metadata.parquet")
    table = load(LAYOUT, age="age").utterances
    assert table.select("audio", "reference", "age").row(0) == ("1.wav", "one", "30")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.wav": ""}, r"looked for metadata\.csv, metadata\.jsonl, metadata\.parquet here and below; found a.wav"),
        ({"metadata.csv": "path,text\na.wav,x\n"}, r"metadata\.csv: found no column 'file_name'"),
        (
            {"metadata.csv": "file_name,said\na.wav,x\n"},
            "found no column 'transcription'; expected one of: file_name, said",
        ),
        ({"metadata.csv": "file_name,text\n../a.wav,x\n"}, r"metadata\.csv: row 1: found the path '\./\.\./a\.wav'"),
        ({"metadata.csv": "file_name,text\n/etc/passwd,x\n"}, "row 1: found the path '/etc/passwd'"),
        ({"metadata.jsonl": '{"text": "x", "file_name": null}\n'}, "row 1: found the path ''"),
    ],
)
def test_bad_folders(put: Callable, load: Callable, files: dict[str, str], message: str) -> None:
    put(files)
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


def test_the_metadatas_own_split_comes_first(put: Callable, load: Callable) -> None:
    put({"metadata.csv": "file_name,text,split\na.wav,one,eval\ntrain/b.wav,two,dev\ntrain/c.wav,three,\n"})
    table = load(LAYOUT, part="split").utterances
    assert table.select("utterance_id", "part").rows() == [("a", "eval"), ("train/b", "dev"), ("train/c", "train")]
    assert load(LAYOUT, split="test").utterances["utterance_id"].to_list() == ["a"]
    assert load(LAYOUT, split="validation").utterances["utterance_id"].to_list() == ["train/b"]


@pytest.mark.parametrize("name", [".", "/", "a/.."])
def test_a_file_name_that_names_no_file(put: Callable, load: Callable, name: str) -> None:
    put({"metadata.csv": f"file_name,text\n{name},hello\n"})
    with pytest.raises(AsrfairError, match=r"metadata\.csv: row 1: found the path"):
        load(LAYOUT)
