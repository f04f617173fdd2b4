"""The intervals of rates by name: slow definitions, scipy, and every degenerate case for each of them."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from asrfair.errors import InputError
from asrfair.seeds import generator
from asrfair.stats import bootstrap
from asrfair.stats.cells import code, find_axis
from asrfair.stats.methods import COVERS_HALF, COVERS_LESS, METHODS
from asrfair.stats.rates import axis_sums, rate_rows

BOOTSTRAPS = [name for name in METHODS if name.startswith("bootstrap")]
ERRORS, WORDS = (3, 9, 1, 14, 0, 6, 22), (40, 60, 55, 70, 12, 90, 81)
RATE = sum(ERRORS) / sum(WORDS)


@pytest.fixture(scope="session")
def rates(failures_of):
    def make(counts, method="skewed-log-t", *, axis="accent", level=0.95, independent=False, **options):
        failures = failures_of()
        coded = code(
            counts,
            failures,
            axes=["accent"],
            baseline_condition=None,
            baseline_backend=None,
            independent_utterances=independent,
        )
        view = axis_sums(find_axis(axis, counts, failures), coded)
        return rate_rows(view, coded, level=level, interval=method, **options)

    return make


def test_a_combination_that_nobody_is_in_has_a_row_that_says_so(counts_of, failures_of):
    rows = [
        row | {"gender": gender, "accent*gender": f"{row['accent']}*{gender}"}
        for row, gender in zip(
            [*speakers("a", [1, 2], [10, 10]), *speakers("b", [3, 4], [10, 10])], "fmff", strict=True
        )
    ]
    axes = ["accent", "gender", "accent*gender"]
    table = counts_of([row | {"condition": c} for row in rows for c in ("clean", "noise")], axes=axes)
    table = table.filter(~((pl.col("accent*gender") == "a*m") & (pl.col("condition") == "noise")))
    failures = failures_of(axes=axes)
    coded = code(
        table, failures, axes=axes, baseline_condition=None, baseline_backend=None, independent_utterances=False
    )
    found = rate_rows(axis_sums(find_axis("accent*gender", table, failures), coded), coded, level=0.95)
    empty = found.filter(pl.col("group") == "b*m")
    assert empty.select("condition", "utterances", "wer", "low", "note").rows() == [
        ("clean", 0, None, None, "no utterances"),
        ("noise", 0, None, None, "no utterances"),
    ]
    assert found.filter(pl.col("group") == "a*m")["condition"].to_list() == ["clean"]


def speakers(group, errors, words, **more):
    return [
        {"speaker_id": f"{group}{n}", "accent": group, "errors": e, "reference_words": w} | more
        for n, (e, w) in enumerate(zip(errors, words, strict=True))
    ]


def ends(table):
    (row,) = table.iter_rows(named=True)
    return row["low"], row["high"]


def cr1() -> float:
    u = [(e - RATE * w) / sum(WORDS) for e, w in zip(ERRORS, WORDS, strict=True)]
    return 7 / 6 * sum(value**2 for value in u)


def without(speaker: int) -> float:
    return (sum(ERRORS) - ERRORS[speaker]) / (sum(WORDS) - WORDS[speaker])


def test_delta_is_cr1_with_t_of_speakers_minus_one(counts_of, rates):
    width = stats.t.ppf(0.95, 6) * math.sqrt(cr1())
    found = ends(rates(counts_of(speakers("a", ERRORS, WORDS)), "delta-t", level=0.9))
    assert found == pytest.approx((RATE - width, RATE + width), rel=1e-9)


def test_delta_is_never_below_zero(counts_of, rates):
    low, high = ends(rates(counts_of(speakers("a", [0, 0, 9], [50, 50, 50])), "delta-t"))
    assert low == 0
    assert high > 0.06


def test_jackknife_deletes_one_speaker_and_takes_logs(counts_of, rates):
    logs = [math.log(without(speaker)) for speaker in range(7)]
    variance = 6 / 7 * sum((value - sum(logs) / 7) ** 2 for value in logs)
    width = stats.t.ppf(0.975, 6) * math.sqrt(variance)
    found = ends(rates(counts_of(speakers("a", ERRORS, WORDS)), "jackknife"))
    assert found == pytest.approx((RATE * math.exp(-width), RATE * math.exp(width)), rel=1e-9)


def test_jackknife_is_null_where_one_speaker_has_all_errors(counts_of, rates):
    (row,) = rates(counts_of(speakers("a", [0, 4, 0], [30, 40, 30])), "jackknife").iter_rows(named=True)
    assert (row["low"], row["high"]) == (None, None)
    assert row["note"] == "under 10 speakers; 1 speaker has all errors: no jackknife"


def test_moments_need_merged_sums_only(counts_of, rates):
    e, w = np.array(ERRORS, float), np.array(WORDS, float)
    q, s3, s4, s5 = (np.sum((w / w.sum()) ** power) for power in (2, 3, 4, 5))
    squares = (e @ e - 2 * RATE * (e @ w) + RATE**2 * (w @ w)) / w.sum() ** 2
    spread = math.sqrt(squares * q / (q - 2 * s3 + q**2)) / RATE
    below = s4 * (1 + 2 * q) - 4 * s5 + q**4 + 2 * q * s4 + 2 * s3**2 - 4 * q**2 * s3
    width = stats.t.ppf(0.975, (q - 2 * s3 + q**2) ** 2 / below) * spread
    found = ends(rates(counts_of(speakers("a", ERRORS, WORDS)), "moments"))
    assert found == pytest.approx((RATE * math.exp(-width), RATE * math.exp(width)), rel=1e-9)


def test_utterances_are_the_sample_where_that_is_asked_for(counts_of, rates):
    rng = generator(1, "utterances")
    words = rng.integers(0, 15, 60)
    errors = np.where(rng.random(60) < 0.3, words + 1, 0)
    rows = [
        {"speaker_id": f"s{n % 3}", "accent": "a", "errors": int(e), "reference_words": int(w)}
        for n, (e, w) in enumerate(zip(errors, words, strict=True))
    ]
    rate, n = errors.sum() / words.sum(), np.count_nonzero(words)
    variance = n / (n - 1) * np.sum((errors - rate * words) ** 2) / errors.sum() ** 2
    assert variance > 1 / errors.sum()
    width = stats.t.ppf(0.975, n - 1) * math.sqrt(variance)
    (row,) = rates(counts_of(rows), "utterance").iter_rows(named=True)
    assert (row["low"], row["high"]) == pytest.approx((rate * math.exp(-width), rate * math.exp(width)), rel=1e-9)
    assert (row["speakers"], row["method"]) == (3, "utterances treated as independent, log t")
    assert row["note"].startswith("utterances treated as independent")
    assert row["note"].endswith(COVERS_HALF)
    nobody = counts_of(rows).with_columns(speaker_id=pl.lit(None, pl.String))
    (unknown,) = rates(nobody, "utterance").iter_rows(named=True)
    assert (unknown["low"], unknown["high"], unknown["speakers"]) == (row["low"], row["high"], None)


@pytest.mark.parametrize(("name", "theirs"), [("bootstrap-percentile", "percentile"), ("bootstrap-bca", "BCa")])
def test_bootstraps_are_close_to_scipys(counts_of, rates, name, theirs):
    expected = stats.bootstrap(
        (np.array(ERRORS, float), np.array(WORDS, float)),
        lambda e, w, axis: e.sum(axis=axis) / w.sum(axis=axis),
        paired=True,
        n_resamples=40_000,
        method=theirs,
        rng=np.random.default_rng(2),
    ).confidence_interval
    found = ends(rates(counts_of(speakers("a", ERRORS, WORDS)), name, replicates=40_000))
    assert found == pytest.approx(tuple(expected), abs=0.002)


def test_the_studentised_bootstrap_is_close_to_a_loop(counts_of, rates):
    """Speakers drawn one by one, each draw with its own delta standard error, as in arch's `studentized`."""
    e, w = np.array(ERRORS, float), np.array(WORDS, float)

    def of(places):
        rate = e[places].sum() / w[places].sum()
        return rate, math.sqrt(np.sum((e[places] - rate * w[places]) ** 2)) / w[places].sum()

    rng = np.random.default_rng(3)
    estimate, error = of(np.arange(7))
    t = []
    for _ in range(20_000):
        rate, own = of(rng.integers(0, 7, 7))
        t.append((rate - estimate) / own)
    expected = max(estimate - np.quantile(t, 0.975) * error, 0.0), estimate - np.quantile(t, 0.025) * error
    found = ends(rates(counts_of(speakers("a", ERRORS, WORDS)), "bootstrap-studentised", replicates=20_000))
    assert found == pytest.approx(expected, abs=0.006)


