"""Fetching a corpus from the Hub: terms first, pinned, resumed, checked; against a server on this machine."""

import errno
import hashlib
import io
import json
import logging
import shutil
import socket
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile

from asrfair.cards import shipped
from asrfair.cli import main
from asrfair.corpus.card import load_card
from asrfair.corpus.load import load_corpus
from asrfair.errors import CardError, IncompleteError, InputError
from asrfair.run import fetch as fetching
from asrfair.run.fetch import FetchPlan, fetch
from asrfair.run.hub import HubFile, fits, place
from asrfair.run.report import console
from tests.run.hub_server import COMMIT, REPO, Hub, blob_id, start

library = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")
pytest.importorskip("huggingface_hub.file_download")

CARD = f"""
title = "Voices"
kind = "read"
language = "en"
licence = "CC BY 4.0"
citation = "Someone 2026"
obtain = "Accept the terms on the Hub."
[layout]
type = "parquet"
columns = {{ reference = "text" }}
[fetch]
repo = "{REPO}"
revision = "{COMMIT}"
files = ["data/{{split}}-*.parquet", "README.md"]
[axes.accent]
column = "accent"
assigned_by = "self-reported"
"""
SECRET = "hf_SecretOfTheTests"
FIRST, SECOND, SMALL = "data/test-00000.parquet", "data/test-00001.parquet", "README.md"


def parquet(seed: int) -> bytes:
    sound, table = io.BytesIO(), io.BytesIO()
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, 40_000)
    soundfile.write(sound, samples, 16_000, format="WAV")
    audio = {"bytes": sound.getvalue(), "path": "a.wav"}
    pl.DataFrame({"audio": [audio], "text": ["zero one"], "accent": ["north"]}).write_parquet(table)
    return table.getvalue()


