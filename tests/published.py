"""An empty Ollama, a workspace with one finished run, the deploy command, and its remains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import running_ollama
from tiny_runs import make_run

from deploy.ollama_registry import Registry
from workbench.cli import workbench
from workbench.settings import Settings


@pytest.fixture(scope="session")
def run_home(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with one finished run, `tuned`."""
    home = tmp_path_factory.mktemp("runs")
    make_run(home, tiny_model)
    return home


@pytest.fixture(scope="module")
def empty_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An empty Ollama; `.blobs` is the folder of its weights."""
    folder = tmp_path_factory.mktemp("ollama")
    with running_ollama(folder) as ollama:
        ollama.blobs = folder / "models" / "blobs"
        yield ollama


@pytest.fixture
def publishing(
    settings: Settings, run_home: Path, empty_ollama: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A workspace with the run, set to that server, which is empty again afterwards."""
    settings.folder()
    (settings.home / "runs").symlink_to(run_home / "runs")
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", empty_ollama.url)
    monkeypatch.setenv("WORKBENCH_TEMPERATURE", "0")
    yield settings.home
    registry = Registry(empty_ollama.url)
    for name in registry.digests():
        registry.delete(name)


def deploy(*arguments: str, fails: bool = False) -> list[dict[str, Any]]:
    """The events that `workbench deploy …` prints."""
    done = CliRunner().invoke(workbench, ["deploy", *arguments, "--json"])
    assert bool(done.exit_code) == fails, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def left_behind(workspace: Path, server: Any) -> tuple[list[str], list[str], list[str]]:
    """Files of publishing, models and weights that are there."""
    files = [
        str(path.relative_to(workspace))
        for path in (workspace / "deploy").rglob("*")
        if path.is_file()
    ]
    weights = [path.name for path in server.blobs.iterdir() if path.stat().st_size > 100_000]
    return (
        sorted(file for file in files if not file.endswith(".lock")),
        sorted(Registry(server.url).digests()),
        weights,
    )
