"""What layouts look for: files by pattern, and what is said where none is found."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from asrfair.corpus.rows import find
from asrfair.errors import CardError, InputError, WrongRootError


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("{split}.csv", "splits there: test, train"),
        ("data/{split}-*.parquet", "splits there: dev"),
        ("{split}/list.tsv", "splits there: data"),
        ("{split}.json", "there: data, test.csv, train.csv"),
    ],
)
def test_no_split_is_named(tmp_path: Path, pattern: str, found: str) -> None:
    (tmp_path / "data").mkdir()
    for name in ("train.csv", "test.csv", "data/dev-00000-of-00002.parquet", "data/list.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        find(tmp_path, pattern, split="")
    wanted = f"the card's file is '{pattern}' and no split is named; expected --split NAME ({found})"
    assert str(caught.value) == f"{tmp_path}: {wanted}"


def test_a_folder_that_is_not_there_says_what_is(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    with pytest.raises(WrongRootError, match=r"looked for test/stm; found no folder test, but clips$"):
        find(tmp_path, "{split}/stm", split="test")


@pytest.mark.parametrize(
    "layout",
    [
        'type = "files"\npattern = "(?P<who>.*)/(?P<what>.*)[.]wav"\nspeaker_id = "who"\nreference = "what"',
        'type = "timit"',
        'type = "kaldi"',
        'type = "audiofolder"',
        'type = "table"\nfile = "list.csv"',
    ],
)
def test_a_wrong_root_says_what_is_there(put: Callable, load: Callable, layout: str) -> None:
    put({"clips/readme.txt": "", "utterances.csv": "a\n"})
    with pytest.raises(WrongRootError, match=r"looked for .*; found clips, utterances\.csv$"):
        load(layout)


def test_a_file_name_that_is_not_utf_8(tmp_path: Path, load: Callable) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/ann_\xff.wav")).touch()
    layout = 'type = "files"\npattern = "(?P<who>[^_]+)_.*wav"\nspeaker_id = "who"\nreference = "who"'
    with pytest.raises(InputError, match=r"corpus: found '.*\\udcff.*'; expected names and texts in UTF-8"):
        load(layout)


@pytest.mark.parametrize("kind", ["table", "nemo", "parquet", "audiofolder"])
def test_columns_that_are_none_of_ours(put: Callable, load: Callable, kind: str) -> None:
    put({"t.csv": "a\n1\n"})
    with pytest.raises(CardError, match=r"layout\.columns: found unknown name 'who'; expected one of: utterance_id, "):
        load(f'type = "{kind}"\n{"" if kind == "audiofolder" else FILE}columns = {{ who = "a" }}')


FILE = 'file = "t.csv"\n'
