"""Reading, refusing, resampling and writing audio."""

import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asrfair import audio as audio_module
from asrfair.audio import Audio, inspect_audio, read_audio, resample, to_int16, write_wav
from asrfair.errors import InputError, RunFolderError

RATE_HZ = 16000


def tone(seconds: float = 0.5, *, rate_hz: int = RATE_HZ, hz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def cut(path: Path, fraction: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    return path


def saved(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, **options: str) -> Path:
    soundfile.write(path, samples, rate_hz, **options)
    return path


@pytest.mark.parametrize(
    ("name", "coding", "container", "error"),
    [
        ("a.wav", "PCM_16", "WAV", 1 / 32768),
        ("a.wav", "PCM_U8", "WAV", 1 / 128),
        ("a.wav", "PCM_24", "WAV", 1e-6),
        ("a.wav", "PCM_32", "WAV", 1e-6),
        ("a.wav", "FLOAT", "WAV", 0.0),
        ("a.wav", "DOUBLE", "WAV", 0.0),
        ("a.wav", "ULAW", "WAV", 0.02),
        ("a.wav", "IMA_ADPCM", "WAV", 0.05),
        ("a.wav", "MS_ADPCM", "WAV", 0.05),
        ("a.wav", "PCM_16", "RF64", 1 / 32768),
        ("a.flac", "PCM_16", "FLAC", 1 / 32768),
        ("a.aiff", "PCM_16", "AIFF", 1 / 32768),
        ("a.au", "PCM_16", "AU", 1 / 32768),
        ("a.sph", "PCM_16", "NIST", 1 / 32768),
        ("a.ogg", "VORBIS", "OGG", 0.1),
        ("a.opus", "OPUS", "OGG", 0.1),
        ("a.mp3", "MPEG_LAYER_III", "MP3", 0.1),
    ],
)
def test_codings(tmp_path: Path, name: str, coding: str, container: str, error: float) -> None:
    samples = tone()
    path = saved(tmp_path / name, samples, format=container, subtype=coding)
    audio = read_audio(path, sample_rate=RATE_HZ)
    info = inspect_audio(path)
    assert (info.container, info.subtype, info.channels, info.sample_rate) == (container, coding, 1, RATE_HZ)
    assert info.duration_s == pytest.approx(len(samples) / RATE_HZ, abs=0.07)
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert audio.notes == ()
    middle = slice(2000, 6000)
    # Lossy codings may shift the tone, so they are compared by its level.
    if error == 0.1:
        assert np.std(audio.samples[middle]) == pytest.approx(np.std(samples[middle]), rel=error)
    else:
        np.testing.assert_allclose(audio.samples[middle], samples[middle], atol=error + 1e-7)


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_audio(path, sample_rate=RATE_HZ, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"no audio in here, only words", b"RIFF\x00\x00\x00\x00WAVE", bytes(100)])
def test_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert ("empty file" if not content else "not readable as audio") in refusal(path)
    with pytest.raises(InputError):
        inspect_audio(path)


def test_missing_folder_and_headerless(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.wav")
    assert "cannot be read" in refusal(tmp_path)
    (tmp_path / "a.raw").write_bytes(bytes(100))
    assert "not readable as audio; expected WAV" in refusal(tmp_path / "a.raw")


def test_no_samples(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", np.zeros(0, dtype=np.float32))
    assert "no samples" in refusal(path)
    # A LIST chunk after an empty data chunk is not audio.
    whole = path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO"
    path.write_bytes(whole)
    assert "no samples" in refusal(path)


@pytest.mark.parametrize(
    ("name", "container", "by_header"),
    [
        ("a.wav", "WAV", True),
        ("a.wav", "RF64", True),
        ("a.aiff", "AIFF", True),
        ("a.sph", "NIST", True),
        ("a.flac", "FLAC", False),
        ("a.mp3", "MP3", False),
    ],
)
def test_truncated(tmp_path: Path, name: str, container: str, by_header: bool) -> None:
    coding = "MPEG_LAYER_III" if container == "MP3" else "PCM_16"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, RATE_HZ).astype(np.float32)
    path = cut(saved(tmp_path / name, noise, format=container, subtype=coding), 0.6)
    assert "truncated" in refusal(path)
    if by_header:
        with pytest.raises(InputError, match=r"truncated: 3200[08] bytes of samples promised, 1"):
            inspect_audio(path)


def test_truncated_big_endian(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", tone(), format="WAV", subtype="PCM_16", endian="BIG")
    assert path.read_bytes()[:4] == b"RIFX"
    assert len(read_audio(path, sample_rate=RATE_HZ).samples) == 8000
    assert "truncated" in refusal(cut(path, 0.6))


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_streaming_header_is_not_truncation(tmp_path: Path, length: int) -> None:
    path = saved(tmp_path / "a.wav", tone())
    expected = read_audio(path, sample_rate=RATE_HZ).samples
    whole = bytearray(path.read_bytes())
    whole[4:8] = whole[40:44] = struct.pack("<I", length)
    path.write_bytes(whole)
    audio = read_audio(path, sample_rate=RATE_HZ)
    assert audio.notes == ("streaming WAV without a length",)
    np.testing.assert_array_equal(audio.samples, expected)
    assert inspect_audio(path).duration_s == 0.5


def test_truncated_sphere_by_one_sample(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.sph", tone(), format="NIST", subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-2])
    assert "truncated: 16000 bytes of samples promised, 15998 there" in refusal(path)


def test_chunks_before_the_samples_are_passed_over(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", tone())
    whole = path.read_bytes()
    # An odd chunk is padded to an even length, which its own length does not count.
    path.write_bytes(whole[:12] + b"junk" + struct.pack("<I", 3) + b"abc\x00" + whole[12:])
    assert len(read_audio(path, sample_rate=RATE_HZ).samples) == 8000
    path.write_bytes(path.read_bytes()[:-2])
    assert "truncated: 16000 bytes of samples promised, 15998 there" in refusal(path)


def test_sphere_called_wav_is_read_and_noted(tmp_path: Path) -> None:
    named = saved(tmp_path / "a.sph", tone(), format="NIST", subtype="PCM_16")
    misnamed = tmp_path / "a.wav"
    misnamed.write_bytes(named.read_bytes())
    assert read_audio(named, sample_rate=RATE_HZ).notes == ()
    audio = read_audio(misnamed, sample_rate=RATE_HZ)
    assert audio.notes == inspect_audio(misnamed).notes == ("NIST SPHERE file named .wav",)
    np.testing.assert_array_equal(audio.samples, read_audio(named, sample_rate=RATE_HZ).samples)


def test_shortened_sphere_says_what_to_do(tmp_path: Path) -> None:
    header = (
        "NIST_1A\n   1024\nsample_count -i 16000\nsample_n_bytes -i 2\nchannel_count -i 1\nsample_rate -i 16000\n"
        "sample_byte_format -s2 10\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n"
    )
    path = tmp_path / "a.wav"
    path.write_bytes(header.encode().ljust(1024, b"\0") + b"ajkg" + bytes(500))
    message = refusal(path)
    assert "'pcm,embedded-shorten-v2.00'" in message
    assert "sph2pipe" in message


def test_channels(tmp_path: Path) -> None:
    left, right = tone(hz=300), tone(hz=500, peak=0.25)
    path = saved(tmp_path / "a.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    mixed = read_audio(path, sample_rate=RATE_HZ)
    assert mixed.notes == ("mixed down from 2 channels",)
    np.testing.assert_allclose(mixed.samples, (left + right) / 2, atol=1e-7)
    for channel, samples in enumerate((left, right)):
        audio = read_audio(path, sample_rate=RATE_HZ, channel=channel)
        assert audio.notes == ()
        np.testing.assert_array_equal(audio.samples, samples)
    assert "no channel 2; expected 0 to 1" in refusal(path, channel=2)
    assert "no channel -1" in refusal(path, channel=-1)
    assert inspect_audio(path).channels == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, bad: float) -> None:
    samples = tone()
    samples[[7, 9]] = bad
    assert "2 samples that are NaN or infinite" in refusal(saved(tmp_path / "a.wav", samples, subtype="FLOAT"))
    # At the very ends, and through a change of rate, down and up.
    for place in (0, -1):
        samples = tone(rate_hz=48000)
        samples[place] = bad
        path = saved(tmp_path / "b.wav", samples, 48000, subtype="FLOAT")
        assert "1 samples that are NaN or infinite" in refusal(path)
        with pytest.raises(InputError, match="1 samples that are NaN or infinite"):
            read_audio(path, sample_rate=96000)


def test_part(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav", tone(1.0), subtype="FLOAT")
    whole = read_audio(path, sample_rate=RATE_HZ).samples

    def part(start_s: float | None, end_s: float | None) -> np.ndarray:
        return read_audio(path, sample_rate=RATE_HZ, start_s=start_s, end_s=end_s).samples

    np.testing.assert_array_equal(part(0.25, 0.5), whole[4000:8000])
    np.testing.assert_array_equal(part(0.25, None), whole[4000:])
    np.testing.assert_array_equal(part(None, 0.5), whole[:8000])
    np.testing.assert_array_equal(part(0.5, 1.009), whole[8000:])
    assert len(part(0.5, 0.500001)) == 1


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(0.5, 1.02), (1.0, 1.005), (1.5, None), (0.5, 0.5), (0.5, 0.2), (-0.1, 0.5), (np.nan, 0.5)]
)
def test_part_that_is_not_there(tmp_path: Path, start_s: float, end_s: float | None) -> None:
    path = saved(tmp_path / "a.wav", tone(1.0))
    assert "expected 0 ≤ start < end ≤ 1 s" in refusal(path, start_s=start_s, end_s=end_s)


def test_part_within_what_is_left_of_a_flac(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 2 * RATE_HZ).astype(np.float32)
    path = cut(saved(tmp_path / "a.flac", noise), 0.6)
    assert len(read_audio(path, sample_rate=RATE_HZ, start_s=0.0, end_s=0.5).samples) == 8000
    assert "truncated" in refusal(path, start_s=1.5, end_s=1.9)


@pytest.mark.parametrize(
    ("name", "rate_hz", "coding"),
    [
        ("a.mp3", 16000, {"format": "MP3", "compression_level": 0.99}),
        ("a.mp3", 48000, {"format": "MP3", "compression_level": 0.9}),
        ("a.mp3", 44100, {"format": "MP3"}),
        ("a.flac", 16000, {}),
        ("a.ogg", 16000, {}),
        ("a.opus", 48000, {"format": "OGG", "subtype": "OPUS"}),
    ],
)
def test_parts_of_a_compressed_file_are_parts_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, rate_hz: int, coding: dict[str, str]
) -> None:
    # An MP3 of loud and quiet stretches at a low rate keeps data back for later frames, which a bare seek loses.
    monkeypatch.setattr(audio_module, "BLOCK_S", 5)
    seconds = 18
    loud = np.sin(2 * np.pi * 0.7 * np.arange(seconds * rate_hz) / rate_hz) > 0
    noise = np.random.default_rng(2).standard_normal(seconds * rate_hz)
    samples = (0.2 * noise * loud).clip(-0.9, 0.9) + tone(seconds, rate_hz=rate_hz, hz=300, peak=0.09)
    path = tmp_path / name
    with soundfile.SoundFile(path, "w", rate_hz, 1, **coding) as file:
        for start in range(0, len(samples), rate_hz):
            file.write(samples[start : start + rate_hz])
    whole = read_audio(path, sample_rate=None).samples
    parts = [(0.0, 1.0), (3.2, 4.0), (9.7, 10.4), (4.9, 15.1), (14.99, 15.0), (17.0, None), (8.01, 8.5), (3.2, 4.0)]
    found = [read_audio(path, sample_rate=None, start_s=start_s, end_s=end_s).samples for start_s, end_s in parts]
    for (start_s, end_s), part in zip(parts, found, strict=True):
        wanted = whole[round(start_s * rate_hz) : None if end_s is None else round(end_s * rate_hz)]
        np.testing.assert_allclose(part, wanted, atol=1e-6)
    # Equal bits whatever was read before.
    audio_module._block.cache_clear()
    for (start_s, end_s), part in reversed(list(zip(parts, found, strict=True))):
        again = read_audio(path, sample_rate=None, start_s=start_s, end_s=end_s).samples
        np.testing.assert_array_equal(again, part)


@pytest.mark.parametrize(("name", "coding"), [("a.mp3", {"format": "MP3"}), ("a.flac", {}), ("a.wav", {})])
def test_reading_is_librosas_bit_for_bit(tmp_path: Path, name: str, coding: dict[str, str]) -> None:
    """What `librosa.load` does with mono files, written out: soundfile's floats through soxr's HQ."""
    import soxr

    noise = np.random.default_rng(3).uniform(-0.3, 0.3, 48_000).astype(np.float32)
    path = saved(tmp_path / name, noise, 48_000, **coding)
    wanted = soxr.resample(soundfile.read(path, dtype="float32")[0], 48_000, RATE_HZ, quality="soxr_hq")
    np.testing.assert_array_equal(read_audio(path, sample_rate=RATE_HZ).samples, wanted)


def test_nothing_is_sought_where_a_whole_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soundfile seeks to where a read ended: a decoder's restart for nothing."""
    path = saved(tmp_path / "a.mp3", tone(2.0), format="MP3")
    sought: list[int] = []
    monkeypatch.setattr(soundfile.SoundFile, "seek", lambda self, *a: sought.append(a[0]))
    read_audio(path, sample_rate=RATE_HZ)
    assert sought == []


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    """Opening a named pipe would wait for a writer for ever."""
    path = tmp_path / "a.wav"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path = Path(os.devnull)
    assert "expected a plain file" in refusal(path)


def test_parts_of_an_mp3_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.mp3", np.tile(tone(1.0), 12), format="MP3")
    decoded: list[int] = []
    read = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, *a, **k: decoded.append(len(got := read(self, *a, **k))) or got
    )
    for start_s in range(11):
        read_audio(path, sample_rate=RATE_HZ, start_s=start_s, end_s=start_s + 1)
    assert sum(decoded) == 12 * RATE_HZ


@pytest.mark.parametrize("rate_hz", [8000, 11024, 22050, 44100, 48000])
def test_resampled_tone_is_the_tone(tmp_path: Path, rate_hz: int) -> None:
    path = saved(tmp_path / "a.wav", tone(1.0, rate_hz=rate_hz), rate_hz, subtype="FLOAT")
    audio = read_audio(path, sample_rate=RATE_HZ)
    assert abs(len(audio.samples) - RATE_HZ) <= 1
    assert isinstance(audio, Audio)
    assert audio.sample_rate == RATE_HZ
    middle = slice(2000, 14000)
    np.testing.assert_allclose(audio.samples[middle], tone(1.0)[middle], atol=1e-3)


def test_resampling_removes_what_does_not_fit() -> None:
    high = tone(1.0, rate_hz=48000, hz=12000.0)
    assert np.abs(resample(high, from_hz=48000, to_hz=16000)[1000:-1000]).max() < 1e-4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resampling_keeps_dtype_and_never_loses_all(dtype: type) -> None:
    for length in range(4):
        resampled = resample(np.ones(length, dtype=dtype), from_hz=48000, to_hz=8000)
        assert resampled.dtype == dtype
        assert bool(len(resampled)) == bool(length)


@given(arrays(np.int16, st.integers(1, 50)))
def test_sixteen_bits_come_back_exactly(integers: np.ndarray) -> None:
    np.testing.assert_array_equal(to_int16(integers.astype(np.float32) / 32768), integers)


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(-1000, 1000)))
@settings(deadline=None)
def test_loud_signals_are_scaled_as_a_whole(samples: np.ndarray) -> None:
    integers = to_int16(samples)
    factor = min(1.0, 32767 / max(np.abs(samples).max() * 32768, 1e-300))
    tolerance = 0.5 + 1.0 + 1e-6
    np.testing.assert_allclose(integers, samples * 32768 * factor, atol=tolerance)
    if np.abs(samples).max() > 1.0:
        assert np.abs(integers.astype(int)).max() == 32767


