"""``asrfair words``: from a run folder to findings, what to listen to, and what a run cannot be asked."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.run.words import WordPlan, find_words, save_words, show_words

SPEAKERS = 8
SAID = "the {} is by the {} today"


def _heard(speaker: int, accent: str, number: int) -> str:
    """North is not heard in «park»; both miss «today» now and then; the fourth of north is not heard at all."""
    words = SAID.format("park", "river").split()
    if accent == "north":
        words[1] = "bark"
        if speaker == 3 and number == 1:
            return ""
    if speaker % 3 == 0:
        words[-1] = "to day"
    return " ".join(words)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ScorePlan:
    folder = tmp_path_factory.mktemp("words")
    rows = [
        {
            "id": f"{accent[0]}{speaker}-{number}",
            "who": f"{accent[0]}{speaker}",
            "accent": accent,
            "gender": "fm"[speaker % 2],
            "reference": SAID.format("park", "river"),
            "hypothesis": _heard(speaker, accent, number),
        }
        for accent in ("north", "south")
        for speaker in range(SPEAKERS)
        for number in range(2)
    ]
    table = folder / "transcripts.csv"
    pl.DataFrame(rows).write_csv(table)
    return ScorePlan(
        tables=(str(table),),
        id="id",
        speaker="who",
        by=("accent", "gender"),
        reference_groups={"accent": "south"},
        out=str(folder / "run"),
    )


@pytest.fixture(scope="module")
def results(plan: ScorePlan) -> Results:
    return score_tables(plan)


def test_findings_and_what_to_listen_to(results: Results) -> None:
    told: list[tuple[int, int]] = []
    found = find_words(results, WordPlan(permutations=999), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]
    word = found.words.filter(kind="word").row(0, named=True)
    assert (word["axis"], word["group"], word["reference_word"]) == ("accent", "north", "park")
    assert (word["count"], word["errors"], word["reference_errors"]) == (16, 16, 0)
    assert word["p_fdr"] < 0.05
    confusion = found.words.filter(kind="confusion").row(0, named=True)
    assert (confusion["reference_word"], confusion["heard"], confusion["errors"]) == ("park", "bark", 15)
    assert found.notes == ()
    # All of north have one word of the findings wrong: next come the most errors, then the name.
    listen = found.listen
    assert listen["utterance_id"].to_list() == ["n3-1", "n0-0", "n0-1", "n3-0", "n6-0"]
    assert listen["findings"].to_list() == [1] * 5
    assert listen["errors"].to_list() == [7, 3, 3, 3, 3]
    assert listen["hypothesis"][0] == ""
    assert listen["misheard"][1] == "park>bark, >to, today>day"
    assert listen["reference"][0] == SAID.format("park", "river")


def test_utterances_of_findings_come_before_longer_errors(results: Results) -> None:
    """An utterance with every word wrong but the finding is behind those with the finding."""
    every = pl.col("utterance_id") == "n7-1"
    heard = pl.when(every).then(pl.lit("a park was at a lake yesterday")).otherwise("hypothesis")
    listen = find_words(
        replace(results, hypotheses=results.hypotheses.with_columns(hypothesis=heard)), WordPlan(listen=99)
    ).listen
    assert len(listen) == 16
    assert listen["utterance_id"][-1] == "n7-1"
    assert listen["findings"].to_list() == [1] * 15 + [0]
    assert listen["errors"][-1] == 6


def test_axis_group_condition_and_backend_are_chosen(plan: ScorePlan) -> None:
    table = pl.read_csv(plan.tables[0])
    path = Path(plan.tables[0]).with_name("both.csv")
    west = pl.col("who").str.slice(1).cast(pl.Int64) < 4
    more = table.with_columns(
        accent=pl.when(pl.col("accent") == "north", west).then(pl.lit("west")).otherwise("accent"),
    )
    pl.concat(
        [
            more.with_columns(system=pl.lit(system), place=pl.lit(place))
            for system in ("a", "b")
            for place in ("home", "car")
        ]
    ).write_csv(path)
    results = score_tables(
        replace(
            plan,
            tables=(str(path),),
            backend="system",
            condition="place",
            baseline_condition="home",
            reference_groups={"accent": "south", "gender": "f"},
            out=f"{plan.out}-both",
        )
    )

    def cells(**options: object) -> set[tuple[str, ...]]:
        found = find_words(results, WordPlan(permutations=99, **options))  # type: ignore[arg-type]
        assert set(found.listen["group"]) == set(found.words["group"])
        return set(found.words.select("axis", "group", "condition", "backend").iter_rows())

    every = {
        (axis, group, "home", backend)
        for axis, group in (("accent", "north"), ("accent", "west"), ("gender", "m"))
        for backend in "ab"
    }
    assert cells() == every
    assert cells(by=("gender",)) == {cell for cell in every if cell[0] == "gender"}
    assert cells(groups=("west",)) == {cell for cell in every if cell[1] == "west"}
    assert cells(backend="b") == {cell for cell in every if cell[3] == "b"}
    assert cells(condition="car") == {(*cell[:2], "car", cell[3]) for cell in every}


def test_who_is_left_out_is_said(results: Results) -> None:
    labels = results.utterances.with_columns(
        speaker_id=pl.when(pl.col("utterance_id") != "s1-0").then("speaker_id"),
        accent=pl.when(pl.col("utterance_id") == "n5-0").then(pl.lit("south")).otherwise("accent"),
    )
    found = find_words(replace(results, utterances=labels), WordPlan(permutations=99))
    assert found.notes == (
        "Left out: 1 utterance without a known speaker.",
        "Left out where both groups are theirs: 1 speaker with more than one accent.",
    )
    axes = {
        name: facts | {"reference_group": "south" if name == "accent" else "f"}
        for name, facts in results.signature["axes"].items()
    }
    asked = replace(results, utterances=labels, signature={**results.signature, "axes": axes})
    other = find_words(asked, WordPlan(groups=("m",), permutations=99))
    assert other.notes == ("Left out: 1 utterance without a known speaker.",)
    park = found.words.filter(reference_word="park", kind="word").row(0, named=True)
    assert (park["speakers"], park["count"], park["reference_count"]) == (7, 14, 15)


def test_tables_are_kept_and_printed(plan: ScorePlan, results: Results, capsys: pytest.CaptureFixture[str]) -> None:
    folder, file = Path(plan.out), StringIO()
    show_words(folder, WordPlan(permutations=999), Console(file=file, width=80), top=3)
    assert "north against south (accent), system, in as recorded" in file.getvalue()
    assert "park  bark   15 of 16" in file.getvalue()
    assert "n3-1 (n3): 7 errors, 1 of them on a word above" in file.getvalue()
    assert "comparing words: 1/1" in capsys.readouterr().err
    found = find_words(results, WordPlan(permutations=999))
    assert pl.read_parquet(folder / "words.parquet").equals(found.words)
    assert pl.read_parquet(folder / "listen.parquet").equals(found.listen)
    assert [path.name for path in save_words(found, folder)] == ["words.parquet", "listen.parquet"]
    with pytest.raises(InputError, match="--top 0: expected 1 or more"):
        show_words(folder, WordPlan(), Console(file=file), top=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": ("gender",)}, "found the axis 'gender' without a reference group; expected one of: accent"),
        ({"by": ("acent",)}, "no axis 'acent'; expected one of: accent, gender"),
        ({"by": ("accent", "accent")}, "found an axis twice"),
        ({"by": ("accent*gender",)}, "the axis 'accent*gender' without a reference group"),
        ({"groups": ("west",)}, "no group 'west' to compare with the reference group; expected one of: north"),
        ({"groups": ("south",)}, "no group 'south' to compare with the reference group; expected one of: north"),
        ({"condition": "car"}, "no condition 'car'; expected one of: as recorded"),
        ({"backend": "b"}, "no backend 'b'; expected one of: system"),
        ({"permutations": 98}, "--permutations 98: expected at least 99"),
        ({"listen": -1}, "--listen -1: expected 0 or more"),
    ],
)
def test_what_a_run_cannot_be_asked(results: Results, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        find_words(results, replace(WordPlan(), **change))  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_what_has_no_words(plan: ScorePlan, results: Results, tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("id,who,accent,n,s,d,i\na,s1,north,5,1,0,0\nb,s2,south,5,1,0,0\n", encoding="utf-8")
    names = {"words": "n", "substitutions": "s", "deletions": "d", "insertions": "i"}
    counted = score_tables(
        replace(plan, tables=(str(counts),), by=("accent",), out=str(tmp_path / "counted"), **names)  # type: ignore[arg-type]
    )
    with pytest.raises(InputError, match=r"a run without transcripts \(counts were given\)"):
        find_words(counted, WordPlan())
    nobody = results.utterances.with_columns(speaker_id=pl.lit(None, pl.String))
    with pytest.raises(InputError, match="a run without speakers"):
        find_words(replace(results, utterances=nobody), WordPlan())
    older = {**results.signature, "normalizer": {"name": "basic", "version": "0", "label": "basic-0", "spec": "basic"}}
    with pytest.raises(InputError, match="a run normalised by basic 0; expected basic 1, the one installed now"):
        find_words(replace(results, signature=older), WordPlan())
    alone = {**results.signature, "axes": {}}
    with pytest.raises(InputError, match="a run without a reference group"):
        find_words(replace(results, signature=alone), WordPlan())
