"""Which utterances are synthetic speech, where a corpus mixes it with recordings.

A card's key ``synthetic`` names the source column that says so of each utterance; a blank says: a recording.
"""

import polars as pl

from asrfair.errors import InputError
from asrfair.tables import require_columns

YES = ("true", "yes", "1", "synthetic")
NO = ("false", "no", "0", "recorded", "")


def flags(raw: pl.DataFrame, column: str, *, where: object) -> pl.Series:
    """Return for each row whether it is synthetic; without a column, none is.

    Raises InputError with the first text that says neither: nothing synthetic may pass for people.
    """
    if not column:
        return pl.repeat(False, len(raw), eager=True)
    require_columns(raw, [column], where=f"{where}: synthetic")
    said = raw[column].cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
    neither = said.filter(~said.is_in([*YES, *NO]))
    if len(neither):
        raise InputError(f"{where}: found {column} = '{neither[0]}'; expected true, false or a blank")
    return said.is_in(YES)
