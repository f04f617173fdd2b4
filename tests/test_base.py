"""Seeds, tables, run folders and the lazy front of the package."""

import errno
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asrfair
from asrfair import __version__
from asrfair.errors import InputError, RunFolderError
from asrfair.reading import read_table
from asrfair.results import FORMAT, Results, write_bytes, write_table, write_text
from asrfair.run.folder import claim
from asrfair.seeds import generator
from asrfair.tables import COUNTS, TABLES, conform, require_columns, with_intersections


def test_seeds_are_spread_by_name() -> None:
    draw = generator(1, "pink", "u1").integers(0, 2**62, 4).tolist()
    assert draw == generator(1, "pink", "u1").integers(0, 2**62, 4).tolist()
    others = [(2, "pink", "u1"), (1, "white", "u1"), (1, "pink", "u2"), (1, "pinku", "1"), (1, "pink", "u", "1")]
    for seed, *names in others:
        assert generator(seed, *names).integers(0, 2**62, 4).tolist() != draw


def test_seeds_stay_the_same_between_releases() -> None:
    assert generator(0, "clean", "u1").integers(0, 1_000_000, 3).tolist() == SEEDED


SEEDED = [879791, 678719, 410155]


@given(st.text(), st.text())
def test_name_boundaries_matter(one: str, two: str) -> None:
    joined = generator(0, one + two).integers(0, 2**62, 2).tolist()
    assert joined != generator(0, one, two).integers(0, 2**62, 2).tolist()


def test_conform_fills_what_is_unknown_with_null() -> None:
    rows = conform(pl.DataFrame({"utterance_id": ["a"], "accent": ["x"]}), COUNTS, axes=["accent"])
    assert list(rows.columns) == [*COUNTS, "accent"]
    assert rows["hits"].to_list() == [None]
    assert rows.schema["hits"] == pl.Int64


def test_intersections_are_null_where_a_part_is() -> None:
    rows = with_intersections(pl.DataFrame({"a": ["x", None], "b": ["y", "z"]}), ["a", "a*b"])
    assert rows["a*b"].to_list() == ["x*y", None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b\n1,2\n3,4,5\n", "line 3: found 3 fields; expected 2"),
        ("t.csv", "a,b\n1,2\n3\n", "line 3: found 1 fields; expected 2"),
        ("t.csv", "a,a\n1,2\n", "found the column 'a' twice"),
        ("t.csv", 'a,b\n1,2 in" nail\n3,"4" x\n', "cannot be read as a csv table"),
        ("t.tsv", 'a\tb\n1\t"hello\n2\tthere"\n', "line 3: found a line break in a field (if quotation marks"),
        ("t.csv", "a,b\n\xe9,1\n".encode("latin-1"), "found bytes that are not UTF-8"),
        ("t.jsonl", '{"a": 1\n', "cannot be read as a jsonl table"),
        ("t.parquet", "not parquet", "cannot be read as a parquet table"),
        ("t.xlsx", "", "expected one of: .csv, .tsv, .txt, .jsonl"),
        ("t.csv", "", "cannot be read as a csv table"),
    ],
)
def test_unreadable_tables(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_odd_but_readable_tables(tmp_path: Path) -> None:
    path = tmp_path / "t[1].csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,\r\n\r\n2,x\r\n")
    (tmp_path / "t1.csv").write_text("a,b\n9,9\n", encoding="utf-8")
    assert read_table(path).rows() == [("1", ""), ("2", "x")]
    (tmp_path / "t.tsv").write_text('a\tb\n1\t"hello\n2\tthere"\n', encoding="utf-8")
    assert read_table(tmp_path / "t.tsv", quoted=False).rows() == [("1", '"hello'), ("2", 'there"')]
    (tmp_path / "t.jsonl").write_text('{"a": -1, "b": [1]}\n{"a": 2, "b": []}\n', encoding="utf-8")
    rows = read_table(tmp_path / "t.jsonl", null_texts=["-1"])
    assert rows["a"].to_list() == [None, 2]
    with pytest.raises(InputError, match="column 'b': found List"):
        require_columns(rows, ["a", "b"], where="t")


def test_a_label_with_the_sign_of_a_product_is_refused_in_one() -> None:
    rows = pl.DataFrame({"a": ["x*y"], "b": ["z"]})
    assert with_intersections(rows, ["a", "b"]).equals(rows)
    with pytest.raises(InputError, match=r"axis 'a': found the label 'x\*y'"):
        with_intersections(rows, ["a*b"])


def test_blank_is_not_missing_unless_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n,NA\n", encoding="utf-8")
    assert read_table(path).row(0) == ("", "NA")
    assert read_table(path, null_texts=["NA"]).row(0) == ("", None)


