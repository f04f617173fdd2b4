"""Words missed more for a group: the permutation test, its false alarms and what it finds."""

from collections.abc import Iterable
from itertools import permutations
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest

from asrfair.stats import words
from asrfair.stats.words import permuted_p, word_rows

Token = tuple[str | None, str | None, str, str | None]


def aligned(tokens: Iterable[Token], **cell: Any) -> pl.DataFrame:
    """One row per (speaker, label, word, what was heard): None is a deletion."""
    kinds = {"speaker_id": pl.String, "label": pl.String, "reference_word": pl.String, "hypothesis_word": pl.String}
    rows = pl.DataFrame(list(tokens), schema=kinds, orient="row")
    heard = pl.col("hypothesis_word")
    operation = (
        pl.when(heard.is_null()).then(pl.lit("delete")).when(heard == pl.col("reference_word")).then(pl.lit("equal"))
    )
    return rows.with_columns(
        operation=operation.otherwise(pl.lit("substitute")),
        condition=pl.lit(cell.get("condition", "clean")),
        backend=pl.lit(cell.get("backend", "A")),
    )


def compare(rows: pl.DataFrame, **options: Any) -> pl.DataFrame:
    given = {"axis": "accent", "reference": "us", "groups": ["x"], "permutations": 999, "seed": 0} | options
    return word_rows(rows, **given)


def corpus(
    rng: np.random.Generator,
    *,
    speakers: tuple[int, int],
    vocabulary: int,
    tokens: tuple[int, int],
    rate: float,
    planted: float | None = None,
) -> list[Token]:
    """Speakers with rates of their own; the first group says as many tokens as ``tokens`` has first."""
    said: list[Token] = []
    for label, number, each in zip("xu", speakers, tokens, strict=True):
        for speaker in range(number):
            own = rng.beta(9 * rate, 9 * (1 - rate))
            for word in rng.integers(vocabulary, size=each):
                chance = planted if planted is not None and label == "x" and word == 0 else own
                heard = "bed" if rng.random() < chance else f"w{word}"
                said.append((f"{label}{speaker}", "x" if label == "x" else "us", f"w{word}", heard))
    return said


def test_p_is_the_share_of_all_permutations_of_the_standardised_residuals(monkeypatch: pytest.MonkeyPatch) -> None:
    count = np.array([2, 1, 1, 7, 6, 6, 8])
    errors = np.array([0, 1, 1, 2, 1, 1, 0])
    member = np.array([True, True, True, False, False, False, False])
    p = errors.sum() / count.sum()
    residual = errors - count * p
    chi_square = sum(r**2 / (n * p * (1 - p)) for r, n in zip(residual, count, strict=True))
    alike = (chi_square * 7 / 6 - 7) / sum(n - 1 for n in count)
    assert 0 < alike < 1
    spread = [sqrt(n * (1 + (n - 1) * alike)) for n in count]
    z = [r / s for r, s in zip(residual, spread, strict=True)]
    z = [value - sum(z) / 7 for value in z]

    def difference(order: tuple[int, ...]) -> float:
        own = sum(spread[i] * z[order[i]] for i in range(7) if member[i]) / count[member].sum()
        other = sum(spread[i] * z[order[i]] for i in range(7) if not member[i]) / count[~member].sum()
        return abs(float(own - other))

    found = difference(tuple(range(7)))
    exact = np.mean([difference(order) >= found - 1e-12 for order in permutations(range(7))])
    monkeypatch.setattr(words, "ENOUGH", 10**9)
    draws = 19_999
    simulated = permuted_p(count, errors, member, permutations=draws, rng=np.random.default_rng(1))
    assert simulated == pytest.approx(exact, abs=4 * sqrt(exact * (1 - exact) / draws))


