"""Adjusted rate ratios: what they separate, and what becomes of input that no model can use."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.genmod.cov_struct import Independence
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_estimating_equations import GEE

from asrfair.errors import InputError
from asrfair.seeds import generator
from asrfair.stats.models import model_rows
from asrfair.tables import MODELS

GENDERS = ("female", "male")


def draw(
    seed: int = 0,
    *,
    speakers: int = 24,
    each: int = 12,
    noisier_db: float = 0.0,
    served_worse: float = 1.0,
    conditions: tuple[str, ...] = ("clean",),
) -> pl.DataFrame:
    """Two accents; the Scots' recordings may be noisier, and the Scots served worse for the same noise."""
    rng = generator(seed, "models")
    rows = []
    for number in range(speakers):
        scot = number % 2
        talent = np.exp(rng.normal(0, 0.3))
        for utterance in range(each):
            words = int(rng.integers(4, 16))
            snr = rng.normal(20 - noisier_db * scot, 4)
            for place, condition in enumerate(conditions):
                mean = 0.15 * words * talent * np.exp(-0.08 * (snr - 20)) * served_worse**scot * (1 + place)
                rows.append(
                    {
                        "utterance_id": f"{number}-{utterance}",
                        "speaker_id": f"s{number:03}",
                        "accent": ("US", "Scotland")[scot],
                        "gender": GENDERS[number // 2 % 2],
                        "condition": condition,
                        "backend": "A",
                        "reference_words": words,
                        "substitutions": int(rng.poisson(0.7 * mean)),
                        "deletions": int(rng.poisson(0.2 * mean)),
                        "insertions": int(rng.poisson(0.1 * mean)),
                        "snr": float(snr),
                    }
                )
    return pl.DataFrame(rows)


def rows_of(counts: pl.DataFrame, covariates: tuple[str, ...] = ("snr",), **options: Any) -> pl.DataFrame:
    given = {"axis": "accent", "reference": "US", "level": 0.95} | options
    return model_rows(counts, covariates=covariates, **given)


def one(table: pl.DataFrame, term: str, model: str = "poisson_gee") -> dict[str, Any]:
    return table.row(by_predicate=(pl.col("term") == term) & (pl.col("model") == model), named=True)


SCOTS = "accent[Scotland]"
BASES = {"gender": "female"}
MODEL_NAMES = ("poisson_gee", "speaker_random_intercept")


def test_a_disparity_made_by_noise_goes_away_with_adjustment() -> None:
    table = rows_of(draw(noisier_db=8, speakers=80))
    for model in MODEL_NAMES:
        row = one(table, SCOTS, model)
        assert row["raw_ratio"] > 1.5
        assert row["estimate"] == pytest.approx(1.0, abs=0.15)
        assert row["low"] < 1 < row["high"]


def test_a_disparity_not_made_by_noise_stays() -> None:
    table = rows_of(draw(noisier_db=4, served_worse=2.0, speakers=80))
    for model in MODEL_NAMES:
        row = one(table, SCOTS, model)
        assert row["raw_ratio"] > 2.3
        assert row["estimate"] == pytest.approx(2.0, abs=0.35)
        assert row["low"] > 1.3
        assert row["p"] < 0.001
        assert one(table, "snr", model)["estimate"] == pytest.approx(np.exp(-0.08), abs=0.015)


def test_the_default_is_statsmodels_gee_of_single_utterances() -> None:
    counts = draw(noisier_db=4, speakers=14)
    errors = counts.select(pl.sum_horizontal("substitutions", "deletions", "insertions")).to_series().to_numpy()
    columns = counts.select(
        pl.lit(1.0).alias("one"),
        (pl.col("accent") == "Scotland").cast(pl.Float64),
        "snr",
        (pl.col("gender") == "male").cast(pl.Float64).alias("male"),
    ).to_numpy()
    theirs = GEE(
        errors,
        columns,
        groups=counts["speaker_id"].to_numpy(),
        offset=np.log(counts["reference_words"].to_numpy()),
        family=Poisson(),
        cov_struct=Independence(),
    ).fit(cov_type="bias_reduced")
    table = rows_of(counts, ("snr", "gender"), bases=BASES)
    expected = {SCOTS: 1, "snr": 2, "gender[male]": 3}
    for term, place in expected.items():
        row = one(table, term)
        assert row["estimate"] == pytest.approx(np.exp(theirs.params[place]))
        width = np.log(row["high"] / row["low"]) / 2
        by_t = width / np.sqrt(theirs.cov_robust_bc[place, place])
        assert by_t > 2.2, "t with at most speakers − parameters = 10 degrees of freedom"


def test_table_and_notes() -> None:
    table = rows_of(draw(conditions=("clean", "noisy")), ("snr", "gender"), units={"snr": "dB"}, bases=BASES)
    assert table.schema == pl.Schema(MODELS)
    assert table["covariates"].unique().to_list() == ["snr + gender"]
    clean = table.filter(pl.col("condition") == "clean")
    assert clean["term"].to_list() == [SCOTS, "snr", "gender[male]"] * 2
    assert clean["group"].to_list() == ["Scotland", None, None] * 2
    assert clean["reference_group"].to_list() == ["US", None, None] * 2
    assert clean["speakers"].to_list() == [12, 24, 24] * 2
    assert clean["utterances"].to_list() == [144, 288, 288] * 2
    assert one(clean, "snr")["note"] == "per dB"
    assert one(clean, "gender[male]")["note"] == "against gender[female]"
    note = one(clean, SCOTS, "speaker_random_intercept")["note"]
    assert note.startswith("compares median speakers, not pooled rates; speakers' log rates have sd 0.")


def test_conditions_are_pooled_where_the_condition_is_a_covariate() -> None:
    counts = draw(conditions=("clean", "noisy"), served_worse=1.5)
    table = rows_of(counts, ("condition", "snr"), bases={"condition": "clean"})
    assert table["condition"].unique().to_list() == ["overall"]
    assert one(table, "condition[noisy]")["estimate"] == pytest.approx(2.0, abs=0.25)
    assert one(table, "condition[noisy]")["note"].endswith("against condition[clean]")
    assert one(table, SCOTS)["utterances"] == 2 * 144


def test_without_a_named_base_levels_are_compared_with_the_one_with_most_words() -> None:
    counts = draw().filter((pl.col("gender") == "male") | (pl.col("speaker_id") < "s015"))
    assert one(rows_of(counts, ("gender",)), "gender[female]")["note"].endswith("against gender[male]")


def test_rows_come_in_one_order_whatever_the_input() -> None:
    counts = draw(conditions=("b", "a", "c"))
    table = rows_of(counts, bases={"condition": "b"})
    assert table["condition"].unique(maintain_order=True).to_list() == ["b", "a", "c"]
    shuffled = rows_of(counts.sample(fraction=1, shuffle=True, seed=3), bases={"condition": "b"})
    assert shuffled.drop("estimate", "low", "high", "p", "raw_ratio").equals(
        table.drop("estimate", "low", "high", "p", "raw_ratio")
    )
    assert shuffled["estimate"].to_numpy() == pytest.approx(table["estimate"].to_numpy(), rel=1e-9)


def test_the_axis_is_no_covariate_of_itself() -> None:
    counts = draw().with_columns(pl.concat_str("accent", "gender", separator="*").alias("accent*gender"))
    table = rows_of(counts, ("accent", "gender"))
    assert table["covariates"].unique().to_list() == ["gender"]
    assert rows_of(counts, ("accent",)).is_empty()
    product = model_rows(
        counts, axis="accent*gender", reference="US*male", covariates=("gender", "snr", "accent"), level=0.95
    )
    assert product["covariates"].unique().to_list() == ["snr"]
    assert product.filter(pl.col("group").is_not_null())["estimate"].null_count() == 0


def test_what_is_left_out_is_counted() -> None:
    counts = draw().with_row_index("row")
    row = pl.col("row")
    counts = counts.with_columns(
        snr=pl.when(row < 3).then(None).when(row == 3).then(float("nan")).otherwise("snr"),
        speaker_id=pl.when(row.is_between(10, 11)).then(None).otherwise("speaker_id"),
        accent=pl.when(row == 20).then(None).otherwise("accent"),
        reference_words=pl.when(row == 30).then(0).otherwise("reference_words"),
    )
    whole = rows_of(counts)
    left = "left out: 1 utterance without accent, 1 utterance without reference words, 4 utterances without snr"
    assert one(whole, SCOTS)["note"] == left + ", 2 utterances without speaker"
    kept = counts.filter(~row.is_in([0, 1, 2, 3, 10, 11, 20, 30]))
    assert one(whole, SCOTS)["estimate"] == pytest.approx(one(rows_of(kept), SCOTS)["estimate"])
    assert one(whole, "snr")["utterances"] == kept.height


def test_utterances_without_a_speaker_may_be_clusters_of_their_own() -> None:
    counts = draw(speakers=6).with_columns(speaker_id=pl.lit(None, pl.String))
    row = one(rows_of(counts, independent_utterances=True), SCOTS)
    assert "utterances treated as independent" in row["note"]
    assert row["speakers"] == 36
    assert one(rows_of(counts), SCOTS)["note"].startswith("reference: no utterances; left out: 72 utterances")


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_constant_covariates_are_said_to_be(model: str) -> None:
    counts = draw().with_columns(room=pl.lit("studio"), gain=pl.lit(3.0))
    table = rows_of(counts, ("room", "gain", "snr"))
    for name in ("room", "gain"):
        row = one(table, name, model)
        assert row["estimate"] is None
        assert row["note"].startswith(f"{name} is constant here")
    group = one(table, SCOTS, model)
    assert group["estimate"] == pytest.approx(one(rows_of(counts), SCOTS, model)["estimate"])
    assert "not adjusted for room and gain, constant here" in group["note"]


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_collinear_covariates_are_told_apart_from_what_can_be_estimated(model: str) -> None:
    counts = draw().with_columns(snr_again=2 * pl.col("snr") - 5)
    table = rows_of(counts, ("snr", "snr_again", "gender"))
    assert one(table, "snr", model)["estimate"] is None
    assert one(table, "snr", model)["note"].startswith("cannot be told apart from snr_again here")
    plain = rows_of(counts, ("snr", "gender"))
    for term in (SCOTS, "gender[male]"):
        assert one(table, term, model)["estimate"] == pytest.approx(one(plain, term, model)["estimate"], rel=1e-6)


@pytest.mark.parametrize("model", MODEL_NAMES)
def test_a_covariate_that_is_the_group_leaves_no_adjusted_ratio(model: str) -> None:
    counts = draw().with_columns(studio=pl.col("accent").replace({"US": "ours", "Scotland": "theirs"}))
    row = one(rows_of(counts, ("studio", "snr")), SCOTS, model)
    assert row["estimate"] is None
    assert row["low"] is None
    assert row["raw_ratio"] is not None
    assert row["note"].startswith("cannot be told apart from studio here")


def speakers_of(accent: str) -> pl.Expr:
    return pl.col("speaker_id").is_in(["s001"] if accent == "Scotland" else ["s000"])


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda c: c.filter(pl.col("accent") != "US"), "reference: no utterances"),
        (
            lambda c: c.with_columns(
                pl.when(pl.col("accent") == "US").then(0).otherwise(name).alias(name)
                for name in ("substitutions", "deletions", "insertions")
            ),
            "reference: no errors: no ratio",
        ),
        (lambda c: c.filter(pl.col("speaker_id").is_in(["s000", "s001", "s002"])), "3 speakers for 3 parameters"),
        (lambda c: c.with_columns(speaker_id=pl.lit("s")), "1 speaker: not judged"),
        (lambda c: c.with_columns(snr=pl.lit(None, pl.Float64)), "reference: no utterances; left out: 288 utterances"),
        (lambda c: c.with_columns(substitutions=0, deletions=0, insertions=0), "reference: no errors: no ratio"),
    ],
)
def test_what_no_model_can_use_is_null_with_its_reason(change: Any, note: str) -> None:
    table = rows_of(change(draw()))
    assert table["term"].to_list() == [SCOTS, "snr"] * 2
    assert table.select("raw_ratio", "estimate", "low", "high", "p").null_count().row(0) == (4, 4, 4, 4, 4)
    for text in table["note"]:
        assert text.startswith(note)


