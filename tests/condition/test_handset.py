"""Handsets: responses, distortion, noise and converters as measured on what comes out; the shipped cards in order."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition.apply import apply_condition
from asrfair.condition.card import Condition, Step, check_ready, load_condition
from asrfair.condition.effect import Parameter
from asrfair.condition.effects import EFFECTS
from asrfair.condition.handset import a_weighting_db
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.errors import CardError, InputError

Speech = Callable[..., np.ndarray]
RATE_HZ = 16000
HANDSETS = ("handset-cheap", "handset-ordinary", "handset-good")


def condition(effect: str, **parameters: Parameter) -> Condition:
    return Condition("handset", "", None, (Step(effect, EFFECTS[effect].check(parameters, where="test")),), "")


def hear(
    what: Condition,
    signal: np.ndarray,
    *,
    sample_rate: int = RATE_HZ,
    seed: int = 1,
    materials: Mapping[int, list[np.ndarray]] | None = None,
) -> np.ndarray:
    heard = apply_condition(what, signal, sample_rate=sample_rate, seed=seed, utterance_id="u", materials=materials)
    return heard.astype(np.float64)


def tone(hz: float, *, level_db: float, sample_rate: int = RATE_HZ, seconds: float = 2.0) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return 10 ** (level_db / 20) * np.sqrt(2) * np.sin(2 * np.pi * hz * time_s)


def lines(signal: np.ndarray, hz: float, sample_rate: int) -> np.ndarray:
    """Amplitudes of the harmonics of hz, the fundamental first, in the middle second: whole periods of whole hertz."""
    start = (len(signal) - sample_rate) // 2
    spectrum = np.abs(np.fft.rfft(signal[start : start + sample_rate])) * 2 / sample_rate
    return spectrum[round(hz) : sample_rate // 2 : round(hz)]


def total_harmonic_percent(signal: np.ndarray, hz: float, sample_rate: int = RATE_HZ) -> float:
    harmonics = lines(signal, hz, sample_rate)
    return float(100 * np.sqrt(np.sum(harmonics[1:] ** 2)) / harmonics[0])


def gains_at(what: Condition, frequencies: list[float], *, sample_rate: int = RATE_HZ) -> np.ndarray:
    impulse = np.zeros(6 * sample_rate)
    impulse[3 * sample_rate] = 1.0
    spectrum = np.abs(np.fft.rfft(hear(what, impulse, sample_rate=sample_rate)))
    found = np.interp(frequencies, np.fft.rfftfreq(len(impulse), 1 / sample_rate), spectrum)
    return 20 * np.log10(found + 1e-12)


# Distortion


@pytest.mark.parametrize("curve", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("percent", [0.03, 0.3, 1.0, 3.16, 10.0, 20.0])
@pytest.mark.parametrize("level_db", [-26.0, -6.0])
def test_harmonic_distortion_of_the_reference_sine_is_as_asked(curve: str, percent: float, level_db: float) -> None:
    # 250 Hz: 29 harmonics lie in the band that is kept.
    what = condition("distortion", total_harmonic_percent=percent, at_level_db=level_db, curve=curve)
    heard = hear(what, tone(250, level_db=level_db))
    assert total_harmonic_percent(heard, 250) == pytest.approx(percent, rel=0.02)


def test_curves_have_their_harmonics() -> None:
    sine = tone(500, level_db=-20)
    odd = lines(hear(condition("distortion", total_harmonic_percent=3.0, at_level_db=-20.0), sine), 500, RATE_HZ)
    assert odd[1] < 1e-6
    assert odd[2] > 0.9 * 0.03 * odd[0]
    both = condition("distortion", total_harmonic_percent=3.0, at_level_db=-20.0, curve="asymmetric")
    even = lines(hear(both, sine), 500, RATE_HZ)
    assert even[1] > 5 * even[2]


def test_distortion_grows_with_the_level_and_leaves_quiet_sounds_alone() -> None:
    what = condition("distortion", total_harmonic_percent=3.0, at_level_db=-20.0)
    shares = [total_harmonic_percent(hear(what, tone(500, level_db=level)), 500) for level in (-40, -30, -20, -10)]
    assert shares == sorted(shares)
    quiet = tone(500, level_db=-60)
    assert lines(hear(what, quiet), 500, RATE_HZ)[0] == pytest.approx(lines(quiet, 500, RATE_HZ)[0], rel=1e-3)


def test_third_harmonics_beyond_the_band_do_not_fold_back() -> None:
    # At 16 kHz the third harmonic of 5 kHz, 15 kHz, would be heard at 1 kHz.
    what = condition("distortion", total_harmonic_percent=1.0, at_level_db=-20.0)
    heard = hear(what, tone(5000, level_db=-20))
    start = len(heard) // 4
    spectrum = np.abs(np.fft.rfft(heard[start : start + RATE_HZ])) * 2 / RATE_HZ
    assert spectrum[1000] < 1e-5 * spectrum[5000]


def test_distortion_is_saturation_not_clipping() -> None:
    loud = hear(condition("distortion", total_harmonic_percent=10.0, at_level_db=-20.0), tone(500, level_db=0))
    assert np.abs(loud).max() < 0.5


# Noise


@pytest.mark.parametrize("level_db", [-71.2, -40.0])
def test_self_noise_has_its_weighted_level_over_all_that_is_heard(level_db: float) -> None:
    noise = hear(condition("self_noise", level_db=level_db), np.zeros(20 * 48_000), sample_rate=48_000)
    frequency_hz = np.fft.rfftfreq(len(noise), 1 / 48_000)
    spectrum = np.fft.rfft(noise) * 10 ** (a_weighting_db(frequency_hz) / 20)
    spectrum[(frequency_hz < 20) | (frequency_hz > 20_000)] = 0
    assert rms_level_db(np.fft.irfft(spectrum, len(noise))) == pytest.approx(level_db, abs=0.1)


@pytest.mark.parametrize("sample_rate", [4000, 8000, 16000, 44_100, 48_000])
@pytest.mark.parametrize("level_db", [-71.2, -40.0])
def test_self_noise_has_the_same_power_per_hertz_at_all_rates(sample_rate: int, level_db: float) -> None:
    """White noise from 20 Hz to 20 kHz is 2.05 dB quieter A-weighted than plain (IEC 61672-1, annex E)."""
    silence = np.zeros(20 * sample_rate)
    noise = hear(condition("self_noise", level_db=level_db), silence, sample_rate=sample_rate)
    per_hertz_db = rms_level_db(noise) - 10 * np.log10(sample_rate / 2)
    assert per_hertz_db == pytest.approx(level_db + 2.05 - 10 * np.log10(19_980), abs=0.1)
    plain = hear(condition("self_noise", level_db=level_db, weighting="none"), silence, sample_rate=sample_rate)
    assert rms_level_db(plain) == pytest.approx(level_db, abs=0.1)


def test_self_noise_does_not_follow_the_signal_and_is_one_realisation() -> None:
    signal = tone(500, level_db=-20)
    loud = hear(condition("self_noise", level_db=-50.0), signal) - signal
    louder = hear(condition("self_noise", level_db=-30.0), np.zeros(len(signal)))
    np.testing.assert_allclose(louder, 10 * loud, atol=1e-6)


def test_a_weighting_is_that_of_the_standard() -> None:
    # IEC 61672-1, table 3, at the exact frequencies 1000 · 10^(0.3 n) Hz of the octaves from 31.5 Hz to 8 kHz.
    table = [-39.4, -26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1]
    np.testing.assert_allclose(a_weighting_db(1000 * 10 ** (0.3 * np.arange(-5, 4))), table, atol=0.06)
    assert a_weighting_db(np.zeros(1))[0] == -np.inf


# Converter


@pytest.mark.parametrize("depth_bits", [2, 8, 13, 16])
def test_converter_has_its_steps(depth_bits: int) -> None:
    heard = hear(condition("bit_depth", depth_bits=depth_bits), tone(437, level_db=-6))
    codes = heard * 2 ** (depth_bits - 1)
    np.testing.assert_array_equal(codes, np.rint(codes))
    assert np.abs(heard).max() <= 1.0


@given(st.integers(4, 14), st.floats(-70, -10), st.sampled_from([8000, 16000]))
@settings(max_examples=25, deadline=None)
def test_dithered_error_is_a_quarter_step_squared_whatever_the_signal(
    depth_bits: int, level_db: float, sample_rate: int
) -> None:
    signal = tone(437, level_db=level_db, sample_rate=sample_rate, seconds=4)
    error = hear(condition("bit_depth", depth_bits=depth_bits), signal, sample_rate=sample_rate) - signal
    step = 2.0 ** (1 - depth_bits)
    assert rms_level_db(error) == pytest.approx(20 * np.log10(step / 2), abs=0.15)
    assert abs(np.mean(error * signal)) < 0.02 * step * np.sqrt(np.mean(signal**2))


def test_without_dither_the_error_is_half_a_step_at_most_and_quiet_sounds_vanish() -> None:
    signal = tone(437, level_db=-12)
    plain = condition("bit_depth", depth_bits=8, dither="none")
    assert np.abs(hear(plain, signal) - signal).max() <= 2.0**-8 + 1e-7
    assert not hear(plain, tone(437, level_db=-60)).any()
    assert hear(condition("bit_depth", depth_bits=8), tone(437, level_db=-60)).any()


def test_converter_clips_at_full_scale() -> None:
    heard = hear(condition("bit_depth", depth_bits=8, dither="none"), tone(437, level_db=6))
    assert heard.max() == pytest.approx(1 - 2.0**-7)
    assert heard.min() == -1


# Distance and responses


def test_distance_is_as_telephony_plans() -> None:
    # ITU-T P.340: 24 dB between the mouth reference point, 25 mm, and the hands-free reference point, 50 cm.
    far = hear(condition("holding_distance", distance_m=0.5, reference_m=0.025), tone(500, level_db=-20))
    assert rms_level_db(far) == pytest.approx(-44, abs=0.5)
    signal = tone(500, level_db=-20)
    np.testing.assert_allclose(hear(condition("holding_distance", distance_m=0.05), signal), signal, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_frequency_response_is_the_one_given(sample_rate: int) -> None:
    what = condition("frequency_response", frequencies_hz=[100.0, 400.0, 1600.0], gains_db=[-20.0, 0.0, -10.0])
    found = gains_at(what, [20, 50, 100, 200, 400, 800, 1600, 3000, 3900], sample_rate=sample_rate)
    np.testing.assert_allclose(found, [-20, -20, -20, -10, 0, -5, -10, -10, -10], atol=0.1)


@pytest.mark.parametrize(
    "text", ["frequency_hz,gain_db\n100,-20\n400,0\n", "gain_db\tfrequency_hz\n-20\t100\n0\t400\n"]
)
def test_frequency_response_from_a_table_beside_the_card(tmp_path: Path, text: str) -> None:
    (tmp_path / "response.csv").write_text(text)
    (tmp_path / "own.toml").write_text(
        'summary = "s"\n[[effect]]\ntype = "frequency_response"\nfile = "response.csv"\n', encoding="utf-8"
    )
    own = load_condition(str(tmp_path / "own.toml"))
    check_ready([own], sample_rate=RATE_HZ)
    np.testing.assert_allclose(gains_at(own, [50, 100, 200, 400, 7000]), [-20, -20, -10, 0, 0], atol=0.1)
    (tmp_path / "response.csv").write_text(text.replace("20", "30"))
    assert load_condition(str(tmp_path / "own.toml")).digest != own.digest


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "found neither; expected 'file', or"),
        ({"file": "x.csv", "gains_db": [1.0]}, "found a file and lists; expected"),
        ({"frequencies_hz": [100.0, 200.0], "gains_db": [1.0]}, "found 2 frequencies and 1 gains; expected as many"),
        ({"frequencies_hz": [100.0], "gains_db": [1.0]}, r"found the frequencies \[100\] Hz; expected two or more"),
        ({"frequencies_hz": [200.0, 100.0], "gains_db": [0.0, 0.0]}, "expected two or more, above 0, increasing"),
        ({"frequencies_hz": [100.0, 100.0], "gains_db": [0.0, 0.0]}, "expected two or more, above 0, increasing"),
    ],
)
def test_lists_that_do_not_go_together(parameters: dict[str, Parameter], message: str) -> None:
    with pytest.raises(CardError, match=message):
        check_ready([condition("frequency_response", **parameters)], sample_rate=RATE_HZ)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found the columns none; expected frequency_hz and gain_db"),
        (b"hz,gain_db\n1,2\n", "found the columns hz, gain_db; expected frequency_hz and gain_db"),
        (b"frequency_hz,gain_db\n100,0\n200,loud\n", "line 3: found 200, loud; expected a frequency"),
        (b"frequency_hz,gain_db\n100,0\n200\n", "line 3: found 200, None; expected a frequency"),
        (b"frequency_hz,gain_db\n100,0\n200,nan\n", "line 3: found 200, nan; expected a frequency"),
        (b"frequency_hz,gain_db\n100,0\n200,500\n", "line 3: found 200, 500; expected a frequency"),
        (b"frequency_hz,gain_db\n0,0\n200,1\n", r"found the frequencies \[0 200\] Hz; expected two or more, above 0"),
        (b"frequency_hz,gain_db\n", r"found the frequencies \[\] Hz; expected two or more"),
        (b"\xff\xfe\x00", "cannot be read as text"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "response.csv"
    path.write_bytes(content)
    with pytest.raises(CardError, match=f"response.csv: {message}"):
        check_ready([condition("frequency_response", file=str(path))], sample_rate=RATE_HZ)


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"none\.csv: cannot be read as text"):
        check_ready([condition("frequency_response", file=str(tmp_path / "none.csv"))], sample_rate=RATE_HZ)


def device(response: np.ndarray, signal: np.ndarray) -> np.ndarray:
    return hear(condition("device_response", recordings="devices"), signal, materials={0: [response]})


def test_device_response_is_the_convolution_aligned_at_its_peak() -> None:
    rng = np.random.default_rng(3)
    response = np.exp(-np.arange(800) / 60) * rng.standard_normal(800)
    response[100] = 4.0
    signal = rng.standard_normal(5000) * 0.05
    slow = np.convolve(signal, response)[100 : 100 + len(signal)]
    heard = device(response, signal)
    # Only the level is free; it is fixed by the next test.
    scale = np.dot(heard, slow) / np.dot(slow, slow)
    np.testing.assert_allclose(heard, scale * slow, atol=1e-6)


@pytest.mark.parametrize("gain", [0.01, -3.0])
def test_device_response_keeps_the_power_of_the_telephone_band(gain: float) -> None:
    rng = np.random.default_rng(4)
    response = gain * np.exp(-np.arange(1600) / 200) * rng.standard_normal(1600)
    spectrum = np.fft.rfft(rng.standard_normal(10 * RATE_HZ))
    frequency_hz = np.fft.rfftfreq(10 * RATE_HZ, 1 / RATE_HZ)
    spectrum[(frequency_hz < 300) | (frequency_hz > 3400)] = 0
    signal = 0.1 * np.fft.irfft(spectrum)
    assert rms_level_db(device(response, signal)) == pytest.approx(rms_level_db(signal), abs=0.2)


def test_a_perfect_device_changes_nothing() -> None:
    response = np.zeros(300)
    response[7] = 0.2
    signal = tone(500, level_db=-20)
    np.testing.assert_allclose(device(response, signal), signal, atol=1e-6)


def test_silent_and_missing_devices() -> None:
    with pytest.raises(InputError, match="found a silent response in devices; expected an impulse response"):
        device(np.zeros(100), np.ones(100))
    with pytest.raises(InputError, match="found 0 responses; expected 1"):
        hear(condition("device_response", recordings="devices"), np.ones(100), materials={0: []})


# The shipped cards


def steps(card: Condition, *effects: str) -> Condition:
    return replace(card, steps=tuple(step for step in card.steps if step.effect in effects))


def measured_bandwidth_hz(card: Condition) -> float:
    """Width of the band within 10 dB of the gain at 1 kHz."""
    frequencies = list(np.arange(20.0, 7990.0, 5.0))
    gains = gains_at(steps(card, "telephone_mask"), frequencies)
    return 5.0 * np.count_nonzero(gains > gains_at(steps(card, "telephone_mask"), [1000])[0] - 10)


def measured_snr_db(card: Condition, speech: np.ndarray) -> float:
    whole = hear(card, speech)
    clean = hear(replace(card, steps=card.steps[:-2]), speech)
    return active_level_db(clean, sample_rate=RATE_HZ) - rms_level_db(whole - clean)


def test_handsets_are_ordered_in_all_that_they_do(speech: Speech) -> None:
    cards = [load_condition(name) for name in HANDSETS]
    sentence = speech(6.0, sample_rate=RATE_HZ, seed=5)
    snrs = [measured_snr_db(card, sentence) for card in cards]
    bands = [measured_bandwidth_hz(card) for card in cards]
    shares = [total_harmonic_percent(hear(card, tone(500, level_db=-10)), 500) for card in cards]
    assert snrs[0] + 3 < snrs[1] < snrs[2] - 3
    assert bands[0] + 500 < bands[1] < bands[2] - 500
    assert shares[0] > 2 * shares[1] > 4 * shares[2]


@pytest.mark.parametrize(
    ("name", "snr_db"), [("handset-cheap", 46.0), ("handset-ordinary", 53.1), ("handset-good", 57.1)]
)
def test_handsets_have_the_noise_of_their_microphones(name: str, snr_db: float, speech: Speech) -> None:
    # Of the noise below 8 kHz, all that is heard here, the plain level is 1.9 dB below the data sheet's A-weighted one
    # of all below 20 kHz; and the converter adds its own to the cheap one's: 1.1 dB.
    found_db = measured_snr_db(load_condition(name), speech(6.0, sample_rate=RATE_HZ, seed=6))
    assert found_db == pytest.approx(snr_db, abs=0.3)


@pytest.mark.parametrize(
    ("name", "level_db", "percent"), [("handset-cheap", -16.3, 3.16), ("handset-ordinary", -16.2, 1.0)]
)
def test_handsets_have_the_distortion_of_their_sources(name: str, level_db: float, percent: float) -> None:
    distorted = steps(load_condition(name), "distortion")
    assert total_harmonic_percent(hear(distorted, tone(315, level_db=level_db)), 315) == pytest.approx(
        percent, rel=0.02
    )


@pytest.mark.parametrize("name", HANDSETS)
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_handsets_send_speech_at_the_level_of_telephony(name: str, sample_rate: int, speech: Speech) -> None:
    sentence = speech(4.0, sample_rate=sample_rate, seed=7)
    heard = hear(load_condition(name), sentence, sample_rate=sample_rate)
    assert active_level_db(heard, sample_rate=sample_rate) == pytest.approx(-26, abs=0.5)
    assert len(heard) == len(sentence)


@pytest.mark.parametrize("samples", [1, 2, 50, 4000])
@pytest.mark.parametrize("name", HANDSETS)
def test_handsets_take_short_utterances(name: str, samples: int) -> None:
    heard = hear(load_condition(name), np.random.default_rng(8).standard_normal(samples) * 0.1)
    assert len(heard) == samples
    assert np.isfinite(heard).all()


def test_handsets_may_be_named_in_a_chain(tmp_path: Path, speech: Speech) -> None:
    chain = "".join(
        f'[[effect]]\ntype = "condition"\nname = "{name}"\n' for name in ("white-noise-10db", "handset-cheap")
    )
    (tmp_path / "chain.toml").write_text(f'summary = "s"\n{chain}', encoding="utf-8")
    heard = hear(load_condition(str(tmp_path / "chain.toml")), speech(3.0, sample_rate=RATE_HZ))
    assert np.isfinite(heard).all()
