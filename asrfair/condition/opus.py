"""Internet telephony's codec, Opus (RFC 6716, RFC 8251), by libopus: lost packets, concealment, error correction."""

from collections.abc import Mapping, Sequence
from ctypes import byref, c_char_p, c_int, c_int32, c_void_p, create_string_buffer
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Circumstances, Parameters, Range, Signal
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames, check_loss, lost_frames
from asrfair.condition.shared_library import CODECS, SharedLibrary, open_library
from asrfair.errors import CardError, InputError, expected

Samples32 = NDArray[np.float32]
Application = Literal["voip", "audio", "low_delay"]
Bandwidth = Literal["automatic", "narrow", "medium", "wide", "super_wide", "full"]
RateControl = Literal["constrained", "variable", "constant"]

RATES_HZ = (8000, 12000, 16000, 24000, 48000)
FRAMES_S = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12)
# Error correction is of the codec's speech layer, which has no shorter frames (RFC 6716, section 2.1).
SHORTEST_CORRECTED_S = 0.01
# The size of packet buffer that libopus recommends.
PACKET_BYTES = 4000

# The values of libopus' headers opus.h and opus_defines.h.
_APPLICATIONS: Mapping[Application, int] = {"voip": 2048, "audio": 2049, "low_delay": 2051}
_BANDWIDTHS: Mapping[Bandwidth, int] = {
    "automatic": -1000,
    "narrow": 1101,
    "medium": 1102,
    "wide": 1103,
    "super_wide": 1104,
    "full": 1105,
}
_VARIABLE: Mapping[RateControl, tuple[int, int]] = {"constrained": (1, 1), "variable": (1, 0), "constant": (0, 0)}
_SET_BITRATE, _SET_VARIABLE, _SET_BANDWIDTH, _SET_COMPLEXITY = 4002, 4006, 4008, 4010
_SET_CORRECTION, _SET_EXPECTED_LOSS, _SET_CONSTRAINT, _GET_LOOKAHEAD = 4012, 4014, 4020, 4027
_LIBRARY = SharedLibrary(
    "opus",
    0,
    CODECS,
    {
        "opus_get_version_string": (c_char_p,),
        "opus_strerror": (c_char_p, c_int),
        "opus_encoder_create": (c_void_p, c_int32, c_int, c_int, c_void_p),
        "opus_encoder_ctl": (c_int, c_void_p, c_int),
        "opus_encode_float": (c_int32, c_void_p, c_void_p, c_int, c_void_p, c_int32),
        "opus_encoder_destroy": (None, c_void_p),
        "opus_decoder_create": (c_void_p, c_int32, c_int, c_void_p),
        "opus_decode_float": (c_int, c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int),
        "opus_decoder_destroy": (None, c_void_p),
    },
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the encoder is set; rates and frames as `opus` says."""

    sample_rate: int
    bitrate_kbps: float
    application: Application = "voip"
    frame_s: float = 0.02
    complexity: int = 9
    bandwidth: Bandwidth = "automatic"
    rate_control: RateControl = "constrained"
    forward_error_correction: bool = False
    expected_loss_percent: int = 0

    @property
    def frame(self) -> int:
        """Samples in a frame."""
        return round(self.frame_s * self.sample_rate)


def opus(
    signal: Signal,
    circumstances: Circumstances,
    *,
    bitrate_kbps: Annotated[float, Range(6, 128)],
    application: Application = "voip",
    frame_s: Annotated[float, Range(0.0025, 0.12)] = 0.02,
    complexity: Annotated[int, Range(0, 10)] = 9,
    bandwidth: Bandwidth = "automatic",
    rate_control: RateControl = "constrained",
    forward_error_correction: bool = False,
    expected_loss_percent: Annotated[int, Range(0, 100)] = 0,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as an internet call does: Opus, mono, at `opus_rate`; one frame of ``frame_s`` a packet.

    ``complexity`` is the encoder's; the decoder's is libopus' default, its classical concealment. Lost packets are
    as `lost_frames` says. With ``forward_error_correction`` the encoder repeats speech coarsely in the packet after,
    as far as the bit rate allows (at 16 kHz nothing up to about 16 kbit/s) and as much as ``expected_loss_percent``,
    the loss that it is told, makes worth it; the decoder then fills a loss from the packet that follows it.
    The look-ahead that libopus tells (2.5 or 6.5 ms) is taken out; what stays is below 0.06 ms. A signal above full
    scale is brought down as a whole for the coder and back up after it, never clipped. libopus computes in floating
    point, by the instructions that the processor has: equal bits are given for equal processors only.
    Raises CardError as `opus_ready` does.
    """
    settings = Settings(
        sample_rate=circumstances.sample_rate,
        bitrate_kbps=bitrate_kbps,
        application=application,
        frame_s=frame_s,
        complexity=complexity,
        bandwidth=bandwidth,
        rate_control=rate_control,
        forward_error_correction=forward_error_correction,
        expected_loss_percent=expected_loss_percent,
    )
    _check(settings)
    peak = max(1.0, float(np.abs(signal).max()))
    packets, delay = encode(settings, (signal / peak).astype(np.float32))
    lost = lost_frames(len(packets), loss_percent=loss_percent, burst_frames=burst_frames, rng=circumstances.rng)
    decoded = decode(settings, packets, lost=lost)[delay : delay + len(signal)]
    return decoded.astype(np.float64) * peak


def opus_rate(parameters: Parameters, working_hz: int) -> int:
    """Return the rate that Opus works at: the lowest of 8, 12, 16, 24, 48 kHz that loses nothing, else 48 kHz."""
    return next((rate for rate in RATES_HZ if rate >= working_hz), RATES_HZ[-1])


def opus_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for parameters that do not go together, or where libopus is not installed."""
    values: dict[str, Any] = dict(parameters)
    check_loss(loss_percent=values.pop("loss_percent"), burst_frames=values.pop("burst_frames"))
    _check(Settings(sample_rate=opus_rate(parameters, working_hz), **values))
    try:
        open_library(_LIBRARY)
    except CardError as error:
        raise CardError(f"opus: {error}") from None


def encode(settings: Settings, samples: Samples32) -> tuple[list[bytes], int]:
    """Return the packets for shape=(n,), and how many samples later than the input the decoder's sound is."""
    library = open_library(_LIBRARY)
    status = c_int()
    encoder = library.opus_encoder_create(settings.sample_rate, 1, _APPLICATIONS[settings.application], byref(status))
    _checked(status.value)
    try:
        lookahead = c_int32()
        for request, value in _requests(settings):
            _checked(library.opus_encoder_ctl(encoder, request, c_int32(value)))
        _checked(library.opus_encoder_ctl(encoder, _GET_LOOKAHEAD, byref(lookahead)))
        count = -(-(len(samples) + lookahead.value) // settings.frame)
        padded = np.zeros(count * settings.frame, np.float32)
        padded[: len(samples)] = samples
        packet = create_string_buffer(PACKET_BYTES)
        packets = []
        for place in _addresses(settings, padded):
            size = library.opus_encode_float(encoder, place, settings.frame, packet, PACKET_BYTES)
            packets.append(packet.raw[: _checked(size)])
    finally:
        library.opus_encoder_destroy(encoder)
    return packets, lookahead.value


def decode(settings: Settings, packets: Sequence[bytes], *, lost: LostFrames) -> Samples32:
    """Return the decoder's sound, shape=(packets × samples per frame,)."""
    library = open_library(_LIBRARY)
    status = c_int()
    decoder = library.opus_decoder_create(settings.sample_rate, 1, byref(status))
    _checked(status.value)
    samples = np.zeros(len(packets) * settings.frame, np.float32)
    heard: list[bytes | None] = [None if gone else packet for gone, packet in zip(lost, packets, strict=True)]
    following = [*heard[1:], None] if settings.forward_error_correction else [None] * len(heard)
    try:
        for place, packet, after in zip(_addresses(settings, samples), heard, following, strict=True):
            correcting = packet is None and after is not None
            given = after if correcting else packet
            _checked(
                library.opus_decode_float(decoder, given, len(given or b""), place, settings.frame, int(correcting))
            )
    finally:
        library.opus_decoder_destroy(decoder)
    return samples


def library_version() -> str:
    """Return libopus' own name and version."""
    version: bytes = open_library(_LIBRARY).opus_get_version_string()
    return version.decode()


def _requests(settings: Settings) -> list[tuple[int, int]]:
    variable, constrained = _VARIABLE[settings.rate_control]
    return [
        (_SET_BITRATE, round(settings.bitrate_kbps * 1000)),
        (_SET_VARIABLE, variable),
        (_SET_CONSTRAINT, constrained),
        (_SET_BANDWIDTH, _BANDWIDTHS[settings.bandwidth]),
        (_SET_COMPLEXITY, settings.complexity),
        (_SET_CORRECTION, int(settings.forward_error_correction)),
        (_SET_EXPECTED_LOSS, settings.expected_loss_percent),
    ]


def _check(settings: Settings) -> None:
    if settings.frame_s not in FRAMES_S:
        raise CardError(expected("opus: 'frame_s'", f"{settings.frame_s:g}", [f"{frame:g}" for frame in FRAMES_S]))
    if not settings.forward_error_correction:
        return
    if settings.application == "low_delay" or settings.frame_s < SHORTEST_CORRECTED_S:
        raise CardError(
            f"opus: found forward_error_correction with application '{settings.application}' and frame_s "
            f"{settings.frame_s:g}; expected 'voip' or 'audio' and at least {SHORTEST_CORRECTED_S:g}: "
            "only the speech layer corrects"
        )
    if settings.expected_loss_percent == 0:
        raise CardError(
            "opus: found forward_error_correction with expected_loss_percent 0; expected 1 to 100: at 0 it adds nothing"
        )


def _checked(status: int) -> int:
    """Return what libopus returned, or raise its error."""
    if status < 0:
        raise InputError(f"opus: found {open_library(_LIBRARY).opus_strerror(status).decode()}; expected a frame coded")
    return status


def _addresses(settings: Settings, samples: Samples32) -> range:
    """Return where each frame starts in memory."""
    return range(samples.ctypes.data, samples.ctypes.data + samples.nbytes, settings.frame * samples.itemsize)
