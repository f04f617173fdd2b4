"""Hugging Face models through the real package: tiny random ones, written to disk and loaded by path."""

import itertools
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")
pytest.importorskip("torch")

import torch

from asrfair.backend.base import Outcome, Request
from asrfair.backend.transformers import TransformersBackend
from asrfair.errors import BackendError
from tests.backend import tiny_models

TOKENS = 12
Make = Callable[..., TransformersBackend]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """More threads than free cores take twenty times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("models")
    return {
        "wav2vec2": tiny_models.write_ctc(folder / "wav2vec2"),
        "wav2vec2-group": tiny_models.write_ctc(folder / "wav2vec2-group", norm="group"),
        "hubert": tiny_models.write_ctc(folder / "hubert", kind="Hubert"),
        "wavlm": tiny_models.write_ctc(folder / "wavlm", kind="WavLM"),
        "whisper": tiny_models.write_whisper(folder / "whisper"),
        "whisper.en": tiny_models.write_whisper(folder / "whisper.en", multilingual=False, alignment=False),
        "moonshine": tiny_models.write_moonshine(folder / "moonshine"),
    }


@pytest.fixture(scope="module")
def heard() -> list[Request]:
    lengths = (1.0, 3.3, 2.0, 0.4, 2.0, 4.9)
    return [tiny_models.noise(f"u{number}", length, seed=number) for number, length in enumerate(lengths)]


@pytest.fixture(scope="module")
def backend(models: dict[str, Path]) -> Make:
    opened: dict[str, TransformersBackend] = {}

    def make(name: str, **options: Any) -> TransformersBackend:
        key = f"{name} {options}"
        if "wav" not in name and "hub" not in name:
            options.setdefault("max_new_tokens", TOKENS)
        if key not in opened:
            opened[key] = TransformersBackend(model=str(models[name]), threads=1, **options)
        return opened[key]

    return make


def check_words(outcomes: Sequence[Outcome], requests: Sequence[Request], *, timed: bool) -> None:
    assert any(outcome.words for outcome in outcomes)
    for outcome, request in zip(outcomes, requests, strict=True):
        assert request.samples is not None
        assert [word.text for word in outcome.words] == str(outcome.hypothesis).split()
        starts = [word.start_s for word in outcome.words]
        for word in outcome.words:
            assert word.confidence is not None
            assert 0 <= word.confidence <= 1
            for seconds in (word.start_s, word.end_s) if timed else ():
                assert seconds is None or 0 <= seconds <= len(request.samples) / 16_000
            if word.start_s is not None and word.end_s is not None:
                assert word.start_s <= word.end_s
        if timed:
            assert None not in starts
            assert starts == sorted(starts)  # type: ignore[type-var]
        else:
            assert set(starts) <= {None}


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("wav2vec2", {}),
    ("wav2vec2-group", {}),
    ("hubert", {}),
    ("wavlm", {}),
    ("whisper", {}),
    ("whisper", {"num_beams": 3}),
    ("whisper", {"word_timestamps": True}),
    ("whisper", {"language": ""}),
    ("whisper.en", {"word_timestamps": True}),
    ("moonshine", {}),
    ("moonshine", {"num_beams": 2}),
]


@pytest.mark.parametrize(("name", "options"), WAYS)
def test_batch_is_as_one_by_one_in_any_order(
    name: str, options: dict[str, Any], backend: Make, heard: list[Request]
) -> None:
    opened = backend(name, **options)
    together = opened.transcribe(heard)
    assert len({outcome.hypothesis for outcome in together}) > 1, "a model that always says the same tests nothing"
    for others in ([opened.transcribe([request])[0] for request in heard], opened.transcribe(heard[::-1])[::-1]):
        assert [outcome.hypothesis for outcome in others] == [outcome.hypothesis for outcome in together]
        for one, other in zip(together, others, strict=True):
            assert [(word.start_s, word.end_s) for word in one.words] == [(w.start_s, w.end_s) for w in other.words]
            sure = [word.confidence for word in one.words]
            assert sure == pytest.approx([word.confidence for word in other.words], rel=1e-3, abs=1e-6)
    timed = name in ("wav2vec2", "wav2vec2-group", "hubert", "wavlm") or (
        name == "whisper" and "word_timestamps" in options
    )
    check_words(together, heard, timed=timed)


def test_times_do_not_depend_on_who_says_more(models: dict[str, Path], heard: list[Request], tmp_path: Path) -> None:
    """Together, transformers aligns an utterance that ended early with the padding of its text."""
    from transformers import WhisperForConditionalGeneration

    folder = copied(models["whisper"], tmp_path / "whisper")
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    with torch.no_grad():
        model.proj_out.weight[model.config.eos_token_id].mul_(-1)
    model.save_pretrained(folder)
    opened = TransformersBackend(model=str(folder), word_timestamps=True, max_new_tokens=24, threads=1)
    together = opened.transcribe(heard)
    assert [opened.transcribe([request])[0] for request in heard] == together
    assert len({len(outcome.words) for outcome in together}) > 2


def piped(folder: Path, requests: Sequence[Request], **options: Any) -> list[dict[str, Any]]:
    """Return what transformers' own pipeline says, one by one."""
    from transformers import pipeline
    from transformers.utils import logging

    logging.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask = pipeline("automatic-speech-recognition", model=str(folder), device="cpu")
        return [ask({"raw": request.samples.copy(), "sampling_rate": 16_000}, **options) for request in requests]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-group", "wavlm"])
