"""Table ``metrics`` of a shareable form: what is told of probes and repetitions has people of its own.

Probes are transcribed without speech, and repetitions are some utterances only: other utterances than those counted,
and so perhaps fewer people in a group. Which groups are withheld there is found from the probes alone.
"""

import polars as pl

from asrfair.results import Results
from asrfair.run import shareable_tables as tables
from asrfair.run.shareable_cells import Hidden, Population, everybody, withheld
from asrfair.run.shareable_pairs import Cells
from asrfair.stats.hallucinations import PROBE_METRICS
from asrfair.tables import INTERSECTION

REPEATED = "repeat_"
OF_WORDS = "repeat_sd_wer"
"""Made of a cell's number of reference words, and goes with it."""


def metrics(run: Results, hidden: Hidden, cells: Cells, *, least: int) -> pl.DataFrame:
    """Return the metrics of shown groups, without those of too few probed or repeated speakers."""
    table = run.metrics.with_row_index("_row")
    probed = pl.col("metric").is_in(PROBE_METRICS)
    shown = tables.of_groups(table.filter(~probed), hidden, least=least)
    sized = pl.lit(cells.sized(shown)) if len(shown) else pl.lit(value=True)
    shown = shown.filter((pl.col("metric") != OF_WORDS) | sized)
    if _repeated(run) < least:
        shown = shown.filter(~pl.col("metric").str.starts_with(REPEATED))
    both = pl.concat([shown, _of_probes(run, table.filter(probed), hidden, least=least)])
    return both.sort("_row").drop("_row")


def _repeated(run: Results) -> int:
    """Return how many speakers were transcribed again with the recogniser where they are fewest."""
    if run.repeats.is_empty():
        return 0
    who = run.repeats.join(run.utterances.select("utterance_id", "speaker_id"), on="utterance_id", how="left")
    each = who.group_by("backend").agg(pl.col("speaker_id").drop_nulls().n_unique())
    people: list[int] = each["speaker_id"].to_list()
    return min(people)


def _of_probes(run: Results, rows: pl.DataFrame, hidden: Hidden, *, least: int) -> pl.DataFrame:
    if rows.is_empty() or run.probes.is_empty():
        return rows.clear()
    axes = [name for name in run.utterances.columns if name not in run.probes.columns]
    labels = run.utterances.select("utterance_id", *axes)
    answered = run.probes.filter(pl.col("failure").is_null()).with_columns(reference_words=pl.lit(1))
    counts = answered.join(labels, on="utterance_id", how="left")
    if counts.is_empty() or everybody(counts) < least:
        return rows.clear()
    there = [axis for axis in hidden if all(part in counts.columns for part in axis.split(INTERSECTION))]
    own = withheld(Population.of(counts, there), least=least, references={}, start=hidden)
    return tables.of_groups(rows, own, least=least)
