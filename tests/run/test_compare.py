"""Two runs compared: paired changes by the slow definition, refusals one by one, and what is left out."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from asrfair.cli import main
from asrfair.errors import InputError, RunFolderError
from asrfair.report.compare.changes import gap_finding
from asrfair.report.compare.data import comparison_data
from asrfair.report.compare.terminal import render_comparison
from asrfair.report.findings import Contrast
from asrfair.report.sentences import SYNTHETIC
from asrfair.results import Results
from asrfair.run.compare import joined
from asrfair.run.comparison import ComparePlan, compare, run_names
from asrfair.run.matrix import matrix
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.tables import OVERALL

WORDS = ["the", "cat", "sat", "on", "a", "mat", "while", "dogs", "ran", "home"]
HOSTILE = "so\x1b[31muth\u202e<script>"
Make = Callable[..., Results]


@pytest.fixture(scope="module")
def scored() -> dict[str, Results]:
    """Results already made, as scoring takes long."""
    return {}


def _same(row: dict[str, Any]) -> dict[str, Any] | None:
    return row


@pytest.fixture
def make(tmp_path: Path, scored: dict[str, Results]) -> Make:
    """Score a table of 24 speakers of three accents under two conditions; ``shift`` is how much worse the west is."""

    def made(
        name: str,
        *,
        seed: int = 1,
        shift: float = 0.0,
        change: Callable[[dict[str, Any]], dict[str, Any] | None] = _same,
        backend: str = "ours",
        **plan: Any,
    ) -> Results:
        key = repr((name, seed, shift, backend, plan))
        if change is _same and key in scored:
            scored[key].save(tmp_path / name)
            return scored[key]
        texts, errors = np.random.default_rng(7), np.random.default_rng(seed)
        rows = []
        for speaker in range(24):
            accent = ("north", "south", "west")[speaker % 3]
            for utterance in range(4):
                said = texts.choice(WORDS, 9).tolist()
                for condition in ("clean", "noise"):
                    rate = 0.12 + 0.1 * (condition == "noise") + shift * (accent == "west")
                    heard = ["zebra" if errors.random() < rate else word for word in said]
                    row = {
                        "utterance_id": f"u{speaker:02d}-{utterance}",
                        "who": f"s{speaker}",
                        "reference": " ".join(said),
                        "hypothesis": " ".join(heard),
                        "accent": accent,
                        "gender": "fm"[speaker % 2],
                        "condition": condition,
                    }
                    rows.append(change(row))
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows if row is not None) + "\n", encoding="utf-8")
        options = {"by": ("accent", "gender"), "reference_groups": {"accent": "north"}, "replicates": 100, **plan}
        asked = ScorePlan(
            tables=(f"{backend}={path}",), speaker="who", condition="condition", out=str(tmp_path / name), **options
        )
        found = score_tables(asked)
        if change is _same:
            scored[key] = found
        return found

    return made


def row(results: Results, measure: str, group: str = OVERALL, axis: str = OVERALL, condition: str = "clean") -> dict:
    wanted = {"measure": measure, "group": group, "axis": axis, "condition": condition}
    return results.disparities.filter(*(pl.col(name) == value for name, value in wanted.items())).row(0, named=True)


def written(results: Results, width: int = 80) -> str:
    file = StringIO()
    console = Console(file=file, width=width, color_system=None, highlight=False)
    render_comparison(results, console, old="run-a", new="run-b")
    return file.getvalue()


def signed(results: Results, **changes: Any) -> Results:
    return replace(results, signature={**results.signature, **changes})


def test_changes_are_those_of_the_slow_definition(make: Make) -> None:
    old, new = make("a"), make("b", seed=2, shift=0.4)
    found = joined(old, new)
    for axis, group in ((OVERALL, OVERALL), ("accent", "west"), ("gender", "f")):
        for condition in ("clean", "noise"):
            rates = []
            for run in (old, new):
                errors = words = 0
                for each in run.counts.iter_rows(named=True):
                    if each["condition"] == condition and (axis == OVERALL or each[axis] == group):
                        errors += each["substitutions"] + each["deletions"] + each["insertions"]
                        words += each["reference_words"]
                rates.append(errors / words)
            change = row(found, "backend_difference", group, axis, condition)
            assert change["estimate"] == pytest.approx(rates[1] - rates[0], abs=1e-12)
            assert row(found, "backend_ratio", group, axis, condition)["estimate"] == pytest.approx(rates[1] / rates[0])
            assert (change["reference_backend"], change["backend"]) == ("ours (old)", "ours (new)")
    west = row(found, "backend_difference", "west", "accent")
    assert west["low"] > 0
    assert west["p_adjusted"] < 0.05
    widened = row(found, "backend_interaction_difference", "west", "accent")
    assert widened["low"] > 0
    assert widened["reference_group"] == "north"


def test_the_other_way_round_signs_flip(make: Make) -> None:
    old, new = make("a"), make("b", seed=2, shift=0.2)
    there, back = joined(old, new).disparities, joined(new, old).disparities
    key = ["measure", "axis", "group", "condition"]
    there, back = there.sort(key), back.sort(key)
    assert there.select(key).equals(back.select(key))
    for one, other in zip(there.iter_rows(named=True), back.iter_rows(named=True), strict=True):
        ratio = one["measure"].endswith("ratio")
        turned = [1 / other[name] if ratio else -other[name] for name in ("estimate", "high", "low")]
        assert [one["estimate"], one["low"], one["high"]] == pytest.approx(turned, rel=1e-9, abs=1e-12)
        assert one["p_adjusted"] == pytest.approx(other["p_adjusted"], rel=1e-6)


def test_the_same_run_twice_differs_in_nothing(make: Make) -> None:
    run = make("a")
    found = joined(run, run)
    assert found.signature["comparison"]["identical"]
    assert set(found.disparities.filter(pl.col("measure") == "backend_difference")["estimate"]) == {0.0}
    assert "Nothing differs: every utterance has the same counts in both runs." in written(found)
    other = joined(run, make("b", seed=2))
    assert not other.signature["comparison"]["identical"]
    assert "Nothing differs" not in written(other)


DIFFERENT = {
    "kind of run": {"kind": "run"},
    "limit of utterances": {"limit": 10},
    "kind of speech": {"corpus": {"kind": "synthetic"}},
    "normaliser": {"normalizer": {"name": "none", "version": "1", "label": "none-1", "spec": "none"}},
    "condition noise": {"conditions": {"clean": {"digest": ""}, "noise": {"digest": "abcd"}}},
    "who assigned accent": {
        "axes": {
            "accent": {"assigned_by": "imputed", "imputed": True, "reference_group": "north"},
            "gender": {"assigned_by": "not stated", "imputed": False, "reference_group": None},
        }
    },
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_matters_is_refused_and_named_unless_told_to_go_on(make: Make, what: str) -> None:
    old, new = make("a"), signed(make("b", seed=2), **DIFFERENT[what])
    with pytest.raises(InputError, match=f"{what} .*--even-so"):
        joined(old, new)
    found = joined(old, new, insist=True)
    (matters,) = [each for each in found.signature["comparison"]["differences"] if each["matters"]]
    assert matters["what"] == what
    text = written(found)
    assert "The runs differ in ways that matter" in text
    assert f"{what}: " in text
    assert comparison_data(found, old="a", new="b")["compared_in_spite_of_differences"]


@pytest.mark.parametrize("synthetic", [0, 1])
def test_synthetic_voices_in_one_of_two_runs_are_never_told_as_people(make: Make, synthetic: int) -> None:
    runs = [make("a"), make("b", seed=2)]
    runs[synthetic] = signed(runs[synthetic], corpus={**runs[synthetic].signature["corpus"], "kind": "synthetic"})
    with pytest.raises(InputError, match=r"kind of speech \("):
        joined(*runs)
    text = written(joined(*runs, insist=True))
    assert text.startswith(f"{SYNTHETIC}\n")
    assert "speakers" not in text
    assert "24 voices" in text
    assert comparison_data(joined(*runs, insist=True), old="a", new="b")["compared_in_spite_of_differences"]
    assert matrix(dict(zip("ab", runs, strict=True)), insist=True)["synthetic_voices"]
    assert not matrix({"a": make("a"), "b": make("c", seed=2)})["synthetic_voices"]


RUN = {"kind": "run", "sample_rate": 16_000, "seed": 3}


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("sample rate in Hz", {"sample_rate": 8_000}),
        ("seed of the conditions", {"seed": 4}),
        ("corpus card's digest", {"corpus": {"card": "c", "card_digest": "1", "digest": "2"}}),
        ("corpus's digest", {"corpus": {"card": "c", "card_digest": "0", "digest": "3"}}),
        ("corpus", {"corpus": {"card": "d", "card_digest": "0", "digest": "2"}}),
    ],
)
def test_what_matters_of_runs_on_audio_is_refused(make: Make, what: str, change: dict[str, Any]) -> None:
    corpus = {"card": "c", "card_digest": "0", "digest": "2"}
    old = signed(make("a"), **RUN, corpus=corpus)
    new = make("b", seed=2)
    with pytest.raises(InputError, match=f"matter: {what} "):
        joined(old, signed(new, **{**RUN, "corpus": corpus, **change}))
    joined(old, signed(new, **RUN, corpus=corpus))


@pytest.mark.parametrize(
    ("what", "key", "value"),
    [("references", "reference", "the dog"), ("speakers", "who", "s99"), ("labels of accent", "accent", "south")],
)
def test_utterances_that_are_not_the_same_are_refused(make: Make, what: str, key: str, value: str) -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, key: value} if row["utterance_id"] == "u02-1" else row

    with pytest.raises(InputError, match=f"{what} of 1 shared utterance, first u02-1"):
        joined(make("a"), make("b", seed=2, change=change))


def test_every_difference_that_matters_is_listed(make: Make) -> None:
    new = signed(make("b", seed=2), limit=5, kind="run")
    with pytest.raises(InputError, match=r"kind of run .*; limit of utterances "):
        joined(make("a"), new)


def test_what_does_not_matter_is_told(make: Make) -> None:
    new = signed(make("b", seed=2), asrfair="0.0.9")
    found = joined(make("a"), new)
    assert {"what": "asrfair", "new": "0.0.9"}.items() <= found.signature["comparison"]["differences"][0].items()
    assert "0.0.9 (new)" in written(found)


def test_utterances_in_one_run_only_are_counted_by_group(make: Make) -> None:
    def without(row: dict[str, Any]) -> dict[str, Any] | None:
        return None if row["who"] == "s2" else row

    found = joined(make("a"), make("b", seed=2, change=without))
    comparison = found.signature["comparison"]
    assert comparison["shared"] == len(found.utterances) == 92
    assert found.counts["utterance_id"].n_unique() == 92
    left = {(each["side"], each["axis"], each["group"]): each["utterances"] for each in comparison["left_out"]}
    assert left == {("old", OVERALL, OVERALL): 4, ("old", "accent", "west"): 4, ("old", "gender", "f"): 4}
    assert "only in the old run: 4 utterances" in written(found)


def test_a_failure_in_one_run_is_counted_and_not_paired(make: Make) -> None:
    def failed(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "hypothesis": None} if row["utterance_id"] in ("u02-1", "u02-2") else row

    def also(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "hypothesis": None} if row["utterance_id"] == "u02-2" else row

    old = make("a", change=also)
    found = joined(old, make("b", seed=2, change=failed))
    rows = found.signature["comparison"]["failures"]
    west = next(each for each in rows if each["group"] == "west" and each["condition"] == "clean")
    assert (west["old"], west["new"], west["both"]) == (0, 1, 1)
    assert "1 utterance not in both backends left out" in row(found, "backend_difference", "west", "accent")["note"]
    text = written(found)
    assert "Failures on utterances of both runs" in text
    assert "left out of the changes above, and counted here" in " ".join(text.split())
    rates = found.rates.filter(pl.col("backend") == "ours (new)", pl.col("group") == "west")
    assert rates["failures"].to_list() == [2, 2]


def test_one_recogniser_each_may_have_two_names_several_must_share_one(make: Make) -> None:
    old, new = make("a", backend="ours"), make("b", seed=2, backend="theirs")
    assert joined(old, new).signature["comparison"]["pairs"][0]["name"] == "ours / theirs"
    two = signed(new, backends={"theirs": {}, "third": {}})
    with pytest.raises(InputError, match="no recogniser under one name"):
        joined(old, two)


def test_nothing_in_common_is_refused(make: Make) -> None:
    def renamed(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "utterance_id": f"x{row['utterance_id']}"}

    def moved(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "condition": f"{row['condition']}-2"}

    old = make("a")
    with pytest.raises(InputError, match="no utterance in both runs"):
        joined(old, make("b", change=renamed), insist=True)
    with pytest.raises(InputError, match="no condition in both runs"):
        joined(old, make("c", change=moved), insist=True)
    with pytest.raises(InputError, match="the axis 'age', not in both runs; expected one of: accent, gender"):
        joined(old, make("d", seed=2), by=["age"])


def test_runs_made_alike_are_not_told_as_compared_in_spite_of_differences(make: Make) -> None:
    for insist in (False, True):
        found = joined(make("a"), make("b", seed=2), insist=insist)
        assert found.signature["comparison"]["insisted"] is False
        assert comparison_data(found, old="a", new="b")["compared_in_spite_of_differences"] is False


@pytest.mark.parametrize("independent", [(True, True), (True, False), (False, True)])
def test_utterances_are_independent_only_where_both_runs_say_so(make: Make, independent: tuple[bool, bool]) -> None:
    runs = [make("a"), make("b", seed=2)]
    runs = [signed(run, independent_utterances=said) for run, said in zip(runs, independent, strict=True)]
    assert joined(*runs).signature["independent_utterances"] is all(independent)


def test_another_level_and_one_axis(make: Make) -> None:
    old, new = make("a"), make("b", seed=2)
    found = joined(old, new, level=0.9, by=["gender"])
    assert set(found.disparities["axis"]) == {OVERALL, "gender"}
    assert set(found.disparities["level"]) == {0.9}
    wide, narrow = (row(each, "backend_difference") for each in (joined(old, new), found))
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_the_text_fits_is_plain_and_hides_no_control_characters(make: Make) -> None:
    def hostile(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "accent": HOSTILE} if row["accent"] == "south" else row

    found = joined(make("a", change=hostile), make("b", seed=2, change=hostile, shift=0.3))
    for width in (40, 80, 140):
        text = written(found, width)
        assert max(map(len, text.splitlines())) <= width
        assert not {"\x1b", "\u202e"} & {*text}
    assert "Did the disparity against north widen?" in " ".join(written(found).split())
    assert "lost: west (" in " ".join(written(found).split())


def test_a_gap_is_wider_where_the_change_adds_to_it() -> None:
    def moved(estimate: float) -> Contrast:
        shared = {"low": 0.1, "high": 0.2, "p_adjusted": 0.001}
        return Contrast({**shared, "estimate": estimate}, {**shared, "estimate": np.exp(estimate)})

    said = {
        (+0.1, +0.1, +0.2): "wider",
        (-0.1, +0.3, +0.2): "narrower",
        (+0.1, -0.2, -0.1): "narrower",
        (-0.1, -0.1, -0.2): "wider",
        (+0.3, -0.1, +0.2): "to its cost",
        (-0.3, +0.1, -0.2): "in its favour",
        (+0.1, None, +0.1): "to its cost",
    }
    for (estimate, old, new), wanted in said.items():
        assert gap_finding(moved(estimate), 0.05, (old, new)) == wanted
        assert gap_finding(moved(estimate), 0.0001, (old, new)) == "not shown"
    one_scale = Contrast(moved(0.1).difference, {**moved(0.1).ratio, "p_adjusted": 0.5})
    assert gap_finding(one_scale, 0.05, (0.1, 0.2)) == "wider in points"


def test_the_command_prints_text_or_json_and_says_what_it_cannot_use(make: Make, tmp_path: Path, capsys) -> None:
    make("a")
    make("b", seed=2, shift=0.4)
    runs = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["compare", *runs, "--json", str(tmp_path / "change.json")]) == 0
    assert capsys.readouterr().out.startswith("Two runs compared")
    assert main(["compare", *runs, "--json", "-"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data == json.loads((tmp_path / "change.json").read_text(encoding="utf-8"))
    west = next(each for each in data["changes"] if each["group"] == "west" and each["condition"] == "clean")
    assert west["finding"] == "lost"
    assert west["difference"]["estimate"] == pytest.approx(west["new"]["wer"] - west["old"]["wer"])
    (tmp_path / "b" / "counts.parquet").unlink()
    assert main(["compare", *runs]) == 2
    assert "incomplete run, without counts.parquet" in capsys.readouterr().err
    assert main(["compare", runs[0]]) == 2
    assert "expected two, or --matrix" in capsys.readouterr().err
    assert main(["compare", *runs, "--condition", "noise"]) == 2
    assert "found no --matrix" in capsys.readouterr().err


def test_a_leaderboard_of_runs(make: Make, tmp_path: Path, capsys) -> None:
    def failed(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "hypothesis": None} if row["utterance_id"] == "u02-1" else row

    make("a")
    assert main(["compare", "--matrix", str(tmp_path / "a")]) == 2
    assert "--matrix: found one recogniser (a); expected two or more" in capsys.readouterr().err
    make("b", seed=2)
    make("c", seed=3, shift=0.6, change=failed, backend="theirs")
    runs = {name: Results.load(tmp_path / name) for name in "abc"}
    board = matrix(runs, by=["accent"], least_speakers=5)
    assert (board["shared_utterances"], board["utterances"]) == (96, 95)
    assert board["failed"] == {"a": 0, "b": 0, "c": 1}
    assert board["left_out"] == {"a": 0, "b": 0, "c": 0}
    last = [each for each in board["standings"] if each["axis"] == "accent"][-1]
    assert (last["backend"], last["group"], last["first"], last["last"]) == ("c", "west", 3, 3)
    first = next(each for each in board["standings"] if each["axis"] == "accent")
    assert (first["first"], first["last"]) == (1, 2)
    paths = [str(tmp_path / name) for name in runs]
    assert main(["compare", "--matrix", *paths, "--least-speakers", "5", "--condition", "noise"]) == 0
    out = capsys.readouterr().out
    assert "3 recognisers ranked by the group that each serves worst" in out
    assert "c failed on 1" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert main(["compare", "--matrix", *paths, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "asrfair-leaderboard-1"
    silent = replace(runs["c"], counts=runs["c"].counts.clear())
    with pytest.raises(InputError, match="no transcript by c in clean"):
        matrix({**runs, "c": silent})
    with pytest.raises(InputError, match="no recogniser in b's signature"):
        matrix({**runs, "b": signed(runs["b"], backends={})})
    with pytest.raises(InputError, match="a and b: limit of utterances"):
        matrix({**runs, "b": signed(runs["b"], limit=3)})
    with pytest.raises(InputError, match="'dusk', not in all runs; expected one of: clean, noise"):
        matrix(runs, condition="dusk")


def test_run_names_are_short_where_that_tells_them_apart() -> None:
    assert run_names(["x/may", "y/june"], many=False) == ["may", "june"]
    assert run_names(["x/run", "y/run"], many=True) == ["x/run", "y/run"]
    with pytest.raises(InputError, match="found run twice"):
        run_names(["run", "run"], many=True)
    with pytest.raises(RunFolderError, match="no finished run here"):
        compare(ComparePlan(runs=("nowhere", "nowhere")), Console(file=StringIO()))


def test_one_run_of_two_recognisers_is_a_leaderboard(make: Make, tmp_path: Path, capsys) -> None:
    make("a")
    make("b", seed=2, shift=0.6)
    both = joined(Results.load(tmp_path / "a"), Results.load(tmp_path / "b"))
    both.save(tmp_path / "both")
    assert main(["compare", "--matrix", str(tmp_path / "both"), "--least-speakers", "5"]) == 0
    assert "2 recognisers ranked by the group that each serves worst" in capsys.readouterr().out


def test_a_leaderboard_says_what_each_run_has_alone(make: Make, tmp_path: Path, capsys) -> None:
    make("a")
    make("b", seed=2, change=lambda row: None if row["utterance_id"] in ("u02-1", "u03-1") else row)
    board = matrix({name: Results.load(tmp_path / name) for name in "ab"}, by=["accent"], least_speakers=5)
    assert board["left_out"] == {"a": 2, "b": 0}
    assert main(["compare", "--matrix", *(str(tmp_path / name) for name in "ab"), "--least-speakers", "5"]) == 0
    assert "left out: utterances that not all runs have (a 2)" in capsys.readouterr().out
