"""Simulate how often the intervals of `asrfair.stats` hold the truth.

    python benchmarks/coverage.py --replicates 2000

Speakers' rates are log-normal around the group's rate, with a speaker × condition part; utterances have 5 to 20
words, speakers 10 to 40 utterances (``severe``: 4 to 160); errors are Poisson around a rate that also varies by
utterance, and the two conditions share some of them. Each row is one setting, each column an interval: the share
of replicates that hold the truth, in per cent, of those where the interval exists. The columns ``utt.`` and
``CR1`` are plain alternatives: utterances as the sample, and CR1 variances.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.seeds import generator
from asrfair.stats import paired
from asrfair.stats.arrays import t_quantile
from asrfair.stats.contrasts import (
    Contrast,
    difference_to_overall,
    rate_difference,
    rate_ratio,
    ratio_to_overall,
    welch_df,
)
from asrfair.stats.intervals import LogRates, log_rates

ALPHA = 0.05
CHUNK = 100
COLUMNS = {
    "rate": "rate",
    "utt.": "rate, utterances as the sample",
    "ratio": "ratio of two groups",
    "diff.": "difference of two groups",
    "d.over.": "difference to overall",
    "r.over.": "ratio to overall",
    "c.diff.": "cost of the condition, difference",
    "c.CR1": "cost of the condition, difference, CR1 and t",
    "c.ratio": "cost of the condition, ratio",
    "i.diff.": "interaction, difference",
    "i.CR1": "interaction, difference, CR1 and Welch",
    "i.ratio": "interaction, ratio",
}


@dataclass(frozen=True)
class Setting:
    """Two groups under two conditions: numbers of speakers, rates when clean, and factors of the condition."""

    name: str
    speakers: tuple[int, int]
    rates: tuple[float, float]
    factors: tuple[float, float]
    speaker_sd: float = 0.6
    condition_sd: float = 0.2
    utterances: tuple[int, int] = (10, 40)


SIZES = ((8, 8), (15, 15), (30, 30), (4, 100), (100, 4))
EFFECTS = {
    "no cost": ((0.10, 0.10), (1.0, 1.0)),
    "small equal cost": ((0.10, 0.10), (1.15, 1.15)),
    "large equal cost": ((0.10, 0.10), (3.0, 3.0)),
    "unequal cost": ((0.10, 0.15), (2.0, 4.0)),
    "cost in one group": ((0.10, 0.10), (1.0, 2.5)),
}
SETTINGS = [
    *(
        Setting(f"{a} and {b} speakers, {effect}", (a, b), rates, factors)
        for a, b in SIZES
        for effect, (rates, factors) in EFFECTS.items()
    ),
    Setting("4 and 4, severe, large equal cost", (4, 4), (0.10, 0.10), (3.0, 3.0), utterances=(4, 160)),
    Setting("8 and 8, severe, large equal cost", (8, 8), (0.10, 0.10), (3.0, 3.0), utterances=(4, 160)),
    Setting("8 and 8, few errors", (8, 8), (0.004, 0.004), (2.0, 2.0), utterances=(2, 8)),
    Setting("8 and 8, speakers alike", (8, 8), (0.10, 0.10), (1.5, 1.5), speaker_sd=0.0, condition_sd=0.0),
]


@dataclass(frozen=True)
class Sample:
    """One group over a chunk of replicates: a row per utterance and its sums per speaker."""

    utterance_cell: NDArray[np.int64]
    errors: NDArray[np.float64]
    words: NDArray[np.float64]
    cell: NDArray[np.int64]
    by_speaker: dict[str, NDArray[np.float64]]


def draw(rng: np.random.Generator, setting: Setting, group: int, replicates: int) -> Sample:
    """Draw one group's utterances under both conditions."""
    clusters = replicates * setting.speakers[group]
    cell = np.repeat(np.arange(replicates), setting.speakers[group])
    low, high = np.log(setting.utterances)
    counts = np.round(np.exp(rng.uniform(low, high, clusters))).astype(np.int64)
    speaker = np.repeat(np.arange(clusters), counts)
    words = rng.integers(5, 21, len(speaker)).astype(float)

    def multiplier(sd: float) -> NDArray[np.float64]:
        return np.exp(rng.normal(-(sd**2) / 2, sd, clusters)) if sd else np.ones(clusters)

    talent = multiplier(setting.speaker_sd) * setting.rates[group]
    factor = setting.factors[group] * multiplier(setting.condition_sd)
    frailty = rng.gamma(2.0, 0.5, len(speaker)) * words
    base = talent[speaker] * frailty
    new = base * factor[speaker]
    common = rng.poisson(np.minimum(base, new) * 0.6)
    base_errors = common + rng.poisson(base - np.minimum(base, new) * 0.6)
    errors = common + rng.poisson(new - np.minimum(base, new) * 0.6)
    columns = {
        "errors": errors,
        "words": words,
        "base_errors": base_errors,
        "base_words": words,
    }
    sums = {name: np.bincount(speaker, values, clusters).astype(np.float64) for name, values in columns.items()}
    return Sample(cell[speaker], base_errors.astype(float), words, cell, sums)


