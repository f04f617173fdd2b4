"""What counts as a recording: folders, tables, single files, and the layouts of ESC-50, MUSAN and DEMAND."""

from pathlib import Path

import pytest

from asrfair.audio import read_audio
from asrfair.condition.recordings import list_recordings
from asrfair.errors import InputError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def listed(path: Path, *classes: str) -> list[tuple[str, str | None]]:
    return [(found.name, found.kind) for found in list_recordings(path, classes=classes)]


def test_folder(tmp_path: Path) -> None:
    make(tmp_path, "b.wav", "a/z.FLAC", "a/y.ogg", "readme.txt", "c.wav.bak", ".hidden.wav", "._a.wav", ".trash/d.wav")
    (tmp_path / "folder.wav").mkdir()
    assert listed(tmp_path) == [("a/y.ogg", "a"), ("a/z.FLAC", "a"), ("b.wav", None)]
    assert list_recordings(tmp_path)[0].path == tmp_path / "a" / "y.ogg"
    assert listed(tmp_path, "a") == [("a/y.ogg", "a"), ("a/z.FLAC", "a")]


def test_single_file(tmp_path: Path) -> None:
    make(tmp_path, "floor.wav")
    assert listed(tmp_path / "floor.wav") == [("floor.wav", None)]
    with pytest.raises(InputError, match="no recordings of class 'rain'; there is none to choose from"):
        listed(tmp_path / "floor.wav", "rain")


def test_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such folder; expected one with recordings, or a file ending in"):
        listed(tmp_path / "none")
    make(tmp_path, "readme.md")
    with pytest.raises(InputError, match=r"found no recordings; expected files ending in \.aif"):
        listed(tmp_path)
    with pytest.raises(InputError, match=r"readme\.md: no such folder; expected one with recordings, or a file"):
        listed(tmp_path / "readme.md")


def test_musan(tmp_path: Path) -> None:
    make(
        tmp_path,
        "music/fma/music-fma-0000.wav",
        "music/fma/LICENSE",
        "noise/free-sound/noise-free-sound-0000.wav",
        "noise/sound-bible/noise-sound-bible-0000.wav",
        "speech/us-gov/speech-us-gov-0000.wav",
    )
    noises = [
        ("noise/free-sound/noise-free-sound-0000.wav", "noise/free-sound"),
        ("noise/sound-bible/noise-sound-bible-0000.wav", "noise/sound-bible"),
    ]
    assert listed(tmp_path, "noise") == noises
    assert listed(tmp_path, "free-sound") == noises[:1]
    assert listed(tmp_path, "noise/sound-bible") == noises[1:]
    assert listed(tmp_path, "sound-bible", "free-sound") == noises
    assert len(listed(tmp_path)) == 4
    with pytest.raises(InputError, match=r"no recordings of class 'rain'; expected one of: fma, free-sound, music, "):
        listed(tmp_path, "noise", "rain")


def test_demand(tmp_path: Path) -> None:
    rooms = [f"{room}/ch{channel:02}.wav" for room in ("DKITCHEN", "PCAFETER") for channel in range(1, 17)]
    # A folder with another name among them holds more than the channels of one sound.
    make(tmp_path, *rooms, "mine/ch01.wav", "mine/ch02.wav", "mine/other.wav", "late/ch02.wav", "late/ch03.wav")
    mine = [(f"mine/{name}.wav", "mine") for name in ("ch01", "ch02", "other")]
    late = [(f"late/{name}.wav", "late") for name in ("ch02", "ch03")]
    room = [(f"{name}/ch01.wav", name) for name in ("DKITCHEN", "PCAFETER")]
    assert listed(tmp_path) == [*room, *late, *mine]
    assert listed(tmp_path, "PCAFETER") == room[1:]
    assert listed(tmp_path / "DKITCHEN") == [("ch01.wav", None)]


def test_esc50(tmp_path: Path) -> None:
    make(tmp_path, "audio/1-100032-A-0.wav", "audio/1-100038-A-14.wav", "audio/left-out.wav", "meta/esc50.csv")
    (tmp_path / "meta/esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100038-A-14.wav,1,14,chirping_birds,False,100038,A\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
    )
    assert listed(tmp_path) == [("1-100032-A-0.wav", "dog"), ("1-100038-A-14.wav", "chirping_birds")]
    assert list_recordings(tmp_path, classes=("dog",))[0].path == tmp_path / "audio" / "1-100032-A-0.wav"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "class,path\nstreet,b.wav\n,sub/a.wav\n"),
        ("t.tsv", "file\tlabel\nb.wav\tstreet\nsub/a.wav\t\n"),
        ("t.jsonl", '{"filename": "b.wav", "category": "street"}\n{"filename": "sub/a.wav", "category": null}\n'),
    ],
)
def test_table(tmp_path: Path, name: str, text: str) -> None:
    make(tmp_path, "b.wav", "sub/a.wav", "left-out.wav")
    (tmp_path / name).write_text(text)
    assert listed(tmp_path / name) == [("b.wav", "street"), ("sub/a.wav", None)]
    assert listed(tmp_path / name, "street") == [("b.wav", "street")]
    assert list_recordings(tmp_path / name)[1].path == tmp_path / "sub" / "a.wav"


def test_table_of_paths_elsewhere(tmp_path: Path) -> None:
    make(tmp_path, "sounds/a.wav", "tables/t.csv")
    (tmp_path / "tables/t.csv").write_text(f"path\n{tmp_path / 'sounds/a.wav'}\n../sounds/a.wav\n")
    assert all(found.path.samefile(tmp_path / "sounds/a.wav") for found in list_recordings(tmp_path / "tables/t.csv"))


def test_bad_tables(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("sound,class\na.wav,street\n")
    with pytest.raises(InputError, match=r"t\.csv: found columns sound, class; expected path or file or filename"):
        listed(table)
    table.write_text("path\na.wav\n")
    with pytest.raises(InputError, match=r"t\.csv: found 'a\.wav', which is no file in"):
        listed(table)
    table.write_text("path\n")
    with pytest.raises(InputError, match=r"t\.csv: found no rows; expected recordings"):
        listed(table)
    table.write_bytes(b"path\n\xff.wav\n")
    with pytest.raises(InputError, match=r"t\.csv: line 2: found bytes that are not UTF-8"):
        listed(table)
    table.write_text("path,class\na.wav\n")
    with pytest.raises(InputError, match=r"t\.csv: line 2: found 1 fields; expected 2"):
        listed(table)


def test_real_sounds(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "esc10"
    found = list_recordings(folder)
    assert len(found) == 80
    assert {recording.kind for recording in found if recording.name.startswith("002")} == {"002 - Rain"}
    rain = list_recordings(folder, classes=("002 - Rain",))
    assert len(rain) == 8
    assert read_audio(rain[0].path, sample_rate=16000).samples.any()
    rows = [f"{recording.path}\t{recording.kind}" for recording in found]
    (tmp_path / "sounds.tsv").write_text("\n".join(["path\tclass", *rows]))
    in_table = list_recordings(tmp_path / "sounds.tsv", classes=("002 - Rain",))
    assert [recording.path for recording in in_table] == [recording.path for recording in rain]
