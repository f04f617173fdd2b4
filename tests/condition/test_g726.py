"""G.726: FFmpeg's coder against the computations of section 4 of the standard, sample by sample."""

import numpy as np
import pytest

from asrfair.condition.av_codec import encode
from asrfair.condition.effect import Circumstances
from asrfair.condition.g726 import MODES, g726, g726_ready
from asrfair.condition.loss import lost_frames
from asrfair.condition.packets import to_16_bit
from asrfair.errors import CardError


def mirrored(*half: int) -> list[int]:
    return [*half, *half[::-1]]


# Tables 7 to 14 of the standard by bits: quantiser output, W(I) and F(I), by codeword.
TABLES = {
    2: (mirrored(116, 365), mirrored(-22, 439), mirrored(0, 7)),
    3: (mirrored(-2048, 135, 273, 373), mirrored(-4, 30, 137, 582), mirrored(0, 1, 2, 7)),
    4: (
        mirrored(-2048, 4, 135, 213, 273, 323, 373, 425),
        mirrored(-12, 18, 41, 64, 112, 198, 355, 1122),
        mirrored(0, 0, 0, 1, 1, 1, 3, 7),
    ),
    5: (
        mirrored(-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566),
        mirrored(14, 14, 24, 39, 40, 41, 58, 100, 141, 179, 219, 280, 358, 440, 529, 696),
        mirrored(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6),
    ),
}
# Quantiser decision levels, of which a codeword is the number that is exceeded.
THRESHOLDS = {
    2: (260,),
    3: (7, 217, 330),
    4: (-125, 79, 177, 245, 299, 348, 399),
    5: (-122, -16, 67, 138, 197, 249, 297, 338, 377, 412, 444, 474, 501, 527, 552),
}
Floating = tuple[bool, int, int]


def product(coefficient: int, value: Floating) -> int:
    """FMULT: a 14-bit number times sign, 4-bit exponent and 6-bit mantissa."""
    negative, exponent, mantissa = value
    magnitude = coefficient if coefficient > 0 else -coefficient & 0x1FFF
    shift = magnitude.bit_length() - 6
    scaled = 32 if magnitude == 0 else magnitude >> shift if shift >= 0 else magnitude << -shift
    exponent += shift - 13
    result = (scaled * mantissa + 48) >> 4
    result = (result << exponent) & 0x7FFF if exponent >= 0 else result >> -exponent
    return -result if (coefficient < 0) != negative else result


def floating(negative: bool, magnitude: int) -> Floating:
    """FLOATA, FLOATB."""
    if magnitude == 0:
        return negative, 0, 32
    exponent = magnitude.bit_length()
    return negative, exponent, (magnitude << 6) >> exponent


def mixed(yl: int, yu: int, ap: int, *, as_ffmpeg: bool) -> int:
    """MIX: the scale factor; FFmpeg rounds once, at the end."""
    if ap >= 256:
        return yu
    share = ap >> 2
    if as_ffmpeg:
        return (yl + (yu - (yl >> 6)) * share) >> 6
    difference = (yu - (yl >> 6)) * share
    return (yl >> 6) + (difference >> 6 if difference > 0 else -(-difference >> 6))


