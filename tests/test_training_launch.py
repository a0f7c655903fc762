"""Processes and machines learn what one process learns, end as one, and say why they fail."""

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
from click.testing import CliRunner
from conftest import free_port
from training_fixtures import RUN, run_workbench, start_workbench, write_project

from finetune.run.config import load_config
from finetune.run.metrics import read_metrics
from finetune.run.runs import Run
from finetune.run.sharing import share_rows
from finetune.train import launch, processes
from finetune.train.checkpoints import check_sharing, processes_of
from finetune.train.cluster import Cluster
from workbench.cli import workbench
from workbench.errors import InvalidInput, Unavailable, WorkbenchError

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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose runs `run` and `two` one process and two have trained to the end."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def one(project: Path, home: Path) -> Run:
    return invoke_here(home, project / "run.toml")


@pytest.fixture(scope="module")
def two(project: Path, home: Path) -> Run:
    """Trained where the host's own name has no address, if this machine lets a test do that."""
    program = [*without_an_address(), sys.executable, "-m", "workbench.cli"]
    process = start_workbench(
        home, "finetune", "train", "two.toml", "--json", program=program, cwd=project
    )
    output, errors = process.communicate(timeout=300)
    events = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, errors
    run = Run(home / "runs" / "two")
    assert events[-1] == {"event": "done", "run": str(run.folder)}
    kinds = [event["event"] for event in events]
    assert kinds.count("sample") == 9  # three a checkpoint: by one process, not by each
    assert any(event.get("memory_gb") for event in events)
    return run


def invoke_here(home: Path, *arguments: Any) -> Run:
    """`workbench finetune train` in this process."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKBENCH_HOME", str(home))
        words = ["finetune", "train", *map(str, arguments), "--json"]
        done = CliRunner().invoke(workbench, words)
    assert done.exit_code == 0, done.output
    return Run(Path(json.loads(done.stdout.splitlines()[-1])["run"]))


def broken_off(run: Run, name: str) -> Run:
    """A copy of a finished run, as if it had been killed after its checkpoint of step 8."""
    copy = Run(run.folder.with_name(name))
    shutil.copytree(run.folder, copy.folder)
    shutil.rmtree(copy.checkpoints / "checkpoint-12")
    copy.update_card(finished="")
    return copy


def test_two_processes_learn_what_one_learns_with_the_same_rows_a_step(one: Run, two: Run) -> None:
    assert len(losses(one)) == 12 and losses(two) == pytest.approx(losses(one), abs=1e-4)
    assert two.finished and (two.folder / "loss.png").exists()
    assert (two.adapter / "adapter_model.safetensors").stat().st_size
    assert (two.card["processes"], two.card["parallel"]) == (2, "ddp")
    assert two.card["tokens_per_second"] > 0 and two.card["memory_gb"] > 0


def test_a_checkpoint_goes_on_with_another_number_of_processes(
    one: Run, two: Run, home: Path
) -> None:
    # that of two on one
    alone = broken_off(two, "alone")
    assert alone.last_checkpoint and processes_of(alone.last_checkpoint) == 2
    invoke_here(home, "alone", "--resume", "--processes", "1")
    assert losses(alone) == pytest.approx(losses(two), abs=1e-4)

    # that of one on two machines, which meet at a port of this one
    apart = broken_off(one, "apart")
    cluster = ["--nodes", "2", "--processes", "1", "--rendezvous", f"127.0.0.1:{free_port()}"]
    command = ["finetune", "train", "apart", "--resume", *cluster, "--json"]
    machines = [start_workbench(home, *command, "--rank", str(rank)) for rank in (1, 0)]
    ends = [machine.communicate(timeout=300) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], ends
    waited, *_ = [json.loads(line) for line in ends[0][0].splitlines()]
    assert waited["event"] == "waiting"
    assert losses(apart) == pytest.approx(losses(one), abs=1e-4)
    assert apart.finished and apart.card["processes"] == 2


def test_deepspeed_learns_the_same_and_its_checkpoint_keeps_its_number_of_processes(
    project: Path, two: Run, home: Path, deepspeed: None
) -> None:
    text = TWO.replace("processes = 2", 'processes = 2\nparallel = "zero2"')
    path = project / "zero.toml"
    path.write_text(text.replace("steps = 12", "steps = 2\nschedule = 'constant_with_warmup'"))
    code, _, errors = run_workbench(home, "finetune", "train", str(path), "--json")
    assert code == 0, errors
    run = Run(home / "runs" / "zero")
    assert losses(run)[0] == pytest.approx(losses(two)[0], abs=1e-4)
    assert len(losses(run)) == 2 and (run.adapter / "adapter_model.safetensors").exists()
    assert run.last_checkpoint
    config = load_config(path)
    check_sharing(run.last_checkpoint, config)
    with pytest.raises(InvalidInput, match="written by 2 processes with deepspeed") as raised:
        check_sharing(run.last_checkpoint, share_rows(config, 1))
    assert "--processes 2" in raised.value.fix
    plain = two.last_checkpoint
    assert plain
    check_sharing(plain, share_rows(load_config(project / "two.toml"), 1))
    with pytest.raises(InvalidInput, match="written by 2 processes with ddp"):
        check_sharing(plain, config)


def test_fsdp_on_a_processor_would_be_plain_ddp_and_is_ended(two: Run) -> None:
    """accelerate wraps the model so without a word; `check` refuses it before."""
    run = broken_off(two, "fsdp")
    shutil.rmtree(run.checkpoints)  # none that ddp has written
    run.run_file.write_text(TWO.replace("processes = 2", 'processes = 2\nparallel = "fsdp"'))
    program = [str(Path(__file__).with_name("unchecked_worker.py")), "finetune", "train"]
    with pytest.raises(WorkbenchError, match=r"DistributedDataParallel, and .*FSDPModule"):
        launch.launch(run, Cluster(2), lambda event: None, lambda: False, program)


@pytest.mark.parametrize(
    ("how", "said"), [("error", "process 1 .*no room on the disk"), ("killed", "process 1 .*KILL")]
)
def test_a_process_that_fails_ends_all_with_its_reason_and_its_log(
    how: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAILS_BY", how)
    program = [str(Path(__file__).with_name("failing_worker.py"))]
    with pytest.raises(WorkbenchError, match=said) as raised:
        launch.launch(Run(tmp_path), Cluster(2), lambda event: None, lambda: False, program)
    if how == "error":
        log = tmp_path / "logs" / "rank-1.txt"
        assert str(log) in raised.value.fix
        assert "Traceback" in capsys.readouterr().err and "Traceback" in log.read_text("utf-8")


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
