"""Handicaps of simulated groups along ladders."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from asrfair.errors import InputError
from asrfair.seeds import generator
from asrfair.stats import Question
from asrfair.stats.curves import Scale
from asrfair.stats.handicap import expanded, handicap_rows, handicaps
from asrfair.tables import CONDITIONS, COUNTS, HANDICAPS, conform

SNR = (30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0)
US = ("us", 12, 9.0)
SCOTTISH = ("scottish", 12, 15.0)


def a_ladder(values: Sequence[float] = SNR, parameter: str = "white_noise.snr_db", unit: str | None = "dB") -> Any:
    rows = [
        {"condition": f"l@{x:g}", "ladder": "l", "parameter": parameter, "value": float(x), "unit": unit}
        for x in values
    ]
    other = {"condition": "clean", "parameter": "tilt.slope_db", "value": 1.0}
    more = {**rows[0], "ladder": None, "parameter": "white_noise.colour_hz", "value": 3.0}
    return conform(pl.DataFrame([*rows, other, more], infer_schema_length=None), CONDITIONS)


def heard(
    *groups: tuple[str | None, int, float],
    values: Sequence[float] = SNR,
    steepness: float = 0.3,
    sd: float = 0.4,
    seed: int = 0,
    backends: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Counts of groups: name, speakers and the value at which half of the words are missed."""
    rng = generator(seed, "heard")
    rows = []
    for group, speakers, middle in groups:
        for speaker in range(speakers):
            multiplier = float(np.exp(sd * rng.normal()))
            for backend, shift in (backends or {"A": 0.0}).items():
                p = 0.05 + 0.9 / (1 + np.exp(steepness * (np.array(values) - middle - shift)))
                for utterance in range(3):
                    errors = rng.binomial(20, 1 - (1 - p) ** multiplier)
                    for value, wrong in zip(values, errors, strict=True):
                        rows.append(
                            {
                                "utterance_id": f"{group}-{speaker}-{utterance}",
                                "speaker_id": f"{group}-{speaker}",
                                "accent": group,
                                "condition": f"l@{value:g}",
                                "backend": backend,
                                "normalizer": "none",
                                "reference_words": 20,
                                "substitutions": int(wrong),
                                "deletions": 0,
                                "insertions": 0,
                            }
                        )
    return conform(pl.DataFrame(rows), COUNTS, axes=["accent"])


def ask(counts: pl.DataFrame, conditions: pl.DataFrame | None = None, **options: Any) -> pl.DataFrame:
    given = {"axes": ["accent"], "reference_groups": {"accent": "us"}, "replicates": 400, **options}
    return handicap_rows(counts, a_ladder() if conditions is None else conditions, Question(**given))


def headline(rows: pl.DataFrame, group: str = "scottish") -> dict[str, Any]:
    return rows.filter(pl.col("at").is_null(), pl.col("group") == group).row(0, named=True)


def slow_estimate(counts: pl.DataFrame, group: str) -> float:
    """The headline by definition: numpy's interpolation between scipy's isotonic fits."""
    from scipy import optimize

    curves = {}
    for name in ("us", group):
        own = counts.filter(pl.col("accent") == name)
        rates = [
            own.filter(pl.col("condition") == f"l@{x:g}").select(pl.col("substitutions").sum() / 20 / pl.len()).item()
            for x in SNR
        ]
        curves[name] = optimize.isotonic_regression(np.array(rates)).x
    level = (curves["us"][0] + curves["us"][-1]) / 2
    at_us, at_group = (float(np.interp(level, curves[name], [-x for x in SNR])) for name in ("us", group))
    return at_us - at_group


def test_the_estimate_is_its_definition() -> None:
    counts = heard(US, SCOTTISH)
    row = headline(ask(counts))
    assert row["estimate"] == pytest.approx(slow_estimate(counts, "scottish"))
    assert row["estimate"] == pytest.approx(6.0, abs=2.0)
    assert row["low"] < row["estimate"] < row["high"]
    assert (row["speakers"], row["reference_speakers"], row["reference_group"]) == (12, 12, "us")
    assert (row["ladder"], row["parameter"], row["unit"]) == ("l", "white_noise.snr_db", "dB")


