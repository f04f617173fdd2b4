"""AMR and AMR-WB against FFmpeg's decoders, their standards' bit rates, and what a lost frame must do."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrfair.condition import amr, shared_library
from asrfair.condition.amr import NARROW, WIDE, Codec, amr_nb, amr_nb_ready, amr_wb_ready
from asrfair.condition.apply import apply_condition
from asrfair.condition.card import check_ready, load_rungs
from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.errors import CardError

av = pytest.importorskip("av", reason="needs PyAV (extra codecs)")

# Bits of a frame of 20 ms, in the order of the modes: scope of 3GPP TS 26.090 and 26.190.
BITS = {
    "amr_nb": (95, 103, 118, 134, 148, 159, 204, 244),
    "amr_wb": (132, 177, 253, 285, 317, 365, 397, 461, 477),
}
# FFmpeg's decoders compute in floating point; AMR-WB's two lowest modes fill in noise of their own choice.
AGREEMENT_DB = {"amr_nb": 20, "amr_wb": 12}


def has_wideband_encoder() -> bool:
    try:
        shared_library.open_library(WIDE.encoder)
    except CardError:
        return False
    return True


WIDEBAND = pytest.mark.skipif(not has_wideband_encoder(), reason="needs Debian's libvo-amrwbenc0")
CODECS = [pytest.param(NARROW, id="amr_nb"), pytest.param(WIDE, id="amr_wb", marks=WIDEBAND)]
MODES = [
    pytest.param(codec, mode, id=f"{codec.name}-{mode}", marks=WIDEBAND if codec is WIDE else ())
    for codec in (NARROW, WIDE)
    for mode in codec.modes_kbps
]


def voice(seconds: float, sample_rate: int, *, seed: int = 0) -> np.ndarray:
    """Harmonics of a gliding pitch under three formants, in syllables, over a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch_hz = 120 + 20 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / sample_rate
    wave = np.zeros(len(time_s))
    for harmonic in range(1, int(0.45 * sample_rate / 140)):
        hz = harmonic * 120.0
        formants = sum(
            1 / (1 + ((hz - centre) / width) ** 2) for centre, width in ((600, 90), (1500, 120), (2600, 200))
        )
        wave += formants * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    wave *= np.abs(np.sin(2 * np.pi * 1.8 * time_s)) / np.abs(wave).max()
    return 0.6 * wave + 1e-4 * rng.standard_normal(len(wave))


def pcm_of(codec: Codec, seconds: float = 2.0) -> np.ndarray:
    return np.rint(voice(seconds, codec.sample_rate) * 32767).astype(np.int16)


def none_lost(packets: list[bytes]) -> np.ndarray:
    return np.zeros(len(packets), bool)


def run(codec: Codec, signal: np.ndarray, **parameters: object) -> np.ndarray:
    effect = EFFECTS[codec.name]
    checked = effect.check(parameters, where="test")
    return effect.function(signal, Circumstances(codec.sample_rate, np.random.default_rng(5)), **checked)


def ffmpeg(name: str, packets: list[bytes], sample_rate: int) -> np.ndarray:
    context = av.CodecContext.create(name, "r")
    context.sample_rate, context.layout = sample_rate, "mono"
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


