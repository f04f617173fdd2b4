"""The page's matrix of coverage: what there is of each group under each condition, and what that could have shown."""

import polars as pl

from asrfair.report import sentences
from asrfair.report.coverage import POWER
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.html.blocks import Cell, Column, Table, number_cell, slug
from asrfair.report.html.tables import kept_groups, left_out
from asrfair.report.text import Row, factor, label, safe
from asrfair.report.view import View

FINDS = (
    "finds: the smallest difference in points from {other}, and the smallest ratio, that this comparison, taken alone, "
    "would have shown with {power}"
)


def coverage_table(view: View, axis: str, *, rows: int) -> Table:
    """Return groups × conditions: speakers, words, and the smallest difference that a comparison could have found."""
    groups = kept_groups(view, axis, most=max(rows // max(len(view.backends), 1), 3))
    reference = view.axis(axis).get("reference_group")
    family = "overall" if reference is None else "reference"
    body = []
    for backend in view.backends:
        cells = {(row["group"], row["condition"]): row for row in view.rates(axis=axis, backend=backend)}
        found = {(c.group, c.row["condition"]): c for c in contrasts(view, family, axis=axis, backend=backend)}
        for group in groups:
            told = [_covered(view, cells.get((group, c)), found.get((group, c)), reference) for c in view.conditions]
            body.append([Cell(label(group)), Cell(label(backend)), *told])
    total = view.results.rates.filter(pl.col("axis") == axis)["group"].n_unique()
    other = view.who("all speakers") if reference is None else label(reference)
    return Table(
        id=f"coverage-{slug(axis)}",
        caption=f"By {view.provenance(axis)}: what there is of each group, and what a comparison could have found",
        columns=[Column("group"), Column("recogniser", choice=True), *(Column(label(c)) for c in view.conditions)],
        rows=body,
        notes=[FINDS.format(other=other, power=POWER)],
        left_out=left_out(total - len(groups), "more group", "rates"),
        folded=True,
    )


def _covered(view: View, row: Row | None, contrast: Contrast | None, reference: str | None) -> Cell:
    if row is None:
        return Cell("nothing counted", order="0")
    lines = [sentences.evidence(view, row)]
    if row["group"] is not None and row["group"] == reference:
        lines.append("the reference group")
    elif row["low"] is None:
        lines.append(f"not judged: {safe(view.who(sentences.reason(row)))}")
    else:
        lines.append(_finds(contrast))
    return number_cell("\n".join(lines), row["reference_words"])


def _finds(contrast: Contrast | None) -> str:
    if contrast is None or not contrast.judged:
        return "comparison not judged"
    rows = [row for row in (contrast.difference, contrast.ratio) if row is not None and row["detectable"] is not None]
    sizes = [
        factor(row["detectable"]) if row is contrast.ratio else f"{100 * row['detectable']:.1f} points" for row in rows
    ]
    return (
        f"finds {', ratio '.join(sizes)}"
        if len(sizes) > 1
        else f"finds {sizes[0]}"
        if sizes
        else "what it could find is unknown"
    )
