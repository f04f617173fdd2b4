"""The whole report as text, and what must be in it whatever the results."""

import re
from pathlib import Path

import polars as pl
import pytest

DATA = Path(__file__).resolve().parents[1] / "data"
SYNTHETIC = "Synthetic voices: this demonstrates the tool and says nothing about people."
FORBIDDEN = re.compile(r"\b(unbiased|debiased|no bias|bias|fair|unfair|fairness)\b", re.IGNORECASE)


# The stored texts were read line by line against the rows of the sample, not only written down.
@pytest.mark.parametrize(
    ("name", "width", "encoding"),
    [("report_80.txt", 80, "utf-8"), ("report_60_ascii.txt", 60, "ascii")],
)
def test_the_whole_report_reads_as_stored(sample, name, width, encoding):
    text = sample.written(sample.realistic(), width=width, encoding=encoding)
    assert text == (DATA / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_width_and_have_no_trailing_blanks(sample, width):
    for line in sample.written(sample.realistic(), width=width).splitlines():
        assert len(line) <= width
        assert line == line.rstrip()


@pytest.mark.parametrize("width", [1, 10, 34])
def test_a_very_narrow_console_loses_no_interval(sample, width):
    # Words may break, characters may not be lost: the overall interval is somewhere, ends in order.
    text = "".join(sample.written(sample.realistic(), width=width).split())
    assert "[16.9,21.4]" in text


def test_synthetic_voices_are_named_in_the_first_and_the_last_line(sample):
    corpus = {**sample.SIGNATURE["corpus"], "kind": "synthetic"}
    found = sample.realistic()
    lines = sample.written(_signed(found, sample.signature(corpus=corpus))).splitlines()
    assert lines[0] == SYNTHETIC
    assert lines[-1] == SYNTHETIC
    assert SYNTHETIC not in sample.written(found)
    assert "38 voices" in "\n".join(lines)
    assert "Disparities against american (14 voices)" in "\n".join(lines)
    spoken = " ".join("\n".join(lines).split("\nSignature", 1)[0].split())
    assert "speaker" not in spoken.replace("speaker-clustered log t", "").replace("asked of the speakers", "")


def test_no_word_claims_fairness(sample):
    for kind in ("read", "synthetic", "unknown"):
        corpus = {**sample.SIGNATURE["corpus"], "kind": kind}
        text = sample.written(_signed(sample.realistic(), sample.signature(corpus=corpus)))
        assert not FORBIDDEN.search(text.replace("asrfair", ""))


def test_imputed_labels_are_marked_wherever_the_axis_is_named(sample):
    axes = sample.about(imputed=True, assigned_by="guessed from the clip")
    text = sample.written(_signed(sample.realistic(), sample.signature(axes=axes)))
    assert text.count("These labels are imputed") == 3  # twice in the overview (two recognisers), once in the section
    named = re.findall(r"accent \([^)]*", " ".join(text.split()))
    assert len(named) >= 5
    assert all("imputed labels" in mention for mention in named)


def test_independent_utterances_and_a_limit_are_marked(sample):
    changed = sample.signature(independent_utterances=True, limit=1)
    text = " ".join(sample.written(_signed(sample.realistic(), changed)).split())
    assert text.count("Utterances are treated as independent") == 2
    assert text.count("first 1 utterance only") == 2
    plain = sample.written(sample.realistic())
    assert "independent" not in plain
    assert "only\n" not in plain


def test_the_provenance_of_labels_stands_in_the_title_of_the_axis(sample):
    assert "\nBy accent (self-reported)\n" in sample.written(sample.realistic())
    axes = sample.about(assigned_by=None)
    assert "\nBy accent (origin of labels unknown)\n" in sample.written(
        _signed(sample.realistic(), sample.signature(axes=axes))
    )


def test_a_cell_without_words_shows_its_errors_in_place_of_a_rate(sample):
    text = sample.written(sample.realistic())
    assert re.search(r"irish +2\* +0 +\(2\)  not judged", text)
    assert "(n)  no reference words: the number of errors in place of a rate" in text
    without_counts = sample.written(_with(sample.realistic(), counts=sample.results().counts))
    assert re.search(r"irish +2\* +0 +-  not judged", without_counts)
    assert "(n)" not in without_counts


def test_failures_are_shown_per_group_only_when_there_are_any(sample):
    found = sample.realistic()
    text = sample.written(found)
    assert re.search(r"scottish +telephone +small +3 +40\n", text)
    none = _with(
        found,
        failures=found.failures.clear(),
        rates=found.rates.with_columns(pl.lit(0, dtype=pl.Int64).alias("failures")),
    )
    assert "Failures" not in sample.written(none)


def test_a_thousand_groups_show_the_worst_and_count_the_rest(sample):
    rows = [
        sample.rate(
            "accent",
            f"g{k:04}",
            "clean",
            "small",
            speakers=12,
            reference_words=100,
            utterances=10,
            wer=k / 4000,
            low=k / 5000,
            high=k / 3000,
        )
        for k in range(1000)
    ]
    rows += [sample.rate("accent", f"lone{k}", "clean", "small", speakers=1, wer=0.9) for k in range(7)]
    axes = sample.about(reference_group="g0003")
    found = sample.results(
        rates=pl.DataFrame(rows, infer_schema_length=None),
        signature=sample.signature(axes=axes, conditions={"clean": {}}),
    )
    text = sample.written(found, top=5)
    section = text.split("\nBy accent", 1)[1]
    assert [f"g{k:04}" for k in range(999, 994, -1)] == re.findall(r"^  (g\d+) ", section, re.MULTILINE)[:5]
    assert "g0003 (reference)" in section
    assert "g0500" not in text
    assert "and 1,001 more groups: 994 judged, WER 0.0 to 24.9 %; 7 not judged" in text
    assert len(text.splitlines()) < 100


def test_nulls_everywhere_are_unknown_and_never_zero(sample):
    row = sample.rate(
        "overall", "overall", "default", "default", speakers=None, wer=0.25, note="9 utterances without speaker"
    )
    signature = {"signature": "asrfair:0.1.0", "corpus": {"kind": "unknown"}, "axes": {}, "baseline_condition": None}
    text = sample.written(sample.results(rates=pl.DataFrame([row]), signature=signature))
    assert "speech of unknown kind: unknown speakers, unknown utterances" in " ".join(text.split())
    assert "Speakers are unknown, and without them there are no intervals." in text
    assert "WER 25.0 % not judged, unknown speakers, unknown words" in " ".join(text.split())
    assert "9 utterances without speaker" in text
    assert not re.search(r"\bNone\b|\bnan\b|\b0 speakers", text)


def test_a_disparity_shown_elsewhere_is_named_when_the_worst_could_not_be(sample):
    found = sample.realistic()
    scottish = pl.col("group") == "scottish"
    doubtful = found.disparities.with_columns(pl.when(scottish).then(0.4).otherwise(0.01).alias("p_adjusted"))
    text = " ".join(sample.written(_with(found, disparities=doubtful)).split())
    assert "adjusted p = 0.400: a disparity could not be shown. Served worse than american: indian" in text
    assert "indian (1.34 times [0.91, 1.98], 12 speakers)." in text
    both = found.disparities.with_columns(pl.lit(0.01).alias("p_adjusted"))
    assert "Also served worse than american: indian" in sample.written(_with(found, disparities=both))


def test_a_run_without_rates_says_so(sample):
    text = sample.written(sample.results())
    assert "Nothing was counted: no rates to report." in text
    assert "asrfair:0.1.0|corpus:words-4f1c" in text


def test_an_axis_without_a_reference_group_is_compared_with_all(sample):
    found = _signed(sample.realistic(), sample.signature(axes=sample.about(reference_group=None)))
    text = " ".join(sample.written(found).split())
    assert "That is 1.64 times the WER of all speakers [1.10, 2.43], adjusted p < 0.001" in text
    assert "No reference group is named for this axis" in text
    assert "WER of the reference group" not in text
    assert "┊" not in text


def test_comparisons_beyond_the_top_are_counted(sample):
    text = sample.written(sample.realistic(), top=1)
    told = text.split("Disparities against all speakers together, in clean", 1)[1].split("\n\n", 1)[0]
    assert "scottish" in told
    assert "indian" not in told
    assert told.endswith("\n  and 1 more group")


def test_what_is_shown_is_never_counted_away(sample):
    found = sample.realistic()
    indian = (pl.col("group") == "indian") & (pl.col("measure").is_in(["difference", "ratio"]))
    p = pl.when(indian).then(0.01).when(pl.col("measure").is_in(["difference", "ratio"])).then(0.5)
    changed = found.disparities.with_columns(p.otherwise(pl.col("p_adjusted")).alias("p_adjusted"))
    text = sample.written(_with(found, disparities=pl.concat([changed, _many_more(sample)])), top=1)
    told = text.split("Disparities against american", 1)[1].split("under pink-10db", 1)[0]
    assert told.rstrip().endswith("and 4 more groups")
    assert re.search(r"indian \(12\) .* worse", told)
    assert re.search(r"g4 \(12\)", told)
    assert not re.search(r"g1 \(12\)", told)


def _many_more(sample):
    rows = [
        sample.disparity(
            measure,
            *ends,
            p_adjusted=0.5,
            axis="accent",
            group=f"g{k}",
            reference_group="american",
            condition="clean",
            backend="small",
            speakers=12,
            reference_speakers=14,
        )
        for k in range(5)
        for measure, ends in (("difference", (0.5 + k / 10, 0.1, 0.9)), ("ratio", (1.5, 0.9, 2.0)))
    ]
    return sample.results(disparities=pl.DataFrame(rows)).disparities


def test_points_and_factor_that_oppose_each_other_are_both_told(sample):
    text = sample.written(sample.realistic())
    row = re.search(r"  indian \(12\) .* 0\.031  more points,\n +0\.012  smaller factor\n", text)
    assert row is not None
    assert "+10.2 [1.0, 20.4]  0.80 [0.70, 0.92]" in row.group()
    assert "adj. p and finding: of the points, then of the ratio" in text
    found = sample.realistic()
    cost = (pl.col("measure") == "interaction_difference") & (pl.col("group") == "indian")
    one = pl.when(cost).then(0.9).otherwise(pl.col("p_adjusted")).alias("p_adjusted")
    assert "0.900\n" + " " * 59 + "0.012  smaller factor\n" in sample.written(
        _with(found, disparities=found.disparities.with_columns(one))
    )
    only = found.disparities.filter((pl.col("group") != "scottish") | ~pl.col("measure").str.starts_with("interaction"))
    short = sample.overview_of(sample.written(_with(found, disparities=only)))
    assert "beyond what it costs american (12 speakers against 14); shown: more points, smaller factor." in short
    assert "costs less" not in text


def test_a_condition_that_lowers_the_wer_is_no_cost(sample):
    found = sample.realistic()
    costs = pl.col("measure").str.contains("condition_|interaction_")
    less = [
        pl.when(costs).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in (("estimate", -0.1), ("low", -0.2), ("high", -0.05))
    ]
    short = sample.overview_of(sample.written(_with(found, disparities=found.disparities.with_columns(less))))
    assert "small: no condition raised the WER; the highest upper end is -5.0 points, " in short
    assert "Extra cost for a group: no condition cost a group more points than its reference group" in short
    assert "Largest extra cost" not in short


def test_what_could_not_be_judged_is_neither_a_cost_nor_a_factor_with_a_p(sample):
    found = sample.realistic()
    unknown = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("low", "high", "p", "p_adjusted")]
    short = sample.overview_of(sample.written(_with(found, disparities=found.disparities.with_columns(unknown))))
    assert "Against american it could not be judged (that is 2.56 times the WER of american)." in short
    assert "small: none could be judged. Extra cost for a group: none could be judged." in short
    assert "not judged, adjusted" not in short
    assert "p unknown" not in short


