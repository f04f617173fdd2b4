"""The section on ladders, from small tables written by hand."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from asrfair.report.view import View
from asrfair.results import Results

SNR = (20.0, 10.0, 0.0)
WER = {"american": (0.08, 0.31, 0.84), "scottish": (0.11, 0.55, 0.9), "welsh": (0.09, 0.3, 0.84)}
SPEAKERS = {"american": 14, "scottish": 8, "welsh": 3}
HANDICAP = {
    "scottish": {"estimate": 4.21, "low": 1.13, "high": 7.92, "note": "under 10 speakers"},
    "welsh": {"estimate": -0.01, "note": "under 5 speakers: no interval"},
}


def run_of(
    sample: Any,
    *,
    values: Sequence[float] = SNR,
    handicaps: Mapping[str, Mapping[str, Any]] | None = None,
    parameter: str = "white_noise.snr_db",
    unit: str = "dB",
    signature: Mapping[str, Any] | None = None,
    clean: bool = True,
) -> Results:
    """A run of a ladder of three rungs (repeated where there are more values), with or without clean."""
    named = {f"noise@{value:g}": value for value in values}
    conditions = [*(["clean"] if clean else []), *named]
    rates, disparities, rows = [], [], []
    for k, condition in enumerate(conditions):
        rung = (k - clean) * 3 // len(named) if condition in named else 0
        for group, wers in WER.items():
            wer = wers[rung]
            spread = {"low": wer * 0.8, "high": wer * 1.3} if SPEAKERS[group] > 1 else {}
            rates.append(
                sample.rate(
                    "accent",
                    group,
                    condition,
                    "small",
                    wer=wer,
                    speakers=SPEAKERS[group],
                    reference_words=500,
                    **spread,
                )
            )
        rates.append(
            sample.rate(
                "overall", "overall", condition, "small", wer=0.1 + rung / 4, low=0.05, high=0.95, speakers=25,
                reference_words=1500,
            )
        )  # fmt: skip
        if condition in named:
            base: dict[str, Any] = {
                "axis": "overall",
                "group": "overall",
                "reference_group": "overall",
                "backend": "small",
            }
            base |= {"condition": condition, "reference_condition": "clean", "speakers": 25, "reference_speakers": 25}
            disparities.append(sample.disparity("condition_ratio", 2.0, 1.5, 2.5, p=0.001, p_adjusted=0.001, **base))
    for group, headline in (HANDICAP if handicaps is None else handicaps).items():
        named_as = {"axis": "accent", "group": group, "reference_group": "american", "ladder": "noise"}
        named_as |= {"parameter": parameter, "unit": unit, "backend": "small", "normalizer": "basic-1"}
        empty = dict.fromkeys(("estimate", "low", "high", "note"))
        rows.append({**named_as, **empty, "at": None, "wer": 0.46, **headline})
        rows += [{**named_as, **empty, "at": value, "wer": 0.3} for value in values]
    rungs = [
        {"condition": name, "ladder": "noise", "parameter": parameter, "value": value, "unit": unit}
        for name, value in named.items()
    ]
    found: Results = sample.results(
        rates=pl.DataFrame(rates, infer_schema_length=None),
        disparities=pl.DataFrame(disparities, infer_schema_length=None),
        conditions=pl.DataFrame([*rungs, {"condition": "clean"}], infer_schema_length=None),
        handicaps=pl.DataFrame(rows, infer_schema_length=None) if rows else None,
        signature=sample.signature(
            conditions={name: {} for name in conditions},
            backends={"small": {}},
            baseline_condition="clean" if clean else None,
            **(signature or {}),
        ),
    )
    return found


def section(sample: Any, results: Results, **options: Any) -> str:
    """The section's text, without the title's rule."""
    text: str = sample.written(results, **options)
    return "Ladder noise" + text.split("Ladder noise", 1)[1].split("\nCoverage: ", 1)[0]


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_whole_section(sample: Any) -> None:
    assert (
        section(sample, run_of(sample))
        == """\