def held(low: NDArray[np.float64], high: NDArray[np.float64], truth: float) -> NDArray[np.float64]:
    """Return 1 where the truth is inside, 0 where not, nan where there is no interval."""
    return np.where(np.isnan(low), np.nan, ((low <= truth) & (truth <= high)).astype(float))


def contrast_held(contrast: Contrast, truth: float) -> NDArray[np.float64]:
    return held(contrast.low, contrast.high, truth)


def clean_rates(sample: Sample, cells: int) -> LogRates:
    return log_rates(sample.cell, sample.by_speaker["base_errors"], sample.by_speaker["words"], cells=cells)


def plain_cost(pairs: paired.Pairs, truth: float) -> NDArray[np.float64]:
    """Return the coverage of the natural-scale interval with CR1 and t of G − 1."""
    width = t_quantile(ALPHA, pairs.clusters - 1.0) * np.sqrt(pairs.cr1)
    return held(pairs.estimate - width, pairs.estimate + width, truth)


def plain_interaction(a: paired.Pairs, b: paired.Pairs, truth: float) -> NDArray[np.float64]:
    """Return the coverage of the natural-scale interval with CR1 and Welch."""
    df = welch_df(a.cr1, a.clusters - 1.0, b.cr1, b.clusters - 1.0)
    width = t_quantile(ALPHA, df) * np.sqrt(a.cr1 + b.cr1)
    estimate = a.estimate - b.estimate
    return held(estimate - width, estimate + width, truth)


def chunk(rng: np.random.Generator, setting: Setting, replicates: int) -> dict[str, NDArray[np.float64]]:
    """Return for each column whether each replicate's interval holds the truth."""
    a, b = (draw(rng, setting, group, replicates) for group in (0, 1))
    rate_a, rate_b = clean_rates(a, replicates), clean_rates(b, replicates)
    pairs_a, pairs_b = (paired.pair_sums(s.cell, **s.by_speaker, cells=replicates) for s in (a, b))
    everyone = np.ones(replicates, bool)
    (truth_a, truth_b), (factor_a, factor_b) = setting.rates, setting.factors
    cost_a, cost_b = truth_a * (factor_a - 1), truth_b * (factor_b - 1)
    share = setting.speakers[0] / sum(setting.speakers)
    overall = share * truth_a + (1 - share) * truth_b
    words_a, words_b = rate_a.words, rate_b.words
    own_share = words_a / (words_a + words_b)
    difference = rate_difference(rate_a, rate_b, alpha=ALPHA, judged=everyone)
    ratio = rate_ratio(rate_a, rate_b, alpha=ALPHA, judged=everyone)
    by_utterance = log_rates(a.utterance_cell, a.errors, a.words, cells=replicates)
    return {
        "rate": held(*rate_a.interval(ALPHA), truth_a),
        "utt.": held(*by_utterance.interval(ALPHA), truth_a),
        "ratio": contrast_held(ratio, truth_a / truth_b),
        "diff.": contrast_held(difference, truth_a - truth_b),
        "d.over.": contrast_held(difference_to_overall(difference, own_share), truth_a - overall),
        "r.over.": contrast_held(ratio_to_overall(ratio, own_share), truth_a / overall),
        "c.diff.": contrast_held(paired.paired_difference(pairs_a, alpha=ALPHA, judged=everyone), cost_a),
        "c.CR1": plain_cost(pairs_a, cost_a),
        "c.ratio": contrast_held(paired.paired_ratio(pairs_a, alpha=ALPHA, judged=everyone), factor_a),
        "i.diff.": contrast_held(
            paired.interaction_difference(pairs_a, pairs_b, alpha=ALPHA, judged=everyone), cost_a - cost_b
        ),
        "i.CR1": plain_interaction(pairs_a, pairs_b, cost_a - cost_b),
        "i.ratio": contrast_held(
            paired.interaction_ratio(pairs_a, pairs_b, alpha=ALPHA, judged=everyone), factor_a / factor_b
        ),
    }


def coverage(setting: Setting, *, replicates: int, seed: int) -> dict[str, float]:
    """Return the coverage of each column, in per cent."""
    rng = generator(seed, "coverage", setting.name)
    chunks = [chunk(rng, setting, min(CHUNK, replicates - done)) for done in range(0, replicates, CHUNK)]
    return {name: float(100 * np.nanmean(np.concatenate([part[name] for part in chunks]))) for name in COLUMNS}


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate the coverage of the intervals.")
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name contains this text")
    parser.add_argument("--switch", type=float, default=paired.SWITCH, help="standard errors where a cost goes to logs")
    options = parser.parse_args()
    paired.SWITCH = options.switch
    settings = [setting for setting in SETTINGS if options.only in setting.name]
    print(" " * 44 + "".join(f"{name:>8}" for name in COLUMNS))
    for setting in settings:
        found = coverage(setting, replicates=options.replicates, seed=options.seed)
        print(f"{setting.name:44}" + "".join(f"{found[name]:8.1f}" for name in COLUMNS), flush=True)
    print(
        f"\n{options.replicates} replicates, level {1 - ALPHA:.0%}; "
        + "; ".join(f"{k} {v}" for k, v in COLUMNS.items())
    )


if __name__ == "__main__":
    main()
