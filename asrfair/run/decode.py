"""One batch of utterances through every condition and backend: read once, condition and measure once, transcribe."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.audio import Waveform, resample
from asrfair.backend.base import Backend, Request
from asrfair.backend.registry import open_backend
from asrfair.condition import Condition, Heard, Spoken, hear, hear_batch
from asrfair.condition.measure import clipped_share
from asrfair.errors import InputError
from asrfair.run.ahead import ahead
from asrfair.run.answers import USUAL_SIZE, Asking
from asrfair.run.materials import Materials, read_recording
from asrfair.run.measured import failed_row, heard_row, is_measured, recording_row
from asrfair.tables import MEASUREMENTS

# Steps that are made ready while a backend waits.
AHEAD = 2

OUTCOMES: dict[str, Any] = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "hypothesis": pl.String,
    "stage": pl.String,
    "reason": pl.String,
    "audio_s": pl.Float64,
    "seconds": pl.Float64,
    "audio_notes": pl.String,
    "backend_note": pl.String,
    "language_detected": pl.String,
    "words": pl.List(
        pl.Struct({"text": pl.String, "start_s": pl.Float64, "end_s": pl.Float64, "confidence": pl.Float64})
    ),
    "alternatives": pl.List(pl.Struct({"hypothesis": pl.String, "score": pl.Float64})),
}


@dataclass(frozen=True)
class Work:
    """All that a worker process needs, sent to it once.

    ``utterances`` are all of the corpus, sorted by id; ``device`` is where torch applies conditions, "" for numpy.
    ``batch`` is how many utterances are read at a time. Where a backend ``waits``, for an accelerator or a service, the
    processor reads and conditions the next ones meanwhile.
    """

    utterances: pl.DataFrame
    audio_root: Path
    conditions: tuple[Condition, ...]
    backends: Mapping[str, Mapping[str, Any]]
    seed: int
    sample_rate: int
    language: str
    device: str = ""
    batch: int = USUAL_SIZE
    waits: bool = False


@dataclass(frozen=True)
class Decoded:
    """What came of utterances: a row of OUTCOMES per condition and backend, and of MEASUREMENTS.

    There is a measurement per utterance, and one per condition that changes it, whatever the number of backends; none
    where no backend hears audio.
    """

    outcomes: pl.DataFrame
    measurements: pl.DataFrame


@dataclass(frozen=True)
class _Recording:
    """An utterance at the working rate, the reader's notes, and the share clipped before any change of rate."""

    samples: Waveform
    notes: tuple[str, ...]
    clipped: float


Read = _Recording | InputError | None
Sound = Waveform | tuple[str, str] | None
"""A waveform; the stage and the reason of a failure; or None where no backend hears audio."""


@dataclass(frozen=True)
class _Step:
    """Utterances heard under one condition, ready to be transcribed; ``last`` of the conditions of a batch or not."""

    rows: Sequence[Mapping[str, Any]]
    condition: Condition
    heard: Mapping[str, Sound]
    measured: list[dict[str, Any]]
    notes: Mapping[str, str | None]
    last: bool


