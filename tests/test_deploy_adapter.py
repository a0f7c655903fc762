"""An adapter alone on a base that Ollama has: chosen by evidence, proven, as small as it is, and
removed without a trace.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from published import deploy, left_behind
from test_merge import make_adapter
from tiny_models import make_model
from tiny_runs import make_run

from deploy.adapter_base import choose_form
from deploy.ollama_registry import Registry, Weights
from deploy.order import Order
from deploy.plan import make_plan
from workbench.errors import InvalidInput
from workbench.settings import Settings

TWO = ("--prompts", "2")  # both taught, so that no chance is in the proof


@pytest.mark.ollama
def test_the_adapter_alone_is_published_on_its_published_base(
    publishing: Path, empty_ollama: Any, tiny_model: Path
) -> None:
    before = deploy("publish", "tuned", "--name", "demo", *TWO)[-1]
    assert (
        before["adapter_on"] is None
        and "has not been published to this Ollama" in before["merged_because"]
    )
    base = deploy("publish", str(tiny_model), "--name", "base", *TWO)[-1]
    assert deploy("publish", "tuned", "--name", "demo", *TWO)[-1] == before, (
        "the same model, in another form"
    )
    assert deploy("remove", "demo:v1", "--yes")
    *progress, done = deploy("publish", "tuned", "--name", "demo", *TWO)
    assert done["adapter_on"] == ["base:v1", base["gguf_sha256"]] and done["proof"]["passed"]
    assert done["gguf_bytes"] < before["gguf_bytes"] / 2
    assert any(
        event.get("status", "").startswith("The adapter alone: its base") for event in progress
    )
    _, models, weights = left_behind(publishing, empty_ollama)
    assert models == ["base:latest", "base:v1", "demo:latest", "demo:v1"]
    assert weights == [f"sha256-{base['gguf_sha256']}"], "one copy of the base"
    assert Registry(empty_ollama.url).has_blob(done["gguf_sha256"])
    assert (
        (publishing / "deploy/demo/v1/Modelfile")
        .read_text("utf-8")
        .startswith("FROM base:v1\nADAPTER ./adapter.gguf\n")
    )
    assert deploy("verify", "demo:v1", *TWO)[-1]["proof"]["identical"] == 1
    merged = deploy("publish", "tuned", "--name", "demo", "--adapter", "never", *TWO)[-1]
    assert merged["model"] == "demo:v2" and merged["adapter_on"] is None
    assert deploy("rollback", "demo")[-1]["model"] == "demo:v1"
    assert deploy("remove", "base:v1", "--yes")
    assert deploy("verify", "demo:v1", *TWO)[-1]["proof"]["identical"] == 1, (
        "it keeps the weights that it stands on"
    )
    for tag in ("demo:v1", "demo:v2"):
        deploy("remove", tag, "--yes")
    assert left_behind(publishing, empty_ollama) == ([], [], [])
    assert not Registry(empty_ollama.url).has_blob(done["gguf_sha256"])


@pytest.mark.ollama
def test_a_named_base_is_proven_and_a_wrong_one_is_merged_or_refused(
    publishing: Path, empty_ollama: Any, tiny_model: Path, tmp_path: Path
) -> None:
    empty_ollama.create("right", shutil.copytree(tiny_model, tmp_path / "right"))
    empty_ollama.create("wrong", make_model(tmp_path / "wrong"))
    done = deploy("publish", "tuned", "--name", "demo", "--from", "right:latest", *TWO)[-1]
    assert done["adapter_on"][0] == "right:latest" and done["proof"]["passed"]
    before = left_behind(publishing, empty_ollama)
    refused = deploy(
        "publish", "tuned", "--name", "other", "--from", "wrong", "--adapter", "always", fails=True
    )[-1]
    assert refused["step"] == "prove" and refused["problem"].startswith(
        "The adapter on wrong is not the trained model"
    )
    assert left_behind(publishing, empty_ollama) == before
    merged = deploy("publish", "tuned", "--name", "other", "--from", "wrong", *TWO)[-1]
    assert merged["adapter_on"] is None and merged["merged_because"] == refused["problem"]
    gone = deploy(
        "publish", "tuned", "--name", "more", "--from", "nothing", "--adapter", "always", fails=True
    )[-1]
    assert "does not have it" in gone["problem"]
    coarse = ("--from", "right:latest", "--adapter", "always", "--quantize", "q8_0")
    assert (
        "precision f16, not q8_0"
        in deploy("publish", "tuned", "--name", "more", *coarse, fails=True)[-1]["problem"]
    )


@pytest.mark.ollama
@pytest.mark.parametrize(
    "lora",
    [
        {
            "use_rslora": True,
            "lora_alpha": 8,
            "rank_pattern": {"q_proj": 4},
            "alpha_pattern": {"v_proj": 16},
        },
        {"target_modules": ["q_proj", "v_proj"], "r": 4},
    ],
)
def test_scales_are_right_in_ollama(
    publishing: Path, empty_ollama: Any, tiny_model: Path, tmp_path: Path, lora: dict[str, Any]
) -> None:
    run = make_run(tmp_path, tiny_model, "scaled", **lora)
    empty_ollama.create("right", shutil.copytree(tiny_model, tmp_path / "right"))
    done = deploy(
        "publish", str(run / "adapter"), "--name", "demo", "--from", "right:latest", *TWO
    )[-1]
    assert done["adapter_on"] and done["proof"]["passed"] and done["proof"]["logprob_change"] < 0.01


@pytest.mark.ollama
def test_killed_while_the_adapter_is_written_it_leaves_nothing(
    publishing: Path, empty_ollama: Any, tiny_model: Path
) -> None:
    deploy("publish", str(tiny_model), "--name", "base", *TWO)
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "deploy",
        "publish",
        "tuned",
        "--name",
        "demo",
        "--json",
    ]
    checked = 0
    for step in ("convert", "create", "prove"):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            next(line for line in process.stdout if json.loads(line)["step"] == step)
            process.kill()
        done = deploy("publish", "tuned", "--name", "demo", *TWO)[-1]
        assert done["model"] == "demo:v1" and done["adapter_on"]
        deploy("remove", "demo:v1", "--yes")
        files, models, _ = left_behind(publishing, empty_ollama)
        assert models == ["base:latest", "base:v1"] and not any("demo" in file for file in files)
        assert not Registry(empty_ollama.url).has_blob(done["gguf_sha256"])
        checked += 1
    assert checked == 3


class FakeRegistry(Registry):
    """A server of one model."""

    def __init__(self, version: str, weights: Weights) -> None:
        super().__init__("http://127.0.0.1:9")
        self.version, self.own = version, weights

    def check(self) -> str:
        return self.version

    def weights(self, name: str) -> Weights:
        return self.own

    def digests(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("version", "weights", "problem"),
    [
        ("0.24.0", Weights("0" * 64, "qwen2", "f16", False), ""),
        (
            "0.24.0",
            Weights("0" * 64, "qwen3", "f16", False),
            "Ollama 0.24.0 runs no adapters on qwen3",
        ),
        ("0.12.11", Weights("0" * 64, "qwen3", "f16", False), "runs no adapters on qwen3"),
        ("0.0.0", Weights("0" * 64, "qwen3", "f16", False), "runs no adapters on qwen3"),
        ("0.30.1", Weights("0" * 64, "qwen3", "f16", False), ""),
        ("0.24.0", Weights("0" * 64, "qwen2", "Q5_K_M", False), "precision Q5_K_M, not f16"),
        ("0.24.0", Weights("0" * 64, "qwen2", "f16", True), "has an adapter already"),
    ],
)
def test_server_and_architecture_decide(
    settings: Settings, tmp_path: Path, version: str, weights: Weights, problem: str
) -> None:
    base = make_model(tmp_path / "base")
    make_adapter(base, tmp_path / "adapter", target_modules=["q_proj"])
    plan = make_plan(Order(str(tmp_path / "adapter"), "x", on="b"), settings)
    chosen = choose_form(plan, FakeRegistry(version, weights), settings)
    assert problem in chosen.merged_because
    assert chosen.on == (None if problem else ("b", "0" * 64))


@pytest.mark.parametrize(
    ("lora", "problem"),
    [
        ({"target_modules": ["q_proj"], "use_dora": True}, "is a DoRA"),
        (
            {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
            "embedding or the output head",
        ),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "embedding or the output head"),
        ({"target_modules": ["q_proj"], "lora_bias": True}, "also holds"),
        (
            {"target_modules": ["q_proj"], "modules_to_save": ["input_layernorm"]},
            "input_layernorm.weight itself",
        ),
    ],
)
def test_what_a_gguf_adapter_cannot_hold_is_merged_and_said(
    settings: Settings, tmp_path: Path, lora: dict[str, Any], problem: str
) -> None:
    make_adapter(make_model(tmp_path / "base"), tmp_path / "adapter", **lora)
    order = Order(str(tmp_path / "adapter"), "x", on="b")
    registry = FakeRegistry("0.24.0", Weights("0" * 64, "qwen2", "f16", False))
    chosen = choose_form(make_plan(order, settings), registry, settings)
    assert chosen.on is None and problem in chosen.merged_because
    always = make_plan(Order(str(tmp_path / "adapter"), "x", adapter="always", on="b"), settings)
    with pytest.raises(InvalidInput, match=problem) as caught:
        choose_form(always, registry, settings)
    assert "--adapter never" in caught.value.fix
