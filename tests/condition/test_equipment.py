"""Periodic noise: exact SNR, partials where and as strong as asked for, pulses on time, and what cannot be heard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.condition.equipment import equipment_noise, mains_hum
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.condition.snr import add_noise
from asrfair.errors import CardError, InputError
from asrfair.seeds import generator

Speech = Callable[..., np.ndarray]
Noise = Callable[..., np.ndarray]
RATE_HZ = 16000


def circumstances(seed: int = 0, sample_rate: int = RATE_HZ) -> Circumstances:
    return Circumstances(sample_rate, generator(seed, "equipment"))


def add(
    noise: Noise, signal: np.ndarray, given: Circumstances, *, snr_db: float, speech_level: str = "active", **own: Any
) -> np.ndarray:
    made = noise(len(signal), given, **own)
    return add_noise(signal, made, sample_rate=given.sample_rate, snr_db=snr_db, speech_level=speech_level)


def noise_of(
    function: Noise, seconds: float, *, seed: int = 0, sample_rate: int = RATE_HZ, **chosen: Any
) -> np.ndarray:
    return function(max(1, round(seconds * sample_rate)), circumstances(seed, sample_rate), **chosen)


@given(
    snr_db=st.floats(-30, 60),
    samples=st.integers(1, 30000),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    seed=st.integers(0, 100),
    base_hz=st.floats(10, 3999),
    harmonics=st.integers(1, 100),
    pulse_rate_hz=st.floats(0.05, 100),
    duty_percent=st.floats(1, 100),
    speech_level=st.sampled_from(["active", "rms"]),
)
@example(10.0, 1, 8000, 0, 440.0, 1, 0.05, 1.0, "active")
@settings(max_examples=80, deadline=None)
def test_measured_snr_is_the_requested_one(
    speech: Speech,
    snr_db: float,
    samples: int,
    sample_rate: int,
    seed: int,
    base_hz: float,
    harmonics: int,
    pulse_rate_hz: float,
    duty_percent: float,
    speech_level: str,
) -> None:
    signal = speech(4.0, sample_rate=sample_rate, seed=seed)[1000 : 1000 + samples]
    before = signal.copy()
    noisy = add(
        equipment_noise,
        signal,
        circumstances(seed, sample_rate),
        snr_db=snr_db,
        base_hz=base_hz,
        harmonics=harmonics,
        pulse_rate_hz=pulse_rate_hz,
        duty_percent=duty_percent,
        speech_level=speech_level,
    )
    np.testing.assert_array_equal(signal, before)
    assert noisy.shape == signal.shape
    assert noisy.dtype == np.float64
    active_db = active_level_db(signal, sample_rate=sample_rate)
    speech_db = active_db if speech_level == "active" else rms_level_db(signal)
    assert speech_db - rms_level_db(noisy - signal) == pytest.approx(snr_db, abs=1e-6)


@given(
    snr_db=st.floats(-30, 60), samples=st.integers(1, 20000), mains_hz=st.sampled_from([50, 60]), seed=st.integers(0, 9)
)
@settings(max_examples=20, deadline=None)
def test_measured_snr_of_hum(speech: Speech, snr_db: float, samples: int, mains_hz: int, seed: int) -> None:
    signal = speech(4.0, sample_rate=RATE_HZ, seed=seed)[1000 : 1000 + samples]
    noisy = add(mains_hum, signal, circumstances(seed), snr_db=snr_db, mains_hz=mains_hz)
    measured_db = active_level_db(signal, sample_rate=RATE_HZ) - rms_level_db(noisy - signal)
    assert measured_db == pytest.approx(snr_db, abs=1e-6)


def test_the_tone_is_the_sum_of_its_partials() -> None:
    noise = noise_of(equipment_noise, 1.0, base_hz=311.7, harmonics=7, tilt_db_per_octave=-9.0)
    start = generator(0, "equipment").random(2)[0]
    phase = 2 * np.pi * (np.arange(RATE_HZ) * 311.7 / RATE_HZ + start)
    partials = [
        10 ** (-9.0 * np.log2(number) / 20) * np.cos(number * phase - np.pi * number * (number - 1) / 7)
        for number in range(1, 8)
    ]
    tone = np.sum(partials, axis=0)
    np.testing.assert_allclose(noise / np.sqrt(np.mean(noise**2)), tone / np.sqrt(np.mean(tone**2)), atol=2e-6)


def lines_db(noise: np.ndarray, hz: list[float]) -> np.ndarray:
    """Levels of whole numbers of hertz in whole seconds, the first one being 0 dB."""
    power = np.abs(np.fft.rfft(noise)) ** 2
    seconds = len(noise) / RATE_HZ
    return np.array([10 * np.log10(power[round(line * seconds)] + 1e-300) for line in hz])


@pytest.mark.parametrize(("tilt_db", "harmonics"), [(-6.0, 10), (0.0, 20), (6.0, 3)])
def test_partials_lie_at_multiples_of_the_base_and_tilt(tilt_db: float, harmonics: int) -> None:
    noise = noise_of(equipment_noise, 4.0, base_hz=350.0, harmonics=harmonics, tilt_db_per_octave=tilt_db)
    levels_db = lines_db(noise, [350.0 * number for number in range(1, harmonics + 1)])
    expected_db = tilt_db * np.log2(np.arange(1, harmonics + 1))
    np.testing.assert_allclose(levels_db - levels_db[0], expected_db, atol=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    lines = [round(350.0 * number * 4) for number in range(1, harmonics + 1)]
    assert np.delete(power, lines).sum() < 1e-10 * power.sum()


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_has_the_harmonics_of_the_mains(mains_hz: int) -> None:
    noise = noise_of(mains_hum, 2.0, mains_hz=mains_hz, harmonics=5, tilt_db_per_octave=-6.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert sorted(np.argsort(power)[-5:]) == [2 * mains_hz * number for number in range(1, 6)]
    assert lines_db(noise, [2 * mains_hz])[0] - lines_db(noise, [mains_hz])[0] == pytest.approx(-6.0, abs=1e-3)


def test_partials_above_half_the_rate_are_left_out() -> None:
    noise = noise_of(equipment_noise, 1.0, base_hz=4000.0, harmonics=10, tilt_db_per_octave=0.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    # The second one would lie at half the rate.
    assert power[4000] > (1 - 1e-9) * power.sum()


@pytest.mark.parametrize(("pulse_rate_hz", "duty_percent"), [(2.0, 25.0), (12.5, 50.0), (1.0, 80.0)])
def test_pulses(pulse_rate_hz: float, duty_percent: float) -> None:
    noise = noise_of(
        equipment_noise, 8.0, base_hz=1000.0, harmonics=1, pulse_rate_hz=pulse_rate_hz, duty_percent=duty_percent
    )
    # The peaks of the tone's periods, of 1 ms.
    peaks = np.abs(noise).reshape(-1, 16).max(axis=1)
    heard = peaks > 0.5 * peaks.max()
    # Half of the rise and of the fall, of 5 ms each, lie below half of the peak.
    assert heard.mean() == pytest.approx(duty_percent / 100 - 0.005 * pulse_rate_hz, abs=0.0015 * pulse_rate_hz)
    begins = np.flatnonzero(heard[1:] & ~heard[:-1])
    assert len(begins) == pytest.approx(8 * pulse_rate_hz, abs=1)
    np.testing.assert_allclose(np.diff(begins) / 1000, 1 / pulse_rate_hz, atol=0.0011)
    # No click: in a millisecond the envelope changes by no more than an edge of 5 ms does at its steepest.
    assert np.abs(np.diff(peaks)).max() < 1.1 * (1.5 / 5) * peaks.max()


def test_no_gate_at_full_duty() -> None:
    noise = noise_of(equipment_noise, 2.0, base_hz=400.0, harmonics=1, pulse_rate_hz=5.0, duty_percent=100.0)
    peaks = np.abs(noise).reshape(-1, 40).max(axis=1)
    assert peaks.min() > 0.99 * peaks.max()


def test_an_utterance_is_never_between_two_pulses() -> None:
    for seed in range(20):
        noise = noise_of(
            equipment_noise, 0.1, seed=seed, base_hz=400.0, harmonics=1, pulse_rate_hz=0.05, duty_percent=1.0
        )
        assert np.abs(noise).max() > 0
    assert np.isfinite(noise_of(equipment_noise, 0, base_hz=400.0, pulse_rate_hz=0.05, duty_percent=1.0)).all()


def test_tone_and_pulses_start_anywhere() -> None:
    chosen = {"base_hz": 100.0, "pulse_rate_hz": 1.0, "duty_percent": 50.0}
    noises = [noise_of(equipment_noise, 1.0, seed=seed, **chosen) for seed in range(10)]
    starts = {int(np.flatnonzero(np.abs(noise) > 1e-6 * np.abs(noise).max())[0]) for noise in noises}
    assert len({round(noise[8000], 6) for noise in noises}) >= 5
    assert len(starts) >= 3


def test_the_noise_is_the_same_at_every_snr(speech: Speech) -> None:
    signal = speech(2.0, sample_rate=RATE_HZ)
    for function, chosen in ((equipment_noise, {"base_hz": 300.0, "duty_percent": 30.0}), (mains_hum, {})):
        noises = [add(function, signal, circumstances(), snr_db=snr_db, **chosen) - signal for snr_db in (20.0, 0.0)]
        np.testing.assert_allclose(10 * noises[0], noises[1], atol=1e-12)


def test_silent_utterance() -> None:
    for function, chosen in ((equipment_noise, {"base_hz": 300.0}), (mains_hum, {})):
        with pytest.raises(InputError, match="silent utterance: SNR undefined"):
            add(function, np.zeros(1000), circumstances(), snr_db=0.0, **chosen)


def test_a_tone_that_the_rate_cannot_hold() -> None:
    ready = EFFECTS["equipment_noise"].ready
    assert ready is not None
    ready({"base_hz": 3999.0}, 8000)
    with pytest.raises(CardError, match="equipment_noise: found base_hz = 4000; expected less than half of 8000 Hz"):
        ready({"base_hz": 4000.0}, 8000)
    with pytest.raises(InputError, match="equipment_noise: found base_hz = 9000; expected less than half of 16000 Hz"):
        noise_of(equipment_noise, 1.0, base_hz=9000.0)


def test_one_hour_keeps_its_pitch() -> None:
    noise = noise_of(equipment_noise, 3600, sample_rate=4000, base_hz=100.25, harmonics=2)
    # 0.25 Hz off 100 Hz: the same phase every four seconds, to the last.
    np.testing.assert_allclose(noise[-16000:], noise[:16000], atol=1e-5 * np.abs(noise).max())
