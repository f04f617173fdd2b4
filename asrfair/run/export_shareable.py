"""A corpus that may be handed on: other names for speakers and utterances, no transcripts, no label that few have.

Names are given by chance, from a source that is not kept. Labels are withheld so that every combination of levels that
is left, over all axes together (and the language), has at least k speakers among the recordings, and likewise among the
synthetic voices. A speaker counts with all utterances: who has several levels of an axis is a level of its own there.
Utterances of unknown speakers keep no label. Covariates that are about a person stay behind: all but those that change
from utterance to utterance within most speakers, as noise and speech rate do.
"""

import random as standard
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from asrfair.corpus import Axis, Corpus
from asrfair.errors import InputError
from asrfair.run.suppression import WITHHELD, suppress

LEVEL = "withheld"
# ISO 639-2 for a language that is not told: a null would be read as the card's.
UNDETERMINED = "und"
LEAST_SPEAKERS = 5
FEWEST = 2


@dataclass(frozen=True)
class Sharing:
    """How a corpus is made shareable: ``least_speakers`` is k; ``transcripts`` go with it only if asked for."""

    least_speakers: int = LEAST_SPEAKERS
    transcripts: bool = False

    def __post_init__(self) -> None:
        if self.least_speakers < FEWEST:
            raise InputError(f"--least-speakers {self.least_speakers}: expected {FEWEST} or more")


def sharing(asked: bool, *, least_speakers: int | None, transcripts: bool) -> Sharing | None:
    """Return what the options ask for; raises InputError for those that mean nothing without ``--shareable``."""
    given = {"--least-speakers": least_speakers is not None, "--transcripts": transcripts}
    if not asked and any(given.values()):
        option = next(name for name, there in given.items() if there)
        raise InputError(f"{option}: found no --shareable; expected both")
    least = LEAST_SPEAKERS if least_speakers is None else least_speakers
    return Sharing(least, transcripts=transcripts) if asked else None


@dataclass(frozen=True)
class Shared:
    """The corpus that may go, what is to be told of it here and wherever it is loaded again, and the same as data."""

    corpus: Corpus
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def check_format(target: str, sharing: Sharing, *, audio: bool, relative: bool) -> None:
    """Raise InputError for a format that cannot do without what is left behind: it would have to say an untruth."""
    if relative:
        raise InputError("--relative: found --shareable; expected one of them: no path of the corpus is handed on")
    if target != "parquet" and not audio:
        raise InputError(
            f"--shareable: found --to {target} without --audio; expected --audio (each of its utterances names an "
            "audio file, and no path of the corpus is handed on), or --to parquet"
        )
    if target == "kaldi" and not sharing.transcripts:
        raise InputError(
            "--shareable: found --to kaldi without --transcripts; expected --transcripts (a Kaldi data directory has a "
            "text), or another format"
        )


def shareable(
    corpus: Corpus, sharing: Sharing, *, flag: str, audio: bool, random: standard.Random | None = None
) -> Shared:
    """Return what may be handed on of a corpus; ``flag`` is its column of synthetic utterances, or "".

    Raises InputError where fewer than k speakers are known.
    """
    chance = random or secrets.SystemRandom()
    _check_speakers(corpus, sharing, flag)
    axes = [name for name in corpus.utterances.columns if name in corpus.card.axes]
    rows, withheld = _suppressed(corpus.utterances, axes, sharing.least_speakers, chance, flag=flag)
    personal = [name for name in corpus.card.covariates if _personal(rows, name)]
    rows = _renamed(rows.drop(personal), chance)
    if not sharing.transcripts:
        rows = rows.with_columns(reference=pl.lit(None, pl.String))
    if not audio:
        parts = ("audio", "start_s", "end_s", "channel")
        rows = rows.with_columns(pl.lit(None).cast(rows.schema[name]).alias(name) for name in parts)
    rows = rows.sort("utterance_id")
    synthetic = rows["utterance_id"].filter(rows[flag]) if flag else corpus.synthetic.clear()
    card = replace(
        corpus.card,
        axes={name: _axis(axis, rows[name]) for name, axis in corpus.card.axes.items()},
        covariates={name: value for name, value in corpus.card.covariates.items() if name not in personal},
    )
    unmapped = {name: _folded(labels, rows[name]) for name, labels in corpus.unmapped.items()}
    facts = {
        "least_speakers": sharing.least_speakers,
        "transcripts": sharing.transcripts,
        "audio": audio,
        "withheld": withheld,
        "covariates_left_out": personal,
        "covariates_kept": [name for name in corpus.card.covariates if name not in personal],
    }
    told = replace(
        corpus, card=card, utterances=rows, unmapped=unmapped, notes=corpus.card.caveats, synthetic=synthetic
    )
    caveat = (
        f"Labels, and combinations of labels, that fewer than {sharing.least_speakers} speakers have are withheld "
        f"('{LEVEL}', or the language '{UNDETERMINED}'): that is not unlabelled."
    )
    return Shared(told, (NAMES, caveat, *_notes(facts, len(rows))), (caveat,), facts)


