"""The send side of a handset: where it is held, its response, its distortion, its own noise, its converter.

Conventions
-----------
Levels are in dB relative to full scale as in `asrfair.condition.level`: a constant 1.0 is 0 dB, a full-scale sine
−3.01 dB. Speech at the level that telephony plans for is −26 dB (ITU-T P.56 and G.191).
"""

import csv
import math
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.condition.effect import Circumstances, Linear, Parameters, Range, Signal
from asrfair.condition.gaussian import gaussian
from asrfair.condition.linear import SPREAD_S, gain_filter, impulse_response
from asrfair.condition.masks import gain_db
from asrfair.errors import CardError, InputError

Numbers = tuple[float, ...]
FrequencyHz = Annotated[Numbers, Range(1, 96000)]
GainDb = Annotated[Numbers, Range(-120, 60)]
DistanceM = Annotated[float, Range(0.005, 2)]

COLUMNS = ("frequency_hz", "gain_db")
TELEPHONE_BAND_HZ = (300.0, 3400.0)
# Over which a data sheet's A-weighted level is taken.
WEIGHTED_HZ = (20.0, 20_000.0)
# How far behind the lips the voice seems to come from.
SOURCE_M = 0.006
# Bias of the asymmetric curve, in units of the hyperbolic tangent's own scale; harmonics that are counted.
BIAS = 0.5
HARMONICS = 20


