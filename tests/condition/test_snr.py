"""Where noise and speech are added: exact SNR by either level, in place, and no SNR of silence."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from asrfair.condition import Condition, Heard, Step, hear, load_condition
from asrfair.condition.effect import Effect
from asrfair.condition.effects import EFFECTS
from asrfair.condition.level import rms_level_db
from asrfair.condition.linear import render
from asrfair.condition.snr import add_noise
from asrfair.errors import CardError, InputError

Speech = Callable[..., np.ndarray]
RATE_HZ = 16_000


def test_the_level_is_that_over_the_whole_or_over_the_active_time() -> None:
    rng = np.random.default_rng(0)
    # Half of the time nothing is said: the active level is 3 dB above the plain one, and so is the noise.
    signal = np.repeat([0.1, 0.0], 4 * RATE_HZ) * rng.standard_normal(8 * RATE_HZ)
    powers = {}
    for level in ("rms", "active"):
        noise = rng.standard_normal(len(signal))
        noisy = add_noise(signal, noise, sample_rate=RATE_HZ, snr_db=10.0, speech_level=level)
        assert noisy is noise
        powers[level] = np.mean((noisy - signal) ** 2)
    assert powers["rms"] == pytest.approx(np.mean(signal**2) / 10, rel=1e-9)
    assert 10 * np.log10(powers["active"] / powers["rms"]) == pytest.approx(3.01, abs=0.3)


@pytest.mark.parametrize("level", ["rms", "active"])
@pytest.mark.parametrize(("silent", "who"), [(0, "utterance"), (1, "noise")])
def test_silence_has_no_snr(level: str, silent: int, who: str) -> None:
    sounds = [np.ones(8000), np.ones(8000)]
    sounds[silent] = np.zeros(8000)
    with pytest.raises(InputError, match=f"silent {who}: SNR undefined"):
        add_noise(*sounds, sample_rate=RATE_HZ, snr_db=10.0, speech_level=level)


def test_every_effect_that_adds_noise_has_an_snr_and_a_level() -> None:
    for name, effect in EFFECTS.items():
        assert ("snr_db" in effect.parameters()) == ("speech_level" in effect.parameters()) == effect.adds_noise, name
    pink = EFFECTS["pink_noise"]
    assert dict(pink.check({"snr_db": 3}, where="here")) == {"snr_db": 3.0, "speech_level": "active"}
    assert list(EFFECTS["babble"].parameters()) == ["snr_db", "talkers", "speech_level"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "here: parameter 'snr_db' is missing"),
        ({"snr_db": 61}, "here: 'snr_db': found 61; expected -30 to 60"),
        ({"snr_db": 1, "speech_level": "loud"}, "here: 'speech_level'"),
        ({"snr_db": 1, "loud": 1}, "here: found unknown parameter 'loud'; expected one of: snr_db, speech_level"),
    ],
)
def test_a_card_that_asks_for_no_possible_snr(values: dict[str, object], message: str) -> None:
    def hiss(length: int, circumstances: object) -> np.ndarray:
        return np.ones(length)

    with pytest.raises(CardError, match=message):
        Effect(hiss, adds_noise=True).check(values, where="here")


def p56_db(samples: np.ndarray, sample_rate: int = RATE_HZ) -> float:
    """P.56, method B, at every sample and 0.75 dB between thresholds, by scipy's recursive filter."""
    decay = math.exp(-1 / (0.03 * sample_rate))
    envelope = np.abs(samples)
    for _ in range(2):
        envelope = lfilter([1 - decay], [1, -decay], envelope)
    thresholds = envelope.max() * 2.0 ** (-np.arange(100) / 8)
    levels_db = []
    for threshold in thresholds:
        above = np.flatnonzero(envelope >= threshold)
        active = np.minimum(np.diff(np.append(above, len(samples))), math.ceil(0.2 * sample_rate) + 1).sum()
        levels_db.append(10 * math.log10(np.sum(samples**2) / active))
    margins_db = np.array(levels_db) - 20 * np.log10(thresholds)
    return float(np.interp(15.9, margins_db, levels_db))


def of_steps(*given: tuple[str, dict[str, Any]]) -> Condition:
    steps = (Step(effect, EFFECTS[effect].check(parameters, where=effect)) for effect, parameters in given)
    return Condition("chain", "", None, tuple(steps), "")


