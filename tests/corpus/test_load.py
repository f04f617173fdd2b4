"""Loading corpora: cards, layouts, labels and what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from asrfair.corpus import load_card, load_corpus
from asrfair.corpus.common import Raw
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import CardError, InputError
from asrfair.tables import UTTERANCES

CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "none"
[layout]
type = "table"
file = "people.csv"
null = ["NA"]
columns = { utterance_id = "id", speaker_id = "who", audio = "file", reference = "text" }
[axes.accent]
column = "where"
assigned_by = "self-reported"
levels = { us = "US", american = "US", scotland = "Scotland" }
unknown = ["prefer not to say"]
[axes.age]
column = "years"
assigned_by = "self-reported"
bands = [30, 50]
"""
TABLE = """id,who,file,text,where,years
u3,s2,c.wav,Good day,scotland,50
u1,s1,a.wav,Hello there,us,29
u2,s1,b.wav,"Hello, again",american,30
u4,s3,d.wav,Hm,prefer not to say,NA
u5,s4,e.wav,Oh,klingon,49
u6,s5,f.wav,Ah,klingon,young
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(CARD, encoding="utf-8")
    (tmp_path / "people.csv").write_text(TABLE, encoding="utf-8")
    return path


def test_table_layout_maps_columns_and_labels(card: Path) -> None:
    corpus = load_corpus(str(card), card.parent)
    table = corpus.utterances
    assert list(table.columns) == [*UTTERANCES, "accent", "age"]
    assert table["utterance_id"].to_list() == ["u1", "u2", "u3", "u4", "u5", "u6"]
    assert table["accent"].to_list() == ["US", "US", "Scotland", None, "klingon", "klingon"]
    assert table["age"].to_list() == ["under 30", "30-49", "50 and over", None, "30-49", "young"]
    assert table["reference"][1] == "Hello, again"
    assert table["language"].unique().to_list() == ["en"]


COVARIATES = """
[covariates.quality]
column = ["snr", "quality_db"]
unit = "dB"
unknown = ["not measured"]
[covariates.years]
column = "years"
unit = "year"
"""
MEASURED = """id,who,file,text,where,years,quality_db
u3,s2,c.wav,Good day,scotland,50, 12.5
u1,s1,a.wav,Hello there,us,29,not measured
u2,s1,b.wav,"Hello, again",american,30,
u4,s3,d.wav,Hm,us,NA,-3e1
"""


def test_covariates_are_numbers_after_the_axes(card: Path) -> None:
    card.write_text(CARD + COVARIATES, encoding="utf-8")
    (card.parent / "people.csv").write_text(MEASURED, encoding="utf-8")
    table = load_corpus(str(card), card.parent).utterances
    assert table.columns == [*UTTERANCES, "accent", "age", "quality", "years"]
    assert table["quality"].to_list() == [None, None, 12.5, -30.0]
    assert table["years"].to_list() == [29.0, 30.0, 50.0, None]
    assert table.schema["quality"] == pl.Float64


@pytest.mark.parametrize("value", ["loud", "nan", "inf", "12,5"])
def test_a_covariate_that_is_no_number_is_refused(card: Path, value: str) -> None:
    card.write_text(CARD + COVARIATES, encoding="utf-8")
    (card.parent / "people.csv").write_text(MEASURED.replace(" 12.5", f'"{value}"'), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_corpus(str(card), card.parent)
    message = f"covariate 'quality': utterance 'u3': found quality_db = '{value}'; expected a number (dB), or a blank"
    assert str(caught.value).endswith(message)


def test_a_covariate_without_its_column_is_refused(card: Path) -> None:
    card.write_text(CARD + COVARIATES, encoding="utf-8")
    with pytest.raises(InputError, match="covariate 'quality': found no column 'snr'; expected one of: id, who"):
        load_corpus(str(card), card.parent)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[covariates.quality]", "[covariates.accent]", "found 'accent' as an axis too; expected another name"),
        ("[covariates.quality]", "[covariates.condition]", "the covariate name 'condition'"),
        ("[covariates.quality]", "[covariates.log_words]", "the covariate name 'log_words'"),
        ("[covariates.quality]", '[covariates."a*b"]', "the covariate name 'a*b'"),
        ('unit = "dB"', 'unit = " "', "covariates.quality: 'unit': found none"),
        ('unit = "dB"', "", "key 'unit' is missing"),
        ('column = ["snr", "quality_db"]', "column = []", "covariates.quality: 'column': found none"),
        (
            'unit = "dB"',
            'unit = "dB"\nbands = [3]',
            "unknown key 'bands'; expected one of: column, unit, note, unknown",
        ),
        ("[axes.age]", "[axes.log_words]", "the axis name 'log_words'"),
    ],
)
def test_strict_covariates(card: Path, old: str, new: str, message: str) -> None:
    text = CARD + COVARIATES
    assert old in text
    card.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_corpus(str(card), card.parent)
    assert message in str(caught.value)


@pytest.mark.parametrize("channel", ["0.5", "-1"])
def test_channels_are_whole_numbers_from_0(card: Path, channel: str) -> None:
    rows = TABLE.splitlines()
    text = "\n".join([rows[0] + ",channel", rows[1] + f",{channel}"])
    (card.parent / "people.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"found channel = '{channel}'; expected a channel from 0, or a blank"):
        load_corpus(str(card), card.parent)


def test_unmapped_labels_are_counted_and_noted(card: Path) -> None:
    corpus = load_corpus(str(card), card.parent)
    assert corpus.unmapped == {"accent": {"klingon": 2}, "age": {"young": 1}}
    assert any("klingon" in note and "does not map" in note for note in corpus.notes)


def test_an_age_that_is_no_number_is_not_old(card: Path) -> None:
    (card.parent / "people.csv").write_text(TABLE.replace(",29", ",nan").replace(",49", ",inf"), encoding="utf-8")
    corpus = load_corpus(str(card), card.parent)
    assert corpus.utterances["age"].to_list() == ["nan", "30-49", "50 and over", None, "inf", "young"]
    assert set(corpus.unmapped["age"]) == {"nan", "inf", "young"}


def test_speaker_ids_without_their_blanks(card: Path) -> None:
    (card.parent / "people.csv").write_text(
        TABLE.replace("u2,s1,", "u2,s1 ,").replace("u4,s3,", "u4, ,"), encoding="utf-8"
    )
    table = load_corpus(str(card), card.parent).utterances
    assert table["speaker_id"].to_list() == ["s1", "s1", "s2", None, "s4", "s5"]


def test_speaker_with_two_values_is_noted(card: Path) -> None:
    notes = load_corpus(str(card), card.parent).notes
    assert "age: 1 speaker has more than one value: '30-49 and under 30' (1)" in notes
    assert not any(note.startswith("accent: 1 speakers") for note in notes)


def test_root_may_be_the_table_itself(card: Path) -> None:
    assert load_corpus(str(card), card.parent / "people.csv").audio_root == card.parent


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "parquet"])
def test_same_corpus_from_every_format(card: Path, kind: str) -> None:
    rows = pl.read_csv(card.parent / "people.csv", infer_schema=False)
    path = card.parent / f"people.{kind}"
    writers = {
        "tsv": lambda: rows.write_csv(path, separator="\t"),
        "jsonl": lambda: rows.write_ndjson(path),
        "parquet": lambda: rows.write_parquet(path),
    }
    writers[kind]()
    assert load_corpus(str(card), path).utterances.equals(load_corpus(str(card), card.parent).utterances)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Ours"', 'title = "Ours"\ncolour = "red"', "unknown key 'colour'; expected one of: title"),
        ('licence = "none"', "", "key 'licence' is missing"),
        ('kind = "read"', 'kind = "sung"', "'kind': found 'sung'; expected one of: read, natural"),
        ('assigned_by = "self-reported"\nlevels', 'assigned_by = "guessed"\nlevels', "found 'guessed'"),
        ('type = "table"', 'type = "tree"', "layout.type: found 'tree'; expected one of: table, files, timit"),
        ("bands = [30, 50]", "bands = [50, 30]", "expected ascending numbers"),
        ("bands = [30, 50]", 'bands = "30"', "expected a list of a number"),
        ("[axes.age]", "[axes.reference]", "the axis name 'reference'"),
        ("[axes.age]", "[axes.hits]", "the axis name 'hits'"),
        ('type = "table"', 'type = ["table"]', "layout.type: found ['table']"),
        ('column = "where"', "column = []", "'column': found none"),
        ("bands = [30, 50]", "bands = [nan]", "expected ascending numbers"),
        ('language = "en"', 'language = "en"\nlanguage = "fr"', "not readable as TOML"),
        ('null = ["NA"]', 'nul = ["NA"]', "unknown key 'nul'; expected one of: audio_folder"),
        ('utterance_id = "id"', 'utterance = "id"', "unknown name 'utterance'"),
    ],
)
def test_strict_cards(card: Path, old: str, new: str, message: str) -> None:
    assert old in CARD
    card.write_text(CARD.replace(old, new), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_corpus(str(card), card.parent)
    assert message in str(caught.value)
    assert "ours.toml" in str(caught.value) or "layout.columns" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("u4,s3", "u1,s3", "1 utterance id more than once ('u1')"),
        ("u4,s3", ",s3", "1 utterance without an id"),
        ("d.wav", "../../d.wav", "'../../d.wav'; expected one that stays inside the corpus"),
        ("id,who", "id,whom", "no column 'who', but 'whom'; expected one of: id, whom"),
        (",where,", ",place,", "axis 'accent': found no column 'where'; expected one of: id"),
    ],
)
def test_bad_tables(card: Path, old: str, new: str, message: str) -> None:
    (card.parent / "people.csv").write_text(TABLE.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_corpus(str(card), card.parent)
    assert message in str(caught.value)


def test_no_layout_may_lead_out_of_the_corpus(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that does not look at its paths is looked after."""
    layout = LAYOUTS["table"]
    for audio in ("a/../../b.wav", "..", "a\0b.wav"):
        careless = replace(layout, function=lambda *_, audio=audio: Raw(ROWS.with_columns(audio=pl.lit(audio))))
        monkeypatch.setitem(LAYOUTS, "table", careless)
        with pytest.raises(InputError, match="expected one that stays inside the corpus"):
            load_corpus(str(card), card.parent)


