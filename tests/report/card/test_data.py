"""The measured parts of a service card."""

import dataclasses
import json
import math
import re

import polars as pl
import pytest

from asrfair.report import markdown, metrics_card
from asrfair.report.card.markers import without_markers

SYNTHETIC = "Synthetic voices: this demonstrates the tool and says nothing about people."
INTERACTION = pl.col("measure").str.starts_with("interaction")
KEYS = [
    "asrfair_card",
    "notice",
    "what_was_measured",
    "overall",
    "groups",
    "bounds",
    "over_all_groups",
    "disparities",
    "disparities_left_out",
    "robustness",
    "ladders",
    "adjusted",
    "metrics",
    "not_judged",
    "failures",
    "deployment",
    "sections",
    "statements",
    "signature",
]


@pytest.fixture
def found(sample):
    return sample.realistic()


@pytest.fixture
def card(found):
    return metrics_card(found)


def test_the_card_is_json_with_every_section(card):
    assert list(card) == KEYS
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_a_number_that_is_not_finite_is_unknown(found):
    broken = found.rates.with_columns(pl.lit(math.inf).alias("high"), pl.lit(math.nan).alias("substitution_rate"))
    card = metrics_card(dataclasses.replace(found, rates=broken))
    json.dumps(card, allow_nan=False)
    assert card["overall"][0]["high"] is None
    assert card["groups"][0]["substitution_rate"] is None


def test_every_figure_carries_speakers_and_words(card, found):
    assert len(card["groups"]) + len(card["overall"]) == found.rates.height
    assert len(card["disparities"]) + len(card["robustness"]) == found.disparities.height
    for row in (*card["groups"], *card["overall"]):
        assert isinstance(row["speakers"], int)
        assert isinstance(row["reference_words"], int)
    first = card["disparities"][0]
    assert (first["group"], first["words"], first["reference_group"], first["reference_words"]) == (
        "scottish",
        320,
        "american",
        566,
    )
    assert all(row["words"] is None and row["reference_words"] is None for row in card["robustness"])
    between = [row for row in card["disparities"] if row["measure"].startswith("backend")]
    assert between
    assert all(row["words"] is None for row in between)
    assert "| 8 / 14 | unknown | +12.5 |" in markdown(card)
    against_all = next(row for row in card["disparities"] if row["measure"] == "ratio_to_overall")
    assert against_all["reference_words"] == 1441


def test_what_could_not_be_judged_is_named_with_the_reason(card):
    told = {(row["group"], row["why"]) for row in card["not_judged"]}
    assert told == {("welsh", "1 speaker"), ("irish", "no reference words"), (None, "1 speaker")}
    assert len(card["not_judged"]) == 3 * 3 * 2
    assert {row["group"] for row in card["groups"] if row["judged"]} == {"scottish", "indian", "american"}


def test_the_reason_is_the_note_of_the_row_and_nothing_counted_is_one(sample, found):
    notes = {"welsh": "all utterances failed", "scottish": "under 10 speakers; interval too wide to show"}
    rates = found.rates.with_columns(
        pl.col("group").replace_strict(notes, default=pl.col("note"), return_dtype=pl.String).alias("note"),
        pl.when(pl.col("group") != "scottish").then(pl.col("low")).alias("low"),
    )
    spoken = sample.results(utterances=pl.DataFrame({"utterance_id": ["u"], "accent": ["manx"]})).utterances
    card = metrics_card(dataclasses.replace(found, rates=rates, utterances=spoken))
    told = {(row["group"], row["why"]) for row in card["not_judged"]}
    assert {
        ("welsh", "all utterances failed"),
        ("scottish", "interval too wide to show"),
        ("manx", "no utterance counted"),
    } <= told


def test_failures_are_counted_per_group(card):
    told = [(row["axis"], row["group"], row["condition"], row["failures"]) for row in card["failures"]]
    assert told == [("overall", "overall", "telephone", 3), ("accent", "scottish", "telephone", 3)]


