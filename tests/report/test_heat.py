"""Groups × conditions."""

import dataclasses
import re
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from asrfair.report import render
from asrfair.report.heat import COLOURS, shade
from asrfair.report.page import ASCII, UNICODE

ESCAPE = "\x1b["


@pytest.mark.parametrize(("rate", "expected"), [(None, 0), (0.0, 0), (0.39, 1), (0.5, 2), (0.99, 4), (1.0, 4)])
def test_shades_darken_towards_the_top(rate, expected):
    assert shade(rate, top=1.0, glyphs=ASCII) == expected
    assert shade(rate, top=0.0, glyphs=ASCII) == 0
    assert len(UNICODE.shades) == len(ASCII.shades) == len(COLOURS)


def heat(text):
    """The first table of groups × conditions."""
    return text.split("\n  group\n  speakers\n", 1)[1].split("\n\n", 1)[0]


def test_the_worst_come_first_with_speakers_and_words_below_the_name(sample):
    lines = heat(sample.written(sample.realistic())).splitlines()
    assert [line.split()[0] for line in lines[1:13:2]] == [
        "scottish",
        "indian",
        "american",
        "welsh",
        "irish",
        "(unlabelled)",
    ]
    assert lines[2] == "  8* / 320      [22.7, 42.8]  [49.7, 93.7]  [29.5, 55.7]"


def test_a_cell_without_an_interval_is_marked_and_not_shaded(sample):
    found = sample.realistic()
    high = pl.when(pl.col("group") == "welsh").then(0.99).otherwise(pl.col("wer")).alias("wer")
    lines = heat(sample.written(dataclasses.replace(found, rates=found.rates.with_columns(high)))).splitlines()
    welsh = next(k for k, line in enumerate(lines) if line.startswith("  welsh"))
    assert lines[welsh].split() == ["welsh", "99.0", "○", "99.0", "○", "99.0", "○"]
    assert lines[welsh + 1].split("41")[1].split("  ")[-1] == "not judged"
    # What was not judged sets no scale either: the darkest is still the highest rate that was.
    assert "68.3 █" in "\n".join(lines)


def test_a_cell_that_rests_on_others_says_on_how_many(sample):
    found = sample.realistic()
    cell = (pl.col("group") == "indian") & (pl.col("condition") == "telephone")
    fewer = [
        pl.when(cell).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in (("speakers", 9), ("reference_words", 1_200))
    ]
    text = heat(sample.written(dataclasses.replace(found, rates=found.rates.with_columns(fewer))))
    assert text.count("9* / 1,200") == 1


def many_conditions(sample, count):
    rows = [
        sample.rate("accent", group, f"c{k}", "small", speakers=12, reference_words=90, wer=0.2, low=0.1, high=0.3)
        for k in range(count)
        for group in ("x", "y")
    ]
    rows.append(sample.rate("overall", "overall", "c0", "small", speakers=24, wer=0.2, low=0.1, high=0.3))
    conditions = {f"c{k}": {} for k in range(count)}
    about = sample.signature(conditions=conditions, baseline_condition="c0", backends={"small": {}})
    return sample.results(rates=pl.DataFrame(rows, infer_schema_length=None), signature=about)


def test_many_conditions_wrap_into_blocks_that_fit(sample):
    text = sample.written(many_conditions(sample, 11))
    heads = [line.split() for line in text.splitlines() if line.startswith("  / words")]
    assert [name for line in heads for name in line[2:]] == [f"c{k}" for k in range(11)]
    assert len(heads) > 2
    assert max(map(len, text.splitlines())) <= 80


def coloured(found, **options):
    file = StringIO()
    console = Console(file=file, width=80, legacy_windows=False, force_terminal=True, _environ={}, **options)
    render(found, console)
    return file.getvalue()


def test_colour_is_beside_the_characters_and_only_where_allowed(sample):
    found = sample.realistic()
    told = coloured(found, color_system="standard")
    assert f"{ESCAPE}1;97;45m68.3{ESCAPE}0m █" in told
    plain = coloured(found, color_system=None)
    assert ESCAPE not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", told) == plain


def test_recognisers_tables_share_their_scale(sample):
    found = sample.realistic()
    less = [
        pl.when(pl.col("backend") == "large").then(pl.col(name) / 8).otherwise(pl.col(name)).alias(name)
        for name in ("wer", "low", "high")
    ]
    text = sample.written(dataclasses.replace(found, rates=found.rates.with_columns(less)))
    first, second = (part.split("\n\n", 1)[0] for part in text.split("\n  group\n  speakers\n")[1:3])
    assert "█" in first
    assert not set("▒▓█") & set(second.split("  ░")[0].replace("░▒▓█  darker", ""))
    assert "darker: nearer to the highest WER with any recogniser here" in text
    # The intervals above the tables are drawn on one scale too.
    ends = re.findall(r"^  in clean .* 0 +(\d+) %$", text, re.MULTILINE)
    assert len(ends) == 2
    assert len(set(ends)) == 1
