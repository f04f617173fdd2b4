"""Batches by torch against the processor's path: the same sound, to a stated tolerance, whatever is in the batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from asrfair.cards import shipped
from asrfair.condition import (
    EFFECTS,
    Condition,
    Heard,
    Spoken,
    Step,
    check_device,
    check_ready,
    hear,
    hear_batch,
    load_condition,
    load_rungs,
    materials_needed,
    tensors,
)
from asrfair.condition.batches import TOLERANCE
from asrfair.errors import CardError, InputError

pytest.importorskip("torchaudio", reason="skipped: extra torch is not installed (it has a nox session of its own)")

Speech = Callable[..., np.ndarray]
CARDS = [
    name
    for name in sorted(shipped("conditions"))
    if "recordings" not in str([step.parameters for step in load_rungs(name, complete=False)[0].steps])
    and load_rungs(name, complete=False)[0].obtain is None
]
# What rounds; and what decides, so that a difference in the last place may become another coding of the same sound.
ROUNDING = {"bit_depth", "g711"}
DECIDING = {"g722", "g726", "gsm", "amr_nb", "amr_wb", "opus", "mp3"}
SECONDS = (1.3, 0.4, 2.1)


def of(condition: Condition, speech: Speech, sample_rate: int, seconds: Sequence[float] = SECONDS) -> list[Spoken]:
    materials = {
        need.step: [speech(2.0, sample_rate=sample_rate, seed=100 + count) for count in range(need.count)]
        for need in materials_needed(condition)
    }
    return [
        Spoken(f"u{seed}", speech(length, sample_rate=sample_rate, seed=seed).astype(np.float32), materials)
        for seed, length in enumerate(seconds)
    ]


def both(condition: Condition, batch: Sequence[Spoken], sample_rate: int) -> list[tuple[Heard, Heard]]:
    """Return what the processor's path hears beside what the batch does."""
    one_by_one = [
        hear(
            condition,
            one.samples,
            sample_rate=sample_rate,
            seed=2,
            utterance_id=one.utterance_id,
            materials=one.materials,
        )
        for one in batch
    ]
    together = hear_batch(condition, batch, sample_rate=sample_rate, seed=2, device="cpu")
    assert not [result for result in together if isinstance(result, InputError)]
    return [*zip(one_by_one, together, strict=True)]


def check(pairs: Sequence[tuple[Heard, Heard]], tolerance: float = TOLERANCE) -> None:
    for expected, found in pairs:
        assert found.samples.dtype == np.float32
        np.testing.assert_allclose(found.samples, expected.samples, rtol=0, atol=tolerance)
        assert found.facts == expected.facts
        assert len(found.noises) == len(expected.noises)
        for noise, other in zip(found.noises, expected.noises, strict=True):
            assert (noise.effect, noise.requested_snr_db) == (other.effect, other.requested_snr_db)
            assert noise.measured_snr_db == pytest.approx(other.measured_snr_db, abs=1e-4)
            assert noise.measured_snr_db == pytest.approx(noise.requested_snr_db, abs=0.01)


def uncoded(condition: Condition) -> Condition:
    """Return the condition up to its first coder."""
    coders = [index for index, step in enumerate(condition.steps) if step.effect in ROUNDING | DECIDING]
    return replace(condition, steps=condition.steps[: coders[0]]) if coders else condition


def ready(condition: Condition, sample_rate: int) -> Condition:
    """Skip for what an extra or a Debian library brings: its own tests tell whether it works."""
    try:
        check_ready([condition], sample_rate=sample_rate)
    except CardError as error:
        if "install" not in str(error):
            raise
        pytest.skip(f"skipped: {error}")
    return condition


