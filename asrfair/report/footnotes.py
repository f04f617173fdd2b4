"""The tables' notes under a table, each once, with the rows it belongs to."""

from collections.abc import Sequence

from asrfair.report.page import QUIET, Page
from asrfair.report.text import Row, listed, number

MOST_NOTES = 6
# Told by the mark beside the number of speakers.
TOLD = "under 10 speakers"


def footnotes(page: Page, rows: Sequence[tuple[str, Row]]) -> None:
    """Write the notes of named rows; what is true of every row is said of all."""
    notes: dict[str, dict[str, None]] = {}
    for name, row in rows:
        for note in (row["note"] or "").split("; "):
            if note.strip() and note.strip() != TOLD:
                notes.setdefault(note.strip(), {})[name] = None
    everyone = {name for name, _ in rows}
    for note, names in list(notes.items())[:MOST_NOTES]:
        whom = "all rows" if len(everyone) > 1 and len(names) == len(everyone) else listed(names, most=4)
        page.line(f"{whom}: {note}", style=QUIET, indent=2, hang=2)
    if len(notes) > MOST_NOTES:
        page.line(f"and {number(len(notes) - MOST_NOTES)} more notes in the tables", style=QUIET, indent=2)
