"""The command line: parse, call, print. Nothing heavy is imported before a command is known.

Exit codes: 0 done, 1 a gate failed, 2 wrong usage or bad input, 3 incomplete, 70 a fault in asrfair, 130 interrupted.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence

from asrfair import __version__
from asrfair.cli.cache import CACHE
from asrfair.cli.catalogue import CATALOGUE
from asrfair.cli.comparison import COMPARISON
from asrfair.cli.conditions import CONDITIONS
from asrfair.cli.evaluation import EVALUATION, RESUMED
from asrfair.cli.export import EXPORT
from asrfair.cli.fetch import FETCH
from asrfair.cli.folders import FOLDERS
from asrfair.cli.gate import GATE
from asrfair.cli.synth import SYNTH, SYNTH_RESUMED
from asrfair.errors import EXIT_DONE, EXIT_FAULT, EXIT_INTERRUPTED, EXIT_USAGE, AsrfairError, safe
from asrfair.run.streams import discard_output, prepare_streams

GOES_ON = "; finished batches are saved: start the same run again to go on"


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
        return _fail(f"interrupted{GOES_ON if options.handler in (*RESUMED, *SYNTH_RESUMED) else ''}", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has enough.
        discard_output()
        return EXIT_DONE
    except OSError as error:
        discard_output()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", EXIT_USAGE)
    except _faults():
        # A fault of ours: told whole, and with a code that no gate uses.
        traceback.print_exc()
        return _fail("this is a fault in asrfair; please report it with the lines above", EXIT_FAULT)
    return code


def _faults() -> tuple[type[BaseException], ...]:
    """Return what a fault raises: any exception, and the panics of Polars, which are none, once Polars is there."""
    polars = sys.modules.get("polars")
    return (Exception,) if polars is None else (Exception, polars.exceptions.PanicException)


def _fail(message: str, code: int) -> int:
    # A message quotes what it found: file names and labels that a corpus's owner chose.
    print(f"asrfair: {safe(message)}", file=sys.stderr)
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
    for add in (*EVALUATION, *FOLDERS, *COMPARISON, *GATE, *CONDITIONS, *CATALOGUE, *FETCH, *EXPORT, *SYNTH, *CACHE):
        add(commands)
    return parser
