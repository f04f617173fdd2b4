"""What `asrfair fetch` asks of the Hugging Face Hub: a commit, its files with their digests, and their bytes.

The library's own download of a file begins anew when it is started again (huggingface_hub issue 4196), so its
`http_get`, which can begin where a file ends, is called here with a part file that stays. Access is the library's:
its endpoint, its proxies and its token, which is neither kept nor printed here.
"""

import errno
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from asrfair.errors import AsrfairError, IncompleteError, InputError
from asrfair.reading import inside
from asrfair.report.text import safe

INSTALL = "pip install 'asrfair[hub]'"
LOCK = ".fetch.lock"
AGAIN = "the same command goes on from there"
Algorithm = Literal["sha256", "git-sha1"]


@dataclass(frozen=True)
class HubFile:
    """A file of a commit: its path in the repository, its bytes, and its published digest in hexadecimal digits.

    Large files (LFS) have the SHA-256 of their bytes, others git's SHA-1 of a blob.
    """

    path: str
    size: int
    algorithm: Algorithm
    digest: str


@dataclass(frozen=True)
class Snapshot:
    """A commit of a dataset, and what the Hub says of the dataset; ``gated``: terms must be accepted there first."""

    repo: str
    commit: str
    licence: str
    gated: bool


def resolve(repo: str, revision: str) -> Snapshot:
    """Ask for the commit that a revision names; raises InputError or IncompleteError with a line for each cause."""
    with told(f"{repo} at {revision}", repo):
        info = _api().repo_info(repo, repo_type="dataset", revision=revision)
        licence = (info.card_data or {}).get("license")
        texts = licence if isinstance(licence, list) else [licence]
        return Snapshot(repo, str(info.sha), ", ".join(str(text) for text in texts if text), bool(info.gated))


def listed(snapshot: Snapshot, patterns: Sequence[str]) -> list[HubFile]:
    """List the files of a commit that fit the patterns, by path; raises InputError for a pattern that none fits."""
    found: dict[str, HubFile] = {}
    for pattern in patterns:
        folder = _fixed_folder(pattern)
        where = f"{snapshot.repo} at {snapshot.commit[:12]}: {pattern}"
        with told(where, snapshot.repo):
            entries = _api().list_repo_tree(
                snapshot.repo, folder or None, recursive=True, revision=snapshot.commit, repo_type="dataset"
            )
            files = [_file(entry) for entry in entries if hasattr(entry, "blob_id")]
        fitting = {file.path: file for file in files if fits(file.path.split("/"), pattern.split("/"))}
        if not fitting:
            raise InputError(f"{where}: found no such file among {len(files)} in {folder or 'the repository'}")
        found |= fitting
    return [found[path] for path in sorted(found)]


def _file(entry: Any) -> HubFile:
    large = entry.lfs is not None
    digest = str(entry.lfs.sha256 if large else entry.blob_id)
    if not re.fullmatch("[0-9a-f]{64}" if large else "[0-9a-f]{40}", digest):
        raise InputError(f"{safe(entry.path)}: found the digest {digest!r}; expected hexadecimal digits")
    return HubFile(entry.path, int(entry.lfs.size if large else entry.size), "sha256" if large else "git-sha1", digest)


