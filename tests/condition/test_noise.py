"""Noise made from random numbers: the measured SNR is the requested one, the spectrum is the named one."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asrfair.condition.effect import Circumstances
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.condition.noise import BYRNE_1994_DB, brown_noise, pink_noise, speech_shaped_noise, white_noise
from asrfair.condition.snr import add_noise
from asrfair.errors import InputError
from asrfair.seeds import generator

Speech = Callable[..., np.ndarray]
Noise = Callable[..., np.ndarray]
RATE_HZ = 16000
KINDS: dict[str, Noise] = {
    "white": white_noise,
    "pink": pink_noise,
    "brown": brown_noise,
    "byrne1994": speech_shaped_noise,
    "corpus": lambda *args, **given: speech_shaped_noise(*args, spectrum="corpus", **given),
}


def circumstances(*materials: np.ndarray, seed: int = 0, sample_rate: int = RATE_HZ) -> Circumstances:
    return Circumstances(sample_rate, generator(seed, "noise"), materials)


def add(
    noise: Noise, signal: np.ndarray, given: Circumstances, *, snr_db: float, speech_level: str = "active", **own: Any
) -> np.ndarray:
    made = noise(len(signal), given, **own)
    return add_noise(signal, made, sample_rate=given.sample_rate, snr_db=snr_db, speech_level=speech_level)


def full_rate_p56_db(samples: np.ndarray, sample_rate: int) -> float:
    """P.56, method B, at every sample, by convolution with the smoothing's own impulse response."""
    decay = math.exp(-1 / (0.03 * sample_rate))
    hangover = math.ceil(0.2 * sample_rate)
    reach = np.arange(round(0.6 * sample_rate))
    size = 1 << (len(samples) + len(reach)).bit_length()
    response = (1 - decay) ** 2 * (reach + 1) * decay**reach
    spectrum = np.fft.rfft(np.abs(samples), size) * np.fft.rfft(response, size)
    envelope = np.fft.irfft(spectrum, size)[: len(samples)]
    points = []
    for power in range(60):
        threshold = envelope.max() * 2 ** (-power / 4)
        above = np.flatnonzero(envelope >= threshold)
        gaps = np.diff(np.append(above, len(samples)))
        active = np.minimum(gaps, hangover + 1).sum()
        level_db = 10 * math.log10(np.sum(samples**2) / active)
        points.append((level_db, level_db - 20 * math.log10(threshold)))
    for (high_db, small_db), (low_db, large_db) in pairwise(points):
        if small_db <= 15.9 < large_db:
            return high_db + (15.9 - small_db) / (large_db - small_db) * (low_db - high_db)
    raise AssertionError("no threshold at the margin")


