"""G.722: against another implementation, delay, modes, loss."""

import numpy as np
import pytest

from asrfair.condition.av_codec import encode
from asrfair.condition.effect import Circumstances
from asrfair.condition.g722 import DELAY, g722, g722_ready
from asrfair.condition.packets import to_16_bit
from asrfair.errors import CardError


def voice(seconds: float, sample_rate: int) -> np.ndarray:
    """Coloured noise in syllables."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    noise = np.convolve(np.random.default_rng(1).standard_normal(len(time_s)), np.hanning(10) / 2, "same")
    return 0.1 * noise * (0.05 + np.abs(np.sin(2 * np.pi * 2 * time_s)))


def snr_db(signal: np.ndarray, heard: np.ndarray) -> float:
    return 10 * np.log10(np.mean(signal**2) / np.mean((heard - signal) ** 2))


def at(seed: int = 0) -> Circumstances:
    return Circumstances(16000, np.random.default_rng(seed))


@pytest.mark.parametrize(("bitrate_kbps", "shift"), [(64, 0), (56, 1), (48, 2)])
def test_against_another_implementation(bitrate_kbps: int, shift: int) -> None:
    # PyPI's G722 is S. Underwood's code (SpanDSP); its codewords at 56 and 48 kbit/s are without the data bits.
    other = pytest.importorskip("G722")
    signal = voice(2.0, 16000)
    samples, _ = to_16_bit(np.concatenate([signal, np.zeros(320)]))
    stream = bytes(other.G722(16000, 64000).encode(samples))
    assert b"".join(encode("g722", samples, sample_rate=16000, bitrate_kbps=64)) == stream
    words = (np.frombuffer(stream, np.uint8) >> shift).tobytes()
    theirs = np.array(other.G722(16000, bitrate_kbps * 1000).decode(words)) / 32768
    ours = g722(signal, at(), bitrate_kbps=bitrate_kbps)
    np.testing.assert_array_equal(ours, theirs[DELAY : DELAY + len(signal)])


def test_noise_grows_as_bits_go() -> None:
    signal = voice(3.0, 16000)
    ratios = [snr_db(signal, g722(signal, at(), bitrate_kbps=rate)) for rate in (64, 56, 48)]
    assert ratios[0] > ratios[1] + 2 > ratios[2] + 4
    assert ratios[2] > 12
    assert ratios[0] < 45


def test_band_is_7_khz() -> None:
    time_s = np.arange(32000) / 16000
    for hz, low, high in ((300, 0.9, 1.1), (3000, 0.9, 1.1), (6500, 0.8, 1.2)):
        tone = 0.3 * np.sin(2 * np.pi * hz * time_s)
        gain = np.abs(np.vdot(g722(tone, at()), np.exp(2j * np.pi * hz * time_s))) / (0.15 * len(tone))
        assert low < gain < high, hz


def test_lost_packets_are_concealed_and_the_rest_comes_back() -> None:
    signal = voice(4.0, 16000)
    whole, lossy = g722(signal, at(1)), g722(signal, at(1), loss_percent=5.0, burst_frames=2.0)
    assert lossy.shape == whole.shape
    assert 3 < snr_db(whole, lossy) < 30
    np.testing.assert_array_equal(lossy, g722(signal, at(1), loss_percent=5.0, burst_frames=2.0))


def test_modes_that_do_not_exist() -> None:
    with pytest.raises(CardError, match="g722: 'bitrate_kbps': found 50; expected one of: 64, 56, 48"):
        g722_ready({"bitrate_kbps": 50, "loss_percent": 0.0, "burst_frames": 0.0}, 16000)
    with pytest.raises(CardError, match="found 50"):
        g722(np.zeros(10), at(), bitrate_kbps=50)
    with pytest.raises(CardError, match=r"burst_frames: found 1.1"):
        g722_ready({"bitrate_kbps": 64, "loss_percent": 50.0, "burst_frames": 1.1}, 16000)
    g722_ready({"bitrate_kbps": 64, "loss_percent": 5.0, "burst_frames": 3.0}, 16000)
