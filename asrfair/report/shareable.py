"""What a shareable form says of itself at its top: what is withheld, what is left out, and what that changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from asrfair.report.page import QUIET, Page
from asrfair.report.text import counted, label, listed, number
from asrfair.report.view import View

FAILED = ("condition", "backend", "stage", "reason")


def shareable_told(form: Mapping[str, Any] | None) -> list[str]:
    """Return the sentences for the top of an output, given ``signature["shareable"]``; none where it is not one."""
    if not form:
        return []
    told = [
        "Shareable form: made to be handed on; transcripts are kept, speakers and utterances have pseudonyms that are "
        "drawn for this output alone; audio, paths and ids are left out."
        if form["transcripts"]
        else "Shareable form: made to be handed on; audio, paths, ids, transcripts and single utterances are left out."
    ]
    least = counted(form["least_speakers"], "speaker")
    if form["cells_withheld"]:
        told.append(
            f"{number(form['cells_withheld'])} of {counted(form['cells'], 'cell')} (group, condition, recogniser) are "
            f"withheld: they have under {least}, or are mostly one's words, or would reveal a cell that does or is. "
            "Highest, lowest and bounds are of the groups shown."
        )
    else:
        told.append(f"No cell is withheld: each has {least} or more and reveals none that has fewer.")
    across = form.get("comparisons_withheld") or 0
    if across:
        told.append(
            f"{counted(across, 'comparison')} of shown groups are withheld: they rest on a part of the utterances, and "
            f"the other part would tell of under {least}."
        )
    if form["cells_withheld"] or across:
        told.append(
            "Where comparisons are withheld, p-values are adjusted by Bonferroni over all of their family, the "
            "withheld among them. A comparison that the whole report shows can be 'not shown' here."
        )
    gone = [(form["labels_not_named"], "rare label"), (form["notes_left_out"], "note")]
    left = [counted(count, noun) for count, noun in gone if count]
    if left:
        told.append(f"Not told, as they could name people or files: {' and '.join(left)}.")
    told.append(
        "Share one form of a run: two, of other least numbers of speakers or of runs that differ by a few, can be "
        "subtracted."
    )
    return told


def withheld_here(count: int, names: Sequence[str | None]) -> str:
    """Say which groups are withheld: «3 groups (female, (unlabelled) and 1 not named)»."""
    unnamed = [f"{number(count - len(names))} not named"] if count > len(names) else []
    told = listed([*(label(name) for name in names), *unnamed], most=8)
    return f"{counted(count, 'group')} ({told})" if names else counted(count, "group")


def axes_withheld(view: View) -> list[tuple[str, str]]:
    """Return each axis with withheld groups, and which they are."""
    return [
        (axis, withheld_here(view.withheld(axis), view.withheld_named(axis)))
        for axis in view.axes
        if view.withheld(axis)
    ]


def none_among(view: View, axis: str | None = None) -> str:
    """Return how a sentence on no group begins: of a shareable form it speaks of those shown."""
    return "Of the groups shown, none" if view.withheld(axis) else "No group"


def top(page: Page, view: View) -> None:
    """Write what a shareable form says of itself; nothing where it is not one."""
    told = shareable_told(view.signature.get("shareable"))
    if told:
        page.line(view.who(" ".join(told)), style=QUIET)
        page.gap()


def failed(view: View) -> list[dict[str, Any]]:
    """Return the rows of ``failures``; of a shareable form how many there are of each kind, null of few speakers."""
    rows, form = view.whole.failures, view.signature.get("shareable")
    if not form:
        return rows.to_dicts()
    kinds = rows.group_by(FAILED).agg(pl.len().alias("count"), pl.col("speaker_id").n_unique().alias("speakers"))
    many = pl.col("speakers") >= form["least_speakers"]
    # One that is withheld alone would follow from their sum: then the smallest beside it goes as well.
    hidden = (~many).sum().over("condition", "backend")
    least = pl.col("speakers").filter(many).min().over("condition", "backend")
    beside = ((hidden == 1) & (pl.col("speakers") == least)).fill_null(value=False)
    told = pl.when(many & ~beside).then("count")
    return kinds.with_columns(count=told).drop("speakers").sort(FAILED, nulls_last=True).to_dicts()
