"""What effects need from elsewhere: other talkers and recorded noise, chosen by seed and handed over as waveforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from asrfair.audio import Audio, Waveform, read_audio
from asrfair.condition import (
    Condition,
    Need,
    choose_recording,
    choose_talkers,
    choose_voices,
    group_talkers,
    list_recordings,
    materials_needed,
)
from asrfair.errors import InputError
from asrfair.seeds import generator


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn for a step: a recording and its channel, or utterances, of which the first ``count`` audible ones
    are taken, the ``same`` for every utterance or not.
    """

    step: int
    count: int = 1
    recording: Path | None = None
    channel: int | None = None
    utterances: tuple[str, ...] = ()
    same: bool = False


class Materials:
    """Chooses from the full corpus, before any limit, and reads what it chose (the last few stay in memory).

    ``utterances`` are all of the corpus; ``inaudible`` those that were drawn and could not be heard.
    """

    def __init__(self, utterances: pl.DataFrame, *, audio_root: Path, sample_rate: int, seed: int) -> None:
        self.sample_rate = sample_rate
        self.seed = seed
        self._utterances = utterances
        self._audio_root = audio_root
        self._read = lru_cache(maxsize=64)(self._read_utterance)
        self._read_noise = lru_cache(maxsize=16)(self._read_recording)
        self._hear_voices = lru_cache(maxsize=4)(self._audible)
        self._list = lru_cache(maxsize=None)(list_recordings)
        self._order_voices = lru_cache(maxsize=4)(self._voices_drawn)
        self.inaudible: set[str] = set()

    @cached_property
    def _spoken(self) -> pl.DataFrame:
        return self._utterances.filter(pl.col("audio").is_not_null()).sort("utterance_id")

    @cached_property
    def _talkers(self) -> dict[str, list[str]]:
        return group_talkers(self._spoken.select("utterance_id", "speaker_id").iter_rows())

    def gather(
        self, condition: Condition, *, utterance_id: str, speaker_id: str | None
    ) -> Mapping[int, Sequence[NDArray[np.float64]]]:
        """Return, per step of the condition that needs any, its waveforms at the working rate."""
        drawn = self.drawn(condition, utterance_id=utterance_id, speaker_id=speaker_id)
        return {found.step: self._fetch(found) for found in drawn}

    def drawn(self, condition: Condition, *, utterance_id: str, speaker_id: str | None) -> list[Drawn]:
        """Return what each step of the condition that needs materials is given, unread; raises InputError."""
        needs = materials_needed(condition)
        return [self._draw(need, condition.stream, utterance_id, speaker_id) for need in needs]

    def check(self, conditions: Sequence[Condition]) -> None:
        """Raise InputError before a run where a condition can never be served: no noise, too few talkers."""
        for condition in conditions:
            for need in materials_needed(condition):
                if need.recordings is not None:
                    self._list(need.recordings, classes=need.classes)
                elif need.kind == "voices" and not self._talkers:
                    raise InputError(
                        f"condition '{condition.name}': found no speaker with audio; expected some, for the "
                        "corpus's own spectrum"
                    )
                elif need.kind == "talkers" and len(self._talkers) <= need.count:
                    raise InputError(
                        f"condition '{condition.name}': found {len(self._talkers)} speakers with audio; "
                        f"expected at least {need.count + 1}, to take {need.count} other talkers"
                    )

    def _draw(self, need: Need, stream: str, utterance_id: str, speaker_id: str | None) -> Drawn:
        if need.kind == "voices":
            return self._order_voices(stream, need.step, need.count)
        rng = generator(self.seed, stream, utterance_id, f"material {need.step}")
        if need.recordings is not None:
            recording = choose_recording(self._list(need.recordings, classes=need.classes), rng)
            return Drawn(need.step, recording=recording.path, channel=need.channel)
        talkers = choose_talkers(self._talkers, speaker_id=speaker_id, count=need.count, rng=rng)
        return Drawn(need.step, need.count, utterances=tuple(talkers))

    def _voices_drawn(self, stream: str, step: int, count: int) -> Drawn:
        """Draw up to ``count`` voices of the corpus, the same for every utterance."""
        drawn = choose_voices(self._talkers, rng=generator(self.seed, stream, f"material {step}"))
        return Drawn(step, min(count, len(drawn)), utterances=tuple(drawn), same=True)

    def _fetch(self, drawn: Drawn) -> Sequence[NDArray[np.float64]]:
        if drawn.recording is not None:
            return [self._read_noise(drawn.recording, drawn.channel)]
        return self._hear_voices(drawn) if drawn.same else self._audible(drawn)

    def _audible(self, drawn: Drawn) -> list[NDArray[np.float64]]:
        """Return the first ``count`` that can be heard: one that is unreadable or silent has a row of its own."""
        found: list[NDArray[np.float64]] = []
        for utterance in drawn.utterances:
            speech = self._heard(utterance)
            if speech is None:
                self.inaudible.add(utterance)
                continue
            found.append(speech)
            if len(found) == drawn.count:
                return found
        raise InputError(f"found {len(found)} other talkers that can be heard; expected {drawn.count}")

    def _heard(self, utterance_id: str) -> NDArray[np.float64] | None:
        try:
            speech = self._read(utterance_id)
        except InputError:
            return None
        return speech if speech.any() else None

    def is_audible(self, utterance_id: str) -> bool:
        """Return whether an utterance can be read and is not silent."""
        return self._heard(utterance_id) is not None

    def row(self, utterance_id: str) -> dict[str, Any]:
        """Return the row of an utterance that was drawn."""
        return self._spoken.row(self._spoken["utterance_id"].search_sorted(utterance_id), named=True)

    def _read_utterance(self, utterance_id: str) -> NDArray[np.float64]:
        row = self.row(utterance_id)
        samples, _ = read_row(row, audio_root=self._audio_root, sample_rate=self.sample_rate)
        return samples.astype(np.float64)

    def _read_recording(self, path: Path, channel: int | None) -> NDArray[np.float64]:
        return read_audio(path, sample_rate=self.sample_rate, channel=channel).samples.astype(np.float64)


def read_recording(row: Mapping[str, Any], *, audio_root: Path) -> Audio:
    """Read an utterance's audio once, mono at its own rate."""
    return _read(row, audio_root=audio_root, sample_rate=None)


def read_row(row: Mapping[str, Any], *, audio_root: Path, sample_rate: int) -> tuple[Waveform, tuple[str, ...]]:
    """Read an utterance's audio, mono at the working rate; return it and the reader's notes."""
    audio = _read(row, audio_root=audio_root, sample_rate=sample_rate)
    return audio.samples, audio.notes


def _read(row: Mapping[str, Any], *, audio_root: Path, sample_rate: int | None) -> Audio:
    if row["audio"] is None:
        raise InputError("no audio in the corpus")
    return read_audio(
        audio_root / str(row["audio"]),
        sample_rate=sample_rate,
        start_s=row["start_s"],
        end_s=row["end_s"],
        channel=row["channel"],
    )
