"""Audio files to mono float32 waveforms, and back to 16-bit WAV.

Conventions
-----------
Samples are float32, shape=(n,), full scale ±1. Rates are in Hz, times in seconds, channels counted from 0.
What had to be done to a file, or is odd about it, is said in ``notes``. A file that cannot be used raises
InputError on one line: which file, what was found, what was expected.
Decoding is libsndfile's, resampling soxr's.
"""

import io
import math
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError, RunFolderError

Waveform = NDArray[np.float32]
Samples = TypeVar("Samples", NDArray[np.float32], NDArray[np.float64])
Order = Literal["little", "big"]

READABLE = "WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU or NIST SPHERE"
# Label tables round times to 10 ms, so an end may lie this much behind the last sample.
END_TOLERANCE_S = 0.01
# A writer that cannot seek leaves 0 or a huge length in the header (0xFFFFFFFF, or sox's 0x7FFFF000).
STREAMING_BYTES = 0x7FFFF000
STREAMING = "streaming WAV without a length"
# What follows the data chunk where there are no samples, rather than a length that was never filled in.
TRAILING = (b"LIST", b"fact", b"bext", b"cue ", b"id3 ", b"ID3 ")
# Byte order, and the chunk with the samples, of the formats made of chunks.
CHUNKED: dict[bytes, tuple[Order, bytes]] = {
    b"RIFF": ("little", b"data"),
    b"RF64": ("little", b"data"),
    b"RIFX": ("big", b"data"),
    b"FORM": ("big", b"SSND"),
}


@dataclass(frozen=True)
class Audio:
    """A mono waveform, shape=(n,), its rate in Hz, and what was done to the file to get it."""

    samples: Waveform
    sample_rate: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says: libsndfile's names, rate in Hz, duration in seconds."""

    container: str
    subtype: str
    sample_rate: int
    channels: int
    duration_s: float
    notes: tuple[str, ...] = ()


class _Container(NamedTuple):
    """Remarks, and the file's bytes with a missing length filled in where libsndfile would read nothing."""

    notes: tuple[str, ...] = ()
    repaired: bytes | None = None


def read_audio(
    path: str | Path,
    *,
    sample_rate: int,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: int | None = None,
) -> Audio:
    """Read a file, or the part of it from ``start_s`` to ``end_s``, as mono at ``sample_rate``.

    Several channels are averaged, with a note, unless ``channel`` picks one. Raises InputError for a file
    that is missing, unreadable, empty, truncated or not finite, and for a part or channel it does not have.
    """
    path = Path(path)
    with _opened(path) as (file, container):
        first, count = _part(path, file.frames / file.samplerate, file.samplerate, start_s, end_s)
        block = _decode(path, file, first, count)
        native_hz = int(file.samplerate)
    samples, mixed = _mono(path, block, channel)
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: found {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite")
    return Audio(resample(samples, from_hz=native_hz, to_hz=sample_rate), sample_rate, container.notes + mixed)


def inspect_audio(
    path: str | Path, *, start_s: float | None = None, end_s: float | None = None, channel: int | None = None
) -> AudioInfo:
    """Read only the header; raises InputError as `read_audio` does wherever the header shows the fault."""
    path = Path(path)
    with _opened(path) as (file, container):
        _part(path, file.frames / file.samplerate, file.samplerate, start_s, end_s)
        _check_channel(path, channel, file.channels)
        return AudioInfo(
            container=str(file.format),
            subtype=str(file.subtype),
            sample_rate=int(file.samplerate),
            channels=int(file.channels),
            duration_s=file.frames / file.samplerate,
            notes=container.notes,
        )


def resample(samples: Samples, *, from_hz: int, to_hz: int) -> Samples:
    """Change the rate of shape=(n,) to about n × to_hz / from_hz samples, never none; the dtype is kept.

    Soxr's HQ for float32; VHQ for float64, the only one that soxr computes in double precision.
    """
    if from_hz == to_hz or len(samples) == 0:
        return samples
    import soxr

    resampled = soxr.resample(samples, from_hz, to_hz, quality="HQ" if samples.dtype == np.float32 else "VHQ")
    return resampled if len(resampled) else samples[:1]


def to_int16(samples: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    """Round to 16 bits, 1.0 being 32768: samples read from 16 bits come back exactly.

    A signal whose peak exceeds full scale is scaled down as a whole, never clipped. NaN: InputError.
    """
    scaled = np.asarray(samples, dtype=np.float64) * 32768.0
    if not np.isfinite(scaled).all():
        raise InputError("waveform: found samples that are NaN or infinite; expected finite samples")
    rounded = np.rint(scaled)
    if len(scaled) and (rounded.max() > 32767 or rounded.min() < -32768):
        rounded = np.rint(scaled * (32767.0 / np.abs(scaled).max()))
    return rounded.astype(np.int16)


def write_wav(path: str | Path, samples: NDArray[np.floating[Any]], sample_rate: int) -> None:
    """Write mono 16-bit WAV, scaled as `to_int16` says; raises RunFolderError if it cannot be written."""
    try:
        with Path(path).open("wb") as raw, wave.open(raw, "wb") as file:
            file.setparams((1, 2, sample_rate, 0, "NONE", "not compressed"))
            file.writeframes(to_int16(samples).astype("<i2").tobytes())
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, _Container]]:
    import soundfile

    container = _check_container(path)
    try:
        file = soundfile.SoundFile(io.BytesIO(container.repaired) if container.repaired else str(path))
    except (soundfile.SoundFileError, TypeError) as error:
        # TypeError: soundfile asks for the format of a headerless .raw file.
        raise InputError(f"{path}: not readable as audio; expected {READABLE}") from error
    with file:
        if file.frames <= 0 or file.samplerate <= 0:
            raise InputError(f"{path}: found no samples; expected at least one")
        yield file, container