def test_where_all_say_the_word_once_it_is_fishers_exact_test(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.stats import fisher_exact

    monkeypatch.setattr(words, "ENOUGH", 10**9)
    member = np.arange(20) < 10
    errors = np.array([1] * 7 + [0] * 3 + [1] * 2 + [0] * 8)
    found = permuted_p(np.ones(20), errors, member, permutations=19_999, rng=np.random.default_rng(2))
    assert found == pytest.approx(fisher_exact([[7, 3], [2, 8]]).pvalue, abs=0.006)


def test_clear_cases_draw_few_permutations_and_rare_ones_all() -> None:
    member = np.arange(60) < 30
    errors = np.isin(np.arange(60), [*range(9), *range(40, 46)]).astype(int)
    alike = permuted_p(np.ones(60), errors, member, permutations=99_999, rng=np.random.default_rng(3))
    assert 0.2 < alike < 1
    assert alike * 200 == pytest.approx(round(alike * 200))
    apart = permuted_p(np.ones(60), member.astype(int), member, permutations=99_999, rng=np.random.default_rng(3))
    assert apart == 1e-5


def test_a_word_that_all_miss_or_none_tells_nothing() -> None:
    member = np.arange(8) < 4
    for errors in (np.zeros(8), np.full(8, 2)):
        assert permuted_p(np.full(8, 2), errors, member, permutations=99, rng=np.random.default_rng(4)) == 1.0


@pytest.mark.parametrize(
    ("speakers", "talk", "said"),
    [
        ((4, 40), (1.0, 1.0), (1.0, 1.0)),
        ((4, 40), (5.0, 0.5), (1.0, 1.0)),
        ((4, 40), (0.5, 5.0), (1.0, 1.0)),
        ((4, 40), (0.3, 0.3), (0.6, 0.15)),
        ((20, 20), (5.0, 0.5), (1.0, 1.0)),
    ],
    ids=["alike", "group talks more", "reference talks more", "rare word", "balanced, group talks more"],
)
def test_false_alarms_stay_near_the_level(
    speakers: tuple[int, int], talk: tuple[float, float], said: tuple[float, float]
) -> None:
    """A test that permuted the residuals as they are would raise 25 % where one of two uneven groups talks more."""
    rng, found = np.random.default_rng(5), []
    member = np.repeat([True, False], speakers)
    while len(found) < 500:
        count = (rng.random(len(member)) < np.repeat(said, speakers)) * (1 + rng.poisson(np.repeat(talk, speakers)))
        errors = rng.binomial(count, rng.beta(2, 8, len(member)))
        spoke = count > 0
        if min(spoke[member].sum(), spoke[~member].sum()) < 2 or errors.sum() < 4:
            continue
        found.append(permuted_p(count[spoke], errors[spoke], member[spoke], permutations=199, rng=rng))
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * sqrt(0.05 * 0.95 / 500)


def test_false_discoveries_when_nothing_differs() -> None:
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(60):
        said = corpus(rng, speakers=(4, 40), vocabulary=12, tokens=(60, 15), rate=0.2)
        found = compare(aligned(said), permutations=999)
        tested = found.filter(pl.col("kind") == "word")
        assert len(tested) > 5
        alarms += bool((tested["p_fdr"] < 0.05).any())
    assert alarms <= 3 + 3 * sqrt(60 * 0.05 * 0.95)


def test_a_planted_word_and_confusion_are_found() -> None:
    rng = np.random.default_rng(7)
    said = corpus(rng, speakers=(12, 25), vocabulary=30, tokens=(80, 80), rate=0.1, planted=0.6)
    found = compare(aligned(said), permutations=9_999)
    for kind, heard in (("word", None), ("confusion", "bed")):
        rows = found.filter(pl.col("kind") == kind)
        first = rows.row(0, named=True)
        assert (first["reference_word"], first["heard"]) == ("w0", heard)
        assert first["p_fdr"] < 0.05 < rows["p_fdr"][1]
        assert first["ratio"] > 3
        assert rows["p"].is_sorted()


def test_sums_rates_and_all_words_together() -> None:
    said: list[Token] = []
    for label, speakers, wrong in (("x", 4, 3), ("us", 5, 1)):
        for speaker in range(speakers):
            said += [(f"{label}{speaker}", label, "park", "bark" if speaker < wrong else "park")] * 2
            said += [(f"{label}{speaker}", label, "the", None if speaker < wrong else "the")]
    found = compare(aligned(said))
    park = found.filter(pl.col("reference_word") == "park", pl.col("kind") == "word").row(0, named=True)
    assert (park["count"], park["errors"], park["speakers"]) == (8, 6, 4)
    assert (park["reference_count"], park["reference_errors"], park["reference_speakers"]) == (10, 2, 5)
    assert (park["rate"], park["reference_rate"], park["ratio"]) == (0.75, 0.2, pytest.approx(3.75))
    confusion = found.filter(kind="confusion").row(0, named=True)
    assert (confusion["heard"], confusion["count"], confusion["errors"]) == ("bark", 8, 6)
    together = found.filter(kind="all").row(0, named=True)
    assert (together["count"], together["errors"], together["tested"]) == (12, 9, 2)
    assert together["reference_rate"] == pytest.approx((8 * 0.2 + 4 * 0.2) / 12)
    assert (together["p"], together["p_fdr"], together["reference_word"]) == (None, None, None)
    assert found["kind"].to_list() == ["all", "word", "word", "confusion"]


def test_all_words_together_are_the_words_the_group_said() -> None:
    said: list[Token] = []
    for speaker in range(4):
        said += [(f"x{speaker}", "x", "hard", "bard" if speaker else "hard")] * 3 + [
            (f"x{speaker}", "x", "easy", "easy")
        ]
        said += [(f"u{speaker}", "us", "hard", "bard" if speaker else "hard")] + [
            (f"u{speaker}", "us", "easy", "easy")
        ] * 3
    said += [
        ("x0", "x", "easy", None),
        ("u0", "us", "easy", None),
        ("u1", "us", "easy", None),
        ("u2", "us", "easy", None),
    ]
    together = compare(aligned(said)).filter(kind="all").row(0, named=True)
    assert together["rate"] == 10 / 17
    # hard 3/4 of 12, easy 3/15 of 5: the reference group's own rate, 6 of 19, is for easier words.
    assert together["reference_rate"] == pytest.approx((12 * 0.75 + 5 * 0.2) / 17)


def test_false_discovery_control_is_scipys() -> None:
    from scipy.stats import false_discovery_control

    said = corpus(np.random.default_rng(8), speakers=(6, 9), vocabulary=20, tokens=(60, 60), rate=0.3)
    for _, rows in compare(aligned(said)).filter(pl.col("kind") != "all").group_by("kind"):
        assert rows["p_fdr"].to_numpy() == pytest.approx(false_discovery_control(rows["p"].to_numpy()))
        assert rows["tested"].to_list() == [len(rows)] * len(rows)


def test_without_errors_in_the_reference_group_there_is_no_ratio() -> None:
    said: list[Token] = [(f"x{n}", "x", "park", "bark") for n in range(4)]
    said += [(f"u{n}", "us", "park", "park") for n in range(6)]
    row = compare(aligned(said)).filter(kind="word").row(0, named=True)
    assert (row["rate"], row["reference_rate"], row["ratio"]) == (1.0, 0.0, None)


def test_what_cannot_be_compared_is_left_out() -> None:
    rng = np.random.default_rng(9)
    said = corpus(rng, speakers=(6, 9), vocabulary=5, tokens=(40, 40), rate=0.3)
    plain = compare(aligned(said))
    others: list[Token] = [(None, "x", "w0", "bed"), ("z", None, "w0", "bed"), ("y", "y", "w0", "bed")]
    both: list[Token] = [("b", "x", "w0", "bed"), ("b", "us", "w0", "bed")]
    inserted = aligned(
        [(f"{label}{n}", "x" if label == "x" else "us", "oh", None) for label in "xu" for n in range(6)]
    ).with_columns(operation=pl.lit("insert"), reference_word=pl.lit(None, pl.String))
    more = pl.concat([aligned([*others, *both]), aligned(said)[::-1], inserted])
    assert compare(more).equals(plain)
    # Said by enough speakers, but their splits over the groups are too few, or the errors are.
    few: list[Token] = [(f"{label}{n}", label, "rare", "hare") for label in ("x", "us") for n in range(2)]
    seldom: list[Token] = [
        (f"{label}{n}", label, "mind", "mine" if n < 1 else "mind") for label in ("x", "us") for n in range(6)
    ]
    assert "rare" not in compare(aligned([*said, *few]))["reference_word"]
    assert "mind" not in compare(aligned([*said, *seldom]))["reference_word"]
    assert compare(aligned([token for token in said if token[1] != "us"])).is_empty()
    assert compare(aligned(said), groups=["nobody"]).is_empty()


def test_a_words_p_depends_on_nothing_but_the_word() -> None:
    said = corpus(np.random.default_rng(10), speakers=(6, 9), vocabulary=8, tokens=(60, 60), rate=0.3)
    whole = compare(aligned(said)).filter(kind="word")
    for word in ("w0", "w5"):
        alone = compare(aligned([token for token in said if token[2] == word])).filter(kind="word")
        assert alone["p"].to_list() == whole.filter(reference_word=word)["p"].to_list()
        twin: list[Token] = [
            (speaker, label, "twin", "twin" if heard == word else heard)
            for speaker, label, spoken, heard in said
            if spoken == word
        ]
        assert compare(aligned(twin)).filter(kind="word")["p"].to_list() != alone["p"].to_list()
    assert compare(aligned(said), seed=1)["p"].to_list() != compare(aligned(said))["p"].to_list()


def test_cells_are_compared_apart_and_counted() -> None:
    said = corpus(np.random.default_rng(11), speakers=(5, 6), vocabulary=4, tokens=(30, 30), rate=0.3)
    told = []
    rows = pl.concat([aligned(said, backend=name, condition="clean") for name in "BA"])
    found = compare(rows, groups=["x", "nobody"], done=lambda: told.append(1))
    assert found["backend"].unique(maintain_order=True).to_list() == ["A", "B"]
    assert found["group"].unique().to_list() == ["x"]
    assert len(told) == 4
