"""The commands that say what there is: ``list``, ``show``, ``validate``, ``init`` and ``doctor``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE, EXIT_INTERRUPTED


def add_list(commands: Any) -> None:
    """Add ``asrfair list``."""
    parser = command(
        commands,
        "list",
        _do_list,
        "list corpora, layouts of corpora, conditions, backends, normalisers or interval methods",
        "asrfair list conditions",
    )
    parser.add_argument("kind", choices=("corpora", "layouts", "conditions", "backends", "normalizers", "intervals"))


def _do_list(options: argparse.Namespace) -> int:
    from asrfair.run.catalogue import list_names
    from asrfair.run.report import console

    list_names(options.kind, console())
    return EXIT_DONE


def add_show(commands: Any) -> None:
    """Add ``asrfair show``."""
    parser = command(
        commands,
        "show",
        _do_show,
        "show one card, or the keys of a layout",
        "asrfair show corpus timit\n  asrfair show layout table",
    )
    parser.add_argument("kind", choices=("corpus", "condition", "layout"))
    parser.add_argument("name", metavar="NAME", help="a shipped card's name, or a path ending in .toml; or a layout")


def _do_show(options: argparse.Namespace) -> int:
    from asrfair.run.catalogue import show_card
    from asrfair.run.report import console

    show_card(options.kind, options.name, console())
    return EXIT_DONE


def add_validate(commands: Any) -> None:
    """Add ``asrfair validate``."""
    parser = command(
        commands,
        "validate",
        _do_validate,
        "check a corpus without running anything: files, transcripts, labels, duplicates",
        "asrfair validate timit=TIMIT\n"
        "  asrfair validate common-voice=cv/en --split dev --split test --quick --json -\n"
        "Exit codes: 0 nothing is unusable (what is suspect does not fail), 2 the corpus cannot be read, "
        "3 something is unusable.",
    )
    parser.add_argument("corpus", metavar="CARD=ROOT", help="a corpus card (name or path) and where the corpus is")
    parser.add_argument(
        "--split",
        action="append",
        default=[],
        metavar="NAME",
        help="the corpus's split, if it has any; several: repeat",
    )
    parser.add_argument("--quick", action="store_true", help="read the headers of audio files alone")
    parser.add_argument(
        "--json", metavar="FILE", help="write everything as JSON; - is standard output, instead of text"
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")


def _do_validate(options: argparse.Namespace) -> int:
    from asrfair.run.options import pairs
    from asrfair.run.report import console
    from asrfair.run.validate import ValidatePlan, validate

    ((card, root),) = (pairs("validate CARD=ROOT", [options.corpus]) or {}).items()
    plan = ValidatePlan(splits=tuple(options.split), workers=options.workers, quick=options.quick)
    try:
        return validate(card, Path(root), plan, console=console(), out=options.json)
    except KeyboardInterrupt:
        print("asrfair: interrupted; nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED


def add_init(commands: Any) -> None:
    """Add ``asrfair init``."""
    parser = command(commands, "init", _do_init, "write a commented plan and corpus card to start from", "asrfair init")
    parser.add_argument("--folder", type=Path, default=Path(), metavar="FOLDER", help="where to write (default: here)")


def _do_init(options: argparse.Namespace) -> int:
    from asrfair.run.init import write_starters

    for path in write_starters(options.folder):
        print(path)
    return EXIT_DONE


def add_doctor(commands: Any) -> None:
    """Add ``asrfair doctor``."""
    command(
        commands, "doctor", _do_doctor, "say what is installed: extras, codecs, recognisers, versions", "asrfair doctor"
    )


def _do_doctor(options: argparse.Namespace) -> int:
    from asrfair.run.doctor import doctor
    from asrfair.run.report import console

    doctor(console())
    return EXIT_DONE


CATALOGUE = (add_list, add_show, add_validate, add_init, add_doctor)
"""The commands of this module, in the order of the help text."""
