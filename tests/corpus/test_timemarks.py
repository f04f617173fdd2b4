"""Time-marked words, as SCTK's doc/infmts.htm describes them, in the segments that sclite gives them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.corpus.stm import Segment, read_segments
from asrfair.corpus.timemarks import Word, cut, read_words
from asrfair.errors import AsrfairError

CTM = """;; a comment
7654 A 11.34 0.2 YES -6.763

7654 A 12.00 0.50 YOU 0.9 lex
7654 a * * <ALT_BEGIN>
7654 a 12.60 0.34 UM
7654 a * * <ALT>
7654 a 12.60 0.60 UH HUH
7654 a * * <ALT>
7654 a * * <ALT_END>
7654 B 1.0 0.2 @
"""
LAYOUT = 'type = "ctm"\nfile = "ref.ctm"\n'


def test_words_and_alternatives(tmp_path: Path) -> None:
    (tmp_path / "a.ctm").write_text(CTM, encoding="utf-8")
    yes, you, choice, none = read_words(tmp_path / "a.ctm")
    assert (yes.file, yes.channel, yes.start_s, yes.text) == ("7654", "A", 11.34, "YES")
    assert (you.end_s, you.middle_s, you.choice) == (12.5, 12.25, "YOU")
    # The latest middle of all alternatives places them; the fields after the word are not read.
    assert (choice.text, choice.choice, choice.middle_s) == ("UM", "{ UM / UH / @ }", 12.9)
    assert (none.text, none.recording) == ("", ("7654", "b"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7654 A 11.34 0.2 YES -6.763", "7654 A 11.34 YES", r"a\.ctm: line 2: found 4 fields; expected file, channel"),
        ("11.34", "soon", "line 2: found the begin time 'soon'; expected seconds from 0"),
        ("0.50 YOU", "-1 YOU", "line 4: found the duration '-1'"),
        ("7654 a * * <ALT_BEGIN>\n", "", "line 6: found <ALT>; expected <ALT_BEGIN>, <ALT>, <ALT_END> in this order"),
        ("<ALT_END>", "<ALT_BEGIN>", "line 10: found <ALT_BEGIN>; expected"),
        ("7654 a * * <ALT_END>\n", "", "line 10: found no <ALT_END> after this"),
    ],
)
def test_bad_words(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CTM
    (tmp_path / "a.ctm").write_text(CTM.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(AsrfairError, match=message):
        read_words(tmp_path / "a.ctm")


def word(start: float, duration: float, text: str = "w", file: str = "f") -> Word:
    return Word(file, "A", start, start + duration, start + duration / 2, text)


def segment(begin: float, end: float, file: str = "f") -> Segment:
    return Segment(file, "a", "s", str(begin), str(end), (), "", "")


def test_a_word_belongs_to_the_first_segment_that_ends_after_its_middle() -> None:
    words = [
        word(0, 0.5, "before"),
        word(1.8, 0.3, "first"),
        word(1.9, 0.2, "edge"),
        word(2.5, 0.2, "gap"),
        word(9, 1, "after"),
    ]
    found = cut([*words, word(0, 1, "lost", file="g")], [segment(3, 4), segment(1, 2)])
    assert {place: [each.text for each in part] for place, part in found.words.items()} == {
        # The middle of «edge» is where the first segment ends: it is of the next.
        0: ["edge", "gap", "after"],
        1: ["before", "first"],
    }
    assert found.outside == 4
    assert [each.text for each in found.unknown] == ["lost"]


@given(
    words=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=30),
    edges=st.lists(st.integers(0, 60), min_size=2, max_size=10, unique=True),
)
def test_no_word_is_lost_or_doubled(words: list[tuple[int, int]], edges: list[int]) -> None:
    edges.sort()
    segments = [segment(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=False)]
    given_words = [word(start, duration, str(number)) for number, (start, duration) in enumerate(words)]
    found = cut(given_words, segments)
    assert sorted(each.text for part in found.words.values() for each in part) == sorted(
        each.text for each in given_words
    )
    for place, part in found.words.items():
        inside = [each for each in part if edges[2 * place] <= each.middle_s < edges[2 * place + 1]]
        assert len(part) - len(inside) <= found.outside


def hypotheses(dump: Path) -> dict[str, list[list[str]]]:
    """The hypothesis words of each speaker's utterances in sclite's own dump of its alignments (``-o pra``)."""
    found: dict[str, list[list[str]]] = {}
    for block in dump.read_text(encoding="utf-8").split("\nid: (")[1:]:
        line = re.search(r"^HYP:(.*)$", block, re.MULTILINE)
        words = line[1].lower().split() if line else []
        speaker = block.split(")")[0].rpartition("-")[0]
        found.setdefault(speaker, []).append([each for each in words if set(each) != {"*"}])
    return found


@pytest.mark.parametrize(
    ("dump", "stm", "ctm", "utterances", "alternatives"),
    [
        ("test3", "lvc_ref.stm", "lvc_hyp.ctm", 61, 2),
        ("test3a", "lvc_refe.stm", "lvc_hyp.ctm", 58, 2),
        ("test15_a", "test.cantonese.stm", "test.cantonese.ctm", 3, 0),
        ("test16_4", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile1chanA.ctm", 8, 1),
        ("test16_9", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp.ctm", 8, 1),
    ],
)
def test_sclite_gives_each_segment_the_same_words(
    shared_data: Path, dump: str, stm: str, ctm: str, utterances: int, alternatives: int
) -> None:
    data = shared_data / "sctk-testdata" / "sclite" / "testdata"
    segments = read_segments(data / stm)
    found = cut(read_words(data / ctm), segments)
    ours: dict[str, list[list[Word]]] = {}
    for place, part in enumerate(segments):
        if not part.ignored:
            ours.setdefault(part.speaker.lower(), []).append(found.words[place])
    chosen = compared = 0
    for speaker, theirs in hypotheses(data / "base" / f"{dump}.pra").items():
        assert len(ours[speaker]) == len(theirs)
        for words, expected in zip(ours[speaker], theirs, strict=True):
            # sclite cuts tags (`;tag`) off words, and takes the alternative that fits best.
            plain = [re.split(r"(?<!\\);", part)[0].replace("\\;", ";") for each in words for part in each.text.split()]
            compared += 1
            if any(each.alternatives for each in words):
                chosen += 1
                assert len(plain) == len(expected)
            else:
                assert [each.lower() for each in plain] == expected
    assert (compared, chosen) == (utterances, alternatives)


def test_references_of_whole_channels(put: Callable, load: Callable) -> None:
    put({"ref.ctm": CTM})
    with pytest.raises(AsrfairError, match=r"ref\.ctm: found alternatives in 7654 A after 11\.34 s; expected one text"):
        load(LAYOUT)
    table = load(LAYOUT + 'alternatives = "first"\naudio = "wav/{file}.wav"').utterances
    assert table.drop("corpus", "language").rows() == [
        ("7654-A", "7654-A", "wav/7654.wav", None, None, 0, "YES YOU UM"),
        ("7654-B", "7654-B", "wav/7654.wav", None, None, 1, ""),
    ]
    kept = load(LAYOUT + 'alternatives = "keep"\nmono = true\nspeaker_id = "{file}"').utterances
    assert kept["reference"][0] == "YES YOU { UM / UH / @ }"
    assert (kept["channel"].null_count(), kept["speaker_id"].to_list()) == (2, ["7654", "7654"])


def test_references_cut_at_pauses(put: Callable, load: Callable) -> None:
    put({"ref.ctm": "t 1 5.0 0.5 c\nt 1 0.5 1.0 a\nt 1 1.5 0.25 b\n"})
    table = load(LAYOUT + "pause_s = 1.0").utterances
    assert table.select("utterance_id", "start_s", "end_s", "reference").rows() == [
        ("t-1-0.500", 0.5, 1.75, "a b"),
        ("t-1-5.000", 5.0, 5.5, "c"),
    ]
    assert len(load(LAYOUT + "pause_s = 4.0").utterances) == 1
    with pytest.raises(AsrfairError, match=r"found the channel '1' \(layout\.channels"):
        load(LAYOUT + "channels = { A = 0 }")


@pytest.mark.parametrize("name", ["tima_ref.ctm", "test.cantonese.ctm"])
def test_the_scoring_toolkits_own_files(load: Callable, shared_data: Path, name: str) -> None:
    path = shared_data / "sctk-testdata" / "sclite" / "testdata" / name
    table = load('type = "ctm"\nalternatives = "keep"\npause_s = 0.5', root=path).utterances
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip() and line[0] != ";"]
    spoken = sum(fields[4][0] != "<" and fields[4] != "@" for fields in lines)
    assert sum(len(re.sub(r"(?<!\S)[{}/@](?!\S)", "", text).split()) for text in table["reference"]) == spoken
