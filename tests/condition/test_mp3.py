"""MP3: against mpg123 through libsndfile; rates, bit rates."""

import io

import numpy as np
import pytest
import soundfile

from asrfair.condition.av_codec import encode
from asrfair.condition.effect import Circumstances
from asrfair.condition.mp3 import DELAY, ENCODER, MODES, mp3, mp3_rate, mp3_ready
from asrfair.errors import CardError


def noise(seconds: float, sample_rate: int) -> np.ndarray:
    count = round(seconds * sample_rate)
    return np.convolve(np.random.default_rng(1).standard_normal(count), np.hanning(10) / 20, "same")


@pytest.mark.parametrize("sample_rate", list(MODES))
def test_against_another_decoder(sample_rate: int) -> None:
    signal = noise(1.0, sample_rate)
    heard = mp3(signal, Circumstances(sample_rate, np.random.default_rng(0)), bitrate_kbps=64)
    stream = b"".join(encode(ENCODER, signal.astype(np.float32), sample_rate=sample_rate, bitrate_kbps=64))
    theirs, rate = soundfile.read(io.BytesIO(stream))
    assert rate == sample_rate
    np.testing.assert_allclose(heard, theirs[DELAY : DELAY + len(signal)], atol=1e-5)


@pytest.mark.parametrize("samples", [1, 40, 575, 576, 577, 1000, 1151, 1152, 1153, 16000])
def test_the_last_samples_come_out(samples: int) -> None:
    signal = np.concatenate([np.zeros(samples - 1), [0.5]])
    signal[-40:] = 0.5
    heard = mp3(signal, Circumstances(16000, np.random.default_rng(0)), bitrate_kbps=128)
    assert heard.shape == signal.shape
    if samples > 40:
        assert heard[-40:].mean() == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(("sample_rate", "bitrate_kbps"), [(16000, 8), (16000, 160), (44100, 32), (8000, 64)])
def test_bit_rate_is_that_asked_for(sample_rate: int, bitrate_kbps: int) -> None:
    samples = noise(5.0, sample_rate).astype(np.float32)
    packets = encode(ENCODER, samples, sample_rate=sample_rate, bitrate_kbps=bitrate_kbps)
    frame = 1152 if sample_rate >= 32000 else 576
    seconds = len(packets) * frame / sample_rate
    assert sum(map(len, packets)) * 8 / seconds / 1000 == pytest.approx(bitrate_kbps, rel=0.01)


def test_more_bits_less_noise() -> None:
    signal = noise(3.0, 16000)
    error = [
        np.mean((mp3(signal, Circumstances(16000, np.random.default_rng(0)), bitrate_kbps=rate) - signal) ** 2)
        for rate in (8, 16, 32, 64, 128)
    ]
    assert error == sorted(error, reverse=True)


@pytest.mark.parametrize(
    ("working_hz", "rate"), [(4000, 8000), (8000, 8000), (16000, 16000), (44100, 44100), (20000, 22050), (96000, 48000)]
)
def test_rate_that_is_coded(working_hz: int, rate: int) -> None:
    assert mp3_rate({}, working_hz) == rate


def test_bit_rates_that_do_not_exist() -> None:
    with pytest.raises(CardError, match=r"mp3 at 16000 Hz: 'bitrate_kbps': found 320; expected one of: 8, 16, .* 160"):
        mp3_ready({"bitrate_kbps": 320}, 16000)
    with pytest.raises(CardError, match="found 8; expected one of: 32, 40"):
        mp3_ready({"bitrate_kbps": 8}, 48000)
    with pytest.raises(CardError, match="found 18"):
        mp3(np.zeros(10), Circumstances(16000, np.random.default_rng(0)), bitrate_kbps=18)
    mp3_ready({"bitrate_kbps": 32}, 16000)
