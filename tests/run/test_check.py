"""A run held to a policy: outcomes, exit codes, names that do not exist, and what a build reads."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from asrfair.cli import main
from asrfair.errors import InputError, RunFolderError
from asrfair.report.gate.text import how
from asrfair.report.gate.verdicts import Verdicts
from asrfair.results import Results
from asrfair.run.again import again
from asrfair.run.check import check
from asrfair.run.score import score_tables
from asrfair.run.transcripts import ScorePlan
from asrfair.seeds import generator

HOSTILE = "<b>|`x`\u202e\u0007"
# Group to true WER and speakers.
GROUPS = {"us": (0.1, 30), "north": (0.1, 30), "south": (0.3, 30), HOSTILE: (0.12, 8), "lone": (0.1, 1)}


def write_run(
    folder: Path, name: str, *, worse: float = 1.0, has: Callable[[str, str], bool] = lambda utterance, backend: True
) -> Path:
    """Score counts by two systems: each group at its rate, the second system a little worse, the south ``worse``."""
    lines = ["utterance_id,speaker,accent,backend,words,substitutions,deletions,insertions"]
    for group, (rate, speakers) in GROUPS.items():
        # Runs share utterances and what makes a speaker hard to hear.
        rng, own = generator(5, "gate", group), generator(5, "gate", group, name)
        for speaker in range(speakers):
            talent = float(np.exp(rng.normal(0, 0.3)))
            for k in range(4):
                for backend, factor in (("A", 1.0), ("B", 1.1)):
                    more = worse if group == "south" else 1.0
                    errors = own.binomial(25, min(rate * talent * factor * more, 0.9))
                    if not has(f"{group}{speaker}-{k}", backend):
                        continue
                    lines.append(f"{group}{speaker}-{k},{group}{speaker},{group},{backend},25,{errors},0,0")
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"{name}.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan = ScorePlan(
        tables=(str(table),),
        speaker="speaker",
        backend="backend",
        words="words",
        by=("accent",),
        reference_groups={"accent": "us"},
        out=str(folder / name),
    )
    score_tables(plan)
    return folder / name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("gate"), "new")


def held(run: Path, folder: Path, rules: str, *, unjudged: str = "report", head: str = "") -> Verdicts:
    path = folder / "policy.toml"
    blocks = "".join(f"[[rule]]\n{rule}\n" for rule in rules.split("---"))
    path.write_text(f'unjudged = "{unjudged}"\n{head}\n{blocks}', encoding="utf-8")
    return check(run, path)


def rule(name: str = "r", **values: str) -> str:
    keys = {"name": name, "axis": "accent", "backend": "A"} | values
    return "\n".join(
        f"{key} = {value if value.startswith('[') else json.dumps(value)}" for key, value in keys.items() if value
    )


ALARM = {"measure": "ratio", "limit": "1.25 x", "fail_if": "proved worse"}
GOOD = {"measure": "wer", "limit": "15 %", "require": "proved good"}


def outcomes(found: Verdicts) -> dict[str | None, str]:
    return {cell.group: cell.outcome for cell in found.cells}


def test_an_alarm_fails_where_proved_worse_alone(run: Path, tmp_path: Path) -> None:
    found = held(run, tmp_path, rule(**ALARM))
    assert outcomes(found) == {
        "north": "passed",
        "south": "failed",
        HOSTILE: "passed",
        "lone": "could not be judged",
    }
    south = next(cell for cell in found.cells if cell.group == "south")
    assert south.verdict == "proved worse"
    assert south.low > 1.25
    assert (south.speakers, south.reference_speakers, south.reference_words) == (30, 30, 3000)
    assert found.exit_code == 1


def test_bounds_are_the_ends_of_the_90_percent_interval_and_of_holms_step(run: Path, tmp_path: Path) -> None:
    found = held(run, tmp_path, rule(**ALARM))
    assert found.alarms == 3  # the lone speaker can raise none
    results = Results.load(run)

    def ratio(group: str, level: float) -> tuple[float, float]:
        rows = again(results, level=level).disparities
        return rows.filter(axis="accent", measure="ratio", group=group, backend="A").select("low", "high").row(0)

    for group, steps in (("south", 3), ("north", 2)):
        cell = next(cell for cell in found.cells if cell.group == group)
        assert cell.high == pytest.approx(ratio(group, 0.9)[1])
        assert cell.low == pytest.approx(ratio(group, 1 - 0.1 / steps)[0])
        assert (cell.high_level, cell.low_level) == pytest.approx((0.95, 1 - 0.05 / steps))


def test_what_is_required_is_passed_failed_or_left_open(run: Path, tmp_path: Path) -> None:
    found = held(run, tmp_path, rule(**GOOD))
    assert outcomes(found) == {
        "us": "passed",
        "north": "passed",
        "south": "failed",
        HOSTILE: "could not be judged",
        "lone": "could not be judged",
    }
    reasons = {cell.group: cell.reason for cell in found.cells}
    assert reasons["lone"] == "1 speaker: not judged"
    assert reasons[HOSTILE] == "the bounds lie on both sides of the limit"
    few = next(cell for cell in found.cells if cell.group == HOSTILE)
    # More than there are, and enough by the law of the root: the way to the limit is that much shorter.
    assert few.speakers_needed > 8
    way = np.log(few.high / few.estimate) / np.log(0.15 / few.estimate)
    assert few.speakers_needed == int(np.ceil(8 * way**2))


@pytest.mark.parametrize(("unjudged", "code"), [("fail", 1), ("pass", 0), ("report", 3)])
def test_the_policy_says_what_unjudged_means(run: Path, tmp_path: Path, unjudged: str, code: int) -> None:
    lone = rule(**GOOD, group="lone")
    assert held(run, tmp_path, lone, unjudged=unjudged).exit_code == code
    assert held(run, tmp_path, f'{lone}\nunjudged = "{unjudged}"').exit_code == code


def test_how_many_times_the_speakers_of_both_sides_would_do(run: Path, tmp_path: Path) -> None:
    asked = {"measure": "ratio", "require": "proved good", "group": "north"}
    (good,) = held(run, tmp_path, rule(limit="9 x", **asked)).cells
    assert (good.verdict, good.times_the_speakers) == ("proved good", None)
    limit = round((good.estimate + good.high) / 2, 3)
    (north,) = held(run, tmp_path, rule(limit=f"{limit} x", **asked)).cells
    assert (north.verdict, north.speakers_needed) == ("not proved", None)
    # The way from the estimate to the end falls as one over the root of the speakers; here to the limit.
    way = np.log(north.high / north.estimate) / np.log(limit / north.estimate)
    assert way > 1
    assert north.times_the_speakers == pytest.approx(way**2)


def test_a_failure_wins_over_what_could_not_be_judged(run: Path, tmp_path: Path) -> None:
    both = rule(**GOOD, group="lone") + "\n---" + rule("alarm", **ALARM, group="south")
    assert held(run, tmp_path, both).exit_code == 1


def test_the_worst_group_is_not_good_while_a_group_is_unjudged(run: Path, tmp_path: Path) -> None:
    worst = {"measure": "worst_group_wer", "limit": "90 %", "require": "proved good"}
    (cell,) = held(run, tmp_path, rule(**worst)).cells
    assert (cell.group, cell.outcome) == ("south", "could not be judged")
    assert cell.reason == "1 group could not be judged: lone"
    (cell,) = held(run, tmp_path, rule(**(worst | {"limit": "15 %"}))).cells
    assert cell.outcome == "failed"


def test_counts_are_known(run: Path, tmp_path: Path) -> None:
    found = held(run, tmp_path, rule(measure="speakers", limit="8 speakers", require="at least"))
    assert outcomes(found) == dict.fromkeys(GROUPS, "passed") | {"lone": "failed"}
    assert found.alarms == 0
    words = held(run, tmp_path, rule(measure="words", limit="3000 words", require="at least", group="us"))
    assert words.exit_code == 0


def test_failures_may_be_bounded_or_counted(run: Path, tmp_path: Path) -> None:
    most = {"measure": "failure_share", "axis": "overall", "limit": "1 %"}
    assert held(run, tmp_path, rule(**most, require="at most")).exit_code == 0
    (cell,) = held(run, tmp_path, rule(**most, require="proved good")).cells
    # No failure in 396 by speakers who cannot have more of a spread than one failure: −ln(.05)/396.
    assert cell.high == pytest.approx(-np.log(0.05) / (4 * sum(n for _, n in GROUPS.values())))


def test_more_is_better_for_recall(run: Path, tmp_path: Path) -> None:
    text = rule(measure="word_recall", limit="80 %", group='["us", "south"]', require="proved good")
    assert outcomes(held(run, tmp_path, text)) == {"us": "passed", "south": "failed"}
    (cell,) = held(run, tmp_path, rule(measure="word_recall", limit="90 %", require="proved good", group="us")).cells
    assert cell.outcome == "could not be judged"
    assert cell.low < 0.9 < cell.high
    # The lower bound is the one that proves good; the upper one is of Holm's step.
    assert (cell.low_level, cell.high_level) == (0.95, 0.95)


def test_everybody_together_and_a_gap(run: Path, tmp_path: Path) -> None:
    all_of = rule(measure="wer", axis="overall", limit="50 %", require="proved good")
    gap = rule("gap", measure="gap", limit="5 points", fail_if="proved worse")
    found = held(run, tmp_path, f"{all_of}\n---{gap}")
    assert [cell.outcome for cell in found.cells] == ["passed", "failed"]
    assert found.cells[1].reference_group in ("us", "north", "lone", HOSTILE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rule(**GOOD, group="west"), "'group': found 'west'; expected one of: "),
        (rule(**(GOOD | {"axis": "age"})), "'axis': found 'age'; expected one of: accent, overall"),
        (rule(**(GOOD | {"backend": "C"})), "'backend': found 'C'; expected one of: A, B"),
        (rule(**GOOD, condition="noise"), "'condition': found 'noise'; expected one of: "),
        (rule(**ALARM, group="us"), "'group': found 'us'; expected one of: "),
        (rule(measure="gap", limit="1 points", axis="overall", fail_if="proved worse"), "expected one of: accent"),
        (rule(measure="condition_ratio", limit="2 x", fail_if="proved worse"), "found none that the rule can judge"),
        (rule(measure="handicap", limit="2 dB", fail_if="proved worse"), "found none that the rule can judge"),
        (rule(measure="regression_ratio", limit="2 x", fail_if="proved worse"), "without a baseline run"),
    ],
)
def test_names_that_do_not_exist_are_no_pass(run: Path, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        held(run, tmp_path, text)
    assert message in str(raised.value)
    assert "policy.toml: rule 1 'r'" in str(raised.value)
    assert "\u0007" not in str(raised.value)


def test_half_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        held(tmp_path, tmp_path, rule(**GOOD))


def test_an_empty_run_and_one_of_failures_alone(run: Path, tmp_path: Path) -> None:
    whole = Results.load(run)
    nothing = {name: getattr(whole, name).head(0) for name in ("counts", "rates", "disparities", "metrics", "tests")}
    replace(whole, **nothing).save(tmp_path / "empty")
    with pytest.raises(InputError, match="nothing was transcribed"):
        held(tmp_path / "empty", tmp_path, rule(**GOOD))
    facts = whole.counts.select("utterance_id", "speaker_id", "condition", "backend", "accent")
    failed = facts.with_columns(stage=pl.lit("recognition"), reason=pl.lit("broken"))
    replace(whole, **nothing, failures=failed.select(whole.failures.columns)).save(tmp_path / "failed")
    found = held(tmp_path / "failed", tmp_path, rule(**GOOD))
    assert set(outcomes(found).values()) == {"could not be judged"}
    share = rule(measure="failure_share", axis="overall", limit="5 %", fail_if="proved worse")
    assert held(tmp_path / "failed", tmp_path, share).exit_code == 1


def test_a_regression_is_found_and_a_run_equals_itself(run: Path, tmp_path: Path) -> None:
    worse = write_run(tmp_path, "worse", worse=1.6)
    text = rule(measure="regression_difference", limit="5 points", fail_if="proved worse", group='["us", "south"]')
    found = held(worse, tmp_path, text, head=f'baseline = "{run}"')
    assert outcomes(found) == {"us": "passed", "south": "failed"}
    (cell,) = held(run, tmp_path, rule(measure="word_recall", limit="90 %", require="proved good", group="us")).cells
    assert cell.outcome == "could not be judged"
    assert cell.low < 0.9 < cell.high
    # The lower bound is the one that proves good; the upper one is of Holm's step.
    assert (cell.low_level, cell.high_level) == (0.95, 0.95)
    south = next(cell for cell in found.cells if cell.group == "south")
    assert (south.backend, south.reference_backend) == ("A", "A (old)")
    same = held(run, tmp_path, text, head=f'baseline = "{run}"')
    assert {(cell.estimate, cell.outcome) for cell in same.cells} == {(0.0, "passed")}


REGRESSION = {"measure": "regression_difference", "limit": "5 points", "fail_if": "proved worse"}


def fail(folder: Path, run: Path, which: pl.Expr) -> Path:
    """Save a run in which some of what was counted failed."""
    whole = Results.load(run)
    lost = whole.counts.filter(which).with_columns(stage=pl.lit("recognition"), reason=pl.lit("broken"))
    failures = lost.select(whole.failures.columns)
    rates = whole.rates.with_columns(pl.col("failures", "utterances").cast(pl.Int64))
    axes = {"overall": pl.lit("overall"), "accent": pl.col("accent")}
    for axis, of in axes.items():
        counts = lost.group_by(pl.lit(axis).alias("axis"), of.alias("group"), "condition", "backend").len("gone")
        rates = rates.join(counts, on=["axis", "group", "condition", "backend"], how="left", maintain_order="left")
        gone = pl.col("gone").fill_null(0).cast(pl.Int64)
        rates = rates.with_columns(pl.col("failures") + gone, pl.col("utterances") - gone).drop("gone")
    replace(whole, counts=whole.counts.filter(~which), failures=failures, rates=rates).save(folder)
    return folder


@pytest.mark.parametrize("asked", [{"fail_if": "proved worse"}, {"require": "proved good"}])
def test_what_vanished_since_the_baseline_is_no_pass(run: Path, tmp_path: Path, asked: dict[str, str]) -> None:
    """The last utterance of every northerner, and all of the group with the hostile name, are gone."""

    def has(utterance: str, backend: str) -> bool:
        return not (utterance.startswith(HOSTILE) or (utterance.startswith("north") and utterance.endswith("-3")))

    fewer = write_run(tmp_path, "fewer", has=has)
    text = rule(measure="regression_difference", limit="5 points", **asked)
    head = f'baseline = "{run}"'
    found = held(fewer, tmp_path, text, head=head)
    assert outcomes(found) == dict.fromkeys(("us", "south"), "passed") | dict.fromkeys(
        ("north", HOSTILE, "lone"), "could not be judged"
    )
    reasons = {cell.group: cell.reason for cell in found.cells}
    assert reasons["north"] == "30 utterances that the baseline run transcribed are missing in this run"
    assert reasons[HOSTILE] == "32 utterances that the baseline run transcribed are missing in this run"
    assert found.exit_code == 3
    assert any("this run lacks 62 utterances with A in" in note for note in found.notes)
    allowed = held(fewer, tmp_path, text, head=f'{head}\nmissing = "allow"')
    assert outcomes(allowed) == dict.fromkeys(("us", "south", "north"), "passed") | {"lone": "could not be judged"}
    assert any("this run lacks 62 utterances with A in" in note for note in allowed.notes)


def test_a_disparity_is_not_compared_where_the_reference_group_lost_utterances(run: Path, tmp_path: Path) -> None:
    fewer = write_run(tmp_path, "fewer", has=lambda utterance, backend: not utterance.startswith("us1-"))
    text = rule(measure="regression_interaction_difference", limit="9 points", fail_if="proved worse", group="south")
    (cell,) = held(fewer, tmp_path, text, head=f'baseline = "{run}"').cells
    assert (cell.outcome, cell.verdict) == ("could not be judged", "not comparable")
    assert cell.reason == "4 utterances that the baseline run transcribed are missing in this run"


def test_a_recogniser_that_vanished_is_no_pass(run: Path, tmp_path: Path) -> None:
    fewer = write_run(tmp_path, "fewer", has=lambda utterance, backend: backend == "A")
    head = f'baseline = "{run}"'
    found = held(fewer, tmp_path, rule(**REGRESSION, backend="all", group="us"), head=head)
    assert {cell.backend: cell.outcome for cell in found.cells} == {"A": "passed", "B": "could not be judged"}
    assert found.cells[1].reason == "the recogniser B of the baseline run is missing in this run"
    allowed = held(fewer, tmp_path, rule(**REGRESSION, backend="all", group="us"), head=f'{head}\nmissing = "allow"')
    assert [cell.backend for cell in allowed.cells] == ["A"]


def test_what_is_proved_worse_on_the_rest_still_fails(run: Path, tmp_path: Path) -> None:
    worse = write_run(tmp_path, "worse", worse=1.6, has=lambda utterance, backend: not utterance.endswith("-3"))
    found = held(worse, tmp_path, rule(**REGRESSION, group="south"), head=f'baseline = "{run}"')
    assert outcomes(found) == {"south": "failed"}


def test_failures_are_told_and_are_no_pass_of_a_regression(run: Path, tmp_path: Path) -> None:
    hard = (pl.col("accent") == "south") & pl.col("utterance_id").str.ends_with("-3") & (pl.col("backend") == "A")
    broken = fail(tmp_path / "broken", run, hard)
    found = held(broken, tmp_path, rule(**REGRESSION, group='["us", "south"]'), head=f'baseline = "{run}"')
    assert outcomes(found) == {"us": "passed", "south": "could not be judged"}
    south = next(cell for cell in found.cells if cell.group == "south")
    assert south.failures == 30
    assert south.reason.endswith("missing in this run, 30 of them as failed transcriptions")
    assert outcomes(held(run, tmp_path, rule(**REGRESSION, group="us"), head=f'baseline = "{broken}"')) == {
        "us": "passed"
    }
    found = held(broken, tmp_path, rule(**GOOD, group='["us", "south"]'))
    assert {cell.group: cell.failures for cell in found.cells} == {"us": 0, "south": 30}
    assert "30 of 792 transcriptions failed (south by accent: 30 of 240) and are in no WER." in found.notes
    # A measure over all groups has the failures of any.
    found = held(broken, tmp_path, rule(measure="worst_group_wer", limit="80 %", require="proved good"))
    assert [cell.failures for cell in found.cells] == [30]


def test_failures_are_in_every_form(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = fail(tmp_path / "broken", run, pl.col("utterance_id").is_in(["us1-0", "us2-0"]))
    held(broken, tmp_path, rule(**GOOD, group="us"))
    files = {name: tmp_path / f"a.{name}" for name in ("junit", "json", "summary")}
    arguments = ["check", str(broken), "--policy", str(tmp_path / "policy.toml"), "--width", "80"]
    assert main([*arguments, *(f"--{kind}={path}" for kind, path in files.items())]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "failed transcriptions, in no WER: 2 (us, as recorded, A)" in text
    data = json.loads(files["json"].read_text(encoding="utf-8"))
    assert data["rules"][0]["cells"][0]["failures"] == 2
    note = "4 of 792 transcriptions failed (us by accent: 4 of 240) and are in no WER."
    assert note in data["how"]
    assert note in text
    xml = files["junit"].read_text(encoding="utf-8")
    assert note in xml
    assert "30 speakers, 2,950 words, 2 transcriptions failed" in xml
    assert "2 transcriptions failed" in files["summary"].read_text(encoding="utf-8")


def test_a_rate_of_few_speakers_tells_of_outliers_and_a_worst_group_that_it_was_picked(
    run: Path, tmp_path: Path
) -> None:
    def told(text: str) -> str:
        return " ".join(how(held(run, tmp_path, text)))

    assert "bound on fewer than 30 speakers" not in told(rule(**GOOD, group="us"))
    assert "bound on fewer than 30 speakers" in told(rule(**GOOD, group=json.dumps([HOSTILE])))
    assert "bound on fewer than 30 speakers" not in told(rule(**ALARM))
    picked = "plug-in value, biased upward"
    assert picked not in told(rule(**GOOD))
    assert picked in told(rule(measure="worst_group_wer", limit="80 %", require="proved good"))


def test_what_a_build_reads(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held(run, tmp_path, rule("a ]]> rule", **ALARM), unjudged="fail")
    files = {name: tmp_path / name for name in ("a.xml", "a.json", "a.md")}
    code = main(
        ["check", str(run), "--policy", str(tmp_path / "policy.toml"), "--width", "80"]
        + [f"--{kind}={path}" for kind, path in zip(("junit", "json", "summary"), files.values(), strict=True)]
    )
    assert code == 1
    text = capsys.readouterr().out
    assert text.endswith("Gate failed (exit code 1)\n")
    assert "\u0007" not in text
    assert max(map(len, text.splitlines())) <= 80
    data = json.loads(files["a.json"].read_text(encoding="utf-8"))
    assert (data["exit_code"], data["one_sided"], data["counts"]["failed"]) == (1, True, 1)
    suite = ElementTree.parse(files["a.xml"]).getroot().find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "0",
    }
    markdown = files["a.md"].read_text(encoding="utf-8")
    assert "❌ failed: proved worse" in markdown
    assert "<b>" not in markdown


def test_json_alone_on_standard_output(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held(run, tmp_path, rule(**GOOD, group="us"))
    assert main(["check", str(run), "--policy", str(tmp_path / "policy.toml"), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "passed"


def test_the_step_summary_is_appended_to_when_asked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held(run, tmp_path, rule(**GOOD, group="us"))
    arguments = ["check", str(run), "--policy", str(tmp_path / "policy.toml")]
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(arguments) == 0
    assert summary.read_text(encoding="utf-8") == "before\n"
    assert main([*arguments, "--github"]) == 0
    assert summary.read_text(encoding="utf-8").startswith("before\n## Gate passed")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert main([*arguments, "--github"]) == 2
    assert "GITHUB_STEP_SUMMARY" in capsys.readouterr().err


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--example"]) == 0
    assert capsys.readouterr().out.startswith("# Put in your axes and conditions")
    assert main(["check", str(tmp_path)]) == 2
    assert main(["check", str(tmp_path), "--policy", str(tmp_path / "none.toml")]) == 2
