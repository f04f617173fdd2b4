"""What recognisers make up and how sure they say they are: probes, insertions, loops, the calibration of confidences.

All of it comes from tables of the run folder, so that a finished run's numbers can be made again.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from asrfair.results import Results
from asrfair.schemas import RESERVED_LATER
from asrfair.scoring import Normalizer, right_words, score
from asrfair.stats import Question, calibration_rows, hallucination_rows, repeat_rows
from asrfair.tables import INTERSECTION, METRICS, OVERALL, PROBES, RECOGNISED, conform, with_intersections

KEY = ("utterance_id", "condition", "backend")
_SCORING = "scoring"


@dataclass(frozen=True)
class Told:
    """Rows of table ``metrics`` beside those of the counts, and the table ``calibration``."""

    metrics: pl.DataFrame
    calibration: pl.DataFrame


def spoken(rows: pl.DataFrame, probes: Collection[str]) -> pl.DataFrame:
    """Return the rows that are not of a probe; those of no condition, as of unreadable audio, stay."""
    return rows.filter(~pl.col("condition").is_in(list(probes)).fill_null(value=False)) if probes else rows


def without_probes(results: Results) -> Results:
    """Return a run's results with the hypotheses of what was said alone."""
    probes = results.signature.get("probes") or {}
    return replace(results, hypotheses=spoken(results.hypotheses, probes)) if probes else results


def probe_table(
    hypotheses: pl.DataFrame,
    failures: pl.DataFrame,
    *,
    utterances: pl.DataFrame,
    timings: pl.DataFrame | None,
    probes: Collection[str],
    normalizer: Normalizer,
) -> pl.DataFrame:
    """Return the table ``probes``: how many words there are where nothing was said, and what failed.

    Sorted by backend, condition and utterance id.
    """
    silent = utterances.with_columns(reference=pl.lit(""))
    heard = hypotheses.filter(pl.col("condition").is_in(list(probes)))
    counted = score(silent, heard, axes=(), normalizer=normalizer)[0].rename({"insertions": "words"})
    failed = failures.filter(pl.col("condition").is_in(list(probes)), pl.col("stage") != _SCORING).with_columns(
        normalizer=pl.lit(normalizer.label), failure=pl.col("reason")
    )
    rows = pl.concat([with_audio(conform(rows, _PROBED), utterances, timings) for rows in (counted, failed)])
    return conform(rows, PROBES).sort("backend", "condition", "utterance_id")


_PROBED = {name: kind for name, kind in PROBES.items() if name != "audio_s"}


def with_audio(rows: pl.DataFrame, utterances: pl.DataFrame, timings: pl.DataFrame | None) -> pl.DataFrame:
    """Return the rows with ``audio_s``: of what was transcribed, or else the length that the corpus states."""
    stated = utterances.select("utterance_id", stated_s=pl.col("end_s") - pl.col("start_s"))
    rows = rows.join(stated, on="utterance_id", how="left", maintain_order="left")
    if timings is None or timings.is_empty():
        return rows.rename({"stated_s": "audio_s"})
    rows = rows.join(timings.select(*KEY, "audio_s"), on=KEY, how="left", maintain_order="left")
    return rows.with_columns(pl.coalesce("audio_s", "stated_s").alias("audio_s")).drop("stated_s")


def judged_words(
    recognised: pl.DataFrame,
    hypotheses: pl.DataFrame,
    utterances: pl.DataFrame,
    *,
    probes: Collection[str],
    normalizer: Normalizer,
) -> pl.DataFrame:
    """Return the table ``recognised`` with what is right of it; on a probe nothing is."""
    if recognised.is_empty():
        return conform(recognised, RECOGNISED)
    said = pl.when(pl.col("condition").is_in(list(probes))).then(pl.lit("")).otherwise(pl.col("reference"))
    texts = utterances.select("utterance_id", "reference")
    pairs = hypotheses.join(texts, on="utterance_id", how="left", maintain_order="left").with_columns(reference=said)
    return conform(right_words(recognised, pairs, normalizer=normalizer), RECOGNISED)