def test_ctc_is_as_the_pipeline_says(name: str, models: dict[str, Path], backend: Make, heard: list[Request]) -> None:
    for outcome, told in zip(
        backend(name).transcribe(heard), piped(models[name], heard, return_timestamps="word"), strict=True
    ):
        assert outcome.hypothesis == told["text"]
        times = [second for word in outcome.words for second in (word.start_s, word.end_s)]
        assert times == pytest.approx([second for chunk in told["chunks"] for second in chunk["timestamp"]])


def test_whisper_is_as_the_pipeline_says(models: dict[str, Path], backend: Make, heard: list[Request]) -> None:
    settings = {"language": "en", "task": "transcribe", "max_new_tokens": TOKENS, "num_beams": 1}
    for options in ({}, {"word_timestamps": True}):
        outcomes = backend("whisper", **options).transcribe(heard)
        told = piped(models["whisper"], heard, generate_kwargs=settings)
        assert [outcome.hypothesis for outcome in outcomes] == [one["text"].strip() for one in told]


def test_long_form_is_as_the_pipeline_says(models: dict[str, Path], backend: Make) -> None:
    long = [tiny_models.noise("long", 13.0, seed=1), tiny_models.noise("longer", 17.3, seed=2)]
    settings = {"language": "en", "task": "transcribe", "max_new_tokens": TOKENS, "num_beams": 1}
    told = piped(models["whisper"], long, return_timestamps=True, generate_kwargs=settings)
    short = tiny_models.noise("short", 1.0, seed=3)
    for options in ({}, {"word_timestamps": True}):
        outcomes = backend("whisper", **options).transcribe([long[0], short, long[1]])
        assert [outcomes[0].hypothesis, outcomes[2].hypothesis] == [one["text"].strip() for one in told]
        if options:
            # In the second window and the third.
            assert all((outcomes[n].words[-1].start_s or 0) > 5 for n in (0, 2))
        check_words([outcomes[0], outcomes[2]], long, timed=bool(options))


