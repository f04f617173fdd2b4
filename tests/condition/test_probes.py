"""Probes: the speech is gone, its length and the level of what replaces it are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asrfair.condition import active_level_db, apply_condition, hear, load_condition, load_rungs
from asrfair.condition.level import rms_level_db
from asrfair.errors import CardError

RATE = 16_000
PROBE = 'summary = "x"\nreference = "empty"\n[[effect]]\ntype = "silence"\n'
NOISE = '[[effect]]\ntype = "white_noise"\nsnr_db = 10.0\n'
Speech = Callable[..., np.ndarray]


def card(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def heard(spec: str, samples: np.ndarray) -> np.ndarray:
    return apply_condition(load_condition(spec), samples, sample_rate=RATE, seed=1, utterance_id="u")


def test_silence_is_digital_and_as_long_as_the_speech(speech: Speech) -> None:
    samples = speech(1.7, sample_rate=RATE, seed=1)
    silence = heard("probe-silence", samples)
    assert silence.shape == samples.shape
    assert not silence.any()
    assert load_condition("probe-silence").probe
    assert not load_condition("clean").probe


def test_noise_alone_is_at_the_level_it_would_have_against_the_speech(speech: Speech, tmp_path: Path) -> None:
    samples = speech(3.0, sample_rate=RATE, seed=1)
    alone = hear(load_condition("probe-white-noise"), samples, sample_rate=RATE, seed=1, utterance_id="u")
    level_db = active_level_db(samples, sample_rate=RATE) - 10
    assert rms_level_db(alone.samples.astype(float)) == pytest.approx(level_db, abs=1e-4)
    assert alone.noises[0].measured_snr_db == pytest.approx(10, abs=1e-4)
    louder = heard("probe-white-noise", samples * 2)
    assert np.allclose(louder, 2 * alone.samples, rtol=1e-5)


def test_a_probe_of_a_chain_is_the_chain_without_the_speech(speech: Speech, tmp_path: Path) -> None:
    """Noise through a linear step: what is left when the speech's part is taken off the same chain with speech."""
    samples = speech(2.0, sample_rate=RATE, seed=1)
    rest = NOISE + '[[effect]]\ntype = "low_pass"\ncut_hz = 3000.0\n'
    gain = '[[effect]]\ntype = "gain"\ngain_db = 0.0\n'
    with_speech = heard(card(tmp_path, f'summary = "x"\n{gain}{rest}'), samples)
    alone = heard(card(tmp_path, PROBE + rest), samples)
    without_noise = heard(card(tmp_path, f'summary = "x"\n{gain}{rest.replace(NOISE, "")}'), samples)
    assert np.allclose(with_speech - without_noise, alone, atol=1e-6)


def test_the_speech_after_an_earlier_noise_is_meant(speech: Speech, tmp_path: Path) -> None:
    samples = speech(2.0, sample_rate=RATE, seed=1)
    text = f'summary = "x"\nreference = "empty"\n{NOISE}[[effect]]\ntype = "silence"\n{NOISE}'
    level_db = active_level_db(samples, sample_rate=RATE) - 10
    assert rms_level_db(heard(card(tmp_path, text), samples).astype(float)) == pytest.approx(level_db, abs=1e-4)


def test_a_nested_condition_may_follow(speech: Speech, tmp_path: Path) -> None:
    nested = '[[effect]]\ntype = "condition"\nname = "office"\n'
    assert load_condition(card(tmp_path, PROBE + nested)).probe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('summary = "x"\nreference = "empty"\n' + NOISE, 'found reference = "empty" and speech; expected the effect'),
        (
            PROBE.replace('reference = "empty"\n', ""),
            "found the effect 'silence'; expected reference = \"empty\" with it",
        ),
        (PROBE.replace("empty", "none"), "found 'none'; expected one of: corpus, empty"),
        (
            PROBE.replace("[[", '[ladder]\nparameter = "white_noise.snr_db"\nvalues = [1, 2]\n[[', 1)
            + NOISE.replace("snr_db = 10.0\n", ""),
            'found a ladder with reference = "empty"; expected a single condition',
        ),
        (
            'summary = "x"\n[[effect]]\ntype = "condition"\nname = "probe-silence"\n',
            "found the effect 'silence'; expected reference",
        ),
    ],
)
def test_faulty_probe(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CardError) as error:
        load_rungs(card(tmp_path, text))
    assert message in str(error.value)
