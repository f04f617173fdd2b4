"""What a comparison needs of an analysis is what the whole analysis says."""

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from asrfair.stats import Question, analyse
from asrfair.stats.versus import versus
from asrfair.tables import COUNTS, FAILURES, conform


def counts(backends: tuple[str, ...], seed: int = 4) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = []
    for speaker in range(30):
        group = None if speaker == 9 else "abc"[speaker % 3]
        for utterance in range(4):
            words = int(random.integers(4, 12))
            for backend in backends:
                if (speaker, utterance, backend) != (4, 2, backends[-1]):
                    wrong = int(random.binomial(words, 0.1 + 0.04 * (speaker % 3)))
                    rows.append((f"u{speaker}-{utterance}", f"s{speaker}", backend, words, wrong, group))
    names = ["utterance_id", "speaker_id", "backend", "reference_words", "substitutions", "accent"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    fixed = {"condition": "clean", "normalizer": "none"} | dict.fromkeys(("deletions", "insertions"), 0)
    return conform(
        table.with_columns(pl.lit(value).alias(name) for name, value in fixed.items()), COUNTS, axes=["accent"]
    )


NO_FAILURES = pl.DataFrame(schema=FAILURES | {"accent": pl.String})
QUESTION = Question(axes=["accent"], reference_groups={"accent": "a"}, baseline_backend="old", replicates=100, seed=2)


def test_one_pair_is_what_the_whole_analysis_says() -> None:
    rows = counts(("old", "new"))
    found = versus(rows, NO_FAILURES, QUESTION, pairs=[("old", "new")])
    whole = analyse(rows, NO_FAILURES, QUESTION)
    assert_frame_equal(found.rates, whole.rates, check_exact=True)
    key = ["measure", "axis", "group"]
    paired = whole.disparities.filter(pl.col("measure").str.starts_with("backend_"))
    assert set(found.disparities["measure"]) == set(paired["measure"])
    assert_frame_equal(found.disparities.sort(key), paired.sort(key), check_exact=True)
    assert_frame_equal(found.tests, whole.tests.filter(pl.col("test") == "sign_flip"), check_exact=True)


def test_pairs_are_analysed_alone_and_adjusted_together() -> None:
    rows = counts(("a-old", "a-new", "b-old", "b-new"))
    question = Question(axes=["accent"], reference_groups={"accent": "a"}, family=["axis", "measure"])
    both = versus(rows, NO_FAILURES, question, pairs=[("a-old", "a-new"), ("b-old", "b-new")])
    alone = versus(rows, NO_FAILURES, question, pairs=[("b-old", "b-new")])
    second = both.disparities.filter(pl.col("backend") == "b-new")
    assert set(second["reference_backend"]) == {"b-old"}
    assert_frame_equal(second.drop("p_adjusted", "p_fdr"), alone.disparities.drop("p_adjusted", "p_fdr"))
    judged = second["p"].is_not_null()
    assert (second.filter(judged)["p_adjusted"] >= alone.disparities.filter(judged)["p_adjusted"]).all()
    assert (second.filter(judged)["p_adjusted"] > alone.disparities.filter(judged)["p_adjusted"]).any()
