"""Reports from a run folder alone: the terminal report and the service-card metrics."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from asrfair.report import markdown, metrics_card, render
from asrfair.results import Results, write_text

CARD_JSON = "card.json"
CARD_MARKDOWN = "card.md"


def show(results: Results | Path) -> None:
    """Print the terminal report."""
    render(results if isinstance(results, Results) else Results.load(results), console())


class _Output(Console):
    """A console whose closed pipe is told to the command line; Rich would end with the code of a failed gate."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Return a console on standard output that leaves plain text alone."""
    return _Output(highlight=False, soft_wrap=False)


def write_card(results: Results | Path, folder: Path) -> tuple[Path, Path]:
    """Write the service-card metrics as JSON and Markdown into a folder; return both paths."""
    loaded = results if isinstance(results, Results) else Results.load(results)
    card: dict[str, Any] = metrics_card(loaded)
    write_text(folder / CARD_JSON, json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(folder / CARD_MARKDOWN, markdown(card))
    return folder / CARD_JSON, folder / CARD_MARKDOWN
