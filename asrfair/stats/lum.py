"""The spread between groups as Lum, Zhang and Bower publish it, clustered by speaker: for comparison.

Formulas
--------
Estimate: √max(0, S² − mean(v)), S² the groups' variance with K − 1, v the CR1 variance of a group's rate.
Interval: percentiles over speaker-bootstrap replicates, drawn within groups, of
√max(0, S*² − mean(v*·(2G − 1)/(G − 1))), G the group's speakers: the double correction.

It covers down to 73 % where a group of 4 speakers is the one that is served worse (`benchmarks/groups.py`);
``between_group_sd`` of `asrfair.stats.spread` does not.

References
----------
Lum, Zhang and Bower 2022, De-biasing «bias» measurement.
"""

from typing import TYPE_CHECKING

import numpy as np

from asrfair.stats.arrays import Floats, ratio
from asrfair.stats.bootstrap import draws
from asrfair.stats.cells import Coded
from asrfair.stats.groups import Column
from asrfair.stats.intervals import cr1_variance

if TYPE_CHECKING:
    from asrfair.stats.rates import AxisSums


def lum_intervals(
    view: "AxisSums", coded: Coded, found: list[Column], *, alpha: float, replicates: int, seed: int
) -> Floats:
    """Return estimate, low and high of each column, shape=(columns, 3).

    nan with fewer than two judged groups or without errors; no ends where no draw shows a spread.
    """
    wanted = np.zeros(len(view.cells.utterances), bool)
    for column in found:
        wanted[column.judged * coded.per_group + column.number] = True
    speakers = view.cells.spread.clusters.astype(np.float64)
    sums = np.zeros((3, replicates, coded.per_group))
    for cells, drawn in draws(view, coded, wanted=wanted, squares=True, replicates=replicates, seed=seed):
        rate, (squares, products, words) = drawn.rates, drawn.squares
        size = speakers[cells]
        variance = ratio(size, size - 1) * ratio(squares - 2 * rate * products + rate**2 * words, drawn.words**2)
        doubly = variance * ratio(2 * size - 1, size - 1)
        sums[:, :, cells % coded.per_group] += np.stack([rate, rate**2, doubly])
    variance = cr1_variance(view.cell, view.sums["errors"], view.sums["words"], cells=len(wanted))
    rates = view.cells.spread.estimate
    results = np.full((len(found), 3), np.nan)
    for row, column in enumerate(found):
        groups = column.judged * coded.per_group + column.number
        if len(groups) < 2 or not rates[groups].any():
            continue
        # A group without errors has no CR1 variance, and none is taken off for it.
        corrected = rates[groups].var(ddof=1) - np.nan_to_num(variance * rates**2)[groups].mean()
        total, squared, doubly = sums[:, :, column.number] / len(groups)
        spread = (squared - total**2) * len(groups) / (len(groups) - 1) - doubly
        ends = np.nanquantile(spread, [alpha / 2, 1 - alpha / 2])
        results[row] = np.sqrt(np.maximum([corrected, *ends], 0.0))
    results[results[:, 1] == results[:, 2], 1:] = np.nan
    return results
