"""Simulate how often tests of a change raise a false alarm at .05 when there is none.

    python benchmarks/tests.py --replicates 2000

Two groups read the same utterances to two systems (or under two conditions), and errors are drawn as in
`simulate`. Speakers' rates are log-normal with sd .6; the new system multiplies each by ``factor`` times a log-normal
with mean 1 and the sd named in the setting («systems differ by speaker»). With factor 1 the change is null in both
groups; with any factor the two groups change alike, so the interaction is null. Talk is 10 to 40 utterances a
speaker, or 4 to 160 where unequal. Each row is one setting, each column a test: the share of replicates with
p ≤ .05, in per cent.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from simulate import MODERATE, SEVERE

from asrfair.seeds import generator
from asrfair.stats import paired
from asrfair.stats.signs import flip_p

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALPHA = 0.05
CHUNK = 200
FLIPS = 1999
RESAMPLES = 400
SHARED = 0.6
CHANGES = {
    "c.diff": "change, difference (the default)",
    "c.ratio": "change, ratio (the default)",
    "flips": "change, sign flips over speakers",
    "wilcox": "change, Wilcoxon's signed ranks over speakers",
    "boot": "change, bootstrap over utterances",
    "utt.t": "change, paired t over utterances",
    "MAPSSWE": "change, matched pairs, utterances with an error as segments",
}
INTERACTIONS = {
    "i.diff": "interaction of group and change, difference (the default)",
    "i.ratio": "interaction of group and change, ratio (the default)",
}


@dataclass(frozen=True)
class Setting:
    """Two groups with numbers of speakers, whose rates a new system multiplies by ``factor`` on average."""

    speakers: tuple[int, int]
    system_sd: float
    talk: tuple[int, int] = MODERATE
    factor: float = 1.0
    rate: float = 0.1

    @property
    def name(self) -> str:
        unequal = ", unequal talk" if self.talk == SEVERE else ""
        factor = f", factor {self.factor:g}" if self.factor != 1 else ""
        rate = f", WER {self.rate:.0%}" if self.rate != 0.1 else ""
        return "{} and {} speakers, sd {:g}".format(*self.speakers, self.system_sd) + unequal + factor + rate


SDS = (0.0, 0.2, 0.4)
SETTINGS = [
    *(Setting((n, n), sd, talk) for n in (4, 8, 15, 30) for talk in (MODERATE, SEVERE) for sd in SDS),
    *(Setting(sizes, sd, talk) for sizes in ((4, 30), (4, 100)) for talk in (MODERATE, SEVERE) for sd in SDS),
    *(
        Setting(sizes, sd, talk, factor)
        for sizes in ((4, 4), (8, 8), (4, 30))
        for talk in (MODERATE, SEVERE)
        for sd in (0.0, 0.4)
        for factor in (1.3, 3.0)
    ),
    *(Setting((n, n), sd, rate=rate) for n in (4, 15) for sd in (0.0, 0.4) for rate in (0.02, 0.4)),
]


@dataclass(frozen=True)
class Sample:
    """One group over many replicates: errors of both sides by utterance, and everything by speaker."""

    utterance_cell: Ints
    base: Floats
    new: Floats
    by_speaker: dict[str, Floats]


def draw(rng: np.random.Generator, setting: Setting, group: int, replicates: int) -> Sample:
    size = replicates * setting.speakers[group]
    low, high = np.log(setting.talk)
    speaker = np.repeat(np.arange(size), np.round(np.exp(rng.uniform(low, high, size))).astype(np.int64))
    words = rng.integers(5, 21, len(speaker)).astype(float)

    def multiplier(sd: float) -> Floats:
        return np.exp(rng.normal(-(sd**2) / 2, sd, size))

    expected = rng.standard_gamma(2.0, len(speaker)) / 2 * words * (setting.rate * multiplier(0.6))[speaker]
    changed = expected * (setting.factor * multiplier(setting.system_sd))[speaker]
    shared = SHARED * np.minimum(expected, changed)
    common = rng.poisson(shared)
    base = (common + rng.poisson(expected - shared)).astype(float)
    new = (common + rng.poisson(changed - shared)).astype(float)
    columns = {"errors": new, "words": words, "base_errors": base, "base_words": words}
    sums = {name: np.bincount(speaker, values, size).astype(float) for name, values in columns.items()}
    return Sample(speaker // setting.speakers[group], base, new, sums)


def pairs_of(sample: Sample, replicates: int) -> paired.Pairs:
    cell = np.repeat(np.arange(replicates), len(sample.by_speaker["words"]) // replicates)
    return paired.pair_sums(cell, **sample.by_speaker, cells=replicates)


def over_speakers(rng: np.random.Generator, sample: Sample, pairs: paired.Pairs) -> dict[str, Floats]:
    """Return p of the tests whose sample are speakers; shape=(replicates,) each."""
    everyone = np.ones(len(pairs.words), bool)
    errors, base, words = (
        sample.by_speaker[name].reshape(len(everyone), -1) for name in ("errors", "base_errors", "words")
    )
    with np.errstate(invalid="ignore"):  # no speaker differs
        ranks = stats.wilcoxon((errors - base) / words, axis=1).pvalue
    return {
        "c.diff": paired.paired_difference(pairs, alpha=ALPHA, judged=everyone).p,
        "c.ratio": paired.paired_ratio(pairs, alpha=ALPHA, judged=everyone).p,
        "flips": flip_p(((errors - base) / pairs.words[:, None]).T, flips=FLIPS, rng=rng),
        "wilcox": ranks,
    }


def over_utterances(rng: np.random.Generator, sample: Sample, replicates: int) -> dict[str, Floats]:
    """Return p of the tests whose sample are utterances; shape=(replicates,) each."""
    bounds = np.searchsorted(sample.utterance_cell, np.arange(replicates + 1))
    p = {name: np.empty(replicates) for name in ("boot", "utt.t", "MAPSSWE")}
    for cell in range(replicates):
        own = slice(bounds[cell], bounds[cell + 1])
        difference = sample.new[own] - sample.base[own]
        size = len(difference)
        drawn = difference[rng.integers(0, size, (RESAMPLES, size))].sum(axis=1)
        p["boot"][cell] = min(1.0, 2 * min(np.mean(drawn <= 0), np.mean(drawn >= 0)))
        p["utt.t"][cell] = 2 * special.stdtr(size - 1, -abs(standardised(difference)))
        segments = difference[(sample.new[own] > 0) | (sample.base[own] > 0)]
        p["MAPSSWE"][cell] = special.erfc(abs(standardised(segments)) / np.sqrt(2))
    return p


def standardised(values: Floats) -> float:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(np.mean(values) / error) if error > 0 else 0.0


def chunk(rng: np.random.Generator, setting: Setting, replicates: int) -> dict[str, Floats]:
    """Return p of every test, shape=(replicates,) each."""
    a, b = (draw(rng, setting, group, replicates) for group in (0, 1))
    pairs_a, pairs_b = pairs_of(a, replicates), pairs_of(b, replicates)
    everyone = np.ones(replicates, bool)
    p = {
        "i.diff": paired.interaction_difference(pairs_a, pairs_b, alpha=ALPHA, judged=everyone).p,
        "i.ratio": paired.interaction_ratio(pairs_a, pairs_b, alpha=ALPHA, judged=everyone).p,
    }
    if setting.factor == 1:
        p |= over_speakers(rng, a, pairs_a) | over_utterances(rng, a, replicates)
    return p


def alarms(setting: Setting, *, replicates: int, seed: int) -> dict[str, float]:
    """Return the false alarms of each test, in per cent of the replicates where it gives a p."""
    rng = generator(seed, "tests", setting.name)
    chunks = [chunk(rng, setting, min(CHUNK, replicates - done)) for done in range(0, replicates, CHUNK)]
    p = {name: np.concatenate([part[name] for part in chunks]) for name in chunks[0]}
    return {name: 100 * float(np.mean(values[~np.isnan(values)] <= ALPHA)) for name, values in p.items()}


MOST = 7.0
"""False alarms of the interactions, in per cent, beyond which (and two standard errors) the exit code is 1."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate the false alarms of tests of a change.")
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name contains this text")
    options = parser.parse_args()
    columns = INTERACTIONS | CHANGES
    print(" " * 50 + "".join(f"{name:>9}" for name in columns))
    worst = dict.fromkeys(columns, 0.0)
    for setting in SETTINGS:
        if options.only in setting.name:
            found = alarms(setting, replicates=options.replicates, seed=options.seed)
            worst |= {name: max(worst[name], value) for name, value in found.items()}
            print(f"{setting.name:50}" + _line(found, columns), flush=True)
    print(f"{'most':50}" + _line(worst, columns))
    print(f"\n{options.replicates} replicates; " + "; ".join(f"{name} {words}" for name, words in columns.items()))
    allowed = MOST + 200 * (MOST / 100 * (1 - MOST / 100) / options.replicates) ** 0.5
    broken = [name for name in INTERACTIONS if worst[name] > allowed]
    verdict = f"missed by {', '.join(broken)}" if broken else "met"
    print(f"target (alarms of interactions of at most {MOST:g}): {verdict}")
    return int(bool(broken))


def _line(values: dict[str, float], columns: dict[str, str]) -> str:
    return "".join(f"{values[name]:9.1f}" if name in values else f"{'–':>9}" for name in columns)


if __name__ == "__main__":
    sys.exit(main())
