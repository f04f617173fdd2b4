"""The shared golden tables, computed with statsmodels, scipy and independent code."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from scipy import stats

from asrfair.stats import Analysis, Question, analyse
from asrfair.stats.cells import code, find_axis, pair_rows
from asrfair.stats.changes import pair_view
from asrfair.stats.rates import axis_sums, rate_rows
from asrfair.tables import COUNTS, FAILURES, conform

NAMES = ["g1_balanced", "g2_unbalanced"]


def read(folder: Path, name: str) -> tuple[pl.DataFrame, dict]:
    table = pl.read_csv(folder / "golden" / f"{name}.csv").rename(
        {
            "utt": "utterance_id",
            "speaker": "speaker_id",
            "system": "backend",
            "ref_words": "reference_words",
            "sub": "substitutions",
            "del": "deletions",
            "ins": "insertions",
        }
    )
    counts = conform(table.with_columns(normalizer=pl.lit("none")), COUNTS, axes=["group"])
    return counts, json.loads((folder / "golden" / f"{name}.json").read_text())


NO_FAILURES = pl.DataFrame(schema=FAILURES | {"group": pl.String})


def coded_view(counts: pl.DataFrame):
    coded = code(
        counts,
        NO_FAILURES,
        axes=["group"],
        baseline_condition="clean",
        baseline_backend="A",
        independent_utterances=False,
    )
    axis = find_axis("group", counts, NO_FAILURES)
    return coded, axis, axis_sums(axis, coded)


def number(coded, axis, key: str) -> int:
    group, condition, backend = key.split("|")
    place = axis.groups.index(group) * len(coded.conditions) + coded.conditions.index(condition)
    return place * len(coded.backends) + coded.backends.index(backend)


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_has_the_golden_spread(shared_data, name):
    counts, golden = read(shared_data, name)
    coded, axis, view = coded_view(counts)
    spread = view.cells.spread
    for key, cell in golden["cells"].items():
        at = number(coded, axis, key)
        assert spread.errors[at] == cell["errors"]
        assert spread.words[at] == cell["words"]
        assert spread.clusters[at] == cell["n_speakers"]
        expected = cell["se_log_gee_bias_reduced_mancl_derouen"]
        assert math.sqrt(spread.cluster_variance[at]) == pytest.approx(expected, rel=1e-6)
        assert spread.df[at] == pytest.approx(cell["moment_df"], rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_by_name_are_those_of_golden_where_no_floor_acts(shared_data, name):
    counts, golden = read(shared_data, name)
    coded, _, view = coded_view(counts)
    floored = {}
    for method in ("delta-t", "jackknife", "moments"):
        table = rate_rows(view, coded, level=0.95, interval=method)
        for key, cell in golden["cells"].items():
            columns = zip(("group", "condition", "backend"), key.split("|"), strict=True)
            (row,) = table.filter(*(pl.col(column) == value for column, value in columns)).iter_rows(named=True)
            width = stats.t.ppf(0.975, cell["n_speakers"] - 1) * cell["se_log_jackknife"]
            expected = {
                "delta-t": (max(cell["delta_t"][0], 0), cell["delta_t"][1]),
                "jackknife": (cell["wer"] * math.exp(-width), cell["wer"] * math.exp(width)),
                "moments": tuple(cell["moment_log_t"]),
            }[method]
            floored[key, method] = "spread from the number of errors" in (row["note"] or "")
            if floored[key, method]:
                assert row["low"] < expected[0]
                assert row["high"] > expected[1]
            else:
                assert (row["low"], row["high"]) == pytest.approx(expected, rel=1e-6)
    assert sum(floored.values()) < len(floored) / 2


def golden_analysis(counts: pl.DataFrame) -> Analysis:
    question = Question(
        axes=["group"], reference_groups={"group": "a"}, baseline_condition="clean", baseline_backend="A"
    )
    return analyse(counts, NO_FAILURES, question)


@pytest.mark.parametrize("name", NAMES)
def test_every_rate_has_the_interval_made_of_the_golden_spread(shared_data, name):
    counts, golden = read(shared_data, name)
    rows = golden_analysis(counts).rates.filter(pl.col("axis") == "group")
    assert rows.height == len(golden["cells"])
    for row in rows.iter_rows(named=True):
        cell = golden["cells"][f"{row['group']}|{row['condition']}|{row['backend']}"]
        floored = cell["se_log_gee_bias_reduced_mancl_derouen"] < math.sqrt(1 / cell["errors"])
        spread = math.sqrt(max(cell["se_log_gee_bias_reduced_mancl_derouen"] ** 2, 1 / cell["errors"]))
        width = stats.t.ppf(0.975, cell["moment_df"]) * spread
        skew = 2 * (spread**2 - 1 / cell["errors"]) * max(1 - 2 / cell["moment_df"], 0)
        upper = width + stats.norm.ppf(0.975) ** 2 * skew
        assert row["wer"] == pytest.approx(cell["wer"])
        assert ("spread from the number of errors" in (row["note"] or "")) == floored
        if upper > math.log(1000):
            assert row["low"] is None
            assert "interval too wide to show" in (row["note"] or "")
        else:
            assert row["low"] == pytest.approx(cell["wer"] * math.exp(-width), rel=1e-6)
            assert row["high"] == pytest.approx(cell["wer"] * math.exp(upper), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_backend_differences_have_the_golden_estimate_and_cr1(shared_data, name):
    counts, golden = read(shared_data, name)
    coded, axis, view = coded_view(counts)
    pairs = pair_view(pair_rows(coded, "backend"), view, coded, kind="backend").cells.spread
    for key, expected in golden["paired_systems"].items():
        at = number(coded, axis, f"{key}|B")
        assert pairs.estimate[at] == pytest.approx(-expected["diff"])
        assert math.sqrt(pairs.cr1[at]) == pytest.approx(expected["se_cr1"], rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_costs_have_the_golden_difference_in_differences_and_cr1(shared_data, name):
    counts, golden = read(shared_data, name)
    coded, axis, view = coded_view(counts)
    pairs = pair_view(pair_rows(coded, "condition"), view, coded, kind="condition").cells.spread
    for key, expected in golden["did"].items():
        a, b = (number(coded, axis, f"{group}|noisy|A") for group in key[1:4].split("-"))
        assert pairs.estimate[a] - pairs.estimate[b] == pytest.approx(expected["additive"]["est"])
        assert math.sqrt(pairs.cr1[a] + pairs.cr1[b]) == pytest.approx(expected["additive"]["se"], rel=1e-6)
        assert pairs.log_ratio[a] - pairs.log_ratio[b] == pytest.approx(expected["log"]["est"])


def test_artie_like_tables_need_no_conditions(shared_data, run: Callable[..., Analysis]):
    counts, _ = read(shared_data, NAMES[0])
    clean = counts.filter(pl.col("condition") == "clean", pl.col("backend") == "A").rename({"group": "accent"})
    found = run(clean, reference_groups={"accent": "a"})
    measures = set(found.disparities["measure"])
    assert {"difference", "ratio", "difference_to_overall", "ratio_to_overall"} <= measures
    assert not [name for name in measures if name.startswith(("condition", "backend", "interaction"))]