def _fixed_folder(pattern: str) -> str:
    """Return the folders of a pattern before the first wildcard."""
    parts = pattern.split("/")[:-1]
    wild = next((number for number, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    return "/".join(parts[:wild])


def fits(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether a path in parts fits a pattern in parts; ``**`` stands for any number of folders."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(fits(path[skipped:], pattern[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and fits(path[1:], pattern[1:])


def place(file: HubFile, folder: Path) -> Path:
    """Return where a file belongs in a folder; raises InputError for a path that would lead out of it."""
    return folder / inside(folder, file.path, where=f"the Hub's list of files: {safe(file.path)}")


def part_of(file: HubFile, folder: Path) -> Path:
    """Return where the bytes of an unfinished file lie; its name holds the digest, so that no other goes on with it."""
    target = place(file, folder)
    return target.with_name(f".{target.name}.{file.digest[:12]}.part")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other fetches out of a folder, which is made; raises IncompleteError where one is writing there.

    Two that write one part file leave a file that neither has checked. The lock ends with the process.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
    with told(str(folder), ""):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise IncompleteError(f"{folder}: found another fetch that is writing here; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def check(file: HubFile, folder: Path) -> None:
    """Compare a file that is there with its published digest; raises InputError."""
    path = place(file, folder)
    with told(str(path), ""):
        found = digest_of(path, file.algorithm)
    if found != file.digest:
        raise InputError(
            f"{path}: found {file.algorithm} {found[:16]}…; expected {file.digest[:16]}… as published: not the "
            "dataset's file, or damaged; move it away and fetch again"
        )


def digest_of(path: Path, algorithm: Algorithm) -> str:
    """Return a file's digest: SHA-256 of its bytes, or git's SHA-1 of «blob SIZE NUL» and its bytes."""
    with path.open("rb") as stream:
        if algorithm == "sha256":
            return hashlib.file_digest(stream, "sha256").hexdigest()
        blob = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        for piece in iter(lambda: stream.read(2**20), b""):
            blob.update(piece)
        return blob.hexdigest()


def download(snapshot: Snapshot, file: HubFile, folder: Path) -> None:
    """Fetch a file, from where an earlier call ended, check its digest, and only then give it its name.

    Raises IncompleteError for what ended early, which stays, and for a wrong digest, which is removed.
    """
    from huggingface_hub import hf_hub_url, utils

    library: Any = utils
    where, part = f"{snapshot.repo}: {safe(file.path)}", part_of(file, folder)
    with told(where, snapshot.repo, part=part):
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.is_file() and part.stat().st_size > file.size:
            part.unlink()
        url = hf_hub_url(
            snapshot.repo, file.path, repo_type="dataset", revision=snapshot.commit, endpoint=_api().endpoint
        )
        # A compressed answer would have other sizes, and could not go on from an offset.
        _receive(url, part, file, {**library.build_hf_headers(), "Accept-Encoding": "identity"})
        found = digest_of(part, file.algorithm)
        if found != file.digest:
            part.unlink()
            raise IncompleteError(
                f"{where}: found {file.algorithm} {found[:16]}… after the download; expected {file.digest[:16]}… as "
                "published; the bytes were removed: fetch again"
            )
        os.replace(part, place(file, folder))


def _receive(url: str, part: Path, file: HubFile, headers: dict[str, str]) -> None:
    """Let a part file grow to the whole; a connection that breaks is taken up again as long as bytes come."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    with part.open("ab") as stream:
        while True:
            size = stream.tell()
            try:
                http_get(
                    url,
                    stream,
                    resume_size=size,
                    headers=headers,
                    expected_size=file.size,
                    displayed_filename=file.path,
                )
                return
            except HfHubHTTPError:
                raise
            except _transport_errors():
                if stream.tell() <= size:
                    raise
            except OSError:
                if size == 0 or stream.tell() <= file.size:
                    raise
                # The whole again, after what was there: a server that takes no notice of offsets, and an early
                # library 1 that takes no notice of that.
                stream.seek(0)
                stream.truncate()


def _transport_errors() -> Any:
    from huggingface_hub.errors import HfHubHTTPError

    # The base class of the HTTP library beneath, which differs between versions.
    return HfHubHTTPError.__bases__[0]


def _api() -> Any:
    from huggingface_hub import HfApi

    # The library reads the variable once, when it is imported.
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None)


@contextmanager
def told(where: str, repo: str, *, part: Path | None = None) -> Iterator[None]:
    """Turn what the Hub, the network or the disk refuse into one line each; ``part`` holds what there is so far."""
    from huggingface_hub import errors

    try:
        yield
    except errors.HfHubHTTPError as error:
        raise _refused(where, repo, error) from error
    except errors.OfflineModeIsEnabled as error:
        raise InputError(f"{where}: HF_HUB_OFFLINE is set; expected a connection: unset it, or fetch elsewhere") from (
            error
        )
    except errors.HFValidationError as error:
        raise InputError(f"{where}: {_line(error)}") from error
    except _transport_errors() as error:
        raise IncompleteError(
            f"{where}: no connection to {_api().endpoint}, or it broke: {_line(error)}{_kept(part)}"
        ) from error
    except OSError as error:
        full = " (the disk is full)" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise IncompleteError(f"{where}: {error.strerror or _line(error)}{full}{_kept(part)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: found what the Hub does not answer: {_line(error)}") from error


def _refused(where: str, repo: str, error: Any) -> AsrfairError:
    from huggingface_hub import errors

    page, status = f"{_api().endpoint}/datasets/{repo}", error.response.status_code
    login = "log in with: hf auth login (or set HF_TOKEN)"
    if isinstance(error, errors.GatedRepoError):
        return InputError(f"{where}: the dataset is gated ({status}); accept its terms at {page}, then {login}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return InputError(f"{where}: no such dataset, or a private one ({status}): see {page}; if private, {login}")
    if isinstance(error, errors.RevisionNotFoundError):
        return InputError(f"{where}: no such revision ({status}): see {page}/commits/main")
    if isinstance(error, errors.EntryNotFoundError):
        return InputError(f"{where}: no such file at this commit ({status}): see {page}/tree/main")
    if status == 401:
        return InputError(f"{where}: the token was refused (401); {login}")
    if status == 403:
        return InputError(f"{where}: not allowed (403): the token may lack the permission; see {page}")
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        when = f"in {safe(wait)} s" if wait else "later"
        return IncompleteError(f"{where}: too many requests (429); fetch again {when}: {AGAIN}")
    if status >= 500:
        return IncompleteError(f"{where}: the Hub is out of order ({status}); fetch again later: {AGAIN}")
    return InputError(f"{where}: the Hub answers {status}: see {page}")


def _kept(part: Path | None) -> str:
    kept = part.stat().st_size if part is not None and part.is_file() else 0
    return f"; {kept:,} bytes are kept: {AGAIN}" if kept else ""


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return safe(lines[0]) if lines else type(error).__name__
