"""Lhotse manifests: recordings and supervisions, and cuts, in the fields of lhotse's own classes."""

import gzip
import importlib.util
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrfair.errors import AsrfairError


def source(path: str, channels: list[int], kind: str = "file") -> dict[str, Any]:
    return {"type": kind, "channels": channels, "source": path}


def recording(name: str, sources: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": name, "sources": sources, "sampling_rate": 16000, "num_samples": 160000, "duration": 10.0, **more}


RECORDINGS = [
    recording("mono", [source("audio/mono.wav", [0])], channel_ids=[0]),
    recording("stereo", [source("audio/stereo.wav", [0, 1])], channel_ids=[0, 1]),
    recording("array", [source("audio/left.wav", [0]), source("audio/right.wav", [1])], channel_ids=[0, 1]),
]
SUPERVISIONS = [
    {"id": "s1", "recording_id": "mono", "start": 0.0, "duration": 10.0, "channel": 0, "text": "whole", "speaker": "a"},
    {"id": "s2", "recording_id": "mono", "start": 1.25, "duration": 2.5, "channel": 0, "text": "part", "gender": "F"},
    {"id": "s3", "recording_id": "stereo", "start": 0, "duration": 10, "channel": 1, "text": "right", "language": "cy"},
    {"id": "s4", "recording_id": "stereo", "start": 0, "duration": 10, "channel": [0, 1], "text": "both"},
    {
        "id": "s5",
        "recording_id": "array",
        "start": 0,
        "duration": 5,
        "channel": [1],
        "custom": {"accent": "us", "n": 1},
    },
]
LAYOUT = 'type = "lhotse"'


def lines(entries: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()


def put_manifests(put: Callable, supervisions: list[dict[str, Any]], recordings: list[dict[str, Any]]) -> None:
    put(
        {
            "recordings.jsonl.gz": gzip.compress(lines(recordings)),
            "supervisions.jsonl.gz": gzip.compress(lines(supervisions)),
        }
    )


def test_recordings_and_supervisions(put: Callable, load: Callable) -> None:
    put_manifests(put, SUPERVISIONS, RECORDINGS)
    table = load(LAYOUT, accent="accent", gender="gender").utterances.drop("corpus", "language")
    assert table.rows() == [
        ("s1", "a", "audio/mono.wav", None, None, None, "whole", None, None),
        ("s2", None, "audio/mono.wav", 1.25, 3.75, None, "part", None, "F"),
        ("s3", None, "audio/stereo.wav", None, None, 1, "right", None, None),
        ("s4", None, "audio/stereo.wav", None, None, None, "both", None, None),
        ("s5", None, "audio/right.wav", 0.0, 5.0, None, None, "us", None),
    ]


def test_cuts_count_from_their_own_start(put: Callable, load: Callable) -> None:
    cut = {
        "id": "c1",
        "start": 2.0,
        "duration": 4.0,
        "channel": 0,
        "type": "MonoCut",
        "custom": {"dataset": "x"},
        "recording": RECORDINGS[1],
        "supervisions": [
            {"id": "s1", "recording_id": "stereo", "start": 0.5, "duration": 1.0, "channel": 0, "text": "one"},
            {"id": "s2", "recording_id": "stereo", "start": -0.5, "duration": 1.0, "channel": 0, "text": "two"},
        ],
    }
    bare = {"id": "c2", "start": 0.0, "duration": 10.0, "channel": 0, "recording": RECORDINGS[0], "supervisions": []}
    put({"cuts.jsonl": lines([cut, bare])})
    table = load(LAYOUT + '\ncuts = "cuts.jsonl"', dataset="dataset").utterances
    assert table.select("utterance_id", "audio", "start_s", "end_s", "channel", "reference", "dataset").rows() == [
        ("c2", "audio/mono.wav", None, None, None, None, None),
        ("s1", "audio/stereo.wav", 2.5, 3.5, 0, "one", "x"),
        ("s2", "audio/stereo.wav", 1.5, 2.5, 0, "two", "x"),
    ]


@pytest.mark.parametrize(
    ("supervision", "recorded", "message"),
    [
        (
            {"recording_id": "other"},
            {},
            r"supervisions\.jsonl\.gz: line 1: found the recording 'other', which recordings",
        ),
        ({"start": None}, {}, "line 1: found the start 'None'; expected seconds"),
        ({"duration": "x"}, {}, "line 1: found the duration 'x'; expected seconds"),
        ({"id": ""}, {}, "line 1: found id = ''"),
        ({"channel": 3}, {}, "found channel 3; expected one channel"),
        ({"custom": 3}, {}, "found custom = 3; expected a JSON object"),
        ({}, {"transforms": [{"name": "Speed"}]}, "found transforms; expected recordings as they are"),
        (
            {},
            {"sources": [source("sph2pipe a.sph", [0], "command")]},
            "found a source of type 'command'; expected a file",
        ),
        ({}, {"sources": [source("../a.wav", [0])]}, r"found the path '\.\./a\.wav'; expected one that stays inside"),
        ({}, {"sources": []}, r"found the recording's sources \[\]"),
    ],
)
def test_bad_manifests(
    put: Callable, load: Callable, supervision: dict[str, Any], recorded: dict[str, Any], message: str
) -> None:
    put_manifests(put, [{**SUPERVISIONS[0], **supervision}], [{**RECORDINGS[0], **recorded}])
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


@pytest.mark.parametrize("kind", ["MixedCut", "PaddingCut"])
def test_cuts_that_are_made_up_are_refused(put: Callable, load: Callable, kind: str) -> None:
    put({"cuts.jsonl": lines([{"id": "c", "type": kind, "tracks": []}])})
    with pytest.raises(AsrfairError, match=f"line 1: found a {kind}; expected a MonoCut"):
        load(LAYOUT + '\ncuts = "cuts.jsonl"')


def test_manifests_of_splits_and_other_formats(put: Callable, load: Callable) -> None:
    put({"cuts_dev.jsonl": lines([]), "cuts.txt": "a"})
    with pytest.raises(AsrfairError, match="found no utterances"):
        load(LAYOUT + '\ncuts = "cuts_{split}.jsonl"', split="dev")
    with pytest.raises(AsrfairError, match=r"looked for cuts_test\.jsonl; found cuts\.txt, cuts_dev\.jsonl"):
        load(LAYOUT + '\ncuts = "cuts_{split}.jsonl"', split="test")
    with pytest.raises(AsrfairError, match=r"cuts\.txt: found another format; expected one of: \.jsonl"):
        load(LAYOUT + '\ncuts = "cuts.txt"')


def test_one_list_of_json(put: Callable, load: Callable) -> None:
    put({"r.json": json.dumps(RECORDINGS), "s.json.gz": gzip.compress(json.dumps(SUPERVISIONS).encode())})
    layout = LAYOUT + '\nrecordings = "r.json"\nsupervisions = "s.json.gz"'
    assert load(layout).utterances["utterance_id"].to_list() == ["s1", "s2", "s3", "s4", "s5"]
    for text, message in (
        ("{", r"r\.json: found no JSON"),
        ("{}", r"r\.json: found dict; expected a list"),
        ("[3]", r"r\.json: entry 1: found int; expected an object"),
    ):
        put({"r.json": text})
        with pytest.raises(AsrfairError, match=message):
            load(layout)


def test_yaml(put: Callable, load: Callable) -> None:
    yaml = pytest.importorskip("yaml")
    put({"r.yaml": yaml.safe_dump(RECORDINGS), "s.yml": yaml.safe_dump(SUPERVISIONS)})
    layout = LAYOUT + '\nrecordings = "r.yaml"\nsupervisions = "s.yml"'
    assert load(layout).utterances["utterance_id"].to_list() == ["s1", "s2", "s3", "s4", "s5"]
    for text in ("[", "!!python/object/apply:os.getcwd []"):
        put({"r.yaml": text})
        with pytest.raises(AsrfairError, match=r"r\.yaml: found no YAML \("):
            load(layout)


def test_yaml_without_its_package(put: Callable, load: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    put({"cuts.yaml": "[]"})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AsrfairError, match=r"cuts\.yaml: found no package pyyaml; .*pip install pyyaml"):
        load(LAYOUT + '\ncuts = "cuts.yaml"')


def shar(cut: str, supervision: dict[str, Any]) -> dict[str, Any]:
    """A cut as lhotse's SharWriter writes it: from zero, its recording as long as the cut, the audio elsewhere."""
    placeholder = recording("whole", [source("", [0], "shar")], channel_ids=[0])
    spoken = {"recording_id": "whole", "channel": 0, **supervision}
    return {"id": cut, "start": 0, "duration": 10.0, "channel": 0, "recording": placeholder, "supervisions": [spoken]}


def tar(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w|") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return file.getvalue()


def test_shar(put: Callable, load: Callable) -> None:
    whole = {"id": "s1", "start": 0.0, "duration": 10.0, "text": "whole"}
    part = {"id": "s2", "start": 1.0, "duration": 2.5, "text": "part"}
    put(
        {
            "shar/cuts.000000.jsonl.gz": gzip.compress(lines([shar("c.1", whole)])),
            "shar/recording.000000.tar": tar("c.1.flac", "c.1.json"),
            "shar/cuts.000001.jsonl.gz": gzip.compress(lines([shar("c.2", part)])),
            "shar/recording.000001.tar": tar("c.2.mp3", "c.2.json"),
        }
    )
    layout = LAYOUT + '\ncuts = "shar/cuts.*.jsonl.gz"'
    assert load(layout).utterances.select("utterance_id", "audio", "start_s", "end_s", "channel").rows() == [
        ("s1", "shar/recording.000000.tar::c.1.flac", None, None, None),
        ("s2", "shar/recording.000001.tar::c.2.mp3", 1.0, 3.5, None),
    ]
    put({"shar/recording.000001.tar": tar("c.2.nodata", "c.2.nometa")})
    with pytest.raises(AsrfairError, match=r"line 1: looked for the audio of 'c\.2' in recording\.000001\.tar; found"):
        load(layout)
    put({"shar/cuts.000002.jsonl.gz": gzip.compress(lines([shar("c.3", part)]))})
    with pytest.raises(AsrfairError, match=r"cuts\.000002\.jsonl\.gz: line 1: looked for recording\.000002\.tar"):
        load(layout.replace("*", "000002"))


def test_lhotses_own_fixture(put: Callable, load: Callable, shared_data: Path) -> None:
    """A cut and its supervisions as lhotse wrote them (lhotse's test/fixtures/ami)."""
    ami = shared_data / "misc_fixtures" / "lhotse" / "ami"
    cuts = json.loads((ami / "cuts.json").read_text(encoding="utf-8"))
    put({"cuts.jsonl": lines(cuts)})
    table = load(LAYOUT + '\ncuts = "cuts.jsonl"\naudio_prefix = "test/fixtures/ami"').utterances
    wanted = {part["id"]: part["text"] for cut in cuts for part in cut["supervisions"]}
    assert dict(table.select("utterance_id", "reference").iter_rows()) == wanted
    assert all((ami / audio).is_file() for audio in table["audio"])


def test_a_recording_twice_is_refused(put: Callable, load: Callable) -> None:
    again = recording("mono", [source("audio/other.wav", [0])])
    put_manifests(put, SUPERVISIONS, [*RECORDINGS, again])
    message = r"line 4: found the recording 'mono' again, first at .*recordings\.jsonl\.gz: line 1; expected it once"
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"channel": {}}, r"found the channels '\[\{\}\]'; expected whole numbers"),
        ({"channel": [[0]]}, r"found the channels '\[\[0\]\]'"),
        ({"start": 10**400}, "line 1: found the start '10000"),
        ({"start": -(10**400)}, "line 1: found the start '10000"),
        ({"duration": 10**400}, "line 1: found the duration '10000"),
        ({"start": -1}, "found the start '-1.0'; expected seconds from 0"),
        ({"text": "half \ud83d"}, r"line 1: found the code \\ud83d alone"),
    ],
)
def test_supervisions_of_the_wrong_type(put: Callable, load: Callable, more: dict[str, Any], message: str) -> None:
    put_manifests(put, [SUPERVISIONS[0] | more], RECORDINGS)
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


