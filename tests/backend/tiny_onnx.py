"""Random models of a few kilobytes as ONNX, with the metadata that sherpa-onnx reads.

Their inputs, outputs and metadata are those that sherpa-onnx's own export scripts give (scripts/nemo,
scripts/whisper/export-onnx.py, and icefall's export-onnx.py for zipformer); their insides are a layer or two.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FLOAT, INT32, INT64 = 1, 6, 7
PIECES = ["▁the", "▁cat", "s", "▁a", "at"]
MELS = 80
WIDTH = 8


def write_pieces(path: Path, pieces: Sequence[str] = PIECES, *, blank: str = "last") -> Path:
    """Write a tokens.txt: NeMo's blank is last, icefall's and WeNet's is first."""
    symbols = [*pieces, "<blk>"] if blank == "last" else ["<blk>", *pieces]
    path.write_text("".join(f"{symbol} {number}\n" for number, symbol in enumerate(symbols)), encoding="utf-8")
    return path


def write_nemo_ctc(path: Path, *, metadata: Mapping[str, Any] | None = None, labels: int = 6, seed: int = 0) -> Path:
    """Write audio_signal (N, 80, T), length (N) -> logprobs (N, T / 4, labels), the blank last."""
    told = {"vocab_size": labels - 1, "subsampling_factor": 4, "normalize_type": "per_feature"}
    return save(
        path,
        [
            ("Conv", ["audio_signal", "w"], ["c"], {"strides": [4]}),
            ("Transpose", ["c"], ["t"], {"perm": [0, 2, 1]}),
            ("LogSoftmax", ["t"], ["logprobs"], {"axis": -1}),
        ],
        inputs={"audio_signal": (FLOAT, ["N", MELS, "T"]), "length": (INT64, ["N"])},
        outputs={"logprobs": (FLOAT, ["N", "U", labels])},
        weights={"w": normal(seed, (labels, MELS, 4), 0.3)},
        metadata={**told, "model_type": "EncDecCTCModelBPE"} if metadata is None else metadata,
    )


def write_frames_ctc(path: Path, *, family: str, labels: int = 6, seed: int = 0) -> Path:
    """Write x (N, T, 80), x_lens (N) -> log_probs (N, T / 4, labels), log_probs_len, the blank first."""
    told = {"zipformer_ctc": {"model_type": "zipformer2_ctc"}, "wenet_ctc": {"model_type": "wenet_ctc"}}[family]
    return save(
        path,
        [*every_fourth("x", "x_lens", "log_probs_len"), ("LogSoftmax", ["f"], ["log_probs"], {"axis": -1})],
        inputs={"x": (FLOAT, ["N", "T", MELS]), "x_lens": (INT64, ["N"])},
        outputs={"log_probs": (FLOAT, ["N", "U", labels]), "log_probs_len": (INT64, ["N"])},
        weights={"w": normal(seed, (labels, MELS, 4), 0.3), "four": np.array([4])},
        metadata={**told, "vocab_size": labels, "subsampling_factor": 4},
    )


def write_transducer(folder: Path, *, labels: int = 6, seed: int = 0) -> dict[str, str]:
    """Write icefall's stateless transducer: encoder, decoder of two labels' context, joiner; the blank first."""
    save(
        folder / "encoder.onnx",
        [*every_fourth("x", "x_lens", "encoder_out_lens"), ("Tanh", ["f"], ["encoder_out"], {})],
        inputs={"x": (FLOAT, ["N", "T", MELS]), "x_lens": (INT64, ["N"])},
        outputs={"encoder_out": (FLOAT, ["N", "U", WIDTH]), "encoder_out_lens": (INT64, ["N"])},
        weights={"w": normal(seed, (WIDTH, MELS, 4), 0.1), "four": np.array([4])},
        metadata={"model_type": "zipformer2", "version": "1"},
    )
    save(
        folder / "decoder.onnx",
        [("Gather", ["e", "y"], ["g"], {}), ("ReduceMean", ["g"], ["decoder_out"], {"axes": [1], "keepdims": 0})],
        inputs={"y": (INT64, ["N", 2])},
        outputs={"decoder_out": (FLOAT, ["N", WIDTH])},
        weights={"e": normal(seed + 1, (labels, WIDTH), 0.5)},
        metadata={"vocab_size": labels, "context_size": 2},
    )
    save(
        folder / "joiner.onnx",
        [("Add", ["encoder_out", "decoder_out"], ["s"], {}), ("MatMul", ["s", "w"], ["logit"], {})],
        inputs={"encoder_out": (FLOAT, ["N", WIDTH]), "decoder_out": (FLOAT, ["N", WIDTH])},
        outputs={"logit": (FLOAT, ["N", labels])},
        weights={"w": normal(seed + 2, (WIDTH, labels), 1.0)},
        metadata={"joiner_dim": WIDTH},
    )
    return {part: str(folder / f"{part}.onnx") for part in ("encoder", "decoder", "joiner")}


