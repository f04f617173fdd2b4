"""Opus against FFmpeg's own decoder, its bit rates, delays, concealment and error correction."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from asrfair.condition import shared_library
from asrfair.condition.apply import apply_condition
from asrfair.condition.card import Condition, Step
from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.condition.opus import FRAMES_S, RATES_HZ, Settings, decode, encode, library_version, opus_rate, opus_ready
from asrfair.errors import CardError

av = pytest.importorskip("av", reason="needs PyAV (extra codecs)")


def voice(seconds: float, sample_rate: int) -> np.ndarray:
    """Harmonics of a gliding pitch under three formants, in syllables, over a little noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 0.7 * time_s)) / sample_rate
    wave = np.zeros(len(time_s))
    for harmonic in range(1, int(0.45 * min(sample_rate, 16000) / 140)):
        hz = harmonic * 120.0
        formants = sum(
            1 / (1 + ((hz - centre) / width) ** 2) for centre, width in ((600, 90), (1500, 120), (2600, 200))
        )
        wave += formants * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    wave *= np.abs(np.sin(2 * np.pi * 1.8 * time_s)) / np.abs(wave).max()
    return 0.6 * wave + 1e-4 * rng.standard_normal(len(wave))


def run(signal: np.ndarray, sample_rate: int = 16000, **parameters: object) -> np.ndarray:
    checked = EFFECTS["opus"].check(parameters, where="test")
    return EFFECTS["opus"].function(signal, Circumstances(sample_rate, np.random.default_rng(5)), **checked)


def ready(**parameters: object) -> None:
    opus_ready(EFFECTS["opus"].check(parameters, where="test"), 16000)


def ffmpeg(packets: list[bytes]) -> np.ndarray:
    context = av.CodecContext.create("opus", "r")
    context.sample_rate, context.layout = 48000, "mono"
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.float64)


def snr_db(signal: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(signal**2) / np.sum((signal - other) ** 2)))


