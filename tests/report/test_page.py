"""Tables that fit, whatever is in them."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from asrfair.report.page import Column, Drawn, Page, Subhead


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
