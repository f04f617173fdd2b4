"""Simulate false alarms of the models of `asrfair.stats`: rate ratios between two groups adjusted for covariates.

    python benchmarks/models.py --replicates 1000

Speakers' rates are log-normal around one rate, the same for both groups; utterances have 5 to 20 words, speakers 10
to 40 of them (``severe``: 4 to 160), errors are Poisson around a rate that also varies by utterance. Recordings of
the second group are 5 dB noisier, and errors fall by a factor of exp(−0.08) per dB; half of the speakers are women,
who make no difference. So the whole disparity is the recordings', and the ratio adjusted for signal-to-noise ratio
(and gender) is 1. Each column is the share of replicates, in per cent, whose 95 % interval of it leaves out 1:

    raw     the ratio that is not adjusted: what disparity there is to explain away
    gee     poisson_gee, the default
    t(S-p)  the same with t of speakers − parameters whatever the sizes of the groups
    rob.z   the usual sandwich (Liang and Zeger 1986) and z
    plain   Poisson regression with utterances as the sample
    median  speaker_random_intercept (speakers of both groups vary alike, so its ratio is 1, too)

``power`` rows give the second group a true ratio of 1.6 besides.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.seeds import generator
from asrfair.stats.arrays import t_quantile
from asrfair.stats.gee import clustered, fit_poisson, speaker_information
from asrfair.stats.random_intercept import fit_random_intercept

ALPHA = 0.05
COLUMNS = ("raw", "gee", "t(S-p)", "rob.z", "plain", "median")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Two groups: numbers of speakers, and what the second group's rate is multiplied by besides the recordings."""

    name: str
    speakers: tuple[int, int]
    ratio: float = 1.0
    rate: float = 0.15
    speaker_sd: float = 0.6
    utterances: tuple[int, int] = (10, 40)


SETTINGS = [
    *(Setting(f"{a} and {b} speakers", (a, b)) for a, b in ((4, 4), (8, 8), (15, 15), (30, 30))),
    *(Setting(f"{a} and {b} speakers", (a, b)) for a, b in ((100, 4), (4, 100), (100, 8))),
    Setting("8 and 8, severe", (8, 8), utterances=(4, 160)),
    Setting("15 and 15, speakers sd 1.0", (15, 15), speaker_sd=1.0),
    Setting("15 and 15, few errors", (15, 15), rate=0.02, utterances=(4, 16)),
    Setting("15 and 15, speakers alike", (15, 15), speaker_sd=0.0),
    Setting("15 and 15, power", (15, 15), ratio=1.6),
    Setting("30 and 30, power", (30, 30), ratio=1.6),
]


@dataclass(frozen=True)
class Sample:
    """Utterances in order of their speakers; ``columns`` are intercept, group, signal-to-noise ratio and gender."""

    columns: Floats
    errors: Floats
    offset: Floats
    starts: NDArray[np.int64]


def draw(rng: np.random.Generator, setting: Setting) -> Sample:
    """Draw both groups' utterances."""
    group = np.repeat([0.0, 1.0], setting.speakers)
    talent = np.exp(rng.normal(-(setting.speaker_sd**2) / 2, setting.speaker_sd, len(group)))
    rate = setting.rate * talent * setting.ratio**group
    low, high = np.log(setting.utterances)
    sizes = np.round(np.exp(rng.uniform(low, high, len(group)))).astype(np.int64)
    speaker = np.repeat(np.arange(len(group)), sizes)
    words = rng.integers(5, 21, len(speaker)).astype(float)
    snr_db = rng.normal(-5 * group, 2)[speaker] + rng.normal(0, 4, len(speaker))
    mean = rate[speaker] * words * np.exp(-0.08 * snr_db) * rng.gamma(2, 0.5, len(speaker))
    gender = (np.arange(len(group)) % 2)[speaker]
    columns = np.column_stack([np.ones(len(speaker)), group[speaker], snr_db, gender])
    return Sample(columns, rng.poisson(mean).astype(float), np.log(words), np.cumsum(sizes) - sizes)


def alarms(sample: Sample) -> dict[str, float]:
    """Return for each column whether the interval leaves out 1; nan where there is none."""
    columns, errors, offset, starts = sample.columns, sample.errors, sample.offset, sample.starts
    raw = fit_poisson(columns[:, :2], errors, offset)
    estimate = fit_poisson(columns, errors, offset)
    if raw is None or estimate is None:
        return dict.fromkeys(COLUMNS, np.nan)
    pooled = clustered(columns[:, :2], errors, offset, starts, raw)
    fit = clustered(columns, errors, offset, starts, estimate)
    median = fit_random_intercept(columns, errors, offset, starts, start=estimate)
    fitted = np.exp(columns @ estimate + offset)
    naive = np.linalg.inv(speaker_information(columns, fitted, starts).sum(axis=0))
    scores = np.add.reduceat(columns * (errors - fitted)[:, None], starts) @ naive
    df = float(len(starts) - columns.shape[1])

    def leaves_out(value: float, variance: float, degrees: float) -> float:
        return float(abs(value) > t_quantile(ALPHA, np.array([degrees]))[0] * np.sqrt(variance))

    return {
        "raw": leaves_out(raw[1], pooled.variance[1], pooled.df[1]),
        "gee": leaves_out(estimate[1], fit.variance[1], fit.df[1]),
        "t(S-p)": leaves_out(estimate[1], fit.variance[1], df),
        "rob.z": leaves_out(estimate[1], (scores[:, 1] ** 2).sum(), np.inf),
        "plain": leaves_out(estimate[1], naive[1, 1], np.inf),
        "median": np.nan if median is None else leaves_out(median.estimate[1], median.variance[1], df),
    }


def share_of_alarms(setting: Setting, *, replicates: int, seed: int) -> dict[str, float]:
    """Return the share of alarms of each column, in per cent."""
    rng = generator(seed, "models", setting.name)
    found = [alarms(draw(rng, setting)) for _ in range(replicates)]
    return {name: float(100 * np.nanmean([each[name] for each in found])) for name in COLUMNS}


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate the false alarms of adjusted rate ratios.")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name contains this text")
    options = parser.parse_args()
    print(f"{'alarms, %':30}" + "".join(f"{name:>8}" for name in COLUMNS))
    for setting in SETTINGS:
        if options.only in setting.name:
            found = share_of_alarms(setting, replicates=options.replicates, seed=options.seed)
            print(f"{setting.name:30}" + "".join(f"{found[name]:8.1f}" for name in COLUMNS), flush=True)


if __name__ == "__main__":
    main()
