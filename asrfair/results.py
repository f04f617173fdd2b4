"""The run folder: tables as Parquet, plan as TOML, signature as JSON, each file written whole or not at all."""

import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from asrfair import __version__
from asrfair.errors import RunFolderError
from asrfair.tables import ADDED, ALTERNATIVES, CALIBRATION, PROBES, RECOGNISED, REPEATS, TABLES, Schema

SIGNATURE = "signature.json"
PLAN = "plan.toml"
FORMAT = 1
"""Of a run folder: raised where a column or a table changes, so that an older asrfair does not misread it."""
_NAMED = ("axes", "conditions", "probes", "backends")
_TEXTS = ("asrfair", "created", "interval", "kind", "method", "signature")


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
    recognised: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RECOGNISED))
    alternatives: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ALTERNATIVES))
    probes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROBES))
    calibration: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CALIBRATION))
    repeats: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REPEATS))

    @classmethod
    def load(cls, folder: Path) -> "Results":
        """Read a run folder; raises RunFolderError naming what is missing."""
        if not (folder / SIGNATURE).is_file():
            begun = (folder / PLAN).is_file()
            wanted = "start the same run again to finish it" if begun else "expected a folder written by asrfair"
            raise RunFolderError(f"{folder}: no finished run here (no {SIGNATURE}); {wanted}")
        signature = _signature(folder / SIGNATURE)
        there = [name for name in TABLES if (folder / f"{name}.parquet").is_file()]
        missing = [f"{name}.parquet" for name in TABLES if name not in there and not _is_added(name)]
        if missing:
            raise RunFolderError(
                f"{folder}: incomplete run, without {', '.join(missing)}; start the same run again to finish it"
            )
        try:
            tables = {name: pl.read_parquet(folder / f"{name}.parquet", glob=False) for name in there}
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise RunFolderError(f"{folder}: cannot be read: {_first_line(error)}") from error
        if "signature" not in signature:
            raise RunFolderError(f"{folder}/{SIGNATURE}: found no signature; expected one written by asrfair")
        _check_signature(folder / SIGNATURE, signature)
        tables = {name: _with_added(name, table) for name, table in tables.items()}
        for name, table in tables.items():
            _check_columns(folder / f"{name}.parquet", table, TABLES[name])
        return cls(**tables, signature=signature)

    def save(self, folder: Path) -> None:
        """Write the tables, and last of all the signature, which marks the folder as finished and names its format."""
        for name in TABLES:
            write_table(folder / f"{name}.parquet", getattr(self, name))
        signature = {"format": FORMAT, **self.signature}
        write_text(folder / SIGNATURE, json_text(signature))


def loaded(results: Results | Path) -> Results:
    """Return results as they are, and those of a run folder."""
    return results if isinstance(results, Results) else Results.load(results)


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


def _check_signature(path: Path, signature: Mapping[str, Any]) -> None:
    """Raise RunFolderError for the first part that is there and is not of its kind; what is not there is unknown."""
    for kind, wanted, keys in (
        (dict, "a table", (*_NAMED, "corpus", "normalizer", "libraries", "units")),
        (list, "a list", ("above", "family", "confirm", "covariates", "notes")),
    ):
        for key in keys:
            if key in signature and not isinstance(signature[key], kind):
                raise _unlike(path, key, signature[key], wanted)
    for part in _NAMED:
        for name, facts in signature.get(part, {}).items():
            if not isinstance(facts, dict):
                raise _unlike(path, f"{part}.{name}", facts, "a table")
    texts = {key: signature.get(key) for key in ("baseline_condition", "baseline_backend", *_TEXTS)}
    axes: Mapping[str, Mapping[str, Any]] = signature.get("axes", {})
    texts |= {f"axes.{name}.reference_group": facts.get("reference_group") for name, facts in axes.items()}
    for key, found in texts.items():
        if found is not None and not isinstance(found, str):
            raise _unlike(path, key, found, "a text or null")
    for key in ("limit", "sample", "seed", "sample_rate", "replicates"):
        found = signature.get(key)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
            raise _unlike(path, key, found, "a whole number or null")
    level = signature.get("level")
    if level is not None and not (isinstance(level, float) and 0 < level < 1):
        raise _unlike(path, "level", level, "a number between 0 and 1")


def _unlike(path: Path, key: str, found: object, wanted: str) -> RunFolderError:
    shown = found if isinstance(found, int | float) else "nothing" if found is None else type(found).__name__
    return RunFolderError(f"{path}: {key!r}: found {shown}; expected {wanted}, as asrfair writes it")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _is_added(table: str) -> bool:
    return set(ADDED.get(table, ())) == set(TABLES[table])


def _with_added(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with null in the columns that earlier runs did not have, in the schema's order."""
    absent = [column for column in ADDED.get(name, ()) if column not in table.columns]
    if not absent:
        return table
    filled = table.with_columns(pl.lit(None, dtype=TABLES[name][column]).alias(column) for column in absent)
    known = [column for column in TABLES[name] if column in filled.columns]
    return filled.select(*known, pl.exclude(known))


def _check_columns(path: Path, table: pl.DataFrame, schema: Schema) -> None:
    for name, kind in schema.items():
        found = table.schema.get(name)
        if found != kind:
            raise RunFolderError(f"{path}: column '{name}': found {found}; expected {kind.__name__}")


def json_text(data: Any, *, indent: int | None = 1) -> str:
    """Return data as JSON that ends its last line; without ``indent`` it is one line. Numbers have to be finite."""
    return json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return data for JSON in which a number that is not finite is unknown."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return [plain(item) for item in value] if isinstance(value, Iterable) else str(value)


def write_table(path: Path, rows: pl.DataFrame) -> None:
    """Write Parquet atomically: the file appears whole, by renaming, or not at all."""
    with _Replacing(path) as temporary:
        rows.write_parquet(temporary)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with _Replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically."""
    with _Replacing(path) as temporary:
        temporary.write_bytes(content)


def _written(path: Path) -> Path:
    """Return the file that a path names, behind its links; raises RunFolderError for what renaming would destroy.

    A stream's path, such as ``/dev/stdout``, is a link into ``/proc``; a folder is left to the operating system.
    """
    kind = ""
    try:
        behind = os.readlink(path) if path.is_symlink() else ""
        if str(behind).startswith("/proc/") or os.path.realpath(path.parent).startswith("/proc/"):
            kind = "a stream"
        else:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                kind = "a device, a pipe or a socket"
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror}") from error
    if kind:
        raise RunFolderError(f"{path}: found {kind}; expected an ordinary file (where a command can print, - does)")
    return Path(os.path.realpath(path))


class _Replacing:
    """Give a temporary path in the same folder; rename it to ``path`` on success, remove it otherwise.

    A link stays one, and a file that is there keeps its mode.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        self.target = _written(self.path)
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.temporary = self.target.with_name(f".{self.target.name}.{os.getpid()}")
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            try:
                with self.temporary.open("rb") as file:
                    os.fsync(file.fileno())
                if self.target.is_file():
                    self.temporary.chmod(stat.S_IMODE(self.target.stat().st_mode))
                os.replace(self.temporary, self.target)
            except OSError as failure:
                self.temporary.unlink(missing_ok=True)
                raise RunFolderError(f"{self.path}: cannot be written: {failure.strerror}") from failure
            return
        self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        if isinstance(error, pl.exceptions.PolarsError):
            raise RunFolderError(f"{self.path}: cannot be written: {error}") from error