def test_the_table_is_in_the_contract_and_ordered() -> None:
    rows = ask(heard(US, SCOTTISH, ("indian", 6, 10.0), (None, 3, 10.0)))
    assert dict(rows.schema) == HANDICAPS
    assert rows["group"].unique(maintain_order=True).to_list() == ["indian", "scottish"]
    assert rows.filter(group="indian")["at"].to_list() == [None, *SNR]
    assert rows["method"][0] == (
        "speaker-clustered bootstrap of the crossing, expanded percentile, 400 replicates, seed 0"
    )


def test_order_of_rows_and_other_conditions_change_nothing() -> None:
    counts = heard(US, SCOTTISH)
    other = counts.filter(condition="l@30").with_columns(condition=pl.lit("clean"))
    shuffled = pl.concat([other, counts]).sample(fraction=1, shuffle=True, seed=3)
    assert ask(shuffled, a_ladder()[::-1]).equals(ask(counts))


def test_doubled_counts_give_the_same() -> None:
    counts = heard(US, SCOTTISH)
    doubled = counts.with_columns(pl.col("substitutions", "reference_words") * 2)
    one, two = ask(counts), ask(doubled)
    for name in ("estimate", "low", "high", "wer"):
        np.testing.assert_allclose(one[name].to_numpy(), two[name].to_numpy(), rtol=1e-9)


def test_swapped_groups_have_the_other_sign() -> None:
    counts = heard(US, SCOTTISH)
    one = headline(ask(counts))
    other = headline(ask(counts, reference_groups={"accent": "scottish"}), "us")
    assert other["estimate"] == pytest.approx(-one["estimate"], abs=1.0)
    assert other["low"] == pytest.approx(-one["high"], abs=1.5)
    assert other["high"] < 0


def test_a_group_like_the_reference_group_has_no_handicap() -> None:
    counts = heard(US)
    twin = counts.with_columns(
        pl.lit("twin").alias("accent"), pl.col("speaker_id", "utterance_id").str.replace("us", "twin")
    )
    rows = ask(pl.concat([counts, twin]))
    assert rows["estimate"].to_list() == pytest.approx([0.0] * 9, abs=1e-9)
    row = headline(rows, "twin")
    assert row["low"] < 0 < row["high"]


@pytest.mark.parametrize(
    ("parameter", "unit", "values", "sign"),
    [
        ("loss.loss_percent", "%", (0.0, 2.0, 5.0, 10.0, 20.0), 1),
        ("opus.rate_kbps", "kbit/s", (6.0, 9.0, 16.0, 32.0), -1),
    ],
)
def test_positive_is_served_worse_whichever_way_is_harder(
    parameter: str, unit: str, values: Sequence[float], sign: int
) -> None:
    steepness = -0.3 * sign
    worse = 12.0 - 3 * sign
    counts = heard(("us", 12, 12.0), ("scottish", 12, worse), values=values, steepness=steepness, sd=0.2)
    rows = ask(counts, a_ladder(values, parameter, unit))
    row = headline(rows)
    assert row["estimate"] > 1
    assert row["unit"] == unit
    assert rows["at"].drop_nulls().to_list() == sorted(values, reverse=sign < 0)


def test_bit_rates_are_interpolated_by_factors() -> None:
    scale = Scale(logarithmic=True, turned=True)
    group, reference = np.array([[0.3, 0.5, 0.7]]), np.array([[0.1, 0.3, 0.6]])
    own, other = (np.repeat(side, 3, axis=0) for side in (group, reference))
    found = handicaps(own, other, np.array([32.0, 16.0, 8.0]), scale, alpha=0.05)
    assert found.estimate[2] == pytest.approx(32.0 - 16.0)
    # The reference's halfway WER .35 is a sixth of the way from 16 to 8, the group's a quarter of that from 32 to 16.
    assert found.estimate[0] == pytest.approx(32 / 2**0.25 - 16 / 2 ** (1 / 6))


