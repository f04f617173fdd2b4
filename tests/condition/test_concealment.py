"""Concealment after ITU-T G.711 Appendix I."""

import numpy as np
import pytest

from asrfair.condition.concealment import conceal


def voiced(seconds: float, sample_rate: int, pitch_hz: float = 125.0) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    harmonics = range(1, 12)
    return sum(0.2 / k * np.sin(2 * np.pi * k * pitch_hz * time_s + k) for k in harmonics)


def crossfade(old: list[float], new: list[float]) -> list[float]:
    count = len(new)
    return [old[i] * (1 - (i + 1) / count) + new[i] * (i + 1) / count for i in range(count)]


def best_lag(past: list[float]) -> int:
    """Section I.2.2: the lag of 40 to 120 with the largest normalised correlation of 20 ms, in steps of 2, then 1."""

    def likeness(lag: int, step: int) -> float:
        place = range(len(past) - 160, len(past), step)
        energy = sum(past[i - lag] ** 2 for i in place)
        return sum(past[i] * past[i - lag] for i in place) / max(energy, 250 / 32768**2) ** 0.5

    coarse = min(range(40, 121, 2), key=lambda lag: (-likeness(lag, 2), lag))
    near = [lag for lag in (coarse + 1, coarse, coarse - 1) if 40 <= lag <= 120]
    return max(near, key=lambda lag: likeness(lag, 1))


def streamed(signal: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """The appendix as a receiver runs it: 10 ms at a time, 30 samples late; lost per 10 ms, 8 kHz."""
    history = [0.0] * 390
    out: list[float] = []
    erased, lag, quarter, offset, periods = 0, 0, 0, 0, 1
    buffer: list[float] = []
    original: list[float] = []

    def repeat(count: int) -> list[float]:
        nonlocal offset
        sound = []
        for _ in range(count):
            sound.append(buffer[len(buffer) - periods * lag + offset])
            offset = (offset + 1) % (periods * lag)
        return sound

    def join() -> None:
        start = len(buffer) - periods * lag
        buffer[len(buffer) - quarter :] = crossfade(original, buffer[start - quarter : start])

    for number, gone in enumerate(lost):
        frame = list(signal[number * 80 : number * 80 + 80])
        if not gone and erased:
            blend = min(quarter + (erased - 1) * 32, 80)
            gain = max(0.0, 1 - (erased - 1) * 0.2)
            frame[:blend] = crossfade([gain * value for value in repeat(blend)], frame[:blend])
            erased = 0
        elif gone:
            if erased == 0:
                buffer, lag = list(history), best_lag(history)
                quarter, offset, periods = lag // 4, 0, 1
                original = buffer[len(buffer) - quarter :]
                join()
                history[390 - quarter :] = buffer[390 - quarter :]
                frame = repeat(80)
            elif erased in (1, 2):
                at = offset
                before = repeat(quarter)
                offset = at
                while offset > lag:
                    offset -= lag
                periods += 1
                join()
                frame = repeat(80)
                frame[:quarter] = crossfade(before, frame[:quarter])
            else:
                frame = repeat(80) if erased <= 5 else [0.0] * 80
            if 0 < erased <= 5:
                frame = [value * (1 - (erased - 1) * 0.2 - 0.2 * i / 80) for i, value in enumerate(frame)]
            erased += 1
        history = history[80:] + frame
        out += history[390 - 110 : 390 - 30]
    # The last 30 samples are still to come.
    return np.array(out[30:] + history[-30:])


@pytest.mark.parametrize("pitch_hz", [80.0, 125.0, 190.0])
@pytest.mark.parametrize("frames_lost", [2, 4, 8])
def test_equals_the_appendix_run_frame_by_frame(pitch_hz: float, frames_lost: int) -> None:
    signal = voiced(0.6, 8000, pitch_hz) + 0.02 * np.random.default_rng(1).standard_normal(4800)
    lost = np.zeros(60, bool)
    lost[10 : 10 + frames_lost] = lost[40:42] = True
    concealed = conceal(signal, lost, packet=80, sample_rate=8000)
    np.testing.assert_allclose(concealed, streamed(signal, lost), atol=1e-12)


@pytest.mark.parametrize("sample_rate", [8000, 16000])
def test_a_steady_voice_goes_on(sample_rate: int) -> None:
    signal = voiced(0.5, sample_rate)
    packet = sample_rate // 50
    lost = np.zeros(25, bool)
    lost[10] = True
    gap = slice(10 * packet, 11 * packet)
    concealed = conceal(np.where(np.repeat(lost, packet), 99.0, signal), lost, packet=packet, sample_rate=sample_rate)
    # 20 % of the level are gone at the end of 20 ms.
    assert np.corrcoef(concealed[gap], signal[gap])[0, 1] > 0.99
    assert np.abs(concealed[gap] - signal[gap]).max() < 0.2 * np.abs(signal).max()


def test_what_is_far_from_a_gap_stays() -> None:
    signal = voiced(1.0, 8000)
    lost = np.zeros(50, bool)
    lost[20:23] = True
    concealed = conceal(signal, lost, packet=160, sample_rate=8000)
    changed = np.flatnonzero(concealed != signal)
    assert changed[0] >= 20 * 160 - 30
    assert changed[-1] < 23 * 160 + 80


def test_long_gaps_fall_silent_after_60_ms() -> None:
    signal = voiced(1.0, 8000)
    lost = np.zeros(50, bool)
    lost[20:30] = True
    concealed = conceal(signal, lost, packet=160, sample_rate=8000)
    steps = np.abs(concealed[20 * 160 : 30 * 160].reshape(-1, 80)).max(axis=1)
    assert (steps[6:] == 0).all()
    assert (steps[:6] > 0).all()
    assert steps[5] < 0.25 * steps[0]


def test_gaps_at_the_ends_and_everywhere() -> None:
    signal = voiced(0.1, 8000)
    first = conceal(signal, np.array([True, False, False, False, False]), packet=160, sample_rate=8000)
    # Nothing is known before the start; the first good samples fade in.
    assert not first[:160].any()
    np.testing.assert_array_equal(first[240:], signal[240:])
    last = conceal(signal, np.array([False, False, False, False, True]), packet=160, sample_rate=8000)
    assert last.shape == signal.shape
    assert np.abs(last[640:]).max() > 0.1
    assert not conceal(signal, np.ones(5, bool), packet=160, sample_rate=8000).any()
    np.testing.assert_array_equal(conceal(signal, np.zeros(5, bool), packet=160, sample_rate=8000), signal)
