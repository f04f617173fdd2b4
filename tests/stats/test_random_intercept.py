"""The random-intercept model against numerical integration, known truths and the plain regression."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize

from asrfair.seeds import generator
from asrfair.stats.gee import fit_poisson
from asrfair.stats.random_intercept import NO_SPREAD, Fit, fit_random_intercept, integrals


def slow_log_integral(errors: float, mean: float, spread: float) -> float:
    """The integral as it is defined, divided by the integrand's largest value."""

    def log_density(u: float) -> float:
        return errors * spread * u - mean * math.exp(spread * u) - u * u / 2 - math.log(2 * math.pi) / 2

    top = optimize.minimize_scalar(lambda u: -log_density(u), bracket=(-1, 1)).x
    value, _ = integrate.quad(lambda u: math.exp(log_density(u) - log_density(top)), top - 12, top + 12, limit=200)
    return log_density(top) + math.log(value)


@pytest.mark.parametrize("spread", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("errors", [0, 1, 7, 300])
@pytest.mark.parametrize("mean", [0.2, 6.0, 400.0])
def test_integrals_are_those_of_quadrature(errors: float, mean: float, spread: float) -> None:
    found = integrals(np.array([errors], float), np.array([mean]), spread)
    assert found.log[0] == pytest.approx(slow_log_integral(errors, mean, spread), rel=1e-8, abs=1e-7)


@pytest.mark.parametrize("spread", [0.2, 1.0])
@pytest.mark.parametrize("errors", [0, 3, 40])
def test_derivatives_are_those_of_the_integral(errors: float, spread: float) -> None:
    mean, step = 6.0, 1e-4

    def at(m: float, s: float):
        return integrals(np.array([errors], float), np.array([m]), s)

    here = at(mean, spread)
    by_mean, by_spread = (
        (at(mean + step, spread), at(mean - step, spread)),
        (
            at(mean, spread + step),
            at(mean, spread - step),
        ),
    )

    def slope(pair, name: str) -> float:
        return float((getattr(pair[0], name)[0] - getattr(pair[1], name)[0]) / (2 * step))

    assert here.m[0] == pytest.approx(slope(by_mean, "log"), rel=1e-5)
    assert here.s[0] == pytest.approx(slope(by_spread, "log"), rel=1e-5)
    assert here.mm[0] == pytest.approx(slope(by_mean, "m"), rel=1e-4, abs=1e-7)
    assert here.ms[0] == pytest.approx(slope(by_spread, "m"), rel=1e-4, abs=1e-7)
    assert here.ss[0] == pytest.approx(slope(by_spread, "s"), rel=1e-4, abs=1e-7)


def fit_of(columns, errors, words, starts) -> Fit:
    start = fit_poisson(columns, errors, np.log(words))
    fit = fit_random_intercept(columns, errors, np.log(words), starts, start=start)
    assert fit is not None
    return fit


def draw(seed: int, *, speakers: int, spread: tuple[float, float], ratio: float = 1.5, each: int = 10):
    rng = generator(seed, "random intercept")
    speaker = np.repeat(np.arange(speakers), each)
    group = speaker % 2
    u = rng.normal(size=speakers)[speaker] * np.array(spread)[group]
    words = rng.integers(5, 20, len(speaker)).astype(float)
    x = rng.normal(size=len(speaker))
    errors = rng.poisson(0.2 * words * ratio**group * np.exp(0.3 * x + u)).astype(float)
    columns = np.column_stack([np.ones(len(speaker)), group, x])
    return columns, errors, words, np.arange(0, len(speaker), each)


def test_the_fit_is_the_maximum_of_the_slow_likelihood() -> None:
    columns, errors, words, starts = draw(0, speakers=8, spread=(0.6, 0.6), each=4)
    fit = fit_of(columns, errors, words, starts)

    def minus_likelihood(place: np.ndarray) -> float:
        linear = columns @ place[:-1] + np.log(words)
        means, totals = np.add.reduceat(np.exp(linear), starts), np.add.reduceat(errors, starts)
        logs = [slow_log_integral(y, m, place[-1]) for y, m in zip(totals, means, strict=True)]
        return -float(errors @ linear + sum(logs))

    place = np.append(fit.estimate, fit.spread)
    assert fit.log_likelihood == pytest.approx(-minus_likelihood(place), abs=1e-6)
    best = optimize.minimize(
        minus_likelihood, place + 0.1, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9}
    )
    assert best.x == pytest.approx(place, abs=1e-3)
    step = 1e-3
    size = len(place)
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            a, b = np.eye(size)[i] * step, np.eye(size)[j] * step
            hessian[i, j] = (
                minus_likelihood(place + a + b)
                - minus_likelihood(place + a - b)
                - minus_likelihood(place - a + b)
                + minus_likelihood(place - a - b)
            ) / (4 * step**2)
    assert fit.variance == pytest.approx(np.diag(np.linalg.inv(hessian))[:-1], rel=1e-3)


def test_parameters_are_recovered() -> None:
    fit = fit_of(*draw(1, speakers=2000, spread=(0.6, 0.6)))
    assert fit.estimate == pytest.approx([math.log(0.2), math.log(1.5), 0.3], abs=0.06)
    assert fit.spread == pytest.approx(0.6, abs=0.03)


def test_speakers_who_do_not_differ_have_the_plain_regression() -> None:
    speaker = np.repeat(np.arange(20), 6)
    columns = np.column_stack([np.ones(120), speaker % 2]).astype(float)
    errors = np.tile([2.0, 1.0, 3.0], 40)
    words = np.full(120, 10.0)
    fit = fit_of(columns, errors, words, np.arange(0, 120, 6))
    assert fit.spread < NO_SPREAD
    assert fit.estimate == pytest.approx([math.log(0.2), 0.0], abs=1e-6)
    assert fit.variance[1] == pytest.approx(2 / 120, rel=1e-4)


def test_it_compares_median_speakers_not_pooled_rates() -> None:
    """Equal pooled WER, speakers' sd .4 and .9: the ratio tends to exp(.4²/2 − .9²/2)·(less), about .83 or below."""
    ratio = math.exp((0.4**2 - 0.9**2) / 2)
    columns, errors, words, starts = draw(2, speakers=2000, spread=(0.4, 0.9), ratio=ratio)
    pooled = fit_poisson(columns, errors, np.log(words))
    assert pooled is not None
    assert math.exp(pooled[1]) == pytest.approx(1.0, abs=0.08)
    assert math.exp(fit_of(columns, errors, words, starts).estimate[1]) < 0.85
