"""Calibration: the numbers against slow definitions, and how often the intervals hold the truth."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from asrfair.stats import Question, calibration_rows
from asrfair.stats.calibration import BINS, CALIBRATION_METRICS
from asrfair.stats.calibration_error import error_ends, gaps
from asrfair.tables import CALIBRATION, METRICS

QUESTION = Question(axes=("accent",))
CONFIDENCES = np.array([0.3, 0.5, 0.6, 0.7, 0.78, 0.84, 0.89, 0.93, 0.96, 0.99])


def words(count: int, *, speakers: int = 12, over: float = 0.1, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    confidence = rng.beta(4, 1.5, count)
    speaker = rng.integers(speakers, size=count)
    return pl.DataFrame(
        {
            "speaker_id": [f"s{k}" for k in speaker],
            "condition": "clean",
            "backend": "b",
            "confidence": confidence,
            "right": rng.random(count) < np.clip(confidence - over, 0, 1),
            "accent": [("A", "B")[k % 2] for k in speaker],
        }
    )


def metric(rows: pl.DataFrame, name: str, group: str = "overall") -> dict[str, float]:
    found = calibration_rows(rows, QUESTION, normalizer="basic-1").metrics
    return found.filter(pl.col("metric") == name, pl.col("group") == group).row(0, named=True)


def test_overconfidence_is_mean_confidence_minus_right_words() -> None:
    rows = words(3_000)
    found = metric(rows, "overconfidence")
    assert found["estimate"] == pytest.approx(rows["confidence"].mean() - rows["right"].mean(), abs=1e-8)
    assert found["low"] < found["estimate"] < found["high"]
    assert found["speakers"] == 12
    own = metric(rows, "overconfidence", "A")
    half = rows.filter(pl.col("accent") == "A")
    assert own["estimate"] == pytest.approx(half["confidence"].mean() - half["right"].mean(), abs=1e-8)


def test_bins_are_of_equal_mass_and_the_same_for_all_groups() -> None:
    rows = words(5_000)
    curves = calibration_rows(rows, QUESTION, normalizer="basic-1").curves
    assert list(curves.columns) == list(CALIBRATION)
    everyone = curves.filter(pl.col("axis") == "overall")
    assert everyone["words"].to_list() == [500] * BINS
    assert everyone["from_confidence"][0] == 0.0
    assert everyone["to_confidence"][-1] == 1.0
    assert everyone["from_confidence"].to_list()[1:] == everyone["to_confidence"].to_list()[:-1]
    for group in ("A", "B"):
        own = curves.filter(pl.col("group") == group)
        assert own["from_confidence"].to_list() == everyone["from_confidence"].to_list()
    for row in everyone.iter_rows(named=True):
        inside = (rows["confidence"] >= row["from_confidence"]) & (rows["confidence"] < row["to_confidence"])
        held = rows.filter(inside)
        assert row["mean_confidence"] == pytest.approx(held["confidence"].mean(), abs=1e-8)
        assert row["right_share"] == pytest.approx(held["right"].mean())
        assert row["low"] < row["right_share"] < row["high"]


def test_equal_confidences_share_a_bin() -> None:
    rows = words(1_000).with_columns(confidence=pl.when(pl.int_range(pl.len()) < 600).then(1.0).otherwise(0.5))
    curves = calibration_rows(rows, QUESTION, normalizer=None).curves.filter(pl.col("axis") == "overall")
    assert curves["words"].to_list() == [400, 600]
    one = rows.with_columns(confidence=pl.lit(0.5))
    assert calibration_rows(one, QUESTION, normalizer=None).curves.filter(pl.col("axis") == "overall")[
        "words"
    ].to_list() == [1_000]


def test_the_error_is_the_plug_in_value_less_its_bias() -> None:
    """Kumar, Liang and Ma 2019 with words as their own speakers: their binomial variance of a bin."""
    rng = np.random.default_rng(3)
    size, bins = 4_000, 10
    place = rng.integers(bins, size=size)
    right = rng.random(size) < CONFIDENCES[place] - 0.05
    one = np.zeros((size, bins))
    one[np.arange(size), place] = 1.0
    found = gaps(one, one * right[:, None], one * CONFIDENCES)
    plain = bias = 0.0
    for k in range(bins):
        inside = right[place == k]
        plain += len(inside) / size * (CONFIDENCES[k] - inside.mean()) ** 2
        bias += len(inside) / size * inside.mean() * (1 - inside.mean()) / (len(inside) - 1)
    assert found.squared == pytest.approx(np.sqrt(plain - bias), rel=2e-2)
    assert found.plain == pytest.approx(plain)
    drawn = stats.norm.rvs(found.gap, np.sqrt(found.variance), size=(200_000, bins), random_state=rng)
    expected = (found.mass * (2 * np.abs(found.gap) - np.abs(drawn).mean(axis=0))).sum()
    assert found.absolute == pytest.approx(expected, abs=2e-4)


def test_words_of_one_speaker_or_of_nobody_known_are_not_judged() -> None:
    rows = words(300, speakers=1)
    for name in CALIBRATION_METRICS:
        found = metric(rows, name)
        assert (found["low"], found["high"], found["note"]) == (None, None, "1 speaker: not judged")
    assert metric(rows, "overconfidence")["estimate"] is not None
    assert metric(rows, "calibration_error")["estimate"] is None
    unknown = metric(rows.with_columns(speaker_id=pl.lit(None, pl.String)), "overconfidence")
    assert (unknown["speakers"], unknown["low"], unknown["note"]) == (None, None, "words of unknown speakers")


def test_words_neither_right_nor_wrong_are_left_out_and_counted() -> None:
    rows = words(500)
    unclear = rows.with_columns(right=pl.when(pl.int_range(pl.len()) % 5 == 0).then(None).otherwise("right"))
    found = metric(unclear, "overconfidence")
    kept = unclear.drop_nulls("right")
    assert found["estimate"] == pytest.approx(kept["confidence"].mean() - kept["right"].mean(), abs=1e-8)
    assert found["note"] == "100 words neither right nor wrong left out"


def test_without_confidences_there_are_no_rows() -> None:
    none = calibration_rows(words(50).with_columns(confidence=pl.lit(None, pl.Float64)), QUESTION, normalizer="basic-1")
    assert none.metrics.is_empty()
    assert none.curves.is_empty()
    assert list(none.metrics.columns) == list(METRICS)


def test_the_order_of_words_changes_nothing() -> None:
    rows = words(2_000)
    one, other = (
        calibration_rows(table, QUESTION, normalizer="x")
        for table in (rows, rows.sample(fraction=1, shuffle=True, seed=1))
    )
    assert one.metrics.equals(other.metrics)
    assert one.curves.equals(other.curves)


def simulated(
    rng: np.random.Generator, *, speakers: int, spread: float, right: np.ndarray, talk: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, right words and confidences of speakers whose shares of right words differ by ``spread``."""
    said = np.maximum(20, 100 * rng.lognormal(0, talk, speakers)).astype(int)
    number = np.array([rng.multinomial(each, np.full(10, 0.1)) for each in said]).astype(float)
    own = np.clip(right + rng.normal(0, spread, (speakers, 1)) * 4 * right * (1 - right), 0, 1)
    return number, rng.binomial(number.astype(int), own).astype(float), number * CONFIDENCES


