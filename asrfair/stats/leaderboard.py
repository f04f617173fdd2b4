"""Systems ranked by the WER of the group that each of them serves worst, with ties where they cannot be told apart.

Conventions
-----------
All systems have transcribed the same utterances. θ_ig is the WER of system i for group g of an axis. Of an axis those
groups are ranked on that have enough speakers, K of them: the bound of a group of two or three says how few they are,
not how they are served. Unlabelled speakers are no group. Systems are ordered by the upper bound of the worst group:
the highest of the upper ends of the groups' own intervals, each of which is exceeded with probability α/2.

Formulas
--------
Whether i's worst group is served worse than j's: H_ij says max_g θ_ig ≤ max_g θ_jg. It is false if for every h there
is a g with θ_ig > θ_jh, so
    p_ij = max_h min(1, 2·min(p_hh, (K − 1)·min_{g≠h} p_gh))
with one-sided p of θ_ig > θ_jh: p_hh is paired by speaker (`asrfair.stats.paired`), p_gh compares two groups of
different speakers (`asrfair.stats.contrasts`). If H_ij is true, θ_ig ≤ θ_jh for all g where h is j's worst group, and
by Bonferroni's inequality p_ij is small with no more than its own probability, however many groups are alike: the
maximum, whose bootstrap fails there, is never estimated. Only the `CANDIDATES` groups g with the highest lower ends are
looked at, which makes p larger and never smaller. Holm's adjustment runs over all ordered pairs of systems.
A system's rank lies between 1 + the number of systems that it is shown to be worse than, and n − the number of those
shown to be worse than it; all these statements hold together with probability 1 − α.

References
----------
Mogstad, Romano, Shaikh and Wilhelm 2024 (ranks from pairwise comparisons, section 3); Berger 1982 (maximum of p);
Holm 1979.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from asrfair.stats.adjust import holm
from asrfair.stats.arrays import Bools, Floats, Ints, at, stack
from asrfair.stats.cells import Coded, code, find_axis
from asrfair.stats.contrasts import rate_difference
from asrfair.stats.intervals import LogRates
from asrfair.stats.paired import pair_sums, paired_difference
from asrfair.stats.question import Question
from asrfair.stats.rates import AxisSums, axis_sums
from asrfair.tables import FAILURES, OVERALL

CANDIDATES = 3
LEAST_SPEAKERS = 10


@dataclass(frozen=True)
class Rank:
    """One system on one axis.

    ``group`` is served worst (rate ``wer``); ``high`` is the highest upper end, that of ``bounding``. ``groups`` are
    ranked on, ``too_small`` is how many are not. ``worse_than`` and ``better_than`` are the systems told apart from
    it; its rank lies from ``first`` to ``last``.
    """

    axis: str
    backend: str
    group: str | None
    wer: float | None
    bounding: str | None
    high: float | None
    groups: int
    too_small: int
    first: int
    last: int
    worse_than: tuple[str, ...]
    better_than: tuple[str, ...]


def leaderboard(counts: pl.DataFrame, question: Question, *, least_speakers: int = LEAST_SPEAKERS) -> list[Rank]:
    """Return the standings by axis (``overall``, with one group, first), each axis in order of the upper bound.

    ``counts`` have columns as `asrfair.stats.analyse` wants them, of one normalizer and condition, with the same
    utterances for every backend. Groups have ``least_speakers`` with reference words, never under two. A system
    without a bound comes last. Raises InputError as `analyse` does.
    """
    question.check()
    failures = pl.DataFrame(schema=FAILURES | dict.fromkeys(question.axes, pl.String))
    coded = code(
        counts,
        failures,
        axes=question.axes,
        baseline_condition=None,
        baseline_backend=None,
        independent_utterances=question.independent_utterances,
    )
    found: list[Rank] = []
    for name in (OVERALL, *question.axes):
        view = axis_sums(find_axis(name, counts, failures), coded)
        rows = list(_standings(view, coded, alpha=question.alpha, least=least_speakers))
        found += sorted(rows, key=lambda row: (row.high is None, row.high or 0.0, row.wer or 0.0, row.backend))
    return found


def _standings(view: AxisSums, coded: Coded, *, alpha: float, least: int) -> Iterator[Rank]:
    names, size = coded.backends, len(coded.backends)
    labelled = np.array([k for k, group in enumerate(view.axis.groups) if group is not None], np.int64)
    # The utterances are the same for all, so a group is judged for all systems or for none.
    enough = view.cells.judged & (view.cells.spread.clusters >= least)
    judged = labelled[enough[labelled * size]] if len(labelled) else labelled
    rates = [at(view.cells.spread, judged * size + k) for k in range(size)]
    worse = told_worse(view, rates, judged, alpha=alpha) if len(judged) else np.zeros((size, size), bool)
    for k, name in enumerate(names):
        row = Rank(
            axis=view.axis.name,
            backend=name,
            group=None,
            wer=None,
            bounding=None,
            high=None,
            groups=len(judged),
            too_small=len(labelled) - len(judged),
            first=1 + int(worse[k].sum()),
            last=size - int(worse[:, k].sum()),
            worse_than=tuple(names[j] for j in np.flatnonzero(worse[k])),
            better_than=tuple(names[j] for j in np.flatnonzero(worse[:, k])),
        )
        yield _with_worst(row, rates[k], [view.axis.groups[g] for g in judged], alpha=alpha)


def _with_worst(row: Rank, rates: LogRates, groups: list[str | None], *, alpha: float) -> Rank:
    """Return the standing with the worst group's rate and bound; no bound where an interval is too wide to show."""
    if not groups:
        return row
    worst, (_, high) = int(np.argmax(rates.estimate)), rates.ends(alpha)
    row = replace(row, group=groups[worst], wer=float(rates.estimate[worst]))
    if rates.too_wide(alpha).any() or np.isnan(high).any():
        return row
    top = int(np.argmax(high))
    return replace(row, bounding=groups[top], high=float(high[top]))


