"""PocketSphinx with its bundled US English acoustic model: a small recogniser that needs no download."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from asrfair.audio import to_int16
from asrfair.backend.base import Outcome, Request
from asrfair.cards import digest
from asrfair.errors import BackendError

if TYPE_CHECKING:
    from pocketsphinx import Decoder

INSTALL = 'pip install "asrfair[pocketsphinx]"'
# The filter bank of the bundled acoustic model ends at 6,855.5 Hz, which must lie below half the rate.
LOWEST_SAMPLE_RATE_HZ = 13_712
FRAME_S = 0.025625


class SphinxBackend:
    """Recognise US English with PocketSphinx 5 (BSD), one utterance at a time, whatever came before.

    ``language_model`` is an ARPA or binary n-gram file, ``dictionary`` a pronunciation dictionary in
    CMUdict's phones; None takes the bundled large ones. ``sample_rate`` is in Hz. It holds the interpreter's
    lock while decoding: use processes, not threads. Nothing recognised is an empty hypothesis, whereas
    silence often yields a word. Raises BackendError if the package or a file is missing or unusable.
    """

    argument: ClassVar[str | None] = "language_model"
    needs_audio: ClassVar[bool] = True

    def __init__(
        self, *, language_model: str | None = None, dictionary: str | None = None, sample_rate: int = 16_000
    ) -> None:
        if sample_rate < LOWEST_SAMPLE_RATE_HZ:
            raise BackendError(
                f"pocketsphinx: found sample_rate {sample_rate}; expected at least {LOWEST_SAMPLE_RATE_HZ} Hz, "
                "because the bundled acoustic model is a wideband one"
            )
        self.sample_rate: int | None = sample_rate
        bundled = bundled_models()
        self._language_model = _file(language_model, bundled / "en-us.lm.bin", what="language_model")
        self._dictionary = _file(dictionary, bundled / "cmudict-en-us.dict", what="dictionary")
        self._acoustic_model = bundled / "en-us"
        self._decoder: Decoder | None = None
        self._decoder = self._load()

    def identity(self) -> Mapping[str, str]:
        """Return the package's version, the models by name and digest, and the sample rate."""
        return {
            "package": f"pocketsphinx {importlib.metadata.version('pocketsphinx')}",
            "acoustic_model": f"{self._acoustic_model.name} (bundled)",
            "language_model": f"{self._language_model.name} {digest(self._language_model)}",
            "dictionary": f"{self._dictionary.name} {digest(self._dictionary)}",
            "sample_rate": str(self.sample_rate),
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; each depends on its own audio only."""
        return [self._transcribe_one(request) for request in requests]

    def close(self) -> None:
        """Free the models."""
        self._decoder = None

    def _transcribe_one(self, request: Request) -> Outcome:
        problem = self._unusable(request)
        if problem is not None or request.samples is None:
            return Outcome(failure=f"pocketsphinx: {problem}")
        if self._decoder is None:
            self._decoder = self._load()
        try:
            # Running estimates of cepstral mean and noise would carry over from the utterance before.
            self._decoder.reinit_feat()
            self._decoder.start_utt()
            self._decoder.process_raw(to_int16(request.samples).tobytes(), full_utt=True)
            self._decoder.end_utt()
            hypothesis = self._decoder.hyp()
        except (RuntimeError, IndexError) as error:
            # The decoder may be in the middle of an utterance: take a new one.
            self._decoder = None
            return Outcome(failure=f"pocketsphinx: {str(error) or type(error).__name__}")
        return Outcome(hypothesis="" if hypothesis is None else hypothesis.hypstr)

    def _unusable(self, request: Request) -> str | None:
        samples = request.samples
        if samples is None:
            return "found no audio in the request; expected a waveform"
        if request.sample_rate != self.sample_rate:
            return f"found audio at {request.sample_rate} Hz; expected {self.sample_rate} Hz"
        if len(samples) < FRAME_S * request.sample_rate:
            return f"found {len(samples)} samples; expected at least one frame of {FRAME_S * 1000:.1f} ms"
        if not np.isfinite(samples).all():
            return "found samples that are not finite; expected numbers"
        return None

    def _load(self) -> "Decoder":
        from pocketsphinx import Decoder

        try:
            return Decoder(
                hmm=str(self._acoustic_model),
                lm=str(self._language_model),
                dict=str(self._dictionary),
                samprate=self.sample_rate,
                loglevel="FATAL",
            )
        except (RuntimeError, ValueError) as error:
            raise BackendError(
                f"pocketsphinx: cannot start with the language model {self._language_model} and the dictionary "
                f"{self._dictionary}: {error}; expected an ARPA or binary n-gram file and CMUdict's format"
            ) from error


def bundled_models() -> Path:
    """Return the folder of the models in the package; raises BackendError if it is not installed."""
    try:
        import pocketsphinx
    except ImportError as error:
        raise BackendError(f"pocketsphinx: not installed ({error}); install it with {INSTALL}") from error
    return Path(pocketsphinx.get_model_path()) / "en-us"


def _file(path: str | None, bundled: Path, *, what: str) -> Path:
    chosen = bundled if path is None else Path(path)
    if not chosen.is_file():
        raise BackendError(f"pocketsphinx: {what} {chosen}: no such file; expected a path to a file")
    return chosen
