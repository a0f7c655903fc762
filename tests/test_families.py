"""The families that people have, on their own tokenizers and templates: checked, trained, merged,
published and proven on a real Ollama, where they answer as they were taught.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from family_models import FAMILIES, prove_family, wrong_answers
from install_servers import tokenizer_folder

from deploy.ollama_registry import Registry
from workbench.models.servers import describe_ollama
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.ollama

# `benchmarks/families.py` proves all of them; these take the least time.
TRIED = ["Qwen3", "Mistral"]


@pytest.mark.parametrize("name", TRIED)
def test_a_family_is_trained_published_and_proven(
    name: str, settings: Settings, empty_ollama: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    if not tokenizer_folder(FAMILIES[name].tokenizer).exists():
        missing(f"the tokenizer of {name}")
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", empty_ollama.url)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    proof = prove_family(name, tmp_path, "family")
    assert proof["passed"] and proof["prompts"] == 6
    assert proof["identical"] == proof["rendered_equal"] == 1
    registry = Registry(empty_ollama.url)
    try:
        assert wrong_answers(registry, "family") == []
        thinks = describe_ollama("family", load_settings()).thinks
        assert thinks == (name == "Qwen3")
    finally:
        for tag in registry.digests():
            registry.delete(tag)
