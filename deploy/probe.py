"""A tokenizer and an Ollama server -> the pre-tokenizer's name with which that server cuts text as
the tokenizer does.

A model of one empty layer with the whole vocabulary is made there under each name in turn: what the
server makes of hard texts decides, and a name that it does not know cannot be loaded.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.ollama_registry import Registry
from deploy.pretokenizer import PROBES, list_names
from deploy.vocabulary import Vocabulary, read_vocabulary
from workbench.errors import InvalidInput, Unavailable
from workbench.files import sha256_of

NAME = "workbench-probe"
WIDTH = 32  # of the empty layer: the least that a quantized matrix has


def choose_pretokenizer(tokenizer: Any, registry: Registry) -> str:
    """The name; empty where the form has none, or llama.cpp has to find it.

    Where no name agrees the likeliest is taken, and the proof has the last word.
    """
    names = list_names(tokenizer)
    if len(names) > 1:
        vocabulary = read_vocabulary(tokenizer, 0)
        for name in names:
            if agrees(tokenizer, vocabulary, name, registry):
                return name
    return names[0] if names else ""


def agrees(
    tokenizer: Any,
    vocabulary: Vocabulary,
    name: str,
    registry: Registry,
    texts: Sequence[str] = PROBES,
) -> bool:
    """Whether the server's tokens of the texts are the tokenizer's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.gguf"
        write_probe(vocabulary, name, path)
        sha256 = sha256_of(path)
        registry.push(path, sha256, lambda done, of: None)
    files = {"model.gguf": f"sha256:{sha256}"}
    try:
        registry.create(NAME, {"files": files, "template": "{{ .Prompt }}"}, lambda status: None)
        return all(_same(tokenizer, registry, text) for text in texts)
    except (InvalidInput, Unavailable):
        return False  # the server does not know the name
    finally:
        registry.delete(NAME)


def _same(tokenizer: Any, registry: Registry, text: str) -> bool:
    """Behind a special token, as in a chat: alone a text may begin otherwise."""
    special = tokenizer.all_special_tokens[:1]
    prompt = "".join(special) + text
    said, ids = registry.tokens(NAME, prompt)
    return tokenizer.encode(prompt + said, add_special_tokens=False) == ids


def write_probe(vocabulary: Vocabulary, name: str, path: Path) -> None:
    """A Llama of one layer without any weight, which has that vocabulary."""
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_name(vocabulary.name_model("probe"))
    writer.add_block_count(1)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_file_type(1)
    vocabulary.write(writer, name)
    writer.add_add_bos_token(False)
    square = np.zeros((WIDTH, WIDTH), np.float16)
    line = np.zeros(WIDTH, np.float32)
    writer.add_tensor("token_embd.weight", np.zeros((len(vocabulary.tokens), WIDTH), np.float16))
    writer.add_tensor("output_norm.weight", line)
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{part}.weight", square)
    for part in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{part}.weight", line)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