def write_nemo_tdt(folder: Path, *, labels: int = 6, durations: int = 5, seed: int = 0) -> dict[str, str]:
    """Write NeMo's token-and-duration transducer with a state that it does not change; the blank last."""
    save(
        folder / "encoder.onnx",
        [("Conv", ["audio_signal", "w"], ["outputs"], {"strides": [4]}), ("Div", ["length", "four"], ["encoded"], {})],
        inputs={"audio_signal": (FLOAT, ["N", MELS, "T"]), "length": (INT64, ["N"])},
        outputs={"outputs": (FLOAT, ["N", WIDTH, "U"]), "encoded": (INT64, ["N"])},
        weights={"w": normal(seed, (WIDTH, MELS, 4), 0.1), "four": np.array([4])},
        metadata={
            "vocab_size": labels - 1,
            "subsampling_factor": 4,
            "normalize_type": "per_feature",
            "pred_rnn_layers": 1,
            "pred_hidden": WIDTH,
            "model_type": "EncDecRNNTBPEModel",
            "url": "a-tdt",
        },
    )
    states = {f"state_{number}": (FLOAT, [1, "N", WIDTH]) for number in range(2)}
    save(
        folder / "decoder.onnx",
        [
            ("Gather", ["e", "targets"], ["g"], {}),
            ("Transpose", ["g"], ["outputs"], {"perm": [0, 2, 1]}),
            ("Identity", ["target_length"], ["prednet_lengths"], {}),
            *(("Identity", [name], [f"next_{name}"], {}) for name in states),
        ],
        inputs={"targets": (INT32, ["N", 1]), "target_length": (INT32, ["N"]), **states},
        outputs={
            "outputs": (FLOAT, ["N", WIDTH, 1]),
            "prednet_lengths": (INT32, ["N"]),
            **{f"next_{name}": shape for name, shape in states.items()},
        },
        weights={"e": normal(seed + 1, (labels, WIDTH), 1.0)},
        metadata={},
    )
    save(
        folder / "joiner.onnx",
        [
            ("Add", ["encoder_outputs", "decoder_outputs"], ["s"], {}),
            ("Transpose", ["s"], ["t"], {"perm": [0, 2, 1]}),
            ("MatMul", ["t", "w"], ["m"], {}),
            ("Unsqueeze", ["m", "second"], ["logit"], {}),
        ],
        inputs={f"{part}_outputs": (FLOAT, ["N", WIDTH, 1]) for part in ("encoder", "decoder")},
        outputs={"logit": (FLOAT, ["N", 1, 1, labels + durations])},
        weights={"w": normal(seed + 2, (WIDTH, labels + durations), 1.0), "second": np.array([1])},
        metadata={},
    )
    return {part: str(folder / f"{part}.onnx") for part in ("encoder", "decoder", "joiner")}


