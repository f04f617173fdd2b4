"""Acoustic conditions: a card and a waveform in, a degraded waveform out; `conditions` rows say what was done.

A condition is an ordered list of effects; ``clean`` is the empty one. An effect that needs other talkers or a
recording declares it (`materials_needed`); whoever calls `apply_condition` hands the waveforms over.
"""

from asrfair.condition.apply import AddedNoise, Heard, apply_condition, hear
from asrfair.condition.batches import Spoken, check_device, hear_batch
from asrfair.condition.card import (
    Condition,
    Rung,
    Step,
    check_ready,
    load_condition,
    load_conditions,
    load_rungs,
    shipped_conditions,
)
from asrfair.condition.effects import EFFECTS
from asrfair.condition.level import active_level_db
from asrfair.condition.materials import (
    Need,
    choose_recording,
    choose_talkers,
    choose_voices,
    group_talkers,
    materials_needed,
)
from asrfair.condition.recordings import Recording, list_recordings
from asrfair.condition.table import condition_rows

__all__ = [
    "EFFECTS",
    "AddedNoise",
    "Condition",
    "Heard",
    "Need",
    "Recording",
    "Rung",
    "Spoken",
    "Step",
    "active_level_db",
    "apply_condition",
    "check_device",
    "check_ready",
    "choose_recording",
    "choose_talkers",
    "choose_voices",
    "condition_rows",
    "group_talkers",
    "hear",
    "hear_batch",
    "list_recordings",
    "load_condition",
    "load_conditions",
    "load_rungs",
    "materials_needed",
    "shipped_conditions",
]
