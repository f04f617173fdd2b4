"""Cells transcribed again in fresh processes: by a recogniser that repeats itself, and by one that does not."""

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import asrfair
from asrfair.errors import CardError
from asrfair.results import Results
from asrfair.run.again import again
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.run.repeat import MORE

# By chance, the first word of every second utterance depends on how often the program was started before.
PROGRAM = """
import json, sys
words = "zero one two three four five six seven eight nine".split()
chance = sys.argv[1] == "chance"
with open(sys.argv[0] + sys.argv[1], "a+") as file:
    file.write("x")
    file.flush()
    file.seek(0)
    started = len(file.read())
for line in sys.stdin:
    request = json.loads(line)
    number = int(request["utterance_id"][1:])
    heard = [words[(number + k) % 10] for k in range(4)]
    if chance and number % 2:
        heard[0] = words[started % 10]
    print(json.dumps({"utterance_id": request["utterance_id"], "hypothesis": " ".join(heard)}), flush=True)
"""


@pytest.fixture
def plan(corpus: Path, tmp_path: Path) -> Plan:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={
            kind: {"type": "command", "command": f"{sys.executable} {program} {kind}"} for kind in ("steady", "chance")
        },
        conditions=("clean", "probe-silence", "white-noise-10db"),
        by=("accent",),
        workers=1,
        repeat_check=12,
        cache="none",
        out=str(tmp_path / "run"),
    )


def test_who_repeats_itself_is_told_from_who_does_not(plan: Plan) -> None:
    results = asrfair.evaluate(plan)
    drawn = results.repeats.group_by("backend", "repeat").len().sort("backend", "repeat")
    assert drawn.rows() == [*(("chance", k + 1, 12) for k in range(MORE + 1)), ("steady", 1, 12)]
    steady = results.repeats.filter(pl.col("backend") == "steady")
    assert steady["same"].all()
    assert steady["changed_words"].sum() == 0
    chance = results.repeats.filter(pl.col("backend") == "chance")
    odd = chance["utterance_id"].str.slice(1).cast(pl.Int64) % 2 == 1
    assert chance.filter(~odd)["changed_words"].sum() == 0
    assert chance.filter(odd)["changed_words"].max() == 1
    assert set(chance["first_words"]) == {4}
    on_probe = chance.filter(pl.col("condition") == "probe-silence")
    assert set(on_probe["reference_words"]) <= {0}
    counted = chance.filter(pl.col("condition") != "probe-silence").join(
        results.counts, on=["utterance_id", "condition", "backend"]
    )
    errors = counted.select(pl.sum_horizontal("substitutions", "deletions", "insertions")).to_series()
    assert counted["first_errors"].to_list() == errors.to_list()

    shares = results.metrics.filter(pl.col("metric") == "repeat_differing_share").sort("backend")
    assert shares["note"].to_list()[1] == "0 of 12 cells transcribed again differ"
    assert shares["high"].to_list()[1] == pytest.approx(1 - 0.025 ** (1 / 12))
    noted = results.rates.filter(pl.col("note").fill_null("").str.contains("from run to run it differs by"))
    assert set(noted["backend"]) == {"chance"}
    assert len(noted) == 3 * 2
    assert_frame_equal(again(again(results, level=0.9), level=0.95).rates, results.rates)
    loaded = Results.load(Path(plan.out))
    assert_frame_equal(loaded.repeats, results.repeats)


def test_the_same_cells_are_drawn_and_nothing_else_changes(plan: Plan, tmp_path: Path) -> None:
    steady = replace(plan, backends={"steady": plan.backends["steady"]})
    one = asrfair.evaluate(steady)
    other = asrfair.evaluate(replace(steady, out=str(tmp_path / "other")))
    assert_frame_equal(one.repeats, other.repeats)
    # What is transcribed again is an addition to a run: the same folder goes on without.
    without = asrfair.evaluate(replace(steady, repeat_check=0))
    assert without.repeats.is_empty()
    assert_frame_equal(without.rates, one.rates)
    assert_frame_equal(without.metrics, one.metrics.filter(~pl.col("metric").str.starts_with("repeat_")))


def test_stored_transcripts_are_not_repeated(plan: Plan, tmp_path: Path) -> None:
    stored = tmp_path / "stored.csv"
    rows = "".join(f"u{k:02d},zero one\n" for k in range(20))
    stored.write_text(f"utterance_id,hypothesis\n{rows}", encoding="utf-8")
    told = asrfair.evaluate(
        replace(plan, backends={"replay": {"type": "replay", "argument": str(stored)}}, conditions=("clean",))
    )
    assert told.repeats.is_empty()


def test_a_number_of_cells_below_none_is_refused(plan: Plan) -> None:
    with pytest.raises(CardError, match="'repeat_check': found -1; expected a number of cells from 0"):
        replace(plan, repeat_check=-1)
