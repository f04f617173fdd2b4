"""Whether recognisers say the same again, and how much of a number is chance of theirs.

Conventions
-----------
``repeats`` are the rows of that table: cells of a run, drawn at random, transcribed again in fresh processes. Rows of
table ``metrics``; those of a recogniser as a whole have no condition.

Metrics
-------
repeat_differing_share: of the cells drawn, those whose transcript was another one the first time they were repeated; by
Clopper–Pearson over cells. None of n is no proof: at level .95 up to 3.7/n of all cells may differ.
repeat_changed_words_share: words changed from the first transcript to a repetition, over the words of the first ones; a
repetition that failed is left out. By utterance, over all repetitions; only where some differ.
repeat_sd_wer: the standard deviation of a group's WER from run to run, √(v/W) with W its reference words and
v = Σ s²_u/Σ W_u over the cells drawn, s²_u the variance of a cell's errors over its runs, the first included. That
takes utterances to change independently of each other: what changes them all at once (another machine) is not in it.
The WER's own interval is about other speakers, and holds as much of this chance as shows between speakers.

References
----------
Clopper and Pearson 1934. Hanley and Lippman-Hand 1983 (JAMA 249) on none of n.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from asrfair.stats.arrays import ratio
from asrfair.stats.intervals import log_rates
from asrfair.stats.question import Question
from asrfair.tables import METRICS, OVERALL, conform, with_intersections

REPEAT_METRICS = ("repeat_differing_share", "repeat_changed_words_share", "repeat_sd_wer")
_CELL = ["utterance_id", "condition", "backend"]


def repeat_rows(repeats: pl.DataFrame, counts: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the rows of table ``metrics`` on repetitions; none where nothing was repeated.

    ``counts`` are those of the run, with the columns of the axes or of the parts of a product.
    """
    parts = []
    labelled = with_intersections(counts, question.axes)
    for own in repeats.sort(*_CELL, "repeat").partition_by("backend", maintain_order=True):
        parts += list(_of_backend(own, labelled, question))
    named = pl.lit(next(iter(counts["normalizer"]), None), pl.String)
    table = pl.concat([pl.DataFrame(schema=METRICS), *(conform(part, METRICS) for part in parts)])
    return table.with_columns(normalizer=named, level=pl.lit(question.level))


def _of_backend(repeats: pl.DataFrame, counts: pl.DataFrame, question: Question) -> Iterator[pl.DataFrame]:
    backend = repeats["backend"][0]
    once = repeats.filter(pl.col("repeat") == 1)
    differing = int((~once["same"]).sum())
    whole = {"axis": OVERALL, "group": OVERALL, "backend": backend}
    yield pl.DataFrame([{**whole, **_share(differing, len(once), question.alpha)}])
    times = repeats["repeat"].n_unique()
    if repeats["same"].all():
        return
    yield pl.DataFrame([{**whole, **_changed(repeats, question.alpha)}])
    per_word = _variance_per_word(repeats)
    if per_word is None:
        return
    how = f"{times} repetitions of {_cells(len(once))}, utterances independent"
    own = counts.filter(pl.col("backend") == backend)
    for axis in (OVERALL, *question.axes):
        group = pl.lit(OVERALL) if axis == OVERALL else pl.col(axis).cast(pl.String)
        words = own.group_by(group.alias("group"), "condition").agg(pl.col("reference_words").sum())
        spoken = words.filter(pl.col("reference_words") > 0).sort("condition", "group", nulls_last=True)
        yield spoken.with_columns(
            axis=pl.lit(axis),
            backend=pl.lit(backend),
            metric=pl.lit("repeat_sd_wer"),
            estimate=(per_word / pl.col("reference_words")).sqrt(),
            method=pl.lit(how),
        )


def _share(differing: int, cells: int, alpha: float) -> dict[str, object]:
    from scipy import special

    low = float(special.betaincinv(differing, cells - differing + 1, alpha / 2)) if differing else 0.0
    high = float(special.betaincinv(differing + 1, cells - differing, 1 - alpha / 2)) if differing < cells else 1.0
    return {
        "metric": "repeat_differing_share",
        "estimate": differing / cells,
        "low": low,
        "high": high,
        "method": "Clopper–Pearson over cells",
        "note": f"{differing} of {_cells(cells)} transcribed again differ",
    }


def _changed(repeats: pl.DataFrame, alpha: float) -> dict[str, object]:
    sums = (
        repeats.drop_nulls("changed_words")
        .group_by("utterance_id", maintain_order=True)
        .agg(pl.col("changed_words", "first_words").sum())
    )
    changed, words = (sums[name].to_numpy().astype(np.float64) for name in ("changed_words", "first_words"))
    spread = log_rates(np.zeros(len(sums), np.int64), changed, words, cells=1)
    low, high = spread.interval(alpha)
    failed = repeats["changed_words"].null_count()
    return {
        "metric": "repeat_changed_words_share",
        "estimate": _known(float(ratio(changed.sum(), words.sum()))),
        "low": _known(low[0]),
        "high": _known(high[0]),
        "method": "skewed log t, clustered by utterance",
        "note": f"{failed} repeated without a transcript" if failed else None,
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _variance_per_word(repeats: pl.DataFrame) -> float | None:
    """Return Σ s²/Σ W over the cells drawn, s² the variance of a cell's errors over its runs; None without words."""
    known = repeats.drop_nulls(["errors", "first_errors", "reference_words"])
    each = known.group_by(_CELL, maintain_order=True).agg(
        errors=pl.concat_list(pl.col("first_errors").first().implode(), pl.col("errors").implode()),
        words=pl.col("reference_words").first(),
    )
    words = float(each["words"].sum())
    variance = float(each.select(pl.col("errors").list.var(ddof=1)).to_series().sum())
    return variance / words if words else None


def _cells(number: int) -> str:
    return f"{number} cell{'' if number == 1 else 's'}"
