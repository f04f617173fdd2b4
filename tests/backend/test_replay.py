"""Hypotheses from a table: every form of table, every way for one to be missing."""

from pathlib import Path

import polars as pl
import pytest

from asrfair.backend.base import Outcome, Request
from asrfair.backend.replay import ReplayBackend
from asrfair.errors import InputError


def request(utterance_id: str, condition: str = "clean") -> Request:
    return Request(utterance_id=utterance_id, condition=condition, language="en", sample_rate=16_000)


def answer(backend: ReplayBackend, utterance_id: str, condition: str = "clean") -> Outcome:
    return backend.transcribe([request(utterance_id, condition)])[0]


@pytest.fixture
def rows() -> pl.DataFrame:
    return pl.DataFrame({"utterance_id": ["a", "b", "c"], "hypothesis": ["one two", "", "three"]})


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_form_of_table(tmp_path: Path, rows: pl.DataFrame, ending: str) -> None:
    path = tmp_path / f"table.{ending}"
    {
        "csv": rows.write_csv,
        "tsv": lambda file: rows.write_csv(file, separator="\t"),
        "jsonl": rows.write_ndjson,
        "parquet": rows.write_parquet,
    }[ending](path)
    backend = ReplayBackend(table=str(path))
    outcomes = backend.transcribe([request(name) for name in ("c", "a", "b")])
    assert [outcome.hypothesis for outcome in outcomes] == ["three", "one two", ""]


def test_missing_row_is_a_failure(tmp_path: Path, rows: pl.DataFrame) -> None:
    rows.write_csv(tmp_path / "t.csv")
    outcome = answer(ReplayBackend(table=str(tmp_path / "t.csv")), "z")
    assert outcome.failure == "replay: no row in t.csv for this utterance"


def test_null_is_a_failure_and_blank_is_as_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"utterance_id": "a", "hypothesis": null}\n{"utterance_id": "b", "hypothesis": " "}\n', encoding="utf-8"
    )
    assert answer(ReplayBackend(table=str(path)), "a").failure == "replay: the hypothesis in t.jsonl is missing"
    assert answer(ReplayBackend(table=str(path)), "b").hypothesis == " "
    strict = ReplayBackend(table=str(path), blank="failure")
    assert answer(strict, "b").failure == "replay: the hypothesis in t.jsonl is blank"


def test_null_text_means_missing_in_hypotheses_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("utterance_id,hypothesis\nNA,yes\nb,NA\n", encoding="utf-8")
    assert answer(ReplayBackend(table=str(path)), "b").hypothesis == "NA"
    backend = ReplayBackend(table=str(path), null_text="NA")
    assert answer(backend, "b").failure is not None
    assert answer(backend, "NA").hypothesis == "yes"


def test_all_hypotheses_null(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"utterance_id": "a", "hypothesis": null}\n', encoding="utf-8")
    assert answer(ReplayBackend(table=str(path)), "a").failure is not None


def test_condition_column_tells_conditions_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("utterance_id,condition,hypothesis\na,clean,yes\na,noisy,no\n", encoding="utf-8")
    backend = ReplayBackend(table=str(path))
    assert answer(backend, "a").hypothesis == "yes"
    assert answer(backend, "a", "noisy").hypothesis == "no"
    assert answer(backend, "a", "phone").failure == (
        "replay: no row in t.csv for this utterance under condition 'phone'"
    )


def test_without_condition_column_a_row_serves_all(tmp_path: Path, rows: pl.DataFrame) -> None:
    rows.write_csv(tmp_path / "t.csv")
    assert answer(ReplayBackend(table=str(tmp_path / "t.csv")), "a", "noisy").hypothesis == "one two"


def test_backend_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("utterance_id,backend,hypothesis\na,big,yes\na,small,no\n", encoding="utf-8")
    assert answer(ReplayBackend(table=str(path), backend="small"), "a").hypothesis == "no"
    with pytest.raises(InputError, match=r"several backends and no option 'backend'; expected one of: big, small"):
        ReplayBackend(table=str(path))
    with pytest.raises(InputError, match=r"no rows of backend 'tiny'; expected one of: big, small"):
        ReplayBackend(table=str(path), backend="tiny")


def test_backend_option_needs_the_column(tmp_path: Path, rows: pl.DataFrame) -> None:
    rows.write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match="no column 'backend'"):
        ReplayBackend(table=str(tmp_path / "t.csv"), backend="big")


def test_duplicate_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("utterance_id,condition,hypothesis\na,c,yes\nb,c,x\na,c,yes\n", encoding="utf-8")
    with pytest.raises(InputError, match="found utterance_id 'a', condition 'c' more than once"):
        ReplayBackend(table=str(path))


def test_null_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"utterance_id": ["a", None], "hypothesis": ["x", "y"]}).write_parquet(path)
    with pytest.raises(InputError, match="column 'utterance_id': found 1 empty"):
        ReplayBackend(table=str(path))


def test_numbers_as_ids_are_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"utterance_id": [7], "hypothesis": ["x"]}).write_parquet(path)
    assert answer(ReplayBackend(table=str(path)), "7").hypothesis == "x"


def test_hypotheses_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"utterance_id": ["a"], "hypothesis": [1.5]}).write_parquet(path)
    with pytest.raises(InputError, match="column 'hypothesis': found Float64; expected text"):
        ReplayBackend(table=str(path))


def test_missing_column_and_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("utterance_id,text\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no column 'hypothesis'; expected one of: utterance_id, text"):
        ReplayBackend(table=str(path))
    with pytest.raises(InputError, match="no such file"):
        ReplayBackend(table=str(tmp_path / "none.csv"))


def test_identity_follows_content_and_options(tmp_path: Path, rows: pl.DataFrame) -> None:
    path = tmp_path / "t.csv"
    rows.write_csv(path)
    before = ReplayBackend(table=str(path)).identity()
    assert before == ReplayBackend(table=str(path)).identity()
    assert str(tmp_path) not in str(before)
    assert before != ReplayBackend(table=str(path), blank="failure").identity()
    rows.with_columns(hypothesis=pl.lit("other")).write_csv(path)
    assert before != ReplayBackend(table=str(path)).identity()


def test_needs_no_audio() -> None:
    assert not ReplayBackend.needs_audio
