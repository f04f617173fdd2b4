"""Archives read in place: members of tar, gzipped tar and zip files, by an index made once per process.

Nothing is unpacked to disk. A tar or zip file costs one pass over its headers, and each member after that one read.
A gzipped tar has no index: it costs one decompression of the whole file per process, and each member after that the
decompression of what lies between it and the restart point before it (`asrfair.gunzip`: 4 MB, more in archives of more
than 2 GB), or nothing but itself where members are read in the archive's order. Unpack or repack those of many GB.
A compressed member's first `HEAD_BYTES` cost nothing more: the index keeps them, up to `HEADS_BYTES` in all.
"""

import io
import os
import posixpath
import sys
import tarfile
import threading
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from asrfair.errors import InputError, TruncatedAudioError
from asrfair.gunzip import CHUNK, MAGIC, Gunzip

TAR, TAR_GZ, ZIP = "tar", "tar.gz", "zip"
KINDS = {".tar": TAR, ".tar.gz": TAR_GZ, ".tgz": TAR_GZ, ".zip": ZIP}
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1
FACTS = 5
HEAD_BYTES = 1 << 10
HEADS_BYTES = 64 << 20
"""What the indices of one process keep of the beginnings of members: for more, members are decompressed."""
LINKS = 8
"""Links followed in a row; more are a circle."""


class Member(NamedTuple):
    """Where a member lies and how long it is, in bytes; ``packed``, ``method`` and ``crc`` are of zip files."""

    offset: int
    size: int
    packed: int = 0
    method: int = STORED
    crc: int = 0


@dataclass(frozen=True)
class Index:
    """The plain files of an archive, and why the archive is not whole, if it is not."""

    path: Path
    kind: str
    numbers: dict[str, int]
    facts: "array[int]"
    encrypted: frozenset[str] = frozenset()
    damage: str = ""
    text: "Gunzip | None" = None
    heads: Sequence[bytes] = ()

    def member(self, name: str) -> Member:
        """Return where a member lies; raises InputError naming the archive, the member and what is there."""
        where, plain = f"{self.path}::{name}", plain_name(name)
        if plain in self.encrypted:
            raise InputError(f"{where}: found an encrypted member; expected one that opens without a password")
        number = self.numbers.get(plain)
        if number is not None:
            return Member(*self.facts[number * FACTS : (number + 1) * FACTS])
        if self.damage:
            raise InputError(
                f"{where}: no such member among the {len(self.numbers)} that can be read; {self.path.name} is "
                f"truncated or damaged ({self.damage})"
            )
        first = f", the first '{next(iter(self.numbers))}'" if self.numbers else ""
        raise InputError(f"{where}: no such member; {self.path.name} holds {len(self.numbers)} files{first}")


def plain_name(name: str) -> str:
    """Return a member's name as the index has it, without './' before it."""
    while name.startswith("./"):
        name = name[2:]
    return name


def index_archive(path: Path, kind: str) -> Index:
    """Return the index of an archive; raises OSError as opening it does, InputError for a file that is none."""
    facts = path.stat()
    with _lock:
        return _index(path, kind, facts.st_mtime_ns, facts.st_size)


_lock = threading.RLock()


@lru_cache(maxsize=256)
def _index(path: Path, kind: str, modified_ns: int, file_bytes: int) -> Index:
    if file_bytes == 0:
        raise InputError(f"{path}: empty file; expected a {kind} archive")
    if kind == ZIP:
        return _index_zip(path)
    with path.open("rb") as file:
        zipped = file.read(2) == MAGIC
    if not zipped:
        with path.open("rb") as file:
            return _index_tar(path, TAR, file)
    text = Gunzip(path)
    return _index_tar(path, TAR_GZ, io.BufferedReader(text, CHUNK), text)