def test_statements_claim_only_what_the_interval_supports(card):
    bound, contrast = [s for s in card["statements"] if s.startswith("By accent (self-reported), with small in clean")][
        :2
    ]
    highest = max(row["high"] for row in card["groups"] if row["judged"] and _cell(row) == ("clean", "small"))
    assert f"WER is at most {100 * highest:.1f} % in each of the 3 groups that could be judged" in bound
    assert "scottish is served worse than american" in contrast
    assert "8 speakers (few), 320 words" in contrast
    assert "2.56 times the WER of american [1.72, 3.80], adjusted p < 0.001" in contrast
    none = [s for s in card["statements"] if "with large in clean: no disparity against" in s]
    assert len(none) == 1
    assert "no disparity against american could be shown; WER up to 2.29 times, or down to " in none[0]
    assert "times, that of american cannot be ruled out (scottish" in none[0]
    assert "scottish, 8 speakers, against 14" in none[0]


def test_an_interval_that_excludes_what_p_does_not_says_why(found):
    row = (pl.col("measure") == "ratio") & (pl.col("group") == "scottish") & (pl.col("backend") == "large")
    low = pl.when(row & (pl.col("condition") == "clean")).then(1.05).otherwise(pl.col("low")).alias("low")
    card = metrics_card(dataclasses.replace(found, disparities=found.disparities.with_columns(low)))
    (told,) = [s for s in card["statements"] if "with large in clean: no disparity against" in s]
    assert "WER from 1.05 times to 2.29 times that of american cannot be ruled out (scottish, 8 speakers" in told
    assert "; the interval is not adjusted, as p is)" in told


def test_no_extra_cost_is_told_with_the_bound_that_the_intervals_leave(found):
    on_points = pl.col("measure") == "interaction_difference"
    p = pl.when(on_points).then(0.6).when(INTERACTION).then(0.7).otherwise(pl.col("p_adjusted")).alias("p_adjusted")
    card = metrics_card(dataclasses.replace(found, disparities=found.disparities.with_columns(p)))
    told = [s for s in card["statements"] if "no extra cost" in s]
    assert len(told) == 2
    assert (
        "could be shown: at most +25.0 points (scottish under pink-10db [+1.2, +25.0], adjusted p = 0.600, 8 speakers "
        "against 14) and at most 1.38 times (scottish under pink-10db [1.12, 1.38], adjusted p = 0.700, 8 speakers "
        "against 14)."
    ) in told[0]


def test_an_extra_cost_shown_in_points_alone_is_told_as_such(found):
    on_points = pl.col("measure") == "interaction_difference"
    p = pl.when(on_points).then(0.01).when(INTERACTION).then(0.7).otherwise(pl.col("p_adjusted")).alias("p_adjusted")
    told = metrics_card(dataclasses.replace(found, disparities=found.disparities.with_columns(p)))["statements"]
    assert not [s for s in told if "no extra cost" in s]
    extra = [s for s in told if "scottish under pink-10db" in s and "beyond" in s]
    assert extra
    assert all("adjusted p = 0.010, and 1.25 times [1.12, 1.38], adjusted p = 0.700, beyond" in s for s in extra)
    assert all(s.endswith("; shown: more points; as a factor nothing is shown.") for s in extra)


def test_an_extra_cost_that_could_not_be_judged_is_not_called_absent(found):
    unknown = [pl.when(~INTERACTION).then(pl.col(name)).alias(name) for name in ("low", "high", "p", "p_adjusted")]
    told = metrics_card(dataclasses.replace(found, disparities=found.disparities.with_columns(unknown)))["statements"]
    assert not [s for s in told if "no extra cost" in s or "beyond what it costs" in s]
    assert len([s for s in told if "a group more than the reference group could not be judged" in s]) == 2


def test_the_cost_of_a_condition_has_its_p_and_the_speakers_who_were_paired(found):
    paired = pl.when(pl.col("measure").str.starts_with("condition")).then(7).otherwise(pl.col("speakers"))
    changed = found.disparities.with_columns(paired.alias("speakers"))
    told = metrics_card(dataclasses.replace(found, disparities=changed))["statements"]
    assert (
        "With small, telephone: +6.0 points [+3.0, +10.0], 1.30 times [1.10, 1.55] against clean, adjusted p < 0.001 "
        "(of the ratio): shown to raise the WER (7 speakers (few))."
    ) in told


def _cell(row):
    return row["condition"], row["backend"]


