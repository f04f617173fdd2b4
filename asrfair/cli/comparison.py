"""The command that sets runs side by side: ``compare``."""

import argparse
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE


def add_compare(commands: Any) -> None:
    """Add ``asrfair compare``."""
    parser = command(
        commands,
        "compare",
        _do_compare,
        "say who gained and who lost from one run to another, and whether a disparity widened; or rank many runs",
        "asrfair compare service-may service-june\n"
        "  asrfair compare service-may service-june --by accent --json change.json\n"
        "  asrfair compare --matrix service-a service-b service-c --by accent",
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="two run folders, the old one first; with --matrix any number"
    )
    parser.add_argument(
        "--matrix", action="store_true", help="rank all recognisers by the WER of the group that each serves worst"
    )
    parser.add_argument("--by", action="append", metavar="AXIS", help="only this axis (default: all); repeat")
    parser.add_argument(
        "--condition", default="", metavar="NAME", help="with --matrix: rank under it (default: the baseline)"
    )
    parser.add_argument(
        "--least-speakers", type=int, default=10, metavar="N", help="with --matrix: of groups ranked on (%(default)s)"
    )
    parser.add_argument("--level", type=float, metavar="SHARE", help="confidence level (default: the first run's)")
    parser.add_argument(
        "--even-so",
        action="store_true",
        help="go on where the runs differ in ways that matter, with the differences printed",
    )
    parser.add_argument("--json", default="", metavar="FILE", help="keep everything as JSON; - prints it, and no text")
    parser.add_argument("--top", type=int, default=20, metavar="N", help="groups to show of each axis (%(default)s)")


def _do_compare(options: argparse.Namespace) -> int:
    from asrfair.run.comparison import ComparePlan, compare
    from asrfair.run.options import axes
    from asrfair.run.report import console

    plan = ComparePlan(
        runs=tuple(options.runs),
        many=options.matrix,
        by=axes(options.by) or (),
        condition=options.condition,
        level=options.level,
        insist=options.even_so,
        top=options.top,
        least_speakers=options.least_speakers,
        json=options.json,
    )
    compare(plan, console())
    return EXIT_DONE


COMPARISON = (add_compare,)
"""The commands of this module, in the order of the help text."""