def _index_tar(path: Path, kind: str, file: Any, text: "Gunzip | None" = None) -> Index:
    numbers: dict[str, int] = {}
    facts, damage = array("Q"), ""
    links: dict[str, str] = {}
    heads: list[bytes] = []
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for info in _walk(archive):
                if not 0 <= info.size <= sys.maxsize:
                    raise tarfile.ReadError(f"a member of {info.size} bytes")
                name = plain_name(info.name)
                links.pop(name, None)
                if info.islnk():
                    links[name] = plain_name(info.linkname)
                elif info.issym():
                    links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
                elif info.isreg() and not info.issparse():
                    numbers[name] = len(facts) // FACTS
                    facts.extend(Member(info.offset_data, info.size))
                    if text is not None and len(heads) < HEADS_BYTES // HEAD_BYTES:
                        # On the way to the next member all of this one is decompressed.
                        file.seek(info.offset_data)
                        heads.append(file.read(min(HEAD_BYTES, info.size)))
            file.seek(archive.offset)
            if not file.read(1):
                damage = "its end mark is missing"
    except (tarfile.TarError, EOFError, zlib.error, OverflowError, MemoryError, ValueError) as error:
        if not numbers:
            raise InputError(f"{path}: found no {kind} archive that can be read ({error}); expected one") from error
        damage = str(error)
        # The archive ends in the last one: what is there of it does not show that.
        heads = heads[: len(facts) // FACTS - 1]
    for name in links:
        number = numbers.get(_target(name, links))
        if number is not None:
            numbers.setdefault(name, number)
    return Index(path, kind, numbers, facts, damage=damage, text=text, heads=heads)


def _target(name: str, links: dict[str, str]) -> str:
    for _ in range(LINKS):
        if name not in links:
            break
        name = links[name]
    return name


def _walk(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (info := archive.next()) is not None:
        # It keeps every header otherwise: about 1 kB each.
        archive.members = []  # type: ignore[attr-defined]
        yield info


def _index_zip(path: Path) -> Index:
    numbers: dict[str, int] = {}
    facts, encrypted = array("Q"), set()
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.filename or info.is_dir():
                    continue
                name = plain_name(info.filename)
                if info.flag_bits & ENCRYPTED:
                    encrypted.add(name)
                numbers[name] = len(facts) // FACTS
                facts.extend(
                    Member(info.header_offset, info.file_size, info.compress_size, info.compress_type, info.CRC)
                )
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, OverflowError) as error:
        raise InputError(
            f"{path}: found no whole zip archive ({error}; its directory is at its end: it may be truncated)"
        ) from error
    return Index(path, ZIP, numbers, facts, frozenset(encrypted))


def read_head(index: Index, name: str) -> bytes | None:
    """Return the first bytes of a compressed member, None where that would cost as much as all of it."""
    number, member = index.numbers[plain_name(name)], index.member(name)
    if index.text is not None:
        return index.heads[number] if number < len(index.heads) else None
    if member.method != DEFLATED:
        return None
    where = f"{index.path}::{name}"
    with index.path.open("rb") as file:
        start, stored = locate(index, member, where, file)
        file.seek(start)
        raw = file.read(min(stored, HEAD_BYTES))
    return _decompressed(raw, HEAD_BYTES, where)


def read_member(index: Index, name: str) -> bytes:
    """Return a member's bytes; raises InputError for one that is not there, encrypted, truncated or damaged."""
    member = index.member(name)
    where = f"{index.path}::{name}"
    if index.text is not None:
        try:
            return index.text.take(member.offset, member.size)
        except (EOFError, zlib.error) as error:
            message = f"{where}: truncated or damaged: {member.size} bytes promised ({error})"
            raise TruncatedAudioError(message) from error
    with index.path.open("rb") as file:
        start, stored = locate(index, member, where, file)
        # Before memory is asked for it.
        there = max(0, os.fstat(file.fileno()).st_size - start)
        if stored > there:
            raise TruncatedAudioError(f"{where}: truncated: {stored} bytes promised, {there} there")
        file.seek(start)
        raw = file.read(stored)
    return _inflated(raw, member, where) if index.kind == ZIP else raw


def locate(index: Index, member: Member, where: str, file: BinaryIO) -> tuple[int, int]:
    """Return where a member's own bytes begin in a tar or zip file, and how many they are."""
    if index.kind != ZIP:
        return member.offset, member.size
    file.seek(member.offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise InputError(f"{where}: truncated or damaged: the zip archive has no member where its directory says so")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return member.offset + 30 + names, member.packed


def _inflated(raw: bytes, member: Member, where: str) -> bytes:
    if member.method not in (STORED, DEFLATED):
        raise InputError(f"{where}: found the zip method {member.method}; expected stored (0) or deflated (8)")
    text = raw if member.method == STORED else _decompressed(raw, min(member.size + 1, sys.maxsize), where)
    if len(text) != member.size or zlib.crc32(text) != member.crc:
        raise InputError(f"{where}: damaged: its check sum does not fit")
    return text


def _decompressed(raw: bytes, most: int, where: str) -> bytes:
    try:
        return zlib.decompressobj(wbits=-15).decompress(raw, most)
    except zlib.error as error:
        raise InputError(f"{where}: damaged: cannot be decompressed ({error})") from error
