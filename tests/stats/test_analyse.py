"""The tables as a whole: contract, order, notes, and every degenerate case."""

import math

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from asrfair.errors import InputError
from asrfair.stats import MEASURES
from asrfair.stats.adjust import FAMILY_WISE, holm
from asrfair.tables import DISPARITIES, METRICS, RATES

FULL = {
    "reference_groups": {"accent": "a"},
    "baseline_condition": "clean",
    "baseline_backend": "A",
}
GROUPS = {"a": 12, "b": 5, "c": 1, None: 3}
COSTS = {"clean": 1.0, "noise": 2.5}
FACTORS = {"A": 1.0, "B": 1.4}


@pytest.fixture(scope="module")
def analysis(simulated, run):
    return run(simulated(1, groups=GROUPS, conditions=COSTS, backends=FACTORS), **FULL)


def speakers(group, errors, words, **more):
    """One utterance per speaker."""
    return [
        {"speaker_id": f"{group}{n}", "accent": group, "errors": e, "reference_words": w} | more
        for n, (e, w) in enumerate(zip(errors, words, strict=True))
    ]


def only(table, **values):
    picked = table.filter(*(pl.col(name).eq_missing(pl.lit(value)) for name, value in values.items()))
    assert picked.height == 1, picked
    return picked.row(0, named=True)


def test_the_family_of_p_values_is_the_plans(run, simulated):
    counts = simulated(1, groups={"a": 6, "b": 6, "c": 5}, conditions={"clean": 1.0, "noise": 1.5})
    options = {"reference_groups": {"accent": "a"}, "baseline_condition": "clean"}
    wide = run(counts, **options).disparities
    narrow = run(counts, family=["axis", "measure", "backend", "condition"], **options).disparities
    adjusted = ("p_adjusted", "p_fdr")
    assert narrow.drop(adjusted).equals(wide.drop(adjusted))
    for table, columns in (
        (wide, ["axis", "measure", "backend"]),
        (narrow, ["axis", "measure", "backend", "condition"]),
    ):
        ordinary = table.filter(pl.col("p").is_not_null(), ~pl.col("measure").is_in(FAMILY_WISE))
        for part in ordinary.partition_by(columns):
            assert part["p_adjusted"].to_list() == pytest.approx(list(holm(part["p"].to_numpy())))
    assert not narrow["p_adjusted"].equals(wide["p_adjusted"])
    with pytest.raises(InputError, match="unknown column 'speaker'; expected one of: axis, group"):
        run(counts, family=["speaker"])


def test_tables_have_the_columns_of_the_contract(analysis):
    for table, schema in ((analysis.rates, RATES), (analysis.disparities, DISPARITIES), (analysis.metrics, METRICS)):
        assert dict(table.schema) == {name: kind() for name, kind in schema.items()}


def test_no_infinity_and_no_nan_reaches_a_table(analysis):
    for table in (analysis.rates, analysis.disparities, analysis.metrics):
        floats = table.select(pl.col(pl.Float64).drop_nulls().is_finite().all())
        assert all(value in (True, None) for value in floats.row(0))


def test_rows_are_ordered_by_axis_backend_condition_group(analysis):
    rates = analysis.rates.filter(pl.col("axis") == "accent").select("backend", "condition", "group").rows()
    assert rates == [(b, c, g) for b in ("A", "B") for c in ("clean", "noise") for g in ("a", "b", "c", None)]
    assert analysis.rates["axis"].to_list()[:4] == ["overall"] * 4
    accent = analysis.disparities.filter(pl.col("axis") == "accent")
    asked_for = [name for name in MEASURES if not name.startswith("matched") and name != "faas"]
    assert list(dict.fromkeys(accent["measure"])) == asked_for


def test_the_baseline_comes_first_whatever_its_name(simulated, run):
    rows = simulated(2, groups={"a": 3}, conditions={"a noise": 2.0, "clean": 1.0})
    found = run(rows, baseline_condition="clean").rates
    assert list(dict.fromkeys(found["condition"])) == ["clean", "a noise"]


