"""Lhotse manifests: recordings and supervisions, and cuts, in the fields of lhotse's own classes."""

import gzip
import json
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
    put({"cuts_dev.jsonl": lines([]), "cuts.yaml": "a"})
    with pytest.raises(AsrfairError, match="found no utterances"):
        load(LAYOUT + '\ncuts = "cuts_{split}.jsonl"', split="dev")
    with pytest.raises(AsrfairError, match=r"looked for cuts_test\.jsonl; found cuts\.yaml, cuts_dev\.jsonl"):
        load(LAYOUT + '\ncuts = "cuts_{split}.jsonl"', split="test")
    with pytest.raises(AsrfairError, match=r"cuts\.yaml: found another format; expected one of: \.jsonl"):
        load(LAYOUT + '\ncuts = "cuts.yaml"')


def test_lhotses_own_fixture(put: Callable, load: Callable, shared_data: Path) -> None:
    """A cut and its supervisions as lhotse wrote them (lhotse's test/fixtures/ami)."""
    ami = shared_data / "misc_fixtures" / "lhotse" / "ami"
    cuts = json.loads((ami / "cuts.json").read_text(encoding="utf-8"))
    put({"cuts.jsonl": lines(cuts)})
    table = load(LAYOUT + '\ncuts = "cuts.jsonl"\naudio_prefix = "test/fixtures/ami"').utterances
    wanted = {part["id"]: part["text"] for cut in cuts for part in cut["supervisions"]}
    assert dict(table.select("utterance_id", "reference").iter_rows()) == wanted
    assert all((ami / audio).is_file() for audio in table["audio"])
