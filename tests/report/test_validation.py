"""What a check found, as a page of 80 columns, whole; and in the narrowest and in ASCII."""

import io
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from asrfair.report.validation import Validation, render_validation

KINDS = {
    "kind": ["missing file", "speech rate", "ids differ in case only", "misnamed format"],
    "gravity": ["unusable", "suspect", "suspect", "noted"],
    "means": ["it is not there", "too fast or too slow", "equal but for capitals", "another format than its name says"],
    "utterances": [1200, 3, 0, 1],
    "speakers": [40, 3, 0, 0],
    "others": [0, 0, 2, 0],
    "examples": [
        [{"utterance_id": "u1", "what": "a.wav: no such file"}, {"utterance_id": "u2", "what": "b.wav: no such file"}],
        [{"utterance_id": "u3", "what": "9.1 words a second, the median is 2.5: far too many words"}],
        [{"utterance_id": None, "what": "speaker_id: 'A', 'a'"}],
        [{"utterance_id": "u4", "what": "NIST named .wav"}],
    ],
}
GROUPS = {
    "axis": ["accent", "accent", "accent", "gender"],
    "group": ["north", "sou\u202eth", None, "female"],
    "mapped": [True, False, True, True],
    "speakers": [30, 12, None, 42],
    "utterances": [2000, 500, 4, 2504],
    "minutes": [100.04, 25.0, None, 125.0],
    "unusable": [1000, 200, 0, 1200],
    "suspect": [2, 0, 1, 3],
}
BY_GROUP = {
    "kind": ["missing file", "missing file", "missing file", "speech rate", "misnamed format"],
    "axis": ["accent", "accent", "gender", "accent", "accent"],
    "group": ["north", "sou\u202eth", "female", None, "north"],
    "utterances": [1000, 200, 1200, 3, 1],
}
EXPECTED = """\
Corpus [b]of[/b] voices
2,504 utterances, 42 speakers, 2,500 files, 125.0 minutes
4 utterances without audio: for replay and score only
Every file that opens was decoded up to its end.
Note: lengths held to column 'duration'

By accent (self-reported)
─────────────────────────
                             speak-  utter-   min-  unus-  sus-
  group                         ers   ances   utes   able  pect
  north                          30   2,000  100.0  1,000     2
  sou\\u202eth (not mapped)       12     500   25.0    200     0
  (unlabelled)              unknown       4      ?      0     1

By gender (by design)
─────────────────────
          speak-  utter-   min-  unus-  sus-
  group      ers   ances   utes   able  pect
  female      42   2,504  125.0  1,200     3

What was found
──────────────
                              speak-
  kind                 found     ers  by accent                     by gender
  Unusable: a run would count a failure
  missing file         1,200      40  north 1,000, sou\\u202eth 200  female 1,200
  Suspect: a run would use it, and its numbers may be wrong
  speech rate              3       3  (unlabelled) 3
  ids differ in case       2       -
  only
  Noted: a fact about the files, nothing to mend
  misnamed format          1       -  north 1

What it means, with examples
────────────────────────────
  missing file: it is not there
    u1: a.wav: no such file
    u2: b.wav: no such file
  speech rate: too fast or too slow
    u3: 9.1 words a second, the median is 2.5: far too many words
  ids differ in case only: equal but for capitals
    speaker_id: 'A', 'a'
  misnamed format: another format than its name says
    u4: NIST named .wav
"""


def found(**changed: Any) -> Validation:
    facts: dict[str, Any] = {
        "title": "Corpus [b]of[/b] voices",
        "utterances": 2504,
        "speakers": 42,
        "files": 2500,
        "minutes": 125.0,
        "without_audio": 4,
        "unusable": 1200,
        "quick": False,
        "synthetic": False,
        "origins": {"accent": "self-reported", "gender": "by design"},
        "groups": pl.DataFrame(GROUPS),
        "kinds": pl.DataFrame(KINDS),
        "by_group": pl.DataFrame(BY_GROUP),
        "notes": ("lengths held to column 'duration'",),
    }
    return Validation(**(facts | changed))


def text(validation: Validation, *, width: int = 80, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render_validation(validation, Console(file=stream, width=width, color_system=None))
    stream.seek(0)
    return stream.read()


def test_the_whole_page() -> None:
    assert text(found()) == EXPECTED


@pytest.mark.parametrize("width", [40, 60, 80])
def test_it_fits(width: int) -> None:
    shown = text(found(), width=width, encoding="ascii")
    assert max(map(len, shown.splitlines())) <= width
    assert shown.isascii()


def test_nothing_found_and_nothing_known() -> None:
    empty = {"kinds": pl.DataFrame(KINDS).clear(), "by_group": pl.DataFrame(BY_GROUP).clear()}
    shown = text(found(quick=True, synthetic=True, minutes=None, speakers=None, without_audio=0, **empty))
    assert "2,504 utterances, unknown speakers, 2,500 files\n" in shown
    assert "Headers only (--quick): damage" in shown
    assert "says nothing about people" in shown
    assert shown.endswith("What was found\n──────────────\n  No problem found.\n")


def test_many_groups_are_counted() -> None:
    many = pl.concat([pl.DataFrame(GROUPS).head(1)] * 10_000)
    shown = text(found(groups=many, origins={"accent": "self-reported"}))
    assert shown.count("  north  ") == 20
    assert "and 9,980 more groups (--json: all)" in shown


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"minutes": None}, "No file could be read."),
        ({"minutes": None, "files": 0}, ""),
        ({"quick": True}, "Headers only (--quick)"),
        ({}, "Every file that opens was decoded up to its end."),
    ],
)
def test_what_is_said_of_the_files(facts: dict[str, Any], told: str) -> None:
    said = ("No file", "Headers only", "Every file")
    lines = [line for line in text(found(**facts)).splitlines() if line.startswith(said)]
    assert [line[: len(told)] for line in lines] == ([told] if told else [])
