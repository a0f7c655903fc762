"""What jobs of this package have made, for the panel of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both

PAGE = "finetune/ui/training.py"
RUN = "shown_run"  # the selector of a run
VIEW = "training_view"
DATA = "training_data"
BASE = "training_base"
TASK = "training_task"
VOCABULARY = "shown_vocabulary"  # the selector of an extended base


def made_by_training(job: Job) -> Made | None:
    """The run, of a training and of the demo alike."""
    run = job.last().get("run")
    if not run:
        return None
    name = Path(run).name
    text = both(f"The run {name} is trained.", f"训练 {name} 已完成。")
    return Made(text, PAGE, {VIEW: "runs", RUN: name})


def made_by_samples(job: Job) -> Made:
    """The run, which shows its samples."""
    name = job.command[2]
    text = both(f"Samples of {name} are made.", f"{name} 的样例已生成。")
    return Made(text, PAGE, {VIEW: "runs", RUN: name})


def made_by_scoring(job: Job) -> Made:
    """The run, which shows its scores."""
    name = job.command[2]
    text = both(f"{name} is scored.", f"{name} 已评分。")
    return Made(text, PAGE, {VIEW: "runs", RUN: name})


def open_pretraining(path: str) -> None:
    """A new training on that file of texts."""
    chosen = {VIEW: "new", DATA: Path(path), TASK: "pretrain"}
    Made("", PAGE, chosen).open()


def made_by_augment(job: Job) -> Made:
    """The file of questions."""
    path = Path(job.command[job.command.index("--out") + 1])
    return _for_new_run(path.name, DATA, path)


def made_by_make_base(job: Job) -> Made:
    """The small base."""
    path = Path(job.command[2])
    return _for_new_run(path.name, BASE, str(path))


def made_by_vocabulary(job: Job) -> Made | None:
    """The extended base."""
    last = job.last()
    if "folder" not in last:
        return None
    before, after = last["chars_per_token_before"], last["chars_per_token_after"]
    name = Path(last["folder"]).name
    text = both(
        f"{name} has {last['added']} new tokens: {before:.2f} → {after:.2f} characters a token.",
        f"{name} 新增 {last['added']} 个词元：每词元字符数 {before:.2f} → {after:.2f}。",
    )
    return Made(text, PAGE, {VIEW: "vocabulary", VOCABULARY: last["folder"]})


def _for_new_run(name: str, key: str, value: Any) -> Made:
    return Made(both(f"{name} is ready.", f"{name} 已就绪。"), PAGE, {VIEW: "new", key: value})
