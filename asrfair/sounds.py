"""Where a sound's bytes are: a file, or ``FILE::MEMBER``, a place in a file that is read as it lies.

Conventions
-----------
``FILE::MEMBER``, where FILE ends in ``.tar``, ``.tar.gz``, ``.tgz`` or ``.zip`` and MEMBER is a path inside it; or
``FILE.parquet::ROW`` with rows counted from 0 (column ``audio``), or ``FILE.parquet::ROW::COLUMN``. Nothing is unpacked
to disk. The costs are told in `asrfair.archives` and `asrfair.parquet`. Anything else is a plain file, whatever colons
its name has.
"""

import hashlib
import io
import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from asrfair.archives import KINDS, STORED, TAR_GZ, ZIP, index_archive, locate, read_head, read_member
from asrfair.errors import InputError, TruncatedAudioError, expected
from asrfair.parquet import ENDING, read_row_audio

SEPARATOR = "::"
OTHER_ARCHIVES = (".tar.bz2", ".tar.xz", ".tar.zst", ".tbz2", ".txz", ".7z", ".rar", ".gz")
WINDOW_BYTES = 4 << 20
"""A stored member of more than this is read where it lies rather than taken into memory."""
TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class Sound:
    """A sound's bytes.

    ``where`` names it in messages and ``name`` holds its file name's ending; ``place`` is "" for a plain file.
    ``stamp`` is the file's time of change in ns and its size in bytes.
    """

    where: str
    file: Path
    place: str
    name: str
    stamp: tuple[int, int]

    @property
    def ending(self) -> str:
        """Return the ending of the name, in small letters, with its dot."""
        return PurePosixPath(self.name).suffix.lower()

    def open(self, *, header: bool = False) -> BinaryIO:
        """Open the bytes, seekable; raises OSError as opening a file does, and InputError.

        ``header`` says that no more than a header is wanted: then a compressed member may stay compressed.
        """
        if not self.place:
            # A decoder reads the file by itself; of what is looked at here, a buffer would cost more than it saves.
            return open(self.where, "rb", buffering=0)
        if self.file.name.lower().endswith(ENDING):
            return io.BytesIO(read_row_audio(self.file, self.place)[0])
        return _open_member(self, header)


def find_sound(path: str | Path) -> Sound:
    """Return where a path or address leads; raises OSError as opening a file does, and InputError."""
    where = str(path)
    if SEPARATOR not in where:
        # Most sounds are plain files, and a file is read in little more time than a path is taken apart.
        return Sound(where, path if isinstance(path, Path) else Path(path), "", where, _stamp(where, os.stat(where)))
    file, place = split_address(where)
    if place and _climbs(place):
        raise InputError(f"{where}: found a member that climbs out of its archive; expected a path inside it")
    stamp = _stamp(where, file.stat())
    if place and file.name.lower().endswith(ENDING):
        return Sound(where, file, place, read_row_audio(file, place)[1], stamp)
    return Sound(where, file, place, place or where, stamp)


def _stamp(where: str, facts: os.stat_result) -> tuple[int, int]:
    # Opening a named pipe waits for a writer, for ever if none comes; a folder is refused when it is opened.
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        raise InputError(f"{where}: found {_kind_of(facts.st_mode)}; expected a plain file")
    return facts.st_mtime_ns, facts.st_size


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def split_address(path: str | Path) -> tuple[Path, str]:
    """Return the file and the place in it, "" for a plain file; raises InputError for an archive of another kind."""
    text, start = str(path), 0
    while (cut := text.find(SEPARATOR, start)) >= 0:
        file, place, start = text[:cut], text[cut + 2 :], cut + 2
        if file.lower().endswith((*KINDS, ENDING)):
            if not place:
                raise InputError(f"{text}: found no member after '{SEPARATOR}'; expected one")
            return Path(file), place
        if file.lower().endswith(OTHER_ARCHIVES):
            raise InputError(expected(text, f"an archive ending '{Path(file).suffix}'", (*KINDS, ENDING)))
    return Path(text), ""


