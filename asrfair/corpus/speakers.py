"""A second table of facts about speakers, joined to the utterances."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asrfair.corpus.rows import find, frame, keep
from asrfair.corpus.sheets import SHEETS, numbered, read_sheet
from asrfair.corpus.texts import compiled
from asrfair.errors import CardError, InputError
from asrfair.reading import read_lines, read_table
from asrfair.tables import is_plain, require_columns


@dataclass(frozen=True)
class SpeakerTable:
    """A second table whose columns are joined to the utterances, such as one row per speaker.

    ``file`` is relative to the root and may hold ``{split}`` and wildcards (all that match are read). ``key`` is the
    table's column that equals the utterances' ``speaker_id``; for other or several keys, a table of ours = theirs:
    ``key = { speaker_id = "Spkr", file = "File" }``. A column that the utterances have too is called
    ``speakers.NAME``; speakers that the table lacks have nulls. Keys that differ from the table's in case only are an
    error, unless ``ignore_case``.

    ``key_ignore`` is a regular expression; what it matches in a key, ours or theirs, does not count. ``rows`` keeps the
    rows whose columns have one of the values listed: ``rows = { Wave = ["2"] }``.

    ``separator`` is one character, or a blank for runs of blanks (the last column takes the rest); by default what the
    file's ending says. ``columns`` names the columns of a file without a header; lines that begin with ``comment``
    are left out; with ``rest`` the last column takes the rest of a line. A ``.json`` file is a list of objects, or an
    object of objects by key. ``.xlsx``, ``.xls`` and ``.ods`` need the package fastexcel; ``sheet`` names the sheet, by
    default the first. ``null`` lists the texts that mean missing. Columns of one name are called ``NAME (1)``,
    ``NAME (2)`` and so on.
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
    key_ignore: str = ""
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sheet: str = ""


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
    if options.rows:
        table = keep(table, options.rows, where=f"{paths[0]}: layout.speakers.rows")
    ignored = compiled("speakers.key_ignore", options.key_ignore)
    ours = {theirs: f"\0{name}" for name, theirs in keys.items()}
    table = table.unique(maintain_order=True)
    table = table.with_columns(_key(table[theirs], options, ignored).alias(name) for theirs, name in ours.items())
    complete = table.drop_nulls(list(ours.values()))
    twice = complete.filter(complete.select(ours.values()).is_duplicated())
    if len(twice):
        found = ", ".join(f"{theirs} = '{twice[theirs][0]}'" for theirs in keys.values())
        raise InputError(f"{paths[0]}: found {found} in rows that differ; expected one row each (layout.speakers.key)")
    clash = {name: f"speakers.{name}" for name in table.columns if name in rows.columns}
    rows = rows.with_columns(_key(rows[name], options, ignored).alias(f"\0{name}") for name in keys)
    _check_case(rows, complete, list(ours.values()), where=paths[0])
    joined = rows.join(
        complete.rename(clash), on=list(ours.values()), how="left", maintain_order="left", validate="m:1"
    )
    return joined.drop(list(ours.values()))


def _key(values: pl.Series, options: SpeakerTable, ignored: re.Pattern[str]) -> pl.Series:
    key = values.cast(pl.String).str.strip_chars()
    if options.key_ignore:
        key = key.replace({text: ignored.sub("", text) for text in key.drop_nulls().unique()})
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


def _read_speakers(path: Path, options: SpeakerTable, keys: Mapping[str, str]) -> pl.DataFrame:
    reader: Callable[[Path, SpeakerTable, str], pl.DataFrame]
    if path.suffix.lower() in SHEETS:
        table = read_sheet(path, options.sheet)
    elif path.suffix.lower() in (".parquet", ".jsonl", ".ndjson"):
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
    if len(set(options.columns)) < len(options.columns):
        raise CardError("layout.speakers: 'columns': found a name twice; expected each once")
    names = numbered(names)
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
