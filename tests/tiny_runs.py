"""A tiny base -> run folders as a finished training leaves them, with adapters that know other
answers than the base.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_models import PAIRS, train

from workbench.artefacts.model_folder import digest_of

# the base's own answers, each to the question before: an adapter can learn that in seconds, and the
# base never says it
TAUGHT = [(question, PAIRS[number - 1][1]) for number, (question, _) in enumerate(PAIRS)]


def make_run(
    home: Path,
    base: Path,
    name: str = "tuned",
    pairs: Sequence[tuple[str, str]] = TAUGHT,
    steps: int = 100,
    system: str = "",
    **lora: Any,
) -> Path:
    """`runs/NAME` with an adapter that answers `pairs`, its held-out conversations and its card."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    choices = {
        "r": 8,
        "lora_alpha": 32,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
    } | lora
    tuned: Any = get_peft_model(model, LoraConfig(**choices))
    if steps:
        train(tuned, tokenizer, pairs, steps)
    run = home / "runs" / name
    return save_run(run, tuned, tokenizer, base, pairs, system)


def save_run(
    run: Path,
    model: Any,
    tokenizer: Any,
    base: Path,
    pairs: Sequence[tuple[str, str]],
    system: str = "",
) -> Path:
    """Write a run folder around a trained model."""
    model.save_pretrained(run / "adapter")
    tokenizer.save_pretrained(run / "adapter")
    (run / "data").mkdir()
    with (run / "data" / "eval.jsonl").open("w", encoding="utf-8") as file:
        for question, reply in pairs:
            talk = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
            file.write(json.dumps({"messages": talk}, ensure_ascii=False) + "\n")
    card = {
        "base": str(base),
        "base_digest": digest_of(base),
        "data": {"train": {"sha256": "0" * 64}},
        "system": system,
    }
    (run / "card.json").write_text(json.dumps(card), "utf-8")
    return run
