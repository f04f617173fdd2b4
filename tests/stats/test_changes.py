"""Rows of changes across conditions and backends, against the formulas of `paired` on sums made here."""

import numpy as np
import polars as pl
import pytest

from asrfair.stats.cells import code, find_axis, pair_rows
from asrfair.stats.changes import interaction_rows, own_rows, pair_view
from asrfair.stats.paired import interaction_difference, interaction_ratio, pair_sums
from asrfair.stats.rates import axis_sums

YES = np.array([True])
GROUPS = {"a": 7, "b": 5, "c": 4, None: 3}
CONDITIONS = {"clean": 1.0, "noise": 2.0}
BACKENDS = {"A": 1.0, "B": 1.5, "C": 0.7}


@pytest.fixture(scope="module")
def counts(simulated):
    return simulated(5, groups=GROUPS, conditions=CONDITIONS, backends=BACKENDS, rate=0.3)


def view_of(counts, failures, kind, **baselines):
    coded = code(
        counts,
        failures,
        axes=["accent"],
        **({"baseline_condition": "clean", "baseline_backend": "A"} | baselines),
        independent_utterances=False,
    )
    view = axis_sums(find_axis("accent", counts, failures), coded)
    return pair_view(pair_rows(coded, kind), view, coded, kind=kind), coded


def sums_of(counts, group, condition, backend, *, base_backend):
    """One cell's paired sums, from the counts."""
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions").sum().alias("e")
    words = pl.col("reference_words").sum().alias("w")
    sides = [
        counts.filter(pl.col("accent") == group, pl.col("condition") == condition, pl.col("backend") == name)
        .group_by("speaker_id")
        .agg(errors, words)
        .sort("speaker_id")
        for name in (backend, base_backend)
    ]
    (e, w), (base_e, base_w) = ([side[name].to_numpy().astype(float) for name in "ew"] for side in sides)
    cell = np.zeros(len(e), np.int64)
    return pair_sums(cell, errors=e, words=w, base_errors=base_e, base_words=base_w, cells=1)


def test_system_against_system_in_their_disparity_is_the_interaction_of_two_groups_changes(counts, failures_of):
    view, coded = view_of(counts, failures_of(), "backend")
    parts = list(interaction_rows(view, coded, reference="a", alpha=0.05))
    compare = {
        "backend_interaction_difference": interaction_difference,
        "backend_interaction_ratio": interaction_ratio,
    }
    assert [part["measure"].unique().to_list() for part in parts] == [[measure] for measure in compare]
    for part in parts:
        keys = part.select("backend", "condition", "group").rows()
        assert keys == [(x, y, z) for x in "BC" for y in ("clean", "noise") for z in "bc"]
        for row in part.iter_rows(named=True):
            group, reference = (
                sums_of(counts, name, row["condition"], row["backend"], base_backend="A")
                for name in (row["group"], "a")
            )
            found = compare[row["measure"]](group, reference, alpha=0.05, judged=YES)
            for name in ("estimate", "low", "high", "p"):
                assert row[name] == pytest.approx(getattr(found, name)[0])
            assert (row["reference_group"], row["reference_backend"]) == ("a", "A")
            assert row["reference_condition"] == row["condition"]
            assert (row["speakers"], row["reference_speakers"]) == (GROUPS[row["group"]], GROUPS["a"])


def test_the_interaction_of_systems_is_the_difference_of_their_disparities(counts, failures_of):
    """«B is better on average, but is its gap wider?»: (b − a by B) − (b − a by A)."""
    view, coded = view_of(counts, failures_of(), "backend")
    difference, ratio = interaction_rows(view, coded, reference="a", alpha=0.05)
    errors = pl.sum_horizontal("substitutions", "deletions", "insertions").sum()
    rates = {
        key: rate
        for *key, rate in counts.group_by("accent", "condition", "backend")
        .agg(errors / pl.col("reference_words").sum())
        .iter_rows()
        for key in [tuple(key)]
    }
    for row in difference.iter_rows(named=True):
        gap = {name: rates[row["group"], row["condition"], name] - rates["a", row["condition"], name] for name in "ABC"}
        assert row["estimate"] == pytest.approx(gap[row["backend"]] - gap["A"])
    for row in ratio.iter_rows(named=True):
        gap = {name: rates[row["group"], row["condition"], name] / rates["a", row["condition"], name] for name in "ABC"}
        assert row["estimate"] == pytest.approx(gap[row["backend"]] / gap["A"])


