"""Hugging Face's ``audiofolder``: folders of audio files with a ``metadata.csv``, ``.jsonl`` or ``.parquet``.

A metadata file describes the files of its own folder and below by ``file_name``; a folder called ``train``,
``validation`` or ``test`` (or a synonym) is a split. Source: huggingface.co/docs/datasets, «Create an audio dataset»
and «Structure your repository».
"""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import as_text, check_columns, there
from asrfair.errors import InputError, WrongRootError, expected
from asrfair.reading import inside, read_table
from asrfair.tables import UTTERANCES, require_columns

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
SYNONYMS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class AudioFolderOptions(CommonOptions):
    """Every metadata file under the root. ``columns`` maps our names to the metadata's.

    By default the reference is ``transcription``, ``text`` or ``sentence``, whichever there is. An utterance without an
    id of its own is named by its path without the ending. ``split`` is the split by default; blank means all. A column
    ``split`` of the metadata counts before the folder's name.
    """

    columns: dict[str, str] = field(default_factory=dict)
    split: str = ""
    null: tuple[str, ...] = ()


def read_audiofolder(root: Path, options: AudioFolderOptions, split: str) -> Raw:
    """Read the metadata files; raises InputError naming what was looked for."""
    check_columns(options.columns)
    paths = _metadata(root)
    if not paths:
        raise WrongRootError(f"{root}: looked for {', '.join(METADATA)} here and below; found {there(root)}")
    table = pl.concat([_read(path, root, options) for path in paths], how="diagonal")
    wanted = split or options.split
    if wanted:
        splits = sorted(table["split"].drop_nulls().unique())
        table = table.filter(pl.col("split").is_in([name for name in splits if _plain(name) == _plain(wanted)]))
        if table.is_empty():
            raise InputError(expected(root, f"no split '{wanted}'", splits))
    return finish(table, root, options, split=wanted, where=root)


def _metadata(root: Path) -> list[Path]:
    found = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        found += [Path(folder) / name for name in METADATA if name in names]
    return found


def _read(path: Path, root: Path, options: AudioFolderOptions) -> pl.DataFrame:
    rows = read_table(path, null_texts=options.null)
    require_columns(rows, ["file_name"], where=path)
    folder = path.parent.relative_to(root).as_posix()
    files = [
        _file(root, folder, name, where=f"{path}: row {row}") for row, name in enumerate(rows["file_name"], start=1)
    ]
    texts = [name for name, kind in rows.schema.items() if kind != pl.Binary]
    columns = {name: pl.Series([as_text(value) for value in rows[name].to_list()], dtype=pl.String) for name in texts}
    audio = pl.Series(files, dtype=pl.String)
    sources = {**{name: name for name in UTTERANCES if name in columns}, **_reference(rows, path), **options.columns}
    require_columns(rows, sources.values(), where=path)
    stems = pl.Series([str(PurePosixPath(file).with_suffix("")) for file in files], dtype=pl.String)
    ours = {"utterance_id": stems, **{name: columns[source] for name, source in sources.items()}}
    own = columns.get("split", [None] * len(files))
    splits = pl.Series([said or _split_of(file) for said, file in zip(own, files, strict=True)], dtype=pl.String)
    return pl.DataFrame({**columns, **ours, "audio": audio, "split": splits})


def _file(root: Path, folder: str, name: str | None, *, where: str) -> str:
    # The path itself first: one that climbs out of its folder may still be inside the root.
    return inside(root, f"{folder}/{name or ''}" if name and not name.startswith("/") else name or "", where=where)


def _reference(rows: pl.DataFrame, path: Path) -> dict[str, str]:
    named = [name for name in ("reference", "transcription", "text", "sentence") if name in rows.columns]
    return {"reference": named[0]} if named else {"reference": "transcription"}


def _plain(split: str) -> str:
    return SYNONYMS.get(split.lower(), split)


def _split_of(file: str) -> str | None:
    return next((SYNONYMS[part.lower()] for part in PurePosixPath(file).parts[:-1] if part.lower() in SYNONYMS), None)
