"""What local models have in common: places, digests, devices, options, words from tokens."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from asrfair.backend import local
from asrfair.backend.base import Outcome, Request, Word
from asrfair.backend.local import (
    Model,
    answer_each,
    check_choice,
    check_device,
    check_least,
    device_kind,
    files_digest,
    find_language,
    find_model,
    model_files,
    require,
    unusable,
    word_confidence,
)
from asrfair.backend.tokens import Token, words_of
from asrfair.errors import BackendError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def request(samples: int = 16_000, *, rate: int = 16_000, language: str = "en-GB", name: str = "a") -> Request:
    return Request(name, "clean", language, rate, np.zeros(samples, dtype=np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    for name, text in {"config.json": "{}", "model.bin": "weights", "README.md": "page", ".git": "x"}.items():
        (path / name).write_text(text)
    (path / "checkpoint-1").mkdir()
    (path / "checkpoint-1" / "model.bin").write_text("other")
    return path


def test_model_files_are_those_that_are_loaded(folder: Path) -> None:
    assert [path.name for path in model_files(folder)] == ["config.json", "model.bin"]


def test_digest_follows_content_and_names(folder: Path) -> None:
    before = files_digest(model_files(folder), root=folder)
    assert re.fullmatch("[0-9a-f]{16}", before)
    (folder / "README.md").write_text("another page")
    assert files_digest(model_files(folder), root=folder) == before
    (folder / "model.bin").write_text("weightz")
    changed = files_digest(model_files(folder), root=folder)
    (folder / "model.bin").rename(folder / "model.safetensors")
    assert len({before, changed, files_digest(model_files(folder), root=folder)}) == 3


def test_digest_does_not_depend_on_where_a_model_lies(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere" / "model"
    there.mkdir(parents=True)
    for path in model_files(folder):
        (there / path.name).write_bytes(path.read_bytes())
    assert Model(str(there)).identity() == Model(str(folder)).identity()


def test_digest_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_digest(model_files(folder), root=folder)
    monkeypatch.setattr(local.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert files_digest(model_files(folder), root=folder) == before


def test_unreadable_file(folder: Path) -> None:
    with pytest.raises(BackendError, match=r"gone\.bin: cannot be read"):
        files_digest([folder / "gone.bin"], root=folder)


def test_a_model_is_a_folder_or_a_commit(folder: Path) -> None:
    assert find_model(str(folder), None, where="x") == Model(str(folder))
    found = find_model("some/model", COMMIT, where="x")
    assert found.identity() == f"some/model at {COMMIT}"


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7], COMMIT.upper()])
def test_a_hub_id_needs_a_commit(revision: str | None) -> None:
    with pytest.raises(BackendError, match="expected a folder, or with an id of the hub the commit's hash") as caught:
        find_model("some/model", revision, where="x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["./none", "/none/at/all", "a/b/c", "", "a b", "a\nb", "x" * 5000, "nul\0"])
def test_no_such_folder(model: str) -> None:
    with pytest.raises(BackendError, match="expected a folder"):
        find_model(model, None, where="x")


def test_a_folder_has_no_revision(folder: Path) -> None:
    with pytest.raises(BackendError, match="found revision 'main' of the folder"):
        find_model(str(folder), "main", where="x")


def test_a_file_is_no_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(BackendError, match="expected a folder that exists"):
        find_model("model.bin", None, where="x")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_wrong_device(device: str) -> None:
    with pytest.raises(BackendError, match="expected one of: cpu, cuda, cuda:1, mps"):
        check_device(device, where="x")


def test_device_kind_has_no_number() -> None:
    check_device("cpu", where="x")
    assert [device_kind(device) for device in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda"]


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_least(value: float) -> None:
    with pytest.raises(BackendError, match=r"x: option 'batch_size': found .*; expected at least 1"):
        check_least({"beams": None, "batch_size": value}, where="x")


def test_choice() -> None:
    check_choice("dtype", "a", ("a", "b"), where="x")
    with pytest.raises(BackendError, match="x: option 'dtype': found 'c'; expected one of: a, b"):
        check_choice("dtype", "c", ("a", "b"), where="x")


def test_missing_package() -> None:
    with pytest.raises(BackendError, match=r'x: no_such_package is not installed; .* pip install "asrfair\[some\]"'):
        require(("json", "no_such_package"), where="x", extra="some")


def test_unusable_audio() -> None:
    assert unusable(request(400), sample_rate=16_000) is None
    assert "at least 400" in str(unusable(request(399), sample_rate=16_000))
    assert "at least 1000" in str(unusable(request(400), sample_rate=16_000, least=1000))
    assert "8000 Hz" in str(unusable(request(rate=8_000), sample_rate=16_000))
    assert "no audio" in str(unusable(Request("a", "clean", "en", 16_000), sample_rate=16_000))
    bad = Request("a", "clean", "en", 16_000, np.full(16_000, np.nan, dtype=np.float32))
    assert "not finite" in str(unusable(bad, sample_rate=16_000))


def test_answers_keep_their_order() -> None:
    asked = [request(name=name) for name in "abcd"]
    outcomes = answer_each(
        asked,
        lambda one: "is bad" if one.utterance_id in "bd" else None,
        lambda some: [Outcome(hypothesis=one.utterance_id) for one in some],
        where="x",
    )
    assert [one.hypothesis for one in outcomes] == ["a", None, "c", None]
    assert outcomes[3].failure == "x: is bad"


def test_nothing_usable_asks_no_model() -> None:
    outcomes = answer_each([request()], lambda _: "is bad", lambda _: pytest.fail("asked"), where="x")
    assert outcomes == [Outcome(failure="x: is bad")]


@pytest.mark.parametrize(
    ("option", "language", "found"),
    [(None, "en-GB", "en"), (None, "DE_at", "de"), (None, "", None), ("", "en", None), ("de", "en", "de")],
)
def test_language(option: str | None, language: str, found: str | None) -> None:
    assert find_language(request(language=language), option, ("de", "en")) == (found, None)


def test_unknown_language_and_a_model_of_one() -> None:
    assert find_language(request(language="xx"), None, ()) == (None, None)
    problem = find_language(request(language="xx-YY"), None, ("en", "de"))[1]
    assert problem == "found language 'xx'; expected one of: de, en"


def test_confidence_is_a_product() -> None:
    assert word_confidence(map(math.log, (0.5, 0.4, 1.0))) == pytest.approx(0.2)
    assert word_confidence([1e-12]) == 1.0


def decode(numbers: list[int]) -> str:
    return b"".join([b" the", b" c", b"at", b" ", b"\xc3", b"\xa9", b"."][number] for number in numbers).decode(
        "utf-8", "replace"
    )


def test_words_of_tokens() -> None:
    tokens = [
        Token(0, math.log(0.5), 0.1, 0.2),
        Token(1, math.log(0.5), 0.2, 0.3),
        Token(2, math.log(0.5), 0.3, 0.4),
        Token(3, math.log(0.1), 0.4, 0.5),
        Token(4, math.log(0.9), 0.5, 0.6),
        Token(5, math.log(0.9), 0.6, 9.0),
    ]
    text, words = words_of(tokens, decode, duration_s=0.65)
    assert text == "the cat é"
    assert [word.text for word in words] == text.split()
    assert [(word.start_s, word.end_s) for word in words] == [(0.1, 0.2), (0.2, 0.4), (0.5, 0.65)]
    assert [word.confidence for word in words] == pytest.approx([0.5, 0.25, 0.81])


def test_what_tokens_do_not_tell_is_unknown() -> None:
    assert words_of([Token(0), Token(1)], decode, duration_s=1.0) == ("the c", ())
    assert words_of([], decode, duration_s=1.0) == ("", ())
    assert words_of([Token(0, -0.0), Token(6)], decode, duration_s=1.0)[1] == (Word("the."),)
    assert words_of([Token(0, None, 0.5)], decode, duration_s=1.0)[1] == (Word("the", 0.5),)


def test_words_of_only_white_space() -> None:
    assert words_of([Token(3, -1.0, 0.0, 0.1)], decode, duration_s=1.0) == ("", ())
