"""``asrfair words RUN``: which words a group is misheard in more than the reference group, and what to listen to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console

from asrfair.errors import InputError, expected
from asrfair.report.progress import progress
from asrfair.report.text import counted
from asrfair.report.words import render_words
from asrfair.results import Results, write_table
from asrfair.run.analysis import check_axes
from asrfair.run.normalizing import own_normalizer
from asrfair.run.told import without_probes
from asrfair.scoring import align_words, normalize_pairs
from asrfair.stats.words import labelled, word_rows
from asrfair.tables import with_intersections

WORDS = "words.parquet"
LISTEN = "listen.parquet"
FALSE_DISCOVERIES = 0.05
LEAST_PERMUTATIONS = 99


@dataclass(frozen=True)
class WordPlan:
    """What to look into: axes (default: all with a reference group), groups, one condition (the baseline), backends.

    ``permutations`` is the most that are drawn for a word; ``listen`` is how many utterances of a group are named.
    """

    by: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    condition: str = ""
    backend: str = ""
    permutations: int = 99_999
    listen: int = 5


@dataclass(frozen=True)
class WordFindings:
    """``words`` as in `asrfair.tables.WORDS`; ``listen``: the utterances in which a group is misheard most.

    ``notes`` say what was left out and why.
    """

    words: pl.DataFrame
    listen: pl.DataFrame
    notes: tuple[str, ...] = ()


Progress = Callable[[int, int], None]


def find_words(results: Results, plan: WordPlan, *, progress: Progress = lambda done, total: None) -> WordFindings:
    """Return the word-level findings of a run; raises InputError for what the run does not have.

    ``progress`` is told how many comparisons are done, and of how many.
    """
    results = without_probes(results)
    references = {axis: facts.get("reference_group") for axis, facts in results.signature["axes"].items()}
    axes = plan.by or tuple(axis for axis, group in references.items() if group)
    _check(results, plan, axes, references)
    named = {axis: str(references[axis]) for axis in axes}
    labels = with_intersections(results.utterances, axes)
    compared = _compared(labels, plan, named)
    aligned = _aligned(results, plan)
    total = aligned.select("condition", "backend").n_unique() * sum(map(len, compared.values()))
    count = iter(range(1, total + 1))
    words, listen = [], []
    for axis, groups in compared.items():
        rows = aligned.join(labels.select("utterance_id", "speaker_id", label=axis), on="utterance_id", how="left")
        table = word_rows(
            rows,
            axis=axis,
            reference=named[axis],
            groups=groups,
            permutations=plan.permutations,
            seed=int(results.signature.get("seed") or 0),
            done=lambda: progress(next(count), total),
        )
        words.append(table)
        listen.append(_worth_listening(rows, table, results, groups=groups, most=plan.listen, axis=axis))
    return WordFindings(pl.concat(words), pl.concat(listen), tuple(_notes(labels, compared)))


def _compared(labels: pl.DataFrame, plan: WordPlan, references: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the groups to compare by axis; an axis without any of the groups asked for is left out."""
    found = {axis: labelled(labels[axis], reference) for axis, reference in references.items()}
    for group in plan.groups:
        there = [name for groups in found.values() for name in groups]
        if group not in there:
            raise InputError(expected("words", f"no group '{group}' to compare with the reference group", there))
    if not plan.groups:
        return found
    asked = {axis: [group for group in groups if group in plan.groups] for axis, groups in found.items()}
    return {axis: groups for axis, groups in asked.items() if groups}


def _notes(labels: pl.DataFrame, axes: Iterable[str]) -> Iterator[str]:
    unknown = labels["speaker_id"].null_count()
    if unknown:
        yield f"Left out: {counted(unknown, 'utterance')} without a known speaker."
    for axis in axes:
        named = labels.drop_nulls(["speaker_id", axis]).group_by("speaker_id").agg(pl.col(axis).n_unique())
        several = named.filter(pl.col(axis) > 1).height
        if several:
            yield f"Left out where both groups are theirs: {counted(several, 'speaker')} with more than one {axis}."


def show_words(folder: Path, plan: WordPlan, console: Console, *, top: int) -> None:
    """Find a run's words, keep them in its folder and print them."""
    if top < 1:
        raise InputError(f"--top {top}: expected 1 or more words")
    results = Results.load(folder)
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("comparing words", total=None, visible=False)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        findings = find_words(results, plan, progress=update)
    save_words(findings, folder)
    render_words(findings.words, findings.listen, console, notes=findings.notes, top=top)


