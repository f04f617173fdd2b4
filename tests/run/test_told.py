"""Probes, words made up and confidences of a whole run: counted apart, computed again, and in nothing else."""

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import asrfair
from asrfair.errors import InputError
from asrfair.results import Results
from asrfair.run.again import again
from asrfair.run.analysis import exit_code
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.shareable import shareable
from asrfair.run.told import find_told
from asrfair.run.words import WordPlan, find_words
from asrfair.stats import Question
from asrfair.tables import COUNTS, MEASUREMENTS, RECOGNISED, REPEATS, TIMINGS, UTTERANCES, conform
from asrfair.tables import PROBES as PROBED

# Answers digital silence with a loop, and the second utterance of it not at all; anything else with what it hears.
PROGRAM = """
import json, sys, wave
import numpy as np
words = "zero one two three four five six seven eight nine".split()
for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["audio"]) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    told = {"utterance_id": request["utterance_id"]}
    blocks = samples[: len(samples) // 4000 * 4000].reshape(-1, 4000)
    heard = [words[int(np.sqrt((block**2).mean())) % 10] for block in blocks]
    if not samples.any():
        heard = ["bye"] * 5
    if not samples.any() and request["utterance_id"] == "u01":
        told["error"] = "nothing to hear"
    else:
        told["hypothesis"] = " ".join(heard)
        told["words"] = [{"text": word, "confidence": (7 * k % 10) / 10} for k, word in enumerate(heard)]
    print(json.dumps(told), flush=True)
"""
PROBES = ("probe-silence", "probe-white-noise")
COUNTED = dict.fromkeys(("reference_words", "hits", "substitutions", "deletions", "insertions", "looped_words"), 0)


@pytest.fixture
def plan(corpus: Path, tmp_path: Path) -> Plan:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": f"{sys.executable} {program}"}},
        conditions=("clean", *PROBES, "white-noise-10db"),
        by=("accent", "accent*gender"),
        seed=3,
        workers=1,
        out=str(tmp_path / "run"),
    )


@pytest.fixture
def results(plan: Plan) -> Results:
    return asrfair.evaluate(plan)


def metric(results: Results, name: str, *, condition: str, group: str = "overall") -> dict[str, float]:
    rows = results.metrics.filter(pl.col("metric") == name, pl.col("condition") == condition, pl.col("group") == group)
    return rows.row(0, named=True)


def test_probes_are_counted_apart_and_enter_nothing_else(results: Results, plan: Plan) -> None:
    assert set(results.hypotheses["condition"]) == set(plan.conditions)
    own = ("rates", "counts", "disparities", "tests", "models", "failures")
    for name in own:
        assert not set(PROBES) & set(getattr(results, name)["condition"].drop_nulls()), name
    assert len(results.counts) == 2 * 20
    silence = results.probes.filter(pl.col("condition") == "probe-silence")
    assert len(silence) == 20
    assert silence["failure"].drop_nulls().to_list() == ["command: nothing to hear"]
    assert silence["words"].drop_nulls().to_list() == [5] * 19
    assert silence["looped_words"].drop_nulls().to_list() == [4] * 19
    assert list(results.signature["conditions"]) == ["clean", "white-noise-10db"]
    assert list(results.signature["probes"]) == list(PROBES)
    assert (
        f"probes:probe-silence+{results.signature['probes']['probe-silence']['digest']}"
        in results.signature["signature"]
    )
    assert exit_code(results) == (0, None)


def test_the_same_run_without_probes_has_the_same_numbers(results: Results, plan: Plan, tmp_path: Path) -> None:
    bare = asrfair.evaluate(replace(plan, conditions=("clean", "white-noise-10db"), out=str(tmp_path / "bare")))
    for name in ("rates", "disparities", "counts", "tests", "calibration"):
        assert_frame_equal(getattr(results, name), getattr(bare, name))
    kept = results.metrics.filter(~pl.col("condition").is_in(PROBES))
    assert_frame_equal(kept, bare.metrics)
    assert "probes" not in bare.signature


def test_words_per_minute_and_shares_are_those_of_the_tables(results: Results) -> None:
    silence = results.probes.filter(pl.col("condition") == "probe-silence", pl.col("failure").is_null())
    minutes = silence["audio_s"].sum() / 60
    row = metric(results, "probe_words_per_minute", condition="probe-silence")
    assert row["estimate"] == pytest.approx(19 * 5 / minutes)
    assert row["low"] < row["estimate"] < row["high"]
    share = metric(results, "probe_utterances_with_words_share", condition="probe-silence", group="south")
    assert (share["estimate"], share["high"], share["speakers"]) == (1.0, 1.0, 5)
    clean = results.counts.filter(pl.col("condition") == "clean").join(
        results.timings, on=["utterance_id", "condition", "backend"]
    )
    row = metric(results, "insertions_per_minute", condition="clean")
    assert row["estimate"] == pytest.approx(clean["insertions"].sum() / (clean["audio_s"].sum() / 60))


def test_words_are_right_where_the_alignment_hits(results: Results) -> None:
    words = results.recognised.join(results.counts, on=["utterance_id", "condition", "backend"])
    assert words["right"].sum() == results.counts["hits"].sum()
    assert words["right"].null_count() == 0
    assert not results.recognised.filter(pl.col("condition").is_in(PROBES))["right"].any()
    clean = words.filter(pl.col("condition") == "clean")
    gap = clean["confidence"].mean() - clean["right"].mean()
    assert metric(results, "overconfidence", condition="clean")["estimate"] == pytest.approx(gap)
    curve = results.calibration.filter(pl.col("axis") == "overall", pl.col("condition") == "clean")
    assert curve["words"].sum() == len(clean)
    assert (curve["right_share"] * curve["words"]).sum() == pytest.approx(clean["right"].sum())


