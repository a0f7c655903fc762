"""Two processes learn what one learns, end as one, and say why they cannot meet."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import free_port
from training_fixtures import RUN, run_workbench, start_workbench, write_project

from finetune.run.metrics import read_metrics
from finetune.run.runs import Run
from finetune.train import launch, processes
from finetune.train.cluster import Cluster
from workbench.errors import Unavailable, WorkbenchError

SIX_A_STEP = RUN.replace("dropout = 0.05", "dropout = 0.0").replace(
    "accumulation = 2", "accumulation = 1"
)  # of 18 rows
ONE, TWO = (
    SIX_A_STEP.replace("batch = 4", "batch = 6"),
    SIX_A_STEP.replace("batch = 4", "batch = 3\nprocesses = 2"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with base and data, and one run file for each number of processes."""
    folder = write_project(tmp_path_factory.mktemp("launch"), ONE).parent
    (folder / "two.toml").write_text(TWO, "utf-8")
    (folder / "long.toml").write_text(TWO.replace("steps = 12", "steps = 5000"), "utf-8")
    return folder


def losses(run: Run) -> list[float]:
    return [row["loss"] for row in read_metrics(run.metrics) if "loss" in row]


def begin_long(home: Path, project: Path, *resume: str) -> tuple[Any, list[psutil.Process]]:
    """A long training on two processes that has taken a few steps, and those processes."""
    process = start_workbench(
        home, "finetune", "train", str(project / "long.toml"), *resume, "--json"
    )
    assert process.stdout
    steps = (json.loads(line).get("step", 0) for line in process.stdout)
    assert any(step > 5 for step in steps)
    family = psutil.Process(process.pid).children(recursive=True)
    workers = [
        one
        for one in family
        if "finetune.train.worker" in one.cmdline() and "finetune.train.agent" not in one.cmdline()
    ]
    assert len(workers) == 2
    return process, workers


def without_an_address() -> list[str]:
    """The start of a command line that gives its host a name without an address; else empty."""
    name = f"hostname nowhere-{free_port()}.invalid"
    command = ["unshare", "--uts", "--map-root-user", "sh", "-c", f'{name} && exec "$@"', "sh"]
    able = (
        sys.platform == "linux"
        and shutil.which("unshare")
        and not subprocess.run([*command, "true"]).returncode
    )
    return command if able else []


def test_two_processes_learn_what_one_learns_with_the_same_rows_a_step(
    project: Path, tmp_path: Path
) -> None:
    told = []
    for name, before in (("run", []), ("two", without_an_address())):
        workbench = [*before, sys.executable, "-m", "workbench.cli"]
        process = start_workbench(
            tmp_path, "finetune", "train", f"{name}.toml", "--json", program=workbench, cwd=project
        )
        output, errors = process.communicate(timeout=300)
        events = [json.loads(line) for line in output.splitlines()]
        assert process.returncode == 0, errors
        assert events[-1] == {"event": "done", "run": str(tmp_path / "runs" / name)}
        told.append([event["event"] for event in events])
    one, two = Run(tmp_path / "runs" / "run"), Run(tmp_path / "runs" / "two")
    assert len(losses(one)) == 12 and losses(two) == pytest.approx(losses(one), abs=1e-4)
    assert told[1].count("sample") == told[0].count("sample") > 0  # by one process, not by each
    assert two.finished and (two.folder / "loss.png").exists()
    assert (two.adapter / "adapter_model.safetensors").stat().st_size


def test_all_processes_stop_at_one_step_when_cancelled_and_end_when_their_command_is_killed(
    project: Path, tmp_path: Path
) -> None:
    process, workers = begin_long(tmp_path, project)
    code, events, _ = run_workbench(
        tmp_path, "finetune", "train", str(project / "long.toml"), "--replace", "--json"
    )
    assert code == 1 and "being trained right now" in events[-1]["problem"]
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    assert json.loads(output.splitlines()[-1])["event"] == "cancelled"
    assert not [worker for worker in workers if worker.is_running()]
    run = Run(tmp_path / "runs" / "long")
    step = run.card["step"]
    assert run.last_checkpoint and run.last_checkpoint.name == f"checkpoint-{step}"
    assert (run.adapter / "adapter_model.safetensors").exists()
    process, workers = begin_long(tmp_path, project, "--resume")
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    assert len(losses(run)) > step and run.last_checkpoint


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process as the first of two that some launcher has started."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_meeting_place_that_does_not_resolve_is_named(launched: pytest.MonkeyPatch) -> None:
    launched.setenv("MASTER_ADDR", "no-such-host.invalid")
    with pytest.raises(Unavailable, match=r"no-such-host\.invalid.* has no address") as raised:
        processes.check_rendezvous()
    assert "--master-addr" in raised.value.fix


def test_a_port_that_is_taken_is_named_unless_another_process_opens_it(
    launched: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        launched.setenv("MASTER_PORT", str(port))
        with pytest.raises(Unavailable, match=f"Port {port}") as raised:
            processes.check_rendezvous()
        assert "--master-port" in raised.value.fix
        launched.setenv("RANK", "1")
        processes.check_rendezvous()
        launched.setenv("RANK", "0")
        launched.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
        processes.check_rendezvous()


def test_other_processes_wait_until_the_first_has_prepared_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(Unavailable, match="has not prepared"):
        processes.await_run(run, patience=0)
    run.update_card(name="x")
    assert processes.await_run(run, patience=0) is run
    assert time.time() - (tmp_path / "card.json").stat().st_mtime < 60


def test_what_a_process_fails_with_is_what_the_command_fails_with(tmp_path: Path) -> None:
    run = Run(tmp_path / "nowhere")
    with pytest.raises(WorkbenchError, match="There is no run"):
        launch.launch(run, Cluster(2), lambda event: None, lambda: False)
