"""G.711: tables of the standard, loss, edges."""

import io
import time

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition.effect import Circumstances
from asrfair.condition.g711 import codes_of_samples, decoding_table, g711, values_of_codes
from asrfair.condition.loss import lost_frames

SAMPLES = np.arange(-32768, 32768)


def at(seed: int = 0) -> Circumstances:
    return Circumstances(8000, np.random.default_rng(seed))


def standard(law: str) -> tuple[np.ndarray, np.ndarray]:
    """The positive decision values x(n) and quantised values y(n) of tables 1a and 2a, on the 16-bit scale.

    Segment by segment: intervals of the first, their number, and twice as wide in each segment after it.
    """
    if law == "mu":
        # 1 interval of 1 and 15 of 2, then 7 segments of 16 of 4, 8 ... 256; up to 8159.
        widths = [1] + [2] * 15 + [width for segment in range(1, 8) for width in [2 << segment] * 16]
        scale = 4
    else:
        # 32 intervals of 2, then 6 segments of 16 of 4, 8 ... 128; up to 4096.
        widths = [2] * 32 + [width for segment in range(1, 7) for width in [2 << segment] * 16]
        scale = 8
    decisions = np.concatenate([[0], np.cumsum(widths)])
    values = (decisions[:-1] + decisions[1:]) / 2
    if law == "mu":
        values[0] = 0
    return decisions * scale, values * scale


@pytest.mark.parametrize(("law", "last"), [("mu", 8159 * 4), ("a", 4096 * 8)])
def test_all_samples_against_the_standard_written_out(law: str, last: int) -> None:
    decisions, values = standard(law)
    assert decisions[-1] == last
    heard = decoding_table(law)[SAMPLES.astype(np.int16).view(np.uint16)] * 32768
    # Samples strictly between two decision values, and beyond the last: the value of their interval.
    for sign in (1, -1):
        magnitude = sign * SAMPLES
        inside = (magnitude > 0) & ~np.isin(magnitude, decisions)
        interval = np.minimum(np.searchsorted(decisions, magnitude[inside]) - 1, len(values) - 1)
        np.testing.assert_array_equal(heard[inside], sign * values[interval])
        # On a decision value the standard leaves both; here the upper of the two on the 16-bit scale.
        for number, decision in enumerate(decisions[1:-1], 1):
            upper = number if sign > 0 else number - 1
            assert sign * heard[32768 + sign * decision] == values[upper]


@pytest.mark.parametrize(("law", "coding"), [("mu", "ULAW"), ("a", "ALAW")])
def test_all_codes_against_libsndfile(law: str, coding: str) -> None:
    octets = bytes(range(256))
    decoded, _ = soundfile.read(
        io.BytesIO(octets), samplerate=8000, channels=1, format="RAW", subtype=coding, dtype="int16"
    )
    np.testing.assert_array_equal(values_of_codes(law), decoded)
    memory = io.BytesIO()
    soundfile.write(memory, SAMPLES.astype(np.int16), 8000, format="RAW", subtype=coding)
    theirs = np.frombuffer(memory.getvalue(), np.uint8)
    ours = codes_of_samples(law)[SAMPLES.astype(np.int16).view(np.uint16)]
    # libsndfile takes the other side at negative decision values, where the standard leaves it open.
    differing = set(SAMPLES[ours != theirs].tolist())
    assert differing <= set((-standard(law)[0]).tolist())


# Tables 2b and 1b: character signals as sent, and their values on the 14-bit and 13-bit scales.
@pytest.mark.parametrize(
    ("law", "values"),
    [
        (
            "mu",
            {0b10000000: 8031, 0b10001111: 4191, 0b10011111: 2079, 0b11101111: 33, 0b11111111: 0, 0b00000000: -8031},
        ),
        ("a", {0b11010101: 1, 0b10101010: 4032, 0b10100101: 2112, 0b01010101: -1, 0b00101010: -4032}),
    ],
)
def test_character_signals(law: str, values: dict[int, int]) -> None:
    scale = 4 if law == "mu" else 8
    for code, value in values.items():
        assert values_of_codes(law)[code] == value * scale


@pytest.mark.parametrize("law", ["mu", "a"])
def test_codes_are_coded_as_themselves(law: str) -> None:
    values = values_of_codes(law)
    again = values[codes_of_samples(law)[values.view(np.uint16)]]
    np.testing.assert_array_equal(again, values)


@pytest.mark.parametrize("law", ["mu", "a"])
@pytest.mark.parametrize("peak", [0.03, 0.1, 0.3, 0.9])
def test_companding_noise_is_that_of_the_standard(law: str, peak: float) -> None:
    # ITU-T G.712 asks for 33 dB and more over this range; ideal coders reach about 38 dB.
    signal = peak * np.sin(2 * np.pi * 1013.0 * np.arange(16000) / 8000)
    error = g711(signal, at(), law=law) - signal
    assert 34 < 10 * np.log10(np.mean(signal**2) / np.mean(error**2)) < 42


@pytest.mark.parametrize("loss_percent", [0.0, 10.0])
def test_loud_signals_are_not_clipped(loss_percent: float) -> None:
    loud = 3 * np.sin(2 * np.pi * 1000.0 * np.arange(8000) / 8000)
    coded = g711(loud, at(), loss_percent=loss_percent)
    np.testing.assert_allclose(coded, g711(loud / 3, at(), loss_percent=loss_percent) * 3, atol=1e-12)
    assert np.abs(coded).max() > 2.9


def test_silence_stays_silent() -> None:
    assert not g711(np.zeros(2000), at(), law="mu").any()
    # A-law has no zero: its smallest value is 8 of 32768.
    assert np.abs(g711(np.zeros(2000), at(), law="a")).max() == 8 / 32768


@given(samples=st.integers(1, 1000), loss=st.sampled_from([0.0, 30.0, 100.0]))
@settings(max_examples=40, deadline=None)
def test_lengths_are_kept(samples: int, loss: float) -> None:
    signal = np.random.default_rng(samples).uniform(-0.5, 0.5, samples)
    assert g711(signal, at(), loss_percent=loss).shape == (samples,)


def test_packets_that_arrive_are_untouched_and_lost_ones_are_those_drawn() -> None:
    signal = 0.1 * np.random.default_rng(1).standard_normal(80_000)
    whole = g711(signal, at()).reshape(-1, 160)
    lossy = g711(signal, at(7), loss_percent=5.0, burst_frames=3.0).reshape(-1, 160)
    lost = lost_frames(500, loss_percent=5.0, burst_frames=3.0, rng=np.random.default_rng(7))
    assert 5 < lost.sum() < 60
    # The middle of a packet is changed by its own loss alone.
    middle = slice(80, 130)
    np.testing.assert_array_equal((lossy[:, middle] != whole[:, middle]).any(axis=1), lost)


def test_fast() -> None:
    signal = 0.1 * np.random.default_rng(1).standard_normal(80_000)
    g711(signal, at())
    times = []
    for _ in range(20):
        start = time.process_time()
        g711(signal, at())
        times.append(time.process_time() - start)
    # 10 s of signal take .3 ms where this was written; ten times that is a table no more.
    assert min(times) < 0.005
