"""Recordings' and podcasts' codec: MP3 (ISO/IEC 11172-3, 13818-3; below 16 kHz MPEG 2.5), LAME and FFmpeg by PyAV."""

from typing import Annotated

import numpy as np

from asrfair.condition.av_codec import check_bitrate, check_codec, decode, encode
from asrfair.condition.effect import Circumstances, Parameters, Range, Signal
from asrfair.errors import CardError

ENCODER, DECODER = "libmp3lame", "mp3float"
# Bit rates in kbit/s of layer III: ISO/IEC 11172-3, section 2.4.2.3; 13818-3, section 2.4.2.3; MPEG 2.5 as LAME has it.
MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG_2_5 = MPEG_2[:8]
MODES = {
    8000: MPEG_2_5,
    11025: MPEG_2_5,
    12000: MPEG_2_5,
    16000: MPEG_2,
    22050: MPEG_2,
    24000: MPEG_2,
    32000: MPEG_1,
    44100: MPEG_1,
    48000: MPEG_1,
}
# LAME delays by 576, the decoder by 529 samples, at every rate; LAME codes as many more after the end.
DELAY = 576 + 529


def mp3(signal: Signal, circumstances: Circumstances, *, bitrate_kbps: Annotated[int, Range(8, 320)]) -> Signal:
    """Code and decode as mono MP3 at a constant bit rate, at `mp3_rate`, with LAME's own low-pass for the bit rate.

    The delay of encoder and decoder is taken out. A signal above full scale is brought down as a whole for the coder
    and back up after it, never clipped. Encoder and decoder compute in floating point: equal bits are given for
    equal libraries and processors only. Raises CardError for a bit rate that the rate does not have.
    """
    rate = circumstances.sample_rate
    _check(bitrate_kbps, rate)
    peak = max(1.0, float(np.abs(signal).max()))
    packets = encode(ENCODER, (signal / peak).astype(np.float32), sample_rate=rate, bitrate_kbps=bitrate_kbps)
    sound = decode(DECODER, packets, sample_rate=rate)
    return sound[DELAY : DELAY + len(signal)].astype(np.float64) * peak


def mp3_rate(parameters: Parameters, working_hz: int) -> int:
    """Return the rate that is coded: the lowest of MP3's that loses nothing, else 48 kHz."""
    return next((rate for rate in MODES if rate >= working_hz), max(MODES))


def mp3_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a bit rate that does not exist at the rate, or where PyAV is missing."""
    _check(int(str(parameters["bitrate_kbps"])), mp3_rate(parameters, working_hz))
    check_codec("mp3", encoder=ENCODER, decoder=DECODER)


def _check(bitrate_kbps: int, rate: int) -> None:
    if rate not in MODES:
        raise CardError(f"mp3: found {rate} Hz; expected one of: {', '.join(map(str, MODES))}")
    check_bitrate(f"mp3 at {rate} Hz", bitrate_kbps, MODES[rate])
