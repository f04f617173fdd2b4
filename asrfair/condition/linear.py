"""Linear effects and changes of rate: frequency responses, applied together block by block.

A run of linear effects, and the change of rate into the next effect, is one product of spectra: overlap-save
convolution (Oppenheim and Schafer 2010, section 8.7), so that memory does not grow with the utterance and a
response is transformed once, not once per utterance. Transforms are in single precision, as the result is: their
error lies about 140 dB below the loudest sound of a block.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from asrfair.condition.effect import Linear, Signal, Spectrum

# Samples of a block's Fourier transform, at least, and blocks transformed at once: more leave the processor's cache.
BLOCK = 16_384
BLOCKS = 8
# Once an array as large as this has been freed, glibc keeps what is freed later for the next array. Otherwise it
# gives memory back to the system and asks for it again at every step, which took a third of the time.
np.empty(30 << 20, dtype=np.uint8)
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
    cut = blocks_for(responses, len(signal), from_hz=from_hz, to_hz=to_hz, working_hz=working_hz)
    transfer = transfer_of(tuple(responses), from_hz, to_hz, working_hz, cut.size)
    blocks = max(1, math.ceil(length / cut.out_hop))
    padded = np.zeros((blocks - 1) * cut.hop + cut.size, dtype=np.float32)
    heard = signal[: len(padded) - cut.after]
    padded[cut.after : cut.after + len(heard)] = heard
    pieces = sliding_window_view(padded, cut.size)[:: cut.hop]
    result = np.empty((blocks, cut.out_hop))
    for first in range(0, blocks, BLOCKS):
        sound = _through(pieces[first : first + BLOCKS], transfer, cut.out_size)
        result[first : first + BLOCKS] = sound[:, cut.out_after : cut.out_after + cut.out_hop]
    return result.reshape(-1)[:length]


def _through(pieces: NDArray[np.float32], transfer: NDArray[np.complex64], out_size: int) -> NDArray[np.float32]:
    """Return shape=(blocks, out_size), the blocks through a transfer function; scipy transforms several at once."""
    from scipy import fft

    spectra = fft.rfft(pieces)[:, : len(transfer)]
    spectra *= transfer
    through: NDArray[np.float32] = fft.irfft(spectra, out_size, overwrite_x=True)
    return through


@dataclass(frozen=True)
class Blocks:
    """Blocks of ``size`` samples that begin ``after`` early, each ``hop`` after the last; and what comes out."""

    size: int
    hop: int
    after: int
    out_size: int
    out_hop: int
    out_after: int


def blocks_for(responses: Sequence[Response], count: int, *, from_hz: int, to_hz: int, working_hz: int) -> Blocks:
    """Return the blocks in which ``count`` samples go through responses: of whole periods of the rates' divisor."""
    rates = (from_hz, to_hz, working_hz) if responses else (from_hz, to_hz)
    unit = math.gcd(*rates)
    period = from_hz // unit
    edge = SPREAD_S if len(set(rates)) > 1 else 0.0
    before = math.ceil((edge + sum(response.linear.before_s for response in responses)) * unit) * period
    after = math.ceil((edge + sum(response.linear.after_s for response in responses)) * unit) * period
    # Of the larger of both sides, so that neither leaves the cache.
    least = max(BLOCK * from_hz // max(from_hz, to_hz), 3 * (before + after))
    step = 2 * period
    # A step times a power of two, not much more than is needed in all.
    size = step << max(0, math.ceil(math.log2(min(count + before + after, least) / step)))
    taken = (size, (size - before - after) // period * period, after)
    return Blocks(*taken, *(part * to_hz // from_hz for part in taken))


@lru_cache(maxsize=64)
def transfer_of(
    responses: tuple[Response, ...], from_hz: int, to_hz: int, working_hz: int, size: int
) -> NDArray[np.complex64]:
    """Return the product of the responses, and the taper and scale of the change of rate, for blocks of ``size``."""
    rates = (from_hz, to_hz, working_hz) if responses else (from_hz, to_hz)
    bins = size * min(rates) // from_hz // 2 + 1
    transfer: Spectrum = np.full(bins, to_hz / from_hz)
    for response in responses:
        transfer = transfer * response.linear.spectrum(size * working_hz // from_hz)[:bins]
    if len(set(rates)) > 1:
        transfer = transfer * _taper(np.arange(bins) * from_hz / size, min(rates) / 2)
    return transfer.astype(np.complex64)


def _taper(frequency_hz: Signal, edge_hz: float) -> Signal:
    place = np.clip((frequency_hz / edge_hz - PASSED) / (1 - PASSED), 0.0, 1.0)
    taper: Signal = 0.5 + 0.5 * np.cos(np.pi * place)
    return taper


def _fitted(signal: Signal, length: int) -> Signal:
    return signal[:length] if len(signal) >= length else np.pad(signal, (0, length - len(signal)))
