"""Words nobody said: rates of sums, what is left out, and how often the intervals hold the truth."""

import numpy as np
import polars as pl
import pytest

from asrfair.stats import Question, hallucination_rows
from asrfair.stats.hallucinations import PROBE_METRICS, SPEECH_METRICS
from asrfair.tables import COUNTS, METRICS, PROBES, conform

QUESTION = Question(axes=("accent",), baseline_condition="clean", baseline_backend="b")
CELL = {"condition": "clean", "backend": "b", "normalizer": "basic-1"}


def counts(rows: list[dict[str, object]]) -> pl.DataFrame:
    filled = [{"utterance_id": f"u{k}", "accent": "A", **CELL, "looped_words": 0, **row} for k, row in enumerate(rows)]
    table = pl.DataFrame(filled, schema_overrides={"audio_s": pl.Float64, "speaker_id": pl.String})
    fixed = {name: kind for name, kind in COUNTS.items() if name != "audio_s"}
    return conform(table, fixed, axes=("accent",)).with_columns(table["audio_s"])


def probes(rows: list[dict[str, object]]) -> pl.DataFrame:
    filled = [
        {
            "utterance_id": f"u{k}",
            "accent": "A",
            **CELL,
            "condition": "probe",
            "looped_words": 0,
            "failure": None,
            **row,
        }
        for k, row in enumerate(rows)
    ]
    return conform(pl.DataFrame(filled, schema_overrides={"failure": pl.String}), PROBES, axes=("accent",))


NOTHING = probes([{"speaker_id": "s", "audio_s": 1.0, "words": 1}]).head(0)


def row(table: pl.DataFrame, metric: str, group: str = "overall") -> dict[str, object]:
    return table.filter(pl.col("metric") == metric, pl.col("group") == group).row(0, named=True)


def test_they_are_ratios_of_sums() -> None:
    spoken = counts(
        [
            {"speaker_id": "s", "audio_s": 30.0, "insertions": 2},
            {"speaker_id": "s", "audio_s": 15.0, "insertions": 0, "looped_words": 4},
            {"speaker_id": "t", "audio_s": 45.0, "insertions": 1, "accent": "B"},
        ]
    )
    table = hallucination_rows(spoken, NOTHING, QUESTION)
    assert list(table.columns) == list(METRICS)
    assert set(table["metric"]) == set(SPEECH_METRICS[:2])
    assert row(table, "insertions_per_minute")["estimate"] == pytest.approx(2.0)
    assert row(table, "insertions_per_minute", "A")["estimate"] == pytest.approx(2 / 0.75)
    assert row(table, "utterances_with_loops_share")["estimate"] == pytest.approx(1 / 3)
    assert row(table, "insertions_per_minute", "A")["low"] is None
    assert row(table, "insertions_per_minute", "A")["note"] == "1 speaker: not judged"
    assert row(table, "insertions_per_minute")["speakers"] == 2


def test_an_utterance_of_unknown_length_is_left_out_and_counted() -> None:
    spoken = counts(
        [
            {"speaker_id": "s", "audio_s": 60.0, "insertions": 2},
            {"speaker_id": "t", "audio_s": None, "insertions": 50},
            {"speaker_id": "u", "audio_s": 60.0, "insertions": 1},
        ]
    )
    found = row(hallucination_rows(spoken, NOTHING, QUESTION), "insertions_per_minute")
    assert (found["estimate"], found["speakers"]) == (pytest.approx(1.5), 2)
    assert "1 utterance of unknown length left out" in str(found["note"])
    nowhere = spoken.with_columns(audio_s=pl.lit(None, pl.Float64))
    assert set(hallucination_rows(nowhere, NOTHING, QUESTION)["metric"]) == {"utterances_with_loops_share"}


def test_what_an_earlier_version_did_not_look_for_has_no_row() -> None:
    spoken = counts([{"speaker_id": name, "audio_s": 1.0, "insertions": 1, "looped_words": None} for name in "stu"])
    assert set(hallucination_rows(spoken, NOTHING, QUESTION)["metric"]) == {"insertions_per_minute"}
    assert hallucination_rows(spoken.head(0), NOTHING, QUESTION).is_empty()


