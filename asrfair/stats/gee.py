"""Poisson regression of errors with log reference words as offset, clustered by speaker.

Conventions
-----------
``columns`` has shape=(rows, terms), the first of them the intercept, of full rank; rows lie together by speaker, and
``starts`` holds each speaker's first row. Estimates are log rate ratios. With μ the fitted errors, speaker i has
the score s_i = Σx(E − μ), the information A_i = Σμxxᵀ and a_i = Σμx; B = ΣA_i.

Formulas
--------
Estimate: Σ_i s_i = 0, the generalised estimating equation with independence as its working correlation.
Variance: Σ_i v_i v_iᵀ with v_i = (B − A_i)⁻¹s_i. This is the bias-reduced covariance D_iᵀV_i⁻¹(I − H_i)⁻¹(E_i − μ_i)
written without matrices of a speaker's rows; with an intercept alone it is that of `asrfair.stats.intervals`.
Floor: no variance is below that of independent errors, the diagonal of B⁻¹.
Degrees of freedom: Satterthwaite's, (Σλ)²/Σλ², λ the eigenvalues of the covariance of the v_i when speakers' rates
differ by a random factor; between 1 and speakers − terms. Two groups of unequal size get those of the smaller one.

References
----------
Liang and Zeger 1986 (the estimating equation); Mancl and DeRouen 2001 (the covariance); Bell and McCaffrey 2002 and
Pan and Wall 2002 (degrees of freedom of such a covariance).
"""

from dataclasses import dataclass

import numpy as np

from asrfair.stats.arrays import Bools, Floats, Ints

_STEPS = 100
_HALVINGS = 50
_SMALLEST_STEP = 1e-9
_LARGEST_LOG_RATE = 30.0
_SAFE_SHARE = 0.999
_SINGULAR = 1e-9


@dataclass(frozen=True)
class Fit:
    """Log rate ratios with their variances and degrees of freedom, each shape=(terms,).

    ``floored`` says where the variance is that of independent errors, ``alone`` where one speaker carries a term: there
    variance and degrees of freedom mean nothing.
    """

    estimate: Floats
    variance: Floats
    df: Floats
    floored: Bools
    alone: Bools


def fit_poisson(columns: Floats, errors: Floats, offset: Floats) -> Floats | None:
    """Return the maximum-likelihood coefficients, shape=(terms,); None where the likelihood has no maximum.

    Newton's method with halved steps. ``offset`` is the log of the reference words, shape=(rows,).
    """
    estimate: Floats = np.zeros(columns.shape[1])
    estimate[0] = np.log(errors.sum() / np.exp(offset).sum())
    fitted = np.exp(columns @ estimate + offset)
    for _ in range(_STEPS):
        fitted = np.exp(columns @ estimate + offset)
        step = _newton_step(columns, errors, fitted)
        if step is None:
            return None
        if np.abs(columns @ step).max() < _SMALLEST_STEP:
            return estimate
        climbed = _climb(columns, errors, offset, estimate, step)
        if climbed is None:
            return None
        estimate = climbed
    return None


def _climb(columns: Floats, errors: Floats, offset: Floats, estimate: Floats, step: Floats) -> Floats | None:
    """Return the estimate moved by the step, halved until the likelihood does not fall."""

    def likelihood(rates: Floats) -> float:
        return float(errors @ rates - np.exp(rates + offset).sum())

    least = likelihood(columns @ estimate)
    least -= 1e-12 * abs(least)
    for halvings in range(_HALVINGS):
        moved = estimate + step / 2.0**halvings
        rates = columns @ moved
        if np.abs(rates).max() < _LARGEST_LOG_RATE and likelihood(rates) >= least:
            return moved
    return None


def _newton_step(columns: Floats, errors: Floats, fitted: Floats) -> Floats | None:
    try:
        return np.linalg.solve(columns.T @ (fitted[:, None] * columns), columns.T @ (errors - fitted)).astype(
            np.float64
        )
    except np.linalg.LinAlgError:
        return None


