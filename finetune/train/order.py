"""All that a task needs to make its trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.run.config import RunConfig
from finetune.run.preparation import Report
from finetune.run.runs import Run
from workbench.progress import Plan

PREPARING = "Preparing the training"
TRAINING = "Training"
PLAN = Plan({PREPARING: 1, TRAINING: 9})


@dataclass(frozen=True)
class Order:
    """A training to carry out.

    `base` is the folder of the base model; `taught` and `held_out` are what the task's `prepare`
    gives; `stopped` says whether a person asks to stop.
    """

    run: Run
    config: RunConfig
    base: Path
    taught: Any
    held_out: Any
    report: Report
    stopped: Callable[[], bool]
