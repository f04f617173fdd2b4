"""Signals made from seeds."""

from collections.abc import Callable

import numpy as np
import pytest

Speech = Callable[..., np.ndarray]


def make_speech(seconds: float, *, sample_rate: int, seed: int = 0, pause_s: float = 0.8) -> np.ndarray:
    """Noise in syllables of a quarter of a second, in phrases of a second with pauses between them."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    syllables = np.abs(np.sin(2 * np.pi * 2 * time_s)) * (0.5 + 0.5 * np.sin(2 * np.pi * 0.37 * time_s) ** 2)
    speaking = (time_s % (1.0 + pause_s)) < 1.0
    return 0.05 * rng.standard_normal(len(time_s)) * syllables * speaking


@pytest.fixture(scope="session")
def speech() -> Speech:
    return make_speech
