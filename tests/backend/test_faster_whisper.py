"""Whisper on CTranslate2 through the real package: tiny random models, converted by CTranslate2's own converter."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("faster_whisper")
# The converter alone needs them; the backend does without.
pytest.importorskip("transformers")
pytest.importorskip("torch")

from asrfair.backend.base import Request
from asrfair.backend.faster_whisper import FasterWhisperBackend
from asrfair.errors import BackendError
from tests.backend import tiny_models

Make = Callable[..., FasterWhisperBackend]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("models")
    english = tiny_models.write_whisper(folder / "whisper.en", multilingual=False, window_s=30, seed=2)
    many = tiny_models.write_whisper(folder / "whisper", window_s=30, seed=2)
    return {
        "english": tiny_models.write_faster_whisper(english, folder / "english"),
        "many": tiny_models.write_faster_whisper(many, folder / "many"),
        "unconverted": english,
    }


@pytest.fixture(scope="module")
def heard() -> list[Request]:
    lengths = (1.0, 3.3, 2.0, 0.4, 33.0)
    return [tiny_models.noise(f"u{number}", length, seed=number) for number, length in enumerate(lengths)]


@pytest.fixture(scope="module")
def backend(models: dict[str, Path]) -> Make:
    opened: dict[str, FasterWhisperBackend] = {}

    def make(name: str = "english", **options: Any) -> FasterWhisperBackend:
        key = f"{name} {options}"
        if key not in opened:
            opened[key] = FasterWhisperBackend(model=str(models[name]), cpu_threads=1, **options)
        return opened[key]

    return make


@pytest.mark.parametrize("options", [{}, {"beam_size": 1}, {"vad_filter": True}])
def test_batch_is_as_one_by_one_in_any_order(options: dict[str, Any], backend: Make, heard: list[Request]) -> None:
    opened = backend(**options)
    together = opened.transcribe(heard)
    assert len({outcome.hypothesis for outcome in together}) > 1, "a model that always says the same tests nothing"
    assert [opened.transcribe([request])[0] for request in heard] == together
    assert opened.transcribe(heard[::-1])[::-1] == together


def test_it_is_as_the_package_says(models: dict[str, Path], backend: Make, heard: list[Request]) -> None:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(models["english"]), device="cpu", compute_type="float32", cpu_threads=1)
    for request, outcome in zip(heard, backend().transcribe(heard), strict=True):
        segments = list(
            model.transcribe(
                request.samples, temperature=[0.0], condition_on_previous_text=False, word_timestamps=True
            )[0]
        )
        assert outcome.hypothesis == "".join(segment.text for segment in segments).strip()
    assert len(segments) > 1, "the last is longer than a window"


def test_words(backend: Make, heard: list[Request]) -> None:
    found = backend().transcribe(heard)
    assert sum(len(outcome.words) for outcome in found) > 10
    for request, outcome in zip(heard, found, strict=True):
        assert request.samples is not None
        for word in outcome.words:
            assert word.text == word.text.strip() != ""
            assert word.confidence is not None
            assert 0 <= word.confidence <= 1
            assert word.start_s is not None
            assert word.end_s is not None
            assert 0 <= word.start_s <= word.end_s <= len(request.samples) / 16_000
    assert not any(outcome.words for outcome in backend(word_timestamps=False).transcribe(heard))


def test_language_is_asked_for_detected_and_refused(backend: Make) -> None:
    sound = tiny_models.noise("a", 2.0, seed=4)
    asked = [replace(sound, language=language) for language in ("en-GB", "de", "xx", "")]
    found = backend("many").transcribe(asked)
    assert "found language 'xx'; expected one of: af, am" in str(found[2].failure)
    assert [outcome.language for outcome in found[:3]] == [None, None, None]
    detected = backend("many", language="").transcribe(asked[:1])[0]
    assert detected.language == found[3].language
    assert detected.language in tiny_models.LANGUAGES
    assert backend("many", language="de").transcribe(asked[2:3]) == found[1:2]
    assert found[0] != found[1]
    assert backend("english").transcribe(asked[2:3])[0].language is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("many", {"language": "xx"}, "option 'language': found 'xx'; expected one of: af, am"),
        ("english", {"language": "de"}, "knows English alone"),
        ("english", {"task": "translate"}, "knows English alone"),
    ],
)
def test_option_that_the_model_does_not_have(
    name: str, options: dict[str, Any], message: str, backend: Make, heard: list[Request]
) -> None:
    with pytest.raises(BackendError, match=message):
        backend(name, **options).transcribe(heard[:1])


def test_what_cannot_be_heard_is_a_failure_and_changes_nothing_else(backend: Make, heard: list[Request]) -> None:
    before = backend().transcribe(heard[:2])
    sound = heard[0]
    bad = {
        "found no samples; expected at least one": replace(sound, samples=np.zeros(0, dtype=np.float32)),
        "found 1 samples; expected at least 400": replace(sound, samples=np.ones(1, dtype=np.float32)),
        "not finite": replace(sound, samples=np.full(16_000, np.nan, dtype=np.float32)),
        "found audio at 8000 Hz; expected 16000 Hz": replace(sound, sample_rate=8_000),
        "found no audio": replace(sound, samples=None),
    }
    found = backend().transcribe([heard[0], *bad.values(), heard[1]])
    for reason, outcome in zip(bad, found[1:-1], strict=True):
        assert outcome.hypothesis is None
        assert str(outcome.failure).startswith("faster-whisper: ")
        assert reason in str(outcome.failure)
    assert [found[0], found[-1]] == before


def test_silence_is_heard_and_filtered(backend: Make, heard: list[Request]) -> None:
    silence = replace(heard[0], samples=np.zeros(16_000, dtype=np.float32))
    assert backend().transcribe([silence])[0].hypothesis
    assert backend(vad_filter=True).transcribe([silence])[0].hypothesis == ""
    assert backend("many", vad_filter=True, language="").transcribe([silence])[0].hypothesis == ""


def test_identity(models: dict[str, Path], tmp_path: Path, backend: Make) -> None:
    found = backend().identity()
    assert found["package"].startswith("faster-whisper 1.")
    assert ", ctranslate2 4." in found["package"]
    assert found["model"].startswith("english ")
    assert str(models["english"].parent) not in str(dict(found))
    copy = tmp_path / "english"
    copy.mkdir()
    for path in models["english"].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert FasterWhisperBackend(model=str(copy), cpu_threads=1).identity() == found
    tiny_models.flip_a_byte(copy / "model.bin")
    changed = FasterWhisperBackend(model=str(copy), cpu_threads=1).identity()
    assert {key for key in found if found[key] != changed[key]} == {"model"}


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"compute_type": "int8"}, {"compute_type"}),
        ({"beam_size": 2}, {"beam_size"}),
        ({"language": "de"}, {"language"}),
        ({"language": ""}, {"language"}),
        ({"task": "translate"}, {"task"}),
        ({"vad_filter": True}, {"vad_filter", "package"}),
        ({"word_timestamps": False}, {"word_timestamps"}),
        ({"cpu_threads": 2}, {"cpu_threads"}),
    ],
)
def test_every_option_is_in_the_identity(
    options: dict[str, Any], keys: set[str], models: dict[str, Path], backend: Make
) -> None:
    usual = FasterWhisperBackend(model=str(models["english"])).identity()
    other = FasterWhisperBackend(model=str(models["english"]), **options).identity()
    assert {name for name in usual if usual[name] != other[name]} == keys


def test_eight_bits_are_heard(backend: Make, heard: list[Request]) -> None:
    assert all(outcome.hypothesis is not None for outcome in backend(compute_type="int8").transcribe(heard))


def test_numbers_that_are_not_finite_are_a_failure(
    models: dict[str, Path], heard: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package tells of them in the segments' mean log probability alone."""
    opened = FasterWhisperBackend(model=str(models["english"]), cpu_threads=1)
    opened.transcribe(heard[:1])
    loaded: Any = opened._loaded
    original = loaded.transcribe

    def spoilt(*positional: Any, **named: Any) -> Any:
        segments, told = original(*positional, **named)
        return [replace(segment, avg_logprob=float("nan")) for segment in segments], told

    monkeypatch.setattr(loaded, "transcribe", spoilt)
    assert "not finite in float32" in str(opened.transcribe(heard[:1])[0].failure)


