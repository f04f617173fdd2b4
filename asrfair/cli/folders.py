"""The commands that read a run folder: ``coverage`` (a corpus, too), ``report``, ``card`` and ``words``."""

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


def add_coverage(commands: Any) -> None:
    """Add ``asrfair coverage``."""
    parser = command(
        commands,
        "coverage",
        _do_coverage,
        "say how many speakers and words each group has, what gap that can show, and how many more are needed",
        "asrfair coverage timit=TIMIT --by dialect --by dialect*gender\n  asrfair coverage timit-run --half-width 0.1",
    )
    parser.add_argument("target", metavar="CARD=ROOT|RUN", help="a corpus before a run, or a run folder after it")
    parser.add_argument("--split", metavar="NAME", help="the corpus's split, if it has any")
    parser.add_argument("--by", action="append", metavar="AXIS", help="an axis, or a product of axes; repeat")
    parser.add_argument("--reference-group", action="append", metavar="AXIS=GROUP", help="whom to compare with; repeat")
    parser.add_argument("--level", type=float, metavar="SHARE", help="confidence level (default: 0.95)")
    parser.add_argument("--power", type=float, metavar="SHARE", help="chance of finding the gap (default: 0.8)")
    parser.add_argument("--half-width", type=float, metavar="SHARE", help="wanted, as a share of WER (default: 0.25)")
    parser.add_argument("--wer", type=float, metavar="RATE", help="assumed before a run (default: 0.15)")
    parser.add_argument("--cv2", type=float, metavar="X", help="assumed squared variation of speakers (default: 0.386)")
    parser.add_argument("--dispersion", type=float, metavar="X", help="assumed dispersion of errors (default: 1)")
    parser.add_argument("--pilot", metavar="RUN", help="a run folder to estimate the three from, instead")
    parser.add_argument("--condition", action="append", metavar="NAME", help="of a run (default: the baseline); repeat")
    parser.add_argument("--backend", action="append", metavar="NAME", help="of a run (default: the baseline); repeat")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the table as .csv, .json or .parquet")


def _do_coverage(options: argparse.Namespace) -> int:
    from asrfair.run.coverage import CoveragePlan, coverage
    from asrfair.run.options import axes, pairs
    from asrfair.run.report import console

    given = {
        "by": axes(options.by),
        "reference_groups": pairs("--reference-group AXIS=GROUP", options.reference_group),
        "conditions": tuple(options.condition) if options.condition else None,
        "backends": tuple(options.backend) if options.backend else None,
    } | {
        name: getattr(options, name)
        for name in ("split", "level", "power", "half_width", "wer", "cv2", "dispersion", "pilot")
    }
    plan = CoveragePlan(**{name: value for name, value in given.items() if value is not None})
    return coverage(options.target, plan, console=console(), out=options.out)


def add_words(commands: Any) -> None:
    """Add ``asrfair words``."""
    parser = command(
        commands,
        "words",
        _do_words,
        "say which words a group is misheard in more than the reference group, and which utterances to listen to",
        "asrfair words timit-run --by dialect --group Southern",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder; the tables are kept in it")
    parser.add_argument("--by", action="append", metavar="AXIS", help="an axis (default: all with a reference group)")
    parser.add_argument("--group", action="append", metavar="GROUP", help="only this group; repeat")
    parser.add_argument("--condition", default="", metavar="NAME", help="a condition (default: the baseline)")
    parser.add_argument("--backend", default="", metavar="NAME", help="only this backend")
    parser.add_argument("--permutations", type=int, default=99_999, metavar="N", help="at most (%(default)s)")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many words to show (%(default)s)")
    parser.add_argument("--listen", type=int, default=5, metavar="N", help="utterances per group (%(default)s)")


def _do_words(options: argparse.Namespace) -> int:
    from asrfair.run.options import axes
    from asrfair.run.report import console
    from asrfair.run.words import WordPlan, show_words

    plan = WordPlan(
        by=axes(options.by) or (),
        groups=tuple(options.group or ()),
        condition=options.condition,
        backend=options.backend,
        permutations=options.permutations,
        listen=options.listen,
    )
    show_words(options.run, plan, console(), top=options.top)
    return EXIT_DONE


FOLDERS = (add_coverage, add_report, add_card, add_words)
"""The commands of this module, in the order of the help text."""
