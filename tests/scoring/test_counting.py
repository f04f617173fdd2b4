"""Counts are jiwer's, to the last digit, for every pair and every script."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.scoring import NORMALIZERS, Normalizer, count_errors, find_normalizer, score
from asrfair.scoring import counting as counting_module
from asrfair.seeds import generator

KINDS = ("hits", "substitutions", "deletions", "insertions")
WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "né", "नमस्ते", "你好"]), max_size=8).map(" ".join)
NONE = find_normalizer("none")


def counted(references: list[str], hypotheses: list[str], normalizer: str = "none") -> pl.DataFrame:
    rows = pl.DataFrame({"reference": references, "hypothesis": hypotheses}, schema_overrides={"reference": pl.String})
    return count_errors(rows, normalizer=find_normalizer(normalizer))


# White space is where tokenisers part: jiwer splits at plain spaces, after making one of any two or more in a row.
SPACED = st.text(alphabet="ab \t\n\x0b\x1c\x1f\x85\xa0\u2003\u3000\u200b", max_size=12)


def by_jiwer(output: Any) -> tuple[int, ...]:
    return tuple(getattr(output, kind) for kind in KINDS)


def assert_counted_as_by_jiwer(pairs: Iterable[tuple[str, str]], *, characters: bool = True) -> None:
    pairs = list(pairs)
    rows = counted([one for one, _ in pairs], [two for _, two in pairs])
    found = rows.select(KINDS).rows()
    assert found == [by_jiwer(jiwer.process_words(*pair)) for pair in pairs]
    if characters:
        found = rows.select(f"character_{kind}" for kind in KINDS).rows()
        assert found == [by_jiwer(jiwer.process_characters(*pair)) for pair in pairs]


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_equal_to_jiwer_one_by_one(pairs: list[tuple[str, str]]) -> None:
    assert_counted_as_by_jiwer(pairs)


@settings(deadline=None)
@given(st.lists(st.tuples(SPACED, SPACED), min_size=1, max_size=8))
def test_white_space_is_read_as_by_jiwer(pairs: list[tuple[str, str]]) -> None:
    assert_counted_as_by_jiwer(pairs)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=4))
def test_any_text_is_counted_as_by_jiwer(pairs: list[tuple[str, str]]) -> None:
    assert_counted_as_by_jiwer(pairs)


def texts(names: list[str], lengths: np.ndarray, *, seed: int) -> list[str]:
    draws = generator(seed, "texts").integers(len(names), size=int(lengths.sum()))
    return [" ".join(names[at] for at in part) for part in np.split(draws, np.cumsum(lengths)[:-1])]


def test_where_several_alignments_cost_the_same_the_choice_is_jiwers() -> None:
    # Few different words, repeated: about one pair in six can be aligned with more or with fewer substitutions.
    lengths = generator(1, "lengths").integers(0, 16, size=(2, 4_000))
    pairs = list(zip(*(texts(["a", "b", "cc"], row, seed=seed) for seed, row in enumerate(lengths)), strict=True))
    choices = [fewest_and_most_substitutions(*pair) for pair in pairs[:200]]
    assert sum(fewest < most for fewest, most in choices) > 25
    assert_counted_as_by_jiwer(pairs)


def fewest_and_most_substitutions(reference: str, hypothesis: str) -> tuple[int, int]:
    """Over all cheapest alignments, by the recursion written out."""
    said, heard = reference.split(), hypothesis.split()
    best = {(0, 0): (0, 0, 0)}
    for i in range(len(said) + 1):
        for j in range(len(heard) + 1):
            ways = []
            for down, right in ((1, 1), (1, 0), (0, 1)):
                if (before := best.get((i - down, j - right))) is not None:
                    wrong = int(down + right == 1 or said[i - 1] != heard[j - 1])
                    swapped = wrong if down + right == 2 else 0
                    ways.append((before[0] + wrong, before[1] + swapped, before[2] + swapped))
            if ways:
                cost = min(way[0] for way in ways)
                cheapest = [way for way in ways if way[0] == cost]
                best[i, j] = (cost, min(way[1] for way in cheapest), max(way[2] for way in cheapest))
    return best[len(said), len(heard)][1:]


def test_more_words_than_one_plane_of_unicode() -> None:
    words = [f"w{number}" for number in range(70_000)]
    references = [" ".join(words[at : at + 14]) for at in range(0, len(words), 14)]
    draws = generator(2, "errors").random(len(references))
    hypotheses = [
        " ".join(
            words[at : at + 3] + words[at + 4 : at + 9] + ["extra"] * int(draw < 0.5) + words[at + 9 : at + 14][::-1]
        )
        for at, draw in zip(range(0, len(words), 14), draws, strict=True)
    ]
    assert_counted_as_by_jiwer(zip(references, hypotheses, strict=True), characters=False)


def test_more_words_than_there_are_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    few = np.array([0, 0xD800, counting_module.LARGEST_ALPHABET - 1])
    many = np.array([0, 1, 2, counting_module.LARGEST_ALPHABET])
    assert counting_module._sequences(few, np.array([2, 0, 1])) == ["\0\ue000", "", "\U0010ffff"]
    assert counting_module._sequences(many, np.array([1, 3])) == [[0], [1, 2, counting_module.LARGEST_ALPHABET]]
    monkeypatch.setattr(counting_module, "LARGEST_ALPHABET", 2)
    assert_counted_as_by_jiwer([("a b c d e", "a c d x e"), ("", ""), ("f g", ""), ("", "h"), ("a b a", "b a b")])


def test_real_transcripts(shared_data: Path) -> None:
    folder = shared_data / "artie-bias-corpus"
    references = {}
    for line in (folder / "data" / "artie-bias-corpus.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        fields = line.split("\t")
        references[fields[1].removesuffix(".mp3")] = fields[2]
    pairs = []
    for line in (folder / "predictions" / "deepspeech" / "v0-6-0.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, hypothesis = line.split("\t")
        pairs.append((references[name.removesuffix(".wav").removesuffix(".mp3")], hypothesis))
    assert len(pairs) > 1_000
    assert_counted_as_by_jiwer(pairs)


def test_no_pairs_have_no_counts() -> None:
    rows = counted([], [])
    assert (rows.height, rows.width) == (0, 13)


def test_each_distinct_text_is_normalised_once() -> None:
    calls: list[str] = []

    def upper(text: str) -> str:
        calls.append(text)
        return text.upper()

    rows = pl.DataFrame(
        {"reference": ["a b", "a b", "c"], "hypothesis": ["a b", "A", "a b"], "backend": ["x", "y", "z"]}
    )
    found = count_errors(rows, normalizer=Normalizer("upper", "1", upper))
    assert sorted(calls) == ["A", "a b", "c"]
    assert found.select("backend", *KINDS).rows() == [("x", 2, 0, 0, 0), ("y", 1, 0, 1, 0), ("z", 0, 1, 0, 1)]


def test_alternatives_are_chosen_before_counting() -> None:
    rows = counted(["i am { gonna / going to } go"] * 2, ["i am going to go", "i am gonna do"], "alternations")
    assert rows.select("reference_words", *KINDS).rows() == [(5, 5, 0, 0, 0), (4, 3, 1, 0, 0)]


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_counts_add_up_to_the_words(pairs: list[tuple[str, str]]) -> None:
    rows = counted([one for one, _ in pairs], [two for _, two in pairs])
    added = rows["hits"] + rows["substitutions"] + rows["deletions"]
    assert added.to_list() == rows["reference_words"].to_list()
    assert rows["reference_words"].to_list() == [len(reference.split()) for reference, _ in pairs]
    spoken = rows["hits"] + rows["substitutions"] + rows["insertions"]
    assert spoken.to_list() == [len(hypothesis.split()) for _, hypothesis in pairs]


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


@settings(deadline=None)
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
