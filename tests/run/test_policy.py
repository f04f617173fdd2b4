"""A policy is read strictly: every fault is one line that names the file, the rule and what was expected."""

from pathlib import Path

import polars as pl
import pytest

from asrfair.errors import CardError
from asrfair.results import Results
from asrfair.run.policy import LoadedPolicy, load_policy
from asrfair.run.policy_example import EXAMPLE, example_of
from asrfair.tables import TABLES

RULE = 'name = "r"\nmeasure = "wer"\naxis = "accent"\nlimit = "25 %"\nrequire = "proved good"\n'


def load(folder: Path, rule: str = RULE, head: str = 'unjudged = "report"\n') -> LoadedPolicy:
    path = folder / "policy.toml"
    path.write_text(f"{head}[[rule]]\n{rule}", encoding="utf-8")
    return load_policy(path)


def changed(**values: str) -> str:
    """Return the rule with other lines, each written as TOML; an empty text leaves one out."""
    lines = dict(line.split(" = ", 1) for line in RULE.splitlines()) | values
    return "".join(f"{key} = {value}\n" for key, value in lines.items() if value)


def test_the_example_is_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    loaded = load_policy(path)
    assert len(loaded.rules) == 5
    assert loaded.baseline is None
    # What is commented out is a policy, too.
    path.write_text(
        EXAMPLE.replace('# baseline = "last-release"', 'baseline = "last-release"')
        .replace("# level", "level")
        .split("# [[rule]]")[0]
        + "".join(
            f"{line.removeprefix('# ')}\n" for line in ("[[rule]]" + EXAMPLE.split("# [[rule]]")[1]).splitlines()
        ),
        encoding="utf-8",
    )
    loaded = load_policy(path)
    assert [checked.rule.measure for checked in loaded.rules][-1] == "regression_difference"
    assert loaded.baseline == tmp_path / "last-release"


@pytest.mark.parametrize(
    ("measure", "text", "value"),
    [
        ("wer", "25 %", 0.25),
        ("wer", "12.5%", 0.125),
        ("ratio", "1.25 x", 1.25),
        ("ratio", "2 times", 2.0),
        ("difference", "-3 points", -0.03),
        ("wer", "0 %", 0.0),
        ("share_of_speakers_above_0.5", "10 per cent", 0.1),
    ],
)
def test_limits(tmp_path: Path, measure: str, text: str, value: float) -> None:
    (checked,) = load(tmp_path, changed(measure=f'"{measure}"', limit=f'"{text}"')).rules
    assert checked.limit.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            changed(limit='"25"'),
            "rule 1 'r': 'limit': found '25' without a unit; expected a unit as well, such as '25 %'",
        ),
        (changed(limit="0.25"), "'limit': found 0.25 without a unit; expected a text such as '25 %'"),
        (changed(limit='"1,5 %"'), "found '1,5 %'"),
        (changed(limit='"25 points"'), "found '25 points' for WER; expected a limit such as '25 %'"),
        (changed(limit='"-1 %"'), "found '-1 %'; expected 0 or above"),
        (changed(limit=f'"{"9" * 400} %"'), "found a number of 400 digits; expected a limit such as '25 %'"),
        (
            changed(measure='"handicap"', limit=f'"{"9" * 400} dB"'),
            "found a number of 400 digits; expected a limit such as '2 dB'",
        ),
        (
            changed(measure='"words"', limit='"-1 words"', require='"at least"'),
            "found '-1 words'; expected 0 or above",
        ),
        (
            changed(measure='"words"', limit='"9.5 words"', require='"at least"'),
            "found '9.5 words'; expected a whole number, such as '10 words'",
        ),
        (
            changed(measure='"speakers"', limit='"5 words"', require='"at least"'),
            "expected a limit such as '10 speakers'",
        ),
        (changed(measure='"ratio"', limit='"0 x"'), "expected a number above 0"),
        (changed(limit='"a lot"'), "a point before decimals) and its unit, such as '25 %'"),
        (changed(limit='"20,5 %"'), "found '20,5 %'; expected a number (digits, with a point before decimals)"),
        (changed(limit='"1e9 %"'), "found '1e9 %'; expected a number (digits, with a point before decimals)"),
        (changed(measure='"wr"'), "unknown measure 'wr'; expected one of: wer, worst_group_wer"),
        (changed(require=""), "found neither of fail_if and require"),
        (changed(fail_if='"proved worse"'), "found both of fail_if and require"),
        (
            changed(require='"at most"'),
            "found 'at most' for wer; expected fail_if = 'proved worse' or require = 'proved good'",
        ),
        (changed(require='"good"'), "'require'"),
        (changed(axis=""), "key 'axis' is missing"),
        (changed(measure='"gap"', limit='"1 points"', group='"us"'), "found 'group', which gap has no use for"),
        (changed(ladder='"snr"'), "found 'ladder', which wer has no use for"),
        (changed(condition="[]"), "'condition': found nothing"),
        (changed(colour='"red"'), "unknown key 'colour'"),
        (changed(name='" "'), "'name': found a blank"),
        (changed(unjudged='"maybe"'), "'unjudged'"),
        (RULE + "[[rule]]\n" + RULE, "two rules named 'r'"),
    ],
)
def test_faults_of_a_rule(tmp_path: Path, rule: str, message: str) -> None:
    with pytest.raises(CardError) as raised:
        load(tmp_path, rule)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "policy.toml"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "key 'unjudged' is missing"),
        ('unjudged = "report"\nlevel = 95\n', "'level': found 95"),
        ('unjudged = "report"\nlevel = 0.5\n', "'level': found 0.5"),
        ('unjudged = "report"\nrules = 3\n', "unknown key 'rules'"),
    ],
)
def test_faults_of_the_policy(tmp_path: Path, head: str, message: str) -> None:
    with pytest.raises(CardError) as raised:
        load(tmp_path, head=head)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "text", ['unjudged = "report"\nrule = []', 'unjudged = "report"\n[rule]\nname = "r"', "unjudged ="]
)
def test_a_policy_without_rules(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=r"policy\.toml"):
        load_policy(path)


@pytest.mark.parametrize(("reference", "conditions", "rules"), [("Québec", 2, 5), ("Québec", 1, 4), (None, 2, 4)])
def test_the_example_of_a_run_has_its_names(tmp_path: Path, reference: str | None, conditions: int, rules: int) -> None:
    tables = {name: pl.DataFrame(schema=schema) for name, schema in TABLES.items()}
    signature = {
        "signature": "asrfair",
        "axes": {"plain": {}, 'region "said"': {"reference_group": reference}},
        "conditions": {"as recorded": {}, "street": {}} if conditions == 2 else {"as recorded": {}},
    }
    Results(**tables, signature=signature).save(tmp_path / "run")
    text = example_of(tmp_path / "run")
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load_policy(path)
    assert len(loaded.rules) == rules
    axis = "plain" if reference is None else 'region "said"'
    assert {checked.rule.axis for checked in loaded.rules} == {axis, "overall"}
    assert {checked.rule.condition for checked in loaded.rules} == {"as recorded", "all"}
    measures = {checked.rule.measure for checked in loaded.rules}
    assert ("ratio" in measures, "ratio_to_overall" in measures) == (reference is not None, reference is None)
    first = text.splitlines()[0]
    assert first.endswith(f"compared with: {reference or 'all speakers'}.")
    assert "placeholders" in EXAMPLE.splitlines()[0]
    assert "placeholders" not in text
    assert "accent" not in text.split("# Other measures")[0]
