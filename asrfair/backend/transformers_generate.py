"""Generation with `transformers`: Whisper in short and long form, and other sequence-to-sequence models.

Whisper pads every utterance to its window, so that a batch may mix lengths; other models are given utterances of one
length. Greedy or by beams, never sampled. A recording longer than the window goes through Whisper's own long form (by
timestamps, alone, without the text before as a prompt). With times of words, every utterance goes alone: transformers
5.23 aligns an utterance that ended early with the padding of its text, so that its times would depend on the others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asrfair.backend.base import Outcome, Request
from asrfair.backend.local import find_language
from asrfair.backend.tokens import Token, words_of
from asrfair.backend.transformers_ctc import not_finite, placed, same_length
from asrfair.backend.wire import duration_s
from asrfair.errors import BackendError


class Watch:
    """A logits processor that changes nothing and notes which utterances give no finite numbers."""

    def __init__(self, utterances: int) -> None:
        self.utterances, self.bad = utterances, [False] * utterances

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores as they are; what is suppressed is minus infinity, and right."""
        wrong = (scores.isnan() | scores.isposinf()).any(dim=-1).view(self.utterances, -1).any(dim=-1)
        self.bad = [before or now for before, now in zip(self.bad, wrong.tolist(), strict=True)]
        return scores


