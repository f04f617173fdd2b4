"""The section of the worst utterances: what is shown, what is read aloud, and hostile texts."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from asrfair.report.html.spoken import (
    AT_ONCE,
    LONGEST_WORD,
    MOST_WORDS,
    AlignedWord,
    Clip,
    Spoken,
    WorstUtterance,
    direction,
    spoken_section,
)

HOSTILE = "<img src=x onerror=\"alert('1')\"></p><script>alert(2)</script>{{ 7*7 }}&amp;"
WORST = WorstUtterance(
    utterance_id="u1",
    speaker_id="s1",
    labels={"accent": "north", "gender": None},
    language=None,
    condition="telephone",
    backend="ours",
    wer=0.6,
    reference_words=5,
    substitutions=1,
    deletions=1,
    insertions=1,
    reference="The park is by us",
    hypothesis="the bark is to by",
    words=(
        AlignedWord("equal", "the", "the"),
        AlignedWord("substitute", "park", "bark"),
        AlignedWord("equal", "is", "is"),
        AlignedWord("insert", None, "to"),
        AlignedWord("equal", "by", "by"),
        AlignedWord("delete", "us", None),
    ),
)
CLIP = Clip("audio/mpeg", b"\xff\xf3sound", seconds=1.25, whole_s=1.25)


def html(spoken: Spoken) -> str:
    jinja2 = pytest.importorskip("jinja2")
    text = (files("asrfair.report.html") / "utterances.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text).render(spoken=spoken)


class Tags(HTMLParser):
    """The elements of a page, and its text with every run of white space as one space."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", page)))


def shown(worst: WorstUtterance, **clips: Clip) -> str:
    return html(
        spoken_section([worst], {(worst.utterance_id, name or None): clip for name, clip in clips.items()}, rule="R")
    )


def test_words_are_told_apart_by_letter_and_aloud() -> None:
    page = shown(WORST)
    spans = re.findall(
        r'<span class="word (\w+)">(.*</bdi>(?:<span.*?</span>)?)</span>(?:\n|</p>)', page.split("</h3>")[1]
    )
    assert [(kind, plain(inside).strip()) for kind, inside in spans] == [
        ("equal", "thethe"),
        ("substitute", "parkbarkS"),
        ("equal", "isis"),
        ("insert", "–toI"),
        ("equal", "byby"),
        ("delete", "us–D"),
    ]
    assert (
        "Aligned: the [substitution: said park, heard bark] is [insertion: heard to, not said] by "
        "[deletion: said us, heard nothing]"
    ) in plain(page)
    assert "ours: WER 60.0 % (3 word errors against 5 reference words: 1 substituted, 1 deleted, 1 inserted)" in plain(
        page
    )


def test_whose_it_is_and_what_it_said() -> None:
    text = plain(shown(WORST))
    assert "Utterance u1 speakers1 accentnorth gender(unlabelled) Condition telephone" in text.replace(
        " speaker", " speaker"
    )
    assert "ReferenceThe park is by us ours under telephonethe bark is to by" in text
    assert "(nothing)" in plain(shown(replace(WORST, hypothesis="")))
    assert "speakerunknown" in plain(shown(replace(WORST, speaker_id=None)))
    assert "voices1" in plain(html(spoken_section([WORST], {}, rule="R", speaker="voice")))


def test_players_are_named_and_hold_their_sound() -> None:
    cut = Clip("audio/mpeg", b"x", seconds=20, whole_s=31.5, quieter_db=2.5)
    page = html(spoken_section([WORST], {("u1", None): CLIP, ("u1", "telephone"): cut}, rule="R"))
    players = [found for tag, found in Tags(page).tags if tag == "audio"]
    assert [found["aria-label"] for found in players] == [
        "As recorded: utterance u1",
        "As heard under telephone: utterance u1",
    ]
    assert players[0]["src"] == "data:audio/mpeg;base64,//Nzb3VuZA=="
    assert all(found["preload"] == "none" and "controls" in found for found in players)
    assert "As recorded (1.2 s)" in plain(page)
    assert "the first 20.0 s of 31.5 s, 2.5 dB quieter than it was heard" in plain(page)
    clean = replace(WORST, condition="clean")
    assert "This condition leaves the recording as it is." in html(
        spoken_section([clean], {("u1", None): CLIP}, rule="R")
    )
    assert "<audio" not in shown(WORST)


def test_an_utterance_is_there_once_with_all_who_misheard_it() -> None:
    worst = [
        WORST,
        replace(WORST, utterance_id="u2"),
        replace(WORST, backend="theirs"),
        replace(WORST, condition="car"),
    ]
    section = spoken_section(worst, {("u1", None): CLIP, ("u1", "car"): CLIP}, rule="R")
    first, second = section.utterances
    assert (first.utterance_id, second.utterance_id) == ("u1", "u2")
    assert [(s.condition, [h.backend for h in s.hearings]) for s in first.sounds] == [
        ("telephone", ["ours", "theirs"]),
        ("car", ["ours"]),
    ]
    assert [tag for tag, _ in Tags(html(section)).tags].count("audio") == 2


