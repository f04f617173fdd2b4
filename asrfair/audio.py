"""Audio files to mono float32 waveforms, and back to 16-bit WAV.

Conventions
-----------
Samples are float32, shape=(n,), full scale ±1. Rates are in Hz, times in seconds, channels counted from 0.
What had to be done to a file, or is odd about it, is said in ``notes``. A file that cannot be used raises
InputError on one line: which file, what was found, what was expected.
A path may be an address ``FILE::MEMBER`` (`asrfair.sounds`): a member of an archive, a row of a Parquet file.
Decoding is libsndfile's, FFmpeg's where only that can (`asrfair.av_audio`); resampling is soxr's.
A part of a WAV, FLAC, Ogg or Opus file costs a seek. A part of the others is taken from a block of `BLOCK_S`, of which
the last few stay in memory: each costs a walk, in FFmpeg's formats a decoding, from the file's beginning.
"""

import io
import math
import os
import wave
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from asrfair.av_audio import SLACK_S, AvFile, opened
from asrfair.containers import Container, check_container
from asrfair.errors import InputError, RunFolderError, TruncatedAudioError
from asrfair.sounds import Sound, find_sound

Waveform = NDArray[np.float32]
Samples = TypeVar("Samples", NDArray[np.float32], NDArray[np.float64])

READABLE = "WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU or NIST SPHERE"
# Label tables round times to 10 ms, so an end may lie this much behind the last sample.
END_TOLERANCE_S = 0.01
BLOCK_S = 60
SHORT = np.float32(1 / 32768)
# libsndfile starts an MP3's decoder empty where it seeks. The data that a frame borrows from those before it, at most
# 511 bytes (ISO/IEC 11172-3, main_data_begin), are half a second at the least bit rate, 8 kbit/s.
RUN_UP_S = 1


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


def read_audio(
    path: str | Path,
    *,
    sample_rate: int | None,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: int | None = None,
) -> Audio:
    """Read a file, or the part of it from ``start_s`` to ``end_s``, as mono at ``sample_rate`` (None: its own).

    Several channels are averaged, with a note, unless ``channel`` picks one. Raises InputError for a file
    that is missing, unreadable, empty, truncated or not finite, and for a part or channel it does not have.
    """
    with _opened(path) as (file, sound, notes):
        native_hz = int(file.samplerate)
        whole = start_s is None and end_s is None
        first, count = (0, file.frames) if whole else _part(path, file.frames / native_hz, native_hz, start_s, end_s)
        if whole or not _walks(file):
            block = _decode(path, file, first, count)
        else:
            block = _from_blocks(sound, path, first, count, native_hz)
        _check_whole(path, file, sound, promised=count, there=len(block))
    samples, mixed = _mono(path, block, channel)
    rate = sample_rate or native_hz
    resampled = resample(samples, from_hz=native_hz, to_hz=rate)
    # What is not finite spreads to all that is filtered from it, and there is less to look at.
    if not np.isfinite(resampled).all():
        raise InputError(f"{path}: found {np.count_nonzero(~np.isfinite(samples))} samples that are NaN or infinite")
    return Audio(resampled, rate, notes + mixed)


