"""The Poisson regression against statsmodels, the intervals of rates, and definitions written out."""

import numpy as np
import pytest
from statsmodels.genmod.cov_struct import Independence
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_estimating_equations import GEE

from asrfair.seeds import generator
from asrfair.stats.gee import Fit, clustered, fit_poisson, speaker_information
from asrfair.stats.intervals import log_rates


def draw(seed: int, *, speakers: int = 12, groups: int = 3) -> dict[str, np.ndarray]:
    rng = generator(seed, "gee")
    sizes = rng.integers(3, 20, speakers)
    speaker = np.repeat(np.arange(speakers), sizes)
    group = speaker % groups
    x = rng.normal(size=len(speaker)) + group
    words = rng.integers(3, 20, len(speaker)).astype(float)
    talent = np.exp(rng.normal(0, 0.5, speakers))[speaker]
    errors = rng.poisson(0.2 * words * talent * np.exp(0.3 * x)).astype(float)
    columns = np.column_stack([np.ones(len(speaker)), *(group == g for g in range(1, groups)), x]).astype(float)
    starts = np.cumsum(sizes) - sizes
    return {"columns": columns, "errors": errors, "offset": np.log(words), "starts": starts, "speaker": speaker}


def fit_of(data: dict[str, np.ndarray]) -> Fit:
    estimate = fit_poisson(data["columns"], data["errors"], data["offset"])
    assert estimate is not None
    return clustered(data["columns"], data["errors"], data["offset"], data["starts"], estimate)


@pytest.mark.parametrize("seed", range(3))
def test_estimates_and_variances_are_those_of_statsmodels(seed: int) -> None:
    data = draw(seed)
    theirs = GEE(
        data["errors"],
        data["columns"],
        groups=data["speaker"],
        offset=data["offset"],
        family=Poisson(),
        cov_struct=Independence(),
    ).fit(cov_type="bias_reduced")
    ours = fit_of(data)
    assert ours.estimate == pytest.approx(theirs.params, rel=1e-6)
    robust = np.diag(theirs.cov_robust_bc)
    assert not ours.floored.any()
    assert ours.variance == pytest.approx(robust, rel=1e-6)


def test_an_intercept_alone_is_the_pooled_rate() -> None:
    data = draw(0) | {"columns": np.ones((len(draw(0)["errors"]), 1))}
    fit = fit_of(data)
    errors = np.add.reduceat(data["errors"], data["starts"])
    words = np.add.reduceat(np.exp(data["offset"]), data["starts"])
    rates = log_rates(np.zeros(len(errors), np.int64), errors, words, cells=1)
    assert np.exp(fit.estimate) == pytest.approx(rates.estimate)
    assert fit.variance == pytest.approx(rates.variance)


def test_degrees_of_freedom_are_satterthwaites_of_a_random_factor() -> None:
    data = draw(1)
    fit = fit_of(data)
    columns, starts = data["columns"], data["starts"]
    fitted = np.exp(columns @ fit.estimate + data["offset"])
    parts = speaker_information(columns, fitted, starts)
    whole = parts.sum(axis=0)
    loads = np.add.reduceat(columns * fitted[:, None], starts)
    for term in range(columns.shape[1]):
        moved = np.array(
            [
                [
                    (np.linalg.inv(whole - part) @ ((i == j) * load - part @ np.linalg.inv(whole) @ load))[term]
                    for j, load in enumerate(loads)
                ]
                for i, part in enumerate(parts)
            ]
        )
        values = np.linalg.eigvalsh(moved @ moved.T)
        assert fit.df[term] == pytest.approx(values.sum() ** 2 / (values**2).sum())


def test_equal_speakers_have_speakers_minus_parameters_degrees_of_freedom() -> None:
    speaker = np.repeat(np.arange(10), 4)
    columns = np.column_stack([np.ones(40), speaker % 2]).astype(float)
    rng = generator(0, "equal")
    errors = rng.poisson(3, 40).astype(float)
    fit = fit_of({"columns": columns, "errors": errors, "offset": np.zeros(40), "starts": np.arange(0, 40, 4)})
    assert fit.df[1] == pytest.approx(8, abs=0.05)


def test_few_against_many_speakers_have_the_degrees_of_freedom_of_the_few() -> None:
    speaker = np.repeat(np.arange(104), 4)
    columns = np.column_stack([np.ones(416), speaker < 4]).astype(float)
    errors = generator(0, "few").poisson(3, 416).astype(float)
    fit = fit_of({"columns": columns, "errors": errors, "offset": np.zeros(416), "starts": np.arange(0, 416, 4)})
    assert 3 <= fit.df[1] < 3.5


def test_a_term_that_one_speaker_carries_is_alone_and_spoils_no_other() -> None:
    data = draw(2)
    groups = data["columns"][:, :3]
    with_it = fit_of(data | {"columns": np.column_stack([groups, data["speaker"] == 4]).astype(float)})
    assert with_it.alone.tolist() == [False, False, False, True]
    others = data["speaker"] != 4
    sizes = np.bincount(data["speaker"][others])
    without = {name: values[others] for name, values in data.items() if name != "starts"} | {"columns": groups[others]}
    without_it = fit_of(without | {"starts": np.cumsum(sizes[sizes > 0]) - sizes[sizes > 0]})
    assert not without_it.alone.any()
    assert with_it.estimate[:3] == pytest.approx(without_it.estimate)
    assert with_it.variance[:3] == pytest.approx(without_it.variance)
    assert with_it.df[:3] == pytest.approx(without_it.df)


def test_speakers_who_are_all_alike_have_the_spread_of_their_errors() -> None:
    columns = np.column_stack([np.ones(12), np.repeat([0.0, 1.0], 6)])
    errors = np.repeat([2.0, 5.0], 6)
    fit = fit_of({"columns": columns, "errors": errors, "offset": np.zeros(12), "starts": np.arange(12)})
    assert fit.floored.all()
    assert fit.variance[1] == pytest.approx(1 / errors[:6].sum() + 1 / errors[6:].sum())


def test_a_first_step_that_goes_far_too_far_is_halved() -> None:
    outlier = np.append(np.zeros(999), 1.0)
    errors = np.append(np.ones(999), 1e6)
    estimate = fit_poisson(np.column_stack([np.ones(1000), outlier]), errors, np.zeros(1000))
    assert estimate == pytest.approx([0.0, np.log(1e6)], abs=1e-6)


def test_a_likelihood_without_a_maximum_has_no_estimate() -> None:
    x = np.arange(10.0)
    columns = np.column_stack([np.ones(10), x - x.mean()])
    errors = np.where(x == 9, 3.0, 0.0)
    assert fit_poisson(columns, errors, np.zeros(10)) is None
