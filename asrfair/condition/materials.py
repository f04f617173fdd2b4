"""What effects need from elsewhere, and how it is drawn: other talkers of the corpus, recordings in a folder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from asrfair.condition.card import Condition
from asrfair.condition.effects import EFFECTS
from asrfair.condition.recordings import list_recordings
from asrfair.errors import InputError

__all__ = ["Need", "choose_recording", "choose_talkers", "group_talkers", "list_recordings", "materials_needed"]


@dataclass(frozen=True)
class Need:
    """What one step needs: ``count`` other talkers, or one recording out of ``folder``; steps count from 0."""

    step: int
    kind: Literal["talkers", "recording"]
    count: int
    folder: Path | None = None


def materials_needed(condition: Condition) -> list[Need]:
    """Return the needs of a condition's steps, in order; empty for most conditions."""
    needs = []
    for index, step in enumerate(condition.steps):
        kind = EFFECTS[step.effect].needs
        if kind == "talkers":
            needs.append(Need(index, kind, int(step.parameters["talkers"])))
        elif kind == "recording":
            needs.append(Need(index, kind, 1, Path(str(step.parameters["folder"]))))
    return needs


def group_talkers(utterances: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Return the utterance ids of each speaker, both sorted, from (utterance id, speaker id) in any order.

    Utterances of unknown speakers are left out: nobody knows whether they are other talkers.
    """
    talkers: dict[str, list[str]] = {}
    for speaker, utterance in sorted((speaker, utterance) for utterance, speaker in utterances if speaker is not None):
        talkers.setdefault(speaker, []).append(utterance)
    return talkers


def choose_talkers(
    talkers: Mapping[str, Sequence[str]], *, speaker_id: str | None, count: int, rng: np.random.Generator
) -> list[str]:
    """Draw one utterance of every other speaker of `group_talkers`; return them in the order in which to take them.

    The first ``count`` are the draw, the rest stand in for any that cannot be used. Every other speaker is as
    likely as any. Raises InputError where the speaker is unknown or fewer than ``count`` others are there.
    """
    if speaker_id is None:
        raise InputError("found no speaker id; expected one, to choose other talkers")
    others = [utterances for speaker, utterances in talkers.items() if speaker != speaker_id]
    if len(others) < count:
        raise InputError(f"found {len(others)} speakers other than '{speaker_id}'; expected at least {count}")
    order = rng.permutation(len(others))
    places = rng.random(len(others))
    return [others[index][int(place * len(others[index]))] for index, place in zip(order, places, strict=True)]


def choose_recording(files: Sequence[Path], rng: np.random.Generator) -> Path:
    """Draw one of the files of `list_recordings`, each as likely as any other."""
    return files[int(rng.integers(len(files)))]
