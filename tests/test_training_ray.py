"""A training as a job of a real Ray cluster of this machine: followed, and stopped with a checkpoint.

Left out where the extra `ray` is not installed; about a minute by hand:

    .venv/bin/uv pip install --python .venv/bin/python -e ".[ray]"
    .venv/bin/python -m pytest tests/test_training_ray.py
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import free_port
from training_fixtures import RUN, run_workbench, start_workbench, write_project

from finetune.run.runs import Run

CLUSTER = (
    "import ray, sys\n"
    "cluster = ray.init(include_dashboard=True, dashboard_host='127.0.0.1', num_cpus=2,\n"
    "    dashboard_port=int(sys.argv[1]), object_store_memory=100_000_000, log_to_driver=False)\n"
    "print(cluster.dashboard_url, flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster's dashboard."""
    if find_spec("ray") is None:
        pytest.skip('the extra `ray` is not installed: uv pip install -e ".[ray]"')
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_AUTH_MODE", "token")
    patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    # not beside a folder named ray, which Ray would import
    empty = tmp_path_factory.mktemp("cluster")
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(free_port())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=empty,
    ) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        yield f"http://{address}"
        process.communicate("")
    patch.undo()


def test_a_training_runs_as_a_ray_job(cluster: str, tmp_path: Path) -> None:
    path = write_project(tmp_path)
    home = tmp_path / "home"
    arguments = ["finetune", "train", str(path), "--on", cluster, "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_AUTH_TOKEN")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        code, events, _ = run_workbench(home, *arguments)
    assert code == 1 and "wants a token" in events[-1]["problem"]
    code, events, errors = run_workbench(home, *arguments)
    assert code == 0, errors
    kinds = [event["event"] for event in events]
    assert kinds[0] == "submitted" and kinds[-1] == "done" and "progress" in kinds
    run = Run(home / "runs" / "run")
    assert run.finished and events[-1]["run"] == str(run.folder)

    # a long one is stopped with the command that follows it
    path.with_name("long.toml").write_text(RUN.replace("steps = 12", "steps = 5000"), "utf-8")
    process = start_workbench(
        home, "finetune", "train", str(path.with_name("long.toml")), "--on", cluster, "--json"
    )
    assert process.stdout
    steps = (json.loads(line).get("step", 0) for line in process.stdout)
    assert any(step > 5 for step in steps)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    long = Run(home / "runs" / "long")
    assert long.last_checkpoint and long.card["step"] > 5
