"""Counts of missing values in a Parquet file's footer: those that reading the column gives."""

import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair import parquet
from asrfair.parquet import rows_without_bytes
from asrfair.parquet_footer import Group, null_counts

AUDIO = pl.Struct({"bytes": pl.Binary, "path": pl.String})
KINDS: dict[str, object] = {"whole": {"bytes": b"x", "path": "a.wav"}, "none": None, "path": {"path": "a.wav"}}


def write(path: Path, kinds: Sequence[str], *, rows: int, statistics: bool = True) -> None:
    audio = pl.Series("audio", [KINDS[kind] for kind in kinds], dtype=AUDIO)
    noise = pl.Series("noise", [b"y" if kind == "whole" else None for kind in kinds], dtype=pl.Binary)
    metadata = {"text": "é" * 300}
    table = pl.DataFrame({"id": [str(row) for row in range(len(kinds))]}).with_columns(audio, noise)
    table.write_parquet(path, row_group_size=rows, statistics=statistics, metadata=metadata)


@given(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=40), statistics=st.booleans())
@settings(deadline=None, max_examples=40)
def test_rows_without_bytes_are_those_of_the_column(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], statistics: bool
) -> None:
    path = tmp_path_factory.mktemp("footer") / "a.parquet"
    write(path, kinds, rows=3, statistics=statistics)
    missing = [kind != "whole" for kind in kinds]
    cut = [missing[first : first + 3] for first in range(0, len(missing), 3)]
    counts = [Group(len(part), sum(part) if statistics else None) for part in cut]
    assert null_counts(path, ["audio", "bytes"]) == null_counts(path, ["noise"]) == counts
    for column, kind in (("audio", AUDIO), ("noise", pl.Binary())):
        assert rows_without_bytes(path, column, kind) == [row for row, gone in enumerate(missing) if gone]


def test_only_groups_where_some_are_missing_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    write(path, ["whole"] * 3 + ["none"] * 3 + ["whole", "path", "whole"] + ["whole"] * 3, rows=3)
    sliced = []
    cut = pl.LazyFrame.slice
    monkeypatch.setattr(pl.LazyFrame, "slice", lambda *given: sliced.append(given[1:]) or cut(*given))
    assert rows_without_bytes(path, "audio", AUDIO) == [3, 4, 5, 7]
    assert sliced == [(6, 3)]


def test_other_columns_hold_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, ["none"], rows=3)
    for kind in (pl.String(), pl.Struct({"path": pl.String}), pl.List(pl.Binary)):
        assert rows_without_bytes(path, "id", kind) == []


def test_a_footer_that_counts_other_rows_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    write(path, ["whole", "none"], rows=3)
    monkeypatch.setattr(parquet, "null_counts", lambda *_: [Group(2**60, 2**60)])
    assert rows_without_bytes(path, "audio", AUDIO) == [1]


def test_a_damaged_footer_is_not_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, ["whole", "none"], rows=1)
    whole, chance = path.read_bytes(), random.Random(1)
    assert null_counts(path, ["audio", "sound"]) is None
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        found = null_counts(path, ["audio", "bytes"])
        assert found is None or all(isinstance(group, Group) for group in found)
    for content in (b"", whole[:-1], whole[-8:], b"PAR1" + b"\xff\xff\xff\x7fPAR1"):
        path.write_bytes(content)
        assert null_counts(path, ["audio", "bytes"]) is None