def test_sources_of_the_wrong_type(put: Callable, load: Callable) -> None:
    put_manifests(put, SUPERVISIONS[:1], [recording("mono", [source("a.wav", 1)])])  # type: ignore[arg-type]
    with pytest.raises(AsrfairError, match="found the channels '1'; expected whole numbers"):
        load(LAYOUT)


@pytest.mark.parametrize("supervisions", [5, "abc", {"a": 1}])
def test_supervisions_of_a_cut_are_a_list(put: Callable, load: Callable, supervisions: Any) -> None:
    cut = {"id": "c", "start": 0, "duration": 1, "recording": RECORDINGS[0], "supervisions": supervisions}
    put({"cuts.jsonl": lines([cut])})
    with pytest.raises(AsrfairError, match=r"cuts\.jsonl: line 1: found the supervisions .*; expected a list"):
        load(f'{LAYOUT}\ncuts = "cuts.jsonl"')


def test_half_a_character_in_a_list(put: Callable, load: Callable) -> None:
    put({"cuts.json": json.dumps([{"id": "c\ud83d"}]), "ok.json": json.dumps([{"id": "😀"}])})
    with pytest.raises(AsrfairError, match=r"cuts\.json: found the code \\ud83d alone"):
        load(f'{LAYOUT}\ncuts = "cuts.json"')
    with pytest.raises(AsrfairError, match="found a cut without its recording"):
        load(f'{LAYOUT}\ncuts = "ok.json"')


def test_a_channel_is_its_place_in_the_file_and_the_end_alone_is_a_part(put: Callable, load: Callable) -> None:
    fifth = [{**SUPERVISIONS[2], "recording_id": "far", "channel": 5, "start": 4, "duration": 6}]
    put_manifests(put, fifth, [recording("far", [source("far.wav", [4, 5])])])
    assert load(LAYOUT).utterances.select("channel", "start_s", "end_s").row(0) == (1, 4.0, 10.0)
