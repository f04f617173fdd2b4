"""What a corpus can show before a run, or could show after one: speakers, words, smallest disparities, gaps to fill."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from asrfair.audio import inspect_audio
from asrfair.corpus import Corpus, load_corpus
from asrfair.errors import EXIT_DONE, InputError, expected
from asrfair.report import sentences
from asrfair.report.coverage import Survey, render_coverage
from asrfair.report.progress import progress
from asrfair.results import SIGNATURE, Results, write_table, write_text
from asrfair.run.analysis import check_axes, check_reference_groups
from asrfair.run.covariates import with_covariates
from asrfair.run.options import card_and_root
from asrfair.run.signature import axis_facts, imputed_notes
from asrfair.run.synthetic import without_synthetic
from asrfair.scoring import find_normalizer
from asrfair.stats.cells import Axis, find_axis, natural_order
from asrfair.stats.coverage import Aim, coverage_rows, estimated_spread
from asrfair.stats.planning import ASSUMED, Spread
from asrfair.tables import FAILURES, INTERSECTION, OVERALL, UTTERANCES, with_intersections

NORMALIZER = "basic"
ENDINGS = (".csv", ".json", ".parquet")
DURATION = "duration_s"


@dataclass(frozen=True)
class CoveragePlan:
    """What is asked of a corpus or a run.

    by                axes, and products such as "accent*gender" (default: all of the card, or of the run)
    reference_groups  per axis, the group to compare with (default: the card's, or the run's)
    split             the corpus's split, if it has any
    include_synthetic count utterances that the corpus's card marks as synthetic
    level, power      of comparisons
    half_width        wanted of each group's WER, relative: 0.25 is ±25 %
    wer, cv2, dispersion  assumed instead of 15 %, 0.386 and 1, or instead of what was measured
    pilot             a run folder whose spread of speakers is taken for a corpus
    conditions, backends  of a run (default: its baselines)
    """

    by: tuple[str, ...] = ()
    reference_groups: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    include_synthetic: bool = False
    level: float = 0.95
    power: float = 0.8
    half_width: float = 0.25
    wer: float | None = None
    cv2: float | None = None
    dispersion: float | None = None
    pilot: str = ""
    conditions: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(0.5 <= self.level < 1, "level", self.level, "a confidence level from 0.5 to below 1")
        _check(0.5 <= self.power < 1, "power", self.power, "a share from 0.5 to below 1, for example 0.8")
        _check(0.001 <= self.half_width <= 10, "half_width", self.half_width, "a share from 0.001 to 10, such as 0.25")
        _check(self.wer is None or 0 < self.wer <= 10, "wer", self.wer, "a fraction above 0, for example 0.15")
        _check(self.cv2 is None or 0 <= self.cv2 <= 100, "cv2", self.cv2, "a number from 0 to 100, such as 0.386")
        good = self.dispersion is None or 0 < self.dispersion <= 1000
        _check(good, "dispersion", self.dispersion, "a number above 0, for example 1")

    def aim(self) -> Aim:
        """Return what is wanted, as the statistics ask for it."""
        return Aim(level=self.level, power=self.power, half_width=self.half_width)

    def instead_of(self, spread: Spread) -> Spread:
        """Return the spread with what the plan assumes in its place."""
        assumed = {"rate": self.wer, "cv2": self.cv2, "dispersion": self.dispersion}
        return replace(spread, **{name: value for name, value in assumed.items() if value is not None})


def _check(good: bool, key: str, found: object, wanted: str) -> None:
    if not good:
        raise InputError(f"coverage: {key}: found {found}; expected {wanted}")


def coverage(target: str, plan: CoveragePlan, *, console: Console, out: Path | None = None) -> int:
    """Print what a corpus (CARD=ROOT) or a run (its folder) can show, and write the table to ``out`` if given."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise InputError(expected(f"--out {out}", f"file ending '{out.suffix}'", ENDINGS))
    rows, survey = survey_of(target, plan)
    render_coverage(rows, survey, console)
    if out is not None:
        _write(rows, out)
    return EXIT_DONE


def survey_of(target: str, plan: CoveragePlan) -> tuple[pl.DataFrame, Survey]:
    """Return the coverage table (`asrfair.stats.coverage.COVERAGE`) and what it was made of.

    Raises InputError for a target that is neither, and for axes, groups, conditions or backends that are not there.
    """
    card, sign, root = card_and_root(target)
    if (Path(target) / SIGNATURE).is_file() or (not sign and Path(target).is_dir()):
        return _of_run(Path(target), plan)
    if not (card and root):
        raise InputError(f"coverage: found '{target}'; expected CARD=ROOT, or the folder of a run")
    corpus = load_corpus(card, Path(root), split=plan.split)
    return _of_corpus(without_synthetic(corpus, include=plan.include_synthetic), plan)


