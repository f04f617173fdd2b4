"""Which rows of a shareable form rest on a part of a cell's utterances, and would give the rest away.

Conventions
-----------
A change between two cells (condition, backend) rests on the utterances counted in both. With the cell's own rate it
tells of those counted in one of them alone: of one failed utterance, what its speaker's errors are. The cells with the
most common set of utterances come first; one by one, others join them as long as the utterances that have the same
pattern over the joined cells, taken as a population of their own, would have no group withheld that is shown, and are
of k speakers or more. Between joined cells everything may be told: all of it are sums over patterns. Between others
it is told of those groups only whose utterances are the same in both, which adds no new sum. Likewise the numbers of
utterances, failures and reference words, which are not sums of their own in each cell. A rate of full precision still
tells its number of words up to a factor: what is protected is errors.

A comparison on common prompts rests on a part of each group. It is left out where the others of the group are fewer
than k speakers, and where two such comparisons differ by fewer. Sums of such parts over several axes are not looked at.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.errors import InputError
from asrfair.run.covariates import with_prompts
from asrfair.run.shareable_cells import Group, Hidden, Population, withheld
from asrfair.tables import OVERALL, with_intersections

SIZES = ("utterances", "failures", "reference_words")
NO_SIZES = "numbers of utterances, failures and words withheld: a few speakers' could be told by subtraction"
REST = "rest"
Cell = tuple[str, str]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cells:
    """The cells of a run: the first set of utterances, those joined to it, and which utterances each group has where.

    ``alike`` has, by axis and group, a number for each cell: equal where the utterances are the same.
    """

    first: Cell | None
    joined: frozenset[Cell]
    alike: Mapping[tuple[str, Group], Mapping[Cell, int]]
    every: bool

    @classmethod
    def of(cls, counts: pl.DataFrame, hidden: Hidden, *, least: int) -> "Cells":
        """Read which utterances table ``counts`` has in which cell."""
        cells = counts.select("condition", "backend", "utterance_id").unique()
        sets = {
            (condition, backend): ids
            for condition, backend, ids in cells.group_by("condition", "backend", maintain_order=True)
            .agg(pl.col("utterance_id").hash(seed=1).sort())
            .sort("condition", "backend")
            .iter_rows()
        }
        kinds: dict[tuple[int, ...], list[Cell]] = {}
        for cell, ids in sets.items():
            kinds.setdefault(tuple(ids), []).append(cell)
        order = sorted(kinds.values(), key=lambda same: -len(same))
        first = order[0][0] if order else None
        if len(order) < 2:
            return cls(first, frozenset(sets), {}, every=True)
        joined = list(order[0])
        for same in order[1:]:
            if _is_safe(counts, [*joined, same[0]], hidden, least=least):
                joined += same
        return cls(first, frozenset(joined), _alike(counts, hidden), every=False)

    def tell(self, table: pl.DataFrame, conditions: pl.DataFrame | None = None) -> pl.Series:
        """Return which rows may be told; with ``conditions``, of which each rests on all rungs of its ladder."""
        if self.every:
            return pl.Series([True] * len(table), dtype=pl.Boolean)
        rungs: dict[str, list[str]] = {}
        if conditions is not None:
            for ladder, condition in conditions.select("ladder", "condition").drop_nulls().iter_rows():
                rungs.setdefault(ladder, []).append(condition)
        known = self.alike.get((OVERALL, OVERALL), {})
        told = [self.same(row["axis"], _groups(row), _cells(row, rungs, known)) for row in table.iter_rows(named=True)]
        return pl.Series(told, dtype=pl.Boolean)

    def same(self, axis: str, groups: Iterable[Group], cells: Sequence[Cell]) -> bool:
        """Return whether what some groups have in all of these cells may be told."""
        if len(set(cells)) < 2 or self.joined.issuperset(cells):
            return True
        for group in groups:
            found = self.alike.get((OVERALL if group == OVERALL else axis, group), {})
            if len({found.get(cell) for cell in cells}) > 1:
                return False
        return True

    def sized(self, table: pl.DataFrame) -> pl.Series:
        """Return of which rows' cells the number of words may be told."""
        first = self.first
        told = [
            self.every
            or first is None
            or self.same(row["axis"], [row["group"]], [first, (row["condition"], row["backend"])])
            for row in table.select("axis", "group", "condition", "backend").iter_rows(named=True)
        ]
        return pl.Series(told, dtype=pl.Boolean)

    def rates(self, rates: pl.DataFrame) -> pl.DataFrame:
        """Return the rates without sizes that could be subtracted from those of the first cells."""
        keep = pl.lit(self.sized(rates))
        note = pl.concat_str(pl.col("note"), pl.lit(NO_SIZES), separator="; ", ignore_nulls=True)
        return rates.with_columns(
            *(pl.when(keep).then(pl.col(name)).alias(name) for name in SIZES),
            note=pl.when(keep | pl.col("wer").is_null()).then("note").otherwise(note),
        )


