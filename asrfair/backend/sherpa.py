"""sherpa-onnx: models of next-generation Kaldi, NeMo, WeNet and Whisper as ONNX files, without torch.

It runs in a process of its own (`asrfair.backend.sherpa_process`), because it exits on a wrong model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from asrfair.backend.base import Outcome, Request
from asrfair.backend.local import answer_each, check_choice, check_least, files_digest, require, unusable, versions
from asrfair.backend.sherpa_process import EndedError, StartError, Worker
from asrfair.backend.sherpa_worker import FAMILIES
from asrfair.backend.tokens import Token, words_of
from asrfair.errors import BackendError

WHERE = "sherpa-onnx"
PARTS: Mapping[str, tuple[str, ...]] = {
    "transducer": ("encoder", "decoder", "joiner"),
    "nemo_transducer": ("encoder", "decoder", "joiner"),
    "whisper": ("encoder", "decoder"),
}
METHODS = ("greedy_search", "modified_beam_search")
PROVIDERS = ("cpu", "cuda", "coreml")
# Where ONNX keeps weights of more than 2 GB, beside the model.
WEIGHTS = (".weights", ".data", ".onnx_data")
# Whisper's window is 30 s, of which sherpa-onnx keeps half a second for silence, and drops what is longer; it takes six
# tokens a second, which are none for less than a sixth of a second.
WHISPER_LEAST_S, WHISPER_S = 0.2, 29.5


class SherpaBackend:
    """Recognise with an offline model by its files: ``family`` says of which kind, ``tokens`` is its tokens.txt.

    CTC models are one file, ``model``; transducers are ``encoder``, ``decoder`` and ``joiner``; Whisper is ``encoder``
    and ``decoder``, of 0.2 to 29.5 s, with a ``language`` (None: the utterance's own; "": detected) and a ``task``.
    ``sample_rate`` in Hz is the model's. ``modified_beam_search`` with ``max_active_paths`` is for transducers.
    ``provider`` is ONNX Runtime's; a GPU needs sherpa-onnx's own wheels. Words have starts where the model gives them,
    ends and confidences where it gives durations and log-probabilities of tokens. Raises BackendError.
    """

    argument: ClassVar[str | None] = "model"
    needs_audio: ClassVar[bool] = True

    def __init__(
        self,
        *,
        family: Literal["nemo_ctc", "zipformer_ctc", "wenet_ctc", "transducer", "nemo_transducer", "whisper"],
        tokens: str,
        model: str | None = None,
        encoder: str | None = None,
        decoder: str | None = None,
        joiner: str | None = None,
        sample_rate: int = 16_000,
        provider: Literal["cpu", "cuda", "coreml"] = "cpu",
        num_threads: int = 1,
        decoding_method: Literal["greedy_search", "modified_beam_search"] = "greedy_search",
        max_active_paths: int = 4,
        language: str | None = None,
        task: Literal["transcribe", "translate"] = "transcribe",
        batch_size: int = 4,
        batch_seconds: float | None = None,
    ) -> None:
        require(("sherpa_onnx",), where=WHERE, extra="sherpa-onnx")
        check_choice("family", family, FAMILIES, where=WHERE)
        check_choice("provider", provider, PROVIDERS, where=WHERE)
        check_choice("task", task, ("transcribe", "translate"), where=WHERE)
        is_transducer, is_whisper = family in ("transducer", "nemo_transducer"), family == "whisper"
        check_choice("decoding_method", decoding_method, METHODS if is_transducer else METHODS[:1], where=WHERE)
        counts = {"num_threads": num_threads, "max_active_paths": max_active_paths, "batch_size": batch_size}
        check_least(counts, where=WHERE)
        check_least({"sample_rate": sample_rate}, where=WHERE, least=8000)
        check_least({"batch_seconds": batch_seconds}, where=WHERE, least=0.1)
        if not is_whisper and (language or task == "translate"):
            raise BackendError(f"{WHERE}: found option 'language' or 'task' for {family}; expected them for whisper")
        if is_whisper and sample_rate != 16_000:
            raise BackendError(f"{WHERE}: found sample_rate {sample_rate}; expected 16000 for whisper")
        given = {"model": model, "encoder": encoder, "decoder": decoder, "joiner": joiner}
        self._files = _files(family, {name: path for name, path in given.items() if path is not None}, tokens)
        self.sample_rate: int | None = sample_rate
        self.batch_size, self.batch_seconds, self.waits = batch_size, batch_seconds, provider != "cpu"
        self._family, self._language, self._task = family, language, task
        self._options = {
            **{name: str(path) for name, path in self._files.items()},
            "num_threads": num_threads,
            "provider": provider,
            "decoding_method": decoding_method,
            **({"task": task} if is_whisper else {"sample_rate": sample_rate}),
            **({"max_active_paths": max_active_paths} if is_transducer else {}),
        }
        self._worker: Worker | None = None

    def identity(self) -> Mapping[str, str]:
        """Return the package's version, each file's digest with that of its weights, and how it is run and decoded."""
        language = "each utterance's own" if self._language is None else self._language or "detected"
        kept = ("num_threads", "provider", "decoding_method", "max_active_paths")
        return {
            "package": versions("sherpa-onnx"),
            "family": self._family,
            **{
                name: f"{path.name} {files_digest(_whole(path), root=path.parent)}"
                for name, path in self._files.items()
            },
            **{name: str(self._options[name]) for name in kept if name in self._options},
            "sample_rate": str(self.sample_rate),
            **({"language": language, "task": self._task} if self._family == "whisper" else {}),
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order, each decoded alone; raises BackendError for an unusable model."""
        return answer_each(requests, self._problem, lambda some: [self._ask(one) for one in some], where=WHERE)

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def _problem(self, request: Request) -> str | None:
        reason = unusable(request, sample_rate=self.sample_rate)
        if reason is None and request.samples is not None and self._family == "whisper":
            seconds = len(request.samples) / request.sample_rate
            if not WHISPER_LEAST_S <= seconds < WHISPER_S:
                return f"found {seconds:.2f} s of audio; expected {WHISPER_LEAST_S} to {WHISPER_S} s for whisper"
        return reason

    def _ask(self, request: Request) -> Outcome:
        language = self._asked_language(request)
        if self._worker is None:
            self._worker = self._start(language)
        try:
            found = self._worker.ask(request, language)
        except EndedError as error:
            # It cannot be asked again; the next utterance may well be heard by a new one.
            self.close()
            if self._language and str(error).startswith("Invalid language"):
                raise BackendError(f"{WHERE}: option 'language': {error}") from error
            return Outcome(failure=f"{WHERE}: the process ended: {error}")
        reason = found.get("error")
        return Outcome(failure=f"{WHERE}: {reason}") if reason else self._outcome(found, request)

    def _start(self, language: str) -> Worker:
        try:
            return Worker({"family": self._family, "options": self._options, "language": language})
        except StartError as error:
            files = ", ".join(str(path) for path in self._files.values())
            wanted = f"the files of one {self._family}, and the provider {self._options['provider']}"
            raise BackendError(f"{WHERE}: cannot start with {files}: {error}; expected {wanted}") from error

    def _asked_language(self, request: Request) -> str:
        if self._family != "whisper":
            return ""
        own = request.language.replace("_", "-").partition("-")[0].lower()
        return own if self._language is None else self._language

    def _outcome(self, found: Mapping[str, Any], request: Request) -> Outcome:
        text = found["text"].strip()
        detected = found["language"] if self._family == "whisper" and self._language == "" else None
        tokens, duration_s = (
            found["tokens"],
            len(request.samples if request.samples is not None else ()) / request.sample_rate,
        )
        told, words = words_of(
            _tokens(found), lambda numbers: "".join(tokens[one] for one in numbers), duration_s=duration_s
        )
        # Tokens that are not the text, letter by letter, tell nothing of its words.
        return Outcome(hypothesis=text, words=words if told.split() == text.split() else (), language=detected or None)


def _parts(family: str) -> tuple[str, ...]:
    return PARTS.get(family, ("model",))


def _files(family: str, given: Mapping[str, str], tokens: str) -> dict[str, Path]:
    wanted = _parts(family)
    if set(given) != set(wanted):
        found = ", ".join(given) or "none"
        raise BackendError(f"{WHERE}: found the files {found}; expected {', '.join(wanted)} for the family {family}")
    files = {**{name: Path(given[name]) for name in wanted}, "tokens": Path(tokens)}
    for name, path in files.items():
        if not path.is_file():
            raise BackendError(f"{WHERE}: option '{name}': {path}: no such file; expected a path to a file")
    return files


def _whole(path: Path) -> list[Path]:
    """Return a model's file and those of weights beside it."""
    if path.suffix != ".onnx":
        return [path]
    return [path, *(other for other in path.parent.iterdir() if other.name.endswith(WEIGHTS) and other.is_file())]


def _tokens(found: Mapping[str, Any]) -> list[Token]:
    count = len(found["tokens"])
    starts, durations, sure = (
        found[name] if len(found[name]) == count else [None] * count
        for name in ("starts", "durations", "log_probabilities")
    )
    return [
        Token(number, sure[number], start, None if start is None or lasts is None else start + lasts)
        for number, (start, lasts) in enumerate(zip(starts, durations, strict=True))
    ]
