"""The commands that read a run folder: ``coverage`` (a corpus, too), ``report``, ``card`` and ``words``."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE, InputError, expected


def add_report(commands: Any) -> None:
    """Add ``asrfair report``."""
    parser = command(
        commands,
        "report",
        _do_report,
        "tell a run's findings again, from its folder: as text, as a page, as JSON",
        "asrfair report timit-run\n"
        "  asrfair report timit-run --html timit.html --audio 20\n"
        "  asrfair report timit-run --json > timit.json\n"
        "  asrfair report timit-run --shareable --html for-others.html",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--html", type=Path, metavar="FILE", help="write a page that needs no network, instead of text")
    forms.add_argument("--json", action="store_true", help="print everything as JSON, instead of text")
    parser.add_argument("--width", type=int, metavar="N", help="columns of text (default: the terminal's, or 80)")
    parser.add_argument("--top", type=int, metavar="N", help="groups to show of each axis; the rest is counted")
    parser.add_argument("--all", action="store_true", help="tell every recogniser in full, not the main ones of many")
    parser.add_argument(
        "--audio", type=int, metavar="N", help="with --html: clips of the N worst utterances (default: none)"
    )
    _add_shareable(parser)
    parser.add_argument(
        "--transcripts", action="store_true", help="with --shareable and --html: show words and worst utterances"
    )


def _add_shareable(parser: Any) -> None:
    parser.add_argument(
        "--shareable",
        action="store_true",
        help="for others: pseudonyms, no paths, no transcripts, no cell of few speakers; share one form of a run, with "
        "one K, as two can be subtracted from each other",
    )
    parser.add_argument(
        "--least-speakers",
        type=int,
        metavar="K",
        help="with --shareable: show cells of K speakers or more (default: 5); where a few people make much be "
        "withheld beside them, a lower K shows it",
    )


def _do_report(options: argparse.Namespace) -> int:
    from asrfair.run.report import check_shown, report_json, show
    from asrfair.run.shareable import check_share

    shown: dict[str, Any] = {} if options.top is None else {"top": options.top}
    _check_report(options)
    check_shown(width=options.width, **shown)
    share = check_share(options.shareable, least=options.least_speakers, transcripts=options.transcripts)
    if options.json:
        sys.stdout.write(report_json(options.run, share=share))
    elif options.html:
        from asrfair.run.page import write_page

        print(write_page(options.run, options.html, audio=options.audio or 0, share=share, **shown))
    else:
        show(options.run, width=options.width, every=options.all, share=share, **shown)
    return EXIT_DONE


def _check_report(options: argparse.Namespace) -> None:
    """Raise InputError for an option that the form of the report has no use for."""
    form = "--html" if options.html else "--json" if options.json else "text"
    page, text = "--html", "text"
    useful = {"audio": [page], "transcripts": [page], "width": [text], "all": [text], "top": [text, page]}
    for name, forms in useful.items():
        if getattr(options, name) not in (None, False) and form not in forms:
            wanted = "it with --html FILE" if forms == ["--html"] else f"it without {form}"
            raise InputError(f"--{name}: found a report as {form.removeprefix('--')}; expected {wanted}")


def add_card(commands: Any) -> None:
    """Add ``asrfair card``."""
    parser = command(
        commands,
        "card",
        _do_card,
        "write a run's service card: the measured parts in words and figures, the owner's marked as empty",
        "asrfair card timit-run\n"
        "  asrfair card timit-run --baseline last-year --format md,html,json,hub\n"
        "  asrfair card --update OUR-CARD.md timit-run\n"
        "  asrfair card --diff last-year timit-run\n"
        "  asrfair card timit-run --shareable --out for-others",
    )
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="a run folder")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: the run folder)")
    parser.add_argument(
        "--format",
        metavar="LIST",
        help="of md, html, json and hub (a Hugging Face model card), with commas between (default: json,md,html)",
    )
    parser.add_argument("--baseline", type=Path, metavar="OLD", help="an earlier run, to say what changed since")
    parser.add_argument(
        "--top", type=int, metavar="N", help="groups that tables show; the rest is counted (default: 20)"
    )
    parser.add_argument(
        "--even-so", action="store_true", help="refresh a card though it is of other recognisers or another corpus"
    )
    others = parser.add_mutually_exclusive_group()
    others.add_argument(
        "--update", type=Path, metavar="CARD.md", help="refresh the figures between the markers of this card, no more"
    )
    others.add_argument(
        "--diff",
        type=Path,
        nargs=2,
        metavar=("OLD", "NEW"),
        help="say what changed between two run folders or card.json, and whether it is more than noise",
    )
    others.add_argument("--schema", action="store_true", help="print the JSON Schema of card.json")
    _add_shareable(parser)


def _do_card(options: argparse.Namespace) -> int:
    formats = None if options.format is None else [name.strip() for name in options.format.split(",")]
    shown = {} if options.top is None else {"top": options.top}
    _check_card(options, formats)
    if options.schema:
        from asrfair.run.card_schema import schema

        sys.stdout.write(schema())
        return EXIT_DONE
    from asrfair.run.card import DEFAULT_FORMATS, changes_json, show_changes, update_card, write_card
    from asrfair.run.report import check_shown
    from asrfair.run.shareable import check_share

    check_shown(**shown)
    share = check_share(options.shareable, least=options.least_speakers)
    if options.diff:
        told = changes_json if formats == ["json"] else partial(show_changes, **shown)
        sys.stdout.write(told(*options.diff, share=share))
        return EXIT_DONE
    whose = {"baseline": options.baseline, "insist": options.even_so, "share": share}
    if options.update:
        html = "html" in (formats or ())
        for path in update_card(options.update, options.run, html=html, **whose, **shown):
            print(path)
    else:
        made = DEFAULT_FORMATS if formats is None else formats
        folder = options.out or options.run
        for path in write_card(options.run, folder, formats=made, **whose, **shown):
            print(path)
    return EXIT_DONE


def _check_card(options: argparse.Namespace, formats: list[str] | None) -> None:
    """Raise InputError for a run too few or too many, and an option that has no use here."""
    alone = "--schema" if options.schema else "--diff" if options.diff else ""
    if alone and options.run is not None:
        raise InputError(f"card {alone}: found '{options.run}' as well; expected no run folder beside it")
    if not alone and options.run is None:
        raise InputError("card: found no run; expected a run folder, as in asrfair card RUN")
    told = alone or ("--update" if options.update else "")
    useless = {
        "--schema": ("out", "format", "baseline", "top", "even_so", "shareable", "least_speakers"),
        "--diff": ("out", "baseline", "even_so"),
        "--update": ("out",),
    }
    for name in useless.get(told, ()):
        if getattr(options, name) not in (None, False):
            raise InputError(f"card {told}: found --{name.replace('_', '-')} as well; expected it without")
    forms = {"--update": ("md", "html"), "--diff": ("md", "json")}.get(told)
    for form in formats or () if forms else ():
        if form not in (forms or ()):
            raise InputError(expected(f"card {told}, --format", f"'{form}'", forms or ()))


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
    parser.add_argument(
        "--include-synthetic",
        action="store_true",
        help="count a corpus's synthetic utterances as well (one that is synthetic as a whole is always counted)",
    )
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
        for name in ("split", "include_synthetic", "level", "power", "half_width", "wer", "cv2", "dispersion", "pilot")
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
