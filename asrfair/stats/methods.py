"""The intervals of rates by name.

Conventions
-----------
A method takes one axis and gives the ends of every cell, nan where it cannot, with the reason among its notes. All
follow the rules of `asrfair.stats.intervals` for cells without errors, and none gives an interval of no width. On
the natural scale a lower end below zero is zero.

Bootstraps draw the speakers of a group, and one draw serves all its conditions and backends: seed, axis and group
name it. No floor acts on them.

References
----------
Bisani and Ney 2004 and Liu, Veliche and Peng 2021 (bootstraps of error rates); coverage in the README.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from asrfair.errors import InputError, expected
from asrfair.stats import notes
from asrfair.stats.arrays import Floats, Ints, at, ratio, t_quantile, total
from asrfair.stats.bootstrap import Drawn, acceleration, bca_ends, draws, percentile_ends, studentised_ends
from asrfair.stats.cells import Cells, Coded, cluster_sums
from asrfair.stats.intervals import (
    LogRates,
    cr1_variance,
    jackknife_variance,
    left_out,
    moment_variance,
    residual_variance,
)

if TYPE_CHECKING:
    from asrfair.stats.rates import AxisSums

DEFAULT = "skewed-log-t"
COVERS_LESS = "with few speakers a bootstrap's percentiles cover less than they say"
COVERS_HALF = "intervals over utterances cover about half where utterances share speakers"
_NO_SPREAD = 1e-12


@dataclasses.dataclass(frozen=True)
class Settings:
    """How intervals are made: error probability ``alpha`` and, for bootstraps, replicates and seed."""

    alpha: float
    replicates: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Intervals:
    """The ends of every cell, shape=(cells,), with the method's name and what is to be said of them.

    ``cells`` holds the spread that the ends rest on; ``method`` has a place for how utterances were clustered.
    """

    cells: Cells[LogRates]
    low: Floats
    high: Floats
    method: str
    parts: list[notes.Part]


Method = Callable[["AxisSums", Coded, Settings], Intervals]


def find_method(name: str) -> Method:
    """Return a method of `METHODS` by name; raises InputError, listing those there are."""
    if name not in METHODS:
        raise InputError(expected("interval", f"unknown method '{name}'", METHODS))
    return METHODS[name]


def skewed_log_t(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return the default: log t with the upper end stretched for speakers' skew (`asrfair.stats.intervals`)."""
    return _log_scale(view.cells, settings, "{} skewed log t")


