"""Time `asrfair score` over a table of 1,000,000 stored hypotheses: read, normalise, count, analyse, save, report.

    python benchmarks/stored.py [--utterances 100000] [--conditions 5] [--backends 2] [--ending parquet] [--rounds 1]

Of 2,000 speakers in eight accents and two genders, each with a rate of errors of its own; references of 5 to 24 words
are all different, and so are nearly all hypotheses. Seconds of the clock and of the processor, the interpreter and its
imports included, and the largest memory; wanted: under 30 s of the clock on two idle cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from asrfair.seeds import generator

ACCENTS = ("scottish", "irish", "indian", "nigerian", "us_south", "aave", "london", "welsh")
GENDERS = ("female", "male")
SPEAKERS = 2000
WORDS = 5000
SHORTEST, LONGEST = 5, 25
SECONDS = 30.0


def texts_of(rows: np.ndarray, lengths: np.ndarray, words: list[str]) -> list[str]:
    """Return texts: the first ``lengths`` words of each row of word numbers."""
    return [
        " ".join([words[number] for number in row[:length]])
        for row, length in zip(rows.tolist(), lengths.tolist(), strict=True)
    ]


def make_table(path: Path, *, utterances: int, conditions: int, backends: int) -> int:
    """Write the table and return how many rows it has."""
    rng = generator(0, "stored")
    words = [f"{first}{second}{number}" for number in range(WORDS // 25) for first in "bdfgk" for second in "aeiou"]
    lengths = rng.integers(SHORTEST, LONGEST, utterances)
    said = rng.integers(0, len(words), (utterances, LONGEST))
    speaker = rng.integers(0, SPEAKERS, utterances)
    rate = 0.15 * np.exp(rng.normal(-0.18, 0.6, SPEAKERS)) * (1 + 0.1 * (np.arange(SPEAKERS) % len(ACCENTS)))
    fixed = pl.DataFrame(
        {
            "utterance_id": [f"u{number:07d}" for number in range(utterances)],
            "speaker_id": [f"s{number:04d}" for number in speaker.tolist()],
            "accent": [ACCENTS[number % len(ACCENTS)] for number in speaker.tolist()],
            "gender": [GENDERS[number // len(ACCENTS) % 2] for number in speaker.tolist()],
            "reference": texts_of(said, lengths, words),
        }
    )
    parts = []
    for condition in range(conditions):
        for backend in range(backends):
            share = np.clip(rate[speaker] * (1 + 0.3 * condition) * (1 + 0.2 * backend), 0.0, 0.9)
            wrong = rng.random(said.shape) < share[:, None]
            heard = np.where(wrong, rng.integers(0, len(words), said.shape), said)
            spoken = np.maximum(1, lengths + rng.integers(-1, 2, utterances))
            parts.append(
                fixed.with_columns(
                    hypothesis=pl.Series(texts_of(heard, spoken, words)),
                    condition=pl.lit(f"condition-{condition}"),
                    backend=pl.lit(f"system-{backend}"),
                )
            )
    table = pl.concat(parts)
    table.write_parquet(path) if path.suffix == ".parquet" else table.write_csv(path)
    return len(table)


def spend(command: list[str]) -> tuple[float, float, float]:
    """Run a command and return its seconds of the clock and of the processor, and its megabytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(told.decode(errors="replace"))
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=100_000)
    parser.add_argument("--conditions", type=int, default=5)
    parser.add_argument("--backends", type=int, default=2)
    parser.add_argument("--ending", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--normalizer", default="basic")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the table is kept for reuse")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / f"stored-{options.utterances}-{options.conditions}-{options.backends}.{options.ending}"
        if not table.is_file():
            sizes = {"conditions": options.conditions, "backends": options.backends}
            make_table(table, utterances=options.utterances, **sizes)
        rows = options.utterances * options.conditions * options.backends
        for number in range(options.rounds):
            command = [
                *(sys.executable, "-P", "-m", "asrfair", "score", str(table), "--speaker", "speaker_id"),
                *("--condition", "condition", "--backend", "backend", "--by", "accent", "--by", "gender"),
                *("--normalizer", options.normalizer, "--out", str(Path(place) / f"run-{number}")),
            ]
            clock, processor, megabytes = spend(command)
            print(
                f"{rows:,} hypotheses: {clock:.1f} s ({processor:.1f} s of processor), {megabytes:,.0f} MB "
                f"(wanted: under {SECONDS:g} s); load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
