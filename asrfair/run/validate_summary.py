"""From findings to a summary: counts by kind and group, examples, and the same as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.corpus import Corpus
from asrfair.report.validation import Validation
from asrfair.results import json_text
from asrfair.run.validate_findings import KINDS
from asrfair.stats.cells import natural_order

EXAMPLES = 3
BY_AXIS = ("speaker with two values", "label not mapped")
ONCE = (*BY_AXIS, "speaker in two splits")
"""Kinds that are found of every utterance of a speaker, or with a label."""


def summarise(
    corpus: Corpus,
    *,
    utterances: pl.DataFrame,
    seen: pl.DataFrame,
    findings: pl.DataFrame,
    unmapped: Mapping[str, Mapping[str, int]],
    quick: bool,
    synthetic: int,
    notes: Sequence[str],
) -> tuple[Validation, pl.DataFrame]:
    """Return the summary, and the findings with ``utterance_id``, ``speaker_id``, ``split``, ``audio`` and gravity.

    An utterance counts once per kind, whatever the number of findings.
    """
    axes = list(corpus.card.axes)
    gravity = {name: kind.gravity for name, kind in KINDS.items()}
    facts = utterances.select("row", "utterance_id", "speaker_id", "split", "audio", *axes)
    told = findings.with_columns(gravity=pl.col("kind").replace_strict(gravity, return_dtype=pl.String)).join(
        facts, on="row", how="left", maintain_order="left"
    )
    once = told.drop_nulls("row").unique(["row", "kind"], maintain_order=True)
    kinds, groups, by_group = _kinds(told, once), _groups(facts, seen, once, axes, unmapped), _by_group(once, axes)
    unusable = told.filter(pl.col("gravity") == "unusable")
    summary = Validation(
        title=corpus.card.title,
        utterances=len(utterances),
        speakers=utterances["speaker_id"].drop_nulls().n_unique() or None,
        files=utterances["audio"].drop_nulls().n_unique(),
        minutes=float(seen["seconds"].sum()) / 60 if len(seen) else None,
        without_audio=utterances["audio"].null_count(),
        unusable=unusable["row"].drop_nulls().n_unique() + unusable["row"].null_count(),
        quick=quick,
        synthetic=corpus.card.kind == "synthetic",
        origins={axis: corpus.card.axes[axis].assigned_by for axis in axes},
        groups=groups,
        kinds=kinds,
        by_group=by_group,
        notes=tuple(notes),
        synthetic_utterances=synthetic,
    )
    return summary, told.drop("row", *axes).select(
        "kind", "gravity", "utterance_id", "speaker_id", "split", "audio", "what"
    )


def _kinds(told: pl.DataFrame, once: pl.DataFrame) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, kind in KINDS.items():
        mine, each = told.filter(pl.col("kind") == name), once.filter(pl.col("kind") == name)
        if mine.is_empty():
            continue
        examples = _examples(name, mine).select("utterance_id", "what")
        rows.append(
            {
                "kind": name,
                "gravity": kind.gravity,
                "means": kind.means,
                "utterances": len(each),
                "speakers": each["speaker_id"].drop_nulls().n_unique(),
                "others": mine["row"].null_count(),
                "examples": examples.to_dicts(),
            }
        )
    example = pl.List(pl.Struct({"utterance_id": pl.String, "what": pl.String}))
    numbers = dict.fromkeys(("utterances", "speakers", "others"), pl.Int64)
    texts = dict.fromkeys(("kind", "gravity", "means"), pl.String)
    return pl.DataFrame(rows, schema={**texts, **numbers, "examples": example})


def _examples(kind: str, mine: pl.DataFrame) -> pl.DataFrame:
    """Return examples of a kind; what is found of a speaker, or a label, is told once, of every axis in turn."""
    if kind not in ONCE:
        return mine.unique(["utterance_id", "what"], keep="first", maintain_order=True).head(EXAMPLES)
    each = mine.unique("what", keep="first", maintain_order=True)
    axis = pl.col("what").str.extract("^([^:]*): ") if kind in BY_AXIS else pl.lit("")
    turn = each.with_columns(axis=axis).with_columns(turn=pl.int_range(pl.len()).over("axis"))
    return turn.sort("turn", maintain_order=True).head(max(EXAMPLES, turn["axis"].n_unique()))


def _groups(
    facts: pl.DataFrame,
    seen: pl.DataFrame,
    once: pl.DataFrame,
    axes: Sequence[str],
    unmapped: Mapping[str, Mapping[str, int]],
) -> pl.DataFrame:
    counts = dict.fromkeys(("speakers", "utterances", "unusable", "suspect"), pl.Int64)
    schema = {"axis": pl.String, "group": pl.String, "mapped": pl.Boolean, "minutes": pl.Float64, **counts}
    rows = facts.join(seen.select("row", "seconds"), on="row", how="left")
    for gravity in ("unusable", "suspect"):
        wrong = once.filter(pl.col("gravity") == gravity)["row"].unique()
        rows = rows.with_columns(pl.col("row").is_in(wrong.implode()).alias(gravity))
    parts = []
    for axis in axes:
        counted = rows.group_by(pl.col(axis).alias("group")).agg(
            minutes=pl.when(pl.col("seconds").count() > 0).then(pl.col("seconds").sum() / 60),
            speakers=pl.col("speaker_id").drop_nulls().n_unique(),
            utterances=pl.len(),
            unusable=pl.col("unusable").sum(),
            suspect=pl.col("suspect").sum(),
        )
        named = pl.col("group").is_in(list(unmapped[axis])).not_() | pl.col("group").is_null()
        order = {name: place for place, name in enumerate(sorted(counted["group"].drop_nulls(), key=natural_order))}
        place = pl.col("group").replace_strict(order, default=len(order), return_dtype=pl.Int64)
        parts.append(
            counted.sort(place)
            .with_columns(axis=pl.lit(axis), mapped=named)
            .with_columns(speakers=pl.when(pl.col("speakers") > 0).then("speakers"))
            .select(pl.col(name).cast(kind) for name, kind in schema.items())
        )
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _by_group(once: pl.DataFrame, axes: Sequence[str]) -> pl.DataFrame:
    schema = {"kind": pl.String, "axis": pl.String, "group": pl.String, "utterances": pl.Int64}
    parts = [
        once.group_by("kind", pl.col(axis).alias("group"))
        .agg(utterances=pl.len())
        .with_columns(axis=pl.lit(axis))
        .sort("kind", "utterances", "group", descending=[False, True, False], nulls_last=True)
        .select(pl.col(name).cast(kind) for name, kind in schema.items())
        for axis in axes
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def as_json(summary: Validation, findings: pl.DataFrame, *, exit_code: int) -> str:
    """Return everything as JSON: the summary, and each finding with what it is about."""
    plain = (
        *("title", "utterances", "speakers", "files", "minutes", "without_audio", "unusable", "quick", "synthetic"),
        "synthetic_utterances",
    )
    by_kind = summary.by_group.partition_by("kind", as_dict=True, include_key=False)
    kinds = [
        {**row, "by_group": by_kind[(row["kind"],)].to_dicts() if (row["kind"],) in by_kind else []}
        for row in summary.kinds.to_dicts()
    ]
    data = {
        "asrfair": __version__,
        "exit_code": exit_code,
        **{name: getattr(summary, name) for name in plain},
        "axes": dict(summary.origins),
        "groups": summary.groups.to_dicts(),
        "kinds": kinds,
        "findings": findings.to_dicts(),
        "notes": list(summary.notes),
    }
    return json_text(data, indent=None)
