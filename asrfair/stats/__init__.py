"""Statistics: counts and failures in; rates, disparities and metrics out.

Counts are summed by speaker, and only here divided. Intervals are closed-form and clustered by speaker
(`intervals`); two groups are compared by `contrasts`, the same utterances under two conditions or by two
backends by `paired`. Unknown is null: one speaker gives no interval, no reference words no rate.
"""

from asrfair.stats.analyse import FAMILIES, FAMILY, MEASURES, Analysis, analyse

__all__ = ["FAMILIES", "FAMILY", "MEASURES", "Analysis", "analyse"]
