"""k-anonymity over all labels together, by local suppression: which labels of which speakers are withheld.

A speaker is one row: its code on every axis. Speakers who agree on all axes are a class. As long as a class has fewer
than k, it is made equal to another, by withholding the axes on which the two differ: the pair that costs the fewest
labels. From a class that can spare them, only as many speakers as are wanted are taken, by chance. What is withheld
is a level like others, so at the end every combination of levels, of any axes, has k speakers or none.

Source: Sweeney 2002, Achieving k-anonymity privacy protection using generalization and suppression; merging the
cheapest pair is agglomerative, after Nergiz and Clifton 2007. Greedy: not the least that could be withheld.
"""

import random as standard

import numpy as np
from numpy.typing import NDArray

WITHHELD = -1
Codes = NDArray[np.int64]


def suppress(codes: Codes, least: int, random: standard.Random) -> Codes:
    """Return the codes, shape=(speakers, axes), with `WITHHELD` in place of those that would tell fewer than ``least``.

    Of fewer than ``least`` speakers all is withheld.
    """
    if codes.shape[1] == 0:
        return codes.copy()
    if len(codes) < least:
        return np.full_like(codes, WITHHELD)
    profiles, place = np.unique(codes, axis=0, return_inverse=True)
    classes = _Classes(profiles, place.reshape(-1), random)
    while (small := classes.smallest(least)) is not None:
        classes.merge(small, least)
    return classes.codes(len(codes))


class _Classes:
    """Profiles, shape=(classes, axes), and the speakers of each."""

    def __init__(self, profiles: Codes, place: NDArray[np.intp], random: standard.Random) -> None:
        self._profiles = profiles
        self._members: list[list[int]] = [[] for _ in profiles]
        for speaker, number in enumerate(place):
            self._members[number].append(speaker)
        self._sizes = np.array([len(members) for members in self._members])
        self._random = random

    def smallest(self, least: int) -> int | None:
        """Return the smallest class that has somebody, but fewer than ``least``."""
        small = np.where((self._sizes > 0) & (self._sizes < least), self._sizes, np.iinfo(np.int64).max)
        number = int(small.argmin())
        return number if 0 < self._sizes[number] < least else None

    def merge(self, small: int, least: int) -> None:
        """Make a class equal to the one that costs the fewest labels."""
        ours, size = self._profiles[small], int(self._sizes[small])
        differ = self._profiles != ours
        # Of the other class, where it has a label that the two do not share; taken whole unless it can spare some.
        lost_here = (differ & (ours != WITHHELD)).sum(axis=1)
        lost_there = (differ & (self._profiles != WITHHELD)).sum(axis=1)
        wanted = least - size
        taken = np.where(self._sizes - wanted >= least, wanted, self._sizes)
        cost = np.where(lost_there > 0, lost_here * size + lost_there * taken, lost_here * size).astype(float)
        # Of equal pairs one that helps two classes.
        cost -= 0.5 * (self._sizes < least)
        cost[(self._sizes == 0) | (np.arange(len(cost)) == small)] = np.inf
        other = int(cost.argmin())
        joined = np.where(differ[other], WITHHELD, ours)
        moved = self._take(other, int(taken[other])) if lost_there[other] else []
        self._put(joined, [*self._take(small, size), *moved])

    def _take(self, number: int, count: int) -> list[int]:
        members = self._members[number]
        taken = members if count == len(members) else self._random.sample(members, count)
        left = set(members) - set(taken)
        self._members[number], self._sizes[number] = sorted(left), len(left)
        return taken

    def _put(self, profile: Codes, speakers: list[int]) -> None:
        found = np.flatnonzero((self._profiles == profile).all(axis=1))
        if len(found):
            number = int(found[0])
        else:
            number = len(self._members)
            self._profiles = np.vstack([self._profiles, profile])
            self._sizes = np.append(self._sizes, 0)
            self._members.append([])
        self._members[number] += speakers
        self._sizes[number] = len(self._members[number])

    def codes(self, speakers: int) -> Codes:
        """Return the profile of every speaker."""
        found = np.empty((speakers, self._profiles.shape[1]), dtype=np.int64)
        for profile, members in zip(self._profiles, self._members, strict=True):
            found[members] = profile
        return found
