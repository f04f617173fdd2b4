"""The table of coverage: what there is of each group, what that can show, and what would have to be added.

One row per utterance in, a row per group out. The spread of speakers' rates is given (`planning`: assumed or
estimated); how many speakers there are, and how unequally they talk, is that of the rows.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from asrfair.stats import notes, planning
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio, stack, total
from asrfair.stats.cells import Axis
from asrfair.stats.planning import Spread
from asrfair.stats.rates import unknown_if_nan
from asrfair.stats.talk import Side, talk
from asrfair.tables import OVERALL, Schema, conform

REST = "rest"
"""What groups are compared with on an axis without a reference group."""
COVERAGE: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "reference_group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "speakers": pl.Int64,
    "utterances": pl.Int64,
    "minutes": pl.Float64,
    "words": pl.Int64,
    "wer": pl.Float64,
    "speaker_cv2": pl.Float64,
    "dispersion": pl.Float64,
    "design_effect": pl.Float64,
    "half_width": pl.Float64,
    "detectable_ratio": pl.Float64,
    "detectable_difference": pl.Float64,
    "speakers_needed": pl.Int64,
    "more_speakers": pl.Int64,
    "note": pl.String,
}
"""``half_width`` is how far the WER's upper end lies above it, relative; what is needed is for a wanted one."""


@dataclass(frozen=True)
class Aim:
    """Level and power of comparisons, and the relative half-width wanted of a group's WER; fractions."""

    level: float = 0.95
    power: float = planning.POWER
    half_width: float = 0.25

    @property
    def alpha(self) -> float:
        """The two-sided error probability."""
        return 1 - self.level


def estimated_spread(rows: pl.DataFrame, axis: Axis) -> Spread:
    """Return the spread of speakers within the groups of an axis, from ``errors`` and ``words`` by utterance."""
    spoken = _coded(rows, axis).filter((pl.col("words") > 0) & pl.col("speaker").is_not_null())
    people = spoken.group_by("group", "speaker").agg(
        pl.col("errors", "words").sum(), (pl.col("errors") ** 2 / pl.col("words")).sum().alias("squares"), pl.len()
    )
    group, *sums = (people[name].to_numpy() for name in ("group", "errors", "words", "squares", "len"))
    errors, words, squares, utterances = (values.astype(float) for values in sums)
    return planning.estimated(
        group, errors=errors, words=words, squares=squares, utterances=utterances, groups=len(axis.groups)
    )


def coverage_rows(rows: pl.DataFrame, axis: Axis, *, reference: str | None, spread: Spread, aim: Aim) -> pl.DataFrame:
    """Return rows of `COVERAGE` for every group of an axis.

    ``rows`` has ``speaker_id``, ``words`` and ``seconds`` (null where unknown) and the axis's column, unless it
    is ``overall``; with a column ``errors``, groups have their own WER instead of the spread's. Labelled groups
    are compared with the reference group, or each with the rest.
    """
    coded = _coded(rows, axis)
    groups = len(axis.groups)
    own, everybody = _groups(coded, groups, spread), _groups(coded.with_columns(group=0), 1, spread)
    others = _rest(coded, own, everybody) if reference is None else _reference(own, axis, reference)
    compared = np.array([group not in (None, OVERALL, reference) for group in axis.groups], bool)
    counted = _counted(coded, groups)
    against = [(reference or REST) if yes else None for yes in compared]
    note = notes.join(_parts(counted, own, others, compared, spread), groups)
    table = counted.with_columns(
        group=pl.Series(axis.groups, dtype=pl.String),
        reference_group=pl.Series(against, dtype=pl.String),
        note=pl.Series(note, dtype=pl.String),
        axis=pl.lit(axis.name),
        speakers=unknown_if_nan(np.where((own.speakers == 0) & (own.unknown > 0), np.nan, own.speakers)),
        wer=unknown_if_nan(own.rate),
        speaker_cv2=unknown_if_nan(np.full(groups, spread.cv2)),
        dispersion=pl.lit(spread.dispersion),
        **_needed(own, everybody, spread, aim, labelled=np.array([group is not None for group in axis.groups], bool)),
        **_detectable(own, others, spread, aim, compared=compared),
    )
    return conform(table, COVERAGE)


