"""What layouts make rows from: files by pattern, templates, times, and values as texts."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import CardError, InputError, WrongRootError, expected
from asrfair.tables import UTTERANCES, require_columns

Row = dict[str, str | None]
EXAMPLES = 8


def find(root: Path, pattern: str, *, split: str) -> list[Path]:
    """Return the files of a card's pattern, which may hold ``{split}`` and wildcards; raises InputError if none."""
    name = pattern.replace("{split}", split or "*")
    if ".." in Path(name).parts or Path(name).is_absolute() or not name.strip():
        raise CardError(f"layout: found the file '{pattern}'; expected one inside the corpus")
    if not split and "{split}" in pattern:
        raise InputError(_no_split_named(root, pattern))
    paths = [path for path in sorted(root.glob(name)) if path.is_file()] if set(name) & set("*?[") else [root / name]
    if not paths or not paths[0].is_file():
        raise WrongRootError(f"{root}: looked for {name}; found {there(paths[0].parent if paths else root)}")
    return paths


def _no_split_named(root: Path, pattern: str) -> str:
    """Say that a pattern asks for a split, and which ones there are."""
    named = re.compile(r"([^/]+?)".join(re.escape(part).replace(r"\*", "[^/]*") for part in pattern.split("{split}")))
    files = (path.relative_to(root).as_posix() for path in sorted(root.glob(pattern.replace("{split}", "*"))))
    splits = dict.fromkeys(match[1] for file in files if (match := named.fullmatch(file)))
    found = f"splits there: {', '.join(list(splits)[:EXAMPLES])}" if splits else f"there: {there(root)}"
    return f"{root}: the card's file is '{pattern}' and no split is named; expected --split NAME ({found})"


def there(folder: Path) -> str:
    """Return the names of what lies in a folder, for a message."""
    if not folder.is_dir():
        return f"no folder {folder.name}" + (f", but {there(folder.parent)}" if folder.parent.is_dir() else "")
    return ", ".join(sorted(entry.name for entry in folder.iterdir())[:8]) or "nothing"


def as_text(value: Any) -> str | None:
    """Return a JSON value as a column's text: lists of values joined by ``|``, other nested values as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return "|".join(text for item in value if (text := as_text(item)) is not None)
    return json.dumps(value, ensure_ascii=False)


def frame(rows: Sequence[Mapping[str, Any]], *, where: object) -> pl.DataFrame:
    """Return rows of texts as a table, with every key as a column; raises InputError for none."""
    if not rows:
        raise InputError(f"{where}: found no utterances; expected at least one")
    names = dict.fromkeys(name for row in rows for name in row)
    texts = {name: [as_text(row.get(name)) for row in rows] for name in names}
    try:
        return pl.DataFrame(texts, dict.fromkeys(names, pl.String))
    except UnicodeEncodeError as error:
        # A file's name in another encoding.
        raise InputError(f"{where}: found {ascii(error.object)[:80]}; expected names and texts in UTF-8") from None


def seconds(text: Any, *, where: object, what: str) -> float:
    """Return a time in seconds; raises InputError for one that is none, or negative."""
    try:
        value = float(text)
    except (TypeError, ValueError, OverflowError):
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"{where}: found {what} {str(text)!r}; expected seconds from 0")
    return value


def no_split(split: str, *, where: object) -> None:
    """Raise InputError for a split where a corpus has none."""
    if split:
        raise InputError(f"{where}: found the split '{split}'; expected none, this corpus has no splits")


def check_columns(columns: Mapping[str, str], *, without: Sequence[str] = ("audio",)) -> None:
    """Raise CardError for a name in ``layout.columns`` that is none of ours, or that the layout gives itself."""
    valid = [name for name in UTTERANCES if name not in without]
    for name in columns:
        if name not in valid:
            raise CardError(expected("layout.columns", f"unknown name '{name}'", valid))


def placed(template: str, *, where: object, **values: str | None) -> str:
    """Return a card's template with ``{name}`` filled in; raises CardError naming the valid ones."""
    known = {name: value or "" for name, value in values.items()}
    try:
        return template.format_map(known)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise CardError(expected(where, f"'{template}' ({error})", [f"{{{name}}}" for name in known])) from None


def keep(rows: pl.DataFrame, wanted: Mapping[str, Sequence[str]], *, where: object) -> pl.DataFrame:
    """Return the rows whose columns have one of the values wanted; raises InputError where there is none."""
    require_columns(rows, wanted, where=where)
    for name, values in wanted.items():
        texts = rows[name].cast(pl.String).str.strip_chars()
        found = rows.filter(texts.is_in(list(values)))
        if found.is_empty() and len(rows):
            there = [repr(value) for value in texts.unique(maintain_order=True).drop_nulls().head(EXAMPLES)]
            raise InputError(expected(where, f"no row with {name} = {' or '.join(map(repr, values))}", there))
        rows = found
    return rows


def left_out(before: int, after: int, why: str, *, what: str = "utterances") -> list[str]:
    """Return the note on what a layout left out, or none."""
    return [f"left out {before - after} of {before} {what}: {why}"] if after < before else []
