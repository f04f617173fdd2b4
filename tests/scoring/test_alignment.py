"""Alignments are jiwer's and add up to the counts; segments are those of NIST's sc_stats."""

import re
from collections.abc import Iterator
from pathlib import Path

import jiwer
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.scoring import alignment as alignment_module
from asrfair.scoring import count_errors, find_normalizer
from asrfair.scoring.alignment import align_words, differing_references, error_places, segments, segments_at
from asrfair.scoring.counting import normalize_pairs
from asrfair.seeds import generator

WORDS = st.lists(st.sampled_from(["a", "b", "né", "你好"]), max_size=6).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4)
KINDS = {"hits": "equal", "substitutions": "substitute", "deletions": "delete", "insertions": "insert"}
NIST_OPERATIONS = {"C": "equal", "S": "substitute", "D": "delete", "I": "insert"}


def aligned(pairs: list[tuple[str, str]], normalizer: str = "none") -> pl.DataFrame:
    rows = pl.DataFrame(
        [(str(number), *pair) for number, pair in enumerate(pairs)],
        schema=dict.fromkeys(("utterance_id", "reference", "hypothesis"), pl.String),
        orient="row",
    )
    return align_words(normalize_pairs(rows, normalizer=find_normalizer(normalizer)))


def by_operations(*spoken: str) -> pl.DataFrame:
    """Aligned words of utterances «0», «1» …, each written as its operations, for example ``CSDI``."""
    rows = [
        (str(utterance), position, NIST_OPERATIONS[letter], None if letter == "I" else "w")
        for utterance, letters in enumerate(spoken)
        for position, letter in enumerate(letters)
    ]
    names = ("utterance_id", "position", "operation", "reference_word")
    return pl.DataFrame(
        rows, schema=dict(zip(names, (pl.String, pl.Int64, pl.String, pl.String), strict=True)), orient="row"
    )


def errors(found: pl.DataFrame) -> list[tuple[str, int, int]]:
    return found.select("utterance_id", "first_errors", "second_errors").rows()


@settings(max_examples=50, deadline=None)
@given(PAIRS)
def test_operations_add_up_to_the_counts(pairs: list[tuple[str, str]]) -> None:
    rows = aligned(pairs)
    texts = pl.DataFrame(pairs, schema=["reference", "hypothesis"], orient="row")
    counts = count_errors(texts, normalizer=find_normalizer("none"))
    for number, count in enumerate(counts.iter_rows(named=True)):
        operations = rows.filter(utterance_id=str(number))["operation"].to_list()
        assert {kind: operations.count(name) for kind, name in KINDS.items()} == {kind: count[kind] for kind in KINDS}


@settings(max_examples=50, deadline=None)
@given(PAIRS)
def test_both_texts_can_be_read_back(pairs: list[tuple[str, str]]) -> None:
    rows = aligned(pairs)
    for number, (reference, hypothesis) in enumerate(pairs):
        found = rows.filter(utterance_id=str(number))
        assert found["position"].to_list() == list(range(found.height))
        assert found["reference_word"].drop_nulls().to_list() == reference.split()
        assert found["hypothesis_word"].drop_nulls().to_list() == hypothesis.split()
        for row in found.iter_rows(named=True):
            assert (row["operation"] == "equal") == (row["reference_word"] == row["hypothesis_word"])
            assert (row["operation"] == "insert") == (row["reference_word"] is None)
            assert (row["operation"] == "delete") == (row["hypothesis_word"] is None)


@settings(max_examples=50, deadline=None)
@given(WORDS, WORDS)
def test_the_alignment_is_jiwers(reference: str, hypothesis: str) -> None:
    wanted = []
    for chunk in jiwer.process_words(reference, hypothesis).alignments[0]:
        said = range(chunk.ref_start_idx, chunk.ref_end_idx)
        heard = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        wanted += [chunk.type] * max(len(said), len(heard))
    assert aligned([(reference, hypothesis)])["operation"].to_list() == wanted


def test_rows_of_the_alignment() -> None:
    rows = aligned([("One two, three", "one too three four"), ("", ""), ("", "Um")], "basic")
    assert rows.rows() == [
        ("0", 0, "equal", "one", "one"),
        ("0", 1, "substitute", "two", "too"),
        ("0", 2, "equal", "three", "three"),
        ("0", 3, "insert", None, "four"),
        ("2", 0, "insert", None, "um"),
    ]


