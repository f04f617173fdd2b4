"""What a shareable form says of itself at its top: what is withheld, what is left out, and what that changes."""

from collections.abc import Mapping
from typing import Any

from asrfair.report.page import WARNING, Page
from asrfair.report.text import counted, number
from asrfair.report.view import View
from asrfair.tables import FAILURES


def shareable_told(form: Mapping[str, Any] | None) -> list[str]:
    """Return the sentences for the top of an output, given ``signature["shareable"]``; none where it is not one."""
    if not form:
        return []
    texts = "transcripts are kept" if form["transcripts"] else "transcripts and single utterances are left out"
    first = "Shareable form: speakers and utterances have pseudonyms, drawn for this output alone; audio, paths and ids"
    told = [f"{first} are left out, {texts}."]
    if form["cells_withheld"]:
        least = number(form["least_speakers"])
        told.append(
            f"Withheld: {number(form['cells_withheld'])} of {counted(form['cells'], 'cell')} (group, condition, "
            f"recogniser), as they have fewer than {least} speakers or would give away one that has, with every "
            "comparison that rests on them. Highest, lowest and bounds are of the groups shown. Where comparisons are "
            "withheld, p are adjusted by Bonferroni over all of their family, the withheld among them."
        )
    else:
        least = counted(form["least_speakers"], "speaker")
        told.append(f"Withheld: no cell; each has {least} or more and gives none away that has fewer.")
    gone = [(form["labels_not_named"], "rare label"), (form["notes_left_out"], "note")]
    left = [counted(count, noun) for count, noun in gone if count]
    if left:
        told.append(f"Not told, as they could name people or files: {' and '.join(left)}.")
    return told


def top(page: Page, view: View) -> None:
    """Write what a shareable form says of itself; nothing where it is not one."""
    told = shareable_told(view.signature.get("shareable"))
    for sentence in told:
        page.line(view.who(sentence), style=WARNING)
    if told:
        page.gap()


def failed(view: View) -> list[dict[str, Any]]:
    """Return the rows of ``failures``; of a shareable form without labels, which together could tell who it was."""
    rows = view.whole.failures
    return (rows.select(FAILURES.keys()) if view.signature.get("shareable") else rows).to_dicts()
