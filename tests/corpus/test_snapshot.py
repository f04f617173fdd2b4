"""Class labels of Parquet snapshots, and files that are damaged."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from asrfair.corpus import snapshot
from asrfair.errors import InputError

AUDIO = {"bytes": b"RIFF", "path": "a.wav"}


def write(path: Path, features: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {"utterance_id": list("abcd"), "reference": list("wxyz"), "accent": [1, 7, -1, None], "audio": [AUDIO] * 4}
    pl.DataFrame(rows).write_parquet(path, metadata={"huggingface": json.dumps({"info": {"features": features}})})


@pytest.mark.parametrize("kind", ["parquet", "table"])
def test_class_labels_are_names_and_what_has_none_stays(tmp_path: Path, load: Callable, kind: str) -> None:
    write(tmp_path / "corpus" / "t.parquet", {"accent": {"names": ["us", "uk"], "_type": "ClassLabel"}})
    corpus = load(f'type = "{kind}"\nfile = "t.parquet"', accent="accent")
    assert corpus.utterances["accent"].to_list() == ["uk", "7", None, None]


@pytest.mark.parametrize("features", [[], {"accent": 1}, {"accent": {"names": 3, "_type": "ClassLabel"}}])
def test_odd_features_are_passed_over(tmp_path: Path, load: Callable, features: object) -> None:
    write(tmp_path / "corpus" / "t.parquet", features)
    corpus = load('type = "parquet"\nfile = "t.parquet"', accent="accent")
    assert corpus.utterances["accent"].to_list() == ["1", "7", "-1", None]


@pytest.mark.parametrize("kind", ["parquet", "table"])
def test_a_panic_is_a_file_that_cannot_be_read(
    tmp_path: Path, load: Callable, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def panic(*given: object, **named: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds\nand more")

    write(tmp_path / "corpus" / "t.parquet", {})
    monkeypatch.setattr(snapshot.pl, "scan_parquet", panic)
    with pytest.raises(InputError, match=r"t\.parquet: cannot be read as .*: index out of bounds$"):
        load(f'type = "{kind}"\nfile = "t.parquet"')
