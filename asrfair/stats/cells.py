"""From one row per utterance to sums per cell and cluster.

Conventions
-----------
Names become numbers once: conditions and backends (the baseline first, then by name), groups of an axis (in
natural order, the unlabelled last) and clusters (speakers by name). A cell is numbered (group·conditions +
condition)·backends + backend. An utterance without a speaker belongs to one extra cluster, and its cell is not
judged; or, where the user says so, it is a cluster of its own.
"""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from asrfair.errors import InputError
from asrfair.stats.arrays import Bools, Floats, Ints, total
from asrfair.stats.intervals import LogRates, log_rates
from asrfair.stats.paired import Pairs, pair_sums
from asrfair.tables import INTERSECTION, OVERALL

Spread = TypeVar("Spread", LogRates, Pairs)
Columns = dict[str, Floats]
PROMPT = "prompt"
"""The text column by which utterances of several speakers are matched, where there is one."""
_ERRORS = ("substitutions", "deletions", "insertions")
MOST_COMBINATIONS = 2_000
"""Combinations of labels up to which a product axis shows the empty ones too."""
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"


@dataclass(frozen=True)
class Coded:
    """The counts with names as numbers; ``failures`` likewise. Clusters from ``speakers`` on have no speaker."""

    rows: pl.DataFrame
    failures: pl.DataFrame
    conditions: tuple[str, ...]
    backends: tuple[str, ...]
    speakers: int

    @property
    def per_group(self) -> int:
        """How many cells a group has."""
        return len(self.conditions) * len(self.backends)


@dataclass(frozen=True)
class Axis:
    """An axis and its groups in natural order; the unlabelled group is None and last."""

    name: str
    groups: tuple[str | None, ...]


@dataclass(frozen=True)
class Cells(Generic[Spread]):
    """What is known of each cell; arrays of shape=(cells,).

    ``speakers``: known speakers with at least one reference word. ``unknown``: utterances without a speaker.
    ``independent``: utterances that count as their own cluster. ``shared``: speakers also on the other side.
    """

    utterances: Ints
    speakers: Ints
    unknown: Ints
    independent: Ints
    shared: Ints
    spread: Spread

    @property
    def judged(self) -> Bools:
        """Where an interval may be given."""
        judged: Bools = self.spread.judged & (self.unknown == 0)
        return judged


def code(
    counts: pl.DataFrame,
    failures: pl.DataFrame,
    *,
    axes: Sequence[str],
    baseline_condition: str | None,
    baseline_backend: str | None,
    independent_utterances: bool,
    measures: Sequence[pl.Expr] | None = None,
) -> Coded:
    """Return the tables with conditions, backends and speakers as numbers.

    ``measures`` are what is added up of the rows, the columns ``errors`` and ``words`` among them: those of ``counts``
    unless given.

    Raises InputError on a baseline that no row has, and on an utterance counted twice in one cell.
    """
    levels = {
        "condition": _levels("condition", counts, failures, first=baseline_condition),
        "backend": _levels("backend", counts, failures, first=baseline_backend),
    }
    speakers = counts["speaker_id"].drop_nulls().unique().sort()
    utterances = counts["utterance_id"].unique().sort()
    _refuse_duplicates(counts)
    numbered = [_number(name, names).alias(name) for name, names in levels.items()]
    own = len(speakers) + pl.col("utterance") if independent_utterances else pl.lit(len(speakers))
    without = pl.col("speaker_id").is_null()
    rows = (
        counts.with_columns(*numbered, _number("utterance_id", utterances).alias("utterance"))
        .with_columns(
            pl.coalesce(_number("speaker_id", speakers), own).cast(pl.Int64).alias("cluster"),
            (without & (not independent_utterances)).alias("unknown"),
            (without & independent_utterances).alias("independent"),
        )
        .select(
            *("utterance", "cluster", *levels),
            *(_measures() if measures is None else measures),
            *(pl.lit(1).alias("utterances"), "unknown", "independent"),
            *axes,
            *({PROMPT} & set(counts.columns)),
        )
    )
    for names in levels.values():
        failures = _everywhere(failures, names)
    return Coded(
        rows=rows,
        failures=failures.select(*numbered, *axes),
        conditions=tuple(levels["condition"]),
        backends=tuple(levels["backend"]),
        speakers=len(speakers),
    )


