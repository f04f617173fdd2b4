"""The landline's codec: ITU-T G.711 (1988), 64 kbit/s, µ-law and A-law, by table.

Codes and values are those of tables 1a, 1b (A-law, 13-bit scale) and 2a, 2b (µ-law, 14-bit scale) as the standard
sends them: even bits of A-law inverted, all bits of µ-law. Where a sample is exactly a decision value the tables
leave both intervals open; as in the coders of ITU-T G.191, the upper one on the 16-bit scale is taken.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Circumstances, Signal
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames
from asrfair.condition.packets import Samples16, send, to_16_bit

Law = Literal["mu", "a"]

TELEPHONE_HZ = 8000


def g711(
    signal: Signal,
    circumstances: Circumstances,
    *,
    law: Law = "mu",
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as ITU-T G.711 does, at 8 kHz, in packets of 20 ms.

    Lost packets (`lost_frames`) are concealed after Appendix I (`conceal`). A signal above full scale is brought
    down as a whole for the coder and back up after it, never clipped.
    """
    heard = decoding_table(law)
    if loss_percent == 0:
        samples, peak = to_16_bit(signal)
        sound = heard[samples.view(np.uint16)]
        return sound if peak == 1.0 else sound * peak
    decoded = _decoded(law)

    def transmit(samples: Samples16, lost: LostFrames) -> Samples16:
        return decoded[samples.reshape(len(lost), -1)[~lost].view(np.uint16)].ravel()

    return send(signal, circumstances, transmit, loss_percent=loss_percent, burst_frames=burst_frames)


@lru_cache(maxsize=2)
def codes_of_samples(law: Law) -> NDArray[np.uint8]:
    """Return the code of each 16-bit sample, shape=(65536,), as in of samples read as unsigned."""
    sample = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int64)
    # One's complement: with it intervals are closed at the same end on both sides of zero.
    magnitude = np.where(sample < 0, ~sample, sample)
    if law == "mu":
        # 14 bits with the bias of 33, up to the last decision value, 8159.
        biased = np.minimum((magnitude >> 2) + 33, 8191)
        segment = _bits(biased) - 6
        code = (segment << 4) | ((biased >> (segment + 1)) & 15)
        codes: NDArray[np.uint8] = np.where(sample < 0, code ^ 0x7F, code ^ 0xFF).astype(np.uint8)
        return codes
    steps = magnitude >> 4
    segment = np.maximum(_bits(steps) - 4, 0)
    code = (segment << 4) | ((steps >> np.maximum(segment - 1, 0)) & 15)
    return np.where(sample < 0, code ^ 0x55, code ^ 0xD5).astype(np.uint8)


@lru_cache(maxsize=2)
def values_of_codes(law: Law) -> Samples16:
    """Return the 16-bit value of each code, shape=(256,): 4 times the µ-law's tables, 8 times the A-law's."""
    code = np.arange(256)
    bits = code ^ (0xFF if law == "mu" else 0xD5)
    segment, step = (bits >> 4) & 7, bits & 15
    if law == "mu":
        magnitude = (((2 * step + 33) << segment) - 33) * 4
    else:
        magnitude = ((2 * step + 1 + 32 * (segment > 0)) << np.maximum(segment - 1, 0)) * 8
    return np.where(bits & 0x80, -magnitude, magnitude).astype(np.int16)


@lru_cache(maxsize=2)
def _decoded(law: Law) -> Samples16:
    return values_of_codes(law)[codes_of_samples(law)]


@lru_cache(maxsize=2)
def decoding_table(law: Law) -> Signal:
    """Return what is heard of each 16-bit sample, full scale ±1, shape=(65536,), in the order of `codes_of_samples`."""
    return _decoded(law) / 32768.0


def _bits(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many binary digits each has."""
    return np.frexp(number.astype(np.float64))[1].astype(np.int64)