def test_synthetic_voices_support_no_claim_about_people(sample, found):
    corpus = {**sample.SIGNATURE["corpus"], "kind": "synthetic"}
    card = metrics_card(dataclasses.replace(found, signature=sample.signature(corpus=corpus)))
    assert card["notice"] == SYNTHETIC
    assert card["statements"][0] == SYNTHETIC
    assert card["what_was_measured"]["about_people"] is False
    claims = [s for s in card["statements"] if "served" in s or "at most" in s or "beyond what it costs" in s]
    assert len([s for s in claims if "beyond what it costs" in s]) == 3
    assert all("synthetic voices" in claim for claim in claims)
    assert "speaker" not in " ".join(card["statements"])
    table = markdown(card).split("## By accent", 1)[1].split("## Signature", 1)[0]
    assert "| voices |" in table
    assert "| speakers |" not in table
    lines = [line for line in without_markers(markdown(card)).splitlines() if line]
    assert lines[1] == f"**{SYNTHETIC}**"
    assert lines[-1] == f"**{SYNTHETIC}**"


def test_imputed_labels_are_named_in_the_sentence_itself(sample, found):
    axes = sample.about(imputed=True, assigned_by="guessed from the clip")
    card = metrics_card(dataclasses.replace(found, signature=sample.signature(axes=axes)))
    about_groups = [s for s in card["statements"] if "ccent" in s]
    assert len(about_groups) > 5
    assert all("imputed labels" in sentence for sentence in about_groups)
    assert all(
        row["imputed"]
        for row in (*card["groups"], *card["disparities"], *card["not_judged"])
        if row["axis"] == "accent"
    )


def test_no_word_claims_fairness(card):
    text = markdown(card) + json.dumps(card)
    assert not re.search(r"\b(unbiased|debiased|bias|fair|unfair|fairness)\b", text, re.IGNORECASE)


def test_markdown_comes_from_the_data_alone(card):
    text = markdown(json.loads(json.dumps(card)))
    assert text == markdown(card)
    assert text.startswith("# Service card: small, large\n")
    assert "| scottish | clean | small | 8 | 320 | 31.2 | [22.7, 42.8] | under 10 speakers |" in text
    assert (
        "| ratio | accent: scottish | american | clean | small | 8 / 14 | 320 / 566 | 2.56 | [1.72, 3.80] | < 0.001 |"
        in (text.replace("\\<", "<"))
    )


def test_hostile_labels_cannot_leave_their_cell(found):
    label = "a|b*c_d`e<b>[f](http://g)\nh&amp;"
    swap = pl.col("group").replace({"scottish": label})
    changed = dataclasses.replace(
        found, rates=found.rates.with_columns(swap), disparities=found.disparities.with_columns(swap)
    )
    text = markdown(metrics_card(changed))
    assert "a\\|b\\*c\\_d\\`e\\<b\\>[f\\](http://g)\\\\nh\\&amp;" in text
    rows = [line for line in text.splitlines() if line.startswith("| a\\|b")]
    assert rows
    # In the table of the axis, the one against the reference group, and those of conditions.
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9, 11}


def test_nothing_measured_is_still_a_card(sample):
    card = metrics_card(sample.results(signature={"signature": None, "corpus": {}}))
    json.dumps(card, allow_nan=False)
    assert card["overall"] == []
    assert card["what_was_measured"]["about_people"] is True
    assert "unknown speakers" in card["statements"][0]
    assert markdown(card).startswith("# Service card")


def test_the_measures_over_all_groups_stand_together(sample, more):
    card = metrics_card(more.enlarge(sample))
    places = [(entry["condition"], entry["backend"]) for entry in card["over_all_groups"]]
    assert sorted(places) == [(c, b) for c in ("clean", "telephone") for b in ("large", "small")]
    entry = next(e for e in card["over_all_groups"] if (e["condition"], e["backend"]) == ("clean", "small"))
    assert (entry["axis"], entry["assigned_by"], entry["imputed"]) == ("accent", "self-reported", False)
    assert (entry["gap"]["estimate"], entry["gap"]["group"], entry["gap"]["reference_group"]) == (
        0.19,
        "scottish",
        "american",
    )
    assert "biased upward" in entry["gap"]["note"]
    assert (entry["theil"]["estimate"], entry["between_group_sd"]["estimate"]) == (0.07, 0.082)
    assert (entry["equality"]["p_adjusted"], entry["equality"]["speakers"]) == (0.004, 34)
    text = markdown(card)
    assert (
        "| accent | clean | small | 19.0 [7.6, 31.0] | scottish, american | 8.2 [0.0, 15.0] | 0.060 / 0.070 / - |"
        in (text)
    )
    assert "| 9.0, at least 7.6 | scottish, american |" in text
    assert "Theil and Gini are positive by construction: read them beside it." in text
    measures = {row["measure"] for row in card["disparities"]}
    assert not measures & {"gap", "theil", "between_group_sd"}


