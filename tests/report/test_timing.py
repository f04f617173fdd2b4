"""How long recognisers took, as text."""

import polars as pl
import pytest

from asrfair.report.timing import factor_of_time, seconds
from asrfair.stats.timing import TIMING
from asrfair.tables import conform


def row(group, factor, *, axis="accent", backend="small", condition="clean", **values):
    cell = {"axis": axis, "group": group, "condition": condition, "backend": backend, "utterances": 40}
    return {**cell, "real_time_factor": factor, "p50_s": 0.4, "p95_s": 1.25, "longest_s": 2.0, **values}


def section(sample, rows):
    timings = conform(pl.DataFrame(rows, infer_schema_length=None), TIMING)
    text = sample.written(sample.realistic(), timings=timings)
    return text.split("Time taken\n", 1)[1].split("\nNotes\n", 1)[0]


def test_the_whole_section(sample):
    rows = [
        row("overall", 0.21, axis="overall"),
        row("overall", None, axis="overall", backend="large", p95_s=None),
        row("scottish", 0.3),
        row("american", 0.2),
        row(None, 0.1),
    ]
    assert (
        section(sample, rows)
        == """──────────
                         utter-  real-time  seconds:
  recogniser  condition   ances     factor      half  95 %  longest
  small       clean          40       0.21      0.40  1.25     2.00
  large       clean          40          -      0.40     -     2.00
  By accent with small, in clean: 2 groups more than 10% off the factor of all,
    0.21: (unlabelled) 0.10, scottish 0.30
  Of this run on its machine, without intervals: another machine, or more at
    once, gives other numbers. Real-time factor: seconds of work per second of
    speech. Seconds of an utterance are the mean of the batch that it was handed
    over in: half and 95 % of the utterances took no longer.
"""
    )


def test_nothing_timed_is_no_section(sample):
    assert "Time taken" not in sample.written(sample.realistic())
    assert "Time taken" not in sample.written(sample.realistic(), timings=pl.DataFrame(schema=TIMING))


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (0.0547, "0.055"), (0.21, "0.21"), (12.0, "12.00")])
def test_factors(value, shown):
    assert factor_of_time(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (0.004, "0.00"), (1234.5, "1,234.50")])
def test_seconds(value, shown):
    assert seconds(value) == shown
