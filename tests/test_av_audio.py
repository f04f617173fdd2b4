"""What only FFmpeg reads: the same sound as was coded, its lengths, parts and faults."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile

from asrfair.audio import inspect_audio, read_audio
from asrfair.errors import InputError

SECONDS = 1.5
# Container, encoder, rate in Hz, and what messages call it.
FORMATS = {
    "alac.m4a": ("mp4", "alac", 44100, "MPEG-4 audio (M4A)"),
    "aac.m4a": ("mp4", "aac", 48000, "MPEG-4 audio (M4A)"),
    "bare.aac": ("adts", "aac", 32000, "AAC audio (ADTS)"),
    "opus.webm": ("webm", "libopus", 48000, "Matroska or WebM audio"),
    "flac.mka": ("matroska", "flac", 16000, "Matroska or WebM audio"),
    "narrow.3gp": ("3gp", "libopencore_amrnb", 8000, "3GPP audio (3GP)"),
    "narrow.amr": ("amr", "libopencore_amrnb", 8000, "AMR audio"),
}
EXACT = ("alac.m4a", "flac.mka")
# Bare streams say nothing of what the encoder put before and after the sound: a few whole frames.
BARE = ("bare.aac", "narrow.amr")


def sweep(rate_hz: int, channels: int = 1) -> np.ndarray:
    """A tone of rising pitch and level, so that a shift in time shows; the second channel is half as loud."""
    time_s = np.arange(round(SECONDS * rate_hz)) / rate_hz
    mono = 0.6 * (time_s / SECONDS) * np.sin(2 * np.pi * (200 + 400 * time_s) * time_s)
    return np.stack([mono / (1 + channel) for channel in range(channels)], axis=1).astype(np.float32)


def coded(name: str, channels: int = 1, options: dict[str, str] | None = None) -> bytes:
    av = pytest.importorskip("av", reason="skipped: no package av")
    kind, encoder, rate_hz, _ = FORMATS[name]
    layout = "mono" if channels == 1 else "stereo"
    # A file and no stream: the index can only be put first in what can be read again.
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        write(
            av.open(file, "w", format=kind, options=options or {}), encoder, rate_hz, layout, sweep(rate_hz, channels)
        )
        return file.read_bytes()


def write(container: Any, encoder: str, rate_hz: int, layout: str, samples: np.ndarray) -> None:
    import av

    with container:
        stream = container.add_stream(encoder, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        context = stream.codec_context
        context.open()
        resampler = av.AudioResampler(context.format, layout, rate_hz, frame_size=context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))


def lag(found: np.ndarray, wanted: np.ndarray) -> int:
    size = len(found) + len(wanted)
    spectrum = np.fft.rfft(found, size) * np.conj(np.fft.rfft(wanted, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size


@pytest.fixture
def refusal(tmp_path: Path):
    def refuse(name: str, content: bytes, **options: object) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_audio(path, sample_rate=None, **options)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    return refuse


@pytest.mark.parametrize("name", FORMATS)
def test_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(coded(name))
    rate_hz = FORMATS[name][2]
    wanted = sweep(rate_hz)[:, 0]
    audio, info = read_audio(path, sample_rate=None), inspect_audio(path)
    assert (audio.sample_rate, info.sample_rate, info.channels, audio.notes) == (rate_hz, rate_hz, 1, ())
    frames = 4 * 1024 if name in BARE else 0
    assert len(wanted) <= len(audio.samples) <= len(wanted) + frames
    assert info.duration_s == pytest.approx(len(audio.samples) / rate_hz, abs=0.01)
    assert audio.samples.dtype == np.float32
    if name in EXACT:
        np.testing.assert_allclose(audio.samples, wanted, atol=1 / 32768)
    else:
        shift = lag(audio.samples, wanted)
        assert abs(shift) <= (frames if name in BARE else 0.01 * rate_hz)
        found = np.roll(audio.samples, -shift)[: len(wanted)]
        assert np.corrcoef(found[1000:-1000], wanted[1000:-1000])[0, 1] > 0.93


@pytest.mark.parametrize("name", ["aac.m4a", "opus.webm", "alac.m4a"])
def test_resampled_as_the_same_sound_from_a_wav(tmp_path: Path, name: str) -> None:
    path, wav = tmp_path / name, tmp_path / "a.wav"
    path.write_bytes(coded(name))
    own = read_audio(path, sample_rate=None)
    soundfile.write(wav, own.samples, own.sample_rate, subtype="FLOAT")
    for rate_hz in (8000, 16000, 22050):
        np.testing.assert_array_equal(
            read_audio(path, sample_rate=rate_hz).samples, read_audio(wav, sample_rate=rate_hz).samples
        )


@pytest.mark.parametrize("name", FORMATS)
def test_parts_are_parts_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from asrfair import audio

    # Blocks of a second: the part lies in two of them.
    monkeypatch.setattr(audio, "BLOCK_S", 1)
    path = tmp_path / name
    path.write_bytes(coded(name))
    whole = read_audio(path, sample_rate=None)
    for start_s, end_s in ((0.9, 1.2), (0.0, 0.3), (1.1, None)):
        part = read_audio(path, sample_rate=None, start_s=start_s, end_s=end_s).samples
        last = None if end_s is None else round(end_s * whole.sample_rate)
        np.testing.assert_array_equal(part, whole.samples[round(start_s * whole.sample_rate) : last])


def test_channels(tmp_path: Path) -> None:
    path = tmp_path / "alac.m4a"
    path.write_bytes(coded("alac.m4a", channels=2))
    wanted = sweep(44100, 2)
    for channel in (0, 1):
        samples = read_audio(path, sample_rate=None, channel=channel).samples
        np.testing.assert_allclose(samples, wanted[:, channel], atol=1 / 32768)
    mixed = read_audio(path, sample_rate=None)
    assert mixed.notes == ("mixed down from 2 channels",)
    np.testing.assert_allclose(mixed.samples, wanted.mean(axis=1), atol=1 / 32768)
    with pytest.raises(InputError, match="no channel 2; expected 0 to 1"):
        inspect_audio(path, channel=2)


@pytest.mark.parametrize(
    ("name", "options"), [("aac.m4a", {}), ("aac.m4a", {"movflags": "faststart"}), ("flac.mka", {}), ("opus.webm", {})]
)
def test_truncated(refusal, name: str, options: dict[str, str]) -> None:
    whole = coded(name, options=options)
    assert "truncated" in refusal(name, whole[: int(0.7 * len(whole))])
    assert "truncated or damaged" in refusal(name, whole[:50])


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_give_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rng = np.random.default_rng(1)
    for _ in range(12):
        whole = bytearray(coded_once(name))
        for place in rng.integers(12, len(whole), 20):
            whole[place] = rng.integers(256)
        path.write_bytes(whole[: rng.integers(20, len(whole) + 1)])
        said = ""
        try:
            read_audio(path, sample_rate=16000)
        except InputError as error:
            said = str(error)
        assert not said or (said.startswith(f"{path}: ") and "\n" not in said)


def coded_once(name: str, _kept: dict[str, bytes] = {}) -> bytes:  # noqa: B006 (one encoding for all trials)
    if name not in _kept:
        _kept[name] = coded(name)
    return _kept[name]


@pytest.mark.parametrize("name", FORMATS)
def test_without_the_package_the_message_installs_it(monkeypatch: pytest.MonkeyPatch, refusal, name: str) -> None:
    heads = {
        "MPEG-4 audio (M4A)": b"\x00\x00\x00\x18ftypM4A ",
        "3GPP audio (3GP)": b"\x00\x00\x00\x18ftyp3gp4",
        "AMR audio": b"#!AMR\n",
        "Matroska or WebM audio": b"\x1a\x45\xdf\xa3",
        "AAC audio (ADTS)": b"\xff\xf1L@",
    }
    monkeypatch.setitem(sys.modules, "av", None)
    kind = FORMATS[name][3]
    message = refusal(name, heads[kind] + bytes(100))
    assert message.startswith(f"found {kind}; expected WAV, FLAC")
    assert message.endswith("with FFmpeg it is read too: pip install 'asrfair[codecs]'; or convert it")


def test_misnamed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(coded("alac.m4a"))
    assert read_audio(path, sample_rate=None).notes == ("MPEG-4 audio (M4A) file named .wav",)


def test_real_m4a(shared_data: Path) -> None:
    pytest.importorskip("av", reason="skipped: no package av")
    path = shared_data / "misc_fixtures" / "audiomentations_demo" / "testing.m4a"
    # ffmpeg 7 (-f f32le) gives 141312 samples at 44.1 kHz, and 51270 with -ar 16000.
    assert inspect_audio(path).duration_s * 44100 == len(read_audio(path, sample_rate=None).samples) == 141312
    assert len(read_audio(path, sample_rate=16000).samples) == 51270
