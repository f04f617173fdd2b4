"""Which groups a shareable form withholds: those of few speakers, and those that would give a withheld one back.

Conventions
-----------
A cell (axis, group, condition, backend) has the speakers who said a reference word in it. An utterance of an unknown
speaker, or without a word, proves one speaker at most. A cell of whose reference words one speaker may have said over
`DOMINANT` counts as one speaker: it tells about that one, whoever else is in it (dominance rule with n = 1, Hundepool
et al. 2012, section 4.2). A group counts as many speakers as its smallest cell, and is withheld in all of them. The
unlabelled are a group.

What is shown are sums over speakers, so a reader can add and subtract. Atoms are the speakers with equal labels on all
axes; a shown group, and everybody together, is a sum of atoms. Withheld are, until nothing is left of it,

- the smallest groups inside a shown one (or inside all) whose rest is of fewer than k speakers: this makes at least two
  groups withheld wherever one is, of k speakers together;
- where a group or a set of atoms of fewer than k speakers is a linear combination of what is shown, the smallest group
  beside it (`asrfair.run.shareable_unions`, which says what is not looked for).

Sums over atoms are protected, and no more. What a reader knows from elsewhere, or from another run or another k, is not
allowed for: one speaker of five who knows the own figures learns the sum of the four others, and a sum of zero tells
that each of its parts is zero. What rests on a part of a cell's utterances is the matter of
`asrfair.run.shareable_pairs`. Source: Hundepool et al. 2012, Statistical Disclosure Control, ch. 4 (secondary
suppression, exact disclosure by linear combination).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from asrfair.run.shareable_unions import Together, free_vectors, is_zero, unions
from asrfair.tables import INTERSECTION, OVERALL, WITHHELD, with_intersections

Group = str | None
Hidden = dict[str, set[Group]]
DOMINANT = 0.8
"""The share of a cell's reference words beyond which one speaker is said to be told by it."""


@dataclass(frozen=True)
class Population:
    """Who is in which cell: ``rows`` of cell, speaker (null: unknown), atom, words; ``atoms`` with their labels."""

    rows: pl.DataFrame
    atoms: pl.DataFrame
    axes: tuple[str, ...]

    @classmethod
    def of(cls, counts: pl.DataFrame, axes: Sequence[str]) -> "Population":
        """Read the speakers of table ``counts``; an axis is a column of it, or a product of some."""
        labelled = with_intersections(counts, axes).with_columns(pl.lit(OVERALL).alias(OVERALL))
        names = (OVERALL, *(axis for axis in axes if axis in labelled.columns))
        speaker = pl.when(pl.col("reference_words") > 0).then(pl.col("speaker_id"))
        cell = pl.struct("condition", "backend").rank("dense").alias("_cell")
        who = labelled.group_by(cell, speaker.alias("_speaker"), *names, maintain_order=True).agg(
            pl.col("reference_words").sum().alias("_words")
        )
        atoms = who.select(names).unique(maintain_order=True).with_row_index("_atom")
        rows = who.join(atoms, on=list(names), nulls_equal=True, how="left", maintain_order="left")
        return cls(rows.select("_cell", "_speaker", "_atom", "_words"), atoms, names[1:])

    def people(self, rows: pl.DataFrame, group: str) -> dict[Any, int]:
        """Return how many speakers each value of a column has at least, in the cell where they are fewest.

        One where one speaker may have said most of the words.
        """
        known, words = pl.col("_speaker").is_not_null(), pl.col("_words")
        each = rows.group_by("_cell", group, "_speaker").agg(words.sum())
        most = words.filter(known).max().fill_null(0) + words.filter(~known).sum()
        people = pl.when(most > DOMINANT * words.sum()).then(1).otherwise(known.sum().clip(lower_bound=1))
        cells = each.group_by("_cell", group).agg(people.alias("_people"))
        return dict(cells.group_by(group).agg(pl.col("_people").min()).sort(group).iter_rows())

    def together(self) -> Together | None:
        """Return what counts the speakers of several atoms at least; None where no speaker is in two of them."""
        known = self.rows.filter(pl.col("_speaker").is_not_null())
        if known.is_empty() or known.select("_speaker", "_atom").unique()["_speaker"].is_unique().all():
            return None
        cells: dict[int, dict[int, set[str]]] = {}
        for cell, atom, speaker in known.select("_cell", "_atom", "_speaker").iter_rows():
            cells.setdefault(cell, {}).setdefault(atom, set()).add(speaker)
        nobody: set[str] = set()

        def count(atoms: Sequence[int]) -> int:
            there = (nobody.union(*(by_atom.get(atom, nobody) for atom in atoms)) for by_atom in cells.values())
            return min(max(len(speakers), 1) for speakers in there)

        return count

    def labelled(self) -> pl.DataFrame:
        """Return the rows with the labels of their atoms."""
        return self.rows.join(self.atoms, on="_atom", how="left", maintain_order="left")


def everybody(counts: pl.DataFrame) -> int:
    """Return how many speakers the cells of all together have at least."""
    population = Population.of(counts, ())
    return population.people(population.labelled(), OVERALL).get(OVERALL, 0)


def withheld(population: Population, *, least: int, references: Mapping[str, str], start: Hidden) -> Hidden:
    """Return the groups to withhold of each axis, ``start`` among them; reference groups are the last to go."""
    return _Search(population, least, references, start).hidden


