"""Simulate how often the intervals of `asrfair.stats` hold the truth.

    python benchmarks/coverage.py                 # the whole grid, 2,000 corpora a setting, some minutes
    python benchmarks/coverage.py --quick --check # a part of it, under a minute; exit code 1 where a bound is broken
    python benchmarks/coverage.py --markdown      # the table of the README

A setting is two groups of speakers drawn as in `simulate`, equal in their true rate: numbers of speakers × WER 5, 15
and 40 % × speakers (log-normal with sd .5 or .8, one outlier in ten, log multipliers of Student's t) × talk (10 to 40
utterances a speaker, or 4 to 160). Beyond the grid: speakers who talk more err more, groups whose speakers differ
unlike, hardly any errors, speakers who are all alike. Each corpus is heard clean and under five pairs of conditions
(``COSTS``), the truth of which is known, too.

Each row is one setting, each column an interval: the share of corpora whose interval holds the truth, in per cent,
among those where there is one; worst–best over the five pairs of conditions where it is about those. Capitals stand
for asrfair's defaults, small letters for the usual alternatives; bootstraps are looked at in the first corpora only.

What ``--check`` demands of the defaults: from 4 speakers in the smaller group on at least 92 %, from 8 on at least
93.5 % and of rates, ratios and differences at most 98.5 %. A setting breaks a bound only by more than two standard
errors of its own simulation; how far it is off is printed. Costs and interactions may hold more than 98.5 %, and so
may the difference of unequal rates: at 8 against 100 speakers it keeps the small group's t even where the large
group's rate matters more.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from simulate import MODERATE, SEVERE, Floats, Group, Sample, chunks, draw, under

from asrfair.seeds import generator
from asrfair.stats import contrasts, paired
from asrfair.stats.arrays import t_quantile
from asrfair.stats.contrasts import Contrast, difference_to_overall, rate_difference, rate_ratio, ratio_to_overall
from asrfair.stats.intervals import LogRates, log_rates

ALPHA = 0.05
AT_LEAST, AT_LEAST_FROM_8, AT_MOST_FROM_8 = 92.0, 93.5, 98.5
BOOTSTRAPS = 299
FEW = 400
"""Corpora of a setting that the bootstraps are looked at in."""
SHOWN = {
    "RATE": "rate",
    "RATE 2": "rate of the second group, where it is of another size",
    "RATIO": "ratio of equal rates",
    "RATIO≠": "ratio of rates that are 1 : 2.5",
    "DIFF": "difference of equal rates",
    "DIFF≠": "difference of rates that are 1 : 2.5",
    "D.ALL": "difference to overall",
    "R.ALL": "ratio to overall",
    "C.DIFF": "cost of a condition, difference",
    "C.RATIO": "cost of a condition, ratio",
    "I.DIFF": "interaction of group and condition, difference",
    "I.RATIO": "interaction of group and condition, ratio",
    "utt.": "rate, utterances as the sample",
    "boot": "rate, percentiles of a bootstrap over speakers",
    "stud.": "rate, studentised bootstrap over speakers",
    "delta": "rate, delta method, CR1, t of G − 1",
    "log t": "rate, log scale, as the default but without its stretch",
    "d.CR1": "difference of equal rates, CR1 and Welch",
    "c.CR1": "cost of a condition, difference, CR1 and t of G − 1",
    "i.CR1": "interaction, difference, CR1 and Welch",
}
BOUNDED_ABOVE = ("RATE", "RATE 2", "RATIO", "RATIO≠", "DIFF", "D.ALL", "R.ALL")
DEFAULTS = tuple(name for name in SHOWN if name.isupper())
COSTS = {"no": (1.0, 1.0), "small": (1.15, 1.15), "large": (3.0, 3.0), "unequal": (2.0, 4.0), "one group": (1.0, 2.5)}
IN_README = (
    "RATE",
    "utt.",
    "boot",
    "RATIO",
    "DIFF",
    "d.CR1",
    "D.ALL",
    "C.DIFF",
    "c.CR1",
    "C.RATIO",
    "I.DIFF",
    "I.RATIO",
)

SIZES = ((3, 3), (4, 4), (5, 5), (8, 8), (10, 10), (15, 15), (30, 30), (4, 100), (8, 100))
RATES = (0.05, 0.15, 0.40)
SPEAKERS = {
    "sd .5": {"speaker_sd": 0.5},
    "sd .8": {"speaker_sd": 0.8},
    "outliers": {"speaker_sd": 0.5, "tail": "outliers"},
    "log-t": {"speaker_sd": 0.4, "tail": "t"},
    "sd .3": {"speaker_sd": 0.3},
    "sd .6, talkative err more": {"speaker_sd": 0.6, "talk_slope": 0.5},
    "alike": {"speaker_sd": 0.0},
}
GRID = ("sd .5", "sd .8", "outliers", "log-t")
TALK = {"moderate": MODERATE, "severe": SEVERE}
QUICK_SIZES = ((4, 4), (8, 8), (30, 30), (4, 100))

Held = dict[tuple[str, str], Floats]
"""Whether each corpus's interval holds the truth (nan where there is none), by column and pair of conditions."""


