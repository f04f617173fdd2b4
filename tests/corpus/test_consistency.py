"""Speakers with two labels, and speakers and recordings that occur twice."""

import polars as pl

from asrfair.corpus.consistency import (
    duplicate_audio,
    duplicate_speakers,
    speakers_in_several_splits,
    speakers_with_several,
    twins_by_case,
)

UTTERANCES = pl.DataFrame(
    {
        "utterance_id": ["u1", "u2", "u3", "u4", "u5", "u6", "u7"],
        "speaker_id": ["ann", "ann", "Ann", "bob", "cy", None, "bob"],
        "reference": ["one", "two", "one", "uno", "three", "one", "four"],
        "accent": ["US", "England", "US", None, "US", "US", "US"],
        "split": ["train", "train", "test", "test", "test", "train", "train"],
    }
)
DIGESTS = pl.DataFrame(
    {
        "utterance_id": ["u1", "u2", "u3", "u4", "u5", "u6", "u7"],
        "digest": ["a", "b", "a", "a", None, "a", "b"],
    }
)


def test_speakers_with_two_labels() -> None:
    assert speakers_with_several(UTTERANCES, "accent").rows() == [("ann", ["England", "US"])]


def test_speakers_in_two_splits() -> None:
    assert speakers_in_several_splits(UTTERANCES).rows() == [("bob", ["test", "train"])]


def test_ids_that_differ_in_case_only() -> None:
    assert twins_by_case(UTTERANCES).rows() == [("ann", ["Ann", "ann"])]
    ids = pl.DataFrame({"utterance_id": ["A 1", "a  1", "b", "b"]})
    assert twins_by_case(ids, "utterance_id")["ids"].to_list() == [["A 1", "a  1"]]


def test_recordings_that_occur_twice() -> None:
    found = duplicate_audio(UTTERANCES, DIGESTS)
    assert found.rows() == [
        ("a", ["u1", "u3", "u4", "u6"], ["Ann", "ann", "bob"], ["one", "uno"], ["test", "train"]),
        ("b", ["u2", "u7"], ["ann", "bob"], ["four", "two"], ["train"]),
    ]
    assert "splits" not in duplicate_audio(UTTERANCES.drop("split"), DIGESTS).columns


def test_speakers_who_share_recordings() -> None:
    found = duplicate_speakers(UTTERANCES, DIGESTS)
    assert found.rows() == [
        ("ann", "bob", 2, "a", ["test", "train"]),
        ("Ann", "ann", 1, "a", ["test", "train"]),
        ("Ann", "bob", 1, "a", ["test", "train"]),
    ]
    without = duplicate_speakers(UTTERANCES.drop("split"), DIGESTS)
    assert without.columns == ["speaker_id", "other", "recordings", "digest"]


def test_silence_of_many_makes_no_pairs() -> None:
    """Of a thousand speakers they would be half a million."""
    assert duplicate_speakers(UTTERANCES, DIGESTS, most=2).rows() == [("ann", "bob", 1, "b", ["train"])]


def test_nothing_found() -> None:
    once = DIGESTS.with_columns(digest=pl.col("utterance_id"))
    assert duplicate_audio(UTTERANCES, once).is_empty()
    assert duplicate_speakers(UTTERANCES, once).is_empty()
    none = UTTERANCES.clear()
    assert duplicate_speakers(none, DIGESTS).is_empty()
    assert speakers_with_several(none, "accent").is_empty()