def heard_by_step(condition: Condition, samples: np.ndarray) -> list[Heard]:
    """What is heard after none, one, two … of the steps: as the core draws noise by step, the chain's own sounds."""
    given: dict[str, Any] = {"sample_rate": RATE_HZ, "seed": 3, "utterance_id": "u"}
    response = np.exp(-np.arange(6400) / 900) * np.random.default_rng(1).standard_normal(6400)
    response[0] = 6.0
    rooms = {index: [response] for index, step in enumerate(condition.steps) if step.effect == "measured_room"}
    return [
        hear(replace(condition, steps=condition.steps[:count]), samples, materials=rooms, **given)
        for count in range(len(condition.steps) + 1)
    ]


def sound(heard: Heard) -> np.ndarray:
    return heard.samples.astype(np.float64)


PINK, WHITE = ("pink_noise", {"snr_db": 0.0}), ("white_noise", {"snr_db": 10.0})
ROOM = ("measured_room", {"recordings": "room"})


def test_a_second_noise_has_its_snr_to_the_speech_alone(speech: Speech) -> None:
    samples = speech(5.0, sample_rate=RATE_HZ, seed=2)
    *_, first, both = heard_by_step(of_steps(PINK, WHITE), samples)
    assert p56_db(samples) - rms_level_db(sound(both) - sound(first)) == pytest.approx(10, abs=0.1)
    assert [noise.measured_snr_db for noise in both.noises] == pytest.approx([0, 10], abs=0.01)


@pytest.mark.parametrize("rate_hz", [6000, 11_025])
def test_the_speech_is_carried_through_rooms_and_rates(rate_hz: int, speech: Speech) -> None:
    """Three noises: the last one's speech is what went through the room and the rate without the first two."""
    samples = speech(5.0, sample_rate=RATE_HZ, seed=2)
    lower = ("resample_through", {"rate_hz": rate_hz})
    *_, before, after = heard_by_step(of_steps(PINK, ROOM, PINK, lower, ("gain", {"gain_db": 5.0}), WHITE), samples)
    clean = sound(heard_by_step(of_steps(ROOM, lower, ("gain", {"gain_db": 5.0})), samples)[-1])
    assert p56_db(clean) - rms_level_db(sound(after) - sound(before)) == pytest.approx(10, abs=0.1)
    assert [noise.measured_snr_db for noise in after.noises] == pytest.approx([0, 0, 10], abs=0.01)


def test_after_clipping_what_comes_out_counts_as_speech(speech: Speech) -> None:
    samples = speech(5.0, sample_rate=RATE_HZ, seed=2)
    *_, before, after = heard_by_step(of_steps(PINK, ("clip", {"peak_percent": 50.0}), WHITE), samples)
    assert p56_db(sound(before)) - rms_level_db(sound(after) - sound(before)) == pytest.approx(10, abs=0.1)
    assert after.noises[-1].measured_snr_db == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("name", ["hospital-ward", "shop"])
def test_shipped_wards_and_shops_have_both_their_snrs(name: str, speech: Speech) -> None:
    card = load_condition(name)
    samples = speech(5.0, sample_rate=RATE_HZ, seed=2)
    talkers = {1: [speech(3.0, sample_rate=RATE_HZ, seed=10 + number) for number in range(4)]}
    first, both = (
        hear(
            replace(card, steps=card.steps[:count]),
            samples,
            sample_rate=RATE_HZ,
            seed=3,
            utterance_id="u",
            materials=talkers,
        )
        for count in (1, 2)
    )
    for noise, added in zip(both.noises, (sound(first) - samples, sound(both) - sound(first)), strict=True):
        assert p56_db(samples) - rms_level_db(added) == pytest.approx(noise.requested_snr_db, abs=0.2)


def test_no_speech_is_carried_where_no_noise_follows(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not need it does not pay for it: one rendering for each of the two changes of rate."""
    rendered = []

    def counted(*args: Any, **given: Any) -> np.ndarray:
        rendered.append(given["to_hz"])
        return render(*args, **given)

    monkeypatch.setattr("asrfair.condition.apply.render", counted)
    heard_by_step(of_steps(PINK, ("g711", {})), speech(0.5, sample_rate=RATE_HZ))
    assert rendered.count(8000) == 1
