"""What notes tell of a run: blank references, and axes that are left out."""

from pathlib import Path

import polars as pl
import pytest

from asrfair.cli import main
from asrfair.results import Results

BLANK = "blank references, or without words once normalised: 2 utterances, 3 insertions among the errors"
IMPUTED = "age: labels are imputed, and left out of a run (--allow-imputed age)"


def replay(corpus: Path, out: Path, *more: str) -> list[str]:
    """Run the corpus with stored answers, each of its references; return the notes."""
    rows = pl.read_csv(corpus / "people.csv", infer_schema=False)
    (corpus / "stored.csv").write_text(rows.select("utterance_id", hypothesis="reference").write_csv(), "utf-8")
    blank = pl.when(pl.col("utterance_id") == "u00").then(pl.lit(" "))
    blank = blank.when(pl.col("utterance_id") == "u01").then(pl.lit("...")).otherwise("reference")
    rows.with_columns(reference=blank).write_csv(corpus / "people.csv")
    hypotheses = pl.read_csv(corpus / "stored.csv", infer_schema=False).with_columns(
        hypothesis=pl.when(pl.col("utterance_id") == "u00").then(pl.lit("one two three")).otherwise("hypothesis")
    )
    hypotheses = hypotheses.with_columns(
        hypothesis=pl.when(pl.col("utterance_id") == "u01").then(pl.lit("")).otherwise("hypothesis")
    )
    hypotheses.write_csv(corpus / "stored.csv")
    target = f"{corpus / 'small.toml'}={corpus}"
    main(["run", "--corpus", target, "--backend", f"replay={corpus / 'stored.csv'}", "--out", str(out), *more])
    return list(Results.load(out).signature["notes"])


def test_a_blank_reference_is_scored_and_said(corpus: Path, tmp_path: Path) -> None:
    notes = replay(corpus, tmp_path / "run")
    assert BLANK in notes
    failures = Results.load(tmp_path / "run").failures
    assert failures.is_empty()


def test_an_imputed_axis_is_left_out_and_said(corpus: Path, tmp_path: Path) -> None:
    assert IMPUTED in replay(corpus, tmp_path / "run")
    allowed = replay(corpus, tmp_path / "allowed", "--allow-imputed", "age")
    assert not [note for note in allowed if "imputed" in note]
    chosen = replay(corpus, tmp_path / "chosen", "--by", "accent")
    assert not [note for note in chosen if "imputed" in note]


@pytest.mark.parametrize("command", ["validate", "coverage"])
def test_what_a_run_leaves_out_is_said_before_it(
    corpus: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([command, f"{corpus / 'small.toml'}={corpus}"])
    assert IMPUTED in " ".join(capsys.readouterr().out.split())


def test_scoring_a_table_says_so_too(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        "utterance_id,speaker,accent,reference,hypothesis\n"
        "a,s1,us,one two,one two\nb,s2,us,,one two\nc,s3,us,...,one\nd,s4,uk,one,one\n",
        encoding="utf-8",
    )
    main(["score", str(table), "--speaker", "speaker", "--by", "accent", "--out", str(tmp_path / "run")])
    assert BLANK in Results.load(tmp_path / "run").signature["notes"]