def _part(path: Path, duration_s: float, rate_hz: int, start_s: float | None, end_s: float | None) -> tuple[int, int]:
    start, end = 0.0 if start_s is None else start_s, duration_s if end_s is None else end_s
    # Written so that NaN fails as well.
    if not (0 <= start < end <= duration_s + END_TOLERANCE_S and start < duration_s):
        raise InputError(
            f"{path}: found the part {start:g} s to {end:g} s; expected 0 ≤ start < end ≤ {duration_s:g} s"
        )
    first = min(round(start * rate_hz), math.ceil(duration_s * rate_hz) - 1)
    last = min(round(end * rate_hz), round(duration_s * rate_hz))
    return first, max(1, last - first)


def _decode(path: Path, file: Any, first: int, count: int) -> Waveform:
    import soundfile

    try:
        file.seek(first)
        block: Waveform = file.read(count, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise InputError(f"{path}: truncated or damaged: cannot be decoded up to its end ({error})") from error
    if len(block) == 0 or len(block) < count - _uncertainty(path, file):
        raise InputError(f"{path}: truncated: {count} samples promised, {len(block)} there")
    return block


def _uncertainty(path: Path, file: Any) -> float:
    """Return by how many samples the promised length may be off: only an MP3's is not exact."""
    if file.format != "MP3":
        return 0
    with path.open("rb") as bytes_:
        start = bytes_.read(65536)
    # With an index it is off by the encoder's delay, at most two frames; without one it is a guess.
    return 2 * 1152 if b"Xing" in start or b"Info" in start else math.inf


def _mono(path: Path, block: Waveform, channel: int | None) -> tuple[Waveform, tuple[str, ...]]:
    channels = block.shape[1]
    _check_channel(path, channel, channels)
    if channel is not None:
        return np.ascontiguousarray(block[:, channel]), ()
    if channels == 1:
        return block[:, 0], ()
    return block.mean(axis=1, dtype=np.float64).astype(np.float32), (f"mixed down from {channels} channels",)


def _check_channel(path: Path, channel: int | None, channels: int) -> None:
    if channel is not None and not 0 <= channel < channels:
        raise InputError(f"{path}: found no channel {channel}; expected 0 to {channels - 1}")


def _check_container(path: Path) -> _Container:
    """Look at the bytes themselves for what libsndfile would pass over: missing samples, a wrong name."""
    try:
        with path.open("rb") as file:
            magic = file.read(12)
            file_bytes = file.seek(0, io.SEEK_END)
            if file_bytes == 0:
                raise InputError(f"{path}: empty file; expected audio")
            if magic[:7] == b"NIST_1A":
                return _check_sphere(path, file, file_bytes)
            if magic[4:8] == b"ftyp":
                raise InputError(
                    f"{path}: found MPEG-4 audio (M4A); expected {READABLE}; convert it, for example to WAV"
                )
            if magic[:4] in CHUNKED:
                return _check_chunks(path, file, file_bytes, magic)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return _Container()


def _check_sphere(path: Path, file: BinaryIO, file_bytes: int) -> _Container:
    file.seek(0)
    lines = file.read(1024).split(b"end_head")[0].decode("latin-1").splitlines()
    fields = {parts[0]: parts[2].strip() for line in lines if len(parts := line.split(maxsplit=2)) == 3}
    coding = fields.get("sample_coding", "pcm")
    if "embedded" in coding or "shorten" in coding:
        raise InputError(
            f"{path}: found a NIST SPHERE file compressed with '{coding}'; expected it uncompressed: "
            "convert it, for example with `sph2pipe -f wav`"
        )
    sizes = [fields.get(name, "") for name in ("sample_count", "channel_count", "sample_n_bytes")]
    if all(size.isdigit() for size in sizes) and lines[1].strip().isdigit():
        _check_length(path, math.prod(map(int, sizes)), file_bytes - int(lines[1]))
    return _Container(("NIST SPHERE file named .wav",) if path.suffix.lower() == ".wav" else ())


def _check_length(path: Path, promised: int, there: int) -> None:
    if promised > there:
        raise InputError(f"{path}: truncated: {promised} bytes of samples promised, {max(0, there)} there")


def _check_chunks(path: Path, file: BinaryIO, file_bytes: int, magic: bytes) -> _Container:
    order, wanted = CHUNKED[magic[:4]]
    position, long_bytes = 12, 0
    while position + 8 <= file_bytes:
        file.seek(position)
        name, size = file.read(4), int.from_bytes(file.read(4), order)
        if name == b"ds64":
            long_bytes = int.from_bytes(file.read(16)[8:], "little")
        if name == wanted:
            there = file_bytes - position - 8
            if size == 0 and there and file.read(4) not in TRAILING:
                return _Container((STREAMING,), _with_length(path, position + 4, there, order))
            if size >= STREAMING_BYTES and size > there and not long_bytes:
                return _Container((STREAMING,))
            _check_length(path, long_bytes or size, there)
            break
        position += 8 + size + size % 2
    return _Container()


def _with_length(path: Path, position: int, size: int, order: Order) -> bytes:
    whole = bytearray(path.read_bytes())
    whole[position : position + 4] = size.to_bytes(4, order)
    return bytes(whole)
