"""The tables' notes under a table, each once, with the rows it belongs to."""

from collections.abc import Sequence

from asrfair.report.page import QUIET, Page
from asrfair.report.text import Row, counted, listed
from asrfair.report.view import View

MOST_NOTES = 6
MOST_NAMES = 4
# Told by the mark beside the number of speakers.
TOLD = "under 10 speakers"


def footnotes(page: Page, view: View, rows: Sequence[tuple[str, Row]]) -> None:
    """Write the notes of named rows; what is true of every row, or of all but a few, is said so."""
    notes: dict[str, dict[str, None]] = {}
    for name, row in rows:
        for note in (row["note"] or "").split("; "):
            if note.strip() and note.strip() != TOLD:
                notes.setdefault(note.strip(), {})[name] = None
    everyone = list(dict.fromkeys(name for name, _ in rows))
    told: dict[str, list[str]] = {}
    for note, names in notes.items():
        told.setdefault(_whom(list(names), everyone), []).append(view.who(note))
    lines = [f"{whom}: {'; '.join(of_them)}" for whom, of_them in told.items()]
    for line in lines[:MOST_NOTES]:
        page.line(line, style=QUIET, indent=2, hang=2)
    if len(lines) > MOST_NOTES:
        page.line(f"and {counted(len(lines) - MOST_NOTES, 'more note')} in the tables", style=QUIET, indent=2)


def _whom(names: list[str], everyone: list[str]) -> str:
    rest = [name for name in everyone if name not in names]
    if len(everyone) > 1 and not rest:
        return "all rows"
    if len(names) > MOST_NAMES and len(rest) <= MOST_NAMES // 2:
        return f"all rows but {listed(rest)}"
    return listed(names, most=MOST_NAMES)
