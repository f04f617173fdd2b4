"""TIMIT in the LDC's tree and in NLTK's sample."""

from pathlib import Path

import pytest

from asrfair.corpus import load_corpus
from asrfair.errors import InputError

SPEAKERS = """; comment
;ID  Sex DR Use  RecDate   BirthDate  Ht    Race Edu  Comments
CJF0  F  1  TRN  03/03/86  12/26/57  5'5"   WHT  BS   A COMMENT WITH WORDS
BMA1  M  6  TST  04/02/86  08/16/54  6'02"  ???  ??
KLS0  M  2  TRN  04/02/86  ??/??/??  6'02"  BLK  PHD
"""
SENTENCES = {("1", "F", "CJF0"): ("SA1", "SI648"), ("6", "M", "BMA1"): ("SX126",), ("2", "M", "KLS0"): ("SA2",)}


def write_tree(root: Path, *, upper: bool, flat: bool) -> Path:
    case = str.upper if upper else str.lower
    table = root / case("spkrinfo.txt") if flat else root / case("doc") / case("spkrinfo.txt")
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(SPEAKERS, encoding="latin-1")
    for (region, sex, initials), sentences in SENTENCES.items():
        speaker = f"{sex}{initials}"
        folder = f"dr{region}-{speaker}" if flat else f"train/dr{region}/{speaker}"
        for sentence in sentences:
            path = root / case(folder) / case(f"{sentence}.wav")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            text = f"0 1000 Sentence {sentence} it is."
            path.with_suffix(case(".txt")).write_text(text + "\n", encoding="ascii")
    return root


@pytest.mark.parametrize(("upper", "flat"), [(True, False), (False, False), (False, True)])
def test_every_tree_gives_the_same_table(tmp_path: Path, upper: bool, flat: bool) -> None:
    table = load_corpus("timit", write_tree(tmp_path, upper=upper, flat=flat)).utterances
    assert table["utterance_id"].to_list() == ["fcjf0-sa1", "fcjf0-si648", "mbma1-sx126", "mkls0-sa2"]
    assert table["speaker_id"].to_list() == ["fcjf0", "fcjf0", "mbma1", "mkls0"]
    assert table["reference"][0] == "Sentence SA1 it is."
    assert table["dialect"].to_list() == ["New England", "New England", "New York City", "Northern"]
    assert table["gender"].to_list() == ["female", "female", "male", "male"]
    assert table["race"].to_list() == ["White", "White", None, "Black"]
    assert table["education"].to_list() == ["Bachelor's degree", "Bachelor's degree", None, "Doctorate"]
    # 3 March 1986 is before the 29th birthday; 2 April 1986 before the 32nd; one birth date is unknown.
    assert table["age"].to_list() == ["under 30", "under 30", "30-39", None]


@pytest.mark.parametrize(("born", "band"), [("04/02/56", "30-39"), ("04/03/56", "under 30")])
def test_age_changes_on_the_birthday(tmp_path: Path, born: str, band: str) -> None:
    root = write_tree(tmp_path, upper=False, flat=True)
    (root / "spkrinfo.txt").write_text(SPEAKERS.replace("08/16/54", born), encoding="latin-1")
    table = load_corpus("timit", root).utterances
    assert table.filter(speaker_id="mbma1")["age"].to_list() == [band]


def test_splits_follow_the_speaker_table(tmp_path: Path) -> None:
    root = write_tree(tmp_path, upper=True, flat=False)
    assert load_corpus("timit", root, split="test").utterances["speaker_id"].to_list() == ["mbma1"]
    with pytest.raises(InputError, match="expected train or test"):
        load_corpus("timit", root, split="dev")


def test_wrong_roots(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"looked for SPKRINFO\.TXT"):
        load_corpus("timit", tmp_path)
    (tmp_path / "SPKRINFO.TXT").write_text(SPEAKERS, encoding="latin-1")
    with pytest.raises(InputError, match="looked for sentences like"):
        load_corpus("timit", tmp_path)


def test_speaker_missing_from_the_table(tmp_path: Path) -> None:
    root = write_tree(tmp_path, upper=False, flat=True)
    table = root / "spkrinfo.txt"
    table.write_text(SPEAKERS.replace("BMA1", "BMA2"), encoding="latin-1")
    with pytest.raises(InputError, match="expected its speaker BMA1"):
        load_corpus("timit", root)


def test_broken_speaker_table_names_the_line(tmp_path: Path) -> None:
    root = write_tree(tmp_path, upper=False, flat=True)
    (root / "spkrinfo.txt").write_text(SPEAKERS + "XYZ0 M 1\n", encoding="latin-1")
    with pytest.raises(InputError, match="line 6: found 3 fields; expected 9"):
        load_corpus("timit", root)


def test_shared_sample(shared_data: Path) -> None:
    table = load_corpus("timit", shared_data / "timit_nltk_sample").utterances
    assert len(table) == 160
    assert table["speaker_id"].n_unique() == 16
    assert table["dialect"].value_counts()["count"].to_list() == [20] * 8
    assert table["reference"].null_count() == 0


def test_shared_fsdd(shared_data: Path) -> None:
    table = load_corpus("fsdd", shared_data / "fsdd").utterances
    assert len(table) == 300
    assert dict(table["accent"].value_counts().iter_rows()) == {
        "US": 100,
        "German": 100,
        "Greek": 50,
        "French": 50,
    }
