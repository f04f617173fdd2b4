"""The run folder: tables as Parquet, plan as TOML, signature as JSON, each file written whole or not at all."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.errors import RunFolderError
from asrfair.tables import TABLES, Schema

SIGNATURE = "signature.json"
PLAN = "plan.toml"
FORMAT = 1
"""Of a run folder: raised where a column or a table changes, so that an older asrfair does not misread it."""


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
            begun = (folder / PLAN).is_file()
            wanted = "start the same run again to finish it" if begun else "expected a folder written by asrfair"
            raise RunFolderError(f"{folder}: no finished run here (no {SIGNATURE}); {wanted}")
        signature = _signature(folder / SIGNATURE)
        missing = [f"{name}.parquet" for name in TABLES if not (folder / f"{name}.parquet").is_file()]
        if missing:
            raise RunFolderError(
                f"{folder}: incomplete run, without {', '.join(missing)}; start the same run again to finish it"
            )
        try:
            tables = {name: pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in TABLES}
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise RunFolderError(f"{folder}: cannot be read: {_first_line(error)}") from error
        if "signature" not in signature:
            raise RunFolderError(f"{folder}/{SIGNATURE}: found no signature; expected one written by asrfair")
        for name, table in tables.items():
            _check_columns(folder / f"{name}.parquet", table, TABLES[name])
        return cls(**tables, signature=signature)

    def save(self, folder: Path) -> None:
        """Write the tables, and last of all the signature, which marks the folder as finished and names its format."""
        for name in TABLES:
            write_table(folder / f"{name}.parquet", getattr(self, name))
        signature = {"format": FORMAT, **self.signature}
        write_text(folder / SIGNATURE, json.dumps(signature, indent=1, ensure_ascii=False) + "\n")


def _signature(path: Path) -> dict[str, Any]:
    """Return the signature without the folder's format; raises RunFolderError for a format newer than this one.

    A folder without a format is of the first one. Tables and columns that this version does not know are left alone:
    what they would change is what raises the format.
    """
    try:
        signature = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read: {_first_line(error)}") from error
    if not isinstance(signature, dict):
        raise RunFolderError(f"{path}: found no signature; expected one written by asrfair")
    found = signature.pop("format", FORMAT)
    if not isinstance(found, int) or isinstance(found, bool) or found > FORMAT:
        writer = f"asrfair {signature.get('asrfair', '?')}"
        raise RunFolderError(
            f"{path.parent}: found a run of format {found}, written by {writer}; expected format {FORMAT} or older: "
            f"this is asrfair {__version__}, install a newer one to read it"
        )
    return signature


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


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
