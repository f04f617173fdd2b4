"""Band limits, G.711 and tempo."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition.channel import band_pass, g711, time_stretch
from asrfair.condition.effect import Circumstances
from asrfair.errors import InputError

Speech = Callable[..., np.ndarray]


def at(sample_rate: int) -> Circumstances:
    return Circumstances(sample_rate, np.random.default_rng(0))


def tone(hz: float, sample_rate: int, seconds: float = 1.0, peak: float = 0.5) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)


def level_db(signal: np.ndarray) -> float:
    return 10 * np.log10(np.mean(signal[len(signal) // 4 : -len(signal) // 4] ** 2))


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_magnitude_response(sample_rate: int) -> None:
    impulse = np.zeros(2 * sample_rate)
    impulse[sample_rate] = 1.0
    response = band_pass(impulse, at(sample_rate), low_hz=300.0, high_hz=3400.0)
    # One second on each side: bin k of two seconds is k / 2 Hz.
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(response)))

    def gain_at(hz: float) -> float:
        return float(gain_db[round(2 * hz)])

    assert gain_at(300) == pytest.approx(-6.02, abs=0.05)
    assert gain_at(3400) == pytest.approx(-6.02, abs=0.05)
    for hz in (600, 1000, 2000, 2500):
        assert gain_at(hz) == pytest.approx(0, abs=0.4)
    assert gain_at(100) < -60
    if sample_rate > 8000:
        assert gain_at(7000) < -50


def test_band_has_no_delay() -> None:
    impulse = np.zeros(4001)
    impulse[2000] = 1.0
    response = band_pass(impulse, at(16000), low_hz=300.0, high_hz=3400.0)
    assert int(np.argmax(response)) == 2000
    np.testing.assert_allclose(response, response[::-1], atol=1e-6)


@pytest.mark.parametrize(("low_hz", "high_hz"), [(300, 4000), (300, 7000), (3000, 300), (300, 300)])
def test_band_that_does_not_fit(low_hz: float, high_hz: float) -> None:
    message = f"found low_hz {low_hz}, high_hz {high_hz}; expected low_hz < high_hz < 4000, half the working rate"
    with pytest.raises(InputError, match=message):
        band_pass(np.ones(100), at(8000), low_hz=low_hz, high_hz=high_hz)


# ITU-T G.711, tables 1a to 2b: decoder output values, on a 14-bit (µ) and 13-bit (A) scale; here times 4 and 8.
MU_LAW = {0xFF: 0, 0x7F: 0, 0xFE: 8, 0xEF: 132, 0xDF: 396, 0x80: 32124, 0x00: -32124, 0x8F: 16764, 0x70: -120}
A_LAW = {0xD5: 8, 0x55: -8, 0xD4: 24, 0xAA: 32256, 0x2A: -32256, 0x80: 5504, 0x00: -5504, 0xC5: 264, 0x25: -16896}


@pytest.mark.parametrize(("law", "table", "coding"), [("mu", MU_LAW, "ULAW"), ("a", A_LAW, "ALAW")])
def test_decoder_values_of_the_standard(law: str, table: dict[int, int], coding: str) -> None:
    values = np.array(list(table.values())) / 32768
    # At 8 kHz nothing is resampled: a decoder value is coded as itself.
    np.testing.assert_allclose(g711(values, at(8000), law=law), values, atol=1e-12)
    codes, _ = soundfile.read(
        io.BytesIO(bytes(table)), samplerate=8000, channels=1, format="RAW", subtype=coding, dtype="int16"
    )
    assert codes.tolist() == list(table.values())


@pytest.mark.parametrize(("law", "levels"), [("mu", 255), ("a", 256)])
def test_every_value_is_one_of_the_standard_s(law: str, levels: int) -> None:
    signal = np.random.default_rng(1).uniform(-1, 1, 100000) ** 5
    coded = g711(signal, at(8000), law=law)
    assert len(np.unique(coded)) <= levels
    np.testing.assert_allclose(coded * 32768, np.round(coded * 32768), atol=1e-9)


@pytest.mark.parametrize("law", ["mu", "a"])
@pytest.mark.parametrize("peak", [0.03, 0.1, 0.3, 0.9])
def test_companding_noise_is_that_of_the_standard(law: str, peak: float) -> None:
    # ITU-T G.712 asks for 33 dB and more over this range; ideal coders reach about 38 dB.
    signal = tone(1013.0, 8000, 2.0, peak)
    error = g711(signal, at(8000), law=law) - signal
    assert 34 < level_db(signal) - level_db(error) < 42


@pytest.mark.parametrize("sample_rate", [16000, 22050, 48000])
def test_telephone_keeps_what_is_below_4_khz_in_place(sample_rate: int) -> None:
    low, high = tone(1000.0, sample_rate), tone(6000.0, sample_rate)
    coded = g711(low, at(sample_rate), law="mu")
    assert level_db(coded - low) < level_db(low) - 30
    middle = slice(sample_rate // 4, -sample_rate // 4)
    assert np.abs(g711(high, at(sample_rate), law="mu")[middle]).max() < 1e-3


def test_loud_signals_are_not_clipped() -> None:
    loud = tone(1000.0, 8000, peak=3.0)
    np.testing.assert_allclose(
        g711(loud, at(8000), law="mu"), g711(loud / 3, at(8000), law="mu") * 3, atol=3 * 1500 / 32768
    )
    assert np.abs(g711(loud, at(8000), law="mu")).max() > 2.9


@given(samples=st.integers(1, 400), sample_rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]))
@settings(max_examples=40, deadline=None)
def test_lengths_are_kept(samples: int, sample_rate: int) -> None:
    signal = np.random.default_rng(samples).uniform(-0.5, 0.5, samples)
    assert len(g711(signal, at(sample_rate), law="mu")) == samples
    assert len(band_pass(signal, at(sample_rate), low_hz=300.0, high_hz=3400.0)) == samples


def test_silence_stays_silent() -> None:
    silence = np.zeros(2000)
    assert not g711(silence, at(16000), law="mu").any()
    assert not band_pass(silence, at(16000), low_hz=300.0, high_hz=3400.0).any()
    assert not time_stretch(silence, at(16000), rate=1.25).any()
    # A-law has no zero: its smallest value is 8 of 32768.
    assert np.abs(g711(silence, at(16000), law="a")).max() < 10 / 32768


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 2.0])
@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_tempo_changes_and_pitch_does_not(rate: float, sample_rate: int) -> None:
    signal = tone(440.0, sample_rate, 2.0)
    stretched = time_stretch(signal, at(sample_rate), rate=rate)
    assert len(stretched) == round(len(signal) / rate)
    spectrum = np.abs(np.fft.rfft(stretched * np.hanning(len(stretched))))
    assert np.argmax(spectrum) * sample_rate / len(stretched) == pytest.approx(440.0, abs=2.0)
    assert level_db(stretched) == pytest.approx(level_db(signal), abs=1.5)


def test_tempo_moves_events() -> None:
    signal = tone(440.0, 16000, 4.0) * (np.arange(64000) >= 32000)
    stretched = time_stretch(signal, at(16000), rate=1.25)
    onset = int(np.argmax(np.abs(stretched) > 0.25))
    assert onset / 16000 == pytest.approx(2.0 / 1.25, abs=0.05)


@pytest.mark.parametrize("samples", [1, 2, 100, 1500, 4097])
def test_tempo_of_short_signals(samples: int) -> None:
    signal = np.random.default_rng(1).uniform(-0.5, 0.5, samples)
    stretched = time_stretch(signal, at(16000), rate=1.25)
    assert len(stretched) == max(1, round(samples / 1.25))
    assert np.isfinite(stretched).all()
