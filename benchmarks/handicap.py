"""Simulate how often the interval of a handicap holds the truth.

    python benchmarks/handicap.py                 # the whole grid, 1,000 corpora a setting, some minutes
    python benchmarks/handicap.py --quick --check # a part of it, about a minute; exit code 1 where a bound is broken

A setting is two groups heard along a ladder of SNR, 30 … −5 dB by 5. A speaker with the multiplier m misses a word with
probability 1 − (1 − p(SNR))^m, p logistic between 5 and 95 %; log m is normal with sd .4 or .8, and varies a little by
rung (sd .15). Speakers have 10 to 40 utterances of 12 words (severe: 4 to 160), log-uniform. Curves are alike, shifted
by 5 dB, or of other steepness. The truth is the handicap as `asrfair.stats.handicap` defines it, of the expected WER at
the rungs.

A column is a kind of interval: the share of corpora that hold the truth, in per cent, and the median width in dB (∞
where an end is beyond the ladder in more than half). ``asrfair``: expanded percentiles of the bootstrap of speakers;
``plain``: its plain percentiles. ``at 10 dB`` is the handicap at that rung, the other columns are headlines.

``--check`` demands 93 % of asrfair's from 5 speakers on, less two standard errors of the simulation.
"""

import argparse
import itertools
import sys
import time
from dataclasses import dataclass

import numpy as np
from simulate import MODERATE, SEVERE, Floats, Ints

from asrfair.seeds import generator
from asrfair.stats.arrays import ratio
from asrfair.stats.bootstrap import resample
from asrfair.stats.curves import Scale, crossings, isotonic
from asrfair.stats.handicap import expanded, handicaps
from asrfair.stats.intervals import moment_df

ALPHA = 0.05
AT_LEAST, FROM = 93.0, 5
SNR = np.array([30.0, 25, 20, 15, 10, 5, 0, -5])
RUNG = 1 + SNR.tolist().index(10.0)
SCALE = Scale(logarithmic=False, turned=True)
BY_RUNG = 0.15
WORDS = 12
SIZES = ((3, 3), (4, 4), (5, 5), (10, 10), (20, 20), (30, 30), (4, 60), (5, 60), (10, 60))
QUICK_SIZES = ((5, 5), (20, 20), (5, 60))
TALK = {"moderate": MODERATE, "severe": SEVERE}
CURVES = {
    "alike": ((9.0, 0.3), (9.0, 0.3)),
    "5 dB": ((14.0, 0.3), (9.0, 0.3)),
    "flatter": ((12.0, 0.2), (9.0, 0.4)),
}
"""The SNR halfway and the steepness per dB, of the group and of the reference group."""


@dataclass(frozen=True)
class Setting:
    """Two groups of ``speakers``; ``sd`` is that of their log multipliers."""

    speakers: tuple[int, int]
    sd: float
    talk: str
    curves: str

    @property
    def name(self) -> str:
        return "{} and {}, ".format(*self.speakers) + f"sd {self.sd}, talk {self.talk}, curves {self.curves}"


def missed(curve: tuple[float, float], multiplier: Floats) -> Floats:
    """Return the probability of an error by multiplier and rung."""
    halfway, steepness = curve
    p = 0.05 + 0.9 / (1 + np.exp(steepness * (SNR - halfway)))
    return 1 - (1 - p) ** multiplier


def expected(curve: tuple[float, float], sd: float) -> Floats:
    """Return the WER of all speakers there could be, by rung: the mean over multipliers, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    multiplier = np.exp(np.hypot(sd, BY_RUNG) * nodes)[:, None]
    wer: Floats = weights @ missed(curve, multiplier) / weights.sum()
    return wer


def draw(rng: np.random.Generator, size: int, curve: tuple[float, float], setting: Setting) -> tuple[Ints, Ints]:
    """Return the errors and the words of a group's speakers, shape=(speakers, rungs)."""
    low, high = np.log(TALK[setting.talk])
    words = WORDS * np.round(np.exp(rng.uniform(low, high, size=(size, 1)))).astype(np.int64)
    multiplier = np.exp(setting.sd * rng.normal(size=(size, 1)) + BY_RUNG * rng.normal(size=(size, len(SNR))))
    return rng.binomial(words, missed(curve, multiplier)), np.broadcast_to(words, (size, len(SNR)))


