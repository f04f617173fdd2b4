"""Linear effects and changes of rate against scipy, whole and in blocks."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import butter, fftconvolve, firwin2, sosfiltfilt

import asrfair.condition.linear
from asrfair.condition.bands import band_pass
from asrfair.condition.effect import Circumstances, Linear
from asrfair.condition.linear import Response, gain_filter, impulse_response, render, transfer_of

RATES = [8000, 16000, 22050, 44100, 48000]


def named(linear: Linear) -> Response:
    return Response((id(linear),), linear)


def through(signal: np.ndarray, *linears: Linear, rate: int = 16000) -> np.ndarray:
    responses = [named(linear) for linear in linears]
    return render(signal, responses, from_hz=rate, to_hz=rate, working_hz=rate, length=len(signal))


def resampled(signal: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    length = max(1, round(len(signal) * to_hz / from_hz))
    return render(signal, [], from_hz=from_hz, to_hz=to_hz, working_hz=from_hz, length=length)


def assert_as_good_as_single_precision(heard: np.ndarray, whole: np.ndarray, part: slice) -> None:
    """A millionth of the loudest sound of the whole convolution, of which a part is heard."""
    np.testing.assert_allclose(heard, whole[part], rtol=0, atol=1e-6 * np.abs(whole).max())


def decaying(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count) * np.exp(-5 * np.arange(count) / count)


def noise(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count)


@given(count=st.integers(1, 3000), size=st.integers(1, 3000), place=st.floats(0, 1), seed=st.integers(0, 99))
@example(count=1, size=1, place=0.0, seed=0)
@example(count=1, size=3000, place=1.0, seed=0)
@settings(max_examples=60, deadline=None)
def test_convolution_is_scipy_s(count: int, size: int, place: float, seed: int) -> None:
    signal, response, origin = noise(count, seed), decaying(size, seed), int(place * (size - 1))
    heard = through(signal, impulse_response(response, sample_rate=16000, origin=origin))
    assert_as_good_as_single_precision(heard, fftconvolve(signal, response), slice(origin, origin + count))


@pytest.mark.parametrize("count", [1, 2, 399, 400, 401, 32_767, 32_768, 32_769, 65_536, 200_000])
@pytest.mark.parametrize("size", [1, 2, 8000, 40_000])
@pytest.mark.parametrize("origin_share", [0.0, 0.1, 1.0])
def test_convolution_in_many_blocks_is_scipy_s(count: int, size: int, origin_share: float) -> None:
    signal, response, origin = noise(count), decaying(size), int(origin_share * (size - 1))
    heard = through(signal, impulse_response(response, sample_rate=16000, origin=origin))
    assert_as_good_as_single_precision(heard, fftconvolve(signal, response), slice(origin, origin + count))


@given(
    count=st.integers(1, 50_000),
    sizes=st.lists(st.integers(1, 4000), min_size=2, max_size=4),
    rate=st.sampled_from(RATES),
)
@settings(max_examples=25, deadline=None)
def test_chained_responses_are_one_after_the_other(count: int, sizes: list[int], rate: int) -> None:
    linears = [impulse_response(decaying(size, size), sample_rate=rate, origin=size // 3) for size in sizes]
    signal = noise(count)
    responses = np.ones(1)
    for size in sizes:
        responses = fftconvolve(responses, decaying(size, size))
    origin = sum(size // 3 for size in sizes)
    heard = through(signal, *linears, rate=rate)
    assert_as_good_as_single_precision(heard, fftconvolve(signal, responses), slice(origin, origin + count))


@pytest.mark.parametrize("rate", RATES)
def test_filters_by_gain_are_scipy_s(rate: int) -> None:
    """A symmetric filter of 801 taps, given by its gain: the same as convolving with the taps."""
    taps = firwin2(801, [0, 0.1, 0.3, 0.6, 1.0], [0, 1, 1, 0.2, 0])

    def gain(frequency_hz: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * frequency_hz[:, None] / rate * np.arange(1, 401)[None, :]
        return np.asarray(taps[400] + 2 * np.cos(phase) @ taps[401:])

    linear = gain_filter(lambda hz: np.concatenate([gain(part) for part in np.array_split(hz, 64)]), sample_rate=rate)
    signal = noise(3 * rate // 4)
    assert_as_good_as_single_precision(
        through(signal, linear, rate=rate), fftconvolve(signal, taps, "same"), slice(None)
    )


def test_band_pass_is_a_butterworth_filter_run_both_ways() -> None:
    rate, signal = 48000, noise(100_000)
    linear = band_pass(Circumstances(rate, np.random.default_rng(0)), low_hz=300, high_hz=3400)
    heard = through(signal, linear, rate=rate)
    sos = np.vstack([butter(4, 300, "highpass", fs=rate, output="sos"), butter(4, 3400, fs=rate, output="sos")])
    other = sosfiltfilt(sos, signal)
    middle = slice(5000, -5000)
    # The bilinear transform warps the upper edge by a few hertz.
    assert np.corrcoef(heard[middle], other[middle])[0, 1] > 0.999


def in_one_block(call: Callable[[], np.ndarray], monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr(asrfair.condition.linear, "BLOCK", 1 << 23)
        return call()


CHAINS: list[tuple[str, int, int, int]] = [
    ("rir", 16000, 16000, 16000),
    ("rir", 16000, 8000, 16000),
    ("rir", 8000, 16000, 16000),
    ("rir", 8000, 48000, 16000),
    ("rir", 48000, 8000, 22050),
    ("rir", 44100, 16000, 44100),
    ("none", 44100, 8000, 44100),
    ("none", 8000, 22050, 22050),
    ("none", 48000, 44100, 48000),
    ("gain", 16000, 8000, 16000),
    ("gain", 16000, 16000, 16000),
    ("gain", 22050, 16000, 22050),
    # Between two codecs of one rate, at a working rate above and below it.
    ("rir", 8000, 8000, 16000),
    ("rir", 48000, 48000, 16000),
    ("gain", 48000, 48000, 16000),
    ("gain", 8000, 8000, 22050),
]


@pytest.mark.parametrize(("kind", "from_hz", "to_hz", "working_hz"), CHAINS)
def test_blocks_cannot_be_heard(
    kind: str, from_hz: int, to_hz: int, working_hz: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seams between blocks: as one huge block, to less than half a step of 16 bits."""
    circumstances = Circumstances(working_hz, np.random.default_rng(0))
    linears = {
        "rir": [impulse_response(decaying(working_hz // 4), sample_rate=working_hz, origin=working_hz // 50)],
        "gain": [band_pass(circumstances, low_hz=300, high_hz=3400)],
        "none": [],
    }[kind]
    signal = noise(200_000)

    def call() -> np.ndarray:
        return render(
            signal,
            [named(linear) for linear in linears],
            from_hz=from_hz,
            to_hz=to_hz,
            working_hz=working_hz,
            length=round(len(signal) * to_hz / from_hz),
        )

    whole = in_one_block(call, monkeypatch)
    np.testing.assert_allclose(call(), whole, atol=1.5e-5 * np.std(whole))


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("to_hz", RATES)
def test_tones_below_the_edge_are_resampled_exactly(from_hz: int, to_hz: int) -> None:
    edge_hz = 0.92 * min(from_hz, to_hz) / 2
    for share in (0.01, 0.2, 0.7, 0.985):
        tone_hz = share * edge_hz

        def tone(rate: int, tone_hz: float = tone_hz) -> np.ndarray:
            return np.cos(2 * np.pi * tone_hz * np.arange(rate // 2) / rate + 0.3)

        heard, expected = resampled(tone(from_hz), from_hz, to_hz), tone(to_hz)
        assert len(heard) == len(expected)
        middle = slice(to_hz // 8, -to_hz // 8)
        np.testing.assert_allclose(heard[middle], expected[middle], atol=1e-3)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48000, 8000), (44100, 16000), (22050, 8000), (16000, 8000)])
def test_tones_above_half_the_lower_rate_are_gone(from_hz: int, to_hz: int) -> None:
    for share in (1.01, 1.2):
        signal = np.cos(2 * np.pi * share * to_hz / 2 * np.arange(from_hz) / from_hz)
        assert np.abs(resampled(signal, from_hz, to_hz)[to_hz // 8 : -to_hz // 8]).max() < 1e-3


@given(count=st.integers(1, 200_000), from_hz=st.sampled_from(RATES), to_hz=st.sampled_from(RATES))
@example(count=1, from_hz=8000, to_hz=48000)
@example(count=1, from_hz=48000, to_hz=8000)
@example(count=1, from_hz=22050, to_hz=16000)
@settings(max_examples=30, deadline=None)
def test_lengths(count: int, from_hz: int, to_hz: int) -> None:
    heard = resampled(noise(count), from_hz, to_hz)
    assert len(heard) == max(1, round(count * to_hz / from_hz))
    assert np.isfinite(heard).all()


@pytest.mark.parametrize(("low", "high"), list(pairwise(RATES)))
def test_there_and_back_keeps_the_band_and_the_place(low: int, high: int) -> None:
    """A pulse within the band comes back as it was, in its place."""
    time_s = (np.arange(low) - low // 2) / low
    pulse = np.exp(-((time_s * low / 6) ** 2)) * np.cos(2 * np.pi * low / 8 * time_s)
    back = resampled(resampled(pulse, low, high), high, low)
    np.testing.assert_allclose(back, pulse, atol=1e-4)


@pytest.mark.parametrize("rates", [(11025, 16000), (16000, 11025), (8000, 44100), (192_000, 16_000), (4000, 192_000)])
def test_odd_rates(rates: tuple[int, int]) -> None:
    from_hz, to_hz = rates
    signal = np.cos(2 * np.pi * 700 * np.arange(from_hz) / from_hz)
    heard = resampled(signal, from_hz, to_hz)
    expected = np.cos(2 * np.pi * 700 * np.arange(to_hz) / to_hz)
    np.testing.assert_allclose(heard[to_hz // 8 : -to_hz // 8], expected[to_hz // 8 : -to_hz // 8], atol=1e-3)


def test_a_rate_between_codecs_limits_the_band_once() -> None:
    """48 kHz, a filter at a working rate of 16 kHz, 48 kHz: nothing above 8 kHz, and no brick wall."""
    signal = np.zeros(48_000)
    signal[24_000] = 1.0
    unity = gain_filter(np.ones_like, sample_rate=16000)
    heard = render(signal, [named(unity)], from_hz=48000, to_hz=48000, working_hz=16000, length=48_000)
    spectrum = np.abs(np.fft.rfft(heard))
    np.testing.assert_allclose(spectrum[:7300], 1, atol=1e-3)
    assert spectrum[8010:].max() < 1e-3
    assert spectrum[7680] == pytest.approx(0.5, abs=0.01)


def test_nothing_to_do_is_a_matter_of_length() -> None:
    signal = noise(100)
    np.testing.assert_array_equal(through(signal), signal)
    longer = render(signal, [], from_hz=8000, to_hz=8000, working_hz=16000, length=103)
    np.testing.assert_array_equal(longer, np.append(signal, np.zeros(3)))


def test_a_response_is_transformed_once() -> None:
    calls = []
    inner = impulse_response(decaying(800), sample_rate=16000)

    def spectrum(size: int) -> np.ndarray:
        calls.append(size)
        return np.asarray(inner.spectrum(size))

    linear = Linear(spectrum, inner.before_s, inner.after_s)
    for count in (160_000, 160_000, 161_000):
        through(noise(count), linear)
    assert len(calls) == 1
    assert math.log2(calls[0]).is_integer() or calls[0] % 2 == 0


def test_equal_keys_share_and_different_keys_do_not() -> None:
    first, second = (impulse_response(decaying(50, seed), sample_rate=16000) for seed in (1, 2))
    same = Response(("room", 1), first), Response(("room", 1), second)
    other = Response(("room", 2), second)
    transfer_of.cache_clear()
    shared = [transfer_of((response,), 16000, 16000, 16000, 1024) for response in (*same, other)]
    assert shared[0] is shared[1]
    assert not np.allclose(shared[0], shared[2])