@pytest.mark.parametrize("sign", [1, -1])
def test_loud_signal_of_either_sign(sign: int) -> None:
    assert to_int16(np.array([1.5 * sign, 0.75 * sign, 0.0])).tolist() == [32767 * sign, round(16383.5) * sign, 0]
    assert to_int16(np.array([-1.0])).tolist() == [-32768]


def test_to_int16_refuses_nan_and_takes_nothing() -> None:
    assert to_int16(np.zeros(0)).shape == (0,)
    with pytest.raises(InputError, match="NaN or infinite"):
        to_int16(np.array([0.0, np.nan]))


def test_written_wav(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, tone(), 8000)
    audio = read_audio(path, sample_rate=8000)
    np.testing.assert_allclose(audio.samples, tone(), atol=0.5 / 32768 + 1e-9)
    assert inspect_audio(path).subtype == "PCM_16"
    write_wav(path, 4 * tone(), 8000)
    loud = read_audio(path, sample_rate=8000).samples
    np.testing.assert_allclose(loud / loud.max(), tone() / tone().max(), atol=1e-4)
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_wav(tmp_path / "none" / "a.wav", tone(), 8000)


def test_real_files(shared_data: Path) -> None:
    timit = shared_data / "timit_nltk_sample"
    misnamed = read_audio(timit / "dr1-fvmh0" / "si836.wav", sample_rate=16000)
    assert misnamed.notes == ("NIST SPHERE file named .wav",)
    assert len(misnamed.samples) == 68813
    # The header's own sample_min and sample_max.
    assert (misnamed.samples.min(), misnamed.samples.max()) == (-6058 / 32768, 8163 / 32768)
    endings = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph")
    files = [path for path in (shared_data / "misc_fixtures").rglob("*") if path.suffix.lower() in endings]
    assert len(files) > 30
    for path in sorted(files):
        audio = read_audio(path, sample_rate=16000)
        # libsndfile estimates an MP3's length, and Opus begins with silence.
        assert len(audio.samples) / 16000 == pytest.approx(inspect_audio(path).duration_s, abs=0.01)
