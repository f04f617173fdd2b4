"""The bundled recogniser: real decoding of synthetic speech, and independence of what came before."""

import builtins
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from asrfair.audio import resample
from asrfair.backend import sphinx
from asrfair.backend.base import Request
from asrfair.backend.ngram import write_domain_dictionary, write_domain_model
from asrfair.backend.registry import open_backend
from asrfair.backend.sphinx import SphinxBackend
from asrfair.errors import BackendError

pytestmark = pytest.mark.demo

SENTENCES = (
    "turn on the lights",
    "what time is it",
    "play some music please",
    "stop the train at seven",
)


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.arpa"
    write_domain_model(SENTENCES, path)
    return path


@pytest.fixture(scope="module")
def dictionary(language_model: Path) -> str:
    path = language_model.with_name("small.dict")
    write_domain_dictionary([*SENTENCES, "open the door"], path)
    return str(path)


def speak(sentences: tuple[str, ...], *, voice: str, floors: tuple[float, ...]) -> list[Request]:
    """Return synthetic speech over white noise whose level changes from utterance to utterance."""
    pytest.importorskip("espeakng_loader")
    from asrfair.corpus.espeak import Synthesiser

    requests = []
    with Synthesiser(1) as synthesiser:
        for index, sentence in enumerate(sentences):
            variant = f"m{index % 5 + 1}"
            samples, rate = synthesiser.speak(sentence, voice=voice, variant=variant, rate=160, pitch=50)
            speech = resample(samples / 32768, from_hz=rate, to_hz=16_000)
            noise = np.random.default_rng(index).normal(scale=floors[index % len(floors)], size=len(speech))
            waveform = (0.5 * speech + noise).astype(np.float32)
            requests.append(Request(f"u{index}", "clean", "en", 16_000, waveform))
    return requests


@pytest.fixture(scope="module")
def spoken() -> list[Request]:
    return speak(SENTENCES * 2, voice="en-us", floors=(5e-4, 1e-3))


@pytest.fixture(scope="module")
def noisy() -> list[Request]:
    """Speech on which the decoder adapts: without a fresh start each time, order changes a third of it."""
    return speak(SENTENCES * 6, voice="en-gb-scotland", floors=(0.0, 0.02, 0.04))


@pytest.fixture(scope="module")
def backend(language_model: Path, dictionary: str) -> Iterator[SphinxBackend]:
    options = {"dictionary": dictionary}
    opened = open_backend("pocketsphinx", argument=str(language_model), options=options)
    assert isinstance(opened, SphinxBackend)
    yield opened
    opened.close()


def hypotheses(backend: SphinxBackend, requests: list[Request]) -> dict[str, str | None]:
    outcomes = backend.transcribe(requests)
    return {request.utterance_id: outcome.hypothesis for request, outcome in zip(requests, outcomes, strict=True)}


def test_it_recognises(backend: SphinxBackend, spoken: list[Request]) -> None:
    found = hypotheses(backend, spoken)
    right = sum(found[f"u{index}"] == sentence for index, sentence in enumerate(SENTENCES * 2))
    assert right >= 5, found


def test_results_do_not_depend_on_order(
    backend: SphinxBackend, language_model: Path, dictionary: str, noisy: list[Request]
) -> None:
    found = hypotheses(backend, noisy)
    assert hypotheses(backend, noisy[::-1]) == found
    fresh = SphinxBackend(language_model=str(language_model), dictionary=dictionary)
    assert [fresh.transcribe([request])[0].hypothesis for request in noisy] == list(found.values())


def test_small_dictionary_changes_nothing(backend: SphinxBackend, language_model: Path, spoken: list[Request]) -> None:
    whole = SphinxBackend(language_model=str(language_model))
    assert hypotheses(whole, spoken) == hypotheses(backend, spoken)
    assert whole.identity()["dictionary"].startswith("cmudict-en-us.dict ")


def test_unusable_audio_is_a_failure_and_changes_nothing_else(backend: SphinxBackend, spoken: list[Request]) -> None:
    before = hypotheses(backend, spoken[:3])
    bad = {
        "at least one frame": np.zeros(0, dtype=np.float32),
        "found 400 samples; expected at least one frame of 25.6 ms": np.zeros(400, dtype=np.float32),
        "not finite": np.full(16_000, np.nan, dtype=np.float32),
    }
    for reason, samples in bad.items():
        outcome = backend.transcribe([Request("bad", "clean", "en", 16_000, samples)])[0]
        assert reason in str(outcome.failure)
    assert "no audio" in str(backend.transcribe([Request("bad", "clean", "en", 16_000)])[0].failure)
    assert hypotheses(backend, spoken[:3]) == before


