"""Speech and noise levels in dB relative to full scale (a constant 1.0 is 0 dB, a full-scale sine −3.01 dB).

The level of speech is its active speech level: power over the time somebody speaks, not over the pauses, after
ITU-T Recommendation P.56 (2011), method B.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError

# P.56, method B: smoothing time constant, hangover and margin between the level and the threshold.
TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
# The shortest stretch without activity that counts as a pause, and how much later than speech the envelope may rise.
SHORTEST_PAUSE_S = 0.2
ONSET_S = 0.1
# Thresholds fall from the envelope's maximum by 120 dB in steps of 1.505 dB; P.56 asks for 6.02 dB at most.
THRESHOLD_STEP = 2.0**-0.25
THRESHOLDS = 81
# The envelope once in half a millisecond, a sixtieth of its time constant: P.56, clause 9, allows such equivalents.
BLOCKS_PER_S = 2000
# Blocks that a recursion takes at once: over them it decays to e⁻⁹, far from underflow.
CHUNK = 512
# Samples that are rectified at once: they stay in the processor's cache.
RECTIFIED = 32_768


def rms_level_db(samples: NDArray[np.float64]) -> float:
    """Return the level of the mean power over all samples, shape=(n,), in dB; −inf for digital silence."""
    # Not numpy.mean of squares: its intermediate array costs more than the arithmetic; not numpy.dot: the BLAS
    # adds in an order of its own.
    power = float(np.einsum("i,i->", samples, samples, dtype=np.float64)) / max(1, len(samples))
    return 10.0 * math.log10(power) if power > 0 else -math.inf


def active_level_db(samples: NDArray[np.float64], *, sample_rate: int) -> float:
    """Return the active speech level of shape=(n,), in dB: power over the active time alone (ITU-T P.56, method B).

    Raises InputError for digital silence. What else is to be known of it: see `activity`.
    """
    return activity(samples, sample_rate=sample_rate)[0]


def activity(samples: NDArray[np.float64], *, sample_rate: int) -> tuple[float, float]:
    """Return the active speech level of shape=(n,), in dB, and the share of the time that is active, in (0, 1].

    ITU-T P.56 (2011), method B: active speech level and activity factor. The signal is active if its envelope, or the
    envelope's maximum over the last 0.2 s, reaches a threshold 15.9 dB below the level itself; thresholds are
    relative to the envelope's maximum, so that the level follows any gain exactly, and digital silence before
    the first sample that is not zero changes nothing. The envelope is taken once in 0.5 ms, of the mean
    rectified signal. A signal shorter than the hangover of 0.2 s, or one with no such threshold (a click), is
    active throughout: its plain level. Raises InputError for digital silence.
    """
    level_db, share, _ = activity_and_pauses(samples, sample_rate=sample_rate)
    return level_db, share


def activity_and_pauses(
    samples: NDArray[np.float64], *, sample_rate: int
) -> tuple[float, float, list[tuple[float, float]]]:
    """Return what `activity` does, and the pauses: from and to in seconds, where nobody is active for long enough.

    A pause is as long as `SHORTEST_PAUSE_S` at least. It begins after the hangover and ends `ONSET_S` before the next
    activity, because the envelope rises late. Noise as loud as speech is active too: such a recording has no pauses.
    """
    samples = np.asarray(samples, dtype=np.float64)
    plain_db = rms_level_db(samples)
    if plain_db == -math.inf:
        raise InputError("silent utterance: SNR undefined")
    if len(samples) <= math.ceil(HANGOVER_S * sample_rate):
        return plain_db, 1.0, []
    block = max(1, round(sample_rate / BLOCKS_PER_S))
    heard = samples if samples[0] else samples[int(np.argmax(samples != 0)) :]
    held = _held(_envelope(heard, sample_rate, block), round(HANGOVER_S * sample_rate / block))
    thresholds = held.max() * THRESHOLD_STEP ** np.arange(THRESHOLDS)
    blocks = len(held) - np.searchsorted(np.sort(held), thresholds, side="left")
    # The last block may be a part of one.
    active = np.clip(blocks * block, 1, len(heard))
    levels_db = plain_db + 10.0 * np.log10(len(samples) / active)
    margins_db = levels_db - 20.0 * np.log10(thresholds)
    level_db = _at_margin(levels_db, margins_db, otherwise_db=plain_db)
    quiet = held < 10.0 ** ((level_db - MARGIN_DB) / 20.0)
    skipped_s = (len(samples) - len(heard)) / sample_rate
    length_s = len(samples) / sample_rate
    pauses = _pauses(quiet, skipped_s=skipped_s, block_s=block / sample_rate, length_s=length_s)
    return level_db, min(1.0, 10.0 ** ((plain_db - level_db) / 10.0)), pauses


def _pauses(
    quiet: NDArray[np.bool_], *, skipped_s: float, block_s: float, length_s: float
) -> list[tuple[float, float]]:
    """Return the stretches of quiet blocks in seconds, after ``skipped_s`` of digital silence."""
    edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False))
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        begins_s = skipped_s + first * block_s if first else 0.0
        ends_s = length_s if end == len(quiet) else skipped_s + end * block_s - ONSET_S
        found.append((begins_s, ends_s))
    return [(begin, end) for begin, end in found if end - begin >= SHORTEST_PAUSE_S]


def _envelope(samples: NDArray[np.float64], sample_rate: int, block: int) -> NDArray[np.float64]:
    """Return, at the end of each block, the rectified signal smoothed twice.

    Exact for a rectified signal that is constant within each block: of y[n] = g·y[n−1] + (1−g)·x[n], applied
    twice, after B samples of x, with y and z the first and second smoothing before them:
    x + (z−x)·gᴮ + (y−x)·(1−g)·B·gᴮ.
    """
    means = _rectified(samples, block)
    decay = math.exp(-1.0 / (TIME_CONSTANT_S * sample_rate))
    kept = decay**block
    first = _decaying_sum((1.0 - kept) * means, kept)
    before = np.concatenate([[0.0], first[:-1]])
    return _decaying_sum((1.0 - kept) * means + (1.0 - decay) * block * kept * (before - means), kept)


def _rectified(samples: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Return the mean rectified signal of each block; what is missing from the last one counts as zero."""
    means = np.zeros(math.ceil(len(samples) / block))
    piece = RECTIFIED // block * block
    buffer = np.empty(min(piece, len(samples)))
    for start in range(0, len(samples), piece):
        rectified = np.abs(samples[start : start + piece], out=buffer[: len(samples) - start])
        blocks, rest = divmod(len(rectified), block)
        first = start // block
        np.einsum("ij->i", rectified[: blocks * block].reshape(-1, block), out=means[first : first + blocks])
        if rest:
            means[-1] = rectified[-rest:].sum()
    means /= block
    return means


