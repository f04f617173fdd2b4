"""The run folder: tables as Parquet, plan as TOML, signature as JSON, each file written whole or not at all."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import RunFolderError
from asrfair.tables import TABLES, Schema

SIGNATURE = "signature.json"
PLAN = "plan.toml"


@dataclass(frozen=True)
class Results:
    """Everything a report needs: the tables of `asrfair.tables` and the signature that says how they were made."""

    utterances: pl.DataFrame
    hypotheses: pl.DataFrame
    failures: pl.DataFrame
    counts: pl.DataFrame
    rates: pl.DataFrame
    disparities: pl.DataFrame
    metrics: pl.DataFrame
    tests: pl.DataFrame
    models: pl.DataFrame
    sensitivity: pl.DataFrame
    conditions: pl.DataFrame
    measurements: pl.DataFrame
    handicaps: pl.DataFrame
    timings: pl.DataFrame
    signature: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read a run folder; raises RunFolderError naming what is missing."""
        if not (folder / SIGNATURE).is_file():
            raise RunFolderError(
                f"{folder}: no finished run here (no {SIGNATURE}); expected a folder written by asrfair"
            )
        missing = [f"{name}.parquet" for name in TABLES if not (folder / f"{name}.parquet").is_file()]
        if missing:
            raise RunFolderError(
                f"{folder}: incomplete run, without {', '.join(missing)}; start the same run again to finish it"
            )
        try:
            tables = {name: pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in TABLES}
            signature = json.loads((folder / SIGNATURE).read_text(encoding="utf-8"))
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise RunFolderError(f"{folder}: cannot be read: {str(error).splitlines()[0]}") from error
        if not isinstance(signature, dict) or "signature" not in signature:
            raise RunFolderError(f"{folder}/{SIGNATURE}: found no signature; expected one written by asrfair")
        for name, table in tables.items():
            _check_columns(folder / f"{name}.parquet", table, TABLES[name])
        return cls(**tables, signature=signature)

    def save(self, folder: Path) -> None:
        """Write the tables, and last of all the signature, which marks the folder as finished."""
        for name in TABLES:
            write_table(folder / f"{name}.parquet", getattr(self, name))
        write_text(folder / SIGNATURE, json.dumps(self.signature, indent=1, ensure_ascii=False) + "\n")


def _check_columns(path: Path, table: pl.DataFrame, schema: Schema) -> None:
    for name, kind in schema.items():
        found = table.schema.get(name)
        if found != kind:
            raise RunFolderError(f"{path}: column '{name}': found {found}; expected {kind.__name__}")


def write_table(path: Path, rows: pl.DataFrame) -> None:
    """Write Parquet atomically: the file appears whole, by renaming, or not at all."""
    with _Replacing(path) as temporary:
        rows.write_parquet(temporary)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with _Replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


class _Replacing:
    """Give a temporary path in the same folder; rename it to ``path`` on success, remove it otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            try:
                with self.temporary.open("rb") as file:
                    os.fsync(file.fileno())
                os.replace(self.temporary, self.path)
            except OSError as failure:
                self.temporary.unlink(missing_ok=True)
                raise RunFolderError(f"{self.path}: cannot be written: {failure.strerror}") from failure
            return
        self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        if isinstance(error, pl.exceptions.PolarsError):
            raise RunFolderError(f"{self.path}: cannot be written: {error}") from error
