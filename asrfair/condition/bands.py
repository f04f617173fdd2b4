"""Band limits: filters without delay, and the band limit of a lower sample rate.

A filter's gain is the squared amplitude of a Butterworth filter, as of one that is run forwards and then
backwards: −6.02 dB at the edge, falling by 12 dB per octave and order (Oppenheim and Schafer 2010, appendix B.1).
"""

import math
from collections.abc import Callable
from typing import Annotated

from asrfair.condition.effect import Circumstances, Linear, Parameters, Range, Signal
from asrfair.condition.linear import SPREAD_S, gain_filter
from asrfair.errors import CardError

BAND_PASS_ORDER = 4
# The response falls by this many nepers to either side before it is cut off: −174 dB.
FALL = 20.0


def band_pass(
    circumstances: Circumstances,
    *,
    low_hz: Annotated[float, Range(1, 96000)],
    high_hz: Annotated[float, Range(1, 96000)],
) -> Linear:
    """Keep the band from ``low_hz`` to ``high_hz``, without delay: −6.02 dB and 48 dB per octave at both edges.

    Raises CardError unless low_hz < high_hz < half the working rate.
    """
    _check_band(low_hz, high_hz, circumstances.sample_rate)
    return _filter(
        lambda frequency_hz: (
            _above(frequency_hz, low_hz, BAND_PASS_ORDER) * _below(frequency_hz, high_hz, BAND_PASS_ORDER)
        ),
        edge_hz=low_hz,
        order=BAND_PASS_ORDER,
        sample_rate=circumstances.sample_rate,
    )


def low_pass(
    circumstances: Circumstances,
    *,
    cut_hz: Annotated[float, Range(10, 96000)],
    order: Annotated[int, Range(1, 12)] = 4,
) -> Linear:
    """Keep what lies below ``cut_hz``, without delay: −6.02 dB there, then 12 × ``order`` dB per octave.

    Raises CardError unless cut_hz < half the working rate.
    """
    _check_cut("low_pass", cut_hz, circumstances.sample_rate)
    return _filter(
        lambda frequency_hz: _below(frequency_hz, cut_hz, order),
        edge_hz=cut_hz,
        order=order,
        sample_rate=circumstances.sample_rate,
    )


def high_pass(
    circumstances: Circumstances,
    *,
    cut_hz: Annotated[float, Range(10, 96000)],
    order: Annotated[int, Range(1, 12)] = 4,
) -> Linear:
    """Keep what lies above ``cut_hz``, without delay: −6.02 dB there, 12 × ``order`` dB per octave below.

    Raises CardError unless cut_hz < half the working rate.
    """
    _check_cut("high_pass", cut_hz, circumstances.sample_rate)
    return _filter(
        lambda frequency_hz: _above(frequency_hz, cut_hz, order),
        edge_hz=cut_hz,
        order=order,
        sample_rate=circumstances.sample_rate,
    )


def resample_through(
    signal: Signal, circumstances: Circumstances, *, rate_hz: Annotated[int, Range(2000, 96000)]
) -> Signal:
    """Return the signal as it is: the band limit is the change to ``rate_hz`` and back, which `EFFECTS` asks for.

    What lies below 0.92 of half of ``rate_hz`` is kept, what lies above half of it is gone, without delay.
    """
    return signal


def band_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a band that the working rate cannot carry."""
    _check_band(float(str(parameters["low_hz"])), float(str(parameters["high_hz"])), working_hz)


def low_pass_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for an edge that the working rate cannot carry."""
    _check_cut("low_pass", float(str(parameters["cut_hz"])), working_hz)


def high_pass_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for an edge that the working rate cannot carry."""
    _check_cut("high_pass", float(str(parameters["cut_hz"])), working_hz)


def lower_rate(parameters: Parameters, working_hz: int) -> int:
    """Return the rate that `resample_through` goes through."""
    return int(str(parameters["rate_hz"]))


def resample_ready(parameters: Parameters, working_hz: int) -> None:
    """Raise CardError for a rate that would limit nothing."""
    rate_hz = lower_rate(parameters, working_hz)
    if rate_hz >= working_hz:
        raise CardError(
            f"resample_through: found rate_hz {rate_hz}; expected one below {working_hz}, the working rate in Hz"
        )


def _check_band(low_hz: float, high_hz: float, sample_rate: int) -> None:
    if not low_hz < high_hz < sample_rate / 2:
        raise CardError(
            f"band_pass: found low_hz {low_hz:g}, high_hz {high_hz:g}; expected low_hz < high_hz < "
            f"{sample_rate / 2:g}, half the working rate of {sample_rate} Hz"
        )


def _check_cut(effect: str, cut_hz: float, sample_rate: int) -> None:
    if not cut_hz < sample_rate / 2:
        raise CardError(
            f"{effect}: found cut_hz {cut_hz:g}; expected one below {sample_rate / 2:g}, half the working rate of "
            f"{sample_rate} Hz"
        )


def _filter(gain: Callable[[Signal], Signal], *, edge_hz: float, order: int, sample_rate: int) -> Linear:
    # The slowest of the poles of 1 / (1 + x^2n) decays with the sine of half an nth of a right angle.
    fall_s = FALL / (2 * math.pi * edge_hz * math.sin(math.pi / (2 * order)))
    # Never less than the default: the gain's kink at half the sample rate spreads as well.
    return gain_filter(gain, sample_rate=sample_rate, spread_s=max(SPREAD_S, fall_s))


def _below(frequency_hz: Signal, edge_hz: float, order: int) -> Signal:
    gain: Signal = 1.0 / (1.0 + (frequency_hz / edge_hz) ** (2 * order))
    return gain


def _above(frequency_hz: Signal, edge_hz: float, order: int) -> Signal:
    power = (frequency_hz / edge_hz) ** (2 * order)
    gain: Signal = power / (1.0 + power)
    return gain