def lag(signal: np.ndarray, other: np.ndarray, finer: int = 16) -> float:
    """By how many samples ``other`` is late: the maximum of the cross-correlation, interpolated."""
    size = 2 * len(signal)
    cross = np.fft.rfft(other, size) * np.conj(np.fft.rfft(signal, size))
    correlation = np.fft.irfft(cross, size * finer)
    place = int(np.argmax(correlation))
    return (place if place < len(correlation) // 2 else place - len(correlation)) / finer


def shifted(signal: np.ndarray, samples: float) -> np.ndarray:
    turns = np.fft.rfftfreq(len(signal)) * samples
    return np.fft.irfft(np.fft.rfft(signal) * np.exp(-2j * np.pi * turns), len(signal))


@pytest.mark.parametrize("bitrate_kbps", [16, 24, 64, 128])
@pytest.mark.parametrize("frame_s", FRAMES_S)
def test_packets_have_the_bit_rate(bitrate_kbps: float, frame_s: float) -> None:
    settings = Settings(
        sample_rate=16000, bitrate_kbps=bitrate_kbps, frame_s=frame_s, rate_control="constant", complexity=0
    )
    packets, _ = encode(settings, voice(0.5, 16000).astype(np.float32))
    assert {len(packet) for packet in packets} == {round(bitrate_kbps * 1000 * frame_s / 8)}


@pytest.mark.parametrize("rate_control", ["constrained", "variable"])
def test_a_variable_rate_is_near_what_was_asked_for(rate_control: str) -> None:
    settings = Settings(sample_rate=16000, bitrate_kbps=24, application="audio", rate_control=rate_control)
    packets, _ = encode(settings, voice(3.0, 16000).astype(np.float32))
    assert len({len(packet) for packet in packets}) > 5
    assert sum(map(len, packets)) * 8 / 3.0 / 1000 == pytest.approx(24, rel=0.35)


@pytest.mark.parametrize("application", ["audio", "low_delay"])
@pytest.mark.parametrize("bitrate_kbps", [64, 96])
def test_another_decoder_hears_the_same(application: str, bitrate_kbps: float) -> None:
    # At these rates it is the transform layer alone, whose decoding the standard fixes.
    settings = Settings(sample_rate=48000, bitrate_kbps=bitrate_kbps, application=application)
    packets, _ = encode(settings, voice(1.0, 48000).astype(np.float32))
    ours = decode(settings, packets, lost=np.zeros(len(packets), bool))
    assert snr_db(ours, ffmpeg(packets)) > 100


@pytest.mark.parametrize("bitrate_kbps", [16, 32])
def test_another_decoder_hears_the_same_speech_layer(bitrate_kbps: float) -> None:
    settings = Settings(sample_rate=48000, bitrate_kbps=bitrate_kbps, bandwidth="wide")
    packets, _ = encode(settings, voice(1.0, 48000).astype(np.float32))
    ours, theirs = decode(settings, packets, lost=np.zeros(len(packets), bool)), ffmpeg(packets)
    # FFmpeg brings the speech layer to 48 kHz by its own filter, some samples later.
    later = lag(ours, theirs)
    assert 0 <= later < 4
    assert snr_db(ours, shifted(theirs, -later)) > 22


@pytest.mark.parametrize("sample_rate", RATES_HZ)
@pytest.mark.parametrize("application", ["voip", "audio", "low_delay"])
def test_speech_stays_in_place(sample_rate: int, application: str) -> None:
    signal = voice(1.0, sample_rate)
    for bitrate_kbps in (12, 24, 64):
        coded = run(signal, sample_rate, bitrate_kbps=bitrate_kbps, application=application)
        assert coded.shape == signal.shape
        assert coded.dtype == np.float64
        assert abs(lag(signal, coded)) / sample_rate < 1 / 16000
        assert np.corrcoef(signal, coded)[0, 1] > 0.7


def test_more_bits_are_nearer() -> None:
    signal = voice(2.0, 16000)
    near = [snr_db(signal, run(signal, bitrate_kbps=rate, application="audio")) for rate in (8, 16, 64)]
    assert near[0] + 3 < near[1]
    assert near[1] + 3 < near[2]


def test_bandwidth() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(32000)

    def above_db(coded: np.ndarray, hz: float) -> float:
        power = np.abs(np.fft.rfft(coded)) ** 2
        return float(10 * np.log10(power[int(2 * hz) :].sum() / power.sum()))

    assert above_db(run(noise, bitrate_kbps=48, bandwidth="narrow"), 4500) < -30
    assert above_db(run(noise, bitrate_kbps=48, bandwidth="wide"), 4500) > -6


def test_lost_packets_are_concealed() -> None:
    settings = Settings(sample_rate=16000, bitrate_kbps=24)
    packets, _ = encode(settings, voice(2.0, 16000).astype(np.float32))
    lost = np.zeros(len(packets), bool)
    whole = decode(settings, packets, lost=lost).reshape(-1, settings.frame)
    lost[30] = lost[60:80] = True
    heard = decode(settings, packets, lost=lost).reshape(-1, settings.frame)
    np.testing.assert_array_equal(heard[:30], whole[:30])
    power = np.mean(heard**2, axis=1) / np.mean(whole**2, axis=1)
    assert not np.array_equal(heard[30], whole[30])
    assert 0.1 < power[30] < 3
    assert power[79] < 0.05
    assert power[-5:].min() > 0.5


@pytest.mark.parametrize("bitrate_kbps", [32, 64])
def test_error_correction_helps(bitrate_kbps: float) -> None:
    signal = voice(4.0, 16000).astype(np.float32)
    plain = Settings(sample_rate=16000, bitrate_kbps=bitrate_kbps, expected_loss_percent=10)
    error = {}
    for settings in (plain, replace(plain, forward_error_correction=True)):
        packets, _ = encode(settings, signal)
        lost = np.random.default_rng(3).random(len(packets)) < 0.1
        assert lost.sum() > 10
        whole = decode(settings, packets, lost=np.zeros(len(packets), bool))
        error[settings.forward_error_correction] = -snr_db(whole, decode(settings, packets, lost=lost))
    assert error[True] < error[False] - 5


def test_correction_needs_the_packet_after() -> None:
    settings = Settings(sample_rate=16000, bitrate_kbps=32, forward_error_correction=True, expected_loss_percent=20)
    packets, _ = encode(settings, voice(2.0, 16000).astype(np.float32))
    whole = decode(settings, packets, lost=np.zeros(len(packets), bool)).reshape(-1, settings.frame)
    first = np.arange(10, len(packets) - 2, 8)
    one, two = np.zeros((2, len(packets)), bool)
    one[first] = two[first] = two[first + 1] = True
    alone, followed = (decode(settings, packets, lost=lost).reshape(whole.shape) for lost in (one, two))
    assert snr_db(whole[first], alone[first]) > snr_db(whole[first], followed[first]) + 5


def test_loss_is_drawn_from_the_circumstances() -> None:
    signal = voice(2.0, 16000)
    lossy = run(signal, bitrate_kbps=24, loss_percent=10.0, burst_frames=2.0)
    assert len(lossy) == len(signal)
    assert not np.array_equal(lossy, run(signal, bitrate_kbps=24))
    np.testing.assert_array_equal(lossy, run(signal, bitrate_kbps=24, loss_percent=10.0, burst_frames=2.0))
    assert np.abs(run(signal, bitrate_kbps=24, loss_percent=100.0)).max() < 0.01


@pytest.mark.parametrize("samples", [1, 2, 159, 160, 215, 216, 217, 320, 321, 4001])
@pytest.mark.parametrize("frame_s", [0.0025, 0.02, 0.12])
def test_lengths_are_kept(samples: int, frame_s: float) -> None:
    coded = run(voice(1.0, 16000)[:samples], bitrate_kbps=24, frame_s=frame_s)
    assert coded.shape == (samples,)
    assert np.isfinite(coded).all()


@pytest.mark.parametrize("application", ["voip", "audio", "low_delay"])
def test_silence_stays_below_audibility(application: str) -> None:
    assert np.abs(run(np.zeros(8000), bitrate_kbps=24, application=application)).max() < 4 / 32768


def test_what_exceeds_full_scale_is_brought_down_and_up_again() -> None:
    signal = voice(0.5, 16000)
    signal /= np.abs(signal).max()
    loud = run(4 * signal, bitrate_kbps=32)
    np.testing.assert_allclose(loud, 4 * run(signal, bitrate_kbps=32), atol=1e-12)
    assert np.abs(loud).max() > 2


@pytest.mark.parametrize(
    ("working_hz", "rate"),
    [(4000, 8000), (8000, 8000), (11025, 12000), (16000, 16000), (22050, 24000), (44100, 48000), (96000, 48000)],
)
def test_rate(working_hz: int, rate: int) -> None:
    assert opus_rate({}, working_hz) == rate
    condition = Condition(
        "c", "s", None, (Step("opus", EFFECTS["opus"].check({"bitrate_kbps": 24.0}, where="t")),), "d"
    )
    signal = voice(0.5, working_hz)
    heard = apply_condition(condition, signal, sample_rate=working_hz, seed=1, utterance_id="a")
    assert len(heard) == len(signal)
    assert abs(lag(signal, heard)) / working_hz < 1 / 8000


FRESH = """
import sys, hashlib, numpy as np
from asrfair.condition.opus import Settings, decode, encode
settings = Settings(sample_rate=16000, bitrate_kbps=24, forward_error_correction=True, expected_loss_percent=10)
packets, _ = encode(settings, np.frombuffer(sys.stdin.buffer.read(), np.float32))
lost = np.arange(len(packets)) % 7 == 3
print(hashlib.sha256(b"".join(packets) + decode(settings, packets, lost=lost).tobytes()).hexdigest())
"""


def test_a_fresh_process_gives_the_same_bits() -> None:
    samples = voice(1.0, 16000).astype(np.float32)
    settings = Settings(sample_rate=16000, bitrate_kbps=24, forward_error_correction=True, expected_loss_percent=10)
    encode(settings, -samples[::-1].copy())
    packets, _ = encode(settings, samples)
    lost = np.arange(len(packets)) % 7 == 3
    here = hashlib.sha256(b"".join(packets) + decode(settings, packets, lost=lost).tobytes()).hexdigest()
    # Memory that the codec does not set itself would show.
    environment = {"MALLOC_PERTURB_": "165"}
    there = subprocess.run(
        [sys.executable, "-c", FRESH], input=samples.tobytes(), capture_output=True, env=environment, check=True
    )
    assert there.stdout.decode().strip() == here


def test_parameters_that_do_not_go_together() -> None:
    with pytest.raises(CardError) as caught:
        ready(bitrate_kbps=24.0, frame_s=0.03)
    valid = "0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12"
    assert str(caught.value) == f"opus: 'frame_s': found 0.03; expected one of: {valid}"
    with pytest.raises(CardError, match="expected_loss_percent 0; expected 1 to 100"):
        ready(bitrate_kbps=24.0, forward_error_correction=True)
    for other in ({"application": "low_delay"}, {"frame_s": 0.005}):
        with pytest.raises(CardError, match="only the speech layer corrects"):
            ready(bitrate_kbps=24.0, forward_error_correction=True, expected_loss_percent=10, **other)
    with pytest.raises(CardError, match="burst_frames: found"):
        ready(bitrate_kbps=24.0, loss_percent=60.0, burst_frames=1.5)
    with pytest.raises(CardError, match=r"found 0\.03"):
        run(np.zeros(100), bitrate_kbps=24.0, frame_s=0.03)
    with pytest.raises(CardError, match="found 200; expected 6 to 128"):
        ready(bitrate_kbps=200)
    with pytest.raises(CardError, match="'application'"):
        ready(bitrate_kbps=24.0, application="music")
    ready(bitrate_kbps=24.0, forward_error_correction=True, expected_loss_percent=10)


def test_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_library, "_places", lambda library: iter(["/nowhere/libnothing.so"]))
    shared_library.open_library.cache_clear()
    with pytest.raises(CardError) as caught:
        ready(bitrate_kbps=24.0)
    assert str(caught.value) == ("opus: found no library libopus; expected it installed: pip install 'asrfair[codecs]'")


def test_the_library_tells_its_version() -> None:
    assert library_version().startswith("libopus 1.")
