"""Word-level findings in a terminal: words and confusions, then utterances worth listening to."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.report.page import QUIET, Column, Page
from asrfair.report.text import Row, chance, counted, factor, label, number, percent

FALSE_DISCOVERIES = 0.05
CELL = ("axis", "group", "reference_group", "condition", "backend")


def render_words(
    words: pl.DataFrame, listen: pl.DataFrame, console: Console, *, notes: Sequence[str] = (), top: int = 10
) -> None:
    """Write the findings of each comparison; of more than ``top`` the most probable are shown and the rest counted.

    ``words`` is the table of `asrfair.tables.WORDS`; ``listen`` has a row per utterance with its ``findings``;
    ``notes`` are whole lines on what was left out.
    """
    page = Page(console)
    if words.is_empty():
        page.line(
            "No word could be compared: none was said by enough speakers of a group and of the reference group, and "
            "misheard at least 4 times in both together."
        )
    for cell in words.select(CELL).unique(maintain_order=True).iter_rows(named=True):
        rows = words.filter(*(pl.col(name) == value for name, value in cell.items()))
        _comparison(page, cell, rows, top=top)
        _listen(page, listen.filter(*(pl.col(name) == cell[name] for name in CELL if name != "reference_group")))
    if notes or len(words):
        page.gap()
    for note in notes:
        page.line(note)
    if len(words):
        page.line(
            "Given the same word: errors (substituted or deleted) per occurrence in the reference; speakers permuted "
            f"over both groups; false discoveries controlled at {FALSE_DISCOVERIES:.0%} within each list. Exploratory: "
            "what is found here needs other recordings to confirm it. A group with more errors overall misses most "
            "words more; read a word's ratio beside that of all words together.",
            style=QUIET,
        )


def _comparison(page: Page, cell: Mapping[str, Any], rows: pl.DataFrame, *, top: int) -> None:
    who = f"{label(cell['group'])} against {label(cell['reference_group'])}"
    page.heading(f"{who} ({label(cell['axis'])}), {label(cell['backend'])}, in {label(cell['condition'])}")
    for row in rows.filter(pl.col("kind") == "all").iter_rows(named=True):
        page.line(
            f"All {counted(row['tested'], 'tested word')} together: {percent(row['rate'])}% missed; of the same words "
            f"{label(row['reference_group'])} {percent(row['reference_rate'])}%, ratio {factor(row['ratio'])}.",
            indent=2,
        )
    for kind, noun in (("word", "word"), ("confusion", "confusion")):
        tested = rows.filter(pl.col("kind") == kind)
        if tested.is_empty():
            page.line(f"No {noun} was said and misheard often enough to be tested.", indent=2)
            continue
        found = tested.filter(pl.col("p_fdr") < FALSE_DISCOVERIES)
        page.line(
            f"{counted(len(tested), noun)} tested; {counted(len(found), noun)} told apart from chance"
            + (":" if len(found) else f"; the smallest p_fdr is {chance(tested['p_fdr'].to_list()[0])}."),
            indent=2,
        )
        if len(found):
            _table(page, found.head(top).to_dicts())
        if len(found) > top:
            page.line(f"and {counted(len(found) - top, f'more {noun}')}", indent=2, style=QUIET)


def _table(page: Page, rows: Sequence[Row]) -> None:
    columns = [
        Column("said", wraps=True, narrowest=8),
        Column("heard", wraps=True, narrowest=8, drop=2),
        Column("errors", align="right"),
        Column("%", align="right"),
        Column("reference", align="right"),
        Column("%", align="right"),
        Column("ratio", align="right"),
        Column("p_fdr", align="right"),
    ]
    body = [
        [
            label(row["reference_word"]),
            label(row["heard"]) if row["heard"] is not None else "",
            f"{number(row['errors'])} of {number(row['count'])}",
            percent(row["rate"]),
            f"{number(row['reference_errors'])} of {number(row['reference_count'])}",
            percent(row["reference_rate"]),
            "-" if row["ratio"] is None else factor(row["ratio"]),
            chance(row["p_fdr"]),
        ]
        for row in rows
    ]
    page.table(columns, body)


def _listen(page: Page, rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    page.gap()
    page.line("Worth listening to", indent=2, style="bold")
    for row in rows.iter_rows(named=True):
        findings = f", {counted(row['findings'], 'of them on a word above', plural='of them on words above')}"
        told = f"{counted(row['errors'], 'error')}{findings if row['findings'] else ''}"
        page.line(f"{label(row['utterance_id'])} ({label(row['speaker_id'])}): {told}", indent=2)
        page.line(f"said   {row['reference']}", indent=4, hang=7)
        page.line(f"heard  {row['hypothesis'].strip() or '(nothing)'}", indent=4, hang=7)