def fingerprint(path: str | Path) -> str:
    """Return what tells a sound from another of its name: its size in bytes, "-1" where there is none.

    A zip member has its check sum besides. In a gzipped tar and in Parquet, whose parts' sizes would cost reading all
    of them, it is the file's own size with a digest of its end, where gzip has the text's check sum and Parquet the
    sizes of its parts.
    """
    try:
        file, place = split_address(path)
        if not place:
            return str(file.stat().st_size)
        kind = _kind(file)
        if kind in (TAR_GZ, ENDING):
            facts = file.stat()
            return f"{facts.st_size} {_tail(file, facts.st_mtime_ns, facts.st_size)}"
        member = index_archive(file, kind).member(place)
        return f"{member.size} {member.crc:08x}" if kind == ZIP else str(member.size)
    except (OSError, InputError):
        return "-1"


def _kind(file: Path) -> str:
    name = file.name.lower()
    return ENDING if name.endswith(ENDING) else next(kind for end, kind in KINDS.items() if name.endswith(end))


@lru_cache(maxsize=4096)
def _tail(file: Path, modified_ns: int, file_bytes: int) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file_bytes - TAIL_BYTES))
        return hashlib.sha256(opened.read()).hexdigest()[:16]


def _climbs(place: str) -> bool:
    pure = PurePosixPath(place.replace("\\", "/"))
    return pure.is_absolute() or ".." in pure.parts or "\0" in place


def _open_member(sound: Sound, header: bool) -> BinaryIO:
    index = index_archive(sound.file, _kind(sound.file))
    member = index.member(sound.place)
    head = read_head(index, sound.place) if header else None
    if head is not None:
        return cast(BinaryIO, Unread(sound, head=head, size=member.size))
    if index.text is not None or member.method != STORED:
        return io.BytesIO(_decompressed(sound))
    if member.size <= WINDOW_BYTES:
        return io.BytesIO(read_member(index, sound.place))
    file = sound.file.open("rb")
    try:
        start, size = locate(index, member, sound.where, file)
        there = sound.stamp[1] - start
        if size > there:
            raise TruncatedAudioError(f"{sound.where}: truncated: {size} bytes promised, {max(0, there)} there")
    except InputError:
        file.close()
        raise
    return io.BufferedReader(Window(file, start=start, size=size), 1 << 16)


@lru_cache(maxsize=1)
def _decompressed(sound: Sound) -> bytes:
    """Return a compressed member; the last one is kept, for a long recording that is read part by part."""
    return read_member(index_archive(sound.file, _kind(sound.file)), sound.place)


class _Part(io.RawIOBase):
    """Bytes of a known number as a file that can be read and moved in."""

    def __init__(self, size: int) -> None:
        self._size, self._place = size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset from the part's start, from here or from its end."""
        self._place = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence])
        return self._place

    def tell(self) -> int:
        """Return the offset from the part's start."""
        return self._place

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override]
        """Fill the buffer as far as the part goes."""
        part = self._bytes(max(0, min(len(buffer), self._size - self._place)))
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)

    def _bytes(self, count: int) -> bytes:
        raise NotImplementedError


class Unread(_Part):
    """A compressed member of which the beginning is at hand: the whole is decompressed when more is asked for."""

    def __init__(self, sound: Sound, *, head: bytes, size: int) -> None:
        super().__init__(size)
        self._sound, self._head = sound, head

    def _bytes(self, count: int) -> bytes:
        end = self._place + count
        return (self._head if end <= len(self._head) else _decompressed(self._sound))[self._place : end]


class Window(_Part):
    """A part of an open file as a file; closing it closes the whole."""

    def __init__(self, file: BinaryIO, *, start: int, size: int) -> None:
        super().__init__(size)
        self._file, self._start = file, start

    def _bytes(self, count: int) -> bytes:
        self._file.seek(self._start + self._place)
        return self._file.read(count)

    def close(self) -> None:
        """Close the whole file."""
        self._file.close()
        super().close()
