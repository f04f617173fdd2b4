"""What waveform codecs share: 16-bit samples, packets of 20 ms, loss and concealment.

A signal above full scale is brought down as a whole for the coder and back up after it, never clipped. The decoder
of a lossy call is given the packets that arrived, one after the other: its state stays as it was during a gap.
What is missing is filled in by `conceal`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.concealment import conceal
from asrfair.condition.effect import Circumstances, Parameters, Signal
from asrfair.condition.loss import LostFrames, check_loss, lost_frames

Samples16 = NDArray[np.int16]
# The usual packet of internet telephony: RFC 3551, section 4.2.
PACKET_S = 0.02


def to_16_bit(signal: Signal, *, highest: float = 1.0) -> tuple[Samples16, float]:
    """Return 16-bit samples, at most ``highest`` of full scale, and what the signal was divided by (at least 1)."""
    top = float(signal.max())
    peak = max(1.0, top / highest, -float(signal.min()) / highest)
    scaled = signal * (32768.0 / peak)
    np.rint(scaled, out=scaled)
    if top >= peak * (32767.0 / 32768.0):
        np.minimum(scaled, 32767.0, out=scaled)
    return scaled.astype(np.int16), peak


def from_16_bit(samples: Samples16, peak: float) -> Signal:
    """Return float64 samples at the level before `to_16_bit`."""
    signal: Signal = samples * np.float64(peak / 32768.0)
    return signal


def at_full_scale(before: Signal, after: Signal) -> float:
    """Return the share of samples of a decoder, shape=(n,), at the ends of its range: what it saturated.

    GSM's decoder ends 8 of 32,768 steps below full scale. Full scale is that of the coder, which is given a signal
    above it turned down.
    """
    peak = max(1.0, float(np.abs(before).max()))
    return float(np.mean(np.abs(after) >= peak * (1.0 - 2.0**-11)))


def send(
    signal: Signal,
    circumstances: Circumstances,
    transmit: Callable[[Samples16, LostFrames], Samples16],
    *,
    delay: int = 0,
    highest: float = 1.0,
    loss_percent: float,
    burst_frames: float,
) -> Signal:
    """Return the signal after a codec and a network that loses packets.

    ``transmit`` takes whole packets of samples and which of them are lost, and returns the decoder's sound for
    those that arrived; ``delay`` in samples is the codec's, and is taken out; ``highest`` is as in `to_16_bit`.
    """
    packet = round(PACKET_S * circumstances.sample_rate)
    samples, peak = to_16_bit(signal, highest=highest)
    count = -(-(len(samples) + delay) // packet)
    samples = np.concatenate([samples, np.zeros(count * packet - len(samples), np.int16)])
    lost = lost_frames(count, loss_percent=loss_percent, burst_frames=burst_frames, rng=circumstances.rng)
    arrived = from_16_bit(transmit(samples, lost), peak)
    if lost.any():
        sound = np.zeros((count, packet))
        sound[~lost] = arrived.reshape(-1, packet)
        # The concealment knows full scale: its floor is at a level.
        arrived = conceal(sound.ravel() / peak, lost, packet=packet, sample_rate=circumstances.sample_rate) * peak
    return arrived[delay : delay + len(signal)]


def packet_loss_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError where ``loss_percent`` and ``burst_frames`` do not go together."""
    check_loss(loss_percent=float(str(parameters["loss_percent"])), burst_frames=float(str(parameters["burst_frames"])))
