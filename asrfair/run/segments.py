"""Where two systems err on the same utterances, cut into segments for the matched-pairs test (MAPSSWE)."""

import polars as pl

from asrfair.scoring import Normalizer, differing_references, error_places, normalize_pairs, segments_at
from asrfair.scoring.counting import PAIR

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
    pairs = normalize_pairs(rows, normalizer=normalizer).select("utterance_id", *KEY, *PAIR)
    found = error_places(pairs).partition_by(*KEY, as_dict=True, include_key=False)
    said = pairs.partition_by(*KEY, as_dict=True, include_key=False)
    nothing = pl.DataFrame(schema={"utterance_id": pl.String, "place": pl.Int64})
    parts = []
    for (condition, backend), new in said.items():
        if backend == baseline or (condition, baseline) not in said:
            continue
        base = said[condition, baseline]
        both = new.select("utterance_id").join(base, on="utterance_id", how="semi")
        places = (
            found.get((condition, name), nothing).join(both, on="utterance_id", how="semi")
            for name in (baseline, backend)
        )
        # Only a choice among alternatives makes different words of one reference.
        differing = differing_references(base, new) if normalizer.alternations else pl.Series(dtype=pl.String)
        cut = segments_at(*places, differing=differing)
        cut = cut.rename({"first_errors": "base_errors", "second_errors": "errors"})
        parts.append(
            both.join(facts.drop("reference"), on="utterance_id", how="left")
            .join(cut, on="utterance_id", how="left")
            .with_columns(condition=pl.lit(condition), backend=pl.lit(backend), reference_backend=pl.lit(baseline))
        )
    return pl.concat(parts) if parts else None
