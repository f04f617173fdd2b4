"""What went wrong or was left out: failures per group, labels the card does not map, the run's own notes."""

import polars as pl

from asrfair.report import sentences
from asrfair.report.coverage import POWER
from asrfair.report.page import QUIET, WARNING, Column, Page
from asrfair.report.text import counted, label, listed, number
from asrfair.report.view import View
from asrfair.tables import OVERALL

MOST_REASONS = 8


def failures(page: Page, view: View, *, top: int) -> None:
    """Write how many transcriptions failed, for what reason and in which groups, if any did."""
    rows = view.results.failures
    failed = view.whole.rates.filter(pl.col("failures") > 0)
    if rows.is_empty() and failed.is_empty():
        return
    page.heading("Failures")
    page.line("Failed transcriptions are not in any WER; who they belong to is shown here.", indent=2)
    if rows.height:
        _reasons(page, rows)
    if failed.height:
        _per_group(page, view, failed, top=top)


def _reasons(page: Page, rows: pl.DataFrame) -> None:
    reasons = (
        rows.group_by("stage", "reason").len("count").sort("count", "stage", "reason", descending=[True, False, False])
    )
    page.gap()
    columns = [Column("reason", wraps=True, narrowest=16), Column("stage", drop=1), Column("failed", align="right")]
    body = [
        [label(row["reason"]), label(row["stage"]), number(row["count"])]
        for row in reasons.head(MOST_REASONS).iter_rows(named=True)
    ]
    page.table(columns, body)
    if reasons.height > MOST_REASONS:
        page.line(f"and {counted(reasons.height - MOST_REASONS, 'more reason')}", indent=2)


def _per_group(page: Page, view: View, failed: pl.DataFrame, *, top: int) -> None:
    several = len(view.backends) > 1
    columns = [
        Column("group", wraps=True, narrowest=12),
        Column("condition", wraps=True, narrowest=8),
        *([Column("recogniser", wraps=True, narrowest=8)] if several else []),
        Column("failed", align="right"),
        Column("counted", align="right"),
    ]
    for axis in (OVERALL, *view.axes):
        rows = failed.filter(pl.col("axis") == axis).sort(
            "failures", "group", "condition", "backend", descending=[True, False, False, False], maintain_order=True
        )
        if rows.is_empty():
            continue
        page.gap()
        page.line(view.who("all speakers") if axis == OVERALL else view.provenance(axis), style="bold", indent=2)
        body = [
            [
                view.who("all speakers") if axis == OVERALL else label(row["group"]),
                label(row["condition"]),
                *([label(row["backend"])] if several else []),
                number(row["failures"]),
                number(row["utterances"]),
            ]
            for row in rows.head(top).iter_rows(named=True)
        ]
        page.table(columns, body)
        if rows.height > top:
            page.line(f"and {counted(rows.height - top, 'more cell')} with failures", indent=2)


def closing(page: Page, view: View) -> None:
    """Write the notes and the signature."""
    lines = [
        f"{view.provenance(axis)}: labels that the card does not map: {_raw(view.axis(axis)['unmapped'])}."
        for axis in view.axes
        if view.axis(axis).get("unmapped")
    ]
    lines += [f"{view.provenance(axis)}: {told}" for axis in view.axes if (told := view.taken(axis))]
    lines += [str(note) for note in view.signature.get("notes") or ()]
    if view.axes:
        lines.append(
            f"A disparity is called shown when its adjusted p is below {view.alpha:g}: {sentences.adjusted(view)}. "
            "The p is the ratio's, or the difference's where the ratio has none. For the extra "
            "cost of a condition the points and the factor have a p each; it costs more, or less, where both show it. "
            "The intervals are not adjusted. The group with the highest WER was picked for being highest, which makes "
            "it look a little worse than it is."
        )
    if view.results.disparities["detectable"].is_not_null().any():
        lines.append(f"Could find: the smallest ratio that a comparison, taken alone, would have shown with {POWER}.")
    if view.rows("tests", test="equality"):
        lines.append(
            view.who(
                "Equality: speakers permuted over the groups, p adjusted over the conditions. "
                "It asks another question: whether the groups of an axis differ at all."
            )
        )
    if lines:
        page.heading("Notes")
        for line in lines:
            page.line(line, indent=2, hang=2)
    page.heading("Signature")
    for line in _folded(str(view.signature.get("signature") or "unsigned"), width=page.width - 2):
        page.line(line, style=QUIET, indent=2)
    cut = sentences.cut(view.signature)
    if cut is not None:
        page.line(cut, style=WARNING, indent=2)


def _folded(signature: str, *, width: int) -> list[str]:
    """Return the signature in lines that break before a bar, so that the lines joined are the signature."""
    lines = [""]
    for k, part in enumerate(signature.split("|")):
        piece = part if k == 0 else f"|{part}"
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _raw(unmapped: dict[str, int]) -> str:
    ordered = sorted(unmapped.items(), key=lambda item: (-item[1], item[0]))
    return listed((f"{label(raw)} ({number(count)})" for raw, count in ordered), most=8)
