"""Raw labels made into levels: every utterance has one, or none, whatever its field holds."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.corpus import Axis, load_card, load_corpus
from asrfair.corpus.labels import label
from asrfair.errors import CardError

COMMA = r",(?!\s)"
RAW = [
    "us",
    "United States English",
    "American,Texan",
    "England English,United States English",
    "United States English,England English",
    "India and South Asia (India, Pakistan, Sri Lanka)",
    " Klingon , ",
    "prefer not",
    "American,us",
    "",
    None,
]


def axis(**keys: object) -> Axis:
    values = {"column": "accents", "assigned_by": "self-reported", "separator": COMMA, "taxonomy": "accents", **keys}
    return Axis(unknown=("prefer not",), **values)  # type: ignore[arg-type]


def levels(described: Axis, *raw: str | None) -> list[str | None]:
    return label(pl.Series("accents", list(raw), dtype=pl.String), described).levels.to_list()


def test_several_labels_are_a_level_of_their_own() -> None:
    found = label(pl.Series("accents", RAW), axis())
    assert found.levels.to_list() == [
        "US",
        "US",
        "Texan + US",
        "England + US",
        "England + US",
        "India and South Asia",
        "Klingon",
        None,
        "US",
        None,
        None,
    ]
    assert found.several == 3
    # By level, each utterance once: what it holds that is known does not count against it.
    assert found.unmapped == {"Klingon": 1, "Texan + US": 1}


def test_what_another_label_of_the_field_implies_is_left_out() -> None:
    """The largest label of a second language in Common Voice says it twice."""
    raw = [
        "German English,Non native speaker",
        "Non native speaker,German English",
        "German",
        "Non native speaker",
        "Non native speaker,us",
        "Non native speaker,Hindi",
    ]
    found = label(pl.Series("accents", raw), axis())
    unspecific = "Non-native, not specified"
    assert found.levels.to_list() == [*["German"] * 3, unspecific, f"{unspecific} + US", f"Hindi + {unspecific}"]
    assert found.several == 2
    assert levels(axis(derive="native"), *raw) == ["L2"] * 6
    assert levels(axis(several="first"), raw[1]) == ["German"]
    # A language without a code claims no less than one with a code.
    assert levels(axis(taxonomy="languages"), "amazigh,arabic") == ["Amazigh + Arabic"]


def test_of_several_labels_the_first_or_none() -> None:
    raw = ["England English,us", "us,England English", "prefer not,us", "American,us"]
    assert levels(axis(several="first"), *raw) == ["England", "US", "US", "US"]
    assert levels(axis(several="unknown"), *raw) == [None, None, "US", "US"]
    assert label(pl.Series("accents", raw), axis(several="unknown")).several == 2


def test_a_label_that_no_longer_counts_is_not_unmapped() -> None:
    found = label(pl.Series("accents", ["us,Texan", "Texan"]), axis(several="first"))
    assert found.levels.to_list() == ["US", "Texan"]
    assert found.unmapped == {"Texan": 1}


def test_the_cards_own_levels_come_first() -> None:
    described = axis(levels={"us": "North America", "Texan": "Texas", "one,two": "both"})
    assert levels(described, "us", "American", "Texan,us", "one,two") == [
        "North America",
        "US",
        "North America + Texas",
        "both",
    ]


def test_separator_without_taxonomy() -> None:
    described = axis(taxonomy="", separator=r"\|", levels={"a": "A"})
    found = label(pl.Series("accents", ["b|a", "a|a", "a", "b"]), described)
    assert found.levels.to_list() == ["A + b", "A", "A", "b"]
    assert found.unmapped == {"A + b": 1, "b": 1}
    assert label(pl.Series("accents", ["b|a"]), axis(taxonomy="", separator=r"\|")).unmapped == {}


@pytest.mark.parametrize(
    ("derive", "expected"),
    [
        ("region", ["GB-SCT", "US", "IN", None, "Klingon", "GB-ENG + US"]),
        ("country", ["GB", "US", "IN", None, "Klingon", "GB + US"]),
        ("native", [None, None, None, "L2", "Klingon", None]),
        ("first_language", [None, None, None, "deu", "Klingon", None]),
    ],
)
def test_what_a_taxonomy_says(derive: str, expected: list[str | None]) -> None:
    raw = ["Scottish", "us", "Indian", "German English", "Klingon", "England English,us"]
    found = label(pl.Series("accents", raw), axis(derive=derive))
    assert found.levels.to_list() == expected
    assert found.unmapped == {"Klingon": 1}


def test_a_level_of_the_card_is_looked_up() -> None:
    described = axis(levels={"scots": "Scotland", "elf": "Elvish"}, derive="region")
    found = label(pl.Series("accents", ["scots", "elf"]), described)
    assert found.levels.to_list() == ["GB-SCT", "Elvish"]
    assert found.unmapped == {"Elvish": 1}


@given(st.lists(st.sampled_from(["us", "American", "Texan", "England English", "prefer not", "x y"]), max_size=4))
def test_order_and_repetition_do_not_matter_where_labels_are_joined(labels: list[str]) -> None:
    """The level of a field is the level of its set of labels."""
    described = axis()
    (one,) = levels(described, ",".join(labels))
    (other,) = levels(described, ",".join(reversed(labels * 2)))
    assert one == other


CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "none"
[layout]
type = "table"
[axes.accent]
column = "accents"
assigned_by = "self-reported"
instrument = "a form with a list"
date = "2021"
separator = ";"
taxonomy = "accents"
[axes.accent_region]
column = "accents"
assigned_by = "self-reported"
separator = ";"
several = "first"
taxonomy = "accents"
derive = "region"
"""


