"""Conditions on batches of utterances by torch and torchaudio, on a GPU where there is one (extra ``torch``).

The same cards, random numbers, frequency responses and tables as in `asrfair.condition.apply`: noise is drawn on the
processor and added on the device (torchaudio's ``add_noise``); linear effects and changes of rate are overlap-save
convolution of all utterances at once; clipping and G.711 without loss are done there too. What has no form here (other
codecs, concealment, gain control, dither, tempo) is done by its own function, utterance by utterance.

Samples differ from the processor's by up to `TOLERANCE`: here transforms are in double precision, there in single.
What is rounded after that may land a step away; a coder with a memory (G.722, G.726, GSM, AMR, Opus, MP3) may from
there on code the same sound differently. By as little, a result depends on the device and on what else is in the batch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from asrfair.condition.apply import (
    AddedNoise,
    Heard,
    Samples,
    as_signal,
    check_materials,
    circumstances_of,
    clipped_fact,
    last_noise_of,
    noise_of,
    response_of,
    snr_of,
)
from asrfair.condition.card import Condition, Step
from asrfair.condition.effect import Circumstances
from asrfair.condition.effects import EFFECTS
from asrfair.condition.g711 import Law, decoding_table
from asrfair.condition.level import rms_level_db
from asrfair.condition.linear import Response
from asrfair.condition.snr import amplitude, noise_level_db, speech_level_db
from asrfair.condition.tensors import masked, render_rows, stacked
from asrfair.errors import CardError, InputError

TOLERANCE = 2e-6
"""The largest difference from the processor's samples before a coder, of full scale or of a louder sound on the way."""


