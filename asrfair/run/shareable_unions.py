"""Sets of few speakers whose sums follow from what is shown, found from vectors that are orthogonal to all of it.

A vector drawn at random and made orthogonal to all shown sums has the sum zero over a set of atoms where (but for a
chance of measure zero) the set's own sum is a linear combination of the shown ones. So the search is for sets of atoms
with sum zero: of one, and of up to four by matching sums of two against each other (Horowitz and Sahni 1974). Fewer
than five speakers with one atom each make no larger sets; of a larger k, of speakers in several atoms (who have other
labels in other utterances), and beyond `MOST` atoms, larger sets are not looked for.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-7
VECTORS = 3
MOST = 1500
"""Atoms of few speakers up to which sets of three and four are looked for; beyond, sets of two."""
ENOUGH = 50

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Together = Callable[[Sequence[int]], int]


def free_vectors(places: Ints, columns: Ints, *, atoms: int, width: int) -> Floats:
    """Return random vectors orthogonal to the columns of a 0/1 matrix given by its places, shape=(atoms, `VECTORS`).

    Zeros, which expose everything, where the numbers do not get there: then more is withheld, and they are tried anew.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import lsmr

    shown = csr_array((np.ones(len(places)), (places, columns)), shape=(atoms, width))
    free = np.random.default_rng(atoms).normal(size=(atoms, VECTORS))
    # Twice, as what the first solution leaves is small, and is solved for to the same relative precision.
    for _ in range(2):
        for k in range(VECTORS):
            found = lsmr(shown, free[:, k], atol=1e-14, btol=1e-14, conlim=0, maxiter=20 * (atoms + width))[0]
            free[:, k] -= shown @ found
    return free if np.abs(shown.T @ free).max(initial=0.0) < TOLERANCE / 10 else np.zeros_like(free)


def is_zero(sums: Any) -> NDArray[np.bool_]:
    """Return which rows of sums are zero in every vector."""
    zero: NDArray[np.bool_] = (np.abs(sums) <= TOLERANCE).all(axis=-1)
    return zero


def unions(free: Floats, people: Ints, *, least: int, together: Together | None = None) -> list[tuple[int, ...]]:
    """Return sets of atoms, by number, of fewer than ``least`` speakers together and with sum zero; not all of them.

    ``people`` are the atoms' speakers; where some are in several atoms, ``together`` counts those of a set. Single
    atoms come alone, as every set of them is one too.
    """
    # The speakers of a set are as many as its parts' together; of shared ones they may be no more than in the largest.
    shared = together is not None
    count = together or (lambda atoms: int(people[list(atoms)].sum()))
    small = np.flatnonzero(people < least)
    single = small[is_zero(free[small])]
    if len(single):
        return [(int(atom),) for atom in single]
    found: list[tuple[int, ...]] = []
    for atoms in _sets(free, people, small, least, shared=shared):
        if is_zero(free[list(atoms)].sum(axis=0)) and count(atoms) < least:
            found.append(atoms)
        if len(found) == ENOUGH:
            break
    return found


def _sets(free: Floats, people: Ints, small: Ints, least: int, *, shared: bool) -> Iterator[tuple[int, ...]]:
    one = small[:, None]
    yield from _matched(free, one, one)
    # Three and four atoms have a speaker each at least.
    near = small if shared else small[people[small] <= least - 2]
    if (least < 4 and not shared) or len(near) > MOST:
        return
    first, second = np.triu_indices(len(near), 1)
    two = np.stack([near[first], near[second]], axis=1)
    two = two if shared else two[people[two].sum(axis=1) <= least - 2]
    yield from _matched(free, one, two)
    if least > 4 or shared:
        four = two if shared else two[people[two].sum(axis=1) <= least - 3]
        yield from _matched(free, four, four)


def _matched(free: Floats, left: Ints, right: Ints) -> Iterator[tuple[int, ...]]:
    """Yield the sets, shape=(n, a) and (m, b), that together have the sum zero; some twice."""
    sums, others = free[left].sum(axis=1), free[right].sum(axis=1)
    order = np.argsort(others[:, 0], kind="stable")
    ranked = others[order, 0]
    low = np.searchsorted(ranked, -sums[:, 0] - TOLERANCE)
    high = np.searchsorted(ranked, -sums[:, 0] + TOLERANCE, side="right")
    for row in np.flatnonzero(high > low):
        pairs = order[low[row] : high[row]]
        for other in pairs[is_zero(sums[row] + others[pairs])]:
            yield tuple(sorted({*left[row].tolist(), *right[other].tolist()}))
