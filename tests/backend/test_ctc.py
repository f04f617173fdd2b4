"""CTC decoding against the definition: every path written out."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.backend.ctc import Frames, Heard, Spelling, along, alternatives, prefix_beams, words

SPELLING = Spelling(["-", "|", "A", "B"])


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label != 0)


def by_every_path(frames: Frames) -> dict[tuple[int, ...], float]:
    """Return the probability of each label sequence: the sum over all paths that collapse to it."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(frames.shape[1]), repeat=len(frames)):
        probability = math.exp(sum(frames[place, label] for place, label in enumerate(path)))
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + probability
    return found


def frames_of(seed: int, count: int, labels: int, spread: float) -> Frames:
    logits = np.random.default_rng(seed).normal(scale=spread, size=(count, labels))
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4), st.sampled_from([0.1, 1.0, 4.0]))
def test_with_beams_enough_each_sequence_has_the_sum_over_its_paths(
    seed: int, count: int, labels: int, spread: float
) -> None:
    frames = frames_of(seed, count, labels, spread)
    expected = by_every_path(frames)
    found = prefix_beams(frames, beams=10_000)
    assert {sequence: math.exp(score) for sequence, score in found} == pytest.approx(expected)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_few_beams_tell_a_lower_bound(seed: int, beams: int) -> None:
    frames = frames_of(seed, 5, 4, 2.0)
    expected = by_every_path(frames)
    found = prefix_beams(frames, beams=beams)
    assert 1 <= len(found) <= beams
    assert all(math.exp(score) <= expected[sequence] + 1e-12 for sequence, score in found)


def test_beams_find_what_the_best_path_misses() -> None:
    """Graves 2006: the likeliest path says nothing, while "A" is likelier, in three ways."""
    frames = np.log(np.array([[0.6, 1e-9, 0.4, 1e-9], [0.6, 1e-9, 0.4, 1e-9]]))
    assert along(frames.argmax(axis=1).tolist(), frames) == []
    best, score = prefix_beams(frames, beams=4)[0]
    assert best == (2,)
    assert math.exp(score) == pytest.approx(0.64)


def test_texts_that_differ_in_separators_alone_add_up() -> None:
    beams = [((2, 1, 3), math.log(0.3)), ((2,), math.log(0.4)), ((2, 1, 1, 3), math.log(0.2)), ((1, 2), math.log(0.05))]
    found = alternatives(beams, SPELLING)
    assert [(one.hypothesis, round(math.exp(one.score or 0), 9)) for one in found] == [("A B", 0.5), ("A", 0.45)]


def test_a_path_s_runs_are_letters_and_a_blank_divides_equal_ones() -> None:
    frames = np.log(np.full((6, 4), 0.25))
    frames[1, 2] = math.log(0.9)
    heard = along([2, 2, 0, 2, 1, 0], frames)
    assert [(one.label, one.start, one.end) for one in heard] == [(2, 0, 2), (2, 3, 4), (1, 4, 5)]
    assert math.exp(heard[0].log_probability) == pytest.approx(0.9)
    assert SPELLING.text([one.label for one in heard]) == "AA"


def test_words_are_between_separators() -> None:
    heard = [Heard(label, place, place + 1, math.log(0.5)) for place, label in enumerate((1, 2, 3, 1, 1, 3, 1))]
    found = words(heard, SPELLING, frame_s=0.02)
    assert [(word.text, word.start_s, word.end_s) for word in found] == [("AB", 0.02, 0.06), ("B", 0.1, 0.12)]
    assert [word.confidence for word in found] == pytest.approx([0.25, 0.5])
    assert SPELLING.text([one.label for one in heard]) == "AB B"


@pytest.mark.parametrize("sequence", [(), (1,), (1, 1)])
def test_no_letters_are_no_words(sequence: tuple[int, ...]) -> None:
    assert SPELLING.text(sequence) == ""
    assert SPELLING.spans(sequence) == []