def test_a_group_without_errors_has_no_ratio_and_changes_no_other() -> None:
    welsh = draw(1, speakers=6).with_columns(
        accent=pl.lit("Wales"),
        speaker_id="w" + pl.col("speaker_id"),
        substitutions=pl.lit(0, pl.Int64),
        deletions=pl.lit(0, pl.Int64),
        insertions=pl.lit(0, pl.Int64),
    )
    counts = draw()
    table = rows_of(pl.concat([counts, welsh]))
    for model in MODEL_NAMES:
        row = one(table, "accent[Wales]", model)
        assert row["estimate"] is None
        assert row["raw_ratio"] is None
        assert row["note"].startswith("no errors: no ratio; under 10 speakers")
        assert one(table, SCOTS, model)["estimate"] == pytest.approx(one(rows_of(counts), SCOTS, model)["estimate"])


@pytest.mark.parametrize(
    ("accent", "note"), [("Scotland", "1 speaker: not judged"), ("US", "reference: 1 speaker: not judged")]
)
def test_a_group_of_one_speaker_is_not_judged(accent: str, note: str) -> None:
    counts = draw().filter((pl.col("accent") != accent) | speakers_of(accent))
    for model in MODEL_NAMES:
        row = one(rows_of(counts), SCOTS, model)
        assert row["estimate"] is not None
        assert (row["low"], row["high"], row["p"]) == (None, None, None)
        assert row["note"].startswith(note)
    assert one(rows_of(counts), "snr")["low"] is not None