@pytest.mark.parametrize("name", CARDS)
def test_every_card(name: str, speech: Speech) -> None:
    rungs = load_rungs(name)
    for condition in {rung.name: rung for rung in (rungs[0], rungs[-1])}.values():
        batch = of(ready(condition, 16_000), speech, 16_000)
        check(both(uncoded(condition), batch, 16_000))
        effects = {step.effect for step in condition.steps}
        for expected, found in both(condition, batch, 16_000) if effects & (ROUNDING | DECIDING) else ():
            assert found.samples.shape == expected.samples.shape
            loud, other = (np.sqrt(np.mean(np.square(heard.samples, dtype=np.float64))) for heard in (expected, found))
            if effects & DECIDING:
                assert 20 * np.log10(other / loud) == pytest.approx(0, abs=1)
            else:
                error = np.sqrt(np.mean(np.square(found.samples - expected.samples, dtype=np.float64)))
                assert error < 1e-3 * loud


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize(
    "name",
    [
        "pink-noise-10db",
        "crowd",
        "telephone",
        "handset-cheap",
        "snr-corpus-shaped@0",
        "reverberation@0.45",
        "fast-speech",
    ],
)
def test_other_rates(name: str, sample_rate: int, speech: Speech) -> None:
    condition = ready(load_condition(name), sample_rate)
    check(both(uncoded(condition), of(condition, speech, sample_rate), sample_rate))


@pytest.mark.parametrize("seconds", [(1.0,), (0.001, 3.0), (0.2, 0.3, 0.1, 5.0)])
def test_a_batch_of_one_and_ragged_ones(seconds: Sequence[float], speech: Speech) -> None:
    condition = uncoded(load_condition("call-from-car"))
    check(both(condition, of(condition, speech, 16_000, seconds), 16_000))
    assert hear_batch(condition, [], sample_rate=16_000, seed=2, device="cpu") == []


