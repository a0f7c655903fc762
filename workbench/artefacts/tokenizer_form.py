"""The structure of a tokenizer.json -> which of three forms it is, whatever the model's name.

The names are llama.cpp's: byte-level BPE, SentencePiece's BPE, SentencePiece's unigrams.
"""

from __future__ import annotations

import json
from typing import Any, Literal

Form = Literal["gpt2", "llama", "t5"]
SPACE = "▁"  # SentencePiece's


def form_of(parts: dict[str, Any]) -> Form | None:
    """The form of a tokenizer.json's content; None for any other structure."""
    model = parts["model"]
    kinds = set(_kinds(parts.get("pre_tokenizer"))) | set(_kinds(parts.get("decoder")))
    if model["type"] == "Unigram":
        return "t5"
    if model["type"] == "BPE" and "ByteLevel" in kinds:
        return "gpt2"
    if model["type"] == "BPE" and _spaces_are_marked(parts):
        return "llama"
    return None


def _kinds(step: dict[str, Any] | None) -> list[str]:
    """The types of a tokenizer.json's step and of the steps inside it."""
    step = step or {}
    inside = [*(step.get("pretokenizers") or []), *(step.get("decoders") or [])]
    return [step.get("type", ""), *(part.get("type", "") for part in inside)]


def _spaces_are_marked(parts: dict[str, Any]) -> bool:
    steps = json.dumps([parts.get("normalizer"), parts.get("pre_tokenizer")], ensure_ascii=False)
    return SPACE in steps
