"""Whether recognisers say the same again: some of a run's cells transcribed once more, in fresh processes.

Some cells (utterance, condition, backend) that have a transcript are drawn by seed and transcribed again by a backend
opened anew in a process of its own, in other batches than before: whatever makes a transcript depend on chance, on the
order of work, on what else is in a batch or on the machine's load may show. Nothing is taken from a cache. If any
differ, all cells of that backend are transcribed again `MORE` times, each time in another process.

That none differ shows no more than how few may: `asrfair.stats.repeats` gives the bound.
"""

import multiprocessing
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import polars as pl

from asrfair.errors import IncompleteError
from asrfair.run.decode import Decoder
from asrfair.run.work import Work
from asrfair.scoring import Normalizer, count_errors
from asrfair.seeds import generator
from asrfair.tables import REPEATS, conform

MORE = 3
"""How often cells are transcribed again once one of them differs, beside the first repetition."""
KEY = ("utterance_id", "condition", "backend")
_AGAIN = {**dict.fromkeys(KEY, pl.String), "repeat": pl.Int64, "hypothesis": pl.String, "failure": pl.String}


def check_repeats(
    work: Work,
    outcomes: pl.DataFrame,
    *,
    cells: int,
    seed: int,
    probes: Collection[str],
    normalizer: Normalizer,
) -> pl.DataFrame:
    """Return the table ``repeats``: up to ``cells`` cells of each backend that hears audio, transcribed again.

    ``outcomes`` are those of `asrfair.run.decode`. Stored transcripts are not repeated: reading them again shows
    nothing. Processes are spawned: call it under ``if __name__ == "__main__"``. Raises IncompleteError when one of
    them dies, and AsrfairError as the backend does.
    """
    drawn = _draw(work, outcomes, cells=cells, seed=seed)
    found = [_of_backend(work, own) for own in drawn.partition_by("backend", maintain_order=True)]
    again = pl.concat([pl.DataFrame(schema=_AGAIN), *found])
    return _compared(again, drawn, work.utterances, probes=probes, normalizer=normalizer)


def _draw(work: Work, outcomes: pl.DataFrame, *, cells: int, seed: int) -> pl.DataFrame:
    """Return up to so many cells of each backend, each as likely as any other: `KEY` and ``hypothesis``."""
    there = outcomes.filter(pl.col("hypothesis").is_not_null(), pl.col("audio_s").is_not_null())
    parts = []
    for backend in sorted(work.backends):
        own = there.filter(pl.col("backend") == backend).sort(KEY).select(*KEY, "hypothesis")
        places = generator(seed, "repeat", backend).permutation(len(own))[:cells]
        parts.append(own[sorted(places.tolist())])
    return pl.concat(parts)


def _of_backend(work: Work, drawn: pl.DataFrame) -> pl.DataFrame:
    backend = drawn["backend"][0]
    own = replace(work, backends={backend: work.backends[backend]}, waits=False)
    first = _in_fresh_process(own, drawn, repeat=1)
    both = first.join(drawn, on=KEY, suffix="_first")
    if (both["hypothesis"].eq_missing(both["hypothesis_first"])).all():
        return first
    return pl.concat([first, *(_in_fresh_process(own, drawn, repeat=number + 2) for number in range(MORE))])


def _in_fresh_process(work: Work, drawn: pl.DataFrame, *, repeat: int) -> pl.DataFrame:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            outcomes = pool.submit(_transcribe, work, drawn.select(KEY)).result()
        except BrokenProcessPool:
            raise IncompleteError(
                "the process that transcribes again died (out of memory? or called from Python without "
                '`if __name__ == "__main__"`?); the run itself is saved: start it again to go on'
            ) from None
    told = outcomes.with_columns(repeat=pl.lit(repeat), failure=pl.col("reason"))
    return drawn.select(KEY).join(conform(told, _AGAIN), on=KEY, how="left", maintain_order="left")


def _transcribe(work: Work, drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes of the drawn cells, all of one backend, which is opened once."""
    decoder = Decoder(work)
    parts = []
    try:
        for condition in work.conditions:
            ids = drawn.filter(pl.col("condition") == condition.name)["utterance_id"]
            if len(ids):
                decoder.work = replace(work, conditions=(condition,))
                rows = work.utterances.filter(pl.col("utterance_id").is_in(ids.implode()))
                parts += [decoder.transcribe(batch).outcomes for batch in rows.iter_slices(work.batch)]
    finally:
        decoder.close()
    return pl.concat(parts)


def _compared(
    again: pl.DataFrame,
    drawn: pl.DataFrame,
    utterances: pl.DataFrame,
    *,
    probes: Collection[str],
    normalizer: Normalizer,
) -> pl.DataFrame:
    """Return the table ``repeats``: errors against the reference, and words changed since the first time."""
    texts = utterances.select("utterance_id", "reference")
    rows = (
        again.join(drawn.rename({"hypothesis": "first"}), on=KEY, how="left", maintain_order="left")
        .join(texts, on="utterance_id", how="left", maintain_order="left")
        .with_columns(
            same=pl.col("hypothesis").eq_missing(pl.col("first")),
            said=pl.when(pl.col("condition").is_in(list(probes))).then(pl.lit("")).otherwise("reference"),
        )
        .with_row_index("row")
    )
    errors = {
        "errors": _errors(rows, "said", "hypothesis", normalizer),
        "first_errors": _errors(rows, "said", "first", normalizer),
        "changed_words": _errors(rows, "first", "hypothesis", normalizer).drop("reference_words"),
    }
    for name, found in errors.items():
        kept = found.rename({"counted": name}).drop("reference_words" if name == "first_errors" else [])
        rows = rows.join(kept, on="row", how="left", maintain_order="left")
    first = _errors(rows, "first", "first", normalizer).select("row", first_words="reference_words")
    rows = rows.join(first, on="row", how="left", maintain_order="left")
    return conform(rows, REPEATS).sort("backend", "condition", "utterance_id", "repeat")


def _errors(rows: pl.DataFrame, reference: str, hypothesis: str, normalizer: Normalizer) -> pl.DataFrame:
    """Return by row the reference's words, and the errors ``counted``; none where either text is unknown."""
    pairs = rows.select("row", reference=reference, hypothesis=hypothesis).drop_nulls()
    counts = count_errors(pairs, normalizer=normalizer)
    return counts.select(
        "row", "reference_words", counted=pl.sum_horizontal("substitutions", "deletions", "insertions")
    )