def test_confidence_of_ctc_by_definition(models: dict[str, Path], backend: Make, heard: list[Request]) -> None:
    from transformers import AutoModelForCTC

    model = AutoModelForCTC.from_pretrained(models["wav2vec2"])
    letters = tiny_models.LETTERS
    for request in heard:
        outcome = backend("wav2vec2").transcribe([request])[0]
        samples = (request.samples - request.samples.mean()) / np.sqrt(request.samples.var() + 1e-7)  # type: ignore
        with torch.no_grad():
            posteriors = model(torch.from_numpy(samples)[None]).logits[0].softmax(-1).numpy()
        words, sure = [""], [1.0]
        for label, frames in itertools.groupby(posteriors, key=lambda frame: letters[int(frame.argmax())]):
            best = max(float(frame.max()) for frame in frames)
            if label == "|":
                words, sure = [*words, ""], [*sure, 1.0]
            elif label != "<pad>":
                words[-1] += label
                sure[-1] *= best
        kept = [(word, product) for word, product in zip(words, sure, strict=True) if word]
        assert [word.text for word in outcome.words] == [word for word, _ in kept]
        found = [word.confidence for word in outcome.words]
        assert found == pytest.approx([product for _, product in kept], rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("beams", [1, 3])
def test_confidence_of_whisper_by_definition(
    beams: int, models: dict[str, Path], backend: Make, heard: list[Request]
) -> None:
    """All tokens are given to the model at once, and what may not be said is left out of the softmax."""
    from transformers import AutoTokenizer, WhisperFeatureExtractor, WhisperForConditionalGeneration

    folder = models["whisper"]
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    tokenizer, features = AutoTokenizer.from_pretrained(folder), WhisperFeatureExtractor.from_pretrained(folder)
    settings = model.generation_config
    prompt = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"])
    for request, outcome in zip(heard, backend("whisper", num_beams=beams).transcribe(heard), strict=True):
        inputs = features(request.samples, sampling_rate=16_000, return_tensors="pt").input_features
        said = model.generate(inputs, language="en", task="transcribe", max_new_tokens=TOKENS, num_beams=beams)[0]
        said = [token for token in said.tolist() if token != settings.eos_token_id]
        with torch.no_grad():
            logits = model(inputs, decoder_input_ids=torch.tensor([prompt + said])).logits[0, len(prompt) - 1 : -1]
        logits[:, settings.suppress_tokens] = -torch.inf
        logits[0, settings.begin_suppress_tokens] = -torch.inf
        likely = logits.log_softmax(-1)[range(len(said)), said].tolist()
        groups: list[list[float]] = []
        for number, one in enumerate(likely):
            if tokenizer.decode(said[: number + 1]).strip().count(" ") + 1 > len(groups):
                groups.append([])
            groups[-1].append(one)
        found = [word.confidence for word in outcome.words]
        assert found == pytest.approx([float(np.exp(sum(group))) for group in groups], rel=1e-2)


def test_language_is_asked_for_detected_and_refused(backend: Make, models: dict[str, Path]) -> None:
    sound = tiny_models.noise("a", 2.0, seed=4)
    asked = [replace(sound, language=language) for language in ("en-GB", "de", "xx", "en", "")]
    found = backend("whisper").transcribe(asked)
    # What is said is the same in so small a model, how surely is not.
    assert found[0] == found[3] != found[1]
    assert found[2].failure == "transformers: found language 'xx'; expected one of: de, en, hi"
    detected = backend("whisper", language="").transcribe(asked[:1])[0]
    assert [outcome.language for outcome in found] == [None, None, None, None, detected.language]
    assert detected.language in tiny_models.LANGUAGES
    again = backend("whisper", language=detected.language).transcribe(asked[:1])[0]
    assert replace(again, language=detected.language) == detected
    assert backend("whisper", language="de").transcribe([asked[2]])[0] == found[1]
    assert backend("whisper.en").transcribe(asked[2:3])[0].language is None


def test_task_changes_what_is_said(backend: Make, heard: list[Request]) -> None:
    said = [backend("whisper", task=task).transcribe(heard) for task in ("transcribe", "translate")]
    assert said[0] != said[1]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("whisper", {"language": "fr"}, "option 'language': found 'fr'; expected one of: de, en, hi"),
        ("whisper.en", {"language": "de"}, "has one language; expected no option 'language'"),
        ("whisper.en", {"task": "translate"}, "has one language"),
    ],
)
def test_option_that_the_model_does_not_have(
    name: str, options: dict[str, Any], message: str, backend: Make, heard: list[Request]
) -> None:
    with pytest.raises(BackendError, match=message):
        backend(name, **options).transcribe(heard[:1])


