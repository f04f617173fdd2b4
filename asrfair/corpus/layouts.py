"""Layouts: how a corpus lies on disk. Each is one function: root and options in, raw table out.

A raw table has the columns of `asrfair.tables.UTTERANCES` that the corpus provides (at least
``utterance_id`` and ``reference``), ``audio`` relative to the audio root, and every source column that an axis
may name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from asrfair.corpus.timit import TimitOptions, read_timit
from asrfair.errors import CardError, InputError
from asrfair.reading import read_table
from asrfair.tables import UTTERANCES, require_columns


@dataclass(frozen=True)
class TableOptions:
    """A delimited, JSON-lines or Parquet table.

    ``file`` may hold ``{split}``; where the root is itself a file, that file is read. ``columns`` maps the
    contract's names to the source's; ``audio_folder`` is prefixed to audio paths. ``quoted = false`` reads
    quotation marks as text. ``id_from_stem`` cuts the file ending off the utterance id.
    """

    file: str = ""
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    audio_folder: str = ""
    quoted: bool = True
    null: tuple[str, ...] = ()
    id_from_stem: bool = False


@dataclass(frozen=True)
class FilesOptions:
    """Audio files whose relative paths hold the labels.

    ``pattern`` is a regular expression with named groups, matched against the whole relative path; each group
    becomes a column. ``utterance_id``, ``speaker_id`` and ``reference`` name the group they are taken from;
    ``references`` maps that group's values to texts.
    """

    pattern: str
    speaker_id: str
    reference: str
    references: dict[str, str] = field(default_factory=dict)


def read_delimited(root: Path, options: TableOptions, split: str) -> pl.DataFrame:
    """Read one table; raises InputError naming what was looked for and what is there."""
    if root.is_file() and split:
        raise InputError(f"{root}: found the split '{split}' and a single table; expected the corpus's folder")
    path = root if root.is_file() else _table_in(root, options, split)
    rows = read_table(path, null_texts=options.null, quoted=options.quoted)
    names = {name: options.columns.get(name, name) for name in UTTERANCES}
    for name in (*options.columns, "utterance_id", "reference"):
        if name not in UTTERANCES:
            raise CardError(f"layout.columns: unknown name '{name}'; expected one of: {', '.join(UTTERANCES)}")
        require_columns(rows, [names[name]], where=path)
    rows = rows.with_columns(pl.col(source).alias(name) for name, source in names.items() if source in rows.columns)
    if options.audio_folder and "audio" in rows.columns:
        rows = rows.with_columns(pl.concat_str(pl.lit(f"{options.audio_folder}/"), pl.col("audio")).alias("audio"))
    if options.id_from_stem:
        rows = rows.with_columns(pl.col("utterance_id").str.replace(r"^.*/", "").str.replace(r"\.[^.]*$", ""))
    return rows


def _table_in(root: Path, options: TableOptions, split: str) -> Path:
    if split and "{split}" not in options.file:
        raise InputError(f"{root}: found the split '{split}'; expected none, this corpus has no splits")
    if not options.file:
        raise InputError(f"{root}: found a folder; expected the table itself (the card names no file)")
    path = root / options.file.replace("{split}", split or options.split)
    if not path.is_file():
        there = ", ".join(sorted(entry.name for entry in root.iterdir())[:8]) or "nothing"
        raise InputError(f"{root}: looked for {path.name}; found {there}")
    return path


def read_files(root: Path, options: FilesOptions, split: str) -> pl.DataFrame:
    """List audio files by pattern; raises InputError when none matches."""
    try:
        pattern = re.compile(options.pattern)
    except re.error as error:
        raise CardError(f"layout.pattern: {options.pattern!r} is no regular expression: {error}") from error
    if split:
        raise InputError(f"{root}: found the split '{split}'; expected none, this corpus has no splits")
    rows = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        match = pattern.fullmatch(relative)
        if match:
            rows.append({**match.groupdict(), "audio": relative})
    if not rows:
        raise InputError(f"{root}: looked for files like {options.pattern}; found none")
    table = pl.DataFrame(rows)
    require_columns(table, [options.speaker_id, options.reference], where="layout.pattern")
    spoken = pl.col(options.reference)
    return table.with_columns(
        utterance_id=pl.Series([PurePosixPath(row["audio"]).stem for row in rows]),
        speaker_id=pl.col(options.speaker_id),
        reference=spoken.replace_strict(options.references, default=None) if options.references else spoken,
    )


@dataclass(frozen=True)
class Layout:
    """A layout's options and its function."""

    options: type[Any]
    read: Callable[[Path, Any, str], pl.DataFrame]


LAYOUTS: dict[str, Layout] = {
    "table": Layout(TableOptions, read_delimited),
    "files": Layout(FilesOptions, read_files),
    "timit": Layout(TimitOptions, read_timit),
}
