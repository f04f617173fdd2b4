"""Time 10,000 bootstrap replicates of the cells of `benchmarks/tables.py` beside `scipy.stats.bootstrap`.

    python benchmarks/bootstrap.py

Both draw speakers within groups and give percentile intervals from the same sums by speaker, each on one core.
asrfair draws a group's speakers once, for all numbers; scipy resamples for every number, with a vectorised
statistic and its other defaults. scipy is timed on one number of each kind and scaled to all of them; asrfair is
timed on all. Of a few times the fastest counts.

First the rates of all cells, by `rate_rows` with its table; then, by the same draws, with differences and ratios to
the reference group, costs of a condition against the baseline and interactions, on both scales; then with
differences and ratios to overall too, where scipy has to draw the speakers of all groups for each. These are all
the default disparities, and the ratio that counts.
"""

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats
from tables import simulate

from asrfair.stats.bootstrap import draws, percentile_ends
from asrfair.stats.cells import Coded, code, find_axis
from asrfair.stats.rates import AxisSums, axis_sums, rate_rows
from asrfair.tables import FAILURES, OVERALL

Array = NDArray[np.float64]
REPLICATES, WANTED = 10_000, 50.0


def read() -> tuple[Coded, list[AxisSums]]:
    """Return the table's sums by speaker for the axes overall and accent."""
    counts = simulate(utterances=10)
    failures = pl.DataFrame(schema=FAILURES | {"accent": pl.String})
    coded = code(
        counts,
        failures,
        axes=["accent"],
        baseline_condition="c0",
        baseline_backend=None,
        independent_utterances=False,
    )
    return coded, [axis_sums(find_axis(name, counts, failures), coded) for name in (OVERALL, "accent")]


def our_rates(coded: Coded, views: list[AxisSums]) -> int:
    """Make the tables of rates with bootstrap intervals; return how many."""
    return sum(
        rate_rows(view, coded, level=0.95, interval="bootstrap-percentile", replicates=REPLICATES).height
        for view in views
    )


def our_numbers(coded: Coded, views: list[AxisSums], *, to_overall: bool) -> int:
    """Give percentile intervals of rates and disparities from one set of draws; return how many."""
    replicates = (values for view in views for values in _replicates(view, coded, to_overall=to_overall))
    return sum(np.size(percentile_ends(values, alpha=0.05)[0]) for values in replicates)


def _replicates(view: AxisSums, coded: Coded, *, to_overall: bool) -> Iterator[Array]:
    """Yield replicates of numbers, shape=(replicates, numbers)."""
    options = {"squares": False, "replicates": REPLICATES, "seed": 0}
    groups = [drawn for _, drawn in draws(view, coded, wanted=view.cells.judged, **options)]
    everybody = sum(each.errors for each in groups) / sum(each.words for each in groups)
    reference = [groups[0].rates, *_costs(groups[0].rates)]
    for number, drawn in enumerate(groups):
        rates = drawn.rates
        cost, ratio = _costs(rates)
        yield from (rates, cost, ratio)
        if to_overall and len(groups) > 1:
            yield from (rates - everybody, rates / everybody)
        if number:
            yield from (rates - reference[0], rates / reference[0], cost - reference[1], ratio / reference[2])


def _costs(rates: Array) -> tuple[Array, Array]:
    return rates[:, 1:] - rates[:, :1], rates[:, 1:] / rates[:, :1]


