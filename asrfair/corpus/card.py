"""Corpus cards: what a corpus is, its licence, its files and its axes."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from asrfair.cards import build, digest, find_card, read_toml
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import CardError, expected
from asrfair.tables import INTERSECTION, RESERVED

AssignedBy = Literal[
    "self-reported",
    "annotated",
    "region of recording",
    "by design",
    "imputed",
    "not documented",
    "not stated",
]
ASSIGNED_BY: tuple[str, ...] = get_args(AssignedBy)
Kind = Literal["read", "natural", "scripted", "synthetic", "unknown"]


@dataclass(frozen=True)
class Axis:
    """A way to group speakers, and who assigned it.

    ``column`` names the source column (of several, the first that exists). ``levels`` maps raw labels to
    levels; without it raw labels are levels. ``unknown`` lists the raw labels that mean unknown (null).
    ``bands`` cuts a number into bands: [30, 40] gives "under 30", "30-39" and "40 and over".
    """

    column: str | tuple[str, ...]
    assigned_by: AssignedBy
    note: str = ""
    levels: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    bands: tuple[float, ...] = ()
    reference_group: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns to look for, in order."""
        return (self.column,) if isinstance(self.column, str) else self.column


@dataclass(frozen=True)
class CorpusCard:
    """What a corpus is: facts for reports, its layout and its axes. ``name`` and ``digest`` come from the file."""

    title: str
    kind: Kind
    language: str
    licence: str
    layout: dict[str, Any]
    axes: dict[str, Axis]
    citation: str = ""
    homepage: str = ""
    obtain: str = ""
    caveats: tuple[str, ...] = ()
    name: str = field(default="", metadata={"derived": True})
    digest: str = field(default="", metadata={"derived": True})


def load_card(name: str) -> CorpusCard:
    """Read a shipped card by name or a user's card by path; raises CardError naming file, key and valid ones."""
    path = find_card("corpora", name)
    card = replace(build(CorpusCard, read_toml(path), where=str(path)), name=path.stem, digest=digest(path))
    _check_layout(card, path)
    for axis, description in card.axes.items():
        _check_axis(axis, description, where=f"{path}: axes.{axis}")
    return card


def _check_layout(card: CorpusCard, path: Path) -> None:
    kind = card.layout.get("type")
    if not isinstance(kind, str) or kind not in LAYOUTS:
        raise CardError(expected(f"{path}: layout.type", repr(kind), LAYOUTS))
    options = {key: value for key, value in card.layout.items() if key != "type"}
    build(LAYOUTS[kind].options, options, where=f"{path}: layout")


def _check_axis(axis: str, description: Axis, *, where: str) -> None:
    if axis in RESERVED or INTERSECTION in axis:
        raise CardError(f"{where}: found the axis name '{axis}', which the tables use for something else")
    if not description.columns or not all(description.columns):
        raise CardError(f"{where}: 'column': found none; expected the name of a column")
    if description.bands and description.levels:
        raise CardError(f"{where}: found both 'levels' and 'bands'; expected one of them")
    if list(description.bands) != sorted(set(description.bands)) or not all(map(math.isfinite, description.bands)):
        raise CardError(f"{where}: 'bands': found {list(description.bands)}; expected ascending numbers")
