"""Card and root in, utterances with mapped labels out."""

import hashlib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asrfair.cards import build
from asrfair.corpus.card import Axis, CorpusCard, Covariate, load_card
from asrfair.corpus.common import Raw
from asrfair.corpus.consistency import speakers_with_several
from asrfair.corpus.labels import Labelled, label
from asrfair.corpus.layouts import LAYOUTS
from asrfair.corpus.synthetic import flags
from asrfair.errors import CardError, InputError, WrongRootError, counted
from asrfair.reading import read_numbers
from asrfair.tables import UTTERANCES, conform, require_columns


@dataclass(frozen=True)
class Corpus:
    """A loaded corpus.

    ``utterances`` is sorted by utterance id and has a text column per axis of the card, then a Float64 column per
    covariate; ``audio`` is relative to ``audio_root``. ``unmapped`` counts, per axis, the raw labels that the card
    does not map. ``synthetic`` are the ids of utterances that are not recordings, where the card's column says so.
    """

    card: CorpusCard
    audio_root: Path
    utterances: pl.DataFrame
    unmapped: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]
    synthetic: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the utterance table."""
        return hashlib.sha256(self.utterances.write_ndjson().encode()).hexdigest()[:16]


def load_corpus(card_name: str, root: Path, *, split: str = "") -> Corpus:
    """Load a corpus; raises CardError or InputError naming where, what was found and what was expected."""
    card = load_card(card_name)
    if not root.exists():
        raise InputError(f"{root}: no such file or folder; expected the root of {card.title}")
    raw, left = _read(card, root, split)
    raw = _used(raw, card)
    raw = _sorted(raw.with_columns(pl.col("utterance_id").cast(pl.String)))
    raw = _numbers(raw, root)
    labelled = {
        name: label(_raw_labels(raw, axis, where=f"{root}: axis '{name}'"), axis) for name, axis in card.axes.items()
    }
    axes = {name: found.levels for name, found in labelled.items()}
    covariates = [
        _covariate(raw, covariate, name=name, root=root).alias(name) for name, covariate in card.covariates.items()
    ]
    synthetic = flags(raw, card.synthetic, where=root)
    # The other columns of a large table take as much memory again.
    raw = raw.select(name for name in UTTERANCES if name in raw.columns)
    utterances = conform(
        raw.with_columns(
            corpus=pl.lit(card.name),
            language=pl.coalesce(pl.col("language") if "language" in raw.columns else None, pl.lit(card.language)),
            **axes,
        ),
        UTTERANCES,
        axes=list(axes),
    )
    synthetic = utterances["utterance_id"].filter(synthetic)
    utterances = _blank_to_null(utterances.with_columns(covariates))
    _check(utterances, root)
    audio_root = root.parent if root.is_file() else root
    unmapped = {name: found.unmapped for name, found in labelled.items()}
    notes = (*card.caveats, *(f"layout: {note}" for note in left), *_notes(utterances, card, labelled))
    return Corpus(card, audio_root, utterances, unmapped, notes, synthetic)


def _read(card: CorpusCard, root: Path, split: str) -> Raw:
    """Return the layout's raw table and notes; messages about the card begin with its name."""
    layout = LAYOUTS[card.layout["type"]]
    options = {key: value for key, value in card.layout.items() if key != "type"}
    try:
        return layout.function(root, build(layout.options, options, where=card.name), split)
    except WrongRootError as error:
        raise WrongRootError(f"{error}; how to get it: {card.obtain}" if card.obtain else str(error)) from error
    except CardError as error:
        raise CardError(str(error) if str(error).startswith(card.name) else f"{card.name}: {error}") from error


def _used(raw: pl.DataFrame, card: CorpusCard) -> pl.DataFrame:
    """Leave out the columns that nothing names, half of a large table; all stay where a named one is not there."""
    described: list[Axis | Covariate] = [*card.axes.values(), *card.covariates.values()]
    columns = [each.columns for each in described]
    there = [any(name in raw.columns for name in names) for names in columns]
    optional = [isinstance(each, Axis) and each.optional for each in described]
    if not all(map(operator.or_, there, optional)):
        return raw
    named = {card.synthetic}.union(*columns)
    return raw.select(name for name in raw.columns if name in UTTERANCES or name in named)


def _sorted(raw: pl.DataFrame) -> pl.DataFrame:
    """Return the table in the order of its ids, a column at a time: all at once, a large one would be there twice."""
    order = raw["utterance_id"].arg_sort()
    columns = raw.get_columns()
    del raw
    for place, column in enumerate(columns):
        columns[place] = column.gather(order)
        del column
    return pl.DataFrame(columns)


