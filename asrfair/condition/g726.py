"""Cordless telephones' and trunks' codec: ITU-T G.726 (1990), 16, 24, 32 and 40 kbit/s, by FFmpeg.

FFmpeg's coder departs from section 4 of the standard in two details, at both ends alike: the scale factor is mixed
before it is rounded (block MIX), and at 40 kbit/s the zeros leak as at the lower rates (2^−8 for 2^−9, block UPB).
Its noise is within 1 dB of the standard's, which a sample-by-sample test shows. libsndfile's differs elsewhere.
A third: where the standard's sound would be limited at full scale, FFmpeg's wraps to the other sign. So the coder is
given a quarter of full scale at most, and the limit is applied here.
"""

from typing import Annotated

import numpy as np

from asrfair.condition.av_codec import check_bitrate, check_codec, decode, encode, pieces
from asrfair.condition.effect import Circumstances, Parameters, Range, Signal
from asrfair.condition.g711 import TELEPHONE_HZ
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames
from asrfair.condition.packets import Samples16, packet_loss_ready, send

# Bits of a codeword by bit rate.
MODES = {16: 2, 24: 3, 32: 4, 40: 5}
# A decoder that has lost track overshoots: with 12 dB it does not wrap.
HIGHEST = 0.25


def g726(
    signal: Signal,
    circumstances: Circumstances,
    *,
    bitrate_kbps: Annotated[int, Range(16, 40)] = 32,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as ITU-T G.726 does, at 8 kHz, in packets of 20 ms; uniform samples at both ends (Annex A).

    Lost packets (`lost_frames`) are concealed as G.711's are (`conceal`), and the decoder's state stays over a gap:
    it has then lost track of the coder's, as real ones have, and finds it again in some 0.2 s.
    A signal above a quarter of full scale is brought down as a whole for the coder and back up after it, never
    clipped. Raises CardError for another bit rate.
    """
    check_bitrate("g726", bitrate_kbps, MODES)
    bits = MODES[bitrate_kbps]

    def transmit(samples: Samples16, lost: LostFrames) -> Samples16:
        packets = encode("g726", samples, sample_rate=TELEPHONE_HZ, bitrate_kbps=bitrate_kbps)
        octets = np.frombuffer(b"".join(packets), np.uint8).reshape(len(lost), -1)
        sent = pieces(octets[~lost].tobytes(), multiple=bits)
        options = {"bits_per_coded_sample": str(bits)}
        sound: Samples16 = decode("g726", sent, sample_rate=TELEPHONE_HZ, options=options)
        return sound

    heard = send(signal, circumstances, transmit, highest=HIGHEST, loss_percent=loss_percent, burst_frames=burst_frames)
    limit = max(1.0, float(np.abs(signal).max()))
    return np.clip(heard, -limit, limit)


def g726_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a mode that does not exist, a loss that cannot be, or where PyAV is missing."""
    check_bitrate("g726", int(str(parameters["bitrate_kbps"])), MODES)
    packet_loss_ready(parameters, working_hz)
    check_codec("g726", encoder="g726", decoder="g726")