def test_pooled_rate_and_its_parts(counts_of, run):
    rows = [
        {"speaker_id": "x", "accent": "a", "substitutions": 3, "deletions": 1, "insertions": 2},
        {"speaker_id": "y", "accent": "a", "substitutions": 1, "insertions": 1, "reference_words": 0},
        {"speaker_id": "z", "accent": "a", "substitutions": 0, "reference_words": 30},
    ]
    row = only(run(counts_of(rows)).rates, axis="accent")
    assert row["wer"] == pytest.approx(8 / 40)
    parts = (row["substitution_rate"], row["deletion_rate"], row["insertion_rate"])
    assert parts == pytest.approx((4 / 40, 1 / 40, 3 / 40))
    assert (row["speakers"], row["utterances"], row["reference_words"]) == (2, 3, 40)


def test_one_speaker_has_a_rate_and_no_interval(analysis):
    row = only(analysis.rates, axis="accent", group="c", condition="clean", backend="A")
    assert row["wer"] is not None
    assert (row["low"], row["high"], row["speakers"]) == (None, None, 1)
    assert row["note"] == "1 speaker: not judged"
    against = analysis.disparities.filter(pl.col("axis") == "accent", pl.col("group") == "c")
    assert against["estimate"].null_count() == 0
    assert against["low"].null_count() == against["p"].null_count() == against.height
    assert against["note"].str.contains("1 speaker: not judged", literal=True).all()


def test_a_reference_group_of_one_speaker_leaves_the_estimates(simulated, run):
    rows = simulated(3, groups={"a": 1, "b": 12}, conditions=COSTS)
    table = run(rows, reference_groups={"accent": "a"}, baseline_condition="clean").disparities
    for measure in ("difference", "ratio", "interaction_difference", "interaction_ratio"):
        row = only(table, axis="accent", measure=measure, group="b", condition="noise")
        assert row["estimate"] is not None
        assert (row["low"], row["p"], row["reference_speakers"]) == (None, None, 1)
        assert row["note"] == "reference: 1 speaker: not judged"


def test_under_ten_speakers_is_shown_and_flagged(analysis):
    few = only(analysis.rates, axis="accent", group="b", condition="clean", backend="A")
    assert few["low"] < few["wer"] < few["high"]
    assert "under 10 speakers" in few["note"]
    many = only(analysis.rates, axis="accent", group="a", condition="clean", backend="A")
    assert many["note"] is None


def test_the_unlabelled_are_a_group_that_is_not_compared_with_the_reference(analysis):
    assert analysis.rates["group"].null_count() == 4
    measures = set(analysis.disparities.filter(pl.col("group").is_null())["measure"])
    ends = ("_to_overall", "_to_rest", "condition_difference", "condition_ratio", "backend_difference", "backend_ratio")
    assert measures == {name for name in MEASURES if name.endswith(ends)}


def test_rows_say_what_they_compare(analysis):
    table = analysis.disparities
    row = only(table, axis="accent", measure="interaction_ratio", group="b", backend="B")
    expected = ("a", "noise", "clean", "B", "B")
    names = ("reference_group", "condition", "reference_condition", "backend", "reference_backend")
    assert tuple(row[name] for name in names) == expected
    row = only(table, axis="accent", measure="backend_difference", group="b", condition="noise")
    assert tuple(row[name] for name in names) == ("b", "noise", "noise", "B", "A")
    row = only(table, axis="accent", measure="ratio_to_overall", group="b", condition="noise", backend="A")
    assert (row["reference_group"], row["speakers"], row["reference_speakers"]) == ("overall", 5, 21)
    row = only(table, axis="overall", measure="condition_ratio", backend="A")
    assert (row["group"], row["reference_group"]) == ("overall", "overall")
    row = only(table, axis="accent", measure="difference", group="b", condition="clean", backend="A")
    assert (row["speakers"], row["reference_speakers"], row["level"]) == (5, 12, 0.95)