def drawn_curves(rng: np.random.Generator, errors: Ints, words: Ints, replicates: int) -> Floats:
    both = np.concatenate([errors, words], axis=1).astype(float)
    sums = np.concatenate([both.sum(axis=0)[None], resample(both, replicates=replicates, rng=rng)])
    return isotonic(ratio(sums[:, : len(SNR)], sums[:, len(SNR) :]))


def simulate(setting: Setting, *, corpora: int, replicates: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return the coverage in per cent and the median width, by column."""
    rng = generator(seed, "handicap benchmark", setting.name)
    sides = CURVES[setting.curves]
    own, reference = (expected(curve, setting.sd)[None] for curve in sides)
    start, end = crossings(own, reference, SCALE.places(SNR))
    truth = (start - end)[0]
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    for _ in range(corpora):
        samples = [draw(rng, size, curve, setting) for size, curve in zip(setting.speakers, sides, strict=True)]
        group, other = (drawn_curves(rng, *sample, replicates) for sample in samples)
        df, df_other = (moment_df(np.zeros(len(w), np.int64), w[:, 0].astype(float), cells=1) for _, w in samples)
        for kind, alpha in (("asrfair", expanded(ALPHA, df, df_other)), ("plain", ALPHA)):
            found = handicaps(group, other, SNR, SCALE, alpha=alpha)
            for place, where in ((0, ""), (RUNG, " at 10 dB")):
                low, high = _or(found.low[place], -np.inf), _or(found.high[place], np.inf)
                column = kind + where
                held.setdefault(column, []).append(bool(low <= truth[place] <= high))
                widths.setdefault(column, []).append(float(high - low) if np.isfinite([low, high]).all() else np.inf)
    return {name: (100 * float(np.mean(inside)), float(np.median(widths[name]))) for name, inside in held.items()}


def _or(end: float, beyond: float) -> float:
    return beyond if np.isnan(end) else end


def settings(*, quick: bool) -> list[Setting]:
    sizes, sds, talks = (QUICK_SIZES, (0.8,), ("moderate",)) if quick else (SIZES, (0.4, 0.8), tuple(TALK))
    return [Setting(*parts) for parts in itertools.product(sizes, sds, talks, CURVES)]


def main() -> None:
    """Print a row per setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=0, help="corpora a setting (1,000; 400 with --quick)")
    parser.add_argument("--replicates", type=int, default=999)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name holds this text")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    corpora = options.corpora or (400 if options.quick else 1000)
    chosen = [setting for setting in settings(quick=options.quick) if options.only in setting.name]
    width = max(len(setting.name) for setting in chosen) if chosen else 0
    started, broken = time.monotonic(), []
    columns = [kind + where for kind in ("asrfair", "plain") for where in ("", " at 10 dB")]
    print(" " * width + "".join(f"{column:>20}" for column in columns))
    for setting in chosen:
        found = simulate(setting, corpora=corpora, replicates=options.replicates, seed=options.seed)
        cells = (f"{found[column][0]:.1f}  {found[column][1]:5.1f}" for column in columns)
        print(f"{setting.name:{width}}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
        allowed = AT_LEAST - 200 * np.sqrt(AT_LEAST / 100 * (1 - AT_LEAST / 100) / corpora)
        if min(setting.speakers) >= FROM:
            bounded = (column for column in columns if column.startswith("asrfair"))
            broken += [
                f"{setting.name}, {name}: {found[name][0]:.1f} %" for name in bounded if found[name][0] < allowed
            ]
    print(f"\n{corpora} corpora a setting, {options.replicates} replicates, {time.monotonic() - started:.0f} s")
    if options.check:
        print("".join(f"broken: {fault}\n" for fault in broken), end="", file=sys.stderr)
        sys.exit(bool(broken))


if __name__ == "__main__":
    main()
