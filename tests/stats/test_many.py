"""Rows over many groups, from counts."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asrfair.stats import many
from asrfair.stats.cells import code, find_axis
from asrfair.stats.many import many_rows
from asrfair.stats.pairwise import simultaneous_difference
from asrfair.stats.rates import axis_sums
from asrfair.stats.spread import INDICES, index_interval
from asrfair.tables import DISPARITIES, conform

OVER_GROUPS = ["worst_group", "gap", *INDICES, "between_group_sd_lum"]
KEY = ["group", "reference_group"]


def view_of(counts, failures, *, independent=False):
    coded = code(
        counts,
        failures,
        axes=["accent"],
        baseline_condition=None,
        baseline_backend=None,
        independent_utterances=independent,
    )
    return axis_sums(find_axis("accent", counts, failures), coded), coded


@pytest.fixture(scope="session")
def table(failures_of):
    def run(counts, *, alpha=0.05, **options):
        parts = many_rows(*view_of(counts, failures_of(), **options), alpha=alpha)
        return pl.concat([conform(part, DISPARITIES) for part in (pl.DataFrame(schema=DISPARITIES), *parts)])

    return run


@pytest.fixture(scope="session")
def corpus(simulated):
    """Group d is worse under clean, group a (which is first) by far under noise: gaps with either order of groups."""
    rows = simulated(
        4,
        groups={"a": 12, "b": 12, "c": 4, "d": 8, None: 3},
        conditions={"clean": 1.0, "noise": 2.0},
        backends={"A": 1.0, "B": 1.5},
    )
    noisy = (pl.col("condition") == "noise") & (pl.col("accent") == "a")
    return rows.with_columns(substitutions=pl.col("substitutions") + pl.when(noisy).then(8).otherwise(0))


def of(rows, measure, **where):
    return rows.filter(pl.col("measure") == measure, **where)


def measures(rows):
    return rows["measure"].unique(maintain_order=True).to_list()


def test_measures_come_in_order_and_the_unlabelled_group_in_none(table, corpus):
    rows = table(corpus)
    assert measures(rows) == ["pairwise_difference", "pairwise_ratio", *OVER_GROUPS]
    assert rows["group"].null_count() == 0
    assert set(rows["group"]) <= {"a", "b", "c", "d", "overall"}


def test_each_pair_has_one_row_the_later_group_against_the_earlier(table, corpus):
    rows = table(corpus)
    pairs = [("b", "a"), ("c", "a"), ("c", "b"), ("d", "a"), ("d", "b"), ("d", "c")]
    for measure in ("pairwise_difference", "pairwise_ratio"):
        found = of(rows, measure)
        assert found.select(KEY).rows() == pairs * 4
        cells = found.select("backend", "condition").unique(maintain_order=True).rows()
        assert cells == [("A", "clean"), ("A", "noise"), ("B", "clean"), ("B", "noise")]


def test_pairs_are_what_the_contrasts_give(table, corpus, run, failures_of):
    rows = table(corpus)
    plain = run(corpus, reference_groups={"accent": "b"}).disparities.filter(pl.col("measure") == "ratio", group="c")
    own = of(rows, "pairwise_ratio", group="c", reference_group="b")
    columns = ["estimate", "low", "high", "p", "speakers", "reference_speakers", "note", "method"]
    assert_frame_equal(own.select(columns), plain.select(columns))
    view, coded = view_of(corpus, failures_of())
    spread = view.cells.spread
    names = view.axis.groups
    found = of(rows, "pairwise_difference", condition="noise", backend="B")
    for row in found.iter_rows(named=True):
        a, b = (names.index(row[name]) * coded.per_group + 3 for name in KEY)
        pick = [type(spread)(**{k: v[[cell]] for k, v in vars(spread).items()}) for cell in (a, b)]
        expected = simultaneous_difference(*pick, groups=4, alpha=0.05, judged=np.array([True]))
        assert (row["low"], row["high"], row["p"]) == pytest.approx((expected.low[0], expected.high[0], expected.p[0]))
        assert row["estimate"] == pytest.approx(spread.estimate[a] - spread.estimate[b])


def test_the_gap_is_of_the_extreme_groups(table, corpus, run):
    rows, rates = table(corpus), run(corpus).rates.filter(pl.col("axis") == "accent", pl.col("group").is_not_null())
    for row in of(rows, "gap").iter_rows(named=True):
        where = {name: row[name] for name in ("condition", "backend")}
        cell = rates.filter(**where).sort("wer")
        assert (row["reference_group"], row["group"]) == (cell["group"][0], cell["group"][-1])
        assert row["estimate"] == pytest.approx(cell["wer"][-1] - cell["wer"][0])
        assert (row["reference_speakers"], row["speakers"]) == (cell["speakers"][0], cell["speakers"][-1])
        pairs = of(rows, "pairwise_difference", **where)
        assert row["low"] == pytest.approx(max(0.0, pairs["low"].max(), -pairs["high"].min()))
        assert row["p"] == pytest.approx(pairs["p"].min())
        own = dict(zip(cell["group"], cell.select("wer", "low", "high").rows(), strict=True))
        highs = [
            a[0] - b[0] + np.hypot(a[2] - a[0], b[0] - b[1]) for x, a in own.items() for y, b in own.items() if x != y
        ]
        assert row["high"] == pytest.approx(max(highs))
        assert "biased upward" in row["note"]
    lows = of(rows, "gap", condition="noise")["low"]
    assert (lows > 0).all()
    assert (of(rows, "pairwise_difference", condition="noise")["low"].max() or 0) < lows.min()


def test_the_worst_group_has_the_highest_ends(table, corpus, run):
    alpha = 0.1
    rows, narrow = table(corpus, alpha=alpha), run(corpus, level=1 - alpha / 4).rates
    wide = run(corpus, level=1 - alpha).rates
    groups = pl.col("axis").eq("accent") & pl.col("group").is_not_null()
    for row in of(rows, "worst_group").iter_rows(named=True):
        where = {name: row[name] for name in ("condition", "backend")}
        cell, wider = wide.filter(groups, **where), narrow.filter(groups, **where)
        assert row["group"] == cell.sort("wer")["group"][-1]
        assert row["reference_group"] is None
        assert row["reference_speakers"] is None
        found = [row[name] for name in ("estimate", "low", "high")]
        assert found == pytest.approx([cell["wer"].max(), wider["low"].max(), cell["high"].max()])


def test_indices_are_of_all_judged_groups(table, corpus, failures_of):
    rows = table(corpus)
    view, coded = view_of(corpus, failures_of())
    spread = view.cells.spread
    for name, index in INDICES.items():
        (row,) = of(rows, name, condition="clean", backend="B").iter_rows(named=True)
        cells = np.arange(4) * coded.per_group + 1
        expected = index_interval(index, type(spread)(**{k: v[cells] for k, v in vars(spread).items()}), alpha=0.05)
        assert [row[key] for key in ("estimate", "low", "high")] == pytest.approx(expected)
        assert (row["group"], row["reference_group"], row["speakers"]) == ("overall", None, 36)
        assert ("positive by construction" in row["note"]) == (name in ("theil", "gini"))


def test_groups_that_cannot_be_judged_are_counted_and_left_out(table, simulated):
    groups = {"a": 5, "b": 12, "c": 1, "d": 8, "e": 1}
    counts = simulated(4, groups=groups)
    rows, without = table(counts), table(counts.filter(~pl.col("accent").is_in(["c", "e"])))
    columns = ["measure", "estimate", "low", "high", "p", "group", "speakers"]
    over = pl.col("measure").is_in(OVER_GROUPS)
    assert rows.filter(over).select(columns).equals(without.filter(over).select(columns))
    assert rows.filter(over)["note"].str.contains("2 groups could not be judged").all()
    pairs = of(rows, "pairwise_difference")
    assert pairs.height == 10
    unjudged = pairs.filter(pl.col("group").is_in(["c", "e"]) | pl.col("reference_group").is_in(["c", "e"]))
    assert unjudged.select("low", "high", "p").null_count().row(0) == (7, 7, 7)
    assert unjudged["note"].str.contains("1 speaker: not judged").all()
    kept = pairs.join(unjudged, on=KEY, how="anti").select(columns)
    assert kept.equals(of(without, "pairwise_difference").select(columns))


@pytest.mark.parametrize(
    ("groups", "note"), [({"a": 6, "b": 1}, "1 group could be judged"), ({"a": 1}, "no group could be judged")]
)
def test_fewer_than_two_groups_give_the_reason(table, simulated, groups, note):
    rows = table(simulated(1, groups=groups)).filter(pl.col("measure").is_in(OVER_GROUPS))
    assert rows.height == len(OVER_GROUPS)
    assert rows.select("estimate", "low", "high", "p").null_count().row(0) == (len(OVER_GROUPS),) * 4
    assert rows["note"].str.contains(note).all()
    assert not rows["note"].str.contains("could not").any()
    assert set(rows["group"]) == {"overall"}


def test_an_axis_without_labels_has_no_rows(table, simulated):
    assert table(simulated(1, groups={None: 6})).height == 0


def test_many_groups_have_no_rows_of_pairs_but_a_gap_of_all(table, simulated, monkeypatch):
    counts = simulated(2, groups={"a": 4, "b": 6, "c": 5, "d": 4, "e": 1})
    rows = table(counts)
    monkeypatch.setattr(many, "MOST_PAIRED", 4)
    monkeypatch.setattr(many, "_PAIRS_AT_ONCE", 2)
    blocks = table(counts)
    assert measures(blocks) == OVER_GROUPS
    columns = ["estimate", "low", "high", "p"]
    assert of(blocks, "gap").select(columns).equals(of(rows, "gap").select(columns))
    assert "no rows of pairs: 5 groups, at most 4" in of(blocks, "gap")["note"][0]
    assert "no rows of pairs" not in of(rows, "gap")["note"][0]


def test_speakers_in_several_groups_are_said(table, counts_of):
    rows = [
        {"speaker_id": f"s{n}", "accent": group, "errors": errors}
        for group, own in (("a", (1, 2, 3)), ("b", (3, 4, 5)), ("c", (6, 7, 8)))
        for errors, n in enumerate(own)
    ]
    found = table(counts_of(rows))
    assert found.filter(pl.col("measure").is_in(OVER_GROUPS))["note"].str.contains("1 speaker in several groups").all()
    shared = of(found, "pairwise_difference").filter(pl.col("note").str.contains("1 speaker also in the reference"))
    assert shared.select(KEY).rows() == [("b", "a")]
    assert of(found, "gini")["speakers"].to_list() == [8]


def test_ends_that_are_too_wide_are_not_shown(table, counts_of):
    rows = [
        {"speaker_id": f"{group}{n}", "accent": group, "errors": errors, "reference_words": 100}
        for group, own in (("a", (1, 60)), ("b", (3, 4, 5, 4)), ("c", (6, 7, 8, 9)))
        for n, errors in enumerate(own)
    ]
    found = table(counts_of(rows))
    for measure in ("worst_group", "gap"):
        (row,) = of(found, measure).iter_rows(named=True)
        assert row["high"] is None
        assert row["low"] is not None
        assert "interval too wide to show" in row["note"]
    assert of(found, "between_group_sd")["high"].null_count() == 0
    only = of(
        table(
            counts_of([*rows[:2], *({**row, "accent": "z", "speaker_id": "z" + row["speaker_id"]} for row in rows[:2])])
        ),
        "gap",
    )
    assert only.select("low", "high", "p").row(0) == (0.0, None, None)


def test_without_errors_nothing_is_known_to_be_equal(table, counts_of):
    rows = [{"speaker_id": f"{group}{n}", "accent": group, "errors": 0} for group in "ab" for n in range(3)]
    found = table(counts_of(rows)).filter(pl.col("measure").is_in(OVER_GROUPS))
    known = found.filter(pl.col("estimate").is_not_null())
    assert known["measure"].to_list() == ["worst_group", "gap", "between_group_sd"]
    assert (known["high"] > known["low"]).all()
    assert found.filter(pl.col("estimate").is_null())["note"].str.contains("no errors: not defined").all()


def test_groups_whose_spread_is_a_rule_are_counted(table, counts_of):
    rows = [
        {"speaker_id": f"{group}{n}", "accent": group, "errors": errors}
        for group, own in (("a", (0, 0, 0)), ("b", (3, 3, 3)), ("c", (2, 9, 4)))
        for n, errors in enumerate(own)
    ]
    notes = table(counts_of(rows)).filter(pl.col("measure").is_in(OVER_GROUPS))["note"]
    assert notes.str.contains("1 group with no errors; 1 group with spread from its errors").all()


def test_independent_utterances_are_said(table, counts_of):
    rows = [{"speaker_id": None, "accent": group, "errors": n} for group in "ab" for n in range(12)]
    found = table(counts_of(rows), independent=True)
    assert found["method"].str.contains("utterances treated as independent").all()
    assert found["speakers"].null_count() == found.height
    assert of(found, "gap")["p"].null_count() == 0
    assert table(counts_of(rows)).filter(pl.col("measure").is_in(OVER_GROUPS))["estimate"].null_count() == len(
        OVER_GROUPS
    )