def test_estimates_follow_from_the_rates(analysis):
    def wer(group, condition="noise", backend="A"):
        axis = "overall" if group == "overall" else "accent"
        return only(analysis.rates, axis=axis, group=group, condition=condition, backend=backend)["wer"]

    def estimate(measure, backend="A"):
        row = {"axis": "accent", "group": "b", "condition": "noise", "backend": backend, "measure": measure}
        return only(analysis.disparities, **row)["estimate"]

    assert estimate("difference") == pytest.approx(wer("b") - wer("a"))
    assert estimate("ratio") == pytest.approx(wer("b") / wer("a"))
    assert estimate("difference_to_overall") == pytest.approx(wer("b") - wer("overall"))
    assert estimate("ratio_to_overall") == pytest.approx(wer("b") / wer("overall"))
    costs = [wer(group) - wer(group, "clean") for group in "ba"]
    assert estimate("condition_difference") == pytest.approx(costs[0])
    assert estimate("interaction_difference") == pytest.approx(costs[0] - costs[1])
    ratios = [wer(group) / wer(group, "clean") for group in "ba"]
    assert estimate("condition_ratio") == pytest.approx(ratios[0])
    assert estimate("interaction_ratio") == pytest.approx(ratios[0] / ratios[1])
    assert estimate("backend_difference", "B") == pytest.approx(wer("b", backend="B") - wer("b"))
    assert estimate("backend_ratio", "B") == pytest.approx(wer("b", backend="B") / wer("b"))


def test_to_overall_is_the_group_against_everybody_else(analysis, simulated, run):
    counts = simulated(1, groups=GROUPS, conditions=COSTS, backends=FACTORS)
    two = counts.with_columns(
        pl.when(pl.col("accent") == "b").then(pl.lit("b")).otherwise(pl.lit("rest")).alias("accent")
    )
    plain = run(two, reference_groups={"accent": "rest"}).disparities
    cell = {"group": "b", "condition": "noise", "backend": "B"}
    rest = only(plain, measure="difference", **cell)
    words = two.filter(pl.col("condition") == "noise", pl.col("backend") == "B")
    share = words.filter(pl.col("accent") == "b")["reference_words"].sum() / words["reference_words"].sum()
    row = only(analysis.disparities, axis="accent", measure="difference_to_overall", **cell)
    assert row["low"] == pytest.approx(rest["low"] * (1 - share))
    assert row["p"] == pytest.approx(rest["p"])
    ratio = only(plain, measure="ratio", **cell)
    row = only(analysis.disparities, axis="accent", measure="ratio_to_overall", **cell)
    assert row["high"] == pytest.approx(ratio["high"] / (share * ratio["high"] + 1 - share))


def test_p_is_adjusted_within_axis_measure_and_backend(analysis):
    known = analysis.disparities.drop_nulls("p").filter(~pl.col("measure").is_in(FAMILY_WISE))
    families = known.partition_by("axis", "measure", "backend")
    assert max(family.height for family in families) > 3
    for family in families:
        adjusted, running = [], 0.0
        for rank, p in enumerate(sorted(family["p"])):
            running = max(running, min(1.0, (family.height - rank) * p))
            adjusted.append(running)
        assert family.sort("p")["p_adjusted"].to_list() == pytest.approx(adjusted)
    assert analysis.disparities.filter(pl.col("p").is_null())["p_adjusted"].drop_nulls().is_empty()


def test_a_cell_with_failures_only_is_there_without_a_rate(simulated, failures_of, run):
    failures = failures_of([{"accent": "z", "condition": "clean"}, {"accent": "z"}, {"accent": "a"}, {}])
    rates = run(simulated(1, groups={"a": 12}), failures).rates
    row = only(rates, axis="accent", group="z")
    assert (row["wer"], row["low"], row["failures"], row["reference_words"]) == (None, None, 2, 0)
    assert (row["speakers"], row["utterances"], row["note"]) == (0, 0, "all utterances failed")
    assert only(rates, axis="accent", group="a")["failures"] == 1
    assert only(rates, axis="accent", group=None)["failures"] == 1
    assert only(rates, axis="overall")["failures"] == 4


