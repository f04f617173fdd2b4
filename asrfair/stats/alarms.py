"""Alarms of a gate: which bounds beyond their limits may be believed together, and how many speakers more would do.

Conventions
-----------
An alarm is a bound and its limit; ``error`` ∈ (0, 0.5) is the chance of any false alarm. «Proved worse» rejects
«within the limit», and its error probability is found by inverting the bound: an alarm is raised at ``error`` if its
lower bound there is beyond its limit. Holm over m alarms asks so at error/m, then at error/(m − raised) as long as more
are raised; the chance of any false alarm is then at most ``error``, however the alarms depend on each other.
«Every bound is within its limit» needs no correction: it is wrong only if every part that is wrong passes, which the
first of them does with a chance of at most ``error`` (intersection–union).

References
----------
Holm 1979 (steps); Berger 1982 (intersection–union); Kish 1965 (variance falls as one over the number of speakers).

`benchmarks/gate.py`, 4 to 100 speakers a group, 2,000 corpora a setting: with the truth at the limit, a comparison of
two groups passes in 2 to 6.5 % and is proved worse in 1.5 to 6 %; a single WER passes in 3 to 6.5 %. Where one speaker
in ten errs four times as much, most samples of few speakers hold too few of them: a single WER then passes in 6 to 10.5
%, and where the others are alike (sd .2) in 16 to 23 % with 4 to 15 speakers, in 14 % with 20, 12 % with 30, 8 % with
50 and 6 % with 100, while a comparison of two such groups stays within 7.5 %. Of 5 (20) alarms at their limits any is
raised in .6 to 5.2 % (.1 to 4.2 %), and without Holm in 8 to 18 % (18 to 35 %). A gap of equal groups is raised in 0 to
6.2 %, in up to 12 % with the end of the interval that other measures use (`asrfair.stats.gate`).
"""

import math
from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Alarms:
    """What Holm's steps found: ``raised`` are alarms with the error at which each was, ``last`` that of the rest."""

    raised: dict[int, float]
    last: float


def step_down(alarms: int, *, error: float, beyond: Callable[[float], Set[int]]) -> Alarms:
    """Return which of ``alarms`` are raised with at most ``error`` chance that any is false.

    ``beyond(e)`` returns the alarms, by number from 0, whose bound at error probability e is beyond its limit; it must
    hold no fewer at a larger e.
    """
    raised: dict[int, float] = {}
    while len(raised) < alarms:
        now = error / (alarms - len(raised))
        new = beyond(now) - raised.keys()
        if not new:
            return Alarms(raised, now)
        raised |= dict.fromkeys(new, now)
    return Alarms(raised, error)


def times_the_speakers(estimate: float, end: float, limit: float, *, log: bool) -> float | None:
    """Return how many times the speakers put an upper end at the limit, if the estimate stays; None if none do.

    The way from the estimate to the end, as a logarithm where ``log``, falls as one over the root of the speakers: a
    little too many, as fewer degrees of freedom and the stretch for skew widen an interval beyond that.
    """
    values = np.array([estimate, end, limit], dtype=float)
    if log:
        if (values <= 0).any():
            return None
        values = np.log(values)
    way, room = float(values[1] - values[0]), float(values[2] - values[0])
    return (way / room) ** 2 if room > 0 and math.isfinite(way) else None
