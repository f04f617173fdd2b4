"""What a backend is given and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from asrfair.audio import Waveform


@dataclass(frozen=True)
class Request:
    """One utterance under one condition; ``samples`` is mono float32, shape=(n,), or None if not needed."""

    utterance_id: str
    condition: str
    language: str
    sample_rate: int
    samples: Waveform | None = None


@dataclass(frozen=True)
class Word:
    """A recognised word: seconds from the utterance's start, confidence as a probability; None where not told."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Alternative:
    """One hypothesis of an n-best list; ``score`` is the recogniser's own, higher is better."""

    hypothesis: str
    score: float | None = None


@dataclass(frozen=True)
class Outcome:
    """A hypothesis (possibly empty: nothing was recognised) or a failure with its reason, never both.

    What else a recogniser tells is optional: ``words`` in order, ``alternatives`` best first, the ``language`` it
    detected, and the ``seconds`` that it computed for this utterance (else its share of the batch's time counts).
    """

    hypothesis: str | None = None
    failure: str | None = None
    words: tuple[Word, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    language: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.hypothesis is None) == (self.failure is None):
            raise ValueError(
                f"Outcome: found hypothesis={self.hypothesis!r}, failure={self.failure!r}; expected exactly one of them"
            )


class Backend(Protocol):
    """A recogniser: made once per worker process, then given batches.

    One more is made, asked for its identity and closed before a run starts, so that a wrong option is told at
    once: what takes long to load may wait for the first batch. What `transcribe` raises is the failure of its
    batch; an AsrfairError ends the run.
    A backend class takes keyword-only options in its constructor; ``argument`` names the option that
    ``--backend NAME=ARGUMENT`` sets. ``sample_rate`` is the rate in Hz it wants, None for the working rate. A backend
    may say more of itself: ``batch_size``, the utterances it wants at a time; ``batch_seconds``, the longest batch,
    padding included; and ``waits``, that an accelerator or a service works while the processor is free.
    """

    argument: ClassVar[str | None]
    needs_audio: ClassVar[bool]
    sample_rate: int | None

    def identity(self) -> Mapping[str, str]:
        """Return what the results depend on: versions, model digests, decoding options."""
        ...

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order."""
        ...

    def close(self) -> None:
        """Release what the backend holds (a subprocess, a model)."""
        ...
