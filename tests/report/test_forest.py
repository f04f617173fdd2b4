"""Intervals drawn in characters."""

from hypothesis import given
from hypothesis import strategies as st

from asrfair.report.forest import cell, forest, scale_top
from asrfair.report.page import ASCII, UNICODE


def row(wer, low=None, high=None):
    return {"wer": wer, "low": low, "high": high}


def drawn(*rows, width=21, guide=None, glyphs=ASCII):
    return [draw(width).plain for draw in forest(rows, glyphs=glyphs, guide=guide).rows]


def test_ends_and_point_stand_at_their_place_on_the_scale():
    #                 0         1         2     one cell is 5 % of a scale that ends at 100 %
    #                 012345678901234567890
    assert drawn(row(1.0, 0.25, 1.0), row(0.5, 0.25, 0.75), row(0.1)) == [
        "     |--------------o",
        "     |----o----|",
        "  ?",
    ]
    assert drawn(row(0.5, 0.25, 0.75), row(1.0), glyphs=UNICODE)[0] == "     ├────●────┤"


def test_the_guide_shows_where_nothing_else_is_drawn():
    assert drawn(row(1.0), row(0.5, 0.4, 0.6), guide=0.25)[1] == "     :  |-o-|"
    assert drawn(row(1.0), row(0.25, 0.2, 0.3), guide=0.25)[1] == "    |o|"


def test_tables_can_share_a_scale():
    (line,) = forest([row(0.2, 0.1, 0.3)], glyphs=ASCII, guide=None, top=1.0).rows
    assert line(21).plain == "  |-o-|"


def test_an_interval_beyond_the_scale_ends_in_an_arrow():
    assert scale_top([row(0.9, 0.2, 40.0)]) == 1.0
    assert drawn(row(0.9, 0.2, 40.0))[0] == "    |-------------o->"


def test_the_axis_is_as_wide_as_the_drawing():
    head = forest([row(0.3, 0.2, 0.38)], glyphs=ASCII, guide=None).head(20).plain
    assert head == "0               40 %"


@given(
    st.lists(
        st.tuples(*[st.none() | st.floats(0, 50)] * 3).map(
            lambda ends: row(*(sorted(ends)[k] for k in (1, 0, 2)) if None not in ends else (ends[0], None, None))
        ),
        max_size=5,
    ),
    st.integers(2, 60),
    st.none() | st.floats(0, 60),
)
def test_no_drawing_is_wider_than_asked(rows, width, guide):
    assert all(len(line) <= width for line in drawn(*rows, width=width, guide=guide))


def test_cells():
    assert cell(row(0.5), None) == "50.0"
    assert cell(row(None), 1200) == "(1,200)"
    assert cell(row(None), None) == "-"
    assert cell(None, None) == "-"
