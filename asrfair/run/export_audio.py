"""The sounds of an export: copied, cut, or named where they are."""

import io
import math
import re
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from asrfair.audio import AudioInfo, inspect_audio, read_audio, to_int16
from asrfair.errors import InputError
from asrfair.results import write_bytes
from asrfair.run.export_table import Export
from asrfair.sounds import SEPARATOR, find_sound

FOLDER = "audio"
# Times are written to the microsecond, less than a sample.
DIGITS = 6
# What Kaldi's tools read without a command of the user's.
PLAIN_WAV = ("WAV", "PCM_16")
# What becomes part of a file's name; a member's name and Parquet's are others' words.
ENDING = re.compile(r"\.[a-z0-9]{1,8}")
MAGIC = {
    b"RIFF": ".wav",
    b"RF64": ".wav",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"FORM": ".aiff",
    b".snd": ".au",
    b"NIST_1A": ".sph",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
}


@contextmanager
def _validated() -> Iterator[None]:
    """Say of a file that cannot be used how to find all such files: an export ends at the first."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{error} (asrfair validate lists all such files)") from error


def copy_audio(rows: pl.DataFrame, export: Export) -> pl.DataFrame:
    """Write every utterance's sound to ``audio/`` and return the rows with its path there, without times and channel.

    A whole file is copied as it is; a part, or one channel, becomes 16-bit WAV at the file's own rate. So does every
    sound of a shareable export, of one channel (files say more than their sound), and for Kaldi what is not such WAV.
    """
    taken: set[str] = set()
    names = []
    for row in rows.iter_rows(named=True):
        data, ending = sound_bytes(row, export)
        name = f"{FOLDER}/{_file_name(row['utterance_id'], taken)}{ending}"
        write_bytes(export.out / name, data)
        names.append(name)
        export.advance()
    return whole(rows).with_columns(audio=pl.Series(names, dtype=pl.String))


def is_plain_wav(info: AudioInfo) -> bool:
    """Return whether Kaldi reads such a file as it is."""
    return (info.container, info.subtype) == PLAIN_WAV


def sound_bytes(row: Mapping[str, Any], export: Export) -> tuple[bytes, str]:
    """Return an utterance's sound as the bytes of a file, and the ending of its name."""
    with _validated():
        return _sound_bytes(row, export)


def _sound_bytes(row: Mapping[str, Any], export: Export) -> tuple[bytes, str]:
    path = export.corpus.audio_root / row["audio"]
    part = any(row[name] is not None for name in ("start_s", "end_s", "channel"))
    if not part and not export.shareable and (export.target != "kaldi" or is_plain_wav(inspect_audio(path))):
        try:
            sound = find_sound(path)
            with sound.open() as file:
                data = file.read()
                return data, sound.ending if ENDING.fullmatch(sound.ending) else _ending(data)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    export.rewritten.append(row["utterance_id"])
    audio = read_audio(path, sample_rate=None, start_s=row["start_s"], end_s=row["end_s"], channel=row["channel"])
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, audio.sample_rate, 0, "NONE", "not compressed"))
        file.writeframes(to_int16(audio.samples).astype("<i2").tobytes())
    return buffer.getvalue(), ".wav"


def _ending(data: bytes) -> str:
    """Return the ending that a file's first bytes speak for, "" if they are none of the usual."""
    return next((ending for magic, ending in MAGIC.items() if data.startswith(magic)), "")


class Headers:
    """The headers of the audio files, each read once."""

    def __init__(self, export: Export) -> None:
        self._base = export.out if export.audio else export.corpus.audio_root
        self._found: dict[str, AudioInfo] = {}

    def of(self, audio: str) -> AudioInfo:
        """Return the header of a file by its path in the table."""
        if audio not in self._found:
            with _validated():
                self._found[audio] = inspect_audio(self._base / audio)
        return self._found[audio]


def written_time(time_s: float, samples: int, rate_hz: int, *, taken: Callable[[float], int] = int) -> float:
    """Return a time to the microsecond, or the exact one, in which another tool finds ``samples`` samples.

    ``taken`` is what it makes of time × rate: NeMo and Kaldi cut off, and take 2 for 3 samples whose time is written
    a little too small; lhotse rounds start and duration, where asrfair rounds start and end.
    """
    short = round(time_s, DIGITS)
    if taken(short * rate_hz) == samples:
        return short
    exact = samples / rate_hz
    while taken(exact * rate_hz) < samples:
        exact = math.nextafter(exact, math.inf)
    return exact


def named_audio(rows: pl.DataFrame, export: Export, *, embedded: bool) -> pl.DataFrame:
    """Return the rows with paths to the corpus's own files: absolute, or relative to its root.

    Raises InputError for a sound inside an archive where the format knows none (``embedded`` says that it does).
    """
    inner = rows["audio"].filter(rows["audio"].str.contains(SEPARATOR, literal=True).fill_null(False))
    if len(inner) and not embedded:
        raise InputError(
            f"{export.corpus.audio_root}: found audio inside an archive ({inner[0]}), which other tools cannot open; "
            "expected --audio, to take the sounds out"
        )
    if export.relative:
        return rows
    root = export.corpus.audio_root.resolve().as_posix().rstrip("/")
    return rows.with_columns(audio=pl.concat_str(pl.lit(f"{root}/"), pl.col("audio")))


def whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without times and channel: each has a sound of its own."""
    return rows.with_columns(
        pl.lit(None).cast(rows.schema[name]).alias(name) for name in ("start_s", "end_s", "channel")
    )


def _file_name(utterance_id: str, taken: set[str]) -> str:
    """Return a file name for an id that differs from others in more than case, for every file system."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", utterance_id).strip(".")[:100] or "utterance"
    name, number = stem, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.lower())
    return name
