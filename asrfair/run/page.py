"""``asrfair report RUN --html FILE``: a run's report as one page, with its words, worst utterances and sounds."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
from rich.console import Console

from asrfair.errors import InputError, RunFolderError
from asrfair.report.html.page import TOP, check_installed, render_page
from asrfair.report.html.sections import Given
from asrfair.report.progress import progress
from asrfair.report.text import counted
from asrfair.results import Results, write_text
from asrfair.run.report import check_shown, run_timings
from asrfair.run.utterances import spoken
from asrfair.run.words import WORDS, WordPlan, find_words
from asrfair.stats.words import labelled
from asrfair.tables import WORDS as WORD_COLUMNS
from asrfair.tables import with_intersections

PERMUTATIONS = 999
"""The most permutations for a word where its findings are not in the run folder yet."""
MOST_COMPARISONS = 60
"""How many comparisons of words are made for a page; beyond, `asrfair words` has to be asked for them."""
MOST_UTTERANCES = 3
"""Worst utterances of each recogniser under each condition."""


def write_page(folder: Path, path: Path, *, audio: int = 0, top: int = TOP, console: Console | None = None) -> Path:
    """Write the page of a run and return its path; ``audio`` is how many utterances get clips of their sound.

    Of more than ``top`` groups charts show the worst. Progress goes to ``console`` (default: standard error). Raises
    RunFolderError for a folder that cannot be read or a file that cannot be written, InputError where the extra
    ``html`` is missing or where clips are asked for and cannot be made.
    """
    check_installed()
    if audio < 0:
        raise InputError(f"--audio {audio}: expected 0 or more utterances")
    check_shown(top=top)
    results = Results.load(folder)
    words, notes = _words(folder, results, console or Console(stderr=True))
    most = max(MOST_UTTERANCES, audio)
    page = render_page(
        results,
        Given(words=words, words_notes=tuple(notes), timings=run_timings(results)),
        spoken(folder, results, most=most, audio=audio),
        top=top,
    )
    write_text(path, page)
    return path


def _words(folder: Path, results: Results, console: Console) -> tuple[pl.DataFrame | None, Iterable[str]]:
    """Return the words kept in the folder, or else found now; None with the reason where there are none."""
    if (folder / WORDS).is_file():
        return _kept(folder / WORDS), ["As kept by asrfair words in words.parquet."]
    plan = WordPlan(permutations=PERMUTATIONS, listen=0)
    comparisons = _comparisons(results)
    if comparisons > MOST_COMPARISONS:
        many = counted(comparisons, "comparison")
        return None, [f"Not compared: too many for a page ({many}): first run asrfair words RUN."]
    try:
        with progress(console) as bar:
            task = bar.add_task("comparing words", total=None, visible=False)

            def update(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total, visible=True)

            found = find_words(results, plan, progress=update)
    except InputError as error:
        return None, [f"Not compared: {error}."]
    drawn = f"Drawn for this page: at most {PERMUTATIONS:,} permutations. For more: asrfair words RUN."
    return found.words, [*found.notes, drawn]


def _kept(path: Path) -> pl.DataFrame:
    try:
        words = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RunFolderError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    for name, kind in WORD_COLUMNS.items():
        if words.schema.get(name) != kind:
            found = words.schema.get(name)
            raise RunFolderError(f"{path}: column '{name}': found {found}; expected {kind.__name__}")
    return words


def _comparisons(results: Results) -> int:
    """Return how many comparisons of groups there would be, each with every recogniser."""
    axes = results.signature.get("axes") or {}
    named = {axis: str(facts["reference_group"]) for axis, facts in axes.items() if facts.get("reference_group")}
    there = results.utterances.columns
    named = {axis: group for axis, group in named.items() if all(part in there for part in axis.split("*"))}
    labels = with_intersections(results.utterances, named)
    groups = sum(len(labelled(labels[axis], group)) for axis, group in named.items())
    return groups * results.hypotheses["backend"].n_unique()
