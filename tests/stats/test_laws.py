"""Laws that hold for any counts."""

import dataclasses

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from asrfair.stats import intervals

FULL = {
    "reference_groups": {"accent": "a"},
    "baseline_condition": "clean",
    "baseline_backend": "A",
}
laws = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def designs(draw):
    """A seed and a small design: groups of a few speakers, two conditions, two backends."""
    return draw(st.integers(0, 10_000)), {
        "groups": {"a": draw(st.integers(1, 6)), "b": draw(st.integers(1, 6)), None: draw(st.integers(0, 3))},
        "conditions": {"clean": 1.0, "noise": draw(st.sampled_from([0.5, 1.0, 3.0]))},
        "backends": {"A": 1.0, "B": 1.5},
        "rate": draw(st.sampled_from([0.01, 0.15, 0.9])),
    }


@laws
@given(designs(), st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(simulated, run, design, random):
    seed, options = design
    rows = simulated(seed, **options)
    order = list(range(rows.height))
    random.shuffle(order)
    first, second = run(rows, **FULL), run(rows[order], **FULL)
    for name in ("rates", "disparities", "metrics"):
        assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


@pytest.mark.parametrize("names", [{"a": "y", "b": "z"}, {"a": "z", "b": "y"}], ids=["in order", "reversed"])
@laws
@given(design=designs())
def test_relabelling_groups_permutes_rows(simulated, run, names, design):
    """A pair is the later name minus the earlier, and of equal groups the first is named: names in order keep both."""
    seed, options = design
    rows = simulated(seed, **options)
    renamed = rows.with_columns(pl.col("accent").replace(names))
    first = run(rows, **FULL)
    second = run(renamed, **(FULL | {"reference_groups": {"accent": names["a"]}}))
    ordered = ["pairwise_difference", "pairwise_ratio", "gap", "worst_group"] if names["a"] == "z" else []
    # A bootstrap draws by the group's name.
    by_name = ["between_group_sd_lum", *ordered]
    for name, columns in (("rates", ["group"]), ("disparities", ["group", "reference_group"])):
        table = _without(getattr(first, name), by_name).with_columns(pl.col(columns).replace(names))
        keys = [key for key in ("axis", "measure", "backend", "condition", "group") if key in table.columns]
        other = _without(getattr(second, name), by_name)
        assert_frame_equal(table.sort(keys), other.sort(keys), rel_tol=1e-9, abs_tol=1e-12)


def _without(table, measures):
    return table.filter(~pl.col("measure").is_in(measures)) if "measure" in table.columns else table


@laws
@given(designs())
def test_doubling_the_corpus_leaves_rates_and_intervals_alone(simulated, run, design):
    """The floors, the rule for no errors and what of the stretch is for chance are about the number of errors."""
    seed, options = design
    rows = simulated(seed, **options)
    twice = pl.concat([rows, rows.with_columns(pl.col("utterance_id") + "-again")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "SKEW", 0.0)
        first, second = run(rows, **FULL), run(twice, **FULL)
    assert_frame_equal(first.rates.select("wer"), second.rates.select("wer"))
    # Over groups a single floored variance moves the whole row, and its note is about other things.
    over_groups = [
        "gap",
        "worst_group",
        "between_group_sd",
        "generalised_entropy",
        "theil",
        "gini",
        "between_group_sd_lum",
    ]
    first, second = (
        dataclasses.replace(part, disparities=_without(part.disparities, over_groups)) for part in (first, second)
    )
    for name, keys in (("rates", ["low", "high"]), ("disparities", ["estimate", "low", "high", "p"])):
        notes = [getattr(part, name)["note"].fill_null("") for part in (first, second)]
        plain = ~(notes[0].str.contains("spread|no errors") | notes[1].str.contains("spread|no errors"))
        a, b = (getattr(part, name).filter(plain).select(keys) for part in (first, second))
        assert_frame_equal(a, b, rel_tol=1e-7, abs_tol=1e-9)


@laws
@given(designs())
def test_swapping_backends_flips_the_signs_of_differences_and_inverts_ratios(simulated, run, design):
    seed, options = design
    rows = simulated(seed, **options)
    first, second = (
        run(rows, **(FULL | {"baseline_backend": name})).disparities.filter(
            pl.col("measure").str.starts_with("backend_")
        )
        for name in "AB"
    )
    is_ratio = pl.col("measure").str.ends_with("ratio")
    assert set(first["measure"]) >= {"backend_difference", "backend_ratio"}
    opposite = {
        name: pl.when(is_ratio).then(1 / pl.col(other)).otherwise(-pl.col(other)).alias(name)
        for name, other in (("estimate", "estimate"), ("low", "high"), ("high", "low"))
    }
    columns = ["measure", "group", "condition", *opposite, "p"]
    assert_frame_equal(first.select(columns), second.with_columns(**opposite).select(columns), abs_tol=1e-12)


@laws
@given(designs())
def test_merging_groups_gives_the_pooled_rate_and_the_pooled_cost(simulated, run, design):
    """A speaker has one group here, so that speakers add up, too."""
    seed, options = design
    rows = simulated(seed, **options)
    both = rows.filter(pl.col("accent").is_not_null())
    merged = both.with_columns(accent=pl.lit("a+b"))
    keys = ["condition", "backend"]
    accent = pl.col("axis") == "accent"
    apart, together = (run(table, **(FULL | {"reference_groups": {}})) for table in (both, merged))
    words = pl.col("reference_words")
    pooled = (
        apart.rates.filter(accent)
        .group_by(keys, maintain_order=True)
        .agg((pl.col("wer") * words).sum() / words.sum(), words.sum(), pl.col("speakers").sum())
    )
    assert_frame_equal(together.rates.filter(accent).select(pooled.columns), pooled)
    shares = apart.rates.filter(accent).select("group", *keys, "reference_words")
    costs = (
        apart.disparities.filter(accent, pl.col("measure") == "condition_difference")
        .join(shares, on=["group", *keys], maintain_order="left")
        .group_by(keys, maintain_order=True)
        .agg((pl.col("estimate") * words).sum() / words.sum())
    )
    found = together.disparities.filter(accent, pl.col("measure") == "condition_difference")
    assert_frame_equal(found.select(costs.columns), costs, abs_tol=1e-12)


@laws
@given(designs())
def test_an_interval_holds_its_estimate_and_p_agrees_with_it(simulated, run, design):
    seed, options = design
    table = run(simulated(seed, **options), **FULL).disparities.drop_nulls("low")
    none = pl.when(pl.col("measure").str.contains("ratio")).then(1.0).otherwise(0.0)
    held = table.select(
        around=(pl.col("low") <= pl.col("estimate")) & (pl.col("estimate") <= pl.col("high")),
        agrees=((pl.col("low") <= none) & (none <= pl.col("high"))) == (pl.col("p") >= 0.05),
        edge=((pl.col("p") - 0.05).abs() < 1e-6),
    )
    assert held["around"].all()
    assert (held["agrees"] | held["edge"]).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_groups_words_and_errors_add_up_to_the_overall_row(simulated, run, seed):
    rates = run(simulated(seed, groups={"a": 4, "b": 3, None: 2})).rates
    groups, overall = rates.filter(pl.col("axis") == "accent"), rates.filter(pl.col("axis") == "overall")
    assert groups["reference_words"].sum() == overall["reference_words"][0]
    assert (groups["wer"] * groups["reference_words"]).sum() == pytest.approx(
        overall["wer"][0] * overall["reference_words"][0]
    )
