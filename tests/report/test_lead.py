"""The findings in a line each, and many recognisers."""

import dataclasses
import re

import polars as pl

from asrfair.report.data import report_data
from asrfair.report.view import View


def nine(sample):
    """The sample's first recogniser nine times over, with WERs that rise from r0 to r8; r4 is the baseline."""
    found = sample.realistic()
    names = {f"r{k}": 0.8 + k / 10 for k in range(9)}
    tables = {}
    for table in ("rates", "disparities", "counts"):
        rows = getattr(found, table).filter(pl.col("backend") == "small")
        copies = [rows.with_columns(pl.lit(name).alias("backend")) for name in names]
        tables[table] = pl.concat(copies)
    factor = pl.col("backend").replace_strict(names, return_dtype=pl.Float64)
    tables["rates"] = tables["rates"].with_columns((pl.col(name) * factor) for name in ("wer", "low", "high"))
    tables["disparities"] = tables["disparities"].with_columns(
        pl.when(pl.col("backend") == "r8").then(0.6).otherwise(pl.col("p_adjusted")).alias("p_adjusted"),
        pl.when((pl.col("measure") == "ratio") & (pl.col("backend") == "r1"))
        .then(2.1)
        .otherwise(pl.col("estimate"))
        .alias("estimate"),
    )
    about = sample.signature(backends={name: {} for name in names}, baseline_backend="r4")
    return dataclasses.replace(found, **tables, signature=about)


def test_of_many_recognisers_the_baseline_and_the_highest_are_told_in_full(sample):
    found = nine(sample)
    assert View.of(found).in_full().backends == ("r4", "r7", "r8")
    text = sample.written(found)
    assert "in full      the baseline and the highest WERs: r4, r7, r8; of 6 more the" in text
    headings = re.findall(r"\n\n  (r\d)\n  in clean", text)
    assert headings == ["r4", "r7", "r8"]
    short = sample.overview_of(text)
    # Nobody is left out of the overview: every recogniser's WER, and a count of what is shown.
    assert all(f"{name}: WER" in short for name in found.signature["backends"])
    assert "accent (self-reported), 6 more recognisers Highest of the groups that could be judged: scottish" in short
    assert "A group is shown to be served worse than american with 6 of 6." in short


def test_every_recogniser_is_told_in_full_where_asked(sample):
    text = sample.written(nine(sample), every=True)
    assert re.findall(r"\n\n  (r\d)\n  in clean", text) == [f"r{k}" for k in range(9)]
    assert "in full" not in text
    assert "more recognisers" not in text


def test_up_to_three_recognisers_are_all_told(sample):
    view = View.of(sample.realistic())
    assert view.in_full() is view


def test_a_finding_is_joined_over_recognisers_with_the_range_of_its_size(sample):
    short = sample.overview_of(sample.written(nine(sample)))
    told = (
        "By accent, scottish is served worse than american with 8 of 9 recognisers: 2.10 to 2.56 times the WER "
        "(weakest with r0 2.56 times [1.72, 3.80]; 8 speakers against 14)."
    )
    assert short.split("── ", 1)[1].startswith(told)


def test_without_a_finding_nothing_is_called_equal(sample):
    found = sample.realistic()
    none = found.disparities.with_columns(p_adjusted=pl.lit(0.5))
    short = sample.overview_of(sample.written(dataclasses.replace(found, disparities=none)))
    assert (
        "No group could be shown to be served worse than another (in clean, under pink-10db, under telephone). That "
        "does not make them equal"
    ) in short
    unknown = found.disparities.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(name) for name in ("low", "high", "p_adjusted")
    )
    short = sample.overview_of(sample.written(dataclasses.replace(found, disparities=unknown)))
    assert "In clean, no group could be judged against another." in short


def test_what_other_conditions_show_is_told_and_nothing_is_denied(sample):
    found = sample.realistic()
    quiet = pl.when(pl.col("condition") == "clean").then(0.5).otherwise(pl.col("p_adjusted"))
    disparities = found.disparities.with_columns(quiet.alias("p_adjusted"))
    there = dataclasses.replace(found, disparities=disparities)
    short = sample.overview_of(sample.written(there))
    assert "In clean, no group could be shown to be served worse than another." in short
    assert "That does not make them equal" not in short
    assert (
        "By accent, under other conditions, shown served worse than american: scottish (pink-10db, with small, "
        "2.56 times [1.72, 3.80]; 8 speakers against 14; the largest of 2)."
    ) in short
    (finding,) = report_data(there)["overview"]["elsewhere"]
    assert [told["condition"] for told in finding["shown_with"]] == ["pink-10db", "telephone"]
    # What the main condition shows already is not told again.
    assert "under other conditions" not in sample.overview_of(sample.written(found))


def test_the_data_has_what_the_text_says_and_every_row(sample):
    found = nine(sample)
    data = report_data(found)
    (finding,) = data["overview"]["findings"]
    assert (finding["group"], finding["verdict"], finding["than"]) == ("scottish", "worse", "american")
    assert [told["recogniser"] for told in finding["shown_with"]] == [f"r{k}" for k in range(8)]
    assert data["tables"]["disparities"] == found.disparities.to_dicts()
    assert data["left_out"]["counts"] == found.counts.height
    assert data["statements"] == data["card"]["statements"]
    assert data["signature"] == found.signature


def test_more_groups_that_show_something_than_are_asked_for_are_counted(sample):
    found = sample.realistic()
    rows = [
        sample.disparity(
            measure,
            estimate,
            estimate * 0.9,
            estimate * 1.1,
            p_adjusted=0.001,
            axis="accent",
            group=f"g{k:03}",
            reference_group="american",
            condition="clean",
            backend="small",
            speakers=12,
            reference_speakers=14,
        )
        for k in range(200)
        for measure, estimate in (("ratio", 2.0 + k / 100), ("difference", 0.1 + k / 1000))
    ]
    more = sample.results(disparities=pl.DataFrame(rows)).disparities
    text = sample.written(dataclasses.replace(found, disparities=pl.concat([found.disparities, more])), top=5)
    told = text.split("Disparities against american", 1)[1].split("under pink-10db", 1)[0]
    assert len(re.findall(r"^  (?:g\d+|scottish) .*worse$", told, re.MULTILINE)) == 5
    assert re.search(r"and 19[78] more groups, 196 of which show a disparity", told)


def test_the_findings_of_the_most_recognisers_come_first(sample):
    found = nine(sample)
    indian = (pl.col("group") == "indian") & (pl.col("backend") == "r0") & (pl.col("condition") == "clean")
    shown = found.disparities.with_columns(
        pl.when(indian).then(0.001).otherwise(pl.col("p_adjusted")).alias("p_adjusted"),
        pl.when(indian & (pl.col("measure") == "difference")).then(0.9).otherwise(pl.col("estimate")).alias("estimate"),
    )
    data = report_data(dataclasses.replace(found, disparities=shown))
    assert [finding["group"] for finding in data["overview"]["findings"]] == ["scottish", "indian"]