class Decoder:
    """Holds the open backends and materials of one process."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.backends = open_backends(work.backends)
        self.asking = {name: Asking(backend) for name, backend in self.backends.items()}
        self.materials = Materials(
            work.utterances, audio_root=work.audio_root, sample_rate=work.sample_rate, seed=work.seed
        )
        self.needs_audio = any(backend.needs_audio for backend in self.backends.values())

    def close(self) -> None:
        """Close the backends."""
        for backend in self.backends.values():
            backend.close()

    def transcribe(self, utterances: pl.DataFrame) -> Decoded:
        """Hear, measure and transcribe the utterances: a hypothesis, or a failure's reason, in each outcome."""
        (decoded,) = self.transcribe_each([utterances])
        return decoded

    def transcribe_each(self, batches: Iterable[pl.DataFrame]) -> Iterator[Decoded]:
        """Yield what came of each batch in turn; where a backend waits, the next steps are made ready meanwhile."""
        outcomes: list[dict[str, Any]] = []
        measured: list[dict[str, Any]] = []
        for step in ahead(self._steps(batches), depth=AHEAD if self.work.waits else 0):
            measured += step.measured
            for name, backend in self.backends.items():
                found = self._answer(name, backend, step.condition, step.rows, step.heard)
                outcomes += [{**row, "audio_notes": step.notes[row["utterance_id"]]} for row in found]
            if step.last:
                yield Decoded(pl.DataFrame(outcomes, schema=OUTCOMES), pl.DataFrame(measured, schema=MEASUREMENTS))
                outcomes, measured = [], []

    def _steps(self, batches: Iterable[pl.DataFrame]) -> Iterator[_Step]:
        """Read each batch once, and yield it under each condition."""
        for batch in batches:
            rows = list(batch.iter_rows(named=True))
            speech = {row["utterance_id"]: self._read(row) for row in rows}
            measured = [found for row in rows for found in self._measure(row, speech[row["utterance_id"]])]
            notes = {key: _notes(value) for key, value in speech.items()}
            last = self.work.conditions[-1]
            for condition in self.work.conditions:
                found = self._hear(rows, condition, speech)
                heard = {name: _sound(speech[name], result) for name, result in found.items()}
                measured += self._measure_heard(rows, condition, speech, found)
                yield _Step(rows, condition, heard, measured, notes, last=condition is last)
                measured = []

    def _read(self, row: Mapping[str, Any]) -> Read:
        if not self.needs_audio:
            return None
        try:
            audio = read_recording(row, audio_root=self.work.audio_root)
        except InputError as error:
            return error
        samples = resample(audio.samples, from_hz=audio.sample_rate, to_hz=self.work.sample_rate)
        return _Recording(samples, audio.notes, clipped_share(audio.samples))

    def _measure(self, row: Mapping[str, Any], read: Read) -> list[dict[str, Any]]:
        if read is None:
            return []
        if isinstance(read, InputError):
            return [failed_row(row, None, str(read))]
        return [recording_row(row, read.samples, sample_rate=self.work.sample_rate, clipped=read.clipped)]

    def _hear(
        self, rows: Sequence[Mapping[str, Any]], condition: Condition, speech: Mapping[str, Read]
    ) -> dict[str, Heard | InputError | None]:
        """Return utterances under a condition by id, or why not; None where no backend hears audio."""
        given = {row["utterance_id"]: self._given(row, condition, speech[row["utterance_id"]]) for row in rows}
        ready = [one for one in given.values() if isinstance(one, Spoken)]
        results = {
            spoken.utterance_id: heard for spoken, heard in zip(ready, self._under(condition, ready), strict=True)
        }
        return {name: results[name] if isinstance(one, Spoken) else one for name, one in given.items()}

    def _given(self, row: Mapping[str, Any], condition: Condition, read: Read) -> Spoken | InputError | None:
        if not isinstance(read, _Recording):
            return read
        name = row["utterance_id"]
        try:
            materials = self.materials.gather(condition, utterance_id=name, speaker_id=row["speaker_id"])
        except InputError as error:
            return error
        return Spoken(name, read.samples, materials)

    def _under(self, condition: Condition, batch: Sequence[Spoken]) -> list[Heard | InputError]:
        rate, seed = self.work.sample_rate, self.work.seed
        if self.work.device:
            return hear_batch(condition, batch, sample_rate=rate, seed=seed, device=self.work.device)
        return [_hear_one(condition, spoken, sample_rate=rate, seed=seed) for spoken in batch]

    def _measure_heard(
        self,
        rows: Sequence[Mapping[str, Any]],
        condition: Condition,
        speech: Mapping[str, Read],
        found: Mapping[str, Heard | InputError | None],
    ) -> list[dict[str, Any]]:
        """Return measurements where the condition changes the utterances."""
        measured: list[dict[str, Any]] = []
        for row in rows if is_measured(condition) else ():
            read, result = speech[row["utterance_id"]], found[row["utterance_id"]]
            if isinstance(result, InputError):
                measured.append(failed_row(row, condition, str(result)))
            elif isinstance(result, Heard) and isinstance(read, _Recording):
                rate = self.work.sample_rate
                measured.append(heard_row(row, condition, result, sample_rate=rate, clipped_before=read.clipped))
        return measured

    def _answer(
        self,
        name: str,
        backend: Backend,
        condition: Condition,
        rows: Sequence[Mapping[str, Any]],
        heard: Mapping[str, Sound],
    ) -> list[dict[str, Any]]:
        requests, outcomes = [], []
        for row in rows:
            sound = heard[row["utterance_id"]]
            cell = {"utterance_id": row["utterance_id"], "condition": condition.name, "backend": name}
            if backend.needs_audio and isinstance(sound, tuple):
                outcomes.append({**cell, "stage": sound[0], "reason": sound[1]})
                continue
            requests.append(self._request(row, condition, backend, sound))
        for request, told in zip(requests, self.asking[name].ask(requests), strict=True):
            answer = told.outcome
            outcomes.append(
                {
                    "utterance_id": request.utterance_id,
                    "condition": condition.name,
                    "backend": name,
                    "hypothesis": answer.hypothesis,
                    "stage": None if answer.failure is None else "backend",
                    "reason": answer.failure,
                    "audio_s": None if request.samples is None else len(request.samples) / request.sample_rate,
                    "seconds": told.seconds,
                    "backend_note": told.note,
                    "language_detected": answer.language,
                    "words": [asdict(word) for word in answer.words] or None,
                    "alternatives": [asdict(alternative) for alternative in answer.alternatives] or None,
                }
            )
        return outcomes

    def _request(self, row: Mapping[str, Any], condition: Condition, backend: Backend, sound: Any) -> Request:
        rate = backend.sample_rate or self.work.sample_rate
        samples = None
        if backend.needs_audio:
            samples = resample(sound, from_hz=self.work.sample_rate, to_hz=rate)
        return Request(
            utterance_id=row["utterance_id"],
            condition=condition.name,
            language=self.work.language or row["language"],
            sample_rate=rate,
            samples=samples,
        )


def _hear_one(condition: Condition, spoken: Spoken, *, sample_rate: int, seed: int) -> Heard | InputError:
    try:
        return hear(
            condition,
            spoken.samples,
            sample_rate=sample_rate,
            seed=seed,
            utterance_id=spoken.utterance_id,
            materials=spoken.materials,
        )
    except InputError as error:
        return error


def _sound(read: Read, result: Heard | InputError | None) -> Sound:
    if isinstance(result, InputError):
        return "audio" if result is read else "condition", str(result)
    return None if result is None else result.samples


def open_backends(specifications: Mapping[str, Mapping[str, Any]]) -> dict[str, Backend]:
    """Open every planned backend; raises CardError or BackendError naming it."""
    opened = {}
    for name, options in specifications.items():
        rest = {key: value for key, value in options.items() if key not in ("type", "argument")}
        opened[name] = open_backend(options["type"], argument=options.get("argument"), options=rest)
    return opened


def _notes(read: Read) -> str | None:
    return "; ".join(read.notes) or None if isinstance(read, _Recording) else None
