"""What libsndfile would pass over in a sound's own bytes: missing samples, a wrong name, another decoder's format."""

import io
import math
from pathlib import PurePosixPath
from typing import BinaryIO, Literal, NamedTuple

from asrfair.errors import InputError, TruncatedAudioError

Order = Literal["little", "big"]

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
# What libsndfile reads would be looked for under these names.
OTHERS_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".sph", ".aiff", ".aif", ".au")


class Container(NamedTuple):
    """What the bytes say.

    ``notes`` are remarks; ``repaired`` are the file's bytes with a missing length filled in, where libsndfile would
    read nothing; ``foreign`` is the name of a format that only FFmpeg reads, else "".
    """

    notes: tuple[str, ...] = ()
    repaired: bytes | None = None
    foreign: str = ""


def check_container(file: BinaryIO, *, where: str, name: str) -> Container:
    """Look at an open file called ``name``; raises InputError, beginning with ``where``, for one that is not whole."""
    magic = file.read(12)
    file_bytes = file.seek(0, io.SEEK_END)
    if file_bytes == 0:
        raise InputError(f"{where}: empty file; expected audio")
    if magic[:7] == b"NIST_1A":
        return _check_sphere(file, file_bytes, where=where, name=name)
    if magic[:4] in CHUNKED:
        return _check_chunks(file, file_bytes, magic, where=where)
    foreign = _foreign(magic)
    if not foreign:
        return Container()
    ending = PurePosixPath(name).suffix.lower()
    return Container((f"{foreign} file named {ending}",) if ending in OTHERS_ENDINGS else (), foreign=foreign)


def _foreign(magic: bytes) -> str:
    if magic[4:8] == b"ftyp":
        return "3GPP audio (3GP)" if magic[8:10] == b"3g" else "MPEG-4 audio (M4A)"
    if magic[:5] == b"#!AMR":
        return "AMR audio"
    if magic[:4] == b"\x1a\x45\xdf\xa3":
        return "Matroska or WebM audio"
    # The layer, 0 in AAC alone, tells its sync word from an MP3's (ISO/IEC 13818-7, section 6.2).
    if len(magic) > 1 and magic[0] == 0xFF and magic[1] & 0xF6 == 0xF0:
        return "AAC audio (ADTS)"
    return ""


def _check_sphere(file: BinaryIO, file_bytes: int, *, where: str, name: str) -> Container:
    file.seek(0)
    lines = file.read(1024).split(b"end_head")[0].decode("latin-1").splitlines()
    fields = {parts[0]: parts[2].strip() for line in lines if len(parts := line.split(maxsplit=2)) == 3}
    coding = fields.get("sample_coding", "pcm")
    if "embedded" in coding or "shorten" in coding:
        raise InputError(
            f"{where}: found a NIST SPHERE file compressed with '{coding}'; expected it uncompressed: "
            "convert it, for example with `sph2pipe -f wav`"
        )
    sizes = [fields.get(key, "") for key in ("sample_count", "channel_count", "sample_n_bytes")]
    if all(size.isdecimal() for size in sizes) and lines[1].strip().isdecimal():
        _check_length(math.prod(map(int, sizes)), file_bytes - int(lines[1]), where=where)
    return Container(("NIST SPHERE file named .wav",) if name.lower().endswith(".wav") else ())


def _check_length(promised: int, there: int, *, where: str) -> None:
    if promised > there:
        raise TruncatedAudioError(f"{where}: truncated: {promised} bytes of samples promised, {max(0, there)} there")


def _check_chunks(file: BinaryIO, file_bytes: int, magic: bytes, *, where: str) -> Container:
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
                return Container((STREAMING,), _with_length(file, position + 4, there, order))
            if size >= STREAMING_BYTES and size > there and not long_bytes:
                return Container((STREAMING,))
            _check_length(long_bytes or size, there, where=where)
            break
        position += 8 + size + size % 2
    return Container()


def _with_length(file: BinaryIO, position: int, size: int, order: Order) -> bytes:
    file.seek(0)
    whole = bytearray(file.read())
    whole[position : position + 4] = size.to_bytes(4, order)
    return bytes(whole)