@pytest.mark.parametrize("option", [{"language": "en"}, {"num_beams": 2}, {"max_new_tokens": 9}, {"task": "translate"}])
def test_option_that_ctc_does_not_have(option: dict[str, Any], models: dict[str, Path]) -> None:
    with pytest.raises(BackendError, match="for a CTC model"):
        TransformersBackend(model=str(models["wav2vec2"]), **option)


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-group", "whisper", "moonshine"])
def test_what_cannot_be_heard_is_a_failure_and_changes_nothing_else(
    name: str, backend: Make, heard: list[Request]
) -> None:
    before = [outcome.hypothesis for outcome in backend(name).transcribe(heard[:2])]
    sound = heard[0]
    bad = {
        "found no samples; expected at least one": replace(sound, samples=np.zeros(0, dtype=np.float32)),
        "found 1 samples; expected at least": replace(sound, samples=np.ones(1, dtype=np.float32)),
        "not finite": replace(sound, samples=np.full(16_000, np.nan, dtype=np.float32)),
        "found audio at 8000 Hz; expected 16000 Hz": replace(sound, sample_rate=8_000),
        "found no audio": replace(sound, samples=None),
    }
    found = backend(name).transcribe([heard[0], *bad.values(), heard[1]])
    for reason, outcome in zip(bad, found[1:-1], strict=True):
        assert outcome.hypothesis is None
        assert str(outcome.failure).startswith("transformers: ")
        assert reason in str(outcome.failure)
    assert [found[0].hypothesis, found[-1].hypothesis] == before


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-group", "whisper"])
def test_silence_and_the_shortest_sound_are_heard(name: str, backend: Make, heard: list[Request]) -> None:
    opened = backend(name)
    silence = replace(heard[0], samples=np.zeros(16_000, dtype=np.float32))
    assert opened.transcribe([silence])[0].hypothesis is not None
    least = 400 if name == "whisper" else 10 * (8 * (4 - 1) + 8 - 1) + 10
    short = [tiny_models.noise("s", (least - below) / 16_000, seed=1) for below in (0, 1)]
    found = opened.transcribe(short)
    assert found[0].hypothesis is not None
    assert f"at least {least}" in str(found[1].failure)


def test_numbers_that_overflow_are_a_failure(models: dict[str, Path], heard: list[Request]) -> None:
    for name in ("wav2vec2", "whisper"):
        opened = TransformersBackend(
            model=str(models[name]), threads=1, **({} if name == "wav2vec2" else {"max_new_tokens": 3})
        )
        opened.transcribe(heard[:1])
        loaded: Any = opened._loaded
        with torch.no_grad():
            getattr(loaded.model, {"wav2vec2": "lm_head", "whisper": "proj_out"}[name]).weight.fill_(torch.nan)
        for outcome in opened.transcribe(heard[:2]):
            assert outcome.failure == (
                "transformers: found numbers that are not finite in float32; expected finite ones, try a wider dtype"
            )


def test_narrow_numbers(models: dict[str, Path], heard: list[Request]) -> None:
    for name, options in (("wav2vec2", {}), ("whisper", {"max_new_tokens": 4})):
        opened = TransformersBackend(model=str(models[name]), dtype="bfloat16", threads=1, **options)  # type: ignore[arg-type]
        assert all(outcome.hypothesis is not None for outcome in opened.transcribe(heard))
        assert opened.identity()["dtype"] == "bfloat16"


FRESH = """
import json, sys
sys.path.insert(0, sys.argv[1])
import tiny_models
from dataclasses import astuple
from asrfair.backend.transformers import TransformersBackend
heard = [tiny_models.noise(f"u{n}", length, seed=n) for n, length in enumerate((1.0, 3.3, 2.0, 0.4, 2.0, 4.9))]
for model in sys.argv[2:]:
    options = {"max_new_tokens": 12, "word_timestamps": True} if "whisper" in model else {}
    opened = TransformersBackend(model=model, threads=1, **options)
    print(json.dumps([dict(opened.identity()), [astuple(outcome) for outcome in opened.transcribe(heard)]]))
"""


