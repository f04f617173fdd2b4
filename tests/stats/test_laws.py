"""Laws that hold for any counts."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

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


@laws
@given(designs())
def test_relabelling_groups_permutes_rows(simulated, run, design):
    seed, options = design
    rows = simulated(seed, **options)
    names = {"a": "z", "b": "y"}
    renamed = rows.with_columns(pl.col("accent").replace(names))
    first = run(rows, **FULL)
    second = run(renamed, **(FULL | {"reference_groups": {"accent": "z"}}))
    for name, columns in (("rates", ["group"]), ("disparities", ["group", "reference_group"])):
        table = getattr(first, name).with_columns(pl.col(columns).replace(names))
        keys = [key for key in ("axis", "measure", "backend", "condition", "group") if key in table.columns]
        other = getattr(second, name)
        assert_frame_equal(table.sort(keys), other.sort(keys), rel_tol=1e-9, abs_tol=1e-12)


@laws
@given(designs())
def test_doubling_the_corpus_leaves_rates_and_intervals_alone(simulated, run, design):
    """The floors, and the rule for no errors, are about the number of errors: they alone may change."""
    seed, options = design
    rows = simulated(seed, **options)
    twice = pl.concat([rows, rows.with_columns(pl.col("utterance_id") + "-again")])
    first, second = run(rows, **FULL), run(twice, **FULL)
    assert_frame_equal(first.rates.select("wer"), second.rates.select("wer"))
    for name, keys in (("rates", ["low", "high"]), ("disparities", ["estimate", "low", "high", "p"])):
        notes = [getattr(part, name)["note"].fill_null("") for part in (first, second)]
        plain = ~(notes[0].str.contains("spread|no errors") | notes[1].str.contains("spread|no errors"))
        a, b = (getattr(part, name).filter(plain).select(keys) for part in (first, second))
        assert_frame_equal(a, b, rel_tol=1e-7, abs_tol=1e-9)


@laws
@given(designs())
def test_swapping_backends_flips_the_sign_of_the_difference(simulated, run, design):
    seed, options = design
    rows = simulated(seed, **options)
    measure = pl.col("measure") == "backend_difference"
    first = run(rows, **FULL).disparities.filter(measure)
    second = run(rows, **(FULL | {"baseline_backend": "B"})).disparities.filter(measure)
    columns = ["estimate", "low", "high", "p"]
    flipped = second.select(-pl.col("estimate"), (-pl.col("high")).alias("low"), (-pl.col("low")).alias("high"), "p")
    assert_frame_equal(first.select(columns), flipped, abs_tol=1e-12)


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
