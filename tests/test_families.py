"""The families that people have, on their own tokenizers and templates: checked, trained, merged,
published and proven on a real Ollama, where they answer as they were taught.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import missing
from family_models import DIALOGUES, FAMILIES, SYSTEM, make_family, write_dialogues
from install_servers import tokenizer_folder
from published import deploy

from deploy.ollama_registry import Registry
from workbench.cli import workbench
from workbench.models.servers import describe_ollama
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.ollama

RUN = """
base = "base"
[data]
train = ["talks.jsonl"]
eval = ["talks.jsonl"]
max_length = 256
[lora]
rank = 4
[training]
steps = 2
batch = 2
learning_rate = 1e-4
[saving]
report_to = []
"""
THINKING = {"Qwen3", "DeepSeek-R1-Distill-Qwen"}


def need(tokenizer: str) -> None:
    if not tokenizer_folder(tokenizer).exists():
        missing(f"the tokenizer {tokenizer}")


def finetune(*arguments: str) -> list[dict[str, Any]]:
    """The events that `workbench finetune …` prints."""
    done = CliRunner().invoke(workbench, ["finetune", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_trained_published_and_proven(
    name: str, settings: Settings, empty_ollama: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    need(FAMILIES[name].tokenizer)
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", empty_ollama.url)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    make_family(name, tmp_path / "base")
    write_dialogues(tmp_path / "talks.jsonl")
    run_file = tmp_path / "run.toml"
    run_file.write_text(RUN, "utf-8")

    assert finetune("check", str(run_file))[-1]["problems"] == []
    assert finetune("train", str(run_file), "--name", "tuned")[-1]["event"] == "done"
    tag = name.lower().replace(" ", "-")
    done = deploy("publish", "tuned", "--name", tag, "--prompts", "6")[-1]
    proof = done["proof"]
    print(name, proof)
    assert proof["passed"] and proof["prompts"] == 6
    assert proof["identical"] == proof["rendered_equal"] == 1

    registry = Registry(empty_ollama.url)
    try:
        _answers_as_taught(registry, tag)
        assert describe_ollama(tag, load_settings()).thinks == (name in THINKING)
    finally:
        registry.delete(f"{tag}:v1")
        registry.delete(f"{tag}:latest")


def _answers_as_taught(registry: Registry, tag: str) -> None:
    """Single questions, and a second one after a system text and a first answer."""
    for texts in DIALOGUES:
        *before, answer = texts
        talk = [{"role": "system", "content": SYSTEM}] if len(texts) > 2 else []
        for number, text in enumerate(before):
            talk.append({"role": ("user", "assistant")[number % 2], "content": text})
        said = registry.reply(tag, talk, 96, 512)
        text = b"".join(said.tokens).decode("utf-8", "replace")
        assert text.strip() == answer and said.stopped
