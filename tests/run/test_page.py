"""The page written from a run folder."""

import dataclasses
import re
import sys

import polars as pl
import pytest

pytest.importorskip("altair")
pytest.importorskip("itables")
pytest.importorskip("jinja2")
pytest.importorskip("vl_convert")

from asrfair.errors import InputError, RunFolderError
from asrfair.results import Results, write_table
from asrfair.run import page as page_module
from asrfair.run.page import write_page
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import TABLES
from asrfair.tables import WORDS as WORD_COLUMNS

SAID = "the cat sat on the mat"


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A run of transcripts in which the north is misheard in one word."""
    folder = tmp_path_factory.mktemp("scored")
    rows = [
        {
            "id": f"{accent}{speaker}-{k}",
            "who": f"{accent}{speaker}",
            "accent": accent,
            "reference": SAID,
            "hypothesis": SAID.replace("cat", "<i>hat</i>") if accent == "north" and speaker < 5 else SAID,
        }
        for accent in ("north", "south")
        for speaker in range(6)
        for k in range(2)
    ]
    pl.DataFrame(rows).write_csv(folder / "t.csv")
    score_tables(
        ScorePlan(
            tables=(str(folder / "t.csv"),),
            id="id",
            speaker="who",
            by=("accent",),
            reference_groups={"accent": "south"},
            out=str(folder / "run"),
        )
    )
    return folder / "run"


def copied(scored, folder, **changes):
    """Save the run in another folder with changed tables or signature."""
    results = dataclasses.replace(Results.load(scored), **changes)
    results.save(folder)
    return folder


def test_the_page_is_one_file_that_asks_for_nothing(scored, tmp_path):
    path = write_page(scored, tmp_path / "deep" / "page.html")
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "deep" / "page.html"
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"(?:src|href|action)=[\"'](?!#|data:)", text)
    body = text.partition("<main")[2].partition("<script")[0]
    assert "<i>" not in body
    assert "&lt;i&gt;" in body
    assert 'id="rates-accent"' in text
    assert write_page(scored, tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_words_are_found_where_the_folder_has_none(scored, tmp_path):
    text = write_page(scored, tmp_path / "page.html").read_text(encoding="utf-8")
    section = text.split('<section id="words"')[1].split("</section>")[0]
    assert ">cat</th>" in section
    assert "at most 999 permutations" in section


def test_words_kept_in_the_folder_are_taken(scored, tmp_path):
    folder = copied(scored, tmp_path / "run")
    row = dict.fromkeys(WORD_COLUMNS) | {"axis": "accent", "group": "north", "reference_group": "south"}
    row |= {"kind": "word", "reference_word": "keptword", "condition": "c", "backend": "b", "rate": 0.5}
    write_table(folder / "words.parquet", pl.DataFrame([row], schema=WORD_COLUMNS))
    text = write_page(folder, tmp_path / "page.html").read_text(encoding="utf-8")
    assert ">keptword</th>" in text
    assert "permutations. For more" not in text


@pytest.mark.parametrize("broken", ["not parquet", "other columns"])
def test_words_that_cannot_be_read_are_named(scored, tmp_path, broken):
    folder = copied(scored, tmp_path / "run")
    if broken == "not parquet":
        (folder / "words.parquet").write_bytes(b"nothing")
    else:
        pl.DataFrame({"axis": [1]}).write_parquet(folder / "words.parquet")
    with pytest.raises(RunFolderError, match=r"words\.parquet"):
        write_page(folder, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_without_a_reference_group_the_page_says_why_there_are_no_words(scored, tmp_path):
    signature = dict(Results.load(scored).signature)
    signature["axes"] = {"accent": {**signature["axes"]["accent"], "reference_group": None}}
    folder = copied(scored, tmp_path / "run", signature=signature)
    text = write_page(folder, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Not compared: words: found a run without a reference group" in text


def test_too_many_comparisons_are_left_to_the_command(scored, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MOST_COMPARISONS", 0)
    text = write_page(scored, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "too many for a page (1 comparison): first run asrfair words RUN." in text


def test_an_empty_run_has_a_page(scored, tmp_path):
    empty = {name: getattr(Results.load(scored), name).clear() for name in TABLES}
    folder = copied(scored, tmp_path / "run", **empty)
    text = write_page(folder, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Nothing was counted: no rates to report." in text
    assert "Not compared: words: found a run without transcripts" not in text.split("<main")[0]


@pytest.mark.parametrize(("named", "message"), [({"audio": -1}, "--audio -1"), ({"top": 0}, "--top 0")])
def test_impossible_numbers_are_refused(scored, tmp_path, named, message):
    with pytest.raises(InputError, match=message):
        write_page(scored, tmp_path / "page.html", **named)


def test_audio_of_transcripts_is_refused(scored, tmp_path):
    with pytest.raises(InputError, match="audio"):
        write_page(scored, tmp_path / "page.html", audio=3)


def test_a_missing_library_is_named_before_any_work(scored, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(InputError, match=r"altair; expected it installed: pip install 'asrfair\[html\]'"):
        write_page(tmp_path / "no run", tmp_path / "page.html")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no finished run here"):
        write_page(tmp_path, tmp_path / "page.html")


def test_a_page_that_cannot_be_written_is_told(scored, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_page(scored, tmp_path / "file" / "page.html")
