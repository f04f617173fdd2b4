"""The matched-pairs test against scipy and against NIST's own output."""

import math
import re

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from asrfair.errors import InputError
from asrfair.stats.mapsswe import ASSUMPTION, mapsswe_rows
from asrfair.tables import TESTS, conform

FIRST = [2, 0, 1, 3, 1, 4]
SECOND = [1, 1, 0, 0, 1, 1]


def segments_of(first, second, **columns):
    size = len(first)
    given = {"condition": "clean", "backend": "B", "reference_backend": "A", "accent": "a"} | columns
    return pl.DataFrame(
        {"utterance_id": [f"u{n}" for n in range(size)], "base_errors": first, "errors": second},
        schema_overrides={"base_errors": pl.Int64, "errors": pl.Int64},
    ).with_columns(*(pl.lit(value, pl.String).alias(name) for name, value in given.items()))


def only(segments):
    return mapsswe_rows(segments, axes=[]).row(0, named=True)


def test_z_is_the_mean_over_its_error_and_p_is_normal():
    difference = [b - a for a, b in zip(FIRST, SECOND, strict=True)]
    found = only(segments_of(FIRST, SECOND))
    assert found["statistic"] == pytest.approx(stats.ttest_1samp(difference, 0).statistic)
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(found["statistic"])))
    assert found["note"] == "6 segments"
    assert found["assumption"] == ASSUMPTION


def test_swapping_the_systems_flips_z():
    assert only(segments_of(SECOND, FIRST))["statistic"] == pytest.approx(
        -only(segments_of(FIRST, SECOND))["statistic"]
    )


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([1], [0], "1 segment; under 2 segments: not judged"),
        ([None], [None], "no segment with an error"),
        ([1, 2], [2, 3], "2 segments; all segments differ by the same: not judged"),
        ([1, 2], [1, 2], "2 segments; all segments differ by the same: not judged"),
    ],
)
def test_what_cannot_be_judged_is_null_and_says_why(first, second, note):
    found = only(segments_of(first, second))
    assert (found["statistic"], found["p"], found["note"]) == (None, None, note)


def test_every_group_system_and_condition_has_a_row_in_order():
    parts = [
        segments_of(FIRST, SECOND, accent=accent, backend=backend, condition=condition, speaker_id=accent or "x")
        for accent in (None, "b", "a")
        for backend in ("C", "B")
        for condition in ("noise", "clean")
    ]
    found = mapsswe_rows(pl.concat(parts), axes=["accent"])
    keys = [(backend, condition) for backend in ("B", "C") for condition in ("clean", "noise")]
    expected = [("overall", "overall", *key) for key in keys]
    expected += [("accent", group, *key) for key in keys for group in ("a", "b", None)]
    assert found.select("axis", "group", "backend", "condition").rows() == expected
    assert found["speakers"].to_list() == [3] * 4 + [1] * 12
    assert found["reference_backend"].unique().to_list() == ["A"]
    assert (
        conform(found, TESTS)
        .select("reference_condition", "reference_group")
        .equals(found.select(reference_condition="condition", reference_group="group"))
    )
    shuffled = pl.concat(parts[::-1])
    assert_frame_equal(mapsswe_rows(shuffled, axes=["accent"]), found)


def test_without_speakers_their_number_is_unknown_and_a_missing_column_is_named():
    segments = segments_of(FIRST, SECOND)
    assert only(segments)["speakers"] is None
    assert only(segments.with_columns(speaker_id=pl.Series(["s", None, "s", "t", None, "t"])))["speakers"] == 2
    with pytest.raises(InputError, match="segments: found no column 'base_errors'; expected one of: utterance_id"):
        mapsswe_rows(segments.drop("base_errors"), axes=[])


@pytest.mark.parametrize("name", ["test1a", "test1b"])
def test_z_is_that_of_nists_own_program(shared_data, name):
    """The files give n, the mean and sd (rounded) of first minus second: here n whole numbers that have them."""
    folder = shared_data / "sctk-testdata" / "sclite" / "testdata" / "base_sc_stats"
    text = (folder / f"{name}.stats.mapsswe").read_text(encoding="latin-1")
    numbers = r"# segs: (\d+)\).*mean: (\S+)\) \(std dev: (\S+)\) \(Z Stat: (\S+)\) \(Stat Diff: (\w+)\)"
    n, mean, sd, z, differs = re.search(numbers, text).groups()
    sign = int(math.copysign(1, float(mean)))
    difference = [sign, sign, 0]
    assert (len(difference), float(mean), float(sd)) == (
        int(n),
        pytest.approx(sum(difference) / 3, abs=1e-3),
        pytest.approx(stats.tstd(difference), abs=1e-3),
    )
    found = only(segments_of([3 + d for d in difference], [3, 3, 3]))
    assert -found["statistic"] == pytest.approx(float(z), abs=1e-3)
    assert (found["p"] < 0.05) == (differs == "Yes")
