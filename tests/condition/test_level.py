"""The active speech level against its written-out definition, signals of known activity, and its laws."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.audio import read_audio
from asrfair.condition.level import _rectified, active_level_db, activity, rms_level_db
from asrfair.errors import InputError

RATE_HZ = 8000


def p56_written_out(samples: np.ndarray, sample_rate: int, thresholds: list[float]) -> float:
    """P.56, method B, sample by sample; ``thresholds`` rise."""
    decay = math.exp(-1 / (0.03 * sample_rate))
    hangover = math.ceil(0.2 * sample_rate)
    active, held = [0] * len(thresholds), [hangover] * len(thresholds)
    first = second = squares = 0.0
    for sample in samples.tolist():
        squares += sample * sample
        first = decay * first + (1 - decay) * abs(sample)
        second = decay * second + (1 - decay) * first
        for j, threshold in enumerate(thresholds):
            if second >= threshold:
                active[j] += 1
                held[j] = 0
            elif held[j] < hangover:
                active[j] += 1
                held[j] += 1
    points = [
        (10 * math.log10(squares / count), 20 * math.log10(threshold))
        for count, threshold in zip(active, thresholds, strict=True)
        if count
    ]
    for (low_db, low_c), (high_db, high_c) in pairwise(points):
        if low_db - low_c >= 15.9 > high_db - high_c:
            part = ((low_db - low_c) - 15.9) / ((low_db - low_c) - (high_db - high_c))
            return low_db + part * (high_db - low_db)
    raise AssertionError("no threshold at the margin")


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_recommendation_written_out(speech: Callable[..., np.ndarray], seed: int) -> None:
    samples = speech(4.0, sample_rate=RATE_HZ, seed=seed)
    measured = active_level_db(samples, sample_rate=RATE_HZ)
    # The Recommendation's own 15 thresholds, half of full scale downwards in steps of 6.02 dB.
    coarse = p56_written_out(samples, RATE_HZ, [2.0**-power for power in range(15, 0, -1)])
    assert measured == pytest.approx(coarse, abs=0.25)


def own_thresholds(samples: np.ndarray, sample_rate: int) -> list[float]:
    decay = math.exp(-1 / (0.03 * sample_rate))
    first = second = peak = 0.0
    for sample in samples.tolist():
        first = decay * first + (1 - decay) * abs(sample)
        second = decay * second + (1 - decay) * first
        peak = max(peak, second)
    return [peak * 2 ** (-power / 4) for power in range(40, -1, -1)]


@pytest.mark.parametrize(("sample_rate", "seconds"), [(8000, 2.5), (16000, 2.0), (11025, 1.7), (44100, 1.2)])
def test_equals_the_definition_at_its_own_thresholds(
    speech: Callable[..., np.ndarray], sample_rate: int, seconds: float
) -> None:
    samples = speech(seconds, sample_rate=sample_rate)
    expected = p56_written_out(samples, sample_rate, own_thresholds(samples, sample_rate))
    # The envelope is taken every 0.5 ms here, every sample there.
    assert active_level_db(samples, sample_rate=sample_rate) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("quieter_db", "expected_db"), [(14.0, -22.84), (16.0, -22.90)])
def test_thresholds_are_close_enough_for_speech_of_two_levels(quieter_db: float, expected_db: float) -> None:
    """Where the active time changes at once, thresholds 6 dB apart would be off by half a decibel."""
    samples = 0.1 * np.random.default_rng(0).standard_normal(4 * RATE_HZ)
    samples[2 * RATE_HZ :] *= 10 ** (-quieter_db / 20)
    loudest = own_thresholds(samples, RATE_HZ)[-1]
    written_out = p56_written_out(samples, RATE_HZ, [loudest * 2.0 ** (-power / 16) for power in range(80, -1, -1)])
    assert written_out == pytest.approx(expected_db, abs=0.05)
    assert active_level_db(samples, sample_rate=RATE_HZ) == pytest.approx(written_out, abs=0.05)


@pytest.mark.parametrize("length", [1, 7, 8, 8001, 32_768, 32_769, 70_003])
def test_blocks_are_means_and_what_is_missing_from_the_last_is_zero(length: int) -> None:
    samples = np.random.default_rng(length).standard_normal(length)
    padded = np.pad(np.abs(samples), (0, -length % 8))
    np.testing.assert_allclose(_rectified(samples, 8), padded.reshape(-1, 8).mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("silence_s", [0.0, 2.0, 20.0, 60.0])
def test_tone_burst_has_the_level_of_its_tone(silence_s: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(20 * RATE_HZ) / RATE_HZ)
    samples = np.concatenate([tone, np.zeros(round(silence_s * RATE_HZ))])
    # The burst counts as active for the hangover, and while the envelope falls to the threshold, longer.
    longest_s = 20 + (0.2 + 0.15 if silence_s else 0.0)
    level_db = 20 * math.log10(0.5 / math.sqrt(2))
    measured = active_level_db(samples, sample_rate=RATE_HZ)
    assert level_db - 10 * math.log10(longest_s / 20) - 0.001 <= measured <= level_db + 0.02


@pytest.mark.parametrize(("silence_s", "share"), [(0.0, 1.0), (20.0, 0.5), (60.0, 0.25)])
def test_activity_is_the_share_of_time_with_sound(silence_s: float, share: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(20 * RATE_HZ) / RATE_HZ)
    samples = np.concatenate([tone, np.zeros(round(silence_s * RATE_HZ))])
    level_db, active = activity(samples, sample_rate=RATE_HZ)
    assert level_db == active_level_db(samples, sample_rate=RATE_HZ)
    # On 20 s of sound the envelope rises late, by 0.03 s; the hangover and its tail make up for more.
    assert share - 2e-3 <= active <= share * (1 + 0.35 / 20)
    power = np.mean(samples**2)
    assert power / active == pytest.approx(10 ** (level_db / 10))


def test_what_is_too_short_to_judge_is_active_throughout() -> None:
    assert activity(np.ones(10), sample_rate=RATE_HZ) == (0.0, 1.0)
    click = np.zeros(RATE_HZ)
    click[4000] = 1.0
    assert activity(click, sample_rate=RATE_HZ)[1] == 1.0


def test_one_hour_is_measured_like_its_parts(speech: Callable[..., np.ndarray]) -> None:
    part = speech(14.4, sample_rate=4000)
    hour = np.tile(part, 250)
    assert active_level_db(hour, sample_rate=4000) == pytest.approx(active_level_db(part, sample_rate=4000), abs=0.05)


def test_gaps_shorter_than_the_hangover_are_speech() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8 * RATE_HZ) / RATE_HZ)
    time_s = np.arange(len(tone)) / RATE_HZ
    short, long = tone * (time_s % 0.2 < 0.1), tone * (time_s % 2.0 < 1.0)
    full_db = rms_level_db(tone)
    assert active_level_db(short, sample_rate=RATE_HZ) == pytest.approx(full_db - 3.01, abs=0.1)
    # One second on and one off: the hangover and the envelope's tail add up to 0.35 s to each second.
    assert full_db - 10 * math.log10(1.35) < active_level_db(long, sample_rate=RATE_HZ) < full_db - 0.7


@given(
    seed=st.integers(0, 50),
    gain=st.floats(1e-4, 1e4),
    before_s=st.floats(0, 3),
    after_s=st.floats(0, 3),
    sample_rate=st.sampled_from([8000, 16000, 48000]),
)
@settings(max_examples=40, deadline=None)
def test_silence_changes_nothing_and_gain_adds_its_decibels(
    speech: Callable[..., np.ndarray], seed: int, gain: float, before_s: float, after_s: float, sample_rate: int
) -> None:
    samples = np.concatenate([speech(1.5, sample_rate=sample_rate, seed=seed), np.zeros(sample_rate)])
    level_db = active_level_db(samples, sample_rate=sample_rate)
    silences = [np.zeros(round(seconds * sample_rate)) for seconds in (before_s, after_s)]
    padded = np.concatenate([silences[0], gain * samples, silences[1]])
    measured = active_level_db(padded, sample_rate=sample_rate)
    assert measured == pytest.approx(level_db + 20 * math.log10(gain), abs=1e-6)


def test_the_rate_does_not_matter(speech: Callable[..., np.ndarray]) -> None:
    samples = speech(4.0, sample_rate=8000)
    measured = active_level_db(np.repeat(samples, 2), sample_rate=16000)
    assert measured == pytest.approx(active_level_db(samples, sample_rate=8000), abs=0.02)


@pytest.mark.parametrize("length", [1, 2, 100, 1600])
def test_short_signals_have_their_plain_level(length: int) -> None:
    samples = np.random.default_rng(1).standard_normal(length)
    assert active_level_db(samples, sample_rate=RATE_HZ) == rms_level_db(samples)


def test_a_click_has_its_plain_level() -> None:
    click = np.zeros(RATE_HZ)
    click[4000] = 1.0
    assert active_level_db(click, sample_rate=RATE_HZ) == pytest.approx(-10 * math.log10(RATE_HZ))


@pytest.mark.parametrize("length", [0, 1, 5000])
def test_silence_has_no_level(length: int) -> None:
    with pytest.raises(InputError, match="silent utterance: SNR undefined"):
        active_level_db(np.zeros(length), sample_rate=RATE_HZ)


def test_plain_level() -> None:
    assert rms_level_db(np.full(10, 0.1)) == pytest.approx(-20.0)
    assert rms_level_db(np.full(10, 0.1, dtype=np.float32)) == pytest.approx(-20.0)
    assert rms_level_db(np.zeros(10)) == -math.inf


def test_real_speech_is_louder_than_its_average(shared_data: Path) -> None:
    for path in sorted((shared_data / "timit_nltk_sample" / "dr1-fvmh0").glob("*.wav")):
        samples = read_audio(path, sample_rate=16000).samples.astype(np.float64)
        active_db = active_level_db(samples, sample_rate=16000)
        coarse = p56_written_out(samples, 16000, [2.0**-power for power in range(15, 0, -1)])
        assert active_db == pytest.approx(coarse, abs=0.25)
        assert 0.1 < active_db - rms_level_db(samples) < 3


def test_real_speech_has_the_level_of_the_definition(shared_data: Path) -> None:
    for path in sorted((shared_data / "timit_nltk_sample" / "dr6-mbma1").glob("*.wav"))[:4]:
        samples = read_audio(path, sample_rate=16000).samples.astype(np.float64)
        expected = p56_written_out(samples, 16000, own_thresholds(samples, 16000))
        assert active_level_db(samples, sample_rate=16000) == pytest.approx(expected, abs=0.05)
