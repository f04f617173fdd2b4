"""The command that a build stops at: ``check``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE, InputError


def add_check(commands: Any) -> None:
    """Add ``asrfair check``."""
    parser = command(
        commands,
        "check",
        _do_check,
        "hold a run to a policy: exit code 0 passed, 1 failed, 2 unusable, 3 could not be judged",
        "asrfair check timit-run --example > policy.toml\n"
        "  asrfair check timit-run --policy policy.toml --junit fairness.xml --json fairness.json\n"
        "  asrfair check new-run --policy policy.toml --baseline last-release --github",
    )
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("--policy", type=Path, metavar="FILE.toml", help="the rules; asrfair check --example shows all")
    parser.add_argument("--baseline", type=Path, metavar="RUN", help="compare with this run, not the policy's baseline")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON; - prints it instead of the report")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="write Markdown as GitHub's step summaries show it"
    )
    parser.add_argument(
        "--github", action="store_true", help="append the same to the file named by GITHUB_STEP_SUMMARY"
    )
    parser.add_argument("--width", type=int, metavar="N", help="columns of text (default: the terminal's, or 80)")
    parser.add_argument(
        "--top", type=int, default=20, metavar="N", help="cells to show of a rule (default: %(default)s)"
    )
    parser.add_argument(
        "--example", action="store_true", help="print a commented policy and end; of RUN's names if that is given"
    )


def _do_check(options: argparse.Namespace) -> int:
    if options.example:
        from asrfair.run.policy_example import EXAMPLE, example_of

        sys.stdout.write(EXAMPLE if options.run is None else example_of(options.run))
        return EXIT_DONE
    if options.run is None or options.policy is None:
        raise InputError("check: found no RUN or no --policy; expected: asrfair check RUN --policy FILE.toml")
    from asrfair.run.check import Outputs, check_and_tell

    outputs = Outputs(
        junit=options.junit,
        json=options.json,
        summary=options.summary,
        github=options.github,
        width=options.width,
        top=options.top,
    )
    return check_and_tell(options.run, options.policy, outputs, baseline=options.baseline)


GATE = (add_check,)
"""The commands of this module, in the order of the help text."""
