"""A run's settings -> the arguments that the trainer of every task takes."""

from __future__ import annotations

from typing import Any

from finetune.run.config import RunConfig
from finetune.run.runs import Run
from finetune.train.hardware import hardware_arguments


def training_arguments(
    run: Run, config: RunConfig, device: str, precision: str, *, measures: bool
) -> dict[str, Any]:
    """Every argument that the tasks share, in one place: TRL's configs of all tasks know them.

    `measures`: whether there is held-out data.
    """
    training = config.training
    saving = config.saving
    return {
        "output_dir": str(run.checkpoints),
        "seed": config.seed,
        "data_seed": config.seed,
        # how long
        "num_train_epochs": training.epochs,
        "max_steps": training.steps or -1,
        # the rows of a step; they are tokenized and masked already
        "per_device_train_batch_size": training.batch,
        "per_device_eval_batch_size": training.batch,
        "gradient_accumulation_steps": training.accumulation,
        "max_length": None,
        "remove_unused_columns": False,
        # the optimizer
        "learning_rate": training.learning_rate,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": training.warmup,  # below 1: a share of the steps
        "weight_decay": training.weight_decay,
        "adam_beta2": training.beta2,
        "max_grad_norm": training.clip,
        **hardware_arguments(config, device, precision),
        # what is written
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # the Reporter refuses a loss that is not a number
        "disable_tqdm": True,
        "report_to": [name for name in saving.report_to if name != "tensorboard"] or "none",
        # when it is measured and saved
        "save_strategy": _strategy(saving.cadence),
        "save_steps": _steps(saving.cadence),
        "save_total_limit": saving.keep,
        "eval_strategy": _strategy(saving.eval_every) if measures else "no",
        "eval_steps": _steps(saving.eval_every),
        "load_best_model_at_end": measures and saving.final == "best",
        "metric_for_best_model": "eval_loss",
    }


def _strategy(cadence: int | str) -> str:
    return "epoch" if cadence == "epoch" else "steps"


def _steps(cadence: int | str) -> int:
    return 1 if cadence == "epoch" else int(cadence)
