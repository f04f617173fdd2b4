"""The free texts and names of a shareable form: pseudonyms, and signatures without ids, paths and rare labels."""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

WITHHELD_REASON = "reason withheld"
_FIRST = re.compile(r" \(first .*?\)(?=$|[;,:.])")
_COUNTED = re.compile(
    r"[\d,]+ (utterance|speaker)s? (?:have|has) (labels that the card does not map|more than one value): .*$"
)
_SOUND = re.compile(r"\w\.(?:wav|flac|mp3|ogg|opus|m4a|sph|aac|amr)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s'\"“”«»()\[\]{}<>,;:=|]+")
# From the first folder of a path that begins at a root to its last part; an address on the web is none.
_PATH = re.compile(r"(?<![\w.:/\\])(?:file://|~|[A-Za-z]:)?[\\/](?:[^\s'\",;|<>\\/]+[\\/])*([^\s'\",;|<>\\/]+)")
_KIND = re.compile(r"[A-Za-z][\w .-]{0,40}")


def pseudonyms(ids: pl.Series, *, prefix: str, digits: int) -> pl.DataFrame:
    """Return each id with its pseudonym, in an order drawn from the system's secret randomness and kept nowhere."""
    there = ids.drop_nulls().unique().sort().to_list()
    secrets.SystemRandom().shuffle(there)
    width = max(digits, len(str(len(there))))
    names = [f"{prefix}-{number:0{width}d}" for number in range(1, len(there) + 1)]
    return pl.DataFrame({"id": there, "pseudonym": names}, schema={"id": pl.String, "pseudonym": pl.String})


def renamed(rows: pl.DataFrame, column: str, names: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with pseudonyms in a column."""
    if column not in rows.columns:
        return rows
    found = rows.select(pl.col(column).alias("id")).join(names, on="id", how="left", maintain_order="left")
    return rows.with_columns(found["pseudonym"].alias(column))


def without_paths(data: Any) -> Any:
    """Return data in which every path that begins at a root is its last part alone."""
    if isinstance(data, Mapping):
        return {_PATH.sub(r"\1", str(key)): without_paths(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_paths(value) for value in data]
    return _PATH.sub(r"\1", data) if isinstance(data, str) else data


def notes(found: Iterable[str], names: Iterable[str]) -> tuple[list[str], int]:
    """Return the notes that have none of the names, no number that is one, and no path, and how many are left out."""
    kept, left = [], 0
    named = Names(names, numbers=True)
    for text in found:
        told = _COUNTED.sub(r"some \1s have \2", _FIRST.sub("", str(text)))
        if named.are_in(told) or _PATH.search(told) or _SOUND.search(told):
            left += 1
        else:
            kept.append(told)
    return kept, left


class Names:
    """Ids and labels to be found in texts.

    A bare number of up to four digits is taken for a number, unless ``numbers`` asks for any that is a name.
    """

    def __init__(self, names: Iterable[str], *, numbers: bool = False) -> None:
        given = {name for name in names if name}
        self._words = {name for name in given if not (name.isdigit() and len(name) < 5)}
        self._numbers = {name for name in given if numbers and name.isdecimal()}
        self._phrases = [name for name in self._words if _BETWEEN.search(name)]

    def are_in(self, text: str) -> bool:
        """Return whether a text has one of the names as a word, or one of several words."""
        words = {piece for word in _BETWEEN.split(text) for piece in (word, word.rstrip("."))}
        if self._numbers.intersection(re.findall(r"\d+", text)):
            return True
        return bool(words & self._words) or any(phrase in text for phrase in self._phrases)


def reasons(failures: pl.DataFrame, names: Names, *, least: int) -> pl.DataFrame:
    """Return the failures with reasons that name nobody: what comes before a colon, shared by enough speakers."""
    told = {reason: _kind(reason, names) for reason in failures["reason"].drop_nulls().unique()}
    kinds = failures.with_columns(reason=pl.col("reason").replace_strict(told, return_dtype=pl.String, default=None))
    many = kinds.group_by("reason").agg(pl.col("speaker_id").n_unique()).filter(pl.col("speaker_id") >= least)
    kept = pl.when(pl.col("reason").is_in(many["reason"].implode())).then("reason")
    return kinds.with_columns(reason=kept.otherwise(pl.lit(WITHHELD_REASON)))


def _kind(reason: str, names: Names) -> str:
    kind = reason.split(":")[0].strip()
    return kind if _KIND.fullmatch(kind) and not names.are_in(kind) else WITHHELD_REASON
