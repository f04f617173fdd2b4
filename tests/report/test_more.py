"""The parts of the report on all groups together, tests, models, metrics, systems and normalisers."""

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest

from asrfair.report.metrics import metric_name

DATA = Path(__file__).resolve().parents[1] / "data"
CONFIRM = ("axis=accent, measure=ratio",)


def changed(found, measure, table="disparities", **values):
    """Return results with values changed in the rows of one measure, or of one test or model."""
    rows = getattr(found, table)
    name = {"tests": "test", "models": "model"}.get(table, "measure")
    new = [
        pl.when(pl.col(name) == measure)
        .then(pl.lit(value, rows.schema[column]))
        .otherwise(pl.col(column))
        .alias(column)
        for column, value in values.items()
    ]
    return dataclasses.replace(found, **{table: rows.with_columns(new)})


def line(text, start):
    """Return the paragraph that starts so, on one line."""
    found = re.search(rf"^ *{re.escape(start)}.*(?:\n {{4,}}\S.*)*", text, re.MULTILINE)
    assert found is not None, start
    return " ".join(found.group().split())


# Read line by line against the rows of the sample.
@pytest.mark.parametrize(
    ("name", "width", "encoding", "how"),
    [
        ("report_more_80.txt", 80, "utf-8", {}),
        ("report_more_120.txt", 120, "utf-8", {"confirm": CONFIRM}),
        ("report_more_60_ascii.txt", 60, "ascii", {"confirm": CONFIRM, "conditions": ("clean",)}),
    ],
)
def test_the_whole_report_reads_as_stored(sample, more, name, width, encoding, how):
    text = sample.written(more.enlarge(sample, **how), width=width, encoding=encoding)
    assert text == (DATA / name).read_text(encoding="utf-8")
    assert all(len(line) <= width and line == line.rstrip() for line in text.splitlines())


def test_the_groups_differ_only_where_the_test_of_equality_shows_it(sample, more):
    found = more.enlarge(sample)
    text = sample.written(found)
    assert re.search(r"small +19\.0 \[7\.6, 31\.0\] +8\.2 \[0\.0, 15\.0\] +0\.004  differ\n", text)
    assert re.search(r"large +9\.0, at least 7\.6 .* 0\.070  not shown\n", text)
    assert "under the other conditions: groups differ in 2 of 2\n" in text
    unknown = sample.written(changed(found, "equality", "tests", p_adjusted=None, note="fewer than 2 groups"))
    assert re.search(r"small +19\.0 .* -  not judged\n", unknown)
    assert "fewer than 2 groups" in line(unknown, "all rows: 1 group under 10 speakers;")
    assert "groups differ in 0 of 2\n" in unknown
    large = pl.when(pl.col("backend") == "large").then(0.5).otherwise("p_adjusted").alias("p_adjusted")
    one = sample.written(dataclasses.replace(found, tests=found.tests.with_columns(large)))
    assert "groups differ in 1 of 2 (telephone with small)\n" in one
    few = sample.written(changed(found, "equality", "tests", p_adjusted=0.5))
    assert "differ\n" not in few.replace("groups differ in 0 of 2\n", "")


def test_what_could_not_be_estimated_over_all_groups_has_no_size(sample, more):
    none = changed(more.enlarge(sample), "gap", estimate=None, low=None, high=None, note="fewer than 2 groups judged")
    text = sample.written(none)
    assert re.search(r"small +- +8\.2 \[0\.0, 15\.0\] +0\.004  differ\n", text)
    assert "fewer than 2 groups judged" in text


def test_the_extreme_groups_are_named_where_there_is_room(sample, more):
    wide = sample.written(more.enlarge(sample), width=110)
    assert re.search(r"small +19\.0 \[7\.6, 31\.0\] +scottish, american  8\.2", wide)
    assert "scottish, american" not in sample.written(more.enlarge(sample))