CONTENTS = {FIRST: parquet(1), SECOND: parquet(2), SMALL: b"# Voices\n", "data/train-00000.parquet": parquet(3)}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub with a dataset; the library waits no time between its attempts."""
    served = Hub(dict(CONTENTS), {path for path in CONTENTS if path != SMALL})
    servers = start(served)
    monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    # What a broken connection leaves of a piece is lost; the library's pieces have 10 MB.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    (tmp_path / "voices.toml").write_text(CARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    # The library logs to the standard error that it found first, which pytest has closed since.
    logger = logging.getLogger("huggingface_hub")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", False)
    yield served
    for server in servers:
        server.shutdown()
        server.server_close()


def take(out: str = "out", *, ask: Callable[[str], bool] | None = None, **changes: Any) -> Path:
    plan = {"accept": "CC BY 4.0", "out": Path(out)} | changes
    return fetch(FetchPlan("voices.toml", **plan), console=console(width=200), ask=ask)


def part(out: str = "out") -> list[Path]:
    return sorted(Path(out).rglob("*.part"))


def test_a_snapshot_is_fetched_checked_recorded_and_loads(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    folder = take()
    assert {path: (folder / path).read_bytes() for path in (FIRST, SECOND, SMALL)} == {
        path: CONTENTS[path] for path in (FIRST, SECOND, SMALL)
    }
    assert not (folder / "data/train-00000.parquet").exists()
    record = json.loads((folder / "fetched.json").read_text(encoding="utf-8"))
    assert (record["repo"], record["commit"], record["licence_accepted"]) == (REPO, COMMIT, "CC BY 4.0")
    digests = {file["path"]: (file["algorithm"], file["digest"]) for file in record["files"]}
    assert digests[FIRST] == ("sha256", hashlib.sha256(CONTENTS[FIRST]).hexdigest())
    assert digests[SMALL] == ("git-sha1", blob_id(CONTENTS[SMALL]))
    assert load_corpus("voices.toml", folder).utterances.height == 2
    said = capsys.readouterr().out
    for told in ("Voices", "CC BY 4.0", "Someone 2026", "Accept the terms", "cc-by-4.0", COMMIT):
        assert told in said
    total = sum(len(CONTENTS[path]) for path in (FIRST, SECOND, SMALL))
    assert f"size: {total / 1000:.1f} kB in 3 files" in said
    (following,) = (line.strip() for line in said.splitlines() if line.strip().startswith("asrfair "))
    assert following == "asrfair validate voices.toml=out"
    assert main(following.split()[1:]) in (0, 3)


def test_a_second_call_checks_without_a_connection(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    folder = take()
    hub.asked.clear()
    take(accept=None)
    assert hub.asked == []
    assert "Checked: 3 files" in capsys.readouterr().out
    with (folder / FIRST).open("r+b") as stream:
        stream.write(b"?")
    with pytest.raises(InputError, match=r"test-00000\.parquet: found sha256 .*; expected .* as published"):
        take(accept=None)
    # What is gone comes again, without asking: the licence is accepted in the record.
    (folder / FIRST).unlink()
    take(accept=None)
    assert (folder / FIRST).read_bytes() == CONTENTS[FIRST]
    assert hub.data_requests() == [f"/datasets/{REPO}/resolve/{COMMIT}/{FIRST}", f"store:/{FIRST}"]


@pytest.mark.parametrize("pinned", [True, False])
def test_the_command_that_show_prints(hub: Hub, capsys: pytest.CaptureFixture[str], pinned: bool) -> None:
    if not pinned:
        Path("voices.toml").write_text(CARD.replace(f'revision = "{COMMIT}"', ""), encoding="utf-8")
    assert main(["show", "corpus", "voices.toml"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    command = text[text.index("asrfair fetch") : text.index(" (huggingface.co")]
    assert ("--revision main" in command) is not pinned
    assert main([*command.split()[1:], "--accept", "CC BY 4.0"]) == 0


def test_another_split_adds_to_the_record(hub: Hub) -> None:
    folder = take()
    take(split="train")
    record = json.loads((folder / "fetched.json").read_text(encoding="utf-8"))
    assert [file["path"] for file in record["files"]] == sorted(CONTENTS)
    hub.asked.clear()
    take(), take(split="train")
    assert hub.asked == []


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_is_taken_up_again(hub: Hub, reset: bool) -> None:
    hub.drop_after, hub.reset = [10_000, 20_000], reset
    folder = take()
    assert (folder / FIRST).read_bytes() == CONTENTS[FIRST]
    assert ranges_of_the_store(hub) == ["", "bytes=10000-", "bytes=30000-"]
    assert not part()


def test_the_next_call_goes_on_where_the_last_one_ended(hub: Hub) -> None:
    # The second time not one byte comes, and fetching gives up.
    hub.drop_after, hub.reset = [10_000, 1], True
    with pytest.raises(IncompleteError, match=r"it broke: .*; 10,000 bytes are kept: the same command goes on"):
        take()
    assert [each.stat().st_size for each in part()] == [10_000]
    assert not Path("out", FIRST).exists()
    hub.asked.clear()
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]
    assert ranges_of_the_store(hub) == ["bytes=10000-"]


def ranges_of_the_store(hub: Hub) -> list[str]:
    return [wanted for address, wanted, _ in hub.asked if address == f"store:/{FIRST}"]


def test_a_server_without_ranges_begins_anew(hub: Hub) -> None:
    hub.drop_after, hub.ranges = [10_000], False
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]


def test_a_part_longer_than_the_file_begins_anew(hub: Hub) -> None:
    digest = hashlib.sha256(CONTENTS[FIRST]).hexdigest()
    Path("out/data").mkdir(parents=True)
    Path(f"out/data/.test-00000.parquet.{digest[:12]}.part").write_bytes(b"x" * (len(CONTENTS[FIRST]) + 1))
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]


@pytest.mark.parametrize("path", [FIRST, SMALL])
def test_a_wrong_checksum_is_refused_and_removed(hub: Hub, path: str) -> None:
    hub.stored[path] = CONTENTS[path][:-1] + b"?"
    with pytest.raises(IncompleteError, match=r"expected .* as published; the bytes were removed"):
        take()
    assert not Path("out", path).exists()
    assert not part()
    assert not Path("out/fetched.json").exists()
    hub.stored.clear()
    assert (take() / path).read_bytes() == CONTENTS[path]


def test_a_short_answer_is_half_a_file(hub: Hub) -> None:
    hub.stored[FIRST] = CONTENTS[FIRST][:5000]
    with pytest.raises(IncompleteError, match=r"5,000 bytes are kept"):
        take()
    hub.stored.clear()
    assert (take() / FIRST).read_bytes() == CONTENTS[FIRST]


def test_a_file_of_someone_else_is_never_replaced(hub: Hub) -> None:
    Path("out").mkdir()
    Path("out", SMALL).write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"README\.md: found git-sha1"):
        take()
    assert Path("out", SMALL).read_text(encoding="utf-8") == "mine\n"


def test_nothing_is_asked_for_before_the_licence_is_accepted(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"expected, once the terms are read: --accept 'CC BY 4\.0'"):
        take(accept=None)
    assert hub.asked == []
    assert "Someone 2026" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"found --accept 'CC0'; expected the card's licence: --accept 'CC BY 4\.0'"):
        take(accept="CC0")
    asked: list[str] = []
    with pytest.raises(InputError, match="not accepted; nothing was fetched"):
        take(accept=None, ask=lambda question: bool(asked.append(question)))
    assert len(asked) == 1
    assert "CC BY 4.0" in asked[0]
    assert "kB in 3 files" in capsys.readouterr().out
    assert hub.data_requests() == []
    assert not Path("out").exists()
    take(accept=None, ask=lambda question: True)
    assert Path("out/fetched.json").exists()


def test_a_gated_dataset_takes_the_librarys_token_and_tells_nobody(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.token = SECRET
    with pytest.raises(InputError, match=r"gated \(401\); accept its terms at .*/datasets/someone/voices, then log in"):
        take()
    monkeypatch.setenv("HF_TOKEN", SECRET)
    folder = take()
    printed = capsys.readouterr()
    assert "gated" in printed.out
    assert SECRET not in printed.out + printed.err
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    sent = {address.partition(":")[0] == "store": allowed for address, _, allowed in hub.asked}
    assert sent == {False: f"Bearer {SECRET}", True: ""}


REFUSALS = {
    "no such dataset": ("/revision/", 404, "RepoNotFound", "", InputError, r"no such dataset, or a private one"),
    "no such revision": ("/revision/", 404, "RevisionNotFound", "", InputError, r"no such revision \(404\)"),
    "no such file": ("/resolve/", 404, "EntryNotFound", "", InputError, r"no such file at this commit \(404\)"),
    "gated, refused": ("/resolve/", 403, "GatedRepo", "", InputError, r"gated \(403\)"),
    "bad token": ("/resolve/", 401, "", "Invalid credentials in Authorization header", InputError, "token was refused"),
    "forbidden": ("/resolve/", 403, "", "no", InputError, r"not allowed \(403\)"),
    "too many, listing": ("/revision/", 429, "", "", IncompleteError, r"too many requests \(429\); fetch again in 0 s"),
    "too many, files": ("/resolve/", 429, "", "", IncompleteError, r"too many requests \(429\)"),
    "out of order": ("/resolve/", 503, "", "", IncompleteError, r"out of order \(503\)"),
    "a teapot": ("/tree/", 418, "", "", InputError, r"answers 418"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_are_one_line(hub: Hub, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    place, status, code, message, kind, said = REFUSALS[case]
    hub.status[place] = (status, code, message)
    with pytest.raises(kind, match=said) as raised:
        take()
    assert "\n" not in str(raised.value)
    arguments = ["fetch", "voices.toml", "--out", "out", "--accept", "CC BY 4.0"]
    assert main(arguments) == raised.value.exit_code
    assert "Traceback" not in capsys.readouterr().err


def test_no_connection(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(IncompleteError, match="no connection to http://127"):
            take()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    library.close_session()
    try:
        with pytest.raises(InputError, match="HF_HUB_OFFLINE is set"):
            take()
    finally:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        library.close_session()


def test_something_that_is_no_hub(hub: Hub) -> None:
    hub.status["/tree/"] = (200, "", "")
    with pytest.raises(InputError, match=r"found what the Hub does not answer|found no such file"):
        take()


def test_a_full_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10, 9, 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(InputError, match=r"out: found 1 bytes free; expected .* kB"):
            take()
    assert hub.data_requests() == []

    def full(url: str, stream: Any, **_: Any) -> None:
        stream.write(b"x" * 7)
        stream.flush()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with pytest.raises(IncompleteError, match=r"No space left on device \(the disk is full\); 7 bytes are kept"):
        take()


def test_an_interrupted_call_keeps_what_came(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(url: str, stream: Any, **_: Any) -> None:
        stream.write(CONTENTS[SMALL][:3])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", interrupted)
        assert main(["fetch", "voices.toml", "--out", "out", "--accept", "CC BY 4.0"]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert [each.read_bytes() for each in part()] == [CONTENTS[SMALL][:3]]
    assert (take() / SMALL).read_bytes() == CONTENTS[SMALL]
    assert ("bytes=3-") in [wanted for _, wanted, _ in hub.asked]


def test_a_branch_is_fetched_only_by_name_and_its_commit_recorded(
    hub: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path("voices.toml").write_text(CARD.replace(f'revision = "{COMMIT}"\n', ""), encoding="utf-8")
    with pytest.raises(CardError, match=r"pins no revision; expected --revision COMMIT .*, or --revision main"):
        take()
    folder = take(revision="main")
    assert f"--revision {COMMIT}" in capsys.readouterr().out
    record = json.loads((folder / "fetched.json").read_text(encoding="utf-8"))
    assert (record["requested"], record["commit"]) == ("main", COMMIT)
    assert all(f"/resolve/{COMMIT}/" in address for address in hub.data_requests() if "store:" not in address)
    written, hub.asked = (folder / "fetched.json").read_bytes(), []
    take(revision="main", accept=None)
    assert (hub.data_requests(), (folder / "fetched.json").read_bytes()) == ([], written)
    hub.branches["main"] = "a" * 40
    with pytest.raises(InputError, match=rf"out: found {REPO} at {COMMIT}; expected {REPO} at a{{40}}"):
        take(revision="main")


@pytest.mark.parametrize(("asked", "answered"), [(COMMIT, "b" * 40), ("main", "../x")])
def test_another_commit_than_asked_for_is_refused(hub: Hub, asked: str, answered: str) -> None:
    hub.branches[asked] = answered
    with pytest.raises(InputError, match="the Hub answers the commit"):
        take(revision=asked)
    assert not Path("out").exists()


def test_hostile_paths_stay_inside(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stays inside the corpus"):
        place(HubFile("data/../../evil.parquet", 1, "sha256", "0" * 64), tmp_path)
    hub.files["../README.md"] = b"evil"
    Path("voices.toml").write_text(CARD.replace('"README.md"', '"**/README.md"'), encoding="utf-8")
    with pytest.raises(InputError, match="stays inside the corpus"):
        take()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read as JSON"), ('{"version": 2}', "another version"), ('{"version": 1}', "'card' is missing")],
)
def test_a_record_that_is_none(hub: Hub, text: str, said: str) -> None:
    Path("out").mkdir()
    Path("out/fetched.json").write_text(text, encoding="utf-8")
    with pytest.raises((InputError, CardError), match=said):
        take()


def test_without_the_package(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'asrfair\[hub\]'"):
        take()


@pytest.mark.parametrize(
    ("path", "pattern", "yes"),
    [
        ("data/test-0.parquet", "data/test-*.parquet", True),
        ("data/deep/test-0.parquet", "data/*.parquet", False),
        ("en/test/0.parquet", "en/**/*.parquet", True),
        ("en/0.parquet", "en/**/*.parquet", True),
        ("fr/en/0.parquet", "en/**/*.parquet", False),
    ],
)
def test_patterns(path: str, pattern: str, yes: bool) -> None:
    assert fits(path.split("/"), pattern.split("/")) is yes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f'revision = "{COMMIT}"', "revision = 'main'"),
        (f'repo = "{REPO}"', "repo = 'voices'"),
        ('"README.md"', "'../README.md'"),
        ('"README.md"', "7"),
        ("[fetch]", "[fetch]\nurl = 'x'"),
    ],
)
def test_cards_are_read_strictly(hub: Hub, change: str, said: str) -> None:
    Path("voices.toml").write_text(CARD.replace(change, said), encoding="utf-8")
    with pytest.raises(CardError, match=r"voices\.toml: '?fetch"):
        take()


def test_a_card_without_the_table_says_how_to_get_the_corpus(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"timit: found no table \[fetch\]"):
        fetch(FetchPlan("timit"), console=console())


def test_shipped_cards_fetch_what_their_layouts_read() -> None:
    cards = [card for card in map(load_card, shipped("corpora")) if card.fetch]
    assert {card.name for card in cards} == {"earnings-22", "edacc-hub", "globe", "svarah", "voxpopuli-accented"}
    for card in cards:
        assert card.fetch is not None
        assert card.fetch.repo in card.homepage + card.obtain
        ending = str(card.layout["file"]).rpartition("**/")[2]
        assert all(file.endswith(ending) for file in card.fetch.files)
