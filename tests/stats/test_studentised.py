"""The studentised range against SciPy, which integrates anew for every value."""

import numpy as np
import pytest
from scipy import stats

from asrfair.stats.studentised import critical, tail

DF = np.array([1.0, 1.7, 6.4, 30.0, 4000.0])


@pytest.mark.parametrize("groups", [2, 3, 9, 50])
def test_tail_is_scipys(groups):
    q, df = (part.ravel() for part in np.meshgrid([0.3, 2.5, 4.0, 7.0, 30.0], DF))
    expected = stats.studentized_range.sf(q, groups, df)
    np.testing.assert_allclose(tail(q, groups=groups, df=df), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(("groups", "alpha"), [(2, 0.05), (7, 0.2), (50, 0.05)])
def test_critical_values_are_scipys_between_the_knots_too(groups, alpha):
    expected = [stats.studentized_range.ppf(1 - alpha, groups, df) for df in DF]
    np.testing.assert_allclose(critical(alpha, groups=groups, df=DF), expected, rtol=1e-4)


def test_two_groups_are_a_t_test():
    np.testing.assert_allclose(critical(0.05, groups=2, df=DF) / np.sqrt(2), stats.t.ppf(0.975, DF), rtol=1e-4)


def test_a_tail_goes_from_one_to_a_floor_and_unknown_stays_unknown():
    found = tail(np.array([0.0, 1e9, np.nan]), groups=5, df=np.array([10.0, 60.0, 10.0]))
    assert found[0] == pytest.approx(1)
    assert found[1] == 1e-16
    assert np.isnan(found[2])
    assert np.isnan(critical(0.05, groups=5, df=np.array([np.nan]))[0])
