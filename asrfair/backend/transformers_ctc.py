"""CTC with `transformers`: batches padded where the model allows it, the best path, words from the frames' posteriors.

A wav2vec 2.0 or HuBERT whose first layer normalises over time (``feat_extract_norm = "group"``, the base models) hears
padding: it is given utterances of one length only, and so is every model not known to ignore what its mask leaves out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asrfair.backend.base import Outcome, Request, Word
from asrfair.backend.local import word_confidence

# Seen to give the same with and without padding (tests/backend/test_transformers.py).
MASKED = ("wav2vec2", "hubert", "wavlm")


@dataclass(frozen=True)
class Ctc:
    """A loaded model; ``times`` and ``confidences`` say what is told of words."""

    model: Any
    tokenizer: Any
    features: Any
    times: bool
    confidences: bool

    def least_samples(self) -> int | None:
        """Return how many samples give one frame; None where the model does not say."""
        least = 1
        for kernel, stride in reversed(_layers(self.model.config)):
            least = (least - 1) * stride + kernel
        return least if _layers(self.model.config) else None

    def problem(self, request: Request) -> str | None:
        """Return None: what is long enough can be heard."""
        return None

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order."""
        outcomes: dict[int, Outcome] = {}
        for group in self._groups(requests):
            outcomes |= zip(group, self._hear([requests[number] for number in group]), strict=True)
        return [outcomes[number] for number in range(len(requests))]

    def _groups(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the utterances that may share a batch, by number."""
        return [list(range(len(requests)))] if self._is_masked() else same_length(requests)

    def _is_masked(self) -> bool:
        config = self.model.config
        layered = getattr(config, "feat_extract_norm", None) == "layer" and not getattr(config, "add_adapter", False)
        return config.model_type in MASKED and layered

    def _hear(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        import torch

        masked = self._is_masked()
        inputs = self.features(
            [request.samples for request in requests],
            sampling_rate=self.features.sampling_rate,
            padding=True,
            # None: as the model was trained.
            return_attention_mask=True if masked else None,
            return_tensors="pt",
        )
        logits = self.model(**placed(inputs, self.model)).logits.float()
        best, path = (part.cpu() for part in torch.max(logits.log_softmax(dim=-1), dim=-1))
        finite = torch.isfinite(logits).all(dim=-1).cpu()
        for number, request in enumerate(requests):
            frames = slice(self._frames(request) if masked else path.shape[1])
            if not bool(finite[number, frames].all()):
                yield Outcome(failure=not_finite(self.model))
            else:
                yield self._read(path[number, frames].tolist(), best[number, frames].tolist(), request)

    def _frames(self, request: Request) -> int:
        count = 0 if request.samples is None else len(request.samples)
        for kernel, stride in _layers(self.model.config):
            count = (count - kernel) // stride + 1
        return count

    def _read(self, path: list[int], best: list[float], request: Request) -> Outcome:
        from transformers import Wav2Vec2CTCTokenizer

        # Other tokenizers know no offsets.
        if not isinstance(self.tokenizer, Wav2Vec2CTCTokenizer) or not (self.times or self.confidences):
            return Outcome(hypothesis=self.tokenizer.decode(path))
        told = self.tokenizer.decode(path, output_char_offsets=True, output_word_offsets=True)
        texts = told.text.split()
        if len(texts) != len(told.word_offsets):
            return Outcome(hypothesis=told.text)
        words = tuple(
            self._word(text, int(word["start_offset"]), int(word["end_offset"]), told.char_offsets, best, request)
            for text, word in zip(texts, told.word_offsets, strict=True)
        )
        return Outcome(hypothesis=told.text, words=words)

    def _word(
        self, text: str, first: int, last: int, letters: list[dict[str, Any]], best: list[float], request: Request
    ) -> Word:
        """A letter is as likely as its best frame; frames are counted from the utterance's start."""
        sure = [
            max(best[letter["start_offset"] : letter["end_offset"]])
            for letter in letters
            if first <= letter["start_offset"] and letter["end_offset"] <= last
        ]
        step = self._frame_samples() if self.times else None
        return Word(
            text,
            None if step is None else first * step / request.sample_rate,
            None if step is None else last * step / request.sample_rate,
            word_confidence(sure) if self.confidences else None,
        )

    def _frame_samples(self) -> int | None:
        layers = _layers(self.model.config)
        if not layers or getattr(self.model.config, "add_adapter", False):
            return None
        return math.prod(stride for _, stride in layers)


def same_length(requests: Sequence[Request]) -> list[list[int]]:
    """Return requests by number, those of one length together: nothing is padded."""
    groups: dict[int, list[int]] = {}
    for number, request in enumerate(requests):
        groups.setdefault(0 if request.samples is None else len(request.samples), []).append(number)
    return list(groups.values())


def placed(inputs: Any, model: Any) -> dict[str, Any]:
    """Return inputs on the model's device, numbers in its precision and masks as they are."""
    return {
        name: value.to(model.device, model.dtype) if value.is_floating_point() else value.to(model.device)
        for name, value in inputs.items()
    }


def not_finite(model: Any) -> str:
    """Return the failure of an utterance for which a model's numbers overflow."""
    name = str(model.dtype).removeprefix("torch.")
    return f"transformers: found numbers that are not finite in {name}; expected finite ones, try a wider dtype"


def _layers(config: Any) -> list[tuple[int, int]]:
    """Return (kernel, stride) of the convolutions that make frames, first to last."""
    return list(zip(getattr(config, "conv_kernel", ()), getattr(config, "conv_stride", ()), strict=True))