def log_t(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return the log scale with Mancl and DeRouen's variance and moment degrees of freedom, without stretch."""
    return _log_scale(_with(view.cells), settings, "{} log t")


def merged_sums(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return the variant of the default that needs no value per speaker: ΣE, ΣE², ΣEW and ΣW^k do."""
    variance = moment_variance(*_of(view), cells=len(view.cells.utterances))
    return _log_scale(_with(view.cells, cluster_variance=variance), settings, "{} log t, merged sums")


def jackknife(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return the delete-one-speaker jackknife of the log rate with t of G − 1."""
    variance = jackknife_variance(*_of(view), cells=len(view.cells.utterances))
    cells = _with(view.cells, cluster_variance=variance, df=_fewer(view.cells))
    found = _log_scale(cells, settings, "{} jackknife, log t")
    alone = cells.judged & (cells.spread.errors > 0) & np.isnan(variance)
    return dataclasses.replace(found, parts=[*found.parts, (alone, "1 speaker has all errors: no jackknife")])


def delta_t(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return θ ∓ t·√CR1 with t of G − 1, on the natural scale."""
    variance = cr1_variance(*_of(view), cells=len(view.cells.utterances))
    cells = _with(view.cells, cluster_variance=variance, df=_fewer(view.cells))
    spread = cells.spread
    width = spread.estimate * t_quantile(settings.alpha, spread.df) * np.sqrt(spread.variance)
    low, high = _natural_scale(cells, spread.estimate - width, spread.estimate + width, settings)
    return _judged(cells, low, high, "{} t, natural scale", [])


def over_utterances(view: "AxisSums", coded: Coded, settings: Settings) -> Intervals:
    """Return the log t over utterances, as if each were of a speaker of its own: for comparison only."""
    spoken, variance = _utterance_variance(view, coded)
    cells = dataclasses.replace(
        _with(view.cells, cluster_variance=variance, clusters=spoken, df=np.where(spoken > 1, spoken - 1.0, np.nan)),
        unknown=np.zeros_like(spoken),
        independent=view.cells.utterances,
    )
    found = _log_scale(cells, settings, "{} log t")
    return dataclasses.replace(found, parts=[*found.parts, (cells.judged, COVERS_HALF)])


def _utterance_variance(view: "AxisSums", coded: Coded) -> tuple[Ints, Floats]:
    """Return the number n of utterances with words and n/(n−1)·Σu²/θ² over utterances, from sums that merge."""
    errors, words = pl.col("errors").cast(pl.Float64), pl.col("words").cast(pl.Float64)
    squares = {"ee": errors**2, "ew": errors * words, "ww": words**2, "spoken": words > 0}
    keys = [name for name in coded.rows.columns if name in ("utterance", "cluster", "condition", "backend")]
    axis = [view.axis.name] if view.axis.name in coded.rows.columns else []
    rows = coded.rows.select(*keys, *axis, *(value.alias(name) for name, value in squares.items()))
    cell, _, sums = cluster_sums(rows, view.axis, coded)
    ee, ew, ww, n = (total(cell, sums[name], len(view.cells.utterances)) for name in squares)
    spread = view.cells.spread
    squared = np.maximum(ee - 2 * spread.estimate * ew + spread.estimate**2 * ww, 0.0)
    return n.astype(np.int64), ratio(n, n - 1) * ratio(squared, spread.errors**2)


def _of(view: "AxisSums") -> tuple[Ints, Floats, Floats]:
    return view.cell, view.sums["errors"], view.sums["words"]


def _fewer(cells: Cells[LogRates]) -> Floats:
    """Return G − 1, nan where not judged."""
    return np.where(cells.spread.judged, cells.spread.clusters - 1.0, np.nan)


def _with(cells: Cells[LogRates], **fields: Floats | Ints) -> Cells[LogRates]:
    """Return the cells with another spread, which the default's stretch for skew does not belong to."""
    none = np.zeros(len(cells.utterances))
    return dataclasses.replace(cells, spread=dataclasses.replace(cells.spread, skew=none, **fields))  # type: ignore[arg-type]


def _log_scale(cells: Cells[LogRates], settings: Settings, method: str) -> Intervals:
    low, high = cells.spread.interval(settings.alpha)
    wide = cells.judged & cells.spread.too_wide(settings.alpha)
    return _judged(cells, low, high, method, [(wide, notes.TOO_WIDE)])


def _natural_scale(cells: Cells[LogRates], low: Floats, high: Floats, settings: Settings) -> tuple[Floats, Floats]:
    """Return the ends as they may be shown: none below zero, and without errors those of the default."""
    none = cells.spread.none
    return np.where(none, 0.0, np.maximum(low, 0.0)), np.where(none, cells.spread.top(settings.alpha), high)


def _judged(cells: Cells[LogRates], low: Floats, high: Floats, method: str, parts: list[notes.Part]) -> Intervals:
    shown = cells.judged
    return Intervals(cells, np.where(shown, low, np.nan), np.where(shown, high, np.nan), method, parts)


@dataclasses.dataclass(frozen=True)
class _Known:
    """What the ends of a bootstrap need of the cells themselves, each shape=(cells,)."""

    estimate: Floats
    error: Floats
    acceleration: Floats


@dataclasses.dataclass(frozen=True)
class _Bootstrap:
    """A kind of bootstrap: its name, its ends, whether it needs squares, and why its ends may be missing.

    ``few`` is said under `notes.FEW_SPEAKERS` speakers.
    """

    name: str
    ends: Callable[[Drawn, _Known, float], tuple[Floats, Floats]]
    squares: bool
    missing: str
    few: str = ""


def _percentile(drawn: Drawn, known: _Known, alpha: float) -> tuple[Floats, Floats]:
    return percentile_ends(drawn.rates, alpha=alpha)


def _bca(drawn: Drawn, known: _Known, alpha: float) -> tuple[Floats, Floats]:
    return bca_ends(drawn.rates, estimate=known.estimate, acceleration=known.acceleration, alpha=alpha)


def _studentised(drawn: Drawn, known: _Known, alpha: float) -> tuple[Floats, Floats]:
    rates, (ee, ew, ww) = drawn.rates, drawn.squares
    squared = ee - 2 * rates * ew + rates**2 * ww
    # A draw of one speaker only has no spread; what rounding leaves of it must not count as one.
    none = squared <= _NO_SPREAD * ee
    away = rates - known.estimate
    statistic = np.where(away == 0, 0.0, np.copysign(np.inf, away))
    np.divide(away * drawn.words, np.sqrt(squared, where=~none, out=np.ones_like(rates)), out=statistic, where=~none)
    return studentised_ends(
        np.where(np.isnan(rates), np.nan, statistic), estimate=known.estimate, error=known.error, alpha=alpha
    )


_PERCENTILE = _Bootstrap("percentile", _percentile, False, "no draw has reference words: no interval", COVERS_LESS)
_BCA = _Bootstrap("BCa", _bca, False, "all draws lie on one side: no BCa interval", COVERS_LESS)
_STUDENTISED = _Bootstrap("studentised", _studentised, True, "too few speakers: studentised interval is infinite")


def _over_draws(view: "AxisSums", coded: Coded, settings: Settings, *, kind: _Bootstrap) -> Intervals:
    size = len(view.cells.utterances)
    low, high, empty = np.full(size, np.nan), np.full(size, np.nan), np.zeros(size, np.int64)
    # No floor acts on a bootstrap.
    cells = _with(view.cells, events=np.full(size, np.nan))
    spread, wanted = cells.spread, cells.judged & (cells.spread.errors > 0)
    known = _Known(
        estimate=spread.estimate,
        error=np.sqrt(residual_variance(*_of(view), cells=size)) * spread.estimate,
        acceleration=np.nan_to_num(acceleration(view.cell, left_out(*_of(view), cells=size), cells=size)),
    )
    for block, drawn in draws(
        view, coded, wanted=wanted, squares=kind.squares, replicates=settings.replicates, seed=settings.seed
    ):
        low[block], high[block] = kind.ends(drawn, at(known, block), settings.alpha)
        empty[block] = np.count_nonzero(drawn.words == 0, axis=0)
    flat = high - low <= _NO_SPREAD * spread.estimate
    low, high = (np.where(flat, np.nan, end) for end in (low, high))
    parts: list[notes.Part] = [
        (flat, "every draw of speakers gives the same rate: no interval"),
        (wanted & ~flat & np.isnan(low), kind.missing),
        (np.isfinite(low) & (spread.clusters < notes.FEW_SPEAKERS) & bool(kind.few), kind.few),
        (empty, lambda n: f"{notes.counted(int(n), 'replicate')} without reference words left out"),
    ]
    method = f"{{}} bootstrap, {kind.name}, {settings.replicates} replicates, seed {settings.seed}"
    return _judged(cells, *_natural_scale(cells, low, high, settings), method, parts)


METHODS: dict[str, Method] = {
    DEFAULT: skewed_log_t,
    "log-t": log_t,
    "delta-t": delta_t,
    "jackknife": jackknife,
    "moments": merged_sums,
    "bootstrap-percentile": partial(_over_draws, kind=_PERCENTILE),
    "bootstrap-bca": partial(_over_draws, kind=_BCA),
    "bootstrap-studentised": partial(_over_draws, kind=_STUDENTISED),
    "utterance": over_utterances,
}
"""The methods by the name that a plan gives."""
