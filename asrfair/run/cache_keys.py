"""Keys of the cache: a digest over all that a transcript or a measurement depends on, and over nothing else.

Where a file lies, what a recogniser is called in a plan, and which other cells a run has are no part of them. What
decides what a recogniser hears: the bytes of the audio and which part of them; the condition with its materials; the
seed, where there is anything random; the rates. What decides what it makes of it: its identity, the language, the
utterance's id and the condition's name, since it is told both.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any, cast

from asrfair.condition import Condition
from asrfair.errors import InputError
from asrfair.run.analysis import installed
from asrfair.run.cache import SETTLED_NS, Cache
from asrfair.run.materials import Drawn, Materials
from asrfair.run.measured import is_measured
from asrfair.run.work import Work
from asrfair.sounds import find_sound, split_address

VERSION = 1
"""To be raised when an effect, a reader, a measure or the way from audio to recogniser gives other values than before.

What is in a cache then counts no more.
"""
# What audio is read, resampled and conditioned by; of those that change often and do little else, major and minor.
LIBRARIES = ("av", "pyroomacoustics", "soundfile", "soxr")
BROAD = ("numpy", "scipy")
REMEMBERED = 100_000


@dataclass(frozen=True)
class System:
    """A recogniser that hears audio: all that its answers depend on, and the rate in Hz that it wants (None: any)."""

    facts: Mapping[str, Any]
    sample_rate: int | None


@dataclass(frozen=True)
class Keys:
    """Of one or more utterances: by utterance id, condition and recogniser; by utterance id and condition."""

    outcomes: dict[tuple[str, str, str], bytes]
    measurements: dict[tuple[str, str | None], bytes]


class KeyMaker:
    """Makes the keys of a run; digests of files are kept in the cache, so that each is read once."""

    def __init__(self, work: Work, systems: Mapping[str, System], cache: Cache) -> None:
        self._work, self._cache = work, cache
        self._materials = Materials(
            work.utterances, audio_root=work.audio_root, sample_rate=work.sample_rate, seed=work.seed
        )
        self._base = _digest(VERSION, _libraries(work.device), work.sample_rate)
        self._conditions = {item.name: _digest(_facts(item, work)) for item in work.conditions}
        self._systems = {name: _digest(dict(item.facts), item.sample_rate) for name, item in systems.items()}
        self._file = lru_cache(REMEMBERED)(self._file_digest)
        self._drawn_sound = lru_cache(REMEMBERED)(lambda utterance_id: self._sound(self._materials.row(utterance_id)))
        self._inaudible: dict[bytes, bool] = {}
        self._voices: dict[Drawn, bytes | None] = {}

    def keys(self, row: Mapping[str, Any]) -> Keys:
        """Return an utterance's keys; none where its audio, or what a condition needs for it, cannot be read."""
        found = Keys({}, {})
        sound, name = self._sound(row), row["utterance_id"]
        if sound is None:
            return found
        found.measurements[name, None] = _digest("measured", sound)
        language = self._work.language or row["language"]
        for condition in self._work.conditions:
            heard = self._heard(sound, row, condition)
            if heard is None:
                continue
            if is_measured(condition):
                found.measurements[name, condition.name] = _digest("measured", heard)
            asked = _digest(heard, name, condition.name, language)
            for system, digest in self._systems.items():
                found.outcomes[name, condition.name, system] = _digest("outcome", asked, digest)
        return found

    def learn(self, inaudible: frozenset[str]) -> None:
        """Take note of utterances that could not be heard as other talkers; those after them were taken instead."""
        for utterance_id in inaudible:
            sound = self._drawn_sound(utterance_id)
            # Looked at again: a disk that failed once says nothing about the audio.
            if sound is None or self._is_inaudible(sound) or self._materials.is_audible(utterance_id):
                continue
            self._inaudible[sound] = True
            self._voices.clear()
            self._cache.put({_digest("inaudible", sound): True})

    def _is_inaudible(self, sound: bytes) -> bool:
        if sound not in self._inaudible:
            self._inaudible[sound] = bool(self._cache.get([_digest("inaudible", sound)]))
        return self._inaudible[sound]

    def _sound(self, row: Mapping[str, Any]) -> bytes | None:
        """Return the key of an utterance's audio at the working rate; its file's ending is part of what is noted."""
        if row["audio"] is None:
            return None
        digest = self._file(str(self._work.audio_root / str(row["audio"])))
        if digest is None:
            return None
        ending = PurePath(str(row["audio"])).suffix
        return _digest(self._base, digest, ending, row["start_s"], row["end_s"], row["channel"])

    def _heard(self, sound: bytes, row: Mapping[str, Any], condition: Condition) -> bytes | None:
        """Return the key of an utterance's audio under a condition; without effects it is the recording."""
        if not condition.steps:
            return sound
        name = row["utterance_id"]
        try:
            drawn = self._materials.drawn(condition, utterance_id=name, speaker_id=row["speaker_id"])
        except InputError:
            return None
        parts = [self._material(found) for found in drawn]
        if any(part is None for part in parts):
            return None
        return _digest(sound, self._conditions[condition.name], name, *parts)

    def _material(self, drawn: Drawn) -> bytes | None:
        if drawn.recording is not None:
            digest = self._file(str(drawn.recording))
            return None if digest is None else _digest(digest, drawn.recording.suffix, drawn.channel)
        if not drawn.same:
            return self._talkers(drawn)
        if drawn not in self._voices:
            self._voices[drawn] = self._talkers(drawn)
        return self._voices[drawn]

    def _talkers(self, drawn: Drawn) -> bytes | None:
        """Return the key of the first talkers that can be heard; None if they are too few."""
        taken: list[bytes] = []
        for utterance_id in drawn.utterances:
            sound = self._drawn_sound(utterance_id)
            if sound is not None and not self._is_inaudible(sound):
                taken.append(sound)
            if len(taken) == drawn.count:
                return _digest(*taken)
        return None

    def _file_digest(self, path: str) -> bytes | None:
        """Return the digest of a file's bytes, or of those of an archive's member; None if it cannot be read."""
        try:
            facts = split_address(path)[0].stat()
            stamp = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
            # The path itself is nobody's business.
            place = _digest(os.path.abspath(path))
            known = self._cache.digest(place, stamp)
            if known is not None:
                return known
            with closing(find_sound(path).open()) as file:
                digest = hashlib.file_digest(cast(Any, file), "sha256").digest()
        except (OSError, InputError):
            return None
        if time.time_ns() - max(facts.st_mtime_ns, facts.st_ctime_ns) > SETTLED_NS:
            self._cache.put_digest(place, stamp, digest)
        return digest


def _facts(condition: Condition, work: Work) -> list[Any]:
    """Return what a condition is, and its randomness, which is spread by its name."""
    rung = None if condition.rung is None else repr(condition.rung.value)
    return [condition.digest, condition.stream, condition.name, rung, work.seed]


def _libraries(device: str) -> dict[str, str | None]:
    libraries = (*LIBRARIES, "torch", "torchaudio") if device else LIBRARIES
    broad = {name: ".".join((installed(name) or "").split(".")[:2]) for name in BROAD}
    return {"device": device.partition(":")[0], **broad, **{name: installed(name) for name in libraries}}


def _digest(*parts: Any) -> bytes:
    """Return SHA-256 over the parts, each after its length."""
    hasher = hashlib.sha256()
    for part in parts:
        text = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        # A byte says whether it was bytes: a text may look like anything.
        hasher.update(len(text).to_bytes(8, "little") + bytes([isinstance(part, bytes)]) + text)
    return hasher.digest()
