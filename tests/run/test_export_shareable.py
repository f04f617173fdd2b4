"""Shareable exports: no name, path or transcript of the corpus in any byte, and no labels that few speakers share."""

import gzip
import io
import json
import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from asrfair.audio import read_audio
from asrfair.cli import main
from asrfair.corpus import Axis, Corpus, CorpusCard, Covariate, load_corpus
from asrfair.errors import InputError, RunFolderError
from asrfair.run.export import FORMATS, export_corpus
from asrfair.run.export_shareable import LEVEL, Sharing, shareable
from asrfair.run.synthetic import flagged
from asrfair.tables import UTTERANCES, conform

CARD = """
title = "Ours"
kind = "read"
language = "en"
licence = "CC0"
[layout]
type = "table"
file = "utterances.csv"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
levels = { uspeople = "US", scots = "Scottish" }
reference_group = "Scottish"
[axes.gender]
column = "gender"
assigned_by = "self-reported"
[covariates.age]
column = "age"
unit = "years"
[covariates.snr]
column = "snr"
unit = "dB"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Nine speakers of two utterances: six American, one of them of an unmapped accent's company of three."""
    folder = tmp_path / "corpus"
    (folder / "Zebedee").mkdir(parents=True)
    (folder / "ours.toml").write_text(CARD, encoding="utf-8")
    rows = ["utterance_id,speaker_id,audio,reference,accent,gender,age,snr"]
    for number in range(18):
        speaker = number % 9
        accent = "uspeople" if speaker < 6 else "scots" if speaker < 8 else "rarissimo"
        name = f"Zebedee/clip-{number:03}.flac"
        random_numbers = np.random.default_rng(number).normal(size=4000 + number) * 0.1
        with soundfile.SoundFile(folder / name, "w", 8000, 1, "PCM_16") as file:
            file.title, file.artist, file.comment = f"Clipname {number}", f"Florence-{speaker}", "said in Camberwick"
            file.write(random_numbers)
        text = f"my name is Dougal number {number}"
        rows.append(
            f"Uttr-{number:03},Florence-{speaker},{name},{text},{accent},{'fm'[speaker % 2]},{41 + speaker},{number}"
        )
    (folder / "utterances.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


SECRETS = ("Zebedee", "clip-", "Clipname", "Florence", "Uttr-", "Camberwick", "rarissimo", "scots", "Scottish")
SPOKEN = ("Dougal",)


def export(root: Path, out: Path, target: str, *, audio: bool, relative: bool = False, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    export_corpus(
        str(root / "ours.toml"),
        root,
        target=target,
        out=out,
        split="",
        audio=audio,
        relative=relative,
        console=console,
        sharing=Sharing(**options),
    )
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def everything(folder: Path) -> bytes:
    """All that a folder says: names, bytes, what is compressed, and every value of its tables."""
    found = [str(folder.relative_to(folder.parent)).encode()]
    for path in sorted(folder.rglob("*")):
        found += [str(path.relative_to(folder)).encode()]
        if path.is_file():
            data = path.read_bytes()
            found += [data, gzip.decompress(data) if path.suffix == ".gz" else b""]
            if path.suffix == ".parquet":
                table = pl.read_parquet(path)
                texts = table.drop("audio").write_csv()
                sounds = [sound["bytes"] + sound["path"].encode() for sound in table["audio"] if sound is not None]
                found += [texts.encode(), *sounds, str(pl.read_parquet_metadata(path)).encode()]
    return b"\n".join(found)


@pytest.mark.parametrize("transcripts", [True, False])
@pytest.mark.parametrize("audio", [True, False])
@pytest.mark.parametrize("target", FORMATS)
def test_no_name_path_or_transcript_in_any_byte(
    root: Path, tmp_path: Path, target: str, audio: bool, transcripts: bool
) -> None:
    out = tmp_path / "shared"
    if (target != "parquet" and not audio) or (target == "kaldi" and not transcripts):
        with pytest.raises(InputError, match=r"expected --audio|expected --transcripts"):
            export(root, out, target, audio=audio, transcripts=transcripts)
        assert not out.exists()
        return
    export(root, out, target, audio=audio, transcripts=transcripts)
    data = everything(out)
    for text in (*SECRETS, *(() if transcripts else SPOKEN), str(root), str(tmp_path), root.name + "/"):
        assert text.encode() not in data, text
    assert all(text.encode() in data for text in SPOKEN) == transcripts


@pytest.mark.parametrize("target", FORMATS)
def test_it_loads_again_with_the_same_sounds(root: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "shared"
    export(root, out, target, audio=True, transcripts=True)
    before, after = load_corpus(str(root / "ours.toml"), root), load_corpus(str(out / "card.toml"), out)
    assert after.utterances["speaker_id"].n_unique() == 9
    by_text = {row["reference"]: row for row in after.utterances.iter_rows(named=True)}
    speakers = set()
    for row in before.utterances.iter_rows(named=True):
        new = by_text[row["reference"]]
        speakers.add((row["speaker_id"], new["speaker_id"]))
        assert np.array_equal(
            read_audio(root / row["audio"], sample_rate=None).samples,
            read_audio(out / new["audio"], sample_rate=None).samples,
        )
    assert len(speakers) == 9
    assert not any(after.unmapped.values())


def test_labels_that_enough_speakers_have_stay(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "shared", "parquet", audio=False, least_speakers=3)
    rows = pl.read_parquet(tmp_path / "shared" / "utterances.parquet")
    counts = rows.group_by("accent").agg(pl.col("speaker_id").n_unique()).sort("accent")
    assert counts.rows() == [("US", 6), ("withheld", 3)]
    facts = json.loads((tmp_path / "shared" / "provenance.json").read_text("utf-8"))
    assert facts["shareable"]["withheld"]["accent"] == {"speakers": 3, "utterances": 6}
    assert facts["unmapped"]["accent"] == {"withheld": 2}
    assert facts["labels"]["accent"]["levels"] == {"uspeople": "US"}
    readme = (tmp_path / "shared" / "README.txt").read_text("utf-8")
    assert "accent: withheld of 3 speakers, 6 of 18 utterances." in readme
    assert "fewer than 3 speakers have are withheld" in readme
    card = (tmp_path / "shared" / "card.toml").read_text("utf-8")
    assert "fewer than 3 speakers" in card
    assert "reference_group" not in card


def test_what_is_about_the_person_stays_behind(root: Path, tmp_path: Path) -> None:
    said = export(root, tmp_path / "shared", "parquet", audio=False)
    columns = pl.read_parquet(tmp_path / "shared" / "utterances.parquet")
    assert "age" not in columns.columns
    assert columns["snr"].null_count() == 0
    assert columns["audio"].null_count() == columns["reference"].null_count() == 18
    assert "Left out, as they may be about the person: age." in said
    assert "Kept, as they change within most speakers: snr." in said
    assert "A VOICE" not in said


def test_a_voice_is_warned_of_once(root: Path, tmp_path: Path) -> None:
    assert export(root, tmp_path / "shared", "nemo", audio=True).count("A VOICE IDENTIFIES A PERSON") == 1
    lines = [json.loads(line) for line in (tmp_path / "shared" / "manifest.json").read_text("utf-8").splitlines()]
    assert all("text" not in line for line in lines)


def test_two_shares_have_different_names_and_no_folder_is_used_twice(root: Path, tmp_path: Path) -> None:
    shares = []
    for name in ("one", "two"):
        export(root, tmp_path / name, "parquet", audio=False, transcripts=True)
        rows = pl.read_parquet(tmp_path / name / "utterances.parquet")
        shares.append(dict(rows.select("reference", "utterance_id").iter_rows()))
        assert sorted(shares[-1].values()) == [f"utterance-{number:05}" for number in range(1, 19)]
        # As Kaldi sorts: by utterance is by speaker.
        assert rows.sort("utterance_id")["speaker_id"].is_sorted()
    assert shares[0] != shares[1]
    with pytest.raises(RunFolderError, match="holds another export"):
        export(root, tmp_path / "one", "parquet", audio=False, transcripts=True)


def test_speakers_who_are_too_few_or_cannot_be_counted(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found 9 speakers in Ours; expected 10 speakers or more"):
        export(root, tmp_path / "shared", "parquet", audio=False, least_speakers=10)
    text = (root / "utterances.csv").read_text("utf-8")
    for number in range(9):
        text = text.replace(f",Florence-{number},", ",,")
    (root / "utterances.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="found no speaker ids in Ours"):
        export(root, tmp_path / "shared", "parquet", audio=False)
    assert not (tmp_path / "shared").exists()


def test_the_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["export", f"{root / 'ours.toml'}={root}", "--to", "parquet", "--out", str(tmp_path / "shared")]
    for options, message in (
        (["--least-speakers", "3"], "--least-speakers: found no --shareable"),
        (["--transcripts"], "--transcripts: found no --shareable"),
        (["--shareable", "--least-speakers", "1"], "--least-speakers 1: expected 2 or more"),
        (["--shareable", "--relative"], "--relative: found --shareable"),
    ):
        assert main([*start, *options]) == 2
        assert message in capsys.readouterr().err
    assert main([*start, "--shareable", "--least-speakers", "3"]) == 0
    assert "18 utterances, 9 speakers, as Parquet" in " ".join(capsys.readouterr().out.split())


LABELS = st.sampled_from(["a", "b", "c", None])
ROWS = st.lists(
    st.tuples(st.integers(0, 12) | st.none(), LABELS, LABELS, LABELS, st.sampled_from(["en", "cy"]), st.booleans()),
    min_size=1,
    max_size=60,
)
AXES = ("x", "y", "z")


def made(rows: list[tuple[Any, ...]], **facts: Any) -> Corpus:
    names = ("speaker_id", *AXES, "language", "made")
    table = pl.DataFrame(
        {name: [row[at] for row in rows] for at, name in enumerate(names)},
        {"speaker_id": pl.Int64, **dict.fromkeys(AXES, pl.String), "language": pl.String, "made": pl.Boolean},
    )
    table = table.with_columns(utterance_id=pl.format("u{}", pl.int_range(pl.len())), corpus=pl.lit("c"))
    axes = {name: Axis(column=name, assigned_by="by design") for name in AXES}
    card = CorpusCard("T", "read", "en", "CC0", {}, axes, synthetic="made", **facts)
    ids = table["utterance_id"].filter(table["made"])
    return Corpus(card, Path(), conform(table, UTTERANCES, axes=AXES), {}, (), ids)


@given(rows=ROWS, least=st.integers(2, 4), seed=st.integers(0, 3))
def test_no_combination_of_axes_with_fewer_than_k_speakers(rows: list[tuple[Any, ...]], least: int, seed: int) -> None:
    """Also over rows in which a speaker's labels vary; recordings and synthetic voices are counted apart."""
    corpus, flag = flagged(made(rows))
    people = {row[0] for row in rows if row[0] is not None and not row[-1]}
    if len(people) < least and not all(row[-1] for row in rows):
        with pytest.raises(InputError, match="can be handed on"):
            shareable(corpus, Sharing(least), flag=flag, audio=False, random=random.Random(seed))
        return
    shared = shareable(corpus, Sharing(least), flag=flag, audio=False, random=random.Random(seed)).corpus.utterances
    assert len(shared) == len(rows)
    told = [*(axis for axis in AXES if corpus.utterances[axis].null_count() < len(rows))]
    told += ["language"] if corpus.utterances["language"].n_unique() > 1 else []
    hidden = {name: "und" if name == "language" else LEVEL for name in told}
    for number in range(1, len(told) + 1):
        for chosen in combinations(told, number):
            for key, part in shared.group_by([flag, *chosen]):
                speakers = part["speaker_id"].drop_nulls().n_unique()
                nothing = all(value == hidden[name] for name, value in zip(chosen, key[1:], strict=True))
                assert speakers >= least or nothing, (key, part)
    # Who is linked by a name is not told apart by the rows together, either.
    if told:
        profiles = shared.drop_nulls("speaker_id").group_by(flag, "speaker_id").agg(pl.struct(told).unique().sort())
        for row in profiles.group_by(flag, told[0]).len().iter_rows(named=True):
            everything_hidden = row[told[0]] == [hidden]
            assert row["len"] >= least or everything_hidden
    unknown = shared.filter(pl.col("speaker_id").is_null())
    assert all(set(unknown[name]) <= {hidden[name]} for name in told)


def test_synthetic_voices_do_not_make_company_for_people() -> None:
    people = [(number, "a" if number < 3 else "b", None, None, "en", False) for number in range(8)]
    voices = [(number, "a", None, None, "en", True) for number in range(20, 30)]
    corpus, flag = flagged(made(people + voices))
    shared = shareable(corpus, Sharing(4), flag=flag, audio=False, random=random.Random(0)).corpus
    rows = shared.utterances
    assert set(rows.filter(pl.col(flag))["x"]) == {"a"}
    assert "a" not in set(rows.filter(~pl.col(flag))["x"])
    assert len(shared.synthetic) == 10


def test_ten_thousand_accents() -> None:
    rows = [
        (number, f"accent {number}" if number % 2 else "common", "a", None, "en", False) for number in range(20_000)
    ]
    corpus, flag = flagged(made(rows))
    shared = shareable(corpus, Sharing(), flag=flag, audio=False)
    assert dict(shared.corpus.utterances["x"].value_counts().iter_rows()) == {"common": 10_000, LEVEL: 10_000}
    assert set(shared.corpus.utterances["y"]) == {"a"}


def test_a_covariate_that_seldom_changes_is_taken_for_the_persons() -> None:
    rows = [(number % 10, "a", None, None, "en", False) for number in range(30)]
    corpus = made(rows, covariates={"age": Covariate("age", "years"), "rate": Covariate("rate", "words/min")})
    ages = [20.0 + number % 10 + (number == 29) for number in range(30)]
    table = corpus.utterances.with_columns(
        age=pl.Series(ages), rate=pl.Series([100.0 + number for number in range(30)])
    )
    corpus, flag = flagged(Corpus(corpus.card, Path(), table, {}, ()))
    shared = shareable(corpus, Sharing(), flag=flag, audio=False)
    assert shared.facts["covariates_left_out"] == ["age"]
    assert list(shared.corpus.card.covariates) == ["rate"]


def test_a_rare_label_of_one_utterance_costs_the_speaker_no_other() -> None:
    rows = [(number, label, None, None, "en", False) for number in range(4) for label in ("a", f"rare {number // 2}")]
    corpus, flag = flagged(made(rows))
    shared = shareable(corpus, Sharing(4), flag=flag, audio=False)
    assert sorted(shared.corpus.utterances["x"]) == ["a"] * 4 + [LEVEL] * 4
    assert shared.facts["withheld"]["x"] == {"speakers": 4, "utterances": 4}


def test_speakers_with_several_labels_are_told_by_all_of_them() -> None:
    pairs = ["ab", "ab", "ac", "bc", *"aaabbbccc"]
    rows = [(number, label, None, None, "en", False) for number, pair in enumerate(pairs) for label in pair]
    corpus, flag = flagged(made(rows))
    rows_left = shareable(corpus, Sharing(2), flag=flag, audio=False, random=random.Random(0)).corpus.utterances
    kept = rows_left.group_by("speaker_id").agg(pl.col("x").unique().sort())["x"].value_counts()
    assert {tuple(labels): count for labels, count in kept.iter_rows()} == {
        ("a", "b"): 2,
        (LEVEL,): 2,
        ("a",): 3,
        ("b",): 3,
        ("c",): 3,
    }


def test_the_order_says_nothing() -> None:
    corpus, flag = flagged(made([(number % 5, "a", None, None, "en", False) for number in range(100)]))
    corpus = replace(corpus, utterances=corpus.utterances.with_columns(reference=pl.col("utterance_id")))
    sharing = Sharing(transcripts=True)
    rows = shareable(corpus, sharing, flag=flag, audio=False, random=random.Random(0)).corpus.utterances
    numbers = rows["reference"].str.strip_prefix("u").cast(pl.Int64)
    assert rows["utterance_id"].is_sorted()
    # Within every speaker about half of the neighbours are in the order that they had.
    kept = (numbers.diff().drop_nulls() > 0).sum()
    assert 30 < kept < 70
    first = rows.group_by("speaker_id").agg(pl.col("reference").str.strip_prefix("u").cast(pl.Int64).first() % 5)
    assert not first.sort("speaker_id")["reference"].is_sorted()


def test_a_table_alone_loads_from_its_own_folder(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "shared", "parquet", audio=False)
    after = load_corpus(str(tmp_path / "shared" / "card.toml"), tmp_path / "shared")
    assert len(after.utterances) == 18
    readme = (tmp_path / "shared" / "README.txt").read_text("utf-8")
    assert "this folder" in readme
    assert str(tmp_path) not in readme
