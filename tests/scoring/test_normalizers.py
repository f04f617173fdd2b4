"""Normalisers by name, chains of them, and pairs of texts that they are known to give."""

import unicodedata
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import NORMALIZERS, find_normalizer
from asrfair.scoring.normalizers import APOSTROPHES, OUTER_APOSTROPHE, basic

# openai/whisper, tests/test_normalizer.py (MIT), read 2025: the package's own expectations
PUBLISHED = [
    ("two", "2"),
    ("thirty one", "31"),
    ("five twenty four", "524"),
    ("nineteen ninety nine", "1999"),
    ("twenty nineteen", "2019"),
    ("two point five million", "2500000"),
    ("200 thousand dollars", "$200000"),
    ("€52.4 million", "€52400000"),
    ("£77 thousands", "£77000s"),
    ("two double o eight", "2008"),
    ("forty three thousand two hundred and sixty", "43260"),
    ("nineteen fifties", "1950s"),
    ("thirty first", "31st"),
    ("july third twenty twenty", "july 3rd 2020"),
    ("3 point 14", "3.14"),
    ("seventy six per cent", "76%"),
    ("double oh seven", "007"),
    ("minus 500", "-500"),
    ("two dollars and seventy cents", "$2.70"),
    ("$0.36", "¢36"),
    ("three and a half million", "3500000"),
    ("forty eight and a half dollars", "$48.5"),
    ("b747", "b 747"),
    ("10 th", "10th"),
    ("Let's", "let us"),
    ("he's like", "he is like"),
    ("she's been like", "she has been like"),
    ("10km", "10 km"),
    ("RC232", "rc 232"),
    ("Mr. Park visited Assoc. Prof. Kim Jr.", "mister park visited associate professor kim junior"),
    ("mobilisation", "mobilization"),
    ("cancelation", "cancellation"),
]

# Radford et al. 2022, appendix C, rule by rule; written by us
WRITTEN = [
    ("[laughter] Hello <unk>", "hello"),
    ("Well (he said) no", "well no"),
    ("Hmm, uh, um yes", "yes"),
    ("won't can't I'd've gonna", "will not can not i would have going to"),
    ("The café, naïve!", "the cafe naive"),
    ("$1,000,000", "$1000000"),
    ("e.g. this; that", "e g this that"),
    ("Hmm, the colour of twenty-two centres", "the color of 22 centers"),
    ("", ""),
]

# Ours: NFKC, lower case, punctuation and symbols become spaces, apostrophes inside words stay
BASIC = [
    ("It’s 5% “off”—now!", "it's 5 off now"),
    ("well-known e.g. e-mail", "well known e g e mail"),
    ("ÉCOLE Straße", "école straße"),
    ("½ ﬁne", "1 2 fine"),
    ("{ gonna / going to }", "gonna going to"),
]


@pytest.mark.parametrize(("text", "expected"), PUBLISHED + WRITTEN)
def test_whisper_english(text: str, expected: str) -> None:
    assert find_normalizer("whisper-english").function(text) == expected


@pytest.mark.parametrize(("text", "expected"), BASIC)
def test_basic(text: str, expected: str) -> None:
    assert find_normalizer("basic").function(text) == expected


def test_components_are_applied_from_left_to_right(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Gonna = going to\n", encoding="utf-8")
    chain = find_normalizer("basic+american-spelling+equivalences=mine.txt", folder=tmp_path)
    assert chain.function("I'm GOING TO colour—it!") == "i'm gonna color it"
    assert find_normalizer("american-spelling+basic").function("COLOUR colour, flavour") == "color colour flavor"
    assert not chain.alternations


def test_labels_tell_versions_and_what_files_hold(tmp_path: Path) -> None:
    library = version("whisper-normalizer")
    assert find_normalizer("none").label == "none-1"
    assert find_normalizer("basic+american-spelling").label == f"basic-1+american-spelling-{library}"
    labels = []
    for name, rule in (("a.glm", "A => B"), ("b.glm", "A => B"), ("c.glm", "A => C")):
        (tmp_path / name).write_text(f";;\n{rule}\n", encoding="utf-8")
        labels.append(find_normalizer(f"basic+glm={tmp_path / name}").label)
    assert labels[0] == labels[1] != labels[2]
    # sha256sum a.glm
    assert labels[0] == "basic-1+glm-14307d8f"


@pytest.mark.parametrize("name", NORMALIZERS)
def test_a_single_component_is_its_name_and_version(name: str) -> None:
    normalizer = find_normalizer(name)
    assert normalizer.name == name
    assert normalizer.label == f"{normalizer.name}-{normalizer.version}"
    assert normalizer.alternations == (name == "alternations")


@pytest.mark.parametrize("chain", ["alternations+basic+american-spelling", "basic+american-spelling+alternations"])
def test_alternatives_are_normalised_by_themselves_wherever_they_are_named(chain: str) -> None:
    normalizer = find_normalizer(chain)
    assert normalizer.alternations
    assert normalizer.function("The {Colour/Hue!/ @} it's.") == "the { color / hue / } it's"


def test_alternatives_of_a_glm_file_survive_what_follows(tmp_path: Path) -> None:
    (tmp_path / "x.glm").write_text(";;\n[HE'S] => [{HE IS / HE HAS}] / [ ] __ [ ]\n", encoding="utf-8")
    (tmp_path / "same.txt").write_text("he be = he is\n", encoding="utf-8")
    normalizer = find_normalizer("basic+glm=x.glm+equivalences=same.txt", folder=tmp_path)
    assert normalizer.alternations
    assert normalizer.function("He's here {or/and} there") == "{ he be / he has } here { or / and } there"


def test_each_distinct_text_is_normalised_once() -> None:
    seen = []
    normalizer = find_normalizer("none")
    counting = type(normalizer)("x", "1", lambda text: seen.append(text) or text)
    assert counting.normalize_all(["a", "b", "a"]) == {"a": "a", "b": "b"}
    assert sorted(seen) == ["a", "b"]


@pytest.mark.parametrize(
    "spec", ["", "baisc", "basic+", "basic + none", "glm", "glm=", "basic=x", "basic+whisper", "x=y"]
)
def test_unknown_components_list_the_valid_ones(spec: str) -> None:
    with pytest.raises(InputError, match=r"no such component; expected one of: none, basic, .*, equivalences=FILE"):
        find_normalizer(spec)


def test_files_that_are_missing_or_wrong_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.txt: no such file"):
        find_normalizer("equivalences=no.txt", folder=tmp_path)
    (tmp_path / "x.txt").write_text("a = b\nb = c\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.txt, line 2"):
        find_normalizer("basic+equivalences=x.txt", folder=tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        find_normalizer(f"glm={tmp_path}")


def basic_char_by_char(text: str) -> str:
    """The definition written out."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).translate(APOSTROPHES)
    kept = ""
    for char in text:
        kind = unicodedata.category(char)
        if char == "'" or kind[0] in "LMN":
            kept += char
        elif kind != "Cf" or char == "\u200b":
            kept += " "
    return " ".join(OUTER_APOSTROPHE.sub(" ", kept).split())


@given(st.lists(st.one_of(st.text(), st.text(st.sampled_from("aB9 -_.'’ʼ\t\x1f\u200b\u200dé\u0301İ你")))))
def test_basic_is_its_definition_text_by_text_and_by_column(texts: list[str]) -> None:
    wanted = [basic_char_by_char(text) for text in texts]
    assert [basic(text) for text in texts] == wanted
    assert find_normalizer("basic").normalize_column(pl.Series(texts, dtype=pl.String)).to_list() == wanted