Ladder noise: WER in per cent by SNR in dB
──────────────────────────────────────────

  accent (self-reported), small
  scottish needs 4.2 dB [+1.1, +7.9] less noise than american to be served as
    well (at WER 46.0 %).
  group (speakers)                    20            10              0  curve
  american (reference) (14)          8.0          31.0           84.0  ▁▃█
                             [6.4, 10.4]  [24.8, 40.3]  [67.2, 109.2]
  scottish (8*)                     11.0          55.0           90.0  ▁▅█
                             [8.8, 14.3]  [44.0, 71.5]  [72.0, 117.0]
  welsh (3*)                         9.0          30.0           84.0  ▁▃█
                             [7.2, 11.7]  [24.0, 39.0]  [67.2, 109.2]
  all speakers (25)                 10.0          35.0           60.0  ▁▄▆
                             [5.0, 95.0]   [5.0, 95.0]    [5.0, 95.0]
  *  fewer than 10 speakers: the interval rests on few people

  group     handicap, dB  95 %          finding
  scottish          +4.2  [+1.1, +7.9]  served worse
  welsh             +0.0  not judged    not judged
  welsh: under 5 speakers: no interval
  Served worse or better: the interval lies wholly above or below zero; the
    groups are taken one by one.
"""
    )


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [2, 3, 8, 16, 30])
def test_it_fits_with_any_number_of_rungs(sample: Any, width: int, count: int) -> None:
    values = [30.0 - 2 * k for k in range(count)]
    text = section(sample, run_of(sample, values=values), width=width)
    assert max(map(len, text.splitlines())) <= width
    titles = next(line for line in text.splitlines() if line.endswith("curve")).split()
    assert f"{values[0]:g}" in titles
    assert titles[-2] == f"{values[-1]:g}"


def test_rungs_without_room_are_left_out_and_told(sample: Any) -> None:
    values = [30.0 - 2 * k for k in range(16)]
    text = section(sample, run_of(sample, values=values))
    assert "intervals and the rungs left out here: table rates" in text
    row = next(line for line in text.splitlines() if line.startswith("  scottish") and "needs" not in line)
    assert len(row.split()[-1]) == 16
    assert "left out" not in section(sample, run_of(sample), width=60)


def test_plain_ascii(sample: Any) -> None:
    text = section(sample, run_of(sample), encoding="ascii")
    assert text.isascii()
    assert "\\u" not in text
    row = next(line for line in text.splitlines() if "scottish (8*)" in line)
    assert row.split()[-1] == "_=#"


def test_what_is_needed_has_the_parameters_words(sample: Any) -> None:
    for parameter, unit, values, words in (
        ("simulated_room.rt60_s", "s", (0.2, 0.4, 0.8), "4.210 s [+1.130, +7.920] less reverberation than"),
        ("frame_loss.loss_percent", "%", (0.0, 5.0, 10.0), "4.2 points [+1.1, +7.9] less loss than"),
        ("opus.rate_kbps", "kbit/s", (64.0, 32.0, 8.0), "4.2 kbit/s [+1.1, +7.9] more bit rate than"),
        ("gain.tilt", "", (1.0, 2.0, 30.0), "4.2 [+1.1, +7.9] less tilt than"),
        ("gain.tilt", "", (30.0, 2.0, 1.0), "4.2 [+1.1, +7.9] more tilt than"),
    ):
        found = run_of(sample, values=values, parameter=parameter, unit=unit)
        assert f"scottish needs {words} american" in on_one_line(section(sample, found))


@pytest.mark.parametrize(
    ("headline", "sentence", "row"),
    [
        (
            {"estimate": 4.0, "low": -1.0, "high": 9.0},
            "well (at WER 46.0 %): a handicap could not be shown.",
            "not shown",
        ),
        ({"low": 6.0}, "scottish needs at least 6.0 dB less noise than american", "- [+6.0, ?] served worse"),
        ({"high": 6.0}, "needs at most 6.0 dB less noise than american to be served as well", "- [?, +6.0] not shown"),
        ({"estimate": -4.0, "low": -8.0, "high": -1.0}, "No group was found to need less noise", "served better"),
        ({"estimate": 4.0}, "No handicap could be judged.", "+4.0 not judged not judged"),
        ({}, "No handicap could be judged.", "- not judged not judged"),
    ],
)
def test_findings(sample: Any, headline: Mapping[str, Any], sentence: str, row: str) -> None:
    text = on_one_line(section(sample, run_of(sample, handicaps={"scottish": headline})))
    assert sentence in text
    assert row in text
    assert ("? an end beyond the ladder" in text) == ((headline.get("low") is None) != (headline.get("high") is None))


def test_the_worst_group_comes_first_and_the_rest_is_counted(sample: Any) -> None:
    handicaps: dict[str, Any] = {"scottish": HANDICAP["scottish"], "welsh": {"estimate": 9.0, "low": 6.0, "high": 12.0}}
    text = section(sample, run_of(sample, handicaps=handicaps), top=2)
    assert "welsh needs 9.0 dB" in text
    assert "and 1 more group" in text
    assert "scottish (8*)" not in text


def test_without_a_reference_group_there_are_curves_only(sample: Any) -> None:
    axes = sample.about(reference_group=None)
    text = section(sample, run_of(sample, handicaps={}, signature={"axes": axes}))
    assert "needs" not in text
    assert "handicap" not in text
    titles = next(line for line in text.splitlines() if line.endswith("curve")).split()
    assert titles[2:-1] == ["20", "10", "0"]


def test_synthetic_voices_are_no_speakers(sample: Any) -> None:
    corpus = {**sample.SIGNATURE["corpus"], "kind": "synthetic"}
    text = section(sample, run_of(sample, signature={"corpus": corpus}))
    assert "voices" in text
    assert "speaker" not in text


def test_rungs_do_not_flood_the_other_sections(sample: Any) -> None:
    found = run_of(sample, values=[30.0 - 5 * k for k in range(8)])
    text = sample.written(found)
    assert "noise@" not in text
    assert "noise (8 rungs, SNR in dB from 30 to -5)" in on_one_line(text)
    view = View.of(found)
    assert view.conditions == ("clean",)
    assert view.whole is found
    assert view.results.rates["condition"].unique().to_list() == ["clean"]


def test_a_rung_named_beforehand_stays(sample: Any) -> None:
    found = run_of(sample, signature={"confirm": ["axis=accent, condition=noise@10"]})
    assert View.of(found).conditions == ("clean", "noise@10")


def test_where_there_are_only_rungs_one_stays(sample: Any) -> None:
    assert View.of(run_of(sample, clean=False)).conditions == ("noise@20",)


def test_failures_of_rungs_are_shown(sample: Any) -> None:
    found = run_of(sample)
    failed = pl.when(pl.col("condition") == "noise@0").then(7).otherwise("failures").alias("failures")
    text = sample.written(sample.results(
        **{name: getattr(found, name) for name in ("conditions", "handicaps")},
        rates=found.rates.with_columns(failed),
        signature=dict(found.signature),
    ))  # fmt: skip
    assert sample.lines_with(text, "scottish", "noise@0", "7")


def test_a_run_without_ladders_has_no_section(sample: Any) -> None:
    assert "Ladder" not in sample.written(sample.realistic())


def test_the_card_tells_the_largest_handicap(sample: Any) -> None:
    from asrfair.report.card.data import metrics_card

    told = [line for line in metrics_card(run_of(sample))["statements"] if "ladder" in line]
    assert told == [
        "Conditions: clean; 1 ladder: noise (white_noise.snr_db from 20 to 0 dB, 3 rungs).",
        (
            "By accent (self-reported), with small, along the ladder noise (3 rungs, SNR in dB): "
            "scottish needs 4.2 dB [+1.1, +7.9] less noise than american to be served as well (at WER 46.0 %)."
        ),
    ]


def test_the_worst_case_of_the_card_says_that_ladders_are_left_out(sample: Any) -> None:
    from asrfair.report.card.data import metrics_card
    from asrfair.report.card.main_tables import over_groups, worst_by_condition

    found = run_of(sample)
    other = found.rates.filter(pl.col("condition") == "clean").with_columns(condition=pl.lit("telephone"))
    more = dataclasses.replace(found, rates=pl.concat([found.rates, other]))
    (told,) = [line for line in metrics_card(more)["statements"] if "worst case" in line]
    assert "worst case outside ladders (3 rungs left out), over 2 conditions (clean, telephone)" in told
    card = metrics_card(more)
    assert "all outside ladders" in {row[1] for row in over_groups(card)}
    alone = dataclasses.replace(more, conditions=more.conditions.head(0), handicaps=more.handicaps.head(0))
    assert "all" in {row[1] for row in over_groups(metrics_card(alone))}
    table = worst_by_condition(card, "speakers")
    assert table[0][-2:] == ("largest upper bound of the judged, %", "not judged")
    assert {row[-1] for row in table[1:]} == {"0"}
