"""Values that stand apart from the rest: by how many robust standard deviations.

Conventions
-----------
Arrays have shape=(n,); an unknown value is NaN in and NaN out. Median and spread are of the known values.

Formula
-------
z = (x − median) / (1.4826·MAD), MAD the median of |x − median|: for normal values 1.4826·MAD is their standard
deviation, and up to half of the values can be wrong without moving it far.

References
----------
Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers (the modified z-score).
"""

import numpy as np

from asrfair.stats.arrays import Floats

FEWEST = 20
"""Known values under which nothing is called an outlier."""
NORMAL = 1.4826


def robust_z(values: Floats, *, least: float = 0.0) -> Floats:
    """Return each value's distance from the median in robust standard deviations, ``least`` at the least.

    All are NaN where fewer than `FEWEST` values are known, or where half of them are equal and ``least`` is 0: there is
    no spread to measure by.
    """
    known = values[np.isfinite(values)]
    unknown = np.full(len(values), np.nan)
    if len(known) < FEWEST:
        return unknown
    middle = float(np.median(known))
    spread = max(NORMAL * float(np.median(np.abs(known - middle))), least)
    if spread == 0:
        return unknown
    return np.where(np.isfinite(values), (values - middle) / spread, np.nan)