def check_apart(old: pl.DataFrame, new: pl.DataFrame, hidden: Hidden, *, least: int) -> None:
    """Raise InputError where what one run counted and another did not would tell of fewer than ``least`` speakers."""
    if old.join(new, on="utterance_id", how="semi").is_empty():
        return
    named = set(old["backend"]) & set(new["backend"])
    runs = [rows.with_columns(backend=pl.lit(k) + pl.col("backend")) for k, rows in (("<", old), (">", new))]
    both = pl.concat(runs, how="diagonal")
    cells = Cells.of(both, hidden, least=least)
    places = [sorted(set(rows.select("condition", "backend").iter_rows())) for rows in runs]
    groups = {(axis, group) for axis, group in cells.alike if axis == OVERALL or group not in hidden[axis]}
    for one, other in itertools.product(*places):
        # Recognisers are compared by name; where none is in both, any with any.
        paired = one[0] == other[0] and (not named or one[1][1:] == other[1][1:])
        if paired and not all(cells.same(axis, [group], [one, other]) for axis, group in groups):
            raise InputError(
                "--shareable: found utterances that one run counted and the other did not, and from which fewer than "
                f"{least} speakers could be told; expected two runs that counted the same, or one of them alone"
            )


def _is_safe(counts: pl.DataFrame, cells: Sequence[Cell], hidden: Hidden, *, least: int) -> bool:
    """Return whether each set of utterances with the same pattern over the cells gives nobody away."""
    number = pl.DataFrame(
        [(*cell, k) for k, cell in enumerate(cells)],
        schema={"condition": pl.String, "backend": pl.String, "_number": pl.Int64},
        orient="row",
    )
    rows = counts.join(number, on=["condition", "backend"], maintain_order="left").sort("_number", maintain_order=True)
    patterns = rows.group_by("utterance_id").agg(
        pl.col("_number").unique().sort().cast(pl.String).str.join(" ").alias("_pattern")
    )
    once = rows.unique("utterance_id", keep="first", maintain_order=True).join(patterns, on="utterance_id")
    parts = sorted(once.partition_by("_pattern"), key=len)
    return all(_gives_nobody_away(part, hidden, least=least) for part in parts)


def _gives_nobody_away(part: pl.DataFrame, hidden: Hidden, *, least: int) -> bool:
    # Most parts are told apart by their number of speakers, before anything is searched for.
    one = part.with_columns(condition=pl.lit(""), backend=pl.lit(""))
    everyone = Population.of(one, ())
    if everyone.people(everyone.labelled(), OVERALL)[OVERALL] < least:
        return False
    population = Population.of(one, list(hidden))
    found = withheld(population, least=least, references={}, start=hidden)
    return all(found[axis] <= hidden[axis] for axis in hidden)


def _alike(counts: pl.DataFrame, hidden: Hidden) -> dict[tuple[str, Group], dict[Cell, int]]:
    labelled = with_intersections(counts, list(hidden)).with_columns(pl.lit(OVERALL).alias(OVERALL))
    found: dict[tuple[str, Group], dict[Cell, int]] = {}
    for axis in (OVERALL, *hidden):
        if axis not in labelled.columns:
            continue
        each = labelled.group_by(axis, "condition", "backend").agg(
            pl.col("utterance_id").unique().sort().implode().hash(seed=1).first().alias("_set")
        )
        for group, condition, backend, number in each.iter_rows():
            found.setdefault((axis, group), {})[condition, backend] = number
    return found


