"""A table of speakers in a spreadsheet, written here as Office Open XML says (ECMA-376)."""

import importlib.util
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

import pytest

from asrfair.errors import AsrfairError

TABLE = "utterance_id,speaker_id,reference\nu1,0001,one\nu2,2,two\n"
LAYOUT = 'type = "table"\nfile = "utterances.csv"\n[layout.speakers]\nfile = "people.xlsx"\nkey = "SCD"\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
Cell = str | float | None


def workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    file = io.BytesIO()
    numbers = range(1, len(sheets) + 1)
    named = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in zip(numbers, sheets, strict=True)
    )
    parts = [relation(f"s{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr("_rels/.rels", relations([relation("r1", "officeDocument", "xl/workbook.xml")]))
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", relations(parts))
        for number, rows in zip(numbers, sheets.values(), strict=True):
            lines = "".join(f'<row r="{r}">{"".join(map(cell, row))}</row>' for r, row in enumerate(rows, start=1))
            text = f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{number}.xml", text)
    return file.getvalue()


def relation(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>'


def relations(parts: Sequence[str]) -> str:
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(parts)}</Relationships>'


def cell(value: Cell) -> str:
    if value is None:
        return "<c/>"
    return f"<c><v>{value}</v></c>" if not isinstance(value, str) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'


BOOK = workbook(
    {"Notes": [["SCD"], ["none"]], "Speakers": [["SCD", "ACC", "AGE"], ["0001", "MALAY", 25], [2, None, 30]]}
)


def test_a_sheet(put: Callable, load: Callable) -> None:
    pytest.importorskip("fastexcel")
    put({"utterances.csv": TABLE, "people.xlsx": BOOK})
    table = load(LAYOUT + 'sheet = "Speakers"', accent="ACC", age="AGE").utterances
    assert table.select("accent", "age").rows() == [("MALAY", "25"), (None, "30")]
    with pytest.raises(AsrfairError, match=r"people\.xlsx: found no sheet 'People'; expected one of: Notes, Speakers"):
        load(LAYOUT + 'sheet = "People"')
    with pytest.raises(AsrfairError, match="axis 'accent': found no column 'ACC'"):
        load(LAYOUT, accent="ACC")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SCD,ACC\n", r"people\.xlsx: cannot be read as a spreadsheet: "),
        (workbook({"a": []}), r"people\.xlsx: found no rows in the sheet"),
        (
            workbook({"a": [["SCD", "SCD"], ["1", "2"]]}),
            r"found no column 'SCD'.*; expected one of: SCD \(1\), SCD \(2\)",
        ),
    ],
)
def test_bad_sheets(put: Callable, load: Callable, content: bytes, message: str) -> None:
    pytest.importorskip("fastexcel")
    put({"utterances.csv": TABLE, "people.xlsx": content})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


def test_the_package_is_named_where_it_lacks(put: Callable, load: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    put({"utterances.csv": TABLE, "people.xlsx": BOOK})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        AsrfairError, match=r"people\.xlsx: found no package fastexcel; .*pip install 'asrfair\[sheets\]'"
    ):
        load(LAYOUT)
