"""torchaudio's bundles: the real bundle and the real loading, from a random checkpoint in the folder that they read.

No weights can be fetched where the tests run, so no transcript here means anything; small bundles of the same two kinds
(group norm; layer norm with normalised input) stand in where the size of the real one tells nothing.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra torch")
pytest.importorskip("torchaudio", reason="needs the extra torch")

import torch
import torchaudio

from asrfair.backend.base import Outcome, Request
from asrfair.backend.bundles import TorchaudioBackend, asr_bundles
from asrfair.errors import AsrfairError, BackendError

BASE = "WAV2VEC2_ASR_BASE_960H"
RATE = 16_000
CONVOLUTIONS = [(16, 10, 5), (16, 3, 2), (16, 2, 2)]


def params(mode: str) -> dict[str, Any]:
    return {
        "extractor_mode": mode,
        "extractor_conv_layer_config": CONVOLUTIONS,
        "extractor_conv_bias": False,
        "encoder_embed_dim": 32,
        "encoder_projection_dropout": 0.1,
        "encoder_pos_conv_kernel": 16,
        "encoder_pos_conv_groups": 2,
        "encoder_num_layers": 2,
        "encoder_num_heads": 2,
        "encoder_attention_dropout": 0.1,
        "encoder_ff_interm_features": 37,
        "encoder_ff_interm_dropout": 0.0,
        "encoder_dropout": 0.1,
        "encoder_layer_norm_first": mode == "layer_norm",
        "encoder_layer_drop": 0.05,
        "aux_num_out": 29,
    }


def published(bundle: Any, *, seed: int = 0) -> dict[str, Any]:
    """Return random weights as torchaudio publishes them: with the rows of fairseq that it drops."""
    torch.manual_seed(seed)
    with torch.random.fork_rng():
        state = torchaudio.models.wav2vec2_model(**bundle._params).state_dict()
    for name in ("aux.weight", "aux.bias"):
        # Spread, so that different frames mean different letters.
        rows = state[name] * 20
        unused = torch.full((3, *rows.shape[1:]), 1e6)
        state[name] = torch.cat([rows[:1], unused, rows[1:]])
    return dict(state)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """torch.hub's folder, made for these tests."""
    home = tmp_path_factory.mktemp("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        # Where nothing listens: what is not in the folder is not fetched either.
        patch.setenv("https_proxy", "http://127.0.0.1:9")
        (home / "hub" / "checkpoints").mkdir(parents=True)
        yield home / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def small(hub: Path) -> Iterator[Mapping[str, Any]]:
    """Two small bundles beside torchaudio's own, and their checkpoints."""
    with pytest.MonkeyPatch.context() as patch:
        bundles = {}
        for name, mode in (("SMALL_GROUP", "group_norm"), ("SMALL_LAYER", "layer_norm")):
            bundle = torchaudio.pipelines.Wav2Vec2ASRBundle(
                _path=f"{name.lower()}.pth",
                _params=params(mode),
                _sample_rate=RATE,
                _normalize_waveform=mode == "layer_norm",
                _model_type="Wav2Vec2",
                _labels=asr_bundles()[BASE]._labels,
            )
            torch.save(published(bundle), hub / bundle._path)
            patch.setattr(torchaudio.pipelines, name, bundle, raising=False)
            bundles[name] = bundle
        yield bundles


def request(samples: Any, name: str = "u", rate: int = RATE) -> Request:
    return Request(name, "clean", "en", rate, np.asarray(samples, dtype=np.float32))


def noise(seconds: float, *, seed: int) -> Request:
    generator = np.random.default_rng(seed)
    count = round(seconds * RATE)
    swing = np.sin(np.arange(count) * (0.002 + 0.001 * generator.random())) * generator.normal(size=count)
    return request(0.2 * swing, f"u{seed}")


UTTERANCES = [noise(seconds, seed=seed) for seed, seconds in enumerate((0.31, 1.0, 0.62, 1.0, 0.05))]


def by_hand(bundle: Any, utterance: Request) -> tuple[str, Any]:
    """Return the text and the log-probabilities as torchaudio's tutorial finds them, one utterance at a time."""
    model = bundle.get_model()
    with torch.inference_mode():
        emission, _ = model(torch.from_numpy(utterance.samples)[None])
    labels = bundle.get_labels()
    indices = torch.unique_consecutive(emission[0].argmax(dim=-1)).tolist()
    letters = "".join(labels[index] for index in indices if index != 0)
    return " ".join(letters.replace("|", " ").split()), emission[0].log_softmax(dim=-1)


# The bundle that people use.


@pytest.fixture(scope="module")
def real(hub: Path) -> Iterator[TorchaudioBackend]:
    bundle = asr_bundles()[BASE]
    torch.save(published(bundle), hub / bundle._path)
    opened = open_real()
    yield opened
    opened.close()
    (hub / bundle._path).unlink()


def open_real() -> TorchaudioBackend:
    return TorchaudioBackend(bundle=BASE)


def test_the_real_bundle_answers_as_by_hand_in_a_batch_of_other_lengths(real: TorchaudioBackend) -> None:
    utterances = [noise(0.5, seed=1), noise(0.9, seed=2), noise(0.3, seed=3)]
    outcomes = real.transcribe(utterances)
    texts = [by_hand(asr_bundles()[BASE], one)[0] for one in utterances]
    assert [outcome.hypothesis for outcome in outcomes] == texts
    assert len(set(texts)) == 3
    assert min(map(len, texts)) > 3


def test_the_real_bundle_is_identified_by_its_checkpoint(real: TorchaudioBackend, hub: Path) -> None:
    found = real.identity()
    assert found["bundle"] == BASE
    assert found["checkpoint"].startswith("wav2vec2_fairseq_base_ls960_asr_ls960.pth ")
    torchaudio_version, torch_version = (one.__version__.split("+")[0] for one in (torchaudio, torch))
    assert found["package"] == f"torchaudio {torchaudio_version}, torch {torch_version}"
    assert (found["device"], found["dtype"], found["decoding"]) == ("cpu", "float32", "best path")
    assert str(hub) not in str(found)


# What it answers.


@pytest.mark.parametrize("name", ["SMALL_GROUP", "SMALL_LAYER"])
def test_a_batch_gives_what_each_utterance_gives_alone(small: Mapping[str, Any], name: str) -> None:
    backend = TorchaudioBackend(bundle=name)
    outcomes = backend.transcribe(UTTERANCES)
    for utterance, outcome in zip(UTTERANCES, outcomes, strict=True):
        assert outcome.hypothesis == by_hand(small[name], utterance)[0]
        (alone,) = backend.transcribe([utterance])
        assert alone.hypothesis == outcome.hypothesis
        assert [word.text for word in alone.words] == [word.text for word in outcome.words]
        for one, other in zip(alone.words, outcome.words, strict=True):
            assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
            assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
    assert len({outcome.hypothesis for outcome in outcomes}) == len(UTTERANCES)


@pytest.mark.parametrize("name", ["SMALL_GROUP", "SMALL_LAYER"])
def test_padding_as_torchaudio_offers_it_would_change_the_numbers(small: Mapping[str, Any], name: str) -> None:
    """The reason for making features one by one; if this fails, the detour may go."""
    model = small[name].get_model()
    short, long = UTTERANCES[0].samples, UTTERANCES[1].samples
    padded = torch.zeros(2, len(long))
    padded[0, : len(short)], padded[1] = torch.from_numpy(short), torch.from_numpy(long)
    with torch.inference_mode():
        together, lengths = model(padded, torch.tensor([len(short), len(long)]))
        alone, _ = model(torch.from_numpy(short)[None])
    assert (together[0, : lengths[0]] - alone[0]).abs().max() > 0.01


def test_words_lie_where_their_letters_do_and_are_as_sure_as_their_product(small: Mapping[str, Any]) -> None:
    """The slow definition: groups of equal labels, each letter's best frame."""
    (outcome,) = TorchaudioBackend(bundle="SMALL_GROUP").transcribe([UTTERANCES[1]])
    scores = by_hand(small["SMALL_GROUP"], UTTERANCES[1])[1]
    labels = small["SMALL_GROUP"].get_labels()
    words: list[list[Any]] = [["", None, None, 1.0]]
    for label, group in itertools.groupby(enumerate(scores.argmax(dim=-1).tolist()), key=lambda pair: pair[1]):
        frames = [frame for frame, _ in group]
        if labels[label] == "|":
            words.append(["", None, None, 1.0])
        elif label != 0:
            word = words[-1]
            word[0] += labels[label]
            word[1] = frames[0] * 20 / RATE if word[1] is None else word[1]
            word[2] = (frames[-1] + 1) * 20 / RATE
            word[3] *= max(float(scores[frame, label].exp()) for frame in frames)
    expected = [word for word in words if word[0]]
    assert [[word.text, word.start_s, word.end_s] for word in outcome.words] == [word[:3] for word in expected]
    assert [word.confidence for word in outcome.words] == pytest.approx([word[3] for word in expected], abs=1e-4)
    assert outcome.hypothesis == " ".join(word.text for word in outcome.words)
    assert len(outcome.words) > 1
    assert max(word.end_s or 0 for word in outcome.words) <= 1.0


def test_beams_give_the_n_best_with_words_aligned(small: Mapping[str, Any]) -> None:
    (outcome,) = TorchaudioBackend(bundle="SMALL_GROUP", num_beams=5).transcribe([UTTERANCES[0]])
    scores = [one.score for one in outcome.alternatives if one.score is not None]
    assert outcome.hypothesis == outcome.alternatives[0].hypothesis
    assert outcome.hypothesis == " ".join(word.text for word in outcome.words)
    assert 1 < len(scores) <= 5
    assert scores == sorted(scores, reverse=True)
    assert scores[0] < 0
    assert len({one.hypothesis for one in outcome.alternatives}) == len(scores)
    # The paths of the best text hold the best path, so that it is at least as likely if both are the same text.
    text, frames = by_hand(small["SMALL_GROUP"], UTTERANCES[0])
    best_path = float(frames.max(dim=-1).values.sum())
    same = [one.score for one in outcome.alternatives if one.hypothesis == text]
    assert all(score is not None and score >= best_path - 1e-3 for score in same)


def test_words_are_aligned_with_what_beams_find_beside_the_best_path(small: Mapping[str, Any], tmp_path: Path) -> None:
    """A model that is sure of little: the likeliest text is often not that of the likeliest path."""
    state = published(small["SMALL_GROUP"])
    state = {name: value * 0.02 if name.startswith("aux") else value for name, value in state.items()}
    torch.save(state, tmp_path / "flat.pth")
    greedy, beams = (
        TorchaudioBackend(bundle="SMALL_GROUP", path=str(tmp_path / "flat.pth"), num_beams=number).transcribe(
            UTTERANCES
        )
        for number in (1, 4)
    )
    assert any(one.hypothesis != other.hypothesis for one, other in zip(greedy, beams, strict=True))
    for outcome in beams:
        assert outcome.hypothesis == " ".join(word.text for word in outcome.words)
        ends = [0.0, *(word.end_s or 0.0 for word in outcome.words)]
        assert all(
            word.start_s >= end for word, end in zip(outcome.words, ends, strict=False) if word.start_s is not None
        )


def test_beams_score_a_text_as_torch_s_ctc_loss_does(small: Mapping[str, Any]) -> None:
    """An oracle: the loss is minus the log-probability over all paths; with many beams little of it is lost."""
    (outcome,) = TorchaudioBackend(bundle="SMALL_GROUP", num_beams=200).transcribe([UTTERANCES[4]])
    frames = by_hand(small["SMALL_GROUP"], UTTERANCES[4])[1]
    labels = small["SMALL_GROUP"].get_labels()
    for one in outcome.alternatives[:3]:
        if not one.hypothesis or " " in one.hypothesis:
            continue
        target = torch.tensor([[labels.index(letter) for letter in one.hypothesis]])
        loss = torch.nn.functional.ctc_loss(
            frames[:, None], target, torch.tensor([len(frames)]), torch.tensor([target.shape[1]]), reduction="sum"
        )
        # Separators at the ends and doubled ones are the same text: a little more.
        assert one.score == pytest.approx(-float(loss), abs=0.5)
        assert one.score is not None
        assert one.score >= -float(loss) - 0.05


def test_silence_is_what_the_model_says(small: Mapping[str, Any]) -> None:
    silence = request(np.zeros(RATE))
    # As a view on something else comes.
    silence.samples.flags.writeable = False
    (outcome,) = TorchaudioBackend(bundle="SMALL_LAYER").transcribe([silence])
    assert outcome.failure is None
    assert outcome.hypothesis == by_hand(small["SMALL_LAYER"], request(np.zeros(RATE)))[0]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (request([0.1]), "found 1 samples; expected at least 30, one frame of the model"),
        (request([]), "found no samples"),
        (request([np.nan] * RATE), "not finite"),
        (request(np.zeros(8000), rate=8000), "found audio at 8000 Hz; expected 16000 Hz"),
        (Request("u", "clean", "en", RATE, None), "found no audio"),
    ],
)
def test_bad_audio_fails_with_a_reason_among_good(small: Mapping[str, Any], bad: Request, reason: str) -> None:
    outcomes = TorchaudioBackend(bundle="SMALL_GROUP").transcribe([UTTERANCES[0], bad, UTTERANCES[1]])
    assert outcomes[1].hypothesis is None
    assert reason in str(outcomes[1].failure)
    assert [outcome.hypothesis for outcome in outcomes[::2]] == [
        by_hand(small["SMALL_GROUP"], one)[0] for one in (UTTERANCES[0], UTTERANCES[1])
    ]