def test_a_finding_is_exploratory_unless_it_was_named_beforehand(sample, more):
    text = sample.written(more.enlarge(sample, confirm=CONFIRM))
    assert "18 disparities named beforehand (axis=accent, measure=ratio), Holm over these;" in " ".join(text.split())
    named = text.split("Disparities against american", 1)[1].split("\n\n", 1)[0]
    others = text.split("Disparities against all speakers", 1)[1].split("\n\n", 1)[0]
    assert re.search(r"scottish .* worse\n", named)
    assert "†" not in named
    assert re.search(r"scottish .* worse †\n", others)
    assert others.endswith("†  not named beforehand: exploratory")
    assert not re.search(r"not (shown|judged) †", text)
    assert "served worse than american." in sample.overview_of(text)
    assert "shown to raise the WER (exploratory); 38 speakers." in sample.overview_of(text)
    assert "shown: costs more (exploratory)." in sample.overview_of(text)
    everything = sample.written(more.enlarge(sample))
    assert "no disparities were named beforehand: every finding is exploratory" in " ".join(everything.split())
    assert "†" not in everything
    assert "(exploratory)" not in everything
    plain = sample.written(more.enlarge(sample, confirm=CONFIRM), encoding="ascii")
    assert re.search(r"scottish .* worse \+\n", plain)
    assert "+  not named beforehand: exploratory" in plain
    without = dataclasses.replace(sample.realistic(), disparities=sample.results().disparities)
    assert "named beforehand" not in sample.written(without)


def test_an_unnamed_disparity_is_marked_in_the_overview(sample, more):
    found = more.enlarge(sample, confirm=CONFIRM)
    unnamed = dataclasses.replace(found, disparities=found.disparities.with_columns(exploratory=pl.lit(True)))
    assert "served worse than american (exploratory)." in sample.overview_of(sample.written(unnamed))


def test_a_comparison_that_shows_nothing_says_what_it_could_have_found(sample, more):
    found = more.enlarge(sample)
    short = sample.overview_of(sample.written(found))
    assert short.count("could have found") == 1
    assert (
        "could not be judged; this comparison, taken alone, could have found a ratio of 2.13 or more (80 % power)."
        in short
    )
    p = pl.when(pl.col("group") == "scottish").then(0.4).otherwise(0.01)
    other = dataclasses.replace(found, disparities=found.disparities.with_columns(p_adjusted=p))
    worst = "a disparity could not be shown; this comparison, taken alone, could have found a ratio of 2.13 or more"
    assert sample.overview_of(sample.written(other)).count(worst) == 2
    unknown = changed(found, "ratio", detectable=None)
    assert "could have found" not in sample.overview_of(sample.written(unknown))


def test_the_table_says_what_could_have_been_found_where_nothing_is_shown_and_there_is_room(sample, more):
    wide = sample.written(more.enlarge(sample), width=100)
    assert re.search(r"indian \(12\) +\+4\.1 .* not shown +2\.13\n", wide)
    assert re.search(r"scottish \(8\*\) +\+19\.0 .* worse\n", wide)
    assert re.search(r"welsh \(1\) +\+9\.8 .* not judged\n", wide)
    narrow = sample.written(more.enlarge(sample), width=80)
    assert not re.search(r"not shown +2\.13", narrow)
    no_ratio = changed(more.enlarge(sample), "ratio", estimate=None, low=None, high=None, p_adjusted=None)
    points = changed(no_ratio, "difference", p_adjusted=0.5)
    assert re.search(r"scottish \(8\*\) +\+19\.0 .* not shown +11\.3 points\n", sample.written(points, width=100))


def test_sign_flips_stand_beside_paired_comparisons_where_there_is_room(sample, more):
    wide = sample.written(more.enlarge(sample), width=100)
    assert re.search(r"scottish \(14\) +-4\.0 .* not shown +0\.093\n", wide)
    assert re.search(r"american \(14\) +-4\.0 .* better +0\.055\n", wide)
    assert "0.093" not in sample.written(more.enlarge(sample))