def _of_corpus(corpus: Corpus, plan: CoveragePlan) -> tuple[pl.DataFrame, Survey]:
    for given, name in ((plan.conditions, "condition"), (plan.backends, "backend")):
        _check(not given, name, ", ".join(given), "none: a corpus has not been run")
    by = plan.by or tuple(corpus.card.axes)
    check_axes(by, list(corpus.card.axes), where=f"corpus '{corpus.card.name}'")
    utterances = with_intersections(corpus.utterances, by)
    references = _references(plan, by, {name: axis.reference_group for name, axis in corpus.card.axes.items()})
    check_reference_groups(references, utterances, by)
    rows = utterances.with_columns(_words(utterances), _seconds(corpus))
    pilot = _pilot(Path(plan.pilot)) if plan.pilot else None
    parts = []
    for axis in (OVERALL, *by):
        spread = plan.instead_of(ASSUMED if pilot is None else _spread(pilot, axis))
        found = _planned(find_axis(axis, rows, rows.head(0)), corpus)
        parts.append(coverage_rows(rows, found, reference=references.get(axis), spread=spread, aim=plan.aim()))
    source = "assumed" if pilot is None else f"estimated from the pilot {plan.pilot}"
    origins = {axis: facts["assigned_by"] for axis, facts in axis_facts(by, corpus.card.axes, references, {}).items()}
    synthetic = corpus.card.kind == "synthetic"
    notes = [*corpus.notes, *imputed_notes(_parts(by), corpus.card.axes)]
    survey = _survey(corpus.card.title, origins, source, plan, notes, wer=parts[0]["wer"][0], synthetic=synthetic)
    return pl.concat(parts), survey


def _parts(by: Iterable[str]) -> list[str]:
    """Return the axes, each once, that axes and products of axes are made of."""
    return list(dict.fromkeys(part for axis in by for part in axis.split(INTERSECTION)))


def _of_run(folder: Path, plan: CoveragePlan) -> tuple[pl.DataFrame, Survey]:
    asked = "true" if plan.include_synthetic else ""
    for given, name in ((plan.split, "split"), (plan.pilot, "pilot"), (asked, "include_synthetic")):
        _check(not given, name, given, "none: a run has its own")
    results = Results.load(folder)
    signature = results.signature
    facts: Mapping[str, Any] = signature.get("axes") or {}
    by = plan.by or tuple(facts)
    check_axes(by, _labels(results), where=folder)
    references = _references(plan, by, {name: about.get("reference_group") or "" for name, about in facts.items()})
    counts = with_intersections(_counted(results), by)
    check_reference_groups(references, counts, by)
    failures = with_intersections(_failures(results), by)
    axes = [find_axis(axis, counts, failures) for axis in (OVERALL, *by)]
    parts = []
    for cell, names in _cells(counts, plan, signature):
        for axis in axes:
            rows = cell.drop("errors") if plan.wer is not None else cell
            spread = plan.instead_of(estimated_spread(cell, axis))
            found = coverage_rows(rows, axis, reference=references.get(axis.name), spread=spread, aim=plan.aim())
            parts.append(found.with_columns(pl.lit(value).alias(name) for name, value in names.items()))
    origins = {axis: (facts.get(axis) or {}).get("assigned_by") or "origin of labels not stated" for axis in by}
    corpus = signature.get("corpus") or {}
    title = f"{corpus.get('title') or folder}, as run"
    cut = sentences.cut(signature)
    notes = [] if cut is None else [cut]
    synthetic = corpus.get("kind") == "synthetic"
    survey = _survey(title, origins, "estimated from this run", plan, notes, wer=plan.wer, synthetic=synthetic)
    return pl.concat(parts), survey


def _planned(axis: Axis, corpus: Corpus) -> Axis:
    """Return the axis with the levels that the card maps labels to: one without a speaker is a cell to fill."""
    facts = corpus.card.axes.get(axis.name)
    groups = {group for group in axis.groups if group is not None}
    planned = groups | set(facts.levels.values() if facts else ())
    if planned == groups:
        return axis
    return Axis(axis.name, (*sorted(planned, key=natural_order), *((None,) if None in axis.groups else ())))