def _cells(row: Row, rungs: Mapping[str, Sequence[str]], known: Mapping[Cell, int]) -> list[Cell]:
    """Return the cells whose common utterances a row rests on; one for a row of one cell."""
    if "ladder" in row:
        # A rung of which nothing was counted is none.
        return [cell for condition in rungs.get(row["ladder"], ()) if (cell := (condition, row["backend"])) in known]
    condition, backend = row["condition"], row["backend"]
    other = (row.get("reference_condition") or condition, row.get("reference_backend") or backend)
    return [(condition, backend), other]


def _groups(row: Row) -> list[Group]:
    """Return the groups that a row tells of: its own, whom it is compared with, all for the rest."""
    other = row.get("reference_group")
    if other is None:
        return [row["group"]]
    return [row["group"], OVERALL if other in (OVERALL, REST) else other]


def matched(table: pl.DataFrame, counts: pl.DataFrame, utterances: pl.DataFrame, *, least: int) -> pl.Series:
    """Return which rows are not on common prompts, or may be told; ``utterances`` have their references."""
    rows = table.filter(pl.col("measure").str.starts_with("matched_")).select(
        "axis", "group", "reference_group", "condition", "backend"
    )
    if rows.is_empty():
        return pl.Series([True] * len(table), dtype=pl.Boolean)
    read = _Read.of(with_intersections(with_prompts(counts, utterances), rows["axis"].unique().to_list()))
    told = {key: read.tells(key, least=least) for key in rows.unique(maintain_order=True).iter_rows()}
    return pl.Series(
        [
            not str(row["measure"]).startswith("matched_")
            or told[row["axis"], row["group"], row["reference_group"], row["condition"], row["backend"]]
            for row in table.iter_rows(named=True)
        ],
        dtype=pl.Boolean,
    )


@dataclass(frozen=True)
class _Read:
    """Who read which prompt (null: none) by axis, group and cell; ``taken`` are the sets of prompts told of already."""

    rows: pl.DataFrame
    who: dict[tuple[str, Group, str, str], dict[str | None, set[str | None]]]
    taken: dict[tuple[str, Group, str, str], list[frozenset[str | None]]]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "_Read":
        spoken = pl.when(pl.col("reference_words") > 0).then("prompt")
        return cls(rows.with_columns(prompt=spoken), {}, {})

    def tells(self, key: Sequence[str], *, least: int) -> bool:
        axis, group, reference, *cell = key
        sides = [(axis, group, cell[0], cell[1]), (axis, reference, cell[0], cell[1])]
        here, there = (self._of(side) for side in sides)
        common = frozenset(here.keys() & there.keys()) - {None}
        if not all(self._is_apart(side, common, least) for side in sides):
            return False
        for side in sides:
            self.taken.setdefault(side, [frozenset(self._of(side))]).append(common)
        return True

    def _is_apart(self, side: tuple[str, Group, str, str], common: frozenset[str | None], least: int) -> bool:
        read = self._of(side)
        others = self.taken.get(side, [frozenset(read)])
        parts = {part for other in others for part in (common - other, other - common) if part}
        return all(_people(read, part) >= least for part in parts)

    def _of(self, side: tuple[str, Group, str, str]) -> dict[str | None, set[str | None]]:
        axis, group, condition, backend = side
        if side not in self.who:
            there = (pl.col("condition") == condition) & (pl.col("backend") == backend)
            rows = self.rows.filter(there, pl.col(axis).eq_missing(pl.lit(group, pl.String)))
            found: dict[str | None, set[str | None]] = {}
            for prompt, speaker in rows.select("prompt", "speaker_id").unique().iter_rows():
                found.setdefault(prompt, set()).add(speaker)
            self.who[side] = found
        return self.who[side]


def _people(read: Mapping[str | None, set[str | None]], prompts: Iterable[str | None]) -> int:
    return len(set[str | None]().union(*(read[prompt] for prompt in prompts)) - {None})
