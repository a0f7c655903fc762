"""The GGUF file holds PEFT's merged tensors and the tokenizer's tokens, also for what the converter
does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_merge import KINDS, make_adapter
from tiny_models import make_model, make_tokenizer

from deploy.artefact import find_artefact
from deploy.gguf import Conversion, find_llama_cpp, write_gguf
from deploy.pretokenizer import GPT2, QWEN2, RULES, find_splits
from workbench.errors import InvalidInput, Unavailable, Unwritable
from workbench.settings import Settings

LARGE = ["q_proj", "v_proj", "down_proj"]


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors as float32, and the other fields."""
    from gguf import GGUFReader
    from gguf.quants import dequantize

    file = GGUFReader(path)
    tensors = {t.name: torch.tensor(dequantize(t.data, t.tensor_type)) for t in file.tensors}
    return tensors, {name: field.contents() for name, field in file.fields.items()}


def convert(
    base: Path, adapter: Path, words: Path, output: Path, precision: str = "f16", **more: Any
) -> Path:
    steps: list[tuple[int, int]] = []
    told = Conversion(str(base), str(adapter), str(words), str(output), precision, "tiny", **more)
    digest = write_gguf(told, lambda done, of: steps.append((done, of)))
    assert len(digest) == 64 and steps[-1][0] == steps[-1][1] and len(steps) > 10
    return output


