"""Scoring tables from elsewhere: transcripts or counts, with labels beside them or in a second file."""

from dataclasses import replace
from pathlib import Path

import jiwer
import polars as pl
import pytest

from asrfair.cli import main
from asrfair.errors import InputError, RunFolderError
from asrfair.results import Results
from asrfair.run.analysis import exit_code
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan

TRANSCRIPTS = """path,who,said,heard,accent,gender
a1.wav,s1,The cat sat.,the cat sat,us,f
a2.wav,s2,The dog ran!,the dog can,us,m
a3.wav,s3,A bird sang,a word sang too,scotland,f
a4.wav,s4,Fish swim,,scotland,m
a5.wav,s5,Cows low,NA,scotland,m
a6.wav,s5,Owls hoot,owls hoot,NA,m
"""


@pytest.fixture
def plan(tmp_path: Path) -> ScorePlan:
    path = tmp_path / "transcripts.csv"
    path.write_text(TRANSCRIPTS, encoding="utf-8")
    return ScorePlan(
        tables=(str(path),),
        id="path",
        speaker="who",
        reference="said",
        hypothesis="heard",
        by=("accent", "gender", "accent*gender"),
        null=("NA",),
        reference_groups={"accent": "us"},
        out=str(tmp_path / "run"),
    )


def cell(results: Results, axis: str, group: str | None) -> dict[str, object]:
    rows = results.rates.filter((pl.col("axis") == axis) & pl.col("group").eq_missing(pl.lit(group)))
    return rows.row(0, named=True)


def test_transcripts(plan: ScorePlan) -> None:
    results = score_tables(plan)
    us = cell(results, "accent", "us")
    # ran → can: one error in six words.
    assert (us["reference_words"], us["wer"], us["speakers"]) == (6, 1 / 6, 2)
    scotland = cell(results, "accent", "scotland")
    # bird → word, too inserted, «Fish swim» deleted: four errors in five words; NA is a failure.
    assert (scotland["reference_words"], scotland["wer"], scotland["failures"]) == (5, 4 / 5, 1)
    assert cell(results, "accent", None)["wer"] == 0
    assert cell(results, "accent*gender", "scotland*m")["reference_words"] == 2
    assert results.failures["reason"].to_list() == ["no hypothesis"]
    assert "1 empty hypotheses count as transcripts in which every word is deleted" in results.signature["notes"]
    assert results.signature["axes"]["accent"]["assigned_by"] == "not stated"


def test_blank_as_failure(plan: ScorePlan) -> None:
    results = score_tables(replace(plan, blank="failure"))
    assert cell(results, "accent", "scotland")["failures"] == 2
    assert sorted(results.failures["reason"]) == ["blank hypothesis", "no hypothesis"]
    assert not results.signature["notes"]


def test_the_normalizer_is_the_users(plan: ScorePlan, tmp_path: Path) -> None:
    results = score_tables(replace(plan, normalizer="none"))
    # The, sat. and ran! differ from the, sat and can.
    assert cell(results, "accent", "us")["wer"] == 4 / 6
    assert results.signature["normalizer"] == {"name": "none", "version": "1", "label": "none-1", "spec": "none"}
    with pytest.raises(InputError, match="expected one of: none, basic, whisper-english"):
        score_tables(replace(plan, normalizer="nist"))


def test_labels_in_a_second_table(plan: ScorePlan, tmp_path: Path) -> None:
    whole = pl.read_csv(plan.tables[0])
    whole.select("path", "heard").write_csv(tmp_path / "heard.tsv", separator="\t")
    labels = whole.drop("heard").with_columns(pl.col("path").str.replace("wav", "mp3")).rename({"path": "clip"})
    labels.write_csv(tmp_path / "labels.csv")
    joined = replace(
        plan,
        tables=(f"ours={tmp_path / 'heard.tsv'}",),
        labels=str(tmp_path / "labels.csv"),
        key="path",
        key_label="clip",
        key_stem=True,
        out=str(tmp_path / "joined"),
    )
    results = score_tables(joined)
    same = ["axis", "group", "wer", "low", "high", "failures", "speakers"]
    assert results.rates.select(same).equals(score_tables(plan).rates.select(same))
    assert results.rates["backend"].unique().to_list() == ["ours"]
    with pytest.raises(InputError, match=r"no labels for any row, such as 'a1\.wav'; expected keys like 'a1\.mp3'"):
        score_tables(replace(joined, key_stem=False))


