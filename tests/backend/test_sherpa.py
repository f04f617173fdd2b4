"""sherpa-onnx: the real package and its real loading, with random models of a few kilobytes written as ONNX."""

import importlib.metadata
import importlib.util
import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sherpa_onnx", reason="needs the extra sherpa-onnx")
pytest.importorskip("onnx", reason="needs onnx, to write models")

import sherpa_onnx

from asrfair.audio import Waveform
from asrfair.backend.base import Outcome, Request
from asrfair.backend.sherpa import SherpaBackend
from asrfair.errors import AsrfairError, BackendError
from tests.backend.tiny_onnx import (
    PIECES,
    write_frames_ctc,
    write_nemo_ctc,
    write_nemo_tdt,
    write_pieces,
    write_transducer,
    write_whisper_onnx,
)

RATE = 16_000
FACTORIES = {"nemo_transducer": "transducer"}


def request(samples: Any, name: str = "u", *, language: str = "en-GB", rate: int = RATE) -> Request:
    return Request(name, "clean", language, rate, np.asarray(samples, dtype=np.float32))


def noise(seconds: float, *, seed: int, language: str = "en-GB") -> Request:
    count = round(seconds * RATE)
    swing = np.sin(np.arange(count) / (900 + 300 * seed)) * np.random.default_rng(seed).normal(size=count)
    return request(0.1 * swing, f"u{seed}", language=language)


UTTERANCES = [noise(seconds, seed=seed) for seed, seconds in enumerate((1.0, 2.0, 0.5, 1.3))]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The files of one model per family, as options."""
    root = tmp_path_factory.mktemp("models")
    last, first = write_pieces(root / "last.txt"), write_pieces(root / "first.txt", blank="first")
    folders = {name: root / name for name in ("transducer", "tdt", "whisper")}
    for folder in folders.values():
        folder.mkdir()
    whisper = write_whisper_onnx(folders["whisper"])
    return {
        "nemo_ctc": {"model": str(write_nemo_ctc(root / "nemo.onnx")), "tokens": str(last)},
        "zipformer_ctc": {
            "model": str(write_frames_ctc(root / "zipformer.onnx", family="zipformer_ctc")),
            "tokens": str(first),
        },
        "wenet_ctc": {
            "model": str(write_frames_ctc(root / "wenet.onnx", family="wenet_ctc", seed=4)),
            "tokens": str(first),
        },
        "transducer": {**write_transducer(folders["transducer"], seed=2), "tokens": str(first)},
        "nemo_transducer": {**write_nemo_tdt(folders["tdt"], seed=3), "tokens": str(last)},
        "whisper": {**whisper, "tokens": str(folders["whisper"] / "tokens.txt")},
    }


@pytest.fixture
def opened(models: dict[str, dict[str, str]]) -> Iterator[Callable[..., SherpaBackend]]:
    backends = []

    def make(family: str, **options: Any) -> SherpaBackend:
        backends.append(SherpaBackend(**{"family": family, **models.get(family, {}), **options}))
        return backends[-1]

    yield make
    for backend in backends:
        backend.close()


def directly(family: str, options: dict[str, str], samples: Waveform, **more: Any) -> Any:
    """Return sherpa-onnx's own result, in this process, as its documentation asks for it."""
    name = FACTORIES.get(family, family)
    told = {"model_type": family} if name == "transducer" else {}
    recogniser = getattr(sherpa_onnx.OfflineRecognizer, f"from_{name}")(**options, **told, **more)
    stream = recogniser.create_stream()
    stream.accept_waveform(RATE, samples)
    recogniser.decode_stream(stream)
    return stream.result


# What it answers.


@pytest.mark.parametrize(
    "family", ["nemo_ctc", "zipformer_ctc", "wenet_ctc", "transducer", "nemo_transducer", "whisper"]
)
def test_each_family_answers_as_sherpa_onnx_itself(
    models: dict[str, dict[str, str]], opened: Callable[..., SherpaBackend], family: str
) -> None:
    outcomes = opened(family).transcribe(UTTERANCES)
    expected = [directly(family, models[family], one.samples).text.strip() for one in UTTERANCES]
    assert [outcome.hypothesis for outcome in outcomes] == expected
    assert len(set(expected)) == len(UTTERANCES)
    for outcome in outcomes:
        assert outcome.language is None
        if family != "whisper":
            assert " ".join(word.text for word in outcome.words) == outcome.hypothesis


