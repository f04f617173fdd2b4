"""The columns of the tables of what recognisers tell besides hypotheses, and of what is found out about that."""

import polars as pl

Schema = dict[str, type[pl.DataType]]

RECOGNISED: Schema = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "position": pl.Int64,
    "word": pl.String,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "confidence": pl.Float64,
    "right": pl.Boolean,
}
ALTERNATIVES: Schema = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "rank": pl.Int64,
    "hypothesis": pl.String,
    "score": pl.Float64,
}
PROBES: Schema = {
    "utterance_id": pl.String,
    "speaker_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "audio_s": pl.Float64,
    "words": pl.Int64,
    "looped_words": pl.Int64,
    "failure": pl.String,
}
CALIBRATION: Schema = {
    "axis": pl.String,
    "group": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "normalizer": pl.String,
    "level": pl.Float64,
    "from_confidence": pl.Float64,
    "to_confidence": pl.Float64,
    "speakers": pl.Int64,
    "words": pl.Int64,
    "mean_confidence": pl.Float64,
    "right_share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "method": pl.String,
    "note": pl.String,
}
REPEATS: Schema = {
    "utterance_id": pl.String,
    "condition": pl.String,
    "backend": pl.String,
    "repeat": pl.Int64,
    "hypothesis": pl.String,
    "failure": pl.String,
    "same": pl.Boolean,
    "reference_words": pl.Int64,
    "errors": pl.Int64,
    "first_errors": pl.Int64,
    "first_words": pl.Int64,
    "changed_words": pl.Int64,
}
