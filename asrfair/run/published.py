"""Published tables, computed again: plans for `score` that say what was printed and what asrfair finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.cards import build, read_toml
from asrfair.errors import CardError, expected
from asrfair.report.page import Cell, Column, Page, Subhead
from asrfair.report.text import UNLABELLED
from asrfair.results import Results
from asrfair.run.measuring import with_files
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import OVERALL, RATES

KEYS = ("axis", "group", "reference_group", "condition", "backend")


@dataclass(frozen=True)
class Figure:
    """One figure of a published table.

    ``measure`` is a number of ``rates``, a metric of ``metrics`` or a measure of ``disparities``; keys that are left
    blank are not asked for, and the group ``(unlabelled)`` is that of everybody without a label. ``printed`` is the
    figure as printed and ``computed`` what asrfair finds, both in the published unit (the table's values times
    ``scale``), to ``decimals``; ``why`` says why they differ, if they do.
    """

    measure: str
    printed: float
    computed: float
    group: str = OVERALL
    axis: str = OVERALL
    reference_group: str = ""
    condition: str = ""
    backend: str = ""
    scale: float = 1.0
    decimals: int = 0
    why: str = ""


@dataclass(frozen=True)
class Published:
    """Where figures were printed, and the figures."""

    source: str
    figures: tuple[Figure, ...]
    note: str = ""


@dataclass(frozen=True)
class PublishedPlan(ScorePlan):
    """A plan for `score` with the figures that it is to be held against."""

    published: tuple[Published, ...] = field(default=(), kw_only=True)


def load_score_plan(path: Path, root: Path | None) -> PublishedPlan:
    """Read a plan for `score`; its tables lie under ``root``, or else beside it. Raises CardError."""
    home = path.resolve().parent
    plan = build(PublishedPlan, with_files(read_toml(path), home, where=str(path)), where=str(path))
    for table in plan.published:
        for figure in table.figures:
            if figure.printed != figure.computed and not figure.why:
                raise CardError(f"{path}: {_name(figure)}: found no 'why'; expected one where the figures differ")
    folder = root or home

    def beside(text: str) -> str:
        name, sign, found = text.partition("=")
        return f"{name}={folder / found}" if sign and not (folder / text).is_file() else str(folder / text)

    return replace(
        plan,
        tables=tuple(map(beside, plan.tables)),
        segments=str(folder / plan.segments) if plan.segments else "",
        labels=str(folder / plan.labels) if plan.labels else "",
        card=str(home / plan.card) if plan.card.endswith(".toml") else plan.card,
        out=str(home / plan.out),
    )


def scoring_keys(plan: PublishedPlan) -> dict[str, Any]:
    """Return the plan's keys without its published figures: what the numbers depend on."""
    return {item.name: getattr(plan, item.name) for item in fields(ScorePlan)}


def find(results: Results, figure: Figure) -> float | None:
    """Return the figure as the results have it, times its scale; raises CardError unless there is just one."""
    rates = [name for name, kind in RATES.items() if kind is not pl.String]
    if figure.measure in rates:
        table, column = results.rates, figure.measure
    elif (results.metrics["metric"] == figure.measure).any():
        table, column = results.metrics.filter(pl.col("metric") == figure.measure), "estimate"
    elif (results.disparities["measure"] == figure.measure).any():
        table, column = results.disparities.filter(pl.col("measure") == figure.measure), "estimate"
    else:
        known = [*rates, *results.metrics["metric"].unique().sort(), *results.disparities["measure"].unique().sort()]
        raise CardError(expected("published figure", f"the measure '{figure.measure}'", known))
    wanted = {key: value for key in KEYS if (value := getattr(figure, key))}
    for key in wanted:
        if key not in table.columns:
            raise CardError(f"published figure {_name(figure)}: found a {key}; expected none with a rate or metric")
    rows = table.filter(
        pl.col(key).is_null() if value == UNLABELLED else pl.col(key) == value for key, value in wanted.items()
    )
    if len(rows) != 1:
        raise CardError(f"published figure {_name(figure)}: found {len(rows)} such rows; expected one")
    value = rows[column][0]
    return None if value is None else float(value) * figure.scale


def agrees(found: float | None, stated: float, figure: Figure) -> bool:
    """Return whether a value rounds to what is stated; half a unit of the last decimal may round either way."""
    return found is not None and abs(found - stated) <= 0.5 * 10**-figure.decimals + 1e-9


def _name(figure: Figure) -> str:
    return _names(figure, (*KEYS, "measure"))


def _names(figure: Figure, keys: Sequence[str]) -> str:
    return " ".join(filter(None, (getattr(figure, key) for key in keys)))


def show_published(results: Results, published: Sequence[Published], console: Console) -> list[str]:
    """Print the published figures beside those found now; return those that are not what the plan says."""
    page, wrong = Page(console), []
    for table in published:
        page.heading(f"Published: {table.source}")
        if table.note:
            page.line(table.note, indent=2)
        body: list[Sequence[Cell] | Subhead] = []
        above = ""
        for figure in table.figures:
            if above != (above := f"{figure.axis}: {figure.measure}"):
                body.append(Subhead(above))
            found = find(results, figure)
            why = "as printed" if agrees(found, figure.printed, figure) else figure.why
            if not agrees(found, figure.computed, figure):
                why = f"the plan says {_text(figure.computed, figure)}"
                wrong.append(f"{_name(figure)}: found {_text(found, figure)}; {why}")
            body.append([_names(figure, KEYS[1:]), _text(figure.printed, figure), _text(found, figure), why])
        page.table(
            [
                Column("figure", wraps=True, narrowest=26),
                *_NUMBERS,
                Column("why they differ", wraps=True, narrowest=20),
            ],
            body,
        )
    return wrong


_NUMBERS = (Column("printed", align="right"), Column("found", align="right"))


def _text(value: float | None, figure: Figure) -> str:
    return "-" if value is None else f"{value:,.{figure.decimals}f}"