def find_told(
    question: Question,
    *,
    utterances: pl.DataFrame,
    counts: pl.DataFrame,
    timings: pl.DataFrame | None,
    probes: pl.DataFrame,
    recognised: pl.DataFrame,
    repeats: pl.DataFrame,
    measurements: pl.DataFrame | None,
) -> Told:
    """Return what the tables of a run say of words made up, confidences and repetitions; ``counts`` without probes."""
    # Runs of earlier versions may have axes of names that are taken since.
    taken = [axis for axis in question.axes if set(axis.split(INTERSECTION)) & set(RESERVED_LATER)]
    question = replace(question, axes=[axis for axis in question.axes if axis not in taken])
    labels = with_intersections(utterances, question.axes)
    own = labels.select("utterance_id", *question.axes)
    timed = with_audio(counts.drop(question.axes, strict=False), utterances, timings)
    timed = _with_unspoken(timed, recognised, measurements)
    rows, made_up = (table.join(own, on="utterance_id", how="left", maintain_order="left") for table in (timed, probes))
    spoken_words = recognised.filter(pl.col("confidence").is_not_null()).join(
        counts.select(*KEY, "speaker_id"), on=KEY, how="inner", maintain_order="left"
    )
    normalizer = next(iter(counts["normalizer"]), None)
    calibrated = calibration_rows(
        spoken_words.join(own, on="utterance_id", how="left", maintain_order="left"), question, normalizer=normalizer
    )
    metrics = pl.concat(
        [hallucination_rows(rows, made_up, question), calibrated.metrics, repeat_rows(repeats, counts, question)]
    )
    return Told(_in_order(metrics, question), calibrated.curves)


def _with_unspoken(counts: pl.DataFrame, recognised: pl.DataFrame, measurements: pl.DataFrame | None) -> pl.DataFrame:
    """Return the counts with ``unspoken_words``: wrong words that lie wholly in a pause of the recording.

    Null where a word has no time, where no pauses were measured, and where a condition changes the length.
    """
    if measurements is None or recognised["end_s"].null_count() == len(recognised):
        return counts
    measured = measurements.filter(pl.col("condition").is_null(), pl.col("pauses").is_not_null())
    ends = pl.col("pause").str.split_exact("-", 1).struct
    pauses = (
        measured.select("utterance_id", pause=pl.col("pauses").str.split(" "))
        .explode("pause")
        .filter(pl.col("pause") != "")
        .select(
            "utterance_id", *(ends.field(f"field_{k}").cast(pl.Float64).alias(name) for k, name in enumerate(_ENDS))
        )
    )
    wrong = recognised.filter(~pl.col("right"))
    within = (pl.col("start_s") >= pl.col("pause_s")) & (pl.col("end_s") <= pl.col("speech_s"))
    unspoken = wrong.join(pauses, on="utterance_id").filter(within).group_by(KEY).agg(unspoken_words=pl.len())
    placed = recognised.group_by(KEY).agg(
        placed=(pl.col("start_s").is_not_null() & pl.col("end_s").is_not_null()).all()
    )
    lengths = measured.select("utterance_id", recorded_s="duration_s")
    rows = counts
    for other, key in ((unspoken, KEY), (placed, KEY), (lengths, ("utterance_id",))):
        rows = rows.join(other, on=key, how="left", maintain_order="left")
    silent = pl.sum_horizontal("hits", "substitutions", "insertions") == 0
    same = (pl.col("audio_s") - pl.col("recorded_s")).abs() <= SAME_LENGTH_S
    known = same & pl.col("placed").fill_null(silent)
    told = pl.when(known).then(pl.col("unspoken_words").fill_null(0).cast(pl.Int64))
    return rows.with_columns(unspoken_words=told).drop("placed", "recorded_s")


_ENDS = ("pause_s", "speech_s")
SAME_LENGTH_S = 0.05
"""How much longer or shorter than the recording what was heard may be for the recording's pauses to be its own."""


def with_repeats(rates: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Return table ``rates`` with a note on every WER that differs from run to run, and by how much."""
    key = ["axis", "group", "condition", "backend"]
    band = metrics.filter(pl.col("metric") == "repeat_sd_wer").select(*key, _sd="estimate")
    if band.is_empty():
        return rates
    told = pl.format("from run to run it differs by {} points (sd)", (100 * pl.col("_sd")).round_sig_figs(2))
    noted = rates.join(band, on=key, how="left", nulls_equal=True, maintain_order="left").with_columns(
        note=pl.concat_str("note", pl.when(pl.col("_sd").is_not_null()).then(told), separator="; ", ignore_nulls=True)
    )
    # Nothing joined to nothing is a blank text.
    return noted.with_columns(note=pl.when(pl.col("note") != "").then("note")).select(rates.columns)


def _in_order(metrics: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the rows by axis, ``overall`` first, as those of the counts are."""
    places = {name: place for place, name in enumerate((OVERALL, *question.axes))}
    by_axis = pl.col("axis").replace_strict(places, return_dtype=pl.Int64)
    return conform(metrics.sort(by_axis, maintain_order=True), METRICS)
