"""A gzip file's text at any place: the same bytes as gzip itself gives, in any order."""

import gzip
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair import gunzip
from asrfair.gunzip import Gunzip

# Half noise, half repetition: stored and compressed blocks.
TEXT = b"".join(np.random.default_rng(1).bytes(3_000) + bytes(range(250)) * 12 for _ in range(60))


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gunzip") / "text.gz"
    path.write_bytes(gzip.compress(TEXT))
    return path


@given(
    places=st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 30_000)), min_size=1, max_size=8),
    restart_bytes=st.sampled_from([1, 5_000, 50_000, 10**9]),
)
@settings(deadline=None, max_examples=40)
def test_any_place_in_any_order(zipped: Path, places: list[tuple[int, int]], restart_bytes: int) -> None:
    text = Gunzip(zipped, restart_bytes=restart_bytes)
    for offset, size in places:
        wanted = TEXT[offset : offset + size]
        assert text.take(offset, len(wanted)) == wanted


def test_forward_is_decompressed_once_and_back_from_the_nearest_restart(
    zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Gunzip(zipped, restart_bytes=50_000)
    taken: list[int] = []
    step = Gunzip._step
    monkeypatch.setattr(Gunzip, "_step", lambda *given: taken.append(len(part := step(*given))) or part)
    for offset in range(0, len(TEXT), 10_000):
        size = min(10_000, len(TEXT) - offset)
        text.take(offset, size)
    assert sum(taken) == len(TEXT)
    taken.clear()
    text.take(200_000, 1)
    assert sum(taken) < 60_000


def test_restart_points_do_not_grow_without_end(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip, "RESTARTS", 8)
    text = Gunzip(zipped, restart_bytes=1_000)
    assert b"".join(text.take(offset, 1_000) for offset in range(0, 300_000, 1_000)) == TEXT[:300_000]
    assert 3 <= len(text._restarts) <= 8
    assert text.take(250_000, 5_000) == TEXT[250_000:255_000]


def test_several_gzip_files_in_one_and_padding_after_them(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT[:1000]) + gzip.compress(b"") + gzip.compress(TEXT[1000:2000]) + bytes(512))
    text = Gunzip(path)
    assert text.take(0, 2000) == TEXT[:2000]
    assert text.take(990, 20) == TEXT[990:1010]
    with pytest.raises(EOFError):
        text.take(1990, 11)


@pytest.mark.parametrize("cut", [3, 20, 1000, -1])
def test_truncated(tmp_path: Path, zipped: Path, cut: int) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(zipped.read_bytes()[:cut])
    with pytest.raises(EOFError, match="ended before its text"):
        Gunzip(path).take(0, len(TEXT) + 1)


def test_damaged(tmp_path: Path, zipped: Path) -> None:
    path = tmp_path / "text.gz"
    whole = bytearray(zipped.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(zlib.error):
        Gunzip(path).take(0, len(TEXT) + 1)


def test_restart_points_lie_everywhere_when_there_are_fewer(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip, "RESTARTS", 8)
    text = Gunzip(zipped, restart_bytes=1_000)
    for offset in range(0, 300_000, 1_000):
        text.take(offset, 1_000)
    places = [point[0] for point in text._restarts]
    apart = [then - place for place, then in pairwise(places)]
    assert places[0] == 0
    assert places[-1] > 150_000
    assert max(apart) <= 3 * min(apart)