def test_the_cost_of_a_condition_has_its_p_and_what_it_shows(sample):
    short = sample.overview_of(sample.written(sample.realistic()))
    assert (
        "1.75 times [1.55, 2.00] against clean, adjusted p < 0.001 (of the ratio): shown to raise the WER; 38" in short
    )
    assert "Largest extra cost, by accent (self-reported): scottish under pink-10db" in short


def test_a_higher_rate_that_could_not_be_judged_is_named(sample):
    text = " ".join(sample.written(sample.realistic()).split())
    assert text.count("Highest of the groups that could be judged: scottish") == 2
    assert text.count("Higher, but not judged: welsh, 17.6 % (1 speaker).") == 1
    found = sample.realistic()
    judged = _with(found, rates=found.rates.filter(pl.col("low").is_not_null()))
    assert "Highest: scottish, WER 31.2 %" in sample.written(judged)


def test_the_unlabelled_may_be_the_highest_and_are_no_reference(sample):
    found = sample.realistic()
    unlabelled = pl.col("group").is_null()
    rates = found.rates.with_columns(
        pl.when(unlabelled).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in (("wer", 0.7), ("low", 0.5), ("high", 0.9), ("speakers", 6), ("note", None))
    )
    told = _with(found, rates=rates)
    text = " ".join(sample.written(told).split())
    assert "judged: (unlabelled), WER 70.0 % [50.0, 90.0], 6 speakers (few), 40 words. Unlabelled speakers are" in text
    assert "Unlabelled speakers are not compared with american." in text
    assert "without a label" not in text
    alone = " ".join(sample.written(_signed(told, sample.signature(axes=sample.about(reference_group=None)))).split())
    assert "is itself the reference group" not in alone