def test_fresh_process_says_the_same(models: dict[str, Path], backend: Make, heard: list[Request]) -> None:
    names = ["wav2vec2", "whisper"]
    command = [sys.executable, "-c", FRESH, str(Path(__file__).parent), *(str(models[name]) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for name, line in zip(names, done.stdout.splitlines(), strict=True):
        opened = backend(name, **({"word_timestamps": True} if name == "whisper" else {}))
        identity, told = json.loads(line)
        assert identity == dict(opened.identity())
        found = [Outcome(*one[:2], words=tuple(map(tuple, one[2]))) for one in told]  # type: ignore[arg-type]
        here = opened.transcribe(heard)
        assert [one.hypothesis for one in found] == [one.hypothesis for one in here]
        assert [list(map(list, one.words)) for one in found] == [  # type: ignore[call-overload]
            [[w.text, w.start_s, w.end_s, w.confidence] for w in one.words] for one in here
        ]


def test_identity(models: dict[str, Path], tmp_path: Path, backend: Make) -> None:
    found = backend("wav2vec2").identity()
    assert found["package"].startswith("transformers 5.")
    assert found["model"].startswith("wav2vec2 ")
    assert (found["kind"], found["device"], found["dtype"]) == ("wav2vec2, CTC", "cpu", "float32")
    assert str(models["wav2vec2"].parent) not in str(dict(found))
    copy = tmp_path / "wav2vec2"
    copy.mkdir()
    for path in models["wav2vec2"].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert TransformersBackend(model=str(copy), threads=1).identity() == found
    tiny_models.flip_a_byte(copy / "model.safetensors")
    changed = TransformersBackend(model=str(copy), threads=1).identity()
    assert {key for key in found if found[key] != changed[key]} == {"model"}


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"batch_size": 3}, "batch"),
        ({"batch_seconds": 20.0}, "batch"),
        ({"dtype": "bfloat16"}, "dtype"),
        ({"threads": 1}, "threads"),
        ({"num_beams": 2}, "num_beams"),
        ({"max_new_tokens": 9}, "max_new_tokens"),
        ({"language": "de"}, "language"),
        ({"language": ""}, "language"),
        ({"task": "translate"}, "task"),
        ({"word_timestamps": True}, "word_timestamps"),
        ({"word_confidence": False}, "word_confidence"),
    ],
)
def test_every_option_is_in_the_identity(options: dict[str, Any], key: str, models: dict[str, Path]) -> None:
    usual = TransformersBackend(model=str(models["whisper"])).identity()
    other = TransformersBackend(model=str(models["whisper"]), **options).identity()
    assert {name for name in usual if usual[name] != other[name]} == {key}


def test_what_the_engine_asks(models: dict[str, Path]) -> None:
    opened = TransformersBackend(model=str(models["wav2vec2"]), batch_size=5, batch_seconds=60.0)
    assert (opened.batch_size, opened.batch_seconds, opened.waits, opened.sample_rate) == (5, 60.0, False, 16_000)


def test_what_is_not_asked_for_is_not_told(backend: Make, heard: list[Request]) -> None:
    for name in ("wav2vec2", "whisper"):
        said = [outcome.hypothesis for outcome in backend(name).transcribe(heard)]
        found = backend(name, word_timestamps=False, word_confidence=False).transcribe(heard)
        assert [outcome.hypothesis for outcome in found] == said
        assert not any(outcome.words for outcome in found)


def test_threads_are_put_back(models: dict[str, Path], heard: list[Request]) -> None:
    before = torch.get_num_threads()
    TransformersBackend(model=str(models["wav2vec2"]), threads=before + 1).transcribe(heard[:1])
    assert torch.get_num_threads() == before