def test_a_failure_without_condition_and_backend_counts_in_all_of_them(simulated, failures_of, run):
    counts = simulated(1, groups={"a": 3}, conditions=COSTS, backends=FACTORS)
    failures = failures_of([{"accent": "a", "condition": None, "backend": None}, {"accent": "a", "condition": "clean"}])
    rates = run(counts, failures).rates.filter(pl.col("axis") == "accent")
    assert {row[:2]: row[2] for row in rates.select("condition", "backend", "failures").rows()} == {
        ("clean", "A"): 2,
        ("noise", "A"): 1,
        ("clean", "B"): 1,
        ("noise", "B"): 1,
    }


def test_counts_without_a_condition_are_refused(counts_of, run):
    with pytest.raises(InputError, match="counts: found 1 rows without condition"):
        run(counts_of([{}, {"condition": None}]))


def test_no_reference_words_shows_the_count_of_insertions(counts_of, run):
    rows = [{"accent": "a", "reference_words": 0, "insertions": 3}, {"accent": "b", "reference_words": 0}]
    rates = run(counts_of(rows)).rates
    row = only(rates, axis="accent", group="a")
    assert (row["wer"], row["insertion_rate"], row["speakers"]) == (None, None, 0)
    assert row["note"] == "no reference words, 3 insertions"
    assert only(rates, axis="accent", group="b")["note"] == "no reference words"


def test_all_errors_zero(counts_of, run):
    rows = speakers("a", [0] * 12, [20] * 12) + speakers("b", [0] * 12, [20] * 12)
    found = run(counts_of(rows), reference_groups={"accent": "a"})
    row = only(found.rates, axis="overall")
    assert (row["wer"], row["low"], row["high"]) == (0, 0, pytest.approx(-math.log(0.025) / 480))
    assert row["note"] == "no errors: upper end with design effect 1.0"
    difference = only(found.disparities, measure="difference")
    assert (difference["estimate"], difference["p"]) == (0, pytest.approx(1))
    assert difference["low"] < 0 < difference["high"]
    ratio = only(found.disparities, measure="ratio")
    assert [ratio[name] for name in ("estimate", "low", "high", "p", "p_adjusted")] == [None] * 5
    assert "no errors: no ratio" in ratio["note"]


def test_no_errors_in_one_group_takes_the_design_effect_of_the_others(counts_of, run):
    errors = [1, 12, 2, 9, 0, 20, 3, 7, 1, 30]
    rows = speakers("a", [0] * 10, [20] * 10) + speakers("b", errors, [50] * 10)
    found = run(counts_of(rows))
    row = only(found.rates, axis="accent", group="a")
    theta = sum(errors) / 500
    effect = sum((e - theta * 50) ** 2 for e in errors) / 0.9**2 / sum(errors)
    assert row["high"] == pytest.approx(-math.log(0.025) / 200 * effect)
    assert row["note"] == f"no errors: upper end with design effect {effect:.1f}"
    b = only(found.rates, axis="accent", group="b")
    against = only(found.disparities, measure="difference_to_overall", group="b")
    low = theta - math.hypot(theta - b["low"], row["high"])
    assert against["low"] == pytest.approx(low * 200 / 700)


def test_rates_above_one_and_a_single_group(counts_of, run):
    rows = speakers("a", [30, 18, 25, 40], [10, 12, 11, 13])
    found = run(counts_of(rows), reference_groups={"accent": "a"})
    row = only(found.rates, axis="accent")
    assert 1 < row["low"] < row["wer"] < row["high"]
    against = found.disparities.filter(pl.col("measure").str.contains("_to_"))
    assert against["measure"].to_list() == [
        "difference_to_overall",
        "ratio_to_overall",
        "difference_to_rest",
        "ratio_to_rest",
    ]
    assert against["estimate"].to_list() == [None] * 4
    assert against["note"].str.contains("no other group").all()
    over_groups = found.disparities.filter(~pl.col("measure").str.contains("_to_"))
    assert {"gap", "worst_group", "between_group_sd"} <= set(over_groups["measure"])
    assert over_groups["low"].null_count() == over_groups.height
    assert over_groups["note"].str.contains("1 group").all()


def test_one_speaker_who_talks_nearly_everything(counts_of, run):
    rows = speakers("a", [20_000, 3, 1], [100_000, 5, 5])
    row = only(run(counts_of(rows)).rates, axis="accent")
    assert row["wer"] == pytest.approx(20_004 / 100_010)
    assert row["low"] is None or row["low"] < row["wer"] < row["high"]
    assert row["low"] is not None or "interval too wide to show" in row["note"]


