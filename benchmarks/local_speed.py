"""One model, the same weights, every way to run it on a CPU: tokens a second and the first token.

SmolLM2-135M, greedy, in one run and interleaved: transformers in 32 and 16 bits, OpenVINO GenAI as
it reads the file, OpenVINO with the file's exact weights (the way that the app takes), and Ollama.
`same` counts the first tokens that are those of transformers in 32 bits.

`.venv/bin/python benchmarks/local_speed.py [TOKENS] [ROUNDS]`
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from conftest import free_port
from install_servers import ollama_binary
from model_servers import Ollama

from workbench.extras import quiet_transformers
from workbench.models.engine import Engine, Order
from workbench.models.generate import generate_tokens
from workbench.models.packaged import folder_of, form_of, gguf_of
from workbench.settings import load_settings

MODEL = "smollm2-135m"
SHORT = "Write a long story about a dog who travels through the whole country."
# as long as a question with its passages
LONG = "The town has a long and rich history, which is told here once more. " * 100 + SHORT
CHOSEN = "OpenVINO, exact"

Tokens = Callable[[str, int], Iterator[int | str | None]]


@dataclass
class Measured:
    """One answer: tokens a second after the first one, and the seconds until that."""

    speed: float
    first: float
    made: list[int | str]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        ways, stop = open_ways(Path(name))
        try:
            print_table(measure(ways, count, rounds))
        finally:
            stop()


def measure(ways: dict[str, Tokens], count: int, rounds: int) -> dict[str, list[Measured]]:
    """Way -> one short answer a round, then one to a long prompt."""
    for way in ways.values():
        ask(way, SHORT, 4)  # a cold model is not measured
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    # interleaved, so that a slow moment of the machine meets all of them
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(ask(way, SHORT, count))
    for name, way in ways.items():
        found[name].append(ask(way, LONG, 4))
    return found


def ask(way: Tokens, question: str, count: int) -> Measured:
    begun = time.monotonic()
    first = 0.0
    made: list[int | str] = []
    for token in way(question, count):
        if token is None:
            continue
        first = first or time.monotonic() - begun
        made.append(token)
    rest = time.monotonic() - begun - first
    return Measured((len(made) - 1) / rest, first, made)


def print_table(found: dict[str, list[Measured]]) -> None:
    exact = found["transformers, 32 bits"][0].made
    speeds = {}
    print(f"{'':24} {'tokens/s':>9} {'first, s':>9} {'long prompt, s':>15} {'same':>6}")
    for name, (*short, long) in found.items():
        speeds[name] = median(one.speed for one in short)
        first = median(one.first for one in short)
        same = agreeing(exact, short[0].made)
        print(f"{name:24} {speeds[name]:9.1f} {first:9.3f} {long.first:15.2f} {same:>6}")
    chosen = speeds.pop(CHOSEN)
    for name, speed in speeds.items():
        print(f"{CHOSEN} / {name}: {chosen / speed:.2f} x")


def agreeing(exact: list[int | str], made: list[int | str]) -> str:
    if made and isinstance(made[0], str):
        return "-"  # a server that gives text
    pairs = list(zip(exact, made, strict=False))
    same = next((place for place, (one, other) in enumerate(pairs) if one != other), len(pairs))
    return f"{same}/{len(exact)}"


def open_ways(folder: Path) -> tuple[dict[str, Tokens], Callable[[], None]]:
    """Every way by its name, and what ends the server."""
    quiet_transformers()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = load_settings()
    model = folder_of(MODEL, settings)
    tokenizer = AutoTokenizer.from_pretrained(model)

    def prompt(question: str, kind: str) -> Any:
        turns = [{"role": "user", "content": question}]
        return tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors=kind, return_dict=True
        )

    def by_transformers(dtype: Any) -> Tokens:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).eval()

        def tokens(question: str, count: int) -> Iterator[int]:
            length = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False}
            return generate_tokens(loaded, prompt(question, "pt"), length)

        return tokens

    def by_engine(engine: Any) -> Tokens:
        def tokens(question: str, count: int) -> Iterator[int | None]:
            return engine.generate(prompt(question, "np")["input_ids"], Order(count, []))

        return tokens

    ways = {
        "transformers, 32 bits": by_transformers(torch.float32),
        "transformers, 16 bits": by_transformers(torch.bfloat16),
        "OpenVINO, GGUF as read": by_engine(engine_of_gguf(gguf_of(MODEL))),
        CHOSEN: by_engine(Engine.of(form_of(MODEL, settings))),
    }
    if not ollama_binary().exists():
        print("Ollama is missing; `make servers` builds it")
        return ways, lambda: None
    server = Ollama(str(ollama_binary()), folder, free_port())

    def render(question: str) -> str:
        return tokenizer.decode(prompt(question, "np")["input_ids"][0])

    ways["Ollama"] = by_ollama(server, render)
    return ways, server.kill


def engine_of_gguf(file: Path) -> Engine:
    """OpenVINO GenAI on the file as it reads it, with its own settings."""
    import openvino_genai as genai

    return Engine(genai.ContinuousBatchingPipeline(str(file), genai.SchedulerConfig(), "CPU"))


def by_ollama(server: Ollama, render: Callable[[str], str]) -> Tokens:
    import ollama

    client = ollama.Client(server.url)
    client.create(model="speed", files={"m.gguf": client.create_blob(gguf_of(MODEL))})

    def tokens(question: str, count: int) -> Iterator[str]:
        body = {
            "model": "speed",
            "prompt": render(question),
            "raw": True,
            "options": {"temperature": 0, "num_predict": count, "num_ctx": 4096},
        }
        request = urllib.request.Request(
            f"{server.url}/api/generate", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request) as lines:
            for line in lines:
                piece = json.loads(line)
                if not piece["done"]:
                    yield piece["response"]

    return tokens


if __name__ == "__main__":
    main()
