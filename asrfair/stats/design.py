"""The terms of a regression, and what the rows can tell of each.

Conventions
-----------
Rows are sums over the utterances of one speaker with equal labels: columns ``_cluster``, ``_errors``, ``_words``,
``_utterances``, and one per factor (text) or number (float), none of them null. A factor gives one term for each
level but its base; a number gives one term, per unit. What a level or term cannot be given is a reason in words:
a level without errors has no finite ratio, so its rows leave the model, which changes nothing for the others.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from asrfair.stats.arrays import Floats, Ints
from asrfair.stats.notes import NO_ERRORS

_SINGULAR = 1e-10
_INVOLVED = 1e-8


@dataclass(frozen=True, order=True)
class Term:
    """A number, or one level of a factor compared with its base."""

    name: str
    level: str | None = None

    @property
    def text(self) -> str:
        """Return ``name`` or ``name[level]``."""
        return self.name if self.level is None else f"{self.name}[{self.level}]"


def constant_here(name: str) -> str:
    """Return the reason against a term that all rows agree on."""
    return f"{name} is constant here"


@dataclass(frozen=True)
class Design:
    """What a model is fitted to.

    ``columns`` has shape=(rows, 1 + terms), the intercept first, each term centred and divided by ``scale``,
    shape=(1 + terms,), and is of full rank; ``terms`` are those of its columns. ``reasons`` are of the terms
    without an estimate, some of which have a column. ``starts`` holds the first row of each speaker.
    """

    terms: tuple[Term, ...]
    columns: Floats
    scale: Floats
    errors: Floats
    offset: Floats
    starts: Ints
    utterances: int
    bases: Mapping[str, str]
    reasons: Mapping[Term, str]

    @property
    def speakers(self) -> int:
        """The number of speakers."""
        return len(self.starts)


def make_design(
    rows: pl.DataFrame, *, factors: Sequence[str], numbers: Sequence[str], bases: Mapping[str, str]
) -> Design:
    """Return the design of rows with at least one error.

    The base of a factor is that of ``bases`` where it has errors, else the level with most words.
    """
    rows, reasons = _without_errorless(rows, factors)
    rows = rows.sort("_cluster")
    lengths = rows["_cluster"].rle().struct.field("len").to_numpy().astype(np.int64)
    columns: dict[Term, Floats] = {}
    chosen = {}
    for name in factors:
        levels = _levels(rows, name)
        chosen[name] = bases[name] if bases.get(name) in levels else levels[0]
        for level in sorted(set(levels) - {chosen[name]}):
            columns[Term(name, level)] = (rows[name] == level).to_numpy().astype(np.float64)
        if len(levels) == 1:
            reasons[Term(name)] = constant_here(name)
    for name in numbers:
        if rows[name].n_unique() == 1:
            reasons[Term(name)] = constant_here(name)
        else:
            columns[Term(name)] = rows[name].to_numpy()
    terms, matrix, scale = _scaled(columns, rows.height)
    kept, confused = _confused(matrix[:, 1:], terms)
    picked = [0, *(1 + place for place in kept)]
    return Design(
        terms=tuple(terms[place] for place in kept),
        columns=matrix[:, picked],
        scale=scale[picked],
        errors=rows["_errors"].to_numpy().astype(np.float64),
        offset=np.log(rows["_words"].to_numpy()),
        starts=np.cumsum(lengths) - lengths,
        utterances=int(rows["_utterances"].sum()),
        bases=chosen,
        reasons=reasons | confused,
    )


def _levels(rows: pl.DataFrame, name: str) -> list[str]:
    """Return the levels of a factor, the one with most words first."""
    return (
        rows.group_by(name).agg(pl.col("_words").sum()).sort(["_words", name], descending=[True, False])[name].to_list()
    )


def _without_errorless(rows: pl.DataFrame, factors: Collection[str]) -> tuple[pl.DataFrame, dict[Term, str]]:
    """Return the rows without levels that have no errors, and the reasons of those."""
    reasons: dict[Term, str] = {}
    while True:
        gone: dict[str, list[str]] = {}
        for name in factors:
            sums = rows.group_by(name).agg(pl.col("_errors").sum())
            gone[name] = sums.filter(pl.col("_errors") == 0)[name].to_list()
        found = {Term(name, level): NO_ERRORS for name, levels in gone.items() for level in levels}
        if not found:
            return rows, reasons
        reasons |= found
        rows = rows.filter(~pl.any_horizontal(pl.col(name).is_in(levels) for name, levels in gone.items()))


def _scaled(columns: Mapping[Term, Floats], rows: int) -> tuple[list[Term], Floats, Floats]:
    """Return the terms, the intercept and the terms centred and of unit spread, and what they were divided by."""
    terms = list(columns)
    matrix = np.ones((rows, 1 + len(terms)))
    scale = np.ones(1 + len(terms))
    for place, values in enumerate(columns.values(), start=1):
        centred = values - values.mean()
        scale[place] = np.sqrt(np.mean(centred**2))
        matrix[:, place] = centred / scale[place]
    return terms, matrix, scale


def _confused(matrix: Floats, terms: Sequence[Term]) -> tuple[list[int], dict[Term, str]]:
    """Return the places of independent columns, and why the dependent ones cannot be told apart."""
    from scipy import linalg

    if not terms:
        return [], {}
    gram = matrix.T @ matrix / len(matrix)
    values, vectors = np.linalg.eigh(gram)
    missing = vectors[:, values < _SINGULAR * len(terms)]
    involved = np.abs(missing @ missing.T) > _INVOLVED
    reasons = {}
    for term, with_whom in zip(terms, involved, strict=True):
        if not with_whom[terms.index(term)]:
            continue
        others = dict.fromkeys(other.name for other, is_one in zip(terms, with_whom, strict=True) if is_one)
        others.pop(term.name)
        reasons[term] = f"cannot be told apart from {' and '.join(others) or 'other terms'} here"
    _, order = linalg.qr(gram, mode="r", pivoting=True)
    return sorted(int(place) for place in order[: len(terms) - missing.shape[1]]), reasons
