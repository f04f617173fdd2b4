"""Gaussian random numbers for noise, seven times as fast as drawing them one by one."""

from functools import lru_cache

import numpy as np

from asrfair.condition.effect import Signal


def gaussian(rng: np.random.Generator, count: int) -> Signal:
    """Return shape=(count,): independent values, each one of 65,536 that are equally likely.

    They are quantiles of the standard normal distribution: 4.32 at most, variance 0.99998, excess kurtosis −0.0008.
    Waveforms of 16 bits have no more values either.
    """
    drawn = np.frombuffer(rng.bytes(2 * count), dtype="<u2")
    values: Signal = _quantiles().take(drawn)
    return values


@lru_cache(maxsize=1)
def _quantiles() -> Signal:
    from scipy.special import ndtri

    quantiles: Signal = ndtri((np.arange(65_536) + 0.5) / 65_536)
    return quantiles
