"""A run reads its audio where it lies, and each utterance once."""

import gzip
import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import asrfair
from asrfair.corpus import load_corpus
from asrfair.run import materials
from asrfair.run.identity import _sizes
from asrfair.run.plan import CorpusPlan, Plan

CONDITIONS = ("clean", "white-noise-10db", "telephone")


def run(corpus: Path, recogniser: str, out: Path) -> asrfair.Results:
    return asrfair.evaluate(
        Plan(
            corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
            out=str(out),
            backends={"heard": {"type": "command", "argument": recogniser}},
            conditions=CONDITIONS,
            workers=1,
        )
    )


def tarred(corpus: Path) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for path in sorted((corpus / "audio").iterdir()):
            archive.add(path, path.name)
    return whole.getvalue()


def zipped(corpus: Path) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((corpus / "audio").iterdir()):
            archive.write(path, path.name)
    return whole.getvalue()


def parquet(corpus: Path) -> bytes:
    whole = io.BytesIO()
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in sorted((corpus / "audio").iterdir())]
    pl.DataFrame({"audio": rows}).write_parquet(whole)
    return whole.getvalue()


def test_each_utterance_is_read_once_for_all_conditions(
    corpus: Path, recogniser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()
    once = materials.read_audio
    monkeypatch.setattr(materials, "read_audio", lambda path, **k: (read.update([str(path)]), once(path, **k))[1])
    assert len(run(corpus, recogniser, tmp_path / "run").failures) == 0
    assert len(read) == 20
    assert set(read.values()) == {1}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.tar", tarred),
        ("a.tar.gz", lambda corpus: gzip.compress(tarred(corpus))),
        ("a.zip", zipped),
        ("a.parquet", parquet),
    ],
)
def test_a_packed_corpus_gives_what_its_files_give(
    corpus: Path, recogniser: str, tmp_path: Path, name: str, pack: Callable[[Path], bytes]
) -> None:
    wanted = run(corpus, recogniser, tmp_path / "files")
    (corpus / name).write_bytes(pack(corpus))
    for path in (corpus / "audio").iterdir():
        path.unlink()
    table = pl.read_csv(corpus / "people.csv", infer_schema=False)
    place = pl.int_range(pl.len()).cast(pl.String) if name == "a.parquet" else pl.col("audio").str.replace("audio/", "")
    table.with_columns(audio=pl.concat_str(pl.lit(f"{name}::"), place)).write_csv(corpus / "people.csv")
    found = run(corpus, recogniser, tmp_path / "packed")
    assert found.hypotheses.equals(wanted.hypotheses)
    assert found.measurements.equals(wanted.measurements)
    # A run goes on only with the same audio.
    card = str(corpus / "small.toml")
    before = _sizes(load_corpus(card, corpus))
    (corpus / name).write_bytes(b"")
    assert _sizes(load_corpus(card, corpus)) != before
