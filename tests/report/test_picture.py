"""The picture before and after: its levels against the definition, its files, its errors."""

import sys
from pathlib import Path

import numpy as np
import pytest

from asrfair.errors import InputError, RunFolderError
from asrfair.report.picture import COLUMNS, check_picture, draw, spectrogram_db

PNG = b"\x89PNG"


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100, 48_000])
def test_a_sine_at_full_scale_is_0_db(sample_rate: int) -> None:
    size = round(0.025 * sample_rate)
    frequency_hz = 20 * sample_rate / size
    sine = np.sin(2 * np.pi * frequency_hz * np.arange(sample_rate) / sample_rate)
    level = spectrogram_db(sine, sample_rate=sample_rate)
    assert level.shape[1] == size // 2 + 1
    middle = level[len(level) // 2]
    assert np.argmax(middle) == 20
    assert middle[20] == pytest.approx(0.0, abs=0.05)
    assert spectrogram_db(0.1 * sine, sample_rate=sample_rate)[len(level) // 2, 20] == pytest.approx(-20.0, abs=0.05)


def test_frames_are_centred_on_their_times() -> None:
    """The slow definition: each frame windowed and transformed by itself."""
    rng = np.random.default_rng(1)
    signal = rng.standard_normal(8_000)
    signal[:4_000] = 0.0
    level = spectrogram_db(signal, sample_rate=16_000)
    # Frames that end before the sound begins at 0.25 s are silent: the frame at 0.235 s is the last.
    assert level[47].max() < -150 < level[48].max()
    window = np.hanning(402)[1:-1]
    frame = signal[60 * 80 - 200 : 60 * 80 + 200]
    slow = [
        abs(sum(frame * window * np.exp(-2j * np.pi * k * np.arange(400) / 400))) * 2 / window.sum() for k in range(201)
    ]
    assert level[60] == pytest.approx(20 * np.log10(slow), abs=1e-6)


@pytest.mark.parametrize("length", [1, 2, 79, 400, 16_000 * 60 * 10])
def test_any_length_is_drawn_in_a_bounded_number_of_columns(length: int) -> None:
    level = spectrogram_db(np.ones(length), sample_rate=16_000)
    assert 1 <= len(level) <= COLUMNS
    assert np.isfinite(level).all()


@pytest.mark.parametrize(("before", "after"), [(16_000, 16_000), (16_000, 12_800), (1, 1), (400, 1)])
def test_files_are_drawn(tmp_path: Path, before: int, after: int) -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(2)
    path = tmp_path / "seen.png"
    draw(path, rng.standard_normal(before), np.zeros(after), sample_rate=16_000, title=r"$\nonsense$ under 漢字")
    assert path.read_bytes().startswith(PNG)
    first = path.read_bytes()
    draw(path, rng.standard_normal(before), np.zeros(after), sample_rate=16_000, title="u1")
    assert path.read_bytes() != first


def test_a_vector_graphic_says_what_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import matplotlib as mpl

    path = tmp_path / "seen.svg"
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(path, np.ones(800), np.ones(800), sample_rate=8_000, title="u1 under $noise$")
    text = path.read_text(encoding="utf-8")
    for word in ("u1 under $noise$", "as recorded", "time (s)", "frequency (kHz)", "level (dB, full scale)"):
        assert word in text


def test_a_missing_matplotlib_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(InputError, match=r"pip install 'asrfair\[plot\]'"):
        check_picture(Path("seen.png"))


def test_files_that_cannot_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match=r"seen\.doc: found the ending '\.doc'; expected one of: .*png"):
        check_picture(tmp_path / "seen.doc")
    with pytest.raises(RunFolderError, match="cannot be written"):
        draw(tmp_path / "nowhere" / "seen.png", np.ones(10), np.ones(10), sample_rate=8_000, title="u1")
