"""How a command is added to the parser."""

import argparse
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

Handler = Callable[[argparse.Namespace], int]
WIDTH = 80
INDENT = "  "


def command(commands: Any, name: str, handler: Handler, summary: str, example: str) -> argparse.ArgumentParser:
    """Add a command with its summary and an example."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(summary[0].upper() + summary[1:] + ".", WIDTH),
        epilog="\n".join(["example:", *(line for text in example.splitlines() for line in _folded(text.strip()))]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(handler=handler)
    return parser


def _folded(text: str) -> Iterator[str]:
    """Yield a line of an example within the width; a command goes on after a backslash, before an option."""
    if not text.startswith("asrfair "):
        yield from textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
        return
    line = INDENT
    for part in re.split(r" (?=--?[a-z])", text):
        if len(line) + len(part) + len(" \\") > WIDTH and line.strip():
            yield f"{line} \\"
            line = 3 * INDENT + part
        else:
            line += part if line == INDENT else f" {part}"
    yield line
