"""Time `asrfair.stats.analyse` and its peak memory on 1,000,000 rows of counts.

    python benchmarks/tables.py

1,000 speakers in 50 groups read 100 utterances each under 10 conditions. Every default is asked for: rates,
disparities, interactions, tests and metrics. The target is 10 s and 2 GB, the table of counts included.
"""

import argparse
import resource
import sys
import time

import numpy as np
import polars as pl

from asrfair.seeds import generator
from asrfair.stats import Question, analyse
from asrfair.tables import COUNTS, FAILURES, conform

SECONDS, GIGABYTES = 10.0, 2.0


def simulate(*, speakers: int = 1000, groups: int = 50, conditions: int = 10, utterances: int = 100) -> pl.DataFrame:
    """Return counts with an axis ``accent``, a row per utterance and condition."""
    rng = generator(0, "tables")
    size = speakers * utterances
    speaker = np.repeat(np.arange(speakers), utterances)
    words, talent = rng.integers(5, 21, size), 0.08 * np.exp(rng.normal(0, 0.5, speakers))[speaker]
    names = pl.DataFrame(
        {
            "utterance_id": [f"u{n:06}" for n in range(size)],
            "speaker_id": pl.Series([f"s{n:04}" for n in range(speakers)])[speaker],
            "accent": pl.Series([f"g{n % groups:02}" for n in range(speakers)])[speaker],
        }
    )
    return pl.concat([_count(rng, names, words, talent * (1 + 0.2 * n), condition=f"c{n}") for n in range(conditions)])


def _count(
    rng: np.random.Generator, names: pl.DataFrame, words: np.ndarray, rate: np.ndarray, *, condition: str
) -> pl.DataFrame:
    missed = rng.binomial(words, np.minimum(rate, 0.9))
    deletions = rng.binomial(missed, 0.3)
    counts = {"substitutions": missed - deletions, "deletions": deletions, "insertions": rng.binomial(words, rate / 10)}
    characters = {f"character_{name}": 2 * values for name, values in counts.items()}
    totals = {"reference_words": words, "hits": words - missed, "reference_characters": 5 * words}
    rows = names.with_columns(
        pl.lit(condition).alias("condition"),
        pl.lit("A").alias("backend"),
        pl.lit("none").alias("normalizer"),
        *(pl.Series(name, values) for name, values in (totals | counts | characters).items()),
    )
    return conform(rows, COUNTS, axes=["accent"])


def question() -> Question:
    """Return the default question, with a reference group and a baseline."""
    return Question(axes=["accent"], reference_groups={"accent": "g00"}, baseline_condition="c0")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    counts = simulate()
    started = time.perf_counter()
    found = analyse(counts, pl.DataFrame(schema=FAILURES | {"accent": pl.String}), question())
    seconds = time.perf_counter() - started
    # Linux counts in kilobytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    sizes = ", ".join(f"{len(table):,} {name}" for name, table in vars(found).items())
    print(f"{len(counts):,} rows of counts: {sizes}")
    print(f"{seconds:.2f} s (target {SECONDS:.0f}), peak memory {peak / 1e9:.2f} GB (target {GIGABYTES:.0f})")
    return 0 if seconds < SECONDS and peak < GIGABYTES * 1e9 else 1


if __name__ == "__main__":
    sys.exit(main())