def test_columns_are_kept_and_equal_pairs_are_aligned_for_each_row() -> None:
    pairs = pl.DataFrame(
        {"speaker_id": ["s", "t"], "operation": ["x", "y"], "_reference": ["a b"] * 2, "_hypothesis": ["a"] * 2}
    )
    rows = align_words(pairs)
    assert rows.columns == ["speaker_id", "position", "operation", "reference_word", "hypothesis_word"]
    assert rows.select("speaker_id", "operation").rows() == [
        ("s", "equal"), ("s", "delete"), ("t", "equal"), ("t", "delete")
    ]  # fmt: skip


def test_more_pairs_than_are_aligned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment_module, "CHUNK", 7)
    rows = aligned([(f"word {number}", "word 0") for number in range(20)])
    assert rows["reference_word"].to_list() == [word for number in range(20) for word in ("word", str(number))]
    assert rows["operation"].to_list() == ["equal", "equal"] + ["equal", "substitute"] * 19


def test_no_pairs_have_no_words_and_no_segments() -> None:
    none = aligned([])
    assert none.columns == ["utterance_id", "position", "operation", "reference_word", "hypothesis_word"]
    assert segments(none, none).height == 0


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("CCC", "CCC", []),
        ("SCCS", "CCCC", [(1, 0), (1, 0)]),
        ("SCS", "CCC", [(2, 0)]),
        ("SCCC", "CCCS", [(1, 0), (0, 1)]),
        ("SCSC", "CSCC", [(2, 1)]),
        ("SCICS", "CCCC", [(3, 0)]),
        ("CICIC", "CCC", [(2, 0)]),
        ("CCC", "CCCII", [(0, 2)]),
        ("III", "", [(3, 0)]),
        ("", "II", [(0, 2)]),
        ("DDCC", "SCCC", [(2, 1)]),
        ("ICCCI", "CCC", [(1, 0), (1, 0)]),
    ],
)
def test_segments(first: str, second: str, expected: list[tuple[int, int]]) -> None:
    if len(first.replace("I", "")) != len(second.replace("I", "")):
        second = second.ljust(len(first.replace("I", "")), "C")
    assert errors(segments(by_operations(first), by_operations(second))) == [("0", *one) for one in expected]


OPERATIONS = st.lists(st.sampled_from("CCCCSDI"), max_size=14)


def by_state_machine(first: str, second: str) -> list[tuple[int, int]]:
    """Segments by walking both alignments at once, in states, as the comment above NIST's ``test_comp_sents`` draws."""
    at, found, errors_now, good, in_segment = [0, 0], [], [0, 0], 0, False
    systems = (first, second)
    while any(here < len(letters) for here, letters in zip(at, systems, strict=True)):
        for system, letters in enumerate(systems):
            while at[system] < len(letters) and letters[at[system]] == "I":
                at[system] += 1
                errors_now[system] += 1
                in_segment, good = True, 0
        if all(here == len(letters) for here, letters in zip(at, systems, strict=True)):
            break
        words = [letters[here] for here, letters in zip(at, systems, strict=True)]
        at = [here + 1 for here in at]
        if words == ["C", "C"]:
            good += 1
            if in_segment and good == 2:
                found.append(tuple(errors_now))
                errors_now, in_segment = [0, 0], False
        else:
            errors_now = [count + (word != "C") for count, word in zip(errors_now, words, strict=True)]
            in_segment, good = True, 0
    return [*found, tuple(errors_now)] if in_segment else found


def random_operations(words: int, *, draws: np.random.Generator) -> str:
    letters = draws.choice(list("CCCCCSD"), size=words).tolist()
    inserted = draws.choice(["", "", "", "", "I", "II"], size=words + 1).tolist()
    return "".join(before + letter for before, letter in zip(inserted, [*letters, ""], strict=True))


def test_segments_by_the_state_machine_written_out() -> None:
    draws = generator(1, "operations")
    pairs = [
        (random_operations(words, draws=draws), random_operations(words, draws=draws))
        for words in draws.integers(0, 16, size=2_000).tolist()
    ]
    found = errors(segments(by_operations(*(one for one, _ in pairs)), by_operations(*(two for _, two in pairs))))
    wanted = [(str(at), *one) for at, pair in enumerate(pairs) for one in by_state_machine(*pair)]
    assert len(wanted) > 2_500
    assert sorted(found, key=lambda row: int(row[0])) == wanted


