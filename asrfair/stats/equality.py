"""Is there any difference between groups? A permutation test of speakers over groups.

Conventions
-----------
Speakers are dealt anew to the groups, which keep their numbers of speakers; a speaker brings all errors and words.
Groups with fewer than two speakers take no part, as do speakers without reference words.

Formulas
--------
Welch's F on x_k = log((E_k + ½)/W_k), so that a group without errors stays in the test: with weights 1/s_k²,
s_k² = G/(G − 1)·Σ(E_s − θ_k·W_s)²/(θ_k·W_k)², at least 1/(E_k + ½), θ_k = (E_k + ½)/W_k, and df_k = G_k − 1.
p = (1 + permutations with F at least the observed)/(1 + permutations).

False alarms are 4–6 % where speakers vary alike in all groups, however many there are in each and however unequally
they talk. Where they do not (speaker sd .3 to .9, groups of 4 to 30) speakers are not exchangeable although the
rates are equal: 8–13 % (`benchmarks/groups.py`). The p of the gap does not rest on it.

References
----------
Welch 1951 (F); Janssen 1997 (permuting studentised statistics); Phipson and Smyth 2010 (the one in p).
"""

import numpy as np
import polars as pl

from asrfair.seeds import generator
from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints
from asrfair.stats.cells import Coded
from asrfair.stats.groups import Column, column_cells, column_parts, columns, talkers
from asrfair.stats.rates import AxisSums, cell_names, unknown_if_nan
from asrfair.tables import OVERALL

ASSUMPTION = "under equality speakers could as well belong to any group"
_DEALT_AT_ONCE = 500_000
_ROUNDING = 1e-9


def equality_rows(view: AxisSums, coded: Coded, *, permutations: int, seed: int) -> pl.DataFrame:
    """Return rows of table ``tests``, without normalizer: one per condition and backend of the labelled groups.

    p is null, and the note says why, with fewer than two groups to be judged, without errors, or where a speaker
    speaks in several groups.
    """
    found = columns(view, coded)
    results = [_test(view, coded, column, permutations=permutations, seed=seed) for column in found]
    statistic, p = (np.array([result[place] for result in results]) for place in (0, 1))
    without = np.array([_errors(view, coded, column) == 0 for column in found], bool)
    crossing = np.array([len(column.crossing) > 0 for column in found], bool)
    several = np.array([len(column.judged) > 1 for column in found], bool)
    note = notes.join(
        [
            *column_parts(view, coded, found),
            (crossing, "speakers in several groups cannot be dealt anew: no test"),
            (without & ~crossing & several, "no errors: no test"),
        ],
        len(found),
    )
    own = cell_names(view.axis, coded, np.array([column.number for column in found], np.int64))
    return pl.DataFrame(
        own
        | {f"reference_{name}": values for name, values in own.items() if name != "group"}
        | {
            "speakers": pl.Series([len(talkers(view, coded, column)) or None for column in found], dtype=pl.Int64),
            "statistic": unknown_if_nan(statistic),
            "p": unknown_if_nan(p),
            "note": pl.Series(note, dtype=pl.String),
        }
    ).with_columns(
        axis=pl.lit(view.axis.name),
        group=pl.lit(OVERALL),
        reference_group=pl.lit(None, pl.String),
        test=pl.lit("equality"),
        assumption=pl.lit(ASSUMPTION),
    )


def equality_test(
    group: Ints, errors: Floats, words: Floats, *, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return Welch's F and its permutation p from one row per speaker; ``group`` is sorted, ``words`` positive.

    Every group has at least two speakers and at least one of the speakers an error.
    """
    sizes = np.bincount(group)
    values = np.stack([errors, words, errors**2, errors * words, words**2])
    observed = float(welch_f(_dealt(values, np.arange(len(group))[None], sizes), sizes)[0])
    beyond, step = 0, max(1, _DEALT_AT_ONCE // len(group))
    for start in range(0, permutations, step):
        order = np.tile(np.arange(len(group)), (min(step, permutations - start), 1))
        dealt = welch_f(_dealt(values, rng.permuted(order, axis=1), sizes), sizes)
        beyond += int(np.count_nonzero(dealt >= observed * (1 - _ROUNDING)))
    return observed, (1 + beyond) / (1 + permutations)


def welch_f(sums: Floats, sizes: Ints) -> Floats:
    """Return F from the groups' ΣE, ΣW, ΣE², ΣEW and ΣW², shape=(5, n, groups), as shape=(n,)."""
    errors, words, squares, products, word_squares = sums
    rate = (errors + 0.5) / words
    spread = squares - 2 * rate * products + rate**2 * word_squares
    variance = np.maximum(sizes / (sizes - 1) * spread / (errors + 0.5) ** 2, 1 / (errors + 0.5))
    weight = 1 / variance
    total = weight.sum(axis=-1, keepdims=True)
    x = np.log(rate)
    mean = (weight * x).sum(axis=-1, keepdims=True) / total
    groups = len(sizes)
    between = (weight * (x - mean) ** 2).sum(axis=-1) / (groups - 1)
    unequal = ((1 - weight / total) ** 2 / (sizes - 1)).sum(axis=-1)
    statistic: Floats = between / (1 + 2 * (groups - 2) / (groups**2 - 1) * unequal)
    return statistic


def _dealt(values: Floats, order: Ints, sizes: Ints) -> Floats:
    """Return the sums of each group's speakers, shape=(columns, permutations, groups)."""
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.stack([np.add.reduceat(column[order], first, axis=1) for column in values])


def _test(view: AxisSums, coded: Coded, column: Column, *, permutations: int, seed: int) -> tuple[float, float]:
    if len(column.judged) < 2 or len(column.crossing) or _errors(view, coded, column) == 0:
        return np.nan, np.nan
    rows = column.rows[_takes_part(view, coded, column)]
    names = cell_names(view.axis, coded, np.array([column.number]))
    rng = generator(seed, "equality", view.axis.name, *(names[name][0] for name in ("condition", "backend")))
    _, group = np.unique(view.cell[rows], return_inverse=True)
    errors, words = (view.sums[name][rows] for name in ("errors", "words"))
    return equality_test(group, errors, words, permutations=permutations, rng=rng)


def _takes_part(view: AxisSums, coded: Coded, column: Column) -> Bools:
    judged = np.isin(view.cell[column.rows] // coded.per_group, column.judged)
    taking: Bools = judged & (view.sums["words"][column.rows] > 0)
    return taking


def _errors(view: AxisSums, coded: Coded, column: Column) -> float:
    return float(column_cells(view, coded, column, column.judged).spread.errors.sum())