@pytest.mark.parametrize("family", ["nemo_ctc", "transducer", "nemo_transducer"])
def test_words_are_of_the_tokens_that_sherpa_onnx_tells(
    models: dict[str, dict[str, str]], opened: Callable[..., SherpaBackend], family: str
) -> None:
    """The slow definition: a piece that begins with a space begins a word."""
    (outcome,) = opened(family).transcribe([UTTERANCES[1]])
    found = directly(family, models[family], UTTERANCES[1].samples)
    words: list[list[int]] = []
    for number, token in enumerate(found.tokens):
        if token.startswith(" ") or not words:
            words.append([])
        words[-1].append(number)
    assert len(outcome.words) == len(words) > 2
    for word, numbers in zip(outcome.words, words, strict=True):
        assert word.text == "".join(found.tokens[number] for number in numbers).strip()
        assert word.start_s == pytest.approx(found.timestamps[numbers[0]], abs=1e-3)
        if family == "nemo_transducer":
            end_s = found.timestamps[numbers[-1]] + found.durations[numbers[-1]]
            assert word.end_s == pytest.approx(min(end_s, 2.0), abs=1e-3)
        else:
            assert word.end_s is None
        if family == "nemo_ctc":
            assert word.confidence is None
        else:
            sure = math.exp(sum(found.ys_log_probs[number] for number in numbers))
            assert word.confidence == pytest.approx(min(1.0, sure))


def test_an_utterance_gets_what_it_gets_alone(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("nemo_ctc")
    together = backend.transcribe(UTTERANCES)
    assert [backend.transcribe([one])[0] for one in reversed(UTTERANCES)] == together[::-1]


def test_beams_are_told_from_the_greedy_search(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("transducer", decoding_method="modified_beam_search", max_active_paths=2)
    assert all(outcome.failure is None for outcome in backend.transcribe(UTTERANCES))
    assert backend.identity()["decoding_method"] == "modified_beam_search"
    assert backend.identity()["max_active_paths"] == "2"


def test_whisper_is_asked_in_the_utterance_s_language(
    models: dict[str, dict[str, str]], opened: Callable[..., SherpaBackend]
) -> None:
    spoken = [noise(1, seed=1, language=language) for language in ("en-GB", "de_DE", "hi", "xx")]
    outcomes = opened("whisper").transcribe(spoken)
    expected = [
        directly("whisper", models["whisper"], spoken[0].samples, language=language).text.strip()
        for language in ("en", "de", "hi")
    ]
    assert [outcome.hypothesis for outcome in outcomes[:3]] == expected
    assert outcomes[3].failure == "sherpa-onnx: the process ended: Invalid language: xx"


def test_whisper_detects_a_language_and_says_which(
    models: dict[str, dict[str, str]], opened: Callable[..., SherpaBackend]
) -> None:
    (outcome,) = opened("whisper", language="").transcribe([UTTERANCES[0]])
    assert outcome.language == directly("whisper", models["whisper"], UTTERANCES[0].samples, language="").lang
    assert outcome.language in ("en", "de", "hi")


def test_a_language_that_whisper_lacks_stops_at_once(opened: Callable[..., SherpaBackend]) -> None:
    with pytest.raises(BackendError, match="sherpa-onnx: option 'language': Invalid language: tlh"):
        opened("whisper", language="tlh").transcribe([UTTERANCES[0]])


def test_silence_is_what_the_model_says(
    models: dict[str, dict[str, str]], opened: Callable[..., SherpaBackend]
) -> None:
    silence = request(np.zeros(RATE))
    (outcome,) = opened("nemo_ctc").transcribe([silence])
    assert outcome.failure is None
    assert outcome.hypothesis == directly("nemo_ctc", models["nemo_ctc"], silence.samples).text.strip()


# What cannot be answered.


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (request([0.1]), "found 1 samples; expected at least 400"),
        (request([]), "found no samples"),
        (request([np.nan] * RATE), "not finite"),
        (request(np.zeros(8000), rate=8000), "found audio at 8000 Hz; expected 16000 Hz"),
        (Request("u", "clean", "en", RATE, None), "found no audio"),
        (request([0.1] * 480), "Invalid input shape"),
    ],
)
def test_bad_audio_fails_with_a_reason_among_good(
    opened: Callable[..., SherpaBackend], bad: Request, reason: str
) -> None:
    backend = opened("nemo_ctc")
    outcomes = backend.transcribe([UTTERANCES[0], bad, UTTERANCES[1]])
    assert outcomes[1].hypothesis is None
    assert reason in str(outcomes[1].failure)
    assert outcomes[::2] == backend.transcribe(UTTERANCES[:2])


