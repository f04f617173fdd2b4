"""The first digital mobile telephone's codec: GSM full rate (3GPP TS 46.010), 13 kbit/s, by libsndfile's libgsm.

A lost frame is what TS 46.011, clause 6, gives as example: first the last good frame again, then that frame with its
block amplitudes 4 steps lower each time and its grid positions drawn, then the silence frame of its table 1.
"""

import io

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Circumstances, Signal
from asrfair.condition.g711 import TELEPHONE_HZ
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames, lost_frames
from asrfair.condition.packets import Samples16, from_16_bit, to_16_bit

Octets = NDArray[np.uint8]
Bits = NDArray[np.uint8]

FRAME = 160
FRAME_OCTETS = 33
# Bits of the file form of a frame: a signature of 4, log area ratios of 36, then four subframes of 56, in which the
# grid position is after 9 bits and the block amplitude after 11; TS 46.010, table 1.1.
SIGNATURE = 0xD
FIRST_SUBFRAME, SUBFRAME, SUBFRAMES = 40, 56, 4
GRID, GRID_BITS = 9, 2
AMPLITUDE, AMPLITUDE_BITS = 11, 6
MUTING = 4
# TS 46.011, table 1: values and their bits.
SILENCE_RATIOS = ((42, 6), (39, 6), (21, 5), (10, 5), (9, 4), (4, 4), (3, 3), (2, 3))
SILENCE_SUBFRAME = (
    (40, 7),
    (0, 2),
    (1, 2),
    (0, 6),
    *((pulse, 3) for pulse in (3, 4, 3, 4, 4, 3, 3, 3, 3, 4, 4, 3, 3)),
)


def gsm(
    signal: Signal,
    circumstances: Circumstances,
    *,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as GSM's full-rate codec does, at 8 kHz, in frames of 20 ms.

    Lost frames (`lost_frames`) are substituted and muted after TS 46.011. The codec has no delay beyond its frame. A
    signal above full scale is brought down as a whole for the coder and back up after it, never clipped.
    """
    samples, peak = to_16_bit(signal)
    frames = encode(samples)
    lost = lost_frames(len(frames), loss_percent=loss_percent, burst_frames=burst_frames, rng=circumstances.rng)
    # Drawn for frames that arrive as well: so the rungs of a ladder share them.
    grid = circumstances.rng.integers(0, 4, (len(frames), SUBFRAMES))
    return from_16_bit(decode(substituted(frames, lost, grid))[: len(signal)], peak)


def encode(samples: Samples16) -> Octets:
    """Return the frames of shape=(n,), shape=(frames, 33); the last is filled up with silence."""
    import soundfile

    padded = np.concatenate([samples, np.zeros(-len(samples) % FRAME, np.int16)])
    memory = io.BytesIO()
    soundfile.write(memory, padded, TELEPHONE_HZ, format="RAW", subtype="GSM610")
    return np.frombuffer(memory.getvalue(), np.uint8).reshape(-1, FRAME_OCTETS)


def decode(frames: Octets) -> Samples16:
    """Return the sound of frames, shape=(160 × frames,)."""
    import soundfile

    memory = io.BytesIO(frames.tobytes())
    sound: Samples16 = soundfile.read(
        memory, samplerate=TELEPHONE_HZ, channels=1, format="RAW", subtype="GSM610", dtype="int16"
    )[0]
    return sound


def substituted(frames: Octets, lost: LostFrames, grid: NDArray[np.int64]) -> Octets:
    """Return the frames that the decoder gets; ``grid`` holds grid positions to use, shape=(frames, 4)."""
    place = np.flatnonzero(lost)
    if len(place) == 0:
        return frames
    good = np.maximum.accumulate(np.where(lost, -1, np.arange(len(frames))))[place]
    nth = place - good
    bits = np.unpackbits(frames[np.maximum(good, 0)], axis=1)
    starts = [FIRST_SUBFRAME + SUBFRAME * number for number in range(SUBFRAMES)]
    amplitudes = np.stack([_number(bits, start + AMPLITUDE, AMPLITUDE_BITS) for start in starts], axis=1)
    muted = np.maximum(amplitudes - MUTING * (nth - 1)[:, None], 0)
    for number, start in enumerate(starts):
        _write(bits, start + AMPLITUDE, AMPLITUDE_BITS, muted[:, number])
        kept = _number(bits, start + GRID, GRID_BITS)
        _write(bits, start + GRID, GRID_BITS, np.where(nth > 1, grid[place, number], kept))
    # Over: the frame before was as low as can be, or there has been no frame at all.
    over = (good < 0) | ((nth > 1) & (amplitudes.max(axis=1) <= MUTING * (nth - 2)))
    bits[over] = silence_frame()
    result = frames.copy()
    result[place] = np.packbits(bits, axis=1)
    return result


def silence_frame() -> Bits:
    """Return the bits of the silence frame, shape=(264,)."""
    fields = ((SIGNATURE, 4), *SILENCE_RATIOS, *(SILENCE_SUBFRAME * SUBFRAMES))
    digits = "".join(f"{value:0{bits}b}" for value, bits in fields)
    return np.array([int(digit) for digit in digits], np.uint8)


def _number(bits: Bits, start: int, count: int) -> NDArray[np.int64]:
    weights = 1 << np.arange(count - 1, -1, -1)
    number: NDArray[np.int64] = bits[:, start : start + count].astype(np.int64) @ weights
    return number


def _write(bits: Bits, start: int, count: int, number: NDArray[np.int64]) -> None:
    bits[:, start : start + count] = (number[:, None] >> np.arange(count - 1, -1, -1)) & 1
