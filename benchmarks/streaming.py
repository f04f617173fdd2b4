"""Measure whether memory grows with the corpus: the same run over few and over many utterances, or hours.

    python benchmarks/streaming.py --utterances 1000 10000
    python benchmarks/streaming.py --hours 1 10

Utterances of 3 s (with ``--hours``: of 10 s, cut from recordings of ten minutes) from 100 speakers, under noise and a
telephone line, through a program that answers at once. Prints the largest memory of the run's first process, of any
process, and of all at a time, the answering programs included; and utterances per second. What grows is the tables:
some hundred bytes an utterance. Wanted: 10 h under 1 GB in all.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from asrfair.audio import write_wav
from asrfair.seeds import generator

RATE_HZ = 16_000
RECORDINGS = 50
LONG_RECORDINGS = 3
LONG_S, CUT_S = 600, 10
SAMPLED_S = 0.1
ANSWER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"utterance_id": request["utterance_id"], "hypothesis": "one two three"}), flush=True)
"""
CARD = """
title = "Streaming"
kind = "synthetic"
language = "en"
licence = "CC0"
citation = "made here"
homepage = ""
obtain = "made here"
[layout]
type = "table"
file = "utterances.csv"

[axes.accent]
column = "accent"
assigned_by = "by design"
"""


def make_corpus(folder: Path, utterances: int, *, cut: bool) -> None:
    """Write the corpus; ``cut``: each utterance is a part of a long recording."""
    folder.mkdir()
    recordings, seconds = (LONG_RECORDINGS, LONG_S) if cut else (RECORDINGS, 3)
    for number in range(recordings):
        samples = 0.05 * generator(1, f"recording {number}").standard_normal(seconds * RATE_HZ)
        swell = np.tile(np.hanning(3 * RATE_HZ), seconds // 3)
        write_wav(folder / f"{number}.wav", samples * swell, RATE_HZ)
    places = [CUT_S * (number // recordings % (LONG_S // CUT_S)) for number in range(utterances)]
    rows = [
        f"u{number:06d},{number % recordings}.wav,one two four,s{number % 100:03d},{'ab'[number % 2]}"
        + (f",{place},{place + CUT_S}" if cut else "")
        for number, place in enumerate(places)
    ]
    table = ["utterance_id,audio,reference,speaker_id,accent" + (",start_s,end_s" if cut else ""), *rows]
    (folder / "utterances.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (folder / "card.toml").write_text(CARD, encoding="utf-8")
    (folder / "answer.py").write_text(ANSWER, encoding="utf-8")


class Watch(threading.Thread):
    """Samples the memory of a process and of all below it; megabytes, all pages counted wherever they are shared."""

    def __init__(self, first: int) -> None:
        super().__init__(daemon=True)
        self._first = first
        self.ended = threading.Event()
        self.driver = self.largest = self.together = 0.0

    def run(self) -> None:
        while not self.ended.wait(SAMPLED_S):
            held = {pid: _resident_mb(pid) for pid in _family(self._first)}
            self.driver = max(self.driver, held.get(self._first, 0.0))
            self.largest = max(self.largest, *held.values(), 0.0)
            self.together = max(self.together, sum(held.values()))


def _family(first: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [first]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def measure(folder: Path, utterances: int, *, cut: bool) -> dict[str, float]:
    """Run, and watch the memory of the processes."""
    make_corpus(folder / "corpus", utterances, cut=cut)
    command = [
        *(sys.executable, "-P", "-m", "asrfair", "run"),
        *("--corpus", f"{folder / 'corpus' / 'card.toml'}={folder / 'corpus'}"),
        *("--backend", f"fast:command={sys.executable} {folder / 'corpus' / 'answer.py'}"),
        *("--condition", "white-noise-10db", "--condition", "telephone", "--out", str(folder / "run")),
    ]
    started = time.perf_counter()
    environment = os.environ | {"ASRFAIR_CACHE": str(folder / "cache")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        watch.start()
        code = process.wait()
        watch.ended.set()
        watch.join()
    if code:
        raise SystemExit(f"asrfair run: exit code {code}")
    return {
        "seconds": time.perf_counter() - started,
        "driver": watch.driver,
        "largest": watch.largest,
        "together": watch.together,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--hours", type=float, nargs="+", help="hours of audio, in place of utterances")
    options = parser.parse_args()
    cut = options.hours is not None
    sizes = [round(hours * 3600 / CUT_S) for hours in options.hours] if cut else options.utterances
    for utterances in sizes:
        with TemporaryDirectory() as folder:
            found = measure(Path(folder), utterances, cut=cut)
        hours = utterances * (CUT_S if cut else 3) / 3600
        print(
            f"{utterances:>7,} utterances, {hours:5.1f} h: {found['driver']:5.0f} MB in the first process, "
            f"{found['largest']:5.0f} in the largest, {found['together']:5.0f} in all"
            f"{utterances / found['seconds']:6.0f} utterances/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
