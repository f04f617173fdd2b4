"""Small tables for the tests of the statistics."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from asrfair.seeds import generator
from asrfair.stats import Analysis, Question, analyse
from asrfair.tables import COUNTS, FAILURES, conform

Row = Mapping[str, Any]


def make_counts(rows: Sequence[Row], axes: Sequence[str] = ("accent",)) -> pl.DataFrame:
    """One row per mapping; what a row leaves out has a default, and ``errors`` means substitutions."""
    default = {
        "speaker_id": "s",
        "condition": "clean",
        "backend": "A",
        "normalizer": "none",
        "reference_words": 10,
        "deletions": 0,
        "insertions": 0,
    }
    full = [
        default | {"utterance_id": f"u{n}", "substitutions": row.get("errors", 0)} | dict(row)
        for n, row in enumerate(rows)
    ]
    table = pl.DataFrame(full, infer_schema_length=None)
    missing = [pl.lit(None, pl.String).alias(axis) for axis in axes if axis not in table.columns]
    return conform(table.with_columns(missing), COUNTS, axes=axes)


def make_failures(rows: Sequence[Row] = (), axes: Sequence[str] = ("accent",)) -> pl.DataFrame:
    default = {"speaker_id": "s", "condition": "clean", "backend": "A", "stage": "recognition", "reason": "broken"}
    if not rows:
        return pl.DataFrame(schema=FAILURES | dict.fromkeys(axes, pl.String))
    table = pl.DataFrame([default | {"utterance_id": f"f{n}"} | dict(row) for n, row in enumerate(rows)])
    return conform(table, FAILURES, axes=axes)


def make_simulated(
    seed: int,
    *,
    groups: Mapping[str | None, int],
    conditions: Mapping[str, float] | None = None,
    backends: Mapping[str, float] | None = None,
    rate: float = 0.15,
    utterances: int = 5,
) -> pl.DataFrame:
    """Speakers with rates of their own; conditions and backends multiply them."""
    rng = generator(seed, "counts")
    rows = []
    for group, speakers in groups.items():
        for speaker in range(speakers):
            talent = float(np.exp(rng.normal(0, 0.5)))
            for utterance in range(int(rng.integers(2, utterances + 1))):
                words = int(rng.integers(3, 16))
                for condition, cost in (conditions or {"clean": 1.0}).items():
                    for backend, factor in (backends or {"A": 1.0}).items():
                        mean = rate * talent * cost * factor * words * float(np.exp(rng.normal(0, 0.2)))
                        rows.append(
                            {
                                "utterance_id": f"{group}{speaker}-{utterance}",
                                "speaker_id": f"{group}{speaker}",
                                "accent": group,
                                "condition": condition,
                                "backend": backend,
                                "reference_words": words,
                                "substitutions": int(rng.poisson(0.6 * mean)),
                                "deletions": int(rng.poisson(0.2 * mean)),
                                "insertions": int(rng.poisson(0.2 * mean)),
                            }
                        )
    return make_counts(rows)


def run_analysis(counts: pl.DataFrame, failures: pl.DataFrame | None = None, **options: Any) -> Analysis:
    question = Question(**({"axes": ["accent"]} | options))
    return analyse(counts, make_failures() if failures is None else failures, question)


@pytest.fixture(scope="session")
def counts_of() -> Callable[..., pl.DataFrame]:
    return make_counts


@pytest.fixture(scope="session")
def failures_of() -> Callable[..., pl.DataFrame]:
    return make_failures


@pytest.fixture(scope="session")
def simulated() -> Callable[..., pl.DataFrame]:
    return make_simulated


@pytest.fixture(scope="session")
def run() -> Callable[..., Analysis]:
    return run_analysis
