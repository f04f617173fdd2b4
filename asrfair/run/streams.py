"""Standard output and signals as a command line needs them."""

import io
import os
import signal
import sys
import threading


def prepare_streams() -> None:
    """Let what an output cannot encode appear as «?», and let a request to terminate end a run as an interrupt does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def discard_output() -> None:
    """Send what is left to nowhere, so that Python does not complain at exit of what it could not write."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
