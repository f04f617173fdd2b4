"""What models adjust for, and the prompts that comparisons are matched on: columns added to the counts."""

from collections.abc import Sequence

import polars as pl

from asrfair.errors import InputError, expected
from asrfair.reading import read_numbers
from asrfair.scoring import find_normalizer
from asrfair.tables import COMPUTED_COVARIATES, MEASURED_COVARIATES, UTTERANCES

CONDITION = "condition"
DURATION = "duration_s"
CLEAN = "clean"
MEASURED = ("estimated_snr_db", "bandwidth_hz", "loudness_lufs", "clipped_share", "active_s")
BUILT_IN = (*COMPUTED_COVARIATES, CONDITION)
"""Covariates that a run has without a column: of the words, the length, the recording's quality, the condition."""


def own(covariates: Sequence[str]) -> tuple[str, ...]:
    """Return the covariates that are columns of the utterances rather than built in."""
    return tuple(name for name in covariates if name not in BUILT_IN)


def carried(covariates: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table that the covariates need: their own, and computed ones that the table has."""
    computed = {*COMPUTED_COVARIATES} & {*covariates}
    needed = [*computed, *([DURATION] if computed else [])]
    return tuple(dict.fromkeys([*own(covariates), *sorted(name for name in needed if name in columns)]))


def check_covariates(covariates: Sequence[str], columns: Sequence[str], *, measured: bool = True) -> None:
    """Raise InputError for a covariate that is neither a column of the utterances nor built in.

    ``measured`` says whether recordings are measured, which some of the built in need.
    """
    for name in covariates:
        if name not in columns and name not in BUILT_IN:
            raise InputError(expected("covariates", f"unknown '{name}'", [*columns, *BUILT_IN]))
        if name not in columns and name in MEASURED_COVARIATES and not measured:
            raise InputError(
                f"covariates: found '{name}', which is measured on recordings, and no recogniser that hears them; "
                "expected a column of that name, or another covariate"
            )
    if len(set(covariates)) < len(covariates):
        raise InputError(f"covariates: found one twice in {', '.join(covariates)}; expected each once")


def with_covariates(
    counts: pl.DataFrame,
    utterances: pl.DataFrame,
    timings: pl.DataFrame | None,
    covariates: Sequence[str],
    *,
    measurements: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the counts with a column per covariate, null where unknown; ``condition`` is there already.

    A column of the utterances wins over what would be computed under its name. ``measurements`` are those of the run;
    the recordings' own are used, not those of a condition.
    """
    columns = [name for name in utterances.columns if name not in UTTERANCES]
    check_covariates(covariates, columns, measured=measurements is not None and not measurements.is_empty())
    added = [name for name in covariates if name in columns and name not in counts.columns]
    rows = counts.join(_seconds(utterances, timings, added), on="utterance_id", how="left", maintain_order="left")
    words = pl.col("reference_words").cast(pl.Float64)
    built_in = {
        "log_words": pl.when(words > 0).then(words.log()),
        DURATION: pl.col("_seconds"),
        "words_per_s": pl.when(pl.col("_seconds") > 0).then(words / pl.col("_seconds")),
    }
    if measurements is not None and {*covariates} & MEASURED_COVARIATES.keys():
        rows = rows.join(_recordings(measurements), on="utterance_id", how="left", maintain_order="left")
        built_in |= _measured(words)
    rows = rows.with_columns(
        built_in[name].alias(name) for name in covariates if name in built_in and name not in rows.columns
    )
    return rows.drop("_seconds", *(f"_{name}" for name in MEASURED), strict=False)


def _recordings(measurements: pl.DataFrame) -> pl.DataFrame:
    return measurements.filter(pl.col(CONDITION).is_null()).select("utterance_id", pl.col(MEASURED).name.prefix("_"))


def _measured(words: pl.Expr) -> dict[str, pl.Expr]:
    """Return the covariates of the recordings, in units in which a step is one to speak of: kHz, per cent."""
    active = pl.col("_active_s")
    return {
        "recording_snr_db": pl.col("_estimated_snr_db"),
        "recording_bandwidth_khz": pl.col("_bandwidth_hz") / 1000,
        "recording_loudness_lufs": pl.col("_loudness_lufs"),
        "recording_clipped_percent": pl.col("_clipped_share") * 100,
        "speaking_rate": pl.when(active > 0).then(words / active),
    }


def _seconds(utterances: pl.DataFrame, timings: pl.DataFrame | None, added: Sequence[str]) -> pl.DataFrame:
    """Return the utterances' added columns and ``_seconds``: as cut, else as decoded, without a change of speed."""
    given = pl.col(DURATION) if DURATION in utterances.columns else pl.lit(None, pl.Float64)
    cut = pl.coalesce(given, pl.col("end_s") - pl.col("start_s").fill_null(0.0))
    rows = utterances.select("utterance_id", *added, cut=cut)
    if timings is None or timings.is_empty():
        return rows.rename({"cut": "_seconds"})
    seconds = pl.col("audio_s")
    clean = seconds.filter(pl.col("condition") == CLEAN)
    decoded = timings.group_by("utterance_id").agg(pl.coalesce(clean.max(), seconds.max()))
    return rows.join(decoded, on="utterance_id", how="left", maintain_order="left").select(
        "utterance_id", *added, _seconds=pl.coalesce("cut", "audio_s")
    )


def with_prompts(counts: pl.DataFrame, utterances: pl.DataFrame) -> pl.DataFrame:
    """Return the counts with column ``prompt``: the reference's words where several speakers read them, else null.

    Of unknown speakers each utterance counts as one.
    """
    references = utterances.select("utterance_id", "speaker_id", "reference").drop_nulls("reference")
    words = find_normalizer("basic").normalize_all(references["reference"])
    prompts = references.with_columns(
        prompt=pl.col("reference").replace_strict(words, return_dtype=pl.String)
    ).with_columns(readers=pl.coalesce("speaker_id", "utterance_id").n_unique().over("prompt"))
    shared = prompts.filter((pl.col("readers") > 1) & (pl.col("prompt") != ""))
    return counts.join(shared.select("utterance_id", "prompt"), on="utterance_id", how="left", maintain_order="left")


def numbers_or_labels(texts: pl.Series, *, where: object) -> pl.Series:
    """Return a column of texts as numbers, or as labels where none of them is a number.

    Raises InputError where some are numbers and some are not.
    """
    some = texts.cast(pl.Float64, strict=False).is_finite().any()
    return read_numbers(texts, where=where, wanted="numbers, as in other rows") if some else texts
