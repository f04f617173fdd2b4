"""Which recognised words are right: what word confidences are held against.

Conventions
-----------
A recogniser tells its words one by one, as it wrote them; what is compared with the reference is the normalised
hypothesis. The words of an utterance are normalised one by one and laid end to end. Where that is the normalised
hypothesis, as it nearly always is, every word of it belongs to one recognised word. Where it is not (a normaliser that
joins words, «twenty one» to «21», or words that are not those of the hypothesis), the words before the first difference
and after the last one belong to theirs, and those between belong to none.

A recognised word is right if every normalised word of it is a hit of the alignment (`asrfair.scoring.alignment`). It is
neither right nor wrong, null, where a normalised word of it belongs to none, where normalising leaves nothing of it (a
comma), and where the utterance has no reference.
"""

import polars as pl

from asrfair.scoring.alignment import align_words
from asrfair.scoring.counting import normalize_pairs
from asrfair.scoring.normalizers import Normalizer

KEY = ("utterance_id", "condition", "backend")


def right_words(recognised: pl.DataFrame, pairs: pl.DataFrame, *, normalizer: Normalizer) -> pl.DataFrame:
    """Return the rows of table ``recognised``, in their order, with ``right``: true, false, or null where unknown.

    ``pairs`` have the columns of `KEY`, ``reference`` and ``hypothesis``, one row per utterance, condition and backend.
    """
    if recognised.is_empty():
        return recognised.with_columns(right=pl.lit(None, pl.Boolean))
    pairs = pairs.drop_nulls(["reference", "hypothesis"]).select(*KEY, "reference", "hypothesis")
    told = pairs.join(recognised.select(KEY).unique(), on=KEY, how="semi")
    heard = (
        align_words(normalize_pairs(told, normalizer=normalizer))
        .filter(pl.col("operation") != "delete")
        .select(
            *KEY,
            heard="hypothesis_word",
            hit=pl.col("operation") == "equal",
            place=pl.int_range(pl.len()).over(KEY),
        )
    )
    pieces = _pieces(recognised, normalizer)
    sizes = heard.group_by(KEY).agg(size=pl.len().cast(pl.Int64))
    found = _matched(pieces.join(sizes, on=KEY, how="left", maintain_order="left"), heard)
    right = found.group_by("row").agg(right=pl.when(pl.col("hit").is_not_null().all()).then(pl.col("hit").all()))
    numbered = recognised.drop("right", strict=False).with_row_index("row")
    return numbered.join(right, on="row", how="left", maintain_order="left").drop("row")


def _pieces(recognised: pl.DataFrame, normalizer: Normalizer) -> pl.DataFrame:
    """Return the normalised words of each recognised one: its ``row``, ``piece``, ``place``, and ``count`` of all."""
    words = recognised["word"].unique()
    by_word = normalizer.normalize_all(words.to_list())
    split = pl.DataFrame(
        {"word": words, "piece": [by_word[word].split() for word in words]},
        schema={"word": pl.String, "piece": pl.List(pl.String)},
    )
    return (
        recognised.with_row_index("row")
        .sort(*KEY, "position", maintain_order=True)
        .select("row", *KEY, "word")
        .join(split, on="word", how="left", maintain_order="left")
        .explode("piece")
        .drop_nulls("piece")
        .with_columns(place=pl.int_range(pl.len()).over(KEY), count=pl.len().cast(pl.Int64).over(KEY))
    )


def _matched(pieces: pl.DataFrame, heard: pl.DataFrame) -> pl.DataFrame:
    """Return the pieces with ``hit``, null where one belongs to no word of the hypothesis."""
    back = pl.col("size") - pl.col("count") + pl.col("place")
    both = (
        pieces.with_columns(back=back)
        .join(heard, on=[*KEY, "place"], how="left", maintain_order="left")
        .join(heard.rename({"place": "back"}), on=[*KEY, "back"], how="left", suffix="_back", maintain_order="left")
    )
    same = {name: (pl.col("piece") == pl.col(name)).fill_null(value=False) for name in ("heard", "heard_back")}
    both = both.with_columns(
        before=same["heard"].cast(pl.Int8).cum_min().over(KEY) == 1,
        after=same["heard_back"].cast(pl.Int8).cum_min(reverse=True).over(KEY) == 1,
    )
    shared = pl.min_horizontal("size", "count") - pl.col("before").sum().over(KEY).cast(pl.Int64)
    after = pl.col("after") & (pl.col("count") - pl.col("place") <= shared)
    return both.with_columns(hit=pl.when("before").then("hit").when(after).then("hit_back"))
