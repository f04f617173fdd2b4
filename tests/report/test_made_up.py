"""Words that nobody said, confidences and repetitions as text, on the page, in the card and in a shareable form."""

from dataclasses import replace

import polars as pl
import pytest

from asrfair.report import made_up
from asrfair.report.card.data import metrics_card
from asrfair.report.card.tables import TOLD
from asrfair.report.card.text import markdown
from asrfair.report.data import report_data
from asrfair.report.html.told import told
from asrfair.report.view import View
from asrfair.stats.calibration import CALIBRATION_METRICS
from asrfair.stats.hallucinations import PROBE_METRICS, SPEECH_METRICS
from asrfair.stats.repeats import REPEAT_METRICS
from asrfair.tables import CALIBRATION, METRICS, conform

LABEL = "<b>[bold]\x1b[31m|"


def metric(name, estimate, low=None, high=None, *, condition="clean", group="overall", **values):
    axis = "overall" if group == "overall" else "accent"
    cell = {"axis": axis, "group": group, "condition": condition, "backend": "small", "normalizer": "basic-1"}
    return {
        **cell,
        "level": 0.95,
        "speakers": 38,
        "metric": name,
        "estimate": estimate,
        "low": low,
        "high": high,
        **values,
    }


ROWS = [
    metric(
        "probe_words_per_minute", 12.34, 8.0, 20.5, condition="probe-silence", note="2 utterances that failed left out"
    ),
    metric("probe_utterances_with_words_share", 0.5, 0.4, 0.6, condition="probe-silence"),
    metric("probe_words_per_minute", 3.0, None, None, condition="probe-silence", group="scottish", speakers=8),
    metric("probe_words_per_minute", 30.0, 20, 40, condition="probe-silence", group=None),
    metric("insertions_per_minute", 1.5, 1.25, 2.0),
    metric("utterances_with_loops_share", 0.0, 0.0, 0.01),
    metric("insertions_per_minute", 1.0, 0.5, 2.0, group="american"),
    metric("insertions_per_minute", 2.5, 1.5, 4.0, group=LABEL, speakers=4),
    metric("overconfidence", -0.05, -0.1, 0.0),
    metric("calibration_error", 0.06, 0.02, 0.11),
    metric("expected_calibration_error", 0.04, 0.0, 0.11),
    metric("repeat_differing_share", 0.1, 0.003, 0.445, condition=None, note="1 of 10 cells transcribed again differ"),
    metric("repeat_changed_words_share", 0.004, condition=None),
    metric("repeat_sd_wer", 0.00123),
]
CURVE = [
    {
        "axis": "overall",
        "group": "overall",
        "condition": "clean",
        "backend": "small",
        "from_confidence": 0.0,
        "to_confidence": 0.5,
        "words": 1200,
        "mean_confidence": 0.3,
        "right_share": 0.4,
        "low": 0.3,
        "high": 0.5,
        "speakers": 38,
    }
]


@pytest.fixture
def results(sample):
    plain = sample.realistic()
    return replace(
        plain,
        metrics=pl.concat([plain.metrics, conform(pl.DataFrame(ROWS, infer_schema_length=None), METRICS)]),
        calibration=conform(pl.DataFrame(CURVE), CALIBRATION),
    )


def section(text, title, until):
    return text.split(f"{title}\n", 1)[1].split(f"\n{until}\n", 1)[0]


def test_every_metric_of_the_statistics_has_a_place():
    computed = {*PROBE_METRICS, *SPEECH_METRICS, *CALIBRATION_METRICS, *REPEAT_METRICS}
    assert set(made_up.APART) == computed
    assert set(TOLD) == computed


def test_the_sections_as_text(sample, results):
    text = sample.written(results)
    words = section(text, "Words that nobody said", "How sure it says it is")
    lines = [" ".join(line.split()) for line in words.splitlines()]
    assert "small probe-silence 12.3 [8.00, 20.5] 50.0 [40.0, 60.0]" in lines
    assert "words under probe-silence: 2 utterances that failed left out" in words
    assert "small clean 1.50 [1.25, 2.00] 0.0 [0.0, 1.0]" in lines
    # The most first; the group of four speakers is marked; a label is shown and nothing else.
    groups = words[words.index("By accent with small, in clean") :]
    assert groups.index("<b>[bold]") < groups.index("american")
    assert "4!  2.50 [1.50, 4.00]" in groups
    assert "\x1b" not in text
    probes = words[words.index("By accent with small, under probe-silence") :]
    assert probes.index("(unlabelled)") < probes.index("scottish")
    assert "3.00 not judged" in probes
    sure = section(text, "How sure it says it is", "Said again")
    assert "-5.0 [-10.0, +0.0]" in sure
    assert "6.0 [2.0, 11.0]" in sure
    assert "0.000 to 0.500  1,200       0.300  40.0 [30.0, 50.0]" in sure
    again = " ".join(text[text.index("Said again") :].split())
    assert (
        "small: 1 of 10 cells transcribed again differ; of all, at most 44.5 % do (95 % interval); 0.4 % of the"
        in again
    )
    assert "has a standard deviation of 0.12 points, which comes on top of its interval" in again


def test_they_are_not_among_the_measures_in_per_cent(sample, results):
    text = sample.written(results)
    assert "insertions per minute" not in text.split("Words that nobody said")[0]
    assert "overconfidence" not in text


def test_a_run_without_them_has_no_such_sections(sample):
    text = sample.written(sample.realistic())
    for title in ("Words that nobody said", "How sure it says it is", "Said again"):
        assert title not in text
    assert "Made up, sure" not in markdown(metrics_card(sample.realistic()))


def test_more_groups_than_asked_for_are_counted(sample, results):
    more = [metric("insertions_per_minute", k / 10, group=f"g{k}") for k in range(40)]
    added = conform(pl.DataFrame(more, infer_schema_length=None), METRICS)
    text = sample.written(replace(results, metrics=pl.concat([results.metrics, added])), top=5)
    assert "and 37 more groups" in text


def test_the_page_has_them_as_tables(results):
    blocks = [*told(made_up.made_up, View.of(results), prefix="made-up", top=5)]
    assert [part.title for part in blocks] == ["Words that nobody said"]
    assert blocks[0].id == "made-up-1"
    assert sum(type(block).__name__ == "Table" for block in blocks[0].blocks) == 4
    (sure,) = told(made_up.calibration, View.of(results), prefix="calibration")
    assert sum(type(block).__name__ == "Table" for block in sure.blocks) == 2


def test_the_card_and_the_data_have_them_with_their_units(results):
    card = metrics_card(results)
    told_rows = [row for row in card["metrics"] if row["metric"] in made_up.APART]
    assert len(told_rows) == len(ROWS)
    text = markdown(card)
    assert "| words per minute where nothing is said | probe-silence | small | 12.3 | [8.00, 20.5] |" in text
    assert "| transcripts that differ when made again, % | all | small | 10.0 | [0.3, 44.5] |" in text
    assert "standard deviation of the WER from run to run, points | clean | small | 0.1 | not judged" in text
    assert "insertions per minute | small" not in text
    data = report_data(results)
    assert len(data["tables"]["calibration"]) == 1
    assert {"recognised", "probes", "repeats"} <= set(data["left_out"])
