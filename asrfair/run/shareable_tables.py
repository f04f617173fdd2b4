"""The tables of a shareable form: without the rows that rest on a withheld group, or would tell about one.

Conventions
-----------
A withheld group keeps a row of ``rates`` in every cell, without any number and with a note; a label that the corpus's
card does not map is not even named. The other tables lose their rows, and those that rest on few speakers of a shown
group, such as those who spoke common prompts. Where an axis has a withheld group, whatever is
made of all its groups goes as well: gap, worst group, spread, inequality, FAAS and the test of equality, even for the
information which group is not the worst. The terms of shown groups in a model stay: each withheld group has a free term
of its own in it. In the tables of utterances all withheld groups of an axis have one level.

p that were adjusted in a family of which rows are withheld would tell about their p. They are adjusted anew by
Bonferroni's inequality over the shown rows of that family that have p, and all withheld ones: at least Holm's p, so
that nothing is shown which the whole report does not show. What the whole report shows may not be shown here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from asrfair.results import Results
from asrfair.run.shareable_cells import Group, Hidden
from asrfair.stats.adjust import FAMILY_WISE
from asrfair.stats.analyse import TEST_FAMILY
from asrfair.tables import INTERSECTION, OVERALL, RATES, WITHHELD, with_intersections

CELL = ("condition", "backend", "normalizer")
OVER_ALL = ("gap", "worst_group")
"""Measures of single groups that rest on all groups of their axis."""
OVER_AXES = ("faas",)
"""Measures of all speakers together that rest on all groups of all axes."""
BETWEEN = "\x1f"


def note(least: int) -> str:
    """Return what a withheld cell says in place of its numbers: not which of its reasons, which would be telling."""
    return f"withheld: fewer than {least} speakers, or mostly one's words, or it would give away such a group"


def merged(rows: pl.DataFrame, hidden: Hidden, axes: Sequence[str]) -> pl.DataFrame:
    """Return a table of utterances with one level for all withheld groups of each axis; products get a column."""
    labelled = with_intersections(rows, [axis for axis in axes if _is_there(axis, rows)])
    return labelled.with_columns(
        pl.when(_among(axis, hidden[axis])).then(pl.lit(WITHHELD)).otherwise(pl.col(axis)).alias(axis)
        for axis in hidden
        if axis in labelled.columns and hidden[axis]
    )


def _is_there(axis: str, rows: pl.DataFrame) -> bool:
    return all(part in rows.columns for part in axis.split(INTERSECTION))


def rates(results: Results, hidden: Hidden, folded: Hidden, *, least: int) -> pl.DataFrame:
    """Return the rates with an empty row for each withheld group that may be named, in every cell."""
    shown = results.rates.filter(~_rests(results.rates, hidden, "group"))
    cells = results.rates.select(*CELL, "level").unique(CELL, maintain_order=True)
    named = [
        {"axis": axis, "group": group, "note": note(least)}
        for axis, groups in hidden.items()
        for group in sorted(groups - folded.get(axis, set()), key=lambda group: (group is None, group or ""))
    ]
    rows = pl.DataFrame(named, schema={"axis": pl.String, "group": pl.String, "note": pl.String})
    empty = rows.join(cells, how="cross")
    missing = [pl.lit(None, kind).alias(name) for name, kind in RATES.items() if name not in empty.columns]
    return pl.concat([shown.select(RATES.keys()), empty.with_columns(missing).select(RATES.keys())])


def disparities(
    table: pl.DataFrame, hidden: Hidden, family: Sequence[str], *, told: pl.Series | None = None, least: int
) -> pl.DataFrame:
    """Return the disparities between shown groups, their p adjusted anew where others of the family are withheld.

    ``told`` says which rows may be told for other reasons; all by default.
    """
    marked = table.with_columns(_withheld=_contrasts(table, hidden, least, told))
    columns = [pl.when("exploratory").then(pl.col(name).cast(pl.String)).alias(name) for name in family]
    block = pl.concat_str("axis", "condition", "backend", separator=BETWEEN, ignore_nulls=True)
    test = pl.when(pl.col("measure").is_in(FAMILY_WISE)).then(block).otherwise(pl.int_range(pl.len()).cast(pl.String))
    return _anew(marked, pl.struct("normalizer", "exploratory", *columns), test, ("p_adjusted", "p_fdr"))


def tests(table: pl.DataFrame, hidden: Hidden, *, told: pl.Series | None, least: int) -> pl.DataFrame:
    """Return the tests of shown groups, adjusted likewise."""
    marked = table.with_columns(_withheld=_contrasts(table, hidden, least, told))
    return _anew(marked, pl.struct("normalizer", *TEST_FAMILY), pl.int_range(pl.len()), ("p_adjusted",))


def _anew(marked: pl.DataFrame, family: pl.Expr, test: pl.Expr, adjusted: Sequence[str]) -> pl.DataFrame:
    # A shown row without p is no test; of the withheld ones nobody is to know which have none.
    tested = pl.col("_withheld") | pl.col("p").is_not_null()
    counted = marked.with_columns(_test=test, _family=family).with_columns(
        _tests=pl.col("_test").filter(tested).n_unique().over("_family"),
        _touched=pl.col("_withheld").any().over("_family"),
    )
    bound = (pl.col("p") * pl.col("_tests")).clip(upper_bound=1.0)
    kept = counted.filter(~pl.col("_withheld"))
    return kept.with_columns(
        pl.when("_touched").then(bound).otherwise(pl.col(name)).alias(name) for name in adjusted
    ).drop("_withheld", "_test", "_family", "_tests", "_touched")


def shown(table: pl.DataFrame, hidden: Hidden, *, least: int) -> pl.Series:
    """Return which rows of disparities or tests rest on shown groups of enough speakers alone."""
    return ~_contrasts(table, hidden, least, None)


def _contrasts(table: pl.DataFrame, hidden: Hidden, least: int, told: pl.Series | None) -> pl.Series:
    """Return which rows of disparities or tests rest on a withheld group, or on all groups of an axis that has one."""
    incomplete = pl.col("axis").is_in([axis for axis in hidden if hidden[axis]])
    over_all = (pl.col("group") == OVERALL).fill_null(value=False)
    if "measure" in table.columns:
        over_all |= pl.col("measure").is_in(OVER_ALL)
    over_axes = pl.col("measure").is_in(OVER_AXES) if "measure" in table.columns and any(hidden.values()) else False
    either = _rests(table, hidden, "group") | _rests(table, hidden, "reference_group", unknown=False)
    either |= _few(table, least) | table.select((incomplete & over_all) | over_axes).to_series()
    return either if told is None else either | ~told


def _few(table: pl.DataFrame, least: int) -> pl.Series:
    """Return which rows say themselves that a side has fewer speakers."""
    sides = [name for name in ("speakers", "reference_speakers") if name in table.columns]
    return table.select(pl.any_horizontal(pl.col(name) < least for name in sides).fill_null(value=False)).to_series()


def of_groups(table: pl.DataFrame, hidden: Hidden, *, least: int) -> pl.DataFrame:
    """Return the rows of shown groups, compared with shown ones, of ``metrics``, ``models``, ``handicaps``, words."""
    gone = _rests(table, hidden, "group", unknown="term" not in table.columns)
    if "reference_group" in table.columns:
        gone |= _rests(table, hidden, "reference_group", unknown=False)
    return table.filter(~(gone | _few(table, least)))


def models(table: pl.DataFrame, rates: pl.DataFrame, hidden: Hidden, *, least: int) -> pl.DataFrame:
    """Return the terms of shown groups and covariates, without those of withheld levels of an axis.

    The raw ratio goes where the model is made of a part of a group's utterances: the rest could be told from it.
    """
    levels = [f"{axis}[{group}]" for axis, groups in hidden.items() for group in groups]
    rows = of_groups(table, hidden, least=least).filter(~pl.col("term").is_in(levels).fill_null(value=False))
    cell = ["axis", "group", "condition", "backend", "normalizer"]
    whole = rates.select(*cell, _whole="utterances").unique(cell)
    partly = rows.join(whole, on=cell, how="left", nulls_equal=True, maintain_order="left")
    of_all = ((pl.col("utterances") == pl.col("_whole")) | pl.col("group").is_null()).fill_null(value=False)
    left_out = pl.Series([_leaves_out(*row) for row in rows.select("axis", "note").iter_rows()], dtype=pl.Boolean)
    whole_model = (of_all & ~pl.lit(left_out)).all().over("axis", "condition", "backend", "normalizer", "model")
    return partly.with_columns(raw_ratio=pl.when(whole_model).then("raw_ratio")).drop("_whole")


def _leaves_out(axis: str, note: str | None) -> bool:
    """Return whether a model's note says that utterances are left out other than those without a label."""
    unlabelled = rf"left out: [\d,]+ utterances? without {re.escape(axis)}(?=;|$)"
    return "left out:" in re.sub(unlabelled, "", note or "")


