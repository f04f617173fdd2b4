"""Delimited tables: carriage returns inside a text, and quotation marks that two readers take differently."""

from pathlib import Path

import pytest

from asrfair.errors import InputError
from asrfair.reading import read_table


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_carriage_return_inside_a_text_ends_no_row(tmp_path: Path, quoted: bool, end: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(f"id\ttext{end}u1\thi\rthere{end}u2\tho{end}".encode())
    assert read_table(path, quoted=quoted).rows() == [("u1", "hi\rthere"), ("u2", "ho")]


def test_rows_that_odd_quotation_marks_swallow_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"" ",\n\',""\' \nx, "\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv: found quotation marks that make 3 rows or 1, as one reads them"):
        read_table(path)
    path.write_text('a,b\n"",""\n\n"x ""y""\nz",1\n', encoding="utf-8")
    assert read_table(path).rows() == [('x "y"\nz', "1")]


def test_fields_missing_from_an_unquoted_row_are_no_blanks(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('a\tb\tc\n1\t2\t3\n4\t"5\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.tsv: line 3: found 2 fields; expected 3"):
        read_table(path, quoted=False)
