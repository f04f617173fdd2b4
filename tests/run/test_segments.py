"""Segments for MAPSSWE: which utterances are compared, and whose errors are whose."""

import polars as pl

from asrfair.run.segments import error_segments
from asrfair.scoring import find_normalizer
from asrfair.tables import UTTERANCES, conform

TEXTS = {"u1": "one two three four", "u2": "five six seven", "u3": "eight nine"}


def segments(rows, *, baseline="A"):
    utterances = conform(
        pl.DataFrame(
            [
                {"utterance_id": name, "speaker_id": name[0], "reference": text, "accent": "x"}
                for name, text in TEXTS.items()
            ]
        ),
        UTTERANCES,
        axes=["accent"],
    )
    hypotheses = pl.DataFrame(rows, schema=["utterance_id", "condition", "backend", "hypothesis"], orient="row")
    return error_segments(
        hypotheses, utterances, axes=["accent"], baseline=baseline, normalizer=find_normalizer("basic")
    )


def right(backend, condition="clean"):
    return [(name, condition, backend, text) for name, text in TEXTS.items()]


def test_one_backend_or_none_like_the_baseline_gives_nothing():
    assert segments(right("A")) is None
    assert segments([*right("A"), *right("B")], baseline="C") is None


def test_errors_are_the_new_backends_and_base_errors_the_baselines():
    rows = [("u1", "clean", "A", "one two three four"), ("u1", "clean", "B", "one too tree four")]
    found = segments(rows).row(0, named=True)
    assert (found["backend"], found["reference_backend"]) == ("B", "A")
    assert (found["errors"], found["base_errors"]) == (2, 0)
    swapped = segments(rows, baseline="B").row(0, named=True)
    assert (swapped["backend"], swapped["errors"], swapped["base_errors"]) == ("A", 0, 2)


def test_only_utterances_of_both_are_compared_and_one_without_errors_stays_in_sight():
    found = segments([*right("A"), ("u1", "clean", "B", "one two three four"), ("u2", "clean", "B", "five seven")])
    assert found.sort("utterance_id").select("utterance_id", "errors", "base_errors").rows() == [
        ("u1", None, None),
        ("u2", 1, 0),
    ]


def test_a_condition_without_the_baseline_is_left_out():
    found = segments([*right("A"), *right("B"), *right("B", "noise")])
    assert found["condition"].unique().to_list() == ["clean"]
