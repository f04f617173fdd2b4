"""Whole conditions: the same bits whatever the order or process, and what goes in and comes out."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asrfair.condition import Condition, Step, apply_condition, load_condition, load_conditions
from asrfair.condition.level import active_level_db, rms_level_db
from asrfair.errors import InputError

Speech = Callable[..., np.ndarray]
NAMES = ["clean", "white-noise-10db", "pink-noise-10db", "babble-10db", "telephone"]
RATE_HZ = 16000

PROGRAM = """
import hashlib, json, sys
import numpy as np
from asrfair.condition import apply_condition, load_conditions
digests = {}
for condition in load_conditions(json.loads(sys.argv[1])):
    for utterance_id in json.loads(sys.argv[2]):
        samples = np.sin(np.arange(12000) ** 1.5 / 700).astype(np.float32) / 3
        materials = {0: [np.cos(np.arange(5000.0) * k).astype(np.float32) for k in range(1, 6)]}
        out = apply_condition(
            condition, samples, sample_rate=16000, seed=7, utterance_id=utterance_id, materials=materials
        )
        digests[f"{condition.name} {utterance_id}"] = hashlib.sha256(out.tobytes()).hexdigest()
print(json.dumps(digests))
"""


def digests_in_a_process(names: list[str], utterance_ids: list[str]) -> dict[str, str]:
    arguments = [sys.executable, "-c", PROGRAM, json.dumps(names), json.dumps(utterance_ids)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def digests_here(names: list[str], utterance_ids: list[str]) -> dict[str, str]:
    samples = np.sin(np.arange(12000) ** 1.5 / 700).astype(np.float32) / 3
    materials = {0: [np.cos(np.arange(5000.0) * k).astype(np.float32) for k in range(1, 6)]}
    return {
        f"{condition.name} {utterance_id}": hashlib.sha256(
            apply_condition(
                condition, samples, sample_rate=16000, seed=7, utterance_id=utterance_id, materials=materials
            ).tobytes()
        ).hexdigest()
        for condition in load_conditions(names)
        for utterance_id in utterance_ids
    }


def test_same_bits_in_any_order_and_process() -> None:
    forwards = digests_here(NAMES, ["u1", "u2", "u3"])
    assert digests_here(NAMES[::-1], ["u3", "u1", "u2"]) == forwards
    # The global state must not matter.
    np.random.seed(1)
    alone = digests_in_a_process(NAMES[::-1], ["u3", "u2"])
    assert alone == {key: forwards[key] for key in alone}
    assert len(alone) == 10
    # Random conditions differ between utterances; the others do not.
    assert len(set(forwards.values())) == 2 + 3 * 3


def test_importing_loads_nothing_heavy() -> None:
    program = "import sys, asrfair.audio, asrfair.condition; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["scipy", "scipy.signal", "librosa", "soundfile", "soxr"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def apply(condition: Condition, samples: np.ndarray, **options: object) -> np.ndarray:
    given = {"sample_rate": RATE_HZ, "seed": 1, "utterance_id": "u", **options}
    return apply_condition(condition, samples, **given)


def test_what_the_noise_depends_on(speech: Speech) -> None:
    samples = speech(0.5, sample_rate=RATE_HZ)
    white = load_condition("white-noise-10db")
    other = Condition("other", white.summary, white.source, white.steps, white.digest)
    base = apply(white, samples)
    np.testing.assert_array_equal(apply(white, samples), base)
    for changed in (apply(white, samples, seed=2), apply(white, samples, utterance_id="v"), apply(other, samples)):
        assert abs(np.corrcoef(changed - samples, base - samples)[0, 1]) < 0.05
    # Two steps of one condition draw different noise.
    twice = Condition("white-noise-10db", "", None, white.steps * 2, "")
    first, second = base - samples, apply(twice, samples) - base
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


# Computed once by this code, to hold across machines: noise of a named seed, and quantised telephone speech.
GOLDEN = {
    "white-noise-10db": [-0.13215333, -0.41775200, 0.10703360, 0.54827762],
    "pink-noise-10db": [-0.11864097, -0.34605408, 0.00306450, 0.38557109],
    "telephone": [-0.00581007, -0.06822518, 0.00940636, 0.06833223],
}


@pytest.mark.parametrize("name", GOLDEN)
def test_same_values_on_every_machine(name: str) -> None:
    samples = (0.4 * np.sin(np.arange(8000) * 0.3)).astype(np.float32)
    noisy = apply(load_condition(name), samples)
    np.testing.assert_allclose(noisy[4000:8000:1000], GOLDEN[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [*NAMES, "fast-speech"])
@pytest.mark.parametrize("samples", [1, 2, 500, 20000])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_lengths_and_types(speech: Speech, name: str, samples: int, sample_rate: int) -> None:
    signal = speech(3.0, sample_rate=sample_rate)[1000 : 1000 + samples]
    talkers = [speech(0.5, sample_rate=sample_rate, seed=seed).astype(np.float32) for seed in range(5)]
    materials = {0: talkers} if "babble" in name else {}
    given = {"sample_rate": sample_rate, "materials": materials}
    single = apply(load_condition(name), signal.astype(np.float32), **given)
    double = apply(load_condition(name), signal.astype(np.float32).astype(np.float64), **given)
    assert single.dtype == double.dtype == np.float32
    assert single.shape == (max(1, round(samples / 1.25)) if name == "fast-speech" else samples,)
    assert np.isfinite(single).all()
    np.testing.assert_array_equal(single, double)


def test_clean_is_a_copy(speech: Speech) -> None:
    samples = speech(0.1, sample_rate=RATE_HZ).astype(np.float32)
    kept = samples.copy()
    clean = apply(load_condition("clean"), samples)
    np.testing.assert_array_equal(clean, samples)
    clean[0] = 1.0
    apply(load_condition("telephone"), samples)
    np.testing.assert_array_equal(samples, kept)


def test_snr_holds_through_float32(speech: Speech) -> None:
    samples = speech(4.0, sample_rate=RATE_HZ).astype(np.float32)
    noise = apply(load_condition("pink-noise-10db"), samples).astype(np.float64) - samples
    assert active_level_db(samples, sample_rate=RATE_HZ) - rms_level_db(noise) == pytest.approx(10, abs=1e-3)


def test_steps_are_applied_in_order(speech: Speech) -> None:
    samples = speech(1.0, sample_rate=RATE_HZ)
    noise, code = Step("white_noise", {"snr_db": 10.0}), Step("g711", {"law": "mu"})
    noise_last = apply(Condition("c", "", None, (code, noise), ""), samples)
    code_last = apply(Condition("c", "", None, (noise, code), ""), samples)
    power = [np.abs(np.fft.rfft(signal)[5000:]) ** 2 for signal in (noise_last, code_last)]
    assert power[0].sum() > 1000 * power[1].sum()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0), r"samples: found shape \(0,\); expected \(n,\) with at least one sample"),
        (np.zeros((2, 5)), r"samples: found shape \(2, 5\); expected \(n,\)"),
        (np.array([0.1, np.nan]), "samples: found samples that are NaN or infinite"),
    ],
)
def test_unusable_samples(samples: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        apply(load_condition("clean"), samples)


def test_materials_that_are_missing_or_unusable(speech: Speech) -> None:
    samples = speech(0.5, sample_rate=RATE_HZ)
    babble = load_condition("babble-10db")
    with pytest.raises(InputError, match="condition 'babble-10db': found no talkers for step 0; expected some"):
        apply(babble, samples)
    with pytest.raises(InputError, match="babble: found 4 other talkers; expected 5"):
        apply(babble, samples, materials={0: [samples] * 4})
    with pytest.raises(InputError, match="babble: found shape"):
        apply(babble, samples, materials={0: [*[samples] * 4, np.zeros(0)]})


def test_real_babble(shared_data: Path) -> None:
    from asrfair.audio import read_audio

    files = sorted((shared_data / "timit_nltk_sample").glob("dr*/sa1.wav"))[:6]
    signal, *talkers = [read_audio(file, sample_rate=RATE_HZ).samples for file in files]
    noise = apply(load_condition("babble-10db"), signal, materials={0: talkers}).astype(np.float64) - signal
    assert active_level_db(signal, sample_rate=RATE_HZ) - rms_level_db(noise) == pytest.approx(10, abs=1e-3)
