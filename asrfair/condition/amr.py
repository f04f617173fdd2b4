"""The mobile telephone's speech codecs, AMR and AMR-WB, by real encoders and decoders, with lost frames.

AMR: 3GPP TS 26.071 and 26.090; AMR-WB: 3GPP TS 26.171 and 26.190, ITU-T G.722.2. Frames of 20 ms. A lost frame is
handed to the decoder as one without data, and its own concealment fills in. Both codecs are computed in whole
numbers, so packets and sound are the same on every processor.

Concealment, measured on speech at one lost frame, as amplitude against no loss in quarters of a frame: AMR 0.92,
0.83, 0.76, 0.68, then 0.63 to 0.8 (as 3GPP TS 26.091 shows it); AMR-WB 0.51, 0.04, 0.01, 0.00, then 0.06 to 0.27 in
the next frame and 0.6 after two. This wide-band decoder (opencore-amr 0.1.6) does not keep the history of gains that
3GPP TS 26.191 conceals from: it mutes at once, and its losses are harsher than those of a telephone that follows the
example in the standard.
"""

from collections.abc import Sequence
from ctypes import c_int, c_void_p, create_string_buffer
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Circumstances, Parameters, Signal
from asrfair.condition.loss import BurstFrames, LossPercent, LostFrames, check_loss, lost_frames
from asrfair.condition.shared_library import CODECS, SharedLibrary, open_library
from asrfair.errors import CardError, expected

Samples16 = NDArray[np.int16]

FRAME_S = 0.02
# RFC 4867, section 5.3: an octet with the frame type in bits 1 to 4, then the speech bits; type 15 is NO_DATA.
NO_DATA = b"\x7c"
LARGEST_FRAME = 61


@dataclass(frozen=True)
class Codec:
    """Modes in kbit/s in the order of their numbers, the rate in Hz, the delay of coder and decoder in samples.

    The delay is the encoder's 5 ms of look-ahead (TS 26.090 and 26.190, section 5.2), for AMR-WB also 15 samples of
    its two changes of rate: measured at the maximum of the cross-correlation with speech, 39.7 and 94.8 samples.
    """

    name: str
    modes_kbps: tuple[float, ...]
    sample_rate: int
    delay: int
    encoder: SharedLibrary
    decoder: SharedLibrary
    encoder_calls: tuple[str, str, str]
    decoder_calls: tuple[str, str, str]
    dtx_at_start: bool

    @property
    def frame(self) -> int:
        """Samples in a frame."""
        return round(FRAME_S * self.sample_rate)

    def mode(self, mode_kbps: float) -> int:
        """Return a mode's number; raises CardError for one that does not exist."""
        if mode_kbps not in self.modes_kbps:
            modes = [f"{mode:g}" for mode in self.modes_kbps]
            raise CardError(expected(f"{self.name}: 'mode_kbps'", f"{mode_kbps:g}", modes))
        return self.modes_kbps.index(mode_kbps)


# The interface of opencore-amr (interf_enc.h, interf_dec.h, dec_if.h) and vo-amrwbenc (enc_if.h).
_NB_ENCODE = ("Encoder_Interface_init", "Encoder_Interface_Encode", "Encoder_Interface_exit")
_NB_DECODE = ("Decoder_Interface_init", "Decoder_Interface_Decode", "Decoder_Interface_exit")
_WB_ENCODE = ("E_IF_init", "E_IF_encode", "E_IF_exit")
_WB_DECODE = ("D_IF_init", "D_IF_decode", "D_IF_exit")
_OPENCORE_NB = SharedLibrary(
    "opencore-amrnb",
    0,
    CODECS,
    {
        "Encoder_Interface_init": (c_void_p, c_int),
        "Encoder_Interface_Encode": (c_int, c_void_p, c_int, c_void_p, c_void_p, c_int),
        "Encoder_Interface_exit": (None, c_void_p),
        "Decoder_Interface_init": (c_void_p,),
        "Decoder_Interface_Decode": (None, c_void_p, c_void_p, c_void_p, c_int),
        "Decoder_Interface_exit": (None, c_void_p),
    },
)
_OPENCORE_WB = SharedLibrary(
    "opencore-amrwb",
    0,
    CODECS,
    {
        "D_IF_init": (c_void_p,),
        "D_IF_decode": (None, c_void_p, c_void_p, c_void_p, c_int),
        "D_IF_exit": (None, c_void_p),
    },
)
_VO_WB = SharedLibrary(
    "vo-amrwbenc",
    0,
    "apt-get install libvo-amrwbenc0 (Debian, Ubuntu)",
    {
        "E_IF_init": (c_void_p,),
        "E_IF_encode": (c_int, c_void_p, c_int, c_void_p, c_void_p, c_int),
        "E_IF_exit": (None, c_void_p),
    },
)
NARROW = Codec(
    name="amr_nb",
    modes_kbps=(4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2),
    sample_rate=8000,
    delay=40,
    encoder=_OPENCORE_NB,
    decoder=_OPENCORE_NB,
    encoder_calls=_NB_ENCODE,
    decoder_calls=_NB_DECODE,
    dtx_at_start=True,
)
WIDE = Codec(
    name="amr_wb",
    modes_kbps=(6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05, 23.85),
    sample_rate=16000,
    delay=95,
    encoder=_VO_WB,
    decoder=_OPENCORE_WB,
    encoder_calls=_WB_ENCODE,
    decoder_calls=_WB_DECODE,
    dtx_at_start=False,
)


