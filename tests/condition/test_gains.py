"""Gain, set levels, clipping, automatic gain control and distance against their written-out definitions."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition import apply_condition, load_condition
from asrfair.condition.effect import Circumstances
from asrfair.condition.gains import (
    air_absorption_db_per_m,
    automatic_gain_control,
    clip,
    far_field_attenuation,
    gain,
    set_level,
)
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.errors import CardError
from asrfair.seeds import generator

Speech = Callable[..., np.ndarray]
RATE_HZ = 16000


def circumstances(sample_rate: int = RATE_HZ) -> Circumstances:
    return Circumstances(sample_rate, generator(0, "gains"))


def heard(tmp_path: Path, effect: str, samples: np.ndarray, sample_rate: int = RATE_HZ) -> np.ndarray:
    path = tmp_path / "card.toml"
    path.write_text(f'summary = "x"\n[[effect]]\n{effect}\n')
    return apply_condition(load_condition(str(path)), samples, sample_rate=sample_rate, seed=1, utterance_id="u")


@pytest.mark.parametrize("length", [1, 7, 20000, 100000])
def test_gain(tmp_path: Path, speech: Speech, length: int) -> None:
    signal = speech(10, sample_rate=RATE_HZ)[1000 : 1000 + length]
    for gain_db in (-20.0, 0.0, 6.0):
        louder = heard(tmp_path, f'type = "gain"\ngain_db = {gain_db}', signal)
        np.testing.assert_allclose(louder, signal * 10 ** (gain_db / 20), atol=1e-7)
    np.testing.assert_allclose(gain(circumstances(), gain_db=-20.0).spectrum(64), 0.1)


@given(
    level_db=st.floats(-90, 20),
    measure=st.sampled_from(["active", "rms"]),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    samples=st.integers(1, 50000),
)
@settings(max_examples=30, deadline=None)
def test_set_level(speech: Speech, level_db: float, measure: str, sample_rate: int, samples: int) -> None:
    signal = speech(4, sample_rate=sample_rate)[1000 : 1000 + samples]
    result = set_level(signal, circumstances(sample_rate), level_db=level_db, measure=measure)
    found_db = active_level_db(result, sample_rate=sample_rate) if measure == "active" else rms_level_db(result)
    assert found_db == pytest.approx(level_db, abs=1e-6)
    np.testing.assert_allclose(result * signal[0], signal * result[0], atol=1e-12)


@pytest.mark.parametrize("measure", ["active", "rms"])
def test_digital_silence_stays_silent(measure: str) -> None:
    np.testing.assert_array_equal(set_level(np.zeros(100), circumstances(), level_db=-26.0, measure=measure), 0)


@pytest.mark.parametrize("peak_percent", [0.1, 30.0, 99.0, 100.0])
@pytest.mark.parametrize("length", [1, 2, 16000])
def test_clip(speech: Speech, peak_percent: float, length: int) -> None:
    signal = speech(1.5, sample_rate=RATE_HZ)[500 : 500 + length]
    clipped = clip(signal, circumstances(), peak_percent=peak_percent)
    limit = peak_percent / 100 * max(abs(sample) for sample in signal)
    expected = [sample if abs(sample) <= limit else math.copysign(limit, sample) for sample in signal]
    np.testing.assert_allclose(clipped, expected, rtol=1e-12)
    assert clip(np.zeros(3), circumstances(), peak_percent=peak_percent).tolist() == [0.0, 0.0, 0.0]


def agc_written_out(
    samples: np.ndarray, rate: int, target: float, attack: float, release: float, most: float, floor: float
) -> np.ndarray:
    frame = round(0.01 * rate)
    result, gain_db, factor = [], 0.0, 1.0
    for start in range(0, len(samples), frame):
        piece = samples[start : start + frame]
        power = sum(sample * sample for sample in piece) / len(piece)
        if power > 10 ** (floor / 10):
            wanted = min(target - 10 * math.log10(power), most)
            kept = math.exp(-frame / rate / (attack if wanted < gain_db else release))
            gain_db = wanted + kept * (gain_db - wanted)
        next_factor = 10 ** (gain_db / 20)
        result += [x * (factor + (next_factor - factor) * (i + 1) / frame) for i, x in enumerate(piece)]
        factor = next_factor
    return np.array(result)


@pytest.mark.parametrize("sample_rate", [4000, 8000, 44100])
@pytest.mark.parametrize("length", [1, 39, 5000, 12345])
def test_agc_equals_its_definition(speech: Speech, sample_rate: int, length: int) -> None:
    signal = speech(4, sample_rate=sample_rate)[1000 : 1000 + length]
    before = signal.copy()
    result = automatic_gain_control(
        signal,
        circumstances(sample_rate),
        target_db=-20.0,
        attack_s=0.05,
        release_s=0.3,
        max_gain_db=12.0,
        floor_db=-50.0,
    )
    np.testing.assert_array_equal(signal, before)
    expected = agc_written_out(signal, sample_rate, -20.0, 0.05, 0.3, 12.0, -50.0)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)


def tone(level_db: float, seconds: float) -> np.ndarray:
    return math.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 1000 * np.arange(seconds * RATE_HZ) / RATE_HZ)


def frame_levels_db(samples: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.mean(samples.reshape(-1, RATE_HZ // 100) ** 2, axis=1))


def test_agc_reaches_its_target_in_its_time() -> None:
    steps = np.concatenate([tone(-40, 3), tone(-10, 1), tone(-70, 1), tone(-80, 1)])
    levels_db = frame_levels_db(
        automatic_gain_control(steps, circumstances(), target_db=-20.0, release_s=0.2, attack_s=0.05, max_gain_db=30.0)
    )
    # Rising by 20 dB: 1 − 1/e of it after the release time.
    assert levels_db[20] == pytest.approx(-40 + 20 * (1 - math.exp(-1)), abs=0.6)
    assert levels_db[299] == pytest.approx(-20, abs=0.01)
    # Falling by 30 dB: 1 − 1/e of it after the attack time.
    assert levels_db[305] == pytest.approx(10 - 30 * (1 - math.exp(-1)), abs=3)
    assert levels_db[399] == pytest.approx(-20, abs=0.01)
    # Below the floor of −60 dB the gain, of −10 dB, stays.
    np.testing.assert_allclose(levels_db[401:500], -80, atol=0.01)
    np.testing.assert_allclose(levels_db[501:], -90, atol=0.01)


def test_agc_stops_at_its_largest_gain_and_leaves_silence() -> None:
    quiet = automatic_gain_control(tone(-55, 5), circumstances(), target_db=-20.0, max_gain_db=20.0)
    assert frame_levels_db(quiet)[-1] == pytest.approx(-35, abs=0.05)
    assert not automatic_gain_control(np.zeros(1000), circumstances()).any()


def test_distance_follows_the_inverse_square_law(tmp_path: Path, speech: Speech) -> None:
    signal = speech(2, sample_rate=RATE_HZ)
    for distance_m, reference_m in ((2.0, 1.0), (4.0, 0.5), (0.3, 0.3), (0.1, 1.0)):
        effect = f'type = "far_field_attenuation"\ndistance_m = {distance_m}\nreference_m = {reference_m}'
        attenuated = heard(tmp_path, effect, signal)
        np.testing.assert_allclose(attenuated, signal * reference_m / distance_m, atol=1e-6)


# ISO 9613-2:1996, table 2, dB per km at octave bands from 63 Hz to 8 kHz.
TABLE_2 = {
    (10, 70): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117),
    (20, 70): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (30, 70): (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3),
    (15, 20): (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202),
    (15, 50): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129),
    (15, 80): (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8),
}


@pytest.mark.parametrize(("temperature", "humidity"), TABLE_2)
def test_air_absorbs_as_the_standard_tabulates(temperature: int, humidity: int) -> None:
    exact_hz = 1000.0 * 10.0 ** (0.3 * np.arange(-4, 4))
    found = 1000 * air_absorption_db_per_m(exact_hz, temperature_celsius=temperature, humidity_percent=humidity)
    np.testing.assert_allclose(found, TABLE_2[temperature, humidity], atol=0.051, rtol=0.005)


def test_air_absorbs_between_reference_and_distance(tmp_path: Path) -> None:
    effect = 'type = "far_field_attenuation"\ndistance_m = 101.0\nair = "iso9613"\ntemperature_celsius = 10.0\n'
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    for hz, absorbed_db in ((1000.0, 0.37), (3981.07, 3.28)):
        signal = np.sin(2 * np.pi * hz * time_s)
        result = heard(tmp_path, effect + "humidity_percent = 70.0", signal)[8000:24000]
        assert rms_level_db(result) == pytest.approx(-3.01 - 20 * math.log10(101) - absorbed_db, abs=0.02)
    linear = far_field_attenuation(circumstances(), distance_m=0.1, reference_m=1.0, air="iso9613")
    np.testing.assert_allclose(linear.spectrum(64), 10.0)


def test_out_of_range(tmp_path: Path) -> None:
    for effect, message in {
        'type = "clip"\npeak_percent = 0': "'peak_percent': found 0; expected 0.1 to 100",
        'type = "far_field_attenuation"\ndistance_m = 0': "'distance_m': found 0; expected 0.01 to 200",
        'type = "set_level"\nlevel_db = -26\nmeasure = "peak"': "found 'peak'; expected one of: active, rms",
    }.items():
        with pytest.raises(CardError, match=message):
            heard(tmp_path, effect, np.ones(10))