REFERENCES = st.sampled_from(["a b a né", "a  b a né", "b 你好", "", "a a b b a a"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(REFERENCES, REFERENCES, WORDS, WORDS), min_size=1, max_size=4))
def test_places_of_errors_give_the_segments_of_the_aligned_words(rows: list[tuple[str, str, str, str]]) -> None:
    table = pl.DataFrame(
        [(str(number), *row) for number, row in enumerate(rows)],
        schema=dict.fromkeys(("utterance_id", "one", "two", "first", "second"), pl.String),
        orient="row",
    )
    normalizer = find_normalizer("none")
    first, second = (
        normalize_pairs(table.select("utterance_id", reference=said, hypothesis=heard), normalizer=normalizer)
        for said, heard in (("one", "first"), ("two", "second"))
    )
    differing = differing_references(first, second)
    found = segments_at(error_places(first), error_places(second), differing=differing)
    assert found.equals(segments(align_words(first), align_words(second)))


@settings(max_examples=50, deadline=None)
@given(st.lists(OPERATIONS.map("".join), min_size=1, max_size=4))
def test_swapping_the_systems_swaps_the_errors(spoken: list[str]) -> None:
    first = by_operations(*spoken)
    second = by_operations(*(letters.replace("I", "").replace("D", "C") for letters in spoken))
    there, back = segments(first, second), segments(second, first)
    assert there.rename({"first_errors": "second_errors", "second_errors": "first_errors"}).equals(
        back.select("utterance_id", "segment", "second_errors", "first_errors")
    )


def test_segments_are_numbered_by_utterance_and_rows_may_come_in_any_order() -> None:
    first, second = by_operations("SCCSCCS", "CCI", "CCC", "SS"), by_operations("C" * 7, "CC", "CCC", "CS")
    found = segments(first, second)
    assert found.rows() == [("0", 0, 1, 0), ("0", 1, 1, 0), ("0", 2, 1, 0), ("1", 0, 1, 0), ("3", 0, 2, 1)]
    assert segments(first.reverse(), second.sort("operation", "position")).equals(found)


def test_utterances_with_other_reference_words_are_one_segment() -> None:
    assert errors(segments(by_operations("SCCS"), by_operations(""))) == [("0", 2, 0)]
    first = aligned([("a b c d e f", "x b c d e y")])
    second = aligned([("a b c d e g", "a b c d e g")])
    assert errors(segments(first, second)) == [("0", 2, 0)]
    assert errors(segments(first, aligned([("a b c d e f", "a b c d e f")]))) == [("0", 1, 0), ("0", 1, 0)]


def nist_words(path: Path) -> pl.DataFrame:
    """Aligned words of a file written by ``sclite -o sgml``."""
    rows = []
    for name, words in re.findall(r'<PATH id="([^"]*)"[^\n]*>\n(.*?)\n</PATH>', path.read_text(), flags=re.DOTALL):
        for position, word in enumerate(part for part in words.split(":") if part):
            letter, reference = re.match(r'([CSDI]),(?:"([^"]*)")?', word).groups()  # type: ignore[union-attr]
            rows.append((name, position, NIST_OPERATIONS[letter], reference))
    return pl.DataFrame(rows, schema=["utterance_id", "position", "operation", "reference_word"], orient="row")


def nist_results(path: Path) -> Iterator[float]:
    """The number of segments, both systems' errors, and mean, standard deviation and Z of their differences."""
    text = path.read_text()
    for pattern in (r"# segs: (\d+)", r"Totals +\d+ +(\d+)", r"Totals +\d+ +\d+ +(\d+)", r"\(mean: (\S+)\)",
                    r"\(std dev: (\S+)\)", r"\(Z Stat: (\S+)\)"):  # fmt: skip
        yield float(re.search(pattern, text)[1])  # type: ignore[index]


@pytest.mark.parametrize(("first", "second", "report"), [("1", "2", "test1a"), ("2", "1", "test1b")])
def test_segments_against_nists_own_report(shared_data: Path, first: str, second: str, report: str) -> None:
    folder = shared_data / "sctk-testdata" / "sclite" / "testdata"
    found = segments(nist_words(folder / f"file{first}.sgml"), nist_words(folder / f"file{second}.sgml"))
    one, two = found["first_errors"], found["second_errors"]
    mean, deviation = (one - two).mean(), (one - two).std()
    z = mean / (deviation / np.sqrt(found.height))
    wanted = list(nist_results(folder / "base_sc_stats" / f"{report}.stats.mapsswe"))
    assert [found.height, one.sum(), two.sum(), mean, deviation, z] == pytest.approx(wanted, abs=5e-4)