def test_close_and_again(models: dict[str, Path], heard: list[Request]) -> None:
    opened = TransformersBackend(model=str(models["wav2vec2"]))
    before = opened.transcribe(heard[:1])
    opened.close()
    assert opened.transcribe(heard[:1]) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "option 'device': found 'gpu'; expected one of: cpu, cuda, cuda:1, mps"),
        ({"device": "cuda:7"}, "device 'cuda:7': found none"),
        ({"dtype": "float8"}, "option 'dtype': found 'float8'; expected one of: float32, float16, bfloat16"),
        ({"task": "sing"}, "option 'task': found 'sing'"),
        ({"batch_size": 0}, "option 'batch_size': found 0; expected at least 1"),
        ({"batch_seconds": 0.0}, "option 'batch_seconds'"),
        ({"num_beams": 0}, "option 'num_beams'"),
        ({"max_new_tokens": 0}, "option 'max_new_tokens'"),
        ({"threads": 0}, "option 'threads'"),
        ({"revision": "main"}, "found revision 'main' of the folder"),
    ],
)
def test_wrong_option(options: dict[str, Any], message: str, models: dict[str, Path]) -> None:
    if options.get("device") == "cuda:7" and torch.cuda.device_count() > 7:
        pytest.skip("skipped: there is such a device")
    with pytest.raises(BackendError, match=message) as caught:
        TransformersBackend(model=str(models["whisper"]), **options)
    assert "\n" not in str(caught.value)


def copied(source: Path, target: Path, **changed: str | None) -> Path:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    for name, text in changed.items():
        path = target / name.replace("__", ".")
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
    return target


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"config__json": None}, "has no settings"),
        ({"config__json": "{nonsense"}, "has no settings"),
        ({"config__json": '{"model_type": "no-such-thing"}'}, "has no settings"),
        ({"preprocessor_config__json": None}, "has no settings"),
        ({"config__json": '{"model_type": "wav2vec2-phoneme"}'}, "has no settings"),
        ({"config__json": '{"model_type": "bert"}'}, "found a bert; expected a model with a head for CTC"),
    ],
)
def test_folder_that_is_no_recogniser(
    changed: dict[str, str | None], message: str, models: dict[str, Path], tmp_path: Path
) -> None:
    folder = copied(models["wav2vec2"], tmp_path / "model", **changed)
    with pytest.raises(BackendError, match=message) as caught:
        TransformersBackend(model=str(folder))
    assert "\n" not in str(caught.value)


def test_empty_folder_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="has no settings"):
        TransformersBackend(model=str(tmp_path))
    with pytest.raises(BackendError, match="expected a folder"):
        TransformersBackend(model=str(tmp_path / "none"))


@pytest.mark.parametrize(
    "changed",
    [{"model__safetensors": None}, {"model__safetensors": "nonsense"}, {"vocab__json": None}, {"vocab__json": "[]"}],
)
def test_weights_or_letters_that_cannot_be_loaded(
    changed: dict[str, str | None], models: dict[str, Path], heard: list[Request], tmp_path: Path
) -> None:
    opened = TransformersBackend(model=str(copied(models["wav2vec2"], tmp_path / "model", **changed)))
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        opened.transcribe(heard[:1])
    assert "\n" not in str(caught.value)


def test_model_without_its_head_is_refused(models: dict[str, Path], heard: list[Request], tmp_path: Path) -> None:
    """Its head would be drawn at random, with a warning only."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    folder = copied(models["wav2vec2"], tmp_path / "model")
    Wav2Vec2Model(Wav2Vec2Config.from_pretrained(folder)).save_pretrained(folder)
    with pytest.raises(
        BackendError, match=r"found no weights for 2 parts, first lm_head\.bias; expected a model trained"
    ):
        TransformersBackend(model=str(folder)).transcribe(heard[:1])


def test_it_is_silent(models: dict[str, Path], heard: list[Request], capfd: pytest.CaptureFixture[str]) -> None:
    for name, options in (("wav2vec2", {}), ("whisper", {"max_new_tokens": 4, "word_timestamps": True})):
        TransformersBackend(model=str(models[name]), **options).transcribe(heard[:2])  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")


def test_missing_package_names_the_command(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from asrfair.backend import local

    original = local.importlib.util.find_spec
    monkeypatch.setattr(
        local.importlib.util, "find_spec", lambda name: None if name == "transformers" else original(name)
    )
    with pytest.raises(BackendError, match=r'install it with pip install "asrfair\[transformers\]"'):
        TransformersBackend(model=str(models["wav2vec2"]))