def test_a_level_that_one_speaker_carries_is_not_judged() -> None:
    device = pl.when(pl.col("speaker_id") == "s003").then(pl.lit("phone")).otherwise(pl.lit("headset"))
    table = rows_of(draw().with_columns(device=device), ("device",))
    row = one(table, "device[phone]")
    assert row["low"] is None
    assert "rests on 1 speaker: not judged" in row["note"]
    assert one(table, SCOTS)["low"] is not None


def test_a_ratio_per_too_large_a_unit_is_not_shown() -> None:
    row = one(rows_of(draw().with_columns(snr=pl.col("snr") / 1e5)), "snr")
    assert row["estimate"] is None
    assert "a ratio beyond 1000 per unit: not shown" in row["note"]


def test_separated_errors_do_not_converge_and_say_so() -> None:
    rng = generator(0, "separated")
    rows = [
        {"utterance_id": f"{s}-{u}", "speaker_id": f"s{s}", "accent": ("US", "Scotland")[s % 2], "condition": "clean"}
        | {"backend": "A", "reference_words": 10, "substitutions": int(x > 9.99) * 3, "deletions": 0, "insertions": 0}
        | {"x": x}
        for s in range(20)
        for u, x in enumerate([*rng.uniform(0, 9, 5), 10.0])
    ]
    table = rows_of(pl.DataFrame(rows), ("x",))
    for model in MODEL_NAMES:
        assert one(table, "x", model)["estimate"] is None
        assert one(table, "x", model)["note"].endswith("the model did not converge")


