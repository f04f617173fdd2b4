"""The spread with the double correction, against its definition written out speaker by speaker."""

import math

import numpy as np
import polars as pl
import pytest

from asrfair.seeds import generator

SPREAD = pl.col("measure") == "between_group_sd_lum"


def test_the_estimate_and_the_ends_are_those_of_the_definition(simulated, run):
    counts = simulated(3, groups={"a": 9, "b": 12, "c": 30}, rate=0.3)
    row = run(counts, replicates=4000, seed=1).disparities.filter(SPREAD).row(0, named=True)
    groups = [
        part.group_by("speaker_id")
        .agg(
            (pl.col("substitutions") + pl.col("deletions") + pl.col("insertions")).sum(),
            pl.col("reference_words").sum(),
        )
        .sort("speaker_id")
        .drop("speaker_id")
        .to_numpy()
        .astype(float)
        for part in counts.partition_by("accent")
    ]

    def rate_and_variance(speakers):
        errors, words = speakers.sum(axis=0)
        residuals = speakers[:, 0] - errors / words * speakers[:, 1]
        size = len(speakers)
        return errors / words, size / (size - 1) * (residuals**2).sum() / words**2

    rates, variances = np.array([rate_and_variance(group) for group in groups]).T
    assert row["estimate"] == pytest.approx(math.sqrt(max(rates.var(ddof=1) - variances.mean(), 0.0)))
    rng, spreads = generator(9, "test"), []
    for _ in range(4000):
        drawn = np.array([rate_and_variance(group[rng.integers(0, len(group), len(group))]) for group in groups])
        doubly = [v * (2 * len(group) - 1) / (len(group) - 1) for v, group in zip(drawn[:, 1], groups, strict=True)]
        spreads.append(drawn[:, 0].var(ddof=1) - np.mean(doubly))
    low, high = np.sqrt(np.maximum(np.quantile(spreads, [0.025, 0.975]), 0.0))
    assert row["low"] == pytest.approx(low, abs=0.02)
    assert row["high"] == pytest.approx(high, rel=0.08)
    assert "double correction, 4000 replicates, seed 1" in row["method"]


def test_one_group_is_null_with_a_reason(simulated, run):
    row = run(simulated(3, groups={"a": 9, "b": 1})).disparities.filter(SPREAD).row(0, named=True)
    assert (row["estimate"], row["low"], row["high"]) == (None, None, None)
    assert "1 group" in row["note"]
