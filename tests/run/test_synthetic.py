"""Synthetic utterances among recordings: out of every count, or over everything."""

import json
from pathlib import Path

import polars as pl
import pytest

from asrfair.cli import main
from asrfair.corpus import load_corpus
from asrfair.errors import CardError, InputError
from asrfair.results import Results
from asrfair.run.synthetic import without_synthetic

WRONG = "found synthetic = 'maybe'; expected true, false or a blank"


@pytest.fixture
def mixed(corpus: Path) -> Path:
    """The corpus of 20, of which s8 and s9 are synthetic voices: four utterances."""
    card = corpus / "small.toml"
    text = card.read_text(encoding="utf-8")
    card.write_text(
        text.replace('licence = "made by the tests"', 'licence = "tests"\nsynthetic = "synthetic"'), "utf-8"
    )
    rows = pl.read_csv(corpus / "people.csv", infer_schema=False)
    made = pl.when(pl.col("speaker_id").is_in(["s8", "s9"])).then(pl.lit("True")).otherwise(pl.lit(""))
    rows.with_columns(synthetic=made).write_csv(corpus / "people.csv")
    return corpus


def run(mixed: Path, recogniser: str, out: Path, *more: str) -> tuple[int, Results]:
    arguments = ["run", "--corpus", f"{mixed / 'small.toml'}={mixed}", "--backend", f"command={recogniser}"]
    code = main([*arguments, "--by", "accent", "--workers", "1", "--out", str(out), *more])
    return code, Results.load(out)


def test_left_out_of_every_table_with_a_note(
    mixed: Path, recogniser: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, results = run(mixed, recogniser, tmp_path / "run")
    assert code == 0
    for table in (results.utterances, results.counts, results.hypotheses):
        assert table["utterance_id"].n_unique() == 16
    assert "s8" not in results.utterances["speaker_id"]
    assert results.signature["corpus"]["kind"] == "scripted"
    assert results.signature["corpus"]["utterances"] == 16
    text = capsys.readouterr().out
    assert "says nothing about people" not in text
    assert "4 of 20 utterances are synthetic, and left out of everything" in " ".join(text.split())


def test_included_the_whole_report_is_about_synthetic_voices(
    mixed: Path, recogniser: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, results = run(mixed, recogniser, tmp_path / "run", "--include-synthetic")
    assert results.counts["utterance_id"].n_unique() == 20
    assert results.signature["corpus"]["kind"] == "synthetic"
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("says nothing about people") == 2
    assert "4 of 20 utterances are synthetic, and counted as asked" in text
    # Another set of utterances is another run.
    arguments = ["run", "--corpus", f"{mixed / 'small.toml'}={mixed}", "--backend", f"command={recogniser}"]
    assert main([*arguments, "--by", "accent", "--out", str(tmp_path / "run")]) == 2


def test_coverage_counts_recordings(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{mixed / 'small.toml'}={mixed}"
    assert main(["coverage", target, "--by", "accent"]) == 0
    assert "8 speakers, 16 utterances" in capsys.readouterr().out
    assert main(["coverage", target, "--by", "accent", "--include-synthetic"]) == 0
    text = capsys.readouterr().out
    assert "10 speakers, 20 utterances" in text
    assert "says nothing about people" in text


def test_validate_says_what_a_run_leaves_out(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", f"{mixed / 'small.toml'}={mixed}", "--json", "-"])
    data = json.loads(capsys.readouterr().out)
    assert (data["synthetic"], data["synthetic_utterances"], data["utterances"]) == (False, 4, 20)
    assert "4 utterances are synthetic: counted here, and left out of a run" in data["notes"]


@pytest.mark.parametrize("command", ["validate", "coverage"])
def test_the_notice_is_not_said_again_as_a_caveat(
    mixed: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = mixed / "small.toml"
    caveat = 'caveats = ["synthetic voices: this demonstrates the tool and says nothing about people", "another"]'
    text = card.read_text(encoding="utf-8").replace('"scripted"', f'"synthetic"\n{caveat}')
    card.write_text(text, encoding="utf-8")
    main([command, f"{card}={mixed}"])
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("says nothing about people") == 1
    assert "Note: another" in text
    assert "utterances are synthetic" not in text


def test_a_synthetic_corpus_stays_whole(mixed: Path) -> None:
    card = mixed / "small.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('"scripted"', '"synthetic"'), encoding="utf-8")
    corpus = load_corpus(str(card), mixed)
    assert without_synthetic(corpus, include=False) is corpus


def test_nothing_but_synthetic_voices(mixed: Path) -> None:
    rows = pl.read_csv(mixed / "people.csv", infer_schema=False)
    rows.with_columns(synthetic=pl.lit("yes")).write_csv(mixed / "people.csv")
    corpus = load_corpus(str(mixed / "small.toml"), mixed)
    with pytest.raises(InputError, match="all of them synthetic; expected recordings"):
        without_synthetic(corpus, include=False)


def test_neither_true_nor_false(mixed: Path) -> None:
    rows = pl.read_csv(mixed / "people.csv", infer_schema=False)
    rows.with_columns(synthetic=pl.lit("maybe")).write_csv(mixed / "people.csv")
    with pytest.raises(InputError, match=WRONG):
        load_corpus(str(mixed / "small.toml"), mixed)
    rows.drop("synthetic").write_csv(mixed / "people.csv")
    with pytest.raises(InputError, match="synthetic: found no column 'synthetic'"):
        load_corpus(str(mixed / "small.toml"), mixed)


def test_a_card_without_the_key_has_no_synthetic_utterance(corpus: Path) -> None:
    loaded = load_corpus(str(corpus / "small.toml"), corpus)
    assert loaded.synthetic.is_empty()
    assert without_synthetic(loaded, include=True) is loaded


def test_the_key_is_text(mixed: Path) -> None:
    card = mixed / "small.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('synthetic = "synthetic"', "synthetic = true"), "utf-8")
    with pytest.raises(CardError, match="'synthetic': found a boolean True; expected text"):
        load_corpus(str(card), mixed)