def test_a_null_over_all_groups_is_left_null_with_its_note(sample, more):
    found = more.enlarge(sample)
    gap = pl.col("measure").is_in(["gap", "theil"])
    unknown = [pl.when(~gap).then(pl.col(name)).alias(name) for name in ("estimate", "low", "high")]
    note = pl.when(gap).then(pl.lit("under 2 groups")).otherwise(pl.col("note")).alias("note")
    p = pl.lit(None, pl.Float64).alias("p_adjusted")
    broken = dataclasses.replace(
        found, disparities=found.disparities.with_columns(*unknown, note), tests=found.tests.with_columns(p)
    )
    card = metrics_card(broken)
    assert all(entry["gap"]["estimate"] is None for entry in card["over_all_groups"])
    text = markdown(card)
    assert "| small | - | scottish, american | 8.2 [0.0, 15.0] | 0.060 / - / - | - | under 2 groups;" in text


def test_every_comparison_says_whether_it_was_named_and_what_it_could_find(sample, more):
    card = metrics_card(more.enlarge(sample, confirm=("axis=accent, measure=ratio",)))
    by_name = {row["measure"]: row for row in card["disparities"]}
    assert (by_name["ratio"]["exploratory"], by_name["difference"]["exploratory"]) == (False, True)
    assert (by_name["ratio"]["detectable"], by_name["difference"]["detectable"]) == (2.126, 0.113)
    assert "p_fdr" in by_name["ratio"]
    assert card["what_was_measured"]["confirm"] == ["axis=accent, measure=ratio"]
    assert card["what_was_measured"]["family"] == ["axis", "measure", "backend"]
    assert "| 2.56 | [1.72, 3.80] | \\< 0.001 | 2.13 |" in markdown(card)
    assert "| +19.0 | [+7.6, +32.4] | \\< 0.001 | 11.3 |" in markdown(card)
    planned = (
        "18 disparities named beforehand (axis=accent, measure=ratio), Holm over these; all others are exploratory."
    )
    assert planned in card["statements"]
    unnamed = metrics_card(more.enlarge(sample))["statements"]
    assert any(s.startswith("No disparities were named beforehand: every finding is exploratory") for s in unnamed)


def test_pairs_and_prompts_that_could_not_be_judged_are_counted_alone(sample, more):
    card = metrics_card(more.enlarge(sample))
    assert card["disparities_left_out"] == 3  # one pair, and one group without common prompts for each recogniser
    measures = [row["measure"] for row in card["disparities"]]
    assert measures.count("matched_ratio") == 1
    assert "pairwise_ratio" not in measures
    matched = next(row for row in card["disparities"] if row["measure"] == "matched_ratio")
    assert (matched["words"], matched["reference_words"]) == (None, None)
    assert "In the table disparities alone: 3 comparisons of pairs of groups" in markdown(card)
    assert "In the table disparities alone" not in markdown(metrics_card(sample.realistic()))


def test_models_and_metrics_are_in_the_card(sample, more):
    card = metrics_card(more.enlarge(sample))
    row = card["adjusted"][0]
    assert (row["model"], row["group"], row["raw_ratio"], row["estimate"]) == ("poisson_gee", "scottish", 2.56, 1.11)
    assert {entry["condition"] for entry in card["metrics"]} == {"clean"}
    assert {entry["group"] for entry in card["metrics"]} == {"overall", "scottish"}
    text = markdown(card)
    assert (
        "| poisson gee of log\\_words + gender | accent[scottish] | american | clean | small | 8 | 2.56 | 1.11 |"
        in text
    )
    assert "| mean of utterances' WERs | small | 20.4 | [18.4, 22.4] |  |" in text
    assert text.count("| mean of utterances' WERs |") == 2
    assert "Published tables often show the mean of utterances' WERs" in text


