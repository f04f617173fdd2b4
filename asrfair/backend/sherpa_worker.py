"""The process that sherpa-onnx runs in: one JSON line in, audio after it, one JSON line out.

sherpa-onnx ends its process where a model or an option is wrong, and tells what went wrong on standard error alone:
`asrfair.backend.sherpa` starts this module, so that it survives the one and reads the other.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

import numpy as np

FAMILIES = ("nemo_ctc", "zipformer_ctc", "wenet_ctc", "transducer", "nemo_transducer", "whisper")
SEEN = (RuntimeError, ValueError, LookupError, TypeError, AssertionError)


def main() -> int:
    """Answer until the input ends: first the settings, then one utterance after another."""
    # What a library prints must not pass for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.buffer.readline())
    recognisers: dict[str, Any] = {}
    _answer(answers, lambda: {"ready": bool(_recogniser(settings, settings["language"], recognisers))})
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        samples = np.frombuffer(sys.stdin.buffer.read(4 * asked["samples"]), dtype="<f4")
        _answer(answers, partial(_recognise, settings, asked, samples, recognisers))
    return 0


def _answer(answers: BinaryIO, ask: Callable[[], dict[str, Any]]) -> None:
    try:
        answer = ask()
    except SEEN as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _recognise(
    settings: Mapping[str, Any], asked: Mapping[str, Any], samples: Any, recognisers: dict[str, Any]
) -> dict[str, Any]:
    recogniser = _recogniser(settings, asked["language"], recognisers)
    stream = recogniser.create_stream()
    stream.accept_waveform(asked["sample_rate"], samples)
    try:
        recogniser.decode_stream(stream)
    except IndexError as error:
        raise LookupError("found a token that tokens.txt lacks; expected each that the model has") from error
    found = stream.result
    return {
        "text": found.text,
        "tokens": list(found.tokens),
        "starts": list(found.timestamps),
        "durations": list(found.durations),
        "log_probabilities": list(found.ys_log_probs),
        "language": found.lang,
    }


def _recogniser(settings: Mapping[str, Any], language: str, recognisers: dict[str, Any]) -> Any:
    """Return the recogniser of a language, which sherpa-onnx fixes when it is made."""
    from sherpa_onnx import OfflineRecognizer

    if language not in recognisers:
        family, options = settings["family"], dict(settings["options"])
        if family == "whisper":
            options["language"] = language
        factory = "transducer" if family == "nemo_transducer" else family
        if factory == "transducer":
            options["model_type"] = family
        recognisers[language] = getattr(OfflineRecognizer, f"from_{factory}")(**options)
    return recognisers[language]


if __name__ == "__main__":
    sys.exit(main())