ROWS = pl.DataFrame({"utterance_id": ["u"], "reference": ["Hm"], "where": ["us"], "years": ["3"]})


def test_times_and_channels_are_numbers_or_blank(card: Path) -> None:
    lines = TABLE.splitlines()
    parts = [lines[0] + ",start_s,end_s,channel", lines[1] + ",1.5,2,1", lines[2] + ",,,"]
    (card.parent / "people.csv").write_text("\n".join(parts), encoding="utf-8")
    table = load_corpus(str(card), card.parent).utterances
    assert table.select("start_s", "end_s", "channel").rows() == [(None, None, None), (1.5, 2.0, 1)]
    (card.parent / "people.csv").write_text("\n".join(parts).replace("1.5", "soon"), encoding="utf-8")
    with pytest.raises(InputError, match="utterance 'u3': found start_s = 'soon'; expected seconds from 0, or a blank"):
        load_corpus(str(card), card.parent)


def test_a_split_where_there_is_none(card: Path) -> None:
    for root in (card.parent, card.parent / "people.csv"):
        with pytest.raises(InputError, match="found the split 'test'"):
            load_corpus(str(card), root, split="test")


def test_zero_utterances(card: Path) -> None:
    (card.parent / "people.csv").write_text(TABLE.splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="found no utterances"):
        load_corpus(str(card), card.parent)


