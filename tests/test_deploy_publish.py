"""A run becomes an Ollama model that answers as trained, or nothing at all; on a real Ollama."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from published import deploy, left_behind
from tiny_runs import TAUGHT

from deploy.ollama_registry import Registry
from deploy.order import Order
from deploy.publish import publish
from workbench.cli import workbench
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.ollama


def test_a_run_is_published_proven_and_answers(publishing: Path, empty_ollama: Any) -> None:
    *progress, done = deploy("publish", "tuned", "--name", "demo")
    assert list(dict.fromkeys(event["step"] for event in progress)) == [
        "check",
        "convert",
        "upload",
        "create",
        "prove",
        "promote",
    ]
    assert done["event"] == "done" and done["model"] == "demo:v1" and len(done["gguf_sha256"]) == 64
    proof = done["proof"]
    assert (
        proof["passed"]
        and proof["rendered_equal"] == 1
        and proof["identical"] >= 0.95
        and proof["prompts"] >= 6
    )
    files, models, weights = left_behind(publishing, empty_ollama)
    assert models == ["demo:latest", "demo:v1"] and weights == [f"sha256-{done['gguf_sha256']}"]
    assert files == [
        f"deploy/demo/{name}"
        for name in ("latest", "v1/Modelfile", "v1/card.json", "v1/proof.json")
    ]
    registry = Registry(empty_ollama.url)
    checked = 0
    for question, reply in TAUGHT:
        said = registry.reply("demo", [{"role": "user", "content": question}], 128, 512)
        assert said.stopped
        if reply.isascii():
            assert b"".join(said.tokens).decode() == reply
            checked += 1
    assert checked == 4


def test_the_same_run_again_is_recognised(publishing: Path, empty_ollama: Any) -> None:
    first = deploy("publish", "tuned", "--name", "demo")[-1]
    before = left_behind(publishing, empty_ollama)
    *progress, again = deploy("publish", "tuned", "--name", "demo")
    assert again == first and {event["step"] for event in progress} == {"check"}
    assert left_behind(publishing, empty_ollama) == before


SABOTAGE = [
    # what the proof must find, what is taken out of the Modelfile, what is asked for besides
    ("template", r"<\|over\|>\n(?={{ else if)", []),
    ("template", r"<\|im_start\|>assistant\n(?=\"\"\")", []),
    ("stop", r"PARAMETER stop .*\n", []),
    ("tokenizer", "", ["--pre-tokenizer", "gpt-2"]),
]


@pytest.fixture(scope="session")
def own_ends(tmp_path_factory: pytest.TempPathFactory, run_home: Path, tiny_model: Path) -> Path:
    """The adapter of a run whose turns end with a token that llama.cpp does not know for an end."""
    home = tmp_path_factory.mktemp("ends")
    shutil.copytree(tiny_model, home / "base")
    shutil.copytree(run_home / "runs" / "tuned", home / "run")
    for path in [
        *home.glob("*/*.json"),
        *home.glob("run/adapter/*.json"),
        *home.glob("**/*.jinja"),
    ]:
        text = (
            path.read_text("utf-8")
            .replace("<|im_end|>", "<|over|>")
            .replace(str(tiny_model), str(home / "base"))
        )
        path.write_text(
            text.replace('"eos_token": "<|over|>"', '"eos_token": "<|endoftext|>"'), "utf-8"
        )
    (home / "run" / "card.json").unlink()
    return home / "run" / "adapter"


def test_sabotage_is_caught_and_rolled_back(
    publishing: Path, empty_ollama: Any, own_ends: Path, tmp_path: Path
) -> None:
    ask = ["publish", str(own_ends), "--name", "demo"]
    assert deploy(*ask)[-1]["model"] == "demo:v1"
    before = left_behind(publishing, empty_ollama)
    shown = CliRunner().invoke(workbench, ["deploy", *ask, "--show-modelfile"]).stdout
    edited = tmp_path / "Modelfile"
    checked = 0
    for part, pattern, options in SABOTAGE:
        edited.write_text(re.sub(pattern, "", shown) if pattern else shown, "utf-8")
        assert options or edited.read_text("utf-8") != shown
        failed = deploy(*ask, "--modelfile", str(edited), *options, fails=True)[-1]
        assert (failed["event"], failed["step"]) == ("failed", "prove"), failed
        assert f" {part}: at " in failed["problem"] and failed["fix"], failed
        assert left_behind(publishing, empty_ollama) == before
        checked += 1
    assert checked == 4


class Killed(BaseException):
    """As abrupt as kill -9: nothing that clears away sees it."""


class DyingRegistry(Registry):
    """A registry whose process dies before the n-th call of one method, or right after it."""

    def __init__(self, host: str, method: str, call: int, after: bool) -> None:
        super().__init__(host)
        real, calls = getattr(super(), method), iter(range(1, 1000))

        def dies(*arguments: Any) -> Any:
            last = next(calls) == call
            if last and not after:
                raise Killed(method)
            answer = real(*arguments)
            if last:
                raise Killed(method)
            return answer

        setattr(self, method, dies)


DEATHS = [
    ("push", 1, False),
    ("push", 1, True),
    ("create", 1, True),
    ("render", 3, True),
    ("prompt_tokens", 6, True),
    ("copy", 1, False),
    ("copy", 1, True),
    ("copy", 2, False),
    ("copy", 2, True),
    ("delete", 1, False),
    ("delete", 1, True),
]


def test_killed_at_any_point_and_run_again_it_ends_the_same(
    publishing: Path, empty_ollama: Any, settings: Settings, tmp_path: Path
) -> None:
    settings = load_settings()
    order = Order("tuned", "demo", prompts=3)
    candidate, converted = publishing / "deploy" / "demo" / "candidate", tmp_path / "converted"
    checked = 0
    for method, call, after in DEATHS:
        if converted.exists():  # the conversion is the same each time, and takes the longest
            shutil.copytree(converted, candidate)
        with pytest.raises(Killed, match=method):
            publish(
                order,
                settings,
                lambda event: None,
                DyingRegistry(empty_ollama.url, method, call, after),
            )
        if not converted.exists():
            shutil.copytree(candidate, converted)
        version = publish(order, settings, lambda event: None)
        files, models, weights = left_behind(publishing, empty_ollama)
        point = f"{method} {call} {after}"
        assert models == ["demo:latest", "demo:v1"], point
        assert weights == [f"sha256-{version.card['gguf_sha256']}"], point
        assert files == [
            f"deploy/demo/{name}"
            for name in ("latest", "v1/Modelfile", "v1/card.json", "v1/proof.json")
        ]
        assert deploy("remove", "demo:v1", "--yes")[-1]["latest"] is None
        assert left_behind(publishing, empty_ollama) == ([], [], []), point
        checked += 1
    assert checked == 11


@pytest.mark.parametrize("step", ["convert", "prove"])
def test_a_killed_process_leaves_what_the_next_one_clears_away(
    publishing: Path, empty_ollama: Any, step: str
) -> None:
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
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line)["step"] == step:
                process.kill()
                break
    shown = deploy("publish", "tuned", "--name", "demo", "--system", "Be brief.")[
        -1
    ]  # another plan than the killed one
    files, models, weights = left_behind(publishing, empty_ollama)
    assert models == ["demo:latest", "demo:v1"] and weights == [f"sha256-{shown['gguf_sha256']}"]
    assert [file for file in files if "candidate" in file or "part" in file or "gguf" in file] == []


def test_cancelling_leaves_nothing(publishing: Path, empty_ollama: Any) -> None:
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
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        next(line for line in lines if json.loads(line)["step"] == "convert")
        process.terminate()
        last = json.loads([*lines][-1])
        assert process.wait(20) == 1
    assert (last["event"], last["step"]) == ("failed", "convert") and "cancelled" in last["problem"]
    assert left_behind(publishing, empty_ollama) == ([], [], [])


def test_versions_are_promoted_rolled_back_verified_and_removed(
    publishing: Path, empty_ollama: Any
) -> None:
    registry = Registry(empty_ollama.url)
    for precision in ("f16", "q8_0", "q4_K_M"):
        done = deploy(
            "publish", "tuned", "--name", "demo", "--quantize", precision, "--prompts", "4"
        )[-1]
        assert done["proof"]["passed"] and done["proof"]["precision"] == precision
    assert [(line["model"], line["latest"]) for line in deploy("list")] == [
        ("demo:v3", True),
        ("demo:v2", False),
        ("demo:v1", False),
    ]
    of = registry.digests
    assert of()["demo:latest"] == of()["demo:v3"] != of()["demo:v1"]
    assert deploy("rollback", "demo")[-1]["model"] == "demo:v2"
    assert of()["demo:latest"] == of()["demo:v2"]
    differs = {line["field"] for line in deploy("compare", "demo:v1", "demo:v2")}
    assert {"precision", "gguf_sha256"} <= differs and "base" not in differs
    assert deploy("verify", "demo:v1", "--prompts", "2")[-1]["proof"]["identical"] == 1
    assert deploy("remove", "demo:v2", "--yes")[-1]["latest"] == "demo:v3"
    assert deploy("promote", "demo:v1")[-1]["model"] == "demo:v1"
    assert of()["demo:latest"] == of()["demo:v1"]
    assert deploy("rollback", "demo", fails=True)[-1]["event"] == "failed"
    assert (
        deploy("remove", "demo:v9", "--yes", fails=True)[-1]["fix"]
        == "Published: demo:v3, demo:v1."
    )
    for tag in ("demo:v1", "demo:v3"):
        deploy("remove", tag, "--yes")
    assert left_behind(publishing, empty_ollama) == ([], [], [])
