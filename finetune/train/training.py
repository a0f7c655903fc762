"""A run folder and its settings -> what is trained, from the last checkpoint on; for every task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from finetune.run.config import RunConfig
from finetune.run.metrics import draw_loss, forget_after, points_of, read_metrics
from finetune.run.preparation import Report, describe
from finetune.run.runs import Run
from finetune.run.suitability import check_suits
from finetune.tasks import TASKS
from finetune.train.base_model import find_base
from finetune.train.device import dtype_of
from finetune.train.faults import maps_training_errors
from finetune.train.launch import launch
from finetune.train.order import PLAN, PREPARING, Order
from finetune.train.processes import (
    any_of,
    check_rendezvous,
    is_first,
    is_worker,
    wait_for_all,
)
from workbench.contributions import load_place
from workbench.errors import InvalidInput, Stopped
from workbench.extras import check_extra, quiet_transformers
from workbench.files import writing
from workbench.messages import Message, say
from workbench.models.packaged import resolve_base

if TYPE_CHECKING:
    from workbench.settings import Settings

LIBRARIES = ("trl", "peft", "accelerate", "datasets")  # of the extra `train`


def train(
    run: Run, config: RunConfig, settings: Settings, report: Report, stopped: Callable[[], bool]
) -> None:
    """Train to the end. Raises Stopped where it was cancelled; checkpoint and adapter are kept."""
    check_extra("train", LIBRARIES, say("Training"))
    began = time.monotonic()

    # the data and the base, and the card that names them
    stage = {"stage": PREPARING, **PLAN.place(PREPARING)}
    report({"event": "preparing", **stage, "run": str(run.folder)})
    _refuse_problems(config, settings)
    sets = load_place(TASKS[config.task].prepare)(run, config, report)
    base = find_base(resolve_base(config.base_path, settings), settings.folder("models"))
    check_suits(run, config, base)
    if is_first():
        run.update_card(**describe(config, base, sets))

    # several processes: each of them runs this function again, as a worker
    if config.training.processes > 1 and not is_worker():
        launch(run, config.training.processes, report, stopped)
        return
    check_rendezvous()

    order = Order(run, config, base, sets.taught, sets.held_out, report, stopped)
    with maps_training_errors(config):
        trainer = make_trainer(order)
        checkpoint = run.last_checkpoint
        if is_first():
            done = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
            forget_after(run.metrics, done)
        if any_of(stopped()):
            raise Stopped("Cancelled before the first step.", _how_to_resume(run))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if is_first():
            _save_trained(run, trainer)
            _finish(run, trainer.state, time.monotonic() - began)
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


def _refuse_problems(config: RunConfig, settings: Settings) -> None:
    """Raises InvalidInput with the first of what the run's task refuses."""
    place = TASKS[config.task].problems
    problems = load_place(place)(config, settings) if place else []
    if problems:
        first = problems[0]
        what = say("{where}: {problem}", where=first["where"], problem=first["problem"])
        raise InvalidInput(what, first["fix"])


def make_trainer(order: Order) -> Any:
    """The trainer of the run's task, ready to train."""
    if not is_worker():  # one process trains on one GPU, whatever the machine has
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    quiet_transformers()
    task = TASKS[order.config.task]
    return load_place(task.trainer)(order)


def _save_trained(run: Run, trainer: Any) -> None:
    """Adapter or whole model, with its tokenizer; an old one stays until the new one is whole."""
    if hasattr(trainer.model, "peft_config"):
        # an adapter that is the reference is not the run's own
        options: dict[str, Any] = {"save_embedding_layers": False, "selected_adapters": ["default"]}
        folder = run.adapter
    else:
        folder, options = run.model, {}
        trainer.model.to(_precision(trainer.args))
    with writing(folder) as part:
        trainer.model.save_pretrained(str(part), **options)
        trainer.processing_class.save_pretrained(str(part))


def _precision(arguments: Any) -> Any:
    """The type of a whole model's weights in its files: that of the training's arithmetic."""
    if arguments.bf16:
        return dtype_of("bf16")
    return dtype_of("fp16" if arguments.fp16 else "fp32")


def _finish(run: Run, state: Any, seconds: float) -> None:
    """The curve as a picture, and what the card says of an ended or stopped training."""
    draw_loss(run.metrics, run.folder / "loss.png")
    rows = read_metrics(run.metrics)
    losses = points_of(rows, "loss")
    kept = state.best_global_step if run.config().saving.final == "best" else None
    finished = ""
    if state.global_step >= state.max_steps:
        finished = datetime.now(UTC).isoformat(timespec="seconds")
    run.update_card(
        step=state.global_step,
        steps=state.max_steps,
        loss=losses[-1][1] if losses else None,
        eval_loss=state.best_metric,
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
    return {key: value for key, value in chosen.items() if key.startswith(("eval_", "step"))}


def _how_to_resume(run: Run) -> Message:
    return say("Go on with: workbench finetune train {name} --resume", name=run.name)
