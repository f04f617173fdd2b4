"""What a check of a corpus found: one table by kind with counts per group, then what each kind means, with examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from rich.console import Console

from asrfair.report.page import QUIET, WARNING, Cell, Column, Page, Subhead
from asrfair.report.sentences import SYNTHETIC, untold
from asrfair.report.text import Row, counted, label, listed, number, safe

AXES_SHOWN = 2
GROUPS_SHOWN = 20
GRAVITIES = {
    "unusable": "Unusable: a run would count a failure",
    "suspect": "Suspect: a run would use it, and its numbers may be wrong",
    "noted": "Noted: a fact about the files, nothing to mend",
}


@dataclass(frozen=True)
class Validation:
    """What was checked and found.

    ``kinds`` has a row per kind: ``kind``, ``gravity``, ``means``, ``utterances``, ``speakers``, ``others`` (findings
    that are about no utterance) and ``examples`` (utterance id or null, and what). ``groups`` has a row per group of
    each axis: ``axis``, ``group``, ``mapped``, ``speakers``, ``utterances``, ``minutes``, ``unusable``, ``suspect``.
    ``by_group`` says how often a kind was found: ``kind``, ``axis``, ``group``, ``utterances``. ``origins`` maps each
    axis to who assigned it. ``minutes`` is null where no file could be read.
    ``synthetic_utterances`` counts those that are no recordings.
    """

    title: str
    utterances: int
    speakers: int | None
    files: int
    minutes: float | None
    without_audio: int
    unusable: int
    quick: bool
    synthetic: bool
    origins: Mapping[str, str]
    groups: pl.DataFrame
    kinds: pl.DataFrame
    by_group: pl.DataFrame
    notes: Sequence[str]
    synthetic_utterances: int = 0


def render_validation(found: Validation, console: Console) -> None:
    """Write what was checked, the groups of each axis, and what was found."""
    page = Page(console)
    page.line(found.title, style="bold")
    if found.synthetic:
        page.line(SYNTHETIC, style=WARNING)
    page.line(_checked(found))
    if found.without_audio:
        page.line(f"{counted(found.without_audio, 'utterance')} without audio: for replay and score only")
    if found.files:
        page.line(_looked(found), style=QUIET)
    for note in untold(found.notes, synthetic=found.synthetic):
        page.line(f"Note: {note}", style=QUIET, hang=2)
    for axis, origin in found.origins.items():
        _axis(page, found, axis=axis, origin=origin)
    page.heading("What was found")
    if found.kinds.is_empty():
        page.line("No problem found.", indent=2)
        return
    _table(page, found)
    _examples(page, found)


def _checked(found: Validation) -> str:
    minutes = "" if found.minutes is None else f", {found.minutes:,.1f} minutes"
    return (
        f"{counted(found.utterances, 'utterance')}, {counted(found.speakers, 'speaker')}, "
        f"{counted(found.files, 'file')}{minutes}"
    )


def _looked(found: Validation) -> str:
    if found.quick:
        return (
            "Headers only (--quick): damage, silence, clipping, speech rates, checksums and equal samples are unknown."
        )
    return "No file could be read." if found.minutes is None else "Every file that opens was decoded up to its end."


def _axis(page: Page, found: Validation, *, axis: str, origin: str) -> None:
    rows = found.groups.filter(pl.col("axis") == axis)
    page.heading(f"By {label(axis)} ({safe(origin)})")
    columns = [
        Column("group", wraps=True, narrowest=10),
        Column("speak-\ners", align="right", drop=1),
        Column("utter-\nances", align="right"),
        Column("min-\nutes", align="right", drop=2),
        Column("unus-\nable", align="right"),
        Column("sus-\npect", align="right"),
    ]
    page.table(columns, [_group(row) for row in rows.head(GROUPS_SHOWN).iter_rows(named=True)])
    if len(rows) > GROUPS_SHOWN:
        page.line(f"and {number(len(rows) - GROUPS_SHOWN)} more groups (--json: all)", style=QUIET, indent=2)


def _group(row: Row) -> list[Cell]:
    return [
        label(row["group"]) + ("" if row["mapped"] else " (not mapped)"),
        number(row["speakers"]),
        number(row["utterances"]),
        "?" if row["minutes"] is None else f"{row['minutes']:,.1f}",
        number(row["unusable"]),
        number(row["suspect"]),
    ]


def _table(page: Page, found: Validation) -> None:
    axes = list(found.origins)[:AXES_SHOWN]
    columns = [
        Column("kind", wraps=True, narrowest=16),
        Column("found", align="right"),
        Column("speak-\ners", align="right"),
        *(Column(f"by {label(axis)}", wraps=True, narrowest=18, drop=place) for place, axis in enumerate(axes, 1)),
    ]
    rows: list[Sequence[Cell] | Subhead] = []
    for gravity, title in GRAVITIES.items():
        kinds = found.kinds.filter(pl.col("gravity") == gravity)
        if len(kinds):
            rows.append(Subhead(title))
        for row in kinds.iter_rows(named=True):
            cells = [_shares(found, row["kind"], axis) for axis in axes]
            speakers = number(row["speakers"]) if row["speakers"] else "-"
            rows.append([row["kind"], number(row["utterances"] or row["others"]), speakers, *cells])
    page.table(columns, rows)


def _shares(found: Validation, kind: str, axis: str) -> str:
    rows = found.by_group.filter(pl.col("kind") == kind, pl.col("axis") == axis)
    return listed((f"{label(row['group'])} {number(row['utterances'])}" for row in rows.iter_rows(named=True)), most=4)


def _examples(page: Page, found: Validation) -> None:
    page.heading("What it means, with examples")
    for row in found.kinds.iter_rows(named=True):
        page.line(f"{row['kind']}: {row['means']}", indent=2, hang=2)
        for example in row["examples"]:
            name = "" if example["utterance_id"] is None else label(example["utterance_id"])
            page.line(": ".join(filter(None, [name, safe(example["what"])])), style=QUIET, indent=4, hang=2)
