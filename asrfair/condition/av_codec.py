"""Encoders and decoders of FFmpeg, by package PyAV (extra ``codecs``)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import CardError, InputError, expected

INSTALL = "pip install 'asrfair[codecs]'"
# Samples handed to an encoder, and bytes to a decoder, at a time.
PIECE = 1 << 20


def check_codec(effect: str, *, encoder: str, decoder: str) -> None:
    """Raise CardError, with the command that installs it, where PyAV or one of its codecs is missing."""
    try:
        import av
    except ImportError:
        raise CardError(f"{effect}: found no package 'av'; expected it: {INSTALL}") from None
    for name, written in ((encoder, True), (decoder, False)):
        try:
            av.Codec(name, "w" if written else "r")
        except av.codec.codec.UnknownCodecError:
            raise CardError(f"{effect}: found PyAV without '{name}'; expected its own wheel: {INSTALL}") from None


def check_bitrate(effect: str, bitrate_kbps: int, valid: Iterable[int]) -> None:
    """Raise CardError, listing those that there are, for a bit rate that the codec does not have."""
    rates = list(valid)
    if bitrate_kbps not in rates:
        raise CardError(expected(f"{effect}: 'bitrate_kbps'", bitrate_kbps, rates))


def encode(
    encoder: str,
    samples: NDArray[Any],
    *,
    sample_rate: int,
    bitrate_kbps: int,
    options: Mapping[str, str] | None = None,
) -> list[bytes]:
    """Return the encoder's packets for shape=(n,): int16 for encoders of that, else float32. InputError if it fails."""
    import av

    packed = samples.dtype == np.int16
    sample_format = "s16" if packed else "fltp"
    try:
        context: Any = av.CodecContext.create(encoder, "w")
        context.sample_rate, context.layout, context.format = sample_rate, "mono", sample_format
        context.bit_rate = bitrate_kbps * 1000
        context.options = dict(options or {})
        packets: list[bytes] = []
        for start in range(0, len(samples), PIECE):
            piece = np.ascontiguousarray(samples[None, start : start + PIECE])
            frame = av.AudioFrame.from_ndarray(piece, format=sample_format, layout="mono")
            frame.sample_rate, frame.pts = sample_rate, start
            packets += [bytes(packet) for packet in context.encode(frame)]
        packets += [bytes(packet) for packet in context.encode(None)]
    except av.FFmpegError as error:
        raise InputError(f"{encoder}: found {error.strerror}; expected a signal coded") from error
    return packets


def decode(
    decoder: str, packets: Iterable[bytes], *, sample_rate: int, options: Mapping[str, str] | None = None
) -> NDArray[Any]:
    """Return the decoder's sound, shape=(n,), in the decoder's own type; raises InputError if it fails."""
    import av

    try:
        context: Any = av.CodecContext.create(decoder, "r")
        context.sample_rate, context.layout = sample_rate, "mono"
        context.options = dict(options or {})
        sounds = [frame.to_ndarray()[0] for packet in packets for frame in context.decode(av.Packet(packet))]
        sounds += [frame.to_ndarray()[0] for frame in context.decode(None)]
    except av.FFmpegError as error:
        raise InputError(f"{decoder}: found {error.strerror}; expected packets decoded") from error
    return np.concatenate(sounds) if sounds else np.zeros(0, np.int16)


def pieces(stream: bytes, *, multiple: int) -> list[bytes]:
    """Return the stream of a codec without frames in parts of a whole number of ``multiple`` bytes."""
    size = PIECE // multiple * multiple
    return [stream[start : start + size] for start in range(0, len(stream), size)]
