"""Checking a corpus without running anything: every file decoded, every transcript and label looked at."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
from rich.console import Console

from asrfair.cards import build
from asrfair.corpus import Corpus, load_corpus
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import EXIT_DONE, EXIT_INCOMPLETE, InputError
from asrfair.report.progress import progress
from asrfair.report.text import counted
from asrfair.report.validation import Validation, render_validation
from asrfair.results import write_text
from asrfair.run import validate_table as table
from asrfair.run.signature import imputed_notes
from asrfair.run.synthetic import KIND
from asrfair.run.validate_audio import PARTS, Looked, look
from asrfair.run.validate_checksums import Promise, broken, promises
from asrfair.run.validate_findings import FINDINGS, SEEN, findings
from asrfair.run.validate_pool import over
from asrfair.run.validate_summary import as_json, summarise
from asrfair.run.validate_twins import duplicates

# Rows of a batch: enough to make up for handing them over, few enough that the bar moves.
BATCH, QUICK_BATCH = 32, 512
GZIPPED = r"(?i)^(.*\.(?:tar\.gz|tgz))::"
# Fewer than these are done sooner than worker processes start.
FEW, QUICK_FEW = 256, 1 << 16


@dataclass(frozen=True)
class ValidatePlan:
    """How to check: which splits (none: the card's own), with how many processes (0: one per core), headers only."""

    splits: tuple[str, ...] = ()
    workers: int = 0
    quick: bool = False

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InputError(f"--workers: found {self.workers}; expected a number of processes, or 0 for one per core")
        if len(set(self.splits)) < len(self.splits):
            raise InputError(f"--split: found {', '.join(self.splits)}; expected each once")


@dataclass(frozen=True)
class Checked:
    """A finished check: its summary, and every finding with the utterance it is about."""

    summary: Validation
    findings: pl.DataFrame


def validate(card: str, root: Path, plan: ValidatePlan, *, console: Console, out: str | None = None) -> int:
    """Check a corpus, print what was found, and return 3 where something is unusable, else 0.

    ``out`` is a file for everything as JSON, or «-»: then JSON is printed instead of text. Raises AsrfairError for a
    hopeless corpus.
    """
    checked = check_corpus(card, root, plan)
    code = EXIT_INCOMPLETE if checked.summary.unusable else EXIT_DONE
    data = as_json(checked.summary, checked.findings, exit_code=code) if out else ""
    if out == "-":
        sys.stdout.write(data)
        return code
    render_validation(checked.summary, console)
    if out:
        write_text(Path(out), data)
        print(f"Saved in {out}", file=sys.stderr)
    return code


def check_corpus(card: str, root: Path, plan: ValidatePlan) -> Checked:
    """Check a corpus and return what was found; a bar on standard error tells how far it is."""
    corpora = {split: load_corpus(card, root, split=split) for split in plan.splits or ("",)}
    corpus = next(iter(corpora.values()))
    utterances = pl.concat(
        part.utterances.with_columns(split=pl.lit(split)) for split, part in corpora.items()
    ).with_row_index("row")
    axes = list(corpus.card.axes)
    unmapped = {axis: _merged(part.unmapped.get(axis, {}) for part in corpora.values()) for axis in axes}
    # What may be refused comes before what takes hours.
    stated, more = _stated(corpus, root, plan)
    listed = [] if plan.quick else promises(corpus.audio_root)
    seen, found = _look(utterances, corpus.audio_root, plan)
    rates, notes = table.speech_rates(utterances, seen)
    parts = [
        found,
        findings(table.transcripts(utterances)),
        rates,
        _durations(stated, utterances, seen),
        findings(duplicates(utterances, seen)),
        findings(table.labels(utterances, axes, unmapped)),
        findings(table.speakers(utterances)),
        findings(table.splits(utterances)),
        findings(_checksums(listed, corpus.audio_root, utterances, plan)),
    ]
    return Checked(
        *summarise(
            corpus,
            utterances=utterances,
            seen=seen,
            findings=pl.concat(parts),
            unmapped=unmapped,
            quick=plan.quick,
            synthetic=sum(
                len(part.utterances if part.card.kind == KIND else part.synthetic) for part in corpora.values()
            ),
            notes=[
                *_marked(corpora.values()),
                *dict.fromkeys(note for part in corpora.values() for note in part.notes),
                *more,
                *notes,
                *table.without_speakers(utterances),
                *imputed_notes(axes, corpus.card.axes),
            ],
        )
    )


def _marked(corpora: Iterable[Corpus]) -> list[str]:
    """Say how many utterances are synthetic, where not all are: of those the notice speaks."""
    count = sum(len(corpus.synthetic) for corpus in corpora if corpus.card.kind != KIND)
    are = counted(count, "utterance is", plural="utterances are")
    return [f"{are} synthetic: counted here, and left out of a run"] if count else []


def _merged(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for label, count in each.items():
            total[label] = total.get(label, 0) + count
    return total


def _look(utterances: pl.DataFrame, audio_root: Path, plan: ValidatePlan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what was seen of the audio (SEEN) and found in it (FINDINGS)."""
    rows = utterances.filter(pl.col("audio").is_not_null()).select("row", "audio", *PARTS).sort("audio", "row")
    size, few = (QUICK_BATCH, QUICK_FEW) if plan.quick else (BATCH, FEW)
    # A file's utterances stay together: it is decoded once. So do a gzipped tar's where headers are all that is read:
    # they cost next to nothing once one process has decompressed it.
    together = pl.coalesce(pl.col("audio").str.extract(GZIPPED), "audio") if plan.quick else pl.col("audio")
    place = pl.col("_place").min().over(together) // size
    placed = rows.with_row_index("_place").select(*rows.columns, _batch=place)
    batches = placed.partition_by("_batch", maintain_order=True, include_key=False)
    workers = _workers(plan, small=rows["audio"].n_unique() < few)
    seen, found = [pl.DataFrame(schema=SEEN)], [pl.DataFrame(schema=FINDINGS)]
    if not batches:
        return seen[0], found[0]
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("reading headers" if plan.quick else "decoding", total=len(rows))
        for looked, count in over(partial(_look_at, audio_root, plan.quick), batches, workers=workers):
            seen.append(looked.seen)
            found.append(looked.findings)
            bar.advance(task, count)
    return pl.concat(seen, rechunk=True).sort("row"), pl.concat(found, rechunk=True).sort("row", maintain_order=True)


def _look_at(audio_root: Path, quick: bool, rows: pl.DataFrame) -> tuple[Looked, int]:
    return look(audio_root, rows, quick=quick), len(rows)


def _workers(plan: ValidatePlan, *, small: bool) -> int:
    if plan.workers:
        return plan.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if small else cores


def _stated(corpus: Corpus, root: Path, plan: ValidatePlan) -> tuple[pl.DataFrame | None, list[str]]:
    """Return how long the corpus's own tables say that utterances are, None if they do not, and where they say so."""
    layout = LAYOUTS[corpus.card.layout["type"]]
    options = build(layout.options, {k: v for k, v in corpus.card.layout.items() if k != "type"}, where="layout")
    parts, sources = [], []
    for split in plan.splits or ("",):
        stated = table.stated_durations(layout.read(root, options, split), root)
        if stated is not None and stated[0]["stated_s"].count():
            parts.append(stated[0].with_columns(split=pl.lit(split)))
            sources.append(f"lengths held to {stated[1]}")
    return pl.concat(parts) if parts else None, list(dict.fromkeys(sources))


def _durations(stated: pl.DataFrame | None, utterances: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Return the utterances that are not as long as stated."""
    if stated is None:
        return pl.DataFrame(schema=FINDINGS)
    rows = utterances.select("row", "utterance_id", "split").join(stated, on=["utterance_id", "split"])
    return table.durations(seen, rows.drop_nulls("stated_s"))


def _checksums(
    listed: Sequence[Promise], audio_root: Path, utterances: pl.DataFrame, plan: ValidatePlan
) -> Iterable[tuple[int | None, str, str]]:
    if not listed:
        return
    file = pl.col("audio").str.split("::").list.first()
    rows = dict(utterances.drop_nulls("audio").group_by(file.alias("file")).agg("row").iter_rows())
    batches = [listed[first : first + BATCH] for first in range(0, len(listed), BATCH)]
    workers = _workers(plan, small=len(listed) < FEW)
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("checksums", total=len(listed))
        faults: list[tuple[str, str, str]] = []
        for found, count in over(partial(_keep, audio_root), batches, workers=workers):
            faults += found
            bar.advance(task, count)
    # Workers end in no order.
    for name, kind, what in sorted(faults):
        yield from ((row, kind, what) for row in rows.get(name, [None]))


def _keep(root: Path, listed: Sequence[Promise]) -> tuple[list[tuple[str, str, str]], int]:
    checked = [(promise.name, broken(root, promise)) for promise in listed]
    return [(name, *fault) for name, fault in checked if fault is not None], len(listed)
