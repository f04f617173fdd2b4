"""Measure what a chain of conditions costs beside the libraries that a user would pick instead, in one run.

    python -m pip install audiomentations && python -P benchmarks/conditions.py

The chain: white noise at 10 dB SNR, a room response of 0.5 s, the telephone band 300–3400 Hz, 8 kHz and back, µ-law;
over utterances of 10 s at 16 kHz. Ratios are of processor time, the other's over asrfair's, medians of interleaved
rounds, each chain in a process of its own, as a user would have it (`asrfair.condition.linear` keeps the process's
freed memory, which would serve the others too): audiomentations (AddGaussianSNR, ApplyImpulseResponse, BandPassFilter,
Resample; µ-law by formula), and plain scipy (fftconvolve, sosfiltfilt, resample_poly, µ-law by formula). The floor is
one real Fourier transform there and back of the whole utterance with its tail, at 16 kHz: what any such chain must do
at least. (-P: librosa would take `coverage.py` beside this file for the package of that name.)
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from asrfair.seeds import generator

RATE_HZ = 16_000
CARD = """
summary = "Noise, room, telephone"
[[effect]]
type = "white_noise"
snr_db = 10.0
[[effect]]
type = "measured_room"
recordings = "room.wav"
[[effect]]
type = "band_pass"
low_hz = 300.0
high_hz = 3400.0
[[effect]]
type = "g711"
"""
Chain = Callable[[np.ndarray, str], np.ndarray]


def utterance(seconds: float) -> np.ndarray:
    """Noise in syllables of a quarter of a second, in phrases of a second with pauses between them."""
    count = round(seconds * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    speaking = np.abs(np.sin(2 * np.pi * 2 * time_s)) * (time_s % 1.8 < 1.0)
    return (0.05 * generator(1, "utterance").standard_normal(count) * speaking).astype(np.float32)


def room_response() -> np.ndarray:
    count = RATE_HZ // 2
    decay = np.exp(-6.9 * np.arange(count) / count)
    response = generator(1, "room").standard_normal(count) * decay * 0.1
    response[0] = 1.0
    return response


def ours(folder: Path) -> Chain:
    from asrfair.audio import write_wav
    from asrfair.condition import apply_condition, load_condition

    response = room_response()
    write_wav(folder / "room.wav", response / 2, RATE_HZ)
    (folder / "chain.toml").write_text(CARD, encoding="utf-8")
    condition = load_condition(str(folder / "chain.toml"))

    def chain(samples: np.ndarray, name: str) -> np.ndarray:
        return apply_condition(
            condition, samples, sample_rate=RATE_HZ, seed=1, utterance_id=name, materials={1: [response]}
        )

    return chain


def plain_scipy(folder: Path) -> Chain:
    from scipy.signal import butter, fftconvolve, resample_poly, sosfiltfilt

    response = room_response()
    band = butter(4, (300, 3400), btype="bandpass", fs=RATE_HZ, output="sos")

    def chain(samples: np.ndarray, name: str) -> np.ndarray:
        rng = np.random.default_rng(abs(hash(name)))
        noise = rng.standard_normal(len(samples))
        level = np.sqrt(np.mean(samples.astype(np.float64) ** 2) / np.mean(noise**2) / 10)
        heard = fftconvolve(samples + level * noise, response)[: len(samples)]
        narrow = resample_poly(sosfiltfilt(band, heard), 1, 2)
        coded = np.sign(narrow) * np.log1p(255 * np.minimum(1, np.abs(narrow))) / np.log1p(255)
        coded = np.round(coded * 127) / 127
        decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(255)) / 255
        return np.asarray(resample_poly(decoded, 2, 1)[: len(samples)], dtype=np.float32)

    return chain


def peer(folder: Path) -> Chain:
    from audiomentations import AddGaussianSNR, ApplyImpulseResponse, BandPassFilter, Compose, Lambda, Resample

    from asrfair.audio import write_wav

    (folder / "rooms").mkdir(exist_ok=True)
    write_wav(folder / "rooms" / "room.wav", room_response() / 2, RATE_HZ)

    def mu_law(samples: np.ndarray, sample_rate: int) -> np.ndarray:
        coded = np.sign(samples) * np.log1p(255 * np.minimum(1, np.abs(samples))) / np.log1p(255)
        coded = np.round(coded * 127) / 127
        return np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(255)) / 255

    down = Compose(
        [
            AddGaussianSNR(min_snr_db=10, max_snr_db=10, p=1),
            ApplyImpulseResponse(str(folder / "rooms"), p=1),
            BandPassFilter(
                min_center_freq=1850,
                max_center_freq=1850,
                min_bandwidth_fraction=1.675,
                max_bandwidth_fraction=1.675,
                min_rolloff=24,
                max_rolloff=24,
                zero_phase=True,
                p=1,
            ),
            Resample(min_sample_rate=8000, max_sample_rate=8000, p=1),
            Lambda(mu_law, p=1),
        ]
    )
    up = Resample(min_sample_rate=RATE_HZ, max_sample_rate=RATE_HZ, p=1)

    def chain(samples: np.ndarray, name: str) -> np.ndarray:
        return np.asarray(up(down(samples, RATE_HZ), 8000))

    return chain


def floor(samples: np.ndarray, name: str) -> np.ndarray:
    size = len(samples) + RATE_HZ // 2
    return np.fft.irfft(np.fft.rfft(samples.astype(np.float64), size), size)


BUILDERS: dict[str, Callable[[Path], Chain]] = {
    "asrfair": ours,
    "scipy": plain_scipy,
    "audiomentations": peer,
    "floor: two Fourier transforms": lambda folder: floor,
}
_chain: Chain = floor


def build(name: str) -> None:
    """Make this process's chain, and use it once."""
    global _chain
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        _chain = BUILDERS[name](Path(folder))
        _chain(utterance(10.0), "warm")


def seconds_of(count: int) -> float:
    """Return the processor time of an utterance, mean of ``count``."""
    samples = utterance(10.0)
    started = time.process_time()
    for number in range(count):
        _chain(samples, f"u{number}")
    return (time.process_time() - started) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--utterances", type=int, default=20, help="a round")
    options = parser.parse_args()
    names = [name for name in BUILDERS if name != "audiomentations" or find_spec("audiomentations")]
    if len(names) < len(BUILDERS):
        print("audiomentations is not installed: left out")
    with ExitStack() as opened:
        pools = {
            name: opened.enter_context(
                ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=build, initargs=(name,))
            )
            for name in names
        }
        rounds = [
            {name: pool.submit(seconds_of, options.utterances).result() for name, pool in pools.items()}
            for _ in range(options.rounds)
        ]
    for name in names:
        ratio = statistics.median(found[name] / found["asrfair"] for found in rounds)
        middle = statistics.median(found[name] for found in rounds)
        print(f"{name:<30}{1e3 * middle:8.2f} ms{ratio:8.2f} × asrfair's time{10 / middle:8.0f} × real time")


if __name__ == "__main__":
    main()
