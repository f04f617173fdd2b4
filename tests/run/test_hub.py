"""What is asked of the Hub, and what two fetches do to each other; against a server on this machine."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from asrfair.errors import IncompleteError, InputError
from asrfair.run.hub import HubFile, alone, part_of
from tests.run.hub_server import Hub
from tests.run.test_fetch import CARD, CONTENTS, FIRST, hub, ranges_of_the_store, take

__all__ = ["hub"]
download = pytest.importorskip("huggingface_hub.file_download")


def test_two_fetches_never_write_into_one_folder(hub: Hub) -> None:
    with alone(Path("out")), pytest.raises(IncompleteError, match=r"^out: found another fetch that is writing here"):
        take()
    assert hub.data_requests() == []
    assert not Path("out", FIRST).exists()
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]


def test_a_fetch_that_ended_meanwhile_stays_in_the_record(hub: Hub) -> None:
    def another(question: str) -> bool:
        take(split="train")
        return True

    record = json.loads((take(accept=None, ask=another) / "fetched.json").read_text(encoding="utf-8"))
    assert [file["path"] for file in record["files"]] == sorted(CONTENTS)


@pytest.mark.parametrize("name", ["fetched.json", ".fetch.lock", "Fetched.JSON"])
def test_a_dataset_does_not_overwrite_what_is_written_beside_it(hub: Hub, name: str) -> None:
    hub.files[name] = b"{}"
    Path("voices.toml").write_text(CARD.replace("README.md", name), encoding="utf-8")
    with pytest.raises(InputError, match=f"found {name}; expected another name"):
        take()
    assert not Path("out").exists()


def test_a_part_of_another_file_is_not_gone_on_with(hub: Hub) -> None:
    hub.drop_after, hub.reset = [10_000, 1], True
    with pytest.raises(IncompleteError):
        take()
    hub.asked.clear()
    hub.files[FIRST] = CONTENTS[FIRST] + b"more"
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST] + b"more"
    assert ranges_of_the_store(hub) == [""]
    file = HubFile("a", 1, "sha256", "0" * 64)
    assert part_of(file, Path()) != part_of(replace(file, digest="1" * 64), Path())


def test_a_part_that_is_too_long_is_not_asked_to_go_on(hub: Hub) -> None:
    hub.drop_after, hub.reset = [10_000, 1], True
    with pytest.raises(IncompleteError):
        take()
    (part,) = Path("out").rglob("*.part")
    part.write_bytes(b"x" * (len(CONTENTS[FIRST]) + 1))
    hub.asked.clear()
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]
    assert ranges_of_the_store(hub) == [""]


def test_bytes_are_asked_for_as_they_are(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    get = download.http_get

    def noted(*given: object, **named: object) -> None:
        asked.append(named["headers"])
        get(*given, **named)

    monkeypatch.setattr(download, "http_get", noted)
    take()
    assert {headers["Accept-Encoding"] for headers in asked} == {"identity"}
