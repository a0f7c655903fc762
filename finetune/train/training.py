"""A run folder and its settings -> what is trained, from the last checkpoint on; for every task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from finetune.run.config import RunConfig
from finetune.run.machine import machine_problems
from finetune.run.metrics import draw_loss, forget_after, points_of, read_metrics
from finetune.run.preparation import Report, describe
from finetune.run.runs import Run
from finetune.run.sharing import share_rows
from finetune.run.suitability import check_suits, task_problems
from finetune.tasks import TASKS
from finetune.train.base_model import find_base
from finetune.train.checkpoints import check_sharing
from finetune.train.cluster import Cluster
from finetune.train.faults import maps_training_errors
from finetune.train.launch import launch
from finetune.train.order import PLAN, PREPARING, Order
from finetune.train.processes import (
    all_processes,
    any_of,
    check_rendezvous,
    is_first,
    is_worker,
    wait_for_all,
)
from finetune.train.saving import save_trained
from workbench.contributions import load_place
from workbench.errors import InvalidInput, Stopped
from workbench.extras import check_extra, quiet_transformers
from workbench.messages import Message, say
from workbench.models.packaged import resolve_base

if TYPE_CHECKING:
    from workbench.settings import Settings

LIBRARIES = ("trl", "peft", "accelerate", "datasets")  # of the extra `train`


def train(
    run: Run,
    config: RunConfig,
    settings: Settings,
    report: Report,
    stopped: Callable[[], bool],
    cluster: Cluster | None = None,
) -> None:
    """Train to the end, on the cluster or on the processes of the run file.

    Raises Stopped where it was cancelled; checkpoint and adapter are kept.
    """
    check_extra("train", LIBRARIES, say("Training"))
    began = time.monotonic()
    cluster = cluster or Cluster(config.training.processes)
    config = share_rows(config, all_processes() or cluster.size)

    # the data and the base, and the card that names them
    stage = {"stage": PREPARING, **PLAN.place(PREPARING)}
    report({"event": "preparing", **stage, "run": str(run.folder)})
    _refuse([*machine_problems(config), *task_problems(config, settings)])
    sets = load_place(TASKS[config.task].prepare)(run, config, report)
    base = find_run_base(run, config, settings)
    check_suits(run, config, base)
    if is_first():
        sharing = {"processes": config.training.processes, "parallel": config.training.parallel}
        run.update_card(**describe(config, base, sets), **sharing)

    # several processes: each of them runs this function again, as a worker
    if cluster.size > 1 and not is_worker():
        launch(run, cluster, report, stopped)
        return
    check_rendezvous()

    order = Order(run, config, base, sets.taught, sets.held_out, report, stopped)
    with maps_training_errors(config):
        trainer = make_trainer(order)
        checkpoint = run.last_checkpoint
        if checkpoint:
            check_sharing(checkpoint, config)
        if is_first():
            done = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
            forget_after(run.metrics, done)
        if any_of(stopped()):
            raise Stopped("Cancelled before the first step.", _how_to_resume(run))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        save_trained(run, config, trainer)
        if is_first():
            _finish(run, config, trainer.state, time.monotonic() - began)
        wait_for_all()  # one that ends as cancelled makes torchrun end the first, still saving

    step = trainer.state.global_step
    steps = trainer.state.max_steps
    if step < steps:
        raise Stopped(
            say(
                "Cancelled at step {global_step} of {max_steps}.", global_step=step, max_steps=steps
            ),
            _how_to_resume(run),
        )


def _refuse(problems: Sequence[dict[str, str]]) -> None:
    """Raises InvalidInput with the first of the problems that `check` reports."""
    for row in problems:
        what = say("{where}: {problem}", where=row["where"], problem=row["problem"])
        raise InvalidInput(what, row["fix"])


def find_run_base(run: Run, config: RunConfig, settings: Settings) -> Path:
    """The base's folder. Only the first process may need a hub: the others read its card."""
    known = Path(run.card.get("base_folder") or "")
    if not is_first() and (known / "config.json").exists():
        return known
    return find_base(resolve_base(config.base_path, settings), settings.folder("models"))


def make_trainer(order: Order) -> Any:
    """The trainer of the run's task, ready to train."""
    if not is_worker():  # one process trains on one GPU, whatever the machine has
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    quiet_transformers()
    task = TASKS[order.config.task]
    trainer = load_place(task.trainer)(order)
    from finetune.train.callbacks import Sharing

    trainer.add_callback(Sharing(trainer, order.config))
    return trainer


def _finish(run: Run, config: RunConfig, state: Any, seconds: float) -> None:
    """The curve as a picture, and what the card says of an ended or stopped training."""
    draw_loss(run.metrics, run.folder / "loss.png")
    rows = read_metrics(run.metrics)
    losses = points_of(rows, "loss")
    speeds = [speed for _, speed in points_of(rows, "tokens_per_second")]
    sizes = [size for _, size in points_of(rows, "memory_gb")]
    shares = [share for _, share in points_of(rows, "of_peak")]
    kept = state.best_global_step if config.saving.final == "best" else None
    finished = ""
    if state.global_step >= state.max_steps:
        finished = datetime.now(UTC).isoformat(timespec="seconds")
    run.update_card(
        step=state.global_step,
        steps=state.max_steps,
        loss=losses[-1][1] if losses else None,
        eval_loss=state.best_metric,
        tokens_per_second=round(median(speeds)) if speeds else None,
        memory_gb=max(sizes, default=None),
        of_peak=round(median(shares), 4) if shares else None,
        measured=_measured(rows, kept),
        seconds=round(run.card.get("seconds", 0) + seconds, 1),
        finished=finished,
    )


def _measured(rows: Sequence[dict[str, Any]], step: int | None) -> dict[str, float]:
    """What was measured on the held-out data at that step, else at last."""
    measured = [row for row in rows if "eval_loss" in row]
    if not measured:
        return {}
    at_step = [row for row in measured if row["step"] == step]
    chosen = (at_step or measured)[-1]
    return {key: value for key, value in chosen.items() if key != "epoch"}


def _how_to_resume(run: Run) -> Message:
    return say("Go on with: workbench finetune train {name} --resume", name=run.name)
