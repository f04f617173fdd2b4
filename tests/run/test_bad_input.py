"""Corpora that are not what they should be, by the command line: one line that says what, or findings; never more."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrfair import delimited
from asrfair.cli import main

COMMANDS = ("validate", "run", "coverage")


@pytest.fixture(autouse=True)
def _where(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    monkeypatch.chdir(corpus.parent)


def call(command: str, corpus: Path, recogniser: str, *, card: str = "") -> int:
    pair = f"{card or corpus / 'small.toml'}={corpus}"
    if command == "run":
        options = ["--limit", "8", "--condition", "clean", "--backend", f"command={recogniser}", "--out", "out"]
        return main(["run", "--corpus", pair, *options])
    return main([command, pair, *(["--workers", "1"] if command == "validate" else [])])


def refused(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], *, card: str = "") -> str:
    """Return the one line with which every command refuses a corpus."""
    said = set()
    for command in COMMANDS:
        assert call(command, corpus, recogniser, card=card) == 2, command
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1
        said.add(output.err.removeprefix("asrfair: ").strip())
    (line,) = said
    return line


def found(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what validation finds to be unusable, in one line of single blanks."""
    assert call("validate", corpus, recogniser) == 3
    return " ".join(capsys.readouterr().out.split())


def sounds(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((corpus / "audio").iterdir())}


def tarred(corpus: Path, *, without: str = "") -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, data in sounds(corpus).items():
            if name != without:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return whole.getvalue()


def moved_into(corpus: Path, archive: str) -> Path:
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("audio/", f"{archive}::"), encoding="utf-8")
    return corpus / archive


