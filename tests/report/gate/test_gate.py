"""A gate's verdicts in every form: whole text, hostile labels, synthetic voices, thousands of cells."""

from dataclasses import replace
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from asrfair.report.gate.data import gate_data
from asrfair.report.gate.junit import junit
from asrfair.report.gate.summary import step_summary
from asrfair.report.gate.terminal import render_gate
from asrfair.report.gate.text import level, size
from asrfair.report.gate.verdicts import FAILED, PASSED, UNJUDGED, Cell, Limit, Rule, Verdicts
from asrfair.report.sentences import SYNTHETIC

HOSTILE = "</failure>]]><script>|`&\"'\u0000\u001b[31m\u202e\ud800\ufffe"
RATE = Limit("30 %", 0.3, "rate", "%")
RULE = Rule(
    name="within 30 %",
    measure="wer",
    means="WER",
    limit=RATE,
    asked="proved good",
    unjudged="report",
    axis="accent",
    of_group=True,
    least=False,
)
BOUNDED = {"high_level": 0.95, "low_level": 1 - 0.05 / 6, "method": "speaker-clustered skewed log t"}


def cell(outcome: str, group: str, **values: Any) -> Cell:
    known = {"verdict": "proved good", "condition": "clean", "backend": "small"} | values
    return Cell(rule=0, outcome=outcome, group=group, **known)  # type: ignore[arg-type]


CELLS = (
    cell(PASSED, "us", estimate=0.1, low=0.05, high=0.2, speakers=30, reference_words=3000, **BOUNDED),
    cell(
        FAILED,
        "scottish",
        estimate=0.5,
        low=0.4,
        high=0.6,
        speakers=20,
        reference_words=2000,
        **BOUNDED | {"verdict": "proved worse"},
    ),
    cell(
        UNJUDGED,
        "welsh",
        estimate=0.2,
        low=0.1,
        high=0.4,
        speakers=4,
        reference_words=400,
        reason="the bounds lie on both sides of the limit",
        speakers_needed=12,
        **BOUNDED | {"verdict": "not proved"},
    ),
)
FOUND = Verdicts(
    title="Release",
    policy="policy.toml+12ab",
    run="run",
    baseline=None,
    level=0.95,
    alarms=6,
    rules=(RULE,),
    cells=CELLS,
    signature={"signature": "asrfair:0|a:b", "corpus": {"title": "Words", "kind": "read"}},
)
SPOKEN_BY_MACHINES = replace(FOUND, signature={"signature": "s", "corpus": {"title": "Words", "kind": "synthetic"}})
EXPECTED = """\
Gate: Release
  run run of Words
  1 rule, 3 comparisons: 1 failed, 1 could not be judged, 1 passed
  bounds one-sided 95 %; alarms at the level of their Holm step

within 30 %: failed
-------------------
  WER by accent: passes where proved good: no more than 30 % (upper bound within
    it); what could not be judged keeps the gate from passing (exit code 3)
                       recog-  found     at    at
  group     condition  niser       %  least  most  speakers  words  outcome
  scottish  clean      small    50.0   40.0  60.0        20  2,000  failed
  welsh     clean      small    20.0   10.0  40.0        4*    400  not judged
  us        clean      small    10.0    5.0  20.0        30  3,000  passed
  passed: 1 proved good
  scottish, clean, small: proved worse, at least 40.0 % (one-sided 99.17 %), at
    most 60.0 % (one-sided 95 %)
  welsh, clean, small: the bounds lie on both sides of the limit; about 12
    speakers would do if the estimate stayed
  at least: one-sided 99.17 %; at most: one-sided 95 %
  speaker-clustered skewed log t

How the bounds were made
------------------------
  Bounds are one-sided 95 %: each is an end of the 90 % interval, with speakers
    as the sample.
  Proved worse: Holm (1979) over the policy's 6 comparisons together, so that
    any false alarm has a chance of at most 5 %; the bound is at the level of
    its step. Proved good, each at its own level: that all are proved good while
    one is not needs no correction.
  A rate's bound on fewer than 30 speakers may be wrong more often: where one
    speaker in ten errs four times as much as the others, who are alike, a rate
    at its limit passes in up to 23 % of runs (simulated).
  *: fewer than 10 speakers, who may not be like the others of their group.
  policy policy.toml+12ab
  asrfair:0|a:b

Gate failed (exit code 1)
"""


def written(found: Verdicts, *, width: int = 80, top: int = 20) -> str:
    class Ascii(StringIO):
        encoding = "ascii"

    file = Ascii()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, _environ={})
    render_gate(found, console, top=top)
    return file.getvalue()


def test_the_whole_text() -> None:
    assert written(FOUND) == EXPECTED


