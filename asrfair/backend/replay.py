"""Hypotheses that already exist: another system's output, read from a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from asrfair.backend.base import Outcome, Request
from asrfair.cards import digest
from asrfair.errors import InputError, expected
from asrfair.reading import read_table
from asrfair.tables import require_columns

Key = tuple[str, str | None]


class ReplayBackend:
    """Answer from a table with columns ``utterance_id``, ``hypothesis`` and, optionally, ``condition``.

    ``table`` is csv, tsv, jsonl or parquet. Without a ``condition`` column a hypothesis serves every
    condition. ``backend`` picks the rows of one system where the table has a column ``backend`` with several.
    ``blank`` says what a hypothesis without a word is: ``empty`` (nothing was recognised) or a ``failure``.
    ``null_text`` is the text that means a missing hypothesis; ``unquoted`` reads quotation marks as text. A
    missing row and a null hypothesis are failures. Raises InputError for an unusable table, a row given twice
    included.
    """

    argument: ClassVar[str | None] = "table"
    needs_audio: ClassVar[bool] = False

    def __init__(
        self,
        *,
        table: str,
        backend: str | None = None,
        blank: Literal["empty", "failure"] = "empty",
        null_text: str | None = None,
        unquoted: bool = False,
    ) -> None:
        self.sample_rate: int | None = None
        self._path = Path(table)
        self._blank = blank
        self._options = {
            "backend": backend,
            "blank": blank,
            "null_text": null_text,
            "unquoted": "yes" if unquoted else None,
        }
        rows = _select(read_table(self._path, quoted=not unquoted), backend, where=self._path)
        self._by_condition = "condition" in rows.columns
        self._hypotheses = _index(rows, null_text, where=self._path)

    def identity(self) -> Mapping[str, str]:
        """Return the table's name and digest, and the options that are set."""
        return {
            "table": f"{self._path.name} {digest(self._path)}",
            **{name: value for name, value in self._options.items() if value is not None},
        }

    def transcribe(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return the table's hypothesis for each request, or a failure where it has none."""
        return [self._look_up(request) for request in requests]

    def close(self) -> None:
        """Forget the table."""
        self._hypotheses = {}

    def _look_up(self, request: Request) -> Outcome:
        key = (request.utterance_id, request.condition if self._by_condition else None)
        name = self._path.name
        if key not in self._hypotheses:
            under = f" under condition '{request.condition}'" if self._by_condition else ""
            return Outcome(failure=f"replay: no row in {name} for this utterance{under}")
        hypothesis = self._hypotheses[key]
        if hypothesis is None:
            return Outcome(failure=f"replay: the hypothesis in {name} is missing")
        if self._blank == "failure" and not hypothesis.strip():
            return Outcome(failure=f"replay: the hypothesis in {name} is blank")
        return Outcome(hypothesis=hypothesis)


def _select(rows: pl.DataFrame, backend: str | None, *, where: Path) -> pl.DataFrame:
    """Return the rows of one system; a table of several needs to be told which."""
    require_columns(rows, ["utterance_id", "hypothesis"], where=where)
    if backend is not None:
        require_columns(rows, ["backend"], where=where)
    if "backend" not in rows.columns:
        return rows
    systems = rows["backend"].cast(pl.String).unique(maintain_order=True).drop_nulls().sort().to_list()
    if backend is None and len(systems) > 1:
        raise InputError(expected(where, "rows of several backends and no option 'backend'", systems))
    if backend is not None and backend not in systems:
        raise InputError(expected(where, f"no rows of backend '{backend}'", systems))
    return rows if backend is None else rows.filter(pl.col("backend").cast(pl.String) == backend)


def _index(rows: pl.DataFrame, null_text: str | None, *, where: Path) -> dict[Key, str | None]:
    if rows.schema["hypothesis"] not in (pl.String, pl.Null):
        raise InputError(f"{where}: column 'hypothesis': found {rows.schema['hypothesis']}; expected text")
    keys = [name for name in ("utterance_id", "condition") if name in rows.columns]
    rows = rows.select(*(pl.col(name).cast(pl.String) for name in keys), pl.col("hypothesis").cast(pl.String))
    for name in keys:
        if rows[name].null_count():
            raise InputError(f"{where}: column '{name}': found {rows[name].null_count()} empty; expected none")
    repeated = rows.filter(rows.select(keys).is_duplicated())
    if len(repeated):
        first = ", ".join(f"{name} '{repeated[name][0]}'" for name in keys)
        raise InputError(f"{where}: found {first} more than once; expected one row each")
    if null_text is not None:
        rows = rows.with_columns(pl.col("hypothesis").replace(null_text, None))
    conditions = rows["condition"].to_list() if "condition" in keys else [None] * len(rows)
    return dict(zip(zip(rows["utterance_id"].to_list(), conditions, strict=True), rows["hypothesis"], strict=True))
