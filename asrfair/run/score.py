"""Scoring a table that already holds transcripts, or counts: for auditors who have no model and no audio."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl
import tomli_w

from asrfair.cards import digest
from asrfair.condition import condition_rows
from asrfair.corpus import Axis
from asrfair.errors import InputError, expected
from asrfair.results import PLAN, Results, write_text
from asrfair.run.analysis import check_reference_groups, summarise
from asrfair.run.carded import Carded, carded
from asrfair.run.folder import claim
from asrfair.run.measuring import ask, check_confirm, normalizer_facts, other_normalizers
from asrfair.run.signature import axis_facts, blank_notes, wordless_notes
from asrfair.run.synthetic import KIND, recordings
from asrfair.run.transcripts import (
    GIVEN,
    ScorePlan,
    distinct_utterances,
    inputs,
    join_labels,
    read_tables,
    standardise,
    with_bands,
)
from asrfair.scoring import Normalizer, find_normalizer, score
from asrfair.tables import COUNTS, FAILURES, HYPOTHESES, conform, with_intersections

LARGEST_COUNT = 1_000_000
GIVEN_COUNTS = Normalizer("given-counts", "1", lambda text: text)


def _check_imputed(plan: ScorePlan) -> None:
    for axis in (*plan.assigned_by, *plan.allow_imputed):
        if axis not in plan.parts:
            raise InputError(expected("--assigned-by or --allow-imputed", f"the axis '{axis}'", plan.parts))
    for axis, who in plan.assigned_by.items():
        if who == "imputed" and axis not in plan.allow_imputed:
            raise InputError(
                f"axis '{axis}': found imputed labels; expected labels that speakers or annotators gave "
                f"(to use them all the same, marked: --allow-imputed {axis})"
            )


def score_tables(plan: ScorePlan) -> Results:
    """Score the tables, save a run folder and return its results; raises InputError for what cannot be used."""
    normalizer = GIVEN_COUNTS if plan.words else find_normalizer(plan.normalizer)
    if plan.words and plan.sensitivity:
        raise InputError("--sensitivity: found counts (--words); expected transcripts, which can be normalised again")
    plan, card = carded(plan)
    tables, said = read_tables(plan)
    joined, notes = join_labels(tables, plan)
    joined, strange = card.labelled(joined)
    rows, facts, made = _recorded(standardise(joined, plan), plan, card.facts)
    rows, cut = with_bands(rows, plan)
    _check_imputed(plan)
    utterances = distinct_utterances(rows, plan)
    labels = with_intersections(utterances, plan.by)
    check_reference_groups(plan.reference_groups, labels, plan.by)
    references = card.references(labels, plan.reference_groups)
    counts, hypotheses, failures = _count(rows, utterances, plan, normalizer)
    failures = pl.concat([failures, _absent(rows)])
    names = rows["condition"].unique(maintain_order=True).to_list()
    backends = rows["backend"].unique(maintain_order=True).to_list()
    baselines = (
        _baseline(plan.baseline_condition, names, "baseline condition", preferred="clean"),
        _baseline(plan.baseline_backend, backends, "baseline backend"),
    )
    check_confirm(plan, axes=plan.by, conditions=names, backends=backends)
    folder = Path(plan.out)
    record = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(plan).items()}
    digests = {str(path): digest(path) for path in inputs(plan)}
    depends = {key: value for key, value in record.items() if key not in ("out", "normalizer", "sensitivity")}
    claim(folder, {"score": depends, "normalizer": normalizer.label, "inputs": digests})
    write_text(folder / PLAN, tomli_w.dumps({"score": record}))
    results = summarise(
        ask(
            plan,
            axes=plan.by,
            reference_groups=references,
            baseline_condition=baselines[0],
            baseline_backend=baselines[1],
        ),
        utterances=utterances,
        hypotheses=hypotheses,
        failures=failures,
        counts=counts,
        conditions=condition_rows(()),
        timings=None,
        signature=_signature(plan, utterances, digests, normalizer, names, backends, facts)
        | {
            "axes": axis_facts(plan.by, _axes(plan, card), references, strange),
            "notes": [*card.caveats, *said, *notes, *made, *cut, *blank_notes(hypotheses), *wordless_notes(counts)],
        },
        normalizer=normalizer,
        others=[
            score(utterances, hypotheses, axes=plan.parts, normalizer=other)[0]
            for other in other_normalizers(plan, normalizer)
        ],
    )
    results.save(folder)
    return results


def _recorded(
    rows: pl.DataFrame, plan: ScorePlan, facts: Mapping[str, Any]
) -> tuple[pl.DataFrame, Mapping[str, Any], list[str]]:
    """Return the rows that are counted, the corpus's facts and a note: what is synthetic is treated as in `run`.

    An utterance is synthetic if any table says so of it.
    """
    ids = rows["utterance_id"].filter(rows["_synthetic"]).unique(maintain_order=True)
    rows = rows.drop("_synthetic")
    if facts["kind"] == KIND or ids.is_empty():
        return rows, facts, []
    where = ", ".join(path.name for path in inputs(plan))
    rows, note = recordings(rows, ids, include=plan.include_synthetic, where=where)
    return rows, {**facts, "kind": KIND} if plan.include_synthetic else facts, [note]


def _signature(
    plan: ScorePlan,
    utterances: pl.DataFrame,
    digests: Mapping[str, str],
    normalizer: Normalizer,
    conditions: Sequence[str],
    backends: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "kind": "score",
        "seed": plan.seed,
        "sample_rate": None,
        "device": None,
        "normalizer": normalizer_facts(plan, normalizer),
        "corpus": {
            **facts,
            "title": plan.title or _title(plan),
            "licence": plan.licence,
            "citation": plan.citation,
            "utterances": len(utterances),
            "speakers": utterances["speaker_id"].drop_nulls().n_unique() or None,
            "hours": None,
            "digest": _reading_digest(plan, digests),
        },
        "conditions": {name: {"summary": "as given in the table", "digest": "", "source": ""} for name in conditions},
        "backends": {name: {"type": "table"} for name in backends},
        "limit": None,
        "sample": None,
        "failure_limit": plan.failure_limit,
    }


def _axes(plan: ScorePlan, card: Carded) -> dict[str, Axis]:
    """Return the axes of the planned groups, as the card has them or by the plan alone, with who assigned them."""
    alone = {part: Axis(column=part, assigned_by="not stated", bands=plan.bands.get(part, ())) for part in plan.parts}
    return {
        part: replace(axis, assigned_by=plan.assigned_by.get(part, "not stated"))  # type: ignore[arg-type]
        for part, axis in {**alone, **card.axes}.items()
    }


READING = (
    *("id", "speaker", "reference", "hypothesis", "condition", "backend", "words", "substitutions", "deletions"),
    *("insertions", "key", "key_label", "key_stem", "null", "unquoted", "blank", "bands"),
)


SYNTHETIC = ("synthetic", "include_synthetic")


def _reading_digest(plan: ScorePlan, digests: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits over the files' content and how they are read."""
    reading = [*digests.values(), {key: getattr(plan, key) for key in READING}]
    # Only where they are given: what was scored before they were there keeps its digest.
    reading += [{key: value} for key in SYNTHETIC if (value := getattr(plan, key))]
    return hashlib.sha256(json.dumps(reading, sort_keys=True).encode()).hexdigest()[:16]