FRESH = """
import json, sys
sys.path.insert(0, sys.argv[1])
import tiny_models
from dataclasses import astuple
from asrfair.backend.faster_whisper import FasterWhisperBackend
heard = [tiny_models.noise(f"u{n}", length, seed=n) for n, length in enumerate((1.0, 3.3, 2.0, 0.4, 33.0))]
opened = FasterWhisperBackend(model=sys.argv[2], cpu_threads=1)
print(json.dumps([dict(opened.identity()), [astuple(outcome) for outcome in opened.transcribe(heard)]]))
assert "torch" not in sys.modules
"""


def test_fresh_process_says_the_same_without_torch(
    models: dict[str, Path], backend: Make, heard: list[Request]
) -> None:
    command = [sys.executable, "-c", FRESH, str(Path(__file__).parent), str(models["english"])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    identity, told = json.loads(done.stdout)
    assert identity == dict(backend().identity())
    here = backend().transcribe(heard)
    assert [one[0] for one in told] == [one.hypothesis for one in here]
    assert [one[2] for one in told] == [[[w.text, w.start_s, w.end_s, w.confidence] for w in one.words] for one in here]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "option 'device': found 'gpu'"),
        ({"device": "cuda:63"}, "device 'cuda:63': found none|option 'compute_type' on cuda:63"),
        ({"device": "mps"}, "device 'mps': found none"),
        ({"compute_type": "float16"}, "option 'compute_type' on cpu: found 'float16'; expected one of: .*float32"),
        ({"compute_type": "auto"}, "option 'compute_type': found 'auto'"),
        ({"task": "sing"}, "option 'task': found 'sing'"),
        ({"beam_size": 0}, "option 'beam_size': found 0; expected at least 1"),
        ({"cpu_threads": -1}, "option 'cpu_threads': found -1; expected at least 0"),
        ({"revision": "main"}, "found revision 'main' of the folder"),
    ],
)
def test_wrong_option(options: dict[str, Any], message: str, models: dict[str, Path]) -> None:
    with pytest.raises(BackendError, match=message) as caught:
        FasterWhisperBackend(model=str(models["english"]), **options)
    assert "\n" not in str(caught.value)


