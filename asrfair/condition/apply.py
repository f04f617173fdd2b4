"""A waveform under a condition, and the SNR that came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import Waveform
from asrfair.condition.card import Condition, Step
from asrfair.condition.effect import NOISE_PARAMETERS, Circumstances, Signal, SpeechLevel
from asrfair.condition.effects import EFFECTS
from asrfair.condition.level import rms_level_db
from asrfair.condition.linear import Response, render
from asrfair.condition.materials import materials_needed
from asrfair.condition.snr import add_noise, speech_level_db
from asrfair.errors import InputError
from asrfair.seeds import generator

Samples = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class AddedNoise:
    """A step that added noise: the SNR in dB that its card asks for, and the one measured on what it did."""

    effect: str
    requested_snr_db: float
    measured_snr_db: float


@dataclass(frozen=True)
class Heard:
    """A waveform under a condition, shape=(n,), and what happened on the way: noise added, what effects tell."""

    samples: Waveform
    noises: tuple[AddedNoise, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sound:
    """Samples at a rate, through responses that are still to be applied; ``length`` is at the working rate.

    ``speech`` is the same without the noise that was added, or with the speech that was taken away, where a later
    step's SNR refers to it.
    """

    samples: Signal
    sample_rate: int
    length: int
    responses: tuple[Response, ...] = ()
    speech: Signal | None = None


def apply_condition(
    condition: Condition,
    samples: Samples,
    *,
    sample_rate: int,
    seed: int,
    utterance_id: str,
    materials: Mapping[int, Sequence[Samples]] | None = None,
) -> Waveform:
    """Apply the condition's effects in order to shape=(n,) at ``sample_rate`` Hz; return a new waveform.

    ``materials`` holds, per step index of `materials_needed`, its waveforms at the same rate. The length is
    kept by all effects but time_stretch; the result may exceed full scale. What is random depends on the seed,
    the name of the condition (of a rung: of its ladder), the utterance id and the step alone. Computed in double
    precision. Raises InputError for samples that are not finite, mono or at least one, for missing materials, and
    as the effects do.
    """
    return _apply(condition, samples, sample_rate, seed, utterance_id, materials, measure=False).samples


def hear(
    condition: Condition,
    samples: Samples,
    *,
    sample_rate: int,
    seed: int,
    utterance_id: str,
    materials: Mapping[int, Sequence[Samples]] | None = None,
) -> Heard:
    """Do as `apply_condition` does, and measure the SNR of every step that adds noise; tell what effects tell."""
    return _apply(condition, samples, sample_rate, seed, utterance_id, materials, measure=True)


def _apply(
    condition: Condition,
    samples: Samples,
    sample_rate: int,
    seed: int,
    utterance_id: str,
    materials: Mapping[int, Sequence[Samples]] | None,
    *,
    measure: bool,
) -> Heard:
    given = {} if materials is None else materials
    check_materials(condition, given)
    signal = as_signal(samples, "samples")
    if not condition.steps:
        return Heard(np.array(samples, dtype=np.float32))
    sound = _Sound(signal, sample_rate, len(signal))
    last_noise = last_noise_of(condition)
    noises: list[AddedNoise] = []
    facts: dict[str, float] = {}
    for index, step in enumerate(condition.steps):
        effect = EFFECTS[step.effect]
        circumstances = circumstances_of(
            condition, index, sample_rate=sample_rate, seed=seed, utterance_id=utterance_id, materials=given
        )
        if measure and effect.describe:
            facts |= effect.describe(circumstances, **step.parameters)
        if effect.linear:
            sound = replace(sound, responses=(*sound.responses, response_of(step, circumstances)))
            continue
        rate = circumstances.sample_rate
        before = _rendered(sound, rate, sample_rate)
        speech = before
        if sound.speech is not None:
            speech = _rendered(replace(sound, samples=sound.speech), rate, sample_rate)
        after = _changed(step, before, circumstances, speech)
        if measure and effect.adds_noise:
            noises.append(_added(step, before, after, speech, rate))
        if measure and effect.clipped:
            facts |= clipped_fact(facts, effect.clipped(before, after))
        length = sound.length if len(after) == len(before) else max(1, round(len(after) * sample_rate / rate))
        # A sound that is handed back went through a change of rate alone.
        apart = effect.adds_noise or effect.removes_speech or (after is before and sound.speech is not None)
        sound = _Sound(after, rate, length, speech=speech if apart and index < last_noise else None)
    return Heard(_rendered(sound, sample_rate, sample_rate).astype(np.float32), tuple(noises), facts)


def last_noise_of(condition: Condition) -> int:
    """Return the index of the last step that adds noise; −1 where none does."""
    return max((index for index, step in enumerate(condition.steps) if EFFECTS[step.effect].adds_noise), default=-1)


def clipped_fact(facts: Mapping[str, float], share: float) -> Mapping[str, float]:
    """Return the fact that a step clipped that share of the samples; nothing where it did not, or an earlier did more.

    What comes after may hide it: a change of rate rounds flat tops.
    """
    return {"clipped_share": share} if share > facts.get("clipped_share", 0.0) else {}


def check_materials(condition: Condition, given: Mapping[int, Sequence[Samples]]) -> None:
    """Raise InputError where a step's materials are missing."""
    for need in materials_needed(condition):
        if need.step not in given:
            raise InputError(f"condition '{condition.name}': found no {need.kind} for step {need.step}; expected some")