def test_swapping_the_systems_flips_the_difference_and_inverts_the_ratio(counts, failures_of):
    two = counts.filter(pl.col("backend") != "C")
    forth, back = (
        [*interaction_rows(*view_of(two, failures_of(), "backend", baseline_backend=name), reference="a", alpha=0.05)]
        for name in "AB"
    )
    for name, opposite in (("estimate", "estimate"), ("low", "high"), ("high", "low")):
        assert back[0][name].to_list() == pytest.approx((-forth[0][opposite]).to_list())
        assert back[1][name].to_list() == pytest.approx((1 / forth[1][opposite]).to_list())
    for part, other in zip(back, forth, strict=True):
        assert part["p"].to_list() == pytest.approx(other["p"].to_list())


def test_notes_name_the_kind_and_the_side(counts, failures_of):
    lost = counts.filter(~((pl.col("accent") == "a") & (pl.col("backend") == "B") & (pl.col("speaker_id") == "a0")))
    lost_utterances = counts.filter(pl.col("speaker_id") == "a0")["utterance_id"].n_unique()
    view, coded = view_of(lost, failures_of(), "backend")
    part = next(iter(interaction_rows(view, coded, reference="a", alpha=0.05)))
    note = part.filter(pl.col("backend") == "B")["note"][0]
    assert f"reference: {lost_utterances} utterances not in both backends left out" in note
    own = next(iter(own_rows(view, coded, alpha=0.05))).filter(pl.col("backend") == "B", pl.col("group") == "a")
    assert own["speakers"].to_list() == [6, 6]


def test_conditions_keep_their_names(counts, failures_of):
    view, coded = view_of(counts, failures_of(), "condition")
    measures = [part["measure"][0] for part in interaction_rows(view, coded, reference="a", alpha=0.05)]
    assert measures == ["interaction_difference", "interaction_ratio"]
    part = next(iter(interaction_rows(view, coded, reference="a", alpha=0.05)))
    assert part.select("reference_condition", "reference_group").unique().row(0) == ("clean", "a")
    assert part.filter(pl.col("reference_backend") != pl.col("backend")).height == 0


def test_what_could_be_found_is_no_less_than_the_interval_can_tell(simulated, run):
    """A change (or ratio) smaller than its interval's shorter half could not be found with 80 %."""
    counts = simulated(
        11, groups={"a": 3, "b": 20}, conditions={"clean": 1.0, "noise": 1.0}, backends={"A": 1.0, "B": 1.0}
    )
    options = {"reference_groups": {"accent": "b"}, "baseline_condition": "clean", "baseline_backend": "A"}
    rows = run(counts, **options).disparities.drop_nulls(["low", "high", "detectable"])
    ratios = rows.filter(pl.col("measure").is_in(["ratio", "ratio_to_rest", "condition_ratio", "interaction_ratio"]))
    assert ratios.height > 5
    for row in ratios.iter_rows(named=True):
        assert row["detectable"] > min(row["estimate"] / row["low"], row["high"] / row["estimate"])


def test_a_cost_on_a_rate_too_wide_to_show_is_not_shown(counts_of, run):
    errors = {"clean": (7, 0, 0, 0), "noise": (7, 1, 0, 0)}
    words = (7, 16, 3, 2)
    rows = [
        {
            "utterance_id": f"u{n}",
            "speaker_id": f"s{n}",
            "accent": "a",
            "condition": condition,
            "errors": errors[condition][n],
            "reference_words": words[n],
        }
        for condition in errors
        for n in range(4)
    ]
    found = run(counts_of(rows), baseline_condition="clean").disparities
    row = found.filter(pl.col("measure") == "condition_difference", pl.col("axis") == "accent").row(0, named=True)
    assert (row["low"], row["high"], row["p"], row["detectable"]) == (None, None, None, None)
    assert "interval too wide to show" in row["note"]
