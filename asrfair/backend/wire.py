"""What wire formats have in common: sound into bytes, fields into values, and what is no value is told."""

import hashlib
import io
import math
import wave
from typing import Any

import numpy as np

from asrfair.audio import Waveform, to_int16
from asrfair.backend.base import Request, Word

MEDIA_TYPES = {"wav": "audio/wav", "flac": "audio/flac"}
# By how much a service may take audio for longer or shorter than it is: some count whole frames, some whole seconds.
SLACK_S, SLACK = 1.0, 0.05


class UnusableError(Exception):
    """A service's answer that cannot be used: what was found and what was expected."""


def unusable_audio(request: Request, sample_rate: int | None) -> str | None:
    """Return why a request cannot be sent, None if it can."""
    if request.samples is None:
        return "found no audio in the request; expected a waveform"
    if request.sample_rate != sample_rate:
        return f"found audio at {request.sample_rate} Hz; expected {sample_rate} Hz"
    if len(request.samples) == 0:
        return "found no samples; expected at least one"
    if not np.isfinite(request.samples).all():
        return "found samples that are not finite; expected numbers"
    return None


def encoded(samples: Waveform, sample_rate: int, kind: str) -> bytes:
    """Return a mono file of 16 bits, WAV or FLAC, as bytes; scaled as `to_int16` says."""
    short, file = to_int16(samples), io.BytesIO()
    if kind == "flac":
        import soundfile

        soundfile.write(file, short, sample_rate, format="FLAC", subtype="PCM_16")
        return file.getvalue()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, sample_rate, 0, "NONE", "not compressed"))
        out.writeframes(short.astype("<i2").tobytes())
    return file.getvalue()


def sha256(audio: bytes) -> str:
    """Return the SHA-256 of what was sent, as hexadecimal digits."""
    return hashlib.sha256(audio).hexdigest()


def duration_s(request: Request) -> float:
    """Return the seconds of audio in a request."""
    return 0.0 if request.samples is None else len(request.samples) / request.sample_rate


def check_duration(found: object, request: Request) -> None:
    """Raise UnusableError if a service has heard audio of another length: then it answers for another file.

    A file of about the same length passes, so this finds some mix-ups, and audio that was cut off; what is no number
    is not looked at.
    """
    heard, sent = number(found), duration_s(request)
    if heard is not None and abs(heard - sent) > SLACK_S + SLACK * sent:
        raise UnusableError(f"found an answer for {heard:.1f} s of audio; expected one for {sent:.1f} s")


def text_at(value: object, *, where: str) -> str:
    """Return text; raises UnusableError for anything else, since what is missing is not an empty transcript."""
    if not isinstance(value, str):
        raise UnusableError(f"found {_named(value)} as {where}; expected text")
    return value


def list_at(value: object, *, where: str) -> list[dict[str, Any]]:
    """Return a list of objects; raises UnusableError for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnusableError(f"found {_named(value)} as {where}; expected a list of objects")
    return value


def object_at(value: object, *, where: str) -> dict[str, Any]:
    """Return an object; raises UnusableError for anything else."""
    if not isinstance(value, dict):
        raise UnusableError(f"found {_named(value)} as {where}; expected an object")
    return value


def number(value: object) -> float | None:
    """Return a finite number; None for anything else, which is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def word_at(text: object, start: object, end: object, confidence: object) -> Word:
    """Return a word; a time before 0, times in the wrong order and a confidence outside 0 to 1 are unknown.

    They are details: the transcript that they come with is not lost for them.
    """
    start_s, end_s, sure = number(start), number(end), number(confidence)
    start_s = start_s if start_s is not None and start_s >= 0 else None
    end_s = end_s if end_s is not None and end_s >= 0 else None
    if start_s is not None and end_s is not None and end_s < start_s:
        start_s = end_s = None
    return Word(
        text_at(text, where="a word's text"), start_s, end_s, sure if sure is not None and 0 <= sure <= 1 else None
    )


def printable(text: str) -> str:
    """Return text on one line, with nothing that a terminal would obey."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _named(value: object) -> str:
    names = {type(None): "nothing", dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")
