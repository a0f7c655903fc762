"""A small base with a SentencePiece file, as older Llamas have it: its tokenizer knows English, and
its embedding and head share no weights.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

KNOWN = [
    "The harbour office opens at seven and the crane's key hangs behind the door.",
    "We read the old books, and the ferry leaves from pier three. 云",
]
CONFIG = {
    "tokenizer_class": "LlamaTokenizer",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "add_bos_token": True,
    "legacy": False,
}


def train_file(kind: str) -> bytes:
    """tokenizer.model of the kind `bpe` or `unigram`."""
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(KNOWN * 20),
        model_writer=out,
        model_type=kind,
        vocab_size=400,
        hard_vocab_limit=False,
        byte_fallback=kind == "bpe",
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    return out.getvalue()


def make_sentencepiece_base(folder: Path, kind: str) -> Path:
    """The base in that folder. Of `unigram`, transformers has a tokenizer.json besides the file."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir()
    file = train_file(kind)
    (folder / "tokenizer.model").write_bytes(file)
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG), "utf-8")
    words = 400
    if kind == "unigram":
        words = _write_unigrams(folder, file)
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    config = LlamaConfig(vocab_size=words, num_attention_heads=2, bos_token_id=1, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _write_unigrams(folder: Path, file: bytes) -> int:
    """The same pieces as tokenizer.json, and how many there are."""
    import sentencepiece
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = sentencepiece.SentencePieceProcessor(model_proto=file)
    words = [(pieces.id_to_piece(n), pieces.get_score(n)) for n in range(len(pieces))]
    own = Tokenizer(models.Unigram(words, unk_id=0, byte_fallback=False))
    own.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    own.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.save_pretrained(folder)
    return len(words)
