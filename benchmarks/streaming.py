"""Measure whether memory grows with the corpus: the same run over few and over many utterances.

    python benchmarks/streaming.py --utterances 1000 10000

Utterances of 3 s, from 100 speakers, under noise and a telephone line, through a program that answers at once. Prints
the largest memory of any process of the run, and utterances per second. What grows is the tables: some hundred bytes
an utterance.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from asrfair.audio import write_wav
from asrfair.seeds import generator

RATE_HZ = 16_000
RECORDINGS = 50
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


def make_corpus(folder: Path, utterances: int) -> None:
    folder.mkdir()
    for number in range(RECORDINGS):
        samples = 0.05 * generator(1, f"recording {number}").standard_normal(3 * RATE_HZ)
        write_wav(folder / f"{number}.wav", samples * np.hanning(3 * RATE_HZ), RATE_HZ)
    rows = [
        f"u{number:06d},{number % RECORDINGS}.wav,one two four,s{number % 100:03d},{'ab'[number % 2]}"
        for number in range(utterances)
    ]
    table = ["utterance_id,audio,reference,speaker_id,accent", *rows]
    (folder / "utterances.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (folder / "card.toml").write_text(CARD, encoding="utf-8")
    (folder / "answer.py").write_text(ANSWER, encoding="utf-8")


def measure(folder: Path, utterances: int) -> dict[str, float]:
    """Run in a process of its own, so that the largest memory is this run's."""
    make_corpus(folder / "corpus", utterances)
    command = [
        *(sys.executable, "-m", "asrfair", "run"),
        *("--corpus", f"{folder / 'corpus' / 'card.toml'}={folder / 'corpus'}"),
        *("--backend", f"fast:command={sys.executable} {folder / 'corpus' / 'answer.py'}"),
        *("--condition", "white-noise-10db", "--condition", "telephone", "--out", str(folder / "run")),
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {
        "seconds": time.perf_counter() - started,
        "megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.utterances[0])))
        return
    for utterances in options.utterances:
        with TemporaryDirectory() as folder:
            command = [sys.executable, os.fspath(__file__), "--one", folder, "--utterances", str(utterances)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        print(
            f"{utterances:>7,} utterances{found['megabytes']:8.0f} MB in the largest process"
            f"{utterances / found['seconds']:8.0f} utterances/s"
        )


if __name__ == "__main__":
    main()