@pytest.mark.parametrize(("seconds", "heard"), [(0.19, False), (0.2, True), (29.49, True), (29.5, False), (40, False)])
def test_whisper_hears_no_more_than_its_window(
    opened: Callable[..., SherpaBackend], seconds: float, heard: bool
) -> None:
    """sherpa-onnx drops what is longer, and takes no token of what is shorter: both without a word in the result."""
    (outcome,) = opened("whisper").transcribe([noise(seconds, seed=1)])
    assert (outcome.failure is None) is heard
    if not heard:
        assert f"found {seconds:.2f} s of audio; expected 0.2 to 29.5 s" in str(outcome.failure)
    else:
        assert outcome.hypothesis


def test_an_error_that_sherpa_onnx_swallows_is_a_failure(opened: Callable[..., SherpaBackend], tmp_path: Path) -> None:
    files = write_whisper_onnx(tmp_path, positions=3)
    backend = opened("whisper", **files, tokens=str(tmp_path / "tokens.txt"))
    found = directly("whisper", {**files, "tokens": str(tmp_path / "tokens.txt")}, UTTERANCES[0].samples)
    (outcome,) = backend.transcribe([UTTERANCES[0]])
    # This is why: it is what it gives for silence.
    assert found.text == ""
    assert str(outcome.failure).startswith("sherpa-onnx: Caught exception: Non-zero status code")
    assert str(outcome.failure).isprintable()


def test_what_was_said_of_one_utterance_is_not_held_against_the_next(
    opened: Callable[..., SherpaBackend], tmp_path: Path
) -> None:
    """A model of five positions: enough for the one token that 0.2 s may give."""
    files = write_whisper_onnx(tmp_path, positions=5)
    backend = opened("whisper", **files, tokens=str(tmp_path / "tokens.txt"))
    first, second = backend.transcribe([UTTERANCES[0], noise(0.2, seed=1)])
    assert "Caught exception" in str(first.failure)
    assert second.failure is None
    assert second.hypothesis


def test_a_token_without_a_symbol_is_a_failure(opened: Callable[..., SherpaBackend], tmp_path: Path) -> None:
    few = write_pieces(tmp_path / "few.txt", PIECES[:2])
    outcomes = opened("nemo_ctc", tokens=str(few)).transcribe(UTTERANCES)
    assert all("found a token that tokens.txt lacks" in str(outcome.failure) for outcome in outcomes)


