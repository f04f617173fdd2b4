"""What holds for every codec of the telephone world: place, length, level, edges, equal bits, long signals."""

import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from asrfair.condition import av_codec
from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.condition.packets import from_16_bit, to_16_bit
from asrfair.errors import CardError

LOSS = {"loss_percent": 10.0, "burst_frames": 2.0}
CODECS: dict[str, tuple[str, dict[str, Any]]] = {
    "g711 mu": ("g711", {"law": "mu"}),
    "g711 a": ("g711", {"law": "a"}),
    **{f"g722 {rate}": ("g722", {"bitrate_kbps": rate}) for rate in (48, 56, 64)},
    **{f"g726 {rate}": ("g726", {"bitrate_kbps": rate}) for rate in (16, 24, 32, 40)},
    "gsm": ("gsm", {}),
    **{f"mp3 {rate}": ("mp3", {"bitrate_kbps": rate}) for rate in (16, 32, 64)},
}
LOSSY = {
    f"{name} lossy": (CODECS[name][0], CODECS[name][1] | LOSS) for name in ("g711 mu", "g722 64", "g726 32", "gsm")
}
RANGES_DB = {
    "g711 mu": (34, 40),
    "g711 a": (34, 40),
    "g722 48": (20, 27),
    "g722 56": (26, 33),
    "g722 64": (32, 39),
    "g726 16": (14, 21),
    "g726 24": (22, 30),
    "g726 32": (30, 38),
    "g726 40": (36, 44),
    "gsm": (9, 16),
    "mp3 16": (6, 16),
    "mp3 32": (10, 20),
    "mp3 64": (20, 30),
}
each = pytest.mark.parametrize("name", CODECS)
each_and_lossy = pytest.mark.parametrize("name", CODECS | LOSSY)


def rate_of(name: str) -> int:
    return 16000 if name.startswith(("g722", "mp3")) else 8000


def through(name: str, signal: np.ndarray, seed: int = 0) -> np.ndarray:
    effect, parameters = (CODECS | LOSSY)[name]
    circumstances = Circumstances(rate_of(name), np.random.default_rng(seed))
    return EFFECTS[effect].function(signal, circumstances, **parameters)


