"""Simulated corpora for the benchmarks: speakers who differ, talk unequally, and err in clumps.

A speaker's rate is the group's times a multiplier with mean 1 (log-normal, or with a heavy tail); speakers have 10
to 40 utterances (``SEVERE``: 4 to 160), log-uniform; an utterance has 5 to 20 words, and its errors are Poisson
around a rate that varies by utterance (gamma, variance ½), so that they are over-dispersed and may exceed the words,
as insertions may. A condition multiplies a speaker's rate, by a factor that varies a little between speakers, and
shares some of its errors with the clean recording.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MODERATE = (10, 40)
SEVERE = (4, 160)
OUTLIER = 4.0
"""How much more an outlier speaker errs."""
_LONGEST_TAIL = 6.0
_SHARED = 0.6
_FRAILTY = 2.0
_UTTERANCES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Group:
    """A population to draw speakers from.

    ``rate`` is its pooled rate, ``speaker_sd`` the sd of the log multipliers. ``tail`` is ``normal``, ``outliers``
    (one speaker in ten errs `OUTLIER` times as much) or ``t`` (log multipliers are Student t with 3 degrees of
    freedom, cut at six scales, scaled by ``speaker_sd``). The rate goes with utterances to the power ``talk_slope``.
    """

    speakers: int
    rate: float
    speaker_sd: float = 0.6
    tail: str = "normal"
    utterances: tuple[int, int] = MODERATE
    talk_slope: float = 0.0


@dataclass(frozen=True)
class Sample:
    """Speakers of one group over many replicates, a row each, and their utterances.

    ``cell`` is the speaker's replicate; ``expected`` the expected errors given everything but chance. The columns
    ``utterance_*`` have a row per utterance; ``utterance_cell`` is its replicate.
    """

    cell: Ints
    errors: Floats
    words: Floats
    expected: Floats
    utterance_cell: Ints
    utterance_errors: Floats
    utterance_words: Floats


def draw(rng: np.random.Generator, group: Group, replicates: int) -> Sample:
    """Draw a group's speakers and utterances, once per replicate."""
    speakers = replicates * group.speakers
    cell = np.repeat(np.arange(replicates), group.speakers)
    utterances = _talk(rng.uniform(size=speakers), group)
    rate = group.rate * _multipliers(rng, group, speakers) * utterances**group.talk_slope / _talk_mean(group)
    speaker = np.repeat(np.arange(speakers), utterances.astype(np.int64))
    words = rng.integers(5, 21, len(speaker)).astype(float)
    expected = rng.standard_gamma(_FRAILTY, len(speaker)) / _FRAILTY * words * rate[speaker]
    errors = rng.poisson(expected).astype(float)
    by_speaker = (np.bincount(speaker, values, speakers) for values in (errors, words, expected))
    return Sample(cell, *by_speaker, cell[speaker], errors, words)


def under(rng: np.random.Generator, sample: Sample, factor: float, *, condition_sd: float = 0.2) -> Floats:
    """Return the speakers' errors under a condition that multiplies their rates by ``factor`` on average."""
    varied = factor * _log_normal(rng, condition_sd, len(sample.errors))
    kept = rng.binomial(sample.errors.astype(np.int64), _SHARED * np.minimum(1.0, varied))
    errors: Floats = kept + rng.poisson(sample.expected * (varied - _SHARED * np.minimum(1.0, varied)))
    return errors


def chunks(groups: tuple[Group, ...], replicates: int) -> list[int]:
    """Return numbers of replicates to draw at once, so that the utterances fit into memory."""
    each = sum(group.speakers * _talk_moment(group.utterances, 1.0) for group in groups)
    size = max(1, int(_UTTERANCES_AT_ONCE / each))
    return [min(size, replicates - done) for done in range(0, replicates, size)]


def _log_normal(rng: np.random.Generator, sd: float, size: int) -> Floats:
    return np.exp(rng.normal(-(sd**2) / 2, sd, size)) if sd else np.ones(size)


def _multipliers(rng: np.random.Generator, group: Group, size: int) -> Floats:
    """Return speakers' multipliers with mean 1."""
    if group.tail == "t":
        scaled = group.speaker_sd * np.linspace(-_LONGEST_TAIL, _LONGEST_TAIL, 10_001)
        weight = (1 + (scaled / group.speaker_sd) ** 2 / 3) ** -2
        mean = float(np.average(np.exp(scaled), weights=weight))
        quantiles = np.cumsum(weight) / weight.sum()
        return np.exp(np.interp(rng.uniform(size=size), quantiles, scaled)) / mean
    multipliers = _log_normal(rng, group.speaker_sd, size)
    if group.tail == "outliers":
        multipliers *= np.where(rng.uniform(size=size) < 0.1, OUTLIER, 1.0) / (1 + 0.1 * (OUTLIER - 1))
    return multipliers


def _talk(uniform: Floats, group: Group) -> Floats:
    low, high = np.log(group.utterances)
    return np.round(np.exp(low + (high - low) * uniform))


def _talk_moment(utterances: tuple[int, int], power: float) -> float:
    low, high = np.log(utterances)
    return float(np.mean(np.round(np.exp(np.linspace(low, high, 100_001))) ** power))


def _talk_mean(group: Group) -> float:
    """Return the mean over words of utterances to the power ``talk_slope``."""
    if not group.talk_slope:
        return 1.0
    return _talk_moment(group.utterances, 1 + group.talk_slope) / _talk_moment(group.utterances, 1.0)
