"""Hypotheses as CTM, cut by the segments of an STM file: the same numbers as sclite's."""

import re
from pathlib import Path

import polars as pl
import pytest

from asrfair.errors import AsrfairError, InputError
from asrfair.results import Results
from asrfair.run.published import load_score_plan
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan

STM = """;; LABEL "f" "Female" "Female"
talk A ann 0.0 2.0 <o,f> one two three
talk A ann 3.0 5.0 <o,f> { four / for } five
talk A bob 5.0 6.0 <o,m> IGNORE_TIME_SEGMENT_IN_SCORING
talk B bob 0.0 2.0 <o,m> six
other 1 cyd 0.0 2.0 <o,f> seven eight
"""
CTM = """talk A 0.1 0.5 one
talk A 0.9 0.5 tool
talk A 2.3 0.1 three
talk A 3.2 0.5 for
talk A 4.0 0.5 five
talk A 5.4 0.1 noise
talk B 0.5 0.5 six
talk B 9.0 0.5 six
gone A 0.0 0.5 what
gone A 1.0 0.5 ever
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ref.stm").write_text(STM, encoding="utf-8")
    (tmp_path / "hyp.ctm").write_text(CTM, encoding="utf-8")
    return tmp_path


def plan(folder: Path, **more: object) -> ScorePlan:
    given = {
        "tables": (str(folder / "hyp.ctm"),),
        "segments": str(folder / "ref.stm"),
        "speaker": "speaker_id",
        "by": ("label_2",),
        "out": str(folder / "run"),
    }
    return ScorePlan(**{**given, **more})  # type: ignore[arg-type]


def counted(results: Results) -> dict[str, tuple[int, ...]]:
    columns = ("utterance_id", "reference_words", "substitutions", "deletions", "insertions")
    return {name: tuple(counts) for name, *counts in results.counts.select(columns).iter_rows()}


def test_words_in_their_segments(folder: Path) -> None:
    results = score_tables(plan(folder))
    assert counted(results) == {
        "talk-A-ann-0.0-2.0": (3, 1, 1, 0),
        # «three» lies between the segments and counts in the second; «four» is the first of the alternatives.
        "talk-A-ann-3.0-5.0": (2, 1, 0, 1),
        "talk-B-bob-0.0-2.0": (1, 0, 0, 1),
        "other-1-cyd-0.0-2.0": (2, 0, 2, 0),
    }
    assert results.rates.filter(pl.col("axis") == "overall")["speakers"].to_list() == [3]
    assert results.signature["notes"][:5] == [
        "hyp.ctm: 2 of 10 words lie in no segment of ref.stm: they count in the next one, or the last, as in sclite",
        "hyp.ctm: 2 of 10 words are of recordings that ref.stm lacks (first: gone A) and are not counted",
        "hyp.ctm: 1 words lie in segments that ref.stm leaves out of scoring, and are not counted",
        "hyp.ctm: 1 segments are of recordings without a word here: their hypotheses are blank",
        "ref.stm: 1 segments have alternatives: the first is taken; the normaliser alternations takes the nearest",
    ]


def test_a_normaliser_chooses_among_alternatives(folder: Path) -> None:
    results = score_tables(plan(folder, normalizer="basic+alternations"))
    assert counted(results)["talk-A-ann-3.0-5.0"] == (2, 0, 0, 1)
    assert not any("alternatives" in note for note in results.signature["notes"])


def test_blank_hypotheses_may_be_failures(folder: Path) -> None:
    results = score_tables(plan(folder, blank="failure"))
    assert results.failures["utterance_id"].to_list() == ["other-1-cyd-0.0-2.0"]


def test_labels_by_speaker_and_a_second_system(folder: Path) -> None:
    (folder / "people.csv").write_text("who,accent\nann,us\nbob,scotland\ncyd,us\n", encoding="utf-8")
    (folder / "theirs.ctm").write_text(CTM.replace("tool", "two"), encoding="utf-8")
    results = score_tables(
        plan(
            folder,
            tables=(f"ours={folder / 'hyp.ctm'}", f"theirs={folder / 'theirs.ctm'}"),
            labels=str(folder / "people.csv"),
            key="speaker_id",
            key_label="who",
            by=("accent",),
        )
    )
    rows = results.rates.filter(pl.col("group") == "us").select("backend", "reference_words", "wer").rows()
    assert rows == [("ours", 7, 6 / 7), ("theirs", 7, 5 / 7)]
    assert results.signature["corpus"]["title"] == "people.csv"


def test_a_plan_names_its_segments(folder: Path) -> None:
    path = folder / "plan.toml"
    path.write_text('tables = ["hyp.ctm"]\nsegments = "ref.stm"\nby = ["label_2"]\n', encoding="utf-8")
    assert load_score_plan(path, None).segments == str(folder / "ref.stm")


@pytest.mark.parametrize(
    ("files", "more", "message"),
    [
        ({}, {"segments": ""}, r"hyp\.ctm: found time-marked words without segments; expected --segments"),
        ({}, {"tables": ("a.csv",)}, r"--segments: found no table of time-marked words \(\.ctm\)"),
        ({"hyp.ctm": "gone A 0 1 word\n"}, {}, r"found words of 'gone A' and others; expected .* 'talk A'"),
        ({"hyp.ctm": ";; nothing\n"}, {}, r"hyp\.ctm: found no words; expected words of the recordings in ref\.stm"),
        ({"hyp.ctm": "talk A 0 word\n"}, {}, r"hyp\.ctm: line 1: found 4 fields"),
        ({"ref.stm": "talk A ann 2 1 word\n"}, {}, r"ref\.stm: line 1: found the segment 2 to 1"),
        ({"ref.stm": ""}, {}, "and there are none"),
        ({"ref.stm": "talk A ann 0 1 ignore_time_segment_in_scoring\n"}, {}, r"ref\.stm: found no utterances"),
        ({}, {"speaker": "who"}, "found no column 'who'; expected one of: utterance_id, speaker_id, start_s"),
    ],
)
def test_what_cannot_be_scored(folder: Path, files: dict[str, str], more: dict[str, object], message: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(AsrfairError, match=message):
        score_tables(plan(folder, **more))


def test_a_segment_twice_is_told(folder: Path) -> None:
    (folder / "ref.stm").write_text(STM + STM.splitlines()[1] + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"found 'talk-A-ann-0\.0-2\.0' more than once"):
        score_tables(plan(folder))


def test_the_labelled_utterance_report_of_sclite(folder: Path, shared_data: Path) -> None:
    """Its column «NO Alt»: words and error rates of segments without alternatives, by speaker (test3a.lur)."""
    data = shared_data / "sctk-testdata" / "sclite" / "testdata"
    words = (data / "lvc_hyp.ctm").read_text(encoding="utf-8")
    # sclite cuts tags off words.
    (folder / "hyp.ctm").write_text(re.sub(r"(?<!\\);\S*", "", words), encoding="utf-8")
    results = score_tables(plan(folder, segments=str(data / "lvc_refe.stm"), normalizer="basic"))
    report = (data / "base" / "test3a.lur").read_text(encoding="utf-8")
    rows = re.findall(r"\|\s+(\S+a|\S+b|Set Sum/Avg)\s+\|.*\[\s*(\d+)\]\s+([\d.]+) \|$", report, re.MULTILINE)
    assert len(rows) == 5
    plain = results.counts.filter(pl.col("label_2") == "NA")
    for speaker, count, percent in rows:
        cell = plain if speaker.startswith("Set") else plain.filter(pl.col("speaker_id") == speaker)
        errors = cell.select(pl.sum_horizontal(pl.col("substitutions", "deletions", "insertions").sum())).item()
        assert cell["reference_words"].sum() == int(count)
        assert round(100 * errors / int(count), 1) == float(percent)
    assert results.rates.filter(pl.col("group") == "NA")["reference_words"].to_list() == [470]
