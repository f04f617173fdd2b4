"""One batch of utterances through every condition and backend: read once, condition and measure once, transcribe."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from asrfair.audio import Waveform, resample
from asrfair.backend.base import Backend, Request
from asrfair.backend.registry import open_backend
from asrfair.condition import Condition, Heard, Spoken, hear, hear_batch
from asrfair.condition.measure import clipped_share
from asrfair.errors import InputError
from asrfair.run.ahead import ahead
from asrfair.run.answers import Asking
from asrfair.run.materials import Materials, read_recording
from asrfair.run.measured import failed_row, heard_row, is_measured, recording_row
from asrfair.run.work import OUTCOMES, Batch, Decoded, Known, Work
from asrfair.tables import MEASUREMENTS

__all__ = ["Decoded", "Decoder", "Work", "open_backends"]

# Steps that are made ready while a backend waits.
AHEAD = 2


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
    """Utterances heard under one condition, ready to be transcribed, but for what is known of them.

    ``last`` of the conditions of a batch or not; with the last come those that others could not hear.
    """

    rows: Sequence[Mapping[str, Any]]
    condition: Condition
    heard: Mapping[str, Sound]
    measured: list[dict[str, Any]]
    notes: Mapping[str, str | None]
    known: Known
    last: bool
    inaudible: frozenset[str]


class Decoder:
    """Holds the open backends and materials of one process."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.backends = open_backends(work.backends)
        self.asking = {name: Asking(backend) for name, backend in self.backends.items()}
        self.materials = Materials(
            work.utterances, audio_root=work.audio_root, sample_rate=work.sample_rate, seed=work.seed
        )
        self.hearing = [name for name, backend in self.backends.items() if backend.needs_audio]

    def close(self) -> None:
        """Close the backends."""
        for backend in self.backends.values():
            backend.close()

    def transcribe(self, utterances: pl.DataFrame) -> Decoded:
        """Hear, measure and transcribe the utterances: a hypothesis, or a failure's reason, in each outcome."""
        (decoded,) = self.transcribe_each([Batch(utterances)])
        return decoded

    def transcribe_each(self, batches: Iterable[Batch]) -> Iterator[Decoded]:
        """Yield what came of each batch in turn; where a backend waits, the next steps are made ready meanwhile."""
        outcomes: list[dict[str, Any]] = []
        measured: list[dict[str, Any]] = []
        for step in ahead(self._steps(batches), depth=AHEAD if self.work.waits else 0):
            measured += step.measured
            for name, backend in self.backends.items():
                found = self._answer(name, backend, step)
                outcomes += [{**row, "audio_notes": step.notes[row["utterance_id"]]} for row in found]
            if step.last:
                yield Decoded(
                    pl.DataFrame(outcomes, schema=OUTCOMES),
                    pl.DataFrame(measured, schema=MEASUREMENTS),
                    step.inaudible,
                )
                outcomes, measured = [], []

    def _steps(self, batches: Iterable[Batch]) -> Iterator[_Step]:
        """Read each batch once, and yield it under each condition."""
        for batch in batches:
            rows, known = list(batch.utterances.iter_rows(named=True)), batch.known
            speech = {row["utterance_id"]: self._read(row) if self._is_read(row, known) else None for row in rows}
            measured = [found for row in rows for found in self._measure(row, speech[row["utterance_id"]], known)]
            notes = {key: _notes(value) for key, value in speech.items()}
            for condition in self.work.conditions:
                wanted = [row for row in rows if self._is_heard(row, condition, known)]
                found = self._hear(wanted, condition, speech)
                heard = {name: _sound(speech[name], result) for name, result in found.items()}
                measured += self._measure_heard(wanted, condition, speech, found, known)
                last = condition is self.work.conditions[-1]
                inaudible = frozenset(self.materials.inaudible) if last else frozenset()
                yield _Step(rows, condition, heard, measured, notes, known, last, inaudible)
                measured = []

    def _is_read(self, row: Mapping[str, Any], known: Known) -> bool:
        """Return whether an utterance is to be read: unless all is known that comes of its audio."""
        if not self.hearing:
            return False
        if not known.outcomes or (row["utterance_id"], None) not in known.measurements:
            return True
        return any(self._is_heard(row, condition, known) for condition in self.work.conditions)

    def _is_heard(self, row: Mapping[str, Any], condition: Condition, known: Known) -> bool:
        """Return whether a recogniser or a measurement wants an utterance under a condition."""
        name = row["utterance_id"]
        if is_measured(condition) and (name, condition.name) not in known.measurements:
            return True
        return any((name, condition.name, backend) not in known.outcomes for backend in self.hearing)

    def _read(self, row: Mapping[str, Any]) -> Read:
        try:
            audio = read_recording(row, audio_root=self.work.audio_root)
        except InputError as error:
            return error
        samples = resample(audio.samples, from_hz=audio.sample_rate, to_hz=self.work.sample_rate)
        return _Recording(samples, audio.notes, clipped_share(audio.samples))

    def _measure(self, row: Mapping[str, Any], read: Read, known: Known) -> list[dict[str, Any]]:
        if read is None or (row["utterance_id"], None) in known.measurements:
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
        known: Known,
    ) -> list[dict[str, Any]]:
        """Return measurements where the condition changes the utterances."""
        measured: list[dict[str, Any]] = []
        for row in rows if is_measured(condition) else ():
            if (row["utterance_id"], condition.name) in known.measurements:
                continue
            read, result = speech[row["utterance_id"]], found[row["utterance_id"]]
            if isinstance(result, InputError):
                measured.append(failed_row(row, condition, str(result)))
            elif isinstance(result, Heard) and isinstance(read, _Recording):
                rate = self.work.sample_rate
                measured.append(heard_row(row, condition, result, sample_rate=rate, clipped_before=read.clipped))
        return measured

    def _answer(self, name: str, backend: Backend, step: _Step) -> list[dict[str, Any]]:
        requests, outcomes, condition = [], [], step.condition
        for row in step.rows:
            key = (row["utterance_id"], condition.name, name)
            if key in step.known.outcomes:
                continue
            sound = step.heard.get(row["utterance_id"])
            if backend.needs_audio and isinstance(sound, tuple):
                cell = dict(zip(("utterance_id", "condition", "backend"), key, strict=True))
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