def test_hostile_texts_are_texts() -> None:
    words = (
        AlignedWord("substitute", HOSTILE, HOSTILE),
        AlignedWord("insert", None, HOSTILE),
        AlignedWord("equal", HOSTILE, HOSTILE),
    )
    hostile = WorstUtterance(
        HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, HOSTILE, HOSTILE, 1.0, 1, 1, 0, 1, HOSTILE, HOSTILE, words
    )
    page = html(
        spoken_section([hostile], {(HOSTILE, None): CLIP, (HOSTILE, HOSTILE): CLIP}, rule=HOSTILE, notes=[HOSTILE])
    )
    elements = Tags(page).tags
    assert {tag for tag, _ in elements} == {tag for tag, _ in Tags(shown(WORST)).tags} | {
        "audio",
        "figure",
        "figcaption",
    }
    assert not any(name.startswith("on") for _, found in elements for name in found)
    assert "{{ 7*7 }}&amp;" in plain(page)


def test_writing_from_right_to_left_stays_in_its_place() -> None:
    arabic = replace(WORST, reference="«هذا» park", words=(AlignedWord("substitute", "هذا", "هذه"),))
    page = shown(arabic)
    assert '<p class="aligned" dir="rtl" aria-hidden="true">' in page
    assert '<bdi class="said">هذا</bdi><bdi class="heard">هذه</bdi>' in page
    assert '<dd dir="rtl"><bdi>«هذا» park</bdi></dd>' in page
    assert '<p class="aligned" dir="ltr"' in shown(WORST)


@pytest.mark.parametrize(("code", "wanted"), [("ar", "ar"), ("en_GB", "en-GB"), ("x", ""), ('"><b', ""), (None, "")])
def test_texts_are_in_their_language(code: str | None, wanted: str) -> None:
    page = shown(replace(WORST, language=code))
    found = {attributes.get("lang", "") for tag, attributes in Tags(page).tags if tag == "bdi" or "dir" in attributes}
    assert found == ({"", wanted} if wanted else {""})
    texts = [attributes.get("lang", "") for _, attributes in Tags(page).tags if "dir" in attributes]
    assert texts == [wanted] * 3


@pytest.mark.parametrize(
    ("text", "wanted"), [("", "ltr"), ("123 .", "ltr"), ("1 שלום a", "rtl"), ("a שלום", "ltr"), ("٣ سلام", "rtl")]
)
def test_direction_is_that_of_the_first_letter(text: str, wanted: str) -> None:
    assert direction(text) == wanted


def test_invisible_characters_are_written_out_and_marks_have_a_place() -> None:
    words = (
        AlignedWord("equal", "a\u202eb\x1b[31m\x00", "a\u202eb"),
        AlignedWord("insert", None, "\u0301x"),
        AlignedWord("equal", "e\u0301", "e\u0301"),
    )
    page = shown(replace(WORST, words=words, reference="line\nline\u2028", labels={"accent": "a\u202e"}))
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "a\\u202eb\\x1b[31m\\x00" in page
    assert ">\u25cc\u0301x<" in page
    assert ">e\u0301<" in page
    assert "line\\nline\\u2028" in page


def test_what_is_too_long_is_cut_and_counted() -> None:
    words = tuple(AlignedWord("equal", "w", "w") for _ in range(MOST_WORDS + 3))
    page = shown(replace(WORST, words=(AlignedWord("delete", "z" * 99, None), *words), reference="y" * 5_000))
    assert page.count('<span class="word equal">') == MOST_WORDS - 1 + 1
    assert "… 4 more aligned words" in plain(page)
    assert f">{'z' * (LONGEST_WORD - 1)}…<" in page
    assert f">{'y' * 999}…<" in page


def test_the_rest_is_behind_a_line() -> None:
    worst = [replace(WORST, utterance_id=f"u{number}") for number in range(AT_ONCE + 3)]
    page = html(spoken_section(worst, {}, rule="R"))
    before, after = page.split('<details class="rest"><summary>3 more utterances</summary>')
    assert (before.count("<article"), after.count("<article")) == (AT_ONCE, 3)
    assert after.rstrip().endswith("</article>\n</details>\n</section>")
    assert "rest" not in html(spoken_section(worst[:AT_ONCE], {}, rule="R"))
    Tags(page)


def test_a_section_without_utterances_says_why() -> None:
    page = html(Spoken(notes=("This run has no transcripts to align.",)))
    assert plain(page).strip() == "Worst utterances This run has no transcripts to align."