def room(seed: int, seconds: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    response = 0.1 * rng.standard_normal(round(16_000 * seconds)) * np.exp(-np.arange(round(16_000 * seconds)) / 1500)
    response[50 * seed] = 1.0
    return response


def of_steps(*given: tuple[str, dict[str, Any]]) -> Condition:
    steps = (Step(effect, EFFECTS[effect].check(parameters, where=effect)) for effect, parameters in given)
    return Condition("chain", "", None, tuple(steps), "")


def chain() -> Condition:
    return of_steps(
        ("white_noise", {"snr_db": 10.0, "speech_level": "rms"}),
        ("measured_room", {"recordings": "rooms"}),
        ("gain", {"gain_db": 6.0}),
        ("band_pass", {"low_hz": 300.0, "high_hz": 3400.0}),
        ("resample_through", {"rate_hz": 8000}),
        ("mains_hum", {"snr_db": 20.0}),
        ("clip", {"peak_percent": 60.0}),
    )


def in_rooms(batch: Sequence[Spoken]) -> list[Spoken]:
    return [replace(one, materials={1: [room(1 + seed, 0.2 + 0.3 * seed)]}) for seed, one in enumerate(batch)]


def test_each_utterance_has_its_own_room_and_long_ones_are_cut_in_blocks(
    speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = in_rooms(of(load_condition("clean"), speech, 16_000, (9.0, 0.5, 14.0)))
    pairs = both(chain(), batch, 16_000)
    check(pairs)
    monkeypatch.setattr(tensors, "AT_ONCE", 1)
    for (_, earlier), (_, found) in zip(pairs, both(chain(), batch, 16_000), strict=True):
        np.testing.assert_allclose(found.samples, earlier.samples, rtol=0, atol=1e-7)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_g711_is_the_same_to_the_bit_where_nothing_came_before(law: str, speech: Speech) -> None:
    """At its own rate; one utterance is far above full scale, one just reaches it, one is silent at the end."""
    condition = Condition(
        "coder", "", None, (Step("g711", {"law": law, "loss_percent": 0.0, "burst_frames": 0.0}),), ""
    )
    batch = of(condition, speech, 8_000)
    loud = [batch[0].samples * 60, batch[1].samples / np.abs(batch[1].samples).max(), batch[2].samples]
    pairs = both(condition, [replace(one, samples=samples) for one, samples in zip(batch, loud, strict=True)], 8_000)
    assert np.abs(pairs[0][0].samples).max() > 2
    for expected, found in pairs:
        np.testing.assert_array_equal(found.samples, expected.samples)


def test_what_a_coder_makes_of_silence_after_the_end_is_not_heard(speech: Speech) -> None:
    """A-law has no zero: the shorter utterances of a batch must end where they end."""
    condition = of_steps(("g711", {"law": "a"}), ("low_pass", {"cut_hz": 1000.0}))
    check(both(condition, of(condition, speech, 8_000), 8_000))


@pytest.mark.parametrize("rates_hz", [(8000, 8000), (6000, 11_025)])
def test_a_room_between_two_steps_at_lower_rates(rates_hz: tuple[int, int], speech: Speech) -> None:
    first, last = (("resample_through", {"rate_hz": rate_hz}) for rate_hz in rates_hz)
    condition = of_steps(first, ("measured_room", {"recordings": "rooms"}), last)
    check(both(condition, in_rooms(of(load_condition("clean"), speech, 16_000)), 16_000))


def test_g711_after_a_filter_is_the_same_but_for_a_few_samples(speech: Speech) -> None:
    condition = of_steps(("band_pass", {"low_hz": 300.0, "high_hz": 3400.0}), ("g711", {"law": "mu"}))
    for expected, found in both(condition, of(condition, speech, 8_000, (8.0, 3.0)), 8_000):
        assert np.mean(found.samples != expected.samples) < 0.01


def test_lost_packets_are_concealed_as_on_the_processor(speech: Speech) -> None:
    condition = Condition(
        "coder", "", None, (Step("g711", {"law": "mu", "loss_percent": 20.0, "burst_frames": 0.0}),), ""
    )
    for expected, found in both(condition, of(condition, speech, 8_000), 8_000):
        np.testing.assert_array_equal(found.samples, expected.samples)


def test_one_that_cannot_be_used_leaves_the_others_alone(speech: Speech) -> None:
    condition = load_condition("crowd")
    good = of(condition, speech, 16_000, (1.0, 0.5, 0.7, 0.9, 0.6))
    bad = {
        1: replace(good[1], samples=np.zeros(4000)),
        2: replace(good[2], samples=np.full(5, np.nan)),
        4: replace(good[4], materials={}),
    }
    batch = [bad.get(index, one) for index, one in enumerate(good)]
    results = hear_batch(condition, batch, sample_rate=16_000, seed=2, device="cpu")
    for index, (expected, found) in enumerate(zip(both(condition, good, 16_000), results, strict=True)):
        if index not in bad:
            assert isinstance(found, Heard)
            check([(expected[0], found)])
            continue
        given = {"sample_rate": 16_000, "seed": 2, "utterance_id": f"u{index}", "materials": bad[index].materials}
        with pytest.raises(InputError) as caught:
            hear(condition, bad[index].samples, **given)
        assert isinstance(found, InputError)
        assert str(found) == str(caught.value)


def test_silent_noise_is_an_error_here_too(speech: Speech) -> None:
    step = Step("recorded_noise", {"snr_db": 10.0, "recordings": "x", "classes": (), "speech_level": "active"})
    recording = np.zeros(40_000)
    recording[0] = 1e-200
    condition = Condition("c", "", None, (step,), "")
    batch = [replace(one, materials={0: [recording]}) for one in of(load_condition("clean"), speech, 16_000, (1.0,))]
    (found,) = hear_batch(condition, batch, sample_rate=16_000, seed=2, device="cpu")
    assert str(found) == "silent noise: SNR undefined"


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta"])
def test_a_device_that_is_not_there(device: str) -> None:
    check_device("cpu")
    with pytest.raises(CardError, match=f"device '{device}': found none .*; expected cuda, cuda:1 and so on, or cpu"):
        check_device(device)


def test_a_second_noise_has_its_snr_to_the_speech_alone(speech: Speech) -> None:
    """Through a room, a lower rate and a step that hands its sound back; after clipping, to what came out of it."""
    between = (
        ("measured_room", {"recordings": "rooms"}),
        ("resample_through", {"rate_hz": 8000}),
        ("time_stretch", {"rate": 1.0}),
    )
    noises = (("pink_noise", {"snr_db": 0.0}), ("white_noise", {"snr_db": 10.0}))
    batch = in_rooms(of(load_condition("clean"), speech, 16_000))
    check(both(of_steps(noises[0], *between, noises[1]), batch, 16_000))
    check(both(of_steps(noises[0], *between, ("clip", {"peak_percent": 50.0}), noises[1]), batch, 16_000))


def test_what_a_converter_clips_is_told_here_too(speech: Speech) -> None:
    condition = of_steps(
        ("gain", {"gain_db": 20.0}), ("bit_depth", {"depth_bits": 16, "dither": "none"}), ("gain", {"gain_db": -20.0})
    )
    pairs = both(condition, of(condition, speech, 16_000), 16_000)
    assert min(expected.facts["clipped_share"] for expected, _ in pairs) > 0.001
    assert [found.facts for _, found in pairs] == [expected.facts for expected, _ in pairs]
