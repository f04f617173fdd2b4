"""The commands that read a run folder: ``report`` and ``card``."""

import argparse
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE


def add_report(commands: Any) -> None:
    """Add ``asrfair report``."""
    parser = command(
        commands, "report", _do_report, "print a run's report again, from its folder", "asrfair report timit-run"
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")


def _do_report(options: argparse.Namespace) -> int:
    from asrfair.run.report import show

    show(options.run)
    return EXIT_DONE


def add_card(commands: Any) -> None:
    """Add ``asrfair card``."""
    parser = command(
        commands, "card", _do_card, "write a run's service-card metrics as JSON and Markdown", "asrfair card timit-run"
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: the run folder)")


def _do_card(options: argparse.Namespace) -> int:
    from asrfair.run.report import write_card

    for path in write_card(options.run, options.out or options.run):
        print(path)
    return EXIT_DONE


FOLDERS = (add_report, add_card)
"""The commands of this module, in the order of the help text."""
