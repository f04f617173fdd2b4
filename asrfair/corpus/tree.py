"""Audio files whose relative paths hold the labels, and texts beside them."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import polars as pl

from asrfair.corpus.common import CommonOptions, Raw, finish
from asrfair.corpus.rows import Row, frame, no_split, placed, there
from asrfair.corpus.speakers import join_speakers
from asrfair.corpus.texts import compiled
from asrfair.errors import CardError, InputError, WrongRootError
from asrfair.reading import inside, read_lines
from asrfair.tables import require_columns

KEYED = re.compile(r"\s+")


@dataclass(frozen=True)
class FilesOptions(CommonOptions):
    """Audio files whose relative paths hold the labels.

    ``pattern`` is a regular expression with named groups, matched against the whole relative path; each group
    becomes a column, beside ``stem`` (the file's name without its ending) and ``folder``. A group ``split`` is what a
    split is chosen by. ``utterance_id`` is a template such as ``{speaker}-{stem}``; ``speaker_id`` names a group.

    Texts: ``reference`` names a group or a column of the ``speakers`` table, and ``references`` maps its values to
    texts. Or ``transcripts`` names a text file, such as ``{folder}/{stem}.txt`` or, one for all, ``passage.txt``;
    with ``transcript_key``, such as ``{stem}``, the file has many lines, each a key and a text. An audio file without a
    text has none: `asrfair validate` lists it.
    """

    pattern: str
    speaker_id: str
    reference: str = ""
    references: dict[str, str] = field(default_factory=dict)
    utterance_id: str = "{stem}"
    transcripts: str = ""
    transcript_key: str = ""
    encoding: str = "utf-8"
    split: str = ""


@dataclass(frozen=True)
class Found:
    """An audio file, relative to the root, and what its path says."""

    audio: str
    groups: dict[str, str | None]

    @property
    def name(self) -> str:
        """The path without the ending: it names one file in the whole corpus."""
        return str(PurePosixPath(self.audio).with_suffix(""))

    def fill(self, template: str, *, where: str) -> str:
        """Return a card's template with the groups, ``{stem}`` and ``{folder}`` filled in."""
        return placed(template, where=where, **self.groups)


def read_files(root: Path, options: FilesOptions, split: str) -> Raw:
    """List audio files by pattern, with their texts; raises InputError when none matches."""
    pattern = compiled("pattern", options.pattern)
    if bool(options.reference) == bool(options.transcripts):
        raise CardError(
            "layout: found " + ("both" if options.reference else "neither") + " of 'reference' and "
            "'transcripts'; expected one of them"
        )
    files = list_files(root, pattern, split=split or options.split)
    rows: list[Row] = [{**found.groups, "audio": found.audio} for found in files]
    table = frame(rows, where=root)
    require_columns(table, [options.speaker_id], where="layout.pattern")
    ids = [found.fill(options.utterance_id, where="layout.utterance_id") for found in files]
    table = table.with_columns(utterance_id=pl.Series(ids), speaker_id=pl.col(options.speaker_id))
    table = join_speakers(table, root, options.speakers, split=split or options.split)
    return finish(
        table.with_columns(reference=_references(table, files, root, options)),
        root,
        replace(options, speakers=None),
        split=split,
        where=root,
    )


def _references(table: pl.DataFrame, files: Sequence[Found], root: Path, options: FilesOptions) -> pl.Series:
    if options.transcripts:
        texts = _Texts(root, options)
        return pl.Series([texts.of(found) for found in files], dtype=pl.String)
    require_columns(table, [options.reference], where="layout.pattern")
    spoken = table[options.reference]
    return spoken.replace_strict(options.references, default=None) if options.references else spoken


def list_files(root: Path, pattern: re.Pattern[str], *, split: str) -> list[Found]:
    """Return the files under the root that match, sorted; raises InputError when none does."""
    if split and "split" not in pattern.groupindex:
        no_split(split, where=root)
    found = []
    for audio in walk(root):
        match = pattern.fullmatch(audio)
        if match:
            path = PurePosixPath(audio)
            found.append(Found(audio, {"stem": path.stem, "folder": path.parent.as_posix(), **match.groupdict()}))
    if not found:
        raise WrongRootError(f"{root}: looked for files like {pattern.pattern}; found {there(root)}")
    chosen = [file for file in found if not split or file.groups["split"] == split]
    if not chosen:
        splits = ", ".join(sorted({str(file.groups["split"]) for file in found}))
        raise InputError(f"{root}: found no split '{split}'; expected one of: {splits}")
    return chosen


def walk(root: Path) -> Iterator[str]:
    """Yield the files under the root as relative paths, sorted folder by folder."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        prefix = Path(folder).relative_to(root).as_posix()
        for name in sorted(names):
            yield name if prefix == "." else f"{prefix}/{name}"


class _Texts:
    """The texts beside the audio, each file read once."""

    def __init__(self, root: Path, options: FilesOptions) -> None:
        self._root = root
        self._options = options
        self._keyed: dict[Path, dict[str, str]] = {}
        self._whole: dict[Path, str | None] = {}

    def of(self, found: Found) -> str | None:
        options = self._options
        filled = found.fill(options.transcripts, where="layout.transcripts")
        path = self._root / inside(self._root, filled, where="layout.transcripts")
        if not options.transcript_key:
            if path not in self._whole:
                self._whole[path] = _text(path, options.encoding)
            return self._whole[path]
        if path not in self._keyed:
            self._keyed[path] = _keyed(path, options.encoding)
        return self._keyed[path].get(found.fill(options.transcript_key, where="layout.transcript_key"))


def _text(path: Path, encoding: str) -> str | None:
    return " ".join(" ".join(read_lines(path, encoding=encoding)).split()) if path.is_file() else None


def _keyed(path: Path, encoding: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    if not path.is_file():
        return texts
    for number, line in enumerate(read_lines(path, encoding=encoding), start=1):
        if not line.strip():
            continue
        key, *text = KEYED.split(line.strip(), maxsplit=1)
        if key in texts:
            raise InputError(f"{path}: line {number}: found '{key}' again; expected each key once")
        texts[key] = text[0] if text else ""
    return texts