def scipy_seconds(view: AxisSums, coded: Coded, *, times: int) -> list[tuple[int, float]]:
    """Return how many numbers there are and scipy's seconds for them: rates, within groups or to one, to overall."""
    groups, conditions = len(view.axis.groups), coded.per_group
    sums = [_sums(view, group * conditions) for group in range(groups)]
    two, all_of_them = [sums[-1], sums[0]], sums[::-1]
    others, pairs, later = groups - 1, conditions, conditions - 1
    kinds = [
        (0, groups * conditions, lambda: _paired(_rate, sums[-1][:2])),
        *((1, groups * later, lambda how=how: _paired(how, sums[-1])) for how in (_cost, _cost_ratio)),
        (1, others * pairs, lambda: _independent(lambda a, b: _rate(*a[:2]) - _rate(*b[:2]), two)),
        (1, others * pairs, lambda: _independent(lambda a, b: _rate(*a[:2]) / _rate(*b[:2]), two)),
        (1, others * later, lambda: _independent(lambda a, b: _cost(*a) - _cost(*b), two)),
        (1, others * later, lambda: _independent(lambda a, b: _cost_ratio(*a) / _cost_ratio(*b), two)),
        (2, groups * pairs * (groups > 1), lambda: _independent(lambda *a: _rate(*a[0]) - _all(*a), _cut(all_of_them))),
        (2, groups * pairs * (groups > 1), lambda: _independent(lambda *a: _rate(*a[0]) / _all(*a), _cut(all_of_them))),
    ]
    found = [(0, 0.0)] * 3
    for stage, number, work in kinds:
        if number:
            found[stage] = found[stage][0] + number, found[stage][1] + number * fastest(work, times)
    return found


def _sums(view: AxisSums, cell: int) -> Array:
    """Return the errors and words by speaker of a cell with another condition, then of its baseline."""
    picked = [view.cell == number for number in (cell + 1, cell)]
    return np.stack([view.sums[name][rows] for rows in picked for name in ("errors", "words")])


def _rate(errors: Array, words: Array) -> Array:
    return errors / words


def _cost(errors: Array, words: Array, base_errors: Array, base_words: Array) -> Array:
    return errors / words - base_errors / base_words


def _cost_ratio(errors: Array, words: Array, base_errors: Array, base_words: Array) -> Array:
    return errors / words / (base_errors / base_words)


def _all(*groups: list[Array]) -> Array:
    errors, words = (sum(parts) for parts in zip(*groups, strict=True))
    return errors / words


def _cut(several: list[Array]) -> list[Array]:
    """Return the sums without those of the baseline."""
    return [each[:2] for each in several]


def _paired(how: Callable[..., Array], sums: Array) -> None:
    def statistic(*values: Array, axis: int = -1) -> Array:
        return how(*(each.sum(axis=axis) for each in values))

    _bootstrap(tuple(sums), statistic, paired=True)


def _independent(how: Callable[..., Array], several: list[Array]) -> None:
    """Resample each group's speakers by number, and pick their sums."""

    def statistic(*places: NDArray[np.int64], axis: int = -1) -> Array:
        groups = zip(several, places, strict=True)
        return how(*([each[drawn].sum(axis=axis) for each in sums] for sums, drawn in groups))

    _bootstrap(tuple(np.arange(each.shape[1]) for each in several), statistic, paired=False)


def _bootstrap(data: tuple[Array, ...], statistic: Callable[..., Array], *, paired: bool) -> None:
    stats.bootstrap(
        data,
        statistic,
        paired=paired,
        vectorized=True,
        n_resamples=REPLICATES,
        method="percentile",
        rng=np.random.default_rng(0),
    )


def fastest(work: Callable[[], object], times: int) -> float:
    """Return the fewest seconds that the work took."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="how often each is timed; the fastest counts")
    times = parser.parse_args().times
    coded, views = read()
    work = {
        "rates": our_rates,
        "with costs, differences and ratios": partial(our_numbers, to_overall=False),
        "with those to overall": partial(our_numbers, to_overall=True),
    }
    theirs = [scipy_seconds(view, coded, times=times) for view in views]
    for stage, (what, ours) in enumerate(work.items()):
        found = ours(coded, views)
        own = fastest(lambda ours=ours: ours(coded, views), times)
        same = [each[: stage + 1] for each in theirs]
        numbers, seconds = (sum(part[place] for each in same for part in each) for place in (0, 1))
        print(f"{found:,} {what}: asrfair {own:.2f} s, scipy {seconds:.1f} s, {seconds / own:.0f} times")
        if found != numbers:
            raise SystemExit(f"asrfair has {found} numbers where scipy has {numbers}")
    return 0 if seconds / own >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