def test_studentised_is_infinite_with_three_speakers_whatever_rounding_says(counts_of, rates):
    rng = generator(4, "three")
    rows = [
        row
        for group in range(40)
        for row in speakers(f"g{group}", rng.integers(1, 30, 3).tolist(), rng.integers(31, 99, 3).tolist())
    ]
    table = rates(counts_of(rows), "bootstrap-studentised")
    assert table["low"].null_count() == table["high"].null_count() == 40
    assert set(table["note"]) == {"under 10 speakers; too few speakers: studentised interval is infinite"}


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_utterances_without_speaker_in_one_condition_leave_the_others_alone(counts_of, rates, name):
    one = speakers("a", ERRORS, WORDS)
    nobody = {"speaker_id": None, "accent": "a", "condition": "noise"}
    both = rates(counts_of([*one, nobody]), name)
    assert ends(both.filter(pl.col("condition") == "clean")) == ends(rates(counts_of(one), name))


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_one_draw_serves_all_conditions_and_backends(counts_of, rates, name):
    more = [{"condition": c, "backend": b} for c in ("clean", "noise") for b in "AB"]
    rows = [row | {"utterance_id": row["speaker_id"]} for each in more for row in speakers("a", ERRORS, WORDS, **each)]
    table = rates(counts_of(rows), name)
    assert table.height == 4
    assert table.select("low", "high").n_unique() == 1


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_draws_depend_on_seed_axis_and_group_only(counts_of, rates, monkeypatch, name):
    one = speakers("a", ERRORS, WORDS)
    two = one + speakers("b", ERRORS, WORDS) + speakers("b", ERRORS, WORDS, condition="noise")
    table = rates(counts_of(two), name)
    alone = ends(rates(counts_of(one[::-1]), name))
    a, b = (ends(table.filter(pl.col("group") == group, pl.col("condition") == "clean")) for group in "ab")
    assert a == alone
    assert b != a
    assert ends(rates(counts_of(one), name, axis="overall")) != a
    assert ends(rates(counts_of(one), name, seed=1)) != a
    monkeypatch.setattr(bootstrap, "_HELD_AT_ONCE", 1)
    assert rates(counts_of(two), name).equals(table)


