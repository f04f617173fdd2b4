"""What is measured of a waveform, against signals of which it is known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, lfilter, sosfiltfilt

from asrfair.audio import read_audio, resample
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.condition.measure import _quantile, bandwidth_hz, clipped_share, estimated_snr_db, measure

RATE = 16_000


def speech(seed: int, *, seconds: float = 4.0) -> np.ndarray:
    """Noise in the bands of three formants, in syllables with closures and two pauses: no noise of its own."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    source = lfilter([1.0], [1.0, -0.9], rng.normal(size=count))
    envelope = np.zeros(count)
    place = round(0.2 * RATE)
    while place < count - round(0.5 * RATE):
        length = round(rng.uniform(0.08, 0.25) * RATE)
        envelope[place : place + length] = np.hanning(length) * rng.uniform(0.3, 1.0)
        place += length + round(rng.choice([0.0, 0.06, 0.3], p=[0.4, 0.5, 0.1]) * RATE)
    return 0.05 * source * envelope


def with_noise(clean: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    gain_db = active_level_db(clean, sample_rate=RATE) - rms_level_db(noise) - snr_db
    return clean + noise * 10 ** (gain_db / 20)


def test_known_values_of_a_sine_between_silences() -> None:
    time = np.arange(2 * RATE) / RATE
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)
    signal = np.concatenate([np.zeros(RATE), tone, np.zeros(RATE)]).astype(np.float32)
    found = measure(signal, sample_rate=RATE)
    assert found.duration_s == 4.0
    assert found.active_s == pytest.approx(2.2, abs=0.1)  # the hangover of P.56 is 0.2 s
    assert found.active_level_db == pytest.approx(-9.03 - 10 * np.log10(found.active_s / 2), abs=0.05)
    assert found.peak_db == pytest.approx(-6.02, abs=0.01)
    assert 1000 <= found.bandwidth_hz < 1500  # its sudden start and end are heard as well
    assert found.clipped_share == 0.0
    # Of the 23 blocks that pass the gate, 17 are full and 6 hold a quarter, a half and three quarters.
    assert found.loudness_lufs == pytest.approx(-9.03 + 10 * np.log10(20 / 23), abs=0.05)


def test_nothing_is_known_of_silence() -> None:
    for length in (1, 100, RATE):
        found = measure(np.zeros(length, np.float32), sample_rate=RATE)
        assert (found.duration_s, found.active_s, found.clipped_share) == (length / RATE, 0.0, 0.0)
        assert (found.active_level_db, found.loudness_lufs, found.peak_db) == (None, None, None)
        assert (found.bandwidth_hz, found.estimated_snr_db) == (None, None)
    assert bandwidth_hz(np.zeros(RATE), sample_rate=RATE) is None
    assert estimated_snr_db(np.zeros(RATE), sample_rate=RATE) is None
    assert clipped_share(np.zeros(RATE)) == 0.0


@pytest.mark.parametrize("sample_rate", [4_000, 8_000, 44_100, 192_000])
@pytest.mark.parametrize("length", [1, 2, 50, 3_000])
def test_short_signals_at_any_rate_are_measured(sample_rate: int, length: int) -> None:
    signal = np.random.default_rng(1).normal(size=length)
    found = measure(signal, sample_rate=sample_rate)
    assert found.peak_db is not None
    assert found.active_level_db is not None
    # A window of 32 ms is the least that a bandwidth is told of.
    assert (found.bandwidth_hz is None) == (length < 0.032 * sample_rate)
    assert found.bandwidth_hz is None or 0 < found.bandwidth_hz <= sample_rate / 2


