"""What effects need from elsewhere, and how it is drawn: other talkers of the corpus, recordings of the user's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asrfair.condition.card import RECORDINGS, Condition
from asrfair.condition.effect import Kind
from asrfair.condition.effects import EFFECTS
from asrfair.condition.recordings import Recording
from asrfair.errors import InputError

__all__ = ["Need", "choose_recording", "choose_talkers", "choose_voices", "group_talkers", "materials_needed"]

VOICES = 40
"""How many speakers the corpus's own long-term spectrum is taken from, one utterance each."""


@dataclass(frozen=True)
class Need:
    """What one step needs: ``count`` talkers or voices, or one of ``recordings`` (a path); steps count from 0.

    ``classes`` are the kinds of recordings that may be drawn (none: any), ``channel`` counts from 0.
    """

    step: int
    kind: Kind
    count: int
    recordings: Path | None = None
    classes: tuple[str, ...] = ()
    channel: int | None = None


def materials_needed(condition: Condition) -> list[Need]:
    """Return the needs of a condition's steps, in order; empty for most conditions.

    A parameter ``spectrum`` other than ``corpus`` needs no voices.
    """
    needs = []
    for index, step in enumerate(condition.steps):
        kind, given = EFFECTS[step.effect].needs, step.parameters
        if kind == "talkers":
            needs.append(Need(index, kind, int(str(given["talkers"]))))
        elif kind == "voices" and given["spectrum"] == "corpus":
            needs.append(Need(index, kind, VOICES))
        elif kind in ("recording", "response"):
            classes = given.get("classes", ())
            channel = int(str(given["channel"])) if "channel" in given else None
            needs.append(Need(index, kind, 1, Path(str(given[RECORDINGS])), tuple(map(str, _tuple(classes))), channel))
    return needs


def _tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


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
    others = {speaker: utterances for speaker, utterances in talkers.items() if speaker != speaker_id}
    if len(others) < count:
        raise InputError(f"found {len(others)} speakers other than '{speaker_id}'; expected at least {count}")
    return choose_voices(others, rng=rng)


def choose_voices(talkers: Mapping[str, Sequence[str]], *, rng: np.random.Generator) -> list[str]:
    """Draw one utterance of every speaker of `group_talkers`; return them in a drawn order."""
    spoken = list(talkers.values())
    order = rng.permutation(len(spoken))
    places = rng.random(len(spoken))
    return [spoken[index][int(place * len(spoken[index]))] for index, place in zip(order, places, strict=True)]


def choose_recording(recordings: Sequence[Recording], rng: np.random.Generator) -> Recording:
    """Draw one of `list_recordings`, each as likely as any other."""
    return recordings[int(rng.integers(len(recordings)))]