@dataclass(frozen=True)
class Setting:
    """Two groups; ``kinds`` names how the speakers of each differ, ``bounded`` whether too high a coverage counts."""

    speakers: tuple[int, int]
    rate: float
    kinds: tuple[str, str]
    talk: str
    utterances: tuple[int, int]
    bounded: bool = True

    @property
    def name(self) -> str:
        one, other = self.kinds
        return f"{self.size}, {self.rate:.1%}, {one if one == other else f'{one} and {other}'}, talk {self.talk}"

    @property
    def size(self) -> str:
        return "{} and {}".format(*self.speakers)

    @property
    def groups(self) -> tuple[Group, Group]:
        one, other = (
            Group(count, self.rate, utterances=self.utterances, **SPEAKERS[kind])
            for count, kind in zip(self.speakers, self.kinds, strict=True)
        )
        return one, other


def settings(*, quick: bool) -> list[Setting]:
    """Return the grid, then what lies beyond it."""
    sizes, rates = (QUICK_SIZES, (0.15,)) if quick else (SIZES, RATES)
    grid = [
        Setting(size, rate, (kind, kind), talk, TALK[talk])
        for size, rate, kind, talk in itertools.product(sizes, rates, GRID, TALK)
    ]
    pairs = [
        *((("sd .6, talkative err more",) * 2, talk) for talk in TALK),
        (("sd .8", "sd .3"), "moderate"),
        (("outliers", "sd .5"), "moderate"),
    ]
    beyond = [Setting(size, 0.15, kinds, talk, TALK[talk]) for size in sizes for kinds, talk in pairs]
    floors = [
        Setting((8, 8), 0.004, ("sd .6, talkative err more",) * 2, "of 2 to 8 utterances", (2, 8), bounded=False),
        Setting((8, 8), 0.15, ("alike", "alike"), "moderate", MODERATE, bounded=False),
    ]
    return grid if quick else grid + beyond + floors


def held(ends: tuple[Floats, Floats], truth: float) -> Floats:
    """Return 1 where the truth is inside, 0 where not, nan where there is no interval."""
    low, high = ends
    return np.where(np.isnan(low), np.nan, ((low <= truth) & (truth <= high)).astype(float))


def ends(contrast: Contrast) -> tuple[Floats, Floats]:
    return contrast.low, contrast.high


def around(estimate: Floats, width: Floats) -> tuple[Floats, Floats]:
    return estimate - width, estimate + width


def log_t(rates: LogRates) -> tuple[Floats, Floats]:
    """Return the ends of the plain log t interval, as logarithms."""
    return around(np.log(np.where(rates.errors > 0, rates.estimate, np.nan)), rates.half_width(ALPHA))


def by_speaker(sample: Sample, errors: Floats, replicates: int) -> LogRates:
    return log_rates(sample.cell, errors, sample.words, cells=replicates)


