"""Random models of a few hundred kilobytes, written to disk as the real ones are, by the real packages."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from asrfair.backend.base import Request

RATE_HZ = 16_000
LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"etaonihsrd"]
WORDS = ["Ġthe", "Ġcat", "Ġsat", "Ġon", "Ġmat", "ing", "ed", "Ġa", ".", "s"]
LANGUAGES = ["en", "de", "hi"]


def noise(name: str, seconds: float, *, seed: int, rate: int = RATE_HZ) -> Request:
    """Return a request of noise with a tone that moves, so that frames differ."""
    count = round(seconds * rate)
    time = np.arange(count) / rate
    generator = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * (150 + 400 * generator.random() + 300 * time) * time) * np.sin(9 * time + seed)
    samples = (0.3 * tone + 0.05 * generator.normal(size=count)).astype(np.float32)
    return Request(name, "clean", "en-GB", rate, samples)


def write_ctc(folder: Path, *, norm: str = "layer", kind: str = "Wav2Vec2", seed: int = 0, **settings: Any) -> Path:
    """Write a Wav2Vec2, HuBERT or WavLM with a CTC head, random weights, and a tokenizer of letters."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(LETTERS)}))
    torch.manual_seed(seed)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(LETTERS),
        pad_token_id=0,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=37,
        conv_dim=(16, 16, 16),
        conv_kernel=(10, 8, 4),
        conv_stride=(10, 8, 4),
        num_feat_extract_layers=3,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
        **settings,
    )
    model = getattr(transformers, f"{kind}ForCTC")(config)
    with torch.no_grad():
        # Spread, so that different frames mean different letters.
        model.lm_head.weight.mul_(40)
        model.lm_head.bias[1:4] = -100.0
    model.save_pretrained(folder)
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=norm == "layer").save_pretrained(folder)
    return folder


def write_whisper(
    folder: Path, *, multilingual: bool = True, alignment: bool = True, window_s: int = 5, seed: int = 33
) -> Path:
    """Write a Whisper with random weights and a byte-level tokenizer of few words.

    The seeds are such that different sounds give different words.
    """
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    folder.mkdir(parents=True)
    tokenizer = _whisper_tokenizer(folder, window_s, multilingual)
    number = tokenizer.convert_tokens_to_ids
    torch.manual_seed(seed)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=50 * window_s,
        max_target_positions=448,
        median_filter_width=3,
        decoder_start_token_id=number("<|startoftranscript|>"),
        pad_token_id=number("<|endoftext|>"),
        bos_token_id=number("<|endoftext|>"),
        eos_token_id=number("<|endoftext|>"),
    )
    model = WhisperForConditionalGeneration(config)
    said = sorted({*number([*WORDS, *"abcde"]), number("<|endoftext|>")})
    _make_talkative(model, said)
    unspoken = [one for one in range(number("<|notimestamps|>") + 1) if one not in said]
    many = {
        "lang_to_id": {f"<|{language}|>": number(f"<|{language}|>") for language in LANGUAGES},
        "task_to_id": {task: number(f"<|{task}|>") for task in ("transcribe", "translate")},
    }
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        pad_token_id=config.pad_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        max_length=448,
        suppress_tokens=unspoken,
        begin_suppress_tokens=[config.eos_token_id],
        no_timestamps_token_id=number("<|notimestamps|>"),
        is_multilingual=multilingual,
        **(many if multilingual else {}),
        **({"alignment_heads": [[0, 0], [1, 1]]} if alignment else {}),
    )
    model.save_pretrained(folder)
    WhisperFeatureExtractor(chunk_length=window_s).save_pretrained(folder)
    return folder


def write_moonshine(folder: Path, *, seed: int = 9) -> Path:
    """Write a Moonshine, a sequence-to-sequence model that is no Whisper, with a tokenizer of words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        MoonshineConfig,
        MoonshineForConditionalGeneration,
        PreTrainedTokenizerFast,
        Wav2Vec2FeatureExtractor,
    )

    folder.mkdir(parents=True)
    words = ["<unk>", "<s>", "</s>", *(f"▁{word}" for word in ("the", "cat", "sat", "on", "mat", "a"))]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {
        f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("num_hidden_layers", "num_attention_heads")
    }
    config = MoonshineConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=37, max_position_embeddings=64, **sizes
    )
    model = MoonshineForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(12 if parameter.ndim > 1 else 1)
    model.generation_config.pad_token_id = 2
    model.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)
    return folder


def _make_talkative(model: Any, spoken: list[int]) -> None:
    """Make what is said depend on what is heard and on how much was said; as drawn, one token would be said forever."""
    import torch

    encoder, decoder = model.model.encoder, model.model.decoder
    with torch.no_grad():
        for part in (encoder.layers, encoder.conv1, encoder.conv2, decoder.layers):
            for parameter in part.parameters():
                parameter.mul_(12 if parameter.ndim > 1 else 1)
        decoder.embed_positions.weight.mul_(30)
        for layer in decoder.layers:
            layer.encoder_attn.v_proj.weight.mul_(10)
            layer.self_attn.out_proj.weight.mul_(0.1)
        decoder.embed_tokens.weight.mul_(0.2)
        words = torch.randn(len(spoken), decoder.embed_tokens.weight.shape[1])
        decoder.embed_tokens.weight[spoken] = 0.1 * words / words.norm(dim=1, keepdim=True)
        decoder.layer_norm.weight.mul_(30)


def write_faster_whisper(source: Path, folder: Path) -> Path:
    """Convert a Whisper with ctranslate2's own converter."""
    from ctranslate2.converters import TransformersConverter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
            str(folder)
        )
    return folder


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of a file of weights."""
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(bytes(data))


def _whisper_tokenizer(folder: Path, window_s: int, multilingual: bool) -> Any:
    """Return Whisper's kind of tokenizer: 256 bytes, some words, then the special tokens in Whisper's order."""
    from tokenizers import pre_tokenizers
    from transformers import WhisperTokenizer

    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *([""] if multilingual else [])]
    vocabulary = {token: number for number, token in enumerate([*tokens, *(w for w in WORDS if w not in tokens)])}
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in LANGUAGES)]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>"]
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[], unk_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens([f"<|{second / 50:.2f}|>" for second in range(50 * window_s + 1)])
    tokenizer.save_pretrained(folder)
    return tokenizer
