"""How long recognisers took."""

import statistics

import polars as pl
import pytest

from asrfair.stats.timing import TIMING, timing_rows
from asrfair.tables import TIMINGS


def table(rows):
    return pl.DataFrame(rows, schema=TIMINGS, orient="row")


UTTERANCES = pl.DataFrame(
    {"utterance_id": ["u1", "u2", "u3", "u4"], "accent": ["a", "a", None, "b"], "gender": ["f", "m", "f", "m"]}
)
ROWS = [
    ("u1", "clean", "x", 2.0, 0.5),
    ("u2", "clean", "x", 3.0, 1.0),
    ("u3", "clean", "x", None, 9.0),
    ("u4", "clean", "x", 1.0, None),
    ("u1", "noise", "x", 2.0, 4.0),
]


def test_sums_and_percentiles_as_written_out():
    found = timing_rows(table(ROWS), UTTERANCES, ["accent"])
    assert dict(found.schema) == TIMING
    clean = found.row(by_predicate=(pl.col("axis") == "overall") & (pl.col("condition") == "clean"), named=True)
    # The one without a length is in the percentiles, and in no factor.
    assert (clean["utterances"], clean["audio_s"], clean["seconds"]) == (3, 5.0, 1.5)
    assert clean["real_time_factor"] == pytest.approx(1.5 / 5.0)
    assert clean["p50_s"] == statistics.median([0.5, 1.0, 9.0])
    assert clean["p95_s"] == pytest.approx(statistics.quantiles([0.5, 1.0, 9.0], n=20, method="inclusive")[-1])
    assert clean["longest_s"] == 9.0


def test_groups_products_and_the_unlabelled():
    found = timing_rows(table(ROWS), UTTERANCES, ["accent", "accent*gender"])
    told = {(row["axis"], row["group"], row["condition"]): row for row in found.iter_rows(named=True)}
    assert told["accent", "a", "clean"]["real_time_factor"] == pytest.approx(0.3)
    assert told["accent", None, "clean"]["real_time_factor"] is None
    assert told["accent", None, "clean"]["audio_s"] is None
    assert told["accent", None, "clean"]["p50_s"] == 9.0
    assert told["accent*gender", "a*f", "noise"]["real_time_factor"] == 2.0
    assert ("accent", "b", "clean") not in told


@pytest.mark.parametrize("rows", [[], [("u1", "clean", "x", 2.0, None)]])
def test_nothing_timed_gives_no_rows(rows):
    assert timing_rows(table(rows), UTTERANCES, ["accent"]).is_empty()


def test_percentiles_from_half_to_nearly_all():
    seconds = [float(k) for k in range(1, 201)]
    rows = [(f"u{k}", "clean", "x", 1.0, value) for k, value in enumerate(seconds)]
    (found,) = timing_rows(table(rows), UTTERANCES, []).iter_rows(named=True)
    hundredths = statistics.quantiles(seconds, n=100, method="inclusive")
    assert [found["p50_s"], found["p90_s"], found["p99_s"]] == pytest.approx([hundredths[k - 1] for k in (50, 90, 99)])
    assert (found["failures"], found["failed_share"]) == (None, None)


def test_failures_are_told_whether_they_took_time_or_not():
    failures = pl.DataFrame(
        {
            "utterance_id": ["u2", "u4", "u1"],
            "condition": ["clean", "clean", "noise"],
            "backend": ["x"] * 3,
            "stage": ["backend", "audio", "scoring"],
        }
    )
    found = timing_rows(table(ROWS), UTTERANCES, ["accent"], failures=failures)
    told = {(row["group"], row["condition"]): row for row in found.iter_rows(named=True)}
    assert (told["overall", "clean"]["tried"], told["overall", "clean"]["failures"]) == (4, 2)
    assert told["overall", "clean"]["failed_share"] == 0.5
    assert told["a", "clean"]["failed_share"] == 0.5
    assert told["overall", "noise"]["failed_share"] == 0.0
    assert (told["overall", "clean"]["utterances"], told["overall", "clean"]["seconds"]) == (3, 1.5)