def test_the_least_that_is_heard_is_one_frame(small: Mapping[str, Any]) -> None:
    (outcome,) = TorchaudioBackend(bundle="SMALL_GROUP").transcribe([request(noise(1, seed=1).samples[:30])])
    assert outcome.failure is None


def test_numbers_that_overflow_are_a_failure(small: Mapping[str, Any], tmp_path: Path) -> None:
    state = published(small["SMALL_GROUP"])
    state["aux.bias"][5] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    (outcome,) = TorchaudioBackend(bundle="SMALL_GROUP", path=str(tmp_path / "nan.pth")).transcribe([UTTERANCES[0]])
    assert "not finite in float32" in str(outcome.failure)


def test_bfloat16_is_another_identity_and_answers(small: Mapping[str, Any]) -> None:
    backend = TorchaudioBackend(bundle="SMALL_LAYER", dtype="bfloat16")
    assert backend.identity()["dtype"] == "bfloat16"
    assert all(outcome.failure is None for outcome in backend.transcribe(UTTERANCES))


def test_it_says_how_it_wants_to_be_asked(small: Mapping[str, Any]) -> None:
    backend = TorchaudioBackend(bundle="SMALL_GROUP", batch_size=3, batch_seconds=60)
    assert (backend.batch_size, backend.batch_seconds, backend.waits, backend.sample_rate) == (3, 60, False, RATE)
    assert backend.identity()["batch"] == "3 utterances, 60 s"