def clustered(columns: Floats, errors: Floats, offset: Floats, starts: Ints, estimate: Floats) -> Fit:
    """Return the fit's speaker-clustered variances; ``estimate`` is that of `fit_poisson`."""
    fitted = np.exp(columns @ estimate + offset)
    information = speaker_information(columns, fitted, starts)
    whole = information.sum(axis=0)
    naive = np.linalg.inv(whole)
    without, alone = _without_each(whole, information, naive)
    scores = np.add.reduceat(columns * (errors - fitted)[:, None], starts)
    variance = (np.einsum("ijk,ik->ij", without, scores) ** 2).sum(axis=0)
    least = np.diag(naive)
    most = len(starts) - columns.shape[1]
    loads = np.add.reduceat(columns * fitted[:, None], starts)
    return Fit(
        estimate=estimate,
        variance=np.maximum(variance, least),
        df=np.clip(_satterthwaite(without, naive, loads, otherwise=most), 1.0, max(most, 1)),
        floored=variance < least,
        alone=alone,
    )


def speaker_information(columns: Floats, weights: Floats, starts: Ints) -> Floats:
    """Return Σ weight·xxᵀ of each speaker, shape=(speakers, terms, terms)."""
    stops = np.append(starts[1:], len(columns))
    parts = np.empty((len(starts), columns.shape[1], columns.shape[1]))
    for part, start, stop in zip(parts, starts, stops, strict=True):
        own = columns[start:stop]
        part[:] = own.T @ (weights[start:stop, None] * own)
    return parts


def _without_each(whole: Floats, information: Floats, naive: Floats) -> tuple[Floats, Bools]:
    """Return (B − A_i)⁻¹ per speaker and the terms that someone carries alone.

    Where the others' information is singular, its pseudo-inverse serves the terms that do not need that speaker.
    """
    safe = np.einsum("jk,ikj->i", naive, information) < _SAFE_SHARE
    without = np.empty_like(information)
    without[safe] = np.linalg.inv(whole - information[safe])
    scale = np.sqrt(np.diag(whole))
    values, vectors = np.linalg.eigh((whole - information[~safe]) / np.outer(scale, scale))
    missing = values < _SINGULAR
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=~missing)
    without[~safe] = (vectors * inverse[:, None, :]) @ vectors.transpose(0, 2, 1) / np.outer(scale, scale)
    needed = np.abs(vectors) * missing[:, None, :] > 1e-6
    return without, needed.any(axis=(0, 2))


def _satterthwaite(without: Floats, naive: Floats, loads: Floats, *, otherwise: int) -> Floats:
    """Return the degrees of freedom of each term's variance, shape=(terms,).

    A random factor b_j of speaker j moves the score of i by (δ_ij − A_i B⁻¹)a_j·b_j, hence the term of v_i by
    P_ij = δ_ij·d_i − u_i·a_j with d = (B − A_i)⁻¹a_i and u the row of (B − A_i)⁻¹ − B⁻¹. λ are the eigenvalues of PPᵀ.
    """
    between = loads.T @ loads
    df = np.full(len(naive), float(otherwise))
    for term in range(len(naive)):
        d = np.einsum("ik,ik->i", without[:, term], loads)
        u = without[:, term] - naive[term]
        first = np.sum(d**2 - 2 * d * np.einsum("ik,ik->i", u, loads)) + np.einsum("ik,kl,il->", u, between, u)
        # PᵀP = diag(d²) + ZVᵀ + VZᵀ with V = loads.
        z = loads @ (u.T @ u) / 2 - d[:, None] * u
        mixed = z.T @ loads
        crossed = np.sum((z.T @ z) * between) + np.sum(mixed * mixed.T)
        second = np.sum(d**4) + 4 * np.sum(d**2 * np.einsum("ik,ik->i", z, loads)) + 2 * crossed
        if first > 1e-9 * naive[term, term] and second > 0:
            df[term] = first**2 / second
    return df
