"""What effects need from elsewhere: other talkers and recorded noise, chosen by seed and handed over as waveforms."""

from collections.abc import Mapping, Sequence
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


class Materials:
    """Chooses from the full corpus, before any limit, and reads what it chose (the last few stay in memory).

    ``utterances`` are all of the corpus.
    """

    def __init__(self, utterances: pl.DataFrame, *, audio_root: Path, sample_rate: int, seed: int) -> None:
        self.sample_rate = sample_rate
        self.seed = seed
        self._utterances = utterances
        self._audio_root = audio_root
        self._read = lru_cache(maxsize=64)(self._read_utterance)
        self._read_noise = lru_cache(maxsize=16)(self._read_recording)
        self._hear_voices = lru_cache(maxsize=4)(self._draw_voices)
        self._list = lru_cache(maxsize=None)(list_recordings)

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
        return {
            need.step: self._fetch(need, condition.stream, utterance_id, speaker_id)
            for need in materials_needed(condition)
        }

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

    def _fetch(
        self, need: Need, stream: str, utterance_id: str, speaker_id: str | None
    ) -> Sequence[NDArray[np.float64]]:
        if need.kind == "voices":
            return self._hear_voices(stream, need.step, need.count)
        rng = generator(self.seed, stream, utterance_id, f"material {need.step}")
        if need.recordings is not None:
            drawn = choose_recording(self._list(need.recordings, classes=need.classes), rng)
            return [self._read_noise(drawn.path, need.channel)]
        talkers = choose_talkers(self._talkers, speaker_id=speaker_id, count=need.count, rng=rng)
        return self._audible(talkers, need.count)

    def _draw_voices(self, stream: str, step: int, count: int) -> list[NDArray[np.float64]]:
        """Return up to ``count`` voices of the corpus, the same for every utterance."""
        drawn = choose_voices(self._talkers, rng=generator(self.seed, stream, f"material {step}"))
        return self._audible(drawn, min(count, len(drawn)))

    def _audible(self, drawn: Sequence[str], count: int) -> list[NDArray[np.float64]]:
        """Return the first ``count`` that can be heard: one that is unreadable or silent has a row of its own."""
        found: list[NDArray[np.float64]] = []
        for utterance in drawn:
            try:
                speech = self._read(utterance)
            except InputError:
                continue
            if speech.any():
                found.append(speech)
            if len(found) == count:
                return found
        raise InputError(f"found {len(found)} other talkers that can be heard; expected {count}")

    def _read_utterance(self, utterance_id: str) -> NDArray[np.float64]:
        row = self._spoken.row(self._spoken["utterance_id"].search_sorted(utterance_id), named=True)
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
