"""Rooms: words stay in place, levels are kept as stated, and what is silent is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from asrfair.audio import read_audio
from asrfair.condition import apply_condition, hear, load_condition, load_rungs
from asrfair.condition.card import Condition, check_ready
from asrfair.condition.noise import BYRNE_1994_DB
from asrfair.condition.room import prepare, speech_gain
from asrfair.errors import CardError, InputError

SIMULATED = """summary = "s"
source = "s"
[[effect]]
type = "simulated_room"
length_m = 5
width_m = 4
height_m = 2.6
rt60_s = 0.4
distance_m = 1.5
"""


def measured(folder: Path, rows: str = "") -> Condition:
    path = folder / "card.toml"
    path.write_text(
        f'summary = "s"\nsource = "s"\n[[effect]]\ntype = "measured_room"\nrecordings = "rooms"\n{rows}\n',
        encoding="utf-8",
    )
    return load_condition(str(path))


def simulated(folder: Path, old: str = "", new: str = "") -> Condition:
    path = folder / "card.toml"
    path.write_text(SIMULATED.replace(old, new), encoding="utf-8")
    return load_condition(str(path))


def applied(condition: Condition, signal: np.ndarray, response: np.ndarray | None, sample_rate: int) -> np.ndarray:
    materials = {} if response is None else {0: [response]}
    return apply_condition(
        condition, signal, sample_rate=sample_rate, seed=1, utterance_id="u", materials=materials
    ).astype(np.float64)


def room_response(sample_rate: int, *, delay_s: float = 0.02, seed: int = 0) -> np.ndarray:
    """A direct path, then reflections louder than it, then a decay of 0.3 s."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(0.5 * sample_rate)) / sample_rate
    response = 0.05 * rng.standard_normal(len(time_s)) * 10 ** (-3 * (time_s - delay_s) / 0.3) * (time_s > delay_s)
    direct = round(delay_s * sample_rate)
    response[direct], response[direct + round(0.008 * sample_rate)] = 0.5, -0.7
    return response


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rooms").mkdir()
    soundfile.write(tmp_path / "rooms" / "room.wav", room_response(16000), 16000)
    return tmp_path


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("delay_s", [0.0, 0.003, 0.1])
def test_a_click_stays_where_it_was(folder: Path, sample_rate: int, delay_s: float) -> None:
    click = np.zeros(sample_rate)
    place = sample_rate // 3
    click[place] = 1.0
    heard = applied(measured(folder), click, room_response(sample_rate, delay_s=delay_s), sample_rate)
    first = int(np.argmax(np.abs(heard) > np.abs(heard).max() / 4))
    assert abs(first - place) <= 1


def test_as_scipy_convolves(folder: Path) -> None:
    signal = np.random.default_rng(1).standard_normal(30000)
    response = room_response(16000)
    whole = fftconvolve(signal, response)[320:][: len(signal)]
    heard = applied(measured(folder), signal, response, 16000)
    # What comes before the direct path is left out, and the level is another.
    assert np.corrcoef(heard, whole)[0, 1] > 1 - 1e-9


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_speech_keeps_its_level(folder: Path, sample_rate: int) -> None:
    """Noise with the spectrum of speech, written out band by band, has as much power after the room as before."""
    count = 1 << 18
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(count))
    frequency_hz = np.fft.rfftfreq(count, 1 / sample_rate)
    shaped = np.zeros_like(spectrum)
    for band, level_db in enumerate(BYRNE_1994_DB):
        low_hz, high_hz = 1000 * 10 ** ((band - 12.5) / 10), 1000 * 10 ** ((band - 11.5) / 10)
        inside = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
        shaped[inside] = spectrum[inside] * np.sqrt(10 ** (level_db / 10) / (high_hz - low_hz))
    speech = np.fft.irfft(shaped)
    speech *= 0.1 / np.sqrt(np.mean(speech**2))
    response = room_response(sample_rate, delay_s=0.0)
    heard = applied(measured(folder), speech, response, sample_rate)
    assert 20 * np.log10(np.std(heard) / np.std(speech)) == pytest.approx(0, abs=0.2)
    direct = applied(measured(folder, 'level = "direct"'), speech, response, sample_rate)
    # The direct path is a single sample here: 0 dB.
    reverberant = response.copy()
    reverberant[: round(0.0025 * sample_rate) + 1] = 0
    alone = np.append(response[: round(0.0025 * sample_rate) + 1], np.zeros(10))
    np.testing.assert_allclose(
        direct,
        fftconvolve(speech, response)[: len(speech)] / speech_gain(alone, sample_rate=sample_rate),
        atol=1e-6,
    )
    assert np.std(direct) > 1.3 * np.std(speech)


