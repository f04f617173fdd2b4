"""`faster-whisper`: Whisper on CTranslate2, without torch, from a folder or from the hub at one commit."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from asrfair.backend.base import Outcome, Request, Word
from asrfair.backend.local import (
    answer_each,
    check_choice,
    check_device,
    check_least,
    check_on_hub,
    device_kind,
    find_language,
    find_model,
    hub_error,
    one_line,
    require,
    unusable,
    versions,
)
from asrfair.backend.wire import duration_s
from asrfair.errors import BackendError, expected

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

WHERE = "faster-whisper"
COMPUTE_TYPES = ("float32", "float16", "bfloat16", "int16", "int8", "int8_float32", "int8_float16", "int8_bfloat16")
# Without them the package would take another's from the network.
NEEDED = ("model.bin", "config.json", "tokenizer.json")
USUAL_RATE_HZ = 16_000


class FasterWhisperBackend:
    """Recognise with Whisper on CTranslate2, one utterance at a time, without sampling.

    ``model`` is a converted model's folder, or a name (``small.en``) or an id of the hub with the hash of a commit as
    ``revision``. ``device`` is cpu, cuda or cuda:1; ``compute_type`` CTranslate2's. ``language`` None is the
    utterance's own, "" is detected. ``vad_filter`` leaves out what Silero takes for no speech. ``word_timestamps``
    give words their times and the package's confidence, the mean over tokens. ``cpu_threads`` 0 is the package's
    choice. A window's text is no prompt for the next. Raises BackendError.
    """

    argument: ClassVar[str | None] = "model"
    needs_audio: ClassVar[bool] = True

    def __init__(
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "cpu",
        compute_type: Literal[
            "float32", "float16", "bfloat16", "int16", "int8", "int8_float32", "int8_float16", "int8_bfloat16"
        ] = "float32",
        beam_size: int = 5,
        language: str | None = None,
        task: Literal["transcribe", "translate"] = "transcribe",
        vad_filter: bool = False,
        word_timestamps: bool = True,
        cpu_threads: int = 0,
    ) -> None:
        require(("faster_whisper", "ctranslate2"), where=WHERE, extra="faster-whisper")
        check_least({"beam_size": beam_size}, where=WHERE)
        check_least({"cpu_threads": cpu_threads}, where=WHERE, least=0)
        check_choice("compute_type", compute_type, COMPUTE_TYPES, where=WHERE)
        check_choice("task", task, ("transcribe", "translate"), where=WHERE)
        _check_compute_type(device, compute_type)
        self.batch_size, self.batch_seconds = 1, None
        self.waits = device_kind(device) != "cpu"
        self._device, self._compute_type, self._threads = device, compute_type, cpu_threads
        self._beam_size, self._language, self._task = beam_size, language, task
        self._vad, self._timed = vad_filter, word_timestamps
        self._model = find_model(model, revision, where=WHERE)
        self.sample_rate: int | None = self._check_files()
        self._loaded: WhisperModel | None = None

    def identity(self) -> Mapping[str, str]:
        """Return the packages' versions, the model with its commit or digest, and how it is run and decoded."""
        filtering = ("onnxruntime",) if self._vad else ()
        return {
            "package": versions("faster-whisper", "ctranslate2", "tokenizers", *filtering),
            "model": self._model.identity(),
            "device": device_kind(self._device),
            "compute_type": self._compute_type,
            "cpu_threads": "the package's own" if self._threads == 0 else str(self._threads),
            "sample_rate": str(self.sample_rate),
            "beam_size": str(self._beam_size),
            "temperature": "0",
            "previous_text": "no prompt",
            "language": "each utterance's own" if self._language is None else self._language or "detected",
            "task": self._task,
            "vad_filter": "yes" if self._vad else "no",
            "word_timestamps": "yes" if self._timed else "no",
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; raises BackendError if the model cannot be loaded."""
        if self._loaded is None:
            self._loaded = self._load()
        loaded, known = self._loaded, self._languages(self._loaded)
        return answer_each(
            requests,
            lambda request: (
                unusable(request, sample_rate=self.sample_rate) or find_language(request, self._language, known)[1]
            ),
            lambda usable: [self._hear(loaded, request, known) for request in usable],
            where=WHERE,
        )

    def close(self) -> None:
        """Free the model."""
        self._loaded = None

    def _hear(self, loaded: "WhisperModel", request: Request, known: Sequence[str]) -> Outcome:
        language = find_language(request, self._language, known)[0]
        segments, told = loaded.transcribe(
            request.samples,
            language=language,
            task=self._task,
            beam_size=self._beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            vad_filter=self._vad,
            word_timestamps=self._timed,
        )
        parts = list(segments)
        if not all(math.isfinite(part.avg_logprob) for part in parts):
            return Outcome(
                failure=f"{WHERE}: found numbers that are not finite in {self._compute_type}; expected others"
            )
        words = [word for part in parts for word in part.words or () if word.word.strip()]
        return Outcome(
            hypothesis="".join(part.text for part in parts).strip(),
            words=tuple(_word(word, duration_s(request)) for word in words),
            language=told.language if known and language is None else None,
        )

    def _languages(self, loaded: "WhisperModel") -> list[str]:
        """Return the codes of the languages; none for a model of English alone."""
        return list(loaded.supported_languages) if loaded.model.is_multilingual else []

    def _check_files(self) -> int:
        """Return the rate that the model hears; raises BackendError where a file of a model is missing."""
        if self._model.revision is None:
            folder = Path(self._model.name)
            missing = [name for name in NEEDED if not (folder / name).is_file()]
            if missing:
                raise BackendError(
                    f"{WHERE}: model {folder}: found no {missing[0]}; expected a folder of ct2-transformers-converter "
                    "with --copy_files tokenizer.json preprocessor_config.json"
                )
            return _rate(folder / "preprocessor_config.json")
        if "/" in self._model.name:
            check_on_hub(self._model, "config.json", where=WHERE)
            return USUAL_RATE_HZ
        from faster_whisper import available_models

        if self._model.name not in (names := available_models()):
            raise BackendError(
                expected(f"{WHERE}: model {self._model.name!r}", "no such folder and no such name", names)
            )
        return USUAL_RATE_HZ

    def _load(self) -> "WhisperModel":
        from faster_whisper import WhisperModel
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        kind, _, number = self._device.partition(":")
        try:
            loaded = WhisperModel(
                self._model.name,
                device=kind,
                device_index=int(number or 0),
                compute_type=self._compute_type,
                cpu_threads=self._threads,
                revision=self._model.revision,
            )
        except (HfHubHTTPError, LocalEntryNotFoundError) as error:
            raise hub_error(self._model, error, where=WHERE) from error
        except Exception as error:
            # The tokenizer's errors are of the bare class.
            name = self._model.name if self._model.revision is None else self._model.identity()
            raise BackendError(f"{WHERE}: model {name} cannot be loaded: {one_line(error)}") from error
        return self._checked(loaded)

    def _checked(self, loaded: "WhisperModel") -> "WhisperModel":
        rate, known = loaded.feature_extractor.sampling_rate, self._languages(loaded)
        if rate != self.sample_rate:
            raise BackendError(f"{WHERE}: model {self._model.name}: found {rate} Hz; expected {self.sample_rate} Hz")
        if known and self._language and self._language not in known:
            raise BackendError(expected(f"{WHERE}: option 'language'", repr(self._language), sorted(known)))
        if not known and (self._task == "translate" or self._language not in (None, "", "en")):
            raise BackendError(
                f"{WHERE}: model {self._model.name} knows English alone; expected no option 'language' or 'task'"
            )
        return loaded


def _check_compute_type(device: str, compute_type: str) -> None:
    import ctranslate2

    check_device(device, where=WHERE, torch=False)
    kind, _, number = device.partition(":")
    try:
        valid = ctranslate2.get_supported_compute_types(kind, int(number or 0))
    except (RuntimeError, ValueError) as error:
        raise BackendError(f"{WHERE}: device {device!r}: found none ({one_line(error)}); expected one here") from error
    if compute_type not in valid:
        # CTranslate2 would take another in its place.
        raise BackendError(expected(f"{WHERE}: option 'compute_type' on {device}", repr(compute_type), sorted(valid)))


def _rate(file: Path) -> int:
    if not file.is_file():
        return USUAL_RATE_HZ
    try:
        rate = json.loads(file.read_text(encoding="utf-8")).get("sampling_rate", USUAL_RATE_HZ)
    except (OSError, ValueError, AttributeError) as error:
        raise BackendError(f"{file}: cannot be read: {one_line(error)}; expected settings in JSON") from error
    if not isinstance(rate, int) or rate < 1:
        raise BackendError(f"{file}: found sampling_rate {rate!r}; expected a whole number of Hz")
    return rate


def _word(word: Any, duration: float) -> Word:
    start, end = (min(max(float(seconds), 0.0), duration) for seconds in (word.start, word.end))
    sure = float(word.probability)
    return Word(word.word.strip(), min(start, end), end, min(max(sure, 0.0), 1.0) if math.isfinite(sure) else None)