class _Search:
    def __init__(self, population: Population, least: int, references: Mapping[str, str], start: Hidden) -> None:
        self.population, self.least, self.references = population, least, references
        self.labelled = population.labelled()
        self.sizes = {axis: population.people(self.labelled, axis) for axis in population.axes}
        self.sizes[OVERALL] = population.people(self.labelled, OVERALL)
        self.hidden: Hidden = {axis: set(start.get(axis, ())) for axis in (*start, *population.axes)}
        for axis in population.axes:
            few = {group for group, people in self.sizes[axis].items() if people < least or group == WITHHELD}
            self.hidden[axis] |= few
        while found := dict.fromkeys(self._rests()) or dict.fromkeys(self._combined()):
            for axis, group in found:
                self.hidden[axis].add(group)

    def _shown(self, axis: str) -> list[Group]:
        """Return the shown groups, the first to be withheld first."""
        shown = [group for group in self.sizes[axis] if axis == OVERALL or group not in self.hidden[axis]]
        reference = self.references.get(axis)
        return sorted(shown, key=lambda group: (group == reference, self.sizes[axis][group], group or ""))

    def _rests(self) -> Iterator[tuple[str, Group]]:
        """Yield the smallest group inside each shown one whose rest, without all groups inside it, is too few."""
        for outer in (OVERALL, *self.population.axes):
            for axis in self.population.axes:
                if axis != outer:
                    yield from self._rests_of(outer, axis)

    def _rests_of(self, outer: str, axis: str) -> Iterator[tuple[str, Group]]:
        outers = self._shown(outer)
        homes = self.population.atoms.group_by(axis).agg(
            pl.col(outer).n_unique().alias("_homes"), pl.col(outer).first().alias("_home")
        )
        one = {row[axis]: row["_home"] for row in homes.iter_rows(named=True) if row["_homes"] == 1}
        inside = [group for group in self._shown(axis) if group in one and one[group] in outers]
        first: dict[Group, Group] = {}
        for group in inside:
            first.setdefault(one[group], group)
        if first:
            left = _without(_only(self.labelled, outer, list(first)), axis, inside)
            rests = self.population.people(left, outer)
            yield from ((axis, first[home]) for home, people in rests.items() if people < self.least)

    def _combined(self) -> Iterator[tuple[str, Group]]:
        """Yield a group beside each small group, or small set of atoms, that is a linear combination of the shown."""
        if not any(self.hidden[axis] for axis in self.population.axes) and len(self.population.axes) < 2:
            return
        import numpy as np

        atoms, free = self.population.atoms, self._free()
        for axis in self.population.axes:
            for group in self.hidden[axis] & set(self.sizes[axis]):
                if self.sizes[axis][group] < self.least:
                    there = atoms.select(_is_in(axis, [group])).to_series().to_numpy()
                    if is_zero(free[there].sum(axis=0)):
                        yield from self._beside(axis, group)
        sizes = self.population.people(self.labelled, "_atom")
        people = np.array([sizes[atom] for atom in atoms["_atom"]])
        taken: list[tuple[str, Group]] = []
        for found in unions(free, people, least=self.least, together=self.population.together()):
            around = [atoms.row(atom, named=True) for atom in found]
            # What was just chosen for another set may do for this one: the next search tells.
            if not any(atom[axis] == group for axis, group in taken for atom in around):
                taken += self._around(around)
        yield from taken

    def _free(self) -> Any:
        import numpy as np

        atoms = self.population.atoms
        places, columns, width = [], [], 0
        for axis in (OVERALL, *self.population.axes):
            number = {group: width + k for k, group in enumerate(self._shown(axis))}
            width += len(number)
            for atom, group in enumerate(atoms[axis]):
                if group in number:
                    places.append(atom)
                    columns.append(number[group])
        return free_vectors(np.array(places), np.array(columns), atoms=len(atoms), width=width)

    def _beside(self, axis: str, group: Group) -> Iterator[tuple[str, Group]]:
        """Yield the smallest shown group of the axis, first of those that share a part of a product with this one."""
        shown = self._shown(axis)
        parts = set((group or "").split(INTERSECTION))
        near = [other for other in shown if parts & set((other or "").split(INTERSECTION))]
        if shown:
            yield axis, (near or shown)[0]
        else:
            yield from self._around(_only(self.population.atoms, axis, [group]).to_dicts())

    def _around(self, atoms: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Group]]:
        """Yield the smallest shown group that holds one of the atoms, of the axis with the most parts; else any."""
        for axis in sorted(self.population.axes, key=lambda name: -name.count(INTERSECTION)):
            holding = {atom[axis] for atom in atoms}
            shown = [group for group in self._shown(axis) if group in holding]
            if shown:
                yield axis, shown[0]
                return
        smallest = [
            (self.sizes[axis][shown[0]], axis, shown[0])
            for axis in self.population.axes
            if (shown := self._shown(axis))
        ]
        if smallest:
            yield min(smallest, key=lambda each: each[0])[1:]


def _only(rows: pl.DataFrame, column: str, groups: Sequence[Group]) -> pl.DataFrame:
    return rows.filter(_is_in(column, groups))


def _without(rows: pl.DataFrame, column: str, groups: Sequence[Group]) -> pl.DataFrame:
    return rows.filter(~_is_in(column, groups))


def _is_in(column: str, groups: Sequence[Group]) -> pl.Expr:
    return pl.col(column).is_in(pl.Series(list(groups), dtype=pl.String).implode(), nulls_equal=True)
