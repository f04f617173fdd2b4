"""``asrfair report RUN --html FILE``: a run's report as one page, with its words, worst utterances and sounds."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl
from rich.console import Console

from asrfair.errors import InputError, RunFolderError
from asrfair.report.html.page import TOP, check_installed, render_page
from asrfair.report.html.sections import Given
from asrfair.report.html.spoken import Spoken
from asrfair.report.progress import progress
from asrfair.report.text import counted
from asrfair.results import Results, write_text
from asrfair.run.report import check_shown, run_timings
from asrfair.run.shareable import Share, shared
from asrfair.run.utterances import spoken
from asrfair.run.words import WORDS, WordPlan, find_words
from asrfair.stats.words import labelled
from asrfair.tables import UTTERANCES, with_intersections
from asrfair.tables import WORDS as WORD_COLUMNS

PERMUTATIONS = 999
"""The most permutations for a word where its findings are not in the run folder yet."""
MOST_COMPARISONS = 60
"""How many comparisons of words are made for a page; beyond, `asrfair words` has to be asked for them."""
MOST_UTTERANCES = 3
"""Worst utterances of each recogniser under each condition."""


def write_page(
    folder: Path,
    path: Path,
    *,
    audio: int = 0,
    top: int = TOP,
    console: Console | None = None,
    share: Share | None = None,
) -> Path:
    """Write the page of a run and return its path; ``audio`` is how many utterances get clips of their sound.

    Of more than ``top`` groups charts show the worst. With ``share`` it is of the shareable form, without clips.
    Progress goes to ``console`` (default: standard error). Raises RunFolderError for a folder that cannot be read or a
    file that cannot be written, InputError where the extra ``html`` is missing or where clips are asked for and cannot
    be made.
    """
    check_installed()
    if audio < 0:
        raise InputError(f"--audio {audio}: expected 0 or more utterances")
    check_shown(top=top)
    if audio and share:
        raise InputError("--audio: found --shareable as well; expected one of them, as a voice tells who it is")
    results = shared(folder, share)
    words, notes = _words(folder, results, console or Console(stderr=True), share)
    page = render_page(
        results,
        Given(words=words, words_notes=tuple(notes), timings=run_timings(results)),
        _spoken(folder, results, audio=audio, share=share),
        top=top,
    )
    write_text(path, page)
    return path


def _spoken(folder: Path, results: Results, *, audio: int, share: Share | None) -> Spoken:
    """Return the section on utterances; of a shareable form without transcripts it is a note, and never has labels."""
    if share and not share.transcripts:
        return Spoken(notes=("Left out of the shareable form: transcripts, and the utterances they are of.",))
    if share:
        # An utterance's labels on several axes could together tell whose it is; so could the turns that groups take.
        utterances = results.utterances.select(UTTERANCES.keys())
        results = replace(results, utterances=utterances, signature={**results.signature, "axes": {}})
    return spoken(folder, results, most=max(MOST_UTTERANCES, audio), audio=audio)


def _words(
    folder: Path, results: Results, console: Console, share: Share | None
) -> tuple[pl.DataFrame | None, Iterable[str]]:
    """Return the words kept in the folder, or else found now; None with the reason where there are none.

    A shareable form has words of its own, with transcripts alone.
    """
    if share and not share.transcripts:
        return None, ["Left out of the shareable form: words are from transcripts."]
    if share:
        words, notes = _found(results, console)
        return None if words is None else share.words(words), notes
    if (folder / WORDS).is_file():
        return _kept(folder / WORDS), ["As kept by asrfair words in words.parquet."]
    return _found(results, console)


def _found(results: Results, console: Console) -> tuple[pl.DataFrame | None, Iterable[str]]:
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