NAMES = (
    "Names of speakers and utterances were given by chance, and no key was kept: two such exports cannot be joined by "
    "them. How many utterances each speaker has is kept: where that is one speaker's alone, exports can be joined by "
    "it, and from a report on the same corpus groups can be subtracted. Share one of them."
)


def _check_speakers(corpus: Corpus, sharing: Sharing, flag: str) -> None:
    """Raise InputError for people who are fewer than k, or cannot be counted; synthetic voices are nobody."""
    people = corpus.utterances.filter(~pl.col(flag)) if flag else corpus.utterances
    speakers = people["speaker_id"].drop_nulls().n_unique()
    if len(people) and speakers < sharing.least_speakers:
        found = f"{speakers} speakers" if speakers else "no speaker ids"
        raise InputError(
            f"--shareable: found {found} in {corpus.card.title}; expected {sharing.least_speakers} speakers or more: "
            "of fewer, or of people who cannot be counted, nothing can be handed on"
        )


def _suppressed(
    rows: pl.DataFrame, axes: list[str], least: int, chance: standard.Random, *, flag: str
) -> tuple[pl.DataFrame, dict[str, dict[str, int]]]:
    """Return the rows without the labels that too few share, and per axis how many were withheld."""
    columns = [name for name in axes if rows[name].null_count() < len(rows)]
    columns += ["language"] if rows["language"].n_unique() > 1 else []
    before = rows
    who = ["speaker_id", *([flag] if flag else [])]
    known = pl.col("speaker_id").is_not_null()
    for name in columns:
        rare = pl.col("speaker_id").drop_nulls().n_unique().over([name, *who[1:]]) < least
        rows = rows.with_columns(pl.when(rare | ~known).then(pl.lit(_word(name))).otherwise(pl.col(name)).alias(name))
    kinds = [rows.filter(pl.col(flag) == value) for value in (False, True)] if flag else [rows]
    parts = [_together(part, columns, least, chance) for part in kinds if len(part)]
    rows = pl.concat(parts).sort("utterance_id")
    withheld = {}
    for name in columns:
        lost = rows.filter(pl.col(name) == _word(name)).join(
            before.select("utterance_id", was=name), on="utterance_id", how="left"
        )
        lost = lost.filter(pl.col("was").is_null() | (pl.col("was") != _word(name)))
        withheld[name] = {"speakers": lost["speaker_id"].drop_nulls().n_unique(), "utterances": len(lost)}
    return rows, withheld


def _word(name: str) -> str:
    return UNDETERMINED if name == "language" else LEVEL


def _together(rows: pl.DataFrame, columns: list[str], least: int, chance: standard.Random) -> pl.DataFrame:
    """Return the rows of one kind with the labels withheld that, together, would tell too few speakers."""
    known = rows.filter(pl.col("speaker_id").is_not_null())
    if known.is_empty() or not columns:
        return rows
    speakers, codes = _profiles(known, columns)
    # What is withheld already is the same to all, and costs nothing more.
    lost = suppress(codes, least, chance) == WITHHELD
    table = pl.DataFrame({"speaker_id": speakers, **{f"\0{name}": lost[:, at] for at, name in enumerate(columns)}})
    joined = rows.join(table, on="speaker_id", how="left", maintain_order="left")
    return joined.with_columns(
        pl.when(pl.col(f"\0{name}")).then(pl.lit(_word(name))).otherwise(pl.col(name)).alias(name) for name in columns
    ).select(rows.columns)


