"""Linear effects and changes of rate: frequency responses, applied together block by block.

A run of linear effects, and the change of rate into the next effect, is one product of spectra: overlap-save
convolution (Oppenheim and Schafer 2010, section 8.7), so that memory does not grow with the utterance and a
response is transformed once, not once per utterance.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from asrfair.condition.effect import Linear, Signal, Spectrum

# The fastest block of a Fourier transform here: larger ones leave the processor's cache.
BLOCK = 32_768
# A change of rate lets the band pass up to this share of half the lower rate, then falls to nothing at the half.
PASSED = 0.92
# Where the response of that transition, and of a filter given by its gain alone, has died away.
SPREAD_S = 0.05


@dataclass(frozen=True)
class Response:
    """A `Linear` at the working rate, with a key that equal ones share."""

    key: tuple[object, ...]
    linear: Linear = field(compare=False)


def gain_filter(gain: Callable[[Signal], Signal], *, sample_rate: int, spread_s: float = SPREAD_S) -> Linear:
    """Return the filter without delay whose amplitude at the frequencies in Hz is ``gain`` (zero phase).

    ``spread_s`` is how far, in seconds, its response reaches to either side.
    """

    def spectrum(size: int) -> Spectrum:
        return gain(np.fft.rfftfreq(size, 1.0 / sample_rate).astype(np.float64))

    return Linear(spectrum, spread_s, spread_s)


def impulse_response(response: Signal, *, sample_rate: int, origin: int = 0) -> Linear:
    """Return the convolution with shape=(n,) whose sample ``origin`` is at 0 s."""

    def spectrum(size: int) -> Spectrum:
        placed = np.zeros(size)
        placed[: len(response)] = response
        return np.fft.rfft(np.roll(placed, -origin))

    return Linear(spectrum, origin / sample_rate, (len(response) - origin) / sample_rate)


def render(
    signal: Signal,
    responses: Sequence[Response],
    *,
    from_hz: int,
    to_hz: int,
    working_hz: int,
    length: int,
) -> Signal:
    """Return shape=(length,) at ``to_hz``: the signal at ``from_hz`` through responses at ``working_hz``.

    A change of rate, there and back included, passes up to 0.92 of half the lowest (−6 dB at 0.96), without delay.
    """
    if not responses and from_hz == to_hz:
        return _fitted(signal, length)
    rates = (from_hz, to_hz, working_hz) if responses else (from_hz, to_hz)
    unit = math.gcd(*rates)
    before, after = spread(responses, resampled=len(set(rates)) > 1, sample_rate=from_hz, unit=unit)
    # Of the larger of both sides, so that neither leaves the cache.
    block = BLOCK * from_hz // max(from_hz, to_hz)
    size = block_size(len(signal) + before + after, least=max(block, 4 * (before + after)), step=2 * from_hz // unit)
    transfer = transfer_of(tuple(responses), from_hz, to_hz, working_hz, size)
    hop = (size - before - after) // (from_hz // unit) * (from_hz // unit)
    out_size, out_hop, out_skip = (part * to_hz // from_hz for part in (size, hop, after))
    blocks = max(1, math.ceil(length / out_hop))
    padded = np.concatenate([np.zeros(after), signal])
    result = np.empty(blocks * out_hop)
    for block in range(blocks):
        piece = padded[block * hop : block * hop + size]
        spectrum = np.fft.rfft(piece, size)[: len(transfer)] * transfer
        sound = np.fft.irfft(spectrum, out_size)
        result[block * out_hop : (block + 1) * out_hop] = sound[out_skip : out_skip + out_hop]
    return result[:length]


def spread(responses: Sequence[Response], *, resampled: bool, sample_rate: int, unit: int) -> tuple[int, int]:
    """Return how many samples before and after an impulse it reaches, in whole periods of ``unit`` Hz."""
    edge = SPREAD_S if resampled else 0.0
    before_s = edge + sum(response.linear.before_s for response in responses)
    after_s = edge + sum(response.linear.after_s for response in responses)
    period = sample_rate // unit
    return math.ceil(before_s * unit) * period, math.ceil(after_s * unit) * period


def block_size(needed: int, *, least: int, step: int) -> int:
    """Return the samples of a block: a step times a power of two, not much more than is needed in all."""
    return step << max(0, math.ceil(math.log2(min(needed, least) / step)))


@lru_cache(maxsize=64)
def transfer_of(responses: tuple[Response, ...], from_hz: int, to_hz: int, working_hz: int, size: int) -> Spectrum:
    """Return the product of the responses, and the taper and scale of the change of rate, for blocks of ``size``."""
    rates = (from_hz, to_hz, working_hz) if responses else (from_hz, to_hz)
    bins = size * min(rates) // from_hz // 2 + 1
    transfer: Spectrum = np.full(bins, to_hz / from_hz)
    for response in responses:
        transfer = transfer * response.linear.spectrum(size * working_hz // from_hz)[:bins]
    if len(set(rates)) > 1:
        transfer = transfer * _taper(np.arange(bins) * from_hz / size, min(rates) / 2)
    return transfer


def _taper(frequency_hz: Signal, edge_hz: float) -> Signal:
    place = np.clip((frequency_hz / edge_hz - PASSED) / (1 - PASSED), 0.0, 1.0)
    taper: Signal = 0.5 + 0.5 * np.cos(np.pi * place)
    return taper


def _fitted(signal: Signal, length: int) -> Signal:
    return signal[:length] if len(signal) >= length else np.pad(signal, (0, length - len(signal)))