def test_gain_moves_levels_and_nothing_else() -> None:
    signal = with_noise(speech(1), np.random.default_rng(2).normal(size=4 * RATE), 20)
    loud, soft = (measure(gain * signal, sample_rate=RATE) for gain in (0.5, 0.05))
    assert loud.active_level_db - soft.active_level_db == pytest.approx(20, abs=1e-6)
    assert loud.loudness_lufs - soft.loudness_lufs == pytest.approx(20, abs=0.2)
    assert (loud.bandwidth_hz, loud.active_s) == (soft.bandwidth_hz, pytest.approx(soft.active_s))
    assert loud.estimated_snr_db == pytest.approx(soft.estimated_snr_db, abs=1e-6)


def test_the_clipped_share_is_that_of_samples_in_flat_tops() -> None:
    rng = np.random.default_rng(3)
    signal = np.cumsum(rng.normal(size=RATE)) / 100
    signal -= np.linspace(0, signal[-1], RATE)
    assert clipped_share(signal) == 0.0
    high, low = 0.6 * signal.max(), 0.5 * signal.min()
    one_side = np.clip(signal, None, high)

    def slow(clipped: np.ndarray, extreme: float) -> int:
        total, run = 0, 0
        for sample in [*clipped, np.nan]:
            if sample == extreme:
                run += 1
            else:
                total += run if run >= 3 else 0
                run = 0
        return total

    assert slow(one_side, high) > 100
    assert clipped_share(one_side) == slow(one_side, high) / RATE
    both = np.clip(signal, low, high)
    assert clipped_share(both) == (slow(both, high) + slow(both, low)) / RATE
    assert clipped_share(0.01 * both) == clipped_share(both)


def test_one_rounded_peak_is_not_clipped() -> None:
    time = np.arange(RATE) / RATE
    hum = np.rint(3000 * np.sin(2 * np.pi * 50 * time) * np.hanning(RATE)) / 32768
    assert np.count_nonzero(hum == hum.max()) >= 3
    assert clipped_share(hum) == 0.0
    runs = np.array([0.1, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5, -0.2])
    assert clipped_share(runs) == 7 / 13
    assert clipped_share(runs[:8]) == 0.0


def test_rounding_to_few_bits_is_not_clipping() -> None:
    slow = np.convolve(speech(3, seconds=8), np.hanning(40), mode="same")
    few = np.rint(3 * slow / slow.max()) / 128
    runs = np.diff(np.flatnonzero(np.diff(few == few.max(), prepend=0, append=0)))[::2]
    assert np.count_nonzero(runs >= 3) >= 2
    assert clipped_share(few) == 0.0
    assert clipped_share(np.where(slow > 0, 0.5, -0.5)) > 0.9  # nothing but the extremes
    # Pauses are the minimum of what is never below zero.
    assert clipped_share(np.abs(speech(1))) == 0.0


@pytest.mark.parametrize("edge_hz", [1_500, 3_400, 6_000])
def test_the_bandwidth_of_filtered_noise_is_where_it_falls_by_50_db(edge_hz: int) -> None:
    noise = np.random.default_rng(4).normal(size=4 * RATE)
    assert bandwidth_hz(noise, sample_rate=RATE) == 8_000
    order = 12
    low = sosfiltfilt(butter(order, edge_hz, fs=RATE, output="sos"), noise)
    # A Butterworth filter run both ways falls by 50 dB where its own response is −25 dB, in warped frequency.
    turn = np.tan(np.pi * edge_hz / RATE) * (10**2.5 - 1) ** (1 / (2 * order))
    wanted = np.arctan(turn) * RATE / np.pi
    assert bandwidth_hz(low, sample_rate=RATE) == pytest.approx(wanted, abs=130)
    assert bandwidth_hz(low + 0.3, sample_rate=RATE) == pytest.approx(wanted, abs=130)


SNRS = (5, 10, 15, 20, 25, 30)


def test_the_estimated_snr_of_generated_speech_in_white_noise() -> None:
    """The stated error, on speech with no noise of its own."""
    for snr_db in SNRS:
        errors = [
            estimated_snr_db(
                with_noise(speech(seed), np.random.default_rng(seed + 50).normal(size=4 * RATE), snr_db),
                sample_rate=RATE,
            )
            - snr_db
            for seed in range(10)
        ]
        assert np.mean(errors) == pytest.approx(0, abs=0.6), snr_db
        assert np.std(errors) < 0.5, snr_db


