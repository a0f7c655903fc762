"""`workbench ask` and `workbench doctor`: what they print, their exit status, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import free_port
from fastapi.testclient import TestClient

from agents.api.app import make_app
from workbench.chat.events import from_dict
from workbench.cli import workbench
from workbench.settings import Settings, load_settings

WORKBENCH = [sys.executable, "-m", "workbench.cli"]


@pytest.fixture
def handbook(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A workspace with one file in its collection, and no model."""
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", f"127.0.0.1:{free_port()}")
    (tmp_path / "leave.md").write_text(
        "# Leave\n\nEmployees have 28 days of annual leave.\n", "utf-8"
    )
    done = CliRunner().invoke(
        workbench, ["rag", "ingest", str(tmp_path / "leave.md"), "--collection", "handbook"]
    )
    assert done.exit_code == 0, done.output
    return settings


def test_json_prints_one_event_a_line(handbook: Settings) -> None:
    shown = CliRunner().invoke(
        workbench, ["ask", "How many days of leave?", "--mode", "documents", "--json"]
    )
    assert shown.exit_code == 0, shown.output
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds[0] == "routed" and kinds[-1] == "done" and {"source", "token"} <= set(kinds)
    assert len([from_dict(line) for line in lines]) == len(lines)
    assert lines[-1]["model"] == "none"


def test_plain_output_is_the_text_then_its_sources(handbook: Settings) -> None:
    shown = CliRunner().invoke(workbench, ["ask", "How many days of leave?"])
    assert shown.exit_code == 0
    assert "28 days of annual leave. [1]" in shown.stdout
    assert shown.stdout.index("28 days") < shown.stdout.index("leave.md")
    assert "Traceback" not in shown.output


def test_where_nobody_has_chosen_the_collection_that_exists_is_asked(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", f"127.0.0.1:{free_port()}")

    def run(*words: str) -> str:
        return CliRunner().invoke(workbench, words).output

    for name, text in (("ships", "The ferry is 90 metres long."), ("lamps", "The lamp is red.")):
        (tmp_path / f"{name}.md").write_text(text, "utf-8")
        run("rag", "ingest", str(tmp_path / f"{name}.md"), "--collection", name)
    assert "lamp is red" in run("ask", "Which colour is the lamp?")
    with TestClient(make_app(load_settings()), base_url="http://127.0.0.1") as client:
        question = [{"role": "user", "content": "Which colour is the lamp?"}]
        sent = {"model": "workbench-auto", "messages": question}
        told = client.post("/v1/chat/completions", json=sent).json()
    assert "lamp is red" in told["choices"][0]["message"]["content"]
    monkeypatch.setenv("WORKBENCH_COLLECTION", "ships")
    assert "lamp is red" not in run("ask", "Which colour is the lamp?")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "ollama:nothing"],
        ["--model", "gpt"],
        ["--mode", "poetry"],
        ["--collection", "nowhere"],
    ],
)
def test_a_failure_is_the_last_line_and_the_exit_status(
    handbook: Settings, arguments: list[str]
) -> None:
    shown = CliRunner().invoke(workbench, ["ask", "How many days of leave?", "--json", *arguments])
    assert shown.exit_code == 1
    last = json.loads(shown.stdout.splitlines()[-1])
    assert last["event"] == "failed" and last["problem"] and last["fix"]
    plain = CliRunner().invoke(workbench, ["ask", "How many days of leave?", *arguments])
    assert plain.exit_code == 1
    assert "Problem:" in plain.stderr and "Fix:" in plain.stderr and "Traceback" not in plain.output


def test_a_greeting_goes_to_nobody_who_names_what_can_be_asked(handbook: Settings) -> None:
    shown = CliRunner().invoke(workbench, ["ask", "hello", "--json"])
    assert shown.exit_code == 0, shown.output
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert lines[0]["event"] == "routed" and lines[0]["mode"] == "none"
    said = "".join(line["text"] for line in lines if line["event"] == "token")
    assert "handbook" in said and lines[-1]["model"] == "none"


def test_the_turns_before_are_seen_as_on_the_page(handbook: Settings, tmp_path: Path) -> None:
    file = tmp_path / "turns.json"
    turns = [
        {"role": "user", "content": "How many days of annual leave do employees have?"},
        {"role": "assistant", "content": "28 days.", "mode": "documents"},
    ]
    file.write_text(json.dumps(turns), "utf-8")
    ask = ["ask", "And how many of leave?", "--json"]
    alone = CliRunner().invoke(workbench, [*ask, "--model", "none"])
    after = CliRunner().invoke(workbench, [*ask, "--model", "none", "--history", str(file)])
    assert json.loads(after.stdout.splitlines()[0])["mode"] == "documents"
    reasons = [json.loads(run.stdout.splitlines()[0])["reason"] for run in (alone, after)]
    assert "goes on" in reasons[1] and reasons[0] != reasons[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "There is no file"),
        ("{broken", "is not JSON"),
        ('{"role": "user"}', "holds no list of turns"),
        ('["hello"]', "Turn 1"),
        ('[{"role": "system", "content": "x"}]', "has the role system"),
        ('[{"role": "user", "content": 3}]', "no text as its content"),
        ('[{"role": "user", "content": "x"}, {"role": "user", "content": "y", "mode": "z"}]', "z"),
    ],
)
def test_a_wrong_history_is_a_clear_error(
    text: str | None, problem: str, handbook: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "turns.json"
    if text is not None:
        file.write_text(text, "utf-8")
    shown = CliRunner().invoke(workbench, ["ask", "Hello?", "--history", str(file)])
    assert shown.exit_code == 1 and "Traceback" not in shown.output
    assert problem in shown.stderr and "Fix:" in shown.stderr


def test_wrong_usage_is_status_two() -> None:
    assert CliRunner().invoke(workbench, ["ask"]).exit_code == 2


def test_ctrl_c_stops_cleanly(handbook: Settings, tiny_model: Path) -> None:
    environment = {**os.environ, "WORKBENCH_CONTEXT_TOKENS": "2048"}
    command = [
        *WORKBENCH,
        "ask",
        "How many days of leave?",
        "--model",
        f"local:{tiny_model}",
        "--json",
    ]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert json.loads(process.stdout.readline())["event"] == "routed"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped." in errors and "Traceback" not in errors


def test_doctor_names_every_part_and_its_fix(handbook: Settings) -> None:
    begun = time.monotonic()
    shown = CliRunner().invoke(workbench, ["doctor", "--json"])
    assert time.monotonic() - begun < 10
    assert shown.exit_code == 0, shown.output
    findings = {
        line["what"]: line for line in map(json.loads, shown.stdout.splitlines()) if "what" in line
    }
    assert {
        "Python",
        "Embedder",
        "Ollama",
        "Chat models",
        "Disk",
        "Memory",
        "OCR",
        "Workspace",
    } <= findings.keys()
    assert findings["Ollama"]["state"] == "missing" and "ollama serve" in findings["Ollama"]["fix"]
    assert findings["Chat models"]["state"] == "missing"


def test_doctor_fails_where_the_workspace_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "workspace"))
    shown = CliRunner().invoke(workbench, ["doctor"])
    assert shown.exit_code == 1
    assert "WORKBENCH_HOME" in shown.output