def test_closed_it_loads_again(small: Mapping[str, Any]) -> None:
    backend = TorchaudioBackend(bundle="SMALL_GROUP")
    before: list[Outcome] = backend.transcribe(UTTERANCES[:1])
    backend.close()
    assert backend.transcribe(UTTERANCES[:1]) == before


# Checkpoints.


@pytest.mark.parametrize("name", ["SMALL_GROUP", "SMALL_LAYER"])
def test_a_checkpoint_of_one_s_own_as_published_or_as_saved(
    small: Mapping[str, Any], tmp_path: Path, name: str
) -> None:
    torch.save(published(small[name], seed=7), tmp_path / "published.pth")
    torch.save(small[name].get_model().state_dict(), tmp_path / "saved.pth")
    usual = TorchaudioBackend(bundle=name)
    other = TorchaudioBackend(bundle=name, path=str(tmp_path / "published.pth"))
    same = TorchaudioBackend(bundle=name, path=str(tmp_path / "saved.pth"))
    expected = usual.transcribe(UTTERANCES)
    torch.save(published(small[name]), tmp_path / "again.pth")
    assert same.transcribe(UTTERANCES) == expected
    assert TorchaudioBackend(bundle=name, path=str(tmp_path / "again.pth")).transcribe(UTTERANCES) == expected
    assert other.transcribe(UTTERANCES) != expected
    assert other.identity()["checkpoint"].startswith("published.pth ")
    assert len({backend.identity()["checkpoint"] for backend in (usual, other, same)}) == 3