def _survey(
    title: str,
    origins: Mapping[str, str],
    source: str,
    plan: CoveragePlan,
    notes: Iterable[str],
    *,
    wer: float | None,
    synthetic: bool,
) -> Survey:
    given = {"WER": plan.wer, "cv2": plan.cv2, "dispersion": plan.dispersion}
    changed = ", ".join(f"{name} {value:g}" for name, value in given.items() if value is not None)
    return Survey(
        title=title,
        axes=origins,
        spread=f"{source}, with {changed} as asked" if changed else source,
        wer=wer,
        level=plan.level,
        power=plan.power,
        half_width=plan.half_width,
        notes=tuple(notes),
        synthetic=synthetic,
    )


def _references(plan: CoveragePlan, by: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the reference groups asked for, else those that the card or the run names."""
    own = {axis: known[axis] for axis in by if known.get(axis)}
    return {**own, **plan.reference_groups}


def _words(utterances: pl.DataFrame) -> pl.Series:
    """Return the words of each reference, null where there is none."""
    texts = find_normalizer(NORMALIZER).normalize_all(utterances["reference"].drop_nulls())
    counted = [None if text is None else len(texts[text].split()) for text in utterances["reference"]]
    return pl.Series("words", counted, dtype=pl.Int64)


def _seconds(corpus: Corpus) -> pl.Series:
    """Return the length of each utterance by its times, or its file's header; null where neither can tell."""
    lengths = []
    with progress(Console(stderr=True)) as bar:
        task = bar.add_task("measuring", total=len(corpus.utterances))
        for row in corpus.utterances.iter_rows(named=True):
            lengths.append(_length(row, corpus.audio_root))
            bar.advance(task)
    return pl.Series("seconds", lengths, dtype=pl.Float64)


def _length(row: Mapping[str, Any], root: Path) -> float | None:
    start = row["start_s"] or 0.0
    if row["end_s"] is not None:
        return float(row["end_s"] - start)
    if row["audio"] is None:
        return None
    try:
        return inspect_audio(root / row["audio"], start_s=start, channel=row["channel"]).duration_s - start
    except InputError:
        return None


def _labels(results: Results) -> list[str]:
    return [name for name in results.utterances.columns if name not in UTTERANCES and name in results.counts.columns]


def _counted(results: Results) -> pl.DataFrame:
    """Return the counts with ``words``, ``errors`` and ``seconds``."""
    counts = with_covariates(results.counts, results.utterances, results.timings, [DURATION])
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions")
    return counts.with_columns(words=pl.col("reference_words"), errors=errors, seconds=pl.col(DURATION))


def _failures(results: Results) -> pl.DataFrame:
    labels = results.utterances.select("utterance_id", *_labels(results))
    return results.failures.select(*FAILURES).join(labels, on="utterance_id", how="left")


def _cells(
    counts: pl.DataFrame, plan: CoveragePlan, signature: Mapping[str, Any]
) -> Iterator[tuple[pl.DataFrame, dict[str, str]]]:
    """Yield the rows of each backend and condition asked for, the baselines if none is."""
    for backend in _chosen(plan.backends, counts["backend"], signature.get("baseline_backend")):
        for condition in _chosen(plan.conditions, counts["condition"], signature.get("baseline_condition")):
            names = {"backend": backend, "condition": condition}
            yield counts.filter(pl.col(name) == value for name, value in names.items()), names


def _chosen(asked: tuple[str, ...], there: pl.Series, baseline: str | None) -> tuple[str, ...]:
    names = there.unique().sort().to_list()
    for name in asked:
        if name not in names:
            raise InputError(expected(f"coverage: {there.name}", f"'{name}'", names))
    return asked or ((baseline,) if baseline in names and baseline is not None else tuple(names[:1]))


def _pilot(folder: Path) -> pl.DataFrame:
    """Return the rows of a run's baselines."""
    results = Results.load(folder)
    ((rows, _),) = _cells(_counted(results), CoveragePlan(), results.signature)
    return rows


def _spread(pilot: pl.DataFrame, axis: str) -> Spread:
    """Return the spread within the groups of an axis, or among all speakers where the pilot does not have it."""
    parts = axis.split(INTERSECTION)
    name = axis if all(part in pilot.columns for part in parts) else OVERALL
    rows = with_intersections(pilot, [name])
    return estimated_spread(rows, find_axis(name, rows, rows.head(0)))


def _write(rows: pl.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".parquet":
        write_table(path, rows)
    else:
        write_text(path, rows.write_csv() if path.suffix.lower() == ".csv" else rows.write_json() + "\n")