def _decaying_sum(inputs: NDArray[np.float64], kept: float) -> NDArray[np.float64]:
    """Return y[k] = kept · y[k−1] + inputs[k], in chunks: cumulative sums within, a short recursion between."""
    rows = math.ceil(len(inputs) / CHUNK)
    table = np.zeros((rows, CHUNK))
    table.reshape(-1)[: len(inputs)] = inputs
    powers = _powers(kept)
    table /= powers
    sums = np.cumsum(table, axis=1, out=table)
    sums *= powers
    carried, ends = 0.0, []
    for end in sums[:, -1].tolist():
        ends.append(carried)
        carried = end + kept * float(powers[-1]) * carried
    sums += np.array(ends)[:, None] * (kept * powers)
    every: NDArray[np.float64] = sums.reshape(-1)[: len(inputs)]
    return every


@lru_cache(maxsize=16)
def _powers(kept: float) -> NDArray[np.float64]:
    powers: NDArray[np.float64] = kept ** np.arange(CHUNK, dtype=np.float64)
    return powers


def _held(envelope: NDArray[np.float64], hangover: int) -> NDArray[np.float64]:
    """Return the maximum of each value and the ``hangover`` values before it."""
    held, width = envelope, 1
    while width < min(hangover + 1, len(envelope)):
        step = min(width, hangover + 1 - width)
        longer = held.copy()
        np.maximum(held[step:], held[:-step], out=longer[step:])
        held, width = longer, width + step
    return held


def _at_margin(levels_db: NDArray[np.float64], margins_db: NDArray[np.float64], *, otherwise_db: float) -> float:
    """Interpolate, in dB, the level where it lies the margin above the threshold: the lowest such threshold."""
    above = np.flatnonzero(margins_db <= MARGIN_DB)
    if len(above) == 0 or above[-1] + 1 == len(margins_db):
        return otherwise_db
    upper = above[-1]
    part = (MARGIN_DB - margins_db[upper]) / (margins_db[upper + 1] - margins_db[upper])
    return float(levels_db[upper] + part * (levels_db[upper + 1] - levels_db[upper]))