def circumstances_of(
    condition: Condition,
    index: int,
    *,
    sample_rate: int,
    seed: int,
    utterance_id: str,
    materials: Mapping[int, Sequence[Samples]],
) -> Circumstances:
    """Return what a step is given beside the signal: its own rate, randomness spread by name, and materials."""
    step = condition.steps[index]
    own_rate = EFFECTS[step.effect].rate
    return Circumstances(
        own_rate(step.parameters, sample_rate) if own_rate else sample_rate,
        generator(seed, condition.stream, utterance_id, f"{index} {step.effect}"),
        [as_signal(material, step.effect) for material in materials.get(index, ())],
    )


def response_of(step: Step, circumstances: Circumstances) -> Response:
    """Return a linear step's response, under a key that tells equal ones."""
    linear = EFFECTS[step.effect].function(circumstances, **step.parameters)
    parts = tuple(_fingerprint(part) for part in circumstances.materials)
    return Response((step.effect, tuple(step.parameters.items()), circumstances.sample_rate, parts), linear)


def noise_of(step: Step, length: int, circumstances: Circumstances) -> Signal:
    """Return the noise alone, shape=(length,), of a step that adds some, at any level."""
    own = {name: value for name, value in step.parameters.items() if name not in NOISE_PARAMETERS}
    noise: Signal = EFFECTS[step.effect].function(length, circumstances, **own)
    return noise


def snr_of(step: Step) -> tuple[float, SpeechLevel]:
    """Return the SNR in dB that a step that adds noise asks for, and the level of the speech that it refers to."""
    level: SpeechLevel = "rms" if step.parameters.get("speech_level") == "rms" else "active"
    return float(str(step.parameters["snr_db"])), level


def _changed(step: Step, before: Signal, circumstances: Circumstances, speech: Signal) -> Signal:
    effect = EFFECTS[step.effect]
    if not effect.adds_noise:
        after: Signal = effect.function(before, circumstances, **step.parameters)
        return after
    noise = noise_of(step, len(before), circumstances)
    snr_db, speech_level = snr_of(step)
    rate = circumstances.sample_rate
    return add_noise(before, noise, sample_rate=rate, snr_db=snr_db, speech_level=speech_level, speech=speech)


def _fingerprint(material: Signal) -> tuple[int, int]:
    return len(material), hash(material.tobytes())


def _rendered(sound: _Sound, to_hz: int, working_hz: int) -> Signal:
    length = sound.length if to_hz == working_hz else max(1, round(sound.length * to_hz / working_hz))
    if not sound.responses and sound.sample_rate == to_hz and to_hz != working_hz:
        length = len(sound.samples)
    return render(
        sound.samples,
        sound.responses,
        from_hz=sound.sample_rate,
        to_hz=to_hz,
        working_hz=working_hz,
        length=length,
    )


def _added(step: Step, before: Signal, after: Signal, speech: Signal, sample_rate: int) -> AddedNoise:
    noise_db = rms_level_db(after - before)
    requested, speech_level = snr_of(step)
    speech_db = speech_level_db(speech, sample_rate=sample_rate, speech_level=speech_level)
    return AddedNoise(step.effect, requested, speech_db - noise_db)


def as_signal(samples: Samples, where: str) -> Signal:
    """Return samples in double precision; raises InputError unless finite, mono and at least one."""
    signal = np.asarray(samples, dtype=np.float64)
    if signal.ndim != 1 or len(signal) == 0:
        raise InputError(f"{where}: found shape {signal.shape}; expected (n,) with at least one sample")
    if not np.isfinite(signal).all():
        raise InputError(f"{where}: found samples that are NaN or infinite; expected finite samples")
    return signal