@given(
    kind=st.sampled_from(sorted(KINDS)),
    snr_db=st.floats(-30, 60),
    samples=st.integers(1, 30000),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    seed=st.integers(0, 100),
    speech_level=st.sampled_from(["active", "rms"]),
)
@example(kind="white", snr_db=10.0, samples=1, sample_rate=16000, seed=0, speech_level="active")
@example(kind="pink", snr_db=10.0, samples=1, sample_rate=16000, seed=0, speech_level="active")
@example(kind="byrne1994", snr_db=10.0, samples=2, sample_rate=44100, seed=0, speech_level="rms")
@settings(max_examples=60, deadline=None)
def test_measured_snr_is_the_requested_one(
    speech: Speech, kind: str, snr_db: float, samples: int, sample_rate: int, seed: int, speech_level: str
) -> None:
    signal = speech(4.0, sample_rate=sample_rate, seed=seed)[1000 : 1000 + samples]
    before = signal.copy()
    voices = [speech(0.5, sample_rate=sample_rate, seed=voice) for voice in range(3)]
    given = circumstances(*voices, seed=seed, sample_rate=sample_rate)
    noisy = add(KINDS[kind], signal, given, snr_db=snr_db, speech_level=speech_level)
    np.testing.assert_array_equal(signal, before)
    assert noisy.shape == signal.shape
    assert noisy.dtype == np.float64
    active_db = active_level_db(signal, sample_rate=sample_rate)
    speech_db = active_db if speech_level == "active" else rms_level_db(signal)
    assert speech_db - rms_level_db(noisy - signal) == pytest.approx(snr_db, abs=1e-6)


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(
    snr_db=st.floats(-5, 30),
    seconds=st.floats(2, 6),
    sample_rate=st.sampled_from([8000, 16000, 44100, 48000]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=10, deadline=None)
def test_snr_by_the_definition_of_the_active_level(
    speech: Speech, kind: str, snr_db: float, seconds: float, sample_rate: int, seed: int
) -> None:
    signal = speech(seconds, sample_rate=sample_rate, seed=seed)
    given = circumstances(signal, seed=seed, sample_rate=sample_rate)
    noise = add(KINDS[kind], signal, given, snr_db=snr_db) - signal
    measured_db = full_rate_p56_db(signal, sample_rate) - 10 * math.log10(np.mean(noise**2))
    assert measured_db == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_noise_is_the_same_at_every_snr(speech: Speech, kind: str) -> None:
    signal = speech(3.0, sample_rate=RATE_HZ)
    noises = [add(KINDS[kind], signal, circumstances(signal), snr_db=snr_db) - signal for snr_db in (20.0, 0.0)]
    np.testing.assert_allclose(10 * noises[0], noises[1], atol=1e-12)
    other = add(KINDS[kind], signal, circumstances(signal, seed=1), snr_db=0.0) - signal
    assert abs(np.corrcoef(noises[1], other)[0, 1]) < 0.1


def test_silence_around_the_speech_does_not_change_the_noise(speech: Speech) -> None:
    signal = np.concatenate([speech(1.5, sample_rate=RATE_HZ), np.zeros(RATE_HZ)])
    padded = np.concatenate([signal, np.zeros(5 * RATE_HZ)])
    levels_db = [rms_level_db(add(white_noise, s, circumstances(), snr_db=10.0) - s) for s in (signal, padded)]
    assert levels_db[0] == pytest.approx(levels_db[1], abs=1e-6)


@pytest.mark.parametrize("speech_level", ["active", "rms"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_silent_utterance(kind: str, speech_level: str) -> None:
    voice = np.random.default_rng(1).standard_normal(5000)
    with pytest.raises(InputError, match="silent utterance: SNR undefined"):
        add(KINDS[kind], np.zeros(1000), circumstances(voice), snr_db=10.0, speech_level=speech_level)


def band_levels_db(noise: np.ndarray, sample_rate: int, edges_hz: list[float]) -> list[float]:
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency_hz = np.fft.rfftfreq(len(noise), 1 / sample_rate)
    bands = pairwise(edges_hz)
    return [10 * np.log10(power[(frequency_hz >= low) & (frequency_hz < high)].sum()) for low, high in bands]


def noise_of(function: Noise, seconds: float, sample_rate: int, *materials: np.ndarray, **given: str) -> np.ndarray:
    return function(round(seconds * sample_rate), circumstances(*materials, sample_rate=sample_rate), **given)


@pytest.mark.parametrize(("function", "slope_db"), [(white_noise, 3.01), (pink_noise, 0.0), (brown_noise, -3.01)])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_colour(function: Noise, slope_db: float, sample_rate: int) -> None:
    noise = noise_of(function, 20, sample_rate)
    levels_db = band_levels_db(noise, sample_rate, [62.5, 125, 250, 500, 1000, 2000, 4000])
    np.testing.assert_allclose(np.diff(levels_db), slope_db, atol=0.6)


@pytest.mark.parametrize("function", [pink_noise, brown_noise, speech_shaped_noise])
@pytest.mark.parametrize("seconds", [1.5, 16.4])
def test_coloured_noise_wastes_nothing_below_hearing(function: Noise, seconds: float) -> None:
    noise = noise_of(function, seconds, RATE_HZ)
    size = len(noise)
    # A smooth window: the edges of the utterance would leak as much.
    power = np.abs(np.fft.rfft(noise * np.hanning(size))) ** 2
    assert power[np.fft.rfftfreq(size, 1 / RATE_HZ) < 10].sum() < 1e-4 * power.sum()


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_speech_shaped_noise_has_the_published_third_octave_levels(sample_rate: int) -> None:
    noise = noise_of(speech_shaped_noise, 60, sample_rate)
    bands = [band for band in range(18, 43) if 10 ** ((band + 0.5) / 10) < sample_rate / 2]
    edges_hz = [10 ** ((band - 0.5) / 10) for band in [*bands, bands[-1] + 1]]
    found_db = np.array(band_levels_db(noise, sample_rate, edges_hz))
    published_db = np.array(BYRNE_1994_DB[: len(bands)])
    offset_db = np.median(found_db - published_db)
    # 60 s of a band 15 Hz wide are 900 independent values: 0.2 dB, and the edges leak into the weakest bands.
    np.testing.assert_allclose(found_db - offset_db, published_db, atol=0.9)
    np.testing.assert_allclose((found_db - offset_db)[4:], published_db[4:], atol=0.4)


def test_the_published_levels_add_up_to_70_db() -> None:
    total_db = 10 * math.log10(sum(10 ** (level_db / 10) for level_db in BYRNE_1994_DB))
    assert total_db == pytest.approx(70, abs=0.6)


def resonance(low_hz: float, high_hz: float, seconds: float, seed: int) -> np.ndarray:
    size = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    frequency_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    return np.fft.irfft(spectrum * ((frequency_hz >= low_hz) & (frequency_hz < high_hz)), size)


def test_noise_has_the_spectrum_of_the_voices_at_equal_level() -> None:
    # A loud long voice and a faint short one; the DC offset of the second is no speech.
    voices = [50 * resonance(500, 1000, 6.0, seed=1), 0.01 * resonance(2000, 4000, 1.0, seed=2) + 0.1]
    noise = noise_of(speech_shaped_noise, 20, RATE_HZ, *voices, spectrum="corpus")
    low, between, high, below = band_levels_db(noise, RATE_HZ, [500, 1000, 2000, 4000])[:3] + band_levels_db(
        noise, RATE_HZ, [0, 400]
    )
    assert low == pytest.approx(high, abs=0.3)
    assert between < low - 12
    assert below < low - 25


def test_voices_are_told_apart(speech: Speech) -> None:
    signal = speech(1.0, sample_rate=RATE_HZ)
    low, high = resonance(500, 1000, 2.0, seed=1), resonance(2000, 4000, 2.0, seed=1)
    outputs = [
        add(speech_shaped_noise, signal, circumstances(voice), snr_db=0.0, spectrum="corpus")
        for voice in (low, high, low)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[2])
    assert not np.allclose(outputs[0], outputs[1])


def test_voices_must_be_there_and_heard(speech: Speech) -> None:
    signal = speech(1.0, sample_rate=RATE_HZ)
    with pytest.raises(InputError, match="speech_shaped_noise: found no voices; expected some"):
        add(speech_shaped_noise, signal, circumstances(), snr_db=0.0, spectrum="corpus")
    with pytest.raises(InputError, match="speech_shaped_noise: found a silent voice; expected speech"):
        add(speech_shaped_noise, signal, circumstances(signal, np.zeros(100)), snr_db=0.0, spectrum="corpus")


def test_blocks_join_without_a_seam() -> None:
    # 8 blocks of 2.048 s; the level in the crossfades, and across them, is that of the rest.
    noise = noise_of(pink_noise, 14, 8000)
    levels_db = [rms_level_db(piece) for piece in np.array_split(noise, 56)]
    assert max(levels_db) - min(levels_db) < 5
    jumps = np.abs(np.diff(noise))
    assert jumps.max() < 6 * np.sqrt(np.mean(jumps**2))
    # Different noise in every block: it never repeats.
    lags = np.fft.irfft(np.abs(np.fft.rfft(noise, 1 << 18)) ** 2)
    assert np.abs(lags[12000 : len(noise)]).max() < 0.3 * lags[0]


def test_one_hour() -> None:
    hour = np.zeros(3600 * 4000)
    hour[::4000] = 0.5
    noisy = add(brown_noise, hour, circumstances(sample_rate=4000), snr_db=10.0, speech_level="rms")
    noisy -= hour
    assert rms_level_db(hour) - rms_level_db(noisy) == pytest.approx(10.0, abs=1e-6)


def test_crossfades_are_as_loud_as_what_lies_between() -> None:
    """Blocks of 8,192 samples at 4 kHz fade into the next over 512; the slope of the noise is nearly white."""
    within = between = 0.0
    for seed in range(200):
        slope = np.square(np.diff(pink_noise(15_000, circumstances(seed=seed, sample_rate=4000))))
        within += slope[7680:8191].mean()
        between += slope[2000:6000].mean() + slope[9000:13_000].mean()
    assert 10 * math.log10(2 * within / between) == pytest.approx(0, abs=0.1)