def paired_sums(sample: Sample, errors: Floats, replicates: int) -> paired.Pairs:
    return paired.pair_sums(
        sample.cell,
        errors=errors,
        words=sample.words,
        base_errors=sample.errors,
        base_words=sample.words,
        cells=replicates,
    )


def compare_rates(a: LogRates, b: LogRates, truth: tuple[float, float], mark: str = "") -> Iterator[tuple[str, Floats]]:
    """Yield what the ratio and the difference of two rates hold."""
    everyone = np.ones(len(a.errors), bool)
    one, other = truth
    yield f"RATIO{mark}", held(ends(rate_ratio(a, b, alpha=ALPHA, judged=everyone)), one / other)
    yield f"DIFF{mark}", held(ends(rate_difference(a, b, alpha=ALPHA, judged=everyone)), one - other)


def compare_overall(
    a: LogRates, b: LogRates, setting: Setting, truth: tuple[float, float]
) -> Iterator[tuple[str, Floats]]:
    """Yield what the first group against both together holds; the truth has the speakers' shares of words."""
    everyone = np.ones(len(a.errors), bool)
    share, own = setting.speakers[0] / sum(setting.speakers), a.words / (a.words + b.words)
    overall = share * truth[0] + (1 - share) * truth[1]
    difference = difference_to_overall(rate_difference(a, b, alpha=ALPHA, judged=everyone), own)
    ratio = ratio_to_overall(rate_ratio(a, b, alpha=ALPHA, judged=everyone), own)
    yield "D.ALL", held(ends(difference), truth[0] - overall)
    yield "R.ALL", held(ends(ratio), truth[0] / overall)


def natural(rates: LogRates, sample: Sample) -> tuple[Floats, Floats]:
    """Return the CR1 variance of rates on the natural scale, and G − 1."""
    residual = sample.errors - rates.estimate[sample.cell] * sample.words
    squared = np.bincount(sample.cell, residual**2, len(rates.errors)) / rates.words**2
    return rates.clusters / (rates.clusters - 1) * squared, rates.clusters - 1.0


def bootstrap(rng: np.random.Generator, sample: Sample, speakers: int, truth: float) -> Iterator[tuple[str, Floats]]:
    """Yield what the percentile and the studentised bootstrap over speakers hold, in the first corpora."""
    errors, words = (values.reshape(-1, speakers)[:FEW, None] for values in (sample.errors, sample.words))
    drawn = rng.integers(speakers, size=(len(errors), BOOTSTRAPS, speakers))
    picked_e, picked_w = (np.take_along_axis(values, drawn, axis=2) for values in (errors, words))

    def rate_and_error(e: Floats, w: Floats) -> tuple[Floats, Floats]:
        rate = e.sum(axis=2) / w.sum(axis=2)
        return rate, np.sqrt(((e - rate[:, :, None] * w) ** 2).sum(axis=2)) / w.sum(axis=2)

    (rate, error), (rates, spreads) = rate_and_error(errors, words), rate_and_error(picked_e, picked_w)
    yield "boot", held(tuple(np.quantile(rates, [ALPHA / 2, 1 - ALPHA / 2], axis=1)), truth)
    away = rates - rate
    statistic = np.where(spreads > 0, away / np.where(spreads > 0, spreads, 1.0), np.copysign(1e9, away))
    high, low = np.quantile(statistic, [ALPHA / 2, 1 - ALPHA / 2], axis=1)
    yield "stud.", held((rate[:, 0] - low * error[:, 0], rate[:, 0] - high * error[:, 0]), truth)


