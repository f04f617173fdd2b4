"""Audio addresses: members of archives and rows of Parquet files, read where they lie."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from asrfair import archives, sounds
from asrfair.audio import inspect_audio, read_audio
from asrfair.errors import InputError
from asrfair.parquet import read_row_audio
from asrfair.sounds import find_sound, fingerprint, split_address

RATE_HZ = 16000
NAMES = ("clips/a.wav", "clips/b.flac", "clips/deep/c.mp3", "clips/é ::d.wav", "clips/e.sph")


def coded(name: str, samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    kind = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "sph": "NIST"}[name.rsplit(".", 1)[1]]
    soundfile.write(file, samples, RATE_HZ, format=kind, subtype="MPEG_LAYER_III" if kind == "MP3" else "PCM_16")
    return file.getvalue()


def noise(seed: int, seconds: float = 0.2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE_HZ)).astype(np.float32)


FILES = {name: coded(name, noise(seed)) for seed, name in enumerate(NAMES)}


def tarred(files: Mapping[str, bytes], *, prefix: str = "", kind: int = tarfile.PAX_FORMAT) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=kind) as archive:
        folder = tarfile.TarInfo(f"{prefix}clips")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return whole.getvalue()


def zipped(files: Mapping[str, bytes], method: int) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.mkdir("clips")
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


ARCHIVES: dict[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "a.tar": tarred,
    "gnu.tar": lambda files: tarred(files, prefix="./", kind=tarfile.GNU_FORMAT),
    "a.tar.gz": lambda files: gzip.compress(tarred(files)),
    "A.TGZ": lambda files: gzip.compress(tarred(files)),
    "gzipped_by_another_name.tar": lambda files: gzip.compress(tarred(files)),
    "plain_by_another_name.tar.gz": tarred,
    "stored.zip": lambda files: zipped(files, zipfile.ZIP_STORED),
    "deflated.zip": lambda files: zipped(files, zipfile.ZIP_DEFLATED),
}


def refusal(path: Path | str, *, by_header: bool = True) -> str:
    messages = set()
    for read in (lambda: read_audio(path, sample_rate=RATE_HZ), lambda: inspect_audio(path))[: 1 + by_header]:
        with pytest.raises(InputError) as caught:
            read()
        messages.add(str(caught.value))
    (message,) = messages
    assert "\n" not in message
    return message


@pytest.mark.parametrize("window_bytes", [0, 4 << 20])
@pytest.mark.parametrize("name", ARCHIVES)
def test_members_are_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, window_bytes: int) -> None:
    monkeypatch.setattr(sounds, "WINDOW_BYTES", window_bytes)
    archive = tmp_path / name
    archive.write_bytes(ARCHIVES[name](FILES))
    there = sorted(tmp_path.iterdir())
    for member, data in reversed(FILES.items()):
        plain = tmp_path.parent / f"plain.{member.rsplit('.', 1)[1]}"
        plain.write_bytes(data)
        address = archive.parent / f"{archive.name}::{member}"
        for given in (address, str(address), f"{archive}::./{member}"):
            wanted, read = read_audio(plain, sample_rate=8000), read_audio(given, sample_rate=8000)
            np.testing.assert_array_equal(read.samples, wanted.samples)
            assert read.notes == wanted.notes
            assert inspect_audio(given) == inspect_audio(plain)
        part = {"sample_rate": RATE_HZ, "start_s": 0.05, "end_s": 0.1}
        np.testing.assert_array_equal(read_audio(address, **part).samples, read_audio(plain, **part).samples)
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("name", ARCHIVES)
def test_checks_of_the_bytes_work_on_members(tmp_path: Path, name: str) -> None:
    sphere = FILES["clips/e.sph"]
    shortened = sphere.replace(b"sample_coding -s3 pcm", b"sample_coding -s26 pcm,embedded-shorten-v2.00", 1)
    files = {
        "misnamed.wav": sphere,
        "cut.wav": FILES["clips/a.wav"][:1000],
        "cut.flac": FILES["clips/b.flac"][:1000],
        "shortened.wav": shortened,
        "empty.wav": b"",
        "words.wav": b"no audio in here, only words",
        "page.raw": b"headerless",
    }
    archive = tmp_path / name
    archive.write_bytes(ARCHIVES[name](files))
    misnamed = read_audio(f"{archive}::misnamed.wav", sample_rate=RATE_HZ)
    assert misnamed.notes == ("NIST SPHERE file named .wav",)
    assert refusal(f"{archive}::cut.wav") == (
        f"{archive}::cut.wav: truncated: 6400 bytes of samples promised, 956 there"
    )
    with pytest.raises(InputError, match="truncated"):
        read_audio(f"{archive}::cut.flac", sample_rate=RATE_HZ)
    assert refusal(f"{archive}::empty.wav") == f"{archive}::empty.wav: empty file; expected audio"
    for bad in ("words.wav", "page.raw"):
        assert refusal(f"{archive}::{bad}").startswith(f"{archive}::{bad}: not readable as audio; expected WAV")
    if shortened != sphere:
        assert "sph2pipe" in refusal(f"{archive}::shortened.wav")


@pytest.mark.parametrize("name", ARCHIVES)
def test_members_that_are_not_there(tmp_path: Path, name: str) -> None:
    archive = tmp_path / name
    archive.write_bytes(ARCHIVES[name](FILES))
    assert refusal(f"{archive}::a.wav") == (
        f"{archive}::a.wav: no such member; {name} holds 5 files, the first 'clips/a.wav'"
    )
    assert "no such member" in refusal(f"{archive}::clips")
    for climbing in ("../a.wav", "clips/../../a.wav", "/etc/passwd", "clips\\..\\a.wav"):
        assert refusal(f"{archive}::{climbing}") == (
            f"{archive}::{climbing}: found a member that climbs out of its archive; expected a path inside it"
        )
    assert "no member after '::'" in refusal(f"{archive}::")
    assert refusal(f"{tmp_path}/none{name}::a.wav") == f"{tmp_path}/none{name}::a.wav: no such file"


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_cut_short_or_none_at_all(tmp_path: Path, name: str) -> None:
    archive = tmp_path / name
    files = {f"{number}.wav": coded("a.wav", noise(number)) for number in range(6)}
    whole = ARCHIVES[name](files)
    archive.write_bytes(whole[: len(whole) // 2])
    last = refusal(f"{archive}::5.wav")
    if name.endswith(".zip"):
        assert last.startswith(f"{archive}: found no whole zip archive")
    else:
        assert last.startswith(f"{archive}::5.wav: no such member among the ")
        assert f"{name} is truncated or damaged" in last
        # What came before the cut can be read.
        np.testing.assert_array_equal(
            read_audio(f"{archive}::0.wav", sample_rate=RATE_HZ).samples,
            soundfile.read(io.BytesIO(files["0.wav"]), dtype="float32")[0],
        )
    for content in (b"", b"<html>no such page</html>" * 100, whole[:100]):
        archive.write_bytes(content)
        message = refusal(f"{archive}::0.wav")
        assert message.startswith(f"{archive}: ")
        assert ("empty file" if not content else "archive") in message


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_member_that_the_archive_ends_in(tmp_path: Path, name: str) -> None:
    text = tarred({"0.wav": FILES["clips/a.wav"], "1.wav": FILES["clips/a.wav"]})
    cut = text[: text.rindex(b"RIFF") + 500]
    archive = tmp_path / name
    archive.write_bytes(gzip.compress(cut) if name.endswith("gz") else cut)
    assert len(read_audio(f"{archive}::0.wav", sample_rate=RATE_HZ).samples) == 3200
    assert refusal(f"{archive}::1.wav").startswith(f"{archive}::1.wav: truncated")


def test_a_tar_that_ends_between_members_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    text = tarred({"0.wav": FILES["clips/a.wav"], "1.wav": FILES["clips/a.wav"]})
    archive.write_bytes(text[: text.rindex(b"1.wav")])
    assert "truncated or damaged (its end mark is missing)" in refusal(f"{archive}::1.wav")


def test_links_inside_a_tar(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as writer:
        info = tarfile.TarInfo("clips/a.wav")
        info.size = len(FILES["clips/a.wav"])
        writer.addfile(info, io.BytesIO(FILES["clips/a.wav"]))
        for name, kind, target in (
            ("hard.wav", tarfile.LNKTYPE, "clips/a.wav"),
            ("sets/soft.wav", tarfile.SYMTYPE, "../clips/a.wav"),
            ("twice.wav", tarfile.SYMTYPE, "hard.wav"),
            ("out.wav", tarfile.SYMTYPE, "../../etc/passwd"),
            ("round.wav", tarfile.SYMTYPE, "round.wav"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            writer.addfile(link)
    for name in ("hard.wav", "sets/soft.wav", "twice.wav"):
        assert len(read_audio(f"{archive}::{name}", sample_rate=RATE_HZ).samples) == 3200
    for name in ("out.wav", "round.wav"):
        assert "no such member" in refusal(f"{archive}::{name}")


def test_the_last_of_two_members_of_a_name_counts(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(tarred({"a.wav": FILES["clips/a.wav"], "./a.wav": coded("a.wav", noise(1, 0.5))}))
    assert inspect_audio(f"{archive}::a.wav").duration_s == 0.5


def test_an_archive_that_changes_is_read_anew(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(tarred({"a.wav": FILES["clips/a.wav"]}))
    assert inspect_audio(f"{archive}::a.wav").duration_s == 0.2
    archive.write_bytes(tarred({"b.wav": FILES["clips/a.wav"], "a.wav": coded("a.wav", noise(1, 0.5))}))
    assert inspect_audio(f"{archive}::a.wav").duration_s == 0.5


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "stored.zip"])
def test_headers_are_read_once_for_all_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    archive = tmp_path / name
    archive.write_bytes(ARCHIVES[name](FILES))
    opened: list[object] = []
    for module, owner in ((tarfile, "TarFile"), (zipfile, "ZipFile")):
        kind = getattr(module, owner)
        start = kind.__init__
        monkeypatch.setattr(
            kind, "__init__", lambda self, *a, _s=start, **k: (opened.append(self), _s(self, *a, **k))[1]
        )
    for _ in range(3):
        for member in FILES:
            read_audio(f"{archive}::{member}", sample_rate=RATE_HZ)
    assert len(opened) == 1


def test_encrypted_zip(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    whole = bytearray(zipped({"a.wav": FILES["clips/a.wav"]}, zipfile.ZIP_STORED))
    # The flags in the local header and in the directory.
    for at in (whole.index(b"a.wav") - 24, whole.rindex(b"a.wav") - 38):
        whole[at] |= 1
    archive.write_bytes(whole)
    with zipfile.ZipFile(archive) as opened, pytest.raises(RuntimeError, match="encrypted"):
        opened.read("a.wav")
    assert refusal(f"{archive}::a.wav") == (
        f"{archive}::a.wav: found an encrypted member; expected one that opens without a password"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_zip_members(tmp_path: Path, method: int) -> None:
    archive = tmp_path / "a.zip"
    whole = bytearray(zipped({"a.wav": FILES["clips/a.wav"]}, method))
    whole[2000] ^= 0xFF
    archive.write_bytes(whole)
    # A header is decompressed without what lies behind it.
    by_header = method == zipfile.ZIP_STORED
    assert refusal(f"{archive}::a.wav", by_header=by_header).startswith(f"{archive}::a.wav: damaged: ")
    whole[whole.rindex(b"PK\x03\x04")] = 0
    archive.write_bytes(whole)
    assert "no member where its directory says" in refusal(f"{archive}::a.wav")


def test_zip_method_that_is_not_read(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"a.wav": FILES["clips/a.wav"]}, zipfile.ZIP_LZMA))
    assert "found the zip method 14; expected stored (0) or deflated (8)" in refusal(f"{archive}::a.wav")


def test_other_archives_and_plain_names_with_colons(tmp_path: Path) -> None:
    assert "expected one of: .tar, .tar.gz, .tgz, .zip, .parquet" in refusal(tmp_path / "a.tar.bz2::a.wav")
    plain = tmp_path / "talk::1.wav"
    plain.write_bytes(FILES["clips/a.wav"])
    assert inspect_audio(plain).duration_s == 0.2
    assert split_address("x/a.tar::b.zip::c.wav") == (Path("x/a.tar"), "b.zip::c.wav")
    assert split_address("x::1/a.tar::b.wav") == (Path("x::1/a.tar"), "b.wav")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Seven rows in groups of three, with bytes in columns of several forms."""
    path = tmp_path / "train-00000.parquet"
    clips = [coded("a.wav", noise(row, 0.1 * (row + 1))) for row in range(6)]
    pl.DataFrame(
        {
            "audio": [*({"bytes": data, "path": f"{row}.wav"} for row, data in enumerate(clips)), None],
            "sphere": [{"bytes": FILES["clips/e.sph"], "path": "e.wav"}] * 7,
            "context": [*clips, clips[0]],
            "gone": [{"bytes": None, "path": "cv/7.mp3"}] * 7,
            "text": ["words"] * 7,
        },
        schema_overrides={"gone": pl.Struct({"bytes": pl.Binary, "path": pl.String})},
    ).write_parquet(path, row_group_size=3)
    return path


