"""Reading from elsewhere: paths that stay inside, encodings told by line, JSON lines."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from asrfair import delimited, reading
from asrfair.errors import InputError
from asrfair.reading import inside, inside_all, read_json_objects, read_lines, read_table

ROOT = Path("/data/corpus")


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("a.wav", "a.wav"),
        (" ./clips//a.wav ", "clips/a.wav"),
        ("clips/../a.wav", "a.wav"),
        ("/data/corpus/clips/a.wav", "clips/a.wav"),
        ("/data/other/../corpus/a.wav", "a.wav"),
        ("a..b/c.wav", "a..b/c.wav"),
        ("shards/x.tar::clips/a.wav", "shards/x.tar::clips/a.wav"),
        ("naïve file.wav", "naïve file.wav"),
    ],
)
def test_paths_inside(path: str, relative: str) -> None:
    assert inside(ROOT, path, where="list: line 3") == relative
    assert inside_all(ROOT, pl.Series([path]), where="list").to_list() == [relative]


@pytest.mark.parametrize(
    "path",
    [
        "../a.wav",
        "C:/a.wav",
        "\\\\host\\a.wav",
        "clips/../../a.wav",
        "/etc/passwd",
        "/data/corpus2/a.wav",
        "/data/corpus/../a.wav",
        "C:\\a.wav",
        "clips\\..\\..\\a.wav",
        "s3://bucket/a.wav",
        "a\0b.wav",
        "..",
        "/data/corpus",
    ],
)
def test_paths_that_climb_out(path: str) -> None:
    with pytest.raises(InputError, match=r"^list: line 3: found the (path|address)"):
        inside(ROOT, path, where="list: line 3")
    with pytest.raises(InputError, match=r"^list: found the (path|address)"):
        inside_all(ROOT, pl.Series(["good.wav", path]), where="list")


@pytest.mark.parametrize("path", ["/elsewhere/a.wav", "C:\\a.wav", "../a.wav"])
def test_what_to_do_about_paths_of_another_machine(path: str) -> None:
    with pytest.raises(InputError, match=r"\(or cut its beginning: audio_prefix in the card's layout\)$"):
        inside_all(ROOT, pl.Series([path]), where="list")


def test_a_table_that_cannot_be_opened_is_not_about_quotation_marks(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match=r"empty\.csv: cannot be read as a csv table: (?!.*unquoted)"):
        read_table(tmp_path / "empty.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv: cannot be read as a csv table: Is a directory$"):
        read_table(tmp_path / "folder.csv")


def test_a_blank_path_is_refused_alone_and_kept_in_a_column() -> None:
    with pytest.raises(InputError, match="found the path ' '"):
        inside(ROOT, " ", where="list")
    assert inside_all(ROOT, pl.Series(["", None, "a.wav"]), where="list").to_list() == ["", None, "a.wav"]


@pytest.mark.parametrize(
    "content",
    [
        "één\r\ntwo\r\n".encode(),
        "\ufefféén\ntwo".encode(),
        "één\ntwo\n".encode("utf-16"),
        "\ufeffén".encode("utf-16-be"),
    ],
)
def test_lines_of_every_encoding_with_a_mark(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    assert read_lines(path) == (["én"] if content.startswith(b"\xfe\xff") else ["één", "two"])


def test_lines_keep_what_only_looks_like_a_line_end(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("a\u2028b\x0bc\n\nd".encode())
    assert read_lines(path) == ["a\u2028b\x0bc", "", "d"]


def test_mixed_encodings_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("één\n".encode() + "twéé\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"text: line 2: found bytes that are not UTF-8"):
        read_lines(path)
    path.write_bytes("twéé\n".encode("latin-1"))
    assert read_lines(path, encoding="latin-1") == ["twéé"]
    with pytest.raises(InputError, match="found the encoding 'klingon'"):
        read_lines(path, encoding="klingon")


def test_damaged_zips(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    whole = gzip.compress(b"one\ntwo\n" * 100)
    path.write_bytes(whole)
    assert len(read_lines(path)) == 200
    for damaged in (whole[:-9], b"one\ntwo\n", whole[:12] + b"\xff\xff\xff" + whole[15:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"text\.gz: cannot be (unzipped|read)"):
            read_lines(path)


@pytest.mark.parametrize("line", ["{", "[1]", "7", '{"a": 1} x', "[" * 100_000])
def test_json_lines_name_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(f'{{"a": 1}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"list\.jsonl: line 3: found"):
        list(read_json_objects(path))


def test_the_line_of_a_table_in_mixed_encodings(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("id,text\r\na,één\r\n".encode() + "b,twéé\r\n".encode("latin-1"))
    with pytest.raises(
        InputError, match=r"table\.csv: line 3: found bytes that are not UTF-8; expected a table in UTF-8"
    ):
        read_table(path)
    path.write_bytes("id,text\na,b\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"table\.csv \(UTF-16\): found bytes that are not UTF-8"):
        read_table(path)


def test_embedded_audio_is_an_address(tmp_path: Path) -> None:
    path = tmp_path / "test-00000.parquet"
    sounds = [{"bytes": b"RIFF", "path": "a.wav"}, None]
    kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    rows = pl.DataFrame({"id": ["a", "b"], "audio": pl.Series(sounds, dtype=kind), "noise": [b"x", b"y"]})
    rows.write_parquet(path)
    assert read_table(path).to_dict(as_series=False) == {
        "id": ["a", "b"],
        "audio": ["test-00000.parquet::0", None],
        "noise": ["test-00000.parquet::0::noise", "test-00000.parquet::1::noise"],
    }
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="cannot be read as a parquet table"):
        read_table(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_table_in_pieces_is_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, last: bool) -> None:
    lines = ["\ufeffid\tsentence", *(f'{number}\tsaid "{"é" * (number % 7)}' for number in range(50)), "\t", "50\tend"]
    (tmp_path / "t.tsv").write_bytes((end.join(lines) + end * last).encode())
    whole = reading.read_table(tmp_path / "t.tsv", quoted=False)
    assert whole["id"].to_list() == [str(number) for number in range(51)]
    assert whole["sentence"][6] == f'said "{"é" * 6}'
    for size in (1, 16, 1000):
        monkeypatch.setattr(delimited, "PIECE_BYTES", size)
        assert reading.read_table(tmp_path / "t.tsv", quoted=False).equals(whole)
        assert set(reading.read_table(tmp_path / "t.tsv", quoted=False).dtypes) == {pl.String}
    (tmp_path / "t.tsv").write_text("id\tsentence", encoding="utf-8")
    assert reading.read_table(tmp_path / "t.tsv", quoted=False).columns == ["id", "sentence"]


@pytest.mark.parametrize("path", [".", "./", "clips/..", "/data/corpus", ".\\\\."])
def test_the_root_itself_is_no_file(path: str) -> None:
    with pytest.raises(InputError, match=r"^list: line 3: found the path"):
        inside(ROOT, path, where="list: line 3")


@pytest.mark.parametrize(
    "line", ['{"a": "\\ud83d"}', '{"a": "\\udE00x"}', '{"\\ud83d": 1}', '{"a": ["\\ud83d\\ud83d"]}']
)
def test_half_a_character_is_refused_by_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    # A pair is a character, and a backslash may be text.
    path.write_text('{"a": "\\ud83d\\ude00 \\\\ud83d"}\n' + line, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl: line 2: found the code \\ud[8e][30][d0] alone"):
        list(read_json_objects(path))
    with pytest.raises(InputError, match=r"a\.jsonl: line 2: found the code \\ud[8e][30][d0] alone"):
        read_table(path)
    path.write_text('{"a": "\\ud83d\\ude00 \\\\ud83d"}\n', encoding="utf-8")
    assert read_table(path)["a"].to_list() == [entry["a"] for _, entry in read_json_objects(path)]


def test_columns_that_differ_in_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,\ufeffa\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="found the column 'a' twice, besides byte-order marks"):
        read_table(path)
    path.write_text("\ufeffa,b\n1,2\n", encoding="utf-8")
    assert read_table(path).columns == ["a", "b"]