def test_without_a_ratio_the_points_have_their_interval_and_their_bound(sample):
    found = sample.realistic()
    on_ratio = pl.col("measure") == "ratio"
    cleared = [pl.when(~on_ratio).then(pl.col(name)).alias(name) for name in ("estimate", "low", "high", "p_adjusted")]
    no_ratio = found.disparities.with_columns(cleared)
    short = sample.overview_of(sample.written(_with(found, disparities=no_ratio)))
    assert "WER from +2.0 points to +8.5 points against american cannot be ruled out (scottish, 8 speakers" in short
    assert "against 14; the interval is not adjusted, as p is); 1 of 3 comparisons could" in short
    assert "No group could be judged against american" not in short
    indian = pl.when(pl.col("group") == "indian").then(0.01).otherwise(0.9).alias("p_adjusted")
    short = sample.overview_of(sample.written(_with(found, disparities=no_ratio.with_columns(indian))))
    assert "Served worse than american: indian (+4.1 points [+1.7, +7.1], 12 speakers)." in short


def test_the_groups_not_judged_are_told_by_reason(sample):
    found = sample.realistic()
    notes = {
        "welsh": "all utterances failed",
        "scottish": "interval too wide to show",
        "indian": "all utterances failed",
    }
    rates = found.rates.with_columns(
        pl.col("group").replace_strict(notes, default=pl.col("note"), return_dtype=pl.String).alias("note"),
        pl.when(~pl.col("group").is_in(["scottish", "indian"])).then(pl.col("low")).alias("low"),
    )
    short = sample.overview_of(sample.written(_with(found, rates=rates)))
    assert (
        "4 groups: scottish (interval too wide to show); welsh, indian (all utterances failed); irish (no reference "
        "words); 1 speaker without a label (5 utterances)."
    ) in short


