"""Where nobody speaks, by the activity of ITU-T P.56."""

import numpy as np
import pytest

from asrfair.condition.level import ONSET_S, SHORTEST_PAUSE_S, activity, activity_and_pauses
from asrfair.condition.measure import measure

RATE = 16_000


def recording(*, floor: float, seconds: float = 4.0) -> np.ndarray:
    """Noise of 0.1 from 1 to 2 s and from 3 to 3.5 s, over a floor."""
    rng = np.random.default_rng(1)
    samples = rng.normal(0, floor, round(seconds * RATE))
    for begin, end in ((1.0, 2.0), (3.0, 3.5)):
        part = slice(round(begin * RATE), round(end * RATE))
        samples[part] += rng.normal(0, 0.1, part.stop - part.start)
    return samples


def test_pauses_lie_within_what_is_quiet_and_hold_most_of_it() -> None:
    level_db, share, pauses = activity_and_pauses(recording(floor=0.001), sample_rate=RATE)
    assert (level_db, share) == activity(recording(floor=0.001), sample_rate=RATE)
    quiet = [(0.0, 1.0), (2.0, 3.0), (3.5, 4.0)]
    assert len(pauses) == 3
    for (begin, end), (quiet_from, quiet_to) in zip(pauses, quiet, strict=True):
        assert quiet_from <= begin < end <= quiet_to
        assert begin - quiet_from < 0.35
        assert quiet_to - end <= ONSET_S
    assert pauses[0][0] == 0.0
    assert pauses[-1][1] == 4.0


def test_digital_silence_before_the_speech_is_a_pause_too() -> None:
    samples = recording(floor=0.001)
    samples[: RATE // 2] = 0
    assert activity_and_pauses(samples, sample_rate=RATE)[2][0][0] == 0.0


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_a_gain_changes_nothing(gain: float) -> None:
    plain, louder = (activity_and_pauses(recording(floor=0.001) * by, sample_rate=RATE)[2] for by in (1.0, gain))
    assert np.allclose(louder, plain)


def test_noise_as_loud_as_speech_leaves_no_pauses() -> None:
    assert activity_and_pauses(recording(floor=0.08), sample_rate=RATE)[2] == []


def test_they_are_long_enough() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, RATE)
    samples[6_000:12_000] *= 0.001
    pauses = activity_and_pauses(samples, sample_rate=RATE)[2]
    assert all(end - begin >= SHORTEST_PAUSE_S for begin, end in pauses)
    assert activity_and_pauses(samples[:2_000], sample_rate=RATE)[2] == []


def test_they_are_measured_as_text() -> None:
    found = measure(recording(floor=0.001), sample_rate=RATE).pauses
    ends = [tuple(map(float, pause.split("-"))) for pause in (found or "").split()]
    assert np.allclose(ends, activity_and_pauses(recording(floor=0.001), sample_rate=RATE)[2], atol=6e-4)
    assert measure(np.zeros(RATE), sample_rate=RATE).pauses is None
    assert measure(recording(floor=0.08), sample_rate=RATE).pauses == ""
