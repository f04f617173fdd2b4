"""What a run's comparisons could have shown."""

import dataclasses

import polars as pl


def section(text):
    return text.split("Coverage: what could have been found\n", 1)[1].split("\nFailures\n", 1)[0]


def row(text, group):
    return next(line for line in section(text).splitlines() if line.startswith(f"  {group} ")).split("  ")


def with_detectable(found, **by_group):
    """Return results in which groups' ratios, or differences, could have shown so much."""
    value = pl.col("group").replace_strict(by_group, default=None, return_dtype=pl.Float64)
    shown = pl.when(pl.col("measure") == "ratio").then(value)
    return dataclasses.replace(found, disparities=found.disparities.with_columns(shown.alias("detectable")))


def test_each_cell_says_what_it_could_have_shown_or_why_not(sample):
    text = sample.written(with_detectable(sample.realistic(), scottish=1.8))
    assert "  ".join(row(text, "scottish")).split()[-3:] == ["1.80"] * 3
    assert row(text, "american")[-1].strip() == "reference"
    assert row(text, "welsh")[-1].strip() == "1 speaker"
    # Compared and judged, and the table does not say what it could have found.
    assert row(text, "indian")[-1].strip() == "unknown"
    assert row(text, "irish")[-1].strip() == "not judged"


def test_those_with_the_fewest_speakers_come_first_and_the_rest_is_counted(sample):
    text = sample.written(sample.realistic(), top=3)
    groups = [line.split()[0] for line in section(text).splitlines() if line.endswith(("speaker", "judged", "unknown"))]
    assert groups == ["welsh", "irish", "scottish"]
    assert "  and 3 more groups, of more speakers\n" in text


def test_a_difference_stands_in_where_there_is_no_ratio(sample):
    found = sample.realistic()
    difference = pl.when(pl.col("measure") == "difference").then(0.125).alias("detectable")
    text = sample.written(dataclasses.replace(found, disparities=found.disparities.with_columns(difference)))
    assert row(text, "scottish")[-1] == "12.5 points"


def test_a_group_of_which_nothing_was_counted_is_a_gap(sample):
    found = sample.realistic()
    gone = (pl.col("group") == "indian") & (pl.col("condition") == "telephone")
    text = sample.written(dataclasses.replace(found, rates=found.rates.filter(~gone.fill_null(value=False))))
    assert row(text, "indian")[-1].strip() == "none"
