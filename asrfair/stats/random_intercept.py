"""Poisson regression with a random intercept for each speaker, by maximum likelihood.

Conventions
-----------
As in `asrfair.stats.gee`: ``columns`` of shape=(rows, terms), the first the intercept, rows together by speaker.

Formulas
--------
Errors of speaker i are Poisson with mean exp(offset + xᵀβ + σu_i), u_i standard normal. With Y = ΣE and
M = Σexp(offset + xᵀβ) of a speaker, the log likelihood is ΣE(xᵀβ + offset) + Σ_i log I_i, up to a constant of the
data, where I = ∫exp(Yσu − Me^{σu})φ(u)du. I is found by Gauss–Hermite quadrature around the mode of its integrand,
scaled by the curvature there; the derivatives are those of the integral, so the Hessian is the observed information.
exp(β) compares speakers with equal u, that is median speakers: where a group's speakers differ more among
themselves, its pooled rate is higher than its median speaker's by exp(σ²/2).

References
----------
Liu, Veliche and Peng 2021 (the model for error counts); Liu and Pierce 1994 (the quadrature).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from asrfair.stats.arrays import Floats, Ints

_NODES = 40
_STEPS = 200
_HALVINGS = 50
_SMALLEST_GAIN = 1e-9
_FIRST_SPREAD = 0.5
_LEAST_SPREAD = 1e-4
_LARGEST_SPREAD = 10.0
_LARGEST_LOG_RATE = 30.0
NO_SPREAD = 1e-2
"""A standard deviation of speakers' log rates below which they do not differ beyond chance."""


@dataclass(frozen=True)
class Fit:
    """Log rate ratios between median speakers with variances, shape=(terms,).

    ``spread`` is the standard deviation of speakers' log rates, ``log_likelihood`` is up to a constant of the data.
    """

    estimate: Floats
    variance: Floats
    spread: float
    log_likelihood: float


@dataclass(frozen=True)
class Integrals:
    """log I of speakers and its derivatives in M (``m``) and σ (``s``), each shape=(speakers,)."""

    log: Floats
    m: Floats
    s: Floats
    mm: Floats
    ms: Floats
    ss: Floats


@cache
def _rule() -> tuple[Floats, Floats]:
    """Return nodes and log weights of ∫f(x)dx rather than ∫f(x)exp(−x²)dx."""
    nodes, weights = np.polynomial.hermite.hermgauss(_NODES)
    return nodes, np.log(weights) + nodes**2


def integrals(errors: Floats, means: Floats, spread: float) -> Integrals:
    """Return log I and its derivatives for speakers with Y ``errors`` and M ``means``, at σ ``spread``."""
    from scipy import special

    sigma = max(abs(spread), _LEAST_SPREAD)
    # The mode solves Yσ − Mσe^{σu} − u = 0, that is w + log w = log(σ²M) + σ²Y for w = σ²Me^{σu}.
    w = special.wrightomega(np.log(sigma**2 * means) + sigma**2 * errors)
    mode = np.log(w / (sigma**2 * means)) / sigma
    scale = np.sqrt(2 / (1 + w))
    nodes, weights = _rule()
    u = mode[:, None] + scale[:, None] * nodes
    factor = np.exp(sigma * u)
    expected = means[:, None] * factor
    density = weights + errors[:, None] * sigma * u - expected - u**2 / 2
    largest = density.max(axis=1, keepdims=True)
    mass = np.exp(density - largest)
    all_mass = mass.sum(axis=1)
    posterior = mass / all_mass[:, None]

    def mean(values: Floats) -> Floats:
        averaged: Floats = np.einsum("ik,ik->i", posterior, values)
        return averaged

    pull = (errors[:, None] - expected) * u
    mean_factor, mean_pull = mean(factor), mean(pull)
    deviation = factor - mean_factor[:, None]
    return Integrals(
        log=largest[:, 0] + np.log(all_mass * scale) - np.log(2 * np.pi) / 2,
        m=-mean_factor,
        s=mean_pull,
        mm=mean(deviation**2),
        ms=-mean(factor * u) - mean(deviation * pull),
        ss=mean((pull - mean_pull[:, None]) ** 2) - mean(expected * u**2),
    )


def fit_random_intercept(columns: Floats, errors: Floats, offset: Floats, starts: Ints, *, start: Floats) -> Fit | None:
    """Return the maximum-likelihood fit by Newton's method from the coefficients ``start``; None if it finds none."""
    place = np.append(start, _FIRST_SPREAD)
    value, slope, curvature = _likelihood(columns, errors, offset, starts, place)
    for _ in range(_STEPS):
        step = _ascent(slope, curvature)
        gain = float(slope @ step)
        if gain < _SMALLEST_GAIN:
            return _result(place, value, curvature)
        for halvings in range(_HALVINGS):
            moved = place + step / 2.0**halvings
            if np.abs(columns @ moved[:-1]).max() < _LARGEST_LOG_RATE and abs(moved[-1]) < _LARGEST_SPREAD:
                found = _likelihood(columns, errors, offset, starts, moved)
                if found[0] >= value - 1e-12 * abs(value):
                    break
        else:
            return None
        place, (value, slope, curvature) = moved, found
    return None


def _likelihood(
    columns: Floats, errors: Floats, offset: Floats, starts: Ints, place: Floats
) -> tuple[float, Floats, Floats]:
    """Return the log likelihood at (β, σ), its gradient and its negative Hessian."""
    linear = columns @ place[:-1] + offset
    fitted = np.exp(linear)
    means, speaker_errors = np.add.reduceat(fitted, starts), np.add.reduceat(errors, starts)
    sigma = place[-1]
    found = integrals(speaker_errors, means, sigma)
    loads = np.add.reduceat(columns * fitted[:, None], starts)
    sizes = np.diff(np.append(starts, len(errors)))
    expected = fitted * np.repeat(-found.m, sizes)
    # I is even in σ, so its odd derivatives change sign with σ and vanish at zero.
    turn = sigma / max(abs(sigma), _LEAST_SPREAD)
    slope = np.append(columns.T @ (errors - expected), turn * found.s.sum())
    terms = len(place) - 1
    curvature = np.empty((terms + 1, terms + 1))
    curvature[:-1, :-1] = columns.T @ (expected[:, None] * columns) - loads.T @ (found.mm[:, None] * loads)
    curvature[-1, :-1] = curvature[:-1, -1] = -turn * (loads.T @ found.ms)
    curvature[-1, -1] = -found.ss.sum()
    return float(errors @ linear + found.log.sum()), slope, curvature


def _ascent(slope: Floats, curvature: Floats) -> Floats:
    """Return the Newton step, with directions of no or wrong curvature taken as steep."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(curvature)), 1e-12))
    values, vectors = np.linalg.eigh(curvature / np.outer(scale, scale))
    steep = np.maximum(np.abs(values), 1e-6)
    step: Floats = vectors @ ((vectors.T @ (slope / scale)) / steep) / scale
    return step


def _result(place: Floats, value: float, curvature: Floats) -> Fit | None:
    spread = abs(float(place[-1]))
    try:
        variance = np.diag(np.linalg.inv(curvature))[: len(place) - 1]
    except np.linalg.LinAlgError:
        return None
    return Fit(place[:-1], variance, spread, value) if (variance > 0).all() else None
