"""Layouts: how a corpus lies on disk. Each is one function: root and options in, raw table out.

A raw table has the columns of `asrfair.tables.UTTERANCES` that the corpus provides (at least
``utterance_id`` and ``reference``), ``audio`` relative to the audio root, and every source column that an axis
may name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.corpus.audiofolder import AudioFolderOptions, read_audiofolder
from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.ctm import CtmOptions, read_ctm
from asrfair.corpus.kaldi import KaldiOptions, read_kaldi
from asrfair.corpus.lhotse import LhotseOptions, read_lhotse
from asrfair.corpus.nemo import NemoOptions, read_nemo
from asrfair.corpus.nlp import NlpOptions, read_nlp
from asrfair.corpus.rows import check_columns, find
from asrfair.corpus.snapshot import ParquetOptions, read_snapshot
from asrfair.corpus.stm import StmOptions, read_stm
from asrfair.corpus.textgrid import TextGridOptions, read_textgrids
from asrfair.corpus.timit import TimitOptions, read_timit
from asrfair.corpus.transcript import TranscriptOptions, read_transcripts
from asrfair.corpus.tree import FilesOptions, read_files
from asrfair.errors import InputError
from asrfair.reading import read_table
from asrfair.tables import UTTERANCES, require_columns


@dataclass(frozen=True)
class TableOptions(CommonOptions):
    """A delimited, JSON-lines or Parquet table; of Parquet, audio may be embedded.

    ``file`` may hold ``{split}`` and wildcards (all that match are read); where the root is itself a file, that file is
    read. ``columns`` maps the
    contract's names to the source's. ``quoted = false`` reads quotation marks as text. ``id_from_stem`` cuts the
    file ending off the utterance id.
    """

    file: str = ""
    split: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    quoted: bool = True
    null: tuple[str, ...] = ()
    id_from_stem: bool = False


def read_delimited(root: Path, options: TableOptions, split: str) -> Raw:
    """Read one table; raises InputError naming what was looked for and what is there."""
    if root.is_file() and split:
        raise InputError(f"{root}: found the split '{split}' and a single table; expected the corpus's folder")
    paths = [root] if root.is_file() else _tables_in(root, options, split)
    tables = [_read_one(path, root, options) for path in paths]
    try:
        rows = tables[0] if len(tables) == 1 else pl.concat(tables, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{root}: found tables that differ ({paths[0].name} and others): {error}") from error
    return finish(rows, root, options, split=split or options.split, where=paths[0])


def _read_one(path: Path, root: Path, options: TableOptions) -> pl.DataFrame:
    rows = read_table(path, null_texts=options.null, quoted=options.quoted)
    names = {name: options.columns.get(name, name) for name in UTTERANCES}
    check_columns(options.columns, without=())
    wanted = {*options.columns, "utterance_id", "reference"}
    there = [source for name, source in names.items() if name in wanted or source in rows.columns]
    require_columns(rows, there, where=path)
    rows = rows.with_columns(pl.col(source).alias(name) for name, source in names.items() if source in rows.columns)
    if options.id_from_stem:
        rows = rows.with_columns(pl.col("utterance_id").str.replace(r"^.*/", "").str.replace(r"\.[^.]*$", ""))
    folder = "." if root.is_file() else path.parent.relative_to(root).as_posix()
    if folder != "." and rows.schema.get("audio") == pl.String:
        # Embedded audio is named by its table's file.
        embedded = pl.col("audio").str.starts_with(f"{path.name}::")
        below = pl.concat_str(pl.lit(f"{folder}/"), pl.col("audio"))
        rows = rows.with_columns(pl.when(embedded).then(below).otherwise(pl.col("audio")).alias("audio"))
    return rows


def _tables_in(root: Path, options: TableOptions, split: str) -> list[Path]:
    if split and "{split}" not in options.file:
        raise InputError(f"{root}: found the split '{split}'; expected none, this corpus has no splits")
    if not options.file:
        raise InputError(f"{root}: found a folder; expected the table itself (the card names no file)")
    return find(root, options.file, split=split or options.split)


@dataclass(frozen=True)
class Layout:
    """A layout's options and its function."""

    options: type[Any]
    function: Callable[[Path, Any, str], Raw]

    def read(self, root: Path, options: Any, split: str) -> pl.DataFrame:
        """Return the raw table alone."""
        return self.function(root, options, split).rows


LAYOUTS: dict[str, Layout] = {
    "table": Layout(TableOptions, read_delimited),
    "files": Layout(FilesOptions, read_files),
    "timit": Layout(TimitOptions, read_timit),
    "kaldi": Layout(KaldiOptions, read_kaldi),
    "nemo": Layout(NemoOptions, read_nemo),
    "lhotse": Layout(LhotseOptions, read_lhotse),
    "textgrid": Layout(TextGridOptions, read_textgrids),
    "transcript": Layout(TranscriptOptions, read_transcripts),
    "stm": Layout(StmOptions, read_stm),
    "ctm": Layout(CtmOptions, read_ctm),
    "nlp": Layout(NlpOptions, read_nlp),
    "audiofolder": Layout(AudioFolderOptions, read_audiofolder),
    "parquet": Layout(ParquetOptions, read_snapshot),
}