def test_notes_that_most_rows_share_are_told_once(sample):
    rows = [
        sample.rate("overall", "overall", f"c{k}", "small", speakers=20, wer=0.2, low=0.1, high=0.3, note=note)
        for k, note in enumerate(["floored; echo"] * 3 + ["floored; tape"] * 3 + [None])
    ]
    text = sample.written(sample.results(rates=pl.DataFrame(rows), signature=sample.signature(conditions={}, axes={})))
    assert "\n  all rows but c6: floored\n  c0, c1, c2: echo\n  c3, c4, c5: tape\n" in text


HOSTILE = [
    "[bold]x[/bold]",
    "[link=http://e.x]y",
    "[/]",
    ":smile:",
    "a\x1b[31mred",
    "b\nc\rd",
    "\u202ereversed",
    "\\[x",
]


@pytest.mark.parametrize("label", HOSTILE)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_labels_are_shown_literally(sample, label, encoding):
    found = sample.realistic()
    swap = pl.col("group").replace({"scottish": label})
    changed = _with(
        found,
        rates=found.rates.with_columns(swap),
        disparities=found.disparities.with_columns(swap),
        failures=found.failures.with_columns(pl.lit(label).alias("reason")),
    )
    text = sample.written(_signed(changed, sample.signature(notes=[label])), encoding=encoding)
    shown = label.translate({0x1B: "\\x1b", 0x0A: "\\n", 0x0D: "\\r", 0x202E: "\\u202e"})
    assert f"judged: {shown}, WER 31.2 %" in " ".join(text.split())
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


def test_what_the_encoding_lacks_is_escaped(sample):
    found = sample.realistic()
    changed = _with(found, rates=found.rates.with_columns(pl.col("group").replace({"scottish": "Māori"})))
    assert "M\\u0101ori" in sample.written(changed, encoding="ascii")
    assert "M\\u0101ori" in sample.written(changed, encoding="latin-1")
    assert "Māori" in sample.written(changed)


def test_the_signature_survives_its_folding(sample):
    text = sample.written(sample.realistic(), width=40)
    lines = text.split("Signature\n", 1)[1].splitlines()[1:]
    assert "".join(line.strip() for line in lines) == sample.SIGNATURE["signature"]


def _signed(found, signature):
    return _with(found, signature=signature)


def _with(found, **changes):
    import dataclasses

    return dataclasses.replace(found, **changes)
