"""The speaking rate: tempo changes, pitch does not."""

import numpy as np
import pytest

from asrfair.condition.effect import Circumstances
from asrfair.condition.tempo import time_stretch


def at(sample_rate: int) -> Circumstances:
    return Circumstances(sample_rate, np.random.default_rng(0))


def tone(hz: float, sample_rate: int, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)


def level_db(signal: np.ndarray) -> float:
    return 10 * np.log10(np.mean(signal[len(signal) // 4 : -len(signal) // 4] ** 2))


def pitch_hz(signal: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    return float(np.argmax(spectrum) * sample_rate / len(signal))


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 2.0])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_tempo_changes_and_pitch_does_not(rate: float, sample_rate: int) -> None:
    signal = tone(440.0, sample_rate, 2.0)
    stretched = time_stretch(signal, at(sample_rate), rate=rate)
    assert len(stretched) == round(len(signal) / rate)
    assert pitch_hz(stretched, sample_rate) == pytest.approx(440.0, abs=2.0)
    assert level_db(stretched) == pytest.approx(level_db(signal), abs=1.5)


def test_events_move_with_the_tempo() -> None:
    signal = tone(440.0, 16000, 4.0) * (np.arange(64000) >= 32000)
    stretched = time_stretch(signal, at(16000), rate=1.25)
    onset = int(np.argmax(np.abs(stretched) > 0.25))
    assert onset / 16000 == pytest.approx(2.0 / 1.25, abs=0.05)


def test_a_rate_of_one_changes_nothing() -> None:
    signal = np.random.default_rng(1).uniform(-0.5, 0.5, 5000)
    np.testing.assert_array_equal(time_stretch(signal, at(16000), rate=1.0), signal)


@pytest.mark.parametrize("samples", [1, 2, 100, 1500, 4097])
def test_short_signals(samples: int) -> None:
    signal = np.random.default_rng(1).uniform(-0.5, 0.5, samples)
    stretched = time_stretch(signal, at(16000), rate=1.25)
    assert len(stretched) == max(1, round(samples / 1.25))
    assert np.isfinite(stretched).all()


def test_silence_stays_silent() -> None:
    assert not time_stretch(np.zeros(2000), at(16000), rate=1.25).any()
