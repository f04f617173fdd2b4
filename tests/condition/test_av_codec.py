"""PyAV: what is said where it, or a codec of it, is missing."""

import sys

import numpy as np
import pytest

from asrfair.condition.av_codec import check_bitrate, check_codec, decode, encode, pieces
from asrfair.condition.g722 import g722_ready
from asrfair.errors import CardError, InputError


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(CardError, match=r"g722: found no package 'av'; expected it: pip install 'asrfair\[codecs\]'"):
        g722_ready({"bitrate_kbps": 64, "loss_percent": 0.0, "burst_frames": 0.0}, 16000)


def test_missing_codec() -> None:
    with pytest.raises(CardError, match="x: found PyAV without 'nonesuch'; expected its own wheel"):
        check_codec("x", encoder="nonesuch", decoder="g722")
    with pytest.raises(CardError, match="x: found PyAV without 'nonesuch'"):
        check_codec("x", encoder="g722", decoder="nonesuch")
    check_codec("x", encoder="g722", decoder="g722")


def test_bit_rates_are_listed() -> None:
    with pytest.raises(CardError, match="x: 'bitrate_kbps': found 3; expected one of: 1, 2"):
        check_bitrate("x", 3, (1, 2))


def test_ffmpeg_s_own_refusal() -> None:
    with pytest.raises(InputError, match=r"g726: found .*; expected a signal coded"):
        encode("g726", np.zeros(100, np.int16), sample_rate=16000, bitrate_kbps=32)
    with pytest.raises(InputError, match=r"g726: found .*; expected packets decoded"):
        decode("g726", [b"123"], sample_rate=8000)


def test_pieces_keep_all_and_do_not_split_a_unit() -> None:
    stream = bytes(range(256)) * 12_000
    parts = pieces(stream, multiple=3)
    assert b"".join(parts) == stream
    assert len(parts) == 3
    assert all(len(part) % 3 == 0 for part in parts)
    assert pieces(b"", multiple=3) == []
