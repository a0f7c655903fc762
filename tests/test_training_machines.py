"""Machines, processes and GPUs: what is refused, how rows are shared, what is printed and measured."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import free_port
from training_fixtures import RUN, write_project

from finetune.parallel import PARALLEL
from finetune.run.check import check
from finetune.run.config import RunConfig, load_config
from finetune.run.gpus import peak_of
from finetune.run.launch_text import commands, slurm_script
from finetune.run.machine import machine_problems
from finetune.run.runs import Run
from finetune.run.sharing import share_rows
from finetune.train.agent import first_failure
from finetune.train.attention import choose_attention, measure, sample_rows
from finetune.train.cluster import Cluster
from finetune.train.ray_job import train_on_ray
from finetune.train.speed import Meter, operations
from finetune.train.training import find_run_base
from workbench.cli import workbench
from workbench.errors import InvalidInput, Stopped, Unavailable
from workbench.settings import load_settings
from workbench.ui.translation import in_chinese

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("machines"))


def configured(project: Path, training: str = "") -> RunConfig:
    """RUN with more lines under [training]."""
    path = project.with_name("more.toml")
    path.write_text(RUN.replace("batch = 4", f"batch = 4\n{training}"), "utf-8")
    return load_config(path)


@pytest.mark.parametrize(
    ("processes", "batch", "accumulation"), [(1, 4, 4), (2, 4, 2), (4, 4, 1), (8, 2, 1), (16, 1, 1)]
)
def test_a_step_keeps_its_rows_on_any_number_of_processes(
    project: Path, processes: int, batch: int, accumulation: int
) -> None:
    config = configured(project, "processes = 2")
    shared = share_rows(config, processes).training
    assert (shared.processes, shared.batch, shared.accumulation) == (processes, batch, accumulation)
    assert shared.rows_a_step == config.training.rows_a_step == 16


def test_rows_that_cannot_be_shared_evenly_are_refused_with_the_counts_that_can(
    project: Path,
) -> None:
    with pytest.raises(InvalidInput, match="3 processes cannot share the 8 rows") as raised:
        share_rows(configured(project), 3)
    assert "1, 2, 4, 8 processes" in raised.value.fix


def test_check_refuses_what_a_processor_would_do_otherwise_than_asked(project: Path) -> None:
    config = configured(project, 'processes = 2\nparallel = "fsdp"\nliger = true\ncompile = true')
    found = machine_problems(config, gpus=0)
    places = [row["where"] for row in found]
    assert places == ["training.parallel", "training.liger", "training.compile"]
    assert "accelerate takes fsdp for ddp" in found[0]["problem"]
    for row in found:
        assert in_chinese(row["problem"]) != row["problem"]
    # the same on a machine with GPUs; what is not installed stays a problem there
    on_gpus = [row["where"] for row in machine_problems(config, gpus=2)]
    assert "training.parallel" not in on_gpus and "training.compile" not in on_gpus
    assert machine_problems(configured(project, 'parallel = "zero3"'), gpus=0) == []  # one process
    zero3 = configured(project, 'processes = 2\nparallel = "zero3"')
    assert "GPUs only" in machine_problems(zero3, gpus=0)[0]["problem"]
    # and check says it
    (project.with_name("flash.toml")).write_text(
        RUN.replace("batch = 4", 'batch = 4\nattention = "flash"'), "utf-8"
    )
    problems = check(project.with_name("flash.toml")).problems
    assert [row["where"] for row in problems] in (["training.attention"], [])  # [] with a GPU


def test_weights_that_cannot_be_cut_are_not_shared(project: Path) -> None:
    text = RUN.replace("[lora]\nrank = 16\nalpha = 32\ndropout = 0.05", "[prefix]\ntokens = 4")
    text = text.replace("batch = 4", 'batch = 4\nprocesses = 2\nparallel = "fsdp"')
    path = project.with_name("prefix.toml")
    path.write_text(text, "utf-8")
    problems = machine_problems(load_config(path), gpus=2)
    assert problems[0]["problem"] == "fsdp cannot share the weights of prefix"


def test_every_way_to_share_names_what_the_model_becomes() -> None:
    assert list(PARALLEL) == ["ddp", "fsdp", "zero2", "zero3"]
    assert PARALLEL["fsdp"].arguments()["fsdp_config"]["version"] == 2
    for name, stage in (("zero2", 2), ("zero3", 3)):
        settings = PARALLEL[name].arguments()["deepspeed"]
        assert settings["zero_optimization"]["stage"] == stage
        assert PARALLEL[name].wraps == "DeepSpeedEngine"


def test_machines_that_cannot_meet_are_told_at_once() -> None:
    with pytest.raises(InvalidInput, match="no machine 2 of 2"):
        Cluster(1, nodes=2, rank=2, rendezvous="127.0.0.1:1").check()
    with pytest.raises(InvalidInput, match="need a place to meet"):
        Cluster(1, nodes=2).check()
    with pytest.raises(Unavailable, match=r"no-such-host\.invalid.* has no address"):
        Cluster(1, nodes=2, rank=1, rendezvous="no-such-host.invalid:29500").check()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(Unavailable, match="cannot be opened") as raised:
            Cluster(1, nodes=2, rendezvous=place).check()
        assert re.search(r"free port, such as \d+", raised.value.fix)
        Cluster(1, nodes=2, rank=1, rendezvous=place).check()  # only the first opens it
        Cluster(1, nodes=2, rank=1, rendezvous=place).await_first(lambda: False)


def test_a_machine_waits_for_the_first_one_and_can_be_stopped() -> None:
    second = Cluster(2, nodes=2, rank=1, rendezvous=f"127.0.0.1:{free_port()}")
    with pytest.raises(Stopped):
        second.await_first(lambda: True)
    with pytest.raises(Unavailable, match="does not answer") as raised:
        second.await_first(lambda: False, patience=0)
    assert "--rank 0" in raised.value.fix


def test_processes_meet_without_the_name_of_the_host() -> None:
    alone = Cluster(2)
    assert "--rdzv-endpoint=127.0.0.1:0" in alone.torchrun()
    assert alone.environment()["GLOO_SOCKET_IFNAME"] in ("lo", "lo0")
    apart = Cluster(2, nodes=2, rank=1, rendezvous="127.0.0.1:29500")
    assert "--master-addr=127.0.0.1" in apart.torchrun()
    assert not [word for word in apart.torchrun() if "c10d" in word]
    assert apart.environment()["NCCL_SOCKET_IFNAME"] in ("lo", "lo0")  # where that address is
    assert Cluster(0, nodes=2).filled(8).processes == 4


def test_the_first_failure_is_that_of_a_killed_process_and_not_of_those_that_miss_it() -> None:
    def ended(exitcode: int, timestamp: int) -> Any:
        return SimpleNamespace(exitcode=exitcode, timestamp=timestamp)

    assert first_failure({0: ended(1, 100), 1: ended(-9, 100)}) == (1, -9)
    assert first_failure({0: ended(1, 100), 1: ended(-15, 100)}) == (0, 1)
    assert first_failure({1: ended(1, 100), 0: ended(-9, 130)}) == (1, 1)  # killed by torchrun


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_documented_start_of_several_machines_is_what_the_command_prints(language: str) -> None:
    page = (ROOT / "docs" / language / "training.md").read_text("utf-8")
    for extra in ([], ["--slurm"]):
        done = CliRunner().invoke(
            workbench,
            ["finetune", "launch", "roles.toml", "--print", *extra],
            prog_name="workbench",
        )
        assert done.exit_code == 0
        assert f"```\n{done.stdout}```" in page, done.stdout


def test_printed_commands_keep_a_file_name_together(tmp_path: Path) -> None:
    name = "a b'c.toml"
    words = commands(name, 1, 2, "h:1")
    echoed = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {words}"], capture_output=True, text=True, check=True
    )
    assert name in echoed.stdout.splitlines()
    script = slurm_script(name, 2, 4)
    assert "--job-name=a-b-c\n" in script and "--nodes 2 --processes 4" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_only_the_first_process_needs_a_hub(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(project).model_copy(update={"base": "nobody/no-such-model"})
    settings = load_settings(home=tmp_path)
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.update_card(base_folder=str(project.parent / "base"))
    monkeypatch.setenv("RANK", "1")
    assert find_run_base(run, config, settings) == project.parent / "base"
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(Unavailable, match="no-such-model"):
        find_run_base(run, config, settings)


def test_what_is_no_address_of_a_ray_cluster_is_told() -> None:
    with pytest.raises(InvalidInput, match="no address") as raised:
        train_on_ray("localhost:8265", [], 0, print, lambda: False)
    assert "ray://HOST:10001" in raised.value.fix


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H200", 989),
        ("NVIDIA H20", 148),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A10", 125),
        ("NVIDIA L40S", 362),
        ("NVIDIA GeForce RTX 4090", 165),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 0),
        ("NVIDIA RTX A1000", 0),
        ("GPU", 0),
    ],
)
def test_the_peak_of_a_gpu_is_known_by_its_name_or_not_told(name: str, teraflops: float) -> None:
    assert peak_of(name) == teraflops * 1e12


def test_the_meter_tells_the_speed_since_its_last_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.0, 16.0])
    monkeypatch.setattr("finetune.train.speed.time", SimpleNamespace(monotonic=lambda: next(clock)))
    meter = Meter(operations(1_000_000, 500), peak=1e12)
    assert set(meter.read(100)) == {"memory_gb"}  # it only begins
    assert meter.read(300)["tokens_per_second"] == 100
    found = meter.read(1100)
    assert found["tokens_per_second"] == 200
    assert found["of_peak"] == pytest.approx(200 * (4e6 + 1000) / 1e12, abs=1e-4)
    assert found["memory_gb"] > 0


def test_attention_is_measured_on_layers_of_the_base(project: Path) -> None:
    import torch

    config = configured(project, "packing = true")
    rows = sample_rows(config)
    assert len(rows) == 4 and rows[0]["seq_lengths"] == [16] * 4
    base = project.parent / "base"
    seconds = {name: measure(base, name, rows, "cpu", torch.float32) for name in ("sdpa", "eager")}
    assert all(0 < value < 60 for value in seconds.values())
    # one that this machine cannot run loses, and is no error
    assert measure(base, "flash_attention_2", rows, "cpu", torch.bfloat16) == float("inf")
    events: list[dict[str, Any]] = []
    assert choose_attention(config, base, "cpu", torch.float32, events.append) == ""
    asked = configured(project, 'attention = "sdpa"')
    assert choose_attention(asked, base, "cpu", torch.float32, events.append) == "sdpa"
    assert json.dumps(events) == "[]"