def sensitivity(
    table: pl.DataFrame, hidden: Hidden, signature: Mapping[str, Any], *, gone: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the rows of axes without withheld groups; none where families reach across axes.

    They have an adjusted p without the p that it was made of, so it cannot be made anew. ``gone`` are disparities that
    are not told, and take all of their axis with them.
    """
    incomplete = [axis for axis in hidden if hidden[axis]]
    incomplete += [] if gone is None else gone["axis"].unique().to_list()
    across = "axis" not in (signature.get("family") or ()) or bool(signature.get("confirm"))
    return table.clear() if incomplete and across else table.filter(~pl.col("axis").is_in(incomplete))


def _rests(table: pl.DataFrame, hidden: Hidden, column: str, *, unknown: bool = True) -> pl.Series:
    """Return which rows have a withheld group in a column; ``unknown``: null is the unlabelled, and not nobody."""
    pairs = [(axis, group) for axis in hidden for group in hidden[axis] if unknown or group is not None]
    known = pl.DataFrame(pairs, schema={"axis": pl.String, column: pl.String}, orient="row")
    marked = table.select("axis", column).join(
        known.with_columns(_there=pl.lit(value=True)), on=["axis", column], how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
    return marked["_there"].fill_null(value=False)


def _among(axis: str, groups: Iterable[Group]) -> pl.Expr:
    return pl.col(axis).is_in(pl.Series(list(groups), dtype=pl.String).implode(), nulls_equal=True)
