"""The cache: what was once heard and measured, by content, in one SQLite file of the user's.

It is a convenience. A file that cannot be opened, read or written is told once, and the work goes on without it. The
file is its owner's alone (mode 0600): it holds transcripts. Every value carries a check sum (zlib's), since a
transcript with a flipped bit would pass for one.
"""

import json
import os
import sqlite3
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VARIABLE = "ASRFAIR_CACHE"
NONE = "none"
FILE = "transcripts.sqlite"
FORMAT = 1
TIMEOUT_S = 30.0
# SQLite's least limit on the values of one statement is 999.
TOGETHER = 500
# A file that changed just now may change again within the resolution of its time of change.
SETTLED_NS = 2_000_000_000
TABLES = """
CREATE TABLE IF NOT EXISTS cells (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
"""


def cache_folder(given: str = "") -> Path | None:
    """Return the cache's folder: the one given, else ASRFAIR_CACHE, else asrfair's in the user's folder of caches.

    None where there is to be no cache (``none``), or where the user has no such folder.
    """
    chosen = given or os.environ.get(VARIABLE, "")
    if chosen:
        return None if chosen == NONE else Path(chosen)
    named = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
    if named and Path(named).is_absolute():
        return Path(named) / "asrfair"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "asrfair"


class Cache:
    """Values by key, and digests of files by path and stamp; safe for threads, and for several runs at a time.

    ``trouble`` says why it is of no use any more, "" while it is.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.trouble = ""
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with self._guarded():
            self._connection = _connected(self.path)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """Return the values that are there, by key."""
        found: dict[bytes, Any] = {}
        with self._guarded():
            for first in range(0, len(keys) if self._connection else 0, TOGETHER):
                some = keys[first : first + TOGETHER]
                marks = ",".join("?" * len(some))
                rows = self._execute(f"SELECT key, value FROM cells WHERE key IN ({marks})", some)
                found |= {key: json.loads(zlib.decompress(value)) for key, value in rows}
        return {} if self.trouble else found

    def put(self, values: Mapping[bytes, Any]) -> None:
        """Keep values; a key that is there keeps the value it has."""
        rows = [(key, zlib.compress(_json(value), 1)) for key, value in values.items()]
        with self._guarded():
            if self._connection is not None and rows:
                self._execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR IGNORE INTO cells VALUES (?, ?)", rows)
                self._execute("COMMIT")

    def digest(self, path: bytes, stamp: str) -> bytes | None:
        """Return the digest of a file that has not changed since, None if it is unknown."""
        with self._guarded():
            if self._connection is not None:
                rows = self._execute("SELECT digest FROM files WHERE path = ? AND stamp = ?", (path, stamp)).fetchall()
                return bytes(rows[0][0]) if rows else None
        return None

    def put_digest(self, path: bytes, stamp: str, digest: bytes) -> None:
        """Keep a file's digest."""
        with self._guarded():
            if self._connection is not None:
                self._execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, stamp, digest))

    def count(self) -> int:
        """Return how many values it holds."""
        with self._guarded():
            if self._connection is not None:
                return int(self._execute("SELECT count(*) FROM cells").fetchone()[0])
        return 0

    def close(self) -> None:
        """Close the file."""
        with self._guarded():
            if self._connection is not None:
                self._connection.close()
        self._connection = None

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        if self._connection is None:
            raise sqlite3.ProgrammingError("closed")
        return self._connection.execute(statement, values)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Hold the lock; end the use of a cache that fails."""
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError, zlib.error, ValueError) as error:
                told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                self.trouble = f"{self.path}: found a cache that cannot be used ({told}); the work goes on without it"
                self._connection = None


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made by hand, for its mode, which SQLite's files beside it take over.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise ValueError(f"of format {found}, made by a newer asrfair; expected format {FORMAT}")
    if found < FORMAT:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Ask for the journal that lets others read meanwhile; SQLite does not wait where another run does so as well."""
    ends = time.monotonic() + TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > ends:
                raise
            time.sleep(0.01)
        else:
            return
