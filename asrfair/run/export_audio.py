"""The sounds of an export: copied, cut, or named where they are."""

import io
import re
import wave
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from asrfair.audio import read_audio, to_int16
from asrfair.errors import InputError
from asrfair.results import write_bytes
from asrfair.run.export_table import Export
from asrfair.sounds import SEPARATOR, find_sound

FOLDER = "audio"


def copy_audio(rows: pl.DataFrame, export: Export) -> pl.DataFrame:
    """Write every utterance's sound to ``audio/`` and return the rows with its path there, without times and channel.

    A whole file is copied as it is; a part, or one channel, becomes 16-bit WAV at the file's own rate.
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


def sound_bytes(row: Mapping[str, Any], export: Export) -> tuple[bytes, str]:
    """Return an utterance's sound as the bytes of a file, and the ending of its name."""
    path = export.corpus.audio_root / row["audio"]
    if row["start_s"] is None and row["end_s"] is None and row["channel"] is None:
        try:
            sound = find_sound(path)
            with sound.open() as file:
                return file.read(), sound.ending or PurePosixPath(row["audio"]).suffix
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    audio = read_audio(path, sample_rate=None, start_s=row["start_s"], end_s=row["end_s"], channel=row["channel"])
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, audio.sample_rate, 0, "NONE", "not compressed"))
        file.writeframes(to_int16(audio.samples).astype("<i2").tobytes())
    return buffer.getvalue(), ".wav"


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
