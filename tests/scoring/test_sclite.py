"""NIST's sclite as an oracle: its own test inputs, and what it printed for them (SCTK, src/sclite/testdata).

sclite looks for the alignment with the least 4·S + 3·(D + I), asrfair for the one with the least S + D + I. Neither
may beat the other at its own game, which is checked for every utterance; totals mostly agree, and how often is
written down in AGREEING. Words differ only where alternatives of other lengths are equally good, or where sclite -D
counts a word that may be missing, «(word)», as said: here it is ``{ word / @ }``. Its option -F (a fragment such as
«fi-» may stand for any word that begins so) has no counterpart: utterances that turn on it are left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from asrfair.scoring import count_errors, find_normalizer

ALTERNATIONS = find_normalizer("alternations")
FRAGMENTS = ("i_4", "i_5", "od3-2", "od3-4", "od3-8")
OPTIONAL = ("test7", "test7_r", "test7-utf8-2bytes", "test7-utf8-3bytes", "test7-utf8-4bytes")

# test: what was scored, then utterances in all, with the same errors, with the same number of reference words
AGREEING = {
    "test1": ("csrnab.ref", "csrnab.hyp", (51, 51, 51)),
    "test7": ("tests.ref", "tests.hyp", (53, 53, 34)),
    "test7_r": ("tests.hyp", "tests.ref", (53, 53, 33)),
    "test7_noD": ("tests.ref", "tests.hyp", (53, 53, 52)),
    "test7-utf8-2bytes": ("tests.ref.utf8-2bytes", "tests.hyp.utf8-2bytes", (53, 53, 34)),
    "test7-utf8-3bytes": ("tests.ref.utf8-3bytes", "tests.hyp.utf8-3bytes", (53, 53, 34)),
    "test7-utf8-4bytes": ("tests.ref.utf8-4bytes", "tests.hyp.utf8-4bytes", (53, 53, 34)),
    "test15_c": ("test.turkish.ref", "test.turkish.hyp", (3, 3, 3)),
    "test17": ("test.vietnamese.ref.trn", "test.vietnamese.hyp.trn", (8, 8, 8)),
    "test3": ("lvc_ref.stm", "lvc_hyp.ctm", (61, 61, 56)),
    "test3a": ("lvc_refe.stm", "lvc_hyp.ctm", (58, 58, 53)),
    "test15_a": ("test.cantonese.stm", "test.cantonese.ctm", (3, 3, 3)),
    "test16_9": ("stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp.ctm", (8, 8, 8)),
}


@dataclass(frozen=True)
class Segment:
    name: str
    channel: tuple[str, str]
    end: float
    labels: str
    text: str


def lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith(";;"):
            yield line.strip()


def without_tags(text: str) -> str:
    # «word;tag1;tag2»; «\;» is a semicolon of the word. sclite compares without case.
    return re.sub(r"(?<!\\);[^\s{}/]*", "", text).lower()


def with_optional(text: str) -> str:
    return re.sub(r"\((.*?)\)", r"{ \1 / @ }", without_tags(text))


def read_trn(path: Path) -> dict[str, str]:
    found = {}
    for line in lines(path):
        text, _, name = line.rpartition("(")
        found[name.rstrip(") ").lower()] = text
    return found


def read_stm(path: Path) -> list[Segment]:
    segments, numbers = [], Counter[str]()
    for line in lines(path):
        file, channel, speaker, _, end, *rest = line.lower().split()
        labels = rest.pop(0) if rest and re.fullmatch("<.*>", rest[0]) else ""
        text = " ".join(rest)
        ignored = "ignoretimesegmentinscoring" in text.replace("_", "")
        name = "" if ignored else f"{speaker}-{numbers[speaker]:03d}"
        numbers[speaker] += not ignored
        segments.append(Segment(name, (file, channel), float(end), labels, text))
    return segments


def read_ctm(path: Path) -> dict[tuple[str, str], list[tuple[float, str]]]:
    """Return per channel the middle and the word; alternatives are one entry, with braces and their last middle."""
    entries = defaultdict(list)
    for line in lines(path):
        file, channel, begin, duration, word, *_ = line.lower().split()
        mine = entries[file, channel]
        if word == "<alt_begin>":
            mine.append((0.0, "{"))
        elif word in ("<alt>", "<alt_end>"):
            mine[-1] = (mine[-1][0], mine[-1][1] + (" /" if word == "<alt>" else " }"))
        else:
            middle = float(begin) + float(duration) / 2
            if mine and "{" in mine[-1][1] and "}" not in mine[-1][1]:
                mine[-1] = (max(middle, mine[-1][0]), f"{mine[-1][1]} {word}")
            else:
                mine.append((middle, word))
    return entries


def segmented(segments: list[Segment], words: dict[tuple[str, str], list[tuple[float, str]]]) -> dict[str, str]:
    """Return the words of each segment as sclite cuts them: in order, those whose middle is before its end."""
    found = {}
    left = {channel: list(entries) for channel, entries in words.items()}
    last = {segment.channel: segment for segment in segments}
    for segment in segments:
        mine, taken = left[segment.channel], []
        while mine and (mine[0][0] < segment.end or segment is last[segment.channel]):
            taken.append(mine.pop(0)[1])
        found[segment.name] = " ".join(taken)
    return found


def printed(path: Path) -> dict[str, tuple[int, ...]]:
    """Return correct words, substitutions, deletions and insertions per utterance from a .pra report."""
    report = re.sub(r"^(Labels|File|Channel): .*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = re.findall(r"^id: \((.*)\)\nScores: \(#C #S #D #I\) (.*)$", report, flags=re.MULTILINE)
    return {name.lower(): tuple(map(int, scores.split())) for name, scores in found}


def scored(folder: Path, test: str) -> pl.DataFrame:
    """Return one row per utterance: the texts, our counts, and sclite's as C, S, D and I."""
    reference, hypothesis, _ = AGREEING[test]
    if reference.endswith(".stm"):
        segments = read_stm(folder / reference)
        references = {segment.name: segment.text for segment in segments}
        hypotheses = segmented(segments, read_ctm(folder / hypothesis))
    else:
        references, hypotheses = read_trn(folder / reference), read_trn(folder / hypothesis)
    names = [name for name in references if name and name not in FRAGMENTS]
    scores = printed(folder / "base" / f"{test}.pra")
    plain = with_optional if test in OPTIONAL else without_tags
    rows = pl.DataFrame(
        [(name, plain(references[name]), plain(hypotheses[name]), *scores[name]) for name in names],
        schema=["name", "reference", "hypothesis", "C", "S", "D", "I"],
        orient="row",
    )
    return count_errors(rows, normalizer=ALTERNATIONS).with_columns(
        errors=pl.col("substitutions") + pl.col("deletions") + pl.col("insertions"),
        sclite_errors=pl.col("S") + pl.col("D") + pl.col("I"),
        sclite_words=pl.col("C") + pl.col("S") + pl.col("D"),
    )


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "sctk-testdata" / "sclite" / "testdata"