def test_utterances_without_speaker_are_not_judged(counts_of, run):
    rows = [*speakers("a", [1, 2, 3], [10, 10, 10]), {"speaker_id": None, "accent": "a", "errors": 1}]
    rows += [{"speaker_id": None, "accent": "b", "errors": n} for n in (1, 2)] + speakers("c", [1, 3], [9, 9])
    found = run(counts_of(rows), reference_groups={"accent": "a"})
    row = only(found.rates, axis="accent", group="a")
    assert (row["wer"], row["low"], row["speakers"]) == (pytest.approx(7 / 40), None, 3)
    assert row["note"] == "1 utterance without speaker"
    row = only(found.rates, axis="accent", group="b")
    assert (row["speakers"], row["note"]) == (None, "2 utterances without speaker")
    assert found.disparities["low"].null_count() == found.disparities.height
    assert only(found.disparities, measure="ratio", group="b")["reference_speakers"] == 3
    to_overall = only(found.disparities, measure="ratio_to_overall", group="c")
    assert to_overall["note"] == "under 10 speakers; rest: 3 utterances without speaker"


def test_utterances_may_be_treated_as_independent_and_it_is_said_everywhere(counts_of, run):
    rows = [
        {"speaker_id": None, "accent": group, "errors": n % 4, "condition": condition, "utterance_id": f"{group}{n}"}
        for group in "ab"
        for n in range(12)
        for condition in ("clean", "noise")
    ]
    found = run(counts_of(rows), **FULL, independent_utterances=True)
    for table in (found.rates, found.disparities):
        assert table["low"].null_count() == 0
        assert table["method"].str.starts_with("utterances treated as independent").all()
        assert table["note"].str.contains("utterances treated as independent").all()
        assert table["speakers"].null_count() == table.height
    named = pl.col("utterance_id").alias("speaker_id")
    same = run(counts_of(rows).with_columns(named), **FULL)
    assert_frame_equal(found.rates.select("wer", "low", "high"), same.rates.select("wer", "low", "high"))


def test_speakers_in_both_groups_are_said(counts_of, run):
    rows = speakers("a", [1, 2, 3], [10] * 3)
    rows += [row | {"accent": "b", "errors": 4} for row in rows[1:]]
    rows += speakers("c", [3, 3], [10] * 2)
    found = run(counts_of(rows), reference_groups={"accent": "a"}).disparities
    assert "2 speakers also in the reference group" in only(found, measure="ratio", group="b")["note"]
    assert "2 speakers also in the rest" in only(found, measure="ratio_to_overall", group="b")["note"]
    assert "also in" not in only(found, measure="ratio", group="c")["note"]


def test_paired_contrasts_use_utterances_counted_in_both_and_say_what_is_left_out(simulated, run):
    whole = simulated(4, groups={"a": 14, "b": 14}, conditions=COSTS)
    gone = whole.filter(pl.col("accent") == "b", pl.col("condition") == "noise")["utterance_id"][:3].to_list()
    partial = whole.filter(~(pl.col("utterance_id").is_in(gone) & (pl.col("condition") == "noise")))
    both = whole.filter(~pl.col("utterance_id").is_in(gone))
    options = FULL | {"baseline_backend": None}
    found, expected = (run(rows, **options).disparities for rows in (partial, both))
    for measure in ("condition_difference", "condition_ratio", "interaction_difference", "interaction_ratio"):
        row, same = (only(table, axis="accent", group="b", measure=measure) for table in (found, expected))
        assert row["note"] == "3 utterances not in both conditions left out"
        assert row["estimate"] == same["estimate"]
        assert row["low"] == same["low"]


def test_no_common_utterance_has_no_cost(counts_of, run):
    rows = speakers("a", [1, 2], [10, 10]) + speakers("a", [1, 2], [10, 10], condition="noise")
    row = only(run(counts_of(rows), baseline_condition="clean").disparities, axis="accent", measure="condition_ratio")
    assert (row["estimate"], row["speakers"]) == (None, 0)
    assert row["note"].startswith("no utterance in both conditions")