def test_a_method_is_named_with_all_that_made_it(counts_of, rates):
    counts = counts_of(speakers("a", ERRORS, WORDS))
    found = rates(counts, "bootstrap-bca", replicates=300, seed=7)
    assert found["method"].to_list() == ["speaker-clustered bootstrap, BCa, 300 replicates, seed 7"]
    assert len({rates(counts, name)["method"][0] for name in METHODS}) == len(METHODS)


def test_percentiles_of_few_speakers_say_that_they_cover_less(counts_of, rates):
    def note(number, name):
        return rates(counts_of(speakers("a", range(1, number + 1), [50] * number)), name)["note"][0] or ""

    for name in ("bootstrap-percentile", "bootstrap-bca"):
        assert COVERS_LESS in note(9, name)
        assert note(10, name) == ""
    assert COVERS_LESS not in note(9, "bootstrap-studentised")


def test_replicates_without_words_are_left_out_and_counted(counts_of, rates):
    rows = speakers("a", ERRORS, WORDS) + speakers("a", [4, 9], [20, 30], condition="noise")
    row = rates(counts_of(rows), "bootstrap-percentile").filter(pl.col("condition") == "noise").row(0, named=True)
    assert "replicates without reference words left out" in row["note"]
    left_out = int(row["note"].split("; ")[-1].split()[0])
    assert left_out == pytest.approx(2000 * (5 / 7) ** 7, rel=0.2)
    assert row["low"] < row["wer"] < row["high"]


@pytest.mark.parametrize("name", METHODS)
def test_level_is_used(counts_of, rates, name):
    counts = counts_of(speakers("a", ERRORS * 2, WORDS * 2))
    (low, high), (lower, higher) = (ends(rates(counts, name, level=level)) for level in (0.8, 0.99))
    assert lower < low < RATE < high < higher


