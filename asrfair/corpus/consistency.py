"""Whether a corpus agrees with itself: speakers with two labels, and speakers or recordings that occur twice.

Table in, table out. ``digests`` has the columns ``utterance_id`` and ``digest`` (of the audio as it is heard: the file,
or the segment); who computes it decides what counts as the same recording. An optional column ``split`` of the
utterances tells where each one is. Nothing here changes a corpus: what is found is suspected, and shown.
"""

import polars as pl


def speakers_with_several(utterances: pl.DataFrame, axis: str) -> pl.DataFrame:
    """Return the speakers with more than one known level of an axis: ``speaker_id`` and ``levels``, a sorted list."""
    # As numbers: ids may be long, and many.
    known = utterances.select(pl.col("speaker_id").cast(pl.Categorical), axis).drop_nulls()
    found = known.group_by("speaker_id").agg(pl.col(axis).unique().alias("levels"))
    found = found.filter(pl.col("levels").list.len() > 1)
    return found.select(pl.col("speaker_id").cast(pl.String), pl.col("levels").list.sort()).sort("speaker_id")


def twins_by_case(utterances: pl.DataFrame, column: str = "speaker_id") -> pl.DataFrame:
    """Return ids that differ in capitals or blanks only: ``folded`` and ``ids``, a sorted list of two or more."""
    folded = pl.col(column).str.strip_chars().str.replace_all(r"\s+", " ").str.to_lowercase()
    return (
        utterances.select(pl.col(column).alias("ids"), folded.alias("folded"))
        .drop_nulls()
        .unique()
        .group_by("folded")
        .agg(pl.col("ids").sort())
        .filter(pl.col("ids").list.len() > 1)
        .sort("folded")
    )


def duplicate_audio(utterances: pl.DataFrame, digests: pl.DataFrame) -> pl.DataFrame:
    """Return recordings that occur more than once, the most frequent first.

    ``digest``, then sorted lists: ``utterances`` (ids), ``speakers`` (known ids), ``references`` (distinct texts) and,
    where the table has the column, ``splits``. Two references for one recording: one of them is wrong.
    """
    heard = utterances.join(digests.select("utterance_id", "digest").drop_nulls(), on="utterance_id", how="inner")
    names = {"utterance_id": "utterances", "speaker_id": "speakers", "reference": "references", "split": "splits"}
    lists = [
        pl.col(column).drop_nulls().unique().sort().alias(name)
        for column, name in names.items()
        if column in heard.columns
    ]
    found = heard.group_by("digest").agg(lists).filter(pl.col("utterances").list.len() > 1)
    return found.sort(pl.col("utterances").list.len(), "digest", descending=[True, False])


def duplicate_speakers(utterances: pl.DataFrame, digests: pl.DataFrame, *, most: int = 20) -> pl.DataFrame:
    """Return pairs of speaker ids that share a recording, and so may be one person.

    ``speaker_id`` < ``other``, the number of ``recordings`` they share, an example of a ``digest``, and, where the
    table has the column, ``splits``: a sorted list of where the shared recordings are. Most shared first. A recording
    of more than ``most`` speakers, such as silence, makes no pairs.
    """
    heard = utterances.join(digests.select("utterance_id", "digest").drop_nulls(), on="utterance_id", how="inner")
    heard = heard.filter(pl.col("speaker_id").is_not_null())
    repeated = heard.filter(pl.col("speaker_id").n_unique().over("digest").is_between(2, most))
    said = repeated.select("digest", "speaker_id").unique()
    pairs = said.join(said.rename({"speaker_id": "other"}), on="digest").filter(pl.col("speaker_id") < pl.col("other"))
    found = pairs.group_by("speaker_id", "other").agg(
        pl.col("digest").n_unique().cast(pl.Int64).alias("recordings"), pl.col("digest").min()
    )
    if "split" in heard.columns:
        where = pairs.join(repeated.select("digest", "split").unique(), on="digest")
        splits = where.group_by("speaker_id", "other").agg(pl.col("split").drop_nulls().unique().sort().alias("splits"))
        found = found.join(splits, on=["speaker_id", "other"])
    return found.sort("recordings", "speaker_id", "other", descending=[True, False, False])


def speakers_in_several_splits(utterances: pl.DataFrame) -> pl.DataFrame:
    """Return the speakers with utterances in more than one split: ``speaker_id`` and ``splits``, a sorted list."""
    return speakers_with_several(utterances, "split").rename({"levels": "splits"})
