"""Hugging Face `transformers`: CTC and sequence-to-sequence models, from a folder or from the hub at one commit."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from asrfair.backend.base import Outcome, Request
from asrfair.backend.local import (
    Model,
    answer_each,
    check_choice,
    check_device,
    check_least,
    check_on_hub,
    device_kind,
    find_model,
    one_line,
    require,
    steady,
    unusable,
    versions,
)
from asrfair.backend.transformers_ctc import Ctc
from asrfair.backend.transformers_generate import Generation
from asrfair.errors import BackendError

WHERE = "transformers"
DTYPES = ("float32", "float16", "bfloat16")
TASKS = ("transcribe", "translate")
# Drawn anew by every load of a checkpoint without it, and used in training only.
UNUSED = "masked_spec_embed"


class TransformersBackend:
    """Recognise with a Hugging Face model: CTC (wav2vec 2.0, HuBERT, WavLM) or sequence-to-sequence (Whisper).

    ``model`` is a folder, or an id of the hub with the hash of a commit as ``revision``. ``device`` is torch's name;
    ``batch_size`` counts utterances, ``batch_seconds`` is the longest utterance times their number. For models that
    generate: ``num_beams`` (1 is greedy) and ``max_new_tokens`` (None: the model's own). For Whisper: ``language``
    (None: the utterance's own; "": detected) and ``task``. ``word_timestamps`` None tells them where they cost nothing:
    of CTC; Whisper then hears utterances one by one. A word's confidence is the product over its letters or tokens.
    ``threads`` None is torch's choice. No code that comes with a model is run, CTC is decoded along its best path.
    Raises BackendError.
    """

    argument: ClassVar[str | None] = "model"
    needs_audio: ClassVar[bool] = True

    def __init__(
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "cpu",
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        batch_size: int = 8,
        batch_seconds: float | None = None,
        language: str | None = None,
        task: Literal["transcribe", "translate"] = "transcribe",
        num_beams: int = 1,
        max_new_tokens: int | None = None,
        word_timestamps: bool | None = None,
        word_confidence: bool = True,
        threads: int | None = None,
    ) -> None:
        require(("torch", "transformers"), where=WHERE, extra="transformers")
        counts = {"batch_size": batch_size, "num_beams": num_beams, "max_new_tokens": max_new_tokens}
        check_least({**counts, "threads": threads}, where=WHERE)
        check_least({"batch_seconds": batch_seconds}, where=WHERE, least=0.1)
        check_choice("dtype", dtype, DTYPES, where=WHERE)
        check_choice("task", task, TASKS, where=WHERE)
        check_device(device, where=WHERE)
        self.batch_size, self.batch_seconds = batch_size, batch_seconds
        self.waits = device_kind(device) != "cpu"
        self._device, self._dtype, self._threads = device, dtype, threads
        self._language, self._task = language, task
        self._asked_times = bool(word_timestamps)
        self._beams, self._tokens = num_beams, max_new_tokens
        self._confidences = word_confidence
        self._model = find_model(model, revision, where=WHERE)
        self._config, self._features = self._read_config()
        self._head = self._find_head()
        self._times = self._head == "CTC" if word_timestamps is None else word_timestamps
        self.sample_rate: int | None = int(self._features.sampling_rate)
        self._loaded: Ctc | Generation | None = None

    def identity(self) -> Mapping[str, str]:
        """Return the packages' versions, the model with its commit or digest, and how it is run and decoded.

        The batch counts: what else is in it moves a result by rounding, and with it, rarely, a word.
        """
        given = "each utterance's own" if self._language is None else self._language or "detected"
        whisper = {"language": given, "task": self._task} if self._head == "Whisper" else {}
        tokens = "the model's" if self._tokens is None else str(self._tokens)
        generated = {"num_beams": str(self._beams), "max_new_tokens": tokens}
        return {
            "package": versions("transformers", "torch", "tokenizers"),
            "model": self._model.identity(),
            "kind": f"{self._config.model_type}, {self._head}",
            "device": device_kind(self._device),
            "dtype": self._dtype,
            "batch": f"{self.batch_size} utterances"
            + ("" if self.batch_seconds is None else f", {self.batch_seconds:g} s"),
            "threads": "torch's own" if self._threads is None else str(self._threads),
            "sample_rate": str(self.sample_rate),
            **({"decoding": "best path"} if self._head == "CTC" else generated | whisper),
            "word_timestamps": "yes" if self._times else "no",
            "word_confidence": "product over letters or tokens" if self._confidences else "no",
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; raises BackendError if the model cannot be loaded."""
        with steady(self._device, self._threads), _quiet():
            if self._loaded is None:
                self._loaded = self._load()
            return answer_each(requests, self._problem, self._loaded.transcribe, where=WHERE)

    def close(self) -> None:
        """Free the model and what it holds of an accelerator's memory."""
        self._loaded = None
        if device_kind(self._device) == "cuda":
            import torch

            torch.cuda.empty_cache()

    def _problem(self, request: Request) -> str | None:
        if self._loaded is None:
            return "found no model; expected one"
        least = self._loaded.least_samples()
        return unusable(request, sample_rate=self.sample_rate, least=least) or self._loaded.problem(request)

    def _read_config(self) -> tuple[Any, Any]:
        if self._model.revision is not None:
            check_on_hub(self._model, "config.json", where=WHERE)
        with _quiet(), self._telling("has no settings that are a speech recogniser's"):
            from transformers import AutoConfig, AutoFeatureExtractor

            # In this order: what has no config is no model, what has no feature extractor hears nothing.
            config = AutoConfig.from_pretrained(self._model.name, revision=self._model.revision)
            features = AutoFeatureExtractor.from_pretrained(self._model.name, revision=self._model.revision)
        if not isinstance(getattr(features, "sampling_rate", None), int):
            raise BackendError(f"{WHERE}: model {self._model.name}: found no sampling_rate; expected a model of speech")
        return config, features

    def _find_head(self) -> str:
        from transformers import MODEL_FOR_CTC_MAPPING, MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING

        kind = type(self._config)
        if kind in MODEL_FOR_CTC_MAPPING:
            self._refuse("CTC model", language=self._language, max_new_tokens=self._tokens)
            self._refuse("CTC model", num_beams=self._beams > 1, translate=self._task == "translate")
            return "CTC"
        if kind not in MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING:
            raise BackendError(
                f"{WHERE}: model {self._model.name}: found a {self._config.model_type}; expected a model with a head "
                "for CTC or for speech to text"
            )
        if self._config.model_type == "whisper":
            return "Whisper"
        self._refuse("model other than Whisper", language=self._language, translate=self._task == "translate")
        self._refuse("model other than Whisper", word_timestamps=self._asked_times)
        return "generation"

    def _refuse(self, kind: str, **options: object) -> None:
        given = [name for name, value in options.items() if value]
        if given:
            raise BackendError(f"{WHERE}: found option {given[0]!r} for a {kind} ({self._model.name}); expected none")

    def _load(self) -> Ctc | Generation:
        import torch
        import transformers

        place = {"revision": self._model.revision}
        # Times come from attention weights, which only the plain implementation keeps.
        eager = {"attn_implementation": "eager"} if self._head == "Whisper" and self._times else {}
        kind = transformers.AutoModelForCTC if self._head == "CTC" else transformers.AutoModelForSpeechSeq2Seq
        with self._telling("cannot be loaded"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(self._model.name, **place)
            model, told = kind.from_pretrained(
                self._model.name, **place, **eager, dtype=getattr(torch, self._dtype), output_loading_info=True
            )
            model = model.to(self._device).eval()
        lacking = sorted(name for name in told["missing_keys"] if not name.endswith(UNUSED))
        if lacking:
            raise BackendError(
                f"{WHERE}: model {self._model.name}: found no weights for {len(lacking)} parts, first {lacking[0]}; "
                f"expected a model trained with its head for {self._head}"
            )
        telling = {"times": self._times, "confidences": self._confidences}
        if self._head == "CTC":
            return Ctc(model, tokenizer, self._features, **telling)
        return Generation(
            model,
            tokenizer,
            self._features,
            **telling,
            language=self._language,
            task=self._task,
            beams=self._beams,
            tokens=self._tokens,
        ).checked(self._model.name)

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # Files that are not as expected end in whatever their reading ran into, a fetch in its transport's errors.
            raise BackendError(f"{WHERE}: model {_name(self._model)} {what}: {one_line(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars, advice and warnings among the packages off the terminal; what matters is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _name(model: Model) -> str:
    return model.name if model.revision is None else model.identity()