def test_parquet_rows(table: Path) -> None:
    for row in (5, 0, 3, 1):
        wanted = soundfile.read(io.BytesIO(coded("a.wav", noise(row, 0.1 * (row + 1)))), dtype="float32")[0]
        for place in (f"{row}", f"{row}::audio", f"{row}::context"):
            np.testing.assert_array_equal(read_audio(f"{table}::{place}", sample_rate=RATE_HZ).samples, wanted)
        assert find_sound(table.parent / f"{table.name}::{row}").name == f"{row}.wav"
    assert read_audio(f"{table}::2::sphere", sample_rate=RATE_HZ).notes == ("NIST SPHERE file named .wav",)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("7", "found no row 7; expected 0 to 6"),
        ("-1", "found the row '-1'; expected a whole number from 0"),
        ("x", "found the row 'x'; expected a whole number from 0"),
        ("²", "found the row '²'; expected a whole number from 0"),
        ("6", "found no bytes; expected embedded audio"),
        ("0::gone", "found no bytes (only the path 'cv/7.mp3'); expected embedded audio"),
        ("0::text", "found a column without bytes; expected a struct with 'bytes', or binary"),
        ("0::sound", "found no column 'sound'; expected one of: audio, sphere, context, gone, text"),
    ],
)
def test_parquet_rows_that_are_not_there(table: Path, place: str, message: str) -> None:
    assert refusal(f"{table}::{place}") == f"{table}::{place}: {message}"


