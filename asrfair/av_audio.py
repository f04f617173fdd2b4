"""What libsndfile does not read, by FFmpeg through PyAV (extra ``codecs``): MPEG-4, 3GPP, AAC, AMR, WebM.

Conventions
-----------
Samples are float32, shape=(n, channels), at the rate that the header says. What an encoder put around the sound
is left out as the container says, as the command `ffmpeg` does; bare AAC and AMR streams say nothing about it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError

INSTALL = "pip install 'asrfair[codecs]'"
MICROSECONDS = 1_000_000
SLACK_S = 0.05
"""How far a container's length may be off: WebM counts the coder's delay, and whole frames."""


class AvFile:
    """An open file, with the names that `soundfile.SoundFile` has for what the header says."""

    def __init__(self, container: Any, *, seconds: float) -> None:
        self._container = container
        self._stream = container.streams.audio[0]
        context = self._stream.codec_context
        self.samplerate, self.channels = int(context.sample_rate), int(context.channels)
        self.format = str(container.format.name).split(",")[0].upper()
        self.subtype = str(context.name).upper()
        self.notes = () if len(container.streams.audio) == 1 else ("the first of several audio streams",)
        self.frames = round(seconds * self.samplerate)

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """Return ``count`` samples per channel from ``first``, fewer at the end; to be called once.

        It decodes from the beginning: after a seek FFmpeg no longer leaves out what the encoder put before the sound.
        """
        parts, place = [], 0
        for block in self._blocks():
            parts.append(block[max(0, first - place) : max(0, first + count - place)])
            place += len(block)
            if place >= first + count:
                break
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        import av

        resampler: Any = None
        for frame in self._container.decode(self._stream):
            resampler = resampler or av.AudioResampler(format="fltp", layout=frame.layout, rate=self.samplerate)
            for converted in resampler.resample(frame):
                yield converted.to_ndarray().T
        for converted in resampler.resample(None) if resampler else ():
            yield converted.to_ndarray().T


@contextmanager
def opened(file: BinaryIO, *, where: str, kind: str, readable: str) -> Iterator[AvFile]:
    """Open a file of a format called ``kind``; raises InputError, also for what goes wrong while it is read."""
    try:
        import av
    except ImportError:
        raise InputError(
            f"{where}: found {kind}; expected {readable}; with FFmpeg it is read too: {INSTALL}; or convert it"
        ) from None
    try:
        with av.open(file) as container:
            streams = container.streams.audio
            if not streams or streams[0].codec_context is None:
                raise InputError(
                    f"{where}: truncated or damaged, or {kind} without a stream that can be decoded; expected one"
                )
            seconds = _seconds(container)
            if seconds is not None:
                yield AvFile(container, seconds=seconds)
                return
            seconds = _count(container)
        file.seek(0)
        with av.open(file) as container:
            yield AvFile(container, seconds=seconds)
    except (av.FFmpegError, ValueError) as error:
        raise InputError(
            f"{where}: truncated or damaged: not readable as {kind} ({getattr(error, 'strerror', None) or error})"
        ) from error


def _count(container: Any) -> float:
    """Return the sum of the lengths of the packets, which are not decoded."""
    stream = container.streams.audio[0]
    return float(sum(packet.duration or 0 for packet in container.demux(stream)) * stream.time_base)


def _seconds(container: Any) -> float | None:
    """Return the length that a container tells: its track's, or its own; None where it has to be counted."""
    stream = container.streams.audio[0]
    if container.format.name.startswith("mov") and stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.format.name.startswith("matroska") and container.duration is not None:
        return float(container.duration / MICROSECONDS)
    return None
