"""Raw labels made into levels: several in one field told apart, mapped by the card, then by a taxonomy."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from asrfair.corpus.bands import cut_bands, unmapped
from asrfair.corpus.card import Axis
from asrfair.corpus.taxonomy import Taxonomy, load_taxonomy

JOIN = " + "


@dataclass(frozen=True)
class Labelled:
    """The levels of an axis, null where unknown.

    ``unmapped`` counts, by level, the utterances with a label that neither card nor taxonomy maps, the most frequent
    first; ``several`` is the number of utterances whose field holds labels of more than one level.
    """

    levels: pl.Series
    unmapped: Mapping[str, int]
    several: int = 0


def label(raw: pl.Series, axis: Axis) -> Labelled:
    """Return the levels of a column of raw labels; one utterance has one level, whatever its field holds."""
    texts = raw.cast(pl.String).str.strip_chars()
    texts = pl.select(pl.when(texts.is_in(["", *axis.unknown])).then(None).otherwise(texts)).to_series()
    if axis.bands:
        bands = cut_bands(texts, axis.bands)
        return Labelled(texts.replace(bands), unmapped(texts, list(bands)))
    if not (axis.separator or axis.taxonomy):
        found = unmapped(texts, list(axis.levels)) if axis.levels else {}
        return Labelled(texts.replace(axis.levels), found)
    return _read(texts, axis)


def _read(texts: pl.Series, axis: Axis) -> Labelled:
    read = {text: _Field.read(text, axis) for text in texts.drop_nulls().unique()}
    levels = texts.replace_strict({text: field.level for text, field in read.items()}, return_dtype=pl.String)
    counts = dict(texts.drop_nulls().value_counts().iter_rows())
    strange: dict[str, int] = {}
    for text, field in read.items():
        if field.strange and field.level is not None:
            strange[field.level] = strange.get(field.level, 0) + counts[text]
    return Labelled(
        levels=levels,
        unmapped=dict(sorted(strange.items(), key=lambda item: (-item[1], item[0]))),
        several=sum(counts[text] for text, field in read.items() if field.several),
    )


@dataclass(frozen=True)
class _Field:
    """One raw text read: its level, whether a label of it is unmapped, whether it holds several levels."""

    level: str | None
    strange: bool
    several: bool

    @staticmethod
    def read(text: str, axis: Axis) -> "_Field":
        taxonomy = load_taxonomy(axis.taxonomy) if axis.taxonomy else None
        if not axis.separator or text in axis.levels or (taxonomy and taxonomy.find(text)):
            parts = [text]
        else:
            parts = [part.strip() for part in re.split(axis.separator, text)]
            parts = [part for part in parts if part and part not in axis.unknown]
        known = [_level(part, axis, taxonomy) for part in _telling(parts, axis, taxonomy)]
        named = list(dict.fromkeys((level, strange) for level, strange in known if level is not None))
        kept = sorted(SEVERAL[axis.several](named))
        strange = any(strange for _, strange in kept)
        several = len({level for level, _ in named}) > 1
        return _Field(JOIN.join(level for level, _ in kept) or None, strange, several)


def _telling(parts: list[str], axis: Axis, taxonomy: Taxonomy | None) -> list[str]:
    """Leave out what another label of the field implies: «German English, Non native speaker» is German."""
    if taxonomy is None or len(parts) < 2:
        return parts
    entries = [taxonomy.entry(axis.levels.get(part) or part) for part in parts]
    said = [entry for entry in entries if entry]
    return [part for part, entry in zip(parts, entries, strict=True) if not (entry and entry.implied(said))]


def _level(part: str, axis: Axis, taxonomy: Taxonomy | None) -> tuple[str | None, bool]:
    """Return a label's level, and whether neither the card nor the taxonomy knows it."""
    own = axis.levels.get(part)
    if taxonomy is None:
        return own or part, own is None and bool(axis.levels)
    name = taxonomy.find(own or part)
    if axis.derive == "name":
        return own or name or part, own is None and name is None
    if name is None:
        return own or part, True
    return taxonomy.levels[name].say(axis.derive, name=name), False


Named = list[tuple[str, bool]]
SEVERAL: dict[str, Callable[[Named], Named]] = {
    "joined": lambda levels: levels,
    "first": lambda levels: levels[:1],
    "unknown": lambda levels: levels if len(levels) == 1 else [],
}
"""What becomes of a field with several levels: all of them joined as a level of its own, the first, or none."""
