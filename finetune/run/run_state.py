"""Run folders and jobs -> what each run is doing now: its state, how far, how long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.run.metrics import read_metrics
from finetune.run.runs import Run, list_runs, run_at
from workbench.jobs.job import Job, State, list_jobs
from workbench.settings import Settings

# seconds without a new line after which a training without a job counts as broken off
QUIET = 30


@dataclass(frozen=True)
class RunNow:
    """A run, its state, and the newest job that trained it (None on the command line)."""

    run: Run
    job: Job | None
    state: State

    def progress(self) -> tuple[int, int, float | None]:
        """(step, steps, seconds left or None if unknown); steps is 0 before the first step."""
        latest = _last_progress(self.job) if self.job else {}
        if latest and self.state == "running":
            return latest["step"], latest["steps"], latest.get("left")
        card = self.run.card
        rows = read_metrics(self.run.metrics)
        last = max((row["step"] for row in rows), default=0)
        steps = card.get("steps") or latest.get("steps", 0)
        return card.get("step", last), steps, None


def runs_now(settings: Settings) -> list[RunNow]:
    """Every run of the workspace with its state, newest first.

    A run that has just been started is among them before it has a folder.
    """
    newest: dict[str, Job] = {}
    for job in list_jobs(settings):  # newest first
        newest.setdefault(run_of(job), job)
    made = list_runs(settings)
    names = {run.name for run in made}
    begun = [
        RunNow(run_at(settings, name), job, "running")
        for name, job in newest.items()
        if name and name not in names and job.state == "running"
    ]
    return [*begun, *(_look(run, newest.get(run.name)) for run in made)]


def starting(settings: Settings) -> Job | None:
    """The newest running job that will train, and has not come to that yet."""
    for job in list_jobs(settings):
        if job.state == "running" and _trains(job) and not run_of(job):
            return job
    return None


def run_of(job: Job) -> str:
    """The name of the run that a job trains, of several steps the latest; empty without one."""
    if _is_train(job.command):
        return _run_named(job.command)
    named = ""
    if job.command[0] == "demo":  # its steps are command lines: workbench finetune train …
        for event in job.output():
            if event.get("event") == "step":
                words = str(event.get("command", "")).split()[1:]
                if _is_train(words):
                    named = _run_named(words)
    return named


def _trains(job: Job) -> bool:
    return job.command[0] == "demo" or _is_train(job.command)


def _is_train(command: Sequence[str]) -> bool:
    return list(command[:2]) == ["finetune", "train"]


def _run_named(command: Sequence[str]) -> str:
    """`finetune train RUN.toml|RUN [--name NAME]` -> the run's name."""
    if "--name" in command:
        return command[list(command).index("--name") + 1]
    return Path(command[2]).name.removesuffix(".toml")


def _look(run: Run, job: Job | None) -> RunNow:
    state = job.state if job else _state_alone(run)
    if state != "running" and run.finished:
        state = "done"
    elif state == "done":
        state = "interrupted"  # the job ended, the training did not
    return RunNow(run, job, state)


def _state_alone(run: Run) -> State:
    """A run of the command line has no job; as long as it lives it writes."""
    file = run.metrics if run.metrics.exists() else run.run_file
    age = time.time() - file.stat().st_mtime
    return "running" if age < QUIET and not run.finished else "interrupted"


def _last_progress(job: Job) -> dict[str, Any]:
    for event in reversed(job.output()):
        if event.get("event") == "progress":
            return event
    return {}
