"""The worst utterances of a run: who is chosen, how they are aligned, and what is said where there are none."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import polars as pl
import pytest

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.run.utterances import MOST_IN_ALL, spoken, worst_utterances

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
GROUPS = ("north", "south", "west", "")


def rows(seed: int, *, conditions: int = 2, backends: int = 2) -> list[dict[str, str]]:
    """Return invented transcripts: 12 speakers of four groups (one unlabelled), 4 utterances each, wrong at random."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(48):
        speaker = number % 12
        said = list(random.choice(WORDS, random.integers(1, 7)))
        for condition in range(conditions):
            for backend in range(backends):
                wrong = 0.1 + 0.2 * (speaker % 4)
                heard = [str(random.choice(WORDS)) if random.random() < wrong else word for word in said]
                heard += list(random.choice(WORDS, random.integers(0, 3))) if random.random() < wrong else []
                made.append(
                    {
                        "utterance_id": f"u{number:02d}",
                        "who": f"s{speaker:02d}" if speaker else "",
                        "accent": GROUPS[speaker % 4],
                        "gender": "fm"[speaker % 2],
                        "reference": " ".join(said),
                        "hypothesis": " ".join(heard),
                        "place": f"place {condition}",
                        "system": f"system {backend}",
                    }
                )
    return made


def scored(folder: Path, table: list[dict[str, str]], **plan: object) -> Results:
    folder.mkdir(exist_ok=True)
    path = folder / "transcripts.csv"
    pl.DataFrame(table).write_csv(path, quote_style="non_numeric")
    options = {"speaker": "who", "by": ("accent", "gender"), "condition": "place", "backend": "system"}
    return score_tables(ScorePlan(tables=(str(path),), out=str(folder / "run"), **{**options, **plan}))


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    return rows(3)