def test_a_table_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, pl.DataFrame({"a": [1]}))
    before = path.read_bytes()

    def full(self: pl.DataFrame, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(RunFolderError, match=r"t\.parquet: cannot be written: No space left on device"):
        write_table(path, pl.DataFrame({"a": [2]}))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("w") as file:
        file.write("x" * 100_000)
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; from asrfair.cli import main; sys.exit(main(['list', 'corpora']))"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_text(tmp_path / "file" / "below" / "t.txt", "x")


def test_run_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no finished run here"):
        Results.load(tmp_path / "nowhere")
    write_text(tmp_path / "signature.json", "{}")
    with pytest.raises(RunFolderError, match=r"incomplete run, without utterances\.parquet"):
        Results.load(tmp_path)
    for name in TABLES:
        write_text(tmp_path / f"{name}.parquet", "not parquet")
    with pytest.raises(RunFolderError, match="cannot be read"):
        Results.load(tmp_path)


@pytest.mark.parametrize("found", [FORMAT + 1, "2", True, None])
def test_a_run_of_a_newer_format_is_refused_by_name_before_its_tables_are_read(tmp_path: Path, found: object) -> None:
    write_text(tmp_path / "signature.json", json.dumps({"format": found, "asrfair": "9.1.0", "signature": "x"}))
    message = rf"format {found}, written by asrfair 9\.1\.0; expected format {FORMAT} or older: this is asrfair "
    with pytest.raises(RunFolderError, match=message + re.escape(__version__)):
        Results.load(tmp_path)


def test_what_a_newer_version_added_is_left_alone(tmp_path: Path) -> None:
    empty = {name: pl.DataFrame(schema=schema) for name, schema in TABLES.items()}
    Results(**empty, signature={"signature": "x"}).save(tmp_path)
    assert json.loads((tmp_path / "signature.json").read_text(encoding="utf-8")) == {"format": FORMAT, "signature": "x"}
    empty["rates"].with_columns(pl.lit(None, dtype=pl.String).alias("colour")).write_parquet(tmp_path / "rates.parquet")
    write_text(tmp_path / "colours.parquet", "another table")
    loaded = Results.load(tmp_path)
    assert loaded.signature == {"signature": "x"}
    assert loaded.rates.columns[-1] == "colour"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"axes": []}, "'axes': found list; expected a table"),
        ({"axes": None}, "'axes': found nothing; expected a table"),
        ({"axes": {"accent": None}}, "'axes.accent': found nothing; expected a table"),
        ({"axes": {"acc\x1bent": 3}}, r"'axes.acc\x1bent': found 3; expected a table"),
        (
            {"axes": {"accent": {"reference_group": []}}},
            "'axes.accent.reference_group': found list; expected a text or null",
        ),
        ({"conditions": {"clean": "x"}}, "'conditions.clean': found str; expected a table"),
        ({"backends": ["ours"]}, "'backends': found list; expected a table"),
        ({"corpus": "timit"}, "'corpus': found str; expected a table"),
        ({"normalizer": 1}, "'normalizer': found 1; expected a table"),
        ({"family": "axis"}, "'family': found str; expected a list"),
        ({"baseline_backend": 3}, "'baseline_backend': found 3; expected a text or null"),
        ({"limit": "x"}, "'limit': found str; expected a whole number or null"),
        ({"seed": True}, "'seed': found True; expected a whole number or null"),
        ({"level": 95}, "'level': found 95; expected a number between 0 and 1"),
    ],
)
def test_a_signature_with_a_part_of_another_kind_is_refused(tmp_path: Path, change: dict, told: str) -> None:
    empty = {name: pl.DataFrame(schema=schema) for name, schema in TABLES.items()}
    Results(**empty, signature={"signature": "x", **change}).save(tmp_path)
    with pytest.raises(RunFolderError) as raised:
        Results.load(tmp_path)
    assert str(raised.value) == f"{tmp_path / 'signature.json'}: {told}, as asrfair writes it"


def test_half_a_run_says_how_to_go_on(tmp_path: Path) -> None:
    write_text(tmp_path / "plan.toml", "")
    with pytest.raises(RunFolderError, match=r"no finished run here .*start the same run again to finish it"):
        Results.load(tmp_path)


def test_a_device_a_pipe_or_a_stream_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "null.json"
    link.symlink_to("/dev/null")
    for path in (pipe, link, Path("/dev/stdout"), Path("/dev/fd/1")):
        with pytest.raises(RunFolderError, match=r"found a (device|stream).*expected an ordinary file"):
            write_text(path, "{}")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["null.json", "pipe"]


def test_a_link_stays_one_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "run.json", tmp_path / "link.json"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_claiming_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    claim(folder, {"plan": {"seed": 1, "by": ("a",)}})
    claim(folder, {"plan": {"seed": 1, "by": ("a",)}})
    assert json.loads((folder / "identity.json").read_text(encoding="utf-8")) == {"plan": {"seed": 1, "by": ["a"]}}
    other = {"plan": {"seed": 2, "by": ("a",), "level": 0.9}}
    (folder / "counts.parquet").touch()
    with pytest.raises(RunFolderError, match=r"plan\.seed: 1 there, 2 here; plan\.level: nothing there, 0\.9 here"):
        claim(folder, other)
    (folder / "counts.parquet").unlink()
    claim(folder, other)
    assert json.loads((folder / "identity.json").read_text(encoding="utf-8"))["plan"]["seed"] == 2
    write_text(folder / "identity.json", "{")
    with pytest.raises(RunFolderError, match="cannot be read"):
        claim(folder, {})


def test_the_front_of_the_package_is_lazy() -> None:
    program = (
        "import sys, asrfair.cli; asrfair.cli.build_parser();"
        "heavy = {'polars', 'numpy', 'rich', 'scipy', 'librosa', 'jiwer', 'soundfile'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ})
    assert asrfair.evaluate.__name__ == "evaluate"
    assert asrfair.Plan.__name__ == "Plan"
    assert asrfair.Results is Results
    with pytest.raises(AttributeError):
        asrfair.evaluation  # noqa: B018