def test_labels_without_transcript_and_the_other_way_round_are_said(plan: ScorePlan, tmp_path: Path) -> None:
    whole = pl.read_csv(plan.tables[0])
    whole.drop("accent", "gender").write_csv(tmp_path / "heard.csv")
    extra = pl.DataFrame({"path": ["zz.wav"], "accent": ["us"], "gender": ["f"]})
    pl.concat([whole.select("path", "accent", "gender")[1:], extra]).write_csv(tmp_path / "labels.csv")
    results = score_tables(replace(plan, tables=(str(tmp_path / "heard.csv"),), labels=str(tmp_path / "labels.csv")))
    notes = " ".join(results.signature["notes"])
    assert "1 transcripts have no row in the labels table and stay unlabelled (first: a1.wav)" in notes
    assert "1 rows of the labels table have no transcript and are not counted (first: zz.wav)" in notes
    assert cell(results, "accent", None)["utterances"] == 2


def test_a_column_in_both_tables_is_the_transcripts_own_and_said(plan: ScorePlan, tmp_path: Path) -> None:
    pl.read_csv(plan.tables[0]).select("path", accent=pl.lit("mars")).write_csv(tmp_path / "labels.csv")
    results = score_tables(replace(plan, labels=str(tmp_path / "labels.csv")))
    assert set(results.utterances["accent"]) == {"us", "scotland", None}
    assert "in both tables, taken from the transcripts: accent" in results.signature["notes"]


def test_counts_instead_of_texts(plan: ScorePlan, tmp_path: Path) -> None:
    table = (
        "path,who,accent,words,s,d,i\na1,s1,us,10,1,0,0\na2,s2,us,10,0,2,1\n"
        "a3,s3,scotland,8,4,4,3\na4,s4,scotland,,,,\n"
    )
    (tmp_path / "counts.csv").write_text(table, encoding="utf-8")
    counted = replace(
        plan,
        tables=(str(tmp_path / "counts.csv"),),
        words="words",
        substitutions="s",
        deletions="d",
        insertions="i",
        by=("accent",),
    )
    results = score_tables(counted)
    assert cell(results, "accent", "us")["wer"] == 4 / 20
    scotland = cell(results, "accent", "scotland")
    assert (scotland["wer"], scotland["failures"]) == (11 / 8, 1)
    assert results.metrics.filter(pl.col("metric") == "character_error_rate")["estimate"].null_count() == len(
        results.metrics.filter(pl.col("metric") == "character_error_rate")
    )
    for bad, message in (
        ("10,1,0,0", "10,9,2,0"),
        ("10,1,0,0", "10,-1,0,0"),
        ("10,1,0,0", "10,one,0,0"),
        ("10,1,0,0", "10,1.5,0,0"),
        ("10,1,0,0", "9223372036854775807,1,0,0"),
    ):
        (tmp_path / "counts.csv").write_text(table.replace(bad, message), encoding="utf-8")
        with pytest.raises(InputError, match="utterance 'a1'"):
            score_tables(replace(counted, out=str(tmp_path / message)))


def test_several_systems_by_file_and_by_column(plan: ScorePlan, tmp_path: Path) -> None:
    whole = pl.read_csv(plan.tables[0], infer_schema=False, empty_string_is_null=False)
    better = whole.with_columns(heard=pl.col("said"))
    better.write_csv(tmp_path / "better.csv")
    both = replace(plan, tables=(f"ours={plan.tables[0]}", f"better={tmp_path / 'better.csv'}"))
    results = score_tables(both)
    assert results.rates["backend"].unique().sort().to_list() == ["better", "ours"]
    assert results.signature["baseline_backend"] == "ours"
    stacked = pl.concat([whole.with_columns(system=pl.lit("ours")), better.with_columns(system=pl.lit("better"))])
    stacked.write_parquet(tmp_path / "both.parquet")
    columns = replace(plan, tables=(str(tmp_path / "both.parquet"),), backend="system", out=str(tmp_path / "two"))
    assert score_tables(columns).counts.equals(results.counts)
    with pytest.raises(InputError, match=r"found 'a1\.wav' more than once"):
        score_tables(replace(columns, backend="", out=str(tmp_path / "three")))