@dataclass(frozen=True)
class Spoken:
    """An utterance at the working rate, shape=(n,), and its materials by step, as `apply_condition` takes them."""

    utterance_id: str
    samples: Samples
    materials: Mapping[int, Sequence[Samples]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sounds:
    """A tensor of shape=(utterances, longest) at a rate, zero after each one's end, float64.

    ``responses`` are still to be applied, a row of them per utterance; ``lengths`` are at the working rate. ``speech``
    is the same without the noise that was added, where a later step's SNR refers to it.
    """

    samples: Any
    sample_rate: int
    working_hz: int
    lengths: tuple[int, ...]
    responses: tuple[tuple[Response, ...], ...]
    speech: Any = None

    @property
    def counts(self) -> list[int]:
        """The samples of each utterance at the tensor's own rate."""
        return [max(1, round(length * self.sample_rate / self.working_hz)) for length in self.lengths]


def check_device(device: str) -> None:
    """Raise CardError unless torch and torchaudio are here and torch has the device: ``cuda``, ``cuda:1``, ``cpu``."""
    try:
        import torch
        import torchaudio  # noqa: F401
    except (ImportError, OSError) as error:
        raise CardError(f"device '{device}': found {error}; expected torch: pip install 'asrfair[torch]'") from None
    try:
        torch.zeros(1, dtype=torch.float64, device=device).cpu()
    except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CardError(f"device '{device}': found none ({reason}); expected cuda, cuda:1 and so on, or cpu") from None


def hear_batch(
    condition: Condition, batch: Sequence[Spoken], *, sample_rate: int, seed: int, device: str
) -> list[Heard | InputError]:
    """Do for each utterance what `hear` does, and return theirs in order; one that cannot be used is its InputError.

    ``device`` is torch's name for it, and has been checked by `check_device`.
    """
    if not batch:
        return []
    try:
        return list[Heard | InputError](_hear(condition, batch, sample_rate, seed, device))
    except InputError as error:
        if len(batch) == 1:
            # Without its frames, which hold on to tensors.
            return [error.with_traceback(None)]
    # One of them fails: the halves find out which, and the others go on together.
    again = partial(hear_batch, condition, sample_rate=sample_rate, seed=seed, device=device)
    half = len(batch) // 2
    return [*again(batch[:half]), *again(batch[half:])]


def _hear(condition: Condition, batch: Sequence[Spoken], sample_rate: int, seed: int, device: str) -> list[Heard]:
    import torch

    for spoken in batch:
        check_materials(condition, spoken.materials)
    signals = [as_signal(spoken.samples, "samples") for spoken in batch]
    lengths = tuple(map(len, signals))
    sounds = _Sounds(stacked(signals, device), sample_rate, sample_rate, lengths, ((),) * len(batch))
    given = partial(circumstances_of, condition, sample_rate=sample_rate, seed=seed)
    noises: list[tuple[AddedNoise, ...]] = [()] * len(batch)
    facts: list[dict[str, float]] = [{} for _ in batch]
    last_noise = last_noise_of(condition)
    for index, step in enumerate(condition.steps):
        own = [given(index, utterance_id=spoken.utterance_id, materials=spoken.materials) for spoken in batch]
        for known, one in zip(facts, own, strict=True):
            known |= _described(step, one)
        sounds, added = _through(sounds, step, own, facts)
        if index >= last_noise:
            sounds = replace(sounds, speech=None)
        noises = [(*earlier, noise) for earlier, noise in zip(noises, added, strict=True)] if added else noises
    rows = _rendered(sounds, sample_rate).samples.to(torch.float32).cpu().numpy()
    done = [row[:length].copy() for row, length in zip(rows, sounds.lengths, strict=True)]
    return [*map(Heard, done, noises, facts)]


def _described(step: Step, circumstances: Circumstances) -> Mapping[str, float]:
    describe = EFFECTS[step.effect].describe
    return describe(circumstances, **step.parameters) if describe else {}


def _through(
    sounds: _Sounds, step: Step, own: Sequence[Circumstances], facts: Sequence[dict[str, float]]
) -> tuple[_Sounds, list[AddedNoise]]:
    """Return the sounds through a step, and the noise that it added to each, if any; add what it clipped to facts."""
    if EFFECTS[step.effect].linear:
        added = [response_of(step, one) for one in own]
        rows = tuple((*row, response) for row, response in zip(sounds.responses, added, strict=True))
        return replace(sounds, responses=rows), []
    sounds = _rendered(sounds, own[0].sample_rate)
    if EFFECTS[step.effect].adds_noise:
        return _with_noise(sounds, step, own)
    on_device = ON_DEVICE[step.effect](sounds.samples, **step.parameters) if step.effect in ON_DEVICE else None
    if on_device is sounds.samples:
        # A change of rate alone.
        return sounds, []
    if EFFECTS[step.effect].removes_speech:
        speech = sounds.samples if sounds.speech is None else sounds.speech
        return replace(sounds, samples=sounds.samples * 0.0, speech=speech), []
    if on_device is not None:
        return replace(sounds, samples=masked(on_device, sounds.counts), speech=None), []
    return _one_by_one(sounds, step, own, facts), []


def _one_by_one(
    sounds: _Sounds, step: Step, own: Sequence[Circumstances], facts: Sequence[dict[str, float]]
) -> _Sounds:
    function, clipped, counts = EFFECTS[step.effect].function, EFFECTS[step.effect].clipped, sounds.counts
    signals = [row[:count].numpy() for row, count in zip(sounds.samples.cpu(), counts, strict=True)]
    done = [function(signal, one, **step.parameters) for signal, one in zip(signals, own, strict=True)]
    if clipped:
        for known, before, after in zip(facts, signals, done, strict=True):
            known |= clipped_fact(known, clipped(before, after))
    lengths = tuple(
        length if len(row) == count else max(1, round(len(row) * sounds.working_hz / sounds.sample_rate))
        for length, row, count in zip(sounds.lengths, done, counts, strict=True)
    )
    # A step that hands its sound back leaves the speech in it as it was.
    same = all(after is before for before, after in zip(signals, done, strict=True))
    rows = stacked(done, sounds.samples.device)
    return replace(sounds, samples=rows, lengths=lengths, speech=sounds.speech if same else None)


def _with_noise(sounds: _Sounds, step: Step, own: Sequence[Circumstances]) -> tuple[_Sounds, list[AddedNoise]]:
    """Add each utterance's noise; torchaudio's SNR is of plain levels, so an active level's lead is taken off."""
    import torch
    from torchaudio.functional import add_noise

    asked_db, speech_level = snr_of(step)
    noises, speech_db, plain_db = [], [], []
    speech = sounds.samples if sounds.speech is None else sounds.speech
    for row, spoken, count, one in zip(sounds.samples.cpu(), speech.cpu(), sounds.counts, own, strict=True):
        noises.append(noise_of(step, count, one))
        spoken_db = speech_level_db(spoken[:count].numpy(), sample_rate=one.sample_rate, speech_level=speech_level)
        speech_db.append(spoken_db)
        plain_db.append(rms_level_db(row[:count].numpy()))
        noise_level_db(noises[-1])
    before, device = sounds.samples, sounds.samples.device
    counts = torch.tensor(sounds.counts, device=device)
    # Digital silence has no level to start from: its noise is the whole of it, at the level against the speech.
    alone = [low == -math.inf for low in plain_db]
    ratios_db = [
        0.0 if silent else asked_db - high + low for high, low, silent in zip(speech_db, plain_db, alone, strict=True)
    ]
    after = add_noise(before, stacked(noises, device), torch.tensor(ratios_db).to(before), counts)
    for place in [place for place, silent in enumerate(alone) if silent]:
        factor = amplitude(speech_db[place] - asked_db - noise_level_db(noises[place]))
        after[place] = stacked(noises, device)[place] * factor
    noise_db = (10 * torch.log10((after - before).square().sum(dim=1) / counts)).tolist()
    added = [AddedNoise(step.effect, asked_db, high - low) for high, low in zip(speech_db, noise_db, strict=True)]
    return replace(sounds, samples=after, speech=speech), added


def _rendered(sounds: _Sounds, to_hz: int) -> _Sounds:
    if not any(sounds.responses) and sounds.sample_rate == to_hz:
        return sounds
    rendered = replace(sounds, sample_rate=to_hz, responses=((),) * len(sounds.lengths))

    def heard(samples: Any) -> Any:
        return render_rows(
            samples,
            sounds.counts,
            sounds.responses,
            from_hz=sounds.sample_rate,
            to_hz=to_hz,
            working_hz=sounds.working_hz,
            lengths=rendered.counts,
        )

    speech = None if sounds.speech is None else heard(sounds.speech)
    return replace(rendered, samples=heard(sounds.samples), speech=speech)


def _clip(samples: Any, *, peak_percent: float) -> Any:
    limits = samples.abs().amax(dim=1, keepdim=True) * (peak_percent / 100)
    return samples.clamp(-limits, limits)


def _g711(samples: Any, *, law: Law, loss_percent: float = 0.0, burst_frames: float = 0.0) -> Any:
    """Do what `asrfair.condition.g711.g711` does; None where packets are lost."""
    if loss_percent:
        return None
    import torch

    peaks = samples.abs().amax(dim=1, keepdim=True).clamp(min=1.0)
    sent = (samples * (32768.0 / peaks)).round().clamp(max=32767.0).to(torch.int64)
    return torch.from_numpy(decoding_table(law)).to(samples.device)[sent & 0xFFFF] * peaks


ON_DEVICE: Mapping[str, Callable[..., Any]] = {
    "clip": _clip,
    "g711": _g711,
    "resample_through": lambda samples, rate_hz: samples,
}
"""Effects that are neither linear nor noise, on tensors; what returns None is done by the effect's own function."""