def test_speakers_who_are_all_alike_have_no_zero_width_interval() -> None:
    counts = draw(speakers=8).with_columns(
        substitutions=pl.when(pl.col("accent") == "US").then(1).otherwise(2),
        deletions=pl.lit(0),
        insertions=pl.lit(0),
        reference_words=pl.lit(10),
    )
    row = one(rows_of(counts, ("gender",)), SCOTS)
    assert row["estimate"] == pytest.approx(2.0)
    assert row["low"] < 1.7
    assert "spread from the number of errors" in row["note"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="counts: found no column 'age'; expected one of: utterance_id"):
        rows_of(draw(), ("age",))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.001, 3.0, 1e6]), shift=st.sampled_from([0.0, -40.0, 1e4]))
def test_the_unit_of_a_covariate_does_not_matter(seed: int, factor: float, shift: float) -> None:
    counts = draw(seed, speakers=10, each=4)
    here = rows_of(counts)
    there = rows_of(counts.with_columns(snr=pl.col("snr") * factor + shift))
    for model in MODEL_NAMES:
        a, b = one(here, SCOTS, model), one(there, SCOTS, model)
        for name in ("estimate", "low", "high", "p"):
            assert a[name] == pytest.approx(b[name], rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_summing_rows_first_changes_nothing(seed: int) -> None:
    counts = draw(seed, speakers=10, each=4).with_columns(snr=(pl.col("snr") / 10).round() * 10)
    apart = counts.with_columns(snr=pl.col("snr") + 1e-9 * pl.int_range(pl.len()))
    a, b = one(rows_of(counts), SCOTS), one(rows_of(apart), SCOTS)
    for name in ("estimate", "low", "high", "p"):
        assert a[name] == pytest.approx(b[name], rel=1e-5)
