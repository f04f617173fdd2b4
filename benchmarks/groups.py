"""Simulate what is said of many groups: coverage of the intervals, false alarms of the tests.

    python benchmarks/groups.py --replicates 1000

Speakers and utterances are drawn as in `simulate`. Each row is one setting: the groups' numbers of speakers and
their true rates. Capitals stand for asrfair's defaults, small letters for the usual alternatives. Columns up to the
bar give the share of replicates, in per cent, whose interval holds the truth; for ``PAIRS`` and ``games-h`` those of
all pairs at once. An end that is not shown counts as infinite. After the bar: false alarms at .05 when all rates are
equal. Bootstraps and permutations are looked at in the first replicates only (``--few``).
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from simulate import MODERATE, SEVERE, Group, chunks, draw

from asrfair.seeds import generator
from asrfair.stats.arrays import Floats, Ints, at, total
from asrfair.stats.bootstrap import resample
from asrfair.stats.contrasts import mover, welch_df
from asrfair.stats.equality import equality_test
from asrfair.stats.intervals import LogRates, log_rates
from asrfair.stats.pairwise import simultaneous_difference
from asrfair.stats.spread import INDICES, generalised_entropy, gini, index_interval, theil
from asrfair.stats.studentised import critical

ALPHA = 0.05
BOOTSTRAPS = 400
PERMUTATIONS = 499
COVERAGE, ALARMS = 92.0, 8.0
HELD = {
    "GAP": "max − min",
    "WORST": "worst group",
    "PAIRS": "all pairwise differences at once",
    "SD": "between-group sd",
    "GE": "generalised entropy",
    "THEIL": "Theil",
    "GINI": "Gini",
    "gap-b": "max − min, percentiles of a speaker bootstrap",
    "games-h": "pairs by Games–Howell on the natural scale, CR1",
    "lum": "between-group sd, speaker bootstrap with the double correction of Lum, Zhang and Bower",
    "gini-b": "Gini, percentiles of a speaker bootstrap",
}
ALARM = {
    "GAP": "the gap's interval leaves out zero",
    "EQUAL": "permutation test of equality",
    "gap-b": "the bootstrapped gap leaves out zero",
    "welch": "Welch's F on log WER without permutations",
    "chi²": "χ² over utterances with an error",
}
DEFAULTS = ("GAP", "WORST", "PAIRS", "SD", "GE", "THEIL", "GINI")
TRUTHS = ("equal", "spread", "first worse", "last worse")


@dataclass(frozen=True)
class Setting:
    """Groups with numbers of speakers; ``truth`` is one of `TRUTHS`; «varied» groups differ in speaker sd."""

    sizes: tuple[int, ...]
    truth: str
    utterances: tuple[int, int] = MODERATE
    sd: float | None = 0.6
    rate: float = 0.15

    @property
    def name(self) -> str:
        kinds = list(dict.fromkeys(self.sizes))
        sizes = f"{self.sizes.count(kinds[0])}×{kinds[0]}" + "".join(
            f", {self.sizes.count(kind)}×{kind}" for kind in kinds[1:]
        )
        unequal = ", unequal talk" if self.utterances == SEVERE else ""
        sd = ", varied sd" if self.sd is None else f", sd {self.sd:g}" if self.sd != 0.6 else ""
        rate = f", WER {self.rate:.1%}" if self.rate != 0.15 else ""
        return f"{sizes}{unequal}{sd}{rate}: {self.truth}"

    @property
    def rates(self) -> Floats:
        """The true rates of the groups."""
        groups = len(self.sizes)
        if self.truth == "spread":
            return self.rate * np.random.default_rng(0).permutation(np.linspace(2 / 3, 2, groups))
        rates = np.full(groups, self.rate)
        if self.truth != "equal":
            rates[0 if self.truth == "first worse" else -1] *= 2.5
        return rates

    @property
    def groups(self) -> tuple[Group, ...]:
        """The populations to draw from."""
        sds = np.resize([0.3, 0.9, 0.6] if self.sd is None else [self.sd], len(self.sizes))
        return tuple(
            Group(size, float(rate), float(sd), utterances=self.utterances)
            for size, rate, sd in zip(self.sizes, self.rates, sds, strict=True)
        )


def settings() -> Iterator[Setting]:
    for groups in (4, 10, 20):
        mixed = tuple(np.resize((4, 8, 15, 30), groups).tolist())
        one_small, one_large = (4, *(30,) * (groups - 1)), (30, *(4,) * (groups - 1))
        for truth in TRUTHS:
            for sizes in ((4,) * groups, (8,) * groups, (30,) * groups, mixed, one_small, one_large):
                yield Setting(sizes, truth)
            yield Setting((4,) * groups, truth, utterances=SEVERE)
            yield Setting((8,) * groups, truth, utterances=SEVERE)
            yield Setting((8,) * groups, truth, sd=0.9)
            yield Setting(mixed, truth, sd=None)
        yield Setting((8,) * groups, "equal", rate=0.004)
        yield Setting((8,) * groups, "equal", rate=0.4)


@dataclass(frozen=True)
class Drawn:
    """All groups over a chunk of replicates: a row per speaker; ``cell`` is replicate·groups + group."""

    cell: Ints
    errors: Floats
    words: Floats
    spoiled: Floats
    utterances: Floats


def draw_all(rng: np.random.Generator, setting: Setting, replicates: int) -> Drawn:
    """Draw every group; ``spoiled`` and ``utterances`` are per cell: utterances with an error, and all."""
    groups = len(setting.sizes)
    parts = [draw(rng, group, replicates) for group in setting.groups]
    cells = [part.cell * groups + number for number, part in enumerate(parts)]
    order = np.argsort(np.concatenate(cells), kind="stable")
    said = [part.utterance_cell * groups + number for number, part in enumerate(parts)]
    spoiled = np.concatenate([part.utterance_errors > 0 for part in parts])
    return Drawn(
        np.concatenate(cells)[order],
        np.concatenate([part.errors for part in parts])[order],
        np.concatenate([part.words for part in parts])[order],
        total(np.concatenate(said), spoiled, replicates * groups),
        total(np.concatenate(said), np.ones(len(spoiled)), replicates * groups),
    )


def held(low: Floats, high: Floats, truth: float) -> NDArray[np.bool_]:
    return ~((low > truth + 1e-12) | (high < truth - 1e-12))


def sides(rates: LogRates, setting: Setting, replicates: int) -> tuple[LogRates, LogRates, Floats]:
    """Return both sides of all pairs of every replicate, and the true differences."""
    groups, truth = len(setting.sizes), setting.rates
    later, earlier = np.tril_indices(groups, -1)
    first = np.arange(replicates)[:, None] * groups
    a, b = (at(rates, (first + side).ravel()) for side in (later, earlier))
    return a, b, np.tile(truth[later] - truth[earlier], replicates)


def over_pairs(rates: LogRates, setting: Setting, replicates: int) -> dict[str, Floats]:
    """Return coverage and alarms of the gap and of all pairs, shape=(replicates,) each."""
    a, b, truth = sides(rates, setting, replicates)
    joint = simultaneous_difference(a, b, groups=len(setting.sizes), alpha=ALPHA, judged=np.ones(len(truth), bool))
    own_low, own_high = mover(a, b, ALPHA)
    low = np.fmax.reduce(np.fmax(joint.low, -joint.high).reshape(replicates, -1), axis=1)
    high = np.maximum(own_high, -own_low).reshape(replicates, -1).max(axis=1)
    every = ~((joint.low > truth) | (joint.high < truth))
    return {
        "GAP": held(np.fmax(low, 0.0), high, np.ptp(setting.rates)).astype(float),
        "GAP alarm": (low > 0).astype(float),
        "PAIRS": every.reshape(replicates, -1).all(axis=1).astype(float),
    }


def games_howell(plain: LogRates, setting: Setting, replicates: int) -> Floats:
    """Return the coverage of Games and Howell's intervals on the natural scale."""
    a, b, truth = sides(plain, setting, replicates)
    variances = [rates.estimate**2 * rates.cluster_variance for rates in (a, b)]
    df = welch_df(variances[0], a.clusters - 1.0, variances[1], b.clusters - 1.0)
    width = critical(ALPHA, groups=len(setting.sizes), df=np.fmax(df, 1.0)) / np.sqrt(2) * np.sqrt(sum(variances))
    every = ~(np.abs(a.estimate - b.estimate - truth) > width)
    return every.reshape(replicates, -1).all(axis=1).astype(float)