@pytest.fixture(scope="module")
def results(table: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Results:
    return scored(tmp_path_factory.mktemp("worst"), table)


def by_the_rule(table: list[dict[str, str]], *, most: int) -> dict[tuple[str, str], list[str]]:
    """The rule written out: sort, one of each speaker, groups take turns."""
    chosen = {}
    for cell in sorted({(row["place"], row["system"]) for row in table}):
        ranked = []
        for row in table:
            if (row["place"], row["system"]) == cell:
                found = jiwer.process_words(row["reference"], row["hypothesis"])
                errors = found.substitutions + found.deletions + found.insertions
                if errors:
                    words = len(row["reference"].split())
                    ranked.append((-errors / words, -errors, row["utterance_id"], row["who"], row["accent"]))
        turns, speakers = defaultdict(list), set()
        for entry in sorted(ranked):
            if entry[3] and entry[3] in speakers:
                continue
            speakers.add(entry[3])
            turns[entry[4]].append(entry)
        order = sorted((turn, entry) for entries in turns.values() for turn, entry in enumerate(entries))
        chosen[cell] = [entry[2] for _, entry in order][:most]
    return chosen


@pytest.mark.parametrize("most", [1, 3, 5, 9])
def test_the_choice_is_the_rule_written_out(results: Results, table: list[dict[str, str]], most: int) -> None:
    found = defaultdict(list)
    for item in worst_utterances(results, most=most):
        found[item.condition, item.backend].append(item.utterance_id)
    assert found == by_the_rule(table, most=most)


def test_no_speaker_fills_the_list_and_no_group_does(results: Results) -> None:
    for item in (worst := worst_utterances(results, most=4)):
        cell = [other for other in worst if (other.condition, other.backend) == (item.condition, item.backend)]
        assert {other.labels["accent"] for other in cell} == {"north", "south", "west", None}
        speakers = [other.speaker_id for other in cell if other.speaker_id]
        assert len(set(speakers)) == len(speakers)


def test_recognisers_and_conditions_take_turns(results: Results) -> None:
    worst = worst_utterances(results, most=2)
    cells = [(f"place {place}", f"system {system}") for place in (0, 1) for system in (0, 1)]
    assert [(item.condition, item.backend) for item in worst] == cells * 2


def test_words_are_aligned_and_add_up(results: Results) -> None:
    for item in worst_utterances(results, most=9):
        kinds = [word.operation for word in item.words]
        assert kinds.count("substitute") == item.substitutions
        assert kinds.count("delete") == item.deletions
        assert kinds.count("insert") == item.insertions
        assert [word.reference for word in item.words if word.reference] == item.reference.split()
        assert [word.hypothesis for word in item.words if word.hypothesis] == item.hypothesis.split()
        assert len(item.reference.split()) == item.reference_words
        assert item.wer == (item.substitutions + item.deletions + item.insertions) / item.reference_words > 0


def test_words_are_those_of_the_runs_own_normaliser(tmp_path: Path) -> None:
    one = {"who": "a", "accent": "x", "gender": "f", "place": "p", "system": "s"}
    table = [{**one, "utterance_id": "u", "reference": "The Colour, red!", "hypothesis": "the color RED fox"}]
    plain = worst_utterances(scored(tmp_path / "a", table), most=1)[0]
    assert [tuple(word) for word in plain.words] == [
        ("equal", "the", "the"),
        ("substitute", "colour", "color"),
        ("equal", "red", "red"),
        ("insert", None, "fox"),
    ]
    assert (plain.reference, plain.hypothesis) == ("The Colour, red!", "the color RED fox")
    folded = worst_utterances(scored(tmp_path / "b", table, normalizer="basic+american-spelling"), most=1)[0]
    assert [word.operation for word in folded.words] == ["equal"] * 3 + ["insert"]


@pytest.fixture
def odd(tmp_path: Path) -> Results:
    """One utterance right, one failed, one blank, one without reference words."""
    one = {"who": "a", "accent": "x", "gender": "f", "place": "p", "system": "s"}
    texts = [("right", "one two", "one two"), ("failed", "one two", ""), ("blank", "one two", " "), ("none", "", "one")]
    path = tmp_path / "odd.csv"
    pl.DataFrame(
        [{**one, "utterance_id": name, "reference": said, "hypothesis": heard} for name, said, heard in texts]
    ).with_columns(
        hypothesis=pl.when(pl.col("utterance_id") != "failed").then("hypothesis"),
        who=pl.concat_str("who", "utterance_id"),
    ).write_parquet(path.with_suffix(".parquet"))
    options = {"speaker": "who", "by": ("accent",), "condition": "place", "backend": "system"}
    return score_tables(
        ScorePlan(tables=(str(path.with_suffix(".parquet")),), out=str(tmp_path / "run"), null=(), **options)
    )


def test_a_failure_is_not_an_utterance_in_which_nothing_was_heard(odd: Results) -> None:
    assert odd.failures["utterance_id"].to_list() == ["failed"]
    worst = worst_utterances(odd, most=9)
    assert [item.utterance_id for item in worst] == ["blank"]
    assert [word.operation for word in worst[0].words] == ["delete", "delete"]
    assert worst[0].wer == 1.0


def test_the_list_has_an_end_that_is_told(tmp_path: Path) -> None:
    results = scored(tmp_path, rows(5, conditions=5, backends=5))
    worst = worst_utterances(results, most=9)
    assert len(worst) == MOST_IN_ALL
    assert len({(item.condition, item.backend) for item in worst}) == 25
    assert any(f"ends after {MOST_IN_ALL}" in note for note in spoken(tmp_path / "run", results, most=9).notes)


def test_a_product_of_axes_takes_turns_too(results: Results) -> None:
    worst = worst_utterances(results, most=6, axis="accent*gender")
    cell = [item for item in worst if (item.condition, item.backend) == ("place 0", "system 0")]
    assert len({(item.labels["accent"], item.labels["gender"]) for item in cell}) >= 4


def test_counts_without_transcripts_say_so(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "utterance_id,who,accent,n,substitutions,deletions,insertions\na,s1,x,10,1,1,0\nb,s2,y,10,2,0,0\n",
        encoding="utf-8",
    )
    results = score_tables(
        ScorePlan(tables=(str(path),), speaker="who", by=("accent",), words="n", out=str(tmp_path / "run"))
    )
    assert worst_utterances(results, most=3) == []
    section = spoken(tmp_path / "run", results, most=3)
    assert section.utterances == ()
    assert section.notes == ("This run has no transcripts to align. Counts were given.",)


def test_a_run_without_errors_says_so(tmp_path: Path, table: list[dict[str, str]]) -> None:
    right = [{**row, "hypothesis": row["reference"]} for row in table]
    section = spoken(tmp_path / "run", scored(tmp_path, right), most=3)
    assert section.utterances == ()
    assert section.notes == ("No transcript with reference words has a word error.",)


def test_another_version_of_the_normaliser_is_an_error_or_a_note(results: Results, tmp_path: Path) -> None:
    facts = {**results.signature["normalizer"], "version": "0"}
    older = replace(results, signature={**results.signature, "normalizer": facts})
    with pytest.raises(InputError, match=r"normalised by basic 0; expected basic 1"):
        worst_utterances(older, most=1)
    section = spoken(tmp_path, older, most=1)
    assert section.utterances == ()
    assert "normalised by basic 0" in section.notes[0]


def test_synthetic_voices_are_no_speakers(results: Results, tmp_path: Path) -> None:
    corpus = {**results.signature["corpus"], "kind": "synthetic"}
    section = spoken(tmp_path, replace(results, signature={**results.signature, "corpus": corpus}), most=1)
    assert section.speaker == "voice"
    assert "each voice once" in section.rule
    assert spoken(tmp_path, results, most=1).speaker == "speaker"


def test_none_is_too_few(results: Results) -> None:
    with pytest.raises(InputError, match="found 0; expected 1 or more"):
        worst_utterances(results, most=0)