def test_again_and_the_folder_tell_the_same(results: Results, plan: Plan) -> None:
    loaded = Results.load(Path(plan.out))
    other = again(loaded, level=0.9)
    back = again(replace(other, signature={**other.signature, "level": 0.9}), level=0.95)
    names = ["probe_words_per_minute", "insertions_per_minute", "utterances_with_loops_share", "calibration_error"]
    own = results.metrics.filter(pl.col("metric").is_in(names))
    assert_frame_equal(back.metrics.filter(pl.col("metric").is_in(names)), own)
    assert_frame_equal(back.calibration, results.calibration)
    narrower = other.metrics.filter(pl.col("metric") == "insertions_per_minute")
    wider = results.metrics.filter(pl.col("metric") == "insertions_per_minute")
    assert (narrower["high"] < wider["high"]).all()


def test_a_run_folder_from_before_has_no_such_tables(results: Results, plan: Plan) -> None:
    folder = Path(plan.out)
    for name in ("probes", "calibration", "repeats", "recognised"):
        (folder / f"{name}.parquet").unlink()
    results.counts.drop("looped_words").write_parquet(folder / "counts.parquet")
    old = Results.load(folder)
    assert old.probes.is_empty()
    assert old.counts["looped_words"].null_count() == len(old.counts)
    assert "utterances_with_loops_share" not in set(again(old, level=0.9).metrics["metric"])


def test_wrong_words_in_pauses_are_counted_where_their_times_are_known() -> None:
    """Of u1 two words lie in pauses, one of them right; u2 has a word without a time; u3 is longer than recorded."""
    key = {"condition": "clean", "backend": "b"}
    names = ["u1", "u2", "u3", "u4"]
    counts = conform(
        pl.DataFrame(
            [
                {"utterance_id": name, "speaker_id": f"s{name}", **key, "normalizer": "basic-1", **COUNTED}
                for name in names
            ]
        ).with_columns(hits=pl.when(pl.col("utterance_id") == "u4").then(0).otherwise(1)),
        COUNTS,
    )
    words = [("u1", 0.1, 0.2, False), ("u1", 0.3, 0.4, True), ("u1", 0.4, 0.6, False), ("u1", 2.0, 2.1, False)]
    words += [("u2", 0.1, 0.2, False), ("u2", None, None, False), ("u3", 0.1, 0.2, False)]
    recognised = conform(
        pl.DataFrame(words, schema=["utterance_id", "start_s", "end_s", "right"], orient="row").with_columns(
            **{name: pl.lit(value) for name, value in key.items()}
        ),
        RECOGNISED,
    )
    measured = pl.DataFrame({"utterance_id": names, "duration_s": 30.0, "pauses": "0.000-0.500 3.000-4.000"})
    timings = pl.DataFrame({"utterance_id": names, **key, "audio_s": [30.0, 30.0, 33.0, 30.0], "seconds": 1.0})
    told = find_told(
        Question(axes=()),
        utterances=conform(pl.DataFrame({"utterance_id": names}), UTTERANCES),
        counts=counts,
        timings=conform(timings, TIMINGS),
        probes=pl.DataFrame(schema=PROBED),
        recognised=recognised,
        repeats=pl.DataFrame(schema=REPEATS),
        measurements=conform(measured, MEASUREMENTS),
    )
    (found,) = told.metrics.filter(pl.col("metric") == "words_without_speech_per_minute").to_dicts()
    # Of u1 and u4, which has no words: one word in a minute.
    assert (found["estimate"], found["speakers"]) == (1.0, 2)
    assert "2 utterances without word times or measured pauses left out" in found["note"]


def test_words_of_a_group_are_not_looked_for_on_probes(results: Results) -> None:
    with pytest.raises(InputError, match="no condition 'probe-silence'"):
        find_words(results, WordPlan(condition="probe-silence"))


def test_a_shareable_form_keeps_what_is_of_enough_people(results: Results) -> None:
    shared = shareable(results, least=4)
    for name in ("probes", "recognised", "alternatives", "repeats"):
        assert getattr(shared, name).is_empty(), name
    assert shared.measurements["pauses"].null_count() == len(shared.measurements)
    assert set(shared.calibration["axis"]) == {"overall"}
    assert shared.calibration["speakers"].min() >= 4
    names = {"probe_words_per_minute", "insertions_per_minute", "calibration_error"}
    kept = shared.metrics.filter(pl.col("metric").is_in(names))
    assert set(kept["metric"]) == names
    assert set(kept["group"]) == {"overall", "north", "south"}
    # Five speakers of an accent are two or three of a gender.
    assert kept["speakers"].min() >= 4


def test_a_plan_needs_a_condition_under_which_somebody_speaks(plan: Plan) -> None:
    with pytest.raises(InputError, match="conditions: found probes alone; expected one under which"):
        asrfair.evaluate(replace(plan, conditions=PROBES))
    with pytest.raises(InputError, match="baseline_condition: found 'probe-silence'; expected one of: clean"):
        asrfair.evaluate(replace(plan, baseline_condition="probe-silence"))