@pytest.mark.parametrize(
    ("cells", "code"),
    [(CELLS, 1), (CELLS[2:], 3), (CELLS[:1], 0), ((CELLS[0], CELLS[2]), 3)],
)
def test_exit_codes(cells: tuple[Cell, ...], code: int) -> None:
    assert replace(FOUND, cells=cells).exit_code == code


@pytest.mark.parametrize(
    ("unjudged", "element", "code"), [("fail", "failure", 1), ("report", "error", 3), ("pass", "skipped", 0)]
)
def test_what_junit_makes_of_the_unjudged(unjudged: str, element: str, code: int) -> None:
    found = replace(FOUND, rules=(replace(RULE, unjudged=unjudged),), cells=CELLS[2:])
    (case,) = ElementTree.fromstring(junit(found)).iter("testcase")
    (told,) = case
    assert told.tag == element
    assert "about 12 speakers would do" in str(told.get("message"))
    assert found.exit_code == code


def test_junit_is_well_formed_whatever_the_labels() -> None:
    hostile = replace(
        FOUND,
        title=HOSTILE,
        rules=(replace(RULE, name=HOSTILE),),
        cells=(replace(CELLS[1], group=HOSTILE, reason=HOSTILE),),
    )
    text = junit(hostile)
    text.encode("utf-8")
    root = ElementTree.fromstring(text)
    (case,) = root.iter("testcase")
    assert case.get("name") == "</failure>]]><script>|`&\"'\\x00\\x1b[31m\\u202e\\ud800\\ufffe, clean, small"
    assert root.get("failures") == "1"
    assert "\\u202e" in str(root.get("name"))
    assert "\\u202e" in str(root.find("testsuite").get("name"))  # type: ignore[union-attr]


def test_markdown_and_text_hold_no_markup_from_labels() -> None:
    found = replace(FOUND, notes=(HOSTILE,), title=HOSTILE)
    hostile = replace(found, rules=(replace(RULE, name=HOSTILE),), cells=(replace(CELLS[1], group=HOSTILE),))
    text = step_summary(hostile)
    text.encode("utf-8")
    assert "<script" not in text.replace("\\<script", "")
    table = next(line for line in text.splitlines() if line.startswith("| ") and "50.0" in line)
    assert table.replace("\\|", "").count("|") == 6
    assert "\u001b" not in written(hostile) + text


def test_a_summary_stays_below_what_github_takes() -> None:
    rules = tuple(replace(RULE, name=f"{k} {'r' * 100}") for k in range(60))
    cells = tuple(replace(CELLS[1], rule=k, group=f"{n}{'<' * 55}") for k in range(60) for n in range(60))
    assert len(step_summary(replace(FOUND, rules=rules, cells=cells)).encode()) < 2**20


@pytest.mark.parametrize("form", [written, junit, step_summary, lambda found: str(gate_data(found))])
def test_synthetic_voices_are_told_as_such(form: Any) -> None:
    assert SYNTHETIC.split(":")[0] not in form(FOUND)
    text = form(SPOKEN_BY_MACHINES).replace("\n  ", " ")
    assert SYNTHETIC.split(":")[0] in text
    assert "12 voices would do" in " ".join(text.split())


def test_of_thousands_of_cells_the_worst_are_shown() -> None:
    cells = tuple(replace(CELLS[0], group=f"g{n}", estimate=n / 1e4) for n in range(10_000))
    text = written(replace(FOUND, cells=(*cells, *CELLS)), top=8)
    assert "g9999" in text
    assert "and 9,999 more: 9,999 passed" in text
    assert "scottish" in text
    assert len(text.splitlines()) < 60


@pytest.mark.parametrize(
    ("share", "told"), [(0.95, "95 %"), (1 - 0.05 / 6, "99.17 %"), (1 - 0.05 / 10_000, "99.9995 %"), (0.9, "90 %")]
)
def test_levels_are_never_rounded_to_certainty(share: float, told: str) -> None:
    assert level(share) == f"one-sided {told}"


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        (0.312, RATE, "31.2 %"),
        (0.03, Limit("1 points", 0.01, "points"), "+3.0 points"),
        (1.254, Limit("2 x", 2, "ratio"), "1.25 x"),
        (8.0, Limit("10 speakers", 10, "count", "speakers"), "8 speakers"),
        (-1.5, Limit("2 dB", 2, "steps", "dB"), "-1.5 dB"),
        (None, RATE, "unknown"),
    ],
)
def test_sizes(value: float | None, limit: Limit, told: str) -> None:
    assert size(value, limit) == told


def test_data_holds_fractions_and_nulls() -> None:
    data = gate_data(replace(FOUND, cells=(replace(CELLS[1], high=None, high_level=None),)))
    (found,) = data["rules"][0]["cells"]
    assert (found["low"], found["high"], found["counts_as"]) == (0.4, None, "fail")
    assert data["rules"][0]["limit"] == {"written": "30 %", "value": 0.3, "unit": "rate"}
