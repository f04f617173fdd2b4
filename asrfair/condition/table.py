"""Conditions as rows of the table `conditions`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.condition.card import FILE, RECORDINGS, Condition
from asrfair.condition.effect import Parameter
from asrfair.condition.names import numbered, unit_of
from asrfair.tables import CONDITIONS, conform


def condition_rows(conditions: Iterable[Condition]) -> pl.DataFrame:
    """Return the table `conditions`: a row per parameter, one without a parameter for a condition that has none.

    A number has its value and, by the ending of its name, its unit; a text is part of the name, ``g711.law=mu``,
    and of a path only the last part. An effect's second occurrence is named ``g711[2]``. ``ladder`` names the ladder
    in the one row of each rung that holds the parameter which the ladder sweeps.
    """
    rows = [row for condition in conditions for row in _rows(condition)]
    return conform(pl.DataFrame(rows, schema={"condition": pl.String, **CONDITIONS}), CONDITIONS)


def _rows(condition: Condition) -> Iterator[dict[str, Any]]:
    rung = condition.rung
    for row in list(_parameters(condition)) or [{}]:
        ladder = rung.ladder if rung and row["parameter"] == rung.parameter else None
        yield {"condition": condition.name, "ladder": ladder, "digest": condition.digest, **row}


def _parameters(condition: Condition) -> Iterator[dict[str, Any]]:
    names = numbered([step.effect for step in condition.steps])
    for effect, step in zip(names, condition.steps, strict=True):
        if not step.parameters:
            yield {"parameter": effect}
        for name, value in step.parameters.items():
            yield _parameter(effect, name, value)


def _parameter(effect: str, name: str, value: Parameter) -> dict[str, Any]:
    if isinstance(value, str) and name in (FILE, RECORDINGS):
        value = Path(value).name
    if isinstance(value, tuple):
        value = " ".join(part if isinstance(part, str) else f"{part:g}" for part in value)
    if isinstance(value, str):
        return {"parameter": f"{effect}.{name}={value}"}
    return {"parameter": f"{effect}.{name}", "value": float(value), "unit": unit_of(name)}