class Standard:
    """The state that coder and decoder of section 4.2 share; FFmpeg's two departures on request."""

    def __init__(self, bits: int, *, as_ffmpeg: bool) -> None:
        self.bits, self.as_ffmpeg = bits, as_ffmpeg
        self.yl, self.yu, self.dms, self.dml, self.ap, self.tone = 34816, 544, 0, 0, 0, False
        self.a, self.b, self.signs = [0, 0], [0] * 6, [0, 0]
        self.differences, self.sounds = [(False, 0, 32)] * 6, [(False, 0, 32)] * 2

    def predict(self) -> None:
        zeros = sum(product(value >> 2, past) for value, past in zip(self.b, self.differences, strict=True))
        poles = product(self.a[1] >> 2, self.sounds[1]) + product(self.a[0] >> 2, self.sounds[0])
        self.zeros, self.estimate = zeros >> 1, (zeros + poles) >> 1
        self.y = mixed(self.yl, self.yu, self.ap, as_ffmpeg=self.as_ffmpeg)

    def encode(self, sample: int) -> int:
        """One 16-bit sample, cut to 14 bits toward zero, to its codeword: LOG, SUBTB, QUAN."""
        self.predict()
        difference = int(sample / 4) - self.estimate
        magnitude = abs(difference)
        exponent = max(magnitude.bit_length() - 1, 0)
        level = (exponent << 7) + (((magnitude << 7) >> exponent) & 127) - (self.y >> 2)
        number = sum(level > threshold for threshold in THRESHOLDS[self.bits])
        if difference < 0 or (number == 0 and self.bits > 2):
            number = (1 << self.bits) - 1 - number
        self.update(number)
        return number

    def decode(self, codeword: int) -> int:
        self.predict()
        return min(max(self.update(codeword) << 2, -32768), 32767)

    def update(self, codeword: int) -> int:
        """Return the reconstructed signal, 14 bits, and adapt."""
        levels, scales, speeds = TABLES[self.bits]
        y, a, b = self.y, self.a, self.b
        level = levels[codeword] + (y >> 2)
        negative = codeword >= 1 << (self.bits - 1)
        magnitude = 0 if level < 0 else ((128 + (level & 127)) << 7) >> (14 - ((level >> 7) & 15))
        difference = -magnitude if negative else magnitude
        sound = self.estimate + difference
        partial = difference + self.zeros
        sign = int(partial < 0)
        yl = self.yl
        limit = 31 << 10 if yl >> 15 > 9 else (32 + ((yl >> 10) & 31)) << (yl >> 15)
        transition = self.tone and magnitude > (limit + (limit >> 1)) >> 1
        self.yu = min(max(y + (((scales[codeword] << 5) - y) >> 5), 544), 5120)
        self.yl += self.yu + (-yl >> 6)
        if transition:
            self.a, self.b = [0, 0], [0] * 6
        else:
            a1 = a[1] - (a[1] >> 7)
            if partial:
                turned = a[0] if sign ^ self.signs[0] else -a[0]
                a1 += -256 if turned < -8191 else 255 if turned > 8191 else turned >> 5
                a1 += -128 if sign ^ self.signs[1] else 128
            a1 = min(max(a1, -12288), 12288)
            a0 = a[0] - (a[0] >> 8)
            if partial:
                a0 += -192 if sign ^ self.signs[0] else 192
            self.a = [min(max(a0, a1 - 15360), 15360 - a1), a1]
            leak = 9 if self.bits == 5 and not self.as_ffmpeg else 8
            for tap in range(6):
                b[tap] -= b[tap] >> leak
                if magnitude:
                    b[tap] += 128 if self.differences[tap][0] == negative else -128
        self.differences = [floating(negative, magnitude), *self.differences[:5]]
        self.sounds = [floating(sound < 0, abs(sound)), self.sounds[0]]
        self.signs = [sign, self.signs[0]]
        self.tone = not transition and self.a[1] < -11776
        speed = speeds[codeword] << 9
        self.dms += (speed - self.dms) >> 5
        self.dml += ((speed << 2) - self.dml) >> 7
        if transition:
            self.ap = 256
        else:
            fast = y < 1536 or self.tone or abs((self.dms << 2) - self.dml) >= self.dml >> 3
            self.ap += ((0x200 if fast else 0) - self.ap) >> 4
        return sound


def round_trip(samples: np.ndarray, bits: int, *, as_ffmpeg: bool) -> tuple[list[int], np.ndarray]:
    coder, decoder = (Standard(bits, as_ffmpeg=as_ffmpeg) for _ in range(2))
    codewords = [coder.encode(sample) for sample in samples.tolist()]
    return codewords, np.array([decoder.decode(codeword) for codeword in codewords])


def voice(samples: int) -> np.ndarray:
    """Coloured noise in syllables."""
    noise = np.convolve(np.random.default_rng(1).standard_normal(samples), np.hanning(10) / 2, "same")
    return 0.05 * noise * (0.05 + np.abs(np.sin(2 * np.pi * 2 * np.arange(samples) / 8000)))


