"""What a policy's rules may ask of: each measure with its unit, its table of bounds and what it can be asked by."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from asrfair.errors import CardError, expected
from asrfair.report.gate.verdicts import Limit, Unit

COUNTS = ("speakers", "words", "utterances")
_LIMIT = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*(.*?)\s*")
_UNITS: Mapping[str, tuple[Unit, float]] = {
    "%": ("rate", 0.01),
    "per cent": ("rate", 0.01),
    "x": ("ratio", 1.0),
    "times": ("ratio", 1.0),
    "points": ("points", 0.01),
    "percentage points": ("points", 0.01),
    **dict.fromkeys(COUNTS, ("count", 1.0)),
}
_WRITTEN: Mapping[Unit, str] = {
    "rate": "'25 %'",
    "ratio": "'1.25 x'",
    "points": "'3 points'",
    "steps": "'2 dB'",
}


@dataclass(frozen=True)
class Measure:
    """A measure: its table of `asrfair.stats.gate`, what the limit's unit is, and in words what it is.

    ``column`` is what the table calls it. ``groups``: bounds are of ``each`` group, of the ``others`` than the
    reference group, over ``all`` groups together, or of ``none``. ``others`` says whose baseline it compares with;
    with ``regression`` that is the baseline run. ``asked`` lists what a rule may ask. ``least``: more is better, and a
    limit is a least.
    """

    table: str
    unit: Unit
    means: str
    column: str = ""
    groups: Literal["each", "others", "all", "none"] = "each"
    others: Literal["", "condition", "backend"] = ""
    asked: tuple[str, ...] = ("proved worse", "proved good")
    least: bool = False
    regression: bool = False


_TWO = (("difference", "points"), ("ratio", "ratio"))


def _pairs() -> dict[str, Measure]:
    """Return the measures that come as a difference and as a ratio."""
    found: dict[str, Measure] = {}
    for scale, unit in _TWO:
        times: Unit = "ratio" if unit == "ratio" else "points"
        found |= {
            scale: Measure("reference", times, "WER against the reference group", groups="others"),
            f"{scale}_to_overall": Measure("overall", times, "WER against that of all"),
            f"{scale}_to_rest": Measure("overall", times, "WER against that of everybody else"),
            f"interaction_{scale}": Measure(
                "condition",
                times,
                "extra cost of a condition against the reference group",
                groups="others",
                others="condition",
            ),
            f"condition_{scale}": Measure("condition", times, "cost of a condition", others="condition"),
            f"backend_{scale}": Measure("backend", times, "WER against the baseline recogniser", others="backend"),
            f"backend_interaction_{scale}": Measure(
                "backend",
                times,
                "extra change from the baseline recogniser against the reference group",
                groups="others",
                others="backend",
            ),
            f"regression_{scale}": Measure(
                "backend", times, "WER against the baseline run", f"backend_{scale}", others="backend", regression=True
            ),
            f"regression_interaction_{scale}": Measure(
                "backend",
                times,
                "extra change from the baseline run against the reference group",
                f"backend_interaction_{scale}",
                groups="others",
                others="backend",
                regression=True,
            ),
        }
    return found


MEASURES: dict[str, Measure] = {
    "wer": Measure("rates", "rate", "WER"),
    "worst_group_wer": Measure("worst", "rate", "WER of the worst group", "worst_group", groups="all"),
    "gap": Measure("many", "points", "WER from the best to the worst group", groups="all"),
    "between_group_sd": Measure("many", "points", "standard deviation of WER between groups", groups="all"),
    **_pairs(),
    "handicap": Measure("handicaps", "steps", "handicap along a ladder against the reference group", groups="others"),
    "failure_share": Measure(
        "failures", "rate", "share of failed transcriptions", asked=("proved worse", "proved good", "at most")
    ),
    "measured_misses": Measure(
        "misses",
        "rate",
        "share of utterances under a condition that miss what it says",
        groups="none",
        asked=("at most",),
    ),
    **{
        name: Measure("counts", "count", f"{name} of a group", asked=("at least",), least=True)
        for name in ("speakers", "utterances")
    },
    "words": Measure(
        "counts", "count", "reference words of a group", "reference_words", asked=("at least",), least=True
    ),
    **{
        name: Measure("metrics", "rate", name.replace("_", " "))
        for name in (
            *("character_error_rate", "match_error_rate", "word_information_lost", "mean_utterance_wer"),
            *("macro_average_wer", "median_speaker_wer"),
        )
    },
    **{
        name: Measure("metrics", "rate", name.replace("_", " "), least=True)
        for name in ("word_precision", "word_recall", "word_f1")
    },
}
"""The measures by the name that a rule gives; ``share_of_utterances_above_0.5`` and the like are there besides."""
SHARES = ("share_of_utterances_above_", "share_of_speakers_above_")


def find_measure(name: str, *, where: str) -> Measure:
    """Return a measure by name; raises CardError listing those there are."""
    if name in MEASURES:
        return MEASURES[name]
    if name.startswith(SHARES):
        return Measure("metrics", "rate", name.replace("_", " "))
    raise CardError(expected(where, f"unknown measure '{name}'", (*MEASURES, *(f"{share}0.5" for share in SHARES))))


def parse_limit(text: object, measure: Measure, name: str, *, where: str) -> Limit:
    """Return a limit from a text such as «25 %»; raises CardError where the unit is missing or not the measure's."""
    wanted = f"'10 {name}'" if measure.unit == "count" else _WRITTEN[measure.unit]
    if not isinstance(text, str):
        raise CardError(f"{where}: found {text!r} without a unit; expected a text such as {wanted}")
    match = _LIMIT.fullmatch(text)
    # «20,5 %» and «1e9 %» would be read as a 20 and a 1 of odd units.
    if match is None or any(character.isdigit() for character in match[2]):
        form = "a number (digits, with a point before decimals) and its unit"
        raise CardError(f"{where}: found '{text}'; expected {form}, such as {wanted}")
    number, unit = float(match[1]), match[2]
    if not math.isfinite(number):
        raise CardError(f"{where}: found a number of {len(match[1])} digits; expected a limit such as {wanted}")
    if not unit:
        raise CardError(f"{where}: found '{text}' without a unit; expected a unit as well, such as {wanted}")
    if measure.unit == "steps":
        return Limit(text.strip(), number, "steps", unit)
    kind, factor = _UNITS.get(unit, (None, 1.0))
    if kind != measure.unit or (kind == "count" and unit != name):
        raise CardError(f"{where}: found '{text}' for {measure.means}; expected a limit such as {wanted}")
    if kind == "ratio" and number <= 0:
        raise CardError(f"{where}: found '{text}'; expected a number above 0")
    if kind in ("rate", "count") and number < 0:
        raise CardError(f"{where}: found '{text}'; expected 0 or above")
    if kind == "count" and not number.is_integer():
        raise CardError(f"{where}: found '{text}'; expected a whole number, such as {wanted}")
    return Limit(text.strip(), number * factor, measure.unit, unit)