@pytest.mark.parametrize("test", AGREEING)
def test_errors_agree_with_sclite(folder: Path, test: str) -> None:
    rows = scored(folder, test)
    same_errors = (rows["errors"] == rows["sclite_errors"]).sum()
    same_words = (rows["reference_words"] == rows["sclite_words"]).sum()
    assert (rows.height, same_errors, same_words) == AGREEING[test][2]


@pytest.mark.parametrize("test", AGREEING)
def test_neither_beats_the_other_at_its_own_game(folder: Path, test: str) -> None:
    rows = scored(folder, test)
    assert (rows["errors"] <= rows["sclite_errors"]).all()
    weight = 4 * rows["substitutions"] + 3 * (rows["deletions"] + rows["insertions"])
    assert (4 * rows["S"] + 3 * (rows["D"] + rows["I"]) <= weight).all()


def test_labelled_utterance_report(folder: Path) -> None:
    """sclite's own per-group rates: the cells «[words] rate» of each speaker, overall and by label."""
    labels = {segment.name: segment.labels for segment in read_stm(folder / "lvc_ref.stm")}
    rows = scored(folder, "test3").with_columns(
        speaker=pl.col("name").str.head(6), labels=pl.col("name").replace_strict(labels)
    )
    report = (folder / "base" / "test3.lur").read_text(encoding="utf-8")
    cells = 0
    for speaker in ("2347-a", "2347-b", "3129-a", "3129-b"):
        (line,) = re.findall(rf"^ *\|\s+{speaker}\s.*$", report, flags=re.MULTILINE)
        found = re.findall(r"\[(\d+)\]\s+([\d.]+)", line)
        for (words, rate), label in zip(found, ("o", "wa", "na"), strict=True):
            group = rows.filter(pl.col("speaker") == speaker, pl.col("labels").str.contains(rf"\b{label}\b"))
            assert float(rate) == round(100 * group["errors"].sum() / int(words), 1)
            assert abs(group["reference_words"].sum() - int(words)) <= 3
            cells += 1
    assert cells == 12
