"""Measure what reading audio costs beside `librosa.load`, and how many headers a second are inspected, in one run.

    python -P benchmarks/reading.py

Reading: sentences of 5 s at 48 kHz as WAV, FLAC and MP3, to mono at 16 kHz, one and two channels. Ratios are of
processor time, librosa's over asrfair's, medians of interleaved rounds from a warm cache. Packed: the same files as
members of a tar, a gzipped tar and a zip file and as Parquet rows, over plain files. Headers: files, or members, a
second from a warm cache, in one process. A long recording: parts of 5 s, one after the other, over one decoding of all
of it. (-P: librosa would take `coverage.py` beside this file for the package of that name.)
"""

import argparse
import io
import statistics
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import soundfile

from asrfair.audio import inspect_audio, read_audio
from asrfair.seeds import generator

FILE_HZ, RATE_HZ, SECONDS = 48_000, 16_000, 5
KINDS = {"wav": {"subtype": "PCM_16"}, "flac": {"subtype": "PCM_16"}, "mp3": {"format": "MP3"}}


def speech(name: str, seconds: int, channels: int) -> np.ndarray:
    """Noise that is louder at low frequencies, in syllables, so that codecs have speech's work to do."""
    count = seconds * FILE_HZ
    noise = generator(1, name).standard_normal((count, channels))
    smooth = np.cumsum(noise, axis=0)
    smooth -= np.concatenate([np.zeros((480, channels)), smooth[:-480]])
    syllables = np.sin(2 * np.pi * 2 * np.arange(count) / FILE_HZ)[:, None] ** 2
    return (syllables * (0.3 * smooth / np.abs(smooth).max() + 0.002 * noise)).astype(np.float32)


def save(path: Path, samples: np.ndarray, **coding: str) -> None:
    with soundfile.SoundFile(path, "w", FILE_HZ, samples.shape[1], **coding) as file:
        for start in range(0, len(samples), FILE_HZ):
            file.write(samples[start : start + FILE_HZ])


def processor_s(work: Callable[[Path | str], object], paths: Sequence[Path | str]) -> float:
    started = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - started


def compare(paths: Sequence[Path], rounds: int) -> tuple[float, float]:
    """Return the median ratio, librosa's processor time over asrfair's, and asrfair's milliseconds a file."""
    import librosa

    def ours(path: Path | str) -> object:
        return read_audio(path, sample_rate=RATE_HZ).samples

    def theirs(path: Path | str) -> object:
        return librosa.load(path, sr=RATE_HZ)[0]

    processor_s(ours, paths)
    processor_s(theirs, paths)
    times = [(processor_s(theirs, paths), processor_s(ours, paths)) for _ in range(rounds)]
    ratio = statistics.median(theirs_s / ours_s for theirs_s, ours_s in times)
    return ratio, 1000 * statistics.median(ours_s for _, ours_s in times) / len(paths)


def pack(folder: Path, paths: Sequence[Path]) -> dict[str, list[Path | str]]:
    """Pack the files and return their addresses."""
    for name, mode in (("a.tar", "w"), ("a.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as archive:
            for path in paths:
                archive.add(path, path.name)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            archive.write(path, path.name)
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    pl.DataFrame({"audio": rows}).write_parquet(folder / "a.parquet", row_group_size=100)
    packed: dict[str, list[Path | str]] = {"files": list(paths)}
    for name in ("a.tar", "a.tar.gz", "a.zip"):
        packed[name] = [folder / f"{name}::{path.name}" for path in paths]
    packed["a.parquet"] = [folder / f"a.parquet::{row}" for row in range(len(paths))]
    return packed


def parts(path: Path, seconds: int) -> tuple[float, float]:
    """Return the processor time of all parts of 5 s, in order, and of one decoding of the whole."""
    started = time.process_time()
    for start_s in range(0, seconds, SECONDS):
        read_audio(path, sample_rate=None, start_s=start_s, end_s=min(start_s + SECONDS, seconds))
    middle = time.process_time()
    read_audio(path, sample_rate=None)
    return middle - started, time.process_time() - middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20, help="files of each kind")
    parser.add_argument("--headers", type=int, default=2000, help="files whose headers are inspected")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=int, default=20, help="length of the long recording")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        print(f"reading {SECONDS} s at 48 kHz, to 16 kHz mono: librosa.load's processor time over asrfair's")
        for channels in (1, 2):
            for kind, coding in KINDS.items():
                paths = [folder / f"{number}-{channels}.{kind}" for number in range(options.files)]
                for path in paths:
                    save(path, speech(path.name, SECONDS, channels), **coding)
                ratio, each_ms = compare(paths, options.rounds)
                print(f"  {kind:<4} {channels} channel(s)  {ratio:.2f}  ({each_ms:.2f} ms)")
        print("headers a second, one process; reading packed, processor time over that of plain files")
        for kind, coding in KINDS.items():
            content = io.BytesIO()
            soundfile.write(content, speech("header", 2, 1), FILE_HZ, **{"format": kind.upper(), **coding})
            paths = [folder / f"h{number:05d}.{kind}" for number in range(options.headers)]
            for path in paths:
                path.write_bytes(content.getvalue())
            plain_s = 0.0
            for packed, addresses in pack(folder, paths).items():
                processor_s(inspect_audio, addresses)
                headers = len(addresses) / processor_s(inspect_audio, addresses)
                some = addresses[:200]
                reading_s = processor_s(lambda path: read_audio(path, sample_rate=RATE_HZ), some)
                plain_s = plain_s or reading_s
                print(f"  {kind:<4} {packed:<10} {headers:8.0f}/s  {reading_s / plain_s:.2f}")
        print(f"{options.minutes} minutes in parts of {SECONDS} s, in order: processor time over one decoding's")
        for kind, coding in KINDS.items():
            path = folder / f"long.{kind}"
            save(path, np.tile(speech("long", 60, 1), (options.minutes, 1)), **coding)
            parts_s, whole_s = parts(path, 60 * options.minutes)
            print(f"  {kind:<4} {parts_s / whole_s:.2f}  ({parts_s:.2f} s)")


if __name__ == "__main__":
    main()