def with_cr1(drawn: Drawn, rates: LogRates) -> LogRates:
    """Return the rates with the CR1 variance of the log rate."""
    residual = drawn.errors - rates.estimate[drawn.cell] * drawn.words
    squares = total(drawn.cell, residual**2, len(rates.errors)) / np.maximum(rates.errors, 0.5) ** 2
    clusters = rates.clusters
    fields = {
        name: getattr(rates, name) for name in ("errors", "words", "events", "clusters", "df", "design_effect", "skew")
    }
    return LogRates(**fields, cluster_variance=clusters / (clusters - 1) * squares)


def indices(rates: LogRates, setting: Setting, replicates: int) -> dict[str, Floats]:
    """Return coverage of the worst group and of the indices, shape=(replicates,) each."""
    groups, truth = len(setting.sizes), setting.rates
    low, high = (
        end.reshape(replicates, groups).max(axis=1) for end in (rates.ends(ALPHA / groups)[0], rates.ends(ALPHA)[1])
    )
    found = {"WORST": held(low, high, truth.max()).astype(float)}
    true = {"SD": truth.std(ddof=1), "GE": generalised_entropy(truth), "THEIL": theil(truth), "GINI": gini(truth)}
    for (name, value), index in zip(true.items(), INDICES.values(), strict=True):
        ends = [
            index_interval(index, at(rates, slice(n * groups, (n + 1) * groups)), alpha=ALPHA)[1:]
            for n in range(replicates)
        ]
        found[name] = held(*np.array(ends).T, float(value)).astype(float)
    return found


