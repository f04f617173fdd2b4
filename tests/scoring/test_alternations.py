"""Alternatives: which are chosen, found against every combination written out."""

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from asrfair.errors import InputError
from asrfair.scoring import count_errors, find_normalizer
from asrfair.scoring.alternations import choose, chosen_pair, within

WORDS = st.lists(st.sampled_from("abc"), max_size=3)

# A text is a list of words and of braces; a brace is a list of texts.
TEXTS = st.recursive(
    WORDS,
    lambda inner: st.lists(st.one_of(st.sampled_from("abc"), st.lists(inner, min_size=1, max_size=3)), max_size=3),
    max_leaves=6,
)


def written(text: list) -> str:
    parts = [
        part if isinstance(part, str) else "{" + "/".join(written(one) or "@" for one in part) + "}" for part in text
    ]
    return " ".join(parts)


def readings(text: list) -> list[list[str]]:
    """Return every reading in the order in which alternatives are listed."""
    choices = [
        [[part]] if isinstance(part, str) else [reading for one in part for reading in readings(one)] for part in text
    ]
    return [list(itertools.chain.from_iterable(parts)) for parts in itertools.product(*choices)]


@given(TEXTS, TEXTS)
def test_the_first_of_the_readings_with_the_fewest_errors(reference: list, hypothesis: list) -> None:
    pairs = itertools.product(readings(reference), readings(hypothesis))
    best = min(pairs, key=lambda pair: Levenshtein.distance(*pair))
    assert chosen_pair(written(reference), written(hypothesis)) == tuple(" ".join(words) for words in best)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "chosen"),
    [
        ("i am { going to / gonna } go", "i am gonna go", ("i am gonna go", "i am gonna go")),
        ("i am { going to / gonna } go", "i am gone go", ("i am gonna go", "i am gone go")),
        ("well { um / @ } yes", "well yes", ("well yes", "well yes")),
        ("well { um / } yes", "well yes", ("well yes", "well yes")),
        ("{ one reference / another one }", "another one", ("another one", "another one")),
        ("{a/b {c/d}} e", "b d e", ("b d e", "b d e")),
        ("a { b / c } d", "a { c / b } d", ("a b d", "a b d")),
        ("a { b / c } d", "a x d", ("a b d", "a x d")),
        ("and / or", "and or", ("and / or", "and or")),
        ("", "{ um / @ }", ("", "")),
        ("a", "a a @", ("a", "a a")),
        ("a a @", "a", ("a a", "a")),
    ],
)
def test_examples(reference: str, hypothesis: str, chosen: tuple[str, str]) -> None:
    assert chosen_pair(reference, hypothesis) == chosen


def test_many_alternatives_do_not_multiply() -> None:
    reference = " ".join(["{ a b / c / @ }"] * 60)
    assert chosen_pair(reference, "c " * 60) == (" ".join("c" * 60), " ".join("c" * 60))


def test_rows_keep_their_order_and_columns() -> None:
    pairs = pl.DataFrame(
        {"n": [1, 2, 3], "_reference": ["{ a / b }", "c", "{ a / b }"], "_hypothesis": ["b", "{ c / d }", "b"]}
    )
    expected = pl.DataFrame({"n": [1, 2, 3], "_reference": ["b", "c", "b"], "_hypothesis": ["b", "c", "b"]})
    assert choose(pairs).equals(expected)
    assert choose(pairs.clear()).equals(expected.clear())


@pytest.mark.parametrize("text", ["a { b / c", "a } b", "{ a / { b }"])
def test_braces_that_do_not_match_are_named(text: str) -> None:
    with pytest.raises(InputError, match="brace") as error:
        chosen_pair(text, "a")
    assert text in str(error.value)
    with pytest.raises(InputError, match="brace"):
        within(str.upper, text)


def test_each_alternative_is_normalised_by_itself() -> None:
    assert within(str.upper, "so {um/uh /@} and/or {a {b} / c}") == "SO { UM / UH / @ } AND/OR { A { B } / C }"


def test_counts_of_alternatives() -> None:
    rows = pl.DataFrame({"reference": ["I'm {gonna/going to} {um/@} go."], "hypothesis": ["I'm going to go"]})
    counts = count_errors(rows, normalizer=find_normalizer("alternations+basic")).row(0, named=True)
    assert (counts["reference_words"], counts["hits"], counts["character_hits"]) == (4, 4, len("i'm going to go"))
