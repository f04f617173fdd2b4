"""Tables that fit, whatever is in them."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from asrfair.report.page import Column, Drawn, Page, Subhead, isolated


def page(width=40):
    file = StringIO()
    return Page(Console(file=file, width=width, color_system=None, legacy_windows=False, _environ={})), file


COLUMNS = [Column("group", wraps=True, narrowest=4), Column("n", align="right"), Column("words", align="right", drop=1)]


def test_a_table_aligns_wraps_and_heads():
    written, file = page(24)
    written.table(COLUMNS, [["West Midlands", "8", "1,200"], Subhead("in noise"), ["us", "10", "90"]])
    assert file.getvalue() == (
        "  group         n  words\n  West          8  1,200\n  Midlands\n  in noise\n  us           10     90\n"
    )


def test_a_hanging_line_uses_the_whole_first_line():
    written, file = page(20)
    written.line("corpus: four regions of one land", indent=2, hang=8)
    assert file.getvalue() == "  corpus: four\n          regions of\n          one land\n"
    written, file = page(20)
    written.line("corpus: four regions\n of land", indent=0, hang=8)
    assert file.getvalue() == "corpus: four regions\n        of land\n"


def test_a_column_is_dropped_rather_than_squeezed():
    written, file = page(12)
    written.table(COLUMNS, [["us", "10", "90"]])
    assert file.getvalue() == "  group   n\n  us     10\n"


def test_a_drawing_takes_the_room_left_or_is_left_out():
    drawn = Drawn(head=lambda width: Text("h" * width), rows=[lambda width: Text("d" * width)])
    for width, expected in ((40, 1), (20, 0)):
        written, file = page(width)
        assert written.table([*COLUMNS[:2], Column("words")], [["us", "10", "90"]], drawn=drawn) is bool(expected)
        assert file.getvalue().count("h" * 20 + "\n") == expected
        assert file.getvalue().count("d" * 20 + "\n") == expected


@given(st.lists(st.tuples(st.text(), st.text(max_size=3), st.text(max_size=3)), max_size=4), st.integers(1, 60))
def test_any_text_at_any_width_makes_tidy_lines(rows, width):
    written, file = page(width)
    written.table(COLUMNS, [list(row) for row in rows])
    for row in rows:
        written.line(row[0], indent=2, hang=2)
    for line in file.getvalue().split("\n"):
        assert line == line.rstrip(" ")
        assert "\x1b" not in line


@given(st.text(st.characters(categories=["L", "N", "Zs"]), max_size=80), st.integers(20, 60))
def test_a_label_column_never_breaks_the_width(name, width):
    written, file = page(width)
    written.table(COLUMNS, [[name, "10", "90"]])
    assert all(cell_len(line) <= width for line in file.getvalue().split("\n"))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  \u05d0\u05d1 (8*)  31.2", "  \u2068\u05d0\u05d1\u2069 (8*)  31.2"),
        (
            "\u0645\u0635\u0631 \u0627\u0644\u062c\u062f\u064a\u062f\u0629 12",
            "\u2068\u0645\u0635\u0631 \u0627\u0644\u062c\u062f\u064a\u062f\u0629\u2069 12",
        ),
        ("\u05d0, x, \u05d1", "\u2068\u05d0\u2069, x, \u2068\u05d1\u2069"),
        ("plain", "plain"),
    ],
)
def test_right_to_left_text_does_not_move_what_follows(line, shown):
    assert isolated(Text(line)).plain == shown
    written, file = page(60)
    written.line(line.strip())
    assert file.getvalue() == f"{shown.strip()}\n"


HEBREW, ARABIC, COMBINED, WIDE = (
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    "\u0639\u0631\u0628\u064a",
    "e\u0301" * 5,
    "\u65e5\u672c\u8a9e",
)


def test_columns_stand_below_each_other_whatever_the_script():
    written, file = page(40)
    written.table(COLUMNS, [[name, "10", "90"] for name in (HEBREW, ARABIC, COMBINED, WIDE, "plain")])
    bare = [line.replace("\u2068", "").replace("\u2069", "") for line in file.getvalue().splitlines()]
    assert len({cell_len(line) for line in bare}) == 1
    # The isolates themselves take no room.
    assert cell_len("\u2068\u2069") == 0