BAD = {
    "no speakers": [{"speaker_id": None, "errors": n} for n in (1, 2, 3)],
    "some without speaker": [*speakers("a", [1, 2, 3], [10] * 3), {"speaker_id": None, "accent": "a", "errors": 1}],
    "one speaker": [{"speaker_id": "x", "accent": "a", "errors": n} for n in (1, 2, 3)],
    "no words": [{"speaker_id": f"s{n}", "insertions": n, "reference_words": 0} for n in range(4)],
    "one with words": [{"speaker_id": f"s{n}", "insertions": 1, "reference_words": 5 * (n == 0)} for n in range(4)],
    "no errors": speakers("a", [0] * 5, [20] * 5),
    "equal speakers": speakers("a", [2, 4, 6], [20, 40, 60]),
    "above one": speakers("a", [30, 18, 25, 40, 9], [10, 12, 11, 13, 8]),
    "two speakers": speakers("a", [3, 8], [40, 50]),
    "one talks nearly everything": speakers("a", [20_000, 3, 1], [100_000, 5, 5]),
    "one insertion only": speakers("a", [0, 0, 1, 0], [20, 20, 0, 20]),
}
GIVEN = {"no errors", "above one"}
JUDGED = {"no speakers", "some without speaker", "one speaker", "one with words", "no words"}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", METHODS)
def test_bad_input_has_a_stated_outcome(counts_of, rates, name, case):
    (row,) = rates(counts_of(BAD[case]), name, replicates=500).iter_rows(named=True)
    if row["low"] is None:
        assert row["high"] is None
        assert row["note"]
        assert case not in GIVEN
    else:
        assert 0 <= row["low"] < row["high"] < math.inf
        assert row["low"] <= row["wer"] <= row["high"]
        assert case not in JUDGED or (name == "utterance" and case != "no words")
    if case == "no errors":
        assert (row["low"], row["high"]) == (0, pytest.approx(-math.log(0.025) / 100))
        assert "no errors: upper end with design effect 1.0" in row["note"]
    if case == "equal speakers" and name in BOOTSTRAPS:
        assert row["note"] == "under 10 speakers; every draw of speakers gives the same rate: no interval"
    elif case == "equal speakers" and name != "utterance":
        assert "spread from the number of errors" in row["note"]


@pytest.mark.parametrize("name", METHODS)
def test_nothing_gives_no_rows(counts_of, rates, name):
    assert rates(counts_of([{}]).clear(), name).height == 0


def test_an_unknown_method_names_those_there_are(counts_of, rates):
    with pytest.raises(InputError) as caught:
        rates(counts_of([{}]), "bayes")
    assert str(caught.value) == f"interval: found unknown method 'bayes'; expected one of: {', '.join(METHODS)}"


@pytest.mark.parametrize("name", ["skewed-log-t", "log-t", "jackknife", "bootstrap-studentised"])
def test_utterances_that_count_as_their_own_speakers_are_drawn_as_such(counts_of, rates, name):
    rows = [{"speaker_id": None, "accent": "a", "errors": n % 4} for n in range(12)]
    (row,) = rates(counts_of(rows), name, independent=True).iter_rows(named=True)
    assert row["low"] < row["wer"] < row["high"]
    assert row["method"].startswith("utterances treated as independent, ")


COVERAGE = {
    "skewed-log-t": (0.94, 0.995),
    "log-t": (0.94, 0.995),
    "delta-t": (0.83, 0.94),
    "jackknife": (0.85, 0.97),
    "moments": (0.92, 0.99),
    "bootstrap-percentile": (0.65, 0.83),
    "bootstrap-bca": (0.65, 0.83),
    "bootstrap-studentised": (0.88, 0.98),
    "utterance": (0.30, 0.62),
}


@pytest.fixture(scope="module")
def four_speakers(counts_of):
    """500 groups of four speakers with the same truth; two standard errors of a coverage are 1 to 4 points."""
    rng, rows = generator(5, "coverage"), []
    for group in range(500):
        for speaker in range(4):
            talent = 0.12 * np.exp(rng.normal(-(0.6**2) / 2, 0.6))
            for _ in range(rng.integers(10, 25)):
                words = int(rng.integers(5, 21))
                rows.append((f"g{group}", f"g{group}-{speaker}", words, int(rng.poisson(talent * words))))
    names = ["accent", "speaker_id", "reference_words", "errors"]
    return counts_of([dict(zip(names, row, strict=True)) for row in rows])


@pytest.mark.parametrize("name", METHODS)
def test_coverage_at_four_speakers_is_that_of_the_literature(four_speakers, rates, name):
    table = rates(four_speakers, name, replicates=800).drop_nulls("low")
    assert table.height > 400
    covered = ((table["low"] <= 0.12) & (table["high"] >= 0.12)).mean()
    least, most = COVERAGE[name]
    assert least <= covered <= most