def write_whisper_onnx(folder: Path, *, positions: int = 64, seed: int = 0) -> dict[str, str]:
    """Write a multilingual Whisper of English, German and Hindi, and its tokens.txt in base64.

    With few ``positions`` it fails while it decodes.
    """
    words = [" the", " cat", "s", " a", "at"]
    end, start, languages, translate, transcribe, silent, plain = 5, 6, [7, 8, 9], 10, 11, 12, 13
    labels, context = 14 + 1501, 64
    lines = [f"{base64.b64encode(word.encode()).decode()} {number}\n" for number, word in enumerate(words)]
    (folder / "tokens.txt").write_text("".join(lines))
    save(
        folder / "encoder.onnx",
        [
            ("Conv", ["mel", "w"], ["c"], {"strides": [2]}),
            ("Transpose", ["c"], ["t"], {"perm": [0, 2, 1]}),
            ("Unsqueeze", ["t", "first"], ["n_layer_cross_k"], {}),
            ("Identity", ["n_layer_cross_k"], ["n_layer_cross_v"], {}),
        ],
        inputs={"mel": (FLOAT, ["N", MELS, "T"])},
        outputs={f"n_layer_cross_{part}": (FLOAT, [1, "N", "U", WIDTH]) for part in "kv"},
        weights={"w": normal(seed, (WIDTH, MELS, 2), 0.3), "first": np.array([0])},
        metadata={
            "model_type": "whisper-tiny",
            "n_mels": MELS,
            "n_audio_ctx": 1500,
            "n_audio_state": WIDTH,
            "n_text_layer": 1,
            "n_text_ctx": context,
            "n_text_state": WIDTH,
            "n_vocab": labels,
            "n_text_head": 1,
            "sot": start,
            "sot_index": 0,
            "eot": end,
            "blank_id": 3,
            "no_speech": silent,
            "no_timestamps": plain,
            "translate": translate,
            "transcribe": transcribe,
            "is_multilingual": 1,
            "sot_sequence": f"{start},{languages[0]},{transcribe}",
            "all_language_codes": "en,de,hi",
            "all_language_tokens": ",".join(map(str, languages)),
        },
    )
    head = normal(seed + 1, (WIDTH, labels), 1.0)
    # It says words, and now and then that it has ended.
    head[:, end + 1 :] = 0
    caches = {f"in_n_layer_self_{part}_cache": (FLOAT, [1, "N", context, WIDTH]) for part in "kv"}
    cross = {f"n_layer_cross_{part}": (FLOAT, [1, "N", "U", WIDTH]) for part in "kv"}
    save(
        folder / "decoder.onnx",
        [
            ("Gather", ["e", "tokens"], ["g"], {}),
            ("ReduceMean", ["n_layer_cross_k"], ["m"], {"axes": [0, 2], "keepdims": 0}),
            ("Unsqueeze", ["m", "second"], ["u"], {}),
            ("Gather", ["p", "offset"], ["q"], {}),
            ("Add", ["g", "u"], ["s"], {}),
            ("Add", ["s", "q"], ["h"], {}),
            ("MatMul", ["h", "w"], ["logits"], {}),
            *(("Identity", [f"in_n_layer_self_{x}_cache"], [f"out_n_layer_self_{x}_cache"], {}) for x in "kv"),
        ],
        inputs={"tokens": (INT64, ["N", "L"]), **caches, **cross, "offset": (INT64, [1])},
        outputs={
            "logits": (FLOAT, ["N", "L", labels]),
            **{name.replace("in_", "out_", 1): shape for name, shape in caches.items()},
        },
        weights={
            "e": normal(seed + 2, (labels, WIDTH), 1.0),
            "p": normal(seed + 3, (positions, WIDTH), 1.0),
            "w": head,
            "second": np.array([1]),
        },
        metadata={},
    )
    return {part: str(folder / f"{part}.onnx") for part in ("encoder", "decoder")}


def every_fourth(frames: str, lengths: str, out: str) -> list[Any]:
    """Return nodes from frames (N, T, 80) to f (N, T / 4, …), by a convolution with weights w."""
    return [
        ("Transpose", [frames], ["x_t"], {"perm": [0, 2, 1]}),
        ("Conv", ["x_t", "w"], ["c"], {"strides": [4]}),
        ("Transpose", ["c"], ["f"], {"perm": [0, 2, 1]}),
        ("Div", [lengths, "four"], [out], {}),
    ]


def normal(seed: int, shape: tuple[int, ...], scale: float) -> Any:
    """Return random weights."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def save(
    path: Path,
    nodes: Sequence[Any],
    *,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    weights: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> Path:
    """Write a checked model."""
    import onnx
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(kind, given, made, **options) for kind, given, made, options in nodes],
        path.stem,
        [helper.make_tensor_value_info(name, *shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, *shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
