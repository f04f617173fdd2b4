"""The coverage table against the definitions written out."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from asrfair.stats.cells import find_axis
from asrfair.stats.coverage import COVERAGE, Aim, coverage_rows, estimated_spread
from asrfair.stats.intervals import log_rates
from asrfair.stats.planning import (
    ASSUMED,
    Spread,
    design_effect,
    detectable_difference,
    detectable_ratio,
    half_width,
    intraclass_correlation,
    log_variance,
)

UNEQUAL = [30, 10, 20, 60]
SPREAD = {"cv2": ASSUMED.cv2, "dispersion": ASSUMED.dispersion}


def corpus(speakers: dict[str | None, list[int]], **columns: Any) -> pl.DataFrame:
    """Two utterances of each speaker, who says as many words as listed, ten seconds each."""
    rows = [
        {"speaker_id": f"{group}{k}", "words": part, "seconds": 10.0, "accent": group, **columns}
        for group, talk in speakers.items()
        for k, words in enumerate(talk)
        for part in (words // 2, words - words // 2)
    ]
    schema = {"speaker_id": pl.String, "words": pl.Int64, "seconds": pl.Float64, "accent": pl.String}
    return pl.DataFrame(rows, schema_overrides=schema)


def table(rows: pl.DataFrame, *, spread: Spread = ASSUMED, reference: str | None = None, axis: str = "accent") -> Any:
    found = coverage_rows(rows, find_axis(axis, rows, rows.head(0)), reference=reference, spread=spread, aim=Aim())
    assert found.schema == pl.Schema(COVERAGE)
    return {row["group"]: row for row in found.iter_rows(named=True)}


def test_counts() -> None:
    row = table(corpus({"north": UNEQUAL, "south": [40] * 12}))["north"]
    assert (row["speakers"], row["utterances"], row["words"]) == (4, 8, 120)
    assert row["minutes"] == pytest.approx(80 / 60)
    assert (row["wer"], row["reference_group"], row["note"]) == (0.15, "rest", "under 10 speakers")


@pytest.mark.parametrize("reference", ["south", None])
def test_against_the_definitions(reference: str | None) -> None:
    rows = corpus({"north": UNEQUAL, "south": [40] * 12} | ({} if reference else {None: [50] * 3}))
    row = table(rows, reference=reference)["north"]
    share = np.array(UNEQUAL) / 120
    talk_cv2 = 4 * (share**2).sum() - 1
    own = log_variance(0.15, **SPREAD, speakers=4, words_per_speaker=30, talk_cv2=talk_cv2)
    others = np.array([40.0] * 12 if reference else [40.0] * 12 + [50.0] * 3)
    spread_of_talk = len(others) * ((others / others.sum()) ** 2).sum() - 1
    rest = log_variance(0.15, **SPREAD, speakers=len(others), words_per_speaker=others.mean(), talk_cv2=spread_of_talk)
    dfs = [
        float(log_rates(np.zeros(len(words), np.int64), words * 0, words, cells=1).df[0])
        for words in (np.array(UNEQUAL, float), others)
    ]
    sides = (own, dfs[0], rest, dfs[1])
    a = SPREAD["cv2"] * (1 + talk_cv2) / 4
    b = SPREAD["cv2"] * (1 + spread_of_talk) / len(others)
    ratio = detectable_ratio(*sides, alpha=0.05, between_a=a, between_b=b)
    assert row["detectable_ratio"] == pytest.approx(float(ratio))
    points = detectable_difference(0.15, *sides, alpha=0.05, between_b=b)
    assert row["detectable_difference"] == pytest.approx(float(points))
    assert row["half_width"] == pytest.approx(float(half_width(own, dfs[0], alpha=0.05, between=a)))
    icc = intraclass_correlation(0.15, **SPREAD)
    assert row["design_effect"] == pytest.approx(float(design_effect(icc, words_per_speaker=30, talk_cv2=talk_cv2)))


def test_adding_the_speakers_needed_is_enough() -> None:
    """With talk as unequal as before: the speakers are repeated, so that their number is a multiple of four."""
    more = table(corpus({"north": UNEQUAL, "south": [40] * 12}))["north"]
    needed = more["speakers_needed"]
    assert more["more_speakers"] == needed - 4
    enough, short = -(-needed // 4), needed // 4 - 2
    # Degrees of freedom are a share of G − 1, which is a little off where talk is unequal.
    assert table(corpus({"north": UNEQUAL * enough, "south": [40] * 12}))["north"]["half_width"] < 0.253
    assert table(corpus({"north": UNEQUAL * short, "south": [40] * 12}))["north"]["half_width"] > 0.25
    done = table(corpus({"north": [300] * 40, "south": [40] * 12}))["north"]
    # 34 without the stretch for skew of the upper end.
    assert (done["speakers_needed"], done["more_speakers"]) == (56, 16)


def test_the_reference_and_the_unlabelled_are_not_compared() -> None:
    rows = table(corpus({"north": [30] * 5, "south": [40] * 12, None: [50] * 3}), reference="south")
    assert list(rows) == ["north", "south", None]
    assert rows["south"]["detectable_ratio"] is None
    assert rows["south"]["speakers_needed"] is not None
    assert rows[None]["detectable_ratio"] is rows[None]["speakers_needed"] is rows[None]["reference_group"] is None
    assert rows[None]["speakers"] == 3


def test_small_and_empty_cells_stay() -> None:
    rows = pl.concat([corpus({"north": [30] * 5}, gender="f"), corpus({"south": [40] * 12}, gender="f")])
    lone = corpus({"east": [20]}, gender="m").with_columns(speaker_id=pl.lit("lone"))
    rows = pl.concat([rows, lone]).with_columns(pl.concat_str("accent", "gender", separator="*").alias("accent*gender"))
    found = table(rows, axis="accent*gender")
    assert found["north*m"]["note"] == "no speakers"
    assert (found["north*m"]["speakers"], found["north*m"]["minutes"], found["north*m"]["words"]) == (0, 0.0, 0)
    # What a group without speakers needs is what everybody's talk makes necessary.
    assert found["north*m"]["more_speakers"] == found["north*m"]["speakers_needed"] > 30
    assert found["east*m"]["note"] == "1 speaker: too small"
    assert found["east*m"]["half_width"] is found["east*m"]["detectable_ratio"] is None
    assert found["east*m"]["more_speakers"] == found["east*m"]["speakers_needed"] - 1


def test_unknown_is_said() -> None:
    rows = corpus({"north": [30] * 5, "south": [40] * 12, "east": [30] * 5, "west": [30] * 3})
    rows = rows.with_row_index("n").with_columns(
        speaker_id=pl.when(pl.col("n") != 1).then("speaker_id"),
        seconds=pl.when(pl.col("accent") != "south").then("seconds"),
        words=pl.when(pl.col("accent") != "east").then("words"),
    )
    found = table(rows)
    assert found["north"]["note"] == "1 utterance without speaker"
    assert found["north"]["half_width"] is found["north"]["detectable_ratio"] is found["north"]["more_speakers"] is None
    assert found["south"]["minutes"] is None
    assert found["south"]["note"] == "24 utterances of unknown length; compared with: 1 utterance without speaker"
    assert found["south"]["detectable_ratio"] is None
    assert found["east"]["note"].startswith("10 utterances without reference; no reference words")
    assert found["east"]["speakers"] == 0
    nobody = table(rows.with_columns(speaker_id=pl.lit(None, pl.String)))["north"]
    assert (nobody["speakers"], nobody["note"]) == (
        None,
        "10 utterances without speaker; compared with: 40 utterances without speaker",
    )


def test_groups_have_their_own_rates() -> None:
    rows = corpus({"north": [30] * 5, "south": [40] * 12, "east": [30] * 5})
    errors = pl.when(pl.col("accent") == "north").then(6).when(pl.col("accent") == "south").then(2).otherwise(0)
    found = table(rows.with_columns(errors=errors), spread=Spread(rate=0.2, cv2=0.3, dispersion=1.0))
    assert [found[group]["wer"] for group in ("north", "south", "east")] == pytest.approx([0.4, 0.1, 0.0])
    sides = (
        log_variance(0.4, cv2=0.3, dispersion=1, speakers=5, words_per_speaker=30),
        4,
        # The rest: 48 errors in 480 words, and none in 150.
        log_variance(48 / 630, cv2=0.3, dispersion=1, speakers=17, words_per_speaker=630 / 17, talk_cv2=0.0151386),
        15.47,
    )
    expected = float(detectable_difference(48 / 630, *sides, alpha=0.05, between_b=0.3 * 1.0151386 / 17))
    assert found["north"]["detectable_difference"] == pytest.approx(expected, rel=2e-3)
    # Without an error, the spread's rate stands in.
    alone = log_variance(0.2, cv2=0.3, dispersion=1, speakers=5, words_per_speaker=30)
    assert found["east"]["half_width"] == pytest.approx(float(half_width(alone, 4, alpha=0.05, between=0.3 / 5)))


def test_spread_unknown() -> None:
    rows = corpus({"north": [30] * 5, "south": [40] * 12}).with_columns(errors=pl.lit(0))
    axis = find_axis("accent", rows, rows.head(0))
    spread = estimated_spread(rows, axis)
    assert np.isnan(spread.cv2)
    row = table(rows, spread=spread)["south"]
    assert row["detectable_ratio"] is row["design_effect"] is row["speakers_needed"] is row["speaker_cv2"] is None
    assert "spread of speakers unknown" in row["note"]


def test_spread_by_its_definition() -> None:
    """Speakers within groups: their differences from their own group's rate, not from everybody's."""
    rows = corpus({"north": [100] * 3, "south": [100] * 3}).sort("accent", "speaker_id")
    errors = [10, 10, 20, 20, 30, 30, 1, 1, 2, 2, 3, 3]
    found = estimated_spread(rows.with_columns(errors=pl.Series(errors)), find_axis("accent", rows, rows.head(0)))
    # Both groups: rates at 1/2, 1 and 3/2 of their mean, so a variance of 1/4; no variance within a speaker.
    assert found.dispersion == 0.0
    assert found.cv2 == pytest.approx(0.25 * (1 + 0.25 / 3))
