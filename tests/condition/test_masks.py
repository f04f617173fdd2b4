"""Masks of telephones: what comes out of a condition lies within the limits of the standard and near its filters."""

import numpy as np
import pytest

from asrfair.condition.apply import apply_condition
from asrfair.condition.card import Condition, Step
from asrfair.condition.masks import gain_db

STANDARDS = ("p48-send", "p830-modified-send", "g712", "p341-send")
RATES_HZ = (8000, 16000, 44100, 48000)

# ITU-T P.48 (1988), table 2, in dB relative to 1 V/Pa; straight lines over the logarithm of frequency. As quoted in the
# package FilterDesign of McGill University, Example3.
P48_UPPER = {100: -41, 200: -16, 400: -6, 3400: 6, 3600: 4, 6000: -60}
P48_LOWER = {200: -21, 400: -11, 3000: -1, 3400: -4}
P48_AT_1_KHZ = -3.7
# Loss of the filter SRAEN: what the modified system leaves out of P.48 (manual of ITU-T G.191, table of IRS responses).
SRAEN = {100: 14.1, 125: 11.4, 160: 8.4, 200: 5.9, 250: 4.0, 300: 2.8, 400: 1.4, 500: 0.6, 800: 0.0, 1250: 0.0}
SRAEN |= {2000: -0.2, 2500: -0.5, 3000: 0.5, 3500: 7.0, 4000: 33.7, 5000: 43.2}
# 3GPP TS 26.131 (release 18), table 13: wideband sending, in dB on a scale that may be moved.
WIDE_UPPER = {100: 0, 200: 5, 5000: 5, 6300: 5, 8000: 5}
WIDE_LOWER = {200: -5, 5000: -5, 6300: -10}
# Gains in dB, relative to 1 kHz, of the filters of ITU-T G.191, evaluated from the coefficients in its software:
# fir-irs.c (IRS at 8 and 16 kHz, and modified at 48 kHz), fir-wb.c (P.341 at 16 kHz), cascg712.c (G.712 at 8 kHz).
IRS_8_KHZ = {125: -32.1, 200: -15.5, 300: -7.2, 400: -4.2, 630: -1.9, 1600: 3.6, 2500: 5.5, 3150: 5.5, 3500: -3.5}
IRS_16_KHZ = {125: -32.4, 200: -15.8, 300: -8.2, 400: -5.2, 630: -2.8, 1600: 2.9, 2500: 4.9, 3150: 4.9, 3500: -3.6}
MODIFIED_48_KHZ = {100: -28.2, 125: -20.8, 200: -9.3, 300: -4.9, 500: -2.6, 1600: 3.2, 2500: 5.0, 3500: 3.4, 5000: -5.3}
WIDE_16_KHZ = {
    31.5: -12.1,
    40: -6.6,
    50: -2.6,
    63: -0.2,
    100: 0.0,
    300: 0.0,
    2000: 0.2,
    6300: 0.2,
    6800: 0.2,
    7000: -3.2,
}


