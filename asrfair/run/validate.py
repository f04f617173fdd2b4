"""Checking a corpus without running anything: what opens, what is empty, whose labels are missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asrfair.audio import inspect_audio
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import InputError
from asrfair.report.progress import progress

Problem = tuple[str, str, str]


def validate(card: str, root: Path, *, split: str, console: Console) -> int:
    """Print what was found; return how many utterances cannot be used. Raises InputError for a hopeless corpus."""
    corpus = load_corpus(card, root, split=split)
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("checking", total=len(corpus.utterances))
        problems: list[Problem] = []
        for row in corpus.utterances.iter_rows(named=True):
            problems += _problems(row, corpus.audio_root)
            bar.advance(task)
    _print(corpus, problems, console)
    return len({utterance for kind, utterance, _ in problems if kind != "noted"})


def _problems(row: dict[str, Any], audio_root: Path) -> Iterator[Problem]:
    utterance = str(row["utterance_id"])
    if row["reference"] is None:
        yield "no reference", utterance, ""
    elif not str(row["reference"]).strip():
        yield "empty reference", utterance, ""
    if row["audio"] is None:
        return
    try:
        info = inspect_audio(
            audio_root / str(row["audio"]), start_s=row["start_s"], end_s=row["end_s"], channel=row["channel"]
        )
    except InputError as error:
        yield "audio", utterance, str(error)
        return
    for note in info.notes:
        yield "noted", utterance, note


def _print(corpus: Corpus, problems: list[Problem], console: Console) -> None:
    utterances = corpus.utterances
    speakers = utterances["speaker_id"].drop_nulls().n_unique()
    silent = utterances["audio"].null_count()
    console.print(escape(f"{corpus.card.title}: {len(utterances)} utterances, {speakers or 'unknown'} speakers"))
    if silent:
        console.print(f"{silent} utterances have no audio: for replay and score only")
    for axis in corpus.card.axes:
        _print_axis(utterances, axis, corpus, console)
    for note in corpus.notes:
        console.print(escape(f"Note: {note}"))
    if not problems:
        console.print("No problem found.")
        return
    table = Table("problem", "utterances", "first", "what", box=None, pad_edge=False)
    found = pl.DataFrame(problems, schema=["kind", "utterance", "what"], orient="row")
    for kind, count, first, what in (
        found.group_by("kind", maintain_order=True).agg(pl.len(), pl.first("utterance"), pl.first("what")).iter_rows()
    ):
        table.add_row(kind, str(count), escape(first), escape(what))
    console.print(table)


def _print_axis(utterances: pl.DataFrame, axis: str, corpus: Corpus, console: Console) -> None:
    facts = corpus.card.axes[axis]
    table = Table(
        "group", "speakers", "utterances", title=escape(f"{axis} ({facts.assigned_by})"), title_justify="left"
    )
    table.box = None
    groups = (
        utterances.group_by(axis)
        .agg(pl.col("speaker_id").drop_nulls().n_unique().alias("speakers"), pl.len())
        .sort(axis, nulls_last=True)
    )
    for group, speakers, count in groups.iter_rows():
        name = "(unlabelled)" if group is None else group
        mark = " (not mapped by the card)" if group in corpus.unmapped[axis] else ""
        table.add_row(escape(name + mark), str(speakers) if speakers else "unknown", str(count))
    console.print(table)
