"""Which frames a network loses: each by chance alone, or in bursts (Gilbert–Elliott).

Conventions
-----------
Losses in percent of frames. A lossy codec has the parameters ``loss_percent`` and ``burst_frames``, and calls
`check_loss` before a run. Whatever the parameters, a frame spends the same random numbers: with all else equal, a
frame lost at 1 % is also lost at 5 %.

References
----------
Gilbert 1960, Capacity of a burst-noise channel; Elliott 1963, Estimates of error rates for codes on burst-noise
channels. Parameters after Haßlinger and Hohlfeld 2008, The Gilbert–Elliott model for packet loss in real time
services on the Internet: p = P(good → bad), r = P(bad → good), bad for 1/r frames on average and p / (p + r) of
the time.
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Range
from asrfair.errors import CardError

LossPercent = Annotated[float, Range(0, 100)]
BurstFrames = Annotated[float, Range(0, 1000)]
BadLossPercent = Annotated[float, Range(1, 100)]

LostFrames = NDArray[np.bool_]


def lost_frames(
    count: int,
    *,
    loss_percent: float,
    burst_frames: float = 0.0,
    bad_loss_percent: float = 100.0,
    rng: np.random.Generator,
) -> LostFrames:
    """Return which of ``count`` frames are lost, shape=(count,).

    With ``burst_frames`` up to 1 each frame is lost by chance, whatever befell the one before; above 1 it is
    the mean stay in the bad state, in frames: in the simple Gilbert model (``bad_loss_percent`` of 100) the mean
    length of a burst of losses. In the bad state ``bad_loss_percent`` of the frames are lost, in the good state
    none; ``loss_percent`` are lost in the long run. Raises CardError as `check_loss` does.
    """
    check_loss(loss_percent=loss_percent, burst_frames=burst_frames, bad_loss_percent=bad_loss_percent)
    chance = rng.random((count, 2))
    bad_share = loss_percent / bad_loss_percent
    bad = chance[:, 0] < bad_share
    if burst_frames > 1 and bad_share < 1:
        bad = _bad_frames(chance[:, 0], bad_share, stay=1 - 1 / burst_frames)
    lost: LostFrames = bad & (chance[:, 1] < bad_loss_percent / 100)
    return lost


def check_loss(*, loss_percent: float, burst_frames: float = 0.0, bad_loss_percent: float = 100.0) -> None:
    """Raise CardError where the parameters of a loss do not go together.

    More frames cannot be lost than are in the bad state, and bursts cannot be shorter than chance alone makes
    them: 1 / (1 − share of frames in the bad state).
    """
    if loss_percent > bad_loss_percent:
        raise CardError(
            f"loss_percent: found {loss_percent:g}; expected at most {bad_loss_percent:g}, the bad_loss_percent"
        )
    bad_share = loss_percent / bad_loss_percent
    if burst_frames > 1 and bad_share < 1:
        shortest = 1 / (1 - bad_share)
        if burst_frames < shortest:
            raise CardError(
                f"burst_frames: found {burst_frames:g} at a loss of {loss_percent:g} %; "
                f"expected 0 (independent loss) or at least {shortest:.3g}, the bursts of independent loss"
            )


def _bad_frames(chance: NDArray[np.float64], bad_share: float, *, stay: float) -> LostFrames:
    """Return the frames in the bad state of a stationary chain: bad if chance < enter after a good one, < stay after
    a bad one.

    As enter ≤ stay, a chance below enter makes the frame bad, one from stay on makes it good, and one between
    leaves it as the frame before: no loop is needed.
    """
    enter = bad_share * (1 - stay) / (1 - bad_share)
    decided = (chance < enter) | (chance >= stay)
    bad = chance < enter
    if len(chance):
        decided[0], bad[0] = True, chance[0] < bad_share
    last = np.maximum.accumulate(np.where(decided, np.arange(len(chance)), 0))
    settled: LostFrames = bad[last]
    return settled
