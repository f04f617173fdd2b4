"""The commands that make results: ``demo``, ``run`` and ``score``."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from asrfair.cli.base import command


def add_demo(commands: Any) -> None:
    """Add ``asrfair demo``."""
    parser = command(
        commands, "demo", _do_demo, "run everything on an embedded synthetic corpus", "asrfair demo --out asrfair-demo"
    )
    parser.add_argument("--out", default="asrfair-demo", metavar="FOLDER", help="where to work (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")


def _do_demo(options: argparse.Namespace) -> int:
    from asrfair.run.demo import demo

    return demo(Path(options.out), workers=options.workers)


def add_run(commands: Any) -> None:
    """Add ``asrfair run``."""
    parser = command(
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
    add_analysis(parser)
    parser.add_argument("--sample-rate", type=int, metavar="HZ", help="working rate (default: 16000)")
    parser.add_argument("--language", metavar="CODE", help="handed to recognisers (default: the corpus's own)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N utterances by id, marked everywhere")
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="only N utterances of each group of the axes, spread over its speakers, marked everywhere",
    )
    parser.add_argument("--cache", metavar="FOLDER", help="of transcripts made before (default: the user's own)")
    parser.add_argument(
        "--no-cache", action="store_const", const="none", dest="cache", help="make all transcripts, and keep none"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    parser.add_argument(
        "--repeat-check",
        type=int,
        metavar="N",
        help="of each recogniser, N transcriptions again in a fresh process: does it say the same? (default: 0)",
    )
    parser.add_argument("--engine", choices=("local", "ray"), help="where they run (default: local; extra ray)")
    parser.add_argument("--address", metavar="ADDRESS", help="of the Ray cluster (default: one on this machine)")
    parser.add_argument("--gpus-per-worker", type=float, metavar="N", help="of the Ray cluster; a share, too")
    parser.add_argument(
        "--include-synthetic",
        action="store_true",
        default=None,
        help="count utterances that the card marks as synthetic, with a notice over everything",
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="apply conditions by torch on it, such as cuda (default: by numpy; extra torch)",
    )


def _do_run(options: argparse.Namespace) -> int:
    from asrfair.run.command import run
    from asrfair.run.options import given

    return run(given(options))


def add_score(commands: Any) -> None:
    """Add ``asrfair score``."""
    parser = command(
        commands,
        "score",
        _do_score,
        "report from tables that already hold transcripts, or counts",
        "asrfair score transcripts.csv --speaker client_id --by accent,gender --reference-group accent=us\n"
        "  asrfair score ours=a.tsv theirs=b.tsv --id path --hypothesis text --labels people.csv --key-stem\n"
        "  asrfair score ours=hypotheses.ctm --segments references.stm --speaker speaker_id --by label_2",
    )
    parser.add_argument(
        "tables",
        nargs="+",
        metavar="[NAME=]TABLE",
        help="csv, tsv, jsonl or parquet, NAME is the backend; or one PLAN.toml; options given besides it win",
    )
    parser.add_argument("--root", metavar="FOLDER", help="where a plan's tables are (default: the plan's own folder)")
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
    parser.add_argument(
        "--segments", metavar="STM", help="what .ctm tables are cut by; it has reference, speaker_id, label_1 …"
    )
    parser.add_argument("--labels", metavar="FILE", help="a second table to join, with labels, speakers or references")
    column("--key", help="key in the tables (default: the id)")
    column("--key-label", help="key in the labels (default: the same name)")
    parser.add_argument("--key-stem", action="store_true", default=None, help="compare keys without their file endings")
    parser.add_argument("--unquoted", action="store_true", default=None, help="quotation marks are part of the text")
    parser.add_argument(
        "--bands", action="append", metavar="AXIS=N,N", help="cut a column of numbers into bands; repeat"
    )
    parser.add_argument("--title", metavar="TEXT", help="what reports call the corpus (default: the file's name)")
    parser.add_argument(
        "--card", metavar="CARD", help="the corpus's card: levels for labels, who assigned these, title, licence, kind"
    )
    column("--synthetic", help="is true of utterances that are no recordings (default: synthetic, if there)")
    parser.add_argument(
        "--include-synthetic",
        action="store_true",
        default=None,
        help="count utterances marked as synthetic, with a notice over everything",
    )
    parser.add_argument("--null", action="append", metavar="TEXT", help="a text that means missing; repeat")
    parser.add_argument("--blank", choices=("empty", "failure"), help="a blank hypothesis is … (default: empty)")
    parser.add_argument(
        "--assigned-by", action="append", metavar="AXIS=WHO", help="who assigned an axis's labels; repeat"
    )
    add_analysis(parser)


def _do_score(options: argparse.Namespace) -> int:
    from asrfair.run.command import score
    from asrfair.run.options import given

    return score({**given(options), "tables": tuple(options.tables), "condition": options.condition_column})


def add_analysis(parser: argparse.ArgumentParser) -> None:
    """Add the options that `run` and `score` share: how the numbers are made."""
    parser.add_argument(
        "--by", action="append", metavar="AXIS", help="an axis such as accent, or accent*gender; repeat"
    )
    parser.add_argument("--reference-group", action="append", metavar="AXIS=GROUP", help="whom to compare with; repeat")
    parser.add_argument("--baseline-condition", metavar="NAME", help="what conditions are compared with")
    parser.add_argument("--baseline-backend", metavar="NAME", help="what backends are compared with")
    parser.add_argument(
        "--normalizer",
        metavar="SPEC",
        help="of texts (default: basic; see asrfair list normalizers); several joined by +",
    )
    parser.add_argument(
        "--sensitivity",
        action="store_true",
        default=None,
        help="compute every disparity again under the other normalisers, and say whether a finding changes",
    )
    parser.add_argument(
        "--confirm",
        action="append",
        metavar="COL=VALUE,…",
        help='disparities chosen beforehand, such as "axis=accent, measure=ratio"; repeat; all else is exploratory',
    )
    parser.add_argument(
        "--family", metavar="COL,COL", help="adjust all other p within these columns (axis,measure,backend)"
    )
    parser.add_argument("--level", type=float, metavar="SHARE", help="confidence level (default: 0.95)")
    parser.add_argument(
        "--interval", metavar="METHOD", help="of rates (default: skewed-log-t; see asrfair list intervals)"
    )
    parser.add_argument("--replicates", type=int, metavar="N", help="bootstrap samples, permutations (default: 2000)")
    parser.add_argument("--above", metavar="WER,WER", help="count utterances and speakers above these (default: 0.5)")
    parser.add_argument(
        "--covariate", action="append", metavar="NAME", help="adjust disparities for it, in models besides; repeat"
    )
    parser.add_argument(
        "--faas", action="store_true", default=None, help="the score of ASR-FAIRBENCH too, for comparison"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="for everything random (default: 0)")
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


RESUMED = (_do_demo, _do_run)
"""What goes on where it was interrupted."""
EVALUATION = (add_demo, add_run, add_score)
"""The commands of this module, in the order of the help text."""
