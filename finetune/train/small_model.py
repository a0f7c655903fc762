"""Texts -> a small Qwen2 with a tokenizer of its own: for where no model can be downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finetune.encoding.chat_template import CHATML
from workbench.disk import maps_disk_errors
from workbench.extras import check_extra, quiet_transformers
from workbench.files import filling
from workbench.messages import say

# Qwen2's pre-tokenizer: the name `qwen2` in GGUF stands for exactly this
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
HAN = re.compile(r"[\u3400-\u9fff]")
ROLES = ["system", "user", "assistant"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_small_model(
    folder: Path,
    texts: Iterable[str],
    *,
    layers: int = 4,
    width: int = 256,
    words: int = 4000,
    context: int = 1024,
    seed: int = 0,
) -> Path:
    """Write a random model and a tokenizer trained on `texts` into that folder.

    The same input gives the same files. `words` is the size of the vocabulary, `context`
    counts tokens. Raises Unavailable where torch is not installed.
    """
    check_extra("train", ["torch"], say("Training"))
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    quiet_transformers()
    tokenizer = _train_tokenizer(texts, words)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        # wide enough that adapters alone can learn, with the random weights as they are
        initializer_range=width**-0.5,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id],
        pad_token_id=tokenizer.pad_token_id,
    )
    with maps_disk_errors(folder):
        _save([model, tokenizer], folder)
    return folder


def _save(parts: Iterable[Any], folder: Path) -> None:
    """Put their files into the folder, which may hold others, once all are written."""
    with filling(folder), TemporaryDirectory(prefix=".", dir=folder) as made:
        for part in parts:
            part.save_pretrained(made)
        # the configuration last: a folder with it counts as a model
        for path in sorted(Path(made).iterdir(), key=lambda path: path.name == "config.json"):
            path.replace(folder / path.name)


def _train_tokenizer(texts: Iterable[str], words: int) -> Any:
    """A byte-level BPE tokenizer that splits as Qwen2's does, with the ChatML template."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    # without a break behind each character a sentence without spaces becomes one token
    apart = [HAN.sub(r"\g<0>\n", text) for text in texts]
    # a role's name stands in every prompt: repeated, it becomes one token
    bpe.train_from_iterator([*apart, *ROLES * 100], trainer)
    pad, _, end = SPECIAL
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=end, pad_token=pad)
    tokenizer.chat_template = CHATML
    return tokenizer
