"""What each model is fitted to: rows of one backend and condition, summed by speaker, group and covariates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from asrfair.stats import notes
from asrfair.stats.cells import natural_order
from asrfair.tables import OVERALL

_OWN = "\0"
"""What the cluster of an utterance without a speaker begins with, which no speaker's name does."""
SUMS = ("_errors", "_words", "_utterances")


@dataclass(frozen=True)
class Asked:
    """What `asrfair.stats.models.model_rows` was asked, the covariates without the axis itself."""

    axis: str
    reference: str
    covariates: tuple[str, ...]
    alpha: float
    bases: Mapping[str, str]
    units: Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """The rows of one model.

    ``table`` is summed by speaker, group and covariates; ``speakers`` and ``utterances`` are by group. ``left_out``
    says what is not in them, ``independent`` whether utterances without a speaker are clusters of their own.
    """

    backend: str
    condition: str
    groups: tuple[str, ...]
    table: pl.DataFrame
    speakers: Mapping[str, int]
    utterances: Mapping[str, int]
    left_out: str
    independent: bool


def prepared(rows: pl.DataFrame, asked: Asked, *, independent_utterances: bool) -> pl.DataFrame:
    """Return the columns that models need, with ``_why`` for what is left out; an unknown covariate is null."""
    numbers = [name for name in asked.covariates if rows.schema[name].is_numeric()]
    own = pl.concat_str(pl.lit(_OWN), "utterance_id") if independent_utterances else pl.lit(None, pl.String)
    known = [
        pl.when(pl.col(name).cast(pl.Float64).is_finite()).then(pl.col(name).cast(pl.Float64)).alias(name)
        if name in numbers
        else pl.col(name).cast(pl.String)
        for name in asked.covariates
    ]
    table = rows.select(
        pl.col("backend"),
        pl.col(asked.axis).cast(pl.String),
        *([] if "condition" in asked.covariates else [pl.col("condition")]),
        *known,
        _cluster=pl.coalesce("speaker_id", own),
        _errors=pl.sum_horizontal("substitutions", "deletions", "insertions").cast(pl.Float64),
        _words=pl.col("reference_words").cast(pl.Float64),
        _utterances=pl.lit(1, pl.Int64),
    )
    absent = {
        "without speaker": pl.col("_cluster").is_null(),
        f"without {asked.axis}": pl.col(asked.axis).is_null(),
        "without reference words": ~(pl.col("_words") > 0),
        **{f"without {name}": pl.col(name).is_null() for name in asked.covariates},
    }
    why = pl.coalesce(pl.when(missing).then(pl.lit(reason)) for reason, missing in absent.items())
    return table.with_columns(_why=why)


def model_cells(table: pl.DataFrame, asked: Asked) -> Iterator[Cell]:
    """Yield the cells by backend and condition, those in ``bases`` first, then by name."""
    pooled = "condition" in asked.covariates
    keys = ["backend"] if pooled else ["backend", "condition"]
    parts = table.partition_by(keys, as_dict=True)
    for key in sorted(parts, key=lambda key: [(asked.bases.get(k) != v, v) for k, v in zip(keys, key, strict=True)]):
        part = parts[key]
        complete = part.filter(pl.col("_why").is_null())
        labels = [asked.axis, *asked.covariates]
        by_group = complete.group_by(asked.axis).agg(pl.col("_cluster").n_unique(), pl.len())
        found = part[asked.axis].drop_nulls().unique().to_list()
        yield Cell(
            backend=key[0],
            condition=OVERALL if pooled else key[1],
            groups=tuple(sorted(set(found) - {asked.reference}, key=natural_order)),
            table=complete.group_by("_cluster", *labels).agg(pl.col(*SUMS).sum()).sort("_cluster", *labels),
            speakers=dict(by_group.select(asked.axis, "_cluster").iter_rows()),
            utterances=dict(by_group.select(asked.axis, "len").iter_rows()),
            left_out=_left_out(part),
            independent=complete["_cluster"].str.starts_with(_OWN).any(),
        )


def _left_out(part: pl.DataFrame) -> str:
    counted = part["_why"].drop_nulls().value_counts().sort("_why")
    texts = [notes.counted(number, "utterance", f" {why}") for why, number in counted.iter_rows()]
    return f"left out: {', '.join(texts)}" if texts else ""


def problem_of(cell: Cell, asked: Asked, numbers: Sequence[str]) -> str:
    """Return why no model can be fitted at all, or nothing."""
    if asked.reference not in cell.speakers:
        return "reference: no utterances"
    if cell.table.filter(pl.col(asked.axis) == asked.reference)["_errors"].sum() == 0:
        return f"reference: {notes.NO_ERRORS}"
    speakers = cell.table["_cluster"].n_unique()
    factors = [name for name in (asked.axis, *asked.covariates) if name not in numbers]
    parameters = 1 + len(numbers) + sum(cell.table[name].n_unique() - 1 for name in factors)
    if speakers == 1:
        return "1 speaker: not judged"
    if speakers <= parameters:
        return f"{speakers} speakers for {parameters} parameters: not judged"
    return ""