def test_a_transcript_that_only_another_system_has_is_a_failure(plan: ScorePlan, tmp_path: Path) -> None:
    whole = pl.read_csv(plan.tables[0], infer_schema=False, empty_string_is_null=False)
    whole[:2].write_csv(tmp_path / "few.csv")
    results = score_tables(replace(plan, tables=(f"ours={plan.tables[0]}", f"few={tmp_path / 'few.csv'}")))
    few = results.failures.filter(pl.col("backend") == "few")
    assert few["utterance_id"].to_list() == ["a3.wav", "a4.wav", "a5.wav", "a6.wav"]
    assert set(few["reason"]) == {"no transcript"}
    scotland = results.rates.filter((pl.col("group") == "scotland") & (pl.col("backend") == "few"))
    assert scotland.select("wer", "failures").row(0) == (None, 3)
    assert exit_code(results)[0] == 3


def test_conditions_need_not_share_utterances(plan: ScorePlan, tmp_path: Path) -> None:
    whole = pl.read_csv(plan.tables[0], infer_schema=False, empty_string_is_null=False)
    whole.with_columns(where=pl.when(pl.col("path") < "a4").then(pl.lit("car")).otherwise(pl.lit("home"))).write_csv(
        tmp_path / "where.csv"
    )
    results = score_tables(replace(plan, tables=(str(tmp_path / "where.csv"),), condition="where"))
    assert results.failures["reason"].to_list() == ["no hypothesis"]


