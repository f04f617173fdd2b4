"""The command for the ear: ``listen``."""

import argparse
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE


def add_listen(commands: Any) -> None:
    """Add ``asrfair listen``."""
    parser = command(
        commands,
        "listen",
        _do_listen,
        "hear one utterance as a run hears it under a condition: measured, written as WAV, drawn",
        "asrfair listen timit=TIMIT faem0-si2022 --condition office -o office.wav --plot office.png\n"
        "  asrfair listen timit=TIMIT faem0-si2022 --condition snr-white@0 --condition voip-loss-3 -o heard.wav",
    )
    parser.add_argument("corpus", metavar="CARD=ROOT", help="a corpus card (name or path) and where the corpus is")
    parser.add_argument("utterance", metavar="UTTERANCE", help="an utterance id of the corpus")
    parser.add_argument(
        "--condition",
        action="append",
        required=True,
        metavar="NAME[=RECORDINGS]",
        help="a condition card, a rung LADDER@VALUE, or a ladder: all of its rungs; repeat",
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE.wav", help="write what is heard; of several, FILE-CONDITION.wav each"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw waveform and spectrogram before and after (extra plot)"
    )
    parser.add_argument("--split", default="", metavar="NAME", help="the corpus's split, if it has any")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the run's seed (%(default)s)")
    parser.add_argument(
        "--sample-rate", type=int, default=16_000, metavar="HZ", help="the run's working rate (%(default)s)"
    )


def _do_listen(options: argparse.Namespace) -> int:
    from asrfair.run.listen import ListenPlan, listen
    from asrfair.run.options import pairs
    from asrfair.run.report import console

    ((card, root),) = (pairs("listen CARD=ROOT", [options.corpus]) or {}).items()
    plan = ListenPlan(
        conditions=tuple(options.condition),
        split=options.split,
        seed=options.seed,
        sample_rate=options.sample_rate,
        out=options.out,
        plot=options.plot,
    )
    listen(card, Path(root), options.utterance, plan, console=console())
    return EXIT_DONE


CONDITIONS = (add_listen,)
"""The commands of this module, in the order of the help text."""