def test_parquet_files_that_are_none(table: Path) -> None:
    whole = table.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"words", whole[:-8] + bytes(8)):
        table.write_bytes(content)
        assert refusal(f"{table}::0").startswith(f"{table}: found no Parquet file that can be read (")
    table.unlink()
    assert refusal(f"{table}::0") == f"{table}::0: no such file"


def test_parquet_is_read_in_blocks(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from asrfair import parquet

    monkeypatch.setattr(parquet, "BLOCK_BYTES", table.stat().st_size // 3)
    parquet._block.cache_clear()
    for row in (0, 1, 2, 3, 4, 5, 4, 2):
        data, _ = read_row_audio(table, str(row))
        assert data == coded("a.wav", noise(row, 0.1 * (row + 1)))
    assert parquet._block.cache_info().misses == 3


def test_fingerprints(tmp_path: Path, table: Path) -> None:
    sizes = {}
    for name in ARCHIVES:
        archive = tmp_path / name
        archive.write_bytes(ARCHIVES[name](FILES))
        before = fingerprint(f"{archive}::clips/a.wav")
        if name in ("a.tar", "gnu.tar", "gzipped_by_another_name.tar"):
            assert before == str(len(FILES["clips/a.wav"]))
        longer = {**FILES, "clips/a.wav": coded("a.wav", noise(9, 0.25))}
        archive.write_bytes(ARCHIVES[name](longer))
        sizes[name] = fingerprint(f"{archive}::clips/a.wav")
        assert sizes[name] not in (before, "-1")
        # Where a file lies and when it was written changes nothing.
        moved = tmp_path / "moved" / name
        moved.parent.mkdir(exist_ok=True)
        moved.write_bytes(archive.read_bytes())
        os.utime(moved, (1, 1))
        assert fingerprint(f"{moved}::clips/a.wav") == sizes[name]
        if not name.lower().endswith((".gz", ".tgz")):
            assert fingerprint(f"{archive}::none.wav") == "-1"
    plain = tmp_path / "a.wav"
    plain.write_bytes(FILES["clips/a.wav"])
    assert fingerprint(plain) == str(len(FILES["clips/a.wav"]))
    assert fingerprint(tmp_path / "none.wav") == fingerprint(tmp_path / "none.tar::a.wav") == "-1"
    before = fingerprint(f"{table}::0")
    pl.read_parquet(table).with_columns(text=pl.lit("other words")).write_parquet(table, row_group_size=3)
    assert fingerprint(f"{table}::0") not in (before, "-1")


@pytest.mark.parametrize("name", ["a.tar.gz", "deflated.zip"])
def test_headers_of_compressed_members_cost_no_decompression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A tone behind a WAV header: what the header says is what the file says, from the first bytes alone."""
    files = {f"{number}.wav": wave_of(0.2 + number / 10) for number in range(20)}
    files["long header.wav"] = with_chunk(files["0.wav"], size=archives.HEAD_BYTES)
    archive = tmp_path / name
    archive.write_bytes(gzip.compress(tarred(files)) if name.endswith("gz") else zipped(files, zipfile.ZIP_DEFLATED))
    (tmp_path / "plain").mkdir()
    wanted = {}
    for member, data in files.items():
        (tmp_path / "plain" / member).write_bytes(data)
        wanted[member] = inspect_audio(tmp_path / "plain" / member)
    taken: list[str] = []
    read = sounds.read_member
    monkeypatch.setattr(sounds, "read_member", lambda index, member: taken.append(member) or read(index, member))
    assert {member: inspect_audio(f"{archive}::{member}") for member in files} == wanted
    assert taken == ["long header.wav"]
    assert len(read_audio(f"{archive}::3.wav", sample_rate=RATE_HZ).samples) == round(0.5 * RATE_HZ)
    assert taken == ["long header.wav", "3.wav"]


def test_the_beginnings_that_are_kept_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "HEADS_BYTES", 3 * archives.HEAD_BYTES)
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(tarred({f"{number}.wav": wave_of(0.1) for number in range(5)})))
    index = archives.index_archive(archive, archives.TAR_GZ)
    assert [archives.read_head(index, f"{number}.wav") is None for number in range(5)] == [False] * 3 + [True] * 2
    assert {inspect_audio(f"{archive}::{number}.wav").duration_s for number in range(5)} == {0.1}


def wave_of(seconds: float) -> bytes:
    whole = io.BytesIO()
    soundfile.write(whole, np.sin(np.arange(round(seconds * RATE_HZ)) / 7), RATE_HZ, format="WAV")
    return whole.getvalue()


def with_chunk(data: bytes, *, size: int) -> bytes:
    return data[:12] + b"junk" + size.to_bytes(4, "little") + bytes(size) + data[12:]


@pytest.mark.parametrize("size", [b"\xff" * 11 + b"\xf0", b"\x80\0\0\0" + b"\xff" * 8], ids=["negative", "huge"])
@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_sizes_that_no_file_has(tmp_path: Path, size: bytes, ending: str) -> None:
    whole = tarred({"a.wav": FILES["clips/a.wav"]}, kind=tarfile.USTAR_FORMAT)
    # The folder's header is the first, the file's the second.
    header = bytearray(whole[512:1024])
    header[124:136] = size
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    odd = bytes(header) + whole[1024:]
    archive = tmp_path / f"a.{ending}"
    archive.write_bytes(gzip.compress(odd) if ending == "tar.gz" else odd)
    assert "a member of " in refusal(f"{archive}::a.wav")
    archive.write_bytes(gzip.compress(whole[:512] + odd) if ending == "tar.gz" else whole[:512] + odd)
    assert refusal(f"{archive}::a.wav").startswith(f"{archive}")


def zip64(size: int, packed: int) -> bytes:
    """A zip file whose directory gives a member's sizes in 64 bits."""
    whole = zipped({"a.wav": FILES["clips/a.wav"]}, zipfile.ZIP_DEFLATED)
    start = whole.rindex(b"PK\1\2")
    entry, end = bytearray(whole[start : start + 46]), bytearray(whole[whole.index(b"PK\5\6") :])
    more = struct.pack("<HHQQ", 1, 16, size, packed)
    entry[20:28], entry[30:32] = b"\xff" * 8, struct.pack("<H", len(more))
    end[8:12] = struct.pack("<HH", 1, 1)
    end[12:20] = struct.pack("<II", 46 + 5 + len(more), start)
    return whole[:start] + bytes(entry) + b"a.wav" + more + bytes(end)


@pytest.mark.parametrize(
    ("size", "packed", "message"),
    [
        (6444, 2**62, "truncated: 4611686018427387904 bytes promised, "),
        (2**63, 1000, "damaged"),
        (2**64 - 1, 1000, "damaged"),
    ],
)
def test_sizes_that_no_member_has(tmp_path: Path, size: int, packed: int, message: str) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zip64(size, packed))
    with pytest.raises(InputError, match=message):
        read_audio(f"{archive}::a.wav", sample_rate=RATE_HZ)


def test_odd_names_and_places_in_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    whole = zipped({"é.wav": FILES["clips/a.wav"]}, zipfile.ZIP_STORED)
    archive.write_bytes(whole.replace("é".encode(), b"\xc3\xc3"))
    assert "found no whole zip archive" in refusal(f"{archive}::a.wav")
    whole = zipped({"a.wav": FILES["clips/a.wav"]}, zipfile.ZIP_STORED)
    end = bytearray(whole[whole.index(b"PK\5\6") :])
    end[16:20] = struct.pack("<I", int.from_bytes(end[16:20], "little") + 2000)
    archive.write_bytes(whole[: whole.index(b"PK\5\6")] + end)
    assert "found no whole zip archive" in refusal(f"{archive}::a.wav")
    nameless = io.BytesIO()
    with zipfile.ZipFile(nameless, "w") as writer:
        writer.writestr("a.wav", FILES["clips/a.wav"])
        writer.writestr(zipfile.ZipInfo("b"), b"")
        writer.infolist()[1].filename = ""
    archive.write_bytes(nameless.getvalue())
    assert inspect_audio(f"{archive}::a.wav").duration_s == 0.2


def test_a_file_in_place_of_a_link_of_its_name(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as writer:
        for name, target in (("x.wav", "old.wav"), ("y.wav", "x.wav")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            writer.addfile(link)
        for name, seconds in (("old.wav", 0.2), ("x.wav", 0.5)):
            data = coded(name, noise(1, seconds))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    assert [inspect_audio(f"{archive}::{name}").duration_s for name in ("x.wav", "y.wav")] == [0.5, 0.5]


def test_a_large_member_that_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "WINDOW_BYTES", 0)
    archive = tmp_path / "a.tar"
    # Of a whole WAV inside a cut member nothing else would tell.
    whole = tarred({"a.wav": FILES["clips/a.wav"] + bytes(5000)})
    archive.write_bytes(whole[: 1024 + len(FILES["clips/a.wav"]) + 10])
    assert f"truncated: {len(FILES['clips/a.wav']) + 5000} bytes promised" in refusal(f"{archive}::a.wav")


@pytest.mark.parametrize("read", [inspect_audio, lambda path: read_row_audio(*split_address(path))])
def test_a_panic_is_a_damaged_file(table: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]) -> None:
    def panic(*given: object, **named: object) -> None:
        raise pl.exceptions.PanicException("out of bounds")

    monkeypatch.setattr(pl, "scan_parquet", panic)
    with pytest.raises(InputError, match=r"found no Parquet file that can be read \(out of bounds\)"):
        read(f"{table}::0")
