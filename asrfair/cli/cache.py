"""The command ``cache``: what was transcribed before, by content."""

import argparse
from pathlib import Path
from typing import Any

from asrfair.cli.base import command


def add_cache(commands: Any) -> None:
    """Add ``asrfair cache``."""
    parser = command(
        commands,
        "cache",
        _do_cache,
        "show where transcripts are kept for other runs, and how many; or forget them",
        "asrfair cache\n  asrfair cache --clear",
    )
    parser.add_argument("--cache", metavar="FOLDER", help="which one (default: ASRFAIR_CACHE, else the user's own)")
    parser.add_argument("--clear", action="store_true", help="delete it; a run that uses it goes on without")


def _do_cache(options: argparse.Namespace) -> int:
    from asrfair.run.cache_command import clear_cache, show_cache

    folder = Path(options.cache) if options.cache else None
    return clear_cache(folder) if options.clear else show_cache(folder)


CACHE = (add_cache,)
"""The commands of this module, in the order of the help text."""