def test_a_card_with_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(CARD, encoding="utf-8")
    table = tmp_path / "t.csv"
    table.write_text(
        "utterance_id,speaker_id,reference,accents\n"
        "u1,s1,Hello,us;Texan\nu2,s1,Bye,us\nu3,s2,Yes,Scottish\nu4,s3,No,\nu5,s4,No,us\nu6,s4,No,us;Texan\n",
        encoding="utf-8",
    )
    corpus = load_corpus(str(tmp_path / "ours.toml"), table)
    assert corpus.utterances["accent"].to_list() == ["Texan + US", "US", "Scotland", None, "US", "Texan + US"]
    assert corpus.utterances["accent_region"].to_list() == ["US", "US", "GB-SCT", None, "US", "US"]
    assert "accent: 2 utterances have several labels: each combination is a level of its own" in corpus.notes
    assert "accent_region: 2 utterances have several labels: the first counts" in corpus.notes
    assert "accent: 2 speakers have more than one value: 'Texan + US and US' (2)" in corpus.notes
    assert not any("s1" in note for note in corpus.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('separator = ";"', 'separator = "("', "'separator': '(' is no regular expression"),
        ('separator = ";"', 'separator = "|"', "'separator': found '|', which matches nothing at all"),
        ('separator = ";"\nseveral', "several", "found 'several' without 'separator'"),
        ('taxonomy = "accents"\nderive', "derive", "found 'derive' without 'taxonomy'"),
        ('derive = "region"', 'derive = "planet"', "'derive': found 'planet'; expected one of: name, region"),
        ('several = "first"', 'several = "both"', "'several': found 'both'; expected one of: joined, first, unknown"),
        ('taxonomy = "accents"', 'taxonomy = "dialects"', "taxonomy 'dialects'"),
        ('taxonomy = "accents"', 'taxonomy = "nowhere.toml"', "nowhere.toml: no such file"),
        ('date = "2021"', 'date = "2021"\nbands = [3]', "found 'bands' with 'separator' or 'taxonomy'"),
        ('date = "2021"', "date = 2021", "'date': found a whole number 2021; expected text"),
    ],
)
def test_strict_axes(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CARD
    path = tmp_path / "ours.toml"
    path.write_text(CARD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_card(str(path))
    assert message in str(caught.value)
