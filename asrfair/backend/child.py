"""A program kept running: lines in, lines out, with nothing that can block for ever."""

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from typing import IO

from asrfair.errors import BackendError

GRACE_S = 2.0
KEPT_STDERR_LINES = 20


class Child:
    """A started program. Its two outputs are drained by threads, so that it can never wait for us.

    Raises BackendError if the program cannot be started.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        try:
            # A session of its own: what the program starts in turn can be ended with it.
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise BackendError(f"command: {arguments[0]} cannot be started: {error.strerror or error}") from error
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._last_errors: deque[str] = deque(maxlen=KEPT_STDERR_LINES)
        self._readers = [
            threading.Thread(target=self._read_output, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        self._writer: threading.Thread | None = None
        for reader in self._readers:
            reader.start()

    def send(self, lines: Sequence[str]) -> None:
        """Write lines from a thread; a program that has ended is noticed when it is read from."""
        self._writer = threading.Thread(target=self._write, args=("".join(f"{x}\n" for x in lines),), daemon=True)
        self._writer.start()

    def next_line(self, timeout_s: float) -> str | None:
        """Return the next line without its end, or None if the program has ended; raises TimeoutError."""
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"no line within {timeout_s:g} s") from None

    def death(self) -> str:
        """Say how the program ended: its exit code or signal, and the last line of its standard error."""
        ended = self._wait(GRACE_S)
        self.end(grace_s=0)
        code = self._process.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        how = how if ended else "closed its output"
        last = next((line for line in reversed(self._last_errors) if line.strip()), "")
        return f"the program {how}" + (f", last saying: {last.strip()}" if last else ", saying nothing")

    def end(self, *, grace_s: float) -> None:
        """End the program: close its input, wait, terminate, wait, kill; with no grace kill it at once."""
        if grace_s > 0:
            self._close_input()
            if not self._wait(grace_s):
                self._signal(signal.SIGTERM)
                self._wait(grace_s)
        # Also where the program itself has ended: what it started may still hold its outputs open.
        self._signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for thread in (*self._readers, self._writer):
            if thread is not None:
                thread.join(timeout=GRACE_S)
        self._close_input()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _wait(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Nobody is left in the group.
            return

    def _close_input(self) -> None:
        if self._process.stdin is not None and not (self._writer and self._writer.is_alive()):
            try:
                self._process.stdin.close()
            except OSError:
                # The program ended before it had read everything.
                return

    def _write(self, text: str) -> None:
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except OSError:
            return

    def _read_output(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)

    def _read_errors(self, stream: IO[str]) -> None:
        for line in stream:
            self._last_errors.append(line)