def test_beyond_the_ladder_there_is_a_bound_and_no_estimate() -> None:
    rows = ask(heard(US, ("far", 12, 60.0), ("near", 12, -40.0)))
    far, near = headline(rows, "far"), headline(rows, "near")
    assert (far["estimate"], far["high"]) == (None, None)
    assert 15 < far["low"] < 30
    assert "not within the ladder: more than 2" in far["note"]
    assert "upper end beyond the ladder" in far["note"]
    assert (near["estimate"], near["low"]) == (None, None)
    assert -20 < near["high"] < -5
    assert "not within the ladder: below -1" in near["note"]
    at_best = rows.filter(pl.col("group") == "far", pl.col("at") == 30).row(0, named=True)
    assert at_best["low"] == 0


@pytest.mark.parametrize(
    ("speakers", "note"),
    [(1, "1 speaker: not judged"), (4, "under 5 speakers: no interval"), (5, "under 10 speakers"), (10, None)],
)
def test_few_speakers(speakers: int, note: str | None) -> None:
    row = headline(ask(heard(US, ("scottish", speakers, 12.0))))
    assert row["note"] == note
    assert row["estimate"] is not None
    assert (row["low"] is None) == (speakers < 5)
    turned = headline(ask(heard(("us", speakers, 9.0), ("scottish", 12, 12.0))))
    assert turned["note"] == (note and f"reference: {note}")


def test_only_utterances_at_every_rung_enter() -> None:
    counts = heard(US, SCOTTISH)
    gone = (pl.col("utterance_id") == "scottish-0-0") & (pl.col("condition") == "l@5")
    row = headline(ask(counts.filter(~gone)))
    assert row["note"] == "1 utterance not at every rung left out"
    assert row["estimate"] == headline(ask(counts.filter(pl.col("utterance_id") != "scottish-0-0")))["estimate"]


def test_a_rung_that_failed_altogether_is_left_out() -> None:
    counts = heard(US, SCOTTISH)
    without = ask(counts.filter(pl.col("condition") != "l@30"))
    assert without["at"].drop_nulls().to_list() == list(SNR[1:])
    assert headline(without)["estimate"] is not None


def test_nothing_to_compare() -> None:
    counts = heard(US, SCOTTISH)
    assert ask(counts, reference_groups={}).is_empty()
    assert ask(counts, a_ladder()[8:]).is_empty()
    assert ask(counts, a_ladder(SNR[:1])).is_empty()
    assert ask(counts.head(0)).is_empty()


def test_a_group_at_some_rungs_only_is_not_judged() -> None:
    counts = heard(US, SCOTTISH)
    some = counts.filter((pl.col("accent") == "us") | (pl.col("condition") != "l@5"))
    row = headline(ask(some))
    assert (row["estimate"], row["low"]) == (None, None)
    assert "no reference words at every rung" in row["note"]
    assert "36 utterances not at every rung left out" in row["note"]


def test_a_ladder_that_goes_no_way_is_not_judged() -> None:
    rng = np.random.default_rng(1)
    counts = heard(US, SCOTTISH)
    noise = counts.with_columns(substitutions=pl.Series(rng.integers(0, 20, len(counts))))
    rows = ask(noise)
    assert rows["estimate"].null_count() == len(rows)
    assert "WER neither rises nor falls along the ladder: not judged" in rows["note"][0]


def test_a_reference_group_without_a_curve() -> None:
    counts = heard(US, SCOTTISH)
    level = counts.with_columns(
        pl.when(pl.col("accent") == "us").then(3).otherwise("substitutions").alias("substitutions")
    )
    row = headline(ask(level))
    assert row["estimate"] is None
    assert "reference: the same WER at every rung" in row["note"]


def test_utterances_without_a_speaker() -> None:
    counts = heard(US, SCOTTISH).with_columns(
        speaker_id=pl.when(pl.col("utterance_id") == "us-0-0").then(None).otherwise("speaker_id")
    )
    row = headline(ask(counts))
    assert (row["low"], row["note"]) == (None, "reference: 1 utterance without speaker")
    assert row["reference_speakers"] == 12
    alone = headline(ask(counts, independent_utterances=True))
    assert alone["low"] is not None
    assert alone["method"].startswith("utterances treated as independent")
    assert alone["note"] == "utterances treated as independent"


