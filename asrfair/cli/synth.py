"""The command that makes a corpus of synthetic voices: ``synth``."""

import argparse
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE


def add_synth(commands: Any) -> None:
    """Add ``asrfair synth``."""
    parser = command(
        commands,
        "synth",
        _do_synth,
        "make a corpus of synthetic voices, for smoke tests and for planned cells without recordings (extra demo)",
        "asrfair synth --accent en-us --accent en-gb-scotland --voices 3 --rate 140 --rate 175 --out voices\n"
        "  asrfair synth --sentences our-sentences.txt --accent Scotland=en-gb-scotland --out voices\n"
        "  asrfair run --corpus voices/card.toml=voices --backend pocketsphinx",
    )
    parser.add_argument(
        "--sentences",
        default="built-in",
        metavar="FILE",
        help="a text file with one sentence a line, or built-in: the demo's (default)",
    )
    parser.add_argument(
        "--accent",
        action="append",
        required=True,
        metavar="[NAME=]VOICE",
        help="an espeak-ng voice such as en-us, en-gb-scotland, en-029; repeat; the first is the reference group",
    )
    parser.add_argument("--voices", type=int, default=2, metavar="N", help="speakers of each accent (default: 2)")
    parser.add_argument("--rate", type=int, action="append", metavar="N", help="words a minute; repeat (default: 160)")
    parser.add_argument("--language", default="en", metavar="CODE", help="of the sentences (default: en)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for everything random (default: 0)")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where to write; an interrupted call goes on"
    )


def _do_synth(options: argparse.Namespace) -> int:
    from asrfair.run.synth import SynthPlan, synth

    plan = SynthPlan(
        sentences=options.sentences,
        accents=tuple(options.accent),
        voices=options.voices,
        rates=tuple(options.rate or (160,)),
        language=options.language,
        seed=options.seed,
    )
    print(synth(plan, options.out))
    return EXIT_DONE


SYNTH_RESUMED = (_do_synth,)
SYNTH = (add_synth,)
"""The commands of this module, in the order of the help text."""