def test_a_level_does_not_depend_on_that_of_the_response(folder: Path) -> None:
    signal, response = np.random.default_rng(1).standard_normal(3000), room_response(16000)
    for level in ("energy", "direct"):
        condition = measured(folder, f'level = "{level}"')
        np.testing.assert_allclose(
            applied(condition, signal, 1e-4 * response, 16000), applied(condition, signal, response, 16000), atol=1e-5
        )


def test_a_silent_response_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"measured_room: .*rooms: found an impulse response of silence; expected one"):
        applied(measured(folder), np.ones(100), np.zeros(800), 16000)


@pytest.mark.parametrize("response", [np.ones(1), -0.3 * np.ones(1), np.array([0.0, 0.0, 1e-9])])
def test_the_shortest_responses_change_nothing_but_the_sign(folder: Path, response: np.ndarray) -> None:
    signal = np.random.default_rng(1).uniform(-1, 1, 100)
    heard = applied(measured(folder), signal, response, 16000)
    np.testing.assert_allclose(heard, np.sign(response[-1]) * signal, atol=1e-6)


def test_what_is_told_of_a_room(folder: Path) -> None:
    response = room_response(16000)
    condition = measured(folder)
    told = hear(condition, np.ones(100), sample_rate=16000, seed=1, utterance_id="u", materials={0: [response]}).facts
    assert told["rt60_s"] == pytest.approx(0.3, rel=0.1)
    power = response**2
    by_hand_db = 10 * np.log10(power[280:361].sum() / power[361:].sum())
    assert told["direct_to_reverberant_db"] == pytest.approx(by_hand_db)
    # Of a click nothing can be told: no key, rather than a zero.
    click = hear(condition, np.ones(9), sample_rate=16000, seed=1, utterance_id="u", materials={0: [np.ones(1)]})
    assert not click.facts


def test_a_ready_response_cannot_be_changed() -> None:
    room = prepare(room_response(16000), direct=320, sample_rate=16000, level="energy")
    with pytest.raises(ValueError, match="read-only"):
        room.response[0] = 1.0