def test_speakers_of_both_groups_are_told() -> None:
    counts = heard(US, SCOTTISH).with_columns(pl.col("speaker_id").str.replace("scottish-3", "us-3"))
    assert headline(ask(counts))["note"] == "1 speaker also in the reference group"


def test_backends_normalizers_and_products() -> None:
    counts = heard(US, SCOTTISH, backends={"B": 0.0, "A": 4.0})
    both = pl.concat([counts, counts.with_columns(normalizer=pl.lit("other"))]).with_columns(sex=pl.lit("f"))
    rows = ask(both, axes=["accent", "accent*sex"], reference_groups={"accent": "us", "accent*sex": "us*f"})
    assert rows["normalizer"].unique(maintain_order=True).to_list() == ["none", "other"]
    assert rows["backend"].unique(maintain_order=True).to_list() == ["A", "B"]
    product = rows.filter(axis="accent*sex", backend="A", normalizer="none")
    assert headline(product, "scottish*f")["estimate"] == headline(rows.filter(backend="A"))["estimate"]


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    counts = heard(US, SCOTTISH)
    assert ask(counts).equals(ask(counts))
    assert headline(ask(counts, seed=1))["low"] != headline(ask(counts))["low"]


def test_input_that_cannot_be_used() -> None:
    counts = heard(US, SCOTTISH)
    with pytest.raises(InputError, match="conditions: found no column 'unit'"):
        ask(counts, a_ladder().drop("unit"))
    with pytest.raises(InputError, match="more than once"):
        ask(pl.concat([counts, counts.head(1)]))


def test_expanded_percentiles() -> None:
    df = np.array([4.0])
    wanted = 2 * stats.norm.cdf(-stats.t.ppf(0.975, 8) * np.sqrt(5 / 4))
    assert expanded(0.05, df, df) == pytest.approx(wanted)
    assert expanded(0.05, np.array([1e6]), np.array([1e6])) == pytest.approx(0.05, rel=1e-3)


def test_draws_that_all_agree_give_no_interval() -> None:
    curve = np.tile([0.1, 0.5, 0.9], (50, 1))
    found = handicaps(curve, curve, np.array([20.0, 10.0, 0.0]), Scale(logarithmic=False, turned=True), alpha=0.05)
    assert np.isnan(found.low).all()
    assert list(found.notes(0, "dB", shown=True)) == ["every draw of speakers gives the same: no interval"]


def test_the_interval_is_the_bootstraps_percentiles() -> None:
    rng = np.random.default_rng(0)
    middles = rng.normal(15, 2, 2001)[:, None], rng.normal(9, 1, 2001)[:, None]
    group, reference = (1 / (1 + np.exp(0.3 * (np.array(SNR) - middle))) for middle in middles)
    found = handicaps(group, reference, np.array(SNR), Scale(logarithmic=False, turned=True), alpha=0.1)
    places = -np.array(SNR)
    slow = []
    for own, other in zip(group, reference, strict=True):
        level = (other[0] + other[-1]) / 2
        slow.append(np.interp(level, other, places) - np.interp(level, own, places))
    assert found.estimate[0] == pytest.approx(slow[0])
    assert [found.low[0], found.high[0]] == pytest.approx(np.quantile(slow[1:], [0.05, 0.95]).tolist())


def test_coverage_with_few_speakers() -> None:
    """Of 40 corpora with 5 against 8 speakers and a handicap of 5 dB, all but a few intervals hold it."""
    held = 0
    for seed in range(40):
        row = headline(ask(heard(("us", 8, 9.0), ("scottish", 5, 14.0), sd=0.6, seed=seed), replicates=300))
        held += (row["low"] is None or row["low"] <= 5) and (row["high"] is None or row["high"] >= 5)
    assert held >= 35
