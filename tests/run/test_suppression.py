"""Withholding labels: whatever is left, alone or combined, is shared by k speakers."""

import random
from collections import Counter
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asrfair.run.suppression import WITHHELD, suppress

TABLES = st.integers(0, 40).flatmap(
    lambda speakers: st.integers(0, 4).flatmap(
        lambda axes: arrays(np.int64, (speakers, axes), elements=st.integers(WITHHELD, 4))
    )
)


@given(codes=TABLES, least=st.integers(2, 7), seed=st.integers(0, 3))
def test_every_combination_of_any_axes_has_k_speakers_or_none(codes: np.ndarray, least: int, seed: int) -> None:
    left = suppress(codes, least, random.Random(seed))
    assert ((left == codes) | (left == WITHHELD)).all()
    if len(codes) < least:
        assert (left == WITHHELD).all()
        return
    axes = range(codes.shape[1])
    for chosen in (some for size in range(1, len(axes) + 1) for some in combinations(axes, size)):
        assert min(Counter(map(tuple, left[:, chosen])).values()) >= least


def test_nothing_is_withheld_where_all_have_company() -> None:
    codes = np.array([[1, 1]] * 5 + [[1, 2]] * 5 + [[2, 2]] * 6)
    assert (suppress(codes, 5, random.Random(0)) == codes).all()


def test_a_rare_combination_costs_one_axis_and_borrows_only_as_many_as_are_wanted() -> None:
    codes = np.array([[1, 1]] * 20 + [[2, 1]] * 3 + [[3, 2]] * 20)
    left = suppress(codes, 5, random.Random(0))
    assert (left[:, 1] == codes[:, 1]).all()
    assert (left[20:23, 0] == WITHHELD).all()
    # Two of the twenty, whom chance picks.
    assert (left[:20, 0] == WITHHELD).sum() == 2
    assert (left[23:] == codes[23:]).all()
    others = {tuple(np.flatnonzero(suppress(codes, 5, random.Random(seed))[:20, 0] == WITHHELD)) for seed in range(9)}
    assert len(others) > 1


def test_a_class_that_has_lost_labels_already_takes_others_in() -> None:
    codes = np.array([[WITHHELD, 1]] * 5 + [[2, 1]] * 2 + [[3, 1]] * 9)
    left = suppress(codes, 5, random.Random(0))
    assert left.tolist() == [[WITHHELD, 1]] * 7 + [[3, 1]] * 9


def test_two_thousand_groups() -> None:
    codes = np.stack([np.arange(2_000), np.arange(2_000) % 7], axis=1)
    left = suppress(codes, 5, random.Random(0))
    assert (left[:, 0] == WITHHELD).all()
    assert min(Counter(map(tuple, left)).values()) >= 5
