"""Corpus cards: what a corpus is, its licence, its files, its axes and its covariates."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from asrfair.cards import build, digest, find_card, read_toml
from asrfair.corpus.bands import ascending
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import CardError, expected
from asrfair.tables import COMPUTED_COVARIATES, INTERSECTION, RESERVED

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
"""Names that neither an axis nor a covariate of a card can have: covariates that every run computes."""
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
        return _names(self.column)


@dataclass(frozen=True)
class Covariate:
    """A number that disparities may be adjusted for, such as recording quality or age in years.

    ``column`` names the source column (of several, the first that exists), ``unit`` the unit of its numbers,
    ``unknown`` the raw texts that mean unknown (null).
    """

    column: str | tuple[str, ...]
    unit: str
    note: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns to look for, in order."""
        return _names(self.column)


@dataclass(frozen=True)
class CorpusCard:
    """What a corpus is: facts for reports, its layout, axes and covariates; ``name`` and ``digest`` are the file's."""

    title: str
    kind: Kind
    language: str
    licence: str
    layout: dict[str, Any]
    axes: dict[str, Axis]
    covariates: dict[str, Covariate] = field(default_factory=dict)
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
    for name, covariate in card.covariates.items():
        _check_covariate(name, covariate, axes=card.axes, where=f"{path}: covariates.{name}")
    return card


def _names(column: str | tuple[str, ...]) -> tuple[str, ...]:
    return (column,) if isinstance(column, str) else column


def _check_layout(card: CorpusCard, path: Path) -> None:
    kind = card.layout.get("type")
    if not isinstance(kind, str) or kind not in LAYOUTS:
        raise CardError(expected(f"{path}: layout.type", repr(kind), LAYOUTS))
    options = {key: value for key, value in card.layout.items() if key != "type"}
    build(LAYOUTS[kind].options, options, where=f"{path}: layout")


def _check_axis(axis: str, description: Axis, *, where: str) -> None:
    _check_name("axis", axis, where=where)
    _check_columns(description.columns, where=where)
    if description.bands and description.levels:
        raise CardError(f"{where}: found both 'levels' and 'bands'; expected one of them")
    if not ascending(description.bands):
        raise CardError(f"{where}: 'bands': found {list(description.bands)}; expected ascending numbers")


def _check_covariate(name: str, covariate: Covariate, *, axes: Iterable[str], where: str) -> None:
    _check_name("covariate", name, where=where)
    if name in axes:
        raise CardError(f"{where}: found '{name}' as an axis too; expected another name")
    _check_columns(covariate.columns, where=where)
    if not covariate.unit.strip():
        raise CardError(f"{where}: 'unit': found none; expected the unit of the numbers, such as \"dB\"")


def _check_name(kind: str, name: str, *, where: str) -> None:
    if name in RESERVED | COMPUTED_COVARIATES.keys() or INTERSECTION in name:
        raise CardError(f"{where}: found the {kind} name '{name}', which the tables use for something else")


def _check_columns(columns: tuple[str, ...], *, where: str) -> None:
    if not columns or not all(columns):
        raise CardError(f"{where}: 'column': found none; expected the name of a column")
