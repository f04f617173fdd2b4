"""Any program as a recogniser: JSON lines with paths of WAV files in, JSON lines with hypotheses out."""

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.audio import write_wav
from asrfair.backend.base import Alternative, Outcome, Request, Word
from asrfair.backend.child import GRACE_S, Child
from asrfair.errors import BackendError, CardError

QUOTED_CHARACTERS = 120
_DETAILS = "'words' of text, start_s, end_s and confidence, 'alternatives' of hypothesis and score"


class CommandBackend:
    """Give utterances to a program that is started once and kept.

    Per utterance the program reads, on standard input, one line
    ``{"utterance_id": …, "condition": …, "audio": PATH, "sample_rate": HZ, "language": …}``; the audio is a
    mono 16-bit WAV file that is deleted when its batch is done. On standard output it writes one line
    ``{"utterance_id": …, "hypothesis": …}`` or ``{"utterance_id": …, "error": …}`` each, in any order within
    a batch, and nothing else. Beside a hypothesis it may tell ``words`` (each ``text``, ``start_s``, ``end_s``,
    ``confidence``), ``alternatives`` (each ``hypothesis``, ``score``; best first), the ``language`` it detected and
    the ``seconds`` it computed. It must flush after each answer: a batch is complete before the next is sent, so
    a program that answers only at the end of its input answers too late. Standard error is free for logs.

    ``command`` is split as a shell would, without running one. ``sample_rate`` is in Hz. ``timeout_s`` is the
    longest wait in seconds for the next answer, loading included. A program that ends, falls silent or breaks
    the protocol costs the utterances it has not answered, each with the reason, and is started again for the
    next batch. Raises CardError for an unusable option, BackendError if the program cannot be started or, on
    its first batch, answers nothing in time.
    """

    argument: ClassVar[str | None] = "command"
    needs_audio: ClassVar[bool] = True

    def __init__(self, *, command: str, sample_rate: int = 16_000, timeout_s: float = 300.0) -> None:
        if sample_rate <= 0:
            raise CardError(f"command: found sample_rate {sample_rate}; expected a rate in Hz above 0")
        if timeout_s <= 0:
            raise CardError(f"command: found timeout_s {timeout_s:g}; expected seconds above 0")
        self.sample_rate: int | None = sample_rate
        self._timeout_s = timeout_s
        self._command = command
        self._arguments = _split(command)
        self._child: Child | None = None
        self._has_answered = False

    def identity(self) -> Mapping[str, str]:
        """Return the command line, and the digest of the program and of every argument that is a file."""
        found = {"command": self._command, "sample_rate": str(self.sample_rate)}
        for position, argument in enumerate(self._arguments):
            path = Path(shutil.which(argument) or argument) if position == 0 else Path(argument)
            if path.is_file():
                found[f"digest of {path.name}"] = _digest(path)
        return found

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome per request, in order."""
        outcomes: dict[int, Outcome] = {}
        for batch in _rounds(requests):
            with tempfile.TemporaryDirectory(prefix="asrfair-") as folder:
                outcomes |= self._transcribe_round({index: requests[index] for index in batch}, Path(folder))
        return [outcomes[index] for index in range(len(requests))]

    def close(self) -> None:
        """End the program: its input is closed, then it is terminated, then killed."""
        self._stop(grace_s=GRACE_S)

    def _transcribe_round(self, requests: Mapping[int, Request], folder: Path) -> dict[int, Outcome]:
        """Transcribe requests of distinct utterance ids, keyed by their position."""
        outcomes, lines = {}, []
        positions = {}
        for index, request in requests.items():
            path = folder / f"{index:06d}.wav"
            problem = self._write_audio(path, request)
            if problem is None:
                lines.append(_request_line(request, path))
                positions[request.utterance_id] = index
            else:
                outcomes[index] = Outcome(failure=f"command: {problem}")
        answers = self._ask(lines, list(positions))
        return outcomes | {positions[utterance_id]: outcome for utterance_id, outcome in answers.items()}

    def _write_audio(self, path: Path, request: Request) -> str | None:
        if request.samples is None:
            return "found no audio in the request; expected a waveform"
        if request.sample_rate != self.sample_rate:
            return f"found audio at {request.sample_rate} Hz; expected {self.sample_rate} Hz"
        if not np.isfinite(request.samples).all():
            return "found samples that are not finite; expected numbers"
        write_wav(path, request.samples, request.sample_rate)
        return None

    def _ask(self, lines: Sequence[str], utterance_ids: Sequence[str]) -> dict[str, Outcome]:
        """Send the lines and collect an outcome for every utterance id."""
        if not lines:
            return {}
        child = self._child = self._child or Child(self._arguments)
        child.send(lines)
        answers = _Answers(tuple(utterance_ids))
        while answers.expected_lines > 0:
            try:
                line = child.next_line(self._timeout_s)
            except TimeoutError:
                self._stop(grace_s=0)
                answers.give_up(self._silence())
                return answers.outcomes
            if line is None:
                reason = child.death()
                self._child = None
                answers.give_up(f"command: {reason}")
                return answers.outcomes
            answers.take(line)
            self._has_answered = self._has_answered or bool(answers.outcomes)
        if answers.unusable:
            # Whatever the program still has to say could be taken for an answer to the next batch.
            self._stop(grace_s=GRACE_S)
            answers.give_up(f"command: {answers.unusable[0]}")
        return answers.outcomes

    def _silence(self) -> str:
        """Say that nothing came in time; a program that has never answered is given up altogether."""
        reason = f"no answer within {self._timeout_s:g} s (does it flush its output after each line?)"
        if not self._has_answered:
            raise BackendError(f"command: {self._arguments[0]}: {reason}; expected one JSON line per utterance")
        return f"command: {reason}"

    def _stop(self, *, grace_s: float) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(grace_s=grace_s)


@dataclass
class _Answers:
    """What has come back of one round: outcomes by utterance id, and lines that answer for nobody."""

    utterance_ids: tuple[str, ...]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)

    @property
    def expected_lines(self) -> int:
        """The number of lines still to come; an unusable line stands for an answer that is lost."""
        return len(self.utterance_ids) - len(self.outcomes) - len(self.unusable)

    def take(self, line: str) -> None:
        """Add a line of the program's output; a blank one is nothing."""
        if not line.strip():
            return
        quoted = line if len(line) <= QUOTED_CHARACTERS else f"{line[:QUOTED_CHARACTERS]}…"
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            self.unusable.append(f"found the line {quoted!r}; expected a JSON object")
            return
        utterance_id = answer.get("utterance_id") if isinstance(answer, dict) else None
        if not isinstance(utterance_id, str):
            self.unusable.append(f"found the line {quoted!r}; expected a JSON object with text 'utterance_id'")
        elif utterance_id not in self.utterance_ids:
            self.unusable.append(f"found an answer for '{utterance_id}', which was not asked: {quoted!r}")
        elif utterance_id in self.outcomes:
            self.unusable.append(f"found a second answer for '{utterance_id}': {quoted!r}")
        else:
            self.outcomes[utterance_id] = _outcome(answer, quoted)

    def give_up(self, reason: str) -> None:
        """Make every utterance without an outcome a failure."""
        for utterance_id in self.utterance_ids:
            self.outcomes.setdefault(utterance_id, Outcome(failure=reason))


