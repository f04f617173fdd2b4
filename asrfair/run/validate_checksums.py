"""Holding files to the publisher's own lists of checksums, where such lists lie in the corpus."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from asrfair.errors import InputError

NAMES = re.compile(
    r"(md5|sha1|sha256|sha512)(sums?)?(\.txt)?|checksums?(\.txt)?|.*[.\-_](md5|sha1|sha256|sha512)(sums?)?(\.txt)?",
    re.IGNORECASE,
)
BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
LARGEST_LIST = 256 * 2**20
# «HEX  name», «HEX *name» (coreutils), «MD5 (name) = HEX» (BSD), and a lone digest of the file beside.
COREUTILS = re.compile(r"\\?([0-9a-fA-F]{32,128})[ \t]+[* ]?(.+)")
BSD = re.compile(r"(?:MD5|SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})")
ALONE = re.compile(r"([0-9a-fA-F]{32,128})")


@dataclass(frozen=True)
class Promise:
    """A file, relative to the root, and the digest that a list gives it."""

    name: str
    algorithm: str
    digest: str
    listed_in: str


def promises(root: Path) -> list[Promise]:
    """Return what all lists of checksums in the root, or one folder down, promise; raises InputError for a bad one."""
    return [promise for path in _lists(root) for promise in _read(path, root)]


def _lists(root: Path) -> Iterator[Path]:
    with os.scandir(root) as entries:
        folders = sorted(Path(entry) for entry in entries if entry.is_dir())
    for folder in (root, *folders):
        # Most of what a folder of clips holds goes by without a `Path` of its own.
        named: list[str] = []
        with suppress(PermissionError), os.scandir(folder) as entries:
            named = sorted(entry.name for entry in entries if NAMES.fullmatch(entry.name))
        for path in (folder / name for name in named):
            if path.is_file() and path.stat().st_size <= LARGEST_LIST:
                yield path


def _read(path: Path, root: Path) -> Iterator[Promise]:
    folder = path.parent.relative_to(root)
    where = path.relative_to(root).as_posix()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith(("#", ";")):
            continue
        name, digest = _parsed(text, path)
        algorithm = BY_LENGTH.get(len(digest))
        if not name or algorithm is None:
            raise InputError(f"{path}: line {number}: found '{text[:80]}'; expected a digest and a file's name")
        relative = PurePosixPath(name.replace("\\", "/"))
        if relative.is_absolute() or ".." in relative.parts:
            raise InputError(
                f"{path}: line {number}: found the path '{name}'; expected one that stays inside the corpus"
            )
        yield Promise((PurePosixPath(folder.as_posix()) / relative).as_posix(), algorithm, digest.lower(), where)


def _parsed(text: str, path: Path) -> tuple[str, str]:
    if match := BSD.fullmatch(text):
        return match[1], match[2]
    if match := COREUTILS.fullmatch(text):
        return match[2], match[1]
    if match := ALONE.fullmatch(text):
        return path.stem, match[1]
    return "", ""


def broken(root: Path, promise: Promise) -> tuple[str, str] | None:
    """Return the kind of finding, and what was found, for a promise that its file does not keep."""
    try:
        with (root / promise.name).open("rb") as file:
            found = hashlib.file_digest(file, promise.algorithm).hexdigest()
    except FileNotFoundError:
        return "listed file missing", f"{promise.name}, listed in {promise.listed_in}"
    except OSError as error:
        return "checksum differs", f"{promise.name}: cannot be read: {error.strerror}"
    if found == promise.digest:
        return None
    said = f"{promise.listed_in} says {promise.digest[:12]}..."
    return "checksum differs", f"{promise.name}: {promise.algorithm} {found[:12]}..., {said}"
