"""NeMo manifests, as docs.nvidia.com/nemo «Manifest Format» describes them."""

import gzip
from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

MANIFEST = """\
{"audio_filepath": "wavs/1355-0000.wav", "duration": 11.3, "text": "psychotherapy and", "speaker": "1355", "lang": "en"}
{"audio_filepath": "wavs/1355-0001.wav", "duration": 1.45, "text": "it is", "offset": 3.45, "accent": "us", "n": 2}

{"audio_filepath": "wavs/1355-0002.wav", "text": "", "speaker_id": "7", "accents": ["us", "scottish"], "pnc": true}
"""
LAYOUT = 'type = "nemo"\nfile = "{split}_manifest.json"\nsplit = "dev"'


@pytest.mark.parametrize("zipped", [False, True])
def test_a_manifest(put: Callable, load: Callable, zipped: bool) -> None:
    ending = ".gz" if zipped else ""
    content = gzip.compress(MANIFEST.encode()) if zipped else MANIFEST
    root = put({f"dev_manifest.json{ending}": content})
    layout = LAYOUT.replace(".json", f".json{ending}")
    table = load(layout, accent="accent", several="accents", pnc="pnc", n="n").utterances.drop("corpus", "channel")
    assert table.rows() == [
        ("wavs/1355-0000", "1355", "wavs/1355-0000.wav", None, None, "en", "psychotherapy and", None, None, None, None),
        ("wavs/1355-0001@3.45", None, "wavs/1355-0001.wav", 3.45, 4.9, "en", "it is", "us", None, None, "2"),
        ("wavs/1355-0002", "7", "wavs/1355-0002.wav", None, None, "en", "", None, "us|scottish", "true", None),
    ]
    single = load(layout.replace('split = "dev"', ""), root=root / f"dev_manifest.json{ending}").utterances
    assert single["audio"].to_list() == table["audio"].to_list()


def test_paths_are_relative_to_the_manifest(put: Callable, load: Callable) -> None:
    put({"lists/dev_manifest.json": MANIFEST})
    table = load(LAYOUT.replace('"{split}', '"lists/{split}')).utterances
    assert table["audio"][0] == "lists/wavs/1355-0000.wav"


def test_tarred_audio_and_other_keys(put: Callable, load: Callable) -> None:
    put({"m.json": '{"audio_filepath": "a.wav", "text": "x", "norm": "y", "shard_id": 3, "id": "u1", "who": "s"}\n'})
    layout = 'type = "nemo"\nfile = "m.json"\narchive = "audio_{shard_id}.tar"\n'
    table = load(layout + 'columns = { reference = "norm", speaker_id = "who" }').utterances
    assert table.select("utterance_id", "speaker_id", "audio", "reference").row(0) == (
        "u1",
        "s",
        "audio_3.tar::a.wav",
        "y",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"wavs/1355-0001.wav"', '["a.wav", "b.wav"]', r"dev_manifest\.json: line 2: found audio_filepath = \['a"),
        ('"wavs/1355-0001.wav"', "null", "line 2: found audio_filepath = None; expected the path of one audio file"),
        ('"wavs/1355-0001.wav"', '"/etc/passwd"', "found the path '/etc/passwd'; expected one that stays inside"),
        ('"wavs/1355-0001.wav"', '"../a.wav"', r"found the path '\.\./a\.wav'"),
        ('"offset": 3.45', '"offset": -1', "line 2: found the offset '-1'; expected seconds from 0"),
        ('"duration": 1.45', '"duration": "long"', "line 2: found the duration 'long'"),
        ('"text": "it is"', '"text": ', "line 2: found no JSON"),
        ("wavs/1355-0001.wav", "wavs/1355-0000.wav", None),
    ],
)
def test_bad_manifests(put: Callable, load: Callable, old: str, new: str, message: str | None) -> None:
    assert old in MANIFEST
    put({"dev_manifest.json": MANIFEST.replace(old, new)})
    if message is None:
        assert load(LAYOUT).utterances["utterance_id"].to_list()[1] == "wavs/1355-0000@3.45"
        return
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


def test_nothing_to_read(put: Callable, load: Callable) -> None:
    root = put({"dev_manifest.json": "\n"})
    with pytest.raises(AsrfairError, match="found no utterances; expected at least one"):
        load(LAYOUT)
    with pytest.raises(AsrfairError, match=r"looked for test_manifest\.json; found dev_manifest\.json"):
        load(LAYOUT, split="test")
    with pytest.raises(AsrfairError, match="found the split 'dev'; expected none"):
        load('type = "nemo"\nfile = "dev_manifest.json"', split="dev")
    with pytest.raises(AsrfairError, match="unknown name 'audio'"):
        load('type = "nemo"\ncolumns = { audio = "x" }', root=root / "dev_manifest.json")


def test_a_split_where_there_is_none_is_refused_and_a_default_is_not(put: Callable, load: Callable) -> None:
    root = put({"m.json": MANIFEST, "dev_manifest.json": MANIFEST})
    single = 'type = "nemo"\nfile = "m.json"\nsplit = "test"'
    assert len(load(single).utterances) == 3
    with pytest.raises(AsrfairError, match="found the split 'train'; expected none"):
        load(single, split="train")
    assert len(load(LAYOUT, root=root / "dev_manifest.json").utterances) == 3
    with pytest.raises(AsrfairError, match="found the split 'dev'; expected none"):
        load(LAYOUT, root=root / "dev_manifest.json", split="dev")


def test_parts_that_begin_late_have_names_of_their_own(put: Callable, load: Callable) -> None:
    line = '{"audio_filepath": "a.wav", "text": "x", "offset": %s, "duration": 1}\n'
    put({"m.json": line % 12345.01 + line % 12345.04})
    ids = load('type = "nemo"\nfile = "m.json"').utterances["utterance_id"].to_list()
    assert ids == ["a@12345.01", "a@12345.04"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{"audio_filepath": ".", "text": "x"}', "line 1: found audio_filepath = '.'"),
        ('{"audio_filepath": "/", "text": "x"}', "line 1: found audio_filepath = '/'"),
        ('{"audio_filepath": "a/..", "text": "x"}', r"found the path 'a/\.\.'; expected the path of a file"),
        ('{"audio_filepath": "a.wav", "text": "\\ud83d"}', r"line 1: found the code \\ud83d alone, half a character"),
        (f'{{"audio_filepath": "a.wav", "text": "x", "offset": {"1" * 400}}}', "line 1: found the offset '1111"),
    ],
)
def test_values_that_nothing_else_takes(put: Callable, load: Callable, entry: str, message: str) -> None:
    put({"m.json": entry})
    with pytest.raises(AsrfairError, match=message):
        load('type = "nemo"\nfile = "m.json"')
