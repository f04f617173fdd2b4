"""What layouts share: audio paths that stay inside the corpus, and a second table of facts about speakers.

A layout's options inherit from `CommonOptions`; its function ends with `finish`.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asrfair.errors import CardError, InputError, expected
from asrfair.reading import inside_all, read_lines, read_table
from asrfair.tables import is_plain, require_columns

Row = dict[str, str | None]


@dataclass(frozen=True)
class SpeakerTable:
    """A second table whose columns are joined to the utterances, such as one row per speaker.

    ``file`` is relative to the root and may hold ``{split}`` and wildcards (all that match are read). ``key`` is the
    table's column that equals the utterances' ``speaker_id``; for other or several keys, a table of ours = theirs:
    ``key = { speaker_id = "Spkr", file = "File" }``. A column that the utterances have too is called
    ``speakers.NAME``; speakers that the table lacks have nulls. Keys that differ from the table's in case only are an
    error, unless ``ignore_case``.

    ``separator`` is one character, or a blank for runs of blanks (the last column takes the rest); by default what the
    file's ending says. ``columns`` names the columns of a file without a header; lines that begin with ``comment``
    are left out; with ``rest`` the last column takes the rest of a line. A ``.json`` file is a list of objects, or an
    object of objects by key. ``null`` lists the texts that mean missing.
    """

    file: str
    key: str | dict[str, str] = "speaker_id"
    separator: str = ""
    columns: tuple[str, ...] = ()
    comment: str = ""
    quoted: bool = True
    null: tuple[str, ...] = ()
    ignore_case: bool = False
    encoding: str = "utf-8"
    rest: bool = False


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Options of every layout.

    ``audio_folder`` is put before audio paths, after ``audio_prefix`` has been cut off them (the folder of another
    machine); ``audio_ending`` is put after those that a table gives without one. ``speakers`` joins a second table.
    """

    audio_folder: str = ""
    audio_prefix: str = ""
    audio_ending: str = ""
    speakers: SpeakerTable | None = None


def finish(rows: pl.DataFrame, root: Path, options: CommonOptions, *, split: str, where: object) -> pl.DataFrame:
    """Return a raw table with audio paths relative to the root and the speakers' columns; raises InputError."""
    if "audio" in rows.columns and rows.schema["audio"] == pl.String:
        audio = pl.col("audio").str.strip_chars()
        if options.audio_prefix:
            audio = audio.str.strip_prefix(options.audio_prefix).str.strip_prefix("/")
        if options.audio_folder:
            kept = audio.str.starts_with("/") | (audio == "")
            audio = pl.when(kept).then(audio).otherwise(pl.concat_str(pl.lit(f"{options.audio_folder}/"), audio))
        if options.audio_ending:
            whole = audio.str.ends_with(options.audio_ending) | (audio == "")
            audio = pl.when(whole).then(audio).otherwise(pl.concat_str(audio, pl.lit(options.audio_ending)))
        rows = rows.with_columns(audio.alias("audio"))
        base = root.parent if root.is_file() else root
        rows = rows.with_columns(inside_all(base, rows["audio"], where=where).alias("audio"))
    return join_speakers(rows, root, options.speakers, split=split)


def join_speakers(rows: pl.DataFrame, root: Path, options: SpeakerTable | None, *, split: str) -> pl.DataFrame:
    """Return the rows with the columns of the speakers' table; raises InputError for a key that has two rows."""
    if options is None:
        return rows
    base = root.parent if root.is_file() else root
    keys = {"speaker_id": options.key} if isinstance(options.key, str) else options.key
    if not keys:
        raise CardError("layout.speakers: 'key': found none; expected the column that names the speaker")
    paths = find(base, options.file, split=split)
    require_columns(rows, keys, where="layout.speakers: key")
    table = pl.concat([_read_speakers(path, options, keys) for path in paths], how="diagonal")
    ours = {theirs: f"\0{name}" for name, theirs in keys.items()}
    table = table.unique(maintain_order=True).with_columns(
        _key(theirs, options).alias(name) for theirs, name in ours.items()
    )
    complete = table.drop_nulls(list(ours.values()))
    twice = complete.filter(complete.select(ours.values()).is_duplicated())
    if len(twice):
        found = ", ".join(f"{theirs} = '{twice[theirs][0]}'" for theirs in keys.values())
        raise InputError(f"{paths[0]}: found {found} in rows that differ; expected one row each (layout.speakers.key)")
    clash = {name: f"speakers.{name}" for name in table.columns if name in rows.columns}
    rows = rows.with_columns(_key(name, options).alias(f"\0{name}") for name in keys)
    _check_case(rows, complete, list(ours.values()), where=paths[0])
    joined = rows.join(
        complete.rename(clash), on=list(ours.values()), how="left", maintain_order="left", validate="m:1"
    )
    return joined.drop(list(ours.values()))


def _key(name: str, options: SpeakerTable) -> pl.Expr:
    key = pl.col(name).cast(pl.String).str.strip_chars()
    return key.str.to_lowercase() if options.ignore_case else key


def _check_case(rows: pl.DataFrame, table: pl.DataFrame, keys: Sequence[str], *, where: object) -> None:
    """Raise InputError for keys that the table has only in another case: their facts would be missing silently."""
    lacking = rows.select(keys).drop_nulls().join(table, on=keys, how="anti").unique(maintain_order=True)
    folded = [
        frame.select(keys).with_columns(pl.all().str.to_lowercase().name.suffix("?")) for frame in (lacking, table)
    ]
    near = folded[0].join(folded[1], on=[f"{key}?" for key in keys], maintain_order="left")
    if len(near):
        ours, theirs = (", ".join(near.row(0, named=True)[f"{key}{end}"] for key in keys) for end in ("", "_right"))
        raise InputError(
            f"{where}: found '{theirs}' where the utterances have '{ours}'; expected ids that do not differ in case "
            "only, or ignore_case = true in layout.speakers"
        )