def test_counts_written_with_a_point_are_whole_all_the_same(plan: ScorePlan, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("path,who,n,s,d,i\na1,s1, 10 ,1.0,0,0\na2,s2,10,,,\n", encoding="utf-8")
    names = {"words": "n", "substitutions": "s", "deletions": "d", "insertions": "i"}
    counted = replace(plan, tables=(str(tmp_path / "c.csv"),), by=(), reference_groups={}, **names)
    results = score_tables(counted)
    assert results.counts.select("reference_words", "hits", "substitutions").rows() == [(10, 9, 1)]
    assert results.failures["reason"].to_list() == ["no counts"]


def test_level_family_and_keys_reach_the_numbers(plan: ScorePlan, tmp_path: Path) -> None:
    wide = score_tables(plan).rates
    narrow = score_tables(replace(plan, level=0.8, out=str(tmp_path / "narrow"))).rates
    both = wide.join(narrow, on=["axis", "group"], nulls_equal=True).filter(pl.col("low").is_not_null())
    assert len(both)
    assert (both["low"] < both["low_right"]).all()
    labels = pl.read_csv(plan.tables[0]).with_columns(pl.col("path").str.replace("wav", "v1.mp3"))
    labels.drop("heard").write_csv(tmp_path / "labels.csv")
    pl.read_csv(plan.tables[0]).with_columns(pl.col("path").str.replace("wav", "v1.wav")).select(
        "path", "heard"
    ).write_csv(tmp_path / "heard.csv")
    dotted = replace(
        plan,
        tables=(str(tmp_path / "heard.csv"),),
        labels=str(tmp_path / "labels.csv"),
        key_stem=True,
        out=str(tmp_path / "dotted"),
    )
    assert score_tables(dotted).utterances["speaker_id"].null_count() == 0


def test_quotation_marks_that_are_text(plan: ScorePlan, tmp_path: Path) -> None:
    lines = ["path\twho\tsaid\theard", 'a\ts1\tone two\t"one', 'b\ts2\tone two\ttwo"']
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    quoted = replace(plan, tables=(str(tmp_path / "t.tsv"),), by=(), reference_groups={})
    with pytest.raises(InputError, match="found a line break in a field"):
        score_tables(quoted)
    assert score_tables(replace(quoted, unquoted=True)).counts["deletions"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speaker": "client"}, "no column 'client'; expected one of: path, who"),
        ({"by": ("accnt",)}, "no axis 'accnt'"),
        ({"reference_groups": {"accent": "wales"}}, "found 'wales'; expected one of: scotland, us"),
        ({"labels": "nowhere.csv"}, "nowhere.csv: no such file"),
        ({"by": ("language",)}, "no axis 'language'"),
        ({"assigned_by": {"acent": "annotated"}}, "the axis 'acent'"),
        ({"allow_imputed": ("acent",)}, "the axis 'acent'"),
        ({"tables": ("nothing.xlsx",)}, "file ending '.xlsx'; expected one of: .csv"),
        ({"baseline_backend": "theirs"}, "baseline backend: found 'theirs'; expected one of: system"),
    ],
)
def test_bad_options(plan: ScorePlan, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        score_tables(replace(plan, **change))
    assert message in str(caught.value)


def with_flag(plan: ScorePlan, flags: str, name: str = "synthetic") -> None:
    head, *lines = TRANSCRIPTS.splitlines()
    rows = [f"{line},{flag}" for line, flag in zip(lines, flags.split(","), strict=True)]
    Path(plan.tables[0]).write_text("\n".join([f"{head},{name}", *rows]) + "\n", encoding="utf-8")


def test_synthetic_utterances_are_left_out_with_a_note(plan: ScorePlan, tmp_path: Path) -> None:
    with_flag(plan, "true,,false,0,1,")
    results = score_tables(plan)
    assert results.utterances["utterance_id"].to_list() == ["a2.wav", "a3.wav", "a4.wav", "a6.wav"]
    # The failure of a synthetic utterance is none.
    assert results.failures.is_empty()
    assert results.signature["corpus"]["kind"] == "unknown"
    note = "2 of 6 utterances are synthetic, and left out of everything (--include-synthetic)"
    assert note in results.signature["notes"]
    whole = score_tables(replace(plan, include_synthetic=True, out=str(tmp_path / "whole")))
    assert len(whole.utterances) == 6
    assert whole.signature["corpus"]["kind"] == "synthetic"
    assert "2 of 6 utterances are synthetic, and counted as asked (--include-synthetic)" in whole.signature["notes"]
    assert whole.signature["corpus"]["digest"] != results.signature["corpus"]["digest"]


def test_a_named_synthetic_column_and_one_that_says_something_else(plan: ScorePlan) -> None:
    with_flag(plan, ",,,,,yes", "made")
    results = score_tables(replace(plan, synthetic="made"))
    assert "a6.wav" not in results.utterances["utterance_id"]
    with pytest.raises(InputError, match="no column 'fake'"):
        score_tables(replace(plan, synthetic="fake"))
    with_flag(plan, ",,,,,maybe")
    with pytest.raises(InputError, match="found synthetic = 'maybe'; expected true, false or a blank"):
        score_tables(plan)
    with_flag(plan, "1,1,1,1,1,1")
    with pytest.raises(InputError, match="found 6 utterances, all of them synthetic; expected recordings"):
        score_tables(plan)


def test_an_utterance_that_one_table_marks_is_synthetic_in_all(plan: ScorePlan, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(TRANSCRIPTS, encoding="utf-8")
    with_flag(plan, "true,,,,,")
    results = score_tables(replace(plan, tables=(f"a={plan.tables[0]}", f"b={tmp_path / 'plain.csv'}")))
    assert "a1.wav" not in results.counts["utterance_id"]
    assert results.counts["backend"].n_unique() == 2


def test_the_corpus_card_says_what_the_tables_cannot(plan: ScorePlan, tmp_path: Path) -> None:
    card = tmp_path / "ours.toml"
    text = """title = "Ours"
kind = "synthetic"
language = "en"
licence = "CC0"
citation = "Us"
synthetic = "made"
[layout]
type = "table"
[axes.accent]
column = "accent"
assigned_by = "by design"
[axes.gender]
column = "gender"
assigned_by = "annotated"
"""
    card.write_text(text, encoding="utf-8")
    with_flag(plan, "true,,,,,", "made")
    results = score_tables(replace(plan, card=str(card), assigned_by={"gender": "self-reported"}))
    facts = results.signature["corpus"]
    assert (facts["title"], facts["licence"], facts["citation"]) == ("Ours", "CC0", "Us")
    assert (facts["card"], facts["kind"]) == ("ours", "synthetic")
    # A synthetic corpus stays whole.
    assert len(results.utterances) == 6
    axes = results.signature["axes"]
    assert (axes["accent"]["assigned_by"], axes["gender"]["assigned_by"]) == ("by design", "self-reported")
    card.write_text(text.replace('"synthetic"', '"read"', 1), encoding="utf-8")
    people = score_tables(replace(plan, card=str(card), title="Theirs", out=str(tmp_path / "people")))
    assert (people.signature["corpus"]["title"], people.signature["corpus"]["kind"]) == ("Theirs", "read")
    assert len(people.utterances) == 5


def test_a_card_makes_levels_of_labels(tmp_path: Path) -> None:
    card = tmp_path / "ours.toml"
    card.write_text(
        """title = "Ours"
kind = "read"
language = "en"
licence = "CC0"
citation = "Us"
caveats = ["Few people."]
[layout]
type = "table"
[axes.accent]
column = "accents"
assigned_by = "self-reported"
instrument = "a web form"
date = "2019"
reference_group = "American"
levels = { us = "American", usa = "American", scotland = "Scottish" }
[axes.gender]
column = "gender"
assigned_by = "self-reported"
reference_group = "male"
""",
        encoding="utf-8",
    )
    lines = ["utterance_id,speaker,accents,gender,reference,hypothesis"]
    for number, accent in enumerate(("us", "usa", "American", "scotland", "martian", "")):
        lines.append(f"u{number},s{number},{accent},female,one two,one two")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = ScorePlan(
        tables=(str(tmp_path / "t.csv"),),
        speaker="speaker",
        by=("accent", "gender"),
        card=str(card),
        out=str(tmp_path / "run"),
    )
    results = score_tables(plan)
    assert results.utterances["accent"].to_list() == ["American"] * 3 + ["Scottish", "martian", None]
    accent = results.signature["axes"]["accent"]
    assert (accent["instrument"], accent["date"], accent["reference_group"]) == ("a web form", "2019", "American")
    assert accent["unmapped"] == {"martian": 1}
    # Nobody is of the card's reference group of gender.
    assert results.signature["axes"]["gender"]["reference_group"] is None
    assert "Few people." in results.signature["notes"]
    ratios = results.disparities.filter(axis="accent", measure="difference")
    assert set(ratios["reference_group"]) == {"American"}


def test_the_command_counts_synthetic_utterances_as_asked(
    plan: ScorePlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_flag(plan, "true,,,,,")
    start = [
        "score",
        plan.tables[0],
        "--id",
        "path",
        "--speaker",
        "who",
        "--reference",
        "said",
        "--hypothesis",
        "heard",
    ]
    assert main([*start, "--out", str(tmp_path / "left")]) in (0, 3)
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of 6 utterances are synthetic, and left out of everything" in said
    assert "says nothing about people" not in said
    assert main([*start, "--include-synthetic", "--out", str(tmp_path / "whole")]) in (0, 3)
    assert "says nothing about people" in " ".join(capsys.readouterr().out.split())


def test_an_axis_named_like_a_column_of_the_tables(plan: ScorePlan) -> None:
    path = Path(plan.tables[0])
    path.write_text(TRANSCRIPTS.replace("accent", "language"), encoding="utf-8")
    with pytest.raises(InputError, match="found the axis 'language'; expected another name"):
        score_tables(replace(plan, by=("language",), reference_groups={}))


def test_blank_ids_and_columns_that_one_table_lacks(plan: ScorePlan, tmp_path: Path) -> None:
    path = Path(plan.tables[0])
    (tmp_path / "other.csv").write_text(TRANSCRIPTS.replace("accent", "Accent"), encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.csv: found no column 'accent'"):
        score_tables(replace(plan, tables=(f"a={path}", f"b={tmp_path / 'other.csv'}")))
    path.write_text(TRANSCRIPTS.replace("a3.wav", "  "), encoding="utf-8")
    with pytest.raises(InputError, match="found 1 rows without utterance_id"):
        score_tables(plan)
    with pytest.raises(InputError, match="found no --labels"):
        replace(plan, key_stem=True)


def test_a_wrong_baseline_claims_no_folder(plan: ScorePlan) -> None:
    with pytest.raises(InputError, match="baseline backend"):
        score_tables(replace(plan, baseline_backend="tpyo"))
    score_tables(plan)


def test_two_labels_for_one_utterance(plan: ScorePlan) -> None:
    path = Path(plan.tables[0])
    path.write_text(TRANSCRIPTS.replace("path,who", "path,system,who").replace(".wav,", ".wav,x,"), encoding="utf-8")
    rows = pl.read_csv(path, infer_schema=False)
    pl.concat([rows, rows.with_columns(system=pl.lit("y"), accent=pl.lit("us"))]).write_csv(path)
    with pytest.raises(InputError, match="different values of accent"):
        score_tables(replace(plan, backend="system"))


def test_imputed_labels_are_refused_unless_allowed(plan: ScorePlan) -> None:
    with pytest.raises(InputError, match="--allow-imputed accent"):
        score_tables(replace(plan, assigned_by={"accent": "imputed"}))
    allowed = score_tables(replace(plan, assigned_by={"accent": "imputed"}, allow_imputed=("accent",)))
    assert allowed.signature["axes"]["accent"]["imputed"] is True


def test_without_speakers_nothing_can_be_judged(plan: ScorePlan, tmp_path: Path) -> None:
    results = score_tables(replace(plan, speaker=""))
    assert results.rates["low"].null_count() == len(results.rates)
    assert exit_code(replace(results, failures=results.failures.head(0)))[0] == 3
    marked = score_tables(replace(plan, speaker="", independent_utterances=True, out=str(tmp_path / "independent")))
    assert marked.rates["low"].null_count() < len(marked.rates)
    assert all("independent" in note for note in marked.rates["note"])


def test_changed_input_in_the_same_folder_is_refused(plan: ScorePlan) -> None:
    score_tables(plan)
    score_tables(plan)
    Path(plan.tables[0]).write_text(TRANSCRIPTS.replace("sat", "mat"), encoding="utf-8")
    with pytest.raises(RunFolderError, match="inputs"):
        score_tables(plan)


ARTIE = "artie-bias-corpus"
SYSTEMS = {
    "amazon-us": "amazon/en-US/dec-9-2019.tsv",
    "deepspeech": "deepspeech/v0-7-3.tsv",
    "google-us": "google/en-US/dec-4-2019.tsv",
}


def test_artie_agrees_with_counting_by_hand(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / ARTIE
    results = score_tables(
        ScorePlan(
            tables=tuple(f"{name}={folder / 'predictions' / path}" for name, path in SYSTEMS.items()),
            id="path",
            hypothesis="prediction",
            labels=str(folder / "data" / "artie-bias-corpus.tsv"),
            key_stem=True,
            speaker="client_id",
            reference="sentence",
            by=("accent",),
            null=("NA",),
            reference_groups={"accent": "us"},
            out=str(tmp_path / "artie"),
        )
    )
    labels = pl.read_csv(folder / "data" / "artie-bias-corpus.tsv", separator="\t", quote_char=None)
    heard = pl.read_csv(folder / "predictions" / SYSTEMS["amazon-us"], separator="\t", quote_char=None)
    stem = pl.col("path").str.replace(r"\.\w+$", "")
    rows = labels.with_columns(stem.alias("stem")).join(heard.with_columns(stem.alias("stem")), on="stem")
    assert len(rows) == 1712
    clean = str.maketrans(dict.fromkeys('.,!?;:"“”()…–—-/&$%', " ") | {"’": "'", "‘": "'"})
    for accent in ("us", "indian", "england"):
        part = rows.filter(pl.col("accent") == accent)
        pairs = [
            [(text or "").lower().translate(clean) for text in part[column]] for column in ("sentence", "prediction")
        ]
        rate = results.rates.filter(
            (pl.col("axis") == "accent") & (pl.col("group") == accent) & (pl.col("backend") == "amazon-us")
        )
        assert rate["wer"][0] == pytest.approx(jiwer.wer(*pairs), abs=0.002)
    assert results.rates.filter(pl.col("axis") == "overall")["utterances"].to_list() == [1712] * 3


def test_how_a_table_is_read_is_part_of_the_signature(plan: ScorePlan, tmp_path: Path) -> None:
    lines = {
        score_tables(replace(plan, blank=blank, out=str(tmp_path / blank))).signature["signature"]
        for blank in ("empty", "failure")
    }
    assert len(lines) == 2


def test_a_covariate_named_like_a_column_of_the_tables(plan: ScorePlan) -> None:
    path = Path(plan.tables[0])
    path.write_text(TRANSCRIPTS.replace("said", "reference", 1), encoding="utf-8")
    with pytest.raises(InputError, match="found the covariate 'reference'; expected another name"):
        score_tables(replace(plan, reference="reference", covariates=("reference",)))


@pytest.mark.parametrize("axes", [("accent*accent",), ("accent*gender", "gender*accent")])
def test_an_axis_is_asked_for_once(plan: ScorePlan, axes: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"expected each (axis )?once"):
        score_tables(replace(plan, by=axes, reference_groups={}))
