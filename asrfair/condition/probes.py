"""Probes: conditions under which nothing is said, so that whatever is recognised was made up.

A card with ``reference = "empty"`` takes the speech away (`Effect.removes_speech`) and keeps its length, its identity
and its randomness; what else the card does is done to the silence. Noise after it is at the level that it would have
had against the speech.
"""

from collections.abc import Sequence
from typing import Literal

from asrfair.condition.effects import EFFECTS
from asrfair.errors import CardError

EMPTY = "empty"
Reference = Literal["corpus", "empty"]
"""What is said under a condition: what the corpus says, or nothing."""


def is_probe(reference: Reference, effects: Sequence[str], *, swept: bool, where: object) -> bool:
    """Return whether nothing is said under a condition; ``effects`` are those of its steps.

    Raises CardError unless a card says so exactly where an effect takes the speech away, and for a ladder of them.
    """
    silent = [name for name, effect in EFFECTS.items() if effect.removes_speech]
    removed = [name for name in effects if name in silent]
    if removed and reference != EMPTY:
        raise CardError(f"{where}: found the effect '{removed[0]}'; expected reference = \"{EMPTY}\" with it")
    if reference == EMPTY and not removed:
        raise CardError(f'{where}: found reference = "{EMPTY}" and speech; expected the effect {" or ".join(silent)}')
    if reference == EMPTY and swept:
        raise CardError(f'{where}: found a ladder with reference = "{EMPTY}"; expected a single condition')
    return reference == EMPTY
