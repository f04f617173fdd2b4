"""Which recognised words are right, against the slow definition and by hand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.scoring import align_words, find_normalizer, normalize_pairs, right_words
from asrfair.tables import RECOGNISED, conform

KEY = {"utterance_id": "u", "condition": "c", "backend": "b"}


def judged(reference: str | None, hypothesis: str, words: list[str], normalizer: str = "basic") -> list[bool | None]:
    pairs = pl.DataFrame(
        [{**KEY, "reference": reference, "hypothesis": hypothesis}], schema_overrides={"reference": pl.String}
    )
    rows = [{**KEY, "position": place, "word": word} for place, word in enumerate(words, start=1)]
    told = conform(pl.DataFrame(rows), RECOGNISED)
    return right_words(told, pairs, normalizer=find_normalizer(normalizer))["right"].to_list()


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "right"),
    [
        ("the cat sat", "The cat, sat down.", ["The", "cat", ",", "sat", "down."], [True, True, None, True, False]),
        ("a well known cat", "a well-known hat", ["a", "well-known", "hat"], [True, True, False]),
        ("a well known cat", "a well-worn cat", ["a", "well-worn", "cat"], [True, False, True]),
        ("a b c", "x y z", ["q"], [None]),
        ("", "uh huh", ["uh", "huh"], [False, False]),
        (None, "uh huh", ["uh", "huh"], [None, None]),
        ("one one two", "one two", ["one", "one", "two"], [True, None, True]),
    ],
)
def test_by_hand(reference: str | None, hypothesis: str, words: list[str], right: list[bool | None]) -> None:
    assert judged(reference, hypothesis, words) == right


def test_words_that_a_normaliser_joins_belong_to_none() -> None:
    words = ["I", "have", "twenty", "one", "cats", "there"]
    right = judged("i have twenty one cats here", " ".join(words), words, "whisper-english")
    assert right == [True, True, None, None, True, False]


def test_words_that_a_normaliser_leaves_out_are_left_out() -> None:
    assert judged("i know", "uh I know", ["uh", "I", "know"], "whisper-english") == [None, True, True]


texts = st.lists(st.sampled_from(["a", "b", "c-d", "E.", ","]), max_size=8)


@given(texts, texts, st.integers(0, 8))
def test_against_the_slow_definition(said: list[str], heard: list[str], lost: int) -> None:
    """Words told may lack one of the hypothesis: then those up to the gap from both ends have their place."""
    hypothesis = " ".join(heard)
    told = [word for place, word in enumerate(heard) if place != lost] if lost < len(heard) else heard
    normalizer = find_normalizer("basic")
    pairs = pl.DataFrame([{**KEY, "reference": " ".join(said), "hypothesis": hypothesis}])
    rows = align_words(normalize_pairs(pairs, normalizer=normalizer)).filter(pl.col("operation") != "delete")
    hits, wanted = (rows["operation"] == "equal").to_list(), rows["hypothesis_word"].to_list()
    pieces = [(place, piece) for place, word in enumerate(told) for piece in normalizer.function(word).split()]
    flat = [piece for _, piece in pieces]
    before = next((k for k, (one, other) in enumerate(zip(flat, wanted, strict=False)) if one != other), None)
    before = min(len(flat), len(wanted)) if before is None else before
    room = min(len(flat), len(wanted)) - before
    after = next(
        (k for k, (one, other) in enumerate(zip(flat[::-1], wanted[::-1], strict=False)) if one != other), room
    )
    after = min(after, room)
    found: dict[int, list[bool | None]] = {}
    for k, (place, _) in enumerate(pieces):
        back = k - len(flat)
        hit = hits[k] if k < before else hits[back] if -back <= after else None
        found.setdefault(place, []).append(hit)
    expected = [None if place not in found or None in found[place] else all(found[place]) for place in range(len(told))]
    if told:
        assert judged(" ".join(said), hypothesis, told) == expected


def test_no_words_are_no_rows() -> None:
    told = pl.DataFrame(schema=RECOGNISED)
    pairs = pl.DataFrame(schema={**dict.fromkeys(KEY, pl.String), "reference": pl.String, "hypothesis": pl.String})
    assert right_words(told, pairs, normalizer=find_normalizer("basic")).is_empty()