def codewords_of(signal: np.ndarray, bitrate_kbps: int) -> np.ndarray:
    bits = MODES[bitrate_kbps]
    stream = b"".join(encode("g726", to_16_bit(signal)[0], sample_rate=8000, bitrate_kbps=bitrate_kbps))
    digits = np.unpackbits(np.frombuffer(stream, np.uint8)).reshape(-1, bits)
    return digits.astype(int) @ (1 << np.arange(bits)[::-1])


@pytest.mark.parametrize("bitrate_kbps", [16, 24, 32, 40])
def test_against_the_standard_sample_by_sample(bitrate_kbps: int) -> None:
    signal, bits = voice(8000), MODES[bitrate_kbps]
    samples = to_16_bit(signal)[0]
    heard = g726(signal, Circumstances(8000, np.random.default_rng(0)), bitrate_kbps=bitrate_kbps) * 32768
    codewords, sound = round_trip(samples, bits, as_ffmpeg=True)
    assert codewords_of(signal, bitrate_kbps).tolist() == codewords
    np.testing.assert_array_equal(heard, sound)
    _, standard = round_trip(samples, bits, as_ffmpeg=False)
    noise_db = [10 * np.log10(np.mean((sound - samples) ** 2)) for sound in (heard, standard)]
    assert abs(noise_db[0] - noise_db[1]) < 1


def test_decoder_state_stays_over_a_gap() -> None:
    signal = voice(16000)
    whole = g726(signal, Circumstances(8000, np.random.default_rng(0)))
    lossy = g726(signal, Circumstances(8000, np.random.default_rng(3)), loss_percent=2.0)
    error = np.abs(lossy - whole).reshape(-1, 160).max(axis=1)
    # Packets before the first loss are as ever; the decoder is never quite the encoder's equal after it.
    first = int(np.argmax(error > 0))
    assert first > 0
    assert 0 < np.median(error[first:]) < 0.05
    assert np.abs(lossy).max() < 1


def test_full_scale_does_not_wrap() -> None:
    # FFmpeg's decoder turns 32800 into -32736: square waves and clipped noise go there.
    time_s = np.arange(8000) / 8000
    for signal in (np.sign(np.sin(2 * np.pi * 200 * time_s)), np.clip(voice(8000) * 50, -1, 1)):
        for rate in MODES:
            heard = g726(signal, Circumstances(8000, np.random.default_rng(0)), bitrate_kbps=rate)
            assert np.abs(heard).max() <= 1
            # Nothing of the other sign where the signal is strong.
            strong = np.abs(np.convolve(signal, np.ones(9) / 9, "same")) > 0.95
            assert strong.sum() > 100
            assert (heard[strong] * signal[strong] > 0).mean() > 0.99


def test_a_lossy_stream_is_heard_as_the_standard_s_decoder_hears_it() -> None:
    signal = voice(16000)
    signal *= 0.25 / np.abs(signal).max()
    parameters = {"loss_percent": 5.0, "burst_frames": 0.0}
    heard = g726(signal, Circumstances(8000, np.random.default_rng(3)), **parameters) * 32768
    lost = lost_frames(100, rng=np.random.default_rng(3), **parameters)
    codewords = codewords_of(signal, 32).reshape(100, 160)[~lost].ravel()
    decoder = Standard(4, as_ffmpeg=True)
    sound = np.zeros((100, 160))
    sound[~lost] = np.array([decoder.decode(codeword) for codeword in codewords.tolist()]).reshape(-1, 160)
    middle = slice(80, 130)
    np.testing.assert_array_equal(heard.reshape(100, 160)[~lost, middle], sound[~lost, middle])
    assert lost.sum() > 2


def test_modes_that_do_not_exist() -> None:
    with pytest.raises(CardError, match="g726: 'bitrate_kbps': found 20; expected one of: 16, 24, 32, 40"):
        g726_ready({"bitrate_kbps": 20, "loss_percent": 0.0, "burst_frames": 0.0}, 8000)
