"""Which frames are lost: rates, bursts, pairing between the rungs of a ladder."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.condition.loss import check_loss, lost_frames
from asrfair.errors import CardError


def lost(count: int, seed: int = 0, **parameters: float) -> np.ndarray:
    return lost_frames(count, rng=np.random.default_rng(seed), **parameters)


def bursts(frames: np.ndarray) -> np.ndarray:
    """The lengths of the runs of True, those at the ends left out."""
    edges = np.flatnonzero(np.diff(frames.astype(int)))
    lengths = np.diff(edges)
    return lengths[0::2] if not frames[0] else lengths[1::2]


def chain(count: int, seed: int, *, loss: float, burst: float, inside: float) -> np.ndarray:
    """The definition frame by frame (Haßlinger and Hohlfeld 2008): r = 1 / burst, p so that the share is right."""
    chance = np.random.default_rng(seed).random((count, 2))
    share = loss / inside
    leave = 1 / burst
    enter = share * leave / (1 - share)
    result, bad = [], None
    for state, fate in chance:
        bad = state < (share if bad is None else 1 - leave if bad else enter)
        result.append(bool(bad and fate < inside / 100))
    return np.array(result)


@pytest.mark.parametrize("loss_percent", [1.0, 5.0, 20.0])
def test_independent_loss(loss_percent: float) -> None:
    count, share = 400_000, loss_percent / 100
    frames = lost(count, loss_percent=loss_percent)
    # Four standard errors of a binomial share; run lengths are geometric with the mean 1 / (1 - share).
    assert abs(frames.mean() - share) < 4 * np.sqrt(share * (1 - share) / count)
    lengths = bursts(frames)
    assert abs(lengths.mean() - 1 / (1 - share)) < 4 * lengths.std() / np.sqrt(len(lengths))


@pytest.mark.parametrize("loss_percent", [1.0, 5.0, 20.0, 60.0])
@pytest.mark.parametrize("burst_frames", [3.0, 10.0])
def test_bursty_loss(loss_percent: float, burst_frames: float) -> None:
    count, share = 1_000_000, loss_percent / 100
    frames = lost(count, loss_percent=loss_percent, burst_frames=burst_frames)
    lengths = bursts(frames)
    error = lengths.std() / np.sqrt(len(lengths))
    assert abs(lengths.mean() - burst_frames) < 4 * error
    # Var of the share of a two-state chain: share (1 - share) (1 + rho) / (1 - rho) / n, rho = 1 - p - r.
    rho = 1 - 1 / burst_frames / (1 - share)
    assert abs(frames.mean() - share) < 4 * np.sqrt(share * (1 - share) * (1 + rho) / (1 - rho) / count)
    # Stays in the bad state are geometric: chi-squared of the lengths 1 to 8 and above.
    chance = 1 / burst_frames
    expected = len(lengths) * np.append(chance * (1 - chance) ** np.arange(8), (1 - chance) ** 8)
    seen = np.bincount(np.minimum(lengths, 9), minlength=10)[1:]
    assert ((seen - expected) ** 2 / expected).sum() < 35


def test_loss_inside_bad_state() -> None:
    frames = lost(1_000_000, loss_percent=5.0, burst_frames=10.0, bad_loss_percent=50.0)
    assert frames.mean() == pytest.approx(0.05, rel=0.05)
    # A frame after a lost one: still in the bad state with 0.9, lost there with 0.5; good and back again adds 0.
    assert frames[1:][frames[:-1]].mean() == pytest.approx(0.45, rel=0.03)


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    loss=st.floats(0, 60),
    inside=st.floats(65, 100),
    longer=st.floats(0, 20),
)
@settings(max_examples=100, deadline=None)
def test_equals_the_chain_frame_by_frame(seed: int, count: int, loss: float, inside: float, longer: float) -> None:
    burst = 1.001 / (1 - loss / inside) + longer
    frames = lost(count, seed, loss_percent=loss, burst_frames=burst, bad_loss_percent=inside)
    np.testing.assert_array_equal(frames, chain(count, seed, loss=loss, burst=burst, inside=inside))


@pytest.mark.parametrize("burst_frames", [0.0, 4.0])
def test_rungs_are_paired(burst_frames: float) -> None:
    rungs = [lost(5000, 3, loss_percent=loss, burst_frames=burst_frames) for loss in (0.0, 1.0, 5.0, 20.0, 50.0)]
    assert not rungs[0].any()
    for less, more in itertools.pairwise(rungs):
        assert not (less & ~more).any()
        assert more.sum() > less.sum()


def test_longer_utterances_begin_alike() -> None:
    short, long = (lost(count, 5, loss_percent=20.0, burst_frames=3.0) for count in (100, 5000))
    np.testing.assert_array_equal(short, long[:100])


def test_bursts_of_independent_loss_are_independent_loss() -> None:
    np.testing.assert_array_equal(
        lost(5000, 1, loss_percent=20.0, burst_frames=1.25), lost(5000, 1, loss_percent=20.0, burst_frames=0.0)
    )


def test_all_and_nothing() -> None:
    assert lost(1000, loss_percent=100.0).all()
    assert lost(1000, loss_percent=100.0, burst_frames=3.0).all()
    assert not lost(1000, loss_percent=0.0, burst_frames=3.0).any()
    assert lost(0, loss_percent=10.0, burst_frames=3.0).shape == (0,)


def test_parameters_that_do_not_go_together() -> None:
    with pytest.raises(CardError, match=r"burst_frames: found 1.2 at a loss of 50 %; expected 0 .* or at least 2"):
        check_loss(loss_percent=50.0, burst_frames=1.2)
    with pytest.raises(CardError, match="loss_percent: found 60; expected at most 50, the bad_loss_percent"):
        lost(10, loss_percent=60.0, burst_frames=3.0, bad_loss_percent=50.0)
