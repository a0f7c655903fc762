"""A GGUF file of a Llama model -> a folder in Hugging Face's layout, its tokenizer or the whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidInput
from workbench.extras import quiet_transformers
from workbench.messages import say

if TYPE_CHECKING:
    from gguf import GGUFReader

ARCHITECTURE = "llama"
CONTROL = 3  # GGUF's type of a token that stands for no text
TAKE_ANOTHER = "Take a model folder in Hugging Face's layout instead."

# tensor of a GGUF's block -> module of a layer
MODULES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def write_tokenizer(file: Path, folder: Path) -> None:
    """The tokenizer with its chat template, and the configuration. Raises InvalidInput."""
    reader = _open(file)
    _save_tokenizer(reader, folder)
    _save_config(reader, folder)


def write_model(file: Path, folder: Path) -> None:
    """The same and the weights, as 32-bit numbers: fewer bits would not hold what the GGUF's
    quantised numbers are. Raises InvalidInput.
    """
    from safetensors.numpy import save_file

    reader = _open(file)
    _save_tokenizer(reader, folder)
    _save_config(reader, folder)
    save_file(_weights(reader), folder / "model.safetensors", {"format": "pt"})


def _open(file: Path) -> GGUFReader:
    from gguf import GGUFReader

    reader = GGUFReader(file)
    if _read(reader, "general.architecture") != ARCHITECTURE:
        raise InvalidInput(
            say("{file} is not a Llama model.", file=file.name),
            TAKE_ANOTHER,
        )
    return reader


def _read(reader: GGUFReader, name: str) -> Any:
    return reader.fields[name].contents()


def _number(reader: GGUFReader, name: str) -> Any:
    return _read(reader, f"{ARCHITECTURE}.{name}")


def _save_config(reader: GGUFReader, folder: Path) -> None:
    quiet_transformers()
    from transformers import GenerationConfig, LlamaConfig

    bos = _read(reader, "tokenizer.ggml.bos_token_id")
    eos = _read(reader, "tokenizer.ggml.eos_token_id")
    pad = _read(reader, "tokenizer.ggml.padding_token_id")
    config = LlamaConfig(
        architectures=["LlamaForCausalLM"],
        dtype="float32",
        vocab_size=_number(reader, "vocab_size"),
        hidden_size=_number(reader, "embedding_length"),
        intermediate_size=_number(reader, "feed_forward_length"),
        num_hidden_layers=_number(reader, "block_count"),
        num_attention_heads=_number(reader, "attention.head_count"),
        num_key_value_heads=_number(reader, "attention.head_count_kv"),
        head_dim=_number(reader, "rope.dimension_count"),
        max_position_embeddings=_number(reader, "context_length"),
        rms_norm_eps=_number(reader, "attention.layer_norm_rms_epsilon"),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": _number(reader, "rope.freq_base"),
        },
        tie_word_embeddings=not _has_own_head(reader),
        bos_token_id=bos,
        eos_token_id=eos,
        pad_token_id=pad,
    )
    config.save_pretrained(folder)
    GenerationConfig(bos_token_id=bos, eos_token_id=eos, pad_token_id=pad).save_pretrained(folder)


def _has_own_head(reader: GGUFReader) -> bool:
    return any(tensor.name == "output.weight" for tensor in reader.tensors)


def _save_tokenizer(reader: GGUFReader, folder: Path) -> None:
    """Byte-level BPE, its words split as llama.cpp splits them for that pre-tokenizer's name."""
    quiet_transformers()
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if _read(reader, "tokenizer.ggml.pre") != "smollm":
        raise InvalidInput("The GGUF's tokenizer is of another kind.", TAKE_ANOTHER)
    tokens = _read(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in _read(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = _read(reader, "tokenizer.ggml.token_type")
    controls = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in controls]
    )
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[_read(reader, "tokenizer.ggml.bos_token_id")],
        eos_token=tokens[_read(reader, "tokenizer.ggml.eos_token_id")],
        pad_token=tokens[_read(reader, "tokenizer.ggml.padding_token_id")],
        unk_token=tokens[_read(reader, "tokenizer.ggml.unknown_token_id")],
        model_max_length=_number(reader, "context_length"),
        clean_up_tokenization_spaces=False,
    )
    whole.chat_template = _read(reader, "tokenizer.chat_template")
    whole.save_pretrained(folder)


def _weights(reader: GGUFReader) -> dict[str, Any]:
    """Name in Hugging Face's layout -> float32 array."""
    import numpy as np
    from gguf import dequantize

    heads = heads_of(reader)
    found: dict[str, Any] = {}
    for tensor in reader.tensors:
        weights = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if tensor.name in OUTSIDE:
            found[OUTSIDE[tensor.name]] = weights
            continue
        _, layer, part, _ = tensor.name.split(".")  # blk.0.attn_q.weight
        if part in heads:
            weights = unrotated(weights, heads[part])
        found[f"model.layers.{layer}.{MODULES[part]}.weight"] = weights
    return found


def heads_of(reader: GGUFReader) -> dict[str, int]:
    """Part of a block whose rows are in GGUF's order -> its heads; empty where none are."""
    if _read(reader, "general.architecture") != ARCHITECTURE:
        return {}
    return {
        "attn_q": _number(reader, "attention.head_count"),
        "attn_k": _number(reader, "attention.head_count_kv"),
    }


def unrotated(weights: Any, heads: int) -> Any:
    """The rows in Hugging Face's order: GGUF has the two halves of a head's rotation in turn."""
    import numpy as np

    rows, columns = weights.shape
    half = rows // heads // 2
    in_halves = weights.reshape(heads, half, 2, columns).swapaxes(1, 2)
    return np.ascontiguousarray(in_halves).reshape(rows, columns)
