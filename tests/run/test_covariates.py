"""Covariate columns and shared prompts, added to the counts."""

import math
from typing import Any

import polars as pl
import pytest

from asrfair.errors import InputError
from asrfair.run.covariates import check_covariates, own, with_covariates, with_prompts
from asrfair.tables import COUNTS, MEASURED_COVARIATES, MEASUREMENTS, TIMINGS, UTTERANCES, conform


def utterances(*rows: dict[str, Any]) -> pl.DataFrame:
    table = pl.DataFrame(list(rows), infer_schema_length=None)
    extra = [name for name in table.columns if name not in UTTERANCES]
    return conform(table, UTTERANCES).with_columns(table[name] for name in extra)


def counts(**words: int) -> pl.DataFrame:
    rows = [
        {"utterance_id": name, "condition": condition, "backend": "A", "reference_words": number}
        for condition in ("clean", "slow")
        for name, number in words.items()
    ]
    return conform(pl.DataFrame(rows), COUNTS)


PEOPLE = utterances(
    {"utterance_id": "a", "speaker_id": "s1", "start_s": 1.5, "end_s": 4.0, "snr_db": 20.0, "age": "30-39"},
    {"utterance_id": "b", "speaker_id": "s2", "start_s": None, "end_s": 2.0, "snr_db": None, "age": None},
    {"utterance_id": "c", "speaker_id": "s3", "start_s": None, "end_s": None, "snr_db": 5.0, "age": "under 30"},
)
DECODED = conform(
    pl.DataFrame(
        [
            {"utterance_id": name, "condition": condition, "backend": "A", "audio_s": seconds}
            for name, condition, seconds in (
                ("a", "clean", 9.0),
                ("c", "clean", 4.0),
                ("c", "slow", 8.0),
                ("b", "slow", 5.0),
            )
        ]
    ),
    TIMINGS,
)


def test_words_length_and_rate() -> None:
    asked = ("log_words", "duration_s", "words_per_s", "condition")
    found = with_covariates(counts(a=5, b=0, c=8), PEOPLE, None, asked)
    assert found["utterance_id"].to_list() == ["a", "b", "c"] * 2
    assert found["log_words"][:3].to_list() == [math.log(5), None, math.log(8)]
    assert found["duration_s"][:3].to_list() == [2.5, 2.0, None]
    assert found["words_per_s"][:3].to_list() == [2.0, 0.0, None]
    assert found.columns == [*COUNTS, "log_words", "duration_s", "words_per_s"]


def test_length_is_as_cut_or_else_as_decoded_at_its_own_speed() -> None:
    found = with_covariates(counts(a=5, b=4, c=8), PEOPLE, DECODED, ["duration_s", "words_per_s"])
    assert found["duration_s"].to_list() == [2.5, 2.0, 4.0] * 2
    assert found["words_per_s"].to_list() == [2.0, 2.0, 2.0] * 2
    slow = DECODED.filter(pl.col("condition") == "slow")
    assert with_covariates(counts(c=8), PEOPLE, slow, ["duration_s"])["duration_s"].to_list() == [8.0, 8.0]


def test_columns_of_the_utterances() -> None:
    labelled = counts(a=5, b=4, c=8).join(PEOPLE.select("utterance_id", "age"), on="utterance_id", how="left")
    found = with_covariates(labelled, PEOPLE, None, ["snr_db", "age"])
    assert found["snr_db"].to_list() == [20.0, None, 5.0] * 2
    assert found["age"].to_list() == ["30-39", None, "under 30"] * 2
    assert found.columns == [*COUNTS, "age", "snr_db"]
    assert with_covariates(labelled, PEOPLE, None, []).equals(labelled)
    assert own(["snr_db", "log_words", "condition"]) == ("snr_db",)


def test_unknown_and_doubled_covariates() -> None:
    with pytest.raises(InputError) as caught:
        with_covariates(counts(a=5), PEOPLE, None, ["snr"])
    assert str(caught.value) == (
        "covariates: found unknown 'snr'; expected one of: snr_db, age, log_words, duration_s, words_per_s, "
        "recording_snr_db, recording_bandwidth_khz, recording_loudness_lufs, recording_clipped_percent, "
        "speaking_rate, condition"
    )
    with pytest.raises(InputError, match="found one twice in log_words, log_words"):
        check_covariates(["log_words", "log_words"], [])


RECORDED = {"estimated_snr_db": 31.0, "bandwidth_hz": 3875.0, "loudness_lufs": -23.5, "clipped_share": 0.02}
MEASURED = conform(
    pl.DataFrame(
        [
            {"utterance_id": "a", "condition": None, "active_s": 2.5, **RECORDED},
            {"utterance_id": "a", "condition": "slow", "active_s": 5.0, **dict.fromkeys(RECORDED, 0.5)},
            {"utterance_id": "b", "condition": None, "active_s": 0.0, "clipped_share": 0.0},
        ]
    ),
    MEASUREMENTS,
)


def test_the_recordings_own_measurements_are_covariates_under_every_condition() -> None:
    asked = list(MEASURED_COVARIATES)
    found = with_covariates(counts(a=5, b=4, c=8), PEOPLE, None, asked, measurements=MEASURED)
    wanted = [(31.0, 3.875, -23.5, 2.0, 2.0), (None, None, None, 0.0, None), (None,) * 5]
    assert found.select(asked).rows() == [*wanted, *wanted]
    assert found.drop(asked).columns == counts(a=5).columns


def test_measured_covariates_need_measurements() -> None:
    for none in (None, pl.DataFrame(schema=MEASUREMENTS)):
        with pytest.raises(
            InputError, match="found 'speaking_rate', which is measured on recordings, and no recogniser"
        ):
            with_covariates(counts(a=5), PEOPLE, None, ["speaking_rate"], measurements=none)
    # A column of that name needs none.
    told = PEOPLE.with_columns(speaking_rate=pl.Series([3.5, 3.0, 2.5]))
    assert with_covariates(counts(a=5), told, None, ["speaking_rate"])["speaking_rate"].to_list() == [3.5, 3.5]


def test_prompts_are_what_several_speakers_read() -> None:
    read = utterances(
        {"utterance_id": "a", "speaker_id": "s1", "reference": "She had your dark suit."},
        {"utterance_id": "b", "speaker_id": "s2", "reference": "she had your dark suit"},
        {"utterance_id": "c", "speaker_id": "s1", "reference": "Twice by one speaker"},
        {"utterance_id": "d", "speaker_id": "s1", "reference": "twice by one speaker!"},
        {"utterance_id": "e", "speaker_id": "s1", "reference": "..."},
        {"utterance_id": "f", "speaker_id": "s2", "reference": " "},
        {"utterance_id": "g", "speaker_id": "s2", "reference": None},
        {"utterance_id": "h", "speaker_id": None, "reference": "Nobody knows who."},
        {"utterance_id": "i", "speaker_id": None, "reference": "Nobody knows who."},
    )
    found = with_prompts(counts(**dict.fromkeys("abcdefghi", 4)), read)
    shared = dict.fromkeys("ab", "she had your dark suit") | dict.fromkeys("hi", "nobody knows who")
    assert found["prompt"].to_list() == [shared.get(name) for name in "abcdefghi"] * 2
    assert found.drop("prompt").equals(counts(**dict.fromkeys("abcdefghi", 4)))


def test_without_references_there_are_no_prompts() -> None:
    found = with_prompts(counts(a=5, b=4), PEOPLE)
    assert found["prompt"].to_list() == [None] * 4