def bootstrapped(rng: np.random.Generator, drawn: Drawn, setting: Setting, replicates: int) -> dict[str, Floats]:
    """Return coverage and alarms of percentile bootstraps over speakers within groups."""
    truth, sizes = setting.rates, np.array(setting.sizes)
    bounds = np.concatenate([[0], np.cumsum(np.tile(sizes, replicates))])
    columns = np.stack([drawn.errors, drawn.words, drawn.errors**2, drawn.errors * drawn.words, drawn.words**2], axis=1)
    ends: dict[str, list[Floats]] = {"gap-b": [], "lum": [], "gini-b": []}
    for replicate in range(replicates):
        cells = range(replicate * len(sizes), (replicate + 1) * len(sizes))
        sums = np.stack(
            [resample(columns[bounds[n] : bounds[n + 1]], replicates=BOOTSTRAPS, rng=rng) for n in cells], axis=1
        )
        rate = sums[..., 0] / sums[..., 1]
        spread = sums[..., 2] - 2 * rate * sums[..., 3] + rate**2 * sums[..., 4]
        variance = sizes / (sizes - 1) * spread / sums[..., 1] ** 2
        doubly = rate.var(axis=1, ddof=1) - (variance * (2 * sizes - 1) / (sizes - 1)).mean(axis=1)
        for name, values in (
            ("gap-b", np.ptp(rate, axis=1)),
            ("lum", np.sqrt(np.maximum(doubly, 0.0))),
            ("gini-b", gini(rate)),
        ):
            ends[name].append(np.nanquantile(values, [ALPHA / 2, 1 - ALPHA / 2]))
    true = {"gap-b": np.ptp(truth), "lum": truth.std(ddof=1), "gini-b": gini(truth)}
    found = {name: held(*np.array(values).T, float(true[name])).astype(float) for name, values in ends.items()}
    return found | {"gap-b alarm": (np.array(ends["gap-b"])[:, 0] > 0).astype(float)}


def equality(rng: np.random.Generator, drawn: Drawn, setting: Setting, replicates: int) -> Floats:
    """Return the alarms of the permutation test."""
    size = sum(setting.sizes)
    group = np.repeat(np.arange(len(setting.sizes)), setting.sizes)
    rows = (slice(n * size, (n + 1) * size) for n in range(replicates))
    tests = (
        equality_test(group, drawn.errors[own], drawn.words[own], permutations=PERMUTATIONS, rng=rng) for own in rows
    )
    return np.array([p <= ALPHA for _, p in tests], float)


