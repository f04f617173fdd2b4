"""The page's words: what the terminal says of each comparison, and all words that were tested in a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from asrfair.report.html.blocks import Block, Cell, Column, Line, Section, Table, number_cell, slug
from asrfair.report.html.tables import UNKNOWN_CELL, left_out, percent_cell
from asrfair.report.text import chance, counted, factor, label, number
from asrfair.report.view import View
from asrfair.report.words import FALSE_DISCOVERIES

COLUMNS = (
    *(Column("said"), Column("heard"), Column("kind", choice=True), Column("group", choice=True)),
    *(Column("condition"), Column("recogniser", choice=True)),
    *(Column(name, numeric=True) for name in ("missed", "of", "missed %", "reference %", "ratio", "p (FDR)")),
    Column("finding", choice=True),
)
METHOD = (
    "Given the same word: errors (substituted or deleted) per occurrence in the reference; {speakers} permuted over "
    "both groups; false discoveries controlled at {share:.0%} within each list. Exploratory: what is found here needs "
    "other recordings to confirm it. A group with more errors overall misses most words more."
)
NONE = (
    "No word could be compared: none was said by enough speakers of a group and of the reference group, and misheard "
    "at least 4 times in both together."
)


def words_section(view: View, words: pl.DataFrame | None, notes: Sequence[str], *, rows: int) -> Section:
    """Return the findings on words, by axis, or why there are none; ``notes`` are whole lines."""
    blocks: list[Block] = []
    if words is not None and words.is_empty():
        blocks.append(Line(view.who(NONE)))
    if words is not None and len(words):
        for axis in words["axis"].unique(maintain_order=True):
            blocks += [Line(_summary(view, words, str(axis))), _table(view, words, str(axis), rows=rows)]
        blocks.append(Line(METHOD.format(speakers=view.who("speakers"), share=FALSE_DISCOVERIES), "note"))
    blocks += [Line(note, "note") for note in notes]
    return Section("words", "Words", blocks)


def _summary(view: View, words: pl.DataFrame, axis: str) -> str:
    tested = words.filter(pl.col("axis") == axis, pl.col("kind") != "all")
    found = tested.filter(pl.col("p_fdr") < FALSE_DISCOVERIES)
    groups = [label(name) for name in found["group"].unique().sort()]
    told = f", in {', '.join(groups[:5])}{' and others' if len(groups) > 5 else ''}" if groups else ""
    lists = counted(tested.select("group", "condition", "backend", "kind").n_unique(), "list")
    return (
        f"By {view.provenance(axis)}: {counted(tested.height, 'word or confusion', plural='words and confusions')} "
        f"tested in {lists}; {number(found.height)} told apart from chance{told}."
    )


def _table(view: View, words: pl.DataFrame, axis: str, *, rows: int) -> Table:
    told = words.filter(pl.col("axis") == axis, pl.col("kind") != "all")
    told = told.sort("p_fdr", "p", "group", "reference_word", nulls_last=True, maintain_order=True)
    reference: str | None = next(iter(words.filter(pl.col("axis") == axis)["reference_group"].to_list()), None)
    return Table(
        id=f"words-{slug(axis)}",
        caption=f"By {view.provenance(axis)}: words missed, compared with {label(reference)}",
        columns=[Column(view.who(column.title), column.numeric, column.choice) for column in COLUMNS],
        rows=[_word(row) for row in told.head(rows).iter_rows(named=True)],
        left_out=left_out(told.height - rows, "more word or confusion", "words", plural="more words and confusions"),
    )


def _word(row: Mapping[str, Any]) -> list[Cell]:
    p, ratio = row["p_fdr"], row["ratio"]
    found = p is not None and p < FALSE_DISCOVERIES
    more = "missed more" if (row["rate"] or 0) > (row["reference_rate"] or 0) else "missed less"
    return [
        Cell(label(row["reference_word"])),
        Cell("" if row["heard"] is None else label(row["heard"])),
        Cell(label(row["kind"])),
        Cell(label(row["group"])),
        Cell(label(row["condition"])),
        Cell(label(row["backend"])),
        Cell(number(row["errors"])),
        Cell(number(row["count"])),
        percent_cell(row["rate"]),
        percent_cell(row["reference_rate"]),
        number_cell(UNKNOWN_CELL if ratio is None else factor(ratio), ratio),
        number_cell(UNKNOWN_CELL if p is None else chance(p), p),
        Cell(more if found else "not shown", strong=found),
    ]
