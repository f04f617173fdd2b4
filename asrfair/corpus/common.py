"""What layouts share: audio paths inside the corpus, facts about speakers, rows kept and texts cleaned.

A layout's options inherit from `CommonOptions`; its function ends with `finish`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from asrfair.corpus.rows import keep, left_out
from asrfair.corpus.speakers import SpeakerTable, join_speakers
from asrfair.corpus.texts import TextRules
from asrfair.reading import inside_all


class Raw(NamedTuple):
    """A layout's table, and notes that say how many utterances it left out and why."""

    rows: pl.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Options of every layout.

    ``audio_folder`` is put before audio paths, after ``audio_prefix`` has been cut off them (the folder of another
    machine); ``audio_ending`` is put after those that a table gives without one. ``speakers`` joins a second table.

    ``rows`` keeps the utterances whose columns, those of the speakers' table included, have one of the values listed:
    ``rows = { status = ["checked"] }``. ``replace`` is a list of [regular expression, replacement] for texts; an
    utterance whose text, before or after, is matched whole by one of ``skip`` is left out. What is left out is counted.
    """

    audio_folder: str = ""
    audio_prefix: str = ""
    audio_ending: str = ""
    speakers: SpeakerTable | None = None
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    replace: tuple[tuple[str, ...], ...] = ()
    skip: tuple[str, ...] = ()


def finish(
    rows: pl.DataFrame, root: Path, options: CommonOptions, *, split: str, where: object, notes: Sequence[str] = ()
) -> Raw:
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
    rows = join_speakers(rows, root, options.speakers, split=split)
    said = list(notes)
    if options.rows:
        kept_rows = keep(rows, options.rows, where=f"{where}: layout.rows")
        said += left_out(len(rows), len(kept_rows), f"'rows' keeps {_shown(options.rows)}")
        rows = kept_rows
    rules = TextRules.of(options.replace, options.skip)
    if rules:
        spoken = _cleaned(rows, rules)
        said += left_out(len(rows), len(spoken), "'skip' matches their texts")
        rows = spoken
    return Raw(rows, tuple(said))


def _shown(wanted: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{name} = {' or '.join(values)}" for name, values in wanted.items())


def _cleaned(rows: pl.DataFrame, rules: TextRules) -> pl.DataFrame:
    """Return the rows with clean texts, without those to be left out; a missing text stays missing."""
    before = rows["reference"].cast(pl.String)
    cleaned = {text: rules.clean(text) for text in before.drop_nulls().unique()}
    skipped = [text for text, clean in cleaned.items() if rules.skips(text) or rules.skips(clean)]
    rows = rows.with_columns(reference=before.replace(cleaned))
    return rows.filter(~before.is_in(skipped).fill_null(value=False)) if skipped else rows
