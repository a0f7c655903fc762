"""A tokenizer -> llama.cpp's name for how it splits text before BPE: the base's, also when the vocabulary was extended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPLITS = {
    QWEN2: "qwen2",
    LLAMA3: "llama-bpe",
    GPT2: "gpt-2",
}  # the rules that differ in nothing but their name


def name_pretokenizer(known: Callable[[Any], str], tokenizer: Any, base: Path) -> str:
    """llama.cpp's name. `known` is its own recognition, which hashes token ids, so only the base's tokenizer can pass.

    Where that does not know the base either (home-made tokenizers), the splitting rule itself is looked up.
    """
    from transformers import AutoTokenizer

    for words in (tokenizer, base):
        try:
            return known(
                AutoTokenizer.from_pretrained(words, trust_remote_code=False)
                if words is base
                else words
            )
        except NotImplementedError:
            continue  # llama.cpp knows neither this tokenizer nor, in the end, its base's
        except (OSError, ValueError):
            break  # the base came without a tokenizer
    rule = find_split(json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"])
    if rule not in SPLITS:
        raise InvalidInput(
            "llama.cpp knows no pre-tokenizer that splits text as this tokenizer does.",
            "If it is one of llama.cpp's under another name, name it with --pre-tokenizer.",
        )
    return SPLITS[rule]


def find_split(step: dict[str, Any] | None) -> str:
    """The regular expression of a tokenizer.json's `pre_tokenizer`; byte-level BPE has GPT-2's built in."""
    for part in (step or {}).get("pretokenizers") or [step or {}]:
        if part.get("type") == "Split":
            return part["pattern"].get("Regex", "")
        if part.get("type") == "ByteLevel" and part.get("use_regex", True):
            return GPT2
    return ""