def holding_distance(circumstances: Circumstances, *, distance_m: DistanceM, reference_m: DistanceM = 0.05) -> Linear:
    """Hold the microphone ``distance_m`` from the lips instead of ``reference_m``: a gain, for the direct sound alone.

    Sound pressure falls with the distance from a point 6 mm behind the lips, chosen to give the 24 dB that hands-free
    telephony (ITU-T P.340) puts between the mouth reference point, at 25 mm, and 50 cm: it gives 24.3 dB. Rooms are
    other effects; a microphone for pressure, as telephones have, has no proximity effect.
    """
    gain = (reference_m + SOURCE_M) / (distance_m + SOURCE_M)
    return Linear(lambda size: np.full(size // 2 + 1, gain), 0.0, 0.0)


def device_response(
    circumstances: Circumstances, *, recordings: str, channel: Annotated[int, Range(0, 255)] = 0
) -> Linear:
    """Convolve with the impulse response of a microphone or a handset, its largest sample at 0 s.

    Its mean power gain from 300 to 3400 Hz is made 1, so that it shapes speech and does not set its level. Of a file
    with several channels ``channel`` is taken, counted from 0. Raises InputError for a response that is silent there.
    """
    if len(circumstances.materials) != 1:
        raise InputError(f"device_response: found {len(circumstances.materials)} responses; expected 1")
    response = circumstances.materials[0]
    size = 1 << max(len(response) - 1, circumstances.sample_rate // 10).bit_length()
    power = np.square(np.abs(np.fft.rfft(response, size)))
    frequency_hz = np.fft.rfftfreq(size, 1.0 / circumstances.sample_rate)
    band = power[(frequency_hz >= TELEPHONE_BAND_HZ[0]) & (frequency_hz <= TELEPHONE_BAND_HZ[1])]
    if not band.any():
        raise InputError(f"device_response: found a silent response in {recordings}; expected an impulse response")
    placed = response / math.sqrt(float(band.mean()))
    return impulse_response(placed, sample_rate=circumstances.sample_rate, origin=int(np.argmax(np.abs(response))))


def frequency_response(
    circumstances: Circumstances, *, frequencies_hz: FrequencyHz = (), gains_db: GainDb = (), file: str = ""
) -> Linear:
    """Filter with the gains in dB at the frequencies in Hz, without delay.

    Between two of them the gain is a straight line in dB over the logarithm of frequency; beyond the first and the
    last it stays as it is there. Instead of the two lists, ``file`` names a table (CSV or TSV) beside the card with
    the columns frequency_hz and gain_db. Raises CardError as `frequency_response_ready` does.
    """
    points = _points(frequencies_hz, gains_db, file)

    def gain(frequency_hz: Signal) -> Signal:
        return np.asarray(10.0 ** (gain_db(frequency_hz, points) / 20.0))

    # What happens at a low frequency takes long.
    spread_s = min(1.0, max(SPREAD_S, 10.0 / points[0][0]))
    return gain_filter(gain, sample_rate=circumstances.sample_rate, spread_s=spread_s)


def frequency_response_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError unless there are two frequencies or more, increasing, each with a gain, from one place alone."""
    frequencies, gains = parameters["frequencies_hz"], parameters["gains_db"]
    _points(_numbers(frequencies), _numbers(gains), str(parameters["file"]))


def distortion(
    signal: Signal,
    circumstances: Circumstances,
    *,
    total_harmonic_percent: Annotated[float, Range(0.001, 20)],
    at_level_db: Annotated[float, Range(-60, 0)] = -26.0,
    curve: Literal["symmetric", "asymmetric"] = "symmetric",
) -> Signal:
    """Bend the signal so that a sine at ``at_level_db`` has the total harmonic distortion asked for.

    The curve is a hyperbolic tangent with gain 1 for quiet sounds: no memory, saturating, its distortion growing
    with the level. ``symmetric`` gives odd harmonics, ``asymmetric`` mainly the second, as a single transistor does.
    Total harmonic distortion is the root of the summed powers of the harmonics over the amplitude of the fundamental
    (IEC 60268-3). It works at twice the working rate, so that the third harmonic does not fold back into the band;
    what lies above 0.92 of half the working rate is lost.
    """
    bias = BIAS if curve == "asymmetric" else 0.0
    return _bent(signal, _drive(total_harmonic_percent / 100.0, at_level_db, bias), bias)


def distortion_rate(parameters: Parameters, working_hz: int) -> int:
    """Return twice the working rate."""
    return 2 * working_hz


def self_noise(
    signal: Signal,
    circumstances: Circumstances,
    *,
    level_db: Annotated[float, Range(-140, -10)],
    weighting: Literal["a", "none"] = "a",
) -> Signal:
    """Add the microphone's own noise at ``level_db`` relative to full scale, whatever the level of the signal.

    Gaussian noise with equal power at all frequencies up to half the working rate. Its level is A-weighted (IEC
    61672-1, annex E) over 20 Hz to 20 kHz, as data sheets of microphones give it: the power per hertz is the same at
    all working rates, and at a low one only a part of it is heard. Or plain, over what is heard.
    """
    noise = gaussian(circumstances.rng, len(signal))
    power = _a_weighted_power(circumstances.sample_rate) if weighting == "a" else 1.0
    noisy: Signal = signal + noise * (10.0 ** (level_db / 20.0) / math.sqrt(power))
    return noisy


def bit_depth(
    signal: Signal,
    circumstances: Circumstances,
    *,
    depth_bits: Annotated[int, Range(2, 32)],
    dither: Literal["triangular", "none"] = "triangular",
) -> Signal:
    """Convert to uniform steps of 2^(1 − depth_bits) of full scale; what exceeds full scale is clipped.

    A triangular dither of two steps' width makes the error a noise of constant power, a quarter of the step's square,
    that knows nothing of the signal (Lipshitz, Wannamaker and Vanderkooy 1992); ``none`` rounds.
    """
    step = 2.0 ** (1 - depth_bits)
    scaled = signal / step
    if dither == "triangular":
        first, second = circumstances.rng.random((2, len(signal)))
        scaled = scaled + (first - second)
    quantised: Signal = np.clip(np.rint(scaled), -1.0 / step, 1.0 / step - 1.0) * step
    return quantised


def over_full_scale(before: Signal, after: Signal) -> float:
    """Return the share of samples, shape=(n,), that exceed full scale: what a converter clips."""
    return float(np.mean(np.abs(before) > 1.0))


def a_weighting_db(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the A-weighting in dB at each frequency in Hz (IEC 61672-1, annex E); −inf at 0 Hz."""
    square = np.square(frequency_hz)
    amplitude = 12194.217**2 * square**2
    amplitude /= (square + 20.598997**2) * (square + 12194.217**2)
    amplitude /= np.sqrt((square + 107.65265**2) * (square + 737.86223**2))
    with np.errstate(divide="ignore"):
        weighting: NDArray[np.float64] = 20.0 * np.log10(amplitude) + 2.0
    return weighting


@lru_cache(maxsize=16)
def _a_weighted_power(sample_rate: int) -> float:
    """Return the A-weighted power, from 20 Hz to 20 kHz, of white noise that has power 1 up to half the sample rate."""
    step_hz = 1.0
    middle_hz = np.arange(WEIGHTED_HZ[0] + step_hz / 2, WEIGHTED_HZ[1], step_hz)
    return float(np.sum(10.0 ** (a_weighting_db(middle_hz) / 10.0)) * step_hz / (sample_rate / 2))


def _bent(signal: Signal, drive: float, bias: float) -> Signal:
    resting = math.tanh(bias)
    bent: Signal = (np.tanh(drive * signal + bias) - resting) / (drive * (1.0 - resting**2))
    return bent


@lru_cache(maxsize=64)
def _drive(harmonic: float, level_db: float, bias: float) -> float:
    """Return the drive at which a sine of the level has the share of harmonics: by bisection, it grows with the drive.

    The bounds are in units of the sine's amplitude: from no distortion to speak of to nearly a square wave.
    """
    amplitude = 10.0 ** (level_db / 20.0) * math.sqrt(2.0)
    low, high = 1e-6, 1e3
    for _ in range(100):
        middle = math.sqrt(low * high)
        if _total_harmonic(middle, bias) < harmonic:
            low = middle
        else:
            high = middle
    drive: float = math.sqrt(low * high) / amplitude
    return drive


def _total_harmonic(drive: float, bias: float) -> float:
    sine = np.sin(2.0 * np.pi * np.arange(4096) / 4096)
    lines = np.abs(np.fft.rfft(_bent(sine, drive, bias)))
    return float(np.sqrt(np.sum(np.square(lines[2 : HARMONICS + 1]))) / lines[1])


def _numbers(value: object) -> Numbers:
    return tuple(value) if isinstance(value, tuple) else ()


def _points(frequencies_hz: Numbers, gains_db: Numbers, file: str) -> tuple[tuple[float, float], ...]:
    where = file or "frequency_response"
    if bool(file) == bool(frequencies_hz or gains_db):
        found = "a file and lists" if file else "neither"
        raise CardError(f"frequency_response: found {found}; expected 'file', or 'frequencies_hz' and 'gains_db'")
    if len(frequencies_hz) != len(gains_db):
        raise CardError(f"{where}: found {len(frequencies_hz)} frequencies and {len(gains_db)} gains; expected as many")
    points = _read(Path(file)) if file else tuple(zip(frequencies_hz, gains_db, strict=True))
    frequencies = [frequency for frequency, _ in points]
    if len(points) < 2 or frequencies[0] <= 0 or any(np.diff(frequencies) <= 0):
        listed = " ".join(f"{frequency:g}" for frequency in frequencies)
        raise CardError(f"{where}: found the frequencies [{listed}] Hz; expected two or more, above 0, increasing")
    return points


def _read(path: Path) -> tuple[tuple[float, float], ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"{path}: cannot be read as text; expected a table of frequency_hz and gain_db") from error
    rows = csv.DictReader(lines, delimiter="\t" if lines and "\t" in lines[0] else ",")
    header = [name.strip() for name in rows.fieldnames or ()]
    if not set(COLUMNS) <= set(header):
        raise CardError(f"{path}: found the columns {', '.join(header) or 'none'}; expected {' and '.join(COLUMNS)}")
    rows.fieldnames = header
    return tuple(_row(path, rows.line_num, row) for row in rows)


def _row(path: Path, line: int, row: dict[str, str | None]) -> tuple[float, float]:
    try:
        frequency, gain = (float(str(row[column])) for column in COLUMNS)
    except ValueError:
        frequency = gain = math.nan
    if not (math.isfinite(frequency) and -120 <= gain <= 60):
        shown = ", ".join(str(row[column]) for column in COLUMNS)
        raise CardError(f"{path}: line {line}: found {shown}; expected a frequency in Hz and a gain of -120 to 60 dB")
    return frequency, gain