def alternatives(
    a: Sample, b: Sample, rate_a: LogRates, rate_b: LogRates, truth: float
) -> Iterator[tuple[str, Floats]]:
    """Yield what the usual intervals of the clean rate and of the difference hold."""
    replicates = len(rate_a.errors)
    by_utterance = log_rates(a.utterance_cell, a.utterance_errors, a.utterance_words, cells=replicates)
    yield "utt.", held(log_t(by_utterance), np.log(truth))
    (variance_a, df_a), (variance_b, df_b) = natural(rate_a, a), natural(rate_b, b)
    yield "delta", held(around(rate_a.estimate, t_quantile(ALPHA, df_a) * np.sqrt(variance_a)), truth)
    yield "log t", held(log_t(rate_a), np.log(truth))
    df = contrasts.welch_df(variance_a, df_a, variance_b, df_b)
    width = t_quantile(ALPHA, df) * np.sqrt(variance_a + variance_b)
    yield "d.CR1", held(around(rate_a.estimate - rate_b.estimate, width), 0.0)


def compare_costs(
    a: paired.Pairs, b: paired.Pairs, factors: tuple[float, float], rate: float
) -> Iterator[tuple[str, Floats]]:
    """Yield what the cost of the first group and its interaction with the second hold."""
    everyone = np.ones(len(a.errors), bool)
    one, other = factors
    cost, gap = rate * (one - 1), rate * (one - other)
    yield "C.DIFF", held(ends(paired.paired_difference(a, alpha=ALPHA, judged=everyone)), cost)
    yield "C.RATIO", held(ends(paired.paired_ratio(a, alpha=ALPHA, judged=everyone)), one)
    yield "I.DIFF", held(ends(paired.interaction_difference(a, b, alpha=ALPHA, judged=everyone)), gap)
    yield "I.RATIO", held(ends(paired.interaction_ratio(a, b, alpha=ALPHA, judged=everyone)), one / other)
    yield "c.CR1", held(around(a.estimate, t_quantile(ALPHA, a.clusters - 1.0) * np.sqrt(a.cr1)), cost)
    df = contrasts.welch_df(a.cr1, a.clusters - 1.0, b.cr1, b.clusters - 1.0)
    yield "i.CR1", held(around(a.estimate - b.estimate, t_quantile(ALPHA, df) * np.sqrt(a.cr1 + b.cr1)), gap)


def one_chunk(rng: np.random.Generator, setting: Setting, replicates: int, *, bootstraps: bool) -> Held:
    """Return what the intervals of a number of corpora hold."""
    a, b = (draw(rng, group, replicates) for group in setting.groups)
    rate_a, rate_b = (by_speaker(sample, sample.errors, replicates) for sample in (a, b))
    truth = (setting.rate, setting.rate)
    found: list[tuple[str, Floats]] = [("RATE", held(rate_a.interval(ALPHA), setting.rate))]
    if setting.speakers[0] != setting.speakers[1]:
        found.append(("RATE 2", held(rate_b.interval(ALPHA), setting.rate)))
    found += [*compare_rates(rate_a, rate_b, truth), *compare_overall(rate_a, rate_b, setting, truth)]
    found += alternatives(a, b, rate_a, rate_b, setting.rate)
    if bootstraps:
        found += bootstrap(rng, a, setting.speakers[0], setting.rate)
    result = {(name, ""): values for name, values in found}
    for cost, factors in COSTS.items():
        new_a, new_b = (under(rng, sample, factor) for sample, factor in zip((a, b), factors, strict=True))
        pairs = paired_sums(a, new_a, replicates), paired_sums(b, new_b, replicates)
        result |= {(name, cost): values for name, values in compare_costs(*pairs, factors, setting.rate)}
        if cost == "one group":
            rates = by_speaker(a, new_a, replicates), by_speaker(b, new_b, replicates)
            truth = (setting.rate * factors[0], setting.rate * factors[1])
            result |= {(name, ""): values for name, values in compare_rates(*rates, truth, "≠")}
    return result


def simulate(setting: Setting, *, replicates: int, seed: int) -> Held:
    """Return what the intervals of all corpora of a setting hold."""
    rng = generator(seed, "coverage", setting.name)
    parts, done = [], 0
    for size in chunks(setting.groups, replicates):
        parts.append(one_chunk(rng, setting, size, bootstraps=done < FEW))
        done += size
    return {key: np.concatenate([part[key] for part in parts if key in part]) for key in parts[0]}


