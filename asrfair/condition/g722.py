"""Conferencing's and office telephones' wideband codec: ITU-T G.722 (2012), 48, 56 and 64 kbit/s, by FFmpeg."""

from typing import Annotated

import numpy as np

from asrfair.condition.av_codec import check_bitrate, check_codec, decode, encode, pieces
from asrfair.condition.effect import Circumstances, Parameters, Range, Signal
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames
from asrfair.condition.packets import Samples16, packet_loss_ready, send

WIDEBAND_HZ = 16000
# Modes 1, 2 and 3 of section 1.4.4, by the bits of a codeword that carry sound.
MODES = {64: 8, 56: 7, 48: 6}
# The two filters of 24 taps, of the coder and of the decoder, delay by 22 samples (1.4 ms).
DELAY = 22
# Samples in a frame of FFmpeg's encoder: the stream does not depend on it, the time does.
ENCODER_FRAME = 16000


def g722(
    signal: Signal,
    circumstances: Circumstances,
    *,
    bitrate_kbps: Annotated[int, Range(48, 64)] = 64,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as ITU-T G.722 does, at 16 kHz, in packets of 20 ms.

    64, 56 and 48 kbit/s are its modes 1, 2 and 3: the coder is the same, one or two bits of the lower band's six
    carry data and are not decoded. The filters' delay is taken out. Lost packets (`lost_frames`) are concealed by
    repetition of the pitch (`conceal`, at 16 kHz), not by the larger Appendices III and IV, and the decoder's state
    stays over a gap. A signal above full scale is brought down as a whole for the coder and back up after it.
    Raises CardError for another bit rate.
    """
    check_bitrate("g722", bitrate_kbps, MODES)
    options = {"bits_per_codeword": str(MODES[bitrate_kbps])}

    def transmit(samples: Samples16, lost: LostFrames) -> Samples16:
        packets = encode(
            "g722",
            samples,
            sample_rate=WIDEBAND_HZ,
            bitrate_kbps=64,
            options={"frame_size": str(ENCODER_FRAME)},
        )
        octets = np.frombuffer(b"".join(packets), np.uint8).reshape(len(lost), -1)
        sent = pieces(octets[~lost].tobytes(), multiple=1)
        sound: Samples16 = decode("g722", sent, sample_rate=WIDEBAND_HZ, options=options)
        return sound

    return send(signal, circumstances, transmit, delay=DELAY, loss_percent=loss_percent, burst_frames=burst_frames)


def g722_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a mode that does not exist, a loss that cannot be, or where PyAV is missing."""
    check_bitrate("g722", int(str(parameters["bitrate_kbps"])), MODES)
    packet_loss_ready(parameters, working_hz)
    check_codec("g722", encoder="g722", decoder="g722")
