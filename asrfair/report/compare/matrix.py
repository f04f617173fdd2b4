"""A leaderboard on a terminal: ranks as ranges, because some systems cannot be told apart."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from asrfair.report import sentences
from asrfair.report.disparities import Cells
from asrfair.report.page import QUIET, WARNING, Column, Page, Subhead
from asrfair.report.text import UNKNOWN, counted, label, listed, number, percent
from asrfair.report.view import voiced
from asrfair.tables import OVERALL

METHOD = (
    "Ordered by the highest upper end of the groups' own intervals. The rank is a range: a system is ranked below "
    "another only if its worst group is shown to be served worse than the other's, by paired comparisons of the same "
    "utterances, Holm over all pairs (ranks as in Mogstad et al. 2024); all ranges hold together at the level. Ranges "
    "that overlap are ties."
)


def render_matrix(board: Mapping[str, Any], console: Console) -> None:
    """Write a leaderboard, as `asrfair.run.matrix.matrix` returns it."""
    page = Page(console)
    synthetic = board["synthetic_voices"]
    if synthetic:
        page.line(sentences.SYNTHETIC, style=WARNING)
        page.gap()
    title = f"{counted(len(board['systems']), 'recogniser')} ranked by the group that each serves worst"
    page.line(title, style="bold")
    page.line(page.glyphs.rule * min(len(title), page.width), style=QUIET)
    people = counted(board["speakers"], "voice" if synthetic else "speaker")
    page.line(
        f"in {label(board['condition'])}; {counted(board['utterances'], 'utterance')} that all of them transcribed, "
        f"{people}; {100 * board['level']:g} % intervals; WER in per cent",
        indent=2,
        hang=2,
    )
    _left_out(page, board)
    _failed(page, board)
    _differences(page, board)
    for axis in (*board["axes"], OVERALL):
        _axis(page, board, axis)
    page.gap()
    page.line(voiced(METHOD) if synthetic else METHOD, style=QUIET, indent=2, hang=2)


def _left_out(page: Page, board: Mapping[str, Any]) -> None:
    left = {name: many for name, many in board["left_out"].items() if many}
    if left:
        told = listed((f"{label(name)} {number(many)}" for name, many in left.items()), most=6)
        page.line(f"left out: utterances that not all runs have ({told})", style=WARNING, indent=2, hang=2)


def _failed(page: Page, board: Mapping[str, Any]) -> None:
    missing = board["shared_utterances"] - board["utterances"]
    if missing:
        failed = {name: many for name, many in board["failed"].items() if many}
        told = listed((f"{label(name)} failed on {number(many)}" for name, many in failed.items()), most=6)
        page.line(
            f"left out: {counted(missing, 'utterance')} of all runs that some recogniser failed on ({told})",
            style=WARNING,
            indent=2,
            hang=2,
        )


def _differences(page: Page, board: Mapping[str, Any]) -> None:
    found = [each for each in board["differences"] if each["matters"]]
    if found:
        page.line(
            "The runs differ in ways that matter: ranks may come from these differences.", style=WARNING, indent=2
        )
    for each in found:
        page.line(f"{each['what']}: {each['old']}, {each['new']}", indent=4, hang=2)


def _axis(page: Page, board: Mapping[str, Any], axis: str) -> None:
    rows = [row for row in board["standings"] if row["axis"] == axis]
    page.gap()
    whole = axis == OVERALL
    people = "voices" if board["synthetic_voices"] else "speakers"
    origin = label(str(board["axes"].get(axis)))
    told = f"By {label(axis)} ({origin}): {counted(rows[0]['groups'], 'group')}{_too_small(board, rows[0], people)}"
    page.line(f"All {people} together" if whole else told, style="bold", indent=2, hang=2)
    if not rows[0]["groups"]:
        page.line("no group could be judged: no ranks", indent=4)
        return
    columns = [
        Column("rank", align="right"),
        Column("recogniser", wraps=True, narrowest=18),
        Column("upper\nend", align="right"),
        Column("WER" if whole else "worst\nWER", align="right"),
        *(
            []
            if whole
            else [Column("served worst", wraps=True, narrowest=12), Column("upper end of", wraps=True, drop=1)]
        ),
        Column("shown\nbetter than", align="right"),
    ]
    body: list[Cells | Subhead] = []
    for row in rows:
        groups = [] if whole else [label(row["group"]), UNKNOWN if row["bounding"] is None else label(row["bounding"])]
        body.append(
            [
                str(row["first"]) if row["first"] == row["last"] else f"{row['first']}-{row['last']}",
                label(row["backend"]),
                percent(row["high"]),
                percent(row["wer"]),
                *groups,
                f"{number(len(row['better_than']))} of {number(len(rows) - 1)}",
            ]
        )
    page.table(columns, body)
    if any(row["high"] is None for row in rows):
        page.line("unknown upper end: of a group whose interval is too wide to show", style=QUIET, indent=2, hang=2)


def _too_small(board: Mapping[str, Any], row: Mapping[str, Any], people: str) -> str:
    left = row["too_small"]
    return f"; left out: {counted(left, 'group')} of fewer than {board['least_speakers']} {people}" if left else ""