def _measures() -> list[pl.Expr]:
    characters = pl.sum_horizontal(*(f"character_{kind}" for kind in _ERRORS), ignore_nulls=False)
    return [
        *(pl.col(kind) for kind in _ERRORS),
        pl.sum_horizontal(*_ERRORS).alias("errors"),
        pl.col("reference_words").alias("words"),
        characters.fill_null(0).alias("character_errors"),
        pl.col("reference_characters").fill_null(0).alias("characters"),
        (characters.is_null() | pl.col("reference_characters").is_null()).alias("uncounted"),
    ]


def _levels(name: str, counts: pl.DataFrame, failures: pl.DataFrame, *, first: str | None) -> pl.Series:
    if counts[name].null_count():
        raise InputError(f"counts: found {counts[name].null_count()} rows without {name}; expected one in every row")
    names = pl.concat([counts[name], failures[name]]).drop_nulls().unique().sort().to_list()
    if first is not None:
        if first not in names:
            there = ", ".join(map(str, names)) or "nothing"
            raise InputError(f"baseline {name}: found '{first}' in no row; expected one of: {there}")
        names = [first, *(other for other in names if other != first)]
    return pl.Series(name, names, dtype=pl.String)


def _everywhere(failures: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """Return the failures with one that has no condition (or backend), as of unreadable audio, in all of them."""
    missing = pl.col(names.name).is_null()
    spread = failures.filter(missing).drop(names.name).join(names.to_frame(), how="cross")
    return pl.concat([failures.filter(~missing), spread.select(failures.columns)])


def _number(column: str, names: pl.Series) -> pl.Expr:
    return pl.col(column).cast(pl.Enum(names)).to_physical().cast(pl.Int64)


def _refuse_duplicates(counts: pl.DataFrame) -> None:
    key = ["utterance_id", "condition", "backend"]
    twice = counts.filter(pl.struct(key).is_duplicated())
    if twice.height:
        names = ", ".join(f"{name} '{value}'" for name, value in zip(key, twice.select(key).row(0), strict=True))
        raise InputError(f"counts: found {names} more than once; expected one row per utterance and cell")


def find_axis(name: str, counts: pl.DataFrame, failures: pl.DataFrame) -> Axis:
    """Return the axis with all its groups, those with failures only included, in natural order.

    A product axis also has the combinations of its parts' labels that no utterance has, unless there are more
    than ``MOST_COMBINATIONS``.
    """
    if name == OVERALL:
        return Axis(OVERALL, (OVERALL,))
    labels = _labels(name, counts, failures)
    groups = set(labels.drop_nulls())
    parts = name.split(INTERSECTION)
    if len(parts) > 1 and all(part in rows.columns for part in parts for rows in (counts, failures)):
        levels = [_labels(part, counts, failures).drop_nulls().to_list() for part in parts]
        if math.prod(map(len, levels)) <= MOST_COMBINATIONS:
            groups |= {INTERSECTION.join(each) for each in itertools.product(*levels)}
    ordered = sorted(groups, key=natural_order)
    return Axis(name, (*ordered, None) if labels.null_count() else tuple(ordered))


def _labels(name: str, counts: pl.DataFrame, failures: pl.DataFrame) -> pl.Series:
    return pl.concat([counts[name], failures[name]]).cast(pl.String).unique()


def natural_order(label: str) -> tuple[Any, ...]:
    """Return a key that sorts «2» before «10», «under 30» before «30-39», and a product by its parts."""
    parts = [_chunks(part) for part in label.split(INTERSECTION)]
    return (*parts, label)


def _chunks(label: str) -> tuple[tuple[int, float, str], ...]:
    under = re.fullmatch(rf"under ({_NUMBER})", label)
    if under:
        return ((-1, float(under[1]), ""),)
    pieces = [piece for piece in re.split(f"({_NUMBER})", label) if piece]
    return tuple((0, float(piece), "") if re.fullmatch(_NUMBER, piece) else (1, 0.0, piece) for piece in pieces)


def _cell(axis: Axis, coded: Coded) -> pl.Expr:
    named = [group for group in axis.groups if group is not None]
    group = pl.lit(0) if axis.name == OVERALL else _number(axis.name, pl.Series(named, dtype=pl.String))
    number = (group.fill_null(len(axis.groups) - 1) * len(coded.conditions) + pl.col("condition")) * len(
        coded.backends
    ) + pl.col("backend")
    return number.cast(pl.Int64).alias("cell")


def cluster_sums(rows: pl.DataFrame, axis: Axis, coded: Coded) -> tuple[Ints, Ints, Columns]:
    """Return cell number, cluster number and the sums of every other column, one row per cell and cluster."""
    keys = ["utterance", "cluster", "condition", "backend"]
    sums = [name for name, kind in rows.schema.items() if name not in keys and kind != pl.String]
    grouped = (
        rows.with_columns(_cell(axis, coded))
        .group_by("cell", "cluster")
        .agg(pl.col(name).sum().cast(pl.Float64) for name in sums)
        .sort("cell", "cluster")
    )
    columns = {name: grouped[name].to_numpy() for name in sums}
    return grouped["cell"].to_numpy(), grouped["cluster"].to_numpy(), columns


def failures_by_cell(axis: Axis, coded: Coded) -> Ints:
    """Return the number of failed utterances of each cell."""
    cells = len(axis.groups) * coded.per_group
    return np.bincount(coded.failures.select(_cell(axis, coded))["cell"].to_numpy(), minlength=cells)


def rate_cells(
    cell: Ints, cluster: Ints, sums: Columns, *, coded: Coded, cells: int, unit: str = "words"
) -> Cells[LogRates]:
    """Return the cells' word error rates, or character error rates with ``unit="characters"``."""
    errors = sums["errors" if unit == "words" else "character_errors"]
    spread = log_rates(cell, errors, sums[unit], cells=cells)
    return _cells(cell, cluster, sums, sums[unit] > 0, spread=spread, coded=coded)


def pair_cells(cell: Ints, cluster: Ints, sums: Columns, *, coded: Coded, cells: int) -> Cells[Pairs]:
    """Return the cells' paired sums."""
    names = ("errors", "words", "base_errors", "base_words")
    spread = pair_sums(cell, **{name: sums[name] for name in names}, cells=cells)
    spoke = (sums["words"] > 0) & (sums["base_words"] > 0)
    return _cells(cell, cluster, sums, spoke, spread=spread, coded=coded)


def _cells(cell: Ints, cluster: Ints, sums: Columns, spoke: Bools, *, spread: Spread, coded: Coded) -> Cells[Spread]:
    cells = len(spread.clusters)
    utterances, unknown, independent = (
        total(cell, sums[name], cells).astype(np.int64) for name in ("utterances", "unknown", "independent")
    )
    known = spoke & (cluster < coded.speakers)
    return Cells(
        utterances=utterances,
        speakers=np.bincount(cell, known, cells).astype(np.int64),
        unknown=unknown,
        independent=independent,
        shared=np.zeros(cells, np.int64),
        spread=spread,
    )


def pair_rows(coded: Coded, kind: str) -> pl.DataFrame:
    """Return the utterances counted both under number 0 (the baseline) and another ``kind``, paired.

    ``kind`` is ``condition`` or ``backend``. Columns of the other, then ``base_errors`` and ``base_words``.
    """
    key = ["utterance", "backend" if kind == "condition" else "condition"]
    base = coded.rows.filter(pl.col(kind) == 0).select(
        *key, pl.col("errors").alias("base_errors"), pl.col("words").alias("base_words")
    )
    return coded.rows.filter(pl.col(kind) != 0).join(base, on=key)