def amr_nb(
    signal: Signal,
    circumstances: Circumstances,
    *,
    mode_kbps: float,
    dtx: bool = False,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as a narrow-band mobile call does: AMR, at 8 kHz.

    ``mode_kbps`` is 4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2 or 12.2 kbit/s; with ``dtx`` pauses are sent as comfort
    noise (3GPP TS 26.092, 26.093). Lost frames are as `lost_frames` says. The delay of 5 ms is taken out. A signal
    above full scale is brought down as a whole for the coder and back up after it, never clipped before it; the
    decoder saturates at full scale, as it does in a telephone. Encoder and decoder: opencore-amr, of the standard's
    own code. Raises CardError for a mode that does not exist, or without the library.
    """
    lost = _draw(NARROW, signal, circumstances, loss_percent, burst_frames)
    return code(NARROW, signal, mode_kbps=mode_kbps, dtx=dtx, lost=lost)


def amr_wb(
    signal: Signal,
    circumstances: Circumstances,
    *,
    mode_kbps: float,
    dtx: bool = False,
    loss_percent: LossPercent = 0.0,
    burst_frames: BurstFrames = 0.0,
) -> Signal:
    """Code and decode as a wide-band mobile call ("HD voice") does: AMR-WB, at 16 kHz.

    ``mode_kbps`` is 6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05 or 23.85 kbit/s; the rest is as for
    `amr_nb`, pauses after 3GPP TS 26.192 and 26.193. The delay of 95 samples is taken out. A lost frame is muted at
    once (see above). Encoder: vo-amrwbenc, a system library; decoder: opencore-amr.
    """
    lost = _draw(WIDE, signal, circumstances, loss_percent, burst_frames)
    return code(WIDE, signal, mode_kbps=mode_kbps, dtx=dtx, lost=lost)


def amr_nb_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a mode that AMR does not have, or where its library is not installed."""
    _ready(NARROW, parameters)


def amr_wb_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a mode that AMR-WB does not have, or where its libraries are not installed."""
    _ready(WIDE, parameters)


def code(codec: Codec, signal: Signal, *, mode_kbps: float, dtx: bool, lost: LostFrames) -> Signal:
    """Return the signal, shape=(n,), through encoder and decoder; ``lost`` has one entry per frame."""
    peak = max(1.0, float(np.abs(signal).max()))
    pcm = np.zeros(len(lost) * codec.frame, np.int16)
    pcm[: len(signal)] = np.rint(signal * (32767.0 / peak))
    decoded = decode(codec, encode(codec, pcm, mode_kbps=mode_kbps, dtx=dtx), lost=lost)
    return decoded[codec.delay : codec.delay + len(signal)].astype(np.float64) * (peak / 32767.0)


def frames_needed(codec: Codec, samples: int) -> int:
    """Return the frames that it takes to get all samples out of the decoder."""
    return -(-(samples + codec.delay) // codec.frame)


def encode(codec: Codec, pcm: Samples16, *, mode_kbps: float, dtx: bool = False) -> list[bytes]:
    """Return the packets (RFC 4867, section 5.3: type octet and speech bits) of whole frames, shape=(n,)."""
    library = open_library(codec.encoder)
    begin, frame, end = (getattr(library, call) for call in codec.encoder_calls)
    mode = codec.mode(mode_kbps)
    # opencore-amr filters its input in place.
    pcm = pcm.copy()
    packets = []
    packet = create_string_buffer(LARGEST_FRAME + 3)
    # AMR is told of discontinuous transmission at the start, AMR-WB with each frame; AMR's last argument forces speech.
    state = begin(int(dtx)) if codec.dtx_at_start else begin()
    last = 0 if codec.dtx_at_start else int(dtx)
    try:
        for place in _addresses(codec, pcm):
            size = frame(state, mode, place, packet, last)
            packets.append(packet.raw[:size])
    finally:
        end(state)
    return packets


def decode(codec: Codec, packets: Sequence[bytes], *, lost: LostFrames) -> Samples16:
    """Return the decoder's sound, shape=(frames × samples per frame,)."""
    library = open_library(codec.decoder)
    begin, frame, end = (getattr(library, call) for call in codec.decoder_calls)
    pcm = np.zeros(len(packets) * codec.frame, np.int16)
    state = begin()
    try:
        for place, packet, gone in zip(_addresses(codec, pcm), packets, lost.tolist(), strict=True):
            frame(state, NO_DATA if gone else packet, place, int(gone))
    finally:
        end(state)
    return pcm


def _addresses(codec: Codec, pcm: Samples16) -> range:
    """Return where each frame starts in memory."""
    return range(pcm.ctypes.data, pcm.ctypes.data + pcm.nbytes, codec.frame * pcm.itemsize)


def _draw(
    codec: Codec, signal: Signal, circumstances: Circumstances, loss_percent: float, burst_frames: float
) -> LostFrames:
    count = frames_needed(codec, len(signal))
    return lost_frames(count, loss_percent=loss_percent, burst_frames=burst_frames, rng=circumstances.rng)


def _ready(codec: Codec, parameters: Parameters) -> None:
    codec.mode(float(str(parameters["mode_kbps"])))
    check_loss(loss_percent=float(str(parameters["loss_percent"])), burst_frames=float(str(parameters["burst_frames"])))
    for library in (codec.encoder, codec.decoder):
        try:
            open_library(library)
        except CardError as error:
            raise CardError(f"{codec.name}: {error}") from None
