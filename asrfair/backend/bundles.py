"""torchaudio's pipelines: wav2vec 2.0 and HuBERT fine-tuned for recognition with CTC, as torchaudio publishes them.

The first layer of a base model normalises over time and that of a large one's input over the whole batch, so that both
hear padding. Features are therefore made of each utterance by itself, and the encoder, which masks padding, works on
batches of any lengths: an utterance gets what it gets alone, but for rounding.
"""

import contextlib
import dataclasses
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from asrfair.backend.base import Alternative, Outcome, Request
from asrfair.backend.ctc import Spelling, along, alternatives, prefix_beams, words
from asrfair.backend.local import (
    answer_each,
    check_choice,
    check_device,
    check_least,
    device_kind,
    files_digest,
    one_line,
    require,
    steady,
    unusable,
    versions,
)
from asrfair.errors import BackendError

WHERE = "torchaudio"
DTYPES = ("float32", "float16", "bfloat16")
# What is raised for files that are damaged, no checkpoints, or of other models; AttributeError is ours.
UNLOADABLE = (RuntimeError, OSError, EOFError, LookupError, TypeError, ValueError, pickle.UnpicklingError)


class TorchaudioBackend:
    """Recognise with one of torchaudio's CTC bundles, such as ``bundle = "WAV2VEC2_ASR_BASE_960H"``.

    Its checkpoint is fetched once into torch.hub's folder (``TORCH_HOME``), or is the file ``path``: a state dict of
    that architecture, as torchaudio publishes it or as `get_model().state_dict()` gives it. ``device`` is torch's name;
    ``batch_size`` counts utterances, ``batch_seconds`` is the longest utterance times their number. ``num_beams`` 1
    decodes the best path; more search prefixes, without a language model, and give the texts found with their
    log-probabilities. Words have times and confidences. ``threads`` None is torch's choice. Raises BackendError.
    """

    argument: ClassVar[str | None] = "bundle"
    needs_audio: ClassVar[bool] = True

    def __init__(
        self,
        *,
        bundle: str,
        path: str | None = None,
        device: str = "cpu",
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        batch_size: int = 8,
        batch_seconds: float | None = None,
        num_beams: int = 1,
        threads: int | None = None,
    ) -> None:
        require(("torch", "torchaudio"), where=WHERE, extra="torch")
        check_least({"batch_size": batch_size, "num_beams": num_beams, "threads": threads}, where=WHERE)
        check_least({"batch_seconds": batch_seconds}, where=WHERE, least=0.1)
        check_choice("dtype", dtype, DTYPES, where=WHERE)
        check_choice("bundle", bundle, bundles := asr_bundles(), where=WHERE)
        check_device(device, where=WHERE)
        if path is not None and not Path(path).is_file():
            raise BackendError(f"{WHERE}: option 'path': {path}: no such file; expected a checkpoint of {bundle}")
        self.batch_size, self.batch_seconds = batch_size, batch_seconds
        self.waits = device_kind(device) != "cpu"
        self._name, self._bundle, self._own = bundle, bundles[bundle], path
        self.sample_rate: int | None = int(self._bundle.sample_rate)
        self._device, self._dtype, self._threads, self._beams = device, dtype, threads, num_beams
        self._spelling = Spelling(self._bundle.get_labels())
        self._model: Any = None

    def identity(self) -> Mapping[str, str]:
        """Return the packages' versions, the bundle, its checkpoint's digest, and how it is run and decoded.

        The batch counts: what else is in it moves a result by rounding, and with it, rarely, a letter. A checkpoint
        that is not here yet is fetched.
        """
        file = self._file()
        if not file.is_file():
            self._loaded()
        one = self._beams == 1
        return {
            "package": versions("torchaudio", "torch"),
            "bundle": self._name,
            "checkpoint": f"{file.name} {files_digest([file], root=file.parent)}",
            "device": device_kind(self._device),
            "dtype": self._dtype,
            "batch": f"{self.batch_size} utterances"
            + ("" if self.batch_seconds is None else f", {self.batch_seconds:g} s"),
            "threads": "torch's own" if self._threads is None else str(self._threads),
            "sample_rate": str(self.sample_rate),
            "decoding": "best path" if one else f"prefix beam search, {self._beams} beams, no language model",
            "word_confidence": "product over letters of the best frame's probability",
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order; raises BackendError if the model cannot be loaded."""
        with steady(self._device, self._threads):
            model = self._loaded()
            least = _least_samples(model)
            return answer_each(
                requests,
                lambda request: unusable(request, sample_rate=self.sample_rate, least=least),
                self._recognise,
                where=WHERE,
            )

    def close(self) -> None:
        """Free the model and what it holds of an accelerator's memory."""
        self._model = None
        if device_kind(self._device) == "cuda":
            import torch

            torch.cuda.empty_cache()

    def _recognise(self, requests: Sequence[Request]) -> list[Outcome]:
        return [self._decode(logits) for logits in self._emissions([request.samples for request in requests])]

    def _emissions(self, waveforms: Sequence[Any]) -> Iterator[Any]:
        """Yield each utterance's logits, shape=(frames, labels), on the processor."""
        import torch

        model = self._loaded()
        # torchaudio wraps a model whose input it normalises, over all that is given: here one utterance.
        inner = getattr(model, "model", model)
        features = []
        for waveform in waveforms:
            given = torch.tensor(waveform)[None].to(self._device, getattr(torch, self._dtype))
            if inner is not model:
                given = torch.nn.functional.layer_norm(given, given.shape)
            features.append(inner.feature_extractor(given, None)[0][0])
        lengths = [len(one) for one in features]
        mask = torch.tensor(lengths, device=self._device) if len(set(lengths)) > 1 else None
        padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True)
        logits = inner.aux(inner.encoder(padded, mask)).float().cpu()
        for row, length in zip(logits, lengths, strict=True):
            yield row[:length]

    def _decode(self, logits: Any) -> Outcome:
        if not bool(logits.isfinite().all()):
            return Outcome(
                failure=f"{WHERE}: found numbers that are not finite in {self._dtype}; expected finite ones, "
                "try a wider dtype"
            )
        scores = logits.log_softmax(dim=-1)
        frames = scores.numpy()
        found: tuple[Alternative, ...] = ()
        if self._beams == 1:
            path = scores.argmax(dim=-1).tolist()
        else:
            beams = prefix_beams(frames, beams=self._beams)
            found = alternatives(beams, self._spelling)
            best = next(one for one, _ in beams if self._spelling.text(one) == found[0].hypothesis)
            path = _aligned(scores, best)
        heard = along(path, frames)
        return Outcome(
            hypothesis=self._spelling.text([one.label for one in heard]),
            words=words(heard, self._spelling, frame_s=_frame_samples(self._model) / self._bundle.sample_rate),
            alternatives=found,
        )

    def _file(self) -> Path:
        import torch

        if self._own is not None:
            return Path(self._own)
        return Path(torch.hub.get_dir(), "checkpoints", self._bundle._path)

    def _loaded(self) -> Any:
        import torch

        if self._model is None:
            try:
                # torch.hub tells of a download on standard output, where reports go.
                with contextlib.redirect_stdout(sys.stderr):
                    model = self._read()
                self._model = model.to(self._device, getattr(torch, self._dtype)).eval()
            except UNLOADABLE as error:
                raise BackendError(
                    f"{WHERE}: bundle {self._name}: {self._file()}: cannot be loaded: {one_line(error)}; expected its "
                    "checkpoint there, or a network to fetch it"
                ) from error
        return self._model

    def _read(self) -> Any:
        import torch

        # Weights only: a pickle could run any code.
        if self._own is None:
            return self._bundle.get_model(dl_kwargs={"weights_only": True, "map_location": "cpu", "progress": False})
        state = self._state(torch.load(self._own, map_location="cpu", weights_only=True))
        bundle = dataclasses.replace(self._bundle)
        bundle._get_state_dict = lambda _: state
        return bundle.get_model()

    def _state(self, found: Any) -> Mapping[str, Any]:
        """Return a state dict as the bare model takes it."""
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            raise TypeError(f"found {type(found).__name__}; expected a state dict")
        if found and all(name.startswith("model.") for name in found):
            found = {name.removeprefix("model."): value for name, value in found.items()}
        if "aux.weight" not in found:
            raise KeyError("found no 'aux.weight'; expected a state dict of torchaudio's names, fine-tuned with CTC")
        state: Mapping[str, Any] = found
        rows, labels = len(state["aux.weight"]), len(self._spelling.labels)
        unused = self._bundle._remove_aux_axis
        if rows == labels:
            return state
        # As torchaudio does: rows that fairseq has and never uses.
        kept = [row for row in range(rows) if row not in unused]
        if len(kept) != labels:
            raise ValueError(
                f"found {rows} rows of 'aux.weight'; expected {labels}, or {labels + len(unused)} as published"
            )
        return {**state, **{name: state[name][kept] for name in ("aux.weight", "aux.bias")}}


def asr_bundles() -> dict[str, Any]:
    """Return torchaudio's bundles for recognition by name; those without a CTC head, and for alignment, are none."""
    import torchaudio.pipelines

    kind = torchaudio.pipelines.Wav2Vec2ASRBundle
    return {name: value for name, value in sorted(vars(torchaudio.pipelines).items()) if type(value) is kind}


def _aligned(scores: Any, sequence: Sequence[int]) -> list[int]:
    """Return the likeliest path, shape=(frames,), of a sequence of labels."""
    import torch
    from torchaudio.functional import forced_align

    if not sequence:
        return [0] * len(scores)
    path, _ = forced_align(scores[None], torch.tensor([sequence]))
    return [int(label) for label in path[0]]


def _layers(model: Any) -> list[Any]:
    return list(getattr(model, "model", model).feature_extractor.conv_layers)


def _least_samples(model: Any) -> int:
    """Return how many samples give one frame."""
    least = 1
    for layer in reversed(_layers(model)):
        least = (least - 1) * layer.stride + layer.kernel_size
    return int(least)


def _frame_samples(model: Any) -> int:
    """Return by how many samples a frame follows another."""
    step = 1
    for layer in _layers(model):
        step *= layer.stride
    return step
