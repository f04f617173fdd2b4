"""The sign-flip test over speakers: the same utterances under two conditions, or by two backends.

Conventions
-----------
A speaker's share of the difference is x_s = E_s/ΣW − E⁰_s/ΣW⁰ (errors and words of the new and the base side), so
that Σx is the difference in WER. If a change makes no difference, each x_s is as likely to have either sign.

Formula
-------
p is the share of sign patterns ε with |Σε·x| at least |Σx|: of all 2^G where these are at most ``flips`` + 1, else
(1 + #)/(flips + 1) over random ones. A speaker with x_s = 0 has no sign, and takes no part.

Evidence
--------
False alarms at .05 are 3.4–6.2 % from 8 speakers up, also where talk is unbalanced and only one system varies by
speaker, so that x_s is skewed. Dividing Σε·x by its standard error (CR1, or contributions over 1 − h_s) gave
3.6–6.7 % and less power where talk is unbalanced (62 against 68 % at 15 speakers): so it is not done.

References
----------
Fisher 1935; Phipson and Smyth 2010 (the one in (1 + #)/(flips + 1)).
"""

import numpy as np
import polars as pl

from asrfair.seeds import generator
from asrfair.stats import notes
from asrfair.stats.arrays import Bools, Floats, Ints, at, ratio
from asrfair.stats.cells import Coded
from asrfair.stats.changes import PairView, at_baseline
from asrfair.stats.rates import cell_names, in_order, speakers, unknown_if_nan

ASSUMPTION = "under no change each speaker's difference is as likely to have either sign"
_SIGNS_AT_ONCE = 2**21
_ROUNDING = 1e-9


def sign_flip_rows(view: PairView, coded: Coded, *, flips: int = 10000, seed: int, alpha: float = 0.05) -> pl.DataFrame:
    """Return rows of table ``tests``, without normalizer: each group (or ``overall``) against itself at the baseline.

    ``statistic`` is the difference in WER. Below two speakers, or with utterances without a speaker, p is null and
    the note says why; it also says where so few speakers differ that p cannot reach ``alpha``.
    """
    index = in_order(view.present, coded)
    shares = _shares(view)
    p = _by_group(view, coded, shares, flips=flips, seed=seed)[index]
    differing = np.bincount(view.cell, shares != 0, len(view.present))[index].astype(np.int64)
    cells = at(view.cells, index)
    judged, smallest = cells.judged, 0.5 ** np.maximum(differing - 1.0, 0)
    own = cell_names(view.axis, coded, index)
    note = notes.join(
        [
            *notes.pair_parts(
                cells,
                floored=np.zeros(len(index), bool),
                excluded=view.excluded[index],
                kind=view.kind,
                ratio=False,
            ),
            (judged & (differing == 0), "no speaker's errors differ"),
            (np.where(judged & (smallest > alpha), differing, 0), _cannot_reach),
        ],
        len(index),
    )
    return pl.DataFrame(
        own
        | {f"reference_{name}": values for name, values in own.items()}
        | {
            "speakers": speakers(cells),
            "statistic": unknown_if_nan(cells.spread.estimate),
            "p": unknown_if_nan(p),
            "note": pl.Series(note, dtype=pl.String),
        }
    ).with_columns(
        at_baseline(view, coded),
        axis=pl.lit(view.axis.name),
        test=pl.lit("sign_flip"),
        assumption=pl.lit(ASSUMPTION),
    )


def flip_p(shares: Floats, *, flips: int, rng: np.random.Generator) -> Floats:
    """Return p of each column of ``shares``, shape=(speakers, columns); one draw of signs serves all columns."""
    differing = np.sum(shares != 0, axis=0)
    p = np.empty(shares.shape[1])
    exact = differing <= np.log2(flips + 1)
    for number in np.unique(differing[exact]):
        columns = np.flatnonzero(exact & (differing == number))
        p[columns] = _exact_p(np.stack([shares[shares[:, column] != 0, column] for column in columns]))
    if not exact.all():
        p[~exact] = _random_p(shares[:, ~exact], flips=flips, rng=rng)
    return p


def _cannot_reach(differing: int) -> str:
    who = notes.counted(int(differing), "speaker")
    return f"only {who} with a difference: p cannot fall under {0.5 ** (int(differing) - 1):g}"


def _shares(view: PairView) -> Floats:
    """Return x_s of each row of the view, zero where the cell has no words."""
    spread = view.cells.spread
    new = ratio(view.sums["errors"], spread.words[view.cell])
    base = ratio(view.sums["base_errors"], spread.base_words[view.cell])
    return np.nan_to_num(new - base)


def _by_group(view: PairView, coded: Coded, shares: Floats, *, flips: int, seed: int) -> Floats:
    """Return p of every cell, nan where not judged; the cells of a group share their draw."""
    p = np.full(len(view.present), np.nan)
    bounds = np.searchsorted(view.cell, np.arange(len(view.axis.groups) + 1) * coded.per_group)
    for number, group in enumerate(view.axis.groups):
        rows = slice(bounds[number], bounds[number + 1])
        first = number * coded.per_group
        cells = first + np.flatnonzero(view.cells.judged[first : first + coded.per_group])
        if len(cells):
            table = _table(view.cell[rows] - first, view.cluster[rows], shares[rows], per_group=coded.per_group)
            rng = generator(seed, "sign_flip", view.kind, view.axis.name, str(group))
            p[cells] = flip_p(table[:, cells - first], flips=flips, rng=rng)
    return p


def _table(cell: Ints, cluster: Ints, shares: Floats, *, per_group: int) -> Floats:
    clusters, row = np.unique(cluster, return_inverse=True)
    table = np.zeros((len(clusters), per_group))
    table[row, cell] = shares
    return table


def _exact_p(shares: Floats) -> Floats:
    """Return p over all sign patterns, shape=(columns,), of ``shares``, shape=(columns, speakers).

    The first sign is kept: turning all signs changes no |Σε·x|.
    """
    free = max(shares.shape[1] - 1, 0)
    bits = np.arange(2**free)[:, None] >> np.arange(free) & 1
    signs = np.ones((len(bits), shares.shape[1]))
    signs[:, 1:] -= 2 * bits
    p: Floats = _as_far(signs @ shares.T, shares.T).mean(axis=0)
    return p


def _random_p(shares: Floats, *, flips: int, rng: np.random.Generator) -> Floats:
    reached = np.zeros(shares.shape[1])
    step = max(1, _SIGNS_AT_ONCE // len(shares))
    for done in range(0, flips, step):
        signs = rng.integers(0, 2, (min(step, flips - done), len(shares)), dtype=np.int8) * 2.0 - 1
        reached += _as_far(signs @ shares, shares).sum(axis=0)
    return (1 + reached) / (flips + 1)


def _as_far(flipped: Floats, shares: Floats) -> Bools:
    """Return where the flipped sums are at least as far from zero as the sum itself; rounding breaks no tie."""
    found = np.abs(shares.sum(axis=0)) - _ROUNDING * np.abs(shares).sum(axis=0)
    as_far: Bools = np.abs(flipped) >= found
    return as_far
