"""How parameters are named in ladders and tables, and their units."""

from collections import Counter
from collections.abc import Sequence

UNITS = {
    "_db": "dB",
    "_hz": "Hz",
    "_s": "s",
    "_m": "m",
    "_percent": "%",
    "_kbps": "kbit/s",
    "_bits": "bit",
}
"""Units by the ending of a parameter's name."""


def numbered(effects: Sequence[str]) -> list[str]:
    """Return effects' names, the second occurrence of one as ``g711[2]``."""
    seen: Counter[str] = Counter()
    names = []
    for effect in effects:
        seen[effect] += 1
        names.append(effect if seen[effect] == 1 else f"{effect}[{seen[effect]}]")
    return names


def unit_of(parameter: str) -> str | None:
    """Return the unit that a parameter's name ends in, or None for a number without one."""
    return next((unit for ending, unit in UNITS.items() if parameter.endswith(ending)), None)
