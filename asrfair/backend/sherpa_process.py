"""Asking the process that sherpa-onnx runs in, and hearing what it says on standard error.

For an error while it decodes sherpa-onnx gives an empty result and a message; a window too short drops the rest of a
recording; a device that is not there is the processor instead. Each is found by its message, and is a failure here.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from asrfair.backend.base import Request
from asrfair.backend.wire import printable

EMPTIED = ("Caught exception", "Return an empty result", "discard the remaining data")
INSTEAD = "Fallback to"
QUOTED_CHARACTERS = 300
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class EndedError(Exception):
    """The process has ended; what it last said."""


class StartError(Exception):
    """The model cannot be loaded as it was asked to be, and why."""


class Worker:
    """The process with a loaded model; raises StartError if it cannot be loaded."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        # Open for as long as the process is.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._read = 0
        # -P: a file of the working folder's must not pass for a package.
        command = [sys.executable, "-P", "-m", "asrfair.backend.sherpa_worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, start_new_session=True
        )
        try:
            found = self._exchange(json.dumps(settings).encode() + b"\n")
            reason = found.get("error") or next((line for line in self._lines() if INSTEAD in line), "")
        except EndedError as error:
            reason = str(error)
        if reason:
            self.end()
            raise StartError(_short(reason))

    def ask(self, request: Request, language: str) -> Mapping[str, Any]:
        """Return what was found in an utterance, or the "error"; raises EndedError."""
        samples = np.asarray(request.samples, dtype="<f4")
        asked = {"samples": len(samples), "sample_rate": request.sample_rate, "language": language}
        found = self._exchange(json.dumps(asked).encode() + b"\n" + samples.tobytes())
        lines = self._lines()
        if any(mark in line for line in lines for mark in EMPTIED):
            # ONNX Runtime logs first what sherpa-onnx then says.
            return {"error": _short(" ".join(line for line in lines if ":onnxruntime:" not in line))}
        return found

    def end(self) -> None:
        """End the process, at once: it keeps nothing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                _close(stream)
        self._said.close()

    def _exchange(self, message: bytes) -> Mapping[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise EndedError("no connection to it")
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            code = self._process.wait()
            lines = self._lines()
            raise EndedError(_short(lines[-1]) if lines else f"exit code {code}, saying nothing")
        found: Mapping[str, Any] = json.loads(line)
        return found

    def _lines(self) -> list[str]:
        """Return what was said since this was last asked, without where in the source it was said."""
        # Not read as a file: its position is the process's as well.
        file = self._said.fileno()
        said = os.pread(file, os.fstat(file).st_size - self._read, self._read)
        self._read += len(said)
        messages = [_message(line).strip() for line in COLOUR.sub("", said.decode(errors="replace")).splitlines()]
        return [message for message in messages if message]


def _close(stream: Any) -> None:
    try:
        stream.close()
    except OSError:
        # What it did not read is lost with it.
        return


def _message(line: str) -> str:
    source, colon, rest = line.partition(".cc:")
    if not colon:
        source, colon, rest = line.partition(".h:")
    return rest.partition(" ")[2] if colon and "/" in source else line


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= QUOTED_CHARACTERS else f"{shown[:QUOTED_CHARACTERS]}…"
