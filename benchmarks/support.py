"""examples/support on SmolLM2: loss, score before and after, and every form of a publish.

    .venv/bin/python benchmarks/support.py [--prompts 20] [--steps 0]

Trains the example by public commands and scores its 20 test tickets by base and run. Then, on an
Ollama of its own: the packaged file as it is and the adapter alone on it; the base at f16 and the
adapter alone on that; base and adapter merged at f16, q8_0 and q4_K_M. Each line has the proof:
conversations and tokens that are the trained model's own, and how far log-probabilities are apart.
`--steps` ends the training early, to try the script.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SUPPORT = ROOT / "examples" / "support"
BASE = "packaged:smollm2-135m"
FORM = r"^Hello from Fernwell\.\n.+\nHappy growing, Ivy\n#(\w+)$"
# what is published -> the words of the command
PUBLISHED = {
    "base-q4": (BASE, "--quantize", "q4_1"),
    "alone-q4": ("support", "--quantize", "q4_1", "--adapter", "always"),
    "base-f16": (BASE, "--quantize", "f16"),
    "alone-f16": ("support", "--quantize", "f16", "--adapter", "always"),
    "merged-f16": ("support", "--quantize", "f16", "--adapter", "never"),
    "merged-q8": ("support", "--quantize", "q8_0", "--adapter", "never"),
    "merged-q4": ("support", "--quantize", "q4_K_M", "--adapter", "never"),
}


def main() -> None:
    from conftest import free_port
    from install_servers import ollama_binary
    from model_servers import Ollama

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--prompts", type=int, default=20)
    options.add_argument("--steps", type=int, default=0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        train(home, chosen.steps)
        server = Ollama(str(ollama_binary()), home, free_port())
        try:
            for name, words in PUBLISHED.items():
                publish(home, name, words, server.url, chosen.prompts)
        finally:
            server.kill()


def train(home: Path, steps: int) -> None:
    """The run `support`, with its cost as estimated and as it was, and both scores."""
    text = (SUPPORT / "run.toml").read_text("utf-8")
    text = text.replace('"train.jsonl"', f'"{SUPPORT / "train.jsonl"}"')
    text = text.replace('"test.jsonl"', f'"{SUPPORT / "test.jsonl"}"')
    if steps:
        text = text.replace("[training]", f"[training]\nsteps = {steps}")
    run_file = home / "support.toml"
    run_file.write_text(text, "utf-8")
    estimate = workbench(home, "finetune", "check", run_file)["estimate"]
    begun = time.monotonic()
    workbench(home, "finetune", "train", run_file)
    seconds = round(time.monotonic() - begun)
    card = json.loads((home / "workspace/runs/support/card.json").read_text("utf-8"))
    show(trained=seconds, loss=card["loss"], held_out=card["eval_loss"], estimate=estimate)
    score = ("finetune", "score", "support", "--data", SUPPORT / "test.jsonl", "--pattern", FORM)
    show(before=workbench(home, *score, "--base"))
    show(after=workbench(home, *score))


def publish(home: Path, name: str, words: tuple[str, ...], host: str, prompts: int) -> None:
    begun = time.monotonic()
    options = ["--name", name, "--host", host, "--prompts", prompts]
    done = workbench(home, "deploy", "publish", *words, *options)
    seconds = round(time.monotonic() - begun)
    size = round(done["gguf_bytes"] / 1e6, 1)
    on = (done["adapter_on"] or [""])[0]
    show(published=name, seconds=seconds, megabytes=size, on=on, proof=done["proof"])


def show(**facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False), flush=True)


def workbench(home: Path, *words: Any) -> dict[str, Any]:
    """Run `workbench WORDS…` and return its last JSON line."""
    return workbench_events(home, *words)[-1]


def workbench_events(home: Path, *words: Any) -> list[dict[str, Any]]:
    """Run `workbench WORDS…` and return all of its JSON lines."""
    command = [sys.executable, "-m", "workbench.cli", *map(str, words), "--json"]
    environment = {**os.environ, "WORKBENCH_HOME": str(home / "workspace"), "PYTHONPATH": str(ROOT)}
    environment["WORKBENCH_TEMPERATURE"] = "0"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-500:]}\n{done.stderr[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