def per_cent(values: Floats) -> float:
    return float(100 * np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def broken(setting: Setting, found: Held) -> Iterator[str]:
    """Yield the bounds that the defaults break by more than two standard errors."""
    fewest = min(setting.speakers)
    if fewest < 4:
        return
    for (name, cost), values in found.items():
        if name not in DEFAULTS:
            continue
        # The rate of a large second group is judged by its own size.
        speakers = setting.speakers[1] if name == "RATE 2" else fewest
        low = AT_LEAST_FROM_8 if speakers >= 8 else AT_LEAST
        above = speakers >= 8 and setting.bounded and name in BOUNDED_ABOVE
        coverage, known = per_cent(values), np.count_nonzero(~np.isnan(values))
        bounds = [(low, coverage < low), *([(AT_MOST_FROM_8, coverage > AT_MOST_FROM_8)] if above else [])]
        for bound, beyond in bounds:
            error = 100 * np.sqrt(bound / 100 * (1 - bound / 100) / max(known, 1))
            if beyond and abs(coverage - bound) > 2 * error:
                what = f"{name} ({cost} cost)" if cost else name
                yield f"{setting.name}: {what} holds {coverage:.1f} %, bound {bound} %, standard error {error:.2f}"


def span(values: Iterable[float], digits: int = 1) -> str:
    """Return worst–best of coverages, one number where they agree."""
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return ""
    low, high = (f"{value:.{digits}f}" for value in (min(known), max(known)))
    return low if low == high else f"{low}–{high}"


def by_column(found: Held) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {name: [] for name in SHOWN}
    for (name, _), values in found.items():
        columns[name].append(per_cent(values))
    return columns


def markdown(results: dict[Setting, Held]) -> Iterator[str]:
    """Yield the README's table: worst–best over the settings of the grid with these numbers of speakers."""
    titles = [SHOWN[name] if name.isupper() else f"*{SHOWN[name]}*" for name in IN_README]
    yield f"| speakers per group | {' | '.join(titles)} |"
    yield f"| {' | '.join(['---'] * (len(titles) + 1))} |"
    for size in dict.fromkeys(setting.size for setting in results):
        columns = [by_column(found) for setting, found in results.items() if setting.size == size and setting.bounded]
        cells = [span(itertools.chain.from_iterable(column[name] for column in columns), 0) for name in IN_README]
        yield f"| {size} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate the coverage of the intervals.")
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name contains this text")
    parser.add_argument("--quick", action="store_true", help="a part of the grid, 1,000 corpora a setting at most")
    parser.add_argument("--check", action="store_true", help="exit with 1, naming them, if settings break a bound")
    parser.add_argument("--markdown", action="store_true", help="print the table of the README only")
    options = parser.parse_args()
    replicates = min(options.replicates, 1000) if options.quick else options.replicates
    # Only intervals are looked at; their p take long to find.
    contrasts._HALVINGS = 1
    chosen = [setting for setting in settings(quick=options.quick) if options.only in setting.name]
    started = time.monotonic()
    results: dict[Setting, Held] = {}
    width = max((len(setting.name) for setting in chosen), default=0)
    if not options.markdown:
        print(" " * width + "".join(f"{name:>11}" for name in SHOWN))
    for setting in chosen:
        results[setting] = simulate(setting, replicates=replicates, seed=options.seed)
        if not options.markdown:
            columns = by_column(results[setting])
            print(f"{setting.name:{width}}" + "".join(f"{span(columns[name]):>11}" for name in SHOWN), flush=True)
    if options.markdown:
        print("\n".join(markdown(results)))
    else:
        print(f"\n{replicates} corpora a setting, level {1 - ALPHA:.0%}, {time.monotonic() - started:.0f} s")
        print("; ".join(f"{name}: {title}" for name, title in SHOWN.items()))
    faults = [fault for setting, found in results.items() for fault in broken(setting, found)] if options.check else []
    print("".join(f"broken: {fault}\n" for fault in faults), end="", file=sys.stderr)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
