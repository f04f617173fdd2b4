"""The plain words beside a number that needs them, joined by «; »."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from asrfair.stats.arrays import Bools, Ints
from asrfair.stats.cells import Cells
from asrfair.stats.intervals import LogRates
from asrfair.stats.paired import Pairs

Part = tuple[Any, str | Callable[[Any], str]]
"""An array that is zero or false where there is nothing to say, and the words, or what makes them from a value."""

TOO_WIDE = "interval too wide to show"
NO_ERRORS = "no errors: no ratio"
FEW_SPEAKERS = 10


def counted(number: int, one: str, after: str = "") -> str:
    """Return «1 word after» or «2 words after»."""
    return f"{number} {one}{'' if number == 1 else 's'}{after}"


def join(parts: Sequence[Part], rows: int) -> list[str | None]:
    """Return one note per row, None where no part speaks."""
    notes: list[list[str]] = [[] for _ in range(rows)]
    for values, words in parts:
        for row in np.flatnonzero(values):
            text = words if isinstance(words, str) else words(values[row])
            if text not in notes[row]:
                notes[row].append(text)
    return ["; ".join(note) or None for note in notes]


def cluster_parts(cells: Cells[LogRates] | Cells[Pairs], who: str = "") -> list[Part]:
    """Return what is said of one side's speakers; ``who`` is a prefix such as «reference: »."""
    clusters, known = cells.spread.clusters, cells.unknown == 0
    own = cells.independent > 0
    few = known & (clusters >= 2) & (clusters < FEW_SPEAKERS)
    one = known & (clusters == 1)
    return [
        (cells.unknown, lambda n: who + counted(int(n), "utterance", " without speaker")),
        (one & ~own, f"{who}1 speaker: not judged"),
        (one & own, f"{who}1 utterance: not judged"),
        (few & ~own, f"{who}under {FEW_SPEAKERS} speakers"),
        (few & own, f"{who}under {FEW_SPEAKERS} utterances"),
        (own, "utterances treated as independent"),
    ]


def rate_parts(cells: Cells[LogRates], who: str = "", *, unit: str = "words", ratio: bool = False) -> list[Part]:
    """Return what is said of one side that is a rate; ``unit`` is ``words`` or ``characters``."""
    spread, judged = cells.spread, cells.judged
    none = (spread.words > 0) & (spread.errors == 0)
    empty = (cells.utterances > 0) & (spread.words == 0)
    effect = np.where(judged & none & (not ratio), spread.design_effect, 0.0)
    return [
        (empty & (spread.errors == 0), f"{who}no reference {unit}"),
        (
            np.where(empty, spread.errors, 0),
            lambda n: f"{who}no reference {unit}, {counted(int(n), 'insertion')}",
        ),
        *cluster_parts(cells, who),
        (none & ratio, who + NO_ERRORS),
        (effect, lambda effect: f"{who}no errors: upper end with design effect {effect:.1f}"),
        (judged & spread.floored, f"{who}spread from the number of errors"),
    ]


def pair_parts(
    cells: Cells[Pairs], who: str = "", *, floored: Bools, excluded: Ints, kind: str, ratio: bool
) -> list[Part]:
    """Return what is said of one side that is paired; ``kind`` is ``condition`` or ``backend``."""
    spread = cells.spread
    none = (spread.errors == 0) | (spread.base_errors == 0)
    spoken = (spread.words > 0) & (spread.base_words > 0)
    return [
        (cells.utterances == 0, f"{who}no utterance in both {kind}s"),
        ((cells.utterances > 0) & ~spoken, f"{who}no reference words"),
        *cluster_parts(cells, who),
        (spoken & none & ratio, who + NO_ERRORS),
        (cells.judged & floored, f"{who}spread of one changed error"),
        (excluded, lambda n: who + counted(int(n), "utterance", f" not in both {kind}s left out")),
    ]