def test_sclites_test_is_told_for_these_speakers_only(sample, more):
    told = "MAPSSWE (as sclite has it; these speakers only, clean): Z = -2.61, p = 0.009"
    assert told in sample.written(more.enlarge(sample))
    none = changed(more.enlarge(sample), "mapsswe", "tests", p=None, statistic=None)
    assert "these speakers only, clean): not judged\n" in sample.written(none)
    assert "MAPSSWE" not in sample.written(sample.realistic())


def test_several_recognisers_under_one_condition_share_tables(sample, more):
    found = more.enlarge(sample, conditions=("clean",))
    backend = pl.col("backend") == "large"
    third = {
        name: pl.concat([rows, rows.filter(backend).with_columns(backend=pl.lit("third"))])
        for name, rows in (("rates", found.rates), ("disparities", found.disparities), ("tests", found.tests))
    }
    signature = {**found.signature, "backends": {"small": {}, "large": {}, "third": {}}}
    text = sample.written(dataclasses.replace(found, **third, signature=signature))
    together = text.split("All speakers together: WER", 1)[1].split("Other measures", 1)[0]
    assert re.search(r"in clean .*\n  small .*\n  large .*\n  third ", together)
    assert "Against small, paired by speaker\n" in together
    assert re.search(r"recogniser .*\n  large \(14\) .* better\n  third \(14\) .* better\n", together)
    assert line(together, "MAPSSWE").endswith("only): large Z = -2.61, p = 0.009; third Z = -2.61, p = 0.009")
    assert "with third\n" in text.split("Is the gap to american wider than with small?", 1)[1]


def test_the_gap_of_a_recogniser_is_wider_only_where_it_is_shown(sample, more):
    def block(found):
        text = sample.written(found).split("Is the gap to american wider than with small?", 1)[1]
        return text.split("\n\n", 1)[0]

    found = more.enlarge(sample)
    told = block(found)
    assert re.search(r"scottish \(8\*\) +\+3\.1 \[1\.1, 6\.1\]   1\.11 \[1\.01, 1\.31\]   0\.040  worse\n", told)
    assert re.search(r"indian \(12\) +-0\.4 .* 1\.000  not shown$", told)
    ratio, points = "backend_interaction_ratio", "backend_interaction_difference"
    assert "more points\n" in block(changed(found, ratio, p_adjusted=0.9))
    assert "worse\n" not in block(changed(found, ratio, p_adjusted=0.9))
    less = changed(changed(found, ratio, estimate=0.9), points, estimate=-0.03)
    assert "better\n" in block(less)


def test_of_many_gaps_the_likeliest_and_all_that_is_shown_are_told(sample, more):
    found = more.enlarge(sample)
    rows = [
        sample.disparity(
            "backend_interaction_difference",
            0.5,
            0.1,
            0.9,
            p=p,
            p_adjusted=p,
            axis="accent",
            group=f"g{k}",
            reference_group="american",
            condition="clean",
            backend="large",
            reference_backend="small",
            speakers=12,
        )
        for k, p in enumerate([*[0.6 + k / 100 for k in range(9)], 0.5, 0.01])
    ]
    extra = sample.results(disparities=pl.DataFrame(rows)).disparities
    text = sample.written(dataclasses.replace(found, disparities=pl.concat([found.disparities, extra])))
    told = text.split("Is the gap to american", 1)[1].split("\n\n", 1)[0]
    assert "with large (6 of 13 groups)\n" in told
    assert re.findall(r"^  (\w+) \(\d", told, re.MULTILINE) == ["g10", "scottish", "g9", "g0", "g1", "g2"]
    shown = pl.concat([found.disparities, extra.with_columns(p_adjusted=0.01)])
    text = sample.written(dataclasses.replace(found, disparities=shown))
    assert "with large (12 of 13 groups)\n" in text.split("Is the gap to american", 1)[1]