def test_wrong_root_says_what_is_there(card: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "other.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"looked for people\.csv; found other\.csv"):
        load_corpus(str(card), tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no such file or folder"):
        load_corpus(str(card), tmp_path / "nowhere")


def test_a_wrong_root_says_how_to_get_the_corpus(card: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    card.write_text(CARD.replace('licence = "none"', 'licence = "none"\nobtain = "From the shop"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"looked for people\.csv; found nothing; how to get it: From the shop$"):
        load_corpus(str(card), tmp_path / "elsewhere")


def test_a_message_about_the_layout_names_the_card(card: Path) -> None:
    card.write_text(CARD.replace("speaker_id = ", "speaker = "), encoding="utf-8")
    with pytest.raises(CardError, match=r"^ours: layout\.columns: (found )?unknown name 'speaker'"):
        load_corpus(str(card), card.parent)


def test_a_card_may_name_its_corpus(card: Path) -> None:
    card.write_text(f'name = "théirs"\n{CARD}', encoding="utf-8")
    corpus = load_corpus(str(card), card.parent)
    assert corpus.utterances["corpus"].unique().to_list() == ["théirs"]
    for name in (" ", "a/b", "..", "a\\nb"):
        card.write_text(f'name = "{name}"\n{CARD}', encoding="utf-8")
        with pytest.raises(CardError, match=r"'name': found .*; expected a name that a file could have"):
            load_card(str(card))


def test_a_card_without_axes_says_what_one_needs(card: Path) -> None:
    card.write_text(CARD[: CARD.index("[axes.accent]")], encoding="utf-8")
    wanted = r"key 'axes' is missing; expected at least one table \[axes\.NAME\] with column and assigned_by$"
    with pytest.raises(CardError, match=wanted):
        load_card(str(card))


def test_unknown_card_lists_the_shipped_ones() -> None:
    with pytest.raises(CardError, match=r"audiomnist, .*demo, .*timit"):
        load_card("timid")


def test_shipped_cards_are_complete() -> None:
    for name in ("common-voice", "demo", "fsdd", "timit"):
        card = load_card(name)
        assert card.licence
        assert card.obtain
        assert card.axes
        assert len(card.digest) == 16


def test_byte_order_mark_and_windows_line_ends(card: Path) -> None:
    expected = load_corpus(str(card), card.parent).utterances
    (card.parent / "people.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode())
    assert load_corpus(str(card), card.parent).utterances.equals(expected)


COLUMNS = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale segment"
)
COMMON_VOICE = COLUMNS.replace(" ", "\t") + (
    '\naa\tcommon_voice_en_1.mp3\t1\t"Quoted" she said.\t\t2\t0\ttwenties\tmale_masculine'
    "\tUnited States English\t\ten\t\n"
    "bb\tcommon_voice_en_2.mp3\t2\tA plain one.\t\t2\t0\t\t\t\t\ten\t\n"
    "cc\tcommon_voice_en_3.mp3\t3\tAnother.\t\t2\t1\tfourties\tfemale_feminine"
    "\tScottish English,Glaswegian\t\ten\t\n"
)


def test_common_voice_in_the_publishers_layout(tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text(COMMON_VOICE, encoding="utf-8")
    corpus = load_corpus("common-voice", tmp_path)
    table = corpus.utterances
    assert table["utterance_id"][0] == "common_voice_en_1"
    assert table["audio"][0] == "clips/common_voice_en_1.mp3"
    assert table["reference"][0] == '"Quoted" she said.'
    assert table["accent"].to_list() == ["US", None, "Glaswegian + Scotland"]
    assert table["gender"].to_list() == ["male", None, "female"]
    assert table["age"].to_list() == ["twenties", None, "forties"]
    assert corpus.unmapped["accent"] == {"Glaswegian + Scotland": 1}


def test_common_voice_old_accent_column_and_split(tmp_path: Path) -> None:
    old = COMMON_VOICE.replace("\taccents\t", "\taccent\t").replace("United States English", "us")
    (tmp_path / "validated.tsv").write_text(old, encoding="utf-8")
    assert load_corpus("common-voice", tmp_path, split="validated").utterances["accent"][0] == "US"
    with pytest.raises(InputError, match=r"looked for test\.tsv; found validated\.tsv"):
        load_corpus("common-voice", tmp_path)


def test_fsdd_names(tmp_path: Path) -> None:
    for name in ("recordings/7_jackson_0.wav", "recordings/0_george_12.wav", "recordings/note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    table = load_corpus("fsdd", tmp_path).utterances
    assert table["reference"].to_list() == ["zero", "seven"]
    assert table["accent"].to_list() == ["Greek", "US"]
    with pytest.raises(InputError, match="expected none, this corpus has no splits"):
        load_corpus("fsdd", tmp_path, split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="looked for files like"):
        load_corpus("fsdd", tmp_path / "empty")
