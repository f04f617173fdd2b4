"""Names of sound files: endings that come from others' words, and names that differ in case alone."""

import re
from pathlib import Path

import polars as pl
import pytest

from asrfair.corpus import load_corpus
from tests.run.test_export import TABLE, export, root

__all__ = ["root"]
PARQUET = """title = "Ours"
kind = "read"
language = "en"
licence = "CC0"
[layout]
type = "parquet"
file = "test-*.parquet"
columns = { utterance_id = "utterance_id" }
[axes]
"""


@pytest.mark.parametrize("target", ["kaldi", "nemo", "lhotse"])
def test_endings_are_plain_or_the_formats_own(root: Path, tmp_path: Path, target: str) -> None:
    sound = (root / "one.wav").read_bytes()
    paths = [None, "x.;touch PWNED| ", "x.WAV", "x.wav/../../y", "x"]
    rows = {"utterance_id": list("abcde"), "reference": ["x"] * 5}
    audio = pl.Series("audio", [{"bytes": sound, "path": path} for path in paths])
    pl.DataFrame(rows).with_columns(audio).write_parquet(root / "test-0.parquet")
    (root / "ours.toml").write_text(PARQUET, encoding="utf-8")
    out = tmp_path / "out"
    export(root, out, target, audio=True)
    assert sorted(path.name for path in (out / "audio").iterdir()) == [f"{name}.wav" for name in "abcde"]
    assert len(load_corpus(str(out / "card.toml"), out).utterances) == 5


def test_an_unknown_format_has_no_ending(root: Path, tmp_path: Path) -> None:
    sound = {"bytes": b"words", "path": "x y"}
    pl.DataFrame({"utterance_id": ["a"], "reference": ["x"], "audio": [sound]}).write_parquet(root / "test-0.parquet")
    (root / "ours.toml").write_text(PARQUET, encoding="utf-8")
    export(root, tmp_path / "out", "parquet", audio=True)
    (path,) = (tmp_path / "out" / "data").iterdir()
    assert pl.read_parquet(path)["audio"].struct.field("path").to_list() == ["a"]


def test_names_differ_in_more_than_case(root: Path, tmp_path: Path) -> None:
    (root / "utterances.csv").write_text(TABLE.replace("s2-u3", "S2-u3"), encoding="utf-8")
    export(root, tmp_path / "out", "nemo", audio=True)
    names = [path.name for path in (tmp_path / "out" / "audio").iterdir()]
    assert len(names) == len({name.casefold() for name in names}) == 4
    assert {"S2-u3.wav", "s2-U3-2.wav"} <= set(names)


@pytest.mark.parametrize("target", ["nemo", "parquet"])
def test_what_became_16_bit_wav_is_told(root: Path, tmp_path: Path, target: str) -> None:
    export(root, tmp_path / "out", target, audio=True)
    readme = (tmp_path / "out" / "README.txt").read_text("utf-8")
    assert re.search("2 sounds written anew as 16-bit WAV of one channel; .* scaled down as a whole", readme)
    export(root, tmp_path / "paths", target)
    assert "16-bit" not in (tmp_path / "paths" / "README.txt").read_text("utf-8")