def _needed(own: Side, everybody: Side, spread: Spread, aim: Aim, *, labelled: Bools) -> dict[str, pl.Series]:
    one, between, df_share = _of_one_speaker(own, everybody, spread)
    needed = planning.speakers_needed(one, wanted=aim.half_width, alpha=aim.alpha, df_share=df_share, between=between)
    half_width = planning.half_width(own.variance(spread), own.df, alpha=aim.alpha, between=own.between(spread))
    needed = np.where(labelled & (own.unknown == 0), needed, np.nan)
    return {
        "design_effect": unknown_if_nan(_design_effect(own, spread)),
        "half_width": unknown_if_nan(half_width),
        "speakers_needed": unknown_if_nan(needed),
        "more_speakers": unknown_if_nan(np.maximum(needed - own.speakers, 0)),
    }


def _detectable(own: Side, others: Side, spread: Spread, aim: Aim, *, compared: Bools) -> dict[str, pl.Series]:
    sides = (own.variance(spread), own.df, others.variance(spread), others.df)
    wanted: dict[str, Any] = {"alpha": aim.alpha, "power": aim.power, "between_b": others.between(spread)}
    ratios = planning.detectable_ratio(*sides, **wanted, between_a=own.between(spread))
    differences = planning.detectable_difference(others.known_rate(spread), *sides, **wanted)
    return {
        "detectable_ratio": unknown_if_nan(np.where(compared, ratios, np.nan)),
        "detectable_difference": unknown_if_nan(np.where(compared, differences, np.nan)),
    }


def _coded(rows: pl.DataFrame, axis: Axis) -> pl.DataFrame:
    """Return the rows with ``group`` and ``speaker`` as numbers; a speaker that is unknown stays null."""
    labels = [group for group in axis.groups if group is not None]
    number = pl.lit(0) if axis.name == OVERALL else pl.col(axis.name).cast(pl.Enum(labels)).to_physical()
    speaker = pl.col("speaker_id").rank("dense").cast(pl.Int64) - 1
    return rows.with_columns(number.fill_null(len(axis.groups) - 1).cast(pl.Int64).alias("group"), speaker=speaker)


def _counted(coded: pl.DataFrame, groups: int) -> pl.DataFrame:
    """Return utterances, minutes and words by group, and of how many utterances these are unknown."""
    found = coded.group_by("group").agg(
        pl.len().alias("utterances"),
        pl.when(pl.col("seconds").count() > 0).then(pl.col("seconds").sum() / 60).alias("minutes"),
        pl.col("words").sum(),
        pl.col("seconds").null_count().alias("without_length"),
        pl.col("words").null_count().alias("without_words"),
    )
    every = pl.DataFrame({"group": np.arange(groups)}).join(found, on="group", how="left", maintain_order="left")
    none = pl.col("utterances").is_null()
    return every.drop("group").with_columns(pl.when(~none).then(pl.all()).otherwise(0))


def _people(coded: pl.DataFrame) -> tuple[Ints, Ints, Floats]:
    """Return group number, speaker number and reference words, a row per speaker of a group who said any."""
    people = (
        coded.filter(pl.col("speaker").is_not_null())
        .group_by("group", "speaker")
        .agg(pl.col("words").sum().cast(pl.Float64))
        .filter(pl.col("words") > 0)
        .sort("group", "speaker")
    )
    return people["group"].to_numpy(), people["speaker"].to_numpy(), people["words"].to_numpy()


def _groups(coded: pl.DataFrame, groups: int, spread: Spread) -> Side:
    group, _, words = _people(coded)
    without = coded.filter(pl.col("speaker").is_null())["group"].to_numpy()
    unknown = np.bincount(without, minlength=groups).astype(np.int64)
    return talk(group, words, unknown=unknown, rate=_rates(coded, groups, spread))