def test_metrics_of_all_speakers_follow_the_headline(sample, more):
    found = more.enlarge(sample)
    text = sample.written(found)
    rows = text.split("Other measures, in clean, in per cent\n", 1)[1]
    assert re.match(r" +small +large\n  WER: all errors over all words  19\.0 \[16\.9, 21\.4\]  15\.2 ", rows)
    assert "mean of utterances' WERs        20.4 [18.4, 22.4]  18.4 [16.5, 20.2]\n" in rows
    assert "Published tables often show the mean of utterances' WERs" in line(rows, "The first row is the headline.")
    assert "median of speakers' WERs: too few speakers for the interval of a median\n" in rows
    narrow = sample.written(found, width=60)
    assert narrow.count("WER: all errors over all words") == 2
    assert "Other measures" not in sample.written(sample.realistic())


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("word_f1", "F1 of words"),
        ("share_of_speakers_above_0.5", "speakers with WER above 50 %"),
        ("share_of_utterances_above_1", "utterances with WER above 100 %"),
        ("something_new", "something new"),
    ],
)
def test_metrics_have_names_in_words(metric, words):
    assert metric_name(metric) == words


def test_the_published_score_comes_with_its_warning(sample, more):
    told = line(sample.written(more.enlarge(sample)), "FAAS (ASR-FAIRBENCH)")
    assert told == (
        "FAAS (ASR-FAIRBENCH): small 21.4, large not defined; over accent; for comparison with published scores only: "
        "two groups of equal size score the same"
    )
    assert "FAAS" not in sample.written(sample.realistic())


def test_adjusted_ratios_stand_beside_the_raw_ones(sample, more):
    found = more.enlarge(sample)
    text = sample.written(found)
    told = text.split("Ratios to american, in clean, adjusted for log_words + gender\n", 1)[1].split("\n\n", 1)[0]
    assert re.search(r"scottish \(8\*\) +2\.56  1\.11 \[0\.84, 1\.47\]  1\.05 \[0\.80, 1\.38\]\n", told)
    assert "scottish moves most, from 2.56 to 1.11; ratio of log_words 0.92 [0.78, 1.08] per factor e of words" in line(
        told, "of the judged"
    )
    assert "welsh: 1 speaker: not judged\n" in told
    assert told.endswith("gender[male]: constant")
    assert "median speakers, not pooled" not in told
    rows = found.models.with_columns(raw_ratio=pl.col("estimate"), condition=pl.lit("overall"))
    still = sample.written(dataclasses.replace(found, models=rows))
    assert "no judged ratio moves by 0.01" in still
    assert "Ratios to american, over all conditions, adjusted for" in still
    elsewhere = found.models.with_columns(condition=pl.lit("telephone"))
    assert "adjusted for" not in sample.written(dataclasses.replace(found, models=elsewhere))


def test_common_prompts_are_told_where_they_could_be_judged(sample, more):
    found = more.enlarge(sample)
    text = sample.written(found)
    told = text.split("Ratios to american on the prompts that both have, in clean\n", 1)[1].split("\n\n", 1)[0]
    assert re.search(r"scottish \(8\*\) +2\.56 \[1\.72, 3\.80\]  2\.31 \[1\.42, 3\.76\] +0\.006  worse\n", told)
    assert "indian" not in told
    assert "40% of the words, 38% of the reference group's" in " ".join(told.split())
    same = sample.written(changed(found, "matched_ratio", estimate=2.56))
    assert "Ratios to american on the prompts that both have, in clean: the same as on all\n" in same
    assert "on the prompts" not in sample.written(changed(found, "matched_ratio", low=None))
    indian = (pl.col("measure") == "matched_ratio") & (pl.col("group") == "indian") & (pl.col("backend") == "small")
    sizes = {"estimate": 1.34, "low": 0.9, "high": 2.0, "p_adjusted": 0.2}
    new = [pl.when(indian).then(value).otherwise(name).alias(name) for name, value in sizes.items()]
    mixed = sample.written(dataclasses.replace(found, disparities=found.disparities.with_columns(new)))
    assert "the same as on all" not in mixed
    assert re.search(r"indian \(12\) +1\.34 \[0\.91, 1\.98\]  1\.34 \[0\.90, 2\.00\] +0\.200  not shown\n", mixed)