def test_wrong_rate_is_a_failure(backend: SphinxBackend) -> None:
    outcome = backend.transcribe([Request("a", "clean", "en", 8_000, np.zeros(8_000, dtype=np.float32))])[0]
    assert outcome.failure == "pocketsphinx: found audio at 8000 Hz; expected 16000 Hz"


def test_decoder_in_the_middle_of_an_utterance_is_replaced(
    backend: SphinxBackend, spoken: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hypotheses(backend, spoken[:2])
    with monkeypatch.context() as patch:
        # What an unchecked empty waveform would do.
        patch.setattr(sphinx, "to_int16", lambda samples: np.zeros(0, dtype=np.int16))
        outcome = backend.transcribe(spoken[:1])[0]
    assert outcome.failure is not None
    assert "Out of bounds" in outcome.failure
    assert hypotheses(backend, spoken[:2]) == before


def test_short_noise_is_an_empty_hypothesis(backend: SphinxBackend) -> None:
    samples = (np.random.default_rng(0).normal(size=800) * 1e-4).astype(np.float32)
    assert backend.transcribe([Request("a", "clean", "en", 16_000, samples)])[0].hypothesis == ""


def test_identity(backend: SphinxBackend, language_model: Path, dictionary: str, tmp_path: Path) -> None:
    found = backend.identity()
    assert found["package"].startswith("pocketsphinx 5.")
    assert found["language_model"].startswith("small.arpa ")
    assert found["dictionary"].startswith("small.dict ")
    assert found["sample_rate"] == "16000"
    assert str(language_model.parent) not in str(dict(found))
    other = tmp_path / "small.arpa"
    write_domain_model([*SENTENCES, "open the door"], other)
    changed = SphinxBackend(language_model=str(other), dictionary=dictionary).identity()
    assert {key for key in found if found[key] != changed[key]} == {"language_model"}


def test_own_dictionary(language_model: Path, tmp_path: Path) -> None:
    dictionary = tmp_path / "own.dict"
    dictionary.write_text("lights L AY T S\n", encoding="utf-8")
    backend = SphinxBackend(language_model=str(language_model), dictionary=str(dictionary))
    noise = (np.random.default_rng(0).normal(size=32_000) * 0.1).astype(np.float32)
    words = str(backend.transcribe([Request("a", "clean", "en", 16_000, noise)])[0].hypothesis).split()
    assert set(words) <= {"lights"}


@pytest.mark.parametrize("option", ["language_model", "dictionary"])
def test_missing_file(option: str) -> None:
    with pytest.raises(BackendError, match=rf"pocketsphinx: {option} none\.arpa: no such file"):
        SphinxBackend(**{option: "none.arpa"})


def test_file_that_is_no_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.arpa").write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(BackendError, match=r"cannot start with the language model .*bad\.arpa"):
        SphinxBackend(language_model=str(tmp_path / "bad.arpa"))
    assert capfd.readouterr() == ("", "")


def test_rate_below_the_acoustic_model(language_model: Path, dictionary: str) -> None:
    with pytest.raises(BackendError, match="found sample_rate 8000; expected at least 13712 Hz"):
        SphinxBackend(language_model=str(language_model), sample_rate=8_000)
    lowest = SphinxBackend(language_model=str(language_model), dictionary=dictionary, sample_rate=13_712)
    assert lowest.sample_rate == 13_712


def test_it_is_silent(
    language_model: Path,
    dictionary: str,
    spoken: list[Request],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        SphinxBackend(language_model=str(language_model), dictionary=dictionary).transcribe(spoken[:2])
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.partition(".")[0] == "pocketsphinx":
            raise ModuleNotFoundError("No module named 'pocketsphinx'")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendError, match=r'install it with pip install "asrfair\[pocketsphinx\]"') as caught:
        open_backend("pocketsphinx", argument=None, options={})
    assert "\n" not in str(caught.value)
    with pytest.raises(BackendError, match=r'pip install "asrfair\[pocketsphinx\]"'):
        write_domain_model(["a"], Path("never.arpa"))
