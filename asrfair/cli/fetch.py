"""The command that takes a corpus from the Hugging Face Hub: ``fetch``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE, EXIT_INTERRUPTED


def add_fetch(commands: Any) -> None:
    """Add ``asrfair fetch``."""
    parser = command(
        commands,
        "fetch",
        _do_fetch,
        "take a corpus from the Hugging Face Hub, pinned to a commit and checked (extra hub)",
        "asrfair fetch globe --revision main --out globe\n"
        "  asrfair fetch our-card.toml --split test --accept 'CC BY 4.0'\n"
        "The terms are shown first; an interrupted call goes on; a second call checks the files.",
    )
    parser.add_argument("card", metavar="CARD", help="a corpus card (name or path) with a table [fetch]")
    parser.add_argument(
        "--revision",
        default="",
        metavar="REV",
        help="a commit of the dataset, or a branch or tag, whose commit of today is recorded (default: the card's)",
    )
    parser.add_argument("--split", default="", metavar="S", help="the corpus's split, if it has any")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: the card's name)")
    parser.add_argument(
        "--accept", metavar="LICENCE", help="accept the licence, in the card's words, instead of being asked"
    )


def _do_fetch(options: argparse.Namespace) -> int:
    from asrfair.run.fetch import FetchPlan, fetch
    from asrfair.run.report import console

    plan = FetchPlan(options.card, options.revision, options.split, options.out, options.accept)
    try:
        fetch(plan, console=console(), ask=_ask if sys.stdin and sys.stdin.isatty() else None)
    except KeyboardInterrupt:
        print("asrfair: interrupted; what came is kept: the same command goes on from there", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_DONE


def _ask(question: str) -> bool:
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


FETCH = (add_fetch,)
"""The commands of this module, in the order of the help text."""