def copied(source: Path, target: Path, name: str, text: str | None) -> Path:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    (target / name).unlink(missing_ok=True)
    if text is not None:
        (target / name).write_text(text)
    return target


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_folder_that_is_no_model(name: str, models: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(models["english"], tmp_path / "model", name, None)
    with pytest.raises(BackendError, match=f"found no {name}; expected a folder of ct2-transformers-converter"):
        FasterWhisperBackend(model=str(folder))


@pytest.mark.parametrize(
    ("name", "text"), [("model.bin", "nonsense"), ("tokenizer.json", "[]"), ("tokenizer.json", "{nonsense")]
)
def test_files_that_cannot_be_loaded(
    name: str, text: str, models: dict[str, Path], heard: list[Request], tmp_path: Path
) -> None:
    opened = FasterWhisperBackend(model=str(copied(models["english"], tmp_path / "model", name, text)))
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        opened.transcribe(heard[:1])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{nonsense", "[]", '{"sampling_rate": "x"}', '{"sampling_rate": 0}'])
def test_settings_that_cannot_be_read(text: str, models: dict[str, Path], tmp_path: Path) -> None:
    folder = copied(models["english"], tmp_path / "model", "preprocessor_config.json", text)
    with pytest.raises(BackendError, match=r"preprocessor_config\.json: "):
        FasterWhisperBackend(model=str(folder))


def test_model_of_another_kind(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"found no model\.bin"):
        FasterWhisperBackend(model=str(models["unconverted"]))
    with pytest.raises(BackendError, match="expected a folder"):
        FasterWhisperBackend(model=str(tmp_path / "none"))


def test_name_without_a_commit_and_unknown_name() -> None:
    with pytest.raises(BackendError, match="model 'tiny' is no folder here, and no revision is given"):
        FasterWhisperBackend(model="tiny")
    with pytest.raises(BackendError, match=r"no such folder and no such name; expected one of: tiny\.en, tiny"):
        FasterWhisperBackend(model="huge", revision="0" * 40)


def test_what_the_engine_asks(models: dict[str, Path]) -> None:
    opened = FasterWhisperBackend(model=str(models["english"]))
    assert (opened.batch_size, opened.batch_seconds, opened.waits, opened.sample_rate) == (1, None, False, 16_000)


def test_close_and_again(models: dict[str, Path], heard: list[Request]) -> None:
    opened = FasterWhisperBackend(model=str(models["english"]), cpu_threads=1)
    before = opened.transcribe(heard[:1])
    opened.close()
    assert opened.transcribe(heard[:1]) == before


def test_it_is_silent(models: dict[str, Path], heard: list[Request], capfd: pytest.CaptureFixture[str]) -> None:
    FasterWhisperBackend(model=str(models["english"]), cpu_threads=1).transcribe(heard[:2])
    assert capfd.readouterr() == ("", "")


def test_missing_package_names_the_command(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from asrfair.backend import local

    original = local.importlib.util.find_spec
    monkeypatch.setattr(
        local.importlib.util, "find_spec", lambda name: None if name == "ctranslate2" else original(name)
    )
    with pytest.raises(BackendError, match=r'install it with pip install "asrfair\[faster-whisper\]"'):
        FasterWhisperBackend(model=str(models["english"]))