def inspect_audio(
    path: str | Path, *, start_s: float | None = None, end_s: float | None = None, channel: int | None = None
) -> AudioInfo:
    """Read only the header; raises InputError as `read_audio` does wherever the header shows the fault."""
    with _opened(path, header=True) as (file, _, notes):
        _part(path, file.frames / file.samplerate, file.samplerate, start_s, end_s)
        _check_channel(path, channel, file.channels)
        return AudioInfo(
            container=str(file.format),
            subtype=str(file.subtype),
            sample_rate=int(file.samplerate),
            channels=int(file.channels),
            duration_s=file.frames / file.samplerate,
            notes=notes,
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
def _opened(path: str | Path, *, header: bool = False) -> Iterator[tuple[Any, Sound, tuple[str, ...]]]:
    try:
        sound = find_sound(path)
        source = sound.open(header=header)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise _unreadable(path, error) from error
    with source:
        try:
            container = check_container(source, where=str(path), name=sound.name)
        except OSError as error:
            raise _unreadable(path, error) from error
        with _decoder(path, container, source, sound) as file:
            if file.frames <= 0 or file.samplerate <= 0:
                raise InputError(f"{path}: found no samples; expected at least one")
            yield file, sound, (*container.notes, *getattr(file, "notes", ()))


def _unreadable(path: str | Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read: {error.strerror or error}")


def _decoder(path: str | Path, container: Container, source: BinaryIO, sound: Sound) -> AbstractContextManager[Any]:
    import soundfile

    source.seek(0)
    if container.foreign:
        return opened(source, where=str(path), kind=container.foreign, readable=READABLE)
    if container.repaired:
        source = io.BytesIO(container.repaired)
    elif not sound.place and os.name == "posix":
        with suppress(soundfile.SoundFileError):
            # Opened as it is: a path would be looked up and opened once more.
            return cast(AbstractContextManager[Any], _forward()(source.fileno(), closefd=False))
    try:
        inside = container.repaired or sound.place
        return cast(AbstractContextManager[Any], _forward()(source if inside else str(path)))
    except (soundfile.SoundFileError, TypeError) as error:
        # TypeError: soundfile asks for the format of a headerless .raw file.
        raise InputError(f"{path}: not readable as audio; expected {READABLE}") from error


@cache
def _forward() -> Any:
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """It stays where a read ends: soundfile seeks there, which restarts an MP3's decoder and takes time."""

        def seekable(self) -> bool:
            return False

    return Forward


def _part(
    path: str | Path, duration_s: float, rate_hz: int, start_s: float | None, end_s: float | None
) -> tuple[int, int]:
    start, end = 0.0 if start_s is None else start_s, duration_s if end_s is None else end_s
    # Written so that NaN fails as well.
    if not (0 <= start < end <= duration_s + END_TOLERANCE_S and start < duration_s):
        raise InputError(
            f"{path}: found the part {start:g} s to {end:g} s; expected 0 ≤ start < end ≤ {duration_s:g} s"
        )
    first = min(round(start * rate_hz), math.ceil(duration_s * rate_hz) - 1)
    last = min(round(end * rate_hz), round(duration_s * rate_hz))
    return first, max(1, last - first)


def _walks(file: Any) -> bool:
    """Return whether the way to a part leads through all that lies before it."""
    return isinstance(file, AvFile) or file.format == "MP3"


def _from_blocks(sound: Sound, path: str | Path, first: int, count: int, rate_hz: int) -> Waveform:
    size = BLOCK_S * rate_hz
    parts = []
    for number in range(first // size, (first + count - 1) // size + 1):
        start = number * size
        parts.append(_block(sound, str(path), number)[max(0, first - start) : first + count - start])
    return np.concatenate(parts)


@lru_cache(maxsize=4)
def _block(sound: Sound, path: str, number: int) -> Waveform:
    """Return a block, the same whatever was read before: parts do not depend on the order they are asked for."""
    with _opened(path) as (file, _, _):
        size, run_up = BLOCK_S * file.samplerate, RUN_UP_S * file.samplerate if number else 0
        return _decode(path, file, number * size - run_up, size + run_up)[run_up:]


def _decode(path: str | Path, file: Any, first: int, count: int) -> Waveform:
    """Return shape=(n, channels), with fewer samples where the file ends."""
    import soundfile

    if isinstance(file, AvFile):
        return file.read(first, count)
    try:
        if first:
            file.seek(first)
        # The same numbers as libsndfile's own floats, which take four times as long from 16 bits where those lie bare.
        short = file.subtype == "PCM_16" and file.format != "FLAC"
        count = min(count, file.frames - first)
        block = file.read(count, dtype="int16" if short else "float32", always_2d=True)
    except soundfile.SoundFileError as error:
        message = f"{path}: truncated or damaged: cannot be decoded up to its end ({error})"
        raise TruncatedAudioError(message) from error
    return np.multiply(block, SHORT, dtype=np.float32) if short else cast(Waveform, block)


def _check_whole(path: str | Path, file: Any, sound: Sound, *, promised: int, there: int) -> None:
    if there == 0 or (there < promised and there < promised - _uncertainty(file, sound)):
        raise TruncatedAudioError(f"{path}: truncated: {promised} samples promised, {there} there")


def _uncertainty(file: Any, sound: Sound) -> float:
    """Return by how many samples the promised length may be off: an MP3's and a WebM's are not exact."""
    if isinstance(file, AvFile):
        return SLACK_S * file.samplerate
    if file.format != "MP3":
        return 0
    with sound.open() as bytes_:
        start = bytes_.read(65536)
    # With an index it is off by the encoder's delay, at most two frames; without one it is a guess.
    return 2 * 1152 if b"Xing" in start or b"Info" in start else math.inf


def _mono(path: str | Path, block: Waveform, channel: int | None) -> tuple[Waveform, tuple[str, ...]]:
    channels = block.shape[1]
    _check_channel(path, channel, channels)
    if channel is not None:
        return np.ascontiguousarray(block[:, channel]), ()
    if channels == 1:
        return np.ascontiguousarray(block[:, 0]), ()
    # Column by column: NumPy's mean over a short last axis takes ten times as long.
    total = block[:, 0].astype(np.float64)
    for index in range(1, channels):
        total += block[:, index]
    return (total / channels).astype(np.float32), (f"mixed down from {channels} channels",)


def _check_channel(path: str | Path, channel: int | None, channels: int) -> None:
    if channel is not None and not 0 <= channel < channels:
        raise InputError(f"{path}: found no channel {channel}; expected 0 to {channels - 1}")
