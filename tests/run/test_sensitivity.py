"""``--sensitivity``: a disparity that spelling makes is told from one that recognition makes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.measuring import SENSITIVITY
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan

SPEAKERS = 10
SENTENCES = ("the colour of the theatre is grey", "she will organise the programme at the centre")
AMERICAN = {"colour": "color", "theatre": "theater", "organise": "organize", "programme": "program", "centre": "center"}


def _american(sentence: str) -> str:
    return " ".join(AMERICAN.get(word, word) for word in sentence.split())


def _heard(sentence: str, rng: np.random.Generator) -> str:
    """Any word is misheard now and then, by anybody; what is heard is spelled as the American system spells."""
    return " ".join("oh" if rng.random() < 0.08 else word for word in _american(sentence).split())


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ScorePlan:
    """References of British speakers in British spelling, hypotheses in American; Americans in American only."""
    folder, rng = tmp_path_factory.mktemp("sensitivity"), np.random.default_rng(3)
    rows = []
    for accent in ("gb", "us", None):
        for speaker in range(SPEAKERS if accent else 3):
            for number in range(6):
                sentence = SENTENCES[number % 2]
                rows.append(
                    {
                        "id": f"{accent}{speaker}-{number}",
                        "who": f"{accent}{speaker}",
                        "accent": accent,
                        "reference": sentence if accent == "gb" else _american(sentence),
                        "hypothesis": _heard(sentence, rng),
                    }
                )
    table = folder / "transcripts.csv"
    pl.DataFrame(rows, infer_schema_length=None).write_csv(table)
    return ScorePlan(
        tables=(str(table),),
        id="id",
        speaker="who",
        by=("accent",),
        reference_groups={"accent": "us"},
        sensitivity=SENSITIVITY,
        replicates=100,
        out=str(folder / "run"),
    )


@pytest.fixture(scope="module")
def results(plan: ScorePlan) -> Results:
    return score_tables(plan)


def test_a_disparity_of_spelling_does_not_outlive_folding_it(results: Results) -> None:
    rows = results.sensitivity.filter(measure="ratio", group="gb")
    assert rows["normalizer"].to_list()[0] == "basic-1"
    found = dict(zip(rows["normalizer"].str.replace(r"-[\d.]+$", ""), rows["verdict"], strict=True))
    assert found.pop("basic") == "worse"
    assert found.pop("none") == "worse"
    assert set(found.values()) == {"not shown"}
    assert len(found) == 2
    assert rows["changes"].to_list() == [True] * 4


def test_every_disparity_stands_under_every_normaliser(results: Results) -> None:
    measured = results.disparities.filter(pl.col("measure") != "worst_group")
    assert len(results.sensitivity) == 4 * len(measured)
    sizes = results.sensitivity.group_by("axis", "group", "reference_group", "measure", "backend").len()
    assert set(sizes["len"]) == {4}
    unlabelled = results.sensitivity.filter(pl.col("group").is_null(), pl.col("measure") == "ratio_to_overall")
    assert unlabelled["normalizer"].n_unique() == len(unlabelled) == 4
    own = results.sensitivity.filter(normalizer="basic-1", measure="ratio").select("estimate", "p_adjusted")
    assert own.equals(results.disparities.filter(measure="ratio").select("estimate", "p_adjusted"))


def test_the_folder_keeps_it_and_without_it_there_is_none(plan: ScorePlan, results: Results, tmp_path: Path) -> None:
    assert Results.load(Path(plan.out)).sensitivity.equals(results.sensitivity)
    plain = score_tables(replace(plan, sensitivity=(), out=str(tmp_path / "plain")))
    assert plain.sensitivity.is_empty()
    assert plain.disparities.equals(results.disparities)


def test_counts_cannot_be_normalised_again(plan: ScorePlan, tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("id,who,accent,n,substitutions,deletions,insertions\na,s,us,5,1,0,0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"--sensitivity: found counts \(--words\)"):
        score_tables(replace(plan, tables=(str(counts),), words="n", out=str(tmp_path / "run")))