def _profiles(rows: pl.DataFrame, columns: list[str]) -> tuple[pl.Series, Any]:
    """Return the speakers and their codes, shape=(speakers, columns): equal codes are equal sets of labelled rows.

    On the axes on which a speaker has several values, the code is of all combinations on them that occur.
    """
    distinct = rows.select("speaker_id", *columns).unique().sort("speaker_id", *columns)
    codes: list[list[int]] = []
    numbers: list[dict[Any, int]] = [{("one", _word(name)): WITHHELD} for name in columns]
    grouped = distinct.group_by("speaker_id", maintain_order=True).agg(columns)
    for row in grouped.iter_rows(named=True):
        several = [name for name in columns if len(set(row[name])) > 1]
        combined = zip(*(row[name] for name in several), strict=True)
        pattern = tuple(sorted({tuple(map(repr, labels)) for labels in combined}))
        keys = [(*several, pattern) if name in several else ("one", row[name][0]) for name in columns]
        codes.append([numbers[at].setdefault(key, len(numbers[at])) for at, key in enumerate(keys)])
    return grouped["speaker_id"], np.array(codes, dtype=np.int64)


def _personal(rows: pl.DataFrame, name: str) -> bool:
    """Return whether a covariate may be about the person: it is not seen to change within most speakers."""
    values = rows.select("speaker_id", name).drop_nulls()
    several = values.group_by("speaker_id").agg(pl.len(), pl.col(name).n_unique().alias("values"))
    several = several.filter(pl.col("len") > 1)
    return 2 * int((several["values"] > 1).sum()) <= len(several)


def _renamed(rows: pl.DataFrame, chance: standard.Random) -> pl.DataFrame:
    """Return the rows with names by chance; utterances are numbered by speaker, as Kaldi's order wants them."""
    speakers = rows["speaker_id"].drop_nulls().unique().sort().to_list()
    chance.shuffle(speakers)
    width = max(3, len(str(len(speakers))))
    names = {speaker: f"speaker-{number:0{width}}" for number, speaker in enumerate(speakers, start=1)}
    order = list(range(len(rows)))
    chance.shuffle(order)
    rows = rows.with_columns(
        pl.col("speaker_id").replace_strict(names, default=None, return_dtype=pl.String),
        pl.Series("\0order", order),
    ).sort("speaker_id", "\0order", nulls_last=True)
    width = max(5, len(str(len(rows))))
    numbered = pl.Series([f"utterance-{number:0{width}}" for number in range(1, len(rows) + 1)], dtype=pl.String)
    return rows.with_columns(utterance_id=numbered).drop("\0order")


def _axis(axis: Axis, values: pl.Series) -> Axis:
    """Return the axis as the card describes it, without levels that nobody has any more."""
    there = set(values.drop_nulls())
    return replace(
        axis,
        levels={raw: level for raw, level in axis.levels.items() if level in there},
        reference_group=axis.reference_group if axis.reference_group in there else "",
    )


def _folded(labels: Mapping[str, int], values: pl.Series) -> dict[str, int]:
    """Return the unmapped labels that are left as levels, counted again, and the others in one number."""
    left = {label: int((values == label).sum()) for label in labels}
    kept = {label: count for label, count in left.items() if count}
    rest = sum(labels.values()) - sum(kept.values())
    return kept | ({LEVEL: rest} if rest > 0 else {})


def _notes(facts: Mapping[str, Any], utterances: int) -> list[str]:
    notes = [
        f"{name}: withheld of {count['speakers']} speakers, {count['utterances']} of {utterances} utterances."
        for name, count in facts["withheld"].items()
        if count["utterances"]
    ]
    if facts["covariates_left_out"]:
        notes.append(f"Left out, as they may be about the person: {', '.join(facts['covariates_left_out'])}.")
    if facts["covariates_kept"]:
        notes.append(
            f"Kept, as they change within most speakers: {', '.join(facts['covariates_kept'])}. Who has the corpus "
            "itself can find an utterance by its exact numbers."
        )
    notes.append(
        "Transcripts are given as they are: what is said may name people."
        if facts["transcripts"]
        else "There are no transcripts: that they are missing does not mean that nothing was said."
    )
    if facts["audio"]:
        notes.append(
            "A VOICE IDENTIFIES A PERSON: with the audio, other names hide nobody who is heard, and exports can be "
            "joined by their sounds. The sounds are written anew as 16-bit WAV of one channel, without what the files "
            "said of themselves."
        )
    return notes
