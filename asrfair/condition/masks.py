"""Standard send-side responses of telephones: what a handset does to the spectrum before anything is coded.

Conventions
-----------
Tables give the gain in dB at frequencies in Hz; between two points it is a straight line in dB over the logarithm of
frequency, which is how ITU-T draws its masks. Gains are relative to that at 1 kHz, so that a mask shapes speech and
does not set its level. Phase is zero: P.48 leaves it open, and words stay where they are.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from asrfair.condition.effect import Circumstances, Linear, Signal
from asrfair.condition.linear import gain_filter

Points = Sequence[tuple[float, float]]

# The last value of the tables of P.48: what lies beyond a table falls on to it.
FLOOR_DB = -90.0
REFERENCE_HZ = 1000.0
# The narrowest edges of the masks, 200 Hz wide at 7 kHz and 10 Hz at 50 Hz, have died away after it.
SPREAD_S = 0.2
# P.48 (1988), table 1, column "sending", in dB relative to 1 V/Pa; 3300 and 3400 Hz from the filters of G.191, for a
# straight line from 3150 to 3500 Hz leaves the tolerances of table 2.
P48_SEND: Points = (
    *((100, -45.8), (125, -36.1), (160, -25.6), (200, -19.2), (250, -14.3), (300, -11.3), (315, -10.8), (400, -8.4)),
    *((500, -6.9), (600, -6.3), (630, -6.1), (800, -4.9), (1000, -3.7), (1250, -2.3), (1600, -0.6), (2000, 0.3)),
    *((2500, 1.8), (3000, 1.5), (3150, 1.8), (3300, -0.2), (3400, -2.3), (3500, -7.3), (4000, -37.2)),
    *((5000, -52.2), (6300, -73.6), (8000, -90.0)),
)
# P.830 (1996), annex D: P.48 without the filter of 300 to 3400 Hz; above 5 kHz from the filter of G.191.
P830_MODIFIED_SEND: Points = (
    *((100, -31.7), (125, -24.7), (160, -17.2), (200, -13.3), (250, -10.3), (300, -8.5), (315, -8.3), (400, -7.0)),
    *((500, -6.3), (600, -6.0), (630, -5.9), (800, -4.9), (1000, -3.7), (1250, -2.3), (1600, -0.5), (2000, 0.1)),
    *((2500, 1.3), (3000, 2.0), (3150, 2.1), (3500, -0.3), (4000, -3.5), (5000, -9.0), (6300, -23.0), (8000, -40.0)),
)
G712: Points = (
    *((60, -26.0), (100, -15.0), (150, -6.5), (200, -3.0), (250, -0.8), (300, -0.1), (400, 0.0), (3000, 0.0)),
    *((3400, -0.3), (3580, -3.0), (3700, -8.0), (4000, -20.0), (4600, -36.0)),
)
P341_SEND: Points = (
    *((20, -24.0), (31.5, -12.2), (40, -6.7), (50, -2.7), (63, -0.3), (80, 0.0), (6800, 0.0), (7000, -3.3)),
    (7200, -60.0),
)
MASKS: dict[str, Points] = {
    "p48-send": P48_SEND,
    "p830-modified-send": P830_MODIFIED_SEND,
    "g712": G712,
    "p341-send": P341_SEND,
}


def telephone_mask(
    circumstances: Circumstances, *, standard: Literal["p48-send", "p830-modified-send", "g712", "p341-send"]
) -> Linear:
    """Filter as a telephone of the standard sends, 0 dB at 1 kHz, without delay.

    p48-send            the intermediate reference system: ITU-T P.48 (1988), table 1
    p830-modified-send  the modified one, of digital networks: ITU-T P.830 (1996), annex D; 6.3 and 8 kHz, which the
                        annex does not give, as estimated in the manual of ITU-T G.191
    g712                the filter of a PCM channel, 300 to 3400 Hz: G.712 (2001) gives limits, not a response. This one
                        is −3 dB at 200 and 3580 Hz, between the two filters of G.191 (174 and 3630, 230 and 3530
                        Hz), and at least 25 dB down from 4.6 kHz on
    p341-send           a wideband telephone, 50 to 7000 Hz: P.341 gives limits, not a response. This one is that of
                        the filter of G.191, −3 dB at 50 and 7000 Hz; the limits are those of 3GPP TS 26.131, table 13

    Beyond the ends of a table the gain falls on with the slope of its outer two points, down to −90 dB; above half
    the working rate there is nothing to filter. The tables of P.48 and P.830 are as in the manual of ITU-T G.191
    (module rate change, table of IRS responses).
    """
    points = MASKS[standard]
    at_reference = float(gain_db(np.array([REFERENCE_HZ]), points)[0])

    def gain(frequency_hz: Signal) -> Signal:
        return np.asarray(10.0 ** ((gain_db(frequency_hz, points, floor_db=FLOOR_DB) - at_reference) / 20.0))

    return gain_filter(gain, sample_rate=circumstances.sample_rate, spread_s=SPREAD_S)


def gain_db(frequency_hz: Signal, points: Points, *, floor_db: float | None = None) -> Signal:
    """Return the gain in dB at each frequency: straight lines over the logarithm of frequency between the points.

    Beyond the ends the gain stays as it is there, or, with a ``floor_db``, goes on with the slope of the outer two
    points as far as it falls, and no further than to the floor.
    """
    place = np.log([frequency for frequency, _ in points])
    value = np.array([gain for _, gain in points], dtype=np.float64)
    # 0 Hz has no logarithm; nothing is heard below a thousandth of 1 Hz.
    wanted = np.log(np.maximum(frequency_hz, 1e-3))
    result: Signal = np.interp(wanted, place, value)
    if floor_db is None:
        return result
    low = value[0] + (wanted - place[0]) * max(0.0, (value[1] - value[0]) / (place[1] - place[0]))
    high = value[-1] + (wanted - place[-1]) * min(0.0, (value[-1] - value[-2]) / (place[-1] - place[-2]))
    result = np.where(wanted < place[0], low, np.where(wanted > place[-1], high, result))
    return np.maximum(result, floor_db)
