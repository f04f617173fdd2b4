"""Noise from recordings and other talkers: exact SNR, equal talkers, loops without seams, clear refusals."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asrfair.condition.effect import Circumstances
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.condition.recorded import babble, recorded_noise
from asrfair.condition.snr import add_noise
from asrfair.errors import InputError

Speech = Callable[..., np.ndarray]
RATE_HZ = 16000


def circumstances(*materials: np.ndarray, seed: int = 0, sample_rate: int = RATE_HZ) -> Circumstances:
    return Circumstances(sample_rate, np.random.default_rng(seed), materials)


def noise_of(kind: str, length: int, given: Circumstances) -> np.ndarray:
    if kind == "babble":
        return babble(length, given, talkers=len(given.materials))
    return recorded_noise(length, given, recordings="noises")


def add(kind: str, signal: np.ndarray, given: Circumstances, snr_db: float, speech_level: str = "active") -> np.ndarray:
    noise = noise_of(kind, len(signal), given)
    return add_noise(signal, noise, sample_rate=given.sample_rate, snr_db=snr_db, speech_level=speech_level)


@given(
    kind=st.sampled_from(["babble", "recorded"]),
    snr_db=st.floats(-30, 60),
    samples=st.integers(1, 30000),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    seed=st.integers(0, 100),
    material_s=st.floats(0.01, 3),
    speech_level=st.sampled_from(["active", "rms"]),
)
@example(kind="recorded", snr_db=10.0, samples=2, sample_rate=16000, seed=0, material_s=0.01, speech_level="active")
@settings(max_examples=60, deadline=None)
def test_measured_snr_is_the_requested_one(
    speech: Speech,
    kind: str,
    snr_db: float,
    samples: int,
    sample_rate: int,
    seed: int,
    material_s: float,
    speech_level: str,
) -> None:
    signal = speech(4.0, sample_rate=sample_rate, seed=seed)[1000 : 1000 + samples]
    rng = np.random.default_rng(seed)
    count = {"babble": 3, "recorded": 1}[kind]
    materials = [rng.standard_normal(1 + round(material_s * sample_rate)) for _ in range(count)]
    kept = [signal.copy(), *(material.copy() for material in materials)]
    given = circumstances(*materials, seed=seed, sample_rate=sample_rate)
    noisy = add(kind, signal, given, snr_db, speech_level=speech_level)
    for array, copy in zip([signal, *materials], kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert noisy.shape == signal.shape
    assert noisy.dtype == np.float64
    active_db = active_level_db(signal, sample_rate=sample_rate)
    speech_db = active_db if speech_level == "active" else rms_level_db(signal)
    assert speech_db - rms_level_db(noisy - signal) == pytest.approx(snr_db, abs=1e-6)


@pytest.mark.parametrize("kind", ["babble", "recorded"])
def test_the_noise_is_the_same_at_every_snr(speech: Speech, kind: str) -> None:
    signal, material = speech(1.0, sample_rate=RATE_HZ), speech(3.0, sample_rate=RATE_HZ, seed=1)
    noises = [add(kind, signal, circumstances(material), snr_db) - signal for snr_db in (20.0, 0.0)]
    np.testing.assert_allclose(10 * noises[0], noises[1], atol=1e-12)


@pytest.mark.parametrize("kind", ["babble", "recorded"])
def test_silent_utterance(kind: str) -> None:
    material = np.random.default_rng(1).standard_normal(5000)
    with pytest.raises(InputError, match="silent utterance: SNR undefined"):
        add(kind, np.zeros(1000), circumstances(material), 10.0)


def octave_levels_db(noise: np.ndarray, sample_rate: int, edges_hz: list[float]) -> list[float]:
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency_hz = np.fft.rfftfreq(len(noise), 1 / sample_rate)
    bands = pairwise(edges_hz)
    return [10 * np.log10(power[(frequency_hz >= low) & (frequency_hz < high)].sum()) for low, high in bands]


def tone(hz: float, seconds: float, peak: float = 0.1) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def test_talkers_are_brought_to_the_same_level_and_looped(speech: Speech) -> None:
    talkers = [tone(500, 1.0, peak=0.9), tone(1000, 2.0, peak=0.001), tone(2000, 3.0, peak=0.1)]
    signal = speech(8.0, sample_rate=RATE_HZ)
    noise = babble(len(signal), circumstances(*talkers), talkers=3)
    levels_db = octave_levels_db(noise, RATE_HZ, [350, 700, 1400, 2800])
    # Talkers of whole periods loop without a seam, so all of their power is in their own octave.
    np.testing.assert_allclose(levels_db, np.mean(levels_db), atol=0.05)
    np.testing.assert_allclose(noise[: 2 * RATE_HZ], noise[6 * RATE_HZ :], atol=1e-9)


def test_talkers_start_anywhere(speech: Speech) -> None:
    ramp = np.linspace(0.1, 1.0, RATE_HZ)
    signal = speech(1.0, sample_rate=RATE_HZ)
    starts = {int(np.argmin(babble(len(signal), circumstances(ramp, seed=seed), talkers=1))) for seed in range(10)}
    assert len(starts) == 10


def test_babble_refuses_silent_and_missing_talkers(speech: Speech) -> None:
    signal = speech(1.0, sample_rate=RATE_HZ)
    with pytest.raises(InputError, match="babble: found a silent talker; expected speech"):
        babble(len(signal), circumstances(signal, np.zeros(100)), talkers=2)
    with pytest.raises(InputError, match="babble: found 1 other talkers; expected 2"):
        babble(len(signal), circumstances(signal), talkers=2)


def test_long_recording_is_cut_anywhere(speech: Speech) -> None:
    signal = speech(0.5, sample_rate=RATE_HZ)
    recording = np.linspace(0.5, 1.0, 2 * RATE_HZ)
    ratios = []
    for seed in range(20):
        noise = recorded_noise(len(signal), circumstances(recording, seed=seed), recordings="x")
        steps = np.diff(noise)
        # A straight excerpt: one slope all along, no seam.
        np.testing.assert_allclose(steps, steps.mean(), rtol=1e-6)
        ratios.append(noise[0] / steps.mean())
    assert len(set(np.round(ratios))) > 15
    assert min(ratios) < 2 * RATE_HZ * 1.3
    assert max(ratios) > 2 * RATE_HZ * 1.6


def test_recording_of_just_the_length_is_used_whole(speech: Speech) -> None:
    signal = speech(0.5, sample_rate=RATE_HZ)
    recording = np.random.default_rng(3).standard_normal(len(signal))
    noise = recorded_noise(len(signal), circumstances(recording), recordings="x")
    np.testing.assert_allclose(noise / noise[0], recording / recording[0], rtol=1e-6)


def test_short_recording_is_looped_without_a_seam(speech: Speech) -> None:
    signal = speech(4.0, sample_rate=RATE_HZ)
    # Not a whole number of periods: butted together it would jump by up to twice its peak.
    recording = tone(100.0, 0.7125, peak=1.0)
    noise = recorded_noise(len(signal), circumstances(recording), recordings="x")
    largest = np.abs(np.diff(noise)).max() / np.abs(noise).max()
    assert largest < 3 * np.abs(np.diff(recording)).max()
    period = len(recording) - RATE_HZ // 100
    np.testing.assert_allclose(noise[:period], noise[period : 2 * period], atol=1e-9)


def test_crossfade_keeps_the_level_of_noise(speech: Speech) -> None:
    signal = speech(30.0, sample_rate=RATE_HZ)
    recording = np.random.default_rng(3).standard_normal(640)
    noise = recorded_noise(len(signal), circumstances(recording), recordings="x")
    # Loops of 480 samples, of which 160 are blended.
    spread = np.sort(noise[:480] ** 2 / np.mean(noise**2))
    assert np.abs(noise[:480]).min() < 0.1 * np.sqrt(np.mean(noise**2))
    assert 0.5 < spread[240] / np.median(np.random.default_rng(1).standard_normal(10000) ** 2) < 2


def test_silent_recording(speech: Speech) -> None:
    signal = speech(1.0, sample_rate=RATE_HZ)
    for length in (1, 100, 20000):
        with pytest.raises(InputError, match="silent recording in noises; expected noise"):
            recorded_noise(len(signal), circumstances(np.zeros(length)), recordings="noises")
    with pytest.raises(InputError, match="found 0 recordings; expected 1"):
        recorded_noise(len(signal), circumstances(), recordings="noises")


def test_recording_shorter_than_a_frame(speech: Speech) -> None:
    signal = speech(1.0, sample_rate=RATE_HZ)
    with pytest.raises(InputError, match=r"found a recording of 9\.94 ms in noises; expected 10 ms at least"):
        recorded_noise(len(signal), circumstances(np.ones(159)), recordings="noises")
    recorded_noise(len(signal), circumstances(np.ones(160)), recordings="noises")


@pytest.mark.parametrize("place", [0, 12345, 159999])
def test_draw_on_silence_moves_to_the_next_sound(speech: Speech, place: int) -> None:
    recording = np.zeros(160000)
    recording[place] = 1.0
    signal = speech(0.25, sample_rate=RATE_HZ)
    for seed in range(5):
        noise = recorded_noise(len(signal), circumstances(recording, seed=seed), recordings="x")
        assert np.count_nonzero(np.abs(noise) > 1e-9) == 1
