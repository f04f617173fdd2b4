"""The command ``export``: a corpus for other tools."""

import argparse
from pathlib import Path
from typing import Any

from asrfair.cli.base import command
from asrfair.errors import EXIT_DONE

# Of asrfair.run.export, which is not imported for the help.
FORMATS = ("kaldi", "nemo", "lhotse", "parquet")


def add_export(commands: Any) -> None:
    """Add ``asrfair export``."""
    parser = command(
        commands,
        "export",
        _do_export,
        "write a corpus for Kaldi, NeMo, Lhotse or as Parquet, with its labels and who assigned them",
        "asrfair export timit=TIMIT --to nemo --out timit-nemo --audio\n"
        "  asrfair export edacc=EDACC --to parquet --out edacc-shared --shareable",
    )
    parser.add_argument("corpus", metavar="CARD=ROOT", help="a corpus card (name or path) and where the corpus is")
    parser.add_argument("--to", required=True, choices=FORMATS, help="the format")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="a new or empty folder")
    parser.add_argument("--split", default="", metavar="NAME", help="the corpus's split, if it has any")
    parser.add_argument(
        "--audio", action="store_true", help="take the audio along, each utterance by itself (Parquet: embedded)"
    )
    parser.add_argument(
        "--relative", action="store_true", help="without --audio: paths relative to ROOT instead of absolute ones"
    )
    parser.add_argument(
        "--shareable",
        action="store_true",
        help="to hand on: names by chance, no transcripts, no labels or combinations of labels that few speakers have",
    )
    parser.add_argument(
        "--least-speakers",
        type=int,
        metavar="K",
        help="with --shareable: labels of fewer speakers are withheld (default: 5)",
    )
    parser.add_argument("--transcripts", action="store_true", help="with --shareable: the transcripts as well")


def _do_export(options: argparse.Namespace) -> int:
    from asrfair.run.export import export_corpus
    from asrfair.run.export_shareable import sharing
    from asrfair.run.options import pairs
    from asrfair.run.report import console

    ((card, root),) = (pairs("export CARD=ROOT", [options.corpus]) or {}).items()
    export_corpus(
        card,
        Path(root),
        target=options.to,
        out=options.out,
        split=options.split,
        audio=options.audio,
        relative=options.relative,
        console=console(),
        sharing=sharing(options.shareable, least_speakers=options.least_speakers, transcripts=options.transcripts),
    )
    return EXIT_DONE


EXPORT = (add_export,)
"""The commands of this module, in the order of the help text."""