def test_what_changes_with_the_normaliser_is_named(sample, more):
    found = more.enlarge(sample)
    text = sample.written(found)
    assert line(text, "scottish against american, small:") == (
        "scottish against american, small: worse under basic-1, whisper-english-0.1.15; not shown under none-1 (ratio "
        "1.62 to 2.56)."
    )
    assert "welsh" not in text.split("Do findings depend on how texts are normalised?", 1)[1].split("Coverage: ", 1)[0]
    assert line(text, "By accent, what moves most:").endswith(
        ": scottish with small (ratio 1.62 to 2.56); scottish with large (ratio 1.38 to 1.50)."
    )
    other = (pl.col("group") == "indian") & (pl.col("normalizer") == "none-1")
    further = found.sensitivity.with_columns(estimate=pl.when(other).then(0.7).otherwise("estimate"))
    assert "indian with small (ratio 0.70 to 1.35)" in sample.written(dataclasses.replace(found, sensitivity=further))
    assert "3 of 7 change" in line(text, "Of all disparities computed")
    assert "normalised?" not in sample.written(sample.realistic())


def test_no_change_with_the_normaliser_is_told_with_their_names(sample, more):
    found = more.enlarge(sample)
    steady = found.sensitivity.with_columns(
        verdict=pl.when(pl.col("verdict") == "not judged").then("verdict").otherwise(pl.lit("not shown"))
    )
    text = sample.written(dataclasses.replace(found, sensitivity=steady))
    told = "No finding about a group changes under basic-1, none-1, whisper-english-0.1.15."
    assert told in " ".join(text.split())


def test_many_changes_are_counted(sample, more):
    found = more.enlarge(sample)
    one = found.sensitivity.filter((pl.col("measure") == "ratio") & (pl.col("group") == "scottish"))
    one = one.filter(pl.col("backend") == "small")
    many = pl.concat([found.sensitivity, *(one.with_columns(group=pl.lit(f"g{k:02}")) for k in range(15))])
    told = sample.written(dataclasses.replace(found, sensitivity=many))
    assert "g10 against american, small" in told
    assert "g11 against" not in told
    assert "\n  and 4 more findings\n" in told


def test_differences_are_told_in_points_where_no_ratio_is_judged(sample, more):
    found = more.enlarge(sample)
    small = (pl.col("measure") == "ratio") & (pl.col("backend") == "small")
    changes = found.sensitivity.with_columns(
        measure=pl.when(small).then(pl.lit("difference")).otherwise(pl.col("measure")),
        estimate=pl.when(small).then(pl.col("estimate") / 10).otherwise(pl.col("estimate")),
    )
    text = sample.written(dataclasses.replace(found, sensitivity=changes))
    assert line(text, "scottish against american, small:").endswith("not shown under none-1 (+16.2 to +25.6 points).")


def test_synthetic_voices_are_no_speakers_in_any_part(sample, more):
    found = more.enlarge(sample, confirm=CONFIRM)
    signature = {**found.signature, "corpus": {**found.signature["corpus"], "kind": "synthetic"}}
    text = sample.written(dataclasses.replace(found, signature=signature)).split("\nSignature", 1)[0]
    assert "speaker" not in text.replace("speaker-clustered log t", "")


def test_hostile_names_are_shown_literally(sample, more):
    found = more.enlarge(sample)
    hostile = "[red]\x1b[31m\u202e"
    swap = pl.col("group").replace({"scottish": hostile})
    tables = {
        name: getattr(found, name).with_columns(swap) for name in ("rates", "disparities", "models", "sensitivity")
    }
    models = tables["models"].with_columns(covariates=pl.lit(hostile), term=pl.lit(hostile) + pl.col("term"))
    text = sample.written(dataclasses.replace(found, **{**tables, "models": models}))
    assert "adjusted for [red]\\x1b[31m\\u202e" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
