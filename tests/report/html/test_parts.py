"""The page's parts: what the terminal writes as blocks, colours that can be read, drawings that fit."""

import re
from importlib.resources import files

import polars as pl
import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from asrfair.report.html.blocks import Cell, Items, Line, Subhead, Subtitle, Table, cell, slug
from asrfair.report.html.charts import (
    PLOT_WIDTH,
    Curve,
    Named,
    distinct,
    forest_chart,
    heat_chart,
    heat_top,
    ladder_chart,
)
from asrfair.report.html.drawing import COLOURS, STEPS, draw
from asrfair.report.html.told import told
from asrfair.report.html.words import words_section
from asrfair.report.page import QUIET, WARNING, Column
from asrfair.report.page import Subhead as PageSubhead
from asrfair.report.rungs import Ladder
from asrfair.report.view import View
from asrfair.tables import WORDS

HEX = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


def style(name="style.css"):
    return files("asrfair.report.html").joinpath(name).read_text(encoding="utf-8")


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_of_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


TEXTS = [
    *(("ink", "paper"), ("quiet", "paper"), ("link", "paper"), ("warn", "warn-sheet"), ("ink", "sheet")),
    *((f"on-heat-{k}", f"heat-{k}") for k in range(STEPS)),
]
MARKS = [
    ("mark", "paper"),
    ("other", "paper"),
    ("quiet", "paper"),
    ("edge", "paper"),
    ("link", "paper"),
    ("mark", "band"),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pair", "least"), [*((p, 4.5) for p in TEXTS), *((p, 3.0) for p in MARKS)])
def test_colours_can_be_told_apart(scheme, pair, least):
    colours = {name: values[scheme] for name, *values in HEX.findall(style())}
    assert contrast(*(colours[name] for name in pair)) >= least


def test_every_colour_of_a_drawing_is_in_the_style():
    assert set(COLOURS) <= {name for name, *_ in HEX.findall(style())}
    assert len(set(COLOURS.values())) == len(COLOURS)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("31.2", None),
        ("1,441", None),
        ("31.2 [24.0, 40.1]", "31.2"),
        ("+11.8 [7.7, 16.7]", "+11.8"),
        ("−4.0 points", "-4.0"),
        ("1,441 words", "1441"),
        ("< 0.001", None),
        ("not judged", None),
    ],
)
def test_cells_sort_by_the_number_they_start_with(text, order):
    assert cell(text) == Cell(text, order=order)


def test_ids_of_different_names_differ():
    names = ["a b", "a_b", "a-b", "a*b", "ä", "A", "a", "", "_20"]
    assert len({slug(name) for name in names}) == len(names)
    assert all(re.fullmatch("[A-Za-z0-9_-]*", slug(name)) for name in names)


def test_what_the_terminal_writes_becomes_blocks():
    def write(page):
        page.line("first\x1b", indent=2)
        page.heading("A section")
        page.line("A part", style="bold", indent=2)
        page.line("one: told", indent=4)
        page.line("more of one", indent=6)
        page.line("careful", style=WARNING, indent=6)
        page.line("two", indent=4)
        page.line("beside", style=QUIET)
        page.line("")
        page.line("What the table shows", indent=2)
        page.table([Column("na-\nme"), Column("WER\n%", align="right"), Column("curve")], [["a", "3.1 [1, 2]", "▁▂"]])
        page.line("A whole sentence.")
        page.table([Column("name"), Column("size")], [PageSubhead("of these"), ["b", "4"]])

    before, after = told(write, prefix="p", title="Before")
    assert before.blocks == [Line("first\\x1b")]
    assert (after.id, after.title) == ("p-1", "A section")
    part, items, beside, table, sentence, second = after.blocks
    assert part == Subtitle("A part")
    assert isinstance(items, Items)
    assert [(item.text, item.under) for item in items.items] == [("one: told", ("more of one", "careful")), ("two", ())]
    assert beside == Line("beside", "note")
    assert isinstance(table, Table)
    assert (table.id, table.caption, table.sortable) == ("p-table-1", "What the table shows", True)
    assert [(column.title, column.numeric) for column in table.columns] == [("name", False), ("WER %", True)]
    assert table.rows == [[Cell("a"), Cell("3.1 [1, 2]", order="3.1")]]
    assert sentence == Line("A whole sentence.")
    assert isinstance(second, Table)
    assert (second.caption, second.sortable, second.rows[0]) == ("A part: size", False, Subhead("of these"))


def test_right_to_left_words_do_not_move_what_follows_them():
    (section,) = told(lambda page: page.line("לונדון: 31.2 %"), prefix="p")
    assert section.blocks == [Line("\u2068לונדון\u2069: 31.2 %")]