@pytest.mark.parametrize(("codec", "mode_kbps"), MODES)
def test_frames_have_the_bits_of_the_mode(codec: Codec, mode_kbps: float) -> None:
    number = codec.modes_kbps.index(mode_kbps)
    bits = BITS[codec.name][number]
    assert bits == pytest.approx(mode_kbps * 20)
    packets = amr.encode(codec, pcm_of(codec, 1.0), mode_kbps=mode_kbps)
    assert len(packets) == 50
    assert {len(packet) for packet in packets} == {1 + -(-bits // 8)}
    # RFC 4867, section 5.3: the type in bits 1 to 4, then one for a good frame.
    assert {packet[0] for packet in packets} == {number << 3 | 4}


@pytest.mark.parametrize(("codec", "mode_kbps"), MODES)
def test_another_decoder_hears_the_same(codec: Codec, mode_kbps: float) -> None:
    packets = amr.encode(codec, pcm_of(codec), mode_kbps=mode_kbps)
    ours = amr.decode(codec, packets, lost=none_lost(packets)) / 32768.0
    theirs = ffmpeg(codec.name.replace("_", ""), packets, codec.sample_rate)
    assert len(ours) == len(theirs)
    assert snr_db(ours, theirs) > AGREEMENT_DB[codec.name]


@pytest.mark.parametrize(("codec", "mode_kbps"), MODES)
def test_speech_stays_in_place_and_is_recognisable(codec: Codec, mode_kbps: float) -> None:
    signal = voice(2.0, codec.sample_rate)
    coded = run(codec, signal, mode_kbps=mode_kbps)
    assert len(coded) == len(signal)
    assert coded.dtype == np.float64
    assert abs(lag(signal, coded)) < 1
    assert np.corrcoef(signal, coded)[0, 1] > 0.8


@pytest.mark.parametrize("codec", CODECS)
def test_real_speech_stays_in_place(codec: Codec, shared_data: Path) -> None:
    path = sorted((shared_data / "timit_nltk_sample").rglob("*.wav"))[10]
    signal = soundfile.read(path)[0][:: 16000 // codec.sample_rate]
    for mode_kbps in (codec.modes_kbps[0], codec.modes_kbps[-1]):
        assert abs(lag(signal, run(codec, signal, mode_kbps=mode_kbps))) < 1


@pytest.mark.parametrize("codec", CODECS)
def test_higher_modes_are_nearer(codec: Codec) -> None:
    signal = voice(2.0, codec.sample_rate)
    near = [snr_db(signal, run(codec, signal, mode_kbps=mode)) for mode in (codec.modes_kbps[0], codec.modes_kbps[-1])]
    assert near[1] > near[0] + 1


@pytest.mark.parametrize("codec", CODECS)
def test_lost_frames_are_concealed_by_the_decoder(codec: Codec) -> None:
    packets = amr.encode(codec, pcm_of(codec), mode_kbps=codec.modes_kbps[-1])
    lost = none_lost(packets)
    lost[30] = lost[60:75] = True
    whole = amr.decode(codec, packets, lost=none_lost(packets)).reshape(-1, codec.frame).astype(float)
    heard = amr.decode(codec, packets, lost=lost).reshape(-1, codec.frame).astype(float)
    np.testing.assert_array_equal(heard[:30], whole[:30])
    power = np.mean(heard**2, axis=1) / np.mean(whole**2, axis=1)
    # One frame is filled in (AMR-WB's decoder all but mutes it); a long loss fades to silence, as the standards ask.
    assert heard[30].any()
    assert (0.1 if codec is NARROW else 0) < power[30] < 3
    assert (power[70:75] < 0.01).all()
    assert power[-5:].min() > 0.5


@pytest.mark.parametrize("codec", CODECS)
def test_loss_keeps_the_length_and_is_drawn_from_the_circumstances(codec: Codec) -> None:
    signal = voice(2.0, codec.sample_rate)
    clean = run(codec, signal, mode_kbps=codec.modes_kbps[3])
    lossy = run(codec, signal, mode_kbps=codec.modes_kbps[3], loss_percent=10.0, burst_frames=2.0)
    assert len(lossy) == len(signal)
    assert not np.array_equal(lossy, clean)
    np.testing.assert_array_equal(
        lossy, run(codec, signal, mode_kbps=codec.modes_kbps[3], loss_percent=10.0, burst_frames=2.0)
    )
    gone = run(codec, signal, mode_kbps=codec.modes_kbps[3], loss_percent=100.0)
    assert np.abs(gone).max() < 0.01


@pytest.mark.parametrize("codec", CODECS)
def test_discontinuous_transmission_sends_less_in_pauses(codec: Codec) -> None:
    mode = codec.modes_kbps[2]
    silence = np.zeros(100 * codec.frame, np.int16)
    talking, paused = amr.encode(codec, silence, mode_kbps=mode), amr.encode(codec, silence, mode_kbps=mode, dtx=True)
    assert len(talking) == len(paused) == 100
    assert sum(map(len, paused)) < sum(map(len, talking)) / 5
    assert np.abs(amr.decode(codec, paused, lost=none_lost(paused))).max() < 33
    signal = voice(1.0, codec.sample_rate)
    assert abs(lag(signal, run(codec, signal, mode_kbps=mode, dtx=True))) < 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("samples", [1, 2, 119, 120, 121, 160, 161, 320, 4001])
def test_lengths_are_kept(codec: Codec, samples: int) -> None:
    coded = run(codec, voice(1.0, codec.sample_rate)[:samples], mode_kbps=codec.modes_kbps[0])
    assert coded.shape == (samples,)
    assert np.isfinite(coded).all()


@pytest.mark.parametrize("codec", CODECS)
def test_silence_stays_below_audibility(codec: Codec) -> None:
    assert np.abs(run(codec, np.zeros(8000), mode_kbps=codec.modes_kbps[-1])).max() < 12 / 32768


@pytest.mark.parametrize("codec", CODECS)
def test_what_exceeds_full_scale_is_brought_down_and_up_again(codec: Codec) -> None:
    signal = voice(0.5, codec.sample_rate)
    signal /= np.abs(signal).max()
    loud = run(codec, 4 * signal, mode_kbps=codec.modes_kbps[-1])
    np.testing.assert_allclose(loud, 4 * run(codec, signal, mode_kbps=codec.modes_kbps[-1]), atol=1e-12)


@pytest.mark.parametrize("codec", CODECS)
def test_the_encoder_leaves_its_input_alone(codec: Codec) -> None:
    # opencore-amr writes into what it is given.
    pcm = pcm_of(codec, 0.5)
    before = pcm.copy()
    first = amr.encode(codec, pcm, mode_kbps=codec.modes_kbps[0])
    np.testing.assert_array_equal(pcm, before)
    amr.encode(codec, np.full(codec.frame, 9999, np.int16), mode_kbps=codec.modes_kbps[1])
    assert amr.encode(codec, pcm, mode_kbps=codec.modes_kbps[0]) == first


FRESH = """
import sys, hashlib, numpy as np
from asrfair.condition import amr
codec = {"amr_nb": amr.NARROW, "amr_wb": amr.WIDE}[sys.argv[1]]
pcm = np.frombuffer(sys.stdin.buffer.read(), np.int16)
packets = amr.encode(codec, pcm, mode_kbps=codec.modes_kbps[4])
lost = np.arange(len(packets)) % 7 == 3
print(hashlib.sha256(b"".join(packets) + amr.decode(codec, packets, lost=lost).tobytes()).hexdigest())
"""


@pytest.mark.parametrize("codec", CODECS)
def test_a_fresh_process_gives_the_same_bits(codec: Codec) -> None:
    pcm = pcm_of(codec, 1.0)
    packets = amr.encode(codec, pcm, mode_kbps=codec.modes_kbps[4])
    lost = np.arange(len(packets)) % 7 == 3
    here = hashlib.sha256(b"".join(packets) + amr.decode(codec, packets, lost=lost).tobytes()).hexdigest()
    # Memory that the codec does not set itself would show.
    environment = {"MALLOC_PERTURB_": "165"}
    there = subprocess.run(
        [sys.executable, "-c", FRESH, codec.name], input=pcm.tobytes(), capture_output=True, env=environment, check=True
    )
    assert there.stdout.decode().strip() == here


def test_a_mode_that_does_not_exist() -> None:
    message = r"amr_nb: 'mode_kbps': found 12.5; expected one of: 4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2"
    parameters = EFFECTS["amr_nb"].check({"mode_kbps": 12.5}, where="test")
    with pytest.raises(CardError) as caught:
        amr_nb_ready(parameters, 16000)
    assert str(caught.value) == message
    with pytest.raises(CardError, match=r"found 12\.5; expected one of"):
        amr_nb(np.zeros(100), Circumstances(8000, np.random.default_rng(0)), mode_kbps=12.5)
    with pytest.raises(CardError, match=r"amr_wb: 'mode_kbps': found 12.2; expected one of: 6.6, 8.85, 12.65, 14.25"):
        amr_wb_ready(EFFECTS["amr_wb"].check({"mode_kbps": 12.2}, where="test"), 16000)


def test_losses_that_do_not_go_together_are_found_before_the_run() -> None:
    parameters = EFFECTS["amr_nb"].check({"mode_kbps": 12.2, "loss_percent": 60.0, "burst_frames": 1.5}, where="test")
    with pytest.raises(CardError, match=r"burst_frames: found 1\.5 at a loss of 60 %"):
        amr_nb_ready(parameters, 16000)


@pytest.mark.parametrize(
    ("name", "mode_kbps", "library", "install"),
    [
        ("amr_nb", 12.2, "libopencore-amrnb", "pip install 'asrfair[codecs]'"),
        ("amr_wb", 12.65, "libvo-amrwbenc", "apt-get install libvo-amrwbenc0 (Debian, Ubuntu)"),
    ],
)
def test_a_missing_library(
    name: str, mode_kbps: float, library: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_library, "_places", lambda library: iter(["/nowhere/libnothing.so"]))
    shared_library.open_library.cache_clear()
    ready = EFFECTS[name].ready
    assert ready is not None
    with pytest.raises(CardError) as caught:
        ready(EFFECTS[name].check({"mode_kbps": mode_kbps}, where="test"), 16000)
    assert str(caught.value) == f"{name}: found no library {library}; expected it installed: {install}"


def test_a_ladder_of_modes(tmp_path: Path) -> None:
    card = tmp_path / "modes.toml"
    text = 'summary = "modes"\n[[effect]]\ntype = "amr_nb"\n[ladder]\nparameter = "amr_nb.mode_kbps"\nvalues = [{}]\n'
    card.write_text(text.format("4.75, 12.2"))
    rungs = load_rungs(str(card))
    check_ready(rungs, sample_rate=16000)
    signal = voice(1.0, 16000)
    heard = [apply_condition(rung, signal, sample_rate=16000, seed=1, utterance_id="a") for rung in rungs]
    assert [len(one) for one in heard] == [16000, 16000]
    assert max(abs(lag(signal, one)) for one in heard) < 1
    assert not np.array_equal(*heard)
    card.write_text(text.format("4.75, 12.5"))
    with pytest.raises(CardError, match=r"condition 'modes@12.5': amr_nb: 'mode_kbps': found 12.5; expected one of"):
        check_ready(load_rungs(str(card)), sample_rate=16000)