def test_after_its_process_is_killed_the_next_is_heard(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("nemo_ctc")
    before = backend.transcribe(UTTERANCES[:2])
    assert backend._worker is not None
    os.kill(backend._worker._process.pid, signal.SIGKILL)
    backend._worker._process.wait()
    outcomes = backend.transcribe(UTTERANCES[:2])
    assert outcomes[0] == Outcome(failure="sherpa-onnx: the process ended: exit code -9, saying nothing")
    assert outcomes[1] == before[1]


def test_closed_it_holds_no_process_and_starts_another(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("nemo_ctc")
    before = backend.transcribe(UTTERANCES[:1])
    assert backend._worker is not None
    process = backend._worker._process
    backend.close()
    backend.close()
    assert process.returncode is not None
    assert backend.transcribe(UTTERANCES[:1]) == before


def test_nothing_that_it_says_reaches_the_terminal(
    opened: Callable[..., SherpaBackend], capfd: pytest.CaptureFixture[str]
) -> None:
    opened("nemo_ctc").transcribe([UTTERANCES[0], request([0.1] * 480)])
    assert capfd.readouterr() == ("", "")


# Models that cannot be used.


def cut(options: dict[str, str], folder: Path) -> dict[str, str]:
    (folder / "cut.onnx").write_bytes(Path(options["model"]).read_bytes()[:300])
    return {"model": str(folder / "cut.onnx")}


def of_text(options: dict[str, str], folder: Path) -> dict[str, str]:
    (folder / "text.onnx").write_text("no model\n")
    return {"model": str(folder / "text.onnx")}


def without_metadata(options: dict[str, str], folder: Path) -> dict[str, str]:
    return {"model": str(write_nemo_ctc(folder / "bare.onnx", metadata={}))}


def without_blank(options: dict[str, str], folder: Path) -> dict[str, str]:
    (folder / "tokens.txt").write_text("a 0\nb 1\n")
    return {"tokens": str(folder / "tokens.txt")}


def model_as_tokens(options: dict[str, str], folder: Path) -> dict[str, str]:
    return {"tokens": options["model"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (cut, "Protobuf parsing failed"),
        (of_text, "Protobuf parsing failed"),
        (without_metadata, "'vocab_size' does not exist in the metadata"),
        (without_blank, "contains the symbol <blk>"),
        (model_as_tokens, ""),
    ],
)
def test_a_wrong_model_stops_with_one_line(
    models: dict[str, dict[str, str]],
    opened: Callable[..., SherpaBackend],
    tmp_path: Path,
    change: Callable[[dict[str, str], Path], dict[str, str]],
    reason: str,
) -> None:
    backend = opened("nemo_ctc", **change(models["nemo_ctc"], tmp_path))
    with pytest.raises(BackendError) as caught:
        backend.transcribe(UTTERANCES[:1])
    message = str(caught.value)
    assert message.startswith("sherpa-onnx: cannot start with ")
    assert message.endswith("; expected the files of one nemo_ctc, and the provider cpu")
    assert reason in message
    assert message.isprintable()
    assert "/project/" not in message


def test_the_files_of_another_family_stop(models: dict[str, dict[str, str]], opened: Callable[..., Any]) -> None:
    files = {name: models["transducer"][name] for name in ("encoder", "decoder")}
    with pytest.raises(
        BackendError, match=r"'n_mels' does not exist in the metadata.*expected the files of one whisper"
    ):
        opened("whisper", **files).transcribe(UTTERANCES[:1])


def test_a_gpu_that_is_not_there_is_not_replaced_by_the_processor(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("nemo_ctc", provider="cuda")
    assert backend.waits
    with pytest.raises(BackendError, match=r"Fallback to cpu!; expected .* the provider cuda"):
        backend.transcribe(UTTERANCES[:1])


# Options and identity.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "kaldi"}, "option 'family': found 'kaldi'; expected one of: nemo_ctc, zipformer_ctc, "),
        ({"model": "/no/such.onnx"}, "option 'model': /no/such.onnx: no such file"),
        ({"tokens": "/no/such.txt"}, "option 'tokens': /no/such.txt: no such file"),
        ({"encoder": "e.onnx"}, "found the files model, encoder; expected model for the family nemo_ctc"),
        ({"family": "whisper"}, "found the files model; expected encoder, decoder for the family whisper"),
        ({"family": "transducer"}, "expected encoder, decoder, joiner for the family transducer"),
        ({"provider": "tpu"}, "option 'provider': found 'tpu'; expected one of: cpu, cuda, coreml"),
        ({"decoding_method": "modified_beam_search"}, "option 'decoding_method': found 'modified_beam_search'"),
        ({"num_threads": 0}, "option 'num_threads': found 0; expected at least 1"),
        ({"sample_rate": 0}, "option 'sample_rate': found 0; expected at least 8000"),
        ({"language": "en"}, "found option 'language' or 'task' for nemo_ctc; expected them for whisper"),
        ({"family": "whisper", "sample_rate": 8000}, "found sample_rate 8000; expected 16000 for whisper"),
    ],
)
def test_a_wrong_option_is_refused_at_once(
    models: dict[str, dict[str, str]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AsrfairError) as caught:
        SherpaBackend(**{"family": "nemo_ctc", **models["nemo_ctc"], **options})
    assert message in str(caught.value)


def test_it_is_identified_by_its_files_and_their_weights(opened: Callable[..., SherpaBackend], tmp_path: Path) -> None:
    model = write_nemo_ctc(tmp_path / "m.onnx")
    first = dict(opened("nemo_ctc", model=str(model)).identity())
    (tmp_path / "m.onnx.data").write_bytes(b"weights")
    second = dict(opened("nemo_ctc", model=str(model)).identity())
    assert first["package"] == f"sherpa-onnx {importlib.metadata.version('sherpa-onnx')}"
    assert {name for name in first if first[name] != second[name]} == {"model"}
    assert str(tmp_path) not in str(first)
    write_nemo_ctc(model, seed=1)
    (tmp_path / "m.onnx.data").unlink()
    assert opened("nemo_ctc", model=str(model)).identity()["model"] not in (first["model"], second["model"])


def test_it_says_how_it_wants_to_be_asked(opened: Callable[..., SherpaBackend]) -> None:
    backend = opened("nemo_ctc", batch_size=3, batch_seconds=60)
    assert (backend.batch_size, backend.batch_seconds, backend.waits, backend.sample_rate) == (3, 60, False, RATE)


def test_an_absent_package_is_named_with_its_extra(
    models: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "sherpa_onnx" else find(name, *rest)
    )
    with pytest.raises(BackendError, match=r'sherpa_onnx is not installed.*pip install "asrfair\[sherpa-onnx\]"'):
        SherpaBackend(family="nemo_ctc", **models["nemo_ctc"])
