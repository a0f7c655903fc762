"""A tokenizer -> llama.cpp's name of its pre-tokenizer: the base's, also for an extended
vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# Splitting rule -> llama.cpp's name. Tokenizers with the same rule split alike, whatever they are
# called.
SPLITS = {QWEN2: "qwen2", LLAMA3: "llama-bpe", GPT2: "gpt-2"}


def name_pretokenizer(known: Callable[[Any], str], tokenizer: Any, base: Path) -> str:
    """llama.cpp's name. `known` is its own recognition: a hash of token ids, which an extended
    vocabulary changes.

    So the base's tokenizer is tried next. A home-made tokenizer is known by its splitting rule.
    """
    from transformers import AutoTokenizer

    try:
        return known(tokenizer)
    except NotImplementedError:
        pass  # llama.cpp does not know this tokenizer
    try:
        return known(AutoTokenizer.from_pretrained(base, trust_remote_code=False))
    except (NotImplementedError, OSError, ValueError):
        pass  # nor that of the base, or the base came without a tokenizer
    rule = find_split(json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"])
    if rule not in SPLITS:
        raise InvalidInput(
            "llama.cpp knows no pre-tokenizer that splits text as this tokenizer does.",
            "If it is one of llama.cpp's under another name, name it with --pre-tokenizer.",
        )
    return SPLITS[rule]


def find_split(step: dict[str, Any] | None) -> str:
    """The regular expression of a tokenizer.json's `pre_tokenizer`; byte-level BPE has GPT-2's
    built in.
    """
    for part in (step or {}).get("pretokenizers") or [step or {}]:
        if part.get("type") == "Split":
            return part["pattern"].get("Regex", "")
        if part.get("type") == "ByteLevel" and part.get("use_regex", True):
            return GPT2
    return ""