def save_words(findings: WordFindings, folder: Path) -> tuple[Path, Path]:
    """Write both tables into the run folder; return their paths."""
    write_table(folder / WORDS, findings.words)
    write_table(folder / LISTEN, findings.listen)
    return folder / WORDS, folder / LISTEN


def _check(results: Results, plan: WordPlan, axes: Sequence[str], references: Mapping[str, str | None]) -> None:
    if results.hypotheses.is_empty():
        raise InputError("words: found a run without transcripts (counts were given); expected one with hypotheses")
    if results.utterances["speaker_id"].drop_nulls().is_empty():
        raise InputError("words: found a run without speakers; expected them, they are what is compared")
    if plan.permutations < LEAST_PERMUTATIONS:
        raise InputError(f"--permutations {plan.permutations}: expected at least {LEAST_PERMUTATIONS}")
    if plan.listen < 0:
        raise InputError(f"--listen {plan.listen}: expected 0 or more utterances")
    check_axes(axes, list(dict.fromkeys(part for axis in references for part in axis.split("*"))), where="words")
    without = [axis for axis in axes if not references.get(axis)]
    if without or not axes:
        named = f"the axis '{without[0]}'" if without else "a run"
        having = [axis for axis, group in references.items() if group]
        raise InputError(expected("words", f"{named} without a reference group", having))
    for name in ("condition", "backend"):
        found, there = getattr(plan, name), results.hypotheses[name].unique().sort()
        if found and found not in there:
            raise InputError(expected("words", f"no {name} '{found}'", there))


def _aligned(results: Results, plan: WordPlan) -> pl.DataFrame:
    """Return one row per aligned word of the cells asked for, with the run's own normaliser."""
    normalizer = own_normalizer(results, where="words")
    condition = plan.condition or results.signature.get("baseline_condition")
    rows = results.hypotheses.filter(*([pl.col("condition") == condition] if condition else []))
    rows = rows.filter(*([pl.col("backend") == plan.backend] if plan.backend else []))
    texts = results.utterances.select("utterance_id", "reference")
    rows = rows.join(texts, on="utterance_id", maintain_order="left").drop_nulls(["reference", "hypothesis"])
    return align_words(normalize_pairs(rows, normalizer=normalizer))


def _worth_listening(
    rows: pl.DataFrame, words: pl.DataFrame, results: Results, *, axis: str, groups: Sequence[str], most: int
) -> pl.DataFrame:
    """Return each group's utterances with the most misheard words of its findings (or else the most errors)."""
    found = words.filter(
        pl.col("kind") == "word", pl.col("p_fdr") < FALSE_DISCOVERIES, pl.col("rate") > pl.col("reference_rate")
    )
    key = ["group", "condition", "backend"]
    flagged = found.select(*key, "reference_word", flagged=pl.lit(True))
    wrong = (
        rows.rename({"label": "group"})
        .filter(pl.col("operation") != "equal", pl.col("group").is_in(groups))
        .join(flagged, on=[*key, "reference_word"], how="left", maintain_order="left")
        .sort(*key, "utterance_id", "position")
    )
    said = pl.col("reference_word").fill_null("") + ">" + pl.col("hypothesis_word").fill_null("")
    ranked = (
        wrong.group_by(*key, "utterance_id", "speaker_id", maintain_order=True)
        .agg(
            findings=pl.col("flagged").fill_null(False).sum().cast(pl.Int64),
            errors=pl.len().cast(pl.Int64),
            misheard=said.str.join(", "),
        )
        .sort(*key, "findings", "errors", "utterance_id", descending=[False, False, False, True, True, False])
        .group_by(key, maintain_order=True)
        .head(most)
    )
    texts = results.utterances.select("utterance_id", "audio", "reference")
    heard = results.hypotheses.select("utterance_id", "condition", "backend", "hypothesis")
    return (
        ranked.join(texts, on="utterance_id", how="left", maintain_order="left")
        .join(heard, on=["utterance_id", "condition", "backend"], how="left", maintain_order="left")
        .select(pl.lit(axis).alias("axis"), pl.all())
    )