def test_statements_say_whether_groups_differ_and_what_hangs_on_the_texts(sample, more):
    told = metrics_card(more.enlarge(sample))["statements"]
    where = "By accent (self-reported), with {} in clean, "
    assert (
        where.format("small") + "the groups differ: speakers permuted over the groups (34 speakers, 1,360 words), "
        "adjusted p = 0.004."
    ) in told
    assert (
        where.format("large") + "a difference between the groups could not be shown: speakers permuted over the groups "
        "(34 speakers, 1,360 words), adjusted p = 0.070."
    ) in told
    assert (
        "Texts normalised otherwise: scottish against american, small: worse under basic-1, whisper-english-0.1.15; "
        "not shown under none-1 (ratio 1.62 to 2.56)."
    ) in told
    none = [s for s in told if "with large in clean: no disparity against" in s]
    assert none[0].endswith("taken alone, could have found a ratio of 2.13 or more (80 % power).")


def test_groups_are_listed_in_the_order_of_the_table(sample):
    bands = ["under 30", "30-39", "100 and over"]
    rows = [sample.rate("age", band, "clean", "small", wer=0.2, low=0.1, high=0.3, speakers=12) for band in bands]
    signature = sample.signature(axes={"age": {"assigned_by": "self-reported"}})
    card = metrics_card(sample.results(rates=pl.DataFrame(rows), signature=signature))
    assert "Groups by age (self-reported): 3 groups: under 30, 30-39, 100 and over." in card["statements"]


def test_voices_stay_voices_in_the_new_sections(sample, more):
    found = more.enlarge(sample)
    corpus = {**found.signature["corpus"], "kind": "synthetic"}
    card = metrics_card(dataclasses.replace(found, signature={**found.signature, "corpus": corpus}))
    text = markdown(card)
    assert "median of voices' WERs" in text
    assert "corrected for the spread of voices" in text
    assert "speaker" not in " ".join(card["statements"])


def test_what_all_speakers_and_other_conditions_show_is_a_sentence(sample):
    found = sample.realistic()
    on = (pl.col("reference_group") == "overall") & (pl.col("group") == "indian") & (pl.col("backend") == "large")
    clean = (pl.col("condition") == "clean") & (pl.col("reference_group") == "american")
    p = pl.when(on).then(0.01).when(clean).then(0.5).otherwise(pl.col("p_adjusted")).alias("p_adjusted")
    told = metrics_card(dataclasses.replace(found, disparities=found.disparities.with_columns(p)))["sections"]["groups"]
    (against_all,) = [sentence for sentence in told if "indian is served" in sentence]
    assert against_all == (
        "By accent (self-reported), with large in clean, indian is served better than all speakers: WER 13.1 % "
        "[10.2, 16.8] (95 % interval; 12 speakers, 474 words) against WER 15.2 % [13.5, 17.1] (95 % interval; 38 "
        "speakers, 1,441 words); 0.86 times the WER of all speakers [0.58, 1.27], adjusted p = 0.010."
    )
    elsewhere = [sentence for sentence in told if "scottish is served worse than american" in sentence]
    places = [sentence.split(",")[1] for sentence in elsewhere]
    assert places == [" with small under pink-10db", " with small under telephone"]
    assert all("speakers (few), 320 words)" in sentence and "2.56 times" in sentence for sentence in elsewhere)


def test_disparities_under_other_conditions_are_counted_beyond_ten(sample):
    found = sample.realistic()
    rows = [
        sample.disparity(
            measure,
            estimate,
            estimate * 0.9,
            estimate * 1.1,
            p_adjusted=0.001,
            axis="accent",
            group=f"g{k}",
            reference_group="american",
            condition="telephone",
            backend="large",
            speakers=12,
            reference_speakers=14,
        )
        for k in range(13)
        for measure, estimate in (("ratio", 2.0 + k), ("difference", 0.1 + k / 100))
    ]
    more = pl.concat([found.disparities, sample.results(disparities=pl.DataFrame(rows)).disparities])
    told = metrics_card(dataclasses.replace(found, disparities=more))["sections"]["groups"]
    assert len([sentence for sentence in told if " under telephone" in sentence and "large" in sentence]) == 10
    assert any("with large, 3 more disparities with american shown under other conditions" in s for s in told)


def test_the_card_says_over_what_p_are_adjusted(sample, more):
    found = more.enlarge(sample)
    (told,) = [s for s in metrics_card(found)["statements"] if "adjusted by Holm" in s]
    family = found.signature["family"]
    assert ("not across recognisers or axes" in told) == ({"axis", "backend"} <= set(family))
    named = [name.replace("backend", "recogniser") for name in family]
    assert f"rows equal in {', '.join(named[:-1])} and {named[-1]}" in told
    assert told.endswith("The test of equality asks another question: whether the groups of an axis differ at all.")
