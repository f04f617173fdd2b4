"""Who assigned a label, how and when: from the corpus card to the signature, the report and `asrfair show corpus`."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from asrfair.corpus import Axis, load_card
from asrfair.run.catalogue import show_card
from asrfair.run.signature import axis_facts

ACCENT = Axis("accent", "self-reported", instrument="a form", date="2021", note="optional")
GENDER = Axis("gender", "annotated", instrument="a form", date="2022")


def test_provenance_follows_into_the_signature() -> None:
    facts = axis_facts(["accent", "accent*gender"], {"accent": ACCENT, "gender": GENDER}, {}, {})
    assert (facts["accent"]["instrument"], facts["accent"]["date"]) == ("a form", "2021")
    product = facts["accent*gender"]
    assert (product["assigned_by"], product["instrument"], product["date"]) == (
        "self-reported × annotated",
        "a form",
        "2021; 2022",
    )


def test_show_corpus_tells_provenance_and_caveats() -> None:
    output = io.StringIO()
    show_card("corpus", "audiomnist", Console(file=output, width=400))
    text = " ".join(output.getvalue().split())
    assert "not documented, 2017" in text
    assert "asked or noted at the" in text
    assert "the taxonomy accents, several labels joined" in text
    assert "Note: AudioMNIST: one age is 1234" in text


CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "none"
[layout]
type = "table"
[axes.region]
column = "accent"
assigned_by = "annotated"
separator = ";"
several = "unknown"
taxonomy = "accents"
derive = "first_language"
[axes.age]
column = "age"
assigned_by = "self-reported"
bands = [30]
"""


def test_show_corpus_says_how_levels_are_made(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(CARD, encoding="utf-8")
    output = io.StringIO()
    show_card("corpus", str(tmp_path / "ours.toml"), Console(file=output, width=400))
    assert "the taxonomy accents: first language, several labels are unknown" in output.getvalue()
    assert "bands of numbers" in output.getvalue()


@pytest.mark.parametrize("name", ["common-voice", "fair-speech", "vctk"])
def test_shipped_cards_show_at_any_width(name: str) -> None:
    for width in (40, 300):
        output = io.StringIO()
        show_card("corpus", name, Console(file=output, width=width))
        assert " ".join(load_card(name).title.split()) in " ".join(output.getvalue().split())
