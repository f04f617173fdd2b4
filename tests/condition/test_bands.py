"""Band limits: their gains, that nothing is delayed, and what does not fit the rate."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, freqz

from asrfair.condition import apply_condition, load_condition
from asrfair.condition.bands import band_pass, high_pass, low_pass
from asrfair.condition.card import Condition, check_ready
from asrfair.condition.effect import Circumstances, Linear
from asrfair.condition.linear import Response, render
from asrfair.errors import CardError

RATES = [8000, 16000, 22050, 44100, 48000]


def at(sample_rate: int) -> Circumstances:
    return Circumstances(sample_rate, np.random.default_rng(0))


def heard(linear: Linear, signal: np.ndarray, sample_rate: int) -> np.ndarray:
    rates = {"from_hz": sample_rate, "to_hz": sample_rate, "working_hz": sample_rate}
    return render(signal, [Response((id(linear),), linear)], length=len(signal), **rates)


def gain_at(linear: Linear, hz: float, sample_rate: int) -> float:
    """The gain of a cosine at the middle of two seconds, in dB: the response itself, not its formula."""
    impulse = np.zeros(2 * sample_rate)
    impulse[sample_rate] = 1.0
    response = heard(linear, impulse, sample_rate)
    phase = 2 * np.pi * hz * (np.arange(len(response)) - sample_rate) / sample_rate
    return 20 * np.log10(abs(response @ np.exp(-1j * phase)))


def card(tmp_path: Path, effect: str) -> Condition:
    path = tmp_path / "card.toml"
    path.write_text(f'summary = "s"\nsource = "s"\n[[effect]]\n{effect}\n', encoding="utf-8")
    return load_condition(str(path))


def applied(condition: Condition, signal: np.ndarray, sample_rate: int) -> np.ndarray:
    return apply_condition(condition, signal, sample_rate=sample_rate, seed=1, utterance_id="u")


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("order", [1, 4, 8])
def test_gains_are_those_of_a_butterworth_filter_run_both_ways(sample_rate: int, order: int) -> None:
    cut_hz = 1000.0
    for build, kind in ((low_pass, "lowpass"), (high_pass, "highpass")):
        linear = build(at(sample_rate), cut_hz=cut_hz, order=order)
        assert gain_at(linear, cut_hz, sample_rate) == pytest.approx(-6.0206, abs=0.01)
        # The analogue prototype, squared: scipy's, with the frequencies of its own warping.
        b, a = butter(order, cut_hz, kind, analog=True)
        for hz in (250.0, 700.0, 1500.0, 3000.0):
            s = 1j * hz
            squared = abs(np.polyval(b, s) / np.polyval(a, s)) ** 2
            # Below, the error of single precision shows.
            if squared > 1e-4:
                assert gain_at(linear, hz, sample_rate) == pytest.approx(20 * np.log10(squared), abs=0.02)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_band_pass_against_scipy_run_both_ways(sample_rate: int) -> None:
    linear = band_pass(at(sample_rate), low_hz=300.0, high_hz=3400.0)
    assert gain_at(linear, 300, sample_rate) == pytest.approx(-6.02, abs=0.05)
    assert gain_at(linear, 3400, sample_rate) == pytest.approx(-6.02, abs=0.05)
    assert gain_at(linear, 100, sample_rate) < -60
    if sample_rate == 48000:
        # Far below half the rate the digital filter is the analogue one.
        edges = butter(4, 300, "highpass", fs=sample_rate), butter(4, 3400, "lowpass", fs=sample_rate)
        for hz in (200, 250, 400, 600, 1000, 2500, 3000, 3800):
            both = [abs(freqz(*edge, worN=[hz], fs=sample_rate)[1][0]) ** 2 for edge in edges]
            assert gain_at(linear, hz, sample_rate) == pytest.approx(20 * np.log10(both[0] * both[1]), abs=0.4)


@pytest.mark.parametrize("build", [low_pass, high_pass])
def test_nothing_is_delayed(build: object) -> None:
    impulse = np.zeros(4001)
    impulse[2000] = 1.0
    response = heard(build(at(16000), cut_hz=1200.0), impulse, 16000)  # type: ignore[operator]
    assert int(np.argmax(np.abs(response))) == 2000
    np.testing.assert_allclose(response, response[::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            'type = "band_pass"\nlow_hz = 300\nhigh_hz = 4000',
            r"band_pass: found low_hz 300, high_hz 4000; expected low",
        ),
        (
            'type = "band_pass"\nlow_hz = 3000\nhigh_hz = 300',
            r"expected low_hz < high_hz < 4000, half the working rate",
        ),
        ('type = "low_pass"\ncut_hz = 4000', r"low_pass: found cut_hz 4000; expected one below 4000, half the working"),
        ('type = "high_pass"\ncut_hz = 4500', r"high_pass: found cut_hz 4500; expected one below 4000, half the work"),
        ('type = "resample_through"\nrate_hz = 8000', r"found rate_hz 8000; expected one below 8000, the working rate"),
    ],
)
def test_bands_that_do_not_fit_the_rate_are_told_before_the_run(tmp_path: Path, effect: str, message: str) -> None:
    condition = card(tmp_path, effect)
    with pytest.raises(CardError, match=message):
        check_ready([condition], sample_rate=8000)
    check_ready([load_condition("telephone")], sample_rate=16000)


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
def test_through_a_lower_rate(tmp_path: Path, sample_rate: int) -> None:
    condition = card(tmp_path, 'type = "resample_through"\nrate_hz = 8000')
    time_s = np.arange(sample_rate) / sample_rate
    kept, gone = np.sin(2 * np.pi * 3600 * time_s), np.sin(2 * np.pi * 4050 * time_s)
    middle = slice(sample_rate // 4, -sample_rate // 4)
    np.testing.assert_allclose(applied(condition, kept, sample_rate)[middle], kept[middle], atol=1e-4)
    assert np.abs(applied(condition, gone, sample_rate)[middle]).max() < 1e-4


@given(
    count=st.integers(1, 400),
    sample_rate=st.sampled_from(RATES),
    effect=st.sampled_from(["band_pass", "low_pass", "high_pass", "resample_through"]),
)
@settings(max_examples=40, deadline=None)
def test_lengths_are_kept_and_silence_stays_silent(
    tmp_path_factory: pytest.TempPathFactory, count: int, sample_rate: int, effect: str
) -> None:
    values = {"band_pass": "low_hz = 300\nhigh_hz = 3400", "resample_through": "rate_hz = 6000"}
    text = f'type = "{effect}"\n{values.get(effect, "cut_hz = 1000")}'
    condition = card(tmp_path_factory.mktemp("cards"), text)
    signal = np.random.default_rng(count).uniform(-0.5, 0.5, count)
    assert len(applied(condition, signal, sample_rate)) == count
    assert not applied(condition, np.zeros(count), sample_rate).any()