def find(root: Path, pattern: str, *, split: str) -> list[Path]:
    """Return the files of a card's pattern, which may hold ``{split}`` and wildcards; raises InputError if none."""
    name = pattern.replace("{split}", split)
    if ".." in Path(name).parts or Path(name).is_absolute() or not name.strip():
        raise CardError(f"layout: found the file '{pattern}'; expected one inside the corpus")
    paths = [path for path in sorted(root.glob(name)) if path.is_file()] if set(name) & set("*?[") else [root / name]
    if not paths or not paths[0].is_file():
        raise InputError(f"{root}: looked for {name}; found {there(paths[0].parent if paths else root)}")
    return paths


def there(folder: Path) -> str:
    """Return the names of what lies in a folder, for a message."""
    if not folder.is_dir():
        return f"no folder {folder.name}"
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
    return pl.DataFrame(
        {name: [as_text(row.get(name)) for row in rows] for name in names}, dict.fromkeys(names, pl.String)
    )


def seconds(text: Any, *, where: object, what: str) -> float:
    """Return a time in seconds; raises InputError for one that is none, or negative."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"{where}: found {what} {str(text)!r}; expected seconds from 0")
    return value


def no_split(split: str, *, where: object) -> None:
    """Raise InputError for a split where a corpus has none."""
    if split:
        raise InputError(f"{where}: found the split '{split}'; expected none, this corpus has no splits")


def placed(template: str, *, where: object, **values: str | None) -> str:
    """Return a card's template with ``{name}`` filled in; raises CardError naming the valid ones."""
    known = {name: value or "" for name, value in values.items()}
    try:
        return template.format_map(known)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise CardError(expected(where, f"'{template}' ({error})", [f"{{{name}}}" for name in known])) from None


def _read_speakers(path: Path, options: SpeakerTable, keys: Mapping[str, str]) -> pl.DataFrame:
    reader: Callable[[Path, SpeakerTable, str], pl.DataFrame]
    if path.suffix.lower() in (".parquet", ".jsonl", ".ndjson"):
        table = read_table(path)
        table = table.select(pl.col(name).cast(pl.String) for name, kind in table.schema.items() if is_plain(kind))
    else:
        reader = _read_json if path.suffix.lower() == ".json" or options.separator == "json" else _read_rows
        table = reader(path, options, next(iter(keys.values())))
    require_columns(table, keys.values(), where=path)
    if options.null:
        table = table.with_columns(
            pl.when(~pl.col(name).str.strip_chars().is_in(list(options.null))).then(pl.col(name)).alias(name)
            for name in table.columns
        )
    return table


def _read_rows(path: Path, options: SpeakerTable, _key: str) -> pl.DataFrame:
    lines = [
        (number, line)
        for number, line in enumerate(read_lines(path, encoding=options.encoding), start=1)
        if line.strip() and not (options.comment and line.startswith(options.comment))
    ]
    separator = options.separator or ("," if path.suffix.lower() == ".csv" else "\t")
    ragged = separator == " "
    rows = _blank_separated(lines, options) if ragged else _delimited(path, lines, separator, options.quoted)
    names = list(options.columns) or [name.strip() for name in (rows.pop(0)[1] if rows else [])]
    if options.rest:
        last = len(names) - 1
        rows = [(number, [*values[:last], separator.join(values[last:])]) for number, values in rows]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: found a column twice; expected each once")
    for number, values in rows:
        if len(values) > len(names) or (len(values) < len(names) and not ragged):
            raise InputError(f"{path}: line {number}: found {len(values)} fields; expected {len(names)}")
    padded = [[value.strip() for value in values] + [None] * (len(names) - len(values)) for _, values in rows]
    return pl.DataFrame(padded, schema=dict.fromkeys(names, pl.String), orient="row")


def _blank_separated(lines: Sequence[tuple[int, str]], options: SpeakerTable) -> list[tuple[int, list[str]]]:
    names = len(options.columns) or len(lines[0][1].split()) if lines else 0
    return [(number, line.split(maxsplit=names - 1)) for number, line in lines]


def _delimited(
    path: Path, lines: Sequence[tuple[int, str]], separator: str, quoted: bool
) -> list[tuple[int, list[str]]]:
    """Split lines at the separator; a quoted field may go on over lines."""
    try:
        reader = csv.reader(
            (f"{line}\n" for _, line in lines),
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        )
        return [(lines[reader.line_num - 1][0], values) for values in reader]
    except (csv.Error, TypeError) as error:
        raise InputError(f"{path}: cannot be split at '{separator}': {error}; expected one character") from error


def _read_json(path: Path, options: SpeakerTable, key: str) -> pl.DataFrame:
    try:
        values = json.loads("\n".join(read_lines(path, encoding=options.encoding)))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: found no JSON ({error}); expected a list of objects, or an object of objects"
        ) from None
    if isinstance(values, dict):
        values = [{key: name, **value} if isinstance(value, dict) else None for name, value in values.items()]
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InputError(f"{path}: found other JSON; expected a list of objects, or an object of objects by '{key}'")
    return frame(values, where=path)