def cut(state: dict[str, Any], path: Path) -> None:
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:5000])


def of_text(state: dict[str, Any], path: Path) -> None:
    path.write_text("no checkpoint\n")


def empty(state: dict[str, Any], path: Path) -> None:
    path.write_bytes(b"")


def of_code(state: dict[str, Any], path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(path.with_name("evil")),)

    torch.save({**state, "evil": Evil()}, path)


def not_fine_tuned(state: dict[str, Any], path: Path) -> None:
    torch.save({name: value for name, value in state.items() if not name.startswith("aux")}, path)


def other_labels(state: dict[str, Any], path: Path) -> None:
    torch.save({**state, **{name: state[name][:20] for name in ("aux.weight", "aux.bias")}}, path)


def other_width(state: dict[str, Any], path: Path) -> None:
    torch.save({**state, "aux.weight": torch.zeros(32, 99)}, path)


def a_list(state: dict[str, Any], path: Path) -> None:
    torch.save([1, 2], path)


@pytest.mark.parametrize(
    "write",
    [cut, of_text, empty, of_code, not_fine_tuned, other_labels, other_width, a_list],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("own", [True, False], ids=["own", "cached"])
def test_a_wrong_checkpoint_stops_with_one_line(
    small: Mapping[str, Any], hub: Path, tmp_path: Path, write: Callable[[dict[str, Any], Path], None], own: bool
) -> None:
    bundle = small["SMALL_GROUP"]
    path = tmp_path / "wrong.pth" if own else hub / bundle._path
    kept = (hub / bundle._path).read_bytes()
    try:
        write(published(bundle), path)
        backend = TorchaudioBackend(bundle="SMALL_GROUP", path=str(path) if own else None)
        with pytest.raises(BackendError) as caught:
            backend.transcribe(UTTERANCES[:1])
    finally:
        (hub / bundle._path).write_bytes(kept)
    assert str(caught.value).startswith(f"torchaudio: bundle SMALL_GROUP: {path}: cannot be loaded: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700
    assert not path.with_name("evil").exists()


def test_a_checkpoint_out_of_reach_is_told_before_the_run(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backend = TorchaudioBackend(bundle="WAV2VEC2_ASR_BASE_100H")
    with pytest.raises(BackendError, match=r"wav2vec2_fairseq_base_ls960_asr_ls100\.pth: cannot be loaded: .*urlopen"):
        backend.identity()
    # Reports go to standard output.
    assert capsys.readouterr().out == ""


# Options.


def test_the_bundles_are_those_that_recognise() -> None:
    names = set(asr_bundles())
    assert {BASE, "HUBERT_ASR_LARGE", "WAV2VEC2_ASR_LARGE_LV60K_960H", "VOXPOPULI_ASR_BASE_10K_DE"} <= names
    assert not {"WAV2VEC2_BASE", "WAVLM_BASE", "MMS_FA"} & names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bundle": "WAV2VEC3"}, "option 'bundle': found 'WAV2VEC3'; expected one of: HUBERT_ASR_LARGE, "),
        ({"bundle": "WAVLM_BASE"}, "expected one of: HUBERT_ASR_LARGE, "),
        ({"device": "tpu"}, "option 'device': found 'tpu'"),
        ({"dtype": "int8"}, "option 'dtype': found 'int8'; expected one of: float32, float16, bfloat16"),
        ({"num_beams": 0}, "option 'num_beams': found 0; expected at least 1"),
        ({"batch_size": 0}, "option 'batch_size': found 0"),
        ({"batch_seconds": float("nan")}, "option 'batch_seconds': found nan"),
        ({"path": "/no/such.pth"}, "option 'path': /no/such.pth: no such file; expected a checkpoint of"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AsrfairError) as caught:
        TorchaudioBackend(**{"bundle": BASE, **options})
    assert message in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(BackendError, match=r"device 'cuda': found none .*; expected one here"):
        TorchaudioBackend(bundle=BASE, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_words(small: Mapping[str, Any]) -> None:
    on_gpu = TorchaudioBackend(bundle="SMALL_GROUP", device="cuda")
    assert on_gpu.waits
    found = on_gpu.transcribe(UTTERANCES)
    expected = TorchaudioBackend(bundle="SMALL_GROUP").transcribe(UTTERANCES)
    assert [one.hypothesis for one in found] == [one.hypothesis for one in expected]


def test_an_absent_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real_find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "torchaudio" else real_find(name, *rest)
    )
    with pytest.raises(
        BackendError, match=r'torchaudio is not installed; install it with pip install "asrfair\[torch\]"'
    ):
        TorchaudioBackend(bundle=BASE)
