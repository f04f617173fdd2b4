"""A waveform under a condition."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import Waveform
from asrfair.condition.card import Condition
from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.condition.materials import materials_needed
from asrfair.errors import InputError
from asrfair.seeds import generator


def apply_condition(
    condition: Condition,
    samples: NDArray[np.float32] | NDArray[np.float64],
    *,
    sample_rate: int,
    seed: int,
    utterance_id: str,
    materials: Mapping[int, Sequence[Waveform]] | None = None,
) -> Waveform:
    """Apply the condition's effects in order to shape=(n,) at ``sample_rate`` Hz; return a new waveform.

    ``materials`` holds, per step index of `materials_needed`, its waveforms at the same rate. The length is
    kept by all effects but time_stretch; the result may exceed full scale. What is random depends on the seed,
    the condition's name, the utterance id and the step alone. Computed in double precision. Raises InputError
    for samples that are not finite, mono or at least one, for missing materials, and as the effects do.
    """
    given = {} if materials is None else materials
    for need in materials_needed(condition):
        if need.step not in given:
            raise InputError(f"condition '{condition.name}': found no {need.kind} for step {need.step}; expected some")
    signal = _checked(samples, "samples")
    for index, step in enumerate(condition.steps):
        circumstances = Circumstances(
            sample_rate=sample_rate,
            rng=generator(seed, condition.name, utterance_id, f"{index} {step.effect}"),
            materials=[_checked(material, step.effect) for material in given.get(index, ())],
        )
        signal = EFFECTS[step.effect].function(signal, circumstances, **step.parameters)
    return signal.astype(np.float32)


def _checked(samples: NDArray[np.float32] | NDArray[np.float64], where: str) -> NDArray[np.float64]:
    signal = np.asarray(samples, dtype=np.float64)
    if signal.ndim != 1 or len(signal) == 0:
        raise InputError(f"{where}: found shape {signal.shape}; expected (n,) with at least one sample")
    if not np.isfinite(signal).all():
        raise InputError(f"{where}: found samples that are NaN or infinite; expected finite samples")
    return signal