@pytest.mark.parametrize("speakers", [6, 25])
@pytest.mark.parametrize("spread", [0.0, 0.08])
@pytest.mark.parametrize(("shift", "slope"), [(0.0, 0.0), (0.08, 0.0), (0.0, 0.3)])
def test_intervals_hold_the_truth(speakers: int, spread: float, shift: float, slope: float) -> None:
    """Of confidences that are right, too high, and too high where they are high: 95 % intervals, 150 corpora each."""
    rng = np.random.default_rng(speakers)
    gap = shift + slope * (CONFIDENCES - 0.75)
    true = np.sqrt((gap**2).mean())
    covered = []
    for _ in range(150):
        drawn = simulated(rng, speakers=speakers, spread=spread, right=CONFIDENCES - gap, talk=0.5)
        low, high = error_ends(gaps(*drawn), 0.05)
        covered.append(low - 1e-9 <= true <= high)
    assert np.mean(covered) > 0.915


def test_the_plug_in_value_of_a_calibrated_recogniser_is_bias_and_is_taken_off() -> None:
    rng = np.random.default_rng(5)
    found = [gaps(*simulated(rng, speakers=8, spread=0.0, right=CONFIDENCES, talk=0.0)) for _ in range(200)]
    assert np.mean([each.plain for each in found]) > 0.0008
    assert abs(np.mean([each.plain - each.bias for each in found])) < 0.00025
