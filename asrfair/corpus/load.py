"""Card and root in, utterances with mapped labels out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from asrfair.cards import build
from asrfair.corpus.bands import cut_bands, unmapped
from asrfair.corpus.card import Axis, CorpusCard, Covariate, load_card
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import InputError
from asrfair.reading import read_numbers
from asrfair.tables import UTTERANCES, conform, require_columns


@dataclass(frozen=True)
class Corpus:
    """A loaded corpus.

    ``utterances`` is sorted by utterance id and has a text column per axis of the card, then a Float64 column per
    covariate; ``audio`` is relative to ``audio_root``. ``unmapped`` counts, per axis, the raw labels that the card
    does not map.
    """

    card: CorpusCard
    audio_root: Path
    utterances: pl.DataFrame
    unmapped: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the utterance table."""
        return hashlib.sha256(self.utterances.write_ndjson().encode()).hexdigest()[:16]


def load_corpus(card_name: str, root: Path, *, split: str = "") -> Corpus:
    """Load a corpus; raises CardError or InputError naming where, what was found and what was expected."""
    card = load_card(card_name)
    if not root.exists():
        raise InputError(f"{root}: no such file or folder; expected the root of {card.title}")
    layout = LAYOUTS[card.layout["type"]]
    options = {key: value for key, value in card.layout.items() if key != "type"}
    raw = layout.read(root, build(layout.options, options, where=card.name), split)
    raw = _numbers(raw, root)
    axes, unmapped = {}, {}
    for name, axis in card.axes.items():
        axes[name], unmapped[name] = _labels(raw, axis, where=f"{root}: axis '{name}'")
    covariates = [
        _covariate(raw, covariate, name=name, root=root).alias(name) for name, covariate in card.covariates.items()
    ]
    utterances = conform(
        raw.with_columns(
            corpus=pl.lit(card.name),
            language=pl.col("language") if "language" in raw.columns else pl.lit(card.language),
            **axes,
        ),
        UTTERANCES,
        axes=list(axes),
    )
    utterances = utterances.with_columns(covariates).sort("utterance_id")
    utterances = _blank_to_null(utterances)
    _check(utterances, root)
    audio_root = root.parent if root.is_file() else root
    return Corpus(card, audio_root, utterances, unmapped, tuple(_notes(utterances, card, unmapped)))


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
    return read_numbers(values, where=f"{root}: covariate '{name}'", wanted=wanted, unknown=covariate.unknown)


def _source(raw: pl.DataFrame, columns: Sequence[str], *, where: str) -> str:
    """Return the first of the columns that exists; raises InputError if none does."""
    source = next((name for name in columns if name in raw.columns), columns[0])
    require_columns(raw, [source], where=where)
    return source


def _labels(raw: pl.DataFrame, axis: Axis, *, where: str) -> tuple[pl.Series, dict[str, int]]:
    """Return the axis's levels, and the raw labels that the card does not map with their frequencies."""
    labels = raw[_source(raw, axis.columns, where=where)].cast(pl.String).str.strip_chars()
    labels = pl.select(pl.when(labels.is_in(["", *axis.unknown])).then(None).otherwise(labels)).to_series()
    levels = cut_bands(labels, axis.bands) if axis.bands else axis.levels
    if not levels and not axis.bands:
        return labels, {}
    return labels.replace(levels), unmapped(labels, list(levels))


def _blank_to_null(utterances: pl.DataFrame) -> pl.DataFrame:
    names = ["speaker_id", "audio"]
    return utterances.with_columns(
        pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name).str.strip_chars()).alias(name) for name in names
    )


def _check(utterances: pl.DataFrame, root: Path) -> None:
    if utterances.is_empty():
        raise InputError(f"{root}: found no utterances; expected at least one")
    ids = utterances["utterance_id"]
    if ids.null_count() or (ids == "").any():
        raise InputError(
            f"{root}: found {ids.null_count() + (ids == '').sum()} utterances without an id; expected none"
        )
    twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(twice):
        raise InputError(f"{root}: found {len(twice)} utterance ids more than once ('{twice[0]}'); expected each once")
    for audio in utterances["audio"].drop_nulls().unique():
        if ".." in PurePosixPath(audio).parts or "\0" in audio:
            raise InputError(f"{root}: found the audio path '{audio}'; expected one that stays inside the corpus")


def _notes(utterances: pl.DataFrame, card: CorpusCard, unmapped: Mapping[str, Mapping[str, int]]) -> list[str]:
    notes = list(card.caveats)
    for axis, labels in unmapped.items():
        if labels:
            some = ", ".join(f"'{label}' ({count})" for label, count in list(labels.items())[:5])
            notes.append(f"{axis}: {sum(labels.values())} utterances have labels that the card does not map: {some}")
    for axis in card.axes:
        levels = (
            utterances.filter(pl.col("speaker_id").is_not_null())
            .group_by("speaker_id")
            .agg(pl.col(axis).drop_nulls().n_unique())
        )
        several = int((levels[axis] > 1).sum())
        if several:
            notes.append(f"{axis}: {several} speakers have more than one value")
    return notes
