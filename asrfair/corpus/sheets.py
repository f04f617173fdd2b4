"""Sheets of spreadsheets as tables of texts, and columns that share a name."""

import importlib
import importlib.util
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from asrfair.errors import InputError

SHEETS = (".xlsx", ".xls", ".ods")
INSTALL = "pip install 'asrfair[sheets]'"


def read_sheet(path: Path, sheet: str) -> pl.DataFrame:
    """Return a sheet, the first by default, as texts under the names in its first row; raises InputError."""
    if importlib.util.find_spec("fastexcel") is None:
        raise InputError(f"{path}: found no package fastexcel; expected it for spreadsheets: {INSTALL}")
    fastexcel = importlib.import_module("fastexcel")
    try:
        book = fastexcel.read_excel(path)
        rows: pl.DataFrame = book.load_sheet(sheet or 0, header_row=None, dtypes="string").to_polars()
    except fastexcel.SheetNotFoundError:
        raise InputError(f"{path}: found no sheet '{sheet}'; expected one of: {', '.join(book.sheet_names)}") from None
    except (fastexcel.FastExcelError, OSError) as error:
        raise InputError(f"{path}: cannot be read as a spreadsheet: {str(error).strip().splitlines()[0]}") from error
    if rows.is_empty():
        raise InputError(f"{path}: found no rows in the sheet; expected a row of names and others below it")
    names = numbered([(name or "").strip() or f"column {place}" for place, name in enumerate(rows.row(0), start=1)])
    return rows.slice(1).rename(dict(zip(rows.columns, names, strict=True)))


def numbered(names: Sequence[str]) -> list[str]:
    """Return column names with a number after each that occurs more than once, so that none is taken for another."""
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if counts[name] == 1 else f"{name} ({seen[name]})")
    return found