def _outcome(answer: Mapping[str, Any], quoted: str) -> Outcome:
    error, hypothesis = answer.get("error"), answer.get("hypothesis")
    try:
        if isinstance(hypothesis, str) and error is None:
            return Outcome(
                hypothesis=hypothesis,
                words=tuple(Word(**word) for word in answer.get("words") or ()),
                alternatives=tuple(Alternative(**other) for other in answer.get("alternatives") or ()),
                language=answer.get("language"),
                seconds=answer.get("seconds"),
            )
    except TypeError as problem:
        return Outcome(failure=f"command: found the line {quoted!r}: {problem}; expected {_DETAILS}")
    if isinstance(error, str) and hypothesis is None:
        return Outcome(failure=f"command: {error}")
    return Outcome(failure=f"command: found the line {quoted!r}; expected text 'hypothesis' or text 'error'")


def _rounds(requests: Sequence[Request]) -> list[list[int]]:
    """Split into rounds of distinct utterance ids, because an answer names its utterance only."""
    rounds: list[list[int]] = []
    seen: dict[str, int] = {}
    for index, request in enumerate(requests):
        turn = seen.get(request.utterance_id, 0)
        seen[request.utterance_id] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(index)
    return rounds


def _request_line(request: Request, path: Path) -> str:
    return json.dumps(
        {
            "utterance_id": request.utterance_id,
            "condition": request.condition,
            "audio": str(path),
            "sample_rate": request.sample_rate,
            "language": request.language,
        },
        ensure_ascii=False,
    )


def _split(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise CardError(f"command: found {command!r}: {error}; expected a command line") from error
    if not arguments:
        raise CardError("command: found an empty command line; expected a program and its arguments")
    if shutil.which(arguments[0]) is None:
        raise BackendError(f"command: {arguments[0]}: no such program; expected one on the path or a path to one")
    return arguments


def _digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256; an argument may be a large model."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
