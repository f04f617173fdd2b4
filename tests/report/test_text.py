"""Numbers and labels as text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.report.text import (
    chance,
    counted,
    factor,
    label,
    listed,
    p_equals,
    percent,
    percent_interval,
    points,
    points_interval,
    safe,
    under,
)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.3125), "31.2"),
        (percent(1.314), "131.4"),
        (percent(None), "unknown"),
        (points(0.19), "+19.0"),
        (points(-0.042), "-4.2"),
        (under("as recorded"), "as recorded"),
        (under("clean"), "in clean"),
        (under("telephone"), "under telephone"),
        (factor(2.555), "2.56"),
        (factor(1234.4), "1,234"),
        (factor(None), "unknown"),
        (factor(0.0), "0.00"),
        (factor(0.0034), "0.003"),
        (factor(0.0004), "< 0.001"),
        (factor(0.096), "0.10"),
        (chance(0.0004), "< 0.001"),
        (chance(0.0321), "0.032"),
        (p_equals(0.0004), "p < 0.001"),
        (p_equals(0.19), "p = 0.190"),
        (p_equals(None), "p unknown"),
        (counted(1, "speaker"), "1 speaker"),
        (counted(1200, "speaker"), "1,200 speakers"),
        (counted(None, "speaker"), "unknown speakers"),
        (listed("abcdefg", most=3), "a, b, c and 4 more"),
        (listed("ab"), "a, b"),
        (percent_interval({"low": 0.24, "high": 0.401}), "[24.0, 40.1]"),
        (points_interval({"low": -0.01, "high": 0.02}), "[-1.0, +2.0]"),
        (percent_interval({"low": None, "high": 0.401}), "not judged"),
    ],
)
def test_formats(shown, expected):
    assert shown == expected


def test_labels():
    assert label(None) == "(unlabelled)"
    assert label("") == "''"
    assert label("  ") == "'  '"
    assert label("x" * 61) == "x" * 57 + "..."
    assert label("x" * 60) == "x" * 60
    assert label("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_safe_text_is_one_printable_line(text):
    shown = safe(text)
    assert len((shown + ".").splitlines()) == 1
    assert not {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