def measured(standard: str, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and gains in dB of what a condition makes of an impulse, long enough for several blocks."""
    impulse = np.zeros(6 * sample_rate)
    impulse[3 * sample_rate] = 1.0
    condition = Condition("mask", "", None, (Step("telephone_mask", {"standard": standard}),), "")
    heard = apply_condition(condition, impulse, sample_rate=sample_rate, seed=1, utterance_id="u").astype(np.float64)
    frequency_hz = np.fft.rfftfreq(len(heard), 1 / sample_rate)
    return frequency_hz, 20 * np.log10(np.abs(np.fft.rfft(heard)) + 1e-12)


def gains_at(standard: str, sample_rate: int, frequencies: "list[float]") -> np.ndarray:
    return np.interp(frequencies, *measured(standard, sample_rate))


def lines(limits: dict[int, int], frequency_hz: np.ndarray) -> np.ndarray:
    return np.interp(np.log(frequency_hz), np.log(list(limits)), list(limits.values()))


@pytest.mark.parametrize("sample_rate", RATES_HZ)
def test_p48_is_within_its_tolerances(sample_rate: int) -> None:
    frequency_hz, gain = measured("p48-send", sample_rate)
    gain = gain + P48_AT_1_KHZ
    highest = min(6000, sample_rate / 2 - 1)
    below = (frequency_hz >= 100) & (frequency_hz <= highest)
    assert np.all(gain[below] <= lines(P48_UPPER, frequency_hz[below]))
    above = (frequency_hz >= 200) & (frequency_hz <= 3400)
    assert np.all(gain[above] >= lines(P48_LOWER, frequency_hz[above]))


def test_p48_is_as_the_filters_of_g191() -> None:
    # Made to lie within 0.5 dB of the table; at 3500 Hz its slope is 80 dB an octave.
    for filtered in (IRS_8_KHZ, IRS_16_KHZ):
        error = gains_at("p48-send", 16000, list(filtered)) - np.array(list(filtered.values()))
        assert np.abs(error).max() < 0.7


def test_modified_p48_is_p48_without_its_filter() -> None:
    removed = gains_at("p830-modified-send", 16000, list(SRAEN)) - gains_at("p48-send", 16000, list(SRAEN))
    np.testing.assert_allclose(removed, list(SRAEN.values()), atol=0.15)


def test_modified_p48_is_as_the_filter_of_g191() -> None:
    error = gains_at("p830-modified-send", 48000, list(MODIFIED_48_KHZ)) - np.array(list(MODIFIED_48_KHZ.values()))
    assert np.abs(error).max() < 0.35


@pytest.mark.parametrize("sample_rate", RATES_HZ)
def test_g712_passes_the_telephone_band_and_rejects_the_rest(sample_rate: int) -> None:
    # The rejection of 25 dB is quoted in the manual of G.191; the other limits are those of data sheets of codecs.
    frequency_hz, gain = measured("g712", sample_rate)
    assert np.abs(gain[(frequency_hz >= 300) & (frequency_hz <= 3000)]).max() < 0.25
    assert gain[(frequency_hz >= 300) & (frequency_hz <= 3400)].min() > -0.9
    assert gain[frequency_hz <= 200].max() < -2.9
    # From 3400 to 4600 Hz at least 14 (1 − sin(π (4000 − f) / 1200)) dB are lost, from 4600 Hz on 25 dB.
    slope = (frequency_hz >= 3400) & (frequency_hz <= min(4600, sample_rate / 2))
    lost = 14 * (1 - np.sin(np.pi * (4000 - frequency_hz[slope]) / 1200))
    assert np.all(-gain[slope] >= lost)
    assert np.all(gain[frequency_hz >= 4600] <= -25)


def test_g712_ends_where_the_filters_of_g191_do() -> None:
    frequency_hz, gain = measured("g712", 16000)
    passed = frequency_hz[gain >= -3.01]
    assert 174 <= passed.min() <= 230
    assert 3530 <= passed.max() <= 3630


@pytest.mark.parametrize("sample_rate", [16000, 48000])
def test_p341_is_within_the_limits_for_wideband_telephones(sample_rate: int) -> None:
    frequency_hz, gain = measured("p341-send", sample_rate)
    below = (frequency_hz >= 100) & (frequency_hz <= min(8000, sample_rate / 2))
    # At 100 Hz the upper limit is touched, up to the rounding of float32.
    assert np.all(gain[below] <= lines(WIDE_UPPER, frequency_hz[below]) + 0.01)
    above = (frequency_hz >= 200) & (frequency_hz <= 6300)
    assert np.all(gain[above] >= lines(WIDE_LOWER, frequency_hz[above]))


def test_p341_is_as_the_filter_of_g191() -> None:
    error = gains_at("p341-send", 16000, list(WIDE_16_KHZ)) - np.array(list(WIDE_16_KHZ.values()))
    assert np.abs(error).max() < 0.3


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("sample_rate", RATES_HZ)
def test_gain_is_0_db_at_1_khz_and_words_stay_in_place(standard: str, sample_rate: int) -> None:
    assert gains_at(standard, sample_rate, [1000])[0] == pytest.approx(0, abs=0.01)
    impulse = np.zeros(4001)
    impulse[2000] = 1.0
    condition = Condition("mask", "", None, (Step("telephone_mask", {"standard": standard}),), "")
    heard = apply_condition(condition, impulse, sample_rate=sample_rate, seed=1, utterance_id="u")
    assert int(np.argmax(np.abs(heard))) == 2000
    np.testing.assert_allclose(heard, heard[::-1], atol=1e-5)


@pytest.mark.parametrize("standard", STANDARDS)
def test_hum_and_ultrasound_are_gone(standard: str) -> None:
    frequency_hz, gain = measured(standard, 48000)
    assert gain[frequency_hz <= 10].max() < -40
    assert gain[frequency_hz >= 10000].max() < -40


def test_between_points_the_gain_is_straight_over_the_logarithm_of_frequency() -> None:
    points = ((100.0, -20.0), (400.0, 0.0), (1600.0, -10.0))
    found = gain_db(np.array([100.0, 200.0, 400.0, 800.0, 1600.0]), points)
    np.testing.assert_allclose(found, [-20, -10, 0, -5, -10])


def test_beyond_the_points_the_gain_stays_or_falls_to_the_floor() -> None:
    points = ((100.0, -20.0), (400.0, 0.0), (1600.0, -10.0))
    beyond = np.array([0.0, 25.0, 50.0, 3200.0, 6400.0, 96000.0])
    np.testing.assert_allclose(gain_db(beyond, points), [-20, -20, -20, -10, -10, -10])
    np.testing.assert_allclose(gain_db(beyond, points, floor_db=-35.0), [-35, -35, -30, -15, -20, -35], atol=0.01)


def test_a_floor_never_lets_the_gain_rise() -> None:
    rising = ((100.0, 0.0), (400.0, -10.0), (1600.0, 5.0))
    np.testing.assert_allclose(gain_db(np.array([10.0, 16000.0]), rising, floor_db=-90.0), [0, 5])