def _title(plan: ScorePlan) -> str:
    """Return the labels' file name, or else those of the transcripts, each once."""
    paths = inputs(plan)
    return ", ".join(dict.fromkeys(path.name for path in (paths[-1:] if plan.labels else paths)))


def _absent(rows: pl.DataFrame) -> pl.DataFrame:
    """Return as failures the utterances that another system has under the same condition and this one has not."""
    asked = rows.select("utterance_id", "speaker_id", "condition").unique(maintain_order=True)
    every = asked.join(rows.select("backend").unique(maintain_order=True), how="cross")
    absent = every.join(rows, on=["utterance_id", "condition", "backend"], how="anti")
    return conform(absent.with_columns(stage=pl.lit("transcripts"), reason=pl.lit("no transcript")), FAILURES)


def _count(
    rows: pl.DataFrame, utterances: pl.DataFrame, plan: ScorePlan, normalizer: Normalizer
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return counts, hypotheses and failures."""
    if plan.words:
        counts, failures = _given_counts(rows, plan)
        return counts, conform(rows.head(0), HYPOTHESES), failures
    hypothesis = pl.col("hypothesis").cast(pl.String)
    blank = hypothesis.str.strip_chars() == ""
    failed = hypothesis.is_null() | (blank if plan.blank == "failure" else pl.lit(value=False))
    reason = pl.when(hypothesis.is_null()).then(pl.lit("no hypothesis")).otherwise(pl.lit("blank hypothesis"))
    failures = conform(rows.filter(failed).with_columns(stage=pl.lit("transcripts"), reason=reason), FAILURES)
    hypotheses = conform(rows.filter(~failed), HYPOTHESES)
    counts, unscored = score(utterances, hypotheses, axes=plan.parts, normalizer=normalizer)
    return counts, hypotheses, pl.concat([failures, unscored])


def _given_counts(rows: pl.DataFrame, plan: ScorePlan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return counts as given, checked: whole numbers, none negative, no more errors than words allow."""
    numbers = rows
    for name in GIVEN:
        if not (rows.schema[name].is_numeric() or rows.schema[name] == pl.String):
            raise InputError(f"{name}: found {rows.schema[name]}; expected whole numbers")
        text = rows[name].cast(pl.String).str.strip_chars()
        counts = text.cast(pl.Float64, strict=False)
        bad = ~((counts >= 0) & (counts == counts.floor()) & (counts <= LARGEST_COUNT)).fill_null(value=False)
        wrong = rows.filter(bad & text.is_not_null() & (text != ""))
        if len(wrong):
            raise InputError(
                f"utterance '{wrong['utterance_id'][0]}': found {name} = {wrong[name][0]}; "
                f"expected a whole number from 0 to {LARGEST_COUNT}"
            )
        numbers = numbers.with_columns(counts.cast(pl.Int64).alias(name))
    missing = pl.any_horizontal(pl.col(name).is_null() for name in GIVEN)
    failures = numbers.filter(missing).with_columns(stage=pl.lit("transcripts"), reason=pl.lit("no counts"))
    counted = numbers.filter(~missing).with_columns(
        hits=pl.col("reference_words") - pl.col("substitutions") - pl.col("deletions"),
        normalizer=pl.lit(GIVEN_COUNTS.label),
    )
    impossible = counted.filter(pl.col("hits") < 0)
    if len(impossible):
        row = impossible.row(0, named=True)
        raise InputError(
            f"utterance '{row['utterance_id']}': found {row['substitutions']} substitutions and {row['deletions']} "
            f"deletions in {row['reference_words']} reference words; expected no more than the words"
        )
    return conform(counted, COUNTS, axes=plan.parts), conform(failures, FAILURES)


def _baseline(planned: str, names: Sequence[str], what: str, *, preferred: str = "") -> str | None:
    if planned and planned not in names:
        raise InputError(expected(what, f"'{planned}'", names))
    if planned:
        return planned
    return preferred if preferred in names else (names[0] if names else None)
