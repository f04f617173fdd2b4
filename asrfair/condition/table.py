"""Conditions as rows of the table `conditions`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.condition.card import FOLDER, Condition
from asrfair.condition.effect import Parameter
from asrfair.tables import CONDITIONS, conform

UNITS = {"_db": "dB", "_hz": "Hz", "_s": "s"}


def condition_rows(conditions: Iterable[Condition]) -> pl.DataFrame:
    """Return the table `conditions`: a row per parameter, one without a parameter for a condition that has none.

    A number has its value and, by the ending of its name, its unit; a text is part of the name, ``g711.law=mu``,
    and of a folder only the last part. An effect's second occurrence is named ``g711[2]``.
    """
    rows = [row for condition in conditions for row in _rows(condition)]
    return conform(pl.DataFrame(rows, schema={"condition": pl.String, **CONDITIONS}), CONDITIONS)


def _rows(condition: Condition) -> Iterator[dict[str, Any]]:
    named = list(_parameters(condition)) or [{}]
    for parameter in named:
        yield {"condition": condition.name, "digest": condition.digest, **parameter}


def _parameters(condition: Condition) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for step in condition.steps:
        seen[step.effect] += 1
        effect = step.effect if seen[step.effect] == 1 else f"{step.effect}[{seen[step.effect]}]"
        if not step.parameters:
            yield {"parameter": effect}
        for name, value in step.parameters.items():
            yield _parameter(effect, name, value)


def _parameter(effect: str, name: str, value: Parameter) -> dict[str, Any]:
    if isinstance(value, str):
        return {"parameter": f"{effect}.{name}={Path(value).name if name == FOLDER else value}"}
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)
    return {"parameter": f"{effect}.{name}", "value": float(value), "unit": unit}
