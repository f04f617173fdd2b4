"""The studentised range: how far apart the largest and the smallest of several normal means fall by chance.

Conventions
-----------
``groups`` means are compared; q is the range of their estimates over one standard error of one estimate, that
error having ``df`` degrees of freedom, which need not be whole. Vectorised over q and df; whatever depends on the
number of groups alone is made once and kept.

Formulas
--------
P(range > w) = K·∫ φ(z)·Φ(z)^(K−1)·(1 − (1 − Φ(z−w)/Φ(z))^(K−1)) dz, tabulated over w; P(q > x) is its mean over
w = x·s, s² a χ² over its degrees of freedom, by Gauss–Legendre over the log s where it is neither 1 nor 0.

References
----------
Tukey 1953; Lund and Lund 1983, AS 190 (the integrals). Tests compare with `scipy.stats.studentized_range`, which
takes about 0.1 s for one quantile.
"""

import functools

import numpy as np

from asrfair.stats.arrays import Floats, ratio

_WIDEST_RANGE = 16.0
_RANGE_STEP = 1 / 128
_NODES = 64
_NEARLY_SURE = 1e-10
_FAR_TAIL = 1e-17
_SMALLEST_P = 1e-16
_LARGEST_DF = 1e6
_AT_ONCE = 20_000
_INVERSE_DF = np.concatenate([[1 / _LARGEST_DF], np.geomspace(1e-4, 1.0, 40)])


def tail(q: Floats, *, groups: int, df: Floats) -> Floats:
    """Return P(studentised range ≥ q), shape=(n,), never below 1e-16; ``df`` at least 1; nan stays nan."""
    q, df = np.broadcast_arrays(np.asarray(q, float), np.asarray(df, float))
    parts = [
        _tail(q[start : start + _AT_ONCE], groups, df[start : start + _AT_ONCE]) for start in range(0, len(q), _AT_ONCE)
    ]
    return np.concatenate([np.empty(0), *parts])


def critical(alpha: float, *, groups: int, df: Floats) -> Floats:
    """Return q exceeded with probability ``alpha``, interpolated over 1/df from one table per number of groups."""
    known = np.isfinite(df)
    place = np.sqrt(1 / np.clip(np.where(known, df, 1.0), 1.0, _LARGEST_DF))
    return np.where(known, np.exp(_quantiles(alpha, groups)(place)), np.nan)


def _tail(q: Floats, groups: int, df: Floats) -> Floats:
    from scipy import special

    q = np.maximum(q, _RANGE_STEP**4)
    half = np.clip(df, 1.0, _LARGEST_DF) / 2
    widths, log_tail = _range_table(groups)
    # s² = gamma(half)/half. Below ``start`` every range is wider than q·s, beyond ``stop`` none is.
    low, high = (
        0.5 * np.log(inverse(half, _FAR_TAIL) / half) for inverse in (special.gammaincinv, special.gammainccinv)
    )
    sure = widths[np.searchsorted(-log_tail, -np.log1p(-_NEARLY_SURE)) - 1]
    start, stop = (np.clip(np.log(ratio(edge, q)), low, high) for edge in (max(sure, _RANGE_STEP**4), widths[-1]))
    nodes, weights = _legendre()
    log_s = start + (stop - start) * (nodes[:, None] + 1) / 2
    density = half * np.log(half) - special.gammaln(half) + half * (2 * log_s - np.exp(2 * log_s)) + np.log(2)
    place = np.nan_to_num(q * np.exp(log_s)) / _RANGE_STEP
    left = np.minimum(place.astype(np.int64), len(widths) - 2)
    wider = log_tail[left] + (place - left) * (log_tail[left + 1] - log_tail[left])
    p = special.gammainc(half, half * np.exp(2 * start)) + weights @ np.exp(density + wider) * (stop - start) / 2
    return np.where(np.isnan(q), np.nan, np.clip(p, _SMALLEST_P, 1.0))


@functools.cache
def _legendre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


@functools.lru_cache(maxsize=256)
def _range_table(groups: int) -> tuple[Floats, Floats]:
    """Return widths w and log P(range of ``groups`` standard normals > w)."""
    from scipy import special

    widths = np.arange(0, _WIDEST_RANGE + _RANGE_STEP, _RANGE_STEP)
    step = 1 / 16
    largest = np.arange(-8.5, 8.5 + step, step)
    below = special.log_ndtr(largest)
    weight = groups * np.exp((groups - 1) * below - largest**2 / 2) * step / np.sqrt(2 * np.pi)
    share = np.exp(np.minimum(special.log_ndtr(largest - widths[:, None]) - below, 0.0))
    with np.errstate(divide="ignore"):
        missed = -np.expm1((groups - 1) * np.log1p(-share))
        return widths, np.log(np.minimum(missed @ weight, 1.0))


@functools.lru_cache(maxsize=256)
def _quantiles(alpha: float, groups: int):  # type: ignore[no-untyped-def]
    """Return the spline of log q over √(1/df), its knots found by bisection."""
    from scipy.interpolate import CubicSpline

    df = 1 / _INVERSE_DF
    low, high = np.full(len(df), -10.0), np.full(len(df), np.log(1e4 / alpha))
    for _ in range(60):
        middle = (low + high) / 2
        inside = tail(np.exp(middle), groups=groups, df=df) > alpha
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return CubicSpline(np.sqrt(_INVERSE_DF), (low + high) / 2)