@pytest.mark.parametrize(
    ("card", "wanted"), [("common-voice", "test.tsv"), ("timit", "SPKRINFO.TXT"), ("vctk", "wav48"), ("l2-arctic", "")]
)
def test_the_wrong_root(
    tmp_path: Path, recogniser: str, capsys: pytest.CaptureFixture[str], card: str, wanted: str
) -> None:
    root = tmp_path / "downloads"
    (root / "unpacked").mkdir(parents=True)
    (root / "READ.ME").touch()
    line = refused(root, recogniser, capsys, card=card)
    assert line.startswith(f"{root}: looked for ")
    assert wanted in line
    assert "found READ.ME, unpacked" in line


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_half_a_tar(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    whole = tarred(corpus)
    whole = gzip.compress(whole) if ending == "tar.gz" else whole
    moved_into(corpus, f"a.{ending}").write_bytes(whole[: len(whole) // 2])
    told = found(corpus, recogniser, capsys)
    assert f"a.{ending} is truncated or damaged" in told
    assert "that can be read" in told


def test_half_a_zip_and_none(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = moved_into(corpus, "a.zip")
    assert "missing file 20" in found(corpus, recogniser, capsys)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in sounds(corpus).items():
            archive.writestr(name, data)
    path.write_bytes(whole.getvalue()[:-4000])
    told = found(corpus, recogniser, capsys)
    assert "its directory is at its end: it may be truncated" in told
    assert "unreadable audio 20" in told


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_a_table_that_lists_more_than_the_archive_has(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    whole = tarred(corpus, without="u03.wav")
    moved_into(corpus, f"a.{ending}").write_bytes(gzip.compress(whole) if ending == "tar.gz" else whole)
    told = found(corpus, recogniser, capsys)
    assert "missing file 1 1" in told
    assert f"a.{ending}::u03.wav: no such member; a.{ending} holds 19 files, the first 'u00.wav'" in told


@pytest.mark.parametrize("path", ["../audio/u03.wav", "/etc/passwd", "C:\\u03.wav", "audio/../../u03.wav", "s3://u/3"])
def test_paths_that_lead_out(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], path: str) -> None:
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("audio/u03.wav", path), encoding="utf-8")
    line = refused(corpus, recogniser, capsys)
    assert f"{table}: found the " in line
    assert path in line


def test_symbolic_links(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever puts a link into the root decides where it leads; nowhere and in circles are findings."""
    folder = corpus / "audio"
    (corpus.parent / "outside.wav").write_bytes((folder / "u00.wav").read_bytes())
    for name, target in {
        "u00": corpus.parent / "outside.wav",
        "u01": corpus / "none",
        "u02": folder / "u02.wav",
    }.items():
        (folder / f"{name}.wav").unlink()
        (folder / f"{name}.wav").symlink_to(target)
    told = found(corpus, recogniser, capsys)
    assert "missing file 1 1" in told
    assert "u02.wav: cannot be read: Too many levels of symbolic links" in told
    assert "u00: " not in told


def plain(text: str) -> bytes:
    return text.encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.encode("utf-16"), " (UTF-16): found bytes that are not UTF-8; expected a table in UTF-8"),
        (
            lambda text: plain(text) + "u99,s1,,caf\xe9,,,\n".encode("latin-1"),
            ": line 22: found bytes that are not UTF-8",
        ),
        (lambda text: plain(text).replace(b"\n", b"\r"), ": found lines that end in CR alone; expected LF or CRLF"),
        (lambda text: b"", ": cannot be read as a csv table: empty file; expected a header"),
        (lambda text: b"\n\n", ": cannot be read as a csv table"),
        (lambda text: bytes(range(256)) * 9, ": line 2: found bytes that are not UTF-8"),
        (lambda text: plain(text.replace(",age", ",accent")), ": found the column 'accent' twice; expected each once"),
        (lambda text: plain(text + "u99,s1\n"), ": line 22: found 2 fields; expected 7"),
        (lambda text: plain(text + "u99,s1,a.wav,well, well,north,f,young\n"), ": line 22: found 8 fields; expected 7"),
        (lambda text: plain(text.replace(",audio/", ',"audio/', 1)), "fields; expected 7 (if quotation marks are part"),
        (
            lambda text: plain(text.replace("reference", "refrence")),
            ": found no column 'reference', but 'refrence'; exp",
        ),
        (lambda text: plain(text.replace("accent", "acent")), "found no column 'accent', but 'acent'; expected one of"),
        (lambda text: plain(text.replace("audio/u03.wav", "audio/u03\0.wav")), "found the path 'audio/u03\\x00.wav'"),
        (lambda text: plain(text.splitlines()[0]), ": found no utterances; expected at least one"),
        (lambda text: plain(text + text.splitlines()[1] + "\n"), "more than once ('u00')"),
    ],
)
def test_tables_that_are_none(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], change: object, message: str
) -> None:
    assert callable(change)
    table = corpus / "people.csv"
    table.write_bytes(change(table.read_text(encoding="utf-8")))
    line = refused(corpus, recogniser, capsys)
    assert line.startswith(str(corpus))
    assert message in line


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n\n",
        lambda text: text.rstrip("\n"),
    ],
)
def test_tables_that_are_good(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], change: object
) -> None:
    assert callable(change)
    table = corpus / "people.csv"
    table.write_bytes(change(table.read_text(encoding="utf-8")).encode())
    assert call("validate", corpus, recogniser) == 0
    assert "20 utterances, 10 speakers, 20 files" in capsys.readouterr().out


def test_quotation_marks_in_common_voice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence with one mark neither swallows those after it nor loses the mark."""
    sentences = ['"Well', 'she said "no', 'no" he said', '""', "it's", '"all of it"']
    header = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\n"
    lines = [f"c{n % 3}\tclip{n}.mp3\t{sentence}\t2\t0\t\t\t\ten\n" for n, sentence in enumerate(sentences)]
    (tmp_path / "test.tsv").write_text(header + "".join(lines), encoding="utf-8")
    from asrfair.corpus import load_corpus

    assert load_corpus("common-voice", tmp_path).utterances["reference"].to_list() == sentences
    assert main(["validate", f"common-voice={tmp_path}", "--workers", "1"]) == 3
    assert "6 utterances, 3 speakers" in capsys.readouterr().out


def test_ids_that_differ_in_case_only(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("u03,s3", "U02,S2"), encoding="utf-8")
    assert call("validate", corpus, recogniser) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "ids differ in case only 2" in told
    assert "utterance_id: 'U02', 'u02'" in told
    assert call("run", corpus, recogniser) == 0


def test_audio_that_is_not_what_the_table_says(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus / "audio"
    table = corpus / "people.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    lines = [f"{lines[0]},start_s,end_s", *(f"{line},," for line in lines[1:])]
    lines[1] = lines[1][:-1] + "0.2,9"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "u01.wav").unlink()
    os.mkfifo(folder / "u01.wav")
    (folder / "u02.wav").write_bytes(b"")
    (folder / "u03.wav").write_bytes((folder / "u03.wav").read_bytes()[:999])
    (folder / "u04.wav").unlink()
    (folder / "u04.wav").mkdir()
    told = found(corpus, recogniser, capsys)
    assert call("run", corpus, recogniser) == 3
    assert "5 of 8 transcriptions failed" in capsys.readouterr().err
    assert "part not there 1 1" in told
    assert "u00.wav: found the part 0.2 s to 9 s; expected 0 ≤ start < end ≤ 0.5 s" in told
    assert "u01.wav: found a named pipe; expected a plain file" in told
    assert "u02.wav: empty file; expected audio" in told
    assert "u03.wav: truncated: " in told
    assert "u04.wav: cannot be read: Is a directory" in told


def test_a_pipe_for_a_table_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "table.csv")
    assert main(["score", str(tmp_path / "table.csv")]) == 2
    assert "table.csv: found a named pipe; expected a plain file" in capsys.readouterr().err


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Be nobody: root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_permission_denied(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    for folder in (corpus, *list(corpus.parents)[:-2]):
        folder.chmod(0o755)
    (corpus / "audio" / "u03.wav").chmod(0)
    request.getfixturevalue("unprivileged")
    assert call("validate", corpus, recogniser) == 3
    assert "u03.wav: cannot be read: Permission denied" in " ".join(capsys.readouterr().out.split())
    assert main(["validate", f"small.toml={corpus}"]) == 2


def test_an_empty_group_is_nobody(corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A level that the card maps and nobody has is no row, and a blank label is a row of its own."""
    table = corpus / "people.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",north,", ", ,"), encoding="utf-8")
    assert call("validate", corpus, recogniser) == 0
    assert call("run", corpus, recogniser) == 0
    told = capsys.readouterr().out
    assert "(unlabelled)" in told
    assert "\n  north " not in told


def test_a_table_larger_than_memory(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = delimited.free_bytes()
    assert free is None or free > 2**20
    monkeypatch.setattr(delimited, "free_bytes", lambda: 2**32)
    with (corpus / "people.csv").open("r+b") as file:
        file.truncate(3 * 10**9)
    line = refused(corpus, recogniser, capsys)
    assert (
        "found a table of 3.0 GB, which takes about 9.0 GB of memory, and 4.3 GB free; expected one that fits" in line
    )


def test_control_characters_do_not_reach_the_terminal(
    corpus: Path, recogniser: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = corpus / "people.csv"
    text = table.read_text(encoding="utf-8")
    for hostile, shown in {
        "\x1b]0;owned\x07": "\\x1b]0;owned\\x07",
        "\u202eevil": "\\u202eevil",
        "a\x9b2J": "a\\x9b2J",
    }.items():
        table.write_text(text.replace("audio/u03.wav", f"../{hostile}"), encoding="utf-8")
        assert f"'../{shown}'" in refused(corpus, recogniser, capsys)
