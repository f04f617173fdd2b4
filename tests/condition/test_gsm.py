"""GSM full rate: against FFmpeg's decoder; lost frames after TS 46.011."""

import numpy as np
import pytest

from asrfair.condition import av_codec
from asrfair.condition.effect import Circumstances
from asrfair.condition.gsm import decode, encode, gsm, silence_frame, substituted
from asrfair.condition.packets import to_16_bit


def voice(samples: int) -> np.ndarray:
    """Coloured noise in syllables."""
    noise = np.convolve(np.random.default_rng(1).standard_normal(samples), np.hanning(10) / 2, "same")
    return 0.1 * noise * (0.05 + np.abs(np.sin(2 * np.pi * 2 * np.arange(samples) / 8000)))


def frames_of(samples: int) -> np.ndarray:
    return encode(to_16_bit(voice(samples))[0])


def fields(frame: np.ndarray) -> list[int]:
    """The 76 parameters of a frame: TS 46.010, table 1.1."""
    widths = [4, 6, 6, 5, 5, 4, 4, 3, 3] + [7, 2, 2, 6, *[3] * 13] * 4
    digits = "".join(f"{octet:08b}" for octet in frame)
    values, place = [], 0
    for width in widths:
        values.append(int(digits[place : place + width], 2))
        place += width
    assert place == len(digits)
    return values


GRID = [9 + 17 * sub + 2 for sub in range(4)]
AMPLITUDE = [9 + 17 * sub + 3 for sub in range(4)]


def test_frames_and_sound_are_those_of_ffmpeg_s_decoder() -> None:
    frames = frames_of(16000)
    assert frames.shape == (100, 33)
    theirs = av_codec.decode("gsm", [frame.tobytes() for frame in frames], sample_rate=8000)
    np.testing.assert_array_equal(decode(frames), theirs)
    heard = gsm(voice(16000), Circumstances(8000, np.random.default_rng(0)))
    np.testing.assert_array_equal(heard * 32768, theirs)


def test_lost_frames_are_substituted_and_muted_as_the_standard_s_example() -> None:
    frames = frames_of(8000)
    lost = np.zeros(50, bool)
    lost[10:35] = True
    grid = np.arange(200).reshape(50, 4) % 3
    given = substituted(frames, lost, grid)
    np.testing.assert_array_equal(given[~lost], frames[~lost])
    np.testing.assert_array_equal(given[10], frames[9])
    good = fields(frames[9])
    silent_from = None
    for nth, frame in enumerate(given[10:35], 1):
        values = fields(frame)
        amplitudes = [max(0, good[place] - 4 * (nth - 1)) for place in AMPLITUDE]
        if silent_from is None and nth > 1 and max(good[place] - 4 * (nth - 2) for place in AMPLITUDE) <= 0:
            silent_from = nth
        if silent_from:
            assert np.unpackbits(frame).tolist() == silence_frame().tolist()
            continue
        assert [values[place] for place in AMPLITUDE] == amplitudes
        if nth > 1:
            assert [values[place] for place in GRID] == grid[9 + nth].tolist()
        same = [place for place in range(77) if place not in AMPLITUDE + GRID]
        assert [values[place] for place in same] == [good[place] for place in same]
    # At most 16 frames, 320 ms, until the lowest amplitude.
    assert silent_from is not None
    assert 3 < silent_from <= 18


def test_silence_frame_is_the_standard_s() -> None:
    values = fields(np.packbits(silence_frame()))
    assert values[:9] == [0xD, 42, 39, 21, 10, 9, 4, 3, 2]
    assert values[9:26] == [40, 0, 1, 0, 3, 4, 3, 4, 4, 3, 3, 3, 3, 4, 4, 3, 3]
    assert np.abs(decode(np.packbits(silence_frame())[None].repeat(20, axis=0))).max() < 20


def test_lost_before_anything_arrived_is_silence() -> None:
    frames = frames_of(1600)
    lost = np.array([True] * 3 + [False] * 7)
    given = substituted(frames, lost, np.zeros((10, 4), int))
    assert (np.unpackbits(given[:3], axis=1) == silence_frame()).all()


@pytest.mark.parametrize("burst_frames", [0.0, 4.0])
def test_all_lost_is_nearly_silent_and_some_lost_is_not(burst_frames: float) -> None:
    signal = voice(32000)
    gone = gsm(signal, Circumstances(8000, np.random.default_rng(0)), loss_percent=100.0)
    assert np.abs(gone).max() < 0.002
    some = gsm(signal, Circumstances(8000, np.random.default_rng(0)), loss_percent=5.0, burst_frames=burst_frames)
    whole = gsm(signal, Circumstances(8000, np.random.default_rng(0)))
    ratio = np.mean(whole**2) / np.mean((some - whole) ** 2)
    assert 1 < ratio < 1000
