"""Counts are jiwer's, to the last digit, for every pair and every script."""

import jiwer
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.scoring import NORMALIZERS, count_errors, find_normalizer, score
from asrfair.scoring.counting import CHUNK

WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "né", "नमस्ते", "你好"]), max_size=8).map(" ".join)
NONE = find_normalizer("none")


def counted(references: list[str], hypotheses: list[str], normalizer: str = "none") -> pl.DataFrame:
    rows = pl.DataFrame({"reference": references, "hypothesis": hypotheses}, schema_overrides={"reference": pl.String})
    return count_errors(rows, normalizer=find_normalizer(normalizer))


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_equal_to_jiwer_one_by_one(pairs: list[tuple[str, str]]) -> None:
    rows = counted([one for one, _ in pairs], [two for _, two in pairs])
    for (reference, hypothesis), row in zip(pairs, rows.iter_rows(named=True), strict=True):
        words = jiwer.process_words(reference, hypothesis)
        characters = jiwer.process_characters(reference, hypothesis)
        for found, prefix in ((words, ""), (characters, "character_")):
            for name in ("hits", "substitutions", "deletions", "insertions"):
                assert row[prefix + name] == getattr(found, name)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_counts_add_up_to_the_words(pairs: list[tuple[str, str]]) -> None:
    rows = counted([one for one, _ in pairs], [two for _, two in pairs])
    added = rows["hits"] + rows["substitutions"] + rows["deletions"]
    assert added.to_list() == rows["reference_words"].to_list()
    assert rows["reference_words"].to_list() == [len(reference.split()) for reference, _ in pairs]
    spoken = rows["hits"] + rows["substitutions"] + rows["insertions"]
    assert spoken.to_list() == [len(hypothesis.split()) for _, hypothesis in pairs]


def test_more_pairs_than_are_aligned_at_once() -> None:
    references = [f"word {number}" for number in range(CHUNK + 3)]
    rows = counted(references, ["word 0"] * len(references))
    assert rows["substitutions"].to_list() == [0] + [1] * (CHUNK + 2)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("", "", (0, 0, 0, 0, 0)),
        ("", "two words", (0, 0, 0, 0, 2)),
        ("two words", "", (2, 0, 0, 2, 0)),
        ("   ", "two", (0, 0, 0, 0, 1)),
        ("one two three", "one three", (3, 2, 0, 1, 0)),
        ("नमस्ते दुनिया", "नमस्ते दुनिया", (2, 2, 0, 0, 0)),
        ("你好世界", "你好地界", (1, 0, 1, 0, 0)),
    ],
)
def test_edges(reference: str, hypothesis: str, expected: tuple[int, ...]) -> None:
    row = counted([reference], [hypothesis], "basic")
    names = ["reference_words", "hits", "substitutions", "deletions", "insertions"]
    assert row.select(names).row(0) == expected


def test_a_script_without_spaces_is_told_apart_by_characters() -> None:
    row = counted(["你好世界"], ["你好地界"], "basic").row(0, named=True)
    assert (row["reference_characters"], row["character_substitutions"]) == (4, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't “stop”—it’s 5%!", "don't stop it's 5"),
        ("rock 'n' roll, U.S.A.", "rock n roll u s a"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("cafe\u0301", "café"),
        ("مرحبا، بالعالم", "مرحبا بالعالم"),
        ("zero\u200bwidth\u200djoin", "zero widthjoin"),
        ("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ"),
        ("\tTabs\nand   lines ", "tabs and lines"),
        ("!!!", ""),
    ],
)
def test_basic(text: str, expected: str) -> None:
    assert find_normalizer("basic").function(text) == expected


@given(st.text())
def test_basic_is_idempotent(text: str) -> None:
    basic = find_normalizer("basic").function
    assert basic(basic(text)) == basic(text)


def test_whisper_english_against_published_examples() -> None:
    # Radford et al. 2022, appendix C: contractions, numbers, British spelling, fillers.
    normal = find_normalizer("whisper-english").function
    assert (
        normal("I'm a little teapot, short and stout. Tip me over")
        == "i am a little teapot short and stout tip me over"
    )
    assert normal("Hmm, the colour of twenty-two centres") == "the color of 22 centers"


def test_every_normalizer_has_a_version() -> None:
    for name in NORMALIZERS:
        normalizer = find_normalizer(name)
        assert normalizer.name == name
        assert normalizer.version
        assert normalizer.label == f"{name}-{normalizer.version}"


def test_score_keeps_labels_and_reports_missing_references() -> None:
    utterances = pl.DataFrame(
        {"utterance_id": ["a", "b"], "speaker_id": ["s", "s"], "reference": ["one two", None], "accent": ["x", None]}
    )
    hypotheses = pl.DataFrame(
        {"utterance_id": ["b", "a"], "condition": "clean", "backend": "r", "hypothesis": ["one", "one"]}
    )
    counts, failures = score(utterances, hypotheses, axes=["accent"], normalizer=NONE)
    assert counts.select("utterance_id", "accent", "reference_words", "deletions").row(0) == ("a", "x", 2, 1)
    assert failures.select("utterance_id", "stage", "reason").row(0) == ("b", "scoring", "no reference transcript")