def _rates(coded: pl.DataFrame, groups: int, spread: Spread) -> Floats:
    if "errors" not in coded.columns:
        return np.full(groups, spread.rate)
    group = coded["group"].to_numpy()
    errors, words = (total(group, coded[name].fill_null(0).to_numpy(), groups) for name in ("errors", "words"))
    return ratio(errors, words)


def _reference(own: Side, axis: Axis, reference: str) -> Side:
    return at(own, np.full(len(axis.groups), axis.groups.index(reference)))


def _rest(coded: pl.DataFrame, own: Side, everybody: Side) -> Side:
    """Return for each group everybody else; a speaker of several other groups is one speaker."""
    group, speaker, words = _people(coded)
    all_words = total(speaker, words, int(speaker.max(initial=-1)) + 1)
    unknown = everybody.unknown - own.unknown
    rate = ratio(everybody.rate * everybody.words - own.rate * own.words, everybody.words - own.words)
    bounds = np.searchsorted(group, np.arange(len(own.rate) + 1))
    sides = []
    for k, (start, stop) in enumerate(itertools.pairwise(bounds)):
        left = all_words.copy()
        left[speaker[start:stop]] -= words[start:stop]
        cell = np.zeros(len(left), np.int64)
        sides.append(talk(cell, left, unknown=unknown[k : k + 1], rate=rate[k : k + 1]))
    return stack(sides)


def _of_one_speaker(own: Side, everybody: Side, spread: Spread) -> tuple[Floats, Floats, Floats]:
    """Return the variance per speaker, its speakers' part, and the share of df that unequal talk leaves.

    A group of less than two speakers is taken to talk as everybody does.
    """
    enough = own.speakers >= 2
    talk_cv2 = np.where(enough, own.talk_cv2, everybody.talk_cv2)
    variance = planning.log_variance(
        own.known_rate(spread),
        cv2=spread.cv2,
        dispersion=spread.dispersion,
        speakers=1,
        words_per_speaker=np.where(enough, own.words_per_speaker, everybody.words_per_speaker),
        talk_cv2=talk_cv2,
    )
    df = np.where(enough, own.df, everybody.df)
    speakers = np.where(enough, own.speakers, everybody.speakers)
    return variance, spread.cv2 * (1 + talk_cv2), ratio(df, speakers - 1)


def _design_effect(own: Side, spread: Spread) -> Floats:
    icc = planning.intraclass_correlation(own.known_rate(spread), cv2=spread.cv2, dispersion=spread.dispersion)
    return planning.design_effect(icc, words_per_speaker=own.words_per_speaker, talk_cv2=own.talk_cv2)


def _parts(counted: pl.DataFrame, own: Side, others: Side, compared: Bools, spread: Spread) -> list[notes.Part]:
    empty = counted["utterances"].to_numpy() == 0
    parts: list[notes.Part] = [
        (empty, "no speakers"),
        (counted["without_length"].to_numpy(), lambda n: notes.counted(int(n), "utterance", " of unknown length")),
        (counted["without_words"].to_numpy(), lambda n: notes.counted(int(n), "utterance", " without reference")),
        *_side_parts(own, ~empty, ""),
        *_side_parts(others, compared & ~empty, "compared with: "),
        (~empty & math.isnan(spread.cv2), "spread of speakers unknown"),
    ]
    return parts


def _side_parts(side: Side, told: Bools, who: str) -> list[notes.Part]:
    known = told & (side.unknown == 0)
    few = known & (side.speakers >= 2) & (side.speakers < notes.FEW_SPEAKERS)
    return [
        (np.where(told, side.unknown, 0), lambda n: who + notes.counted(int(n), "utterance", " without speaker")),
        (known & (side.words == 0), f"{who}no reference words"),
        (known & (side.speakers == 1), f"{who}1 speaker: too small"),
        (few, f"{who}under {notes.FEW_SPEAKERS} speakers"),
    ]
