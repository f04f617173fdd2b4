"""Snapshots of Hugging Face datasets as Parquet, with the audio's bytes inside: read in place, nothing is unpacked.

Only the columns of texts and numbers are read; an utterance's audio is the address of its row (`asrfair.parquet`), null
where the row has none.
Class labels, which the library stores as numbers, are read as the names that the file's own metadata gives them.
"""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import check_columns, find, no_split
from asrfair.errors import InputError, expected
from asrfair.parquet import COLUMN, class_names, rows_without_bytes, with_class_names
from asrfair.tables import UTTERANCES, is_plain, require_columns

ROW = "\0row"
NAMED = ("utterance_id", "audio")
# A column of the dataset's own called language may hold the name of a part, such as en_accented.
OWN = (*NAMED, "language")


@dataclass(frozen=True)
class ParquetOptions(CommonOptions):
    """Parquet files with a row per utterance.

    ``file`` may hold ``{split}`` and wildcards, such as ``data/{split}-*.parquet``; where the root is itself a file,
    that file is read. ``embedded`` is the column with the audio, ``columns`` maps our names to the dataset's; a
    column ``language`` of the dataset's own is called ``dataset.language``. ``null`` lists the texts that mean missing.
    Without an ``utterance_id`` an utterance is named after its file and row, counted from 0: the names hold for one
    revision.
    """

    file: str = "data/{split}-*.parquet"
    split: str = "test"
    embedded: str = COLUMN
    columns: dict[str, str] = field(default_factory=dict)
    null: tuple[str, ...] = ()


def read_snapshot(root: Path, options: ParquetOptions, split: str) -> Raw:
    """Read all files of a split; raises InputError naming the file and what was looked for."""
    check_columns(options.columns)
    if root.is_file() or "{split}" not in options.file:
        no_split(split, where=root)
    base = root.parent if root.is_file() else root
    split = split or options.split
    paths = [root] if root.is_file() else find(root, options.file, split=split)
    rows = pl.concat([_read(path, base, options) for path in paths], how="diagonal")
    return finish(rows, root, options, split=split, where=root)


def _read(path: Path, base: Path, options: ParquetOptions) -> pl.DataFrame:
    try:
        scan = pl.scan_parquet(path, glob=False)
        schema = scan.collect_schema()
        if options.embedded not in schema:
            raise InputError(expected(path, f"no column '{options.embedded}'", schema))
        plain = [name for name, kind in schema.items() if is_plain(kind)]
        table = scan.select(pl.col(plain).cast(pl.String)).collect()
        classes = class_names(pl.read_parquet_metadata(path))
        silent = rows_without_bytes(path, options.embedded, schema[options.embedded])
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be read as Parquet: {reason}") from error
    names = {name: options.columns.get(name, name) for name in UTTERANCES if name not in OWN} | options.columns
    require_columns(table, [names["reference"], *options.columns.values()], where=path)
    table = with_class_names(table, classes)
    table = table.with_columns(pl.when(~pl.all().is_in(list(options.null))).then(pl.all())).with_row_index(ROW)
    place = f"{path.relative_to(base).as_posix()}::"
    after = "" if options.embedded == COLUMN else f"::{options.embedded}"
    named = options.columns.get("utterance_id")
    own = pl.concat_str(pl.lit(f"{path.stem}-"), pl.col(ROW)) if named is None else pl.col(named)
    ours = [
        pl.col(source).alias(name) for name, source in names.items() if source in table.columns and name not in NAMED
    ]
    if "language" in table.columns and "language" not in options.columns:
        table = table.rename({"language": "dataset.language"})
    address = pl.when(~pl.col(ROW).is_in(silent)).then(pl.concat_str(pl.lit(place), pl.col(ROW), pl.lit(after)))
    return table.with_columns(*ours, utterance_id=own, audio=address).drop(ROW)