def same_f16(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Within one step of half precision."""
    steps = one.half().view(torch.int16).int() - other.half().view(torch.int16).int()
    return bool(steps.abs().max() <= 1)


def test_an_extended_vocabulary_on_a_tied_base(settings: Settings, tmp_path: Path) -> None:
    base = make_model(tmp_path / "base")
    words = make_tokenizer(["abc"], 300)
    words = type(words).from_pretrained(base)
    words.add_tokens([f"新词{number}" for number in range(20)])
    options = {"target_modules": LARGE, "modules_to_save": ["embed_tokens", "lm_head"]}
    tuned = make_adapter(base, tmp_path / "adapter", len(words), **options)
    words.save_pretrained(tmp_path / "adapter")
    artefact = find_artefact(str(tmp_path / "adapter"), settings)
    path = convert(
        base, tmp_path / "adapter", artefact.words, tmp_path / "model.gguf", starts_with_bos=False
    )
    tensors, fields = read(path)
    merged = tuned.merge_and_unload().state_dict()
    assert same_f16(tensors["token_embd.weight"], merged["model.embed_tokens.weight"])
    assert same_f16(tensors["output.weight"], merged["lm_head.weight"])
    assert not torch.equal(tensors["output.weight"], tensors["token_embd.weight"])
    assert same_f16(tensors["blk.1.ffn_down.weight"], merged["model.layers.1.mlp.down_proj.weight"])
    assert (
        len(fields["tokenizer.ggml.tokens"]) == len(words)
        and "新词7" in fields["tokenizer.ggml.tokens"]
    )
    assert (
        fields["tokenizer.ggml.pre"] == "qwen2"
        and fields["tokenizer.chat_template"] == words.chat_template
    )
    assert not any(str(tmp_path) in str(value) for value in fields.values()), (
        "a path of this machine is in the file"
    )


def test_gpt2_with_transposed_weights(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        AutoModelForCausalLM,
        GPT2Config,
        GPT2LMHeadModel,
        PreTrainedTokenizerFast,
    )

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    bpe.train_from_iterator(["the cat sat on the mat and the hat"], trainer)
    words = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|endoftext|>")
    GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), n_embd=32, n_layer=2, n_head=2, n_positions=128)
    ).save_pretrained(tmp_path / "base")
    words.save_pretrained(tmp_path / "base")
    tuned = make_adapter(
        tmp_path / "base", tmp_path / "adapter", target_modules=["c_attn"], fan_in_fan_out=True
    )
    path = convert(
        tmp_path / "base", tmp_path / "adapter", tmp_path / "base", tmp_path / "model.gguf", "q8_0"
    )
    tensors, fields = read(path)
    merged = tuned.merge_and_unload().state_dict()["transformer.h.1.attn.c_attn.weight"].T
    assert (tensors["blk.1.attn_qkv.weight"] - merged).abs().max() < merged.abs().max() / 127
    assert fields["tokenizer.ggml.pre"] == "gpt-2" and fields["gpt2.context_length"] == 128
    base = (
        AutoModelForCausalLM.from_pretrained(tmp_path / "base")
        .state_dict()["transformer.h.1.attn.c_attn.weight"]
        .T
    )
    assert torch.allclose(added(tmp_path, "blk.1.attn_qkv.weight"), merged - base, atol=1e-6)


def added(folder: Path, name: str) -> torch.Tensor:
    """What the GGUF file of the adapter alone adds to a tensor, as llama.cpp computes it."""
    told = Conversion(
        str(folder / "base"),
        str(folder / "adapter"),
        "",
        str(folder / "a.gguf"),
        "f16",
        "x",
        alone=True,
    )
    assert len(write_gguf(told, lambda done, of: None)) == 64
    tensors, fields = read(folder / "a.gguf")
    a, b = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
    return fields["adapter.lora.alpha"] / b.shape[1] * b @ a


@pytest.mark.parametrize("kind", ["lora", "rslora", "patterns"])
def test_an_adapter_alone_adds_what_peft_merges(tmp_path: Path, kind: str) -> None:
    from transformers import AutoModelForCausalLM

    base = make_model(tmp_path / "base")
    before = AutoModelForCausalLM.from_pretrained(base).state_dict()
    after = make_adapter(base, tmp_path / "adapter", **KINDS[kind]).merge_and_unload().state_dict()
    checked = 0
    for name, ours in (
        ("attn_q", "self_attn.q_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("ffn_down", "mlp.down_proj"),
    ):
        expected = after[f"model.layers.1.{ours}.weight"] - before[f"model.layers.1.{ours}.weight"]
        assert torch.allclose(added(tmp_path, f"blk.1.{name}.weight"), expected, atol=1e-6), name
        checked += 1
    assert checked == 3


def test_a_failed_conversion_leaves_no_file(tmp_path: Path) -> None:
    base = make_model(tmp_path / "base")
    words = make_tokenizer(["abc"], 300)
    words.add_tokens([f"w{number}" for number in range(900)])
    words.save_pretrained(tmp_path / "words")
    output = tmp_path / "out" / "model.gguf"
    output.parent.mkdir()
    with pytest.raises(InvalidInput, match="only 400 rows"):
        write_gguf(
            Conversion(str(base), "", str(tmp_path / "words"), str(output), "f16", "x"),
            lambda done, of: None,
        )
    assert list(output.parent.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    base = make_model(tmp_path / "base")
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "model.part").symlink_to("/dev/full")
    told = Conversion(str(base), "", str(base), str(tmp_path / "model.gguf"), "f16", "x")
    with pytest.raises(Unwritable, match="No space left"):
        write_gguf(told, lambda done, of: None)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_checkout_that_is_none_says_so(tmp_path: Path) -> None:
    assert (find_llama_cpp() / "convert_hf_to_gguf.py").exists()
    with pytest.raises(Unavailable, match="not a llama") as caught:
        find_llama_cpp(str(tmp_path))
    assert "--llama-cpp" in caught.value.fix


def test_splitting_rules_are_told_apart() -> None:
    split = {"type": "Split", "pattern": {"Regex": QWEN2.replace(r"\r\n", "\r\n")}}
    byte_level = {"type": "ByteLevel", "use_regex": False}
    assert find_splits({"type": "Sequence", "pretokenizers": [split, byte_level]}) == (QWEN2,)
    assert find_splits({"type": "ByteLevel", "use_regex": True}) == (GPT2,)
    assert find_splits({"type": "Whitespace"}) == () and find_splits(None) == ()
    assert len({rule.splits + (rule.whole_words,) for rule in RULES}) == len(RULES)
