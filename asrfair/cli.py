"""The command line: parse, call, print. Nothing heavy is imported before a command is known.

Exit codes: 0 done, 1 a gate failed, 2 wrong usage or bad input, 3 incomplete, 70 a fault in asrfair, 130 interrupted.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from asrfair import __version__
from asrfair.errors import EXIT_DONE, EXIT_FAULT, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE, AsrfairError
from asrfair.run.streams import discard_output, prepare_streams

Handler = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input is one line on standard error, never a traceback."""
    prepare_streams()
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.handler(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except AsrfairError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; finished batches are saved: start the same run again to go on", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has enough.
        discard_output()
        return EXIT_DONE
    except OSError as error:
        discard_output()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", EXIT_USAGE)
    except Exception:
        # A fault of ours: told whole, and with a code that no gate uses.
        traceback.print_exc()
        return _fail("this is a fault in asrfair; please report it with the lines above", EXIT_FAULT)
    return code


def _fail(message: str, code: int) -> int:
    print(f"asrfair: {message}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="asrfair",
        description="Measure whom a speech recogniser serves worse, by how much, under which acoustic conditions, "
        "and how sure one can be.",
        epilog="Start with: asrfair demo",
    )
    parser.add_argument("--version", action="version", version=f"asrfair {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_demo, _run, _score, _report, _card, _list, _show, _validate, _init, _doctor):
        add(commands)
    return parser


def _command(commands: Any, name: str, handler: Handler, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(handler=handler)
    return parser


def _demo(commands: Any) -> None:
    parser = _command(
        commands, "demo", _do_demo, "run everything on an embedded synthetic corpus", "asrfair demo --out asrfair-demo"
    )
    parser.add_argument("--out", default="asrfair-demo", metavar="FOLDER", help="where to work (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")


def _do_demo(options: argparse.Namespace) -> int:
    from asrfair.run.demo import demo

    return demo(Path(options.out), workers=options.workers)


def _run(commands: Any) -> None:
    parser = _command(
        commands,
        "run",
        _do_run,
        "play a corpus through conditions and recognisers, and report",
        "asrfair run plan.toml\n"
        "  asrfair run --corpus timit=TIMIT --condition clean --condition telephone \\\n"
        "              --backend pocketsphinx --by dialect --by gender --out timit-run",
    )
    parser.add_argument("plan", nargs="?", metavar="PLAN.toml", help="a plan file; options given besides it win")
    parser.add_argument("--corpus", metavar="CARD=ROOT", help="a corpus card (name or path) and where the corpus is")
    parser.add_argument("--split", metavar="NAME", help="the corpus's split, if it has any")
    parser.add_argument("--condition", action="append", metavar="NAME[=FOLDER]", help="a condition card; repeat")
    parser.add_argument(
        "--backend", action="append", metavar="[NAME:]TYPE[=ARGUMENT]", help="a recogniser; repeat, by name if several"
    )
    _add_analysis(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="for everything random (default: 0)")
    parser.add_argument("--sample-rate", type=int, metavar="HZ", help="working rate (default: 16000)")
    parser.add_argument("--language", metavar="CODE", help="handed to recognisers (default: the corpus's own)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N utterances by id, marked everywhere")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")


def _add_analysis(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--by", action="append", metavar="AXIS", help="an axis such as accent, or accent*gender; repeat"
    )
    parser.add_argument("--reference-group", action="append", metavar="AXIS=GROUP", help="whom to compare with; repeat")
    parser.add_argument("--baseline-condition", metavar="NAME", help="what conditions are compared with")
    parser.add_argument("--baseline-backend", metavar="NAME", help="what backends are compared with")
    parser.add_argument("--normalizer", metavar="NAME", help="none, basic (default) or whisper-english")
    parser.add_argument("--family", metavar="COL,COL", help="adjust p within these columns (axis,measure,backend)")
    parser.add_argument("--level", type=float, metavar="SHARE", help="confidence level (default: 0.95)")
    parser.add_argument(
        "--failure-limit", type=float, metavar="SHARE", help="failed share for exit code 3 (default: 0.05)"
    )
    parser.add_argument(
        "--allow-imputed", action="append", metavar="AXIS", help="use an axis with imputed labels, marked"
    )
    parser.add_argument(
        "--independent-utterances",
        action="store_true",
        default=None,
        help="treat utterances of unknown speakers as independent, marked",
    )
    parser.add_argument("--out", metavar="RUN", help="the run folder (default: asrfair-run)")


def _do_run(options: argparse.Namespace) -> int:
    from asrfair.run.command import run
    from asrfair.run.options import given

    return run(given(options))


def _score(commands: Any) -> None:
    parser = _command(
        commands,
        "score",
        _do_score,
        "report from tables that already hold transcripts, or counts",
        "asrfair score transcripts.csv --speaker client_id --by accent,gender --reference-group accent=us\n"
        "  asrfair score ours=a.tsv theirs=b.tsv --id path --hypothesis text --labels people.csv --key-stem",
    )
    parser.add_argument(
        "tables", nargs="+", metavar="[NAME=]TABLE", help="csv, tsv, jsonl or parquet; NAME is the backend"
    )
    column = partial(parser.add_argument, metavar="COL")
    column("--id", help="utterance id (default: utterance_id)")
    column("--speaker", help="speaker id; without it there are no intervals")
    column("--reference", help="reference transcript (default: reference)")
    column("--hypothesis", help="hypothesis (default: hypothesis)")
    column("--condition", dest="condition_column", help="condition (default: one for all)")
    column("--backend", help="backend (default: one for all)")
    column("--words", help="reference words: the tables hold counts instead of texts")
    for name in ("substitutions", "deletions", "insertions"):
        column(f"--{name}", help=f"with --words (default: {name})")
    parser.add_argument("--labels", metavar="FILE", help="a second table to join, with labels, speakers or references")
    column("--key", help="key in the tables (default: the id)")
    column("--key-label", help="key in the labels (default: the same name)")
    parser.add_argument("--key-stem", action="store_true", default=None, help="compare keys without their file endings")
    parser.add_argument("--unquoted", action="store_true", default=None, help="quotation marks are part of the text")
    parser.add_argument("--null", action="append", metavar="TEXT", help="a text that means missing; repeat")
    parser.add_argument("--blank", choices=("empty", "failure"), help="a blank hypothesis is … (default: empty)")
    parser.add_argument(
        "--assigned-by", action="append", metavar="AXIS=WHO", help="who assigned an axis's labels; repeat"
    )
    _add_analysis(parser)


def _do_score(options: argparse.Namespace) -> int:
    from asrfair.run.command import score
    from asrfair.run.options import given

    return score({**given(options), "tables": tuple(options.tables), "condition": options.condition_column})


def _report(commands: Any) -> None:
    parser = _command(
        commands, "report", _do_report, "print a run's report again, from its folder", "asrfair report timit-run"
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")


def _do_report(options: argparse.Namespace) -> int:
    from asrfair.run.report import show

    show(options.run)
    return EXIT_DONE


def _card(commands: Any) -> None:
    parser = _command(
        commands, "card", _do_card, "write a run's service-card metrics as JSON and Markdown", "asrfair card timit-run"
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write (default: the run folder)")


def _do_card(options: argparse.Namespace) -> int:
    from asrfair.run.report import write_card

    for path in write_card(options.run, options.out or options.run):
        print(path)
    return EXIT_DONE


def _list(commands: Any) -> None:
    parser = _command(commands, "list", _do_list, "list corpora, conditions or backends", "asrfair list conditions")
    parser.add_argument("kind", choices=("corpora", "conditions", "backends"))


def _do_list(options: argparse.Namespace) -> int:
    from asrfair.run.catalogue import list_names
    from asrfair.run.report import console

    list_names(options.kind, console())
    return EXIT_DONE


def _show(commands: Any) -> None:
    parser = _command(commands, "show", _do_show, "show one card", "asrfair show corpus timit")
    parser.add_argument("kind", choices=("corpus", "condition"))
    parser.add_argument("name", metavar="NAME", help="a shipped card's name, or a path ending in .toml")


def _do_show(options: argparse.Namespace) -> int:
    from asrfair.run.catalogue import show_card
    from asrfair.run.report import console

    show_card(options.kind, options.name, console())
    return EXIT_DONE


def _validate(commands: Any) -> None:
    parser = _command(
        commands, "validate", _do_validate, "check a corpus without running anything", "asrfair validate timit=TIMIT"
    )
    parser.add_argument("corpus", metavar="CARD=ROOT", help="a corpus card (name or path) and where the corpus is")
    parser.add_argument("--split", default="", metavar="NAME", help="the corpus's split, if it has any")


def _do_validate(options: argparse.Namespace) -> int:
    from asrfair.run.options import pairs
    from asrfair.run.report import console
    from asrfair.run.validate import validate

    ((card, root),) = (pairs("validate CARD=ROOT", [options.corpus]) or {}).items()
    unusable = validate(card, Path(root), split=options.split, console=console())
    return EXIT_INCOMPLETE if unusable else EXIT_DONE


def _init(commands: Any) -> None:
    parser = _command(
        commands, "init", _do_init, "write a commented plan and corpus card to start from", "asrfair init"
    )
    parser.add_argument("--folder", type=Path, default=Path(), metavar="FOLDER", help="where to write (default: here)")


def _do_init(options: argparse.Namespace) -> int:
    from asrfair.run.init import write_starters

    for path in write_starters(options.folder):
        print(path)
    return EXIT_DONE


def _doctor(commands: Any) -> None:
    _command(
        commands, "doctor", _do_doctor, "say what is installed: extras, codecs, recognisers, versions", "asrfair doctor"
    )


def _do_doctor(options: argparse.Namespace) -> int:
    from asrfair.run.doctor import doctor
    from asrfair.run.report import console

    doctor(console())
    return EXIT_DONE
