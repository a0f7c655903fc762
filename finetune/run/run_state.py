"""Run folders and jobs -> what a run is doing now: running, finished, cancelled, failed, interrupted; how far, how long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.run.metrics import read_metrics
from finetune.run.runs import Run, list_runs
from workbench.jobs.job import Job, State, list_jobs
from workbench.settings import Settings

QUIET = (
    30  # seconds without a new line after which a training that no job runs counts as broken off
)


@dataclass(frozen=True)
class RunNow:
    """A run, the newest job that trained it (none where it was trained on the command line), and its state."""

    run: Run
    job: Job | None
    state: State

    def progress(self) -> tuple[int, int, float | None]:
        """(step, steps, seconds left or None where it is not known); steps is 0 before the first step."""
        told = self._told() if self.job else {}
        card = self.run.card
        if told and self.state == "running":
            return told["step"], told["steps"], told.get("left")
        last = max((row["step"] for row in read_metrics(self.run.metrics)), default=0)
        return card.get("step", last), card.get("steps") or told.get("steps", 0), None

    def _told(self) -> dict[str, Any]:
        assert self.job
        return next(
            (event for event in reversed(self.job.output()) if event.get("event") == "progress"), {}
        )


def runs_now(settings: Settings) -> list[RunNow]:
    """Every run of the workspace with its state, newest first."""
    jobs = list_jobs(settings)
    trained = [(job, run_of(job)) for job in jobs]
    return [
        _look(run, [job for job, name in trained if name == run.name])
        for run in list_runs(settings)
    ]


def starting(settings: Settings) -> Job | None:
    """The newest running job that trains and has not made its run folder yet."""
    there = {run.name for run in list_runs(settings)}
    jobs = [job for job in list_jobs(settings) if job.state == "running"]
    return next((job for job in jobs if _trains(job) and run_of(job) not in there), None)


def _trains(job: Job) -> bool:
    return job.command[0] == "demo" or job.command[:2] == ["finetune", "train"]


def run_of(job: Job) -> str:
    """The name of the run that a job trains, of several steps the latest; empty where it trains none."""
    if job.command[:2] == ["finetune", "train"]:
        return _run_named(job.command)
    if job.command[0] != "demo":
        return ""
    told = (
        str(event.get("command", "")).split()
        for event in job.output()
        if event.get("event") == "step"
    )
    named = [_run_named(words[1:]) for words in told if words[1:3] == ["finetune", "train"]]
    return named[-1] if named else ""


def _run_named(command: Sequence[str]) -> str:
    """`finetune train RUN.toml|RUN [--name NAME]` -> the run's name."""
    if "--name" in command:
        return command[list(command).index("--name") + 1]
    return Path(command[2]).name.removesuffix(".toml")


def _look(run: Run, jobs: Sequence[Job]) -> RunNow:
    job = jobs[0] if jobs else None
    state = job.state if job else _state_alone(run)
    if state != "running" and run.finished:
        state = "done"
    elif state == "done":
        state = "interrupted"  # the job ended, the training did not
    return RunNow(run, job, state)


def _state_alone(run: Run) -> State:
    """A run of the command line has no job: what it writes tells that it lives."""
    file = run.metrics if run.metrics.exists() else run.folder / "run.toml"
    return (
        "running"
        if time.time() - file.stat().st_mtime < QUIET and not run.finished
        else "interrupted"
    )
