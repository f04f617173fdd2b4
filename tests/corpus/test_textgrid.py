"""Praat TextGrids in both text formats, as the Praat manual's page «TextGrid file formats» describes them."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.3
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "Mary"
        xmin = 0
        xmax = 2.3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.25
            text = "she said ""no""! <ok> 12
again"
        intervals [3]:
            xmin = 1.25
            xmax = 2.3
            text = "bye"
    item [2]:
        class = "IntervalTier"
        name = "John"
        xmin = 0
        xmax = 2.3
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2.3
            text = "  héllo "
    item [3]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 2.3
        points: size = 1
        points [1]:
            number = 1
            mark = "ding"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
2.3
<exists>
3
"IntervalTier"
"Mary"
0
2.3
3
0
0.5
""
0.5 ! a comment with "quotes"
1.25
"she said ""no""! <ok> 12
again"
1.25
2.3
"bye"
"IntervalTier"
"John"
0
2.3
1
0
2.3
"  héllo "
"TextTier"
"bell"
0
2.3
1
1
"ding"
"""
LAYOUT = """type = "textgrid"
pattern = '(?P<speaker>\\w+)/(?P<take>\\w+)\\.wav'
"""
FORMS = {
    "long": LONG.encode(),
    "short": SHORT.encode(),
    "marked": b"\xef\xbb\xbf" + LONG.replace("\n", " \r\n").encode(),
    "utf-16-le": SHORT.encode("utf-16"),
    "utf-16-be": b"\xfe\xff" + LONG.encode("utf-16-be"),
}


@pytest.mark.parametrize("form", FORMS)
def test_both_formats_in_every_encoding(put: Callable, load: Callable, form: str) -> None:
    put({"p1/a.wav": b"", "p1/a.TextGrid": FORMS[form]})
    table = load(f'{LAYOUT}tier = "Mary"\nspeaker_id = "speaker"', take="take").utterances.drop("corpus", "channel")
    assert table.rows() == [
        ("p1/a-1", "p1", "p1/a.wav", 0.5, 1.25, "en", 'she said "no"! <ok> 12 again', "a"),
        ("p1/a-2", "p1", "p1/a.wav", 1.25, 2.3, "en", "bye", "a"),
    ]


def test_every_tier_is_a_speaker(put: Callable, load: Callable) -> None:
    put({"p1/a.wav": b"", "grids/a.TextGrid": LONG})
    table = load(f'{LAYOUT}textgrid = "grids/{{take}}.TextGrid"\nempty = ["", "bye"]').utterances
    assert table.select("utterance_id", "speaker_id", "reference").rows() == [
        ("p1/a-John-1", "John", "héllo"),
        ("p1/a-Mary-1", "Mary", 'she said "no"! <ok> 12 again'),
    ]


def test_a_whole_tier_is_one_utterance(put: Callable, load: Callable) -> None:
    put({"p1/a.wav": b"", "p1/a.TextGrid": LONG})
    table = load(f'{LAYOUT}tier = "Mary"\nwhole = true').utterances
    assert table.select("utterance_id", "start_s", "reference").rows() == [
        ("p1/a", None, 'she said "no"! <ok> 12 again bye')
    ]


def test_missing_textgrids(put: Callable, load: Callable) -> None:
    put({"p1/a.wav": b"", "p1/b.wav": b"", "p1/a.TextGrid": LONG})
    with pytest.raises(AsrfairError, match=r"looked for p1/b\.TextGrid of p1/b\.wav; found none"):
        load(f'{LAYOUT}tier = "Mary"')
    corpus = load(f'{LAYOUT}tier = "Mary"\npartial = true')
    assert len(corpus.utterances) == 2
    assert corpus.notes == ("layout: left out 1 of 2 files: they have no TextGrid ('partial')",)


def test_tiers_named_after_the_file(put: Callable, load: Callable) -> None:
    put({"Mary/John.wav": b"", "Mary/John.TextGrid": LONG})
    layout = LAYOUT.replace("take", "second")
    assert load(f'{layout}tier = "{{second}}"').utterances["reference"].to_list() == ["héllo"]
    assert len(load(f'{layout}tier = "{{speaker}}"').utterances) == 2
    with pytest.raises(AsrfairError, match=r"layout\.tier: found '\{who\}' .*expected one of: \{stem\}"):
        load(f'{layout}tier = "{{who}}"')


def test_a_group_of_the_path_is_the_speaker_of_every_tier(put: Callable, load: Callable) -> None:
    put({"p1/a.wav": b"", "p1/a.TextGrid": LONG})
    table = load(f'{LAYOUT}speaker_id = "speaker"', tier="tier").utterances
    assert table.select("speaker_id", "tier").rows() == [("p1", "John"), ("p1", "Mary"), ("p1", "Mary")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"IntervalTier"', '"OddTier"', r"a\.TextGrid: line 10: found a tier of class 'OddTier'"),
        ('text = "bye"', "text = bye", r"a\.TextGrid: line 31: found '0'; expected a tier's name"),
        ('text = "bye"', 'text = "bye', "line 27: found a quotation mark that is not closed"),
        ("xmin = 1.25", "xmin = 9", r"line 27: found the interval 9 to 2\.3; expected 0 ≤ start < end"),
        ("intervals: size = 3", "intervals: size = 2.5", r"line 14: found 2\.5 intervals or points"),
        ("intervals: size = 3", "intervals: size = 900", "found 'IntervalTier'; expected an interval's start"),
        ('"ooTextFile"', '"ooBinaryFile"', "found 'ooBinaryFile' 'TextGrid'; expected a text file with one TextGrid"),
        ('"TextGrid"', '"Collection"', "found 'ooTextFile' 'Collection'"),
        ('mark = "ding"', "", "found 'the end of the file'; expected a point's mark"),
        ('name = "Mary"', 'name = "Maria"', "found no tier 'Mary'; expected one of: Maria, John, bell"),
        ('name = "John"', 'name = "Mary"', "found 2 tiers named 'Mary'"),
    ],
)
def test_bad_textgrids(put: Callable, load: Callable, old: str, new: str, message: str) -> None:
    assert old in LONG
    put({"p1/a.wav": b"", "p1/a.TextGrid": LONG.replace(old, new, 1)})
    with pytest.raises(AsrfairError, match=message):
        load(f'{LAYOUT}tier = "Mary"')


def test_point_tiers_and_wrong_groups(put: Callable, load: Callable) -> None:
    put({"p1/a.wav": b"", "p1/a.TextGrid": LONG})
    with pytest.raises(AsrfairError, match="found the point tier 'bell'; expected an interval tier"):
        load(f'{LAYOUT}tier = "bell"')
    with pytest.raises(AsrfairError, match=r"layout\.speaker_id: found 'who'; expected one of: speaker, take"):
        load(f'{LAYOUT}speaker_id = "who"')
    with pytest.raises(AsrfairError, match="expected one that stays inside the corpus"):
        load(f'{LAYOUT}textgrid = "../{{stem}}.TextGrid"')
