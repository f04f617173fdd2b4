"""The text of a gzip file at any place, without unpacking it: decompression goes on from restart points kept in memory.

Going forward decompresses nothing twice; going back costs what lies between a restart point and the place asked for.
"""

import io
import threading
import zlib
from bisect import bisect_right
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"\x1f\x8b"
RESTART_BYTES = 4 << 20
RESTARTS = 512
"""Each keeps about 45 kB: the last 32 kB of text and zlib's state. Instead of more they lie farther apart."""
CHUNK = 1 << 16


class Gunzip(io.RawIOBase):
    """The text of a gzip file, seekable: it goes on from the last restart point before the place asked for.

    Raises EOFError where the file ends before its text does, and zlib.error where it is damaged.
    """

    def __init__(self, path: Path, *, restart_bytes: int = RESTART_BYTES) -> None:
        self._path = path
        self._apart = restart_bytes
        self._wanted = 0
        self._place, self._read_bytes, self._engine = 0, 0, zlib.decompressobj(wbits=31)
        self._restarts = [(0, 0, self._engine.copy())]
        self._lock = threading.Lock()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset from the start, or from here."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of a gzip file's text is unknown")
        self._wanted = offset + (self._wanted if whence == io.SEEK_CUR else 0)
        return self._wanted

    def tell(self) -> int:
        """Return the offset from the start."""
        return self._wanted

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one step goes; 0 at the end."""
        with self._path.open("rb") as file:
            text = self._take(file, self._wanted, len(buffer))
        buffer[: len(text)] = text
        self._wanted += len(text)
        return len(text)

    def take(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset``; raises EOFError where there are fewer."""
        parts: list[bytes] = []
        with self._lock, self._path.open("rb") as file:
            while size:
                part = self._take(file, offset, size)
                if not part:
                    raise EOFError("the compressed file ended before its text did")
                parts.append(part)
                offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def _take(self, file: BinaryIO, offset: int, size: int) -> bytes:
        restart = self._restarts[bisect_right(self._restarts, offset, key=lambda point: point[0]) - 1]
        if not restart[0] <= self._place <= offset:
            self._place, self._read_bytes, self._engine = restart[0], restart[1], restart[2].copy()
        while self._place < offset:
            if not self._step(file, min(offset - self._place, CHUNK * 16)):
                return b""
        return self._step(file, size)

    def _step(self, file: BinaryIO, most: int) -> bytes:
        """Return the next bytes of the text, b"" at its end."""
        text = b""
        while not text:
            file.seek(self._read_bytes)
            chunk = file.read(CHUNK)
            if self._engine.eof:
                # Several gzip files one after the other are one; anything else after the end is padding.
                if not chunk.startswith(MAGIC):
                    return b""
                self._engine = zlib.decompressobj(wbits=31)
            text = self._engine.decompress(chunk, most)
            left = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
            self._read_bytes += len(chunk) - len(left)
            if not chunk and not text and not self._engine.eof:
                raise EOFError("the compressed file ended before its text did")
        self._place += len(text)
        if self._place >= self._restarts[-1][0] + self._apart:
            self._restarts.append((self._place, self._read_bytes, self._engine.copy()))
            if len(self._restarts) > RESTARTS:
                self._restarts, self._apart = self._restarts[::2], self._apart * 2
        return text