def classic(drawn: Drawn, rates: LogRates, setting: Setting, replicates: int) -> dict[str, Floats]:
    """Return the alarms of Welch's F and of χ² over utterances."""
    shape = (replicates, len(setting.sizes))
    groups, df = shape[1], np.array(setting.sizes) - 1
    x = np.log((rates.errors + 0.5) / rates.words).reshape(shape)
    weight = 1 / np.maximum(rates.cluster_variance, 1 / (rates.errors + 0.5)).reshape(shape)
    share = weight / weight.sum(axis=1, keepdims=True)
    between = (weight * (x - (share * x).sum(axis=1, keepdims=True)) ** 2).sum(axis=1) / (groups - 1)
    unequal = ((1 - share) ** 2 / df).sum(axis=1)
    statistic = between / (1 + 2 * (groups - 2) / (groups**2 - 1) * unequal)
    spoiled, every = (values.reshape(shape) for values in (drawn.spoiled, drawn.utterances))
    part = spoiled.sum(axis=1, keepdims=True) / every.sum(axis=1, keepdims=True)
    square = ((spoiled - part * every) ** 2 / (every * part * (1 - part))).sum(axis=1)
    return {
        "welch alarm": (stats.f.sf(statistic, groups - 1, (groups**2 - 1) / (3 * unequal)) <= ALPHA).astype(float),
        "chi² alarm": (special.chdtrc(groups - 1, square) <= ALPHA).astype(float),
    }


def chunk(rng: np.random.Generator, setting: Setting, replicates: int, few: int) -> dict[str, Floats]:
    """Return for each column what each replicate found; bootstraps and permutations for the first ``few``."""
    drawn = draw_all(rng, setting, replicates)
    rates = log_rates(drawn.cell, drawn.errors, drawn.words, cells=replicates * len(setting.sizes))
    plain = with_cr1(drawn, rates)
    found = (
        over_pairs(rates, setting, replicates)
        | indices(rates, setting, replicates)
        | classic(drawn, plain, setting, replicates)
    )
    found["games-h"] = games_howell(plain, setting, replicates)
    if few:
        found |= bootstrapped(rng, drawn, setting, few)
        if setting.truth == "equal":
            found["EQUAL alarm"] = equality(rng, drawn, setting, few)
    return found


def simulate(setting: Setting, *, replicates: int, few: int, seed: int) -> dict[str, float]:
    """Return each column's share of replicates, in per cent."""
    rng = generator(seed, "groups", setting.name)
    parts: dict[str, list[Floats]] = {}
    for size in chunks(setting.groups, replicates):
        for name, values in chunk(rng, setting, size, min(few, size)).items():
            parts.setdefault(name, []).append(values)
        few -= min(few, size)
    return {name: float(100 * np.mean(np.concatenate(values))) for name, values in parts.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--few", type=int, default=300, help="replicates with bootstraps and permutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="settings whose name contains this text")
    options = parser.parse_args()
    print(" " * 50 + "".join(f"{name:>8}" for name in HELD) + " |" + "".join(f"{name:>7}" for name in ALARM))
    worst: dict[str, float] = {}
    for setting in settings():
        if options.only not in setting.name:
            continue
        found = simulate(setting, replicates=options.replicates, few=options.few, seed=options.seed)
        alarms = [found.get(f"{name} alarm") if setting.truth == "equal" else None for name in ALARM]
        print(
            f"{setting.name:50}"
            + "".join(f"{found.get(name, np.nan):8.1f}" for name in HELD)
            + " |"
            + "".join(f"{'':7}" if value is None else f"{value:7.1f}" for value in alarms),
            flush=True,
        )
        for name in DEFAULTS:
            worst[name] = min(worst.get(name, 100.0), found[name])
        for name, value in zip(ALARM, alarms, strict=True):
            worst[f"{name} alarm"] = max(worst.get(f"{name} alarm", 0.0), value or 0.0)
    met = all(worst[name] >= COVERAGE for name in DEFAULTS) and worst["GAP alarm"] <= ALARMS
    print(f"\nworst: {', '.join(f'{name} {value:.1f}' for name, value in worst.items())}")
    targets = f"coverage of at least {COVERAGE:g}, alarms of GAP of at most {ALARMS:g}"
    print(f"targets ({targets}): {'met' if met else 'missed'}")
    for title, names in (("coverage", HELD), ("false alarms", ALARM)):
        print(f"{title}: " + "; ".join(f"{name} {words}" for name, words in names.items()))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
