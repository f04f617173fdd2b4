"""The synthesiser espeak-ng, in a process of its own: its noise depends on every call since it was loaded.

Run as a program (``python -m asrfair.corpus.espeak SEED``) it reads one JSON line per utterance and answers
with one JSON line, followed by the samples if there are any. `Synthesiser` is the other end.
"""

import ctypes
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError

INSTALL = 'pip install "asrfair[demo]"'
# From espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
RATE, PITCH = 1, 3


class Synthesiser:
    """Speak sentences in a fixed sequence; equal seeds and sequences give equal bits on one machine.

    Raises InputError if espeak-ng is not installed, cannot start, or lacks a voice or a variant.
    """

    def __init__(self, seed: int) -> None:
        if importlib.util.find_spec("espeakng_loader") is None:
            raise InputError(f"synthesiser: espeak-ng is not installed; install it with {INSTALL}")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "asrfair.corpus.espeak", str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        # Waits, and closes the pipes.
        self._process.communicate()

    def speak(self, text: str, *, voice: str, variant: str, rate: int, pitch: int) -> tuple[NDArray[np.int16], int]:
        """Return 16-bit samples, shape=(n,), and their rate in Hz.

        ``rate`` is in words a minute, ``pitch`` from 0 to 99.
        """
        request = {"text": text, "voice": voice, "variant": variant, "rate": rate, "pitch": pitch}
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError:
            raise self._death() from None
        line = self._answers.readline()
        if not line:
            raise self._death()
        answer = json.loads(line)
        if "error" in answer:
            raise InputError(f"synthesiser: espeak-ng: {answer['error']}")
        samples = np.frombuffer(self._answers.read(2 * answer["samples"]), dtype=np.int16)
        return samples, answer["sample_rate"]

    def _death(self) -> InputError:
        said = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {self._process.returncode}"
        return InputError(f"synthesiser: espeak-ng ended early: {reason}")


class _Library:
    """espeak-ng through ctypes."""

    def __init__(self, seed: int) -> None:
        import espeakng_loader

        data = Path(espeakng_loader.get_data_path())
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.sample_rate = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, str(data).encode(), INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise InputError(f"espeak_Initialize: found code {self.sample_rate}; expected a sample rate")
        # It has seeded itself from the clock.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        self._variants = {path.name for path in (data / "voices" / "!v").iterdir()}
        self._blocks: list[NDArray[np.int16]] = []
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        # Kept: the library holds only the address.
        self._callback = prototype(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, *, text: str, voice: str, variant: str, rate: int, pitch: int) -> NDArray[np.int16]:
        # An unknown variant would silently be the voice's own.
        if variant not in self._variants:
            raise InputError(f"found no variant '{variant}'; expected one of its {len(self._variants)}")
        if self._library.espeak_SetVoiceByName(f"{voice}+{variant}".encode()) != 0:
            raise InputError(f"found no voice '{voice}'; expected one that espeak-ng --voices lists")
        self._library.espeak_SetParameter(RATE, rate, 0)
        self._library.espeak_SetParameter(PITCH, pitch, 0)
        self._blocks.clear()
        data = text.encode() + b"\0"
        code = self._library.espeak_Synth(data, len(data), 0, 1, 0, CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        if code != 0 or not self._blocks:
            raise InputError(f"found no speech for {text!r} (code {code}); expected some")
        return np.concatenate(self._blocks)

    def _collect(self, samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0


def serve(seed: int, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    library = _Library(seed)
    for line in requests:
        try:
            samples = library.speak(**json.loads(line))
        except InputError as error:
            answers.write(json.dumps({"error": str(error)}).encode() + b"\n")
        else:
            header = {"samples": len(samples), "sample_rate": library.sample_rate}
            answers.write(json.dumps(header).encode() + b"\n" + samples.tobytes())
        answers.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
