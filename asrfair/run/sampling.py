"""A quick look: the first utterances, or some of every group, spread over its speakers."""

from collections.abc import Sequence

import polars as pl

from asrfair.seeds import generator
from asrfair.tables import with_intersections

SAMPLE = "sample"


def cut(
    utterances: pl.DataFrame, *, limit: int | None, sample: int | None, axes: Sequence[str], seed: int
) -> pl.DataFrame:
    """Return the utterances that a run is about: the first ``limit``, ``sample`` of each group, or all."""
    if sample is not None:
        return sampled(utterances, axes=axes, per_group=sample, seed=seed)
    return utterances if limit is None else utterances.head(limit)


def sampled(utterances: pl.DataFrame, *, axes: Sequence[str], per_group: int, seed: int) -> pl.DataFrame:
    """Return up to ``per_group`` utterances of every group of every axis, in their order; axes share what they can.

    The unlabelled are a group. A group's speakers take turns, in an order drawn for each by name; so are each one's
    utterances. Those without a speaker take turns as one. Without axes there is one group, of all.
    """
    rows = with_intersections(utterances, axes).with_row_index("_row")
    drawn = _drawn(rows, seed=seed)
    kept: set[int] = set()
    for axis in axes or (None,):
        group = [] if axis is None else [pl.col(axis)]
        turn = pl.int_range(pl.len()).over([*group, pl.col("speaker_id")])
        ordered = drawn.sort("_order").with_columns(turn.alias("_turn")).sort("_turn", "_place")
        first = pl.int_range(pl.len()).over(group) if group else pl.int_range(pl.len())
        kept.update(ordered.filter(first < per_group)["_row"])
    return utterances[sorted(kept)]


def _drawn(rows: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Return the rows with a speaker's place among speakers, and an utterance's among those of its speaker."""
    places: dict[int, tuple[float, int]] = {}
    ids = rows.sort("utterance_id").group_by("speaker_id").agg(pl.col("_row"))
    for speaker, numbers in ids.iter_rows():
        # The kind of name is part of the name: a speaker may be called anything.
        random = generator(seed, SAMPLE, "unknown") if speaker is None else generator(seed, SAMPLE, "speaker", speaker)
        place = float(random.random())
        order = random.permutation(len(numbers))
        places |= {number: (place, int(rank)) for number, rank in zip(numbers, order, strict=True)}
    return rows.with_columns(
        pl.Series("_place", [places[number][0] for number in range(len(rows))], dtype=pl.Float64),
        pl.Series("_order", [places[number][1] for number in range(len(rows))], dtype=pl.Int64),
    )