def _numbers(raw: pl.DataFrame, root: Path) -> pl.DataFrame:
    """Return the raw table with its times and channels as numbers; a blank is null."""
    for name, kind in (("start_s", pl.Float64), ("end_s", pl.Float64), ("channel", pl.Int64)):
        if name not in raw.columns:
            continue
        require_columns(raw, [name], where=root)
        whole = kind == pl.Int64
        numbers = read_numbers(
            raw[name],
            where=root,
            ids=raw["utterance_id"],
            wanted="a channel from 0" if whole else "seconds from 0",
            allowed=_channels if whole else _seconds,
        )
        raw = raw.with_columns(numbers.cast(kind).alias(name))
    return raw


def _seconds(numbers: pl.Series) -> pl.Series:
    return numbers >= 0


def _channels(numbers: pl.Series) -> pl.Series:
    return (numbers >= 0) & (numbers == numbers.floor())


def _covariate(raw: pl.DataFrame, covariate: Covariate, *, name: str, root: Path) -> pl.Series:
    """Return the numbers of a covariate, null where unknown."""
    values = raw[_source(raw, covariate.columns, where=f"{root}: covariate '{name}'")]
    wanted = f"a number ({covariate.unit})"
    where, ids = f"{root}: covariate '{name}'", raw["utterance_id"]
    return read_numbers(values, where=where, wanted=wanted, unknown=covariate.unknown, ids=ids)


def _raw_labels(raw: pl.DataFrame, axis: Axis, *, where: str) -> pl.Series:
    """Return the column of an axis; of one that is optional and missing, nulls."""
    if axis.optional and not set(axis.columns) & set(raw.columns):
        return pl.Series(axis.columns[0], [None] * len(raw), dtype=pl.String)
    return raw[_source(raw, axis.columns, where=where)]


def _source(raw: pl.DataFrame, columns: Sequence[str], *, where: str) -> str:
    """Return the first of the columns that exists; raises InputError if none does."""
    source = next((name for name in columns if name in raw.columns), columns[0])
    require_columns(raw, [source], where=where)
    return source


def _blank_to_null(utterances: pl.DataFrame) -> pl.DataFrame:
    # Mostly none has any: then nothing is copied.
    names = [name for name in ("speaker_id", "audio") if utterances[name].str.contains(r"^(\s|$)|\s$").any()]
    return utterances.with_columns(
        pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name).str.strip_chars()).alias(name) for name in names
    )


def _check(utterances: pl.DataFrame, root: Path) -> None:
    if utterances.is_empty():
        raise InputError(f"{root}: found no utterances; expected at least one")
    ids = utterances["utterance_id"]
    if ids.null_count() or (ids == "").any():
        without = counted(ids.null_count() + int((ids == "").sum()), "utterance")
        raise InputError(f"{root}: found {without} without an id; expected none")
    twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(twice):
        found = counted(len(twice), "utterance id")
        raise InputError(f"{root}: found {found} more than once ('{twice[0]}'); expected each once")
    outside = utterances["audio"].filter(utterances["audio"].str.contains(CLIMBS))
    if len(outside):
        raise InputError(f"{root}: found the audio path '{outside[0]}'; expected one that stays inside the corpus")


CLIMBS = r"(^|/)\.\.(/|$)|\x00"


def _notes(utterances: pl.DataFrame, card: CorpusCard, labelled: Mapping[str, Labelled]) -> list[str]:
    notes = []
    for axis, found in labelled.items():
        if found.unmapped:
            some = ", ".join(f"'{label}' ({count})" for label, count in list(found.unmapped.items())[:5])
            total = sum(found.unmapped.values())
            have = counted(total, "utterance has", plural="utterances have")
            notes.append(f"{axis}: {have} labels that the card does not map: {some}")
        if found.several:
            have = counted(found.several, "utterance has", plural="utterances have")
            notes.append(f"{axis}: {have} several labels: {KEPT[card.axes[axis].several]}")
    for axis, described in card.axes.items():
        if described.optional and utterances[axis].null_count() == len(utterances):
            notes.append(f"{axis}: unknown for all: found no label in {' or '.join(described.columns)}")
        several = speakers_with_several(utterances, axis)
        if len(several):
            have = counted(len(several), "speaker has", plural="speakers have")
            notes.append(f"{axis}: {have} more than one value: {_examples(several)}")
    return notes


def _examples(several: pl.DataFrame) -> str:
    """Return the most frequent combinations of levels; notes travel into reports, so they name no speaker."""
    combined = several["levels"].list.join(" and ").value_counts().sort("count", "levels", descending=[True, False])
    some = ", ".join(f"'{levels}' ({count})" for levels, count in combined.head(EXAMPLES).iter_rows())
    return f"{some}, …" if len(combined) > EXAMPLES else some


EXAMPLES = 3
KEPT = {
    "joined": "each combination is a level of its own",
    "first": "the first counts",
    "unknown": "they count as unknown",
}
"""What a note says of fields that hold labels of several levels."""