@dataclass(frozen=True)
class Generation:
    """A loaded model and how it is to generate; ``times`` and ``confidences`` say what is told of words."""

    model: Any
    tokenizer: Any
    features: Any
    times: bool
    confidences: bool
    language: str | None
    task: str
    beams: int
    tokens: int | None

    def checked(self, name: str) -> "Generation":
        """Return itself; raises BackendError for a language or a task that the model does not have."""
        known = self._languages()
        if not known and (self.task == "translate" or self.language not in (None, "", "en")):
            raise BackendError(f"transformers: model {name} has one language; expected no option 'language' or 'task'")
        if known and self.language and self.language not in known:
            languages = ", ".join(sorted(known))
            raise BackendError(
                f"transformers: option 'language': found {self.language!r}; expected one of: {languages}"
            )
        return self

    def least_samples(self) -> int | None:
        """Return None: one frame of 25 ms."""
        return None

    def problem(self, request: Request) -> str | None:
        """Return why an utterance cannot be asked: a language that the model does not have."""
        return find_language(request, self.language, self._languages())[1]

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order."""
        outcomes: dict[int, Outcome] = {}
        for group in self._groups(requests):
            outcomes |= zip(group, self._hear([requests[number] for number in group]), strict=True)
        return [outcomes[number] for number in range(len(requests))]

    def _is_whisper(self) -> bool:
        return bool(self.model.config.model_type == "whisper")

    def _languages(self) -> dict[str, int]:
        """Return token ids by language code; none for a model of one language."""
        settings = self.model.generation_config
        if not self._is_whisper() or not getattr(settings, "is_multilingual", False):
            return {}
        return {name.strip("<|>"): number for name, number in (getattr(settings, "lang_to_id", None) or {}).items()}

    def _groups(self, requests: Sequence[Request]) -> list[list[int]]:
        if not self._is_whisper():
            return same_length(requests)
        alone = [n for n, request in enumerate(requests) if self._is_timed() or self._is_long(request)]
        groups: dict[str | None, list[int]] = {}
        for number, request in enumerate(requests):
            if number not in alone:
                groups.setdefault(find_language(request, self.language, self._languages())[0], []).append(number)
        return [*groups.values(), *([number] for number in alone)]

    def _is_long(self, request: Request) -> bool:
        return request.samples is not None and len(request.samples) > self.features.n_samples

    def _hear(self, requests: Sequence[Request]) -> list[Outcome]:
        inputs = placed(self._listen(requests), self.model)
        if not self._is_whisper():
            return self._generate(requests, inputs, {})
        language = find_language(requests[0], self.language, self._languages())[0]
        if language is not None or not self._languages():
            given = {} if language is None else {"language": language, "task": self.task}
            return self._generate(requests, inputs, given)
        return self._detect(requests, inputs)

    def _listen(self, requests: Sequence[Request]) -> Any:
        rate = self.features.sampling_rate
        waveforms = [request.samples for request in requests]
        if not self._is_whisper():
            return self.features(waveforms, sampling_rate=rate, padding=True, return_tensors="pt")
        # The mask ends the alignment of words where the recording does; the encoder hears the silence after it.
        long = {"truncation": False, "padding": "longest"} if self._is_long(requests[0]) else {}
        return self.features(waveforms, sampling_rate=rate, return_attention_mask=True, return_tensors="pt", **long)

    def _detect(self, requests: Sequence[Request], inputs: dict[str, Any]) -> list[Outcome]:
        names = {number: name for name, number in self._languages().items()}
        found = self.model.detect_language(
            input_features=inputs["input_features"], num_segment_frames=self.features.nb_max_frames
        ).tolist()
        outcomes: dict[int, Outcome] = {}
        for token in sorted(set(found)):
            some = [number for number, one in enumerate(found) if one == token]
            part = {name: value[some] for name, value in inputs.items()}
            given = {"language": names[token], "task": self.task}
            heard = self._generate([requests[number] for number in some], part, given, detected=names[token])
            outcomes |= zip(some, heard, strict=True)
        return [outcomes[number] for number in range(len(requests))]

    def _generate(
        self, requests: Sequence[Request], inputs: dict[str, Any], given: dict[str, Any], detected: str | None = None
    ) -> list[Outcome]:
        from transformers import LogitsProcessorList

        watch = Watch(len(requests))
        length = {} if self.tokens is None else {"max_new_tokens": self.tokens}
        long = self._is_whisper() and self._is_long(requests[0])
        # A time among the text would make transformers go on after it, and return what came last alone.
        once = {"force_unique_generate_call": True}
        form = {"return_timestamps": True, "return_segments": True} if long else once
        times = {"return_token_timestamps": True} if self._is_timed() else {}
        if not self._is_whisper():
            form = {"do_sample": False}
        told = self.model.generate(
            **inputs,
            **given,
            **length,
            **form,
            **times,
            num_beams=self.beams,
            return_dict_in_generate=True,
            output_scores=self.confidences,
            logits_processor=LogitsProcessorList([watch]),
        )
        every = [self._long(told)] if long else [self._short(told, number) for number in range(len(requests))]
        return [
            Outcome(failure=not_finite(self.model)) if bad else self._outcome(tokens, request, detected)
            for tokens, request, bad in zip(every, requests, watch.bad, strict=True)
        ]

    def _is_timed(self) -> bool:
        # A fine-tuned Whisper may have lost the list of the heads that follow the audio: then there are no times.
        return self.times and bool(getattr(self.model.generation_config, "alignment_heads", None))

    def _short(self, told: Any, number: int) -> list[Token]:
        """Return the tokens of one utterance of a batch; before them in its sequence is the prompt."""
        sequence, scores, beams = told["sequences"][number], told.get("scores"), told.get("beam_indices")
        times = told.get("token_timestamps")
        likely = _likely(sequence, ())
        if scores is not None:
            count = len(scores) if beams is None else int((beams != -1).sum(dim=-1).max())
            # Whisper picks the beams' rows itself.
            rows = [number] * count if self._is_whisper() or beams is None else beams[number].tolist()
            steps = [step[row] for step, row in zip(scores[:count], rows, strict=False)]
            likely = _likely(sequence, steps)
        return self._text_tokens(sequence.tolist(), likely, None if times is None else times[number].tolist())

    def _long(self, told: Any) -> list[Token]:
        """Return the tokens of one long utterance, segment by segment."""
        tokens: list[Token] = []
        for segment in told["segments"][0]:
            first, last = segment["idxs"]
            result = segment["result"]
            sequence, scores = result["sequences"], result.get("scores")
            likely = _likely(sequence, scores or ())
            times = segment.get("token_timestamps")
            tokens += self._text_tokens(
                segment["tokens"].tolist(), likely[first:last], None if times is None else times.tolist()
            )
        return tokens

    def _text_tokens(self, ids: list[int], likely: list[float | None], times: list[float] | None) -> list[Token]:
        """Return what is text: neither special nor a time. A token ends where the next one starts.

        The end of the text was not attended from and has no time of its own, so the word before it has no end.
        """
        first_time = self._first_time()
        special = set(self.tokenizer.all_special_ids)
        tokens = []
        for number, token in enumerate(ids):
            if token in special or token >= first_time:
                continue
            start = None if times is None else times[number]
            follows = number + 1 < len(ids) and ids[number + 1] not in special
            tokens.append(Token(token, likely[number], start, times[number + 1] if times and follows else None))
        return tokens

    def _first_time(self) -> float:
        """Return the first token that is a time in Whisper's vocabulary, which ends with these."""
        last = getattr(self.model.generation_config, "no_timestamps_token_id", None)
        return math.inf if last is None or not self._is_whisper() else last + 1

    def _outcome(self, tokens: list[Token], request: Request, detected: str | None) -> Outcome:
        def decode(ids: list[int]) -> str:
            return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

        text, words = words_of(tokens, decode, duration_s=duration_s(request))
        return Outcome(hypothesis=text, words=words, language=detected)


def _likely(sequence: Any, scores: Sequence[Any]) -> list[float | None]:
    """Return the log probability of each token that was generated, the last ``len(scores)``, after suppression."""
    import torch

    unknown: list[float | None] = [None] * (len(sequence) - len(scores))
    if not scores:
        return unknown
    chosen = sequence[len(sequence) - len(scores) :].to(scores[0].device)
    found = torch.stack(list(scores)).float().log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0]
    return unknown + list(found.tolist())