def told_worse(view: AxisSums, rates: list[LogRates], judged: Ints, *, alpha: float) -> Bools:
    """Return, shape=(systems, systems), whether the row's worst group is shown to be served worse than the column's.

    ``rates`` are the systems' of the groups ``judged``.
    """
    size = len(rates)
    own, other = (np.array(side, np.int64) for side in np.nonzero(~np.eye(size, dtype=bool)))
    worse = np.zeros((size, size), bool)
    if not len(own):
        return worse
    p = worst_group_p(view, rates, judged, own, other, alpha=alpha)
    worse[own, other] = holm(p) < alpha
    return worse


def worst_group_p(
    view: AxisSums, rates: list[LogRates], judged: Ints, own: Ints, other: Ints, *, alpha: float
) -> Floats:
    """Return p_ij of the systems ``own`` and ``other``, each shape=(pairs,), before any adjustment."""
    p = _same_groups(view, judged, own, other, size=len(rates), alpha=alpha)
    if len(judged) > 1:
        cross = _other_groups(rates, own, other, alpha=alpha)
        p = np.minimum(2 * np.minimum(p, (len(judged) - 1) * cross), 1.0)
    worst: Floats = p.max(axis=1)
    return worst


def _same_groups(view: AxisSums, judged: Ints, own: Ints, other: Ints, *, size: int, alpha: float) -> Floats:
    """Return p of each group being served worse by ``own`` than by ``other``, shape=(pairs, groups)."""
    errors, words = (
        np.stack([view.sums[name][view.cell % size == k] for k in range(size)]) for name in ("errors", "words")
    )
    group = view.cell[view.cell % size == 0] // size
    kept = np.isin(group, judged)
    place, groups = np.searchsorted(judged, group[kept]), len(judged)
    cell = (np.arange(len(own))[:, None] * groups + place).ravel()
    pairs = pair_sums(
        cell,
        errors=errors[own][:, kept].ravel(),
        words=words[own][:, kept].ravel(),
        base_errors=errors[other][:, kept].ravel(),
        base_words=words[other][:, kept].ravel(),
        cells=len(own) * groups,
    )
    found = paired_difference(pairs, alpha=alpha, judged=pairs.judged)
    return _above(found.estimate, found.p).reshape(len(own), groups)


def _other_groups(rates: list[LogRates], own: Ints, other: Ints, *, alpha: float) -> Floats:
    """Return the least p of each of ``other``'s groups against other groups of ``own``, shape=(pairs, groups)."""
    groups = len(rates[0].errors)
    every = stack(rates)
    low = np.nan_to_num(np.stack([each.ends(alpha)[0] for each in rates]))
    candidates = np.argsort(-low, axis=1, kind="stable")[:, :CANDIDATES]
    shape = (len(own), candidates.shape[1], groups)
    first = np.broadcast_to((own[:, None] * groups + candidates[own])[:, :, None], shape).ravel()
    second = np.broadcast_to((other[:, None] * groups + np.arange(groups))[:, None, :], shape).ravel()
    a, b = at(every, first), at(every, second)
    judged = (first % groups != second % groups) & a.judged & b.judged
    found = rate_difference(a, b, alpha=alpha, judged=judged)
    least: Floats = _above(found.estimate, np.where(judged, found.p, np.nan)).reshape(shape).min(axis=1)
    return least


def _above(estimate: Floats, p: Floats) -> Floats:
    """Return the one-sided p that an estimate is above 0, from its two-sided p; 1 where unknown."""
    return np.nan_to_num(np.where(estimate > 0, p / 2, 1 - p / 2), nan=1.0)
