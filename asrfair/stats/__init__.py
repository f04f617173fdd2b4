"""Statistics: counts and failures in; rates, disparities, metrics, tests, models and sensitivity out.

Counts are summed by speaker, and only here divided. By default intervals are closed-form and clustered by speaker
(`intervals`); two groups are compared by `contrasts`, the same utterances under two conditions or by two
backends by `paired`. Unknown is null: one speaker gives no interval, no reference words no rate.
"""

from asrfair.stats.adjust import parse_confirm
from asrfair.stats.analyse import MEASURES, Analysis, analyse
from asrfair.stats.calibration import calibration_rows
from asrfair.stats.hallucinations import hallucination_rows
from asrfair.stats.handicap import handicap_rows
from asrfair.stats.question import FAMILIES, FAMILY, Question
from asrfair.stats.repeats import repeat_rows
from asrfair.stats.sensitivity import sensitivity_rows

__all__ = [
    "FAMILIES",
    "FAMILY",
    "MEASURES",
    "Analysis",
    "Question",
    "analyse",
    "calibration_rows",
    "hallucination_rows",
    "handicap_rows",
    "parse_confirm",
    "repeat_rows",
    "sensitivity_rows",
]