def test_the_noise_is_that_of_the_quietest_tenth() -> None:
    """Three tenths of a second of noise in two seconds are enough, a tenth of a second is not."""
    rng = np.random.default_rng(5)
    for pause_s, heard in ((0.3, True), (0.1, False)):
        loud = np.where(np.arange(2 * RATE) < pause_s * RATE, 0.001, 0.1) * rng.choice([-1.0, 1.0], 2 * RATE)
        found = estimated_snr_db(loud, sample_rate=RATE)
        assert (found == pytest.approx(40, abs=0.5)) if heard else found is None


def test_what_does_not_stand_out_has_no_snr() -> None:
    constant = np.tile([0.1, -0.1], RATE)
    assert estimated_snr_db(constant, sample_rate=RATE) is None
    assert estimated_snr_db(np.random.default_rng(1).normal(size=1000), sample_rate=RATE) is None
    quiet = np.concatenate([np.zeros(RATE), speech(1)])
    assert estimated_snr_db(quiet, sample_rate=RATE) < 101  # no better than 16 bits allow


def sentences(shared_data: Path, *, each: int) -> list[np.ndarray]:
    files = sorted((shared_data / "timit_nltk_sample").glob("dr*/*.wav"))[::each]
    return [read_audio(file, sample_rate=RATE).samples.astype(np.float64) for file in files]


def test_the_stated_error_of_the_snr_on_real_speech(shared_data: Path) -> None:
    stated = {0: (0.0, 0.2), 10: (-0.4, 0.2), 20: (-0.3, 0.3), 30: (-1.5, 1.4)}
    rng = np.random.default_rng(0)
    speech = sentences(shared_data, each=3)
    assert len(speech) == 54
    for snr_db, (mean, deviation) in stated.items():
        heard = [with_noise(sentence, rng.normal(size=len(sentence)), snr_db) for sentence in speech]
        errors = [estimated_snr_db(each, sample_rate=RATE) - snr_db for each in heard]
        assert np.mean(errors) == pytest.approx(mean, abs=0.3), snr_db
        assert np.std(errors) == pytest.approx(deviation, abs=0.3), snr_db


def test_the_stated_bandwidths_of_real_speech(shared_data: Path) -> None:
    band = butter(6, [300, 3400], "bandpass", fs=RATE, output="sos")
    for sentence in sentences(shared_data, each=8):
        assert bandwidth_hz(sentence, sample_rate=RATE) == 8_000
        narrow = resample(sosfiltfilt(band, sentence), from_hz=RATE, to_hz=8_000)
        telephone = resample(narrow, from_hz=8_000, to_hz=RATE)
        assert 3_400 <= bandwidth_hz(telephone, sample_rate=RATE) <= 4_000
    for file in sorted((shared_data / "fsdd" / "recordings").glob("*.wav"))[::20]:
        digit = read_audio(file, sample_rate=RATE).samples.astype(np.float64)
        assert 3_400 <= bandwidth_hz(digit, sample_rate=RATE) <= 4_000


def test_the_stated_clipping_found_in_real_speech(shared_data: Path) -> None:
    for sentence in sentences(shared_data, each=8):
        assert clipped_share(sentence) == 0.0
        assert clipped_share(np.rint(sentence * 128) / 128) == 0.0
        limit = 0.5 * np.abs(sentence).max()
        found = clipped_share(np.clip(sentence, -limit, limit))
        assert 0 < found <= np.mean(np.abs(sentence) >= limit)


def test_the_quantile_is_numpys_to_the_last_digit() -> None:
    draws = np.random.default_rng(1)
    for count in range(2, 400):
        for share in (0.1, 0.25, 0.5, 0.77):
            values = draws.random(count) ** 3
            assert _quantile(values, share) == float(np.quantile(values, share))