def test_names_that_look_alike_are_told_apart():
    assert distinct(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def rate(wer, low=None, high=None, *, speakers=12):
    return {"wer": wer, "low": low, "high": high, "speakers": speakers}


def test_a_forest_shows_intervals_and_what_was_not_judged():
    rows = [rate(0.3, 0.2, 0.4), rate(0.2, 0.1, 3.0, speakers=5), rate(0.1, speakers=1), rate(None)]
    chart = forest_chart(Named("f", "Title", "rates-a"), ["many", "few", "lone", "none"], rows, guide=0.1, top=1.0)
    intervals = "many 30.0 [20.0, 40.0], few 20.0 [10.0, 300.0], lone 10.0 not judged, none unknown not judged"
    assert chart.told == f"WER in per cent: {intervals}."
    points = re.findall(r'<path[^>]*fill="var\(--(mark|paper)\)"[^>]*stroke="var\(--mark\)"', chart.svg)
    assert sorted(points) == ["mark", "paper", "paper"]
    lines = re.findall(r'<line[^>]*stroke="var\(--mark\)"', chart.svg)
    assert len(lines) == 2
    assert 'stroke-dasharray="4,3"' in chart.svg
    assert all(f">{name}</text>" in chart.svg for name in ("many", "few", "lone", "none"))


def test_a_forest_draws_nothing_beyond_its_plot():
    rows = [rate(0.3, 0.2, 0.4), rate(0.2, 0.1, 3.0, speakers=5), rate(0.9, 0.7, 4.0), rate(1.2), rate(0.9, 0.6, 0.8)]
    names = ["in", "high beyond", "all beyond", "rate beyond", "low beyond"]
    chart = forest_chart(Named("f", "Title", "rates-a"), names, rows, guide=5.0, top=0.5)
    marks = re.findall(r'<(?:line|path) transform="translate\(([\d.-]+),[\d.-]+\)"(?: x2="([\d.-]+)")?', chart.svg)
    ends = [float(start) + float(width or 0) for start, width in marks] + [float(start) for start, _ in marks]
    assert len(marks) > 5 + 4 + 1
    assert min(ends) == 0
    assert max(ends) == PLOT_WIDTH
    assert 'stroke-dasharray="4,3"' in chart.svg


def test_ids_inside_a_drawing_are_its_own():
    import altair

    chart = altair.Chart(pl.DataFrame({"x": [1.0, 2.0]})).mark_line(clip=True).encode(x="x:Q", y="x:Q")
    one, other = (draw(chart, name=name).inside for name in ("one", "other"))
    assert re.findall(r'id="([^"]+)"', one)
    assert all(name.startswith("one-") for name in re.findall(r'(?:id="|url\(#)([^")]+)', one))
    assert one.replace("one-", "other-") == other


def test_a_heat_map_has_a_shade_for_each_judged_cell():
    cells = [[rate(0.6, 0.5, 0.7), rate(0.05, 0.04, 0.06)], [rate(0.3), None]]
    chart = heat_chart(Named("h", "Title", "rates-a"), ["a", "b"], ["clean", "noise"], cells, top=heat_top([cells]))
    fills = re.findall(r'<path[^>]*fill="var\(--([a-z0-9-]+)\)"[^>]*stroke="var\(--paper\)"', chart.svg)
    assert sorted(fills) == ["heat-0", "heat-5", "paper", "paper"]
    inks = dict(re.findall(r'fill="var\(--(on-heat-\d|ink)\)"[^>]*>([^<]+)</text>', chart.svg))
    assert inks["on-heat-5"] == "60.0"
    assert inks["on-heat-0"] == "5.0"
    assert ">(30.0)</text>" in chart.svg
    assert chart.told == "WER in per cent of 2 groups under 2 conditions. The highest is 60.0 %, a in clean."


def test_a_ladder_gets_harder_to_the_right():
    ladder = Ladder("snr", "white_noise.snr_db", "dB", ((20.0, "snr@20"), (0.0, "snr@0")))
    own = Curve("theirs", [rate(0.1, 0.05, 0.2), rate(0.5, 0.4, 2.0)])
    chart = ladder_chart(Named("l", "Title", "t"), ladder, own, Curve("ours", [rate(0.1, 0.05, 0.2), None]), top=1.0)
    ticks = re.findall(r'translate\(([\d.]+),[\d.]+\)"[^>]*>(−?\d+)</text>', chart.svg)
    first, last = (float(next(x for x, text in ticks if text == value)) for value in ("20", "0"))
    assert first < last
    assert chart.told == "WER in per cent along snr: 10.0 [5.0, 20.0] at 20, 50.0 [40.0, 200.0] at 0."
    assert chart.svg.count('fill="var(--band)"') == chart.svg.count('fill="var(--other-band)"') == 1
    heights = [float(y) for y in re.findall(r"[ML,](?:-?[\d.]+),(-?[\d.]+)", chart.svg)]
    assert min(heights) >= -10


def words(*rows):
    base = dict.fromkeys(WORDS) | {"axis": "accent", "group": "south", "reference_group": "north", "backend": "b"}
    return pl.DataFrame([base | {"condition": "clean", "kind": "word"} | row for row in rows], schema=WORDS)


def test_words_told_apart_from_chance_come_first(sample):
    view = View.of(sample.realistic())
    found = {"reference_word": "park", "errors": 9, "count": 10, "rate": 0.9, "reference_rate": 0.1, "ratio": 9.0}
    table = words(
        {"kind": "all", "rate": 0.5, "reference_rate": 0.2},
        {"reference_word": "river", "errors": 5, "count": 10, "rate": 0.5, "reference_rate": 0.4, "p_fdr": 0.6},
        found | {"p_fdr": 0.01},
        found | {"reference_word": "<b>", "heard": "x", "kind": "confusion", "p_fdr": 0.02},
    )
    section = words_section(view, table, ["A note."], rows=2)
    summary, shown, method, note = section.blocks
    assert "3 words and confusions tested in 2 lists; 2 told apart from chance, in south." in summary.text
    assert isinstance(shown, Table)
    assert [row[0].text for row in shown.rows] == ["park", "<b>"]
    assert [row[-1] for row in shown.rows] == [Cell("missed more", strong=True)] * 2
    assert shown.left_out == "and 1 more word or confusion in words.parquet"
    assert method.kind == note.kind == "note"


def test_without_words_the_section_says_why(sample):
    view = View.of(sample.realistic())
    (line,) = words_section(view, None, ["Not compared: no transcripts."], rows=5).blocks
    assert line == Line("Not compared: no transcripts.", "note")
    assert "No word could be compared" in words_section(view, words(), [], rows=5).blocks[0].text
