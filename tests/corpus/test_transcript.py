"""Time-aligned tab transcripts in CORAAL's layout (Line, Spkr, StTime, Content, EnTime)."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

TRANSCRIPT = """Line\tSpkr\tStTime\tContent\tEnTime
1\tDCB_int_01\t0.5000\tHow are you? \t1.7000
2\tDCB_int_01\t1.7000\t(pause 0.30)\t2.0000
3\tDCB_se1_ag1_f_01\t2.0000\tI'm [fine.]\t3.2000
4\tDCB_int_01\t3.0000\t[Good.]\t3.4000
5\tDCB_se1_ag1_f_01\t3.4000\tI live on /RD-ADDRESS-2/, <laugh>\t5.0000
6\tDCB_se1_ag1_f_01\t5.0000\t(pause 0.40)\t5.4000
7\tDCB_se1_ag1_f_01\t5.4000\tyou know?\t6.4000
8\tDCB_se1_ag1_f_01\t6.4000\t(pause 2.00)\t8.4000
9\tDCB_se1_ag1_f_01\t8.4000\tYeah.\t9.0000
10\tDCB_se1_ag1_f_01\t9.0000\t<laugh>\t9.5000
"""
FILES = {
    "DCB_textfiles_2018.10.06/DCB_se1_ag1_f_01_1.txt": TRANSCRIPT,
    "DCB_audio_part01_2018.10.06/DCB_se1_ag1_f_01_1.wav": b"",
    "DCB_metadata_2018.10.06.txt": "CORAAL.Spkr\tCORAAL.File\tGender\nDCB_se1_ag1_f_01\tDCB_se1_ag1_f_01_1\tFemale\n"
    "DCB_se1_ag1_f_01\tDCB_se1_ag1_f_01_2\tFemale\n",
}
LAYOUT = """type = "transcript"
pattern = '.*/(?P<file>(?P<component>[A-Z]{3})_se.*)\\.txt'
audio = "*/{file}.wav"
pause = '\\(pause [\\d.]+\\)'
drop_speakers = '.*_(int|misc)_.*'
replace = [['<[^>]*>', ''], ['[\\[\\]]', '']]
"""
SPEAKERS = """[layout.speakers]
file = "*_metadata_*.txt"
key = { speaker_id = "CORAAL.Spkr", file = "CORAAL.File" }
"""


def test_turns_of_the_interviewee(put: Callable, load: Callable) -> None:
    put(FILES)
    table = load(LAYOUT + SPEAKERS, gender="Gender", component="component").utterances.drop(
        "corpus", "language", "channel"
    )
    audio, speaker = "DCB_audio_part01_2018.10.06/DCB_se1_ag1_f_01_1.wav", "DCB_se1_ag1_f_01"
    assert table.rows() == [
        (f"{speaker}_1-3", speaker, audio, 2.0, 3.2, "I'm fine.", "Female", "DCB"),
        (f"{speaker}_1-5", speaker, audio, 3.4, 5.0, "I live on /RD-ADDRESS-2/,", "Female", "DCB"),
        (f"{speaker}_1-7", speaker, audio, 5.4, 6.4, "you know?", "Female", "DCB"),
        (f"{speaker}_1-9", speaker, audio, 8.4, 9.0, "Yeah.", "Female", "DCB"),
    ]


def test_what_is_left_out_is_counted(put: Callable, load: Callable) -> None:
    put(FILES)
    (note,) = load(LAYOUT + 'overlaps = "drop"').notes
    assert note == (
        "layout: left out 4 of 7 lines with speech: 2 of other speakers ('drop_speakers'), "
        "1 during which someone else speaks ('overlaps'), 1 by their text ('skip', or no word)"
    )
    assert load("\n".join(LAYOUT.splitlines()[:3])).notes == ()


def test_overlaps_may_be_left_out(put: Callable, load: Callable) -> None:
    put(FILES)
    table = load(LAYOUT + 'overlaps = "drop"').utterances
    assert [name.rsplit("-", 1)[1] for name in table["utterance_id"]] == ["5", "7", "9"]


def test_lines_are_joined_over_short_pauses(put: Callable, load: Callable) -> None:
    put(FILES)
    table = load(LAYOUT + "join_pause_s = 0.5").utterances
    assert table.select("start_s", "end_s", "reference").rows() == [
        (2.0, 3.2, "I'm fine."),
        (3.4, 6.4, "I live on /RD-ADDRESS-2/, you know?"),
        (8.4, 9.0, "Yeah."),
    ]
    assert len(load(LAYOUT + "join_pause_s = 2.0\nlongest_s = 3.0").utterances) == 3
    assert len(load(LAYOUT + "join_pause_s = 2.0\nlongest_s = 2.9").utterances) == 4
    # The interviewer speaks between lines 3 and 5, however short the pause.
    assert load(LAYOUT + "join_pause_s = 9.0").utterances["reference"][0] == "I'm fine."


def test_everybody_and_every_pause(put: Callable, load: Callable) -> None:
    put(FILES)
    assert len(load("\n".join(LAYOUT.splitlines()[:3])).utterances) == 10


def test_recordings_that_are_not_there(put: Callable, load: Callable) -> None:
    other = {"DCB_textfiles_2018.10.06/DCB_se1_ag2_m_02_1.txt": TRANSCRIPT}
    put({**FILES, **other})
    assert load(LAYOUT).utterances["audio"].null_count() == 4
    put({"second/DCB_se1_ag1_f_01_1.wav": b""})
    with pytest.raises(
        AsrfairError, match=r"found 2 recordings like \*/DCB_se1_ag1_f_01_1\.wav \(DCB_audio.*expected one"
    ):
        load(LAYOUT)
    with pytest.raises(AsrfairError, match=r"looked for recordings like flac/\{file\}\.flac; found DCB_audio"):
        load(LAYOUT.replace("*/{file}.wav", "flac/{file}.flac"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("StTime", "Start", r"_1\.txt: line 1: found no column 'StTime'; expected one of: Line, Spkr, Start"),
        ("3.4000\tI live", "x\tI live", r"_1\.txt: line 6: found the start 'x'; expected seconds from 0"),
        ("3.4000\tI live", "5.4000\tI live", "line 6: found the times 5.4 to 5; expected the end after the start"),
        ("\tYeah.", "", "line 10: found 4 fields; expected 5"),
    ],
)
def test_bad_transcripts(put: Callable, load: Callable, old: str, new: str, message: str) -> None:
    assert old in TRANSCRIPT
    put({**FILES, next(iter(FILES)): TRANSCRIPT.replace(old, new, 1)})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("skip = ['(']", r"layout\.skip: '\(' is no regular expression"),
        ("replace = [['a']]", r"layout\.replace: found \['a'\]; expected \[regular expression, replacement\]"),
        ("replace = [['(a)', '\\2']]", r"layout\.replace: '\\\\2' is no replacement"),
        ("columns = { speech = 'Content' }", "unknown name 'speech'"),
        ('overlaps = "mark"', "found 'mark'; expected one of: keep, drop"),
        ('utterance_id = "{turn}"', "expected one of: {stem}"),
    ],
)
def test_strict_options(put: Callable, load: Callable, line: str, message: str) -> None:
    put(FILES)
    with pytest.raises(AsrfairError, match=message):
        load("\n".join(LAYOUT.splitlines()[:3]) + f"\n{line}")


def test_a_speaker_neither_overlaps_with_nor_continues_another(put: Callable, load: Callable) -> None:
    two = "Line\tSpkr\tStTime\tContent\tEnTime\n1\tA_se1\t0\tone\t1\n2\tA_se1\t0.9\ttwo\t2\n3\tB_se1\t2\tthree\t3\n"
    put({"t/DCB_se1.txt": two, "a/DCB_se1.wav": b""})
    table = load(LAYOUT + 'overlaps = "drop"\njoin_pause_s = 1').utterances
    assert table.select("speaker_id", "reference").rows() == [("A_se1", "one two"), ("B_se1", "three")]


def test_speech_that_is_left_out_is_not_joined_over(put: Callable, load: Callable) -> None:
    """Between «one» and «three» something is heard that no text covers; between «three» and «four» there is silence."""
    lines = ["one", "/unintelligible/", "three", "(pause 0.30)", "four", "", "five"]
    rows = [f"{k}\tA_se1\t{k - 1}\t{text}\t{k - 0.7}" for k, text in enumerate(lines, start=1)]
    put({"t/DCB_se1.txt": "\n".join(["Line\tSpkr\tStTime\tContent\tEnTime", *rows]) + "\n", "a/DCB_se1.wav": b""})
    table = load(LAYOUT + "skip = ['/.*/']\njoin_pause_s = 2.0").utterances
    assert table["reference"].to_list() == ["one", "three four five"]


NAMED = 'type = "transcript"\npattern = ".*txt"\n'
ONE = "Line\tSpkr\tStTime\tContent\tEnTime\n1\tS\t0\thello\t1\n"


@pytest.mark.parametrize("name", ["a[1]", "a?", "a*", "a"])
@pytest.mark.parametrize("template", ["{stem}.wav", "{stem}*.wav", "*/{stem}.wav", "{folder}/{stem}*.wav"])
def test_only_the_templates_own_stars_are_wildcards(put: Callable, load: Callable, name: str, template: str) -> None:
    audio = f"{name}-x.wav" if "}*" in template else f"{name}.wav"
    audio = f"deep/sounds/{audio}" if template.startswith("*") else audio
    put({f"{name}.txt": ONE, audio: b"", "ab.txt": ONE, "b1.wav": b""})
    table = load(f'{NAMED}audio = "{template}"').utterances
    assert dict(table.select("utterance_id", "audio").iter_rows()) == {f"{name}-1": audio, "ab-1": None}


def test_two_recordings_that_a_star_matches(put: Callable, load: Callable) -> None:
    put({"a.txt": ONE, "a-1.wav": b"", "a-2.wav": b""})
    with pytest.raises(AsrfairError, match=r"found 2 recordings like a\*\.wav \(a-1\.wav, a-2\.wav\); expected one"):
        load(NAMED + 'audio = "{stem}*.wav"')


def test_a_joined_line_ends_with_its_last_word(put: Callable, load: Callable) -> None:
    put({"a.txt": ONE.replace("\t1\n", "\t5\n") + "2\tS\t1\tyes\t2\n", "a.wav": b""})
    table = load(NAMED + "join_pause_s = 0.5").utterances
    assert table.select("reference", "start_s", "end_s").rows() == [("hello yes", 0.0, 5.0)]