def test_words_in_pauses_are_of_utterances_that_have_times() -> None:
    spoken = counts(
        [
            {"speaker_id": "s", "audio_s": 60.0, "insertions": 2},
            {"speaker_id": "t", "audio_s": 60.0, "insertions": 2},
            {"speaker_id": "u", "audio_s": 60.0, "insertions": 9},
        ]
    ).with_columns(unspoken_words=pl.Series([1, 0, None], dtype=pl.Int64))
    found = row(hallucination_rows(spoken, NOTHING, QUESTION), "words_without_speech_per_minute")
    assert (found["estimate"], found["speakers"]) == (0.5, 2)
    assert "1 utterance without word times or measured pauses left out" in str(found["note"])


def test_probes_count_every_word_and_leave_out_what_failed() -> None:
    silent = probes(
        [
            {"speaker_id": "s", "audio_s": 30.0, "words": 0},
            {"speaker_id": "t", "audio_s": 30.0, "words": 3},
            {"speaker_id": "t", "audio_s": 60.0, "words": None, "failure": "command: too quiet"},
        ]
    )
    table = hallucination_rows(EMPTY, silent, QUESTION)
    assert set(table["metric"]) == set(PROBE_METRICS)
    assert row(table, "probe_words_per_minute")["estimate"] == pytest.approx(3.0)
    assert row(table, "probe_utterances_with_words_share")["estimate"] == pytest.approx(0.5)
    for name in PROBE_METRICS:
        assert "1 utterance that failed left out" in str(row(table, name)["note"])


def test_no_words_at_all_still_have_an_upper_end() -> None:
    silent = probes([{"speaker_id": f"s{k}", "audio_s": 60.0, "words": 0} for k in range(10)])
    found = row(hallucination_rows(EMPTY, silent, QUESTION), "probe_words_per_minute")
    assert (found["estimate"], found["low"]) == (0.0, 0.0)
    assert found["high"] == pytest.approx(-np.log(0.025) / 10)


def test_unknown_speakers_have_no_interval() -> None:
    silent = probes([{"speaker_id": None, "audio_s": 60.0, "words": 1} for _ in range(4)])
    found = row(hallucination_rows(EMPTY, silent, QUESTION), "probe_words_per_minute")
    assert (found["estimate"], found["low"], found["speakers"]) == (1.0, None, None)
    assert "4 utterances without speaker" in str(found["note"])


EMPTY = counts([{"speaker_id": "s", "audio_s": 1.0, "insertions": 0}]).head(0)


@pytest.mark.parametrize("speakers", [6, 20])
def test_intervals_hold_the_truth_about_as_often_as_they_say(speakers: int) -> None:
    """Speakers' rates are log-normal, as are the lengths; one axis with a group per replication."""
    rng = np.random.default_rng(speakers)
    groups, each = 400, 8
    size = groups * speakers * each
    rate = np.repeat(rng.lognormal(-(0.6**2) / 2, 0.6, groups * speakers), each)
    seconds = rng.uniform(2, 15, size)
    group = np.repeat(np.arange(groups), speakers * each)
    speaker = np.repeat(np.arange(groups * speakers), each)
    with_words = np.repeat(rng.beta(2, 6, groups * speakers), each)
    table = pl.DataFrame(
        {
            "utterance_id": np.arange(size).astype(str),
            "speaker_id": speaker.astype(str),
            "accent": group.astype(str),
            "audio_s": seconds,
            "insertions": rng.poisson(4 * rate * seconds / 60),
            "looped_words": rng.binomial(1, with_words),
        }
    ).with_columns(**{name: pl.lit(value) for name, value in CELL.items()})
    found = hallucination_rows(table, NOTHING, QUESTION).filter(pl.col("axis") == "accent")
    for metric, truth in (("insertions_per_minute", 4.0), ("utterances_with_loops_share", 0.25)):
        rows = found.filter(pl.col("metric") == metric)
        covered = ((rows["low"] <= truth) & (truth <= rows["high"])).mean()
        assert 0.92 < covered < 0.995, metric
