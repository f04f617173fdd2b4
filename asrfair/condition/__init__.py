"""Acoustic conditions: a card and a waveform in, a degraded waveform out; `conditions` rows say what was done.

A condition is an ordered list of effects; ``clean`` is the empty one. An effect that needs other talkers or a
recording declares it (`materials_needed`); whoever calls `apply_condition` hands the waveforms over.
"""

from asrfair.condition.apply import apply_condition
from asrfair.condition.card import Condition, Step, load_condition, load_conditions, shipped_conditions
from asrfair.condition.effects import EFFECTS
from asrfair.condition.level import active_level_db
from asrfair.condition.materials import (
    Need,
    choose_recording,
    choose_talkers,
    group_talkers,
    list_recordings,
    materials_needed,
)
from asrfair.condition.table import condition_rows

__all__ = [
    "EFFECTS",
    "Condition",
    "Need",
    "Step",
    "active_level_db",
    "apply_condition",
    "choose_recording",
    "choose_talkers",
    "condition_rows",
    "group_talkers",
    "list_recordings",
    "load_condition",
    "load_conditions",
    "materials_needed",
    "shipped_conditions",
]
