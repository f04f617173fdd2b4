"""Where two systems err on the same utterances, cut into segments for the matched-pairs test (MAPSSWE)."""

import polars as pl

from asrfair.scoring import Normalizer, align_words, normalize_pairs, segments

KEY = ("condition", "backend")


def error_segments(
    hypotheses: pl.DataFrame, utterances: pl.DataFrame, *, axes: list[str], baseline: str, normalizer: Normalizer
) -> pl.DataFrame | None:
    """Return the segments of every other backend against the baseline, for `asrfair.stats.mapsswe`.

    Only utterances that both transcribed are compared; one without errors of either has a row with null errors.
    None without transcripts or without another backend.
    """
    facts = utterances.select("utterance_id", "speaker_id", "reference", *axes)
    rows = hypotheses.join(facts.select("utterance_id", "reference"), on="utterance_id").drop_nulls("reference")
    if rows["backend"].n_unique() < 2 or baseline not in rows["backend"]:
        return None
    aligned = align_words(normalize_pairs(rows, normalizer=normalizer))
    words = aligned.partition_by(*KEY, as_dict=True, include_key=False)
    said = rows.select("utterance_id", *KEY).partition_by(*KEY, as_dict=True, include_key=False)
    nothing = aligned.drop(*KEY).clear()
    parts = []
    for (condition, backend), ids in said.items():
        if backend == baseline or (condition, baseline) not in said:
            continue
        both = ids.join(said[condition, baseline], on="utterance_id", how="semi")
        base, new = (
            words.get((condition, name), nothing).join(both, on="utterance_id", how="semi")
            for name in (baseline, backend)
        )
        found = segments(base, new).rename({"first_errors": "base_errors", "second_errors": "errors"})
        parts.append(
            both.join(facts.drop("reference"), on="utterance_id", how="left")
            .join(found, on="utterance_id", how="left")
            .with_columns(condition=pl.lit(condition), backend=pl.lit(backend), reference_backend=pl.lit(baseline))
        )
    return pl.concat(parts) if parts else None
