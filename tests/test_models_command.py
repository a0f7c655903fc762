"""`workbench models`: downloads with progress that stop and go on, and what each failure says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import free_port
from fake_hub import Hub, running_hub
from recording_ollama import Script, recording_ollama

from workbench.cli import workbench
from workbench.errors import InvalidInput, Unavailable, WorkbenchError
from workbench.jobs.job import Job, start
from workbench.models.fetching import RemoteFile, fetch_files
from workbench.models.hubs import list_half_downloaded
from workbench.models.servers import ModelInfo, list_ollama
from workbench.settings import Settings, load_settings

Lines = list[dict[str, Any]]


def run(*words: str) -> tuple[int, Lines]:
    """Exit status and JSON lines of `workbench models WORDS… --json`."""
    done = CliRunner().invoke(workbench, ["models", *words, "--json"])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def listed() -> Lines:
    """The models of `workbench models list` without those of installed packages."""
    rows = run("list")[1][:-1]
    return [row for row in rows if row["kind"] != "packaged"]


@pytest.fixture
def script() -> Script:
    return Script()


def test_a_pull_says_how_far_it_is_and_the_model_is_listed_and_removed(
    settings: Settings, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_ollama(script) as url:
        monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", url)
        status, lines = run("pull", "qwen3:4b")
        assert (status, lines[-1]) == (0, {"event": "done", "model": "ollama:qwen3:4b"})
        steps = [line["done"] for line in lines if line.get("of") == 100.0]
        assert steps == [20.0, 40.0, 60.0, 80.0, 100.0]
        lines = listed()
        assert [line["name"] for line in lines] == ["ollama:tiny:latest", "ollama:qwen3:4b"]
        assert lines[1]["context_tokens"] == 8192
        assert run("remove", "ollama:qwen3:4b")[1][0]["fix"].startswith("Add --yes")
        assert run("remove", "ollama:qwen3:4b", "--yes")[0] == 0
        assert [line["name"] for line in listed()] == ["ollama:tiny:latest"]
        status, lines = run("remove", "ollama:qwen3:4b", "--yes")
        assert status == 1 and "qwen3:4b" in lines[0]["problem"]
        tried = run("test", "ollama:tiny")[1][0]
        assert tried["tokens_per_second"] == 3.5 and tried["first_token"] >= 0


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("pull model manifest: file does not exist", "There is no model"),
        ("write /m/blobs/x: no space left on device", "no room"),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', "cannot reach its registry"),
        ("requires a newer version of Ollama", "newer Ollama"),
        ("something else", "something else"),
    ],
)
def test_what_ollama_says_of_a_failed_pull_is_said_with_its_fix(
    settings: Settings,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    problem: str,
) -> None:
    script.pull_error = said
    with recording_ollama(script) as url:
        monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", url)
        status, lines = run("pull", "ollama:what")
    assert status == 1
    assert problem in lines[-1]["problem"]
    assert lines[-1]["fix"]


def test_a_server_that_is_down_and_a_name_of_no_hub_are_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", f"127.0.0.1:{free_port()}")
    assert "ollama serve" in run("pull", "qwen3:4b")[1][-1]["fix"]
    assert listed() == []
    assert "is no model's name" in run("pull", "modelscope:a/..")[1][-1]["problem"]
    assert run("connect", "openai", "http://127.0.0.1:9/v1")[1][-1]["fix"].endswith("--name vllm")
    assert "is not a model's name" in run("test", "gpt")[1][-1]["problem"]


def until(wanted: Callable[[], object], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)


def test_a_cancelled_pull_stops_at_the_server(
    settings: Settings, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.pull_steps, script.pull_pause = 1000, 0.05
    with recording_ollama(script) as url:
        monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", url)
        job = start(settings, "pull", ["models", "pull", "--json", "--", "ollama:large"])
        until(lambda: job.last().get("done", 0) > 0)
        job.cancel()
        until(lambda: job.state == "cancelled")
        until(lambda: script.pulls_cut == 1)
        assert job.last()["problem"].startswith("Stopped")
        assert list_ollama(load_settings()) == [
            ModelInfo("ollama:tiny:latest", "digest of tiny:latest", script.size)
        ]


def test_a_hubs_model_goes_on_where_its_download_was_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = os.urandom(6 << 20)
    hub = Hub({"config.json": b"{}", "model.safetensors": weights, "pytorch_model.bin": b"no"})
    hub.pause = 0.2
    with running_hub(hub) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        job = start(settings, "pull", ["models", "pull", "--json", "--", "org/tiny"])
        until(lambda: job.last().get("done", 0) > 1.0)
        assert job.last()["of"] == pytest.approx(len(weights) / 1e6, abs=0.1)
        job.cancel()
        until(lambda: job.state == "cancelled")
        assert list(list_half_downloaded(settings)) == ["org/tiny"]
        assert not (settings.home / "models" / "tiny").exists()
        hub.pause = 0.0
        ended(job.resume())
        assert job.last() == {"event": "done", "model": "local:tiny"}
        lacking = subprocess.run(
            [sys.executable, "-m", "workbench.cli", "models", "pull", "org/none"],
            capture_output=True,
            text=True,
        )
    assert hub.ranges, "it began again"
    folder = settings.home / "models" / "tiny"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == weights
    assert list_half_downloaded(settings) == {}
    assert "has no model org/none" in lacking.stderr
    status, lines = run("pull", "org/tiny")
    assert status == 1 and "already" in lines[-1]["problem"]
    assert run("remove", "local:tiny", "--yes")[0] == 0
    assert not folder.exists()


def test_a_file_that_is_wrong_or_leads_out_is_not_kept(tmp_path: Path) -> None:
    hub = Hub({"config.json": b"{}"})
    with running_hub(hub) as url:
        place = f"{url}/org/tiny/resolve/main/config.json"
        wrong = RemoteFile("config.json", 2, place, "1", sha256="0" * 64)
        with pytest.raises(Unavailable, match="did not arrive"):
            fetch_files("org/tiny", [wrong], tmp_path / "model", {}, lambda line: None)
        out = RemoteFile("../config.json", 2, place, "1")
        with pytest.raises(InvalidInput, match="leads out"):
            fetch_files("org/tiny", [out], tmp_path / "model", {}, lambda line: None)
        huge = RemoteFile("huge.json", 10**15, place, "1")
        with pytest.raises(WorkbenchError, match="no room"):
            fetch_files("org/tiny", [huge], tmp_path / "model", {}, lambda line: None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def ended(job: Job) -> None:
    until(lambda: job.state != "running")


def test_ctrl_c_keeps_what_has_arrived_and_says_so(
    settings: Settings, script: Script, tmp_path: Path
) -> None:
    script.pull_steps, script.pull_pause = 1000, 0.05
    with recording_ollama(script) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli", "models", "pull", "large"],
            env=os.environ | {"WORKBENCH_OLLAMA_HOST": url},
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: "/api/pull" in script.paths)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "What has arrived is kept." in said and "Traceback" not in said
