"""Periodic noise: machines that hum, beep and hammer.

The conventions are those of `asrfair.condition.noise`. Harmonics at or above half the sample rate are left out, as
no recording at that rate has them.
"""

import math
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np

from asrfair.condition.effect import Circumstances, Parameters, Range, Signal
from asrfair.errors import CardError, InputError

Harmonics = Annotated[int, Range(1, 100)]
TiltDb = Annotated[float, Range(-40, 20)]

# Over which a pulse rises, and falls.
EDGE_S = 0.005
# Points per period of the highest harmonic: read off between two of them it is within −130 dB of a sine.
POINTS = 4096


def equipment_noise(
    length: int,
    circumstances: Circumstances,
    *,
    base_hz: Annotated[float, Range(10, 20000)],
    harmonics: Harmonics = 10,
    tilt_db_per_octave: TiltDb = -6.0,
    pulse_rate_hz: Annotated[float, Range(0.05, 100)] = 1.0,
    duty_percent: Annotated[float, Range(1, 100)] = 100.0,
) -> Signal:
    """Return a harmonic tone that is gated on and off: a scanner, a pump, an alarm.

    The tone has ``harmonics`` partials, the first at ``base_hz``, whose levels change by ``tilt_db_per_octave``; their
    phases are Schroeder's (1970, IEEE Trans. Inf. Theory 16(1), 85–89), for a low crest factor. Pulses begin
    ``pulse_rate_hz`` times a second, last for ``duty_percent`` of that period (100: no gating), and rise and fall
    over 5 ms. Where tone and pulses start is drawn; an utterance that would fall between two pulses starts within
    one. The level of the noise includes the time between pulses.

    The make is that of magnetic resonance imaging: gradient coils give harmonic spectra with most energy between
    50 Hz and 1 kHz, in rapid pulses (Counter et al. 1997, J. Magn. Reson. Imaging 7(3), 606–611; More et al. 2006,
    J. Magn. Reson. Imaging 23(3), 388–397). Alarms of medical equipment are pulses of 150 to 1000 Hz with at least
    four harmonics between 300 Hz and 4 kHz (IEC 60601-1-8, table 4). Raises InputError for ``base_hz`` at half the
    sample rate or above.
    """
    tone_start, pulse_start = circumstances.rng.random(2)
    noise = _tone(length, circumstances.sample_rate, base_hz, harmonics, tilt_db_per_octave, tone_start)
    if duty_percent < 100:
        noise *= _gate(length, circumstances.sample_rate, pulse_rate_hz, duty_percent / 100, pulse_start)
    return noise


def mains_hum(
    length: int,
    circumstances: Circumstances,
    *,
    mains_hz: Literal[50, 60] = 50,
    harmonics: Harmonics = 20,
    tilt_db_per_octave: TiltDb = -6.0,
) -> Signal:
    """Return the hum of the mains and its harmonics, whose levels change by ``tilt_db_per_octave``, from a drawn phase.

    The frequency is the nominal one of the grid; the tilt is that of a sawtooth unless said otherwise.
    """
    start = circumstances.rng.random()
    return _tone(length, circumstances.sample_rate, mains_hz, harmonics, tilt_db_per_octave, start)


def equipment_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a tone that the working rate cannot hold."""
    base_hz = float(str(parameters["base_hz"]))
    if base_hz >= working_hz / 2:
        raise CardError(_too_high(base_hz, working_hz))


def _too_high(base_hz: float, sample_rate: int) -> str:
    return f"equipment_noise: found base_hz = {base_hz:g}; expected less than half of {sample_rate} Hz"


def _tone(length: int, sample_rate: int, base_hz: float, harmonics: int, tilt_db: float, start: float) -> Signal:
    heard = min(harmonics, math.ceil(sample_rate / 2 / base_hz) - 1)
    if heard < 1:
        raise InputError(_too_high(base_hz, sample_rate))
    period = _period(heard, tilt_db)
    place = _places(length, base_hz / sample_rate, start) * (len(period) - 2)
    point = place.astype(np.int32)
    below = period[point]
    point += 1
    place -= point
    # Between the points: place is now negative, measured from the point above.
    above = period[point]
    above += place * (above - below)
    return above


@lru_cache(maxsize=16)
def _period(harmonics: int, tilt_db: float) -> Signal:
    """Return one period of the tone, its first point repeated at the end."""
    size = POINTS << math.ceil(math.log2(harmonics))
    number = np.arange(1, harmonics + 1)
    partials = np.zeros(size // 2 + 1, dtype=np.complex128)
    phase = -np.pi * number * (number - 1) / harmonics
    partials[1 : harmonics + 1] = 10.0 ** (tilt_db * np.log2(number) / 20.0) * np.exp(1j * phase)
    period = np.fft.irfft(partials, size) * size
    # The last point is for a fraction that is rounded up to 1.
    return np.append(period, period[:2])


def _places(length: int, step: float, start: float) -> Signal:
    """Return where in its period each sample lies, in [0, 1]: ``start`` and a ``step`` per sample."""
    places = np.arange(length, dtype=np.float64)
    places *= step
    places += start
    places -= np.floor(places)
    return places


def _gate(length: int, sample_rate: int, pulse_rate_hz: float, duty: float, start: float) -> Signal:
    """Return the factor, 0 to 1, of pulses that are on for a share ``duty`` of their period, which is never all 0."""
    gate = _pulses(length, pulse_rate_hz / sample_rate, pulse_rate_hz, duty, start)
    return gate if gate.any() else _pulses(length, pulse_rate_hz / sample_rate, pulse_rate_hz, duty, duty / 2)


def _pulses(length: int, step: float, pulse_rate_hz: float, duty: float, start: float) -> Signal:
    place = _places(length, step, start)
    edge = min(EDGE_S * pulse_rate_hz, duty / 2)
    rise = np.minimum(place, duty - place)
    rise /= edge
    np.clip(rise, 0.0, 1.0, out=rise)
    rise *= rise * (3.0 - 2.0 * rise)
    return rise