def test_a_reference_group_without_utterances_in_a_cell(counts_of, failures_of, run):
    rows = speakers("b", [1, 2, 3], [10] * 3)
    failures = failures_of([{"accent": "a"}])
    row = only(run(counts_of(rows), failures, reference_groups={"accent": "a"}).disparities, measure="difference")
    assert row["estimate"] is None
    assert "reference: no utterances" in row["note"]


def test_character_error_rate_like_the_word_error_rate(counts_of, run):
    rows = speakers("a", [1, 2, 3], [10, 12, 14])
    characters = [
        pl.col("reference_words").alias("reference_characters"),
        *(pl.col(kind).alias(f"character_{kind}") for kind in ("substitutions", "deletions", "insertions")),
    ]
    found = run(counts_of(rows).with_columns(characters))
    row = only(found.metrics, axis="accent", metric="character_error_rate")
    wer = only(found.rates, axis="accent")
    for name, same in (("estimate", "wer"), ("low", "low"), ("high", "high"), ("speakers", "speakers")):
        assert row[name] == wer[same]


def test_no_character_counts_is_null(counts_of, run):
    metrics = run(counts_of(speakers("a", [1, 2], [10, 12]))).metrics
    row = only(metrics, axis="accent", metric="character_error_rate")
    assert (row["estimate"], row["low"], row["note"]) == (None, None, "no character counts")
    assert row["speakers"] == 2


def test_normalizers_are_apart(counts_of, run):
    rows = counts_of(speakers("a", [1, 2, 3], [10] * 3))
    two = pl.concat([rows, rows.with_columns(normalizer=pl.lit("basic"), substitutions=pl.lit(0, pl.Int64))])
    rates = run(two).rates
    assert only(rates, axis="accent", normalizer="basic")["wer"] == 0
    assert only(rates, axis="accent", normalizer="none")["wer"] == pytest.approx(0.2)


def test_level_is_used(simulated, run):
    rows = simulated(5, groups={"a": 10, "b": 10})
    narrow, wide = (run(rows, reference_groups={"accent": "a"}, level=level) for level in (0.8, 0.99))
    for table in ("rates", "disparities"):
        a, b = getattr(narrow, table), getattr(wide, table)
        at_zero = a["low"] == 0
        assert (a["high"] < b["high"]).all()
        assert (a["low"] > b["low"]).filter(~at_zero).all()
        assert at_zero.filter(at_zero).len() < len(a)
        assert a["level"].unique().to_list() == [0.8]
    assert narrow.disparities["p"].to_list() == wide.disparities["p"].to_list()


def test_nothing_gives_empty_tables(counts_of, run):
    found = run(counts_of([{}]).clear())
    assert found.rates.height == found.disparities.height == found.metrics.height == 0
    assert list(found.disparities.columns) == list(DISPARITIES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"reference_groups": {"accent": "scots"}},
            "axis 'accent': found reference group 'scots' in no row; expected one of: a, b",
        ),
        (
            {"reference_groups": {"age": "old"}},
            "reference groups: found unknown axis 'age'; expected one of: accent",
        ),
        ({"baseline_condition": "quiet"}, "baseline condition: found 'quiet' in no row; expected one of: clean"),
        ({"baseline_backend": "X"}, "baseline backend: found 'X' in no row; expected one of: A"),
        ({"level": 95}, "level: found 95; expected a number between 0 and 1, such as 0.95"),
        ({"axes": ["age"]}, "counts: found no column 'age'"),
        ({"axes": ["overall"]}, "axes: found overall; expected different names, none of them 'overall'"),
    ],
)
def test_bad_input_says_what_was_found_and_what_is_there(simulated, run, options, message):
    with pytest.raises(InputError) as caught:
        run(simulated(1, groups={"a": 2, "b": 2, None: 2}), **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_utterance_counted_twice_is_refused(counts_of, run):
    row = {"utterance_id": "u", "accent": "a"}
    with pytest.raises(InputError, match="found utterance_id 'u', condition 'clean', backend 'A' more than once"):
        run(counts_of([row, row]))
