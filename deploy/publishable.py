"""A base's folder -> what will stand in the way of publishing it, said before hours of training."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.gguf import find_llama_cpp
from deploy.vocabulary import find_form
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import listed, say

# The converter knows these, and Ollama 0.24 does not run them.
NEWER_THAN_OLLAMA = {
    "BailingMoeV3ForCausalLM",
    "Cohere2MoeForCausalLM",
    "DeepseekV32ForCausalLM",
    "DeepseekV4ForCausalLM",
    "GlmMoeDsaForCausalLM",
    "GraniteMoeSWAForCausalLM",
    "GraniteSWAForCausalLM",
    "HYV3ForCausalLM",
    "Jais2ForCausalLM",
    "KimiLinearForCausalLM",
    "MaincoderForCausalLM",
    "MellumForCausalLM",
    "MiMoV2FlashForCausalLM",
    "MiniMaxM1ForCausalLM",
    "MiniMaxM3SparseForCausalLM",
    "MiniMaxText01ForCausalLM",
    "NanbeigeForCausalLM",
    "PLaMo3ForCausalLM",
    "Plamo3ForCausalLM",
    "Step3p5ForCausalLM",
    "TalkieForCausalLM",
}
CHAT_HERE = say("It can be trained and chatted with here, as local:RUN.")


def find_obstacles(base: Path) -> Iterator[str]:
    """Sentences, each with what to do instead."""
    names = _read(base / "config.json").get("architectures") or []
    architecture = str(names[0]) if names else ""
    if architecture and architecture not in _convertible(architecture):
        yield say(
            "llama.cpp cannot convert {architecture}, so the run could not be published to Ollama. "
            "{instead}",
            architecture=architecture,
            instead=CHAT_HERE,
        )
    elif architecture in NEWER_THAN_OLLAMA:
        yield say(
            "Ollama 0.24 does not run {architecture}: publishing needs a newer one. {instead}",
            architecture=architecture,
            instead=CHAT_HERE,
        )
    parts = _read(base / "tokenizer.json")
    try:
        if "model" in parts:
            find_form(parts)
    except InvalidInput as error:
        yield listed([error.problem, error.fix], " ")


def _convertible(architecture: str) -> set[str]:
    """The architectures of the converter's own list; this one alone where there is no converter."""
    try:
        text = (find_llama_cpp() / "conversion" / "__init__.py").read_text("utf-8")
    except (Unavailable, OSError):
        return {architecture}
    return set(re.findall(r'^ +"(\w+)": "\w+",$', text, re.M))


def _read(path: Path) -> dict[str, Any]:
    """The file's object; empty where there is none, or none that can be read: others say that."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
