"""Clipping on the way: told of the sound at the step that clips, whatever hides it later."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from asrfair.condition import EFFECTS, Condition, Step, hear
from asrfair.run.measured import heard_row

Speech = Callable[..., np.ndarray]
RATE_HZ = 16_000
CONVERTER = ("bit_depth", {"depth_bits": 16, "dither": "none"})
LOWER = ("resample_through", {"rate_hz": 8000})
ROW = {"utterance_id": "u", "speaker_id": "s"}


def row(*given: tuple[str, dict[str, Any]], samples: np.ndarray, sample_rate: int = RATE_HZ) -> dict[str, Any]:
    steps = (Step(effect, EFFECTS[effect].check(parameters, where=effect)) for effect, parameters in given)
    condition = Condition("chain", "", None, tuple(steps), "")
    heard = hear(condition, samples, sample_rate=sample_rate, seed=0, utterance_id="u")
    return heard_row(ROW, condition, heard, sample_rate=sample_rate, clipped_before=0.0)


@pytest.mark.parametrize("hidden_by", [[LOWER], [("gsm", {})], [("self_noise", {"level_db": -60.0})], []])
def test_what_a_converter_clips_is_not_hidden_by_what_comes_after(
    hidden_by: list[tuple[str, dict[str, Any]]], speech: Speech
) -> None:
    samples = 20 * speech(3.0, sample_rate=RATE_HZ)
    share = np.mean(np.abs(samples) > 1)
    assert 0.02 < share < 0.5
    found = row(CONVERTER, *hidden_by, samples=samples)
    assert found["clipped_share"] == pytest.approx(share, abs=0.05 * share)
    assert found["note"] == "clipped"


def test_the_largest_share_counts(speech: Speech) -> None:
    samples = 20 * speech(3.0, sample_rate=RATE_HZ)
    louder = ("gain", {"gain_db": 20.0})
    quieter = ("gain", {"gain_db": -20.0})
    most = np.mean(np.abs(samples) > 0.1)
    for steps in ((louder, CONVERTER, quieter, CONVERTER), (quieter, CONVERTER, louder, louder, CONVERTER)):
        assert row(*steps, LOWER, samples=samples)["clipped_share"] == pytest.approx(most, abs=0.01)


def test_nothing_is_told_of_what_stays_below_full_scale(speech: Speech) -> None:
    samples = speech(3.0, sample_rate=RATE_HZ)
    samples *= 0.999 / np.abs(samples).max()
    for steps in ([CONVERTER, LOWER], [("gsm", {})], [("self_noise", {"level_db": -60.0}), CONVERTER]):
        found = row(*steps, samples=0.9 * samples)
        assert found["clipped_share"] == 0.0
        assert found["note"] is None


@pytest.mark.parametrize(
    ("effect", "parameters", "share"), [("gsm", {}, 0.045), ("amr_nb", {"mode_kbps": 4.75}, 0.001)]
)
def test_decoders_that_saturate_say_so(effect: str, parameters: dict[str, Any], share: float) -> None:
    """A square wave at full scale: what overshoots, the decoder clips, and the change of rate rounds it.

    GSM's does so at both ends, in 5.4 % of the samples; at one end alone it would be half of them.
    """
    if effect == "amr_nb":
        pytest.importorskip("av")
    square = 3.0 * np.sign(np.sin(2 * np.pi * 150 * np.arange(2 * RATE_HZ) / RATE_HZ))
    found = row((effect, parameters), samples=square)
    assert found["clipped_share"] > share
    assert found["note"] == "clipped"
