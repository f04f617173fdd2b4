"""Corpus cards: what a corpus is, its licence, its files, its axes and its covariates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from asrfair.cards import build, digest, find_card, read_toml
from asrfair.corpus.bands import ascending
from asrfair.corpus.layouts import LAYOUTS
from asrfair.corpus.taxonomy import Derived, load_taxonomy
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
Several = Literal["joined", "first", "unknown"]
ASSIGNED_BY: tuple[str, ...] = get_args(AssignedBy)
"""Names that neither an axis nor a covariate of a card can have: covariates that every run computes."""
COMMIT = re.compile(r"[0-9a-f]{40}")
"""What pins a snapshot on the Hub; the name of a branch or a tag does not."""
Kind = Literal["read", "natural", "scripted", "synthetic", "unknown"]


@dataclass(frozen=True)
class Axis:
    """A way to group speakers, and who assigned it.

    ``column`` names the source column (of several, the first that exists). ``levels`` maps raw labels to
    levels; without it raw labels are levels. ``unknown`` lists the raw labels that mean unknown (null).
    ``bands`` cuts a number into bands: [30, 40] gives "under 30", "30-39" and "40 and over".

    ``instrument`` and ``date`` say how and when the labels were taken. ``separator`` is a regular expression that
    parts the labels of one field; ``several`` says what becomes of more than one level: ``joined`` into a level of its
    own (sorted), the ``first``, or ``unknown``. ``taxonomy`` (``accents``, or a path) maps what ``levels`` does not;
    ``derive`` takes what the taxonomy says of the level: ``region``, ``country``, ``native`` or ``first_language``.
    ``optional``: where no such column is there, all are unknown, and a note says so.
    """

    column: str | tuple[str, ...]
    assigned_by: AssignedBy
    note: str = ""
    levels: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    bands: tuple[float, ...] = ()
    reference_group: str = ""
    instrument: str = ""
    date: str = ""
    separator: str = ""
    several: Several = "joined"
    taxonomy: str = ""
    derive: Derived = "name"
    optional: bool = False

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
class Fetch:
    """Where a corpus lies on the Hugging Face Hub: the dataset ``repo``, and the ``files`` to take from it.

    ``files`` are paths in the repository, with ``{split}`` and wildcards (``*`` within a folder, ``**`` for any
    folders). ``revision`` is a commit, 40 hexadecimal digits; without it, whoever fetches names one, to be found on
    ``branch``.
    """

    repo: str
    files: tuple[str, ...]
    revision: str = ""
    branch: str = "main"


@dataclass(frozen=True)
class CorpusCard:
    """What a corpus is: facts for reports, its layout, axes and covariates; ``digest`` is the file's.

    ``name`` is what messages and tables call the corpus: by default the file's name without its ending.
    ``synthetic`` names the source column that says of each utterance whether it is synthetic, where some are.
    """

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
    synthetic: str = ""
    fetch: Fetch | None = None
    name: str = ""
    digest: str = field(default="", metadata={"derived": True})


def load_card(name: str) -> CorpusCard:
    """Read a shipped card by name or a user's card by path; raises CardError naming file, key and valid ones."""
    path = find_card("corpora", name)
    card = build(CorpusCard, read_toml(path), where=str(path))
    card = replace(card, name=card.name or path.stem, digest=digest(path))
    if card.name.strip(". ") == "" or set(card.name) & set("/\\") or not card.name.isprintable():
        raise CardError(f"{path}: 'name': found {card.name!r}; expected a name that a file could have")
    _check_layout(card, path)
    if card.fetch:
        _check_fetch(card.fetch, where=f"{path}: fetch")
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


def _check_fetch(fetch: Fetch, *, where: str) -> None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", fetch.repo, re.ASCII):
        raise CardError(f"{where}: 'repo': found {fetch.repo!r}; expected a dataset's name, such as \"owner/name\"")
    if fetch.revision and not COMMIT.fullmatch(fetch.revision):
        raise CardError(f"{where}: 'revision': found {fetch.revision!r}; expected a commit: 40 hexadecimal digits")
    for file in fetch.files:
        if not file or file.startswith("/") or {"..", "."} & set(file.split("/")):
            raise CardError(f"{where}: 'files': found {file!r}; expected paths such as \"data/{{split}}-*.parquet\"")
    if not fetch.files:
        raise CardError(f"{where}: 'files': found none; expected paths such as \"data/{{split}}-*.parquet\"")


def _check_axis(axis: str, description: Axis, *, where: str) -> None:
    _check_name("axis", axis, where=where)
    _check_columns(description.columns, where=where)
    if description.bands and description.levels:
        raise CardError(f"{where}: found both 'levels' and 'bands'; expected one of them")
    if description.bands and (description.separator or description.taxonomy):
        raise CardError(f"{where}: found 'bands' with 'separator' or 'taxonomy'; expected numbers alone")
    _check_separator(description, where=where)
    _check_taxonomy(description, where=where)
    if not ascending(description.bands):
        raise CardError(f"{where}: 'bands': found {list(description.bands)}; expected ascending numbers")


def _check_separator(description: Axis, *, where: str) -> None:
    if description.several != "joined" and not description.separator:
        raise CardError(f"{where}: found 'several' without 'separator'; expected both")
    try:
        empty = re.search(description.separator, "") is not None if description.separator else False
    except re.error as error:
        raise CardError(f"{where}: 'separator': {description.separator!r} is no regular expression: {error}") from error
    if empty:
        raise CardError(
            f"{where}: 'separator': found {description.separator!r}, which matches nothing at all; "
            "expected a regular expression such as ';' or '\\|'"
        )


def _check_taxonomy(description: Axis, *, where: str) -> None:
    if description.derive != "name" and not description.taxonomy:
        raise CardError(f"{where}: found 'derive' without 'taxonomy'; expected both")
    if description.taxonomy:
        load_taxonomy(description.taxonomy)


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
