"""A killed or cancelled training is resumed, and ends where an undisturbed one ends."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from training_fixtures import RUN, run_workbench, start_workbench, write_project

from finetune.run.metrics import read_metrics
from finetune.run.runs import Run

LONG = RUN.replace("steps = 12", "steps = 40")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("resume"), LONG)


@pytest.fixture(scope="module")
def undisturbed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run from begin to end."""
    home = tmp_path_factory.mktemp("home")
    code, events, errors = run_workbench(home, "finetune", "train", str(project), "--json")
    assert code == 0, errors
    assert events[-1] == {"event": "done", "run": str(home / "runs" / "run")}
    steps = [event["step"] for event in events if event["event"] == "progress"]
    assert steps == sorted(steps) and steps[-1] == events[-2].get("steps", 40)
    return Run(home / "runs" / "run")


def stop_at(
    home: Path, project: Path, step: int, number: signal.Signals
) -> tuple[int, list[dict[str, Any]]]:
    """Train until that step is told, then send the signal."""
    process = start_workbench(home, "finetune", "train", str(project), "--json")
    assert process.stdout
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1].get("step", 0) >= step:
            process.send_signal(number)
            break
    output, _ = process.communicate()
    return process.returncode, events + [json.loads(line) for line in output.splitlines()]


def losses(run: Run) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_metrics(run.metrics) if "loss" in row]


def test_a_killed_run_ends_with_the_loss_of_an_undisturbed_one(
    project: Path, undisturbed: Run, tmp_path: Path
) -> None:
    code, _ = stop_at(tmp_path, project, 18, signal.SIGKILL)
    assert code == -signal.SIGKILL
    run = Run(tmp_path / "runs" / "run")
    assert run.last_checkpoint and not run.finished and not run.adapter.exists()
    (
        run.checkpoints / "checkpoint-36"
    ).mkdir()  # killed while writing one: no trainer_state.json in it
    before = losses(run)[-1][0]
    code, events, errors = run_workbench(tmp_path, "finetune", "train", str(project), "--json")
    assert code == 0, errors
    first = next(
        event["step"] for event in events if event["event"] == "progress" and "loss" in event
    )
    assert 1 < first <= before + 1
    again, whole = losses(run), losses(undisturbed)
    assert [step for step, _ in again] == list(range(1, 41)) == [step for step, _ in whole]
    assert abs(again[-1][1] - whole[-1][1]) < 1e-4
    assert max(abs(one[1] - other[1]) for one, other in zip(again, whole, strict=True)) < 1e-4
    assert run.card["eval_loss"] == pytest.approx(undisturbed.card["eval_loss"], abs=1e-4)


def test_sigterm_saves_a_checkpoint_and_a_usable_adapter(
    project: Path, undisturbed: Run, tmp_path: Path
) -> None:
    code, events = stop_at(tmp_path, project, 6, signal.SIGTERM)
    assert code == 143
    assert events[-1]["event"] == "cancelled" and "--resume" in events[-1]["fix"]
    run = Run(tmp_path / "runs" / "run")
    assert (run.adapter / "adapter_model.safetensors").exists() and (
        run.adapter / "tokenizer.json"
    ).exists()
    stopped_at = run.card["step"]
    assert run.last_checkpoint and run.last_checkpoint.name == f"checkpoint-{stopped_at}"
    code, events, _ = run_workbench(
        tmp_path, "finetune", "score", "run", "--data", str(project.parent / "eval.jsonl"), "--json"
    )
    assert code == 0 and events[-1]["rows"] == 6
    shutil.rmtree(project.parent / "elsewhere", ignore_errors=True)
    code, events, errors = run_workbench(tmp_path, "finetune", "train", "run", "--resume", "--json")
    assert code == 0, errors
    assert losses(run)[-1][1] == pytest.approx(losses(undisturbed)[-1][1], abs=1e-4)
    assert run.finished
