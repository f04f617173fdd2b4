"""NIST STM references, as SCTK's doc/infmts.htm describes them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asrfair.errors import AsrfairError

STM = """;; CATEGORY "0" "" ""
;; LABEL "O" "Overall" "Overall"
talk_1 1 Ann 14.05 27.22 <o,f0,male> one (two) three
talk_1 1 inter_segment_gap 27.22 28.00 <o,,unknown> ignore_time_segment_in_scoring
talk_2 B Bob 0.00 2.5 <O,F1,female>
talk_2 A Cyd 2.5 4 no labels <here> at all

talk_2 A Cyd 4 5 <o> i've { um / uh / @ } as { { a / b } c / @ } far { @ / x }
"""
LAYOUT = 'type = "stm"\nfile = "ref.stm"\naudio = "sph/{file}.sph"\n'


def test_segments_and_labels(put: Callable, load: Callable) -> None:
    put({"ref.stm": STM})
    corpus = load(LAYOUT + 'alternatives = "first"', focus="label_2", sex="label_3", labels="labels")
    assert corpus.utterances.drop("corpus", "language").rows() == [
        (
            "talk_1-1-Ann-14.05-27.22",
            "Ann",
            "sph/talk_1.sph",
            14.05,
            27.22,
            0,
            "one (two) three",
            "f0",
            "male",
            "o,f0,male",
        ),
        ("talk_2-A-Cyd-2.5-4", "Cyd", "sph/talk_2.sph", 2.5, 4.0, 0, "no labels <here> at all", None, None, None),
        ("talk_2-A-Cyd-4-5", "Cyd", "sph/talk_2.sph", 4.0, 5.0, 0, "i've um as a c far", None, None, "o"),
        ("talk_2-B-Bob-0.00-2.5", "Bob", "sph/talk_2.sph", 0.0, 2.5, 1, "", "F1", "female", "O,F1,female"),
    ]
    assert load(LAYOUT + 'alternatives = "first"\nmono = true').utterances["channel"].null_count() == 4
    assert corpus.notes == ("layout: left out 1 of 5 segments: IGNORE_TIME_SEGMENT_IN_SCORING",)
    kept = load(LAYOUT + 'alternatives = "keep"').utterances["reference"]
    assert kept[2] == "i've { um / uh / @ } as { { a / b } c / @ } far { @ / x }"


def test_tags_in_texts_are_cleaned_and_skipped(put: Callable, load: Callable) -> None:
    put({"ref.stm": STM})
    corpus = load(LAYOUT + "alternatives = \"first\"\nreplace = [['<[^>]*>', ''], ['[()]', '']]\nskip = ['']")
    assert corpus.utterances["reference"].to_list() == ["one two three", "no labels at all", "i've um as a c far"]
    assert corpus.notes[1] == "layout: left out 1 of 4 utterances: 'skip' matches their texts"
    # Before it is cleaned, too.
    rest = load(LAYOUT + "alternatives = \"first\"\nreplace = [['<.*>', '']]\nskip = ['.*<here>.*']").utterances
    assert rest["reference"].to_list() == ["one (two) three", "i've um as a c far", ""]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("i've", "i've", r"ref\.stm: line 8: found the alternatives '\{ um / uh / @ \}'.*alternatives = \"first\""),
        ("talk_1 1 Ann 14.05 27.22 <o,f0,male> one (two) three", "talk_1 1 Ann", "line 3: found 3 fields"),
        ("14.05 27.22", "27.22 14.05", r"line 3: found the segment 27\.22 to 14\.05"),
        ("14.05", "soon", "line 3: found the begin time 'soon'"),
        ("talk_1 1 Ann", "talk_1 C Ann", r"line 3: found the channel 'C' \(layout\.channels; mono = true\)"),
        ("talk_1 1 Ann", "../../talk 1 Ann", "expected one that stays inside the corpus"),
    ],
)
def test_bad_segments(put: Callable, load: Callable, old: str, new: str, message: str) -> None:
    assert old in STM
    put({"ref.stm": STM.replace(old, new)})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT if old == "i've" else LAYOUT + 'alternatives = "first"')


@pytest.mark.parametrize("name", ["lvc_refe.stm", "lvc_refe.notag.stm", "test.eng.notrans.stm"])
def test_the_scoring_toolkits_own_files(load: Callable, shared_data: Path, name: str) -> None:
    path = next((shared_data / "sctk-testdata").rglob(name))
    table = load('type = "stm"\nmono = true\nalternatives = "first"', root=path).utterances
    segments = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith(";;")]
    # lvc_refe.stm has one without its underlines, which sclite leaves out, too.
    ignored = sum("ignoretimesegmentinscoring" in line.lower().replace("_", "") for line in segments)
    assert len(table) == len(segments) - ignored
    assert not table["reference"].str.contains(r"(^|\s)[{}](\s|$)").any()


def test_labels_that_never_close_take_no_time() -> None:
    # In a process of its own a regular expression that tries every division of the commas could not be stopped.
    script = "import sys; from asrfair.corpus.stm import LABELS; print(LABELS.match(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", script, "<" + "," * 5000], timeout=60, capture_output=True, check=True)
    assert done.stdout.strip() == b"None"
