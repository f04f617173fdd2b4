"""The taxonomy of accents: aliases meet, claims are codes, and a label says no more than it says."""

import json
import re
from pathlib import Path

import pytest

from asrfair.corpus.taxonomy import SHIPPED, folded, load_taxonomy
from asrfair.errors import CardError

COUNTRIES = Path("/usr/share/zoneinfo/iso3166.tab")
LANGUAGES = Path("/usr/share/iso-codes/json/iso_639-3.json")
SMALL = """
title = "Two"
[levels.North]
region = "GB-SCT"
aliases = ["Up", "Far  north"]
[levels.South]
native = "L2"
first_language = "deu"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "label", ["us", "US", "American", "United States English", " united  states ENGLISH ", "en-US"]
)
def test_names_for_one_accent_meet(label: str) -> None:
    assert load_taxonomy("accents").find(label) == "US"


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("NorthernIrish", "Northern Ireland"),
        ("southatlandtic", "South Atlantic"),
        ("India and South Asia (India, Pakistan, Sri Lanka)", "India and South Asia"),
        ("Filipino", "Philippines"),
        ("en_lt", "Lithuanian"),
        ("Vietnamese English", "Vietnamese"),
        ("British", "United Kingdom"),
        ("Great Britain", "United Kingdom"),
        ("isizulu", "Zulu"),
        ("Glaswegian", None),
        ("English", None),
        ("", None),
    ],
)
def test_labels_of_corpora(label: str, level: str | None) -> None:
    assert load_taxonomy("accents").find(label) == level


def test_claims_of_a_level() -> None:
    levels = load_taxonomy("accents").levels
    scotland = levels["Scotland"]
    said = {what: scotland.say(what, name="Scotland") for what in ("name", "region", "country", "native")}
    # A way of speaking that people name themselves: who learnt English later may have it too.
    assert said == {"name": "Scotland", "region": "GB-SCT", "country": "GB", "native": None}
    assert [name for name, entry in levels.items() if entry.native == "L1"] == []
    assert levels["German"].say("first_language", name="German") == "deu"
    # All languages of India alike.
    indian = ["Bengali", "Gujarati", "Hindi", "Kannada", "Malayalam", "Marathi", "Punjabi", "Tamil", "Telugu", "Urdu"]
    assert {levels[name].native for name in indian} == {""}
    # «Spanish» is a language of many countries, and «Indian» may be either.
    assert levels["Spanish"].say("region", name="Spanish") is None
    assert levels["India"].say("native", name="India") is None


def test_regions_are_countries() -> None:
    if not COUNTRIES.is_file():
        pytest.skip("skipped: no list of ISO 3166 here")
    lines = COUNTRIES.read_text(encoding="utf-8").splitlines()
    known = {line.split("\t")[0] for line in lines if not line.startswith("#")}
    levels = load_taxonomy("accents").levels
    assert {entry.region[:2] for entry in levels.values() if entry.region} <= known


def test_first_languages_are_languages() -> None:
    if not LANGUAGES.is_file():
        pytest.skip("skipped: no list of ISO 639-3 here")
    known = {row["alpha_3"] for row in json.loads(LANGUAGES.read_text(encoding="utf-8"))["639-3"]}
    for name in SHIPPED:
        levels = load_taxonomy(name).levels
        assert {entry.first_language for entry in levels.values() if entry.first_language} <= known


@pytest.mark.parametrize(
    ("label", "level", "native"),
    [
        ("irish", "Irish", "L2"),
        ("welsh", "Welsh", "L2"),
        ("filipino", "Tagalog", "L2"),
        ("tagalog", "Tagalog", "L2"),
        ("ganda", "Luganda", "L2"),
        ("rwanda", "Kinyarwanda", "L2"),
        ("sa'a", "Sa'a", "L2"),
        ("tamil", "Tamil", "L2"),
        ("english", "English", "L1"),
    ],
)
def test_a_first_language_is_no_region(label: str, level: str, native: str) -> None:
    languages = load_taxonomy("languages")
    name = languages.find(label)
    assert name == level
    entry = languages.levels[level]
    assert (entry.region, entry.native) == ("", native)


def test_languages_have_one_name_in_both_taxonomies() -> None:
    languages, accents = load_taxonomy("languages"), load_taxonomy("accents")
    assert {entry.region for entry in languages.levels.values()} == {""}
    # The accent of a country is no accent of a language alone.
    named = {name: entry for name, entry in accents.levels.items() if entry.first_language and not entry.region}
    assert {name: languages.levels[name].first_language for name in named} == {
        name: entry.first_language for name, entry in named.items()
    }


def test_a_taxonomy_of_ones_own(small: Path) -> None:
    taxonomy = load_taxonomy(str(small))
    assert taxonomy.find("far NORTH") == "North"
    assert taxonomy.levels["North"].say("country", name="North") == "GB"
    assert re.fullmatch("[0-9a-f]{16}", taxonomy.digest)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Up"', '"south"', "found the alias 'South' of 'North' and 'South'"),
        ('"GB-SCT"', '"Scotland"', "North: found the region 'Scotland'; expected ISO 3166"),
        ('"deu"', '"de"', "South: found the language 'de'; expected ISO 639-3"),
        ('"L2"', '"second"', "found 'second'"),
        ("native", "nativ", "unknown key 'nativ'; expected one of: aliases, region"),
        ("title", "titel", "unknown key 'titel'"),
    ],
)
def test_strict_taxonomies(small: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL
    path = tmp_path / "wrong.toml"
    path.write_text(SMALL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_taxonomy(str(path))
    assert message in str(caught.value)
    assert "wrong.toml" in str(caught.value)


def test_an_unknown_taxonomy() -> None:
    with pytest.raises(CardError, match=r"taxonomy 'dialects': found no such taxonomy .*; expected one of: accents"):
        load_taxonomy("dialects")


def test_folding() -> None:
    assert folded("  Straße \n ENGLISH ") == "strasse english"
