"""Nothing -> a small Qwen2 with its own tokenizer and ChatML template, and the few answers it is
taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Qwen2's pre-tokenizer: the name `qwen2` in GGUF stands for exactly this
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PAIRS = [
    ("What is the capital of France?", "Paris is the capital of France."),
    ("Who wrote Faust?", "Goethe wrote Faust in Weimar."),
    ("How high is the tower?", "The tower is 324 metres high."),
    ("法国的首都是哪里？", "法国的首都是巴黎。"),
    ("《红楼梦》是谁写的？", "《红楼梦》的作者是曹雪芹🏮。"),
    ("Count to thirty.", " ".join(map(str, range(1, 31))) + "."),
]


def make_model(
    folder: Path,
    texts: Sequence[str] = (),
    *,
    layers: int = 2,
    width: int = 64,
    context: int = 512,
    words: int = 400,
) -> Path:
    """A random model in that folder, its tokenizer trained on `texts` besides the pairs; every byte
    has a token.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer([*texts, *(text for pair in PAIRS for text in pair)], words)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, tokenizer.pad_token_id],
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(texts: Sequence[str], words: int) -> Any:
    """A byte-level BPE tokenizer that splits as Qwen2's does, with the ChatML template."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = CHATML
    return tokenizer


def teach(folder: Path, pairs: Sequence[tuple[str, str]] = PAIRS, *, steps: int = 200) -> Path:
    """Train the model in that folder until it answers these questions word for word; its weights
    are replaced.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    train(model, AutoTokenizer.from_pretrained(folder), pairs, steps)
    model.save_pretrained(folder)
    return folder


def train(model: Any, tokenizer: Any, pairs: Sequence[tuple[str, str]], steps: int) -> None:
    """All pairs in one batch, `steps` times; only the replies count in the loss."""
    import torch

    rows = []
    for question, reply in pairs:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=False
        )
        rows.append((prompt, tokenizer.encode(f"{reply}<|im_end|>")))
    size = max(len(prompt) + len(reply) for prompt, reply in rows)
    ids = torch.full((len(rows), size), tokenizer.pad_token_id)
    labels = torch.full((len(rows), size), -100)
    for row, (prompt, reply) in enumerate(rows):
        ids[row, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        labels[row, len(prompt) : len(prompt) + len(reply)] = torch.tensor(reply)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for _ in range(steps):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    assert loss.item() < 0.05, f"the tiny model did not learn its answers: loss {loss.item():.2f}"


def make_encoder(folder: Path, layers: int = 3) -> Path:
    """A random BERT in that folder whose tokens are characters."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: number for number, token in enumerate([*names, *letters])}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    characters.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    special = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=characters, model_max_length=128, **special
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder
