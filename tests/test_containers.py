"""Headers whose numbers are none."""

from pathlib import Path

import numpy as np
import soundfile

from asrfair.audio import read_audio


def test_a_digit_that_is_no_decimal(tmp_path: Path) -> None:
    path = tmp_path / "a.sph"
    soundfile.write(path, np.full(800, 0.1), 16000, format="NIST", subtype="PCM_16")
    data = path.read_bytes()
    end = data.index(b"\n", data.index(b"sample_count"))
    # «²» in Latin-1: Python calls it a digit.
    path.write_bytes(data[: end - 1] + b"\xb2" + data[end:])
    assert read_audio(path, sample_rate=None).sample_rate == 16000