def voice(seconds: float, sample_rate: int) -> np.ndarray:
    """Coloured noise in syllables."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    noise = np.convolve(np.random.default_rng(1).standard_normal(len(time_s)), np.hanning(10) / 2, "same")
    return 0.1 * noise * (0.05 + np.abs(np.sin(2 * np.pi * 2 * time_s)))


def lag(signal: np.ndarray, heard: np.ndarray) -> float:
    """The place of the maximum of the cross-correlation in samples, to an eighth of one."""
    size = 2 * len(signal)
    spectrum = np.fft.rfft(heard, size) * np.fft.rfft(signal, size).conj()
    likeness = np.fft.irfft(spectrum, 8 * size)
    place = int(np.argmax(likeness))
    return (place if place < 4 * size else place - 8 * size) / 8


@each
def test_nothing_moves(name: str) -> None:
    signal = voice(3.0, rate_of(name))
    assert abs(lag(signal, through(name, signal))) <= 0.5


@each_and_lossy
@pytest.mark.parametrize("samples", [1, 2, 159, 160, 161, 5000])
def test_lengths_are_kept(name: str, samples: int) -> None:
    signal = np.random.default_rng(samples).uniform(-0.3, 0.3, samples)
    heard = through(name, signal)
    assert heard.shape == (samples,)
    assert heard.dtype == np.float64
    assert np.isfinite(heard).all()


@each_and_lossy
def test_silence_stays_near_silence(name: str) -> None:
    assert np.abs(through(name, np.zeros(8000))).max() < 0.002


@each_and_lossy
def test_loud_signals_are_brought_down_and_up_again(name: str) -> None:
    loud = voice(1.0, rate_of(name))
    loud *= 4 / np.abs(loud).max()
    np.testing.assert_allclose(through(name, loud), through(name, loud / 4) * 4, rtol=1e-12, atol=1e-12)
    assert np.abs(through(name, loud)).max() > 1.5


@each
def test_noise_is_what_such_codecs_make(name: str) -> None:
    # About 6 dB a bit for a waveform coder, more for a predictable signal; GSM and MP3 do not keep the waveform.
    least, most = RANGES_DB[name]
    signal = voice(3.0, rate_of(name))
    error = through(name, signal) - signal
    assert least < 10 * np.log10(np.mean(signal**2) / np.mean(error**2)) < most


@pytest.mark.parametrize("name", LOSSY)
def test_rungs_of_a_loss_ladder_are_paired(name: str) -> None:
    signal = voice(8.0, rate_of(name))
    effect, parameters = LOSSY[name]
    heard = {}
    for loss in (0.0, 1.0, 10.0):
        circumstances = Circumstances(rate_of(name), np.random.default_rng(4))
        given = parameters | {"loss_percent": loss, "burst_frames": 0.0}
        heard[loss] = EFFECTS[effect].function(signal, circumstances, **given)
    packet = rate_of(name) // 50
    changed = {loss: (np.abs(heard[loss] - heard[0.0]).reshape(-1, packet).max(axis=1) > 1e-3) for loss in (1.0, 10.0)}
    starts = {loss: np.flatnonzero(np.diff(places.astype(int)) == 1) + 1 for loss, places in changed.items()}
    assert changed[1.0].any()
    assert changed[10.0].sum() > changed[1.0].sum()
    # Wherever the smaller loss begins to be heard the larger is heard as well.
    assert changed[10.0][starts[1.0]].all()


@pytest.mark.parametrize("name", [*LOSSY, "mp3 32"])
def test_equal_bits_in_another_process(name: str) -> None:
    effect, parameters = (CODECS | LOSSY)[name]
    signal = np.random.default_rng(2).uniform(-0.3, 0.3, 20_000)
    script = (
        "import hashlib, numpy as np\n"
        "from asrfair.condition.effect import Circumstances\n"
        "from asrfair.condition.effects import EFFECTS\n"
        "signal = np.random.default_rng(2).uniform(-0.3, 0.3, 20_000)\n"
        f"heard = EFFECTS[{effect!r}].function(signal, Circumstances({rate_of(name)}, np.random.default_rng(0)), "
        f"**{parameters!r})\n"
        "print(hashlib.sha256(heard.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(through(name, signal).tobytes()).hexdigest()


@pytest.mark.parametrize("name", ["g711 mu lossy", "g722 64 lossy", "g726 32 lossy", "gsm", "mp3 32"])
def test_long_signals_are_coded_as_short_ones(name: str) -> None:
    # Longer than one piece of the plumbing, 1,048,576 samples.
    signal = np.tile(voice(2.0, rate_of(name)), 40 if rate_of(name) == 16000 else 80)
    heard = through(name, signal)
    assert heard.shape == signal.shape
    start = through(name, signal[: 4 * rate_of(name)])
    np.testing.assert_allclose(heard[: 3 * rate_of(name)], start[: 3 * rate_of(name)], atol=1e-7)
    assert abs(lag(signal[-8000:], heard[-8000:])) <= 1


@pytest.mark.parametrize("name", [name for name in [*CODECS, *LOSSY] if not name.startswith(("g711", "gsm"))])
def test_pieces_do_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = voice(2.0, rate_of(name))
    whole = through(name, signal)
    # No multiple of a codeword's bits or of a packet.
    monkeypatch.setattr(av_codec, "PIECE", 1001)
    np.testing.assert_array_equal(through(name, signal), whole)


def test_16_bits() -> None:
    samples, peak = to_16_bit(np.array([-1.0, 1.0, 0.0, 1.4 / 32768, -1.6 / 32768]))
    assert samples.tolist() == [-32768, 32767, 0, 1, -2]
    assert peak == 1.0
    loud, peak = to_16_bit(np.array([-2.0, 1.0]))
    assert peak == 2.0
    assert from_16_bit(loud, peak).tolist() == [-2.0, 1.0]


@pytest.mark.parametrize("effect", ["g711", "g722", "g726", "gsm"])
def test_loss_that_cannot_be_is_refused_before_the_run(effect: str) -> None:
    ready = EFFECTS[effect].ready
    assert ready is not None
    mode = {"g722": {"bitrate_kbps": 64}, "g726": {"bitrate_kbps": 32}}.get(effect, {})
    ready({**mode, "loss_percent": 5.0, "burst_frames": 3.0}, 16000)
    with pytest.raises(CardError, match=r"burst_frames: found 1.5 at a loss of 50 %"):
        ready({**mode, "loss_percent": 50.0, "burst_frames": 1.5}, 16000)
