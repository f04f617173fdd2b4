"""Where noise and speech are added: exact SNR by either level, in place, and no SNR of silence."""

import numpy as np
import pytest

from asrfair.condition.effect import Effect
from asrfair.condition.effects import EFFECTS
from asrfair.condition.snr import add_noise
from asrfair.errors import CardError, InputError

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
