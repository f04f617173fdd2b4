"""The demo: a small synthetic accent corpus, a bundled recogniser with two language models, the whole job."""

import sys
from pathlib import Path

from rich.console import Console

from asrfair.backend.ngram import DICTIONARY, write_domain_models
from asrfair.corpus.synthesis import synthesise
from asrfair.report.progress import progress
from asrfair.report.sentences import SYNTHETIC
from asrfair.run.card import write_card
from asrfair.run.command import finish, run_plan
from asrfair.run.plan import CorpusPlan, Plan

SEED = 20
CONDITIONS = ("clean", "pink-noise-10db", "telephone")
MODELS = ("in-domain", "held-out")


def demo(folder: Path, *, workers: int) -> int:
    """Make the corpus, run the plan, print the report and write the card; return the exit code.

    What exists already in ``folder`` is used, so a second call goes on or only reports.
    """
    print(SYNTHETIC, file=sys.stderr)
    corpus = folder / "corpus"
    if not (corpus / "utterances.csv").is_file():
        with progress(Console(stderr=True)) as bar:
            task = bar.add_task("synthesising", total=None)

            def update(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            synthesise(corpus, seed=SEED, progress=update)
    results = run_plan(demo_plan(folder, workers=workers))
    write_card(results, folder / "run")
    return finish(results, folder / "run")


def demo_plan(folder: Path, *, workers: int) -> Plan:
    """Return the demo's plan, after writing the two language models it uses."""
    corpus = folder / "corpus"
    models = write_domain_models(corpus / "sentences", corpus)
    backends = {
        name: {"type": "pocketsphinx", "language_model": str(models[name]), "dictionary": str(corpus / DICTIONARY)}
        for name in MODELS
    }
    return Plan(
        corpus=CorpusPlan(card="demo", root=str(corpus)),
        backends=backends,
        conditions=CONDITIONS,
        by=("accent", "gender"),
        normalizer="basic",
        seed=SEED,
        workers=workers,
        out=str(folder / "run"),
    )