@given(seed=st.integers(0, 10), count=st.integers(1, 3000))
@settings(max_examples=20, deadline=None)
def test_lengths_are_kept_and_silence_stays_silent(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int
) -> None:
    base = tmp_path_factory.mktemp("rooms")
    (base / "rooms").mkdir()
    soundfile.write(base / "rooms" / "room.wav", room_response(16000), 16000)
    response = room_response(16000, seed=seed)
    heard = applied(measured(base), np.zeros(count), response, 16000)
    assert len(heard) == count
    assert not heard.any()


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
@pytest.mark.parametrize("channel", [0, 1])
def test_measured_responses_of_all_kinds(shared_data: Path, tmp_path: Path, sample_rate: int, channel: int) -> None:
    """Read as a run reads them: 44.1, 48 and 96 kHz, one to four channels, rooms and cabinets."""
    found = sorted((shared_data / "impulse_responses").rglob("*.wav"))
    (tmp_path / "rooms").mkdir()
    soundfile.write(tmp_path / "rooms" / "room.wav", room_response(16000), 16000)
    condition = measured(tmp_path, f"channel = {channel}")
    click = np.zeros(sample_rate)
    click[5000] = 1.0
    for path in found[::2]:
        if channel >= soundfile.info(path).channels:
            with pytest.raises(InputError, match=f"found no channel {channel}; expected 0 to 0"):
                read_audio(path, sample_rate=sample_rate, channel=channel)
            continue
        response = read_audio(path, sample_rate=sample_rate, channel=channel).samples.astype(np.float64)
        heard = np.abs(applied(condition, click, response, sample_rate))
        start = int(np.argmax(heard > heard.max() / 10))
        assert 0 <= 5000 - start <= sample_rate // 1000, path.name
        # The largest of the first millisecond is in its place.
        assert abs(start + int(np.argmax(heard[start : start + sample_rate // 1000 + 1])) - 5000) <= 1, path.name
    assert len(found) > 10


def test_simulated_room_keeps_words_in_place_and_tells_of_itself(tmp_path: Path) -> None:
    pytest.importorskip("pyroomacoustics")
    condition = simulated(tmp_path)
    check_ready([condition], sample_rate=16000)
    click = np.zeros(16000)
    click[3000] = 1.0
    heard = hear(condition, click, sample_rate=16000, seed=1, utterance_id="u")
    assert int(np.argmax(np.abs(heard.samples))) == 3000
    assert np.abs(heard.samples[:2900]).max() < 0.001
    assert heard.facts["rt60_s"] == pytest.approx(0.4, rel=0.1)
    assert -15 < heard.facts["direct_to_reverberant_db"] < 0
    again = applied(condition, click, None, 16000)
    np.testing.assert_array_equal(again, heard.samples)


def test_a_ladder_of_reverberation(tmp_path: Path) -> None:
    pytest.importorskip("pyroomacoustics")
    path = tmp_path / "card.toml"
    ladder = '[ladder]\nparameter = "simulated_room.rt60_s"\nvalues = [0.2, 0.4, 0.8, 1.6]\n'
    path.write_text(SIMULATED.replace("rt60_s = 0.4\n", "") + ladder, encoding="utf-8")
    told = [
        hear(rung, np.ones(100), sample_rate=16000, seed=1, utterance_id="u").facts for rung in load_rungs(str(path))
    ]
    assert [facts["rt60_s"] for facts in told] == pytest.approx([0.2, 0.4, 0.8, 1.6], rel=0.1)
    ratios_db = [facts["direct_to_reverberant_db"] for facts in told]
    assert ratios_db == sorted(ratios_db, reverse=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("distance_m = 1.5", "distance_m = 9", r"5 × 4 × 2.6 m: found distance_m 9; expected at most 4\.\d\d"),
        (
            "length_m = 5",
            "length_m = 90",
            r"90 × 4 × 2.6 m: found rt60_s 0.4; expected more: walls absorb 0.005 to 0.95",
        ),
    ],
)
def test_rooms_that_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    pytest.importorskip("pyroomacoustics")
    with pytest.raises(CardError, match=message):
        check_ready([simulated(tmp_path, old, new)], sample_rate=16000)


def test_without_pyroomacoustics_a_run_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    condition = simulated(tmp_path, "distance_m = 1.5", "distance_m = 1.51")
    with pytest.raises(CardError, match=r"condition 'card': simulated_room: needs pyroomacoustics; install it with"):
        check_ready([condition], sample_rate=16000)


def test_the_same_room_in_another_process(tmp_path: Path) -> None:
    pytest.importorskip("pyroomacoustics")
    code = (
        "import sys, numpy as np; from asrfair.condition import apply_condition, load_condition; "
        "condition = load_condition(sys.argv[1]); "
        "heard = apply_condition(condition, np.ones(500), sample_rate=16000, seed=1, utterance_id='u'); "
        "print(heard.tobytes().hex())"
    )
    condition = simulated(tmp_path)
    command = [sys.executable, "-c", code, str(tmp_path / "card.toml")]
    there = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    here = apply_condition(condition, np.ones(500), sample_rate=16000, seed=1, utterance_id="u")
    assert here.tobytes().hex() == there


def test_five_milliseconds_before_the_direct_path_are_the_rooms() -> None:
    response = room_response(16000)
    # 4 and 6 ms before it, at 16 kHz.
    response[320 - 64], response[320 - 96] = 0.01, 0.02
    room = prepare(response, direct=320, sample_rate=16000, level="energy")
    assert room.direct == 80
    assert room.response[80 - 64] / room.response[80] == pytest.approx(0.02)
    assert not room.response[: 80 - 64].any()
