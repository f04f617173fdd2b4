"""Loops against the slow definition: every stretch that goes round often enough, looked for one by one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.scoring import count_errors, find_normalizer
from asrfair.scoring.counting import number_words
from asrfair.scoring.loops import LONGEST, looped_words, rounds


def slowly(reference: str, hypothesis: str) -> int:
    """All words of a stretch that is a loop, but those of its first round; a loop the reference has is none.

    «no no» three times is «no» six times.
    """
    said, heard = reference.split(), hypothesis.split()
    marked = set()
    for size in range(1, LONGEST + 1):
        for start in range(len(heard)):
            for end in range(start + size * rounds(size), len(heard) + 1):
                stretch = heard[start:end]
                alone = all(size % part or stretch[:size] != stretch[:part] * (size // part) for part in range(1, size))
                if alone and all(stretch[k] == stretch[k % size] for k in range(len(stretch))):
                    turns = [stretch[k : k + size] * rounds(size) for k in range(size)]
                    if not any(said[k : k + len(turn)] == turn for turn in turns for k in range(len(said))):
                        marked |= set(range(start + size, end))
    return len(marked)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "looped"),
    [
        ("hello", "no no no", 0),
        ("hello", "no no no no", 3),
        ("no no no no", "no no no no no no", 0),
        ("hello", "bye bye bye", 0),
        ("hello", "of course of course", 0),
        ("hello", "of course of course of course", 4),
        ("ha ha ha ha", "of course of course of course of", 5),
        ("course of course of course of", "of course of course of course", 0),
        ("x", "so thank you mr president thank you mr president thank you mr president yes", 8),
        ("x", "", 0),
    ],
)
def test_loops_by_hand(reference: str, hypothesis: str, looped: int) -> None:
    assert looped_words(number_words(pl.Series([reference]), pl.Series([hypothesis]))).to_list() == [looped]


words = st.lists(st.sampled_from("ab"), max_size=14).map(" ".join)


@given(st.lists(st.tuples(words, words), max_size=6))
def test_all_loops_are_found(pairs: list[tuple[str, str]]) -> None:
    references, hypotheses = (pl.Series([pair[k] for pair in pairs], dtype=pl.String) for k in (0, 1))
    found = looped_words(number_words(references, hypotheses)).to_list()
    assert found == [slowly(*pair) for pair in pairs]


def test_counts_have_them_after_normalising() -> None:
    rows = pl.DataFrame({"reference": ["Thanks.", "a"], "hypothesis": ["Bye, bye. Bye! bye", "a a"]})
    assert count_errors(rows, normalizer=find_normalizer("basic"))["looped_words"].to_list() == [3, 0]
    assert count_errors(rows, normalizer=find_normalizer("none"))["looped_words"].to_list() == [0, 0]
