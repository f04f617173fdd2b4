"""A run's numbers computed again at another level: what a run made at that level would hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.again import again, question_of
from asrfair.run.evaluate import evaluate
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan

COMPUTED = ("rates", "disparities", "metrics", "tests", "models", "handicaps")
WORDS = ["the", "cat", "sat", "on", "a", "mat", "while", "dogs", "ran", "home"]


@pytest.fixture
def plan(tmp_path: Path) -> ScorePlan:
    """Two recognisers under two conditions, 24 speakers, one axis with an unlabelled speaker, a failure."""
    random = np.random.default_rng(3)
    rows = ["utterance_id,who,reference,hypothesis,accent,gender,condition,backend,effort"]
    for speaker in range(24):
        accent = "" if speaker == 7 else ("north", "south", "west")[speaker % 3]
        for utterance in range(3):
            said = random.choice(WORDS, 8).tolist()
            for condition in ("clean", "noise"):
                for backend in ("old", "new"):
                    wrong = random.random(8) < 0.1 + 0.1 * (condition == "noise") + 0.02 * (speaker % 5)
                    heard = " ".join("zebra" if bad else word for word, bad in zip(said, wrong, strict=True))
                    heard = "NA" if (speaker, utterance, backend) == (5, 1, "new") else heard
                    rows.append(
                        f"u{speaker}-{utterance},s{speaker},{' '.join(said)},{heard},{accent},"
                        f"{'fm'[speaker % 2]},{condition},{backend},{speaker % 4}"
                    )
    path = tmp_path / "transcripts.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return ScorePlan(
        tables=(str(path),),
        speaker="who",
        condition="condition",
        backend="backend",
        by=("accent", "gender", "accent*gender"),
        null=("NA", ""),
        reference_groups={"accent": "north"},
        baseline_backend="old",
        replicates=200,
        seed=11,
        above=(0.1, 0.5),
        covariates=("log_words", "effort"),
        confirm=("axis=accent, measure=ratio",),
        faas=True,
        out=str(tmp_path / "run"),
    )


def same_numbers(found: Results, wanted: Results) -> None:
    for name in COMPUTED:
        assert_frame_equal(getattr(found, name), getattr(wanted, name), check_exact=True)


def test_another_level_and_back_gives_what_runs_at_those_levels_hold(plan: ScorePlan, tmp_path: Path) -> None:
    score_tables(plan)
    made = Results.load(tmp_path / "run")
    assert not made.models.is_empty()
    assert set(made.tests["test"]) >= {"mapsswe", "sign_flip"}
    score_tables(replace(plan, level=0.9, out=str(tmp_path / "at90")))
    at90 = Results.load(tmp_path / "at90")
    lower = again(made, level=0.9)
    same_numbers(lower, at90)
    assert lower.signature["signature"] == at90.signature["signature"]
    same_numbers(again(lower, level=0.95), made)
    assert made.rates["low"].null_count() < len(made.rates)
    assert (lower.rates["high"] < made.rates["high"]).any()


def test_a_run_on_audio_is_computed_again(corpus: Path, recogniser: str, tmp_path: Path) -> None:
    plan = Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"heard": {"type": "command", "command": recogniser}},
        conditions=("clean", "telephone"),
        by=("accent",),
        covariates=("speaking_rate",),
        replicates=100,
        workers=1,
        out=str(tmp_path / "run"),
    )
    made = evaluate(plan)
    assert made.counts.height == 40
    same_numbers(again(again(Results.load(tmp_path / "run"), level=0.9), level=0.95), made)


def test_the_own_level_changes_nothing(plan: ScorePlan) -> None:
    made = score_tables(plan)
    assert again(made, level=0.95) is made


def test_a_folder_that_does_not_say_how_it_was_made_is_refused_by_key(plan: ScorePlan) -> None:
    made = score_tables(replace(plan, covariates=()))
    question = question_of(made)
    assert (question.above, question.faas) == ((0.1, 0.5), True)
    for key in ("above", "faas", "units", "family", "seed", "independent_utterances"):
        with pytest.raises(InputError, match=f"'{key}': found nothing; expected how the numbers were made"):
            question_of(replace(made, signature={**made.signature, key: None}))


def test_sensitivity_is_emptied_and_said(plan: ScorePlan, tmp_path: Path) -> None:
    made = score_tables(replace(plan, covariates=(), sensitivity=("none",)))
    assert not made.sensitivity.is_empty()
    lower = again(made, level=0.9)
    assert lower.sensitivity.is_empty()
    assert lower.signature["notes"][-1].startswith("the sensitivity to normalisation is not computed again")
    with pytest.raises(InputError, match=r"level: found 1\.5"):
        again(made, level=1.5)
    assert set(made.rates["level"]) == {0.95}
